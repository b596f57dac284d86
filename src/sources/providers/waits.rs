//! How long a provider asks to wait, and which waits are worth it within one look.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::http::Timing;
use crate::sources::SourceError;

/// How long to wait before the one retry; `None` when there is none.
pub fn wait_before_retry(error: &SourceError, timing: &Timing) -> Option<Duration> {
    let asked = match error {
        // A limit that asks for no wait does not mean it: whoever comes back at once is shut out.
        SourceError::RateLimited { retry_after } => retry_after.filter(|asked| !asked.is_zero())?,
        SourceError::ProviderDown { retry_after, .. } => retry_after.unwrap_or_default(),
        SourceError::Unreachable { .. } => Duration::ZERO,
        _ => return None,
    };
    (asked <= timing.longest_wait).then(|| asked.max(timing.pause))
}

/// Reads `Retry-After`: whole seconds, or a date (RFC 9110, 10.2.3). A date that is past asks for
/// no wait.
pub fn read_retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for() {
        let timing = Timing::default();
        let wait = |error: &SourceError| wait_before_retry(error, &timing);
        let limited = |seconds: Option<u64>| SourceError::RateLimited {
            retry_after: seconds.map(Duration::from_secs),
        };
        let down = |seconds: Option<u64>| SourceError::ProviderDown {
            status: 503,
            retry_after: seconds.map(Duration::from_secs),
        };
        assert_eq!(wait(&limited(None)), None);
        assert_eq!(wait(&limited(Some(0))), None);
        assert_eq!(wait(&limited(Some(7))), Some(Duration::from_secs(7)));
        assert_eq!(wait(&limited(Some(10))), Some(Duration::from_secs(10)));
        assert_eq!(wait(&limited(Some(11))), None);
        assert_eq!(wait(&down(None)), Some(Duration::from_millis(500)));
        assert_eq!(wait(&down(Some(11))), None);
        assert_eq!(
            wait(&SourceError::Unreachable { what: "x".into() }),
            Some(Duration::from_millis(500))
        );
        assert_eq!(wait(&SourceError::KeyRejected { status: 401 }), None);
        assert_eq!(wait(&SourceError::FormatChanged { what: "x".into() }), None);
    }

    #[test]
    fn retry_after_in_every_form() {
        let now = "2026-11-03T12:00:00Z".parse().unwrap();
        let read = |text: &str| read_retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(read("7"), Some(7));
        assert_eq!(read(" 0 "), Some(0));
        assert_eq!(read("Tue, 03 Nov 2026 12:00:07 GMT"), Some(7));
        assert_eq!(read("Mon, 02 Nov 2026 12:00:00 GMT"), Some(0));
        assert_eq!(read("-1"), None);
        assert_eq!(read("tomorrow"), None);
        assert_eq!(read(""), None);
    }
}
