//! `plan`: the arguments.

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::reconcile::{MonthArg, parse_month};
use super::{JsonArg, parse_amount};
use crate::plans::Every;
use crate::spend::{Currency, Money};

/// `plan ...`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum PlanCommand {
    /// Every plan, and what it is worth
    List(JsonArg),
    /// Plans that can be taken by name, with their fees
    Offers(JsonArg),
    /// Add a plan, or change the one of that name
    #[command(after_help = "\
What you leave out stays as it is, or as the offer has it.

Examples:
  spendbar plan set --offer claude-max-20x --start 2026-11-05
  spendbar plan set \"Codex at work\" --fee 25 --per month --agent codex
  spendbar plan set \"Claude Max 20x\" --end 2026-12-31")]
    Set(Box<PlanSetArgs>),
    /// Remove a plan from the config
    Remove {
        /// Its name, as `plan list` shows it
        name: String,
    },
    /// What other plans, and paying per token, would have cost on a month's usage
    #[command(after_help = "\
Fees are those of whole months, and what counts beyond them is list price. Where the limits of a
plan are not known, they are taken to hold all of the usage: the answer says so.

Examples:
  spendbar plan compare
  spendbar plan compare --month last --json")]
    Compare(CompareArgs),
}

/// The arguments of `plan set`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct PlanSetArgs {
    /// Its name [default: that of the offer]
    #[arg(value_parser = parse_name, required_unless_present = "offer")]
    pub name: Option<String>,
    /// A plan that `plan offers` shows
    #[arg(long, value_name = "ID")]
    pub offer: Option<String>,
    /// The fee: 20 or 17.50; 0 for none
    #[arg(long, value_name = "AMOUNT", value_parser = parse_fee)]
    pub fee: Option<Money>,
    /// The currency of the fee
    #[arg(long, value_name = "CODE")]
    pub currency: Option<Currency>,
    /// How often it is due: month, "month from 15", year, week [default: month, from the start on]
    #[arg(long, value_name = "TIME")]
    pub per: Option<Every>,
    /// The first day: 2026-11-05
    #[arg(long, value_name = "DAY")]
    pub start: Option<NaiveDate>,
    /// The last day
    #[arg(long, value_name = "DAY")]
    pub end: Option<NaiveDate>,
    /// Whose usage it covers; this list and those below may come several times
    #[arg(long = "agent", value_name = "ID", value_delimiter = ',')]
    pub agents: Vec<String>,
    /// Whose account it is
    #[arg(long = "account", value_name = "NAME", value_delimiter = ',')]
    pub accounts: Vec<String>,
    /// Covers this model only; * is any text
    #[arg(long = "model", value_name = "NAME", value_delimiter = ',')]
    pub models: Vec<String>,
    /// What counts beyond the fee: billed, nothing, or list (with --included)
    #[arg(long, value_name = "RULE", value_parser = ["billed", "nothing", "list"])]
    pub overage: Option<String>,
    /// What the fee includes at list prices
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount)]
    pub included: Option<Money>,
}

/// The arguments of `plan compare`.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompareArgs {
    /// The month: 2026-11, this or last [default: this]
    #[arg(long, value_name = "MONTH", value_parser = parse_month)]
    month: Option<MonthArg>,
    /// Every mix, not only the cheapest
    #[arg(long)]
    pub all: bool,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

impl CompareArgs {
    /// The first day of the month, on a local day.
    pub fn first_day(&self, today: NaiveDate) -> NaiveDate {
        self.month.unwrap_or_default().first_day(today)
    }
}

fn parse_fee(text: &str) -> Result<Money, String> {
    let plain = text.strip_prefix('$').unwrap_or(text);
    match Money::parse(plain, Currency::USD) {
        Ok(amount) if amount.attos >= 0 => Ok(amount),
        _ => Err("write an amount such as 20 or 17.50, or 0".into()),
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err("write a name of at least one character".into());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::tests::{command, refused};
    use super::*;

    #[test]
    fn a_plan_says_only_what_was_typed() {
        let set = |line: &str| match command(line) {
            Command::Plan(PlanCommand::Set(set)) => set,
            other => panic!("{other:?}"),
        };
        let plan = set("plan set --offer claude-max-20x --start 2026-11-05");
        assert_eq!((plan.name, plan.fee), (None, None));
        assert_eq!(plan.start.map(|day| day.to_string()), Some("2026-11-05".into()));
        let plan = set("plan set mine --fee 0 --agent codex,cursor --overage list --included 20");
        assert_eq!(plan.agents, ["codex", "cursor"]);
        assert_eq!(plan.fee.map(|fee| fee.attos), Some(0));
        refused("plan set");
        refused("plan set mine --fee -3");
        refused("plan set mine --per fortnight");
        refused("plan set mine --overage some");
        refused("plan compare --month 2026-13");
    }
}
