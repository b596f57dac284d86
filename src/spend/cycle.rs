//! The time a budget is for: a calendar period from any first day, the last hours or days, or a
//! range with an end.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::period::{Period, Span, local_day};
use super::zone::Zone;

/// Usage is summed per quarter of an hour.
const QUARTER: i64 = 15 * 60;

/// The time a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cycle {
    /// A local calendar day.
    Day,
    /// Seven local days from this one.
    Week(Weekday),
    /// From this day of a month (1 to 31) to the day before it in the next; in a shorter month its
    /// last day stands for those it lacks.
    Month(u32),
    /// The hours up to now, from a full quarter of an hour on. Bills come per day, so that it counts what logs tell.
    Hours(u32),
    /// The local days up to and with today.
    Days(u32),
    /// From one local day to another, both inside.
    Range(NaiveDate, NaiveDate),
}

impl Cycle {
    /// Monday to Sunday (ISO 8601).
    pub const WEEK: Self = Self::Week(Weekday::Mon);
    /// A calendar month.
    pub const MONTH: Self = Self::Month(1);

    /// The time of this kind that holds `now`; a range that is over or has not begun is given as
    /// it is.
    pub fn holding(&self, now: DateTime<Utc>, zone: Zone) -> Span {
        let today = local_day(now, zone);
        let days = |first: NaiveDate, end: Option<NaiveDate>| {
            Span::of_days(first, end.unwrap_or(NaiveDate::MAX), zone)
        };
        match *self {
            Self::Day => Period::Day.holding(now, zone),
            Self::Week(first_day) => {
                let first = today.week(first_day).first_day();
                days(first, first.checked_add_days(Days::new(7)))
            }
            Self::Month(day) => {
                let (first, end) = month_from(today, day);
                days(first, Some(end))
            }
            Self::Hours(hours) => {
                let late = TimeDelta::seconds(now.timestamp().rem_euclid(QUARTER))
                    + TimeDelta::nanoseconds(i64::from(now.timestamp_subsec_nanos()));
                let quarter = now - late;
                let start = quarter - TimeDelta::hours(i64::from(hours));
                let end = quarter + TimeDelta::seconds(QUARTER);
                let end_day = today.succ_opt().unwrap_or(NaiveDate::MAX);
                Span { start, end, first_day: local_day(start, zone), end_day }
            }
            Self::Days(count) => {
                let back = Days::new(u64::from(count.saturating_sub(1)));
                days(today.checked_sub_days(back).unwrap_or(today), today.succ_opt())
            }
            Self::Range(first, last) => days(first, last.succ_opt()),
        }
    }

    /// Whether the time moves with the clock instead of starting anew.
    pub fn is_rolling(&self) -> bool {
        matches!(self, Self::Hours(_) | Self::Days(_))
    }

    /// The calendar period that it is a variant of.
    pub fn period(&self) -> Option<Period> {
        match self {
            Self::Day => Some(Period::Day),
            Self::Week(_) => Some(Period::Week),
            Self::Month(_) => Some(Period::Month),
            Self::Hours(_) | Self::Days(_) | Self::Range(..) => None,
        }
    }

    /// The time of the same kind before the one that begins at `span`; none before a range and
    /// for what has no beginning.
    pub fn before(&self, span: &Span, zone: Zone) -> Option<Span> {
        self.period()?;
        Some(self.holding(span.start - TimeDelta::seconds(1), zone))
    }
}

impl From<Period> for Cycle {
    fn from(period: Period) -> Self {
        match period {
            Period::Day => Self::Day,
            Period::Week => Self::WEEK,
            Period::Month => Self::MONTH,
        }
    }
}

/// The month that holds `today` and begins on this day of a month (1 to 31): its first day, and the
/// first day after it.
pub fn month_from(today: NaiveDate, day: u32) -> (NaiveDate, NaiveDate) {
    let this = day_of_month(today, day);
    if this <= today {
        let next = next_month(today).map(|next| day_of_month(next, day));
        (this, next.unwrap_or(NaiveDate::MAX))
    } else {
        let before = first_of(today).pred_opt().unwrap_or(today);
        (day_of_month(before, day), this)
    }
}

fn first_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

fn next_month(day: NaiveDate) -> Option<NaiveDate> {
    first_of(day).checked_add_months(Months::new(1))
}

/// That day of the month of `within`, or the month's last one.
fn day_of_month(within: NaiveDate, day: u32) -> NaiveDate {
    let last = || next_month(within).and_then(|next| next.pred_opt()).unwrap_or(within);
    within.with_day(day).unwrap_or_else(last)
}

/// `day`, `week`, `week from sunday`, `month`, `month from 15`, `5 hours`, `30 days`,
/// `2026-11-01 to 2027-06-30`.
impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day => f.write_str("day"),
            Self::Week(Weekday::Mon) => f.write_str("week"),
            Self::Week(first) => write!(f, "week from {}", weekday(*first)),
            Self::Month(1) => f.write_str("month"),
            Self::Month(first) => write!(f, "month from {first}"),
            Self::Hours(1) => f.write_str("1 hour"),
            Self::Hours(hours) => write!(f, "{hours} hours"),
            Self::Days(1) => f.write_str("1 day"),
            Self::Days(days) => write!(f, "{days} days"),
            Self::Range(first, last) => write!(f, "{first} to {last}"),
        }
    }
}

