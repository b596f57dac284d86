//! Budgets: added, changed, removed, as `spendbar budget set` and `remove` do.

use maud::{Markup, html};

use super::fields::Field;
use super::kept::{Kept, decimal, mark};
use super::{BudgetSetting, Configured, Settings, Typed, form, hidden};
use crate::board::wording;
use crate::faces::page::Frame;

/// The form that adds one.
const ADD: &str = "add-budget";

/// The section.
pub(super) fn section(
    config: &Configured<'_>,
    settings: &Settings<'_>,
    frame: &Frame<'_>,
) -> Markup {
    let typed = &settings.typed;
    html! {
        section aria-labelledby="budgets-h" {
            h2 #budgets-h { "Budgets" }
            @if config.budgets.is_empty() {
                p.quiet { "No budget is set, so nothing warns. A threshold speaks once in its budget's time." }
            }
            @for (index, budget) in config.budgets.iter().enumerate() {
                (one(budget, &format!("budget-{index}"), typed, frame))
            }
            @let is_open = config.budgets.is_empty() || typed.form == ADD;
            details.add open[is_open] {
                summary { "Add a budget" }
                (add(config, typed, frame))
            }
            datalist #times {
                @for time in ["day", "week", "month", "week from sunday", "month from 15", "5 hours", "30 days"] {
                    option value=(time) {}
                }
            }
        }
    }
}

fn one(budget: &BudgetSetting, id: &str, typed: &Typed, frame: &Frame<'_>) -> Markup {
    let counts = html! {
        (wording::amount_short(&budget.amount)) " " (wording::per(budget.cycle)) ", counts " (budget.counts)
    };
    let fields = html! {
        (amount(typed, id, &mark(&budget.amount), &decimal(&budget.amount)))
        (per(typed, id, &budget.cycle.to_string(), ""))
        (thresholds(typed, id, &listed(&budget.thresholds)))
    };
    Kept { kind: "budget", id, name: &budget.name, told: &counts, fields: &fields }.draw(frame)
}

fn add(config: &Configured<'_>, typed: &Typed, frame: &Frame<'_>) -> Markup {
    let counted = typed.or(ADD, "source", "all");
    let here = || config.sources.iter().filter(|entry| entry.row.is_some());
    let inside = html! {
        (hidden("form", ADD))
        (amount(typed, ADD, "$", ""))
        (per(typed, ADD, "day", "or week, month, …"))
        (thresholds(typed, ADD, "50, 80, 100"))
        div.field {
            label for="add-source" { "Counts" }
            select #add-source name="source" {
                option value="all" selected[counted == "all"] { "everything" }
                @for entry in here() {
                    option value=(entry.info.id) selected[counted == entry.info.id] { (entry.info.name) " alone" }
                }
            }
        }
        (text(typed, ADD, "name", "Name, if it needs one", "", ""))
        div.field.go { button.primary type="submit" { "Add" span.sr { " the budget" } } }
    };
    form(ADD, "budget", frame, &html! { div.fields { (inside) } })
}

fn amount(typed: &Typed, form: &str, mark: &str, now: &str) -> Markup {
    let label = format!("Amount in {mark}");
    text(typed, form, "amount", &label, now, "")
}

fn per(typed: &Typed, form: &str, now: &str, hint: &str) -> Markup {
    text(typed, form, "per", "Per", now, hint)
}

fn thresholds(typed: &Typed, form: &str, now: &str) -> Markup {
    text(typed, form, "thresholds", "Speaks at, in %", now, "")
}

fn text(typed: &Typed, form: &str, name: &str, label: &str, now: &str, hint: &str) -> Markup {
    let field = Field {
        form,
        name,
        label,
        now,
        hint,
        required: ["amount", "per"].contains(&name),
        is_amount: name == "amount",
        list: if name == "per" { "times" } else { "" },
    };
    field.draw(typed)
}

fn listed(thresholds: &[u32]) -> String {
    thresholds.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
