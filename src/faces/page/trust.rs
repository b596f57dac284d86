//! Which figures can I trust? Each source with its kind, freshness, last error and coverage.

use maud::{Markup, html};

use super::hue;
use crate::board::{Board, SourceRow, wording};
use crate::spend::SourceKind;

/// The section.
pub(super) fn section(board: &Board) -> Markup {
    html! {
        h2 #trust-h { "Which figures can be trusted" }
        @if board.sources.is_empty() {
            p.quiet { "No source gave figures yet." }
        } @else {
            div.wide { table.sources {
                caption.sr { "Sources: kind, today's figures, freshness and coverage" }
                thead { tr {
                    th scope="col" { "Source" } th scope="col" { "Tells" }
                    th.num scope="col" { "List" } th.num scope="col" { "Billed" }
                    th scope="col" { "As of" } th scope="col" { "Covers" }
                } }
                tbody { @for row in &board.sources { (one(row, board)) } }
            } }
        }
    }
}

fn one(row: &SourceRow, board: &Board) -> Markup {
    let as_of = match row.last_good_at {
        Some(at) => wording::age(board.now, at, board.zone),
        None => "never".into(),
    };
    let (class, state) = match (&row.error, row.stale) {
        (Some(error), _) => ("over", wording::failure_short(error)),
        (None, true) => ("near", "old"),
        (None, false) => ("calm", "fresh"),
    };
    let kind = match row.info.kind {
        SourceKind::Agent => "estimate from logs",
        SourceKind::Provider if row.billed.is_some() => "bill",
        SourceKind::Provider => "provider",
    };
    let figure = |money: Option<crate::spend::Money>, estimated| match money {
        Some(money) => wording::estimate(estimated, wording::amount(&money)),
        None => wording::UNKNOWN.into(),
    };
    let holes = coverage(row);
    html! {
        tr {
            th scope="row" { span.dot.(hue(Some(row.info.id))) aria-hidden="true" {} (row.info.name) }
            td { (kind) }
            td.num data-is="list" { (figure(row.list, true)) }
            td.num data-is="billed" { (figure(row.billed, false)) }
            td { span.state.(class) { (state) } " " (as_of) }
            td {
                @if holes.is_empty() { "all that was found" }
                @for hole in &holes { div.note { (hole) } }
                @if let Some(error) = &row.error {
                    div.note.warn { (wording::failure(row.info, error, row.retry_at, board.now, board.zone)) }
                }
                @if let Some(incident) = &row.incident {
                    div.note.warn { (wording::incident(incident, board.zone)) }
                }
                @for balance in &row.balances { div.note { (wording::balance_row(balance)) } }
                @for window in &row.quotas { div.note { (wording::quota(window, board.now, board.zone)) } }
            }
        }
    }
}

/// What its figures leave out.
fn coverage(row: &SourceRow) -> Vec<String> {
    let mut holes = row.gaps.clone();
    if row.unpriced_tokens > 0 {
        let tokens = wording::tokens(row.unpriced_tokens);
        holes.push(format!("{tokens} tokens of today have no known price"));
    }
    if row.unmetered_tokens > 0 {
        let tokens = wording::tokens(row.unmetered_tokens);
        holes.push(format!("{tokens} tokens can't be told from another session's"));
    }
    match row.problem_count {
        0 => {}
        1 => holes.push("1 line could not be read; `spendbar doctor` names it".into()),
        many => holes.push(format!("{many} lines could not be read; `spendbar doctor` names them")),
    }
    holes
}