/// The day's name, in small letters.
pub(crate) fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "monday",
        Weekday::Tue => "tuesday",
        Weekday::Wed => "wednesday",
        Weekday::Thu => "thursday",
        Weekday::Fri => "friday",
        Weekday::Sat => "saturday",
        Weekday::Sun => "sunday",
    }
}

/// What a cycle is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write \"day\", \"week\", \"week from sunday\", \"month\", \"month from 15\", \"5 hours\", \
     \"30 days\" or \"2026-11-01 to 2027-06-30\""
)]
pub struct NoCycle;

impl FromStr for Cycle {
    type Err = NoCycle;

    fn from_str(text: &str) -> Result<Self, NoCycle> {
        let words: Vec<_> = text.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        // Ten years; more is a slip of the pen.
        let count = |text: &str, most: u32| {
            text.parse().ok().filter(|count| (1..=most).contains(count)).ok_or(NoCycle)
        };
        match words[..] {
            ["day"] => Ok(Self::Day),
            ["week"] => Ok(Self::WEEK),
            ["week", "from", day] => day.parse().map(Self::Week).map_err(|_| NoCycle),
            ["month"] => Ok(Self::MONTH),
            ["month", "from", day] => count(day, 31).map(Self::Month),
            [hours, "hour" | "hours"] => count(hours, 10 * 366 * 24).map(Self::Hours),
            [days, "day" | "days"] => count(days, 10 * 366).map(Self::Days),
            [first, "to", last] => match (first.parse(), last.parse()) {
                (Ok(first), Ok(last)) if first <= last => Ok(Self::Range(first, last)),
                _ => Err(NoCycle),
            },
            _ => Err(NoCycle),
        }
    }
}

impl Serialize for Cycle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cycle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect(text)
    }

    fn days_of(cycle: &str, now: &str) -> String {
        let span = cycle.parse::<Cycle>().expect(cycle).holding(at(now), Zone::UTC);
        format!("{} {}", span.first_day, span.end_day)
    }

    #[test]
    fn calendar_periods_begin_where_they_are_told_to() {
        let noon = "2026-11-24T12:00:00Z"; // a Tuesday
        for (cycle, days) in [
            ("day", "2026-11-24 2026-11-25"),
            ("week", "2026-11-23 2026-11-30"),
            ("week from sunday", "2026-11-22 2026-11-29"),
            ("week from wednesday", "2026-11-18 2026-11-25"),
            ("month", "2026-11-01 2026-12-01"),
            ("month from 15", "2026-11-15 2026-12-15"),
            ("month from 24", "2026-11-24 2026-12-24"),
            ("month from 25", "2026-10-25 2026-11-25"),
            ("month from 31", "2026-10-31 2026-11-30"),
            ("7 days", "2026-11-18 2026-11-25"),
            ("2026-11-01 to 2027-06-30", "2026-11-01 2027-07-01"),
        ] {
            assert_eq!(days_of(cycle, noon), days, "{cycle}");
        }
        assert_eq!(days_of("month from 31", "2027-02-28T12:00:00Z"), "2027-02-28 2027-03-31");
    }

    #[test]
    fn hours_begin_on_a_quarter() {
        let span = Cycle::Hours(5).holding(at("2026-11-24T12:07:31.5Z"), Zone::UTC);
        assert_eq!(span.start, at("2026-11-24T07:00:00Z"));
        assert!(span.holds(at("2026-11-24T12:07:31.5Z")));
        assert_eq!(span.first_day.to_string(), "2026-11-24");
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "days", "0 days", "month from 32", "2026-11-02 to 2026-11-01", "5 weeks"] {
            assert_eq!(text.parse::<Cycle>(), Err(NoCycle), "{text}");
        }
    }

    fn cycles() -> impl Strategy<Value = Cycle> {
        prop_oneof![
            Just(Cycle::Day),
            (0_u8..7).prop_map(|day| Cycle::Week(Weekday::try_from(day).expect("a day"))),
            (1_u32..=31).prop_map(Cycle::Month),
            (1_u32..800).prop_map(Cycle::Hours),
            (1_u32..800).prop_map(Cycle::Days),
        ]
    }

    proptest! {
        #[test]
        fn a_cycle_is_read_as_it_is_written(cycle in cycles()) {
            prop_assert_eq!(cycle.to_string().parse(), Ok(cycle));
        }

        #[test]
        fn it_holds_now_and_calendar_periods_follow_each_other(
            cycle in cycles(),
            seconds in 0_i64..3_000_000_000,
            zone in prop::sample::select(vec![Zone::UTC, Zone::named("Europe/Berlin"), Zone::named("Asia/Kathmandu")]),
        ) {
            let now = DateTime::from_timestamp(seconds, 0).expect("a time");
            let span = cycle.holding(now, zone);
            prop_assert!(span.holds(now));
            if let Some(before) = cycle.before(&span, zone) {
                prop_assert_eq!(before.end, span.start);
                prop_assert_eq!(cycle.holding(span.end, zone).start, span.end);
            }
        }
    }
}
