//! `budget_left`.

use serde::Serialize;

use super::super::cli::json;
use super::super::cli::style::clean;
use super::{Reply, notes, reply};
use crate::board::{Board, BudgetRow, wording};
use crate::spend::Money;

/// What stands for a scope that names folders or sessions, where those are not told.
pub const HIDDEN_SCOPE: &str = "some projects or sessions";

/// What is left of the board's budgets.
///
/// # Errors
/// The data can't be written as JSON.
pub fn answer(board: &Board) -> Result<Reply, serde_json::Error> {
    let notes = notes(board);
    let mut lines: Vec<_> = board.budgets.iter().map(words).collect();
    if lines.is_empty() {
        lines.push(
            "No budget is set. The user sets one: `spendbar budget set 200 --per day`.".into(),
        );
    } else {
        lines.extend(notes.iter().cloned());
    }
    let document = Document {
        schema: "spendbar.mcp.budget_left.v1",
        at: json::instant(board.now),
        budgets: board.budgets.iter().map(Budget::of).collect(),
        partial: board.figures.partial,
        notes: &notes,
    };
    reply(lines, &document)
}

/// What is said when no budget has this name.
pub fn unknown(name: &str, known: &[String]) -> String {
    let name = clean(name);
    if known.is_empty() {
        return format!("no budget is named {name:?}, and none is set.");
    }
    let known: Vec<_> = known.iter().map(|name| format!("{:?}", clean(name))).collect();
    format!("no budget is named {name:?}. There are: {}.", known.join(", "))
}

/// `day: ≈ $285.63 left of $500 a day (≈ $214.37 spent, 42 %). Heading for ≈ $301.25 to $377.00 by
/// midnight. The next threshold is 50 %, $250.`
fn words(row: &BudgetRow) -> String {
    let left = row.left();
    let (amount, word) = match left.attos {
        0.. => (left, "left of"),
        _ => (Money { attos: left.attos.saturating_neg(), ..left }, "over"),
    };
    let amount = wording::estimate(row.estimated, wording::amount_full(&amount));
    let spent = wording::estimate(row.estimated, wording::amount_full(&row.spent));
    let mut text = format!(
        "{}: {amount} {word} {} {} ({spent} spent, {}).",
        clean(&row.name),
        wording::amount_short(&row.amount),
        wording::per(row.cycle),
        wording::percent(row.permille),
    );
    if !row.scope.is_empty() {
        text = format!("{text} It counts {}.", clean(&row.scope));
    }
    if let Some(forecast) = &row.forecast {
        let end = row.last_day.succ_opt().unwrap_or(row.last_day);
        let by = wording::period_end(row.cycle, end);
        text = format!("{text} Heading for {} by {by}.", wording::range(forecast));
    }
    match next_threshold(row) {
        Some((percent, at)) => {
            format!("{text} The next threshold is {percent} %, {}.", wording::amount_short(&at))
        }
        None => text,
    }
}

/// The threshold that speaks next, and the spend that reaches it.
fn next_threshold(row: &BudgetRow) -> Option<(u32, Money)> {
    let percent = row.next_percent?;
    // The last place of 1e-18 units: rounded up, for below it the threshold is not reached.
    let hundredths = row.amount.attos.saturating_mul(percent.into());
    let attos = hundredths / 100 + i128::from(hundredths % 100 > 0);
    Some((percent, Money { attos, ..row.amount }))
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    at: String,
    budgets: Vec<Budget<'a>>,
    partial: bool,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Budget<'a> {
    name: &'a str,
    period: String,
    last_day: String,
    basis: &'static str,
    scope: &'a str,
    currency: String,
    limit: String,
    spent: String,
    left: String,
    estimated: bool,
    percent: i64,
    next_threshold: Option<Threshold>,
    forecast: Option<Heading>,
}

#[derive(Serialize)]
struct Threshold {
    percent: u32,
    amount: String,
}

#[derive(Serialize)]
struct Heading {
    low: String,
    high: String,
    breaks_on: Option<String>,
}

impl<'a> Budget<'a> {
    fn of(row: &'a BudgetRow) -> Self {
        Self {
            name: &row.name,
            period: row.cycle.to_string(),
            last_day: row.last_day.to_string(),
            basis: row.basis.word(),
            scope: &row.scope,
            currency: row.amount.currency.to_string(),
            limit: row.amount.to_decimal(),
            spent: row.spent.to_decimal(),
            left: row.left().to_decimal(),
            estimated: row.estimated,
            percent: i64::try_from(row.permille.div_euclid(10)).unwrap_or(i64::MAX),
            next_threshold: next_threshold(row)
                .map(|(percent, at)| Threshold { percent, amount: at.to_decimal() }),
            forecast: row.forecast.as_ref().map(|forecast| Heading {
                low: forecast.low.to_decimal(),
                high: forecast.high.to_decimal(),
                breaks_on: forecast.breaks_on.map(|day| day.to_string()),
            }),
        }
    }
}
