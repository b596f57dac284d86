//! `report`.

use std::cmp::Reverse;

use serde::Serialize;

use super::super::cli::json;
use super::super::cli::report::word;
use super::super::cli::style::clean;
use super::{Billed, Reply, Usage, list, reply};
use crate::board::report::{GroupBy, Report, ReportRow, Sums};
use crate::board::wording::{self, bills};
use crate::spend::Currency;

/// What is said where rows would name folders or sessions, and the user has not allowed it.
pub const HIDDEN: &str = "projects and sessions are not told to agents. The user allows it in the \
    config (`spendbar config edit`): [mcp] with projects = true. By day, source, account, provider and model \
    it can be asked.";

/// Where spend went, in at most `most` rows.
///
/// # Errors
/// The data can't be written as JSON.
pub fn answer(report: &Report, most: usize) -> Result<Reply, serde_json::Error> {
    let (rows, others) = dearest(report, most);
    let by: Vec<_> = report.by.iter().map(word).collect();
    let days = if report.first_day == report.last_day {
        wording::day(report.first_day)
    } else {
        format!("{} to {}", wording::day(report.first_day), wording::day(report.last_day))
    };
    let partial = if report.partial { " · partial, see the notes" } else { "" };
    let mut lines = vec![format!("{days}, {}, by {}{partial}", report.zone.name(), by.join(", "))];
    if report.rows.is_empty() {
        lines.push("No usage and no bill in these days.".into());
    } else {
        lines.extend(rows.iter().map(|row| words(&key(row, &report.by), &row.sums)));
        if let Some((count, sums)) = &others {
            let count = match count {
                1 => "1 other row".to_owned(),
                many => format!("{many} other rows"),
            };
            lines.push(words(&count, sums));
        }
        let mut total = words("Total", &report.totals);
        if report.tells_paid {
            total = format!("{total}, paid {}", wording::plans::paid(&report.paid));
        }
        lines.push(total);
    }
    let mut notes: Vec<_> = report.differences.iter().map(bills::difference).collect();
    notes.extend(report.notes.iter().cloned());
    let notes: Vec<_> = notes.iter().map(|note| clean(note)).collect();
    lines.extend(notes.iter().cloned());
    let document = Document {
        schema: "spendbar.mcp.report.v1",
        zone: report.zone.name(),
        first_day: report.first_day.to_string(),
        last_day: report.last_day.to_string(),
        by,
        rows: rows.iter().map(|row| Row::of(row, &report.by)).collect(),
        others: others
            .as_ref()
            .map(|(rows, sums)| Others { rows: *rows, figures: Figures::of(sums) }),
        totals: Figures::of(&report.totals),
        paid_usd: json::decimal(report.paid.usd()),
        partial: report.partial,
        notes: &notes,
    };
    reply(lines, &document)
}

/// The dearest rows in their order, and what the others come to. A row without any price is dear by
/// its tokens alone.
fn dearest(report: &Report, most: usize) -> (Vec<&ReportRow>, Option<(usize, Sums)>) {
    let mut places: Vec<usize> = (0..report.rows.len()).collect();
    places.sort_by_key(|place| {
        let sums = &report.rows[*place].sums;
        let amounts = [sums.list, sums.billed.get(Currency::USD)];
        let amount = amounts.iter().flatten().map(|amount| amount.attos).max();
        Reverse((amount, sums.tokens.total()))
    });
    let rest = places.split_off(places.len().min(most));
    places.sort_unstable();
    let rows = places.into_iter().map(|place| &report.rows[place]).collect();
    if rest.is_empty() {
        return (rows, None);
    }
    let mut sums = Sums::default();
    rest.iter().for_each(|place| sums.add_all(&report.rows[*place].sums));
    (rows, Some((rest.len(), sums)))
}

fn key(row: &ReportRow, by: &[GroupBy]) -> String {
    let names = by.iter().map(|group| match name(row, *group) {
        Some(name) => clean(&name),
        None => format!("no {}", word(group)),
    });
    names.collect::<Vec<_>>().join(" · ")
}

fn name(row: &ReportRow, group: GroupBy) -> Option<String> {
    match group {
        GroupBy::Day => row.day.map(|day| day.to_string()),
        GroupBy::Source => row.source.clone(),
        GroupBy::Account => row.account.clone(),
        GroupBy::Provider => row.provider.clone(),
        GroupBy::Model => row.model.clone(),
        GroupBy::Project => row.project.clone(),
        GroupBy::Session => row.session.clone(),
    }
}

/// `2026-11-24 · gpt-5.5: list ≈ $12.40, billed $11.00, 18.2 M tokens`.
fn words(key: &str, sums: &Sums) -> String {
    let billed: Vec<_> = sums.billed.iter().map(|amount| wording::amount_full(&amount)).collect();
    let billed = if billed.is_empty() { wording::UNKNOWN.into() } else { billed.join(" and ") };
    let tokens = wording::tokens(sums.tokens.total());
    let unpriced = match sums.unpriced_tokens {
        0 => String::new(),
        unpriced => format!(" ({} without a known price)", wording::tokens(unpriced)),
    };
    format!("{key}: list {}, billed {billed}, {tokens} tokens{unpriced}", list(sums.list))
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    zone: &'static str,
    first_day: String,
    last_day: String,
    by: Vec<&'static str>,
    rows: Vec<Row>,
    others: Option<Others>,
    totals: Figures,
    paid_usd: Option<String>,
    partial: bool,
    notes: &'a [String],
}

/// Keys that were not asked for are absent; keys that are not known are null.
#[derive(Serialize)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Option<String>>,
    #[serde(flatten)]
    figures: Figures,
}

impl Row {
    fn of(row: &ReportRow, by: &[GroupBy]) -> Self {
        let key = |group| by.contains(&group).then(|| name(row, group));
        Self {
            day: key(GroupBy::Day),
            source: key(GroupBy::Source),
            account: key(GroupBy::Account),
            provider: key(GroupBy::Provider),
            model: key(GroupBy::Model),
            project: key(GroupBy::Project),
            session: key(GroupBy::Session),
            figures: Figures::of(&row.sums),
        }
    }
}

#[derive(Serialize)]
struct Others {
    rows: usize,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    usage: Usage,
    #[serde(flatten)]
    billed: Billed,
}

impl Figures {
    fn of(sums: &Sums) -> Self {
        Self { usage: Usage::of(sums), billed: Billed::of(sums) }
    }
}
