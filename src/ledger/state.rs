//! How the last look at each source went, and what was worth keeping of the looks before.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Result, params};
use xxhash_rust::xxh3::xxh3_64;

use super::{Ledger, LedgerError, codes};
use crate::spend::{
    Balance, Funding, Problem, QuotaWindow, Reading, SourceError, SourceInfo, SourceKind, Total,
};

/// The circumstances of a look.
#[derive(Clone, Copy, Debug)]
pub struct LookRecord<'a> {
    /// The source looked at.
    pub source: &'static SourceInfo,
    /// Who pays, as the config has it. Holds for all of the source's history.
    pub account: &'a str,
    /// What the config says about the funding of all the source's usage; `None` leaves it to the
    /// logs. Holds for all of the source's history.
    pub funding: Option<Funding>,
    /// Time of the look.
    pub at: DateTime<Utc>,
    /// How long it took, milliseconds.
    pub took_ms: u64,
}

/// How many of a source's problems are kept to be recognised when the same lines are read again.
const PROBLEMS_KEPT: i64 = 500;
/// How many of them are shown.
const PROBLEMS_SHOWN: i64 = 20;
const GOOD: &str = "good";

/// What the ledger knows of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceState {
    /// Source id.
    pub source: String,
    /// Who pays.
    pub account: String,
    /// What the config says about the funding of all its usage, in place of the logs.
    pub funding: Option<Funding>,
    /// The last look that was recorded. Looks at an agent's logs that find nothing new are not
    /// recorded: an idle machine writes nothing.
    pub last_look_at: DateTime<Utc>,
    /// The last of them that gave figures.
    pub last_good_at: Option<DateTime<Utc>>,
    /// How long the last one took, milliseconds.
    pub took_ms: u64,
    /// How the last one failed, if it did.
    pub error: Option<SourceError>,
    /// When it is looked at again after a failure.
    pub retry_at: Option<DateTime<Utc>>,
    /// What the last reading does not cover.
    pub gaps: Vec<String>,
    /// Prepaid credit.
    pub balances: Vec<Balance>,
    /// Limits.
    pub quotas: Vec<QuotaWindow>,
    /// What was spent over periods that are no days of a bill.
    pub totals: Vec<Total>,
    /// The plan, as the provider names it.
    pub plan: Option<String>,
    /// How many lines could not be read, of files that are still there.
    pub problem_count: u64,
    /// The newest of them, newest first.
    pub problems: Vec<Problem>,
    /// Tokens that can't be told from a parent session's, all time.
    pub unmetered_tokens: u64,
    /// Looks recorded.
    pub looks: u64,
    /// Looks that failed.
    pub failures: u64,
}

/// A look whose outcome or content differed from the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Time of the look.
    pub at: DateTime<Utc>,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// `good`, or the kind of failure.
    pub outcome: String,
}

impl Ledger {
    /// Every source that was ever looked at, by id.
    pub fn sources(&self) -> std::result::Result<Vec<SourceState>, LedgerError> {
        self.ask(|conn| {
            let mut states =
                conn.prepare_cached(&all())?.query_map([], read)?.collect::<Result<Vec<_>>>()?;
            states.sort_by(|(_, a), (_, b)| a.source.cmp(&b.source));
            for (source, state) in &mut states {
                state.problems = newest_problems(conn, *source)?;
            }
            Ok(states.into_iter().map(|(_, state)| state).collect())
        })
    }

    /// When a source was last asked something, well or in vain. After a look that ended before
    /// that, as with a locked keyring, it is the last good look.
    pub fn last_asked(
        &self,
        source_id: &str,
    ) -> std::result::Result<Option<DateTime<Utc>>, LedgerError> {
        self.ask(|conn| {
            let state = conn
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM source_state JOIN name ON name.id = source
                     WHERE name.text = ?1"
                ))?
                .query_row([source_id], read)
                .optional()?
                .map(|(_, state)| state);
            Ok(state.and_then(|state| match &state.error {
                Some(error) if error.asked_nobody() => state.last_good_at,
                _ => Some(state.last_look_at),
            }))
        })
    }

    /// The newest snapshots of a source, newest first.
    pub fn snapshots(
        &self,
        source_id: &str,
        limit: u32,
    ) -> std::result::Result<Vec<Snapshot>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "SELECT at_ms, took_ms, outcome FROM snapshot
                 JOIN name ON name.id = source WHERE name.text = ?1
                 ORDER BY snapshot.id DESC LIMIT ?2",
            )?
            .query_map(params![source_id, limit], |row| {
                Ok(Snapshot {
                    at: codes::time_of(row.get(0)?),
                    took_ms: codes::to_u64(row.get(1)?),
                    outcome: row.get(2)?,
                })
            })?
            .collect()
        })
    }
}

