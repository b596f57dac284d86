//! A field of a form, with its label and what was typed into it.

use maud::{Markup, html};

use super::Typed;

/// A field that is typed into.
#[derive(Clone, Copy, Default)]
pub(super) struct Field<'a> {
    /// The form that it is in.
    pub form: &'a str,
    /// Its name in the form.
    pub name: &'a str,
    /// What it is for.
    pub label: &'a str,
    /// What stands in it.
    pub now: &'a str,
    /// What else to write; may be empty.
    pub hint: &'a str,
    /// Whether it may not be empty.
    pub required: bool,
    /// Whether it is an amount.
    pub is_amount: bool,
    /// The list of suggestions for it; may be empty.
    pub list: &'a str,
}

impl Field<'_> {
    /// The field; what was typed and refused stands in it again.
    pub fn draw(&self, typed: &Typed) -> Markup {
        let id = format!("{}-{}", self.form, self.name);
        let is_wrong = typed.is_wrong(self.form, self.name);
        html! {
            div.field {
                label for=(id) { (self.label) }
                input id=(id) name=(self.name) type="text" value=(typed.or(self.form, self.name, self.now))
                    required[self.required] inputmode=[self.is_amount.then_some("decimal")]
                    list=[(!self.list.is_empty()).then_some(self.list)] autocomplete="off"
                    aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then_some("said")];
                @if !self.hint.is_empty() { span.hint { (self.hint) } }
            }
        }
    }
}
