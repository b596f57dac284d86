//! Usage events, each counted once: what an [`EventKey`] means is decided here.

use std::sync::Arc;

use chrono::Datelike;
use rusqlite::{Connection, Result, Row, params};

use super::codes;
use super::names::Names;
use super::slots::{self, Deltas, SlotKey, SlotSums};
use crate::pricing::{Ask, PriceTable};
use crate::spend::{EventKey, Funding, Money, Problem, Speed, TokenCounts, Usage};

/// More tokens of one kind than any request can hold. Larger counts are a damaged line, and would
/// drown every sum they are part of.
const MOST_TOKENS: u64 = 1_000_000_000_000;

/// What storing a reading's events came to.
#[derive(Default)]
pub(super) struct Stored {
    /// Events that were not known before and count now.
    pub(super) new_events: u64,
    /// Whether any stored event changed.
    pub(super) changed: bool,
    /// Events that can't be true.
    pub(super) refused: Vec<Problem>,
}

/// Stores the events of one reading and gathers what they change in the slots.
///
/// Of each group every event of the highest rank counts once, at its largest. Neither the order of the events nor the order of the readings matters.
pub(super) fn store(
    conn: &Connection,
    names: &mut Names,
    source: &str,
    usages: &[Usage],
    prices: &PriceTable,
    deltas: &mut Deltas,
) -> Result<Stored> {
    let mut stored = Stored::default();
    if usages.is_empty() {
        return Ok(stored);
    }
    let mut incoming = Vec::with_capacity(usages.len());
    for usage in usages {
        match why_refused(usage) {
            None => incoming.push(usage),
            Some(what) => stored.refused.push(Problem {
                place: usage.session.as_deref().unwrap_or(source).to_owned(),
                position: Some(format!("event {:?}", usage.key)),
                what: what.to_owned(),
            }),
        }
    }
    // Sorted, the index is walked from one end to the other instead of back and forth.
    incoming.sort_unstable_by_key(|usage| usage.key);
    let mut table = Table::new(conn)?;
    let source_id = names.id(conn, Some(source))?;
    let mut known: Vec<Event> = Vec::new();
    for group in incoming.chunk_by(|a, b| a.key.group_bounds().0 == b.key.group_bounds().0) {
        table.read_group(&group[0].key, &mut known)?;
        let ranks = group.iter().map(|usage| usage.key.rank());
        let highest = ranks.chain(known.iter().map(|event| event.key.rank())).max().unwrap_or(0);
        for outranked in known.iter().filter(|event| event.key.rank() < highest) {
            table.delete(outranked, deltas)?;
            stored.changed = true;
        }
        for same in group.chunk_by(|a, b| a.key == b.key) {
            let mut best = same[0];
            if best.key.rank() < highest {
                continue;
            }
            for other in &same[1..] {
                if wins((other, source), (best, source)) {
                    best = other;
                }
            }
            match known.iter().find(|event| event.key == best.key) {
                None => {
                    let event = Event::new(conn, names, source_id, best, prices)?;
                    table.insert(&event, deltas)?;
                    stored.new_events += 1;
                    stored.changed = true;
                }
                Some(old) => {
                    let old_source = names.text(conn, old.source)?.unwrap_or_else(|| "".into());
                    let old_usage = old.to_usage(conn, names)?;
                    if wins((best, source), (&old_usage, &old_source)) {
                        let event = Event::new(conn, names, source_id, best, prices)?;
                        table.replace(old, &event, deltas)?;
                        stored.changed = true;
                    }
                }
            }
        }
    }
    Ok(stored)
}

/// Prices up to `count` stored events after `last_id` anew. Returns the last id that was looked
/// at, `None` at the end.
pub(super) fn reprice(
    conn: &Connection,
    names: &mut Names,
    prices: &PriceTable,
    last_id: i64,
    count: i64,
    deltas: &mut Deltas,
) -> Result<Option<i64>> {
    let sql = format!("SELECT {COLUMNS} FROM usage WHERE id > ?1 ORDER BY id LIMIT ?2");
    let events = conn
        .prepare_cached(&sql)?
        .query_map([last_id, count], Event::read)?
        .collect::<Result<Vec<_>>>()?;
    let mut update =
        conn.prepare_cached("UPDATE usage SET provider = ?2, list_picos = ?3 WHERE id = ?1")?;
    for event in &events {
        let usage = event.to_usage(conn, names)?;
        let (provider, list_picos) = price(conn, names, &usage, prices)?;
        if (provider, list_picos) != (event.provider, event.list_picos) {
            let mut dearer = event.clone();
            (dearer.provider, dearer.list_picos) = (provider, list_picos);
            update.execute(params![event.id, provider, list_picos])?;
            event.leave(deltas);
            dearer.enter(deltas);
        }
    }
    Ok(events.last().map(|event| event.id))
}

