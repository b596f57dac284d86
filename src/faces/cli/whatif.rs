//! `whatif`: the list price of some days, and what it would have been.

use std::io::{self, Write};

use serde::Serialize;

use super::json::{self, PaidJson, Tokens};
use super::style::{Cut, Style, clean, wrap};
use super::table::{Column, Table};
use crate::board::whatif::{Case, Effect, PlanCase, WhatIfReport, WhatIfRow, difference, permille};
use crate::board::wording::{self, bills};
use crate::plans::compare::Mix;
use crate::spend::Money;

/// Writes the cases, the models of the last one, and what is assumed.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, report: &WhatIfReport, style: &Style) -> io::Result<()> {
    let days = wording::days(report.first_day, report.last_day);
    writeln!(out, "{}", style.strong(&format!("What if: {days}, {}", report.zone)))?;
    if report.rows.is_empty() {
        return writeln!(out, "No usage in these days.");
    }
    cases(report).write(out, style, 0)?;
    if let Some(place) = report.whole() {
        let case = &report.cases[place];
        writeln!(out, "\n{}", style.strong(&clean(&format!("By model, {}", case.name))))?;
        models(report, place).write(out, style, 0)?;
    } else if report.on_plans.is_none() {
        let hint = "Nothing is to be otherwise. Say what: --no-fast, --model, --scale, --prices, \
                    --batch, --no-cache, --plan.";
        writeln!(out, "{}", wrap(hint, style.width, 0))?;
    }
    if let Some(case) = &report.on_plans {
        writeln!(out)?;
        on_plans(case).write(out, style, 0)?;
    }
    let mut said = Vec::new();
    for case in &report.cases {
        for sentence in case.assumes.iter().chain(&case.limits) {
            said.push(format!("{}: {sentence}", capital(&case.name)));
        }
    }
    if let Some(case) = &report.on_plans {
        for sentence in case.assumes.iter().chain(&case.limits) {
            said.push(format!("{}: {sentence}", capital(&case.name)));
        }
    }
    said.extend(report.notes.iter().cloned());
    if !said.is_empty() {
        writeln!(out)?;
    }
    for sentence in said {
        writeln!(out, "{}", style.quiet(&wrap(&clean(&sentence), style.width, 2)))?;
    }
    Ok(())
}

/// What it costs on the plans there are, and on the others.
fn on_plans(case: &PlanCase) -> Table {
    let mut table = Table::new(vec![
        Column::Name("Plans", Cut::End),
        Column::Figure("Cost $"),
        Column::Figure("Change $"),
        Column::Figure(""),
    ]);
    let cost = |mix: &Mix| {
        let usd = mix.usd();
        usd.map_or_else(
            || wording::plans::paid(&mix.paid),
            |usd| wording::estimate(mix.paid.estimated, wording::table_amount(&usd)),
        )
    };
    let own = match case.own_names.as_slice() {
        [] => "per token, as no plan is set".to_owned(),
        names => format!("as the config has it: {}", names.join(", ")),
    };
    table.row(vec![own, cost(&case.own), String::new(), String::new()]);
    let change = case.difference();
    table.row(vec![
        case.name.clone(),
        cost(&case.on),
        change.map_or(wording::UNKNOWN.into(), |change| bills::signed_in_table(&change)),
        case.permille().map_or(String::new(), bills::share),
    ]);
    table
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn cases(report: &WhatIfReport) -> Table {
    let mut table = Table::new(vec![
        Column::Name("", Cut::End),
        Column::Figure("≈ List $"),
        Column::Figure("Change $"),
        Column::Figure(""),
    ]);
    table.row(vec!["as it was".into(), figure(report.before), String::new(), String::new()]);
    for case in &report.cases {
        let mut cells = vec![case.name.clone()];
        cells.extend(changes(report.before, &case.effect));
        table.row(cells);
    }
    table
}

fn models(report: &WhatIfReport, place: usize) -> Table {
    let some_unmet = report.rows.iter().any(|row| row.effects[place].unmet_tokens > 0);
    let mut columns = vec![
        Column::Name("Model", Cut::End),
        Column::Figure("Tokens"),
        Column::Figure("≈ Before $"),
        Column::Figure("≈ After $"),
        Column::Figure("Change $"),
        Column::Figure(""),
    ];
    if some_unmet {
        columns.push(Column::Figure("Unchanged"));
    }
    let mut table = Table::new(columns);
    let cells = |name: String, tokens: u64, before: Option<Money>, effect: &Effect| {
        let mut cells = vec![name, wording::tokens(tokens), figure(before)];
        cells.extend(changes(before, effect));
        if some_unmet {
            cells.push(match effect.unmet_tokens {
                0 => String::new(),
                count => wording::tokens(count),
            });
        }
        cells
    };
    for row in &report.rows {
        let name = row.model.clone().unwrap_or_else(|| wording::UNKNOWN.into());
        table.row(cells(name, row.tokens.total(), row.before, &row.effects[place]));
    }
    let all = &report.cases[place].effect;
    table.total(cells("Total".into(), report.tokens, report.before, all));
    table
}

fn figure(amount: Option<Money>) -> String {
    amount.map_or(wording::UNKNOWN.into(), |amount| wording::table_amount(&amount))
}

/// The price after, the difference, and its share.
fn changes(before: Option<Money>, effect: &Effect) -> [String; 3] {
    let share = permille(before, effect).map_or(String::new(), bills::share);
    let change = difference(before, effect);
    [
        figure(before.map(|_| effect.after)),
        change.map_or(wording::UNKNOWN.into(), |change| bills::signed_in_table(&change)),
        share,
    ]
}

/// Writes `spendbar.whatif.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, report: &WhatIfReport) -> io::Result<()> {
    let rows = report.rows.iter().map(|row| Row::of(row, &report.cases));
    json::write(
        out,
        &Document {
            schema: "spendbar.whatif.v1",
            zone: report.zone.name(),
            first_day: report.first_day.to_string(),
            last_day: report.last_day.to_string(),
            tokens: report.tokens,
            list_usd: json::decimal(report.before),
            cases: report.cases.iter().map(|case| CaseJson::of(case, report.before)).collect(),
            on_plans: report.on_plans.as_ref().map(PlanCaseJson::of),
            rows: rows.collect(),
            notes: &report.notes,
        },
    )
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    zone: &'static str,
    first_day: String,
    last_day: String,
    tokens: u64,
    /// List price as it was.
    list_usd: Option<String>,
    cases: Vec<CaseJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_plans: Option<PlanCaseJson<'a>>,
    rows: Vec<Row<'a>>,
    notes: &'a [String],
}

