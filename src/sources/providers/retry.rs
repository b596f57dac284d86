//! How long an answer is waited for, when a request is tried once more, and what a `Retry-After` asks for.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::sources::SourceError;

/// How long the client waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a connection.
    pub connect: Duration,
    /// For one whole answer, connection included.
    pub answer: Duration,
    /// For a call that a reading can do without, its retry included.
    pub optional: Duration,
    /// Before the retry, at least; up to half of it is added as jitter.
    pub pause: Duration,
    /// The longest `Retry-After` that is waited for here.
    pub longest_wait: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(20),
            optional: Duration::from_secs(3),
            pause: Duration::from_millis(500),
            longest_wait: Duration::from_secs(10),
        }
    }
}

/// Whatever a provider asks for, it is asked again a day later: a wrong number or a wrong clock must
/// not silence a source for years.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How long to wait before the one retry; `None` when there is none.
pub fn wait_before(error: &SourceError, timing: &Timing) -> Option<Duration> {
    let asked = match error {
        // A limit that asks for no wait does not mean it: whoever comes back at once is shut out.
        SourceError::RateLimited { retry_after } => retry_after.filter(|asked| !asked.is_zero())?,
        SourceError::ProviderDown { retry_after, .. } => retry_after.unwrap_or_default(),
        SourceError::Unreachable { .. } => Duration::ZERO,
        _ => return None,
    };
    (asked <= timing.longest_wait).then(|| asked.max(timing.pause))
}

/// The longest wait that a refusal asks for: with `Retry-After`, or with one of `names`, in seconds.
/// Headers whose name ends in `ratelimit-reset` hold seconds since 1970, and come with every answer:
/// they ask for a wait where their neighbour, `…-remaining`, says that nothing is left (GitHub:
/// <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>, GitLab:
/// <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>).
pub fn asked(headers: &HeaderMap, names: &[&str], now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let told = text(DATE.as_str()).and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let now = told.map_or(now, |date| date.to_utc());
    let wait = |name: &str| match name.strip_suffix("ratelimit-reset") {
        None => read_after(text(name)?, now),
        Some(before) => {
            let left = text(&format!("{before}ratelimit-remaining"))?;
            let reset = text(name).filter(|_| left.trim() == "0")?.trim().parse().ok()?;
            let reset = DateTime::from_timestamp(reset, 0)?;
            Some((reset - now).to_std().unwrap_or_default().min(LONGEST_RETRY_AFTER))
        }
    };
    names.iter().copied().chain([RETRY_AFTER.as_str()]).filter_map(wait).max()
}

/// Reads `Retry-After`: whole seconds, or a date (RFC 9110, 10.2.3). A date that is past asks for
/// no wait, and nothing asks for more than a day.
pub fn read_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit ask for a long time all the same.
        text.parse().map_or(LONGEST_RETRY_AFTER, Duration::from_secs)
    } else {
        let date = DateTime::parse_from_rfc2822(text).ok()?;
        (date.to_utc() - now).to_std().unwrap_or_default()
    };
    Some(asked.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for() {
        let timing = Timing::default();
        let wait = |error: &SourceError| wait_before(error, &timing);
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
    fn a_limit_that_is_used_up_asks_for_a_wait_until_it_begins_anew() {
        let now: DateTime<Utc> = "2026-11-03T12:00:00Z".parse().unwrap();
        let in_a_minute = (now.timestamp() + 60).to_string();
        let asked_by = |pairs: &[(&'static str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())
            });
            let names = ["x-ratelimit-reset", "ratelimit-reset"];
            asked(&HeaderMap::from_iter(pairs), &names, now).map(|wait| wait.as_secs())
        };
        for (left, reset) in [
            ("x-ratelimit-remaining", "x-ratelimit-reset"),
            ("ratelimit-remaining", "ratelimit-reset"),
        ] {
            assert_eq!(asked_by(&[(left, "0"), (reset, &in_a_minute)]), Some(60));
            assert_eq!(asked_by(&[(left, "12"), (reset, &in_a_minute)]), None);
            assert_eq!(asked_by(&[(reset, &in_a_minute)]), None);
            assert_eq!(asked_by(&[(left, "0"), (reset, "1")]), Some(0));
            assert_eq!(asked_by(&[(left, "0"), (reset, "99999999999")]), Some(86_400));
            assert_eq!(asked_by(&[(left, "0"), (reset, "soon")]), None);
            let both = [(left, "0"), (reset, &*in_a_minute), ("retry-after", "90")];
            assert_eq!(asked_by(&both), Some(90));
        }
        assert_eq!(asked_by(&[]), None);
    }

    #[test]
    fn retry_after_in_every_form() {
        let now = "2026-11-03T12:00:00Z".parse().unwrap();
        let read = |text: &str| read_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(read("7"), Some(7));
        assert_eq!(read(" 0 "), Some(0));
        assert_eq!(read("Tue, 03 Nov 2026 12:00:07 GMT"), Some(7));
        assert_eq!(read("Mon, 02 Nov 2026 12:00:00 GMT"), Some(0));
        // A day at most: what is added to a time of day must never leave its range.
        assert_eq!(read("86401"), Some(86_400));
        assert_eq!(read("18446744073709551615"), Some(86_400));
        assert_eq!(read("99999999999999999999999"), Some(86_400));
        assert_eq!(read("Fri, 31 Dec 9999 23:59:59 GMT"), Some(86_400));
        assert_eq!(read("-1"), None);
        assert_eq!(read("tomorrow"), None);
        assert_eq!(read(""), None);
    }
}
