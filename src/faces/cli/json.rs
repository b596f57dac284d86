//! What the JSON of all commands shares.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::reconcile::{confidence, reason};
use crate::board;
use crate::spend::{Amounts, Currency, Indicator, Money, TokenCounts};

/// Writes one document and a line end.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    // In one piece: many small writes would each go to the terminal on their own.
    let mut text = serde_json::to_vec_pretty(document)?;
    text.push(b'\n');
    out.write_all(&text)
}

/// Tokens by kind. `input` is without cache; `reasoning` is a part of `output`, repeated.
#[derive(Serialize)]
pub struct Tokens {
    input: u64,
    cache_read: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    output: u64,
    reasoning: u64,
}

impl From<&TokenCounts> for Tokens {
    fn from(tokens: &TokenCounts) -> Self {
        let TokenCounts { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning } =
            *tokens;
        Self { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning }
    }
}

/// An amount in a currency other than the dollar.
#[derive(Serialize)]
pub struct OtherAmount {
    currency: String,
    amount: String,
}

/// What a provider reports of its own faults.
#[derive(Serialize)]
pub struct Incident {
    by: &'static str,
    indicator: Indicator,
    text: String,
    as_of: String,
}

/// As the board has it.
pub fn incident(incident: &board::Incident) -> Incident {
    let board::Incident { by, indicator, text, as_of } = incident;
    Incident { by, indicator: *indicator, text: text.clone(), as_of: instant(*as_of) }
}

/// How far an account's bill is from its list price, on the days that the bill tells.
#[derive(Serialize)]
pub struct Difference {
    account: String,
    billed_usd: String,
    list_usd: String,
    difference_usd: String,
    permille: i128,
    reason: Option<&'static str>,
    confidence: Option<&'static str>,
}

/// As the board has it.
pub fn difference(it: &board::Difference) -> Difference {
    Difference {
        account: it.account.clone(),
        billed_usd: it.billed.to_decimal(),
        list_usd: it.list.to_decimal(),
        difference_usd: it.amount().to_decimal(),
        permille: it.permille(),
        reason: it.reason.as_ref().map(reason),
        confidence: it.reason.as_ref().map(|reason| confidence(reason.confidence())),
    }
}

/// All digits as text.
pub fn decimal(amount: Option<Money>) -> Option<String> {
    amount.map(|amount| amount.to_decimal())
}

/// Everything but dollars.
pub fn other_currencies(amounts: &Amounts) -> Vec<OtherAmount> {
    amounts.iter().filter(|amount| amount.currency != Currency::USD).map(other).collect()
}

/// One amount with its currency.
pub fn other(amount: Money) -> OtherAmount {
    OtherAmount { currency: amount.currency.code().to_owned(), amount: amount.to_decimal() }
}

/// An instant in UTC, to the second: `2026-11-24T15:00:00Z`.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
