//! `export focus`: the FinOps Open Cost and Usage Specification, version 1.0 (focus.finops.org), the
//! newest one that the specification's own validator (`focus-validator` on PyPI) knows.
//!
//! Days are UTC days throughout, as the specification wants and as bills come. Each row of the ledger
//! becomes up to two: its usage, and what of it is billed in each currency. Their three costs add up,
//! each to a figure that the other faces show:
//!
//! | column | holds | adds up to |
//! |---|---|---|
//! | `BilledCost` | what a provider bills; 0 where only a list price is known, for it may not be null | billed |
//! | `EffectiveCost`, `ContractedCost` | the bill where it counts, else the list price; 0 for what a plan covers, whose fee is in no log | spend without what is covered |
//! | `ListCost` | list price of usage; 0 for rows of a bill, whose usage has rows of its own | list price |
//!
//! A row's tokens go by prices of several kinds and sometimes of several tiers, so that it has no one
//! unit price: `ListUnitPrice` and `ContractedUnitPrice` are null. The specification wants them for
//! usage; that gap is told rather than filled with an average.

use std::io::{self, Write};

use chrono::{Datelike, Months, NaiveDate};

use super::{Sources, cells};
use crate::board::export::{Export, ExportRow};
use crate::spend::{Currency, Money};

/// What stands where the specification allows no null and nobody says a name.
const UNSAID: &str = "unspecified";

/// The columns of the specification, and after them our own.
const COLUMNS: [&str; 57] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
    "x_SpendbarRow",
    "x_SpendbarEstimated",
    "x_SpendbarSource",
    "x_SpendbarAgent",
    "x_SpendbarModel",
    "x_SpendbarRequests",
    "x_SpendbarUnpricedTokens",
    "x_SpendbarCoveredCost",
    "x_SpendbarStatedCost",
    "x_InputTokens",
    "x_CacheReadTokens",
    "x_CacheWrite5mTokens",
    "x_CacheWrite1hTokens",
    "x_OutputTokens",
    "x_ReasoningTokens",
];

/// Writes the table; `export` is one of UTC days.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, export: &Export, sources: &Sources) -> io::Result<()> {
    cells::row(out, COLUMNS)?;
    for row in &export.rows {
        if row.has_usage() {
            write_row(out, &usage(row, sources))?;
        }
        for amount in row.bill().iter() {
            write_row(out, &bill(row, amount, sources))?;
        }
    }
    Ok(())
}

/// What the table can't tell, a sentence each.
pub fn gaps(export: &Export) -> Vec<String> {
    let mut gaps = vec![
        "FOCUS 1.0, UTC days. ListUnitPrice and ContractedUnitPrice are null: a row's tokens go by \
         several prices."
            .to_owned(),
    ];
    let rows = |is_one: &dyn Fn(&ExportRow) -> bool| match export
        .rows
        .iter()
        .filter(|row| is_one(row))
        .count()
    {
        1 => "1 row".to_owned(),
        many => format!("{many} rows"),
    };
    let mut tell = |is_one: &dyn Fn(&ExportRow) -> bool, what: &str| {
        if export.rows.iter().any(is_one) {
            gaps.push(format!("{}: {what}", rows(is_one)));
        }
    };
    tell(
        &|row| row.counted.list.attos > 0,
        "only the list price is known; BilledCost is 0, EffectiveCost is the list price, and \
         x_SpendbarEstimated says true.",
    );
    tell(
        &|row| row.counted.covered.attos > 0,
        "a plan covers it, and its fee is in no log; EffectiveCost is without it, and \
         x_SpendbarCoveredCost has its list price.",
    );
    tell(
        &|row| row.sums.unpriced_tokens > 0,
        "tokens without a known price are in no cost; x_SpendbarUnpricedTokens counts them.",
    );
    tell(
        &|row| !row.bill().is_empty(),
        "a bill; its ListCost is 0, as the specification allows no null there.",
    );
    tell(
        &|row| !row.is_the_bill && !row.sums.billed.is_empty(),
        "another source tells the higher bill of the same account and day; this one is left out.",
    );
    tell(
        &|row| row.model.is_none() || row.provider.is_none(),
        "model or provider are not told; SkuId and names say unspecified.",
    );
    gaps
}

/// A row of the file, before it is put in order.
struct Charge<'a> {
    row: &'a ExportRow,
    what: &'static str,
    description: String,
    currency: Currency,
    billed: String,
    effective: String,
    list: String,
    tokens: Option<String>,
    estimated: bool,
    issuer: &'a str,
    /// The agent's name.
    agent: &'a str,
}

