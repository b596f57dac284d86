//! `spend_today`.

use serde::Serialize;

use super::super::cli::json::{self, OtherAmount};
use super::super::cli::status;
use super::{Reply, list, model, notes, reply};
use crate::board::{Board, Headline, ModelRow, SourceRow, wording};

/// What today cost.
///
/// # Errors
/// The data can't be written as JSON.
pub fn answer(board: &Board) -> Result<Reply, serde_json::Error> {
    let figures = &board.figures;
    let notes = notes(board);
    let amount = board.amount(Headline::Spend).map_or(wording::UNKNOWN.into(), |amount| {
        wording::estimate(figures.spend_estimated, wording::amount_full(&amount))
    });
    let partial = if figures.partial { " · partial, see the notes" } else { "" };
    let day = wording::day(board.today);
    let mut lines = vec![
        format!("Today ({day}, {}): {amount}{partial}", board.zone.name()),
        status::second_line(board),
    ];
    if !board.top_models.is_empty() {
        let models: Vec<_> = board.top_models.iter().map(model_words).collect();
        lines.push(format!("Dearest models at list price: {}", models.join(", ")));
    }
    lines.extend(notes.iter().cloned());
    let document = Document {
        schema: "spendbar.mcp.spend_today.v1",
        at: json::instant(board.now),
        zone: board.zone.name(),
        day: board.today.to_string(),
        spend_usd: json::decimal(board.amount(Headline::Spend)),
        spend_estimated: figures.spend_estimated,
        list_usd: json::decimal(board.amount(Headline::List)),
        billed_usd: json::decimal(figures.billed),
        billed_other: figures.billed_other.iter().copied().map(json::other).collect(),
        paid_usd: json::decimal(board.amount(Headline::Paid)),
        covered_usd: figures.covered.to_decimal(),
        requests: figures.requests,
        tokens: figures.tokens.total(),
        unpriced_tokens: figures.unpriced_tokens,
        partial: figures.partial,
        top_models: board.top_models.iter().map(Model::of).collect(),
        sources: board.sources.iter().map(Source::of).collect(),
        notes: &notes,
    };
    reply(lines, &document)
}

fn model_words(row: &ModelRow) -> String {
    let name = model(row.model.as_deref());
    match row.list {
        Some(_) => format!("{name} {}", list(row.list)),
        None => {
            let tokens = wording::tokens(row.tokens.total());
            format!("{name} {} ({tokens} tokens without a known price)", list(None))
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    at: String,
    zone: &'static str,
    day: String,
    spend_usd: Option<String>,
    spend_estimated: bool,
    list_usd: Option<String>,
    billed_usd: Option<String>,
    billed_other: Vec<OtherAmount>,
    paid_usd: Option<String>,
    covered_usd: String,
    requests: u64,
    tokens: u64,
    unpriced_tokens: u64,
    partial: bool,
    top_models: Vec<Model<'a>>,
    sources: Vec<Source>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Model<'a> {
    model: Option<&'a str>,
    list_usd: Option<String>,
    tokens: u64,
}

impl<'a> Model<'a> {
    fn of(row: &'a ModelRow) -> Self {
        Self {
            model: row.model.as_deref(),
            list_usd: json::decimal(row.list),
            tokens: row.tokens.total(),
        }
    }
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
    list_usd: Option<String>,
    billed_usd: Option<String>,
    as_of: Option<String>,
    stale: bool,
}

impl Source {
    fn of(row: &SourceRow) -> Self {
        Self {
            name: row.info.name,
            list_usd: json::decimal(row.list),
            billed_usd: json::decimal(row.billed),
            as_of: row.last_good_at.map(json::instant),
            stale: row.stale,
        }
    }
}
