//! `status`: today at a glance, as text, as one line, as JSON.

mod document;
#[cfg(test)]
pub(in crate::faces::cli) mod tests;
mod waybar;

use std::io::{self, Write};

use super::first_run::{self, Looked};
use super::style::{Cut, Style, clean, grouped, wrap};
use super::table::{Column, Table};
use crate::board::{Board, BudgetRow, Headline, SourceRow, State, wording};
use crate::spend::{Money, Period, Zone};

pub use document::json;
pub use waybar::waybar;

/// Writes today with its sources, models and budgets. `looked` says where agents were looked for;
/// it is shown when nothing was found at all.
///
/// # Errors
/// Those of the writer.
pub fn text(
    out: &mut dyn Write,
    board: &Board,
    looked: &[Looked],
    style: &Style,
) -> io::Result<()> {
    let title = headline(board);
    let urgent = matches!(board.state, State::Near | State::Over | State::Error);
    writeln!(out, "{}", if urgent { style.alarm(&title) } else { style.strong(&title) })?;
    writeln!(out, "{}", style.quiet(&wrap(&second_line(board), style.width, 0)))?;
    for difference in &board.differences {
        let row = clean(&wording::bills::difference(difference));
        writeln!(out, "{}", style.quiet(&wrap(&row, style.width, 2)))?;
    }
    if board.sources.is_empty() {
        writeln!(out)?;
        first_run::text(out, looked, style)?;
    } else {
        section(out, style, "Sources", &sources(board))?;
    }
    if !board.budgets.is_empty() {
        section(out, style, "Budgets", &budgets(board, style.width >= 80))?;
    }
    if !board.top_models.is_empty() {
        section(out, style, "Top models today", &models(board))?;
    }
    if let Some(alert) = &board.last_alert {
        let age = wording::age(board.now, alert.at, board.zone);
        writeln!(out, "\n{}", style.strong("Last alert"))?;
        writeln!(out, "  {}, {age}", clean(&alert.title))?;
    }
    let notes = notes(board);
    if !notes.is_empty() {
        writeln!(out)?;
    }
    for note in notes {
        writeln!(out, "{}", style.quiet(&wrap(&clean(&note), style.width, 0)))?;
    }
    Ok(())
}

/// Writes one short line: the figure, after the word of its time where that is not today, the share of the tightest budget, and a mark for the state
/// (`!` near, `!!` over, `?` old, `x` no figures, `||` paused).
///
/// # Errors
/// Those of the writer.
pub fn line(out: &mut dyn Write, board: &Board) -> io::Result<()> {
    let mut words = Vec::new();
    if board.demo {
        words.push("demo".to_owned());
    }
    if board.period != Period::Day {
        words.push(board.period.word().to_owned());
    }
    words.push(match board.shown_amount() {
        None => wording::UNKNOWN.into(),
        Some(amount) => {
            let sign = if board.shown_is_estimated() { "≈" } else { "" };
            format!("{sign}{}", wording::amount(&amount))
        }
    });
    if let Some(budget) = tightest(board) {
        words.push(format!("{}%", budget.permille.div_euclid(10)));
    }
    let mark = match board.state {
        State::Calm => "",
        State::Near => "!",
        State::Over => "!!",
        State::Stale => "?",
        State::Error => "x",
        State::Paused => "||",
    };
    if !mark.is_empty() {
        words.push(mark.to_owned());
    }
    writeln!(out, "{}", words.join(" "))
}

fn section(out: &mut dyn Write, style: &Style, title: &str, table: &Table) -> io::Result<()> {
    writeln!(out, "\n{}", style.strong(title))?;
    table.write(out, style, 2)
}

fn headline(board: &Board) -> String {
    let demo = if board.demo { "demo · " } else { "" };
    let kind = match board.headline {
        Headline::Spend => "",
        Headline::List => " at list price",
        Headline::Billed => " billed",
        Headline::Paid => " paid",
    };
    let amount = board.amount(board.headline).map_or(wording::UNKNOWN.into(), |amount| {
        let estimated = board.figures.chosen_is_estimated(board.headline);
        wording::estimate(estimated, wording::amount_full(&amount))
    });
    let budget = tightest(board).map_or(String::new(), |budget| {
        let of = wording::amount_short(&budget.amount);
        format!(" · {} of {of} {}", wording::percent(budget.permille), wording::per(budget.cycle))
    });
    let paused = if board.state == State::Paused { " · paused" } else { "" };
    format!("{demo}Today{kind} {amount}{budget}{paused}")
}

/// Both figures and how much work they stand for.
pub(in crate::faces) fn second_line(board: &Board) -> String {
    let figures = &board.figures;
    let billed: Vec<String> =
        figures.billed.iter().chain(&figures.billed_other).map(wording::amount_full).collect();
    let billed = if billed.is_empty() { wording::UNKNOWN.to_owned() } else { billed.join(" and ") };
    let list = board.amount(Headline::List).map_or(wording::UNKNOWN.into(), |list| {
        wording::estimate(true, wording::amount_full(&list))
    });
    let mut parts = vec![format!("List price {list}"), format!("billed {billed}")];
    if board.tells_paid || board.headline == Headline::Paid {
        parts.push(format!("paid {}", wording::plans::paid(&figures.paid)));
    }
    if figures.covered.attos > 0 {
        let covered = wording::amount_full(&figures.covered);
        parts.push(format!("{covered} of the list price is covered by a subscription, not billed"));
    }
    let requests = if figures.requests == 1 { "request" } else { "requests" };
    parts.push(format!("{} {requests}", grouped(figures.requests)));
    parts.push(format!("{} tokens", wording::tokens(figures.tokens.total())));
    parts.join(" · ")
}

