//! A time zone by its IANA name, for [`chrono`]'s types.
//!
//! The rules are the IANA database that the `jiff` crate brings along, so that a zone means the same
//! on every machine. They are read when a zone is first named; nothing is unpacked, and no table has
//! to be put into place, when the program starts, which an agent waits for at each of its hooks.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use chrono::{FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeZone};
use jiff::tz::{AmbiguousOffset, TimeZone as Rules};
use jiff::{Timestamp, civil};

/// A time zone: its name and when its clocks change.
#[derive(Clone, Copy)]
pub struct Zone(&'static Rules);

static UTC_RULES: Rules = Rules::UTC;

/// The zones that were named so far. They stay for good: there are some six hundred names.
static NAMED: Mutex<BTreeMap<String, Zone>> = Mutex::new(BTreeMap::new());

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(&UTC_RULES);

    /// Its IANA name.
    pub fn name(&self) -> &'static str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The zone of a name that is written in the code.
    ///
    /// # Panics
    /// There is no such zone.
    #[cfg(test)]
    pub fn named(name: &str) -> Self {
        name.parse().expect(name)
    }

    /// All there are.
    #[cfg(test)]
    pub fn all() -> Vec<Self> {
        jiff::tz::db().available().map(|name| Self::named(name.as_str())).collect()
    }

    fn at_instant(self, second: i64) -> ZoneOffset {
        // Beyond the years -9999 to 9999 nothing is known to change.
        let instant = Timestamp::from_second(second).unwrap_or(if second < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        self.offset(self.0.to_offset(instant))
    }

    fn offset(self, offset: jiff::tz::Offset) -> ZoneOffset {
        ZoneOffset { zone: self, east: offset.seconds() }
    }
}

/// No zone of this name is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time zone is called {0:?}")]
pub struct UnknownZone(String);

impl FromStr for Zone {
    type Err = UnknownZone;

    /// The zone of an IANA name such as `Europe/Berlin`, in the database's own spelling.
    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zone) = named.get(name) {
            return Ok(*zone);
        }
        let unknown = || UnknownZone(name.to_owned());
        let rules = jiff::tz::db().get(name).map_err(|_| unknown())?;
        // The database is lenient about capitals; names are compared here, so there is one spelling.
        if rules.iana_name() != Some(name) {
            return Err(unknown());
        }
        let zone =
            if name == Self::UTC.name() { Self::UTC } else { Self(Box::leak(Box::new(rules))) };
        named.insert(name.to_owned(), zone);
        Ok(zone)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// How far a zone is from UTC at some moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ZoneOffset {
    zone: Zone,
    /// Seconds east of Greenwich.
    east: i32,
}

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        // No zone was ever a day from another.
        FixedOffset::east_opt(self.east).unwrap_or_else(|| chrono::Utc.fix())
    }
}

impl fmt::Display for ZoneOffset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fix().fmt(out)
    }
}

impl fmt::Debug for ZoneOffset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.zone, self.fix())
    }
}

impl TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Self {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_time(chrono::NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let Some(clock) = clock(local) else {
            return MappedLocalTime::Single(self.at_instant(local.and_utc().timestamp()));
        };
        match self.0.to_ambiguous_timestamp(clock).offset() {
            AmbiguousOffset::Unambiguous { offset } => MappedLocalTime::Single(self.offset(offset)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => {
                MappedLocalTime::Ambiguous(self.offset(before), self.offset(after))
            }
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_time(chrono::NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        self.at_instant(utc.and_utc().timestamp())
    }
}

/// What a clock on a wall shows, to the second; `None` outside the years -9999 to 9999.
fn clock(local: &NaiveDateTime) -> Option<civil::DateTime> {
    let second = local.and_utc().timestamp();
    let as_if_utc = Timestamp::from_second(second).ok()?;
    Some(Rules::UTC.to_datetime(as_if_utc))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn seen_in(zone: &str, at: &str) -> String {
        let at: DateTime<Utc> = at.parse().expect(at);
        at.with_timezone(&Zone::named(zone)).to_rfc3339()
    }

    #[test]
    fn clocks_show_what_they_show_there() {
        for (zone, at, there) in [
            ("UTC", "2026-11-24T12:00:00Z", "2026-11-24T12:00:00+00:00"),
            ("Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29T01:59:59+01:00"),
            ("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00+02:00"),
            ("Asia/Kathmandu", "2026-11-24T12:00:00Z", "2026-11-24T17:45:00+05:45"),
            ("America/Los_Angeles", "2099-07-01T12:00:00Z", "2099-07-01T05:00:00-07:00"),
        ] {
            assert_eq!(seen_in(zone, at), there, "{zone}");
        }
    }

    #[test]
    fn an_hour_that_is_skipped_is_none_and_one_that_comes_twice_is_both() {
        let berlin = Zone::named("Europe/Berlin");
        let local = |text: &str| {
            let mapped = berlin.from_local_datetime(&text.parse().expect(text));
            mapped.map(|at| at.with_timezone(&Utc).to_rfc3339())
        };
        assert_eq!(local("2026-03-29T02:30:00"), MappedLocalTime::None);
        assert_eq!(
            local("2026-10-25T02:30:00"),
            MappedLocalTime::Ambiguous(
                "2026-10-25T00:30:00+00:00".into(),
                "2026-10-25T01:30:00+00:00".into()
            )
        );
        let summer = MappedLocalTime::Single("2026-07-01T10:00:00.250+00:00".into());
        assert_eq!(local("2026-07-01T12:00:00.25"), summer);
    }

    #[test]
    fn a_name_is_one_of_the_databases() {
        assert_eq!(
            "Asia/Tokyo".parse::<Zone>().map(|zone| zone.to_string()),
            Ok("Asia/Tokyo".into())
        );
        assert_eq!("UTC".parse(), Ok(Zone::UTC));
        for unknown in ["Middle/Earth", "asia/tokyo", "utc", "", "+02:00", "../../etc/passwd"] {
            let refused = UnknownZone(unknown.into());
            assert_eq!(unknown.parse::<Zone>(), Err(refused), "{unknown}");
        }
    }
}
