//! Tokens -> list price: the dated table, model names, tiers and overrides.
//!
//! [`PriceTable::builtin`] is `assets/prices.toml`, whose head explains every field;
//! [`PriceTable::with_overrides`] puts the config's `[[price]]` rows before it; and
//! [`PriceTable::price`] says what one request costs at list price, with nothing deducted;
//! [`PriceList`] says it of many requests that pay the same for each token.
//!
//! What keeps the figures right:
//! - A price belongs to one provider and one model. The same model name at two providers never
//!   shares a price, and a name with a route before it (`deepseek/…`) is never priced as OpenAI's
//!   or Anthropic's.
//! - A request is priced at its own date, by its own size: once a prompt exceeds a tier's
//!   threshold, the whole request takes the tier's prices.
//! - What no published price or rule covers is unpriced, never zero.
//! - All arithmetic is in whole pico-dollars.

mod builtin;
mod names;
mod rates;
mod read;
mod table;
#[cfg(test)]
mod tests;
mod unit;
pub mod what_if;

pub use read::PriceError;
pub use table::PriceTable;
pub use unit::{PriceList, UnitPrices};

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::spend::{Speed, TokenCounts};

/// One request whose list price is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Whose list the source believes in (`openai`, `anthropic`); a hint, the table decides.
    pub provider: Option<&'a str>,
    /// The model's name as logged.
    pub model: Option<&'a str>,
    /// When the request ended: its prices are those of that moment.
    pub at: DateTime<Utc>,
    /// Tokens of this one request. Totals of several would fall into long-context tiers falsely.
    pub tokens: TokenCounts,
    /// The service tier.
    pub speed: Speed,
    /// Searches charged per query beside the tokens.
    pub web_searches: u32,
}

/// What the table says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// Whose list the model was found in, else the hint.
    pub provider: Option<Arc<str>>,
    /// The list price in pico-dollars (1e-12 $); `None` when the request is unpriced: the model is
    /// not known, was not sold at that time, or some of it has no published price.
    pub list_picos: Option<i128>,
}
