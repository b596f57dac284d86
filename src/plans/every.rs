//! How often a fee is due, and how it is spread over the days it is for.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::spend::cycle::{month_from, weekday};

/// How often a fee is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// Each week, on this day.
    Week(Weekday),
    /// Each month, on this day (1 to 31); in a shorter month on its last.
    Month(u32),
    /// Each year, on this month (1 to 12) and day; on the last day of a shorter February.
    Year(u32, u32),
}

impl Every {
    /// The calendar's: from Monday, from the first of a month, from the first of January.
    pub const MONTH: Self = Self::Month(1);

    /// The period that holds `day`: its first day, and the first day after it.
    pub fn holding(&self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
        match *self {
            Self::Week(from) => {
                let first = day.week(from).first_day();
                (first, first.checked_add_days(Days::new(7)).unwrap_or(NaiveDate::MAX))
            }
            Self::Month(from) => month_from(day, from),
            Self::Year(month, from) => {
                let this = anniversary(day.year(), month, from);
                let first =
                    if this <= day { this } else { anniversary(day.year() - 1, month, from) };
                (first, anniversary(first.year() + 1, month, from))
            }
        }
    }

    /// The same, due on the day of the week, month or year that `day` is.
    pub fn from_day(self, day: NaiveDate) -> Self {
        match self {
            Self::Week(_) => Self::Week(day.weekday()),
            Self::Month(_) => Self::Month(day.day()),
            Self::Year(..) => Self::Year(day.month(), day.day()),
        }
    }

    /// What such a period is called.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Week(_) => "week",
            Self::Month(_) => "month",
            Self::Year(..) => "year",
        }
    }
}

fn anniversary(year: i32, month: u32, day: u32) -> NaiveDate {
    // Only the 29th of February is missing in some years.
    let before = (1..=day).rev().find_map(|day| NaiveDate::from_ymd_opt(year, month, day));
    before.unwrap_or(NaiveDate::MAX)
}

/// What falls on day `index` (from 0) of `days` when an amount is spread over them. The parts are
/// as even as whole attos can be, and sum up to the amount.
pub fn part(amount: i128, index: i64, days: i64) -> i128 {
    let days = i128::from(days.max(1));
    let index = i128::from(index);
    let (each, rest) = (amount.div_euclid(days), amount.rem_euclid(days));
    each + rest * (index + 1) / days - rest * index / days
}

/// `week`, `week from sunday`, `month`, `month from 15`, `year`, `year from 03-15`.
impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Week(Weekday::Mon) => f.write_str("week"),
            Self::Week(day) => write!(f, "week from {}", weekday(*day)),
            Self::Month(1) => f.write_str("month"),
            Self::Month(day) => write!(f, "month from {day}"),
            Self::Year(1, 1) => f.write_str("year"),
            Self::Year(month, day) => write!(f, "year from {month:02}-{day:02}"),
        }
    }
}

/// How often a fee can't be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write \"month\", \"month from 15\", \"year\", \"year from 03-15\", \"week\" or \
     \"week from sunday\""
)]
pub struct NotSoOften;

impl FromStr for Every {
    type Err = NotSoOften;

    fn from_str(text: &str) -> Result<Self, NotSoOften> {
        let words: Vec<_> = text.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["week"] => Ok(Self::Week(Weekday::Mon)),
            ["week", "from", day] => day.parse().map(Self::Week).map_err(|_| NotSoOften),
            ["month"] => Ok(Self::MONTH),
            ["month", "from", day] => {
                let day = day.parse().ok().filter(|day| (1..=31).contains(day));
                day.map(Self::Month).ok_or(NotSoOften)
            }
            ["year"] => Ok(Self::Year(1, 1)),
            // Any leap year has all days that there are.
            ["year", "from", day] => {
                let day = NaiveDate::parse_from_str(&format!("2024-{day}"), "%Y-%m-%d");
                day.map(|day| Self::Year(day.month(), day.day())).map_err(|_| NotSoOften)
            }
            _ => Err(NotSoOften),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect(text)
    }

    #[test]
    fn periods_begin_where_they_are_told_to() {
        for (every, of, first, end) in [
            ("week", "2026-11-28", "2026-11-23", "2026-11-30"),
            ("week from sunday", "2026-11-28", "2026-11-22", "2026-11-29"),
            ("month", "2026-02-28", "2026-02-01", "2026-03-01"),
            ("month from 31", "2026-02-28", "2026-02-28", "2026-03-31"),
            ("month from 15", "2026-01-14", "2025-12-15", "2026-01-15"),
            ("year", "2028-02-29", "2028-01-01", "2029-01-01"),
            ("year from 02-29", "2027-02-28", "2027-02-28", "2028-02-29"),
            ("year from 02-29", "2027-02-27", "2026-02-28", "2027-02-28"),
        ] {
            let period = every.parse::<Every>().expect(every).holding(day(of));
            assert_eq!(period, (day(first), day(end)), "{every} {of}");
        }
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in ["", "day", "months", "month from 32", "month from 0", "year from 13-01"] {
            assert_eq!(text.parse::<Every>(), Err(NotSoOften), "{text}");
        }
    }

    fn any_every() -> impl Strategy<Value = Every> {
        prop_oneof![
            (0_u8..7).prop_map(|day| Every::Week(Weekday::try_from(day).expect("a day"))),
            (1_u32..=31).prop_map(Every::Month),
            (0_i64..366).prop_map(|days| {
                let day = day("2024-01-01") + chrono::Duration::days(days);
                Every::Year(day.month(), day.day())
            }),
        ]
    }

    proptest! {
        #[test]
        fn every_day_is_in_one_period_and_the_next_begins_where_it_ends(
            every in any_every(),
            at in 0_i64..36_500,
        ) {
            let at = day("2000-01-01") + chrono::Duration::days(at);
            let (first, end) = every.holding(at);
            prop_assert!(first <= at && at < end);
            prop_assert_eq!(every.holding(end).0, end);
            prop_assert_eq!(every.holding(first), (first, end));
            prop_assert_eq!(every.to_string().parse(), Ok(every));
        }

        #[test]
        fn the_parts_are_even_and_sum_up_to_the_amount(amount in 0_i128..10_i128.pow(30), days in 1_i64..=366) {
            let parts: Vec<i128> = (0..days).map(|index| part(amount, index, days)).collect();
            prop_assert_eq!(parts.iter().sum::<i128>(), amount);
            let (least, most) = (parts.iter().min(), parts.iter().max());
            prop_assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1));
        }
    }
}
