//! What the hooks of agents ask for, kept where they find it at once: the ledger's small values.
//!
//! The limits are written in the transaction that judges the budgets, so that a hook reads one row
//! and adds nothing up. Beside them stand the [`fingerprint`](crate::config::fingerprint) of the
//! config they were made with, until when agents may go on regardless, and what sessions were told.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::board::standing::{Standing, Standings};
use crate::budgets::Budget;
use crate::budgets::guard::{Limit, Rules, SESSION_HOURS};
use crate::config::Config;
use crate::ledger::{Ledger, LedgerError, Recording};
use crate::spend::Money;

/// The names of the values.
const LIMITS: &str = "guard.limits";
const ALLOWED: &str = "guard.allowed-until";
const TOLD: &str = "guard.told";

/// How many of the things that sessions were told are remembered: a day of many sessions.
const MOST_TOLD: usize = 500;

/// The limits as they were judged last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The time of the newest look whose figures are in them.
    pub as_of: DateTime<Utc>,
    /// The fingerprint of the config; `None` without a file.
    pub config: Option<u64>,
    /// The zone of times that are told.
    pub zone: String,
    /// The budgets that the guard looks at, in the order of the config.
    pub budgets: Vec<Limit>,
    /// What one session may cost, with the shares at which it is warned and stopped.
    pub session: Option<Limit>,
}

impl Limits {
    /// Whether they answer for this config at this time.
    pub fn hold(&self, config: Option<u64>, now: DateTime<Utc>) -> bool {
        self.config == config && self.budgets.iter().all(|limit| limit.is_of(now))
    }

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.budgets.is_empty() && self.session.is_none()
    }
}

/// What the guard makes of a budget; `None` when it does not look at it.
pub(super) fn limit(
    config: &Config,
    budget: &Budget,
    standing: &Standing,
    now: DateTime<Utc>,
) -> Option<Limit> {
    let Standing { span, limit, spent, estimated, unpriced_tokens, .. } = *standing;
    let rules = &config.guard;
    let period = (span.first_day, span.end);
    (rules.count(budget) && span.holds(now))
        .then(|| rules.budget(budget, period, (limit, spent), estimated, unpriced_tokens))
}

/// Keeps the limits for hooks, as part of the transaction.
pub(super) fn keep(
    recording: &Recording<'_>,
    config: &Config,
    budgets: Vec<Limit>,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let limits = limits(config, budgets, now);
    // Where nothing but the time is new, nothing is written.
    let same = kept(recording)?.is_some_and(|kept| Limits { as_of: now, ..kept } == limits);
    if same { Ok(()) } else { keep_limits(recording, &limits) }
}

