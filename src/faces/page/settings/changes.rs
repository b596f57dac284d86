//! What was changed here, and how it is taken back.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::{Settings, press};
use crate::board::wording;
use crate::faces::page::Frame;

/// A change of the config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its number in this run.
    pub number: u64,
    /// What was done, one sentence.
    pub what: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Whether the newest change can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Nothing was changed here.
    Nothing,
    /// The file is as that change left it.
    Possible,
    /// Somebody else has changed the file since.
    ChangedElsewhere,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Nothing was done, and the text says why.
    pub failed: bool,
    /// Sentences.
    pub text: String,
    /// The change that this is about, which can be undone.
    pub change: Option<u64>,
}

/// What came of the last request, first on the page.
pub(super) fn said(settings: &Settings<'_>, frame: &Frame<'_>) -> Markup {
    let Some(said) = &settings.said else { return html! {} };
    let newest = settings.changes.first().map(|change| change.number);
    let can_undo = said.change.is_some() && said.change == newest;
    let to = Some(&settings.typed.form).filter(|form| said.failed && !form.is_empty());
    html! {
        @if said.failed {
            div #said.said.failed role="alert" {
                p { (said.text) }
                @if let Some(form) = to { p { a href={ "#" (form) } { "Back to what you typed" } } }
            }
        } @else {
            div #said.said role="status" {
                p { (said.text) }
                @if can_undo && settings.undo == Undo::Possible { (undo(said.change, "this change", frame)) }
            }
        }
    }
}

/// Every change of this run.
pub(super) fn section(settings: &Settings<'_>, frame: &Frame<'_>) -> Markup {
    let (board, newest) = (settings.board, settings.changes.first());
    html! {
        section aria-labelledby="changes-h" {
            h2 #changes-h { "Changes made here" }
            @match (newest, settings.undo) {
                (None, _) => p.quiet { "None since Spendbar started. Each change of the config file can be undone here until it ends." },
                (Some(_), Undo::ChangedElsewhere) => p.note.warn {
                    "The file was changed elsewhere since the newest of these, so they can't be undone here: "
                    "that would take the other change back too."
                },
                (Some(_), _) => p.quiet { "The newest is undone first. The file is then byte for byte what it was before." },
            }
            @if newest.is_some() {
                ol.changes { @for change in &settings.changes {
                    li {
                        span { (change.what) " " span.quiet { (wording::age(board.now, change.at, board.zone)) } }
                        @if newest == Some(change) && settings.undo == Undo::Possible {
                            (undo(Some(change.number), "the newest change", frame))
                        }
                    }
                } }
            }
        }
    }
}

fn undo(number: Option<u64>, of: &str, frame: &Frame<'_>) -> Markup {
    let number = number.unwrap_or_default().to_string();
    press("undo", &[("number", &number)], "Undo", of, frame)
}
