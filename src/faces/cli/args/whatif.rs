//! The arguments of `whatif`: what is to be otherwise, and on which days.

use std::path::PathBuf;

use clap::Args;

use super::SpanArgs;
use crate::board::whatif::Factor;

/// The arguments of `whatif`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct WhatIfArgs {
    /// Fast mode and priority tiers off
    #[arg(long)]
    pub no_fast: bool,
    /// Every request to this model, as price lists name it: gpt-5.5 or openai/gpt-5.5
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Every price times a factor: 2x, 0.8x
    #[arg(long, value_name = "FACTOR")]
    pub scale: Option<Factor>,
    /// The prices in a TOML file of [[price]] rows, as the config has them
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Everything through the batch interface
    #[arg(long)]
    pub batch: bool,
    /// Nothing from a prompt cache
    #[arg(long)]
    pub no_cache: bool,
    /// All usage on this plan in the place of those there are, by its id in `plan offers`; for
    /// several plans several times
    #[arg(long = "plan", value_name = "OFFER")]
    pub plans: Vec<String>,
    /// Which days.
    #[command(flatten)]
    pub span: SpanArgs,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}
