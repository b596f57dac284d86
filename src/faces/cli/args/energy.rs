//! The arguments of `energy`: which days.

use clap::Args;

use super::SpanArgs;

/// The arguments of `energy`.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnergyArgs {
    /// Which days.
    #[command(flatten)]
    pub span: SpanArgs,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}
