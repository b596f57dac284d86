//! `reconcile`: logs and bills side by side.

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use serde::Serialize;

use super::json::{self, OtherAmount, confidence, reason};
use super::style::{Cut, Style, clean, wrap};
use super::table::{Column, Table};
use crate::board::reconcile::{AccountLines, Line, LineState, Reason, Reconciliation};
use crate::board::wording::{self, bills};
use crate::spend::Money;

/// Lines of an account that the text shows unless all are asked for.
const MOST_LINES: usize = 10;
const INDENT: usize = 2;

/// Writes a table for each account: the month's sum, and then the lines that differ, of those at
/// most ten, the largest; every line with `all`.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, it: &Reconciliation, all: bool, style: &Style) -> io::Result<()> {
    let title = format!("{}, UTC days", it.first_day.format("%B %Y"));
    writeln!(out, "{}", style.strong(&title))?;
    if it.accounts.is_empty() {
        writeln!(out, "No usage and no bill in this month.")?;
        return Ok(());
    }
    let (billed, rest): (Vec<_>, Vec<_>) =
        it.accounts.iter().partition(|account| account.last_bill_day.is_some());
    for account in &billed {
        account_text(out, account, all, style)?;
    }
    if !rest.is_empty() {
        let mut table =
            Table::new(vec![Column::Name("", Cut::End), Column::Figure(""), Column::Word("")]);
        for account in &rest {
            let covered = account.covered();
            let list = account.list();
            let mut about = Vec::new();
            if account.lines.iter().any(|line| line.unpriced_tokens > 0) {
                about.push("a part without a known price".to_owned());
            }
            if covered.attos > 0 {
                let covered = wording::amount_full(&covered);
                about.push(format!("and {covered} covered by a subscription"));
            }
            table.row(vec![
                account.account.clone(),
                wording::estimate(true, wording::amount_full(&list)),
                about.join(", "),
            ]);
        }
        writeln!(out, "\n{}", style.strong("Without a bill, at list price"))?;
        table.write(out, style, 2)?;
    }
    writeln!(out)?;
    for note in &it.notes {
        writeln!(out, "{}", style.quiet(&wrap(&clean(note), style.width, 0)))?;
    }
    Ok(())
}

fn account_text(
    out: &mut dyn Write,
    account: &AccountLines,
    all: bool,
    style: &Style,
) -> io::Result<()> {
    writeln!(out, "\n{}", style.strong(&clean(&account.account)))?;
    let mut said = vec![bills::states(account)];
    said.extend(bills::reasons(account));
    said.extend(bills::effective_discount(account));
    if account.elsewhere().attos > 0 {
        let elsewhere = wording::amount_full(&account.elsewhere());
        said.push(format!(
            "≈ {elsewhere} more at list price is only in the provider's usage report"
        ));
    }
    if account.covered().attos > 0 {
        let covered = wording::amount_full(&account.covered());
        said.push(format!("{covered} at list price is covered by a subscription, in no bill"));
    }
    if account.lines.is_empty() {
        said = vec!["Nothing billed, and nothing in the logs".into()];
    }
    for sentence in said {
        writeln!(out, "{}", wrap(&format!("{sentence}."), style.width, 0))?;
    }
    if account.lines.is_empty() {
        return Ok(());
    }
    let (shown, left_out) = shown(account, all);
    // Reasons stay whole where the line is long enough for them.
    let whole = table(account, &shown, Column::Word("Likely"));
    let table = if whole.narrowest() + INDENT <= style.width {
        whole
    } else {
        table(account, &shown, Column::Name("Likely", Cut::End))
    };
    table.write(out, style, INDENT)?;
    if left_out > 0 {
        let more =
            format!("{left_out} smaller differences are left out; `--all` shows every line.");
        writeln!(out, "  {}", style.quiet(&more))?;
    }
    Ok(())
}

