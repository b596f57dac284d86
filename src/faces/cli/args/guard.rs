//! The arguments of `guard`.

use chrono::NaiveTime;
use clap::{Args, Subcommand};

use super::JsonArg;

/// `guard ...`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum GuardCommand {
    /// Which agents have the hook, the limits, and whether agents may go on
    Status(JsonArg),
    /// Put the hook into an agent's settings: shows the change and asks first
    Install(GuardChangeArgs),
    /// Take the hook out of an agent's settings: shows the change and asks first
    Uninstall(GuardChangeArgs),
    /// Let agents go on for a while, whatever they have spent
    #[command(after_help = "\
Examples:
  spendbar guard allow --for 1h
  spendbar guard allow --until tomorrow
  spendbar guard allow --until 18:30
  spendbar guard allow --off")]
    Allow(AllowArgs),
}

/// The arguments of `guard install` and `guard uninstall`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct GuardChangeArgs {
    /// The agent's id, as `spendbar guard` shows it
    pub agent: String,
    /// Make the change without asking
    #[arg(long)]
    pub yes: bool,
    /// Show the change and leave
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
}

/// The arguments of `guard allow`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[group(required = true, multiple = false)]
pub struct AllowArgs {
    /// For this long: 30m, 1h, 1h30m, at most 7d
    #[arg(long = "for", value_name = "TIME", value_parser = parse_minutes)]
    pub minutes: Option<i64>,
    /// Until then: tomorrow, or a time of day as 18:30
    #[arg(long, value_name = "WHEN", value_parser = parse_until)]
    pub until: Option<Until>,
    /// No longer
    #[arg(long)]
    pub off: bool,
}

/// Until when agents may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The end of the local day.
    Tomorrow,
    /// The next time that the clock shows this.
    Time(NaiveTime),
}

const MINUTES_A_DAY: i64 = 24 * 60;
const LONGEST_MINUTES: i64 = 7 * MINUTES_A_DAY;

fn parse_minutes(text: &str) -> Result<i64, String> {
    let wrong = || "write a time such as 30m, 1h or 1h30m, at most 7d".to_owned();
    let (mut minutes, mut number) = (0_i64, String::new());
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let of_unit = match c {
            'm' => 1,
            'h' => 60,
            'd' => MINUTES_A_DAY,
            _ => return Err(wrong()),
        };
        let count: i64 = number.parse().map_err(|_| wrong())?;
        number.clear();
        minutes = count
            .checked_mul(of_unit)
            .and_then(|part| minutes.checked_add(part))
            .ok_or_else(wrong)?;
    }
    let is_right = number.is_empty() && (1..=LONGEST_MINUTES).contains(&minutes);
    if is_right { Ok(minutes) } else { Err(wrong()) }
}

fn parse_until(text: &str) -> Result<Until, String> {
    if text == "tomorrow" {
        return Ok(Until::Tomorrow);
    }
    let time = NaiveTime::parse_from_str(text, "%H:%M");
    time.map(Until::Time).map_err(|_| "write tomorrow, or a time of day as 18:30".into())
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::tests::{command, refused};
    use super::*;

    fn allow(line: &str) -> AllowArgs {
        match command(line) {
            Command::Guard { command: Some(GuardCommand::Allow(allow)) } => allow,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_time_is_typed_as_people_write_it() {
        for (text, minutes) in
            [("30m", 30), ("1h", 60), ("1h30m", 90), ("2d", 2880), ("7d", 10_080)]
        {
            let line = format!("guard allow --for {text}");
            assert_eq!(allow(&line).minutes, Some(minutes), "{text}");
        }
        assert_eq!(allow("guard allow --until tomorrow").until, Some(Until::Tomorrow));
        let half_past = NaiveTime::from_hms_opt(18, 30, 0).map(Until::Time);
        assert_eq!(allow("guard allow --until 18:30").until, half_past);
        assert!(allow("guard allow --off").off);
        for wrong in [
            "guard allow",
            "guard allow --for 0m",
            "guard allow --for 1",
            "guard allow --for 8d",
            "guard allow --for h",
            "guard allow --for 9999999999999999999d",
            "guard allow --for 1h --off",
            "guard allow --until 25:00",
            "guard install",
            "guard install codex --yes --dry-run",
        ] {
            refused(wrong);
        }
    }

    #[test]
    fn without_a_word_it_tells_how_things_are() {
        assert!(matches!(command("guard"), Command::Guard { command: None }));
    }
}
