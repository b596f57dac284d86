//! What is spent by which session of an agent, today and of late.

use chrono::{DateTime, TimeDelta, Utc};

pub use crate::ledger::LastUses;
use crate::ledger::{Ledger, LedgerError, SessionUse};
use crate::spend::{Money, Period, TokenCounts, Zone};

use super::SourceRow;

/// How long ago "of late" reaches: to the start of the quarter of an hour that lies so far back.
const RECENT: TimeDelta = TimeDelta::hours(1);
const QUARTER_SECONDS: i64 = 15 * 60;

/// The sessions of a day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sessions {
    /// Where "of late" begins: an hour ago, or up to a quarter of an hour before.
    pub since: DateTime<Utc>,
    /// Those that cost most of late first.
    pub rows: Vec<SessionRow>,
}

/// One session as faces show it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    /// Source id.
    pub source: String,
    /// The agent's name; its id where it is not read any more.
    pub agent: String,
    /// The agent's name for the session.
    pub session: Option<String>,
    /// The folder it worked in last.
    pub project: Option<String>,
    /// Its models (`None` where the log leaves one open), the one used most first.
    pub models: Vec<Option<String>>,
    /// When it used something last.
    pub last_at: DateTime<Utc>,
    /// False where `last_at` is only the quarter of an hour.
    pub last_at_is_exact: bool,
    /// Requests of late.
    pub recent_requests: u64,
    /// Their list price; `None` when none of them has one.
    pub recent: Option<Money>,
    /// Requests today.
    pub requests: u64,
    /// Their list price; `None` when none of them has one.
    pub list: Option<Money>,
    /// Today's tokens by kind.
    pub tokens: TokenCounts,
    /// Tokens of models without a known price: in no amount.
    pub unpriced_tokens: u64,
}

/// Asks the ledger for the sessions of today. `uses` belongs to this ledger.
///
/// # Errors
/// The ledger can't be read.
pub fn sessions(
    ledger: &Ledger,
    uses: &mut LastUses,
    sources: &[SourceRow],
    now: DateTime<Utc>,
    zone: Zone,
) -> Result<Sessions, LedgerError> {
    let today = Period::Day.holding(now, zone);
    let hour_ago = now - RECENT;
    let into = TimeDelta::seconds(hour_ago.timestamp().rem_euclid(QUARTER_SECONDS));
    let since = (hour_ago - into).max(today.start);
    let row = |used: SessionUse| {
        let source = sources.iter().find(|row| row.info.id == used.source);
        SessionRow {
            agent: source.map_or(used.source.clone(), |row| row.info.name.to_owned()),
            source: used.source,
            session: used.session,
            project: used.project,
            models: used.models,
            last_at: used.last_at.unwrap_or(used.last_quarter),
            last_at_is_exact: used.last_at.is_some(),
            recent_requests: used.recent_requests,
            recent: used.recent,
            requests: used.requests,
            list: used.list,
            tokens: used.tokens,
            unpriced_tokens: used.unpriced_tokens,
        }
    };
    let rows = ledger.sessions_in(&today, since, uses)?.into_iter().map(row).collect();
    Ok(Sessions { since, rows })
}