/// One row of the table `usage`.
#[derive(Clone, Debug)]
struct Event {
    id: i64,
    key: EventKey,
    source: i64,
    at_ms: i64,
    /// The provider that the log names. A later price table is asked with it again.
    provider_hint: i64,
    /// The provider in whose list the price was found.
    provider: i64,
    model: i64,
    project: i64,
    session: i64,
    tokens: TokenCounts,
    speed: Speed,
    funding: Funding,
    web_searches: u32,
    stated_cost: Option<Money>,
    list_picos: Option<i64>,
}

impl Event {
    fn new(
        conn: &Connection,
        names: &mut Names,
        source: i64,
        usage: &Usage,
        prices: &PriceTable,
    ) -> Result<Self> {
        let (provider, list_picos) = price(conn, names, usage, prices)?;
        Ok(Self {
            id: 0,
            key: usage.key,
            source,
            at_ms: usage.at.timestamp_millis(),
            provider_hint: names.id(conn, usage.provider.as_deref())?,
            provider,
            model: names.id(conn, usage.model.as_deref())?,
            project: names.id(conn, usage.project.as_deref())?,
            session: names.id(conn, usage.session.as_deref())?,
            tokens: usage.tokens,
            speed: usage.speed,
            funding: usage.funding,
            web_searches: usage.web_searches,
            stated_cost: usage.stated_cost,
            list_picos,
        })
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let count = |index| row.get::<_, i64>(index).map(codes::to_u64);
        let stated: Option<String> = row.get(18)?;
        Ok(Self {
            id: row.get(0)?,
            key: EventKey(row.get(1)?),
            source: row.get(2)?,
            at_ms: row.get(3)?,
            provider_hint: row.get(4)?,
            provider: row.get(5)?,
            model: row.get(6)?,
            project: row.get(7)?,
            session: row.get(8)?,
            tokens: TokenCounts {
                input: count(9)?,
                cache_read: count(10)?,
                cache_write_5m: count(11)?,
                cache_write_1h: count(12)?,
                output: count(13)?,
                reasoning: count(14)?,
            },
            speed: codes::speed_of(row.get(15)?),
            funding: codes::funding_of(row.get(16)?),
            web_searches: row.get(17)?,
            stated_cost: stated.as_deref().map(codes::money_of_text).transpose()?,
            list_picos: row.get(19)?,
        })
    }

    fn to_usage(&self, conn: &Connection, names: &mut Names) -> Result<Usage> {
        Ok(Usage {
            key: self.key,
            at: codes::time_of(self.at_ms),
            provider: names.text(conn, self.provider_hint)?,
            model: names.text(conn, self.model)?,
            tokens: self.tokens,
            speed: self.speed,
            web_searches: self.web_searches,
            stated_cost: self.stated_cost,
            project: names.text(conn, self.project)?,
            session: names.text(conn, self.session)?,
            funding: self.funding,
        })
    }

    fn enter(&self, deltas: &mut Deltas) {
        let (key, sums) = self.share();
        deltas.add(key, &sums);
    }

    fn leave(&self, deltas: &mut Deltas) {
        let (key, sums) = self.share();
        deltas.sub(key, &sums);
    }

    fn share(&self) -> (SlotKey, SlotSums) {
        let key = SlotKey {
            quarter: slots::quarter_of(self.at_ms),
            source: self.source,
            provider: self.provider,
            model: self.model,
            project: self.project,
            session: self.session,
            funding: self.funding,
        };
        let total = codes::to_i64(self.tokens.total());
        let sums = SlotSums {
            requests: 1,
            tokens: slots::kinds(&self.tokens),
            list_picos: i128::from(self.list_picos.unwrap_or(0)),
            priced_requests: i64::from(self.list_picos.is_some()),
            unpriced_tokens: if self.list_picos.is_some() { 0 } else { total },
        };
        (key, sums)
    }
}

/// The table `usage` with its statements ready.
struct Table<'a> {
    select: rusqlite::CachedStatement<'a>,
    insert: rusqlite::CachedStatement<'a>,
    update: rusqlite::CachedStatement<'a>,
    delete: rusqlite::CachedStatement<'a>,
}

