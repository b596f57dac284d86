//! The only place that reads the clock.

use chrono::{DateTime, Duration, Utc};

/// The wall clock, or one that was set off by a fixed distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    offset: Duration,
}

/// Environment variable for tests: the instant (RFC 3339) at which the clock starts.
pub const VARIABLE: &str = "SPENDBAR_CLOCK";

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self { offset: Duration::zero() }
    }

    /// A clock that says `start` now and goes on from there.
    pub fn starting_at(start: DateTime<Utc>) -> Self {
        Self { offset: start - system_now() }
    }

    /// The clock that `value` (of [`VARIABLE`]) asks for; the system's when there is none.
    pub fn from_variable(value: Option<&str>) -> anyhow::Result<Self> {
        match value {
            None => Ok(Self::system()),
            Some(text) => text.parse().map(Self::starting_at).map_err(|_| {
                anyhow::anyhow!(
                    "{VARIABLE} is {text:?}; it must be a time like 2026-02-14T09:00:00Z"
                )
            }),
        }
    }

    /// The current time.
    pub fn now(&self) -> DateTime<Utc> {
        system_now() + self.offset
    }
}

/// The time that file systems write down (nanoseconds since 1970), whatever a clock was set to.
pub fn of_files() -> i64 {
    // Until the year 2262; from then on folders are listed each time.
    system_now().timestamp_nanos_opt().unwrap_or(i64::MIN)
}

#[expect(clippy::disallowed_methods, reason = "the one place")]
fn system_now() -> DateTime<Utc> {
    Utc::now()
}
