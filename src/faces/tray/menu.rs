//! The rows of the menu, as plain data.
//!
//! Menus are drawn in a proportional font whose digits are all of one width, so figures stand
//! first in their row and are padded on the left with spaces as wide as what they stand for: that
//! is the one way to a straight column on every desktop.

use super::{
    Action, covered, headline, left_out, pace, second, share_of, state_in_words, which_is_shown,
};
use crate::board::{Board, BudgetRow, ModelRow, SourceRow, State, wording};
use crate::spend::{Money, Period, SnoozeFor, SourceError, SourceKind};

/// No menu has more rows than this, separators included.
pub const MOST_ROWS: usize = 25;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuRow {
    /// What it is.
    pub kind: RowKind,
    /// What it says; empty for a separator.
    pub text: String,
}

/// What a row of the menu is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// The first row: the figure of the icon. Does nothing.
    Headline,
    /// The quiet title of a section. Does nothing.
    Caption,
    /// Something to read. Does nothing.
    Fact,
    /// A line.
    Separator,
    /// Does something.
    Action(Action),
}

impl MenuRow {
    /// What choosing it does; `None` for rows that only tell something.
    pub fn action(&self) -> Option<&Action> {
        match &self.kind {
            RowKind::Action(action) => Some(action),
            _ => None,
        }
    }

    fn fact(text: impl Into<String>) -> Self {
        Self { kind: RowKind::Fact, text: text.into() }
    }

    fn caption(text: &str) -> Self {
        Self { kind: RowKind::Caption, text: text.into() }
    }

    fn separator() -> Self {
        Self { kind: RowKind::Separator, text: String::new() }
    }

    fn action_row(action: Action, text: &str) -> Self {
        Self { kind: RowKind::Action(action), text: text.into() }
    }
}

/// The whole menu.
pub fn menu(board: &Board) -> Vec<MenuRow> {
    let mut limits = Limits::default();
    loop {
        let rows = rows(board, &limits);
        if rows.len() <= MOST_ROWS || !limits.tighten() {
            return rows;
        }
    }
}

/// A source's own figure today: what it bills, else its list price, else "–".
pub(super) fn source_figure(source: &SourceRow) -> String {
    match (source.billed, source.list) {
        (Some(billed), _) => wording::amount(&billed),
        (None, Some(list)) => wording::estimate(true, wording::amount(&list)),
        (None, None) => wording::UNKNOWN.into(),
    }
}

/// A model's list price.
pub(super) fn model_figure(model: &ModelRow) -> String {
    model
        .list
        .map_or(wording::UNKNOWN.into(), |list| wording::estimate(true, wording::amount(&list)))
}

/// A model's name.
pub(super) fn model_name(model: &ModelRow) -> &str {
    model.model.as_deref().unwrap_or("unnamed model")
}

/// How many rows each section may have.
struct Limits {
    sources: usize,
    models: usize,
    budgets: usize,
    notices: usize,
    raises: usize,
    small_print: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sources: 8, models: 3, budgets: 4, notices: 2, raises: 2, small_print: true }
    }
}

impl Limits {
    /// Takes away what is missed least; false when there is nothing left to take.
    fn tighten(&mut self) -> bool {
        if self.budgets > 3 {
            self.budgets -= 1;
        } else if self.models > 2 {
            self.models -= 1;
        } else if self.small_print {
            self.small_print = false;
        } else if self.sources > 5 {
            self.sources -= 1;
        } else if self.models > 1 {
            self.models -= 1;
        } else if self.raises > 1 {
            self.raises -= 1;
        } else if self.budgets > 1 {
            self.budgets -= 1;
        } else if self.sources > 1 {
            self.sources -= 1;
        } else if self.notices > 1 {
            self.notices -= 1;
        } else if self.models > 0 {
            self.models -= 1;
        } else if self.raises > 0 {
            self.raises -= 1;
        } else {
            return false;
        }
        true
    }
}

