//! What the ledger's tests share.

use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};

use super::{Ledger, LookRecord};
use crate::pricing::PriceTable;
use crate::spend::{
    Charge, ChargeKind, Currency, DaySpan, EventKey, Funding, Metered, Money, Reading, SourceError,
    SourceInfo, SourceKind, Speed, TokenCounts, Usage,
};

/// $1 input and $5 output per million tokens.
pub(super) const HAIKU: &str = "claude-haiku-4-5";
/// $0.25 input and $2 output per million tokens.
pub(super) const MINI: &str = "gpt-5-mini";

pub(super) const AGENT: SourceInfo = SourceInfo {
    id: "an-agent",
    name: "An agent",
    kind: SourceKind::Agent,
    account: "openai",
    poll_minutes: 10,
    least_minutes: 0,
    settings: &[],
    status_page: "",
    key: None,
    base_url: "",
    tells: "usage",
    reads: "",
    limits: "",
};
pub(super) const OTHER_AGENT: SourceInfo =
    SourceInfo { id: "other-agent", account: "anthropic", ..AGENT };
pub(super) const PROVIDER: SourceInfo =
    SourceInfo { id: "openai-admin", kind: SourceKind::Provider, ..AGENT };

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect(text)
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().expect(text)
}

pub(super) fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect(text)
}

pub(super) fn ledger_in(home: &Path) -> Ledger {
    Ledger::open(&home.join("ledger.db"), at("2026-11-24T00:00:00Z")).expect("opens").ledger
}

pub(super) fn look(source: &'static SourceInfo, time: &str) -> LookRecord<'static> {
    LookRecord { source, account: source.account, funding: None, at: at(time), took_ms: 12 }
}

pub(super) fn days(first: &str, last: &str) -> DaySpan {
    DaySpan { first: day(first), last: day(last) }
}

pub(super) fn tokens(input: u64, output: u64) -> TokenCounts {
    TokenCounts { input, output, ..TokenCounts::default() }
}

/// A usage of its own: `id` is its whole identity.
pub(super) fn usage(id: &str, time: &str, model: &str, input: u64, output: u64) -> Usage {
    Usage {
        key: EventKey::original(&[id.as_bytes()], &[b"request"]),
        at: at(time),
        provider: None,
        model: Some(model.into()),
        tokens: tokens(input, output),
        speed: Speed::Standard,
        web_searches: 0,
        stated_cost: None,
        project: Some("/home/me/shop".into()),
        session: Some("session-1".into()),
        funding: Funding::Unknown,
        is_sum: false,
    }
}

pub(super) fn charge(date: &str, amount: &str) -> Charge {
    Charge {
        day: day(date),
        amount: usd(amount),
        kind: ChargeKind::Billed,
        model: None,
        project: None,
    }
}

pub(super) fn metered(date: &str, model: &str, input: u64, output: u64) -> Metered {
    Metered {
        day: day(date),
        model: Some(model.into()),
        tokens: tokens(input, output),
        requests: 1,
        web_searches: 0,
    }
}

pub(super) fn reading(usages: Vec<Usage>) -> Reading {
    Reading { usages, ..Reading::default() }
}

/// Records in a transaction of its own; tells whether anything changed.
pub(super) fn record(ledger: &mut Ledger, look: &LookRecord<'_>, reading: &Reading) -> bool {
    let mut recording = ledger.begin().expect("begins");
    let recorded = recording.record(look, reading, &PriceTable::builtin()).expect("records");
    recording.commit().expect("commits");
    recorded.changed
}

pub(super) fn fail(ledger: &mut Ledger, look: &LookRecord<'_>, error: &SourceError) -> bool {
    let mut recording = ledger.begin().expect("begins");
    let changed = recording.fail(look, error, None).expect("records");
    recording.commit().expect("commits");
    changed
}
