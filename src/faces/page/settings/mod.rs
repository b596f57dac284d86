//! The settings: what is read, the keys, the budgets, the plans, the icon, the start at login. Plain forms that
//! need no script: each posts to an address of its own and comes back to this page.
//!
//! A section is a file here that draws its part of [`Settings`], a line in [`page`], and its answer in
//! `app/paging/settings`. No field of [`Settings`] can hold a key or a part of one.

mod budgets;
mod changes;
mod fields;
mod kept;
mod plans;
mod rest;
mod sources;

use chrono::NaiveDate;
use maud::{Markup, html};

use super::{Frame, charts, whole};
use crate::board::{Board, Colours, Every, Headline, Offer};
use crate::faces::cli::sources::SourceEntry;
use crate::platform::autostart::AtLogin;
use crate::spend::{Cycle, Money, Period, SourceInfo};

pub use changes::{Changed, Said, Undo};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// The picture that every face shows.
    pub board: &'a Board,
    /// The config file, for people.
    pub file: String,
    /// What the config says, or everything that is wrong with it.
    pub config: Result<Configured<'a>, String>,
    /// What was changed here since the start, newest first.
    pub changes: Vec<Changed>,
    /// Whether the newest of them can be taken back.
    pub undo: Undo,
    /// What happens at login and where that is written, or why nobody knows; `None` in the demo,
    /// which leaves it alone.
    pub login: Option<Result<(AtLogin, String), String>>,
    /// What came of the last request.
    pub said: Option<Said>,
    /// What was typed into a form that was refused.
    pub typed: Typed,
}

/// What the config says.
#[derive(Clone, Debug)]
pub struct Configured<'a> {
    /// Every source there is.
    pub sources: Vec<SourceEntry<'a>>,
    /// Every source that takes a key.
    pub takes_key: Vec<&'static SourceInfo>,
    /// Why no key can be stored here; `None` where one can.
    pub no_keyring: Option<String>,
    /// The budgets, in the order of the file.
    pub budgets: Vec<BudgetSetting>,
    /// The plans, in the order of the file.
    pub plans: Vec<PlanSetting>,
    /// The plans that can be taken by name.
    pub offers: &'static [Offer],
    /// The figure of the icon.
    pub headline: Headline,
    /// Its colours.
    pub colours: Colours,
    /// The time that it is for.
    pub period: Period,
}

/// A budget as it is set.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetSetting {
    /// Its name.
    pub name: String,
    /// The limit.
    pub amount: Money,
    /// The time it is for.
    pub cycle: Cycle,
    /// Percent.
    pub thresholds: Vec<u32>,
    /// What it counts, in words.
    pub counts: String,
}

/// A plan as it is set.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanSetting {
    /// Its name.
    pub name: String,
    /// What a period costs.
    pub fee: Money,
    /// How often that is due.
    pub every: Every,
    /// The first day; `None` for always.
    pub first_day: Option<NaiveDate>,
    /// The last day; `None` while it goes on.
    pub last_day: Option<NaiveDate>,
    /// What it covers, in words.
    pub covers: String,
}

/// The fields of one form as they were typed. Those of keys are never among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The form: an id on the page.
    pub form: String,
    /// The field that was refused; empty where it is no single one.
    pub wrong: String,
    /// Names and values.
    pub fields: Vec<(String, String)>,
}

impl Typed {
    /// What was typed into a field of a form, else what is there already.
    fn or<'t>(&'t self, form: &str, field: &str, otherwise: &'t str) -> &'t str {
        let own = self.fields.iter().filter(|_| self.form == form);
        own.rev().find(|(name, _)| name == field).map_or(otherwise, |(_, value)| value)
    }

    /// Whether a box of this name and value was ticked.
    fn has(&self, form: &str, field: &str, value: &str) -> bool {
        self.form == form && self.fields.iter().any(|(own, it)| own == field && it == value)
    }

    fn is_wrong(&self, form: &str, field: &str) -> bool {
        self.form == form && self.wrong == field
    }
}

/// The page.
pub fn page(settings: &Settings<'_>, frame: &Frame<'_>) -> String {
    let body = html! {
        (charts::hatch())
        a.skip href="#main" { "Skip to the settings" }
        header.top {
            h1 { a href="/" { "Spendbar" } @if settings.board.demo { " " span.tag { "demo" } } }
            span.fill {}
            nav.actions aria-label="Pages" { a.button href="/" { "Back to the figures" } }
        }
        main #main.settings {
            h2.page { "Settings" }
            (changes::said(settings, frame))
            @match &settings.config {
                Err(problems) => (rest::broken(&settings.file, problems)),
                Ok(config) => {
                    (budgets::section(config, settings, frame))
                    (plans::section(config, settings, frame))
                    (sources::agents(config, settings, frame))
                    (sources::providers(config, settings, frame))
                    (rest::icon(config, settings.board, frame))
                }
            }
            (rest::login(settings, frame))
            @if settings.config.is_ok() { (changes::section(settings, frame)) }
        }
        footer.quiet {
            "The settings are in " code { (settings.file) } ". A change made here leaves every other line "
            "and all comments as they are. What this page does not show is explained in that file: "
            code { "spendbar config edit" } " opens it."
        }
    };
    whole("Settings – Spendbar", &body, None, frame)
}

/// A form that posts to `/settings/…`.
fn form(id: &str, action: &str, frame: &Frame<'_>, inside: &Markup) -> Markup {
    html! {
        form id=[(!id.is_empty()).then_some(id)] method="post" action={ "/settings/" (action) } {
            input type="hidden" name="csrf" value=(frame.csrf);
            (inside)
        }
    }
}

fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// A button that is a form of its own: what it does, in words that also say to what.
fn press(action: &str, fields: &[(&str, &str)], text: &str, of: &str, frame: &Frame<'_>) -> Markup {
    let inside = html! {
        @for (name, value) in fields { (hidden(name, value)) }
        button type="submit" { (text) span.sr { " " (of) } }
    };
    form("", action, frame, &inside)
}

#[cfg(test)]
mod tests;
