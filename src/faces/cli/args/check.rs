//! `check`: whether spend is within budgets, for scripts.

use std::path::PathBuf;

use clap::Args;

use super::parse_amount;
use crate::spend::{Cycle, Glob, Money};

/// The arguments of `check`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct CheckArgs {
    /// Check this budget only; may come several times [default: every budget]
    #[arg(long = "budget", value_name = "NAME", conflicts_with = "max")]
    pub budgets: Vec<String>,
    /// Check this limit in US dollars instead of the budgets
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount)]
    pub max: Option<Money>,
    /// The time that --max is for; as in `budget set` [default: day]
    #[arg(long, value_name = "TIME", requires = "max")]
    pub per: Option<Cycle>,
    /// Count work in this folder and below it only; `.` is the folder you are in
    #[arg(long, value_name = "FOLDER", requires = "max")]
    pub project: Option<PathBuf>,
    /// Count this source only
    #[arg(long, value_name = "ID", requires = "max")]
    pub source: Option<String>,
    /// Count this model only; * is any text
    #[arg(long, value_name = "NAME", requires = "max", value_parser = parse_glob)]
    pub model: Option<Glob>,
    /// Do not look at agents' logs first. While Spendbar runs it never does, for it knows them.
    #[arg(long)]
    pub no_look: bool,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

fn parse_glob(text: &str) -> Result<Glob, String> {
    Glob::new(text).map_err(|error| error.msg.to_owned())
}
