//! What did today cost, and is that fine?

use maud::{Markup, html};

use super::charts;
use crate::board::{Board, BudgetRow, State, wording};
use crate::faces::tray;

/// The section.
pub(super) fn section(board: &Board) -> Markup {
    let amount = board.amount(board.headline);
    let estimated = amount.is_some() && board.figures.chosen_is_estimated(board.headline);
    let (short, full) = match &amount {
        None => (wording::UNKNOWN.to_owned(), "not known yet".to_owned()),
        Some(amount) => (wording::amount(amount), wording::amount_full(amount)),
    };
    let list_and_billed = tray::list_and_billed(board);
    html! {
        h2 #today-h.quiet { "Today, " (board.today.format("%A %-d %B %Y")) }
        p.figure title=(full) {
            @if estimated { span.about title="list price where there is no bill" { "≈ " } }
            strong #figure { (short) }
        }
        p.verdict { (verdict(board)) }
        @if let Some(text) = tray::state_in_words(board) { p.note.warn { (text) } }
        @for notice in &board.notices { p.note.warn { (notice) } }
        @if let Some(text) = list_and_billed {
            p.quiet { (text) " · " (wording::tokens(board.figures.tokens.total())) " tokens in "
                (wording::requests(board.figures.requests)) }
            @for converted in &board.figures.converted { p.quiet { (wording::converted(converted)) } }
            @if let Some(text) = tray::covered(board) { p.quiet { (text) } }
            @for plan in &board.plans { p.quiet { (wording::plans::worth(plan)) } }
            @if board.tells_paid {
                @for note in wording::plans::notes(&board.figures.paid) { p.quiet { (note) } }
            }
            @for term in wording::plans::people(&board.people) { p.quiet { (term) } }
            @for difference in &board.differences { p.quiet { (wording::bills::difference(difference)) } }
        }
        @if let Some(text) = tray::left_out(board) { p.note.warn { (text) } }
        @if amount.is_some() && !board.budgets.is_empty() {
            ul.budgets { @for budget in &board.budgets { li { (one(budget)) } } }
        }
        @if let Some(snooze) = board.snoozes.first() {
            p.quiet { (wording::snoozed(snooze, board.now, board.zone)) }
        }
    }
}

/// Whether that is fine, in a sentence.
fn verdict(board: &Board) -> String {
    if board.amount(board.headline).is_none() {
        return match board.sources.is_empty() {
            true => "No figures yet.".into(),
            false => "No source gave figures yet.".into(),
        };
    }
    let over = board.budgets.iter().filter(|budget| budget.permille >= 1_000).count();
    let breaks = board
        .budgets
        .iter()
        .any(|it| it.forecast.is_some_and(|forecast| forecast.middle.attos > it.amount.attos));
    match board.state {
        _ if board.budgets.is_empty() => "No budget is set, so nothing warns.".into(),
        _ if over == 1 => "Over a budget.".into(),
        _ if over > 1 => format!("Over {over} budgets."),
        _ if breaks => "Within budget now, and over it at this pace.".into(),
        State::Near => "Near a budget.".into(),
        _ => "Within budget.".into(),
    }
}

/// `$97.60 left`, `$12.40 over`.
fn left(budget: &BudgetRow) -> String {
    let left = budget.left();
    match left.attos < 0 {
        true => {
            let over = crate::spend::Money { attos: left.attos.saturating_neg(), ..left };
            format!("{} over", wording::amount(&over))
        }
        false => format!("{} left", wording::amount(&left)),
    }
}

fn one(budget: &BudgetRow) -> Markup {
    let is_over = budget.permille >= 1_000;
    let is_near = budget.permille >= i128::from(budget.warn_percent) * 10;
    let (class, word) = match (is_over, is_near) {
        (true, _) => ("over", "over"),
        (false, true) => ("near", "near"),
        (false, false) => ("calm", "fine"),
    };
    let end = budget.last_day.succ_opt().unwrap_or(budget.last_day);
    html! {
        div.row {
            span.name { (budget.name) @if !budget.scope.is_empty() { " " span.quiet { "of " (budget.scope) } } }
            span.state.(class) { (word) }
            span.num title=(wording::amount_full(&budget.spent)) {
                (wording::estimate(budget.estimated, wording::amount(&budget.spent)))
                span.quiet { " of " (wording::amount_short(&budget.amount)) " " (wording::per(budget.cycle)) }
            }
        }
        div.meter role="img" aria-label={ (budget.name) ": " (wording::percent(budget.permille)) " used" } {
            (charts::lying(budget.permille, class))
        }
        div.row.quiet {
            span { (wording::percent(budget.permille)) " used, " (left(budget)) }
            @if let Some(forecast) = &budget.forecast {
                span { "at this pace " (wording::range(forecast)) " by "
                    (wording::period_end(budget.cycle, end)) }
            } @else {
                span { "too early to tell where it ends" }
            }
        }
    }
}