fn rows(board: &Board, limits: &Limits) -> Vec<MenuRow> {
    let mut rows = vec![MenuRow { kind: RowKind::Headline, text: headline(board) }];
    rows.extend(state_in_words(board).map(MenuRow::fact));
    rows.extend(
        board.notices.iter().take(limits.notices).map(|notice| MenuRow::fact(one_line(notice))),
    );
    if board.sources.is_empty() {
        rows.extend(first_run());
    } else {
        let known = second(board);
        let is_known = known.is_some();
        rows.extend(known.map(MenuRow::fact));
        if limits.small_print && is_known {
            rows.push(MenuRow::fact(which_is_shown(board)));
            rows.extend(covered(board).map(MenuRow::fact));
            rows.extend(plans(board).into_iter().map(MenuRow::fact));
        }
        rows.extend(differences(board).into_iter().map(MenuRow::fact));
        rows.extend(left_out(board).map(MenuRow::fact));
    }
    rows.extend(pace(board).map(MenuRow::fact));
    rows.extend(board.energy.as_ref().map(|today| {
        let range = wording::energy::energy_range(&today.energy_nwh);
        MenuRow::fact(format!("Electricity today ≈ {range} (estimate)"))
    }));
    rows.extend(budgets(board, limits.budgets));
    rows.extend(sources(board, limits.sources));
    rows.extend(models(board, limits.models));
    if let Some(alert) = &board.last_alert {
        let age = wording::age(board.now, alert.at, board.zone);
        rows.push(MenuRow::fact(format!("Last alert {age}: {}", one_line(&alert.title))));
    }
    rows.push(MenuRow::separator());
    rows.push(MenuRow::action_row(Action::OpenPage, "Open details"));
    rows.push(MenuRow::action_row(Action::Refresh, "Refresh now"));
    let pause = if board.state == State::Paused { "Resume" } else { "Pause" };
    rows.push(MenuRow::action_row(Action::TogglePause, pause));
    rows.extend(raises(board, limits.raises));
    rows.extend(snoozing(board));
    rows.push(MenuRow::action_row(Action::CopySummary, "Copy summary"));
    rows.push(MenuRow::action_row(Action::OpenConfig, "Open config"));
    rows.push(MenuRow::action_row(Action::Quit, "Quit"));
    rows
}

/// What plans are worth; at most two rows.
fn plans(board: &Board) -> Vec<String> {
    let rows = board.plans.iter().map(|plan| one_line(&wording::plans::worth(plan)));
    at_most(2, rows.collect(), "spendbar plan list")
}

/// How far bills are from the list price; at most two rows.
fn differences(board: &Board) -> Vec<String> {
    let rows = board.differences.iter().map(|it| one_line(&wording::bills::difference(it)));
    at_most(2, rows.collect(), "spendbar reconcile")
}

/// For each budget that warns: `Raise “daily” by 25 % to $625`.
fn raises(board: &Board, most: usize) -> Vec<MenuRow> {
    let warns = |budget: &&BudgetRow| budget.permille >= i128::from(budget.warn_percent) * 10;
    let row = |budget: &BudgetRow| {
        let raised = wording::amount_short(&budget.base.raised(wording::RAISE_PERCENT)?);
        let percent = wording::RAISE_PERCENT;
        let text = format!("Raise “{}” by {percent} % to {raised}", one_line(&budget.name));
        Some(MenuRow::action_row(Action::Raise(budget.name.clone()), &text))
    };
    board.budgets.iter().filter(warns).filter_map(row).take(most).collect()
}

/// The ways to silence alerts, where there is something that could speak.
fn snoozing(board: &Board) -> Vec<MenuRow> {
    let mut rows = Vec::new();
    if let Some(snooze) = board.snoozes.first() {
        let more = board.snoozes.len() - 1;
        let more = if more > 0 { format!(" · {more} more") } else { String::new() };
        let text = one_line(&wording::snoozed(snooze, board.now, board.zone));
        let text = format!("{text}{more} · stop");
        rows.push(MenuRow::action_row(Action::Snooze(SnoozeFor::Off), &text));
    }
    let all_are_snoozed = board.snoozes.iter().any(|snooze| snooze.budget.is_none());
    if !all_are_snoozed && (!board.budgets.is_empty() || board.last_alert.is_some()) {
        rows.push(MenuRow::action_row(Action::Snooze(SnoozeFor::Hour), "Snooze alerts for 1 h"));
        let tomorrow = Action::Snooze(SnoozeFor::Tomorrow);
        rows.push(MenuRow::action_row(tomorrow, "Snooze alerts until tomorrow"));
    }
    rows
}

/// Nothing was found: what that means and the ways on.
fn first_run() -> Vec<MenuRow> {
    vec![
        MenuRow::fact("Nothing to read yet: no agent logs, no provider key"),
        MenuRow::fact("Where it looked: spendbar doctor"),
        MenuRow::fact("Add a provider: spendbar key set openai-admin"),
        MenuRow::fact("See it at work: spendbar demo"),
    ]
}

fn section(caption: &str, rows: Vec<String>) -> Vec<MenuRow> {
    if rows.is_empty() {
        return Vec::new();
    }
    [MenuRow::separator(), MenuRow::caption(caption)]
        .into_iter()
        .chain(rows.into_iter().map(MenuRow::fact))
        .collect()
}

fn budgets(board: &Board, most: usize) -> Vec<MenuRow> {
    let rows = board.budgets.iter().map(budget).collect();
    if board.amount(board.headline).is_none() {
        // Without a figure every budget would read 0 %, which is not known.
        return Vec::new();
    }
    section("Budgets", at_most(most, rows, "spendbar budget list"))
}

/// `▰▰▰▰▱▱▱▱▱▱ 43 % of $500 · daily, ≈ $214.37`.
fn budget(budget: &BudgetRow) -> String {
    let spent = wording::estimate(budget.estimated, wording::amount(&budget.spent));
    let left = match budget.left() {
        left if left.attos >= 0 => format!("{} left", wording::amount_short(&left)),
        over => {
            let over = Money { attos: over.attos.saturating_neg(), ..over };
            format!("{} over", wording::amount_short(&over))
        }
    };
    let next = budget.next_percent.map(|percent| format!(", speaks at {percent} %"));
    format!(
        "{} {} · {}, {spent}, {left}{}",
        wording::bar(budget.permille),
        share_of(budget),
        one_line(&budget.name),
        next.unwrap_or_default()
    )
}

