//! The tray face: [`icon`], [`tooltip`], [`title`], [`menu`] and [`summary`] are pure functions of
//! a [`Board`]; [`show`] hands what they return to the system and is the only part that touches
//! the desktop.

pub mod icon;
pub mod menu;
pub mod show;
pub mod summary;
pub mod title;
pub mod tooltip;

use crate::board::{Board, BudgetRow, Figures, State, wording};
use crate::platform::popover::Point;
use crate::spend::{Cycle, Money, Period, SnoozeFor};

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
        text: wording::icon_amount(board.shown_amount()),
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

/// `Today ≈ $214.37 · 43 % of $500`, `This week ≈ $1,204.00 · 43 % of today's $500`.
fn headline(board: &Board) -> String {
    let known = board.shown_amount();
    let amount = amount(known, board.shown_is_estimated());
    let share = lead(board)
        .filter(|_| known.is_some())
        .map(|budget| match (board.period, budget.cycle) {
            // Beside a longer time's figure the share of a day needs its name.
            (Period::Week | Period::Month, Cycle::Day) => {
                let limit = wording::amount_short(&budget.amount);
                let share = wording::percent(budget.permille);
                format!(" · {share} of {} {limit}", wording::whose(budget.cycle))
            }
            _ => format!(" · {}", share_of(budget)),
        })
        .unwrap_or_default();
    let this = wording::this(board.period);
    match board.demo {
        true => format!("Demo · {} {amount}{share}", this.to_lowercase()),
        false => format!("{this} {amount}{share}"),
    }
}

/// `≈ $214.37`, `–`.
fn amount(known: Option<Money>, is_estimated: bool) -> String {
    known.map_or(wording::UNKNOWN.to_owned(), |amount| {
        wording::estimate(is_estimated, wording::amount(&amount))
    })
}

/// What stands below the headline: the other figures of today, and today's own where the headline
/// is of a longer time.
pub(super) fn second(board: &Board) -> Option<String> {
    let others = list_and_billed(board)?;
    Some(match board.period {
        Period::Day => others,
        Period::Week | Period::Month => {
            let is_estimated = board.figures.chosen_is_estimated(board.headline);
            let today = amount(board.amount(board.headline), is_estimated);
            format!("Today {today} · {}", others.replacen("List", "list", 1))
        }
    })
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

/// What is in no figure of the headline: tokens without a price or without a known owner.
pub(super) fn left_out(board: &Board) -> Option<String> {
    match board.period {
        Period::Day => left_out_today(board),
        period => {
            let when = format!(" {}", wording::this(period).to_lowercase());
            left_out_of(board.shown(), &when)
        }
    }
}

/// The same of today.
pub(super) fn left_out_today(board: &Board) -> Option<String> {
    left_out_of(&board.figures, "")
}

fn left_out_of(figures: &Figures, when: &str) -> Option<String> {
    let parts: Vec<_> = [
        (figures.unpriced_tokens, "have no known price"),
        (figures.unmetered_tokens, "can't be told from another session's"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, why)| format!("{} tokens {why}", wording::tokens(count)))
    .collect();
    (!parts.is_empty()).then(|| format!("Not counted{when}: {}", parts.join(", ")))
}

/// `A subscription covers $120.00 of the list price`.
pub(super) fn covered(board: &Board) -> Option<String> {
    (board.figures.covered.attos > 0).then(|| {
        let amount = wording::amount(&board.figures.covered);
        format!("A subscription covers {amount} of the list price")
    })
}
