//! `report --json`.

use std::io::{self, Write};

use serde::Serialize;

use crate::board::energy::Footprint;
use crate::board::report::{GroupBy, Report, ReportRow, Sums};
use crate::faces::cli::energy::FootprintJson;
use crate::faces::cli::json::{self, OtherAmount, Tokens};
use crate::spend::Currency;

/// Writes `spendbar.report.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let energy = |index: usize| report.energy.as_ref().and_then(|(rows, _)| rows.get(index));
    json::write(
        out,
        &Document {
            schema: "spendbar.report.v1",
            zone: report.zone.name(),
            first_day: report.first_day.to_string(),
            last_day: report.last_day.to_string(),
            by: report.by.iter().map(word).collect(),
            rows: report
                .rows
                .iter()
                .enumerate()
                .map(|(index, row)| Row::of(row, &report.by, energy(index)))
                .collect(),
            totals: Figures {
                paid_usd: Some(json::decimal(report.paid.usd())),
                ..Figures::of(&report.totals, report.energy.as_ref().map(|(_, total)| total))
            },
            paid: json::paid(&report.paid),
            plans: report.plans.iter().map(json::plan).collect(),
            people: json::people(&report.people),
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
    paid: json::PaidJson,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plans: Vec<json::PlanJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<json::PeopleJson>,
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
    account: Option<Option<&'a str>>,
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
    fn of(row: &'a ReportRow, by: &[GroupBy], energy: Option<&Footprint>) -> Self {
        let key = |group: GroupBy, value: &'a Option<String>| {
            by.contains(&group).then_some(value.as_deref())
        };
        Self {
            day: by.contains(&GroupBy::Day).then(|| row.day.map(|day| day.to_string())),
            source: key(GroupBy::Source, &row.source),
            account: key(GroupBy::Account, &row.account),
            provider: key(GroupBy::Provider, &row.provider),
            model: key(GroupBy::Model, &row.model),
            project: key(GroupBy::Project, &row.project),
            session: key(GroupBy::Session, &row.session),
            figures: Figures {
                paid_usd: Some(json::decimal(row.paid.map(|paid| paid.usd))),
                ..Figures::of(&row.sums, energy)
            },
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
    /// Null where it can't be told of such a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_usd: Option<Option<String>>,
    unpriced_tokens: u64,
    /// An estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    energy: Option<FootprintJson>,
}

impl Figures {
    fn of(sums: &Sums, energy: Option<&Footprint>) -> Self {
        Self {
            requests: sums.requests,
            tokens: Tokens::from(&sums.tokens),
            list_usd: json::decimal(sums.list),
            covered_usd: json::decimal(sums.covered),
            stated_usd: json::decimal(sums.stated),
            agents_say_usd: json::decimal(sums.agents_say),
            billed_usd: json::decimal(sums.billed.get(Currency::USD)),
            billed_other: json::other_currencies(&sums.billed),
            paid_usd: None,
            unpriced_tokens: sums.unpriced_tokens,
            energy: energy.map(FootprintJson::of),
        }
    }
}

/// The word of a grouping, as it is typed and as JSON has it.
pub fn word(group: &GroupBy) -> &'static str {
    match group {
        GroupBy::Day => "day",
        GroupBy::Source => "source",
        GroupBy::Account => "account",
        GroupBy::Provider => "provider",
        GroupBy::Model => "model",
        GroupBy::Project => "project",
        GroupBy::Session => "session",
    }
}
