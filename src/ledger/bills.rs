//! What providers report per UTC day: charges and metered usage. A day that a reading knows
//! completely replaces what was known of that day, and only if it differs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use rusqlite::{Connection, Result, Row, params};

use super::codes;
use super::names::Names;
use crate::pricing::{PriceTable, UnitPrices};
use crate::spend::{Charge, ChargeKind, DaySpan, Metered, Money, Speed, TokenCounts};

/// How long after its end a UTC day may still be billed: providers' cost reports lag by hours.
const SETTLES_AFTER: TimeDelta = TimeDelta::hours(24);

/// What a row of the table `cover` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Covered {
    Charges,
    Metered,
}

/// A day that a source knows completely.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cover {
    pub(super) day: NaiveDate,
    pub(super) source: i64,
    pub(super) provider: i64,
    /// Whether it was read so late that the figure stays.
    pub(super) is_final: bool,
}

/// A stored charge; names are ids of the dictionary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChargeRow {
    pub(super) day: NaiveDate,
    pub(super) source: i64,
    pub(super) kind: ChargeKind,
    pub(super) provider: i64,
    pub(super) model: i64,
    pub(super) project: i64,
    amount: String,
    currency: String,
}

impl ChargeRow {
    pub(super) fn money(&self) -> Result<Money> {
        codes::money_of(&self.amount, &self.currency)
    }
}

/// Stored metered usage; names are ids of the dictionary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MeteredRow {
    pub(super) day: NaiveDate,
    pub(super) source: i64,
    provider_hint: i64,
    pub(super) provider: i64,
    pub(super) model: i64,
    pub(super) tokens: TokenCounts,
    pub(super) requests: u64,
    pub(super) web_searches: u64,
    pub(super) prices: UnitPrices,
}

/// Which source reports, when, and under which provider's name.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) source: i64,
    pub(super) provider: &'a str,
    pub(super) at: DateTime<Utc>,
}

/// Stores charges. True when a figure changed.
pub(super) fn store_charges(
    conn: &Connection,
    names: &mut Names,
    origin: Origin<'_>,
    charges: &[Charge],
    cover: Option<DaySpan>,
) -> Result<bool> {
    let provider = names.id(conn, Some(origin.provider))?;
    let mut new = Vec::with_capacity(charges.len());
    for charge in charges {
        new.push(ChargeRow {
            day: charge.day,
            source: origin.source,
            kind: charge.kind,
            provider,
            model: names.id(conn, charge.model.as_deref())?,
            project: names.id(conn, charge.project.as_deref())?,
            amount: charge.amount.to_decimal(),
            currency: charge.amount.currency.to_string(),
        });
    }
    let days = days_of(cover, charges.iter().map(|charge| charge.day));
    let Some(span) = hull(&days) else { return Ok(false) };
    let old = charges_between(conn, span)?;
    let mut changed = false;
    for (day, rows) in differing(&days, origin.source, old, new, |row| (row.day, row.source)) {
        changed = true;
        conn.prepare_cached("DELETE FROM charge WHERE day = ?1 AND source = ?2")?
            .execute(params![day.to_string(), origin.source])?;
        let mut insert = conn.prepare_cached(
            "INSERT INTO charge (source, day, kind, provider, model, project, amount, currency)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for row in rows.new {
            insert.execute(params![
                row.source,
                day.to_string(),
                codes::charge_kind(row.kind),
                row.provider,
                row.model,
                row.project,
                row.amount,
                row.currency,
            ])?;
        }
    }
    Ok(store_cover(conn, origin, provider, Covered::Charges, &days)? || changed)
}

/// Stores metered usage. True when a figure changed.
pub(super) fn store_metered(
    conn: &Connection,
    names: &mut Names,
    origin: Origin<'_>,
    metered: &[Metered],
    cover: Option<DaySpan>,
    prices: &PriceTable,
) -> Result<bool> {
    let hint = names.id(conn, Some(origin.provider))?;
    let mut new = Vec::with_capacity(metered.len());
    for row in metered {
        let model = row.model.as_deref();
        let (provider, prices) = unit_prices(prices, origin.provider, model, row.day);
        new.push(MeteredRow {
            day: row.day,
            source: origin.source,
            provider_hint: hint,
            provider: names.id(conn, provider.as_deref())?,
            model: names.id(conn, model)?,
            tokens: row.tokens,
            requests: row.requests,
            web_searches: row.web_searches,
            prices,
        });
    }
    let days = days_of(cover, metered.iter().map(|row| row.day));
    let Some(span) = hull(&days) else { return Ok(false) };
    let old = metered_between(conn, span)?.into_iter().map(|(_, row)| row).collect();
    let mut changed = false;
    for (day, rows) in differing(&days, origin.source, old, new, |row| (row.day, row.source)) {
        changed = true;
        conn.prepare_cached("DELETE FROM metered WHERE day = ?1 AND source = ?2")?
            .execute(params![day.to_string(), origin.source])?;
        for row in rows.new {
            insert_metered(conn, &row)?;
        }
    }
    Ok(store_cover(conn, origin, hint, Covered::Metered, &days)? || changed)
}

