//! TOML -> rows, for the table that ships with the program and for the config's `[[price]]` rows.

use chrono::NaiveDate;
use toml::{Table, Value};

use super::rates::{Band, Rates, Row, Tier, Window};
use crate::spend::{Currency, Money, Price};

/// Pico-dollars per token, at most: a million dollars per million tokens. Beyond it a row is a
/// slip of the hand, and sums of any `u64` token counts stay far inside an `i128`.
const MAX_PICOS_PER_TOKEN: u64 = 1_000_000_000_000;
const MAX_SEARCH_PICOS: i128 = 1_000_000_000_000_000_000;
const ATTOS_PER_PICO: i128 = 1_000_000;
const MICROS: u128 = 1_000_000;

const RATES: &[&str] =
    &["input", "output", "reasoning", "cache_read", "cache_write_5m", "cache_write_1h"];
const SPEEDS: &[&str] = &["batch", "flex", "fast"];
const ROW: &[&str] = &["from", "until", "when_utc", "web_search", "long", "same_as", "retired"];

/// What is wrong with one `[[price]]` row of the config.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("price row {row}: `{field}` {found}; {write}")]
pub struct PriceError {
    /// Which row, counted from 1.
    pub row: usize,
    /// The field, with the tier or the speed it stands in (`long 1: input`).
    pub field: String,
    /// What was found there (`is the number 2.5`).
    pub found: String,
    /// What to write instead.
    pub write: String,
}

/// A field that is not as it should be; the caller adds the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) field: String,
    pub(super) found: String,
    pub(super) write: String,
}

/// What a row says: prices of its own, or those of another model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Prices.
    Priced(Row),
    /// The prices of another model of the same provider, within dates.
    SameAs { model: String, from: Option<NaiveDate>, until: Option<NaiveDate> },
}

/// What fills a kind of token that a row gives no price for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing does: that kind is unpriced.
    AsWritten,
    /// OpenAI charges cache reads and writes as fresh input unless it lists a price for them; its
    /// write price holds for every lifetime up to twelve hours.
    CacheAsInput,
    /// Anthropic: a cache write of one hour costs twice the input.
    HourAsTwiceInput,
}

impl Rule {
    /// The rule a provider publishes.
    pub(super) fn of(provider: &str) -> Self {
        match provider {
            "openai" => Self::CacheAsInput,
            "anthropic" => Self::HourAsTwiceInput,
            _ => Self::AsWritten,
        }
    }

    fn fill(self, mut rates: Rates) -> Rates {
        match self {
            Self::AsWritten => {}
            Self::CacheAsInput => {
                rates.cache_read = rates.cache_read.or(rates.input);
                rates.cache_write_5m = rates.cache_write_5m.or(rates.input);
                rates.cache_write_1h = rates.cache_write_1h.or(rates.cache_write_5m);
            }
            Self::HourAsTwiceInput => {
                let twice = |price: Price| Price { picos_per_token: price.picos_per_token * 2 };
                rates.cache_write_1h = rates.cache_write_1h.or(rates.input.map(twice));
            }
        }
        rates
    }
}

/// Reads one row. `also` names fields that the caller reads itself.
pub(super) fn entry(table: &Table, rule: Rule, also: &[&str]) -> Result<Entry, Flaw> {
    only_known(table, "", &[also, RATES, SPEEDS, ROW])?;
    let (from, until) = (day(table, "from")?, day(table, "until")?);
    if let Some((from, until)) = from.zip(until).filter(|(from, until)| from >= until) {
        let found = format!("is {until}, not after `from` ({from})");
        return Err(flaw("until", found, "write the first day the price no longer holds"));
    }
    if let Some(value) = table.get("same_as") {
        let model = text(value, "same_as", "the name of another model of this provider")?;
        let prices = [RATES, SPEEDS, &["long", "web_search", "when_utc"]].concat();
        if let Some(price) = prices.into_iter().find(|field| table.contains_key(*field)) {
            let found = format!("stands beside `{price}`");
            return Err(flaw("same_as", found, "write another model's name or prices, not both"));
        }
        return Ok(Entry::SameAs { model: model.to_owned(), from, until });
    }
    let base = band(table, "", rule)?;
    if base.standard == Rates::default() {
        let write = "write the dollars per million tokens, as in input = \"2.5\"";
        return Err(flaw("input", "is missing".to_owned(), write));
    }
    Ok(Entry::Priced(Row {
        from,
        until,
        when: windows(table)?,
        web_search_picos: search_fee(table)?,
        base,
        long: tiers(table, rule)?,
    }))
}

