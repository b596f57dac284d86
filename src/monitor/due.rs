//! Who is looked at when: pure functions of what happened.

use std::time::Duration;

use crate::spend::SourceError;

/// Shortest wait after a failure.
const FIRST_BACK_OFF: Duration = Duration::from_secs(30);
/// Longest wait after failures.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60 * 60);
/// A limit that names no time, or names 0 as Anthropic's is known to, waits this long.
const RATE_LIMIT_FLOOR: Duration = Duration::from_secs(5 * 60);

/// The wait after a look that went well: the poll interval and up to a tenth more, so that many
/// machines do not ask in step. `jitter` is a random number from 0 to 999.
pub fn after_success(poll: Duration, jitter: u32) -> Duration {
    poll + poll / 10 * jitter / 1000
}

/// The wait after the `failures`th failure in a row (from 1). Exponential, with jitter, never
/// shorter than what the provider asks for.
pub fn after_failure(error: &SourceError, failures: u32, poll: Duration, jitter: u32) -> Duration {
    match error {
        SourceError::NotInstalled | SourceError::NeedsKey | SourceError::NeedsSetting { .. } => {
            poll
        }
        // Another key or another version is needed: asking more often than usual is no help.
        SourceError::KeyRejected { .. }
        | SourceError::WrongKindOfKey { .. }
        | SourceError::TokenExpired
        | SourceError::NotOffered { .. }
        | SourceError::OutOfCredit
        | SourceError::FormatChanged { .. }
        | SourceError::Misconfigured { .. } => back_off(failures, jitter).max(poll),
        SourceError::RateLimited { retry_after } => {
            let asked = retry_after.filter(|wait| !wait.is_zero()).unwrap_or(RATE_LIMIT_FLOOR);
            asked.max(back_off(failures, jitter))
        }
        SourceError::ProviderDown { retry_after, .. } => {
            retry_after.unwrap_or_default().max(back_off(failures, jitter))
        }
        SourceError::Unreachable { .. }
        | SourceError::Unreadable { .. }
        | SourceError::KeyUnavailable { .. } => {
            back_off(failures, jitter).min(poll.max(FIRST_BACK_OFF))
        }
    }
}

/// 30 s, 1 min, 2 min ... up to an hour, each up to half longer by chance.
fn back_off(failures: u32, jitter: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let base = FIRST_BACK_OFF.saturating_mul(1 << doublings).min(LONGEST_BACK_OFF);
    base + base / 2 * jitter.min(999) / 1000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLL: Duration = Duration::from_secs(300);

    fn seconds(error: &SourceError, failures: u32) -> u64 {
        after_failure(error, failures, POLL, 0).as_secs()
    }

    #[test]
    fn a_fault_doubles_the_wait_up_to_an_hour() {
        let down = SourceError::ProviderDown { status: 503, retry_after: None };
        let waits: Vec<_> = (1..=9).map(|failures| seconds(&down, failures)).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    }

    #[test]
    fn what_the_provider_asks_for_is_never_undercut() {
        let down =
            SourceError::ProviderDown { status: 503, retry_after: Some(Duration::from_secs(900)) };
        assert_eq!(seconds(&down, 1), 900);
        let limited = SourceError::RateLimited { retry_after: Some(Duration::from_secs(7200)) };
        assert_eq!(seconds(&limited, 1), 7200);
    }

    #[test]
    fn a_limit_without_a_time_or_with_zero_waits_five_minutes() {
        for retry_after in [None, Some(Duration::ZERO)] {
            assert_eq!(seconds(&SourceError::RateLimited { retry_after }, 1), 300);
        }
        let seven = SourceError::RateLimited { retry_after: Some(Duration::from_secs(7)) };
        assert_eq!(seconds(&seven, 1), 30);
    }

    #[test]
    fn no_network_is_tried_again_soon_and_at_the_latest_at_the_usual_time() {
        let gone = SourceError::Unreachable { what: "timed out".into() };
        assert_eq!(seconds(&gone, 1), 30);
        assert_eq!(seconds(&gone, 9), 300);
    }

    #[test]
    fn a_locked_keyring_is_tried_again_soon_and_at_the_latest_at_the_usual_time() {
        let locked = SourceError::KeyUnavailable { what: "it is locked".into() };
        assert_eq!(seconds(&locked, 1), 30);
        assert_eq!(seconds(&locked, 9), 300);
    }

    #[test]
    fn a_refused_key_is_not_tried_more_often_than_usual() {
        assert_eq!(seconds(&SourceError::KeyRejected { status: 401 }, 1), 300);
    }

    /// A provider that fails for an hour is asked a dozen times, not a hundred.
    #[test]
    fn an_hour_of_faults_is_few_requests() {
        proptest!(|(jitters in proptest::collection::vec(0_u32..1000, 64))| {
            let down = SourceError::ProviderDown { status: 500, retry_after: None };
            let (mut passed, mut looks) = (Duration::ZERO, 0);
            for jitter in jitters {
                if passed >= Duration::from_secs(60 * 60) {
                    break;
                }
                looks += 1;
                passed += after_failure(&down, looks, POLL, jitter);
            }
            // 30 + 60 + ... + 1920 s are 63 min 30 s.
            prop_assert!((6..=7).contains(&looks), "{looks}");
        });
    }

    #[test]
    fn jitter_only_ever_lengthens() {
        for jitter in [0, 500, 999, 5000] {
            assert!(after_success(POLL, jitter.min(999)) >= POLL);
            assert!(back_off(3, jitter) >= back_off(3, 0));
            assert!(back_off(30, jitter) <= LONGEST_BACK_OFF * 3 / 2);
        }
    }
}