/// Prices all stored metered usage anew.
pub(super) fn reprice(conn: &Connection, names: &mut Names, prices: &PriceTable) -> Result<()> {
    let all = DaySpan { first: NaiveDate::MIN, last: NaiveDate::MAX };
    for (id, mut row) in metered_between(conn, all)? {
        let hint = names.text(conn, row.provider_hint)?;
        let model = names.text(conn, row.model)?;
        let (provider, unit) =
            unit_prices(prices, hint.as_deref().unwrap_or_default(), model.as_deref(), row.day);
        let provider = names.id(conn, provider.as_deref())?;
        if (provider, unit) != (row.provider, row.prices) {
            (row.provider, row.prices) = (provider, unit);
            conn.prepare_cached("DELETE FROM metered WHERE id = ?1")?.execute([id])?;
            insert_metered(conn, &row)?;
        }
    }
    Ok(())
}

/// Charges of the UTC days in `span`, by day.
pub(super) fn charges_between(conn: &Connection, span: DaySpan) -> Result<Vec<ChargeRow>> {
    conn.prepare_cached(
        "SELECT day, source, kind, provider, model, project, amount, currency FROM charge
         WHERE day BETWEEN ?1 AND ?2 ORDER BY day, source, id",
    )?
    .query_map(codes::day_bounds(span), |row| {
        Ok(ChargeRow {
            day: read_day(row, 0)?,
            source: row.get(1)?,
            kind: codes::charge_kind_of(row.get(2)?),
            provider: row.get(3)?,
            model: row.get(4)?,
            project: row.get(5)?,
            amount: row.get(6)?,
            currency: row.get(7)?,
        })
    })?
    .collect()
}

/// Metered usage of the UTC days in `span`, by day, with row ids.
pub(super) fn metered_between(conn: &Connection, span: DaySpan) -> Result<Vec<(i64, MeteredRow)>> {
    conn.prepare_cached(
        "SELECT id, day, source, provider_hint, provider, model, input, cache_read,
            cache_write_5m, cache_write_1h, output, reasoning, requests, web_searches,
            input_picos, cache_read_picos, cache_write_5m_picos, cache_write_1h_picos,
            output_picos, reasoning_picos, web_search_picos
         FROM metered WHERE day BETWEEN ?1 AND ?2 ORDER BY day, source, model, id",
    )?
    .query_map(codes::day_bounds(span), |row| {
        let count = |index| row.get::<_, i64>(index).map(codes::to_u64);
        let prices = UnitPrices {
            tokens: [
                row.get(14)?,
                row.get(15)?,
                row.get(16)?,
                row.get(17)?,
                row.get(18)?,
                row.get(19)?,
            ],
            web_search: row.get(20)?,
        };
        let metered = MeteredRow {
            day: read_day(row, 1)?,
            source: row.get(2)?,
            provider_hint: row.get(3)?,
            provider: row.get(4)?,
            model: row.get(5)?,
            tokens: TokenCounts {
                input: count(6)?,
                cache_read: count(7)?,
                cache_write_5m: count(8)?,
                cache_write_1h: count(9)?,
                output: count(10)?,
                reasoning: count(11)?,
            },
            requests: count(12)?,
            web_searches: count(13)?,
            prices,
        };
        Ok((row.get(0)?, metered))
    })?
    .collect()
}

/// The covered UTC days in `span`, by day.
pub(super) fn covers_between(
    conn: &Connection,
    span: DaySpan,
    what: Covered,
) -> Result<Vec<Cover>> {
    let [first, last] = codes::day_bounds(span);
    conn.prepare_cached(
        "SELECT day, source, provider, read_ms FROM cover
         WHERE day BETWEEN ?1 AND ?2 AND what = ?3 ORDER BY day, source",
    )?
    .query_map(params![first, last, what as i64], |row| {
        let day = read_day(row, 0)?;
        let read_ms: i64 = row.get(3)?;
        Ok(Cover {
            day,
            source: row.get(1)?,
            provider: row.get(2)?,
            is_final: read_ms > settled_ms(day),
        })
    })?
    .collect()
}

