//! `export json`: the rows of the CSV file, with their sums and notes.

use std::io::{self, Write};

use serde::Serialize;

use super::Sources;
use crate::board::Paid;
use crate::board::export::{self, Counted, Export, ExportRow};
use crate::board::report::Sums;
use crate::faces::cli::json::{self, OtherAmount, PaidJson, Tokens};
use crate::spend::Currency;

/// Writes `spendbar.export.v1`.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, export: &Export, sources: &Sources) -> io::Result<()> {
    json::write(
        out,
        &Document {
            schema: "spendbar.export.v1",
            zone: export.zone.name(),
            first_day: export.first_day.to_string(),
            last_day: export.last_day.to_string(),
            rows: export.rows.iter().map(|row| Row::of(row, export, sources)).collect(),
            totals: Totals {
                figures: Figures::of(&export.totals, &export.counted),
                paid: export.paid.as_ref().map(PaidTotals::of),
            },
            partial: export.partial,
            notes: &export.notes,
        },
    )
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    zone: &'static str,
    first_day: String,
    last_day: String,
    rows: Vec<Row<'a>>,
    totals: Totals,
    partial: bool,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Totals {
    #[serde(flatten)]
    figures: Figures,
    #[serde(flatten)]
    paid: Option<PaidTotals>,
}

/// What is paid, where there are plans or discounts. No row tells it: a fee is no model's.
#[derive(Serialize)]
struct PaidTotals {
    /// Null where all that is known is that a subscription of an unknown fee covers something.
    paid_usd: Option<String>,
    paid: PaidJson,
}

impl PaidTotals {
    fn of(paid: &Paid) -> Self {
        Self { paid_usd: json::decimal(paid.usd()), paid: json::paid(paid) }
    }
}

/// Names that are not known are null; `project` is absent unless asked for.
#[derive(Serialize)]
struct Row<'a> {
    day: String,
    source: &'a str,
    kind: Option<&'static str>,
    account: &'a str,
    provider: Option<&'a str>,
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<Option<&'a str>>,
    #[serde(flatten)]
    figures: Figures,
}

impl<'a> Row<'a> {
    fn of(row: &'a ExportRow, export: &Export, sources: &Sources) -> Self {
        Self {
            day: row.day.to_string(),
            source: &row.source,
            kind: sources.kind(&row.source),
            account: &row.account,
            provider: row.provider.as_deref(),
            model: row.model.as_deref(),
            project: export.tells_projects.then_some(row.project.as_deref()),
            figures: Figures::of(&row.sums, &row.counted),
        }
    }
}

#[derive(Serialize)]
struct Figures {
    requests: u64,
    tokens: Tokens,
    unpriced_tokens: u64,
    list_usd: Option<String>,
    covered_usd: Option<String>,
    stated_usd: Option<String>,
    billed_usd: Option<String>,
    billed_other: Vec<OtherAmount>,
    counted_usd: Option<String>,
    estimated: bool,
    partial: bool,
}

impl Figures {
    fn of(sums: &Sums, counted: &Counted) -> Self {
        Self {
            requests: sums.requests,
            tokens: Tokens::from(&sums.tokens),
            unpriced_tokens: sums.unpriced_tokens,
            list_usd: json::decimal(sums.list),
            covered_usd: json::decimal(sums.covered),
            stated_usd: json::decimal(sums.stated),
            billed_usd: json::decimal(sums.billed.get(Currency::USD)),
            billed_other: json::other_currencies(&sums.billed),
            counted_usd: json::decimal(export::known(counted, sums)),
            estimated: counted.is_estimated(),
            partial: sums.unpriced_tokens > 0,
        }
    }
}
