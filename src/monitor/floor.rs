//! The fewest minutes between looks at a source, whatever anybody asks
//! ([`SourceInfo::least_minutes`]): some providers shut out who comes more often, or charge.
//!
//! The ledger knows the last look, so the bound outlives a restart and holds between two programs.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::ledger::{Ledger, LedgerError};
use crate::spend::SourceInfo;

/// A source that was asked too short a while ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// How long ago.
    pub ago: Duration,
    /// How long it is still left alone.
    pub left: Duration,
}

/// The bound as a time; zero for most sources.
pub fn least(info: &SourceInfo) -> Duration {
    Duration::from_secs(u64::from(info.least_minutes) * 60)
}

/// Whether a source has to be left alone for now, as far as the ledger knows.
pub fn held_back(
    ledger: &Ledger,
    info: &SourceInfo,
    now: DateTime<Utc>,
) -> Result<Option<HeldBack>, LedgerError> {
    // Nothing has to be asked for the many that have no bound.
    if info.least_minutes == 0 {
        return Ok(None);
    }
    Ok(ledger.last_asked(info.id)?.and_then(|last| between(least(info), last, now)))
}

/// What is left of `least` since `last`. A look in the future comes from a clock that was set back:
/// within the bound it counts as one of just now, further off nobody knows when it was.
fn between(least: Duration, last: DateTime<Utc>, now: DateTime<Utc>) -> Option<HeldBack> {
    let ago = match (now - last).to_std() {
        Ok(ago) => ago,
        Err(_) if (last - now).to_std().is_ok_and(|ahead| ahead < least) => Duration::ZERO,
        Err(_) => return None,
    };
    (ago < least).then(|| HeldBack { ago, left: least - ago })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_the_bound() {
        let last: DateTime<Utc> = "2026-11-24T12:00:00Z".parse().expect("time");
        let after = |seconds| {
            between(Duration::from_secs(300), last, last + chrono::Duration::seconds(seconds))
                .map(|held| (held.ago.as_secs(), held.left.as_secs()))
        };
        assert_eq!(after(0), Some((0, 300)));
        assert_eq!(after(120), Some((120, 180)));
        assert_eq!(after(300), None);
        assert_eq!(after(86_400), None);
        // The clock was set back.
        assert_eq!(after(-120), Some((0, 300)));
        assert_eq!(after(-86_400), None);
        assert_eq!(between(Duration::ZERO, last, last), None);
    }
}
