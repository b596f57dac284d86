//! The arguments of `reconcile`: which month, how much of it.

use chrono::{Datelike, Months, NaiveDate};
use clap::Args;

/// The arguments of `reconcile`.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReconcileArgs {
    /// The month: 2026-11, this or last [default: this]
    #[arg(long, value_name = "MONTH", value_parser = parse_month)]
    month: Option<MonthArg>,
    /// Every day, also those on which both sides agree
    #[arg(long)]
    pub all: bool,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

/// A month as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonthArg {
    /// Its first day.
    On(NaiveDate),
    /// So many months before this one.
    Before(u32),
}

impl ReconcileArgs {
    /// The first day of the month, on a UTC day.
    pub fn first_day(&self, today: NaiveDate) -> NaiveDate {
        self.month.unwrap_or_default().first_day(today)
    }
}

impl Default for MonthArg {
    fn default() -> Self {
        Self::Before(0)
    }
}

impl MonthArg {
    /// The first day of the month, for somebody who lives on `today`.
    pub fn first_day(self, today: NaiveDate) -> NaiveDate {
        let this = today.with_day(1).unwrap_or(today);
        match self {
            Self::On(first) => first,
            Self::Before(months) => this.checked_sub_months(Months::new(months)).unwrap_or(this),
        }
    }
}

pub(super) fn parse_month(text: &str) -> Result<MonthArg, String> {
    let first = || NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok();
    match text {
        "this" => Ok(MonthArg::Before(0)),
        "last" => Ok(MonthArg::Before(1)),
        _ if text.len() == 7 => {
            first().map(MonthArg::On).ok_or_else(|| "there is no such month".into())
        }
        _ => Err("write a month as 2026-11, this or last".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::tests::{command, refused};
    use super::*;

    #[test]
    fn a_month_is_resolved_against_today() {
        let today: NaiveDate = "2026-01-31".parse().expect("day");
        for (line, first) in [
            ("reconcile", "2026-01-01"),
            ("reconcile --month this", "2026-01-01"),
            ("reconcile --month last --all", "2025-12-01"),
            ("reconcile --month 2026-11 --json", "2026-11-01"),
        ] {
            let Command::Reconcile(args) = command(line) else { panic!("{line}") };
            assert_eq!(args.first_day(today).to_string(), first, "{line}");
        }
        for wrong in ["2026-13", "2026-1", "november", "26-11", "2026-11-01"] {
            refused(&format!("reconcile --month {wrong}"));
        }
    }
}
