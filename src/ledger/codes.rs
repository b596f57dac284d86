//! How the words of [`crate::spend`] are written in the tables.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rusqlite::types::Type;
use rusqlite::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::spend::{ChargeKind, Currency, DaySpan, Funding, Money, Speed};

pub(super) fn funding(funding: Funding) -> i64 {
    match funding {
        Funding::Unknown => 0,
        Funding::ApiKey => 1,
        Funding::Subscription => 2,
    }
}

pub(super) fn funding_of(code: i64) -> Funding {
    match code {
        1 => Funding::ApiKey,
        2 => Funding::Subscription,
        _ => Funding::Unknown,
    }
}

pub(super) fn speed(speed: Speed) -> i64 {
    match speed {
        Speed::Standard => 0,
        Speed::Fast => 1,
        Speed::Batch => 2,
        Speed::Flex => 3,
    }
}

pub(super) fn speed_of(code: i64) -> Speed {
    match code {
        1 => Speed::Fast,
        2 => Speed::Batch,
        3 => Speed::Flex,
        _ => Speed::Standard,
    }
}

pub(super) fn charge_kind(kind: ChargeKind) -> i64 {
    match kind {
        ChargeKind::Billed => 0,
        ChargeKind::Estimated => 1,
        ChargeKind::List => 2,
    }
}

pub(super) fn charge_kind_of(code: i64) -> ChargeKind {
    match code {
        1 => ChargeKind::Estimated,
        2 => ChargeKind::List,
        _ => ChargeKind::Billed,
    }
}

/// SQLite counts in signed integers; no honest count comes near their end.
pub(super) fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn to_u64(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

pub(super) fn time_of(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or(DateTime::UNIX_EPOCH)
}

pub(super) fn day_of(text: &str) -> Result<NaiveDate> {
    text.parse().map_err(unreadable)
}

/// The texts between which the days of a span are stored. ISO texts sort like days as long as the
/// year has four digits.
pub(super) fn day_bounds(span: DaySpan) -> [String; 2] {
    let text = |day: NaiveDate| match day.year() {
        ..0 => "0000-01-01".to_owned(),
        10_000.. => "9999-12-31".to_owned(),
        _ => day.to_string(),
    };
    [text(span.first), text(span.last)]
}

pub(super) fn money_of(amount: &str, currency: &str) -> Result<Money> {
    let currency: Currency = currency.parse().map_err(unreadable)?;
    Money::parse(amount, currency).map_err(unreadable)
}

/// An amount and its currency in one text: `1.25 USD`.
pub(super) fn money_text(money: &Money) -> String {
    format!("{} {}", money.to_decimal(), money.currency)
}

pub(super) fn money_of_text(text: &str) -> Result<Money> {
    let (amount, currency) = text.split_once(' ').unwrap_or((text, ""));
    money_of(amount, currency)
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

pub(super) fn json_of<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(unreadable)
}

/// A stored text that this program did not write.
fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