pub(super) fn tightest(board: &Board) -> Option<&BudgetRow> {
    board.budgets.iter().max_by_key(|budget| budget.permille)
}

fn sources(board: &Board) -> Table {
    let mut table =
        Table::new(vec![Column::Word(""), Column::Figure(""), Column::Name("", Cut::End)]);
    for row in &board.sources {
        let figure = match (row.billed, row.list) {
            (Some(billed), _) => wording::amount_full(&billed),
            (None, Some(list)) => wording::estimate(true, wording::amount_full(&list)),
            (None, None) => wording::UNKNOWN.into(),
        };
        let mut about = Vec::new();
        if (row.stale || row.error.is_some())
            && let Some(at) = row.last_good_at
        {
            about.push(wording::age(board.now, at, board.zone));
        }
        about.extend(row.error.as_ref().map(|error| wording::failure_short(error).to_owned()));
        about.extend(row.incident.as_ref().map(|it| wording::incident_short(it).to_owned()));
        about.extend(row.balances.iter().map(wording::balance_row));
        about.extend(row.quotas.iter().map(|quota| wording::quota(quota, board.now, board.zone)));
        table.row(vec![row.info.name.into(), figure, about.join(" · ")]);
    }
    table
}

fn budgets(board: &Board, with_pace: bool) -> Table {
    let mut table = Table::new(vec![
        Column::Name("", Cut::End),
        Column::Word(""),
        Column::Figure(""),
        Column::Figure(""),
        Column::Name("", Cut::End),
    ]);
    for row in &board.budgets {
        let spent = wording::estimate(row.estimated, wording::amount_full(&row.spent));
        let pace = row.forecast.as_ref().filter(|_| with_pace).map_or(String::new(), |forecast| {
            let end = row.last_day.succ_opt().unwrap_or(row.last_day);
            let by = wording::period_end(row.cycle, end);
            format!("at this pace {} by {by}", wording::range(forecast))
        });
        table.row(vec![
            row.name.clone(),
            wording::bar(row.permille),
            wording::percent(row.permille),
            format!("{spent} of {}", wording::amount_short(&row.amount)),
            pace,
        ]);
    }
    table
}

fn models(board: &Board) -> Table {
    let mut table =
        Table::new(vec![Column::Name("", Cut::End), Column::Figure(""), Column::Word("")]);
    for row in &board.top_models {
        let list = |amount: Money| wording::estimate(true, wording::amount_full(&amount));
        let tokens = wording::tokens(row.tokens.total());
        table.row(vec![
            row.model.clone().unwrap_or_else(|| "model not named".into()),
            row.list.map_or(wording::UNKNOWN.into(), list),
            match row.list {
                Some(_) => format!("{tokens} tokens"),
                None => format!("{tokens} tokens without a known price"),
            },
        ]);
    }
    table
}

/// What a reader of the figures must know.
pub(in crate::faces) fn notes(board: &Board) -> Vec<String> {
    let mut notes = board.notices.clone();
    notes.extend(board.sources.iter().filter_map(|row| failure(row, board)));
    let figures = &board.figures;
    notes.extend(board.plans.iter().map(wording::plans::worth));
    notes.extend(figures.converted.iter().map(wording::converted));
    if board.tells_paid || board.headline == Headline::Paid {
        notes.extend(wording::plans::notes(&figures.paid));
    }
    let people = wording::plans::people(&board.people);
    if !people.is_empty() {
        notes.push(format!("Paid today: {}.", people.join(" · ")));
    }
    if figures.unpriced_tokens > 0 {
        let unpriced: Vec<&str> = board
            .top_models
            .iter()
            .filter(|row| row.list.is_none())
            .map(|row| row.model.as_deref().unwrap_or("a model that is not named"))
            .collect();
        let named =
            if unpriced.is_empty() { String::new() } else { format!(" ({})", unpriced.join(", ")) };
        notes.push(format!(
            "{} tokens have no known price{named} and are in no amount.",
            wording::tokens(figures.unpriced_tokens)
        ));
    }
    if figures.stated.attos > 0 {
        notes.push(format!(
            "{} of the list price is the agents' own figure, for models without a known price.",
            wording::amount_full(&figures.stated)
        ));
    }
    if figures.unmetered_tokens > 0 {
        notes.push(format!(
            "{} tokens can't be told from another session's and are in no amount.",
            wording::tokens(figures.unmetered_tokens)
        ));
    }
    for row in &board.sources {
        notes.extend(row.gaps.iter().map(|gap| format!("{}: {gap}", row.info.name)));
        if row.problem_count > 0 {
            let lines = if row.problem_count == 1 { "line" } else { "lines" };
            notes.push(format!(
                "{}: {} {lines} could not be read; `spendbar doctor` shows where.",
                row.info.name, row.problem_count
            ));
        }
    }
    if figures.partial && notes.is_empty() {
        notes.push("Something is missing from these figures; `spendbar doctor` says more.".into());
    }
    notes.extend(incidents(board.sources.iter(), board.zone));
    if board.loading {
        notes.push("Not every source was looked at yet.".into());
    }
    notes
}

/// What providers report of their own faults, each once although several rows are marked.
pub(in crate::faces::cli) fn incidents<'a>(
    rows: impl Iterator<Item = &'a SourceRow>,
    zone: Zone,
) -> Vec<String> {
    let mut told = Vec::new();
    for incident in rows.filter_map(|row| row.incident.as_ref()) {
        let sentence = wording::incident(incident, zone);
        if !told.contains(&sentence) {
            told.push(sentence);
        }
    }
    told
}

fn failure(row: &SourceRow, board: &Board) -> Option<String> {
    let error = row.error.as_ref()?;
    Some(wording::failure(row.info, error, row.retry_at, board.now, board.zone))
}
