//! Old events leave a fingerprint behind instead of a row.
//!
//! A row is there so that a better record of the same event can take its place: a streamed repeat,
//! an original after its copy. Half a day later nothing of that kind comes any more, except of events
//! that share their group, so that these keep their rows. The slots have had the event's figures
//! from the start; what stays to be known is that it was counted, and `seen` knows that in four
//! bytes rather than a hundred.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Result};

use super::{Ledger, LedgerError, events, seen};

/// The newest rows stay, whatever their age: a small ledger is never rolled up.
const ROWS_KEPT: i64 = 100_000;
/// Below this many more rows than that it is not worth the while.
const ROWS_WORTH_IT: i64 = 50_000;
/// Rows looked at in one transaction, which takes about a third of a second.
const BATCH: i64 = 50_000;
/// Events younger than this by their own time may still grow.
const SETTLES_AFTER: TimeDelta = TimeDelta::hours(12);
/// The `meta` key of the last row that was looked at: rows before it stay.
const LAST_ROW: &str = "rolled-up-to";

impl Ledger {
    /// Rolls up what can't change any more. True when there was anything.
    ///
    /// Not to be called while a source has been read in part: the better records of what it has
    /// told may be in the part that is still to come.
    pub fn roll_up(&mut self, now: DateTime<Utc>) -> std::result::Result<bool, LedgerError> {
        let rows = Rows { kept: ROWS_KEPT, worth_it: ROWS_WORTH_IT, at_once: BATCH };
        self.roll_up_rows(now, rows)
    }

    pub(super) fn roll_up_rows(
        &mut self,
        now: DateTime<Utc>,
        rows: Rows,
    ) -> std::result::Result<bool, LedgerError> {
        let Some(end) = self.run(|conn| end_of_old_rows(conn, rows))? else { return Ok(false) };
        loop {
            let mut recording = self.begin()?;
            let more = recording.write(|conn, _| roll_up_batch(conn, now, end, rows.at_once))?;
            recording.commit()?;
            if !more {
                return Ok(true);
            }
        }
    }
}

/// How many rows stay (at least one, so that no id is given out again), how many more there must be, and how many are looked at in one transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub(super) kept: i64,
    pub(super) worth_it: i64,
    pub(super) at_once: i64,
}

/// The last row that is not among the newest; `None` when there are too few behind it. Told by ids,
/// which are given out in order: counting rows would read all of them each time. A row that is gone
/// may count, so that a few less may stay.
fn end_of_old_rows(conn: &Connection, rows: Rows) -> Result<Option<i64>> {
    let newest: Option<i64> =
        conn.prepare_cached("SELECT max(id) FROM usage")?.query_row([], |row| row.get(0))?;
    let end = newest.unwrap_or(0) - rows.kept;
    // Rows that were left standing before do not count.
    Ok((end - last_row(conn)? >= rows.worth_it).then_some(end))
}

/// Rolls up the next rows. False at the end.
fn roll_up_batch(conn: &Connection, now: DateTime<Utc>, end: i64, count: i64) -> Result<bool> {
    let settled_ms = (now - SETTLES_AFTER).timestamp_millis();
    let rows = events::keys_between(conn, last_row(conn)?, end, count)?;
    let mut fingerprints = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in &rows {
        // Rows come in the order they were read in, which is roughly that of time: what follows
        // is young too. A time that is yet to come is a wrong clock's and holds up nothing.
        if row.at_ms > settled_ms && row.at_ms <= now.timestamp_millis() {
            break;
        }
        last = Some(row.id);
        let is_settled = row.at_ms <= settled_ms;
        if is_settled && row.key.is_original() && events::is_alone(conn, &row.key)? {
            fingerprints.push(seen::fingerprint(&row.key));
            events::forget(conn, row.id)?;
        }
    }
    seen::add(conn, fingerprints)?;
    let Some(last) = last else { return Ok(false) };
    conn.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
        .execute([LAST_ROW, &last.to_string()])?;
    Ok(rows.len() as i64 == count && rows.last().is_some_and(|row| row.id == last))
}

fn last_row(conn: &Connection) -> Result<i64> {
    let last: Option<String> = conn
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([LAST_ROW], |row| row.get(0))
        .optional()?;
    Ok(last.and_then(|id| id.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests;