fn tiers(table: &Table, rule: Rule) -> Result<Vec<Tier>, Flaw> {
    let write = "write a list, as in long = [{ above = 200000, input = \"6\" }]";
    let Some(value) = table.get("long") else { return Ok(Vec::new()) };
    let Value::Array(items) = value else { return Err(flaw("long", shown(value), write)) };
    let mut tiers: Vec<Tier> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let place = format!("long {}: ", index + 1);
        let Value::Table(fields) = item else { return Err(flaw("long", shown(item), write)) };
        only_known(fields, &place, &[&["above"], RATES, SPEEDS])?;
        let above = match fields.get("above") {
            Some(Value::Integer(tokens)) => u64::try_from(*tokens).ok(),
            _ => None,
        };
        let smallest = tiers.last().map_or(1, |tier| tier.above + 1);
        let Some(above) = above.filter(|above| *above >= smallest) else {
            let found = fields.get("above").map_or("is missing".to_owned(), shown);
            let write = "write a number of tokens, larger in every tier than in the one before";
            return Err(flaw(&format!("{place}above"), found, write));
        };
        tiers.push(Tier { above, band: band(fields, &place, rule)? });
    }
    Ok(tiers)
}

fn band(table: &Table, place: &str, rule: Rule) -> Result<Band, Flaw> {
    let standard = rule.fill(rates(table, place)?);
    let speed = |name: &str| {
        let field = format!("{place}{name}");
        match table.get(name) {
            None => Ok(None),
            Some(Value::Table(own)) => {
                let place = format!("{field}: ");
                only_known(own, &place, &[RATES])?;
                Ok(Some(Box::new(rule.fill(rates(own, &place)?))))
            }
            Some(value) => {
                let factor = factor(value, &field)?;
                Ok(Some(Box::new(standard.map(|price| times(price, factor)))))
            }
        }
    };
    Ok(Band { standard, batch: speed("batch")?, flex: speed("flex")?, fast: speed("fast")? })
}

fn rates(table: &Table, place: &str) -> Result<Rates, Flaw> {
    let get = |name: &str| {
        let field = format!("{place}{name}");
        table.get(name).map(|value| price(value, &field)).transpose()
    };
    Ok(Rates {
        input: get("input")?,
        output: get("output")?,
        reasoning: get("reasoning")?,
        cache_read: get("cache_read")?,
        cache_write_5m: get("cache_write_5m")?,
        cache_write_1h: get("cache_write_1h")?,
    })
}

/// Dollars per million tokens: a text, or a whole number. A TOML float is refused, because it has
/// been a binary fraction by the time it gets here.
fn price(value: &Value, field: &str) -> Result<Price, Flaw> {
    let name = field.rsplit(' ').next().unwrap_or(field);
    let example = match value {
        Value::Float(number) => number.to_string(),
        _ => "2.5".to_owned(),
    };
    let write = format!("write dollars per million tokens as text, as in {name} = \"{example}\"");
    let price = match value {
        Value::String(text) => Price::parse_usd_per_million(text).ok(),
        Value::Integer(whole) => Price::parse_usd_per_million(&whole.to_string()).ok(),
        _ => None,
    };
    match price {
        Some(price) if price.picos_per_token <= MAX_PICOS_PER_TOKEN => Ok(price),
        Some(_) => {
            Err(flaw(field, shown(value), "write at most 1000000 dollars per million tokens"))
        }
        None => Err(flaw(field, shown(value), &write)),
    }
}