/// Left to choose, SQLite goes through every name for the few that are sources.
fn all() -> String {
    format!("SELECT {COLUMNS} FROM source_state CROSS JOIN name ON name.id = source")
}

/// The state of one source, without its problems.
pub(super) fn of_source(conn: &Connection, source: i64) -> Result<Option<SourceState>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM source_state JOIN name ON name.id = source WHERE source = ?1"
    ))?
    .query_row([source], read)
    .optional()
    .map(|found| found.map(|(_, state)| state))
}

/// Keeps problems that were not known. Returns how many those were.
pub(super) fn store_problems(conn: &Connection, source: i64, problems: &[Problem]) -> Result<u64> {
    let mut fresh = 0;
    for problem in problems {
        fresh += conn
            .prepare_cached(
                "INSERT INTO problem (source, place, position, what) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                source,
                problem.place,
                problem.position.as_deref().unwrap_or(""),
                problem.what
            ])?;
    }
    if fresh > 0 {
        conn.prepare_cached(
            "DELETE FROM problem WHERE source = ?1 AND id <= (SELECT id FROM problem
             WHERE source = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute([source, PROBLEMS_KEPT])?;
    }
    Ok(fresh as u64)
}

/// Forgets the problems of files that are gone. Returns how many those were.
pub(super) fn forget_problems<'a>(
    conn: &Connection,
    source: i64,
    gone: impl Iterator<Item = &'a String>,
) -> Result<u64> {
    let mut delete = conn.prepare_cached("DELETE FROM problem WHERE source = ?1 AND place = ?2")?;
    let mut forgotten = 0;
    for place in gone {
        forgotten += delete.execute(params![source, place])?;
    }
    Ok(forgotten as u64)
}

/// Writes the state of a source.
pub(super) fn write(conn: &Connection, source: i64, state: &SourceState) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO source_state (source, account, funding, last_look_ms,
            last_good_ms, took_ms, error, retry_ms, gaps, balances, quotas, problem_count,
            unmetered_tokens, looks, failures, totals, plan)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )?
    .execute(params![
        source,
        state.account,
        state.funding.map(codes::funding),
        state.last_look_at.timestamp_millis(),
        state.last_good_at.map(|at| at.timestamp_millis()),
        codes::to_i64(state.took_ms),
        state.error.as_ref().map(codes::json).transpose()?,
        state.retry_at.map(|at| at.timestamp_millis()),
        codes::json(&state.gaps)?,
        codes::json(&state.balances)?,
        codes::json(&state.quotas)?,
        codes::to_i64(state.problem_count),
        codes::to_i64(state.unmetered_tokens),
        codes::to_i64(state.looks),
        codes::to_i64(state.failures),
        codes::json(&state.totals)?,
        state.plan,
    ])?;
    Ok(())
}

/// The state of a source that is looked at for the first time.
pub(super) fn first(look: &LookRecord<'_>) -> SourceState {
    SourceState {
        source: look.source.id.to_owned(),
        account: look.account.to_owned(),
        funding: look.funding,
        last_look_at: look.at,
        last_good_at: None,
        took_ms: look.took_ms,
        error: None,
        retry_at: None,
        gaps: Vec::new(),
        balances: Vec::new(),
        quotas: Vec::new(),
        totals: Vec::new(),
        plan: None,
        problem_count: 0,
        problems: Vec::new(),
        unmetered_tokens: 0,
        looks: 0,
        failures: 0,
    }
}

/// Keeps a snapshot of a look, unless it says what the last one said. Logs grow by the second
/// and their events are all kept, so that of an agent only a changed outcome is news.
pub(super) fn store_snapshot(
    conn: &Connection,
    source: i64,
    look: &LookRecord<'_>,
    found: std::result::Result<&Reading, &SourceError>,
) -> Result<()> {
    let (outcome, content) = match found {
        Ok(reading) if look.source.kind == SourceKind::Provider => {
            (GOOD.to_owned(), content_hash(reading))
        }
        Ok(_) => (GOOD.to_owned(), 0),
        Err(error) => (kind_of(error), 0),
    };
    let last: Option<(String, i64)> = conn
        .prepare_cached(
            "SELECT outcome, content FROM snapshot WHERE source = ?1 ORDER BY id DESC LIMIT 1",
        )?
        .query_row([source], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if last.is_some_and(|last| last == (outcome.clone(), content)) {
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO snapshot (source, at_ms, took_ms, outcome, content)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        source,
        look.at.timestamp_millis(),
        codes::to_i64(look.took_ms),
        outcome,
        content
    ])?;
    Ok(())
}