/// The lines to show, by day, and how many of those that differ are left out.
fn shown(account: &AccountLines, all: bool) -> (Vec<&Line>, usize) {
    if all {
        return (account.lines.iter().collect(), 0);
    }
    let mut differing: Vec<(usize, &Line)> = account
        .lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !matches!(line.state, LineState::Matched | LineState::Covered))
        .collect();
    let size = |line: &Line| line.difference().unwrap_or(line.list).attos.saturating_abs();
    differing.sort_by_key(|(_, line)| std::cmp::Reverse(size(line)));
    let left_out = differing.len().saturating_sub(MOST_LINES);
    differing.truncate(MOST_LINES);
    differing.sort_by_key(|(index, _)| *index);
    (differing.into_iter().map(|(_, line)| line).collect(), left_out)
}

fn table(account: &AccountLines, lines: &[&Line], likely: Column) -> Table {
    let by_model = lines.iter().any(|line| line.by_model);
    let mut columns = vec![Column::Word("Day")];
    if by_model {
        columns.push(Column::Name("Model", Cut::End));
    }
    columns.extend(["≈ Logs $", "Billed $", "Difference"].map(Column::Figure));
    columns.push(likely);
    let mut table = Table::new(columns);
    let amount = |amount: Option<Money>| {
        amount.map_or(wording::UNKNOWN.into(), |amount| wording::table_amount(&amount))
    };
    let signed = |difference: Option<Money>| {
        difference.map_or(wording::UNKNOWN.into(), |it| bills::signed_in_table(&it))
    };
    let mut month = vec!["Month".to_owned()];
    month.extend(by_model.then(String::new));
    month.push(amount(Some(account.list())));
    month.push(amount(account.billed()));
    month.push(signed(account.difference()));
    month.push(String::new());
    table.row(month);
    for line in lines {
        // The heading has the year.
        let mut cells = vec![line.day.format("%d %b").to_string()];
        if by_model {
            cells.push(line.model.clone().unwrap_or_else(|| wording::UNKNOWN.into()));
        }
        cells.push(amount(line.has_logs().then_some(line.list)));
        cells.push(amount(line.bill.as_ref().map(|bill| bill.usd)));
        cells.push(signed(line.difference()));
        cells.push(match (&line.reason, line.state) {
            (Some(reason), _) => bills::reason(reason),
            (None, LineState::Covered) => "a subscription pays".into(),
            (None, _) => String::new(),
        });
        table.row(cells);
    }
    table
}

/// Writes `spendbar.reconcile.v1`: every line.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, it: &Reconciliation) -> io::Result<()> {
    json::write(
        out,
        &Document {
            schema: "spendbar.reconcile.v1",
            zone: "UTC",
            month: it.first_day.format("%Y-%m").to_string(),
            first_day: it.first_day.to_string(),
            last_day: it.last_day.to_string(),
            accounts: it.accounts.iter().map(Account::of).collect(),
            notes: &it.notes,
        },
    )
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    zone: &'static str,
    month: String,
    first_day: String,
    last_day: String,
    accounts: Vec<Account<'a>>,
    notes: &'a [String],
}

/// `list_usd` is of the logs alone; `elsewhere_usd` is what the provider's usage report tells
/// beyond them, `covered_usd` what a subscription pays for. The three together are the list price
/// of `report`.
#[derive(Serialize)]
struct Account<'a> {
    account: &'a str,
    list_usd: String,
    elsewhere_usd: String,
    covered_usd: String,
    billed_usd: Option<String>,
    billed_other: Vec<OtherAmount>,
    difference_usd: Option<String>,
    effective_discount_permille: Option<i128>,
    effective_discount_days: Option<usize>,
    last_bill_day: Option<String>,
    matched: usize,
    differs: usize,
    only_in_logs: usize,
    only_in_bill: usize,
    reasons: Vec<Cause>,
    lines: Vec<Row<'a>>,
}

/// What one reason comes to.
#[derive(Serialize)]
struct Cause {
    reason: &'static str,
    confidence: &'static str,
    words: String,
    lines: usize,
    difference_usd: String,
}

