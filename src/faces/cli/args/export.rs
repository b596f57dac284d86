//! The arguments of `export`: what for, which days, where to.

use std::path::PathBuf;

use chrono::{Days, Months, NaiveDate};
use clap::{Args, ValueEnum};

use super::reconcile::{MonthArg, parse_month};
use super::report::{DayArg, backwards, parse_day, parse_zone};
use super::wrong;
use crate::spend::Zone;

/// The arguments of `export`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ExportArgs {
    /// What is written
    #[arg(value_enum)]
    pub format: Format,
    /// First day
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    since: Option<DayArg>,
    /// Last day, which counts [default: today]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    until: Option<DayArg>,
    /// A whole month: 2026-11, this or last
    #[arg(long, value_name = "MONTH", value_parser = parse_month, conflicts_with_all = ["since", "until"])]
    month: Option<MonthArg>,
    /// The file to write; without it, standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Tell the folders that were worked in; they stay out unless you say so
    #[arg(long)]
    pub projects: bool,
    /// Zone of the days, such as Europe/Berlin [default: the config's]
    #[arg(long, value_name = "ZONE", value_parser = parse_zone)]
    pub tz: Option<Zone>,
}

/// What an export is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for spreadsheets: a row for each day, source, account, provider and model
    Csv,
    /// The same rows for programs, with sums and notes; amounts are texts with every digit
    Json,
    /// FOCUS 1.0, for FinOps tools: UTC days, what could not be told is said on standard error
    Focus,
    /// A month to print or to send: one HTML file that needs nothing else
    Statement,
    /// A picture to show around, 1200 x 630 PNG, without names of folders, accounts or private models
    Card,
}

impl ExportArgs {
    /// What can be told without knowing today.
    pub(super) fn check(&self) -> Result<(), clap::Error> {
        if self.format == Format::Focus && self.tz.is_some() {
            return Err(wrong("FOCUS is in UTC: leave --tz out"));
        }
        if self.format == Format::Card && self.projects {
            return Err(wrong("a card tells no folders: leave --projects out"));
        }
        match (self.since, self.until) {
            (Some(DayArg::On(since)), Some(DayArg::On(until))) if since > until => {
                Err(backwards(since, until))
            }
            _ => Ok(()),
        }
    }

    /// First and last day, both inclusive.
    ///
    /// # Errors
    /// The last day lies before the first: wrong usage.
    pub fn days(&self, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), clap::Error> {
        let is_by_month = matches!(self.format, Format::Focus | Format::Statement);
        let month = match (self.month, self.since, self.until) {
            (Some(month), ..) => Some(month),
            (None, None, None) if is_by_month => Some(MonthArg::Before(0)),
            _ => None,
        };
        if let Some(month) = month {
            let first = month.first_day(today);
            let next = first.checked_add_months(Months::new(1));
            let last = next.and_then(|next| next.checked_sub_days(Days::new(1)));
            return Ok((first, last.unwrap_or(first)));
        }
        let until = self.until.map_or(today, |day| day.resolve(today));
        let since =
            self.since.map_or_else(|| DayArg::Before(29).resolve(until), |day| day.resolve(today));
        if since > until { Err(backwards(since, until)) } else { Ok((since, until)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::tests::{command, refused};
    use super::*;

    #[test]
    fn days_are_a_month_or_a_span() {
        let today: NaiveDate = "2026-03-15".parse().expect("day");
        for (line, first, last) in [
            ("export csv", "2026-02-14", "2026-03-15"),
            ("export card", "2026-02-14", "2026-03-15"),
            ("export focus", "2026-03-01", "2026-03-31"),
            ("export statement", "2026-03-01", "2026-03-31"),
            ("export statement --month last", "2026-02-01", "2026-02-28"),
            ("export json --month 2028-02", "2028-02-01", "2028-02-29"),
            ("export focus --since 7d", "2026-03-09", "2026-03-15"),
            ("export csv --since 2026-01-01 --until yesterday", "2026-01-01", "2026-03-14"),
        ] {
            let Command::Export(args) = command(line) else { panic!("{line}") };
            let (from, to) = args.days(today).expect(line);
            assert_eq!((from.to_string(), to.to_string()), (first.into(), last.into()), "{line}");
        }
        for wrong in [
            "export",
            "export xml",
            "export csv --month 2026-03 --since 7d",
            "export csv --month march",
            "export csv --since 2026-03-02 --until 2026-03-01",
        ] {
            refused(wrong);
        }
        assert!(refused("export focus --tz Europe/Berlin").contains("UTC"));
        assert!(refused("export card --projects").contains("folders"));
    }
}