/// All usage on other plans, beside what it costs on those there are.
#[derive(Serialize)]
struct PlanCaseJson<'a> {
    name: &'a str,
    offers: Vec<&'a str>,
    own_plans: &'a [String],
    own_usd: Option<String>,
    own: PaidJson,
    paid_usd: Option<String>,
    paid: PaidJson,
    difference_usd: Option<String>,
    permille: Option<i128>,
    assumes: &'a [String],
    limits: &'a [String],
}

impl<'a> PlanCaseJson<'a> {
    fn of(case: &'a PlanCase) -> Self {
        Self {
            name: &case.name,
            offers: case.on.offers.iter().map(|offer| offer.id.as_str()).collect(),
            own_plans: &case.own_names,
            own_usd: json::decimal(case.own.usd()),
            own: json::paid(&case.own.paid),
            paid_usd: json::decimal(case.on.usd()),
            paid: json::paid(&case.on.paid),
            difference_usd: json::decimal(case.difference()),
            permille: case.permille(),
            assumes: &case.assumes,
            limits: &case.limits,
        }
    }
}

#[derive(Serialize)]
struct CaseJson<'a> {
    case: &'static str,
    name: &'a str,
    #[serde(flatten)]
    figures: Figures,
    assumes: &'a [String],
    limits: &'a [String],
}

impl<'a> CaseJson<'a> {
    fn of(case: &'a Case, before: Option<Money>) -> Self {
        Self {
            case: case.key,
            name: &case.name,
            figures: Figures::of(before, &case.effect),
            assumes: &case.assumes,
            limits: &case.limits,
        }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    model: Option<&'a str>,
    tokens: Tokens,
    list_usd: Option<String>,
    unpriced_tokens: u64,
    cases: Vec<RowCase>,
}

impl<'a> Row<'a> {
    fn of(row: &'a WhatIfRow, cases: &[Case]) -> Self {
        let figures = row.effects.iter().map(|effect| Figures::of(row.before, effect));
        Self {
            model: row.model.as_deref(),
            tokens: Tokens::from(&row.tokens),
            list_usd: json::decimal(row.before),
            unpriced_tokens: row.unpriced_tokens,
            cases: cases
                .iter()
                .zip(figures)
                .map(|(case, figures)| RowCase { case: case.key, figures })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct RowCase {
    case: &'static str,
    #[serde(flatten)]
    figures: Figures,
}

/// What a case comes to. `unmet_tokens` are in the price without that change.
#[derive(Serialize)]
struct Figures {
    list_usd: Option<String>,
    difference_usd: Option<String>,
    permille: Option<i128>,
    unmet_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    may_be_more_tokens: u64,
    /// Tokens without a list price that this case has one for, in no other figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    newly_priced: Option<NewlyPriced>,
}

#[derive(Serialize)]
struct NewlyPriced {
    tokens: u64,
    list_usd: String,
}

impl Figures {
    fn of(before: Option<Money>, effect: &Effect) -> Self {
        Self {
            list_usd: json::decimal(before.map(|_| effect.after)),
            difference_usd: json::decimal(difference(before, effect)),
            permille: permille(before, effect),
            unmet_tokens: effect.unmet_tokens,
            may_be_more_tokens: effect.may_be_more_tokens,
            newly_priced: effect
                .new
                .map(|(tokens, money)| NewlyPriced { tokens, list_usd: money.to_decimal() }),
        }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
