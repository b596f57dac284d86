//! `budget`: the arguments.

use clap::{Args, Subcommand};

use super::{JsonArg, parse_amount};
use crate::budgets::Basis;
use crate::spend::{Currency, Cycle, Money};

const ALL: &str = "all";

/// `budget ...`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum BudgetCommand {
    /// Add a budget, or change the one of that name
    #[command(after_help = "\
Without --name, the budget goes by the word of its period. What you leave out stays as it is.

Examples:
  spendbar budget set 200 --per day
  spendbar budget set 3000 --per month --threshold 50,90,100
  spendbar budget set 25.50 --per week --name side-project --source codex")]
    Set(Box<BudgetSetArgs>),
    /// Raise a budget's amount, rounded up to a whole cent
    Raise {
        /// Its name, as `budget list` shows it
        name: String,
        /// By how much
        #[arg(long, value_name = "PERCENT", default_value = "25%", value_parser = parse_percent)]
        by: u32,
    },
    /// Every budget
    List(JsonArg),
    /// Remove a budget from the config
    Remove {
        /// Its name, as `budget list` shows it
        name: String,
    },
}

/// The arguments of `budget set`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct BudgetSetArgs {
    /// The limit: 200 or 200.50
    #[arg(value_parser = parse_amount)]
    pub amount: Money,
    /// The time it is for: day, week (from Monday), month, "week from sunday", "month from 15",
    /// "5 hours", "30 days", or "2026-11-01 to 2027-06-30"
    #[arg(long, value_name = "TIME")]
    pub per: Cycle,
    /// Its name
    #[arg(long, value_parser = parse_name)]
    pub name: Option<String>,
    /// Speak at this percentage; may come several times [default: 50, 80, 100]
    #[arg(long = "threshold", value_name = "N", value_delimiter = ',',
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    thresholds: Vec<u32>,
    /// Count this source only; may come several times; `all` for every source
    #[arg(long = "source", value_name = "ID", value_delimiter = ',', value_parser = parse_source)]
    sources: Vec<String>,
    /// The currency of the limit, one that [rates] of the config has [default: USD]
    #[arg(long, value_name = "CODE")]
    pub currency: Option<Currency>,
    /// The figure it counts [default: spend]
    #[arg(long, value_name = "FIGURE", value_parser = parse_basis)]
    pub basis: Option<Basis>,
    /// Add what the period before left over
    #[arg(long, value_name = "YES", num_args = 0..=1, default_missing_value = "true")]
    pub rollover: Option<bool>,
    /// Count this provider only; this list and those below may come several times
    #[arg(long = "provider", value_name = "ID", value_delimiter = ',')]
    providers: Vec<String>,
    /// Count this account only
    #[arg(long = "account", value_name = "NAME", value_delimiter = ',')]
    accounts: Vec<String>,
    /// Count this model only; * is any text
    #[arg(long = "model", value_name = "NAME", value_delimiter = ',')]
    models: Vec<String>,
    /// Count work in this folder and below it only; `.` is the folder you are in
    #[arg(long = "project", value_name = "FOLDER")]
    projects: Vec<String>,
    /// Count this session only
    #[arg(long = "session", value_name = "ID", value_delimiter = ',')]
    sessions: Vec<String>,
}

impl BudgetSetArgs {
    /// Percent, ascending; `None` when not given.
    pub fn thresholds(&self) -> Option<Vec<u32>> {
        let mut thresholds = self.thresholds.clone();
        thresholds.sort_unstable();
        thresholds.dedup();
        (!thresholds.is_empty()).then_some(thresholds)
    }

    /// Source ids; empty is all of them; `None` when not given.
    pub fn sources(&self) -> Option<Vec<String>> {
        if self.sources.is_empty() {
            return None;
        }
        let mut sources = Vec::new();
        for id in &self.sources {
            if id == ALL {
                return Some(Vec::new());
            }
            if !sources.contains(id) {
                sources.push(id.clone());
            }
        }
        Some(sources)
    }

    /// The further lists that were given, by their names in the config.
    pub fn lists(&self) -> Vec<(&'static str, Vec<String>)> {
        let folders = self.projects.iter().map(|folder| whole(folder)).collect();
        [
            ("providers", self.providers.clone()),
            ("accounts", self.accounts.clone()),
            ("models", self.models.clone()),
            ("projects", folders),
            ("sessions", self.sessions.clone()),
        ]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(list, names)| if names == [ALL] { (list, Vec::new()) } else { (list, names) })
        .collect()
    }
}

/// A folder as logs name it; what begins with `~` or a wildcard is left to the config.
fn whole(folder: &str) -> String {
    if folder.starts_with(['~', '*']) || folder == ALL {
        return folder.to_owned();
    }
    let path = std::path::Path::new(folder);
    let absolute = path.canonicalize().or_else(|_| std::path::absolute(path));
    absolute.map_or_else(|_| folder.to_owned(), |path| path.display().to_string())
}

fn parse_basis(text: &str) -> Result<Basis, String> {
    [Basis::Spend, Basis::List, Basis::Billed, Basis::Paid]
        .into_iter()
        .find(|basis| basis.word() == text)
        .ok_or_else(|| "write spend, list, billed or paid".into())
}

fn parse_percent(text: &str) -> Result<u32, String> {
    match text.trim_end_matches('%').trim_end().parse() {
        Ok(percent @ 1..=1000) => Ok(percent),
        _ => Err("write percent from 1 to 1000, such as 25%".into()),
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err("write a name of at least one character".into());
    }
    Ok(name.to_owned())
}

fn parse_source(text: &str) -> Result<String, String> {
    // Which sources there are is known when the config is.
    let is_of_ids = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-@".contains(c);
    if !text.is_empty() && text.chars().all(is_of_ids) {
        return Ok(text.to_owned());
    }
    Err(format!("write {ALL}, or an id that `spendbar sources` shows"))
}
