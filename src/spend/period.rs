//! A local day, week or month as a half-open interval, daylight saving included.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use serde::{Deserialize, Serialize};

use super::zone::Zone;

/// The length a budget or a figure is for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// A local calendar day.
    #[default]
    Day,
    /// Seven local days from Monday (ISO 8601).
    Week,
    /// A local calendar month.
    Month,
}

impl Period {
    /// The word used in the config and on the command line.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The period of this kind that holds `now`.
    pub fn holding(&self, now: DateTime<Utc>, zone: Zone) -> Span {
        let today = local_day(now, zone);
        let first = match self {
            Self::Day => today,
            Self::Week => today.week(Weekday::Mon).first_day(),
            Self::Month => today.with_day(1).unwrap_or(today),
        };
        let next = match self {
            Self::Day => first.checked_add_days(Days::new(1)),
            Self::Week => first.checked_add_days(Days::new(7)),
            Self::Month => first.checked_add_months(Months::new(1)),
        };
        Span::of_days(first, next.unwrap_or(NaiveDate::MAX), zone)
    }
}

/// `[start, end)`, with the local days it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First instant inside.
    pub start: DateTime<Utc>,
    /// First instant after.
    pub end: DateTime<Utc>,
    /// First local day inside.
    pub first_day: NaiveDate,
    /// First local day after.
    pub end_day: NaiveDate,
}

impl Span {
    /// The local days from `first` up to, not including, `end_day`.
    pub fn of_days(first_day: NaiveDate, end_day: NaiveDate, zone: Zone) -> Self {
        Self {
            start: day_start(first_day, zone),
            end: day_start(end_day, zone),
            first_day,
            end_day,
        }
    }

    /// Whether `at` lies inside.
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.start <= at && at < self.end
    }
}

/// The local calendar day of an instant.
pub fn local_day(at: DateTime<Utc>, zone: Zone) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The first instant of a local day. Where a clock change skips midnight (as in Beirut or Havana)
/// it is the first instant that exists; where midnight comes twice it is the earlier one.
pub fn day_start(day: NaiveDate, zone: Zone) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    // Gaps are at most a day long: Samoa skipped 30 December 2011 whole. Nearly always the first
    // try fits.
    (0..=24 * 60 * 60)
        .map(|seconds| midnight + chrono::Duration::seconds(seconds))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map_or_else(|| midnight.and_utc(), |at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect(text)
    }

    fn hours(span: Span) -> i64 {
        (span.end - span.start).num_hours()
    }

    #[test]
    fn days_with_a_clock_change_are_23_and_25_hours_long() {
        let berlin = Zone::named("Europe/Berlin");
        assert_eq!(hours(Period::Day.holding(at("2026-03-29T12:00:00Z"), berlin)), 23);
        assert_eq!(hours(Period::Day.holding(at("2026-10-25T12:00:00Z"), berlin)), 25);
    }

    #[test]
    fn a_skipped_midnight_starts_the_day_at_the_first_instant_there_is() {
        // Beirut went from 00:00 to 01:00 on 2026-03-29; local 01:00 is 22:00 UTC.
        let span = Period::Day.holding(at("2026-03-29T12:00:00Z"), Zone::named("Asia/Beirut"));
        assert_eq!(span.start, at("2026-03-28T22:00:00Z"));
    }

    #[test]
    fn weeks_start_on_monday_and_months_on_the_first() {
        let utc = Zone::UTC;
        let week = Period::Week.holding(at("2026-11-24T12:00:00Z"), utc);
        assert_eq!(week.first_day.to_string(), "2026-11-23");
        assert_eq!(week.end_day.to_string(), "2026-11-30");
        let month = Period::Month.holding(at("2026-12-31T23:59:59Z"), utc);
        assert_eq!(
            (month.first_day.to_string(), month.end_day.to_string()),
            ("2026-12-01".into(), "2027-01-01".into())
        );
    }

    proptest! {
        #[test]
        fn every_instant_is_in_exactly_its_own_period(
            // Until 2011 St. John's turned its clocks back at 00:01, so that one day came twice.
            seconds in 1_325_376_000_i64..4_000_000_000,
            zone in proptest::sample::select(Zone::all()),
            period in proptest::sample::select(vec![Period::Day, Period::Week, Period::Month]),
        ) {
            let now = Utc.timestamp_opt(seconds, 0).single().expect("in range");
            let span = period.holding(now, zone);
            prop_assert!(span.holds(now), "{span:?} {now}");
            prop_assert_eq!(period.holding(span.start, zone), span);
            // Half-open: the end belongs to the next period, which starts where this one ends.
            prop_assert_eq!(period.holding(span.end, zone).start, span.end);
        }
    }
}
