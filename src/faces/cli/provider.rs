//! `provider check`: what a description read, and from where.

use std::io::{self, Write};

use serde::Serialize;

use super::json;
use super::style::{Cut, Style, wrap};
use super::table::{Column, Table};
use crate::spend::{Noted, Reading, SourceInfo};

/// A description that was tried.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its row.
    pub info: &'static SourceInfo,
    /// What it gave.
    pub reading: Reading,
    /// Each fact and its place.
    pub noted: Vec<Noted>,
    /// Whether the provider itself was asked.
    pub is_live: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    id: &'a str,
    name: &'a str,
    live: bool,
    plan: Option<&'a str>,
    days: Option<[String; 2]>,
    facts: &'a [Noted],
    gaps: &'a [String],
}

/// As JSON.
pub fn json(out: &mut dyn Write, checked: &Checked) -> io::Result<()> {
    let days = checked.reading.charges_cover;
    json::write(
        out,
        &Document {
            schema: "spendbar.provider-check.v1",
            id: checked.info.id,
            name: checked.info.name,
            live: checked.is_live,
            plan: checked.reading.plan.as_deref(),
            days: days.map(|span| [span.first.to_string(), span.last.to_string()]),
            facts: &checked.noted,
            gaps: &checked.reading.gaps,
        },
    )
}

/// As text.
pub fn text(out: &mut dyn Write, checked: &Checked, style: &Style) -> io::Result<()> {
    let asked = if checked.is_live { "asked just now" } else { "read from saved answers" };
    writeln!(out, "{} ({}), {asked}", checked.info.name, checked.info.id)?;
    if let Some(plan) = &checked.reading.plan {
        writeln!(out, "Plan: {plan}")?;
    }
    let mut table = Table::new(vec![
        Column::Word(""),
        Column::Name("", Cut::End),
        Column::Figure(""),
        Column::Name("", Cut::End),
    ]);
    for fact in &checked.noted {
        let from = if fact.from.is_empty() { String::new() } else { format!("from {}", fact.from) };
        table.row(vec![fact.kind.into(), fact.name.clone(), fact.value.clone(), from]);
    }
    table.write(out, style, 2)?;
    if checked.noted.is_empty() {
        writeln!(out, "The answers hold none of the facts that the description names.")?;
    }
    if let Some(days) = checked.reading.charges_cover {
        writeln!(out, "Costs are known for {} to {} (UTC).", days.first, days.last)?;
    }
    for gap in &checked.reading.gaps {
        writeln!(out, "{}", wrap(gap, style.width, 0))?;
    }
    Ok(())
}
