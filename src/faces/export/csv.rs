//! `export csv`: a row for each day, source, account, provider and model.

use std::io::{self, Write};

use super::{Sources, cells};
use crate::board::export::{Export, ExportRow};
use crate::spend::{Amounts, Currency, Money};

const KEYS: [&str; 6] = ["day", "source", "kind", "account", "provider", "model"];
const FIGURES: [&str; 16] = [
    "requests",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "unpriced_tokens",
    "list_usd",
    "covered_usd",
    "stated_usd",
    "billed_usd",
    "billed_other",
    "counted_usd",
    "estimated",
    "partial",
];

/// Writes the table. What is not known is an empty cell.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, export: &Export, sources: &Sources) -> io::Result<()> {
    let project = export.tells_projects.then_some("project");
    cells::row(out, KEYS.into_iter().chain(project).chain(FIGURES))?;
    for row in &export.rows {
        cells::row(out, row_of(row, sources, export.tells_projects))?;
    }
    Ok(())
}

fn row_of(row: &ExportRow, sources: &Sources, tells_projects: bool) -> Vec<String> {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    let sums = &row.sums;
    let tokens = &sums.tokens;
    let mut cells = vec![
        row.day.to_string(),
        row.source.clone(),
        sources.kind(&row.source).unwrap_or_default().to_owned(),
        row.account.clone(),
        name(&row.provider),
        name(&row.model),
    ];
    if tells_projects {
        cells.push(name(&row.project));
    }
    cells.extend(
        [
            sums.requests,
            tokens.input,
            tokens.cache_read,
            tokens.cache_write_5m,
            tokens.cache_write_1h,
            tokens.output,
            tokens.reasoning,
            sums.unpriced_tokens,
        ]
        .map(|count| count.to_string()),
    );
    cells.extend(
        [sums.list, sums.covered, sums.stated, sums.billed.get(Currency::USD)].map(decimal),
    );
    cells.push(others(&sums.billed));
    cells.push(decimal(row.known()));
    cells.extend([row.counted.is_estimated(), sums.unpriced_tokens > 0].map(|it| it.to_string()));
    cells
}

fn decimal(amount: Option<Money>) -> String {
    amount.map(|amount| amount.to_decimal()).unwrap_or_default()
}

/// Bills in other currencies: `3.5 EUR`, several with a semicolon between them.
fn others(billed: &Amounts) -> String {
    let others = billed.iter().filter(|amount| amount.currency != Currency::USD);
    let words = others.map(|amount| format!("{} {}", amount.to_decimal(), amount.currency));
    words.collect::<Vec<_>>().join("; ")
}
