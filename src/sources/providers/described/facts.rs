//! What a description's calls answered -> a reading.
//!
//! Each fact that is read is noted with the place it came from, for `provider check`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use super::language::{BalanceFact, CostFact, QuotaFact, Rows, Text, TokensFact, TotalFact, Unit};
use super::place::{At, Place, Places, number};
use super::template::Fill;
use crate::sources::SourceError;
use crate::sources::providers::tally::{Charges, Tokens};
use crate::spend::{
    Balance, Charge, Currency, Metered, Money, Noted, Quantity, QuotaWindow, Reading, TokenCounts,
    Total, Units, UsedOf,
};

/// More rows than any honest page has.
const MOST_ROWS: usize = 100_000;

/// What was read so far.
#[derive(Default)]
pub struct Found {
    /// Balances, quotas, totals, plan, gaps.
    pub reading: Reading,
    /// Costs.
    pub charges: Charges,
    /// Tokens.
    pub tokens: Tokens,
    /// What was read from where.
    pub noted: Vec<Noted>,
    totals: BTreeMap<(String, String), Quantity>,
}

/// What one answer is read with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What fills holes.
    pub fill: &'a Fill,
    /// The currency of the region.
    pub region: Option<Currency>,
}

impl Found {
    /// Reads prepaid credit.
    pub fn balance(
        &mut self,
        fact: &BalanceFact,
        top: &Value,
        with: Context<'_>,
    ) -> Result<(), SourceError> {
        for at in rows(fact, top)? {
            let Some(amount) = needed(&fact.amount, at, fact.optional)? else { continue };
            let plus = optional_number(fact.plus.as_ref(), at)?;
            let less = optional_number(fact.less.as_ref(), at)?;
            let sum = amount.checked_add(plus).and_then(|sum| sum.checked_sub(less));
            let sum = sum.ok_or_else(|| too_large(&fact.amount))?;
            let amount =
                quantity(fact, if fact.negate { sum.saturating_neg() } else { sum }, at, with)?;
            let name = text(&fact.name, at, with)?;
            self.note("balance", &name, &amount, &fact.amount);
            self.reading.balances.push(Balance { name, amount });
        }
        Ok(())
    }

    /// Reads limits.
    pub fn quota(
        &mut self,
        fact: &QuotaFact,
        top: &Value,
        with: Context<'_>,
    ) -> Result<(), SourceError> {
        for at in rows(fact, top)? {
            let Some((used_ppm, amounts)) = share(fact, at, with)? else { continue };
            let length = match &fact.length {
                None => None,
                Some(length) => length_of(length, at)?,
            };
            let seconds = fact.seconds.or(length);
            let name = match (&fact.name, seconds) {
                (Some(name), _) => text(name, at, with)?,
                (None, Some(seconds)) => words_of(seconds),
                (None, None) => "limit".into(),
            };
            let resets_at = match fact
                .resets_at
                .as_ref()
                .and_then(|places| places.find(at).map(|it| (places, it)))
            {
                None => None,
                Some((places, value)) => Some(moment(value).ok_or_else(|| no_moment(places))?),
            };
            let resets = fact.resets.as_ref().map(|word| text(word, at, with)).transpose()?;
            let places = [&fact.percent_used, &fact.percent_left, &fact.share_used, &fact.limit];
            let from = places.into_iter().flatten().next().map(Places::to_string);
            let value = format!("{} % used", percent_of(used_ppm));
            let from = from.unwrap_or_default();
            self.noted.push(Noted { kind: "quota", name: name.clone(), value, from });
            self.reading.quotas.push(QuotaWindow {
                name,
                used_ppm,
                amounts,
                seconds,
                resets_at,
                resets,
            });
        }
        Ok(())
    }

    /// Reads costs. Days before the asked ones are left out.
    pub fn cost(
        &mut self,
        fact: &CostFact,
        top: &Value,
        with: Context<'_>,
    ) -> Result<(), SourceError> {
        for at in rows(fact, top)? {
            let missing = fact.missing.map(|number| number.0);
            let found = match number_at(&fact.amount, at)? {
                Some(found) => found,
                None => match missing {
                    Some(missing) => missing,
                    None if fact.optional => continue,
                    None => return Err(lacks(&fact.amount)),
                },
            };
            let nanos = optional_number(fact.nanos.as_ref(), at)? / 1_000_000_000;
            let attos = found.checked_add(nanos).ok_or_else(|| too_large(&fact.amount))?;
            let day = day(&fact.day, at, with)?;
            if day < with.fill.first {
                continue;
            }
            if day > with.fill.now.date_naive().succ_opt().unwrap_or(NaiveDate::MAX) {
                return Err(changed("it holds a day to come".into()));
            }
            let amount =
                Money { attos: fact.scale.apply(attos), currency: currency(fact, at, with)? };
            let (model, project) =
                (optional_text(fact.model.as_ref(), at), optional_text(fact.project.as_ref(), at));
            self.note("cost", &day.to_string(), &Quantity::Money(amount), &fact.amount);
            self.charges.add(Charge { day, amount, kind: fact.kind, model, project })?;
        }
        Ok(())
    }