fn usage<'a>(row: &'a ExportRow, sources: &Sources) -> Charge<'a> {
    let name = sources.name(&row.source);
    let provider = row.provider.as_deref().unwrap_or(UNSAID);
    Charge {
        row,
        what: "usage",
        description: format!("Usage of {} through {name}", model(row)),
        currency: Currency::USD,
        billed: decimal(&Money::zero(Currency::USD)),
        effective: decimal(&row.counted.list),
        list: decimal(&row.sums.list.unwrap_or(Money::zero(Currency::USD))),
        tokens: Some(format!("{}.0", row.sums.tokens.total())),
        estimated: row.counted.list.attos > 0,
        issuer: provider,
        agent: if sources.kind(&row.source) == Some("agent") { name } else { "" },
    }
}

fn bill<'a>(row: &'a ExportRow, amount: Money, sources: &Sources) -> Charge<'a> {
    let name = sources.name(&row.source);
    let nothing = Money::zero(amount.currency);
    // Where the bill counts it does so whole, whatever its currencies count as in dollars.
    let counts = row.bill_counts;
    Charge {
        row,
        what: "bill",
        description: format!("Billed by {name} for {}", model(row)),
        currency: amount.currency,
        billed: decimal(&amount),
        effective: decimal(if counts { &amount } else { &nothing }),
        list: decimal(&nothing),
        tokens: None,
        estimated: false,
        issuer: name,
        agent: "",
    }
}

fn write_row(out: &mut dyn Write, charge: &Charge<'_>) -> io::Result<()> {
    let row = charge.row;
    let provider = row.provider.as_deref().unwrap_or(UNSAID);
    let sku = format!("{provider}/{}", row.model.as_deref().unwrap_or(UNSAID));
    let service = format!("AI models of {provider}");
    let account = if row.account.is_empty() { UNSAID } else { &row.account };
    let (month_start, month_end) = month_of(row.day);
    let (day_start, day_end) = (row.day, row.day.succ_opt().unwrap_or(row.day));
    let tokens = charge.tokens.as_deref();
    let tags =
        row.project.as_ref().map(|project| serde_json::json!({ "project": project }).to_string());
    let is_usage = tokens.is_some();
    let of_usage = |text: String| if is_usage { text } else { String::new() };
    let kinds = row.sums.tokens;
    let some = |text: &str| text.to_owned();
    let null = String::new;
    let cells: [String; COLUMNS.len()] = [
        charge.billed.clone(),
        some(account),
        some(account),
        charge.currency.to_string(),
        instant(month_end),
        instant(month_start),
        some("Usage"),
        null(),
        charge.description.clone(),
        some("Usage-Based"),
        instant(day_end),
        instant(day_start),
        null(),
        null(),
        null(),
        null(),
        null(),
        some(tokens.unwrap_or_default()),
        of_usage(some("Tokens")),
        charge.effective.clone(),
        null(),
        charge.effective.clone(),
        some(charge.issuer),
        charge.list.clone(),
        null(),
        of_usage(some("Standard")),
        some(tokens.unwrap_or_default()),
        of_usage(some("Tokens")),
        some(provider),
        some(provider),
        null(),
        null(),
        null(),
        null(),
        null(),
        some("AI and Machine Learning"),
        service,
        sku.clone(),
        sku,
        null(),
        null(),
        tags.unwrap_or_default(),
        some(charge.what),
        charge.estimated.to_string(),
        row.source.clone(),
        some(charge.agent),
        row.model.clone().unwrap_or_default(),
        of_usage(row.sums.requests.to_string()),
        of_usage(row.sums.unpriced_tokens.to_string()),
        of_usage(row.sums.covered.as_ref().map(decimal).unwrap_or_default()),
        of_usage(row.sums.stated.as_ref().map(decimal).unwrap_or_default()),
        of_usage(kinds.input.to_string()),
        of_usage(kinds.cache_read.to_string()),
        of_usage(kinds.cache_write_5m.to_string()),
        of_usage(kinds.cache_write_1h.to_string()),
        of_usage(kinds.output.to_string()),
        of_usage(kinds.reasoning.to_string()),
    ];
    cells::row(out, cells)
}

fn model(row: &ExportRow) -> &str {
    row.model.as_deref().unwrap_or("models that are not named")
}

/// All digits, and a point among them: readers take a column of whole numbers for one of integers.
fn decimal(amount: &Money) -> String {
    let text = amount.to_decimal();
    if text.contains('.') { text } else { format!("{text}.0") }
}

fn instant(day: NaiveDate) -> String {
    format!("{day}T00:00:00Z")
}

/// The calendar month of a day: its first day, and that of the next one.
fn month_of(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let first = day.with_day(1).unwrap_or(day);
    (first, first.checked_add_months(Months::new(1)).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_one_begins_and_amounts_have_a_point() {
        let day = |text: &str| text.parse::<NaiveDate>().expect(text);
        assert_eq!(month_of(day("2026-12-31")), (day("2026-12-01"), day("2027-01-01")));
        let usd = |text: &str| Money::parse(text, Currency::USD).expect(text);
        assert_eq!(decimal(&usd("12")), "12.0");
        assert_eq!(decimal(&usd("-0.000000075")), "-0.000000075");
    }
}