/// `"0.5x"` in millionths.
fn factor(value: &Value, field: &str) -> Result<u64, Flaw> {
    let factor = match value {
        Value::String(text) => text.strip_suffix('x'),
        _ => None,
    };
    factor
        .and_then(|factor| Price::parse_usd_per_million(factor).ok())
        // A price of "1" is a million pico-dollars per token, so this reads millionths.
        .map(|price| price.picos_per_token)
        .filter(|&millionths| millionths > 0 && u128::from(millionths) <= 1000 * MICROS)
        .ok_or_else(|| {
            let write = "write a factor on the row's prices, as in \"0.5x\", or a table of prices";
            flaw(field, shown(value), write)
        })
}

/// The product in whole pico-dollars; a fraction of one is rounded up from the half.
fn times(price: Price, millionths: u64) -> Price {
    let product = u128::from(price.picos_per_token) * u128::from(millionths);
    let picos = (product + MICROS / 2) / MICROS;
    // Both factors have a limit when they are read: 1e12 pico-dollars by 1000.
    Price { picos_per_token: u64::try_from(picos).unwrap_or(u64::MAX) }
}

fn search_fee(table: &Table) -> Result<Option<i128>, Flaw> {
    let Some(value) = table.get("web_search") else { return Ok(None) };
    let money = match value {
        Value::String(text) => Money::parse(text, Currency::USD).ok(),
        _ => None,
    };
    let picos = money.map(|money| money.attos / ATTOS_PER_PICO);
    picos.filter(|picos| (0..=MAX_SEARCH_PICOS).contains(picos)).map(Some).ok_or_else(|| {
        let write = "write dollars per search as text, as in web_search = \"0.01\"";
        flaw("web_search", shown(value), write)
    })
}

fn day(table: &Table, field: &str) -> Result<Option<NaiveDate>, Flaw> {
    let Some(value) = table.get(field) else { return Ok(None) };
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Datetime(date) => date.to_string(),
        _ => String::new(),
    };
    NaiveDate::parse_from_str(&text, "%Y-%m-%d").map(Some).map_err(|_| {
        flaw(field, shown(value), &format!("write a day, as in {field} = \"2026-01-31\""))
    })
}

fn windows(table: &Table) -> Result<Vec<Window>, Flaw> {
    let write =
        "write weekdays and times, as in when_utc = [\"1-5 00:00-08:00\", \"6-7 00:00-24:00\"]";
    match table.get("when_utc") {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if !items.is_empty() => items
            .iter()
            .map(|item| {
                let read = item.as_str().and_then(window);
                read.ok_or_else(|| flaw("when_utc", shown(item), write))
            })
            .collect(),
        Some(value) => Err(flaw("when_utc", shown(value), write)),
    }
}

fn window(text: &str) -> Option<Window> {
    let (days, times) = text.split_once(' ')?;
    let (first, last) = days.split_once('-')?;
    let (start, end) = times.split_once('-')?;
    let minutes = |time: &str| {
        let (hour, minute) = time.split_once(':')?;
        hour.parse::<u32>().ok()?.checked_mul(60)?.checked_add(minute.parse().ok()?)
    };
    let window = Window {
        days: (first.parse().ok()?, last.parse().ok()?),
        minutes: (minutes(start)?, minutes(end)?),
    };
    let days_fit = 1 <= window.days.0 && window.days.0 <= window.days.1 && window.days.1 <= 7;
    let times_fit = window.minutes.0 < window.minutes.1 && window.minutes.1 <= 24 * 60;
    (days_fit && times_fit).then_some(window)
}

/// A field that has to be a text with something in it.
pub(super) fn text<'a>(value: &'a Value, field: &str, what: &str) -> Result<&'a str, Flaw> {
    value
        .as_str()
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| flaw(field, shown(value), &format!("write {what} as text")))
}

pub(super) fn flaw(field: &str, found: String, write: &str) -> Flaw {
    Flaw { field: field.to_owned(), found, write: write.to_owned() }
}

fn only_known(table: &Table, place: &str, known: &[&[&str]]) -> Result<(), Flaw> {
    let known = known.concat();
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(flaw(
            &format!("{place}{key}"),
            "is not a field of a price".to_owned(),
            &format!("write one of {}", known.join(", ")),
        )),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("is {text:?}"),
        Value::Integer(number) => format!("is the number {number}"),
        Value::Float(number) => format!("is the number {number}"),
        Value::Datetime(date) => format!("is {date}"),
        other => format!("is a value of type {}", other.type_str()),
    }
}
