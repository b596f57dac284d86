//! Plans: added from the offers or by hand, changed, removed, as `spendbar plan set` and `remove` do.

use maud::{Markup, html};

use super::fields::Field;
use super::kept::{Kept, decimal, mark};
use super::{Configured, PlanSetting, Settings, Typed, form, hidden};
use crate::board::wording::{self, plans as words};
use crate::faces::page::Frame;
use crate::spend::SourceKind;

/// The form that adds a plan which is on offer.
const TAKE: &str = "add-offer";
/// The form that adds any other.
const ADD: &str = "add-plan";

/// The section.
pub(super) fn section(
    config: &Configured<'_>,
    settings: &Settings<'_>,
    frame: &Frame<'_>,
) -> Markup {
    let typed = &settings.typed;
    html! {
        section aria-labelledby="plans-h" {
            h2 #plans-h { "Plans" }
            @if config.plans.is_empty() {
                p.quiet { "No plan is set. With the fees of your subscriptions Spendbar tells what you pay, and whether they are worth it." }
            }
            @for (index, plan) in config.plans.iter().enumerate() {
                (one(plan, &format!("plan-{index}"), typed, frame))
            }
            details.add open[typed.form == TAKE] {
                summary { "Add a plan that is on offer" }
                (take(config, typed, frame))
            }
            details.add open[typed.form == ADD] {
                summary { "Add another plan" }
                (add(config, typed, frame))
            }
            datalist #fees {
                @for time in ["month", "year", "week", "month from 15", "year from 03-15"] {
                    option value=(time) {}
                }
            }
        }
    }
}

fn one(plan: &PlanSetting, id: &str, typed: &Typed, frame: &Frame<'_>) -> Markup {
    let end = plan.last_day.map(|day| day.to_string()).unwrap_or_default();
    let runs = words::runs(plan.first_day, plan.last_day);
    let covers = html! {
        (wording::amount_short(&plan.fee)) " a " (plan.every)
        @if !runs.is_empty() { ", " (runs) }
        ", covers " (plan.covers)
    };
    let fields = html! {
        (fee(id, &format!("Fee in {}", mark(&plan.fee)), &decimal(&plan.fee), "").draw(typed))
        (day(id, "end", "Last day", &end, "2026-12-31; empty while it goes on").draw(typed))
    };
    Kept { kind: "plan", id, name: &plan.name, told: &covers, fields: &fields }.draw(frame)
}

/// A plan by its offer.
fn take(config: &Configured<'_>, typed: &Typed, frame: &Frame<'_>) -> Markup {
    let chosen = typed.or(TAKE, "offer", "");
    let inside = html! {
        (hidden("form", TAKE))
        div.field.wider {
            label for="add-offer-offer" { "Plan" }
            select #add-offer-offer name="offer" required {
                option value="" selected[chosen.is_empty()] { "choose one" }
                @for offer in config.offers {
                    option value=(offer.id) selected[chosen == offer.id] {
                        (offer.name) ": " (wording::amount_short(&offer.fee)) " a " (offer.every.word())
                    }
                }
            }
        }
        (fee(TAKE, "Fee, if yours is another", "", "").draw(typed))
        (day(TAKE, "start", "First day", "", "2026-11-05: the fee is due on its day").draw(typed))
        (Field { form: TAKE, name: "name", label: "Name, if it needs one", ..Field::default() }.draw(typed))
        div.field.go { button.primary type="submit" { "Add" span.sr { " the plan that is on offer" } } }
    };
    html! {
        (form(TAKE, "plan", frame, &html! { div.fields { (inside) } }))
        @if let Some(read) = config.offers.iter().map(|offer| offer.checked).max() {
            p.quiet { "Fees are list prices in the United States without tax, for one seat, last read on " (wording::day(read)) "." }
        }
    }
}

/// A plan of one's own.
fn add(config: &Configured<'_>, typed: &Typed, frame: &Frame<'_>) -> Markup {
    let agents = || {
        let is_here = |entry: &&_| is_agent_here(entry);
        config.sources.iter().filter(is_here)
    };
    let is_wrong = typed.is_wrong(ADD, "agent");
    let inside = html! {
        (hidden("form", ADD))
        (Field { form: ADD, name: "name", label: "Name", required: true, ..Field::default() }.draw(typed))
        (Field { required: true, ..fee(ADD, "Fee in $", "", "0 for a plan that costs nothing") }.draw(typed))
        (Field { form: ADD, name: "per", label: "Per", now: "month", hint: "or year, week, month from 15", required: true, list: "fees", ..Field::default() }.draw(typed))
        (day(ADD, "start", "First day", "", "2026-11-05: the fee is due on its day").draw(typed))
        fieldset.field.wider aria-describedby=[is_wrong.then_some("said")] {
            legend { "Covers the usage of" }
            @for entry in agents() {
                label.choice {
                    input type="checkbox" name="agent" value=(entry.info.id) checked[typed.has(ADD, "agent", entry.info.id)];
                    span { (entry.info.name) }
                }
            }
            @if agents().next().is_none() { p.quiet { "No agent is known here yet." } }
        }
        div.field.go { button.primary type="submit" { "Add" span.sr { " the plan" } } }
    };
    form(ADD, "plan", frame, &html! { div.fields { (inside) } })
}

fn is_agent_here(entry: &crate::faces::cli::sources::SourceEntry<'_>) -> bool {
    entry.info.kind == SourceKind::Agent && entry.row.is_some()
}

fn fee<'a>(form: &'a str, label: &'a str, now: &'a str, hint: &'a str) -> Field<'a> {
    Field { form, name: "fee", label, now, hint, is_amount: true, ..Field::default() }
}

fn day<'a>(form: &'a str, name: &'a str, label: &'a str, now: &'a str, hint: &'a str) -> Field<'a> {
    Field { form, name, label, now, hint, ..Field::default() }
}
