//! The tray face: [`icon`], [`tooltip`], [`title`], [`menu`] and [`summary`] are pure functions of
//! a [`Board`]; [`show`] hands what they return to the system and is the only part that touches
//! the desktop.

pub mod icon;
pub mod menu;
pub mod show;
pub mod summary;
pub mod title;
pub mod tooltip;

use crate::board::{Board, BudgetRow, State, wording};
use crate::platform::popover::Point;
use crate::spend::{Cycle, SnoozeFor};

use icon::{Ground, IconInput};

pub use show::{Tray, TrayError, TrayHandle};

/// What a row of the menu does when it is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Open the page with the details.
    OpenPage,
    /// Show the details by the icon, which is there, or hide them.
    Peek(Point),
    /// Look at every source now.
    Refresh,
    /// Stop looking, or go on: whichever the board is not in.
    TogglePause,
    /// Keep alerts back for a while, or no longer.
    Snooze(SnoozeFor),
    /// Raise the budget of this name.
    Raise(String),
    /// Put the summary on the clipboard.
    CopySummary,
    /// Open the configuration in the editor.
    OpenConfig,
    /// End the program.
    Quit,
}

/// What the icon shows of a board.
pub fn icon_input(board: &Board, ground: Ground, size_px: u32) -> IconInput {
    IconInput {
        text: wording::icon_amount(board.amount(board.headline)),
        state: board.state,
        share_permille: lead(board).map(|budget| budget.permille),
        ground,
        size_px,
        demo: board.demo,
    }
}

/// The budget that is used most: the one the bar, the headline and the pace speak of.
fn lead(board: &Board) -> Option<&BudgetRow> {
    // Of several equal ones the first of the config leads; `max_by_key` alone takes the last.
    board.budgets.iter().rev().max_by_key(|budget| budget.permille)
}

/// `Today ≈ $214.37 · 43 % of $500`.
fn headline(board: &Board) -> String {
    let amount = board.amount(board.headline).map_or(wording::UNKNOWN.to_owned(), |amount| {
        let is_estimated = board.figures.chosen_is_estimated(board.headline);
        wording::estimate(is_estimated, wording::amount(&amount))
    });
    let share = lead(board)
        .filter(|_| board.amount(board.headline).is_some())
        .map(|budget| format!(" · {}", share_of(budget)))
        .unwrap_or_default();
    let demo = if board.demo { "Demo · today" } else { "Today" };
    format!("{demo} {amount}{share}")
}

/// `43 % of $500`, `81 % of this month's $5,000`.
fn share_of(budget: &BudgetRow) -> String {
    let whose = match budget.cycle {
        Cycle::Day | Cycle::Range(..) => String::new(),
        cycle => format!("{} ", wording::whose(cycle)),
    };
    let limit = wording::amount_short(&budget.amount);
    format!("{} of {whose}{limit}", wording::percent(budget.permille))
}

/// `List price $231.10 · billed $198.02`; `None` while nothing is known.
pub(super) fn list_and_billed(board: &Board) -> Option<String> {
    board.amount(board.headline).or(board.figures.billed)?;
    let billed: Vec<_> = board.figures.billed.iter().chain(&board.figures.billed_other).collect();
    let billed = match billed.as_slice() {
        [] => wording::UNKNOWN.to_owned(),
        some => some.iter().map(|money| wording::amount(money)).collect::<Vec<_>>().join(" and "),
    };
    let list = wording::amount(&board.figures.list);
    Some(match tells_paid(board) {
        false => format!("List price {list} · billed {billed}"),
        true => {
            let paid = wording::plans::paid(&board.figures.paid);
            format!("List price {list} · billed {billed} · paid {paid}")
        }
    })
}

/// Whether what is paid stands beside the other figures.
fn tells_paid(board: &Board) -> bool {
    board.tells_paid || board.headline == crate::board::Headline::Paid
}

/// Which of them the headline is.
fn which_is_shown(board: &Board) -> &'static str {
    use crate::board::Headline;
    match board.headline {
        Headline::Spend => "Shown: the bill where there is one, else list price",
        Headline::List => "Shown: list price",
        Headline::Billed => "Shown: what is billed",
        Headline::Paid => "Shown: what is paid, with the fees of plans",
    }
}

/// `At this pace ≈ $610.00 to $680.00 by midnight, 128 % of $500`; `None` while it is too early to
/// tell.
fn pace(board: &Board) -> Option<String> {
    let budget = lead(board)?;
    let forecast = budget.forecast?;
    let share = forecast.middle.permille_of(&budget.amount).map(|permille| {
        format!(", {} of {}", wording::percent(permille), wording::amount_short(&budget.amount))
    });
    let end = budget.last_day.succ_opt().unwrap_or(budget.last_day);
    Some(format!(
        "At this pace {} by {}{}",
        wording::range(&forecast),
        wording::period_end(budget.cycle, end),
        share.unwrap_or_default()
    ))
}

/// What the state means, where the figures alone do not say it.
pub(super) fn state_in_words(board: &Board) -> Option<String> {
    let newest = board.sources.iter().filter_map(|source| source.last_good_at).max();
    let as_of = newest.map(|at| wording::age(board.now, at, board.zone));
    match board.state {
        _ if board.loading => Some("Still reading, the figures will grow".into()),
        State::Paused => Some(match as_of {
            Some(age) => format!("Paused, figures from {}", age.trim_start_matches("at ")),
            None => "Paused".into(),
        }),
        State::Stale => as_of.map(|age| format!("Last figures: {age}")),
        State::Error if !board.sources.is_empty() => Some("No source gives figures".into()),
        State::Error | State::Calm | State::Near | State::Over => None,
    }
}

/// What is in no figure: tokens without a price or without a known owner.
pub(super) fn left_out(board: &Board) -> Option<String> {
    let parts: Vec<_> = [
        (board.figures.unpriced_tokens, "have no known price"),
        (board.figures.unmetered_tokens, "can't be told from another session's"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, why)| format!("{} tokens {why}", wording::tokens(count)))
    .collect();
    (!parts.is_empty()).then(|| format!("Not counted: {}", parts.join(", ")))
}

/// `A subscription covers $120.00 of the list price`.
pub(super) fn covered(board: &Board) -> Option<String> {
    (board.figures.covered.attos > 0).then(|| {
        let amount = wording::amount(&board.figures.covered);
        format!("A subscription covers {amount} of the list price")
    })
}
