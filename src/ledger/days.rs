//! Usage summed per day, so that questions about whole days read few rows.
//!
//! Two calendars are kept: UTC days, which providers' reports come in, and the days of the user's
//! zone. A question about any other zone's days is answered from the slots.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::figures::{About, Figures, dollars_and_picos, picos_of};
use super::names::NONE;
use super::{Ledger, LedgerError, codes, slot, slots};
use crate::spend::period::{day_start, local_day};
use crate::spend::{DaySpan, Span, Zone};

/// The `meta` key of the user's zone.
const ZONE: &str = "zone";
const UTC_DAYS: i64 = 0;
const LOCAL_DAYS: i64 = 1;

impl Ledger {
    /// Keeps sums of the days of `zone`, from now on and of all usage so far; of one zone at a
    /// time. Any question is answered without, only slower.
    pub fn keep_days_of(&mut self, zone: Zone) -> std::result::Result<(), LedgerError> {
        if self.run(kept_zone)? == zone {
            return Ok(());
        }
        let mut recording = self.begin()?;
        recording.set_meta(ZONE, zone.name())?;
        recording.write(|conn, _| {
            let mut days = Days::anew(conn)?;
            slots::for_each(conn, DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, {
                |quarter, about, figures| {
                    days.add(quarter, about, figures, 1);
                    Ok(())
                }
            })?;
            days.write(conn)
        })?;
        recording.commit()
    }
}

/// Differences to the sums of days, gathered in memory.
pub(super) struct Days {
    zone: Zone,
    /// Slots come by the thousand for one day: the last one, with its first and end quarter.
    last: Option<(NaiveDate, i64, i64)>,
    sums: HashMap<(i64, NaiveDate, About), Figures>,
}

impl Days {
    /// No differences yet.
    pub(super) fn new(conn: &Connection) -> Result<Self> {
        Ok(Self { zone: kept_zone(conn)?, last: None, sums: HashMap::new() })
    }

    /// Forgets the sums of all days, to sum them again.
    pub(super) fn anew(conn: &Connection) -> Result<Self> {
        conn.execute("DELETE FROM day", [])?;
        Self::new(conn)
    }

    /// Adds (`sign` 1) or takes off (-1) figures of a slot.
    pub(super) fn add(&mut self, quarter: i64, about: &About, figures: &Figures, sign: i64) {
        let about = About { project: NONE, session: NONE, ..*about };
        let utc = slot::start_of(quarter).date_naive();
        self.sums.entry((UTC_DAYS, utc, about)).or_default().add(figures, sign);
        if self.zone != Zone::UTC {
            let local = self.local_day(quarter);
            self.sums.entry((LOCAL_DAYS, local, about)).or_default().add(figures, sign);
        }
    }

    /// Writes all differences. Sums without a request left go away.
    pub(super) fn write(self, conn: &Connection) -> Result<()> {
        let mut deltas: Vec<_> =
            self.sums.into_iter().filter(|(_, sums)| *sums != Figures::default()).collect();
        deltas.sort_unstable_by_key(|(key, _)| *key);
        for ((calendar, day, about), delta) in deltas {
            let (list_dollars, list_picos) = dollars_and_picos(delta.list_picos);
            let (stated_dollars, stated_picos) = dollars_and_picos(delta.stated_picos);
            let (said_dollars, said_picos) = dollars_and_picos(delta.said_picos);
            let [input, cache_read, write_5m, write_1h, output, reasoning] = delta.tokens;
            let (day, funding) = (day.to_string(), codes::funding(about.funding));
            conn.prepare_cached(UPSERT)?.execute(params![
                calendar,
                day,
                about.source,
                about.hint,
                about.provider,
                about.model,
                funding,
                delta.requests,
                input,
                cache_read,
                write_5m,
                write_1h,
                output,
                reasoning,
                delta.priced_requests,
                delta.unpriced_tokens,
                list_dollars,
                list_picos,
                delta.stated_requests,
                stated_dollars,
                stated_picos,
                delta.said_requests,
                said_dollars,
                said_picos,
            ])?;
            if delta.requests < 0 {
                conn.prepare_cached(DELETE_EMPTY)?.execute(params![
                    calendar,
                    day,
                    about.source,
                    about.hint,
                    about.provider,
                    about.model,
                    funding,
                ])?;
            }
        }
        Ok(())
    }

    fn local_day(&mut self, quarter: i64) -> NaiveDate {
        if let Some((day, first, end)) = self.last
            && (first..end).contains(&quarter)
        {
            return day;
        }
        let day = local_day(slot::start_of(quarter), self.zone);
        let next = day.succ_opt().unwrap_or(NaiveDate::MAX);
        let quarter_of = |day| slot::quarter_of(day_start(day, self.zone).timestamp_millis());
        self.last = Some((day, quarter_of(day), quarter_of(next)));
        day
    }
}

