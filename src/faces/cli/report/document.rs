//! `report --json`.

use std::io::{self, Write};

use serde::Serialize;

use crate::board::report::{GroupBy, Report, ReportRow, Sums};
use crate::faces::cli::json::{self, OtherAmount, Tokens};
use crate::spend::Currency;

/// Writes `spendbar.report.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    json::write(
        out,
        &Document {
            schema: "spendbar.report.v1",
            zone: report.zone.name(),
            first_day: report.first_day.to_string(),
            last_day: report.last_day.to_string(),
            by: report.by.iter().map(word).collect(),
            rows: report.rows.iter().map(|row| Row::of(row, &report.by)).collect(),
            totals: Figures::of(&report.totals),
            differences: report.differences.iter().map(json::difference).collect(),
            partial: report.partial,
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
    by: Vec<&'static str>,
    rows: Vec<Row<'a>>,
    totals: Figures,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<json::Difference>,
    partial: bool,
    notes: &'a [String],
}

/// Keys that were not asked for are absent; keys that are not known are null.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Option<&'a str>>,
    #[serde(flatten)]
    figures: Figures,
}

impl<'a> Row<'a> {
    fn of(row: &'a ReportRow, by: &[GroupBy]) -> Self {
        let key = |group: GroupBy, value: &'a Option<String>| {
            by.contains(&group).then_some(value.as_deref())
        };
        Self {
            day: by.contains(&GroupBy::Day).then(|| row.day.map(|day| day.to_string())),
            source: key(GroupBy::Source, &row.source),
            provider: key(GroupBy::Provider, &row.provider),
            model: key(GroupBy::Model, &row.model),
            project: key(GroupBy::Project, &row.project),
            session: key(GroupBy::Session, &row.session),
            figures: Figures::of(&row.sums),
        }
    }
}

#[derive(Serialize)]
struct Figures {
    requests: u64,
    tokens: Tokens,
    list_usd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    covered_usd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated_usd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agents_say_usd: Option<String>,
    billed_usd: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    billed_other: Vec<OtherAmount>,
    unpriced_tokens: u64,
}

impl Figures {
    fn of(sums: &Sums) -> Self {
        Self {
            requests: sums.requests,
            tokens: Tokens::from(&sums.tokens),
            list_usd: json::decimal(sums.list),
            covered_usd: json::decimal(sums.covered),
            stated_usd: json::decimal(sums.stated),
            agents_say_usd: json::decimal(sums.agents_say),
            billed_usd: json::decimal(sums.billed.get(Currency::USD)),
            billed_other: json::other_currencies(&sums.billed),
            unpriced_tokens: sums.unpriced_tokens,
        }
    }
}

/// The word of a grouping, as it is typed and as JSON has it.
pub fn word(group: &GroupBy) -> &'static str {
    match group {
        GroupBy::Day => "day",
        GroupBy::Source => "source",
        GroupBy::Provider => "provider",
        GroupBy::Model => "model",
        GroupBy::Project => "project",
        GroupBy::Session => "session",
    }
}
