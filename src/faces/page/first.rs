//! What a new user sees: what was found, where was looked, what to begin with.

use maud::{Markup, html};

use super::Frame;
use crate::board::page::PageData;
use crate::board::{Board, wording};

/// Nothing was found yet.
pub(super) fn nothing(board: &Board) -> Markup {
    html! {
        @if board.loading {
            h2 #first-h { "Looking around" }
            p {
                "The logs of coding agents on this machine are being looked for, and providers that have "
                "a key are asked. What is found appears here by itself."
            }
        } @else {
            h2 #first-h { "Nothing to show yet" }
            p {
                "No log of a coding agent was found on this machine, and no provider has a key. "
                "As soon as one of them is there, its figures appear here by themselves."
            }
        }
        dl.ways {
            dt { a href="/settings#providers-h" { "Set a provider's key" } }
            dd { "reads its bill; in a terminal " code { "spendbar key set openai-admin" } }
            dt { code { "spendbar doctor" } }
            dd { "names every folder that was looked at" }
            @if !board.demo {
                dt { code { "spendbar demo" } }
                dd { "shows all of this at work on a pretend world" }
            }
        }
    }
}

/// A budget to begin with, where there is none.
pub(super) fn suggestion(data: &PageData, frame: &Frame<'_>) -> Markup {
    let board = &data.board;
    if !board.budgets.is_empty() || board.loading {
        return html! {};
    }
    let found: Vec<&str> = board.sources.iter().map(|row| row.info.name).collect();
    let amount = data.suggestion.map(|amount| amount.to_decimal());
    html! {
        section #first aria-labelledby="first-h" {
            h2 #first-h { "No budget yet" }
            @if !found.is_empty() { p { "Found on this machine: " (found.join(", ")) "." } }
            @if let Some(amount) = &data.suggestion {
                p {
                    strong { (wording::amount_short(amount)) " a day" }
                    " is half as much again as the median day of the last four weeks."
                }
            } @else {
                p { "A warning needs a limit. It speaks at half of it, at 80 % and when all is used." }
            }
            form.begin method="post" action="/settings/budget" {
                input type="hidden" name="csrf" value=(frame.csrf);
                input type="hidden" name="form" value="add-budget";
                input type="hidden" name="per" value="day";
                label for="first-amount" { "Dollars a day" }
                input #first-amount name="amount" type="text" inputmode="decimal" autocomplete="off" required
                    value=[amount.as_deref()] size="8";
                button.primary type="submit" { "Set it" }
            }
            p.quiet {
                "In a terminal: "
                code { "spendbar budget set " (amount.as_deref().unwrap_or("50")) " --per day" } "."
                @if !board.demo { " " code { "spendbar demo" } " shows all of this on a pretend world." }
            }
        }
    }
}
