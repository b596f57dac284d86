//! The text beside the icon, where the system shows one (macOS).

use super::lead;
use crate::board::{Board, State, wording};

/// `$214`, and near or over a budget `$214 · 87 %`: beside a template icon, which has no colours,
/// the share says what amber and red say elsewhere.
pub fn title(board: &Board) -> String {
    let demo = if board.demo { "demo " } else { "" };
    let amount = wording::icon_amount(board.shown_amount());
    match (board.state, lead(board)) {
        (State::Near | State::Over, Some(budget)) => {
            format!("{demo}{amount} · {}", wording::percent(budget.permille))
        }
        _ => format!("{demo}{amount}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::examples;

    #[test]
    fn the_share_is_told_when_it_matters() {
        assert_eq!(title(&examples::calm()), "$214");
        assert_eq!(title(&examples::weekly()), "1.2k", "of the icon's own time");
        assert_eq!(title(&examples::near()), "$402 · 80 %");
        assert_eq!(title(&examples::empty()), "–");
        assert_eq!(title(&examples::famous()), "demo 20k · 100 %");
    }
}
