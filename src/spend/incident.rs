//! What a provider reports of its own faults.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A report is shown for so long after it was last heard.
const HOLDS_FOR: TimeDelta = TimeDelta::hours(2);

/// How bad a provider says it is, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Indicator {
    /// Planned work.
    Maintenance,
    /// Something is slower or fails at times.
    Minor,
    /// A part is out.
    Major,
    /// Most of it is out.
    Critical,
}

/// What a status page reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// How bad it is.
    pub indicator: Indicator,
    /// The page's own words, cleaned and cut; may be empty.
    pub text: String,
    /// When it said so.
    pub as_of: DateTime<Utc>,
}

impl Trouble {
    /// Whether it is young enough to be shown. A time far ahead is one of a clock that was wrong.
    pub fn is_current(&self, now: DateTime<Utc>) -> bool {
        (now - self.as_of).abs() <= HOLDS_FOR
    }

    /// Whether the same report is worth a new time: before the old one is too old to be shown, and
    /// hardly ever, for what did not change should cost no write.
    pub fn needs_new_time(&self, now: DateTime<Utc>) -> bool {
        (now - self.as_of).abs() >= HOLDS_FOR / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_gets_a_new_time_long_before_it_is_too_old() {
        let as_of: DateTime<Utc> = "2026-11-03T12:00:00Z".parse().unwrap();
        let trouble = Trouble { indicator: Indicator::Major, text: String::new(), as_of };
        for (minutes, is_current, needs_new_time) in [
            (0, true, false),
            (59, true, false),
            (60, true, true),
            (120, true, true),
            (121, false, true),
            (-59, true, false),
            (-121, false, true),
        ] {
            let now = as_of + TimeDelta::minutes(minutes);
            assert_eq!(trouble.is_current(now), is_current, "{minutes}");
            assert_eq!(trouble.needs_new_time(now), needs_new_time, "{minutes}");
        }
    }
}
