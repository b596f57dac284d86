//! `budget`: what was changed, and the list.

use std::io::{self, Write};

use serde::Serialize;

use super::json;
use super::style::{Cut, Style, clean};
use super::table::{Column, Table};
use crate::board::wording;
use crate::budgets::{Basis, Budget};
use crate::spend::{Currency, Filter, Money};

/// Writes every budget of the config.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, budgets: &[Budget], style: &Style) -> io::Result<()> {
    if budgets.is_empty() {
        writeln!(out, "No budget is set.")?;
        return writeln!(out, "Set one: spendbar budget set 200 --per day");
    }
    let mut table = Table::new(vec![
        Column::Name("Name", Cut::End),
        Column::Figure("Amount"),
        Column::Word("Per"),
        Column::Word("Speaks at"),
        Column::Name("Counts", Cut::End),
    ]);
    for budget in budgets {
        table.row(vec![
            budget.name.clone(),
            wording::amount_full(&budget.amount),
            budget.cycle.to_string(),
            thresholds(budget),
            counts(budget),
        ]);
    }
    table.write(out, style, 0)
}

/// Writes `spendbar.budgets.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, budgets: &[Budget]) -> io::Result<()> {
    let budgets = budgets.iter().map(Row::of).collect();
    json::write(out, &Document { schema: "spendbar.budgets.v1", budgets })
}

/// Writes what `budget set` did.
///
/// # Errors
/// Those of the writer.
pub fn confirm_set(out: &mut dyn Write, budget: &Budget) -> io::Result<()> {
    let speaks = match budget.thresholds_percent.as_slice() {
        [] => "It never speaks.".to_owned(),
        _ => format!("It speaks at {}.", thresholds(budget)),
    };
    writeln!(
        out,
        "Budget {:?}: {} {} for {}. {speaks}",
        clean(&budget.name),
        wording::amount_short(&budget.amount),
        wording::per(budget.cycle),
        counts(budget),
    )
}

/// Writes what `budget remove` did.
///
/// # Errors
/// Those of the writer.
pub fn confirm_removed(out: &mut dyn Write, name: &str) -> io::Result<()> {
    writeln!(out, "Budget {:?} is removed.", clean(name))
}

/// Writes what `budget raise` did.
///
/// # Errors
/// Those of the writer.
pub fn confirm_raised(out: &mut dyn Write, name: &str, from: &Money, to: &Money) -> io::Result<()> {
    let (from, to) = (wording::amount_short(from), wording::amount_short(to));
    writeln!(out, "Budget {:?}: {to} instead of {from}.", clean(name))
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    budgets: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    amount: String,
    currency: String,
    /// Where that is the currency.
    amount_usd: Option<String>,
    period: String,
    basis: &'static str,
    rollover: bool,
    thresholds_percent: &'a [u32],
    /// Empty is all.
    sources: &'a [String],
    /// All that it counts; empty lists ask for nothing.
    filter: &'a Filter,
}

impl<'a> Row<'a> {
    fn of(budget: &'a Budget) -> Self {
        Self {
            name: &budget.name,
            amount: budget.amount.to_decimal(),
            currency: budget.amount.currency.to_string(),
            amount_usd: json::decimal(
                Some(budget.amount).filter(|amount| amount.currency == Currency::USD),
            ),
            period: budget.cycle.to_string(),
            basis: budget.basis.word(),
            rollover: budget.rollover,
            thresholds_percent: &budget.thresholds_percent,
            sources: &budget.filter.only.sources,
            filter: &budget.filter,
        }
    }
}

fn thresholds(budget: &Budget) -> String {
    let listed: Vec<String> = budget.thresholds_percent.iter().map(u32::to_string).collect();
    match listed.as_slice() {
        [] => "never".into(),
        listed => format!("{} %", listed.join(", ")),
    }
}

