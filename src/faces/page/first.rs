//! What a new user sees: where was looked, what to begin with.

use maud::{Markup, html};

use crate::board::page::PageData;
use crate::board::{Board, wording};

/// Nothing was found yet.
pub(super) fn nothing(board: &Board) -> Markup {
    html! {
        h2 #first-h { @if board.loading { "Still looking" } @else { "Nothing to show yet" } }
        p {
            "No log of a coding agent was found on this machine, and no provider has a key. "
            "As soon as one of them is there, its figures appear here by themselves."
        }
        dl.ways {
            dt { code { "spendbar doctor" } }
            dd { "names every folder that was looked at" }
            dt { code { "spendbar key set openai-admin" } }
            dd { "reads a provider's bill" }
            dt { code { "spendbar demo" } }
            dd { "shows all of this at work on a pretend world" }
        }
    }
}

/// A budget to begin with, where there is none.
pub(super) fn suggestion(data: &PageData) -> Markup {
    let board = &data.board;
    if !board.budgets.is_empty() || board.loading {
        return html! {};
    }
    let found: Vec<&str> = board.sources.iter().map(|row| row.info.name).collect();
    html! {
        section #first aria-labelledby="first-h" {
            h2 #first-h { "No budget yet" }
            @if !found.is_empty() { p { "Found on this machine: " (found.join(", ")) "." } }
            @if let Some(amount) = &data.suggestion {
                p {
                    "The median of the last four weeks' days suggests "
                    strong { (wording::amount_short(amount)) " a day" } ", half as much again."
                }
                p { code { "spendbar budget set " (amount.to_decimal()) " --per day" } }
            } @else {
                p { "A warning needs a limit, for example " code { "spendbar budget set 50 --per day" } "." }
            }
            @if !board.demo { p.quiet { code { "spendbar demo" } " shows all of this on a pretend world." } }
        }
    }
}
