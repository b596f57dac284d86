//! `check`: a sentence for each budget, or JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::json;
use super::style::{Style, clean};
use crate::board::{BudgetRow, wording};

/// Whether a budget is over: more is spent than its limit.
pub fn is_over(row: &BudgetRow) -> bool {
    row.spent.attos > row.amount.attos
}

/// Writes one line for each budget. `partial` says that something is known to be missing.
///
/// # Errors
/// Those of the writer.
pub fn text(
    out: &mut dyn Write,
    rows: &[BudgetRow],
    partial: bool,
    style: &Style,
) -> io::Result<()> {
    for row in rows {
        let spent = wording::estimate(row.estimated, wording::amount_full(&row.spent));
        let verdict = if is_over(row) { "over" } else { "within" };
        let line = format!(
            "{verdict}: {} {spent} of {} {}, {}",
            clean(&row.name),
            wording::amount_short(&row.amount),
            wording::per(row.cycle),
            wording::percent(row.permille),
        );
        let line = if is_over(row) { style.alarm(&line) } else { line };
        let scope = if row.scope.is_empty() { String::new() } else { format!(" ({})", row.scope) };
        writeln!(out, "{line}{}", clean(&scope))?;
    }
    if partial {
        writeln!(out, "Something is missing from these figures: `spendbar doctor` says what.")?;
    }
    Ok(())
}

/// Writes `spendbar.check.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, rows: &[BudgetRow], partial: bool) -> io::Result<()> {
    let budgets: Vec<_> = rows.iter().map(Checked::of).collect();
    let over = rows.iter().any(is_over);
    json::write(out, &Document { schema: "spendbar.check.v1", over, partial, budgets })
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    over: bool,
    /// Something is known to be missing.
    partial: bool,
    budgets: Vec<Checked<'a>>,
}

#[derive(Serialize)]
struct Checked<'a> {
    name: &'a str,
    over: bool,
    period: String,
    scope: &'a str,
    basis: &'static str,
    currency: String,
    amount: String,
    spent: String,
    left: String,
    /// Some of `spent` is a list price.
    estimated: bool,
    percent: i128,
    last_day: String,
}

impl<'a> Checked<'a> {
    fn of(row: &'a BudgetRow) -> Self {
        Self {
            name: &row.name,
            over: is_over(row),
            period: row.cycle.to_string(),
            scope: &row.scope,
            basis: row.basis.word(),
            currency: row.amount.currency.to_string(),
            amount: row.amount.to_decimal(),
            spent: row.spent.to_decimal(),
            left: row.left().to_decimal(),
            estimated: row.estimated,
            percent: row.permille.div_euclid(10),
            last_day: row.last_day.to_string(),
        }
    }
}