/// The limits kept last; `None` when there are none that this version can read.
///
/// # Errors
/// The ledger can't be read.
pub fn kept(ledger: &Ledger) -> Result<Option<Limits>, LedgerError> {
    Ok(ledger.meta(LIMITS)?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Reckons the limits from the ledger's figures.
///
/// # Errors
/// The ledger can't be read.
pub fn reckon(ledger: &Ledger, config: &Config, now: DateTime<Utc>) -> Result<Limits, LedgerError> {
    let all = Standings::default().spent(ledger, &config.budgets, now, config.zone)?;
    let budgets = config.budgets.iter().zip(&all);
    let budgets = budgets.filter_map(|(budget, standing)| limit(config, budget, standing, now));
    let budgets = budgets.collect();
    // Looks that found nothing new are not recorded, so the figures may be newer than that.
    let looks = ledger.sources()?.into_iter().map(|source| source.last_look_at);
    Ok(limits(config, budgets, looks.max().unwrap_or(now)))
}

/// Keeps what [`reckon`] gave, so that the next hook need not reckon.
///
/// # Errors
/// The ledger can't be written.
pub fn keep_limits(ledger: &Ledger, limits: &Limits) -> Result<(), LedgerError> {
    put(ledger, LIMITS, limits)
}

/// The limit of one session with what it has cost.
///
/// # Errors
/// The ledger can't be read.
pub fn session_limit(
    ledger: &Ledger,
    limits: &Limits,
    session: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Limit>, LedgerError> {
    let (Some(limit), Some(session)) = (&limits.session, session) else { return Ok(None) };
    let since = now - TimeDelta::hours(SESSION_HOURS);
    let (spent, unpriced_tokens) = ledger.session_list(session, since)?;
    Ok(Some(Limit { spent, unpriced_tokens, ..limit.clone() }))
}

/// Until when agents may go on whatever they spend; `None` when that is not or no longer so.
///
/// # Errors
/// The ledger can't be read.
pub fn allowed_until(
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, LedgerError> {
    let until = ledger.meta(ALLOWED)?.and_then(|text| text.parse::<DateTime<Utc>>().ok());
    Ok(until.filter(|until| now < *until))
}

/// Lets agents go on until then; `None` ends that.
///
/// # Errors
/// The ledger can't be written.
pub fn allow(ledger: &Ledger, until: Option<DateTime<Utc>>) -> Result<(), LedgerError> {
    ledger.set_meta(ALLOWED, &until.map(|until| until.to_rfc3339()).unwrap_or_default())
}

/// Remembers that a session was told something; false when it knew.
///
/// # Errors
/// The ledger can't be written.
pub fn tell_once(ledger: &mut Ledger, session: &str, what: &str) -> Result<bool, LedgerError> {
    let key = told_key(session, what);
    let recording = ledger.begin()?;
    let mut told = told(&recording)?;
    if told.contains(&key) {
        return Ok(false);
    }
    told.push(key);
    let forgotten = told.len().saturating_sub(MOST_TOLD);
    put(&recording, TOLD, &told.split_off(forgotten))?;
    recording.commit()?;
    Ok(true)
}

/// Whether a session was told something.
///
/// # Errors
/// The ledger can't be read.
pub fn was_told(ledger: &Ledger, session: &str, what: &str) -> Result<bool, LedgerError> {
    Ok(told(ledger)?.contains(&told_key(session, what)))
}

fn told(ledger: &Ledger) -> Result<Vec<u64>, LedgerError> {
    let text = ledger.meta(TOLD)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Neither the session's id nor the budget's name need be kept.
fn told_key(session: &str, what: &str) -> u64 {
    xxh3_64(format!("{session}\0{what}").as_bytes())
}

fn limits(config: &Config, budgets: Vec<Limit>, as_of: DateTime<Utc>) -> Limits {
    let Rules { session, .. } = &config.guard;
    let session = session.and_then(|amount| config.guard.session(Money::zero(amount.currency), 0));
    let zone = config.zone.name().to_owned();
    Limits { as_of, config: config.read_from, zone, budgets, session }
}

fn put(ledger: &Ledger, key: &str, value: &impl Serialize) -> Result<(), LedgerError> {
    match serde_json::to_string(value) {
        Ok(text) => ledger.set_meta(key, &text),
        // Numbers, texts and times can't fail to be written; without the value hooks reckon.
        Err(error) => {
            log::error!("{key}: {error}");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spend::Currency;
    use crate::spend::Zone;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect(text)
    }

    fn ledger(home: &Path) -> Ledger {
        Ledger::open(&home.join("ledger.db"), at("2026-03-02T12:00:00Z")).unwrap().ledger
    }

    #[test]
    fn limits_come_back_as_they_were_kept() {
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger(home.path());
        let text = "[guard]\nsession = 20\n[[budget]]\namount = 50\nper = \"day\"\n";
        let zone = Zone::UTC;
        let config = Config::parse(text, Path::new("c"), Path::new("/home/u"), zone).unwrap();
        let config = Config { read_from: Some(u64::MAX), ..config };
        let now = at("2026-03-02T12:00:00Z");
        assert_eq!(kept(&ledger).unwrap(), None);
        let mut limits = reckon(&ledger, &config, now).unwrap();
        assert_eq!(limits.budgets.len(), 1);
        limits.budgets[0].spent = Money::parse("53.2000000000000001", Currency::USD).unwrap();
        keep_limits(&ledger, &limits).unwrap();
        assert_eq!(kept(&ledger).unwrap(), Some(limits.clone()));
        assert!(limits.hold(Some(u64::MAX), now) && !limits.hold(None, now));
        assert!(!limits.hold(Some(u64::MAX), at("2026-03-03T00:00:00Z")), "the day is over");
        ledger.set_meta(LIMITS, "[of another version]").unwrap();
        assert_eq!(kept(&ledger).unwrap(), None);
    }

    #[test]
    fn agents_may_go_on_until_then_and_no_longer() {
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger(home.path());
        let until = at("2026-03-02T13:00:00Z");
        allow(&ledger, Some(until)).unwrap();
        let allowed = |now: &str| allowed_until(&ledger, at(now)).unwrap();
        assert_eq!(allowed("2026-03-02T12:59:59Z"), Some(until));
        assert_eq!(allowed("2026-03-02T13:00:00Z"), None);
        allow(&ledger, None).unwrap();
        assert_eq!(allowed("2026-03-02T12:00:00Z"), None);
    }

    #[test]
    fn a_session_is_told_once() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger(home.path());
        assert!(!was_told(&ledger, "s", "soft").unwrap());
        assert!(tell_once(&mut ledger, "s", "soft").unwrap());
        assert!(!tell_once(&mut ledger, "s", "soft").unwrap());
        assert!(was_told(&ledger, "s", "soft").unwrap());
        assert!(tell_once(&mut ledger, "s", "hard").unwrap());
        for number in 0..MOST_TOLD {
            assert!(tell_once(&mut ledger, &number.to_string(), "soft").unwrap());
        }
        assert!(tell_once(&mut ledger, "s", "soft").unwrap(), "forgotten in the end");
    }
}
