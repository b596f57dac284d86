//! Usage events, each counted once: what an [`EventKey`] means is decided here.

use std::sync::Arc;

use chrono::Datelike;
use rusqlite::{Connection, Result, Row, params};

use super::codes;
use super::deltas::Deltas;
use super::names::{NONE, Names};
use super::pricer::{Pricer, Size};
use super::seen::Seen;
use super::slot::{self, Class, SlotKey, SlotSums};
use crate::spend::{Currency, EventKey, Funding, Money, Problem, Speed, TokenCounts, Usage};

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
/// Of each group every event of the highest rank counts once, at its largest. Neither the order of
/// the events nor the order of the readings matters. An event that was rolled up counts as it was
/// then: what comes of it later, and of copies of it, is known already.
pub(super) fn store(
    conn: &Connection,
    names: &mut Names,
    source: &str,
    usages: &[Usage],
    pricer: &mut Pricer<'_>,
    deltas: &mut Deltas,
) -> Result<Stored> {
    let mut stored = Stored::default();
    if usages.is_empty() {
        return Ok(stored);
    }
    let mut ids = Ids { source: names.id(conn, Some(source))?, ..Ids::default() };
    let mut incoming = Vec::with_capacity(usages.len());
    for usage in usages {
        match why_refused(usage) {
            None => incoming.push((usage, Event::new(conn, names, &mut ids, usage, pricer)?)),
            Some(what) => stored.refused.push(Problem {
                place: usage.session.as_deref().unwrap_or(source).to_owned(),
                position: Some(format!("event {:?}", usage.key)),
                what: what.to_owned(),
            }),
        }
    }
    // Sorted, the index is walked from one end to the other instead of back and forth.
    incoming.sort_unstable_by_key(|(usage, _)| usage.key);
    let seen = Seen::of(conn, incoming.iter().map(|(usage, _)| &usage.key))?;
    let mut table = Table::new(conn)?;
    let mut known: Vec<Event> = Vec::new();
    for group in incoming.chunk_by(|(a, _), (b, _)| a.key.group() == b.key.group()) {
        let (first, _) = &group[0];
        let rank_matters =
            table.has_yielding || group.iter().any(|(usage, _)| !usage.key.is_original());
        let mut highest = EventKey::ORIGINAL;
        if rank_matters {
            table.read_group(&first.key, &mut known)?;
            let ranks = group.iter().map(|(usage, _)| usage.key.rank());
            let rolled_up = seen.holds_group(&first.key).then_some(EventKey::ORIGINAL);
            let ranks = ranks.chain(known.iter().map(|event| event.key.rank())).chain(rolled_up);
            highest = ranks.max().unwrap_or(0);
            for outranked in known.iter().filter(|event| event.key.rank() < highest) {
                table.delete(outranked, deltas)?;
                stored.changed = true;
            }
        }
        for same in group.chunk_by(|(a, _), (b, _)| a.key == b.key) {
            let (mut best, mut event) = same[0];
            if best.key.rank() < highest {
                continue;
            }
            for &(other, other_event) in &same[1..] {
                if wins((other, source), (best, source)) {
                    (best, event) = (other, other_event);
                }
            }
            if seen.holds(&best.key) {
                continue;
            }
            if table.insert_if_new(&event, deltas)? {
                stored.new_events += 1;
                stored.changed = true;
                continue;
            }
            if !rank_matters {
                table.read_group(&best.key, &mut known)?;
            }
            let Some(old) = known.iter().find(|event| event.key == best.key) else { continue };
            if !old.says_the_same_as(&event) {
                let old_source = names.text(conn, old.source)?.unwrap_or_else(|| "".into());
                let old_usage = old.to_usage(conn, names)?;
                if wins((best, source), (&old_usage, &old_source)) {
                    table.replace(old, &event, deltas)?;
                    stored.changed = true;
                }
            }
        }
    }
    Ok(stored)
}

