//! What the chosen time would have cost otherwise: asked for by a link, for it reads every quarter
//! of an hour of it.

use maud::{Markup, html};

use super::address;
use crate::board::Mix;
use crate::board::page::{PageData, View, WhatIfView};
use crate::board::whatif::{Case, PlanCase, WhatIfReport, difference, permille, plans};
use crate::board::wording::{self, bills};
use crate::spend::Money;

/// Models that are listed.
const FEW: usize = 10;

/// The section.
pub(super) fn section(data: &PageData) -> Markup {
    let view = &data.view;
    let asked = View { what_if: Some(WhatIfView::default()), ..view.clone() };
    html! {
        h2 #whatif-h { "What if " span.quiet { "the same tokens, at other prices" } }
        @match (&view.what_if, &data.what_if) {
            (Some(choice), Some(report)) => {
                (form(view, choice))
                @for problem in &data.what_if_problems { p.note.warn { (problem) } }
                (answer(report))
            }
            _ => p { a.button href={ (address::write(&asked)) "#whatif" } {
                "Work it out for " (wording::days(data.places.first_day, data.places.last_day)) } },
        }
    }
}

/// A form, so that it works without a script.
fn form(view: &View, choice: &WhatIfView) -> Markup {
    let rest = View { what_if: None, ..view.clone() };
    let field = |name: &str, label: &str, value: &Option<String>, example: &str| {
        html! {
            label { (label) " " input type="text" name=(name) value=[value.as_deref()]
                placeholder=(example) maxlength="200"; } " "
        }
    };
    html! {
        form method="get" action="/#whatif" {
            @for (name, value) in address::pairs(&rest) { input type="hidden" name=(name) value=(value); }
            input type="hidden" name="if" value="1";
            (field("if_model", "All by the model", &choice.model, "gpt-5.5-mini"))
            (field("if_scale", "All prices at", &choice.scale, "2x"))
            label { "On the plan " select name="if_plan" {
                option value="" { "as it is" }
                @for offer in plans::all() {
                    option value=(offer.id) selected[choice.plan.as_deref() == Some(offer.id.as_str())] { (offer.name) }
                }
            } } " "
            button type="submit" { "Work it out" }
        }
    }
}

fn answer(report: &WhatIfReport) -> Markup {
    let known = |amount: Option<Money>| {
        amount.map_or(wording::UNKNOWN.into(), |it| wording::estimate(true, wording::amount(&it)))
    };
    html! {
        @if report.rows.is_empty() { p.empty { "No usage in this time." } } @else {
            div.wide { table {
                caption.sr { "List price as it was and as it would be" }
                thead { tr { th scope="col" { "" } th.num scope="col" { "List" }
                    th.num scope="col" { "Change" } th.num scope="col" { "" } } }
                tbody {
                    tr { th scope="row" { "as it was" } td.num #whatif-before { (known(report.before)) } td.num {} td.num {} }
                    @for case in &report.cases { tr data-case=(case.key) {
                        th scope="row" { (case.name) }
                        td.num { (known(report.before.map(|_| case.effect.after))) }
                        td.num { (difference(report.before, &case.effect).map_or(wording::UNKNOWN.into(), |it| bills::signed(&it))) }
                        td.num { (permille(report.before, &case.effect).map_or(String::new(), bills::share)) }
                    } }
                }
            } }
            @if let Some(case) = &report.on_plans { (on_plans(case)) }
            @for case in &report.cases { @for said in &case.limits {
                p.note.warn { "As to " (case.name) ": " (said) }
            } }
            @for (place, case) in report.cases.iter().enumerate() { (one(report, place, case, &known)) }
            @for note in &report.notes { p.note { (note) } }
        }
    }
}

/// What it costs on the plans there are, and on the chosen one.
fn on_plans(case: &PlanCase) -> Markup {
    let cost = |mix: &Mix| wording::plans::paid(&mix.paid);
    html! {
        div.wide { table #whatif-plans {
            caption.sr { "What it costs on plans" }
            thead { tr { th scope="col" { "" } th.num scope="col" { "Cost" }
                th.num scope="col" { "Change" } th.num scope="col" { "" } } }
            tbody {
                tr {
                    th scope="row" {
                        @if case.own_names.is_empty() { "per token, as no plan is set" }
                        @else { "as the config has it: " (case.own_names.join(", ")) }
                    }
                    td.num { (cost(&case.own)) } td.num {} td.num {}
                }
                tr {
                    th scope="row" { (case.name) }
                    td.num { (cost(&case.on)) }
                    td.num { (case.difference().map_or(wording::UNKNOWN.into(), |it| bills::signed(&it))) }
                    td.num { (case.permille().map_or(String::new(), bills::share)) }
                }
            }
        } }
        @for said in &case.limits { p.note.warn { "As to " (case.name) ": " (said) } }
        details {
            summary { "More about " (case.name) }
            ul.quiet { @for said in &case.assumes { li { (said) } } }
        }
    }
}

/// What is assumed, and the models.
fn one(
    report: &WhatIfReport,
    place: usize,
    case: &Case,
    known: &dyn Fn(Option<Money>) -> String,
) -> Markup {
    html! {
        details {
            summary { "More about " (case.name) }
            ul.quiet {
                @for said in &case.assumes { li { (said) } }
            }
            table {
                thead { tr { th scope="col" { "Model" } th.num scope="col" { "Tokens" }
                    th.num scope="col" { "Before" } th.num scope="col" { "After" } } }
                tbody { @for row in report.rows.iter().take(FEW) { tr {
                    th scope="row" { (row.model.as_deref().unwrap_or("unnamed model")) }
                    td.num { (wording::tokens(row.tokens.total())) }
                    td.num { (known(row.before)) }
                    td.num { (known(row.before.and(row.effects.get(place)).map(|it| it.after))) }
                } } }
            }
            @if report.rows.len() > FEW {
                p.quiet { "and " (report.rows.len() - FEW) " more models, which the sum holds" }
            }
        }
    }
}