    /// Reads what other periods cost.
    pub fn total(
        &mut self,
        fact: &TotalFact,
        top: &Value,
        with: Context<'_>,
    ) -> Result<(), SourceError> {
        for at in rows(fact, top)? {
            let Some(attos) = needed(&fact.amount, at, fact.optional)? else { continue };
            let amount = quantity(fact, attos, at, with)?;
            let name = text(&fact.name, at, with)?;
            let period = match fact.by_day {
                true => day(&fact.period, at, with)?.to_string(),
                false => text(&fact.period, at, with)?,
            };
            self.note("total", &period, &amount, &fact.amount);
            let sum = self.totals.entry((period, name)).or_insert_with(|| amount.with_attos(0));
            let attos =
                sum.attos().checked_add(amount.attos()).ok_or_else(|| too_large(&fact.amount))?;
            *sum = amount.with_attos(attos);
        }
        Ok(())
    }

    /// Reads tokens.
    pub fn tokens(
        &mut self,
        fact: &TokensFact,
        top: &Value,
        with: Context<'_>,
    ) -> Result<(), SourceError> {
        for at in rows(fact, top)? {
            let day = day(&fact.day, at, with)?;
            if day < with.fill.first {
                continue;
            }
            let count = |places: &Option<Places>| whole(places.as_ref(), at);
            let tokens = TokenCounts {
                input: count(&fact.input)?,
                output: count(&fact.output)?,
                cache_read: count(&fact.cache_read)?,
                ..TokenCounts::default()
            };
            let (model, requests) =
                (optional_text(fact.model.as_ref(), at), count(&fact.requests)?);
            self.tokens.add(Metered { day, model, tokens, requests, web_searches: 0 });
        }
        Ok(())
    }

    /// Everything, put together.
    pub fn into_reading(self) -> (Reading, Vec<Noted>) {
        let mut reading = self.reading;
        reading.charges = self.charges.into_charges();
        reading.metered = self.tokens.into_metered();
        let total = |((period, name), amount)| Total { name, period, amount };
        reading.totals = self.totals.into_iter().map(total).collect();
        (reading, self.noted)
    }

    fn note(&mut self, kind: &'static str, name: &str, amount: &Quantity, from: &Places) {
        let amount = match amount {
            Quantity::Money(money) => format!("{}{}", money.currency.sign(), money.to_decimal()),
            Quantity::Units(units) => {
                let digits = Money { attos: units.attos, currency: Currency::USD }.to_decimal();
                format!("{digits} {}", units.unit)
            }
        };
        self.noted.push(Noted {
            kind,
            name: name.to_owned(),
            value: amount,
            from: from.to_string(),
        });
    }
}

/// Millionths as percent: `37`, `4.6`.
fn percent_of(ppm: i64) -> String {
    Money { attos: i128::from(ppm) * 10_i128.pow(14), currency: Currency::USD }.to_decimal()
}

/// The rows of a fact, in the answer's order.
fn rows<'a>(fact: &impl Rows, top: &'a Value) -> Result<Vec<At<'a>>, SourceError> {
    let whole = At { top, row: top, key: None };
    let rows: Vec<At<'a>> = match fact.each() {
        None => vec![whole],
        Some(place) => match place.find(whole) {
            Some(Value::Array(list)) => list.iter().map(|row| At { top, row, key: None }).collect(),
            Some(Value::Object(object)) => {
                object.iter().map(|(key, row)| At { top, row, key: Some(key) }).collect()
            }
            Some(_) => return Err(changed(format!("`{place}` is no list"))),
            None if fact.optional() => Vec::new(),
            None => return Err(changed(format!("it has no `{place}`"))),
        },
    };
    if rows.len() > MOST_ROWS {
        return Err(changed("it has more than 100,000 rows".into()));
    }
    let counts = |at: &At<'a>| {
        fact.only().iter().all(|(place, is)| is.matches(place.find(*at)))
            && !fact.unless().iter().any(|(place, is)| is.matches(place.find(*at)))
    };
    Ok(rows.into_iter().filter(counts).collect())
}

