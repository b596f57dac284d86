//! The slots that are kept, and how they are read. A slot can be priced without its events, again and
//! again.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::codes;
use super::figures::{About, Figures, dollars_and_picos, picos_of};
use super::slot::{Class, SlotKey, SlotPrice, SlotSums, first_quarter, quarter_of};

/// Hands every slot that starts in `[start, end)` to `each`, in order of time.
pub(super) fn for_each(
    conn: &Connection,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    each: impl FnMut(i64, &About, &Figures) -> Result<()>,
) -> Result<()> {
    for_each_of(conn, start, end, |_| Ok(true), each)
}

/// The same of those slots alone that `takes` asks for. Of others no sums are read, which is most of
/// what reading a slot takes.
pub(super) fn for_each_of(
    conn: &Connection,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    mut takes: impl FnMut(&About) -> Result<bool>,
    mut each: impl FnMut(i64, &About, &Figures) -> Result<()>,
) -> Result<()> {
    let quarter = |at: DateTime<Utc>| first_quarter(at.timestamp_millis());
    let sql = format!(
        "SELECT quarter, provider, source, hint, model, project, session, funding, {SUMS} FROM slot
         WHERE quarter >= ?1 AND quarter < ?2 ORDER BY {KEY}"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query((quarter(start), quarter(end)))?;
    while let Some(row) = rows.next()? {
        let about = About {
            provider: row.get(1)?,
            source: row.get(2)?,
            hint: row.get(3)?,
            model: row.get(4)?,
            project: row.get(5)?,
            session: row.get(6)?,
            funding: codes::funding_of(row.get(7)?),
        };
        if takes(&about)? {
            let (sums, price) = read_sums(row, 8)?;
            each(row.get(0)?, &about, &price.figures(&sums))?;
        }
    }
    Ok(())
}

/// Hands the list price of every slot that starts in `[start, end)` to `each`, in order of time: a
/// fraction of what reading all of each slot takes.
pub(super) fn for_each_list_price(
    conn: &Connection,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    mut each: impl FnMut(i64, i128),
) -> Result<()> {
    let quarter = |at: DateTime<Utc>| first_quarter(at.timestamp_millis());
    // As `SlotPrice::figures` has it: what an agent states stands where no price is known.
    let mut statement = conn.prepare_cached(
        "SELECT quarter, iif(is_priced, list_dollars, stated_dollars),
                iif(is_priced, list_picos, stated_picos)
         FROM slot WHERE quarter >= ?1 AND quarter < ?2 ORDER BY quarter",
    )?;
    let mut rows = statement.query((quarter(start), quarter(end)))?;
    while let Some(row) = rows.next()? {
        each(row.get(0)?, picos_of(row.get(1)?, row.get(2)?));
    }
    Ok(())
}

/// The same with all that decides their prices.
pub(super) fn for_each_between(
    conn: &Connection,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    each: impl FnMut(SlotKey, SlotSums, SlotPrice) -> Result<()>,
) -> Result<()> {
    let (start, end) = (start.timestamp_millis(), end.timestamp_millis());
    for_each_row(conn, first_quarter(start), first_quarter(end), None, each)
}

/// What one session used from the slot that holds `since` on.
pub(super) fn of_session(conn: &Connection, session: i64, since: DateTime<Utc>) -> Result<Figures> {
    let mut all = Figures::default();
    let first = quarter_of(since.timestamp_millis());
    for_each_row(conn, first, i64::MAX, Some(session), |_, sums, price| {
        all.add(&price.figures(&sums), 1);
        Ok(())
    })?;
    Ok(all)
}

/// The first slot number from `quarter` on that has a slot.
pub(super) fn first(conn: &Connection, quarter: i64) -> Result<Option<i64>> {
    conn.prepare_cached("SELECT quarter FROM slot WHERE quarter >= ?1 ORDER BY quarter LIMIT 1")?
        .query_row([quarter], |row| row.get(0))
        .optional()
}

pub(super) fn for_each_row(
    conn: &Connection,
    first: i64,
    end: i64,
    session: Option<i64>,
    mut each: impl FnMut(SlotKey, SlotSums, SlotPrice) -> Result<()>,
) -> Result<()> {
    let and = if session.is_some() { "AND session = ?3" } else { "AND ?3 IS NULL" };
    let sql = format!(
        "SELECT {KEY}, {SUMS} FROM slot WHERE quarter >= ?1 AND quarter < ?2 {and} ORDER BY {KEY}"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query((first, end, session))?;
    while let Some(row) = rows.next()? {
        let key = SlotKey {
            quarter: row.get(0)?,
            source: row.get(1)?,
            hint: row.get(2)?,
            model: row.get(3)?,
            project: row.get(4)?,
            session: row.get(5)?,
            funding: codes::funding_of(row.get(6)?),
            class: Class {
                speed: codes::speed_of(row.get(7)?),
                above: row.get(8)?,
                lacks: row.get(9)?,
            },
        };
        let (sums, price) = read_sums(row, 10)?;
        each(key, sums, price)?;
    }
    Ok(())
}

pub(super) fn read_one(conn: &Connection, key: &SlotKey) -> Result<Option<(SlotSums, SlotPrice)>> {
    conn.prepare_cached(&format!("SELECT {SUMS} FROM slot WHERE {IS_KEY}"))?
        .query_row(key_params(key), |row| read_sums(row, 0))
        .optional()
}

pub(super) fn delete(conn: &Connection, key: &SlotKey) -> Result<()> {
    conn.prepare_cached(&format!("DELETE FROM slot WHERE {IS_KEY}"))?.execute(key_params(key))?;
    Ok(())
}

pub(super) fn write_one(
    conn: &Connection,
    key: &SlotKey,
    sums: &SlotSums,
    price: &SlotPrice,
) -> Result<()> {
    let [quarter, source, hint, model, project, session, funding, speed, above, lacks] =
        key_params(key);
    let [input, cache_read, write_5m, write_1h, output, reasoning] = sums.tokens;
    let (stated_dollars, stated_picos) = dollars_and_picos(sums.stated_picos);
    let (list_dollars, list_picos) = dollars_and_picos(price.list_picos.unwrap_or(0));
    conn.prepare_cached(
        "INSERT OR REPLACE INTO slot VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
            ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)",
    )?
    .execute(params![
        quarter,
        source,
        hint,
        model,
        project,
        session,
        funding,
        speed,
        above,
        lacks,
        sums.requests,
        input,
        cache_read,
        write_5m,
        write_1h,
        output,
        reasoning,
        sums.web_searches,
        sums.stated_requests,
        sums.stated_tokens,
        stated_dollars,
        stated_picos,
        price.provider,
        price.list_picos.is_some(),
        list_dollars,
        list_picos,
    ])?;
    Ok(())
}

fn read_sums(row: &Row<'_>, from: usize) -> Result<(SlotSums, SlotPrice)> {
    let number = |index: usize| row.get::<_, i64>(from + index);
    let sums = SlotSums {
        requests: number(0)?,
        tokens: [number(1)?, number(2)?, number(3)?, number(4)?, number(5)?, number(6)?],
        web_searches: number(7)?,
        stated_requests: number(8)?,
        stated_tokens: number(9)?,
        stated_picos: picos_of(number(10)?, number(11)?),
    };
    let list_picos = picos_of(number(14)?, number(15)?);
    let price = SlotPrice {
        provider: number(12)?,
        list_picos: row.get::<_, bool>(from + 13)?.then_some(list_picos),
    };
    Ok((sums, price))
}

fn key_params(key: &SlotKey) -> [i64; 10] {
    [
        key.quarter,
        key.source,
        key.hint,
        key.model,
        key.project,
        key.session,
        codes::funding(key.funding),
        codes::speed(key.class.speed),
        key.class.above,
        i64::from(key.class.lacks),
    ]
}

const KEY: &str = "quarter, source, hint, model, project, session, funding, speed, above, lacks";

const IS_KEY: &str = "quarter = ?1 AND source = ?2 AND hint = ?3 AND model = ?4 AND project = ?5 \
    AND session = ?6 AND funding = ?7 AND speed = ?8 AND above = ?9 AND lacks = ?10";

const SUMS: &str = "requests, input, cache_read, cache_write_5m, cache_write_1h, output, \
    reasoning, web_searches, stated_requests, stated_tokens, stated_dollars, stated_picos, \
    provider, is_priced, list_dollars, list_picos";
