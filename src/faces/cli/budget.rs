//! `budget`: what was changed, and the list.

use std::io::{self, Write};

use serde::Serialize;

use super::json;
use super::style::{Cut, Style, clean};
use super::table::{Column, Table};
use crate::board::wording;
use crate::budgets::Budget;
use crate::spend::Money;

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
        Column::Name("Sources", Cut::End),
    ]);
    for budget in budgets {
        table.row(vec![
            budget.name.clone(),
            wording::amount_full(&budget.amount),
            budget.period.word().into(),
            thresholds(budget),
            scope(budget),
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
        "Budget {:?}: {} a {} for {}. {speaks}",
        clean(&budget.name),
        wording::amount_short(&budget.amount),
        budget.period.word(),
        scope(budget),
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
    amount_usd: String,
    period: &'static str,
    thresholds_percent: &'a [u32],
    /// Empty is all.
    sources: &'a [String],
}

impl<'a> Row<'a> {
    fn of(budget: &'a Budget) -> Self {
        Self {
            name: &budget.name,
            amount_usd: budget.amount.to_decimal(),
            period: budget.period.word(),
            thresholds_percent: &budget.thresholds_percent,
            sources: &budget.sources,
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

fn scope(budget: &Budget) -> String {
    if budget.sources.is_empty() { "all sources".into() } else { budget.sources.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::{Currency, Money, Period};

    #[test]
    fn budgets_as_text_and_json() {
        let day = Budget {
            name: "day".into(),
            amount: Money::parse("200", Currency::USD).expect("200"),
            period: Period::Day,
            thresholds_percent: vec![50, 80, 100],
            sources: Vec::new(),
        };
        let work = Budget {
            name: "a budget with a name that is far too long to be read at a glance".into(),
            amount: Money::parse("3000.5", Currency::USD).expect("3000.5"),
            period: Period::Month,
            thresholds_percent: Vec::new(),
            sources: vec!["codex".into(), "openrouter".into()],
        };
        let budgets = [day, work];
        let show = |write: &dyn Fn(&mut dyn Write) -> io::Result<()>| {
            let mut out = Vec::new();
            write(&mut out).expect("a vector");
            String::from_utf8(out).expect("text")
        };
        let style = |width| Style { color: false, width };
        insta::assert_snapshot!(show(&|out| text(out, &budgets, &style(100))), @"
        Name                                                 Amount  Per    Speaks at      Sources
        day                                                 $200.00  day    50, 80, 100 %  all sources
        a budget with a name that is far too long to be…  $3,000.50  month  never          codex, openrouter
        ");
        insta::assert_snapshot!(show(&|out| text(out, &budgets, &style(60))), @"
        Name              Amount  Per    Speaks at      Sources
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
              "amount_usd": "200",
              "period": "day",
              "thresholds_percent": [
                50,
                80,
                100
              ],
              "sources": []
            },
            {
              "name": "a budget with a name that is far too long to be read at a glance",
              "amount_usd": "3000.5",
              "period": "month",
              "thresholds_percent": [],
              "sources": [
                "codex",
                "openrouter"
              ]
            }
          ]
        }
        "#);
        insta::assert_snapshot!(show(&|out| confirm_set(out, &budgets[0])), @r#"Budget "day": $200 a day for all sources. It speaks at 50, 80, 100 %."#);
        insta::assert_snapshot!(show(&|out| confirm_removed(out, "day")), @r#"Budget "day" is removed."#);
    }
}
