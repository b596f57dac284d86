//! Usage summed per quarter of an hour, kept in step with the events by differences.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Result, params};

use super::codes;
use crate::spend::{Funding, TokenCounts};

/// Milliseconds in one slot. Since 1972 every zone's offset is a multiple of this.
const QUARTER_MS: i64 = 15 * 60 * 1000;
const PICOS_PER_DOLLAR: i128 = 1_000_000_000_000;

/// What one slot is for. The names are ids of the dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SlotKey {
    pub(super) quarter: i64,
    pub(super) source: i64,
    pub(super) provider: i64,
    pub(super) model: i64,
    pub(super) project: i64,
    pub(super) session: i64,
    pub(super) funding: Funding,
}

/// The sums of one slot, or a difference to them. One event holds at most 10^12 tokens of a kind,
/// so that sums stay far inside 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SlotSums {
    pub(super) requests: i64,
    /// Input, cache read, cache write 5 m, cache write 1 h, output, reasoning.
    pub(super) tokens: [i64; 6],
    pub(super) list_picos: i128,
    pub(super) priced_requests: i64,
    pub(super) unpriced_tokens: i64,
}

impl SlotSums {
    fn add(&mut self, other: &Self, sign: i64) {
        self.requests += sign * other.requests;
        for (sum, part) in self.tokens.iter_mut().zip(other.tokens) {
            *sum += sign * part;
        }
        self.list_picos += i128::from(sign) * other.list_picos;
        self.priced_requests += sign * other.priced_requests;
        self.unpriced_tokens += sign * other.unpriced_tokens;
    }

    /// The token sums by kind.
    pub(super) fn token_counts(&self) -> TokenCounts {
        let [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning] =
            self.tokens.map(|count| u64::try_from(count).unwrap_or(0));
        TokenCounts { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning }
    }
}

/// The slot number of an instant given in milliseconds.
pub(super) fn quarter_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(QUARTER_MS)
}

/// Token counts in the order of [`SlotSums::tokens`].
pub(super) fn kinds(tokens: &TokenCounts) -> [i64; 6] {
    [
        tokens.input,
        tokens.cache_read,
        tokens.cache_write_5m,
        tokens.cache_write_1h,
        tokens.output,
        tokens.reasoning,
    ]
    .map(codes::to_i64)
}

/// Differences gathered in memory and written once per reading.
#[derive(Default)]
pub(super) struct Deltas(HashMap<SlotKey, SlotSums>);

impl Deltas {
    /// One event more.
    pub(super) fn add(&mut self, key: SlotKey, sums: &SlotSums) {
        self.0.entry(key).or_default().add(sums, 1);
    }

    /// One event less.
    pub(super) fn sub(&mut self, key: SlotKey, sums: &SlotSums) {
        self.0.entry(key).or_default().add(sums, -1);
    }

    /// Writes all differences and forgets them. Slots without a request left go away.
    pub(super) fn write(&mut self, conn: &Connection) -> Result<()> {
        let mut deltas: Vec<_> =
            self.0.drain().filter(|(_, sums)| *sums != SlotSums::default()).collect();
        deltas.sort_unstable_by_key(|(key, _)| *key);
        let mut upsert = conn.prepare_cached(UPSERT)?;
        let mut delete = conn.prepare_cached(DELETE_EMPTY)?;
        for (key, sums) in deltas {
            let [input, cache_read, write_5m, write_1h, output, reasoning] = sums.tokens;
            let dollars = sums.list_picos.div_euclid(PICOS_PER_DOLLAR) as i64;
            let picos = sums.list_picos.rem_euclid(PICOS_PER_DOLLAR) as i64;
            let funding = codes::funding(key.funding);
            upsert.execute(params![
                key.quarter,
                key.source,
                key.provider,
                key.model,
                key.project,
                key.session,
                funding,
                sums.requests,
                input,
                cache_read,
                write_5m,
                write_1h,
                output,
                reasoning,
                dollars,
                picos,
                sums.priced_requests,
                sums.unpriced_tokens,
            ])?;
            if sums.requests < 0 {
                delete.execute(params![
                    key.quarter,
                    key.source,
                    key.provider,
                    key.model,
                    key.project,
                    key.session,
                    funding,
                ])?;
            }
        }
        Ok(())
    }
}

/// Hands every slot that starts in `[start, end)` to `each`, in order of time.
pub(super) fn for_each(
    conn: &Connection,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    mut each: impl FnMut(&SlotKey, &SlotSums) -> Result<()>,
) -> Result<()> {
    let mut statement = conn.prepare_cached(SELECT)?;
    let mut rows = statement.query(params![
        first_quarter(start.timestamp_millis()),
        first_quarter(end.timestamp_millis())
    ])?;
    while let Some(row) = rows.next()? {
        let key = SlotKey {
            quarter: row.get(0)?,
            source: row.get(1)?,
            provider: row.get(2)?,
            model: row.get(3)?,
            project: row.get(4)?,
            session: row.get(5)?,
            funding: codes::funding_of(row.get(6)?),
        };
        let sums = SlotSums {
            requests: row.get(7)?,
            tokens: [
                row.get(8)?,
                row.get(9)?,
                row.get(10)?,
                row.get(11)?,
                row.get(12)?,
                row.get(13)?,
            ],
            list_picos: i128::from(row.get::<_, i64>(14)?) * PICOS_PER_DOLLAR
                + i128::from(row.get::<_, i64>(15)?),
            priced_requests: row.get(16)?,
            unpriced_tokens: row.get(17)?,
        };
        each(&key, &sums)?;
    }
    Ok(())
}

/// The instant a slot starts.
pub(super) fn start_of(quarter: i64) -> DateTime<Utc> {
    codes::time_of(quarter.saturating_mul(QUARTER_MS))
}

/// The first slot that starts at or after an instant.
fn first_quarter(at_ms: i64) -> i64 {
    at_ms.div_euclid(QUARTER_MS) + i64::from(at_ms.rem_euclid(QUARTER_MS) != 0)
}

/// Adds a difference. The pico part of both is below one dollar, the carry goes to the dollars.
const UPSERT: &str = "
    INSERT INTO slot VALUES
        (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
    ON CONFLICT DO UPDATE SET
        requests = requests + excluded.requests,
        input = input + excluded.input,
        cache_read = cache_read + excluded.cache_read,
        cache_write_5m = cache_write_5m + excluded.cache_write_5m,
        cache_write_1h = cache_write_1h + excluded.cache_write_1h,
        output = output + excluded.output,
        reasoning = reasoning + excluded.reasoning,
        list_dollars = list_dollars + excluded.list_dollars
            + (list_picos + excluded.list_picos) / 1000000000000,
        list_picos = (list_picos + excluded.list_picos) % 1000000000000,
        priced_requests = priced_requests + excluded.priced_requests,
        unpriced_tokens = unpriced_tokens + excluded.unpriced_tokens";

const DELETE_EMPTY: &str = "
    DELETE FROM slot
    WHERE quarter = ?1 AND source = ?2 AND provider = ?3 AND model = ?4 AND project = ?5
        AND session = ?6 AND funding = ?7 AND requests = 0";

const SELECT: &str = "
    SELECT quarter, source, provider, model, project, session, funding, requests, input,
        cache_read, cache_write_5m, cache_write_1h, output, reasoning, list_dollars, list_picos,
        priced_requests, unpriced_tokens
    FROM slot WHERE quarter >= ?1 AND quarter < ?2
    ORDER BY quarter, source, provider, model, project, session, funding";