/// The used share in millionths, and what it stands for. `None` where there is no limit.
fn share(
    fact: &QuotaFact,
    at: At<'_>,
    with: Context<'_>,
) -> Result<Option<(i64, Option<UsedOf>)>, SourceError> {
    let shares = [
        (&fact.percent_used, 10_000, false),
        (&fact.percent_left, 10_000, true),
        (&fact.share_used, 1_000_000, false),
    ];
    let told =
        shares.iter().find_map(|(places, unit, is_left)| Some((places.as_ref()?, unit, is_left)));
    let ppm = match told {
        None => None,
        Some((places, unit, is_left)) => {
            let Some(attos) = number_at(places, at)? else { return missing(fact, places) };
            let ppm = attos.checked_mul(*unit).ok_or_else(|| too_large(places))? / 10_i128.pow(18);
            let ppm = if *is_left { 1_000_000 - ppm } else { ppm };
            Some(i64::try_from(ppm).map_err(|_| too_large(places))?)
        }
    };
    let amounts = match &fact.limit {
        None => None,
        Some(places) => {
            let Some(found) = places.find(at) else { return missing(fact, places) };
            if fact.unlimited.as_ref().is_some_and(|is| is.matches(Some(found))) {
                return Ok(None);
            }
            let limit = number(found).ok_or_else(|| no_number(places))?;
            let used = match (&fact.used, &fact.left) {
                (Some(places), _) => {
                    let Some(used) = number_at(places, at)? else { return missing(fact, places) };
                    used
                }
                (None, Some(places)) => {
                    let Some(left) = number_at(places, at)? else { return missing(fact, places) };
                    limit.checked_sub(left).ok_or_else(|| too_large(places))?
                }
                (None, None) => return Ok(ppm.map(|ppm| (ppm, None))),
            };
            let scale = fact.used_scale.unwrap_or(fact.scale);
            Some(UsedOf {
                used: in_its_unit(fact, scale.apply(used), at, with)?,
                limit: quantity(fact, limit, at, with)?,
            })
        }
    };
    let ppm = ppm.or_else(|| amounts.as_ref().map(UsedOf::ppm));
    Ok(ppm.map(|ppm| (ppm, amounts)))
}

/// A limit that is not told is none where the description allows for it.
fn missing<T>(fact: &QuotaFact, places: &Places) -> Result<Option<T>, SourceError> {
    if fact.optional { Ok(None) } else { Err(lacks(places)) }
}

fn length_of(length: &super::language::Length, at: At<'_>) -> Result<Option<u64>, SourceError> {
    let count = whole(Some(&length.count), at)?;
    let unit = length.unit.text(at).ok_or_else(|| lacks(&length.unit))?;
    Ok(length.seconds.get(&unit).and_then(|seconds| seconds.checked_mul(count)))
}

/// A length in words: `5 hours`, `week`, `30 days`.
fn words_of(seconds: u64) -> String {
    const UNITS: [(u64, &str, &str); 5] = [
        (2_592_000, "month", "months"),
        (604_800, "week", "weeks"),
        (86_400, "day", "days"),
        (3_600, "hour", "hours"),
        (60, "minute", "minutes"),
    ];
    let fits = UNITS.iter().find(|(unit, ..)| seconds >= *unit && seconds.is_multiple_of(*unit));
    match fits {
        Some((unit, one, _)) if seconds == *unit => (*one).to_owned(),
        Some((unit, _, many)) => format!("{} {many}", seconds / unit),
        None => format!("{seconds} seconds"),
    }
}

fn quantity(
    fact: &impl Unit,
    attos: i128,
    at: At<'_>,
    with: Context<'_>,
) -> Result<Quantity, SourceError> {
    in_its_unit(fact, fact.scale().apply(attos), at, with)
}

fn in_its_unit(
    fact: &impl Unit,
    attos: i128,
    at: At<'_>,
    with: Context<'_>,
) -> Result<Quantity, SourceError> {
    let Some(template) = fact.unit() else {
        return Ok(Quantity::Money(Money { attos, currency: currency(fact, at, with)? }));
    };
    let unit = template.fill(with.fill);
    let set = template.names().next().and_then(|_| unit.parse().ok());
    Ok(match set {
        Some(currency) => Quantity::Money(Money { attos, currency }),
        None => Quantity::Units(Units { attos, unit }),
    })
}