/// Hands up to `count` stored events after `last_id` to `each`. Returns the last id that was
/// looked at, `None` at the end.
fn for_each_after(
    conn: &Connection,
    last_id: i64,
    count: i64,
    mut each: impl FnMut(&Event) -> Result<()>,
) -> Result<Option<i64>> {
    let sql = format!("SELECT {COLUMNS} FROM usage WHERE id > ?1 ORDER BY id LIMIT ?2");
    let events = conn
        .prepare_cached(&sql)?
        .query_map([last_id, count], Event::read)?
        .collect::<Result<Vec<_>>>()?;
    events.iter().try_for_each(&mut each)?;
    Ok(events.last().map(|event| event.id))
}

/// Hands the time, the slot and the share in it of each stored event of `[start, end)`, in
/// milliseconds, to `each`.
pub(super) fn for_each_between(
    conn: &Connection,
    start_ms: i64,
    end_ms: i64,
    mut each: impl FnMut(i64, SlotKey, SlotSums),
) -> Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM usage WHERE at_ms >= ?1 AND at_ms < ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([start_ms, end_ms])?;
    while let Some(row) = rows.next()? {
        let event = Event::read(row)?;
        let (key, sums) = event.share();
        each(event.at_ms, key, sums);
    }
    Ok(())
}

/// Sorts up to `count` stored events after `last_id` into the classes of the price table, and
/// gathers what that changes in the slots: all of it with `from_nothing`, for slots that are empty.
/// Returns the last id that was looked at, `None` at the end.
pub(super) fn classify(
    conn: &Connection,
    names: &mut Names,
    pricer: &mut Pricer<'_>,
    (last_id, count): (i64, i64),
    from_nothing: bool,
    deltas: &mut Deltas,
) -> Result<Option<i64>> {
    let mut update =
        conn.prepare_cached("UPDATE usage SET above = ?2, lacks = ?3 WHERE id = ?1")?;
    for_each_after(conn, last_id, count, |event| {
        let place = (slot::quarter_of(event.at_ms), event.provider_hint, event.model);
        let sorted = Event { class: pricer.class(conn, names, place, &event.size())?, ..*event };
        if sorted.class != event.class {
            update.execute(params![event.id, sorted.class.above, sorted.class.lacks])?;
        }
        if from_nothing {
            sorted.enter(deltas);
        } else if sorted.class != event.class {
            event.leave(deltas);
            sorted.enter(deltas);
        }
        Ok(())
    })
}

/// What rolling up has to know of a row.
pub(super) struct StoredKey {
    pub(super) id: i64,
    pub(super) key: EventKey,
    pub(super) at_ms: i64,
}

/// The first `count` rows after one id and up to another, by id.
pub(super) fn keys_between(
    conn: &Connection,
    after: i64,
    upto: i64,
    count: i64,
) -> Result<Vec<StoredKey>> {
    conn.prepare_cached(
        "SELECT id, key, at_ms FROM usage WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
    )?
    .query_map([after, upto, count], |row| {
        Ok(StoredKey { id: row.get(0)?, key: EventKey(row.get(1)?), at_ms: row.get(2)? })
    })?
    .collect()
}

/// Whether no other row is of this event's group.
pub(super) fn is_alone(conn: &Connection, key: &EventKey) -> Result<bool> {
    let (low, high) = key.group_bounds();
    conn.prepare_cached(
        "SELECT count(*) = 1 FROM (SELECT 1 FROM usage WHERE key BETWEEN ?1 AND ?2 LIMIT 2)",
    )?
    .query_row([low.0, high.0], |row| row.get(0))
}