fn sources(board: &Board, most: usize) -> Vec<MenuRow> {
    let shown: Vec<_> = board
        .sources
        .iter()
        .filter(|source| source.error != Some(SourceError::NotInstalled))
        .collect();
    let figures = column(shown.iter().map(|source| source_figure(source)).collect());
    let rows = shown
        .iter()
        .zip(figures)
        .map(|(source, figure)| {
            format!("{figure}  {}{}", source.info.name, condition(board, source))
        })
        .collect();
    // Where the headline is of a longer time, it is said that these are not.
    let caption = if board.period == Period::Day { "Sources" } else { "Sources today" };
    section(caption, at_most(most, rows, "spendbar sources"))
}

/// What is to be known about a source besides its figure: an error, a fault that its provider
/// reports, its age when old, tokens without a price, credit left.
fn condition(board: &Board, source: &SourceRow) -> String {
    let mut parts = Vec::new();
    if let Some(error) = &source.error {
        parts.push(wording::failure_short(error).to_owned());
    }
    parts.extend(source.incident.as_ref().map(|it| wording::incident_short(it).to_owned()));
    if source.stale
        && let Some(at) = source.last_good_at
    {
        parts.push(wording::age(board.now, at, board.zone));
    } else if source.last_good_at.is_none() && source.error.is_none() {
        parts.push("not read yet".into());
    }
    if source.unpriced_tokens > 0 {
        parts.push(format!("{} tokens unpriced", wording::tokens(source.unpriced_tokens)));
    }
    if source.info.kind == SourceKind::Provider {
        parts.extend(source.balances.iter().map(wording::balance_row));
        parts.extend(
            source.quotas.iter().map(|window| wording::quota(window, board.now, board.zone)),
        );
    }
    parts.iter().map(|part| format!(" · {part}")).collect()
}

fn models(board: &Board, most: usize) -> Vec<MenuRow> {
    let top = &board.top_models[..board.top_models.len().min(most)];
    let figures = column(top.iter().map(model_figure).collect());
    let rows = top
        .iter()
        .zip(figures)
        .map(|(model, figure)| {
            let tokens = wording::tokens(model.tokens.total());
            let unpriced = if model.list.is_none() { ", no known price" } else { "" };
            format!("{figure}  {} · {tokens} tokens{unpriced}", one_line(model_name(model)))
        })
        .collect();
    section("Top models today", rows)
}

/// Keeps `most` rows and says how many are missing and where they are.
fn at_most(most: usize, mut rows: Vec<String>, elsewhere: &str) -> Vec<String> {
    if rows.len() > most {
        let missing = rows.len() - most;
        rows.truncate(most);
        if let Some(last) = rows.last_mut() {
            last.push_str(&format!(" · {missing} more: {elsewhere}"));
        }
    }
    rows
}

/// Right-aligns figures: what a narrower one lacks is filled with spaces of the same widths.
fn column(figures: Vec<String>) -> Vec<String> {
    let most =
        figures.iter().map(|figure| Glyphs::of(figure)).fold(Glyphs::default(), Glyphs::most);
    figures.into_iter().map(|figure| most.without(Glyphs::of(&figure)) + &figure).collect()
}

/// How many glyphs of each width a figure has.
#[derive(Clone, Copy, Default)]
struct Glyphs {
    /// Digits, and the signs that fonts draw as wide as digits.
    digits: usize,
    /// Blanks.
    blanks: usize,
    /// Points and commas.
    points: usize,
}

impl Glyphs {
    fn of(figure: &str) -> Self {
        figure.chars().fold(Self::default(), |mut count, glyph| {
            match glyph {
                '.' | ',' => count.points += 1,
                ' ' => count.blanks += 1,
                _ => count.digits += 1,
            }
            count
        })
    }

    fn most(self, other: Self) -> Self {
        Self {
            digits: self.digits.max(other.digits),
            blanks: self.blanks.max(other.blanks),
            points: self.points.max(other.points),
        }
    }

    /// Blanks as wide as what `other` lacks: figure spaces, spaces and punctuation spaces.
    fn without(&self, other: Self) -> String {
        let repeat =
            |blank: &str, ours: usize, theirs: usize| blank.repeat(ours.saturating_sub(theirs));
        repeat("\u{2007}", self.digits, other.digits)
            + &repeat(" ", self.blanks, other.blanks)
            + &repeat("\u{2008}", self.points, other.points)
    }
}

/// A row is one line, and not wider than a menu may be.
fn one_line(text: &str) -> String {
    const WIDEST: usize = 90;
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= WIDEST {
        return flat;
    }
    flat.chars().take(WIDEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