/// What a budget counts: `all sources`, `codex, billed only`.
pub fn counts(budget: &Budget) -> String {
    let counts = if budget.filter.is_everything() {
        "all sources".to_owned()
    } else {
        budget.filter.words()
    };
    match budget.basis {
        Basis::Spend => counts,
        basis => format!("{counts}, {} only", basis.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::{Cycle, Money};

    #[test]
    fn budgets_as_text_and_json() {
        let day = Budget {
            name: "day".into(),
            amount: Money::parse("200", Currency::USD).expect("200"),
            cycle: Cycle::Day,
            thresholds_percent: vec![50, 80, 100],
            filter: Filter::everything(),
            basis: Basis::Spend,
            rollover: false,
        };
        let work = Budget {
            name: "a budget with a name that is far too long to be read at a glance".into(),
            amount: Money::parse("3000.5", Currency::USD).expect("3000.5"),
            cycle: Cycle::MONTH,
            thresholds_percent: Vec::new(),
            filter: Filter::of_sources(["codex", "openrouter"]),
            basis: Basis::Billed,
            rollover: true,
        };
        let budgets = [day, work];
        let show = |write: &dyn Fn(&mut dyn Write) -> io::Result<()>| {
            let mut out = Vec::new();
            write(&mut out).expect("a vector");
            String::from_utf8(out).expect("text")
        };
        let style = |width| Style { color: false, width };
        insta::assert_snapshot!(show(&|out| text(out, &budgets, &style(100))), @"
        Name                                    Amount  Per    Speaks at      Counts
        day                                    $200.00  day    50, 80, 100 %  all sources
        a budget with a name that is far t…  $3,000.50  month  never          codex, openrouter, billed only
        ");
        insta::assert_snapshot!(show(&|out| text(out, &budgets, &style(60))), @"
        Name              Amount  Per    Speaks at      Counts
        day              $200.00  day    50, 80, 100 %  all sources
        a budget wit…  $3,000.50  month  never          codex, open…
        ");
        insta::assert_snapshot!(show(&|out| text(out, &[], &style(60))), @"
        No budget is set.
        Set one: spendbar budget set 200 --per day
        ");
        insta::assert_snapshot!(show(&|out| json(out, &budgets)), @r#"
        {
          "schema": "spendbar.budgets.v1",
          "budgets": [
            {
              "name": "day",
              "amount": "200",
              "currency": "USD",
              "amount_usd": "200",
              "period": "day",
              "basis": "spend",
              "rollover": false,
              "thresholds_percent": [
                50,
                80,
                100
              ],
              "sources": [],
              "filter": {
                "only": {
                  "sources": [],
                  "providers": [],
                  "accounts": [],
                  "models": [],
                  "projects": [],
                  "sessions": []
                },
                "except": {
                  "sources": [],
                  "providers": [],
                  "accounts": [],
                  "models": [],
                  "projects": [],
                  "sessions": []
                }
              }
            },
            {
              "name": "a budget with a name that is far too long to be read at a glance",
              "amount": "3000.5",
              "currency": "USD",
              "amount_usd": "3000.5",
              "period": "month",
              "basis": "billed",
              "rollover": true,
              "thresholds_percent": [],
              "sources": [
                "codex",
                "openrouter"
              ],
              "filter": {
                "only": {
                  "sources": [
                    "codex",
                    "openrouter"
                  ],
                  "providers": [],
                  "accounts": [],
                  "models": [],
                  "projects": [],
                  "sessions": []
                },
                "except": {
                  "sources": [],
                  "providers": [],
                  "accounts": [],
                  "models": [],
                  "projects": [],
                  "sessions": []
                }
              }
            }
          ]
        }
        "#);
        insta::assert_snapshot!(show(&|out| confirm_set(out, &budgets[0])), @r#"Budget "day": $200 a day for all sources. It speaks at 50, 80, 100 %."#);
        insta::assert_snapshot!(show(&|out| confirm_removed(out, "day")), @r#"Budget "day" is removed."#);
    }
}
