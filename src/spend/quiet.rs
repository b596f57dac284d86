//! When only what is critical speaks: quiet hours of each day, and snoozes.

use chrono::{DateTime, Days, NaiveTime, TimeZone, Utc};

use super::Period;
use super::zone::Zone;

/// The same hours of each local day, over midnight where they end before they begin. Never of no
/// length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// The first minute.
    pub from: NaiveTime,
    /// The first minute after.
    pub to: NaiveTime,
}

impl Quiet {
    /// Reads `22:00-08:00`; `None` for anything else, and for hours of no length.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
        let quiet = Self { from: time(from)?, to: time(to)? };
        (quiet.from != quiet.to).then_some(quiet)
    }

    /// When the quiet hours that hold `now` end; `None` outside of them.
    pub fn until(&self, now: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
        let local = now.with_timezone(&zone);
        let (day, time) = (local.date_naive(), local.time());
        let over_midnight = self.to < self.from;
        let is_quiet = match over_midnight {
            true => time >= self.from || time < self.to,
            false => time >= self.from && time < self.to,
        };
        if !is_quiet {
            return None;
        }
        let day = match over_midnight && time >= self.from {
            true => day.checked_add_days(Days::new(1))?,
            false => day,
        };
        let end = day.and_time(self.to);
        // A clock change may skip the time, by a day at most, or bring it twice.
        (0..=24 * 60)
            .map(|minutes| zone.from_local_datetime(&(end + chrono::Duration::minutes(minutes))))
            .find_map(|end| {
                [end.earliest(), end.latest()].into_iter().flatten().find(|end| *end > now)
            })
            .map(|end| end.with_timezone(&Utc))
    }
}

/// For how long alerts are snoozed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SnoozeFor {
    /// An hour.
    Hour,
    /// Until the next local day begins.
    Tomorrow,
    /// Not any longer.
    Off,
}

impl SnoozeFor {
    /// Until when that is; `None` for not at all.
    pub fn until(&self, now: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
        match self {
            Self::Hour => Some(now + chrono::Duration::hours(1)),
            Self::Tomorrow => Some(Period::Day.holding(now, zone).end),
            Self::Off => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn until(hours: &str, now: &str, zone: Zone) -> Option<String> {
        let quiet = Quiet::parse(hours).expect(hours);
        let end = quiet.until(now.parse().expect(now), zone)?;
        Some(end.format("%m-%dT%H:%M").to_string())
    }

    #[test]
    fn hours_over_midnight_and_within_a_day() {
        let utc = |hours, now| until(hours, now, Zone::UTC);
        assert_eq!(utc("22:00-08:00", "2026-03-02T21:59:59Z"), None);
        assert_eq!(utc("22:00-08:00", "2026-03-02T22:00:00Z").as_deref(), Some("03-03T08:00"));
        assert_eq!(utc("22:00-08:00", "2026-03-03T07:59:59Z").as_deref(), Some("03-03T08:00"));
        assert_eq!(utc("22:00-08:00", "2026-03-03T08:00:00Z"), None);
        assert_eq!(utc("12:00 - 13:30", "2026-03-02T13:00:00Z").as_deref(), Some("03-02T13:30"));
        assert_eq!(utc("12:00-13:30", "2026-03-02T23:00:00Z"), None);
        assert_eq!(utc("00:00-23:59", "2026-03-02T23:59:00Z"), None);
    }

    #[test]
    fn an_end_that_a_clock_change_skips_or_doubles() {
        let berlin = |hours, now| until(hours, now, Zone::named("Europe/Berlin"));
        // 02:00 to 03:00 does not exist on 2026-03-29; 03:00 is 01:00 UTC.
        assert_eq!(berlin("22:00-02:30", "2026-03-28T23:00:00Z").as_deref(), Some("03-29T01:00"));
        // 02:30 comes twice on 2026-10-25, at 00:30 and at 01:30 UTC.
        assert_eq!(berlin("22:00-02:30", "2026-10-24T23:00:00Z").as_deref(), Some("10-25T00:30"));
        assert_eq!(berlin("22:00-02:30", "2026-10-25T01:10:00Z").as_deref(), Some("10-25T01:30"));
    }

    #[test]
    fn what_is_no_span_of_hours() {
        for text in ["", "22:00", "22-08", "24:30-08:00", "08:00-08:00", "22:00-08:00-09:00", "x-y"]
        {
            assert_eq!(Quiet::parse(text), None, "{text}");
        }
    }

    proptest! {
        /// Whoever waits until the end is awake then, or has a later end to wait for, and never
        /// waits longer than a day and a clock change.
        #[test]
        fn the_end_lies_ahead(from in 0_u32..1440, to in 0_u32..1440, at in 1_770_000_000_i64..1_810_000_000) {
            prop_assume!(from != to);
            let time = |minutes: u32| NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0).expect("a time");
            let quiet = Quiet { from: time(from), to: time(to) };
            let now = DateTime::from_timestamp(at, 0).expect("a time");
            for zone in [Zone::UTC, Zone::named("Europe/Berlin"), Zone::named("Asia/Beirut")] {
                if let Some(end) = quiet.until(now, zone) {
                    prop_assert!(end > now && end - now <= chrono::Duration::hours(25));
                    prop_assert!(quiet.until(end, zone).is_none_or(|later| later > end));
                }
            }
        }
    }
}