/// Remembers which days are known and since when. A day that is final needs no newer time, so
/// that a poll writes only the last days. True when a day became known or final.
fn store_cover(
    conn: &Connection,
    origin: Origin<'_>,
    provider: i64,
    what: Covered,
    days: &BTreeSet<NaiveDate>,
) -> Result<bool> {
    let Some(span) = hull(days) else { return Ok(false) };
    let known: BTreeMap<NaiveDate, bool> = covers_between(conn, span, what)?
        .into_iter()
        .filter(|cover| cover.source == origin.source)
        .map(|cover| (cover.day, cover.is_final))
        .collect();
    let read_ms = origin.at.timestamp_millis();
    let mut changed = false;
    let mut upsert = conn.prepare_cached(
        "INSERT INTO cover (day, source, what, provider, read_ms) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET read_ms = max(read_ms, excluded.read_ms)",
    )?;
    for day in days {
        let was_final = known.get(day).copied();
        if was_final == Some(true) {
            continue;
        }
        changed |= was_final.is_none() || read_ms > settled_ms(*day);
        upsert.execute(params![day.to_string(), origin.source, what as i64, provider, read_ms])?;
    }
    Ok(changed)
}

/// The rows of one UTC day, as they are stored and as a reading tells them.
struct DayRows<T> {
    old: Vec<T>,
    new: Vec<T>,
}

/// The days whose rows differ.
fn differing<T: Ord>(
    days: &BTreeSet<NaiveDate>,
    source: i64,
    old: Vec<T>,
    new: Vec<T>,
    place: impl Fn(&T) -> (NaiveDate, i64),
) -> BTreeMap<NaiveDate, DayRows<T>> {
    let mut by_day = BTreeMap::new();
    let mut rows_of = |day: NaiveDate, row: T, is_new: bool| {
        let rows =
            by_day.entry(day).or_insert_with(|| DayRows { old: Vec::new(), new: Vec::new() });
        if is_new { &mut rows.new } else { &mut rows.old }.push(row);
    };
    for row in old {
        let (day, of) = place(&row);
        if of == source && days.contains(&day) {
            rows_of(day, row, false);
        }
    }
    for row in new {
        rows_of(place(&row).0, row, true);
    }
    by_day.retain(|_, rows| {
        rows.old.sort();
        rows.new.sort();
        rows.old != rows.new
    });
    by_day
}

fn insert_metered(conn: &Connection, row: &MeteredRow) -> Result<()> {
    let tokens = super::slot::kinds(&row.tokens);
    conn.prepare_cached(
        "INSERT INTO metered (source, day, provider_hint, provider, model, input, cache_read,
            cache_write_5m, cache_write_1h, output, reasoning, requests, web_searches,
            input_picos, cache_read_picos, cache_write_5m_picos, cache_write_1h_picos,
            output_picos, reasoning_picos, web_search_picos)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
            ?19, ?20)",
    )?
    .execute(params![
        row.source,
        row.day.to_string(),
        row.provider_hint,
        row.provider,
        row.model,
        tokens[0],
        tokens[1],
        tokens[2],
        tokens[3],
        tokens[4],
        tokens[5],
        codes::to_i64(row.requests),
        codes::to_i64(row.web_searches),
        row.prices.tokens[0],
        row.prices.tokens[1],
        row.prices.tokens[2],
        row.prices.tokens[3],
        row.prices.tokens[4],
        row.prices.tokens[5],
        row.prices.web_search,
    ])?;
    Ok(())
}

/// The standard price of one token of each kind at noon of the day, and whose list it is in. A
/// day's total is never priced as if it were one request: it would fall into a long-context tier.
fn unit_prices(
    prices: &PriceTable,
    provider: &str,
    model: Option<&str>,
    day: NaiveDate,
) -> (Option<Arc<str>>, UnitPrices) {
    let list = prices.list(Some(provider), model);
    let noon = day_start_utc(day) + TimeDelta::hours(12);
    let unit = list.unit_prices(noon, Speed::Standard, 0);
    (list.provider().cloned(), unit.unwrap_or_default())
}

/// The days a reading replaces: those it says to know, and those it has rows for.
fn days_of(cover: Option<DaySpan>, rows: impl Iterator<Item = NaiveDate>) -> BTreeSet<NaiveDate> {
    let covered = cover
        .into_iter()
        .flat_map(|span| span.first.iter_days().take_while(move |day| *day <= span.last));
    rows.chain(covered).collect()
}

fn hull(days: &BTreeSet<NaiveDate>) -> Option<DaySpan> {
    Some(DaySpan { first: *days.first()?, last: *days.last()? })
}

/// The instant after which a reading of this UTC day is final, in milliseconds.
fn settled_ms(day: NaiveDate) -> i64 {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    day_start_utc(next).timestamp_millis() + SETTLES_AFTER.num_milliseconds()
}

fn day_start_utc(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

fn read_day(row: &Row<'_>, index: usize) -> Result<NaiveDate> {
    codes::day_of(&row.get::<_, String>(index)?)
}
