//! Days as several commands take them: from a day, to a day, or a month.

use chrono::{Months, NaiveDate};
use clap::Args;

use super::reconcile::{MonthArg, parse_month};
use super::report::{DayArg, backwards, parse_day};

/// Which days.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanArgs {
    /// First day [default: 30 days up to the last]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    since: Option<DayArg>,
    /// Last day, which counts [default: today]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    until: Option<DayArg>,
    /// A month instead: 2026-11, this or last
    #[arg(long, value_name = "MONTH", value_parser = parse_month, conflicts_with_all = ["since", "until"])]
    month: Option<MonthArg>,
}

impl SpanArgs {
    /// First and last local day, both inclusive. A month that is not over ends today.
    ///
    /// # Errors
    /// The last day lies before the first: wrong usage.
    pub fn days(&self, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), clap::Error> {
        if let Some(month) = self.month {
            let first = month.first_day(today);
            let next = first.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
            let last = next.pred_opt().unwrap_or(first);
            return Ok((first, if first <= today { last.min(today) } else { last }));
        }
        let until = self.until.map_or(today, |day| day.resolve(today));
        let since =
            self.since.map_or_else(|| DayArg::Before(29).resolve(until), |day| day.resolve(today));
        if since > until { Err(backwards(since, until)) } else { Ok((since, until)) }
    }
}