fn currency(fact: &impl Unit, at: At<'_>, with: Context<'_>) -> Result<Currency, SourceError> {
    let written = match fact.currency() {
        None => return Ok(Currency::USD),
        Some(text) => self::text(text, at, with)?,
    };
    if written == "region" {
        return with.region.ok_or_else(|| changed("the region has no currency".into()));
    }
    written.parse().map_err(|_| changed("it names no currency of three letters".into()))
}

fn text(text: &Text, at: At<'_>, with: Context<'_>) -> Result<String, SourceError> {
    match text {
        Text::At(place) => place.text(at).ok_or_else(|| changed(format!("it has no `{place}`"))),
        Text::Written(template) => Ok(template.fill(with.fill)),
    }
}

fn optional_text(places: Option<&Places>, at: At<'_>) -> Option<String> {
    places?.text(at).filter(|text| !text.is_empty())
}

/// The UTC day of a date, a moment, or the day that was asked for.
fn day(text: &Text, at: At<'_>, with: Context<'_>) -> Result<NaiveDate, SourceError> {
    let (value, place) = match text {
        Text::Written(template) => (Value::String(template.fill(with.fill)), "day".to_owned()),
        Text::At(Place::Key) => (at.key.unwrap_or_default().into(), "@key".to_owned()),
        Text::At(place) => match place.find(at) {
            Some(value) => (value.clone(), place.to_string()),
            None => return Err(changed(format!("it has no `{place}`"))),
        },
    };
    let written = value.as_str().unwrap_or_default();
    // A date with a time of midnight and no zone is a day as well.
    let date = written.get(..10).filter(|_| written.len() == 10 || written.ends_with("00:00:00"));
    let compact = (written.len() == 8).then(|| NaiveDate::parse_from_str(written, "%Y%m%d").ok());
    let day = date.and_then(|date| date.parse().ok()).or(compact.flatten());
    day.or_else(|| moment(&value).map(|at| at.date_naive()))
        .ok_or_else(|| changed(format!("`{place}` is no day")))
}

/// A moment: RFC 3339, a day, which is its beginning, or a count since 1970 whose size tells seconds, milliseconds, microseconds.
fn moment(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(text) = value.as_str()
        // PostgreSQL writes `+00` for `+00:00`.
        && let Ok(at) = text.parse().or_else(|_| format!("{text}:00").parse())
    {
        return Some(at);
    }
    if let Some(day) = value.as_str().and_then(|text| text.parse::<NaiveDate>().ok()) {
        return Some(crate::sources::providers::reports::start_of(day));
    }
    let count = i64::try_from(number(value)? / 10_i128.pow(18)).ok()?;
    match count {
        1_000_000_000..100_000_000_000 => DateTime::from_timestamp(count, 0),
        100_000_000_000..100_000_000_000_000 => DateTime::from_timestamp_millis(count),
        100_000_000_000_000.. => DateTime::from_timestamp_micros(count),
        _ => None,
    }
}

/// A number that has to be there, unless the fact may be missing.
fn needed(places: &Places, at: At<'_>, optional: bool) -> Result<Option<i128>, SourceError> {
    match number_at(places, at)? {
        None if !optional => Err(lacks(places)),
        found => Ok(found),
    }
}

fn number_at(places: &Places, at: At<'_>) -> Result<Option<i128>, SourceError> {
    places.find(at).map(|value| number(value).ok_or_else(|| no_number(places))).transpose()
}

/// A number that counts as nothing where it is missing.
fn optional_number(places: Option<&Places>, at: At<'_>) -> Result<i128, SourceError> {
    Ok(places.map(|places| number_at(places, at)).transpose()?.flatten().unwrap_or(0))
}

fn whole(places: Option<&Places>, at: At<'_>) -> Result<u64, SourceError> {
    let Some(places) = places else { return Ok(0) };
    let attos = number_at(places, at)?.unwrap_or(0);
    u64::try_from(attos / 10_i128.pow(18)).map_err(|_| no_number(places))
}

fn changed(what: String) -> SourceError {
    SourceError::FormatChanged { what }
}

fn lacks(places: &Places) -> SourceError {
    changed(format!("it has no `{places}`"))
}

fn no_number(places: &Places) -> SourceError {
    changed(format!("`{places}` is not a number or a decimal text"))
}

fn no_moment(places: &Places) -> SourceError {
    changed(format!("`{places}` is not a point in time"))
}

fn too_large(places: &Places) -> SourceError {
    changed(format!("`{places}` is beyond any amount"))
}