/// Removes a row and nothing else: its event goes on to count.
pub(super) fn forget(conn: &Connection, id: i64) -> Result<()> {
    conn.prepare_cached("DELETE FROM usage WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// The ids of the names in one reading. Its events share their texts, so that most of them are
/// found by comparing a pointer.
#[derive(Default)]
struct Ids {
    source: i64,
    provider: Option<(Arc<str>, i64)>,
    model: Option<(Arc<str>, i64)>,
    project: Option<(Arc<str>, i64)>,
    session: Option<(Arc<str>, i64)>,
}

fn id_of(
    conn: &Connection,
    names: &mut Names,
    last: &mut Option<(Arc<str>, i64)>,
    text: Option<&Arc<str>>,
) -> Result<i64> {
    let Some(text) = text else { return Ok(NONE) };
    if let Some((known, id)) = last
        && Arc::ptr_eq(known, text)
    {
        return Ok(*id);
    }
    let id = names.id(conn, Some(text))?;
    *last = Some((Arc::clone(text), id));
    Ok(id)
}

/// One row of the table `usage`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) id: i64,
    pub(super) key: EventKey,
    source: i64,
    pub(super) at_ms: i64,
    /// The provider that the log names.
    provider_hint: i64,
    model: i64,
    project: i64,
    session: i64,
    tokens: TokenCounts,
    funding: Funding,
    web_searches: u32,
    stated_cost: Option<Money>,
    class: Class,
}

impl Event {
    fn new(
        conn: &Connection,
        names: &mut Names,
        ids: &mut Ids,
        usage: &Usage,
        pricer: &mut Pricer<'_>,
    ) -> Result<Self> {
        let at_ms = usage.at.timestamp_millis();
        let provider_hint = id_of(conn, names, &mut ids.provider, usage.provider.as_ref())?;
        let model = id_of(conn, names, &mut ids.model, usage.model.as_ref())?;
        let place = (slot::quarter_of(at_ms), provider_hint, model);
        let size = Size {
            speed: usage.speed,
            tokens: &usage.tokens,
            web_searches: usage.web_searches,
            is_sum: usage.is_sum,
        };
        Ok(Self {
            id: 0,
            key: usage.key,
            source: ids.source,
            at_ms,
            provider_hint,
            model,
            project: id_of(conn, names, &mut ids.project, usage.project.as_ref())?,
            session: id_of(conn, names, &mut ids.session, usage.session.as_ref())?,
            tokens: usage.tokens,
            funding: usage.funding,
            web_searches: usage.web_searches,
            stated_cost: usage.stated_cost,
            class: pricer.class(conn, names, place, &size)?,
        })
    }

    fn size(&self) -> Size<'_> {
        Size {
            speed: self.class.speed,
            tokens: &self.tokens,
            web_searches: self.web_searches,
            is_sum: self.class.above == Class::SUM,
        }
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let count = |index| row.get::<_, i64>(index).map(codes::to_u64);
        let stated: Option<String> = row.get(17)?;
        Ok(Self {
            id: row.get(0)?,
            key: EventKey(row.get(1)?),
            source: row.get(2)?,
            at_ms: row.get(3)?,
            provider_hint: row.get(4)?,
            model: row.get(5)?,
            project: row.get(6)?,
            session: row.get(7)?,
            tokens: TokenCounts {
                input: count(8)?,
                cache_read: count(9)?,
                cache_write_5m: count(10)?,
                cache_write_1h: count(11)?,
                output: count(12)?,
                reasoning: count(13)?,
            },
            class: Class {
                speed: codes::speed_of(row.get(14)?),
                above: row.get(18)?,
                lacks: row.get(19)?,
            },
            funding: codes::funding_of(row.get(15)?),
            web_searches: row.get(16)?,
            stated_cost: stated.as_deref().map(codes::money_of_text).transpose()?,
        })
    }

    fn to_usage(self, conn: &Connection, names: &mut Names) -> Result<Usage> {
        Ok(Usage {
            key: self.key,
            at: codes::time_of(self.at_ms),
            provider: names.text(conn, self.provider_hint)?,
            model: names.text(conn, self.model)?,
            tokens: self.tokens,
            speed: self.class.speed,
            web_searches: self.web_searches,
            stated_cost: self.stated_cost,
            project: names.text(conn, self.project)?,
            session: names.text(conn, self.session)?,
            funding: self.funding,
            is_sum: self.class.above == Class::SUM,
        })
    }

    /// Whether both came from the same line, which is then known; the class is not in it.
    fn says_the_same_as(&self, other: &Self) -> bool {
        let said = |event: &Self| {
            let names = (event.source, event.provider_hint, event.model);
            let place = (event.at_ms, event.project, event.session);
            let paid = (event.class.speed, event.funding, event.web_searches, event.stated_cost);
            (names, place, event.tokens, paid)
        };
        said(self) == said(other)
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
            quarter: slot::quarter_of(self.at_ms),
            source: self.source,
            hint: self.provider_hint,
            model: self.model,
            project: self.project,
            session: self.session,
            funding: self.funding,
            class: self.class,
        };
        // A part of the output can't be larger than all of it, in the sum as in each event.
        let reasoning = self.tokens.reasoning.min(self.tokens.output);
        let mut sums = SlotSums {
            requests: 1,
            tokens: slot::kinds(&TokenCounts { reasoning, ..self.tokens }),
            web_searches: i64::from(self.web_searches),
            ..SlotSums::default()
        };
        if let Some(picos) = self.stated_picos() {
            sums.stated_requests = 1;
            sums.stated_tokens = codes::to_i64(self.tokens.total());
            sums.stated_picos = picos;
        }
        (key, sums)
    }

    /// The cost that the log states in dollars, to the pico. Agents that know no price state zero,
    /// which is no cost.
    fn stated_picos(&self) -> Option<i128> {
        let cost = self.stated_cost.filter(|cost| cost.currency == Currency::USD)?;
        Some(cost.rounded(12)).filter(|picos| *picos > 0)
    }
}

