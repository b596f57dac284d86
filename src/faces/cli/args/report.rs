//! The arguments of `report`: days, grouping, zone.

use chrono::{Days, NaiveDate};
use clap::Args;

use super::wrong;
use crate::board::report::GroupBy;
use crate::spend::Zone;

/// The arguments of `report`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportArgs {
    /// First day [default: 30 days up to the last]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub since: Option<DayArg>,
    /// Last day, which counts [default: today]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub until: Option<DayArg>,
    /// What a row stands for: day, source, account, provider, model, project, session [default: day]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_group)]
    by: Vec<GroupBy>,
    /// Zone of the days, such as Europe/Berlin [default: the config's]
    #[arg(long, value_name = "ZONE", value_parser = parse_zone)]
    pub tz: Option<Zone>,
    /// Tell electricity too, an estimated range; `spendbar energy` says how it is reckoned
    #[arg(long)]
    pub energy: bool,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

/// A day as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayArg {
    /// `2026-11-24`.
    On(NaiveDate),
    /// So many days before today: `today` is 0, `yesterday` 1, `7d` 6.
    Before(u32),
}

impl ReportArgs {
    /// What can be told without knowing today.
    pub(super) fn check(&self) -> Result<(), clap::Error> {
        match (self.since, self.until) {
            (Some(DayArg::On(since)), Some(DayArg::On(until))) if since > until => {
                Err(backwards(since, until))
            }
            _ => Ok(()),
        }
    }

    /// First and last local day, both inclusive.
    ///
    /// # Errors
    /// The last day lies before the first: wrong usage.
    pub fn days(&self, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), clap::Error> {
        days_between(self.since, self.until, today)
    }

    /// What rows are grouped by, in the order typed, each once.
    pub fn by(&self) -> Vec<GroupBy> {
        let mut by = Vec::new();
        for group in &self.by {
            if !by.contains(group) {
                by.push(*group);
            }
        }
        if by.is_empty() { vec![GroupBy::Day] } else { by }
    }
}

impl DayArg {
    /// The calendar day, for somebody who lives on `today`.
    pub fn resolve(self, today: NaiveDate) -> NaiveDate {
        match self {
            Self::On(day) => day,
            Self::Before(days) => {
                today.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN)
            }
        }
    }
}

/// First and last local day, both inclusive; 30 of them where nothing else is said.
///
/// # Errors
/// The last day lies before the first: wrong usage.
pub(super) fn days_between(
    since: Option<DayArg>,
    until: Option<DayArg>,
    today: NaiveDate,
) -> Result<(NaiveDate, NaiveDate), clap::Error> {
    let until = until.map_or(today, |day| day.resolve(today));
    let since = since.map_or_else(|| DayArg::Before(29).resolve(until), |day| day.resolve(today));
    if since > until { Err(backwards(since, until)) } else { Ok((since, until)) }
}

pub(super) fn backwards(since: NaiveDate, until: NaiveDate) -> clap::Error {
    wrong(format!("--since {since} lies after --until {until}"))
}

/// A day as people write it: `2026-11-24`, `today`, `yesterday`, or `7d` for the first of the last
/// seven, today included.
///
/// # Errors
/// It is none of these; the text says how to write one.
pub fn parse_day(text: &str) -> Result<DayArg, String> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        && text.len() == 10
    {
        return Ok(DayArg::On(day));
    }
    let days = |text: &str| text.strip_suffix('d')?.parse::<u32>().ok()?.checked_sub(1);
    match text {
        "today" => Ok(DayArg::Before(0)),
        "yesterday" => Ok(DayArg::Before(1)),
        other => days(other)
            .filter(|days| *days < 100_000)
            .map(DayArg::Before)
            .ok_or_else(|| "write a day as 2026-11-24, today, yesterday or 7d".into()),
    }
}

/// What rows are grouped by, by its word.
///
/// # Errors
/// There is no such word; the text lists them.
pub fn parse_group(text: &str) -> Result<GroupBy, String> {
    match text.trim() {
        "day" => Ok(GroupBy::Day),
        "source" => Ok(GroupBy::Source),
        "account" => Ok(GroupBy::Account),
        "provider" => Ok(GroupBy::Provider),
        "model" => Ok(GroupBy::Model),
        "project" => Ok(GroupBy::Project),
        "session" => Ok(GroupBy::Session),
        _ => Err("write some of day,source,account,provider,model,project,session".into()),
    }
}

pub(super) fn parse_zone(text: &str) -> Result<Zone, String> {
    text.parse().map_err(|_| "write a name such as Europe/Berlin or UTC".into())
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::tests::{command, refused};
    use super::*;

    fn report(line: &str) -> ReportArgs {
        match command(line) {
            Command::Report(report) => report,
            other => panic!("{other:?}"),
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect(text)
    }

    #[test]
    fn days_are_resolved_against_today() {
        let today = day("2026-11-24");
        for (line, first, last) in [
            ("report", "2026-10-26", "2026-11-24"),
            ("report --since 7d", "2026-11-18", "2026-11-24"),
            ("report --since yesterday --until yesterday", "2026-11-23", "2026-11-23"),
            ("report --since 1d", "2026-11-24", "2026-11-24"),
            ("report --until 2026-03-30", "2026-03-01", "2026-03-30"),
            ("report --since 2026-01-01 --until today", "2026-01-01", "2026-11-24"),
        ] {
            assert_eq!(report(line).days(today).expect(line), (day(first), day(last)), "{line}");
        }
        let backwards = report("report --since today --until yesterday").days(today);
        assert_eq!(backwards.expect_err("backwards").exit_code(), 2);
        refused("report --since 2026-03-02 --until 2026-03-01");
        for wrong in ["0d", "d", "-1d", "2026-02-30", "26-1-1", "tomorrow", "99999999999d"] {
            assert!(refused(&format!("report --since={wrong}")).contains("2026-11-24"), "{wrong}");
        }
    }

    #[test]
    fn grouping_keeps_its_order_and_drops_repeats() {
        assert_eq!(report("report").by(), [GroupBy::Day]);
        assert_eq!(
            report("report --by model,day,model --by session").by(),
            [GroupBy::Model, GroupBy::Day, GroupBy::Session]
        );
        assert!(refused("report --by nonsense").contains("day,source,account,provider"));
        assert!(refused("report --tz Nowhere/Land").contains("Europe/Berlin"));
    }
}
