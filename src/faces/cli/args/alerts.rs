//! `alerts ...`.

use clap::{Args, Subcommand};

use crate::spend::SnoozeFor;

/// The arguments of `alerts`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AlertsArgs {
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
    /// What to do instead of listing them.
    #[command(subcommand)]
    pub command: Option<AlertsCommand>,
}

/// What `alerts` does besides listing them.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum AlertsCommand {
    /// Send a test to the desktop and to every hook and webhook, and say what came of it
    Test,
    /// Keep all but critical alerts back: for 1h, until tomorrow, or no longer (off)
    #[command(after_help = "\
What is held back is told in one notification when the snooze is over.

Examples:
  spendbar alerts snooze 1h
  spendbar alerts snooze tomorrow --budget daily
  spendbar alerts snooze off                       end every snooze")]
    Snooze {
        /// 1h, tomorrow or off
        #[arg(value_name = "HOW", value_parser = parse_how)]
        how: SnoozeFor,
        /// Only this budget's alerts
        #[arg(long, value_name = "NAME")]
        budget: Option<String>,
    },
}

fn parse_how(text: &str) -> Result<SnoozeFor, String> {
    match text {
        "1h" => Ok(SnoozeFor::Hour),
        "tomorrow" => Ok(SnoozeFor::Tomorrow),
        "off" => Ok(SnoozeFor::Off),
        _ => Err("write 1h, tomorrow or off".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{command, refused};
    use super::super::{BudgetCommand, Command};
    use super::*;

    #[test]
    fn alerts_are_listed_tested_or_snoozed() {
        let alerts = |line: &str| match command(line) {
            Command::Alerts(args) => args,
            other => panic!("{other:?}"),
        };
        assert_eq!(alerts("alerts"), AlertsArgs::default());
        assert!(alerts("alerts --json").json);
        assert_eq!(alerts("alerts test").command, Some(AlertsCommand::Test));
        assert_eq!(
            alerts("alerts snooze tomorrow --budget daily").command,
            Some(AlertsCommand::Snooze { how: SnoozeFor::Tomorrow, budget: Some("daily".into()) })
        );
        for wrong in ["alerts snooze", "alerts snooze 2d", "alerts --json test"] {
            refused(wrong);
        }
    }

    #[test]
    fn a_raise_is_a_percentage() {
        let raise = |line: &str| match command(line) {
            Command::Budget(BudgetCommand::Raise { name, by }) => (name, by),
            other => panic!("{other:?}"),
        };
        assert_eq!(raise("budget raise daily"), ("daily".into(), 25));
        assert_eq!(raise("budget raise daily --by 50%"), ("daily".into(), 50));
        assert_eq!(raise("budget raise daily --by 10"), ("daily".into(), 10));
        for wrong in ["budget raise", "budget raise daily --by 0", "budget raise daily --by x%"] {
            refused(wrong);
        }
    }
}