/// The table `usage` with its statements ready.
struct Table<'a> {
    /// Whether any event in it yields to originals of its group.
    has_yielding: bool,
    select: rusqlite::CachedStatement<'a>,
    insert: rusqlite::CachedStatement<'a>,
    update: rusqlite::CachedStatement<'a>,
    delete: rusqlite::CachedStatement<'a>,
}

impl<'a> Table<'a> {
    fn new(conn: &'a Connection) -> Result<Self> {
        let has_yielding = conn
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM usage WHERE substr(key, 11, 1) < x'02')")?
            .query_row([], |row| row.get(0))?;
        Ok(Self {
            has_yielding,
            select: conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM usage WHERE key BETWEEN ?1 AND ?2"
            ))?,
            insert: conn.prepare_cached(&format!(
                "INSERT INTO usage ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
                    ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
                 ON CONFLICT DO NOTHING"
            ))?,
            update: conn.prepare_cached(
                "UPDATE usage SET key = ?2, source = ?3, at_ms = ?4, provider_hint = ?5,
                    model = ?6, project = ?7, session = ?8, input = ?9, cache_read = ?10,
                    cache_write_5m = ?11, cache_write_1h = ?12, output = ?13, reasoning = ?14,
                    speed = ?15, funding = ?16, web_searches = ?17, stated_cost = ?18,
                    above = ?19, lacks = ?20
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

    /// False when there is a row with the event's key.
    fn insert_if_new(&mut self, event: &Event, deltas: &mut Deltas) -> Result<bool> {
        let is_new = write(&mut self.insert, None, event)? > 0;
        if is_new {
            event.enter(deltas);
        }
        Ok(is_new)
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

/// Returns how many rows were written.
fn write(statement: &mut rusqlite::Statement<'_>, id: Option<i64>, event: &Event) -> Result<usize> {
    let [input, cache_read, write_5m, write_1h, output, reasoning] = slot::kinds(&event.tokens);
    statement.execute(params![
        id,
        event.key.0,
        event.source,
        event.at_ms,
        event.provider_hint,
        event.model,
        event.project,
        event.session,
        input,
        cache_read,
        write_5m,
        write_1h,
        output,
        reasoning,
        codes::speed(event.class.speed),
        codes::funding(event.funding),
        event.web_searches,
        event.stated_cost.as_ref().map(codes::money_text),
        event.class.above,
        event.class.lacks,
    ])
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
const COLUMNS: &str = "id, key, source, at_ms, provider_hint, model, project, session, input, \
    cache_read, cache_write_5m, cache_write_1h, output, reasoning, speed, funding, web_searches, \
    stated_cost, above, lacks";

#[cfg(test)]
mod tests;