/// A number that changes when a provider's figures do. It is only ever compared with the one of
/// the look before.
fn content_hash(reading: &Reading) -> i64 {
    let Reading { charges, charges_cover, metered, balances, quotas, totals, plan, gaps, .. } =
        reading;
    let text = format!(
        "{charges:?}{charges_cover:?}{metered:?}{balances:?}{quotas:?}{totals:?}{plan:?}{gaps:?}"
    );
    xxh3_64(text.as_bytes()).cast_signed()
}

fn kind_of(error: &SourceError) -> String {
    match error {
        SourceError::NotInstalled => "not-installed",
        SourceError::NeedsKey => "needs-key",
        SourceError::NeedsSetting { .. } => "needs-setting",
        SourceError::KeyUnavailable { .. } => "key-unavailable",
        SourceError::KeyRejected { .. } => "key-rejected",
        SourceError::WrongKindOfKey { .. } => "wrong-kind-of-key",
        SourceError::TokenExpired => "token-expired",
        SourceError::NotOffered { .. } => "not-offered",
        SourceError::OutOfCredit => "out-of-credit",
        SourceError::RateLimited { .. } => "rate-limited",
        SourceError::Unreachable { .. } => "unreachable",
        SourceError::ProviderDown { .. } => "provider-down",
        SourceError::FormatChanged { .. } => "format-changed",
        SourceError::Misconfigured { .. } => "misconfigured",
        SourceError::Unreadable { .. } => "unreadable",
    }
    .to_owned()
}

fn newest_problems(conn: &Connection, source: i64) -> Result<Vec<Problem>> {
    conn.prepare_cached(
        "SELECT place, position, what FROM problem WHERE source = ?1 ORDER BY id DESC LIMIT ?2",
    )?
    .query_map([source, PROBLEMS_SHOWN], |row| {
        let position: String = row.get(1)?;
        Ok(Problem {
            place: row.get(0)?,
            position: Some(position).filter(|text| !text.is_empty()),
            what: row.get(2)?,
        })
    })?
    .collect()
}

fn read(row: &rusqlite::Row<'_>) -> Result<(i64, SourceState)> {
    let text = |index| row.get::<_, String>(index);
    let count = |index| row.get::<_, i64>(index).map(codes::to_u64);
    let time = |index| row.get::<_, Option<i64>>(index).map(|ms| ms.map(codes::time_of));
    let error: Option<String> = row.get(7)?;
    let state = SourceState {
        source: text(1)?,
        account: text(2)?,
        funding: row.get::<_, Option<i64>>(3)?.map(codes::funding_of),
        last_look_at: codes::time_of(row.get(4)?),
        last_good_at: time(5)?,
        took_ms: count(6)?,
        error: error.as_deref().map(codes::json_of).transpose()?,
        retry_at: time(8)?,
        gaps: codes::json_of(&text(9)?)?,
        balances: codes::json_of(&text(10)?)?,
        quotas: codes::json_of(&text(11)?)?,
        problem_count: count(12)?,
        problems: Vec::new(),
        unmetered_tokens: count(13)?,
        looks: count(14)?,
        failures: count(15)?,
        totals: codes::json_of(&text(16)?)?,
        plan: row.get(17)?,
    };
    Ok((row.get(0)?, state))
}

/// In the order of [`read`].
const COLUMNS: &str = "source, name.text, account, funding, last_look_ms, last_good_ms, took_ms, \
    error, retry_ms, gaps, balances, quotas, problem_count, unmetered_tokens, looks, failures, \
    totals, plan";

#[cfg(test)]
mod tests {
    use super::super::testing::ledger_in;
    use super::*;

    #[test]
    fn asking_for_the_sources_does_not_read_every_name() {
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger_in(home.path());
        let mut plan = ledger.conn.prepare(&format!("EXPLAIN QUERY PLAN {}", all())).unwrap();
        let steps = plan.raw_query().mapped(|row| row.get::<_, String>(3));
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        assert_eq!(steps, ["SCAN source_state", "SEARCH name USING INTEGER PRIMARY KEY (rowid=?)"]);
    }
}