impl<'a> Account<'a> {
    fn of(it: &'a AccountLines) -> Self {
        let discount = it.effective_discount();
        Self {
            account: &it.account,
            list_usd: it.list().to_decimal(),
            elsewhere_usd: it.elsewhere().to_decimal(),
            covered_usd: it.covered().to_decimal(),
            billed_usd: json::decimal(it.billed()),
            billed_other: json::other_currencies(&it.amounts()),
            difference_usd: json::decimal(it.difference()),
            effective_discount_permille: discount.map(|(permille, _)| permille),
            effective_discount_days: discount.map(|(_, days)| days),
            last_bill_day: it.last_bill_day.map(|day| day.to_string()),
            matched: it.count(LineState::Matched),
            differs: it.count(LineState::Differs),
            only_in_logs: it.count(LineState::OnlyInLogs),
            only_in_bill: it.count(LineState::OnlyInBill),
            reasons: it.reasons().into_iter().map(Cause::of).collect(),
            lines: it.lines.iter().map(Row::of).collect(),
        }
    }
}

impl Cause {
    fn of((it, lines, sum): (&Reason, usize, Money)) -> Self {
        Self {
            reason: reason(it),
            confidence: confidence(it.confidence()),
            words: bills::hedged(it),
            lines,
            difference_usd: sum.to_decimal(),
        }
    }
}

/// `model` is null where `by` is `day`, and of what the bill puts under no model.
#[derive(Serialize)]
struct Row<'a> {
    day: String,
    by: &'static str,
    model: Option<&'a str>,
    state: &'static str,
    list_usd: String,
    tokens: u64,
    unpriced_tokens: u64,
    elsewhere_usd: String,
    reported_tokens: Option<u64>,
    covered_usd: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_list_usd: Option<String>,
    billed_usd: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    billed_other: Vec<OtherAmount>,
    bill_is_final: Option<bool>,
    difference_usd: Option<String>,
    reason: Option<&'static str>,
    confidence: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_permille: Option<i128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billed_as: Option<&'a str>,
    words: Option<String>,
}

impl<'a> Row<'a> {
    fn of(line: &'a Line) -> Self {
        let bill = line.bill.as_ref();
        Self {
            day: line.day.to_string(),
            by: if line.by_model { "model" } else { "day" },
            model: line.model.as_deref(),
            state: state(line.state),
            list_usd: line.list.to_decimal(),
            tokens: line.tokens,
            unpriced_tokens: line.unpriced_tokens,
            elsewhere_usd: line.elsewhere.to_decimal(),
            reported_tokens: line.reported_tokens,
            covered_usd: line.covered.to_decimal(),
            provider_list_usd: json::decimal(line.provider_list),
            billed_usd: bill.map(|bill| bill.usd.to_decimal()),
            billed_other: bill
                .map(|bill| json::other_currencies(&bill.amounts))
                .unwrap_or_default(),
            bill_is_final: bill.map(|bill| bill.is_final),
            difference_usd: json::decimal(line.difference()),
            reason: line.reason.as_ref().map(reason),
            confidence: line.confidence().map(confidence),
            discount_permille: match line.reason {
                Some(Reason::Discount { permille }) => Some(permille),
                Some(Reason::Surcharge { permille }) => Some(-permille),
                _ => None,
            },
            since: match line.reason {
                Some(Reason::PriceChange { since }) => Some(since.to_string()),
                _ => None,
            },
            billed_as: match &line.reason {
                Some(Reason::OtherName { name }) => Some(name),
                _ => None,
            },
            words: line.reason.as_ref().map(bills::hedged),
        }
    }
}

fn state(state: LineState) -> &'static str {
    match state {
        LineState::Matched => "matched",
        LineState::Differs => "differs",
        LineState::OnlyInLogs => "only-in-logs",
        LineState::OnlyInBill => "only-in-bill",
        LineState::Covered => "covered",
    }
}
