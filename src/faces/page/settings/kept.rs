//! Something that is set and has a name: what it is, the form that changes it, the button that removes it.

use maud::{Markup, html};

use super::{form, hidden, press};
use crate::faces::page::Frame;
use crate::spend::{Currency, Money};

/// A budget or a plan.
pub(super) struct Kept<'a> {
    /// What it is, which is also where its form posts to.
    pub kind: &'a str,
    /// The id of its form.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it is set to, in words.
    pub told: &'a Markup,
    /// The fields that can be changed.
    pub fields: &'a Markup,
}

impl Kept<'_> {
    /// Its part of the page.
    pub fn draw(&self, frame: &Frame<'_>) -> Markup {
        let Self { kind, id, name, told, fields } = self;
        let heading = format!("{id}-h");
        let inside = html! {
            div.fields {
                (hidden("form", id))
                (hidden("of", name))
                (fields)
                div.field.go { button type="submit" { "Save" span.sr { " " (kind) " " (name) } } }
            }
        };
        html! {
            div.budget role="group" aria-labelledby=(heading) {
                div.row {
                    div {
                        h3 id=(heading) { (name) }
                        span.quiet.counts { (told) }
                    }
                    (press(&format!("{kind}/remove"), &[("of", name)], "Remove", &format!("{kind} {name}"), frame))
                }
                (form(id, kind, frame, &inside))
            }
        }
    }
}

/// What stands before or beside an amount of this currency: `$`, `EUR`.
pub(super) fn mark(amount: &Money) -> String {
    match amount.currency {
        Currency::USD => "$".to_owned(),
        other => other.to_string(),
    }
}

/// An amount as it is typed: `200`, `200.50`.
pub(super) fn decimal(amount: &Money) -> String {
    let decimal = amount.to_decimal();
    let is_short = decimal.split_once('.').is_some_and(|(_, fraction)| fraction.len() == 1);
    if is_short { decimal + "0" } else { decimal }
}
