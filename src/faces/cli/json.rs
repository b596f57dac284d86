//! What the JSON of all commands shares.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::board;
use crate::board::reconcile::{Confidence, Reason, Tier};
use crate::plans::Paid;
use crate::plans::worth::BreakEven;
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

/// What is paid.
#[derive(Serialize)]
pub struct PaidJson {
    estimated: bool,
    metered_usd: String,
    /// Plans' fees that fall on these days, in their currencies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fees: Vec<OtherAmount>,
    overage_usd: String,
    credits_usd: String,
    in_fees_usd: String,
    without_fee_usd: String,
    /// Fees and bills without a rate: in no figure of dollars.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other: Vec<OtherAmount>,
}

/// As the board has it.
pub fn paid(paid: &Paid) -> PaidJson {
    let usd = |attos| Money { attos, currency: Currency::USD }.to_decimal();
    PaidJson {
        estimated: paid.estimated,
        metered_usd: usd(paid.metered),
        fees: paid.fees.iter().map(other).collect(),
        overage_usd: usd(paid.overage),
        credits_usd: usd(paid.credits),
        in_fees_usd: usd(paid.in_fees),
        without_fee_usd: usd(paid.without_fee),
        other: paid.other.iter().map(other).collect(),
    }
}

/// A plan in a period of its fee.
#[derive(Serialize)]
pub struct PlanJson {
    name: String,
    fee: String,
    currency: String,
    fee_usd: Option<String>,
    per: String,
    first_day: String,
    last_day: String,
    list_usd: String,
    /// Hundredths of the fee that the list price is.
    times_hundredths: Option<i128>,
    /// `free`, `since`, `about` or `not-within`.
    break_even: Option<&'static str>,
    break_even_day: Option<String>,
}

/// As the board has it.
pub fn plan(row: &board::PlanRow) -> PlanJson {
    let (word, day) = match row.break_even {
        None => (None, None),
        Some(BreakEven::Free) => (Some("free"), None),
        Some(BreakEven::Since(day)) => (Some("since"), Some(day)),
        Some(BreakEven::About(day)) => (Some("about"), Some(day)),
        Some(BreakEven::NotWithin) => (Some("not-within"), None),
    };
    PlanJson {
        name: row.name.clone(),
        fee: row.fee.to_decimal(),
        currency: row.fee.currency.to_string(),
        fee_usd: decimal(row.fee_usd),
        per: row.every.to_string(),
        first_day: row.first_day.to_string(),
        last_day: row.last_day.to_string(),
        list_usd: row.list.to_decimal(),
        times_hundredths: row.times(),
        break_even: word,
        break_even_day: day.map(|day| day.to_string()),
    }
}

/// What is paid, in people's terms: only what the config sets.
#[derive(Serialize)]
pub struct PeopleJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    engineer_months_hundredths: Option<i128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team_budget_permille: Option<i128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_working_day_usd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_days: Option<u32>,
}

/// As the board has it; `None` where the config sets nothing.
pub fn people(terms: &board::PeopleTerms) -> Option<PeopleJson> {
    let per_day = terms.per_working_day;
    let json = PeopleJson {
        engineer_months_hundredths: terms.engineer_months,
        team_budget_permille: terms.team_permille,
        per_working_day_usd: per_day.map(|(amount, _)| amount.to_decimal()),
        working_days: per_day.map(|(_, days)| days),
    };
    (*terms != board::PeopleTerms::default()).then_some(json)
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

/// The word for a reason in JSON.
pub(super) fn reason(reason: &Reason) -> &'static str {
    match reason {
        Reason::Lag => "lag",
        Reason::NoBill => "no-bill",
        Reason::DayNotBilled => "day-not-billed",
        Reason::OtherMachine => "other-machine",
        Reason::OtherMachineOrKey => "other-machine-or-key",
        Reason::Discount { .. } => "discount",
        Reason::Surcharge { .. } => "surcharge",
        Reason::Tier(Tier::Batch) => "tier-batch",
        Reason::Tier(Tier::Residency) => "tier-residency",
        Reason::Tier(Tier::Fast) => "tier-fast",
        Reason::PriceChange { .. } => "price-change",
        Reason::KeyNotSeen => "key-not-seen",
        Reason::OtherName { .. } => "other-name",
        Reason::NotByModel => "not-by-model",
        Reason::Credit => "credit",
        Reason::Unpriced => "unpriced",
        Reason::NoRate { .. } => "no-rate",
        Reason::Unclear => "unclear",
    }
}

/// The word for how sure a reason is.
pub(super) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Known => "known",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    }
}