/// Hands the sums of every day of the span to `each`, by day; false when no sums are kept of the
/// zone's days, or when the span is not made of whole ones.
pub(super) fn for_each(
    conn: &Connection,
    span: &Span,
    zone: Zone,
    mut each: impl FnMut(NaiveDate, &About, &Figures) -> Result<()>,
) -> Result<bool> {
    let calendar = match zone {
        _ if zone == Zone::UTC => UTC_DAYS,
        _ if kept_zone(conn)? == zone => LOCAL_DAYS,
        _ => return Ok(false),
    };
    if *span != Span::of_days(span.first_day, span.end_day, zone) {
        return Ok(false);
    }
    let Some(last) = span.end_day.pred_opt().filter(|last| *last >= span.first_day) else {
        return Ok(true);
    };
    let [first, last] = codes::day_bounds(DaySpan { first: span.first_day, last });
    let mut statement = conn.prepare_cached(SELECT)?;
    let mut rows = statement.query(params![calendar, first, last])?;
    while let Some(row) = rows.next()? {
        let day: String = row.get(0)?;
        let number = |index: usize| row.get::<_, i64>(index);
        let about = About {
            source: number(1)?,
            hint: number(2)?,
            provider: number(3)?,
            model: number(4)?,
            project: NONE,
            session: NONE,
            funding: codes::funding_of(number(5)?),
        };
        let figures = Figures {
            requests: number(6)?,
            tokens: [number(7)?, number(8)?, number(9)?, number(10)?, number(11)?, number(12)?],
            priced_requests: number(13)?,
            unpriced_tokens: number(14)?,
            list_picos: picos_of(number(15)?, number(16)?),
            stated_requests: number(17)?,
            stated_picos: picos_of(number(18)?, number(19)?),
            said_requests: number(20)?,
            said_picos: picos_of(number(21)?, number(22)?),
        };
        each(codes::day_of(&day)?, &about, &figures)?;
    }
    Ok(true)
}

/// The first local day that has any usage or charge.
pub(super) fn first_day(conn: &Connection, zone: Zone) -> rusqlite::Result<Option<NaiveDate>> {
    let mut days: Vec<_> = slots::first(conn, i64::MIN)?
        .map(|quarter| local_day(slot::start_of(quarter), zone))
        .into_iter()
        .collect();
    for table in ["charge", "metered"] {
        let day: Option<String> =
            conn.query_row(&format!("SELECT min(day) FROM {table}"), [], |row| row.get(0))?;
        days.extend(day.as_deref().map(codes::day_of).transpose()?);
    }
    Ok(days.into_iter().min())
}

/// Whether sums are kept of the zone's days.
pub(super) fn are_kept(conn: &Connection, zone: Zone) -> Result<bool> {
    Ok(zone == Zone::UTC || kept_zone(conn)? == zone)
}

fn kept_zone(conn: &Connection) -> Result<Zone> {
    let name: Option<String> = conn
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([ZONE], |row| row.get(0))
        .optional()?;
    Ok(name.and_then(|name| name.parse().ok()).unwrap_or(Zone::UTC))
}

/// Adds a difference. The pico part of both is below one dollar, the carry goes to the dollars.
const UPSERT: &str = "
    INSERT INTO day VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
        ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)
    ON CONFLICT DO UPDATE SET
        requests = requests + excluded.requests,
        input = input + excluded.input,
        cache_read = cache_read + excluded.cache_read,
        cache_write_5m = cache_write_5m + excluded.cache_write_5m,
        cache_write_1h = cache_write_1h + excluded.cache_write_1h,
        output = output + excluded.output,
        reasoning = reasoning + excluded.reasoning,
        priced_requests = priced_requests + excluded.priced_requests,
        unpriced_tokens = unpriced_tokens + excluded.unpriced_tokens,
        list_dollars = list_dollars + excluded.list_dollars
            + (list_picos + excluded.list_picos) / 1000000000000,
        list_picos = (list_picos + excluded.list_picos) % 1000000000000,
        stated_requests = stated_requests + excluded.stated_requests,
        stated_dollars = stated_dollars + excluded.stated_dollars
            + (stated_picos + excluded.stated_picos) / 1000000000000,
        stated_picos = (stated_picos + excluded.stated_picos) % 1000000000000,
        said_requests = said_requests + excluded.said_requests,
        said_dollars = said_dollars + excluded.said_dollars
            + (said_picos + excluded.said_picos) / 1000000000000,
        said_picos = (said_picos + excluded.said_picos) % 1000000000000";

const DELETE_EMPTY: &str = "
    DELETE FROM day
    WHERE calendar = ?1 AND day = ?2 AND source = ?3 AND hint = ?4 AND provider = ?5
        AND model = ?6 AND funding = ?7 AND requests = 0";

const SELECT: &str = "
    SELECT day, source, hint, provider, model, funding, requests, input, cache_read,
        cache_write_5m, cache_write_1h, output, reasoning, priced_requests, unpriced_tokens,
        list_dollars, list_picos, stated_requests, stated_dollars, stated_picos, said_requests,
        said_dollars, said_picos
    FROM day WHERE calendar = ?1 AND day BETWEEN ?2 AND ?3
    ORDER BY day, source, hint, provider, model, funding";