impl<'a> Table<'a> {
    fn new(conn: &'a Connection) -> Result<Self> {
        Ok(Self {
            select: conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM usage WHERE key BETWEEN ?1 AND ?2"
            ))?,
            insert: conn.prepare_cached(&format!(
                "INSERT INTO usage ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
                    ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"
            ))?,
            update: conn.prepare_cached(
                "UPDATE usage SET key = ?2, source = ?3, at_ms = ?4, provider_hint = ?5,
                    provider = ?6, model = ?7, project = ?8, session = ?9, input = ?10,
                    cache_read = ?11, cache_write_5m = ?12, cache_write_1h = ?13, output = ?14,
                    reasoning = ?15, speed = ?16, funding = ?17, web_searches = ?18,
                    stated_cost = ?19, list_picos = ?20
                 WHERE id = ?1",
            )?,
            delete: conn.prepare_cached("DELETE FROM usage WHERE id = ?1")?,
        })
    }

    fn read_group(&mut self, key: &EventKey, into: &mut Vec<Event>) -> Result<()> {
        into.clear();
        let (low, high) = key.group_bounds();
        let mut rows = self.select.query(params![low.0, high.0])?;
        while let Some(row) = rows.next()? {
            into.push(Event::read(row)?);
        }
        Ok(())
    }

    fn insert(&mut self, event: &Event, deltas: &mut Deltas) -> Result<()> {
        write(&mut self.insert, None, event)?;
        event.enter(deltas);
        Ok(())
    }

    fn replace(&mut self, old: &Event, new: &Event, deltas: &mut Deltas) -> Result<()> {
        write(&mut self.update, Some(old.id), new)?;
        old.leave(deltas);
        new.enter(deltas);
        Ok(())
    }

    fn delete(&mut self, event: &Event, deltas: &mut Deltas) -> Result<()> {
        self.delete.execute([event.id])?;
        event.leave(deltas);
        Ok(())
    }
}

fn write(statement: &mut rusqlite::Statement<'_>, id: Option<i64>, event: &Event) -> Result<()> {
    let [input, cache_read, write_5m, write_1h, output, reasoning] = slots::kinds(&event.tokens);
    statement.execute(params![
        id,
        event.key.0,
        event.source,
        event.at_ms,
        event.provider_hint,
        event.provider,
        event.model,
        event.project,
        event.session,
        input,
        cache_read,
        write_5m,
        write_1h,
        output,
        reasoning,
        codes::speed(event.speed),
        codes::funding(event.funding),
        event.web_searches,
        event.stated_cost.as_ref().map(codes::money_text),
        event.list_picos,
    ])?;
    Ok(())
}

/// The provider whose list it was found in, and the list price.
fn price(
    conn: &Connection,
    names: &mut Names,
    usage: &Usage,
    prices: &PriceTable,
) -> Result<(i64, Option<i64>)> {
    let priced = prices.price(&Ask {
        provider: usage.provider.as_deref(),
        model: usage.model.as_deref(),
        at: usage.at,
        tokens: usage.tokens,
        speed: usage.speed,
        web_searches: usage.web_searches,
    });
    // Nine million dollars for one request: nothing real is cut off.
    let picos = priced.list_picos.map(|picos| i64::try_from(picos).unwrap_or(i64::MAX));
    Ok((names.id(conn, priced.provider.as_deref())?, picos))
}

fn why_refused(usage: &Usage) -> Option<&'static str> {
    let tokens = &usage.tokens;
    let largest = [
        tokens.input,
        tokens.cache_read,
        tokens.cache_write_5m,
        tokens.cache_write_1h,
        tokens.output,
        tokens.reasoning,
    ];
    if largest.iter().any(|&count| count > MOST_TOKENS) {
        return Some("more tokens than a request can hold");
    }
    (!(1970..=9999).contains(&usage.at.year())).then_some("a time outside the calendar")
}

/// Whether the first event is kept rather than the second, each with its source. Where
/// [`Usage::outranks`] sees no difference the remaining fields decide, so that the answer never
/// depends on which was read first.
fn wins(new: (&Usage, &str), old: (&Usage, &str)) -> bool {
    let stored = |usage: &Usage| Usage {
        // Times are kept in milliseconds; comparing finer would ask the first one read.
        at: codes::time_of(usage.at.timestamp_millis()),
        ..usage.clone()
    };
    let (new_usage, old_usage) = (stored(new.0), stored(old.0));
    if new_usage.outranks(&old_usage) || old_usage.outranks(&new_usage) {
        return new_usage.outranks(&old_usage);
    }
    type Rest = (u32, Option<(i128, String)>, Speed, Option<Arc<str>>, Funding);
    let rest = |usage: &Usage| -> Rest {
        (
            usage.web_searches,
            usage.stated_cost.map(|cost| (cost.attos, cost.currency.to_string())),
            usage.speed,
            usage.provider.clone(),
            usage.funding,
        )
    };
    (rest(&new_usage), new.1) > (rest(&old_usage), old.1)
}

/// In the order of [`Event::read`] and [`write`].
const COLUMNS: &str = "id, key, source, at_ms, provider_hint, provider, model, project, session, \
    input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, speed, funding, \
    web_searches, stated_cost, list_picos";

#[cfg(test)]
mod tests;
