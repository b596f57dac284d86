//! What hovering over the icon tells: one line for each fact, the most important first (Windows
//! cuts at 127 characters).

use super::{headline, pace, second, state_in_words};
use crate::board::{Board, wording};
use crate::spend::SourceError;

/// Lines, separated by `\n`.
pub fn tooltip(board: &Board) -> String {
    let mut lines = vec![headline(board)];
    if board.sources.is_empty() {
        lines.push("Nothing to read yet: no agent logs, no provider key".into());
    } else {
        lines.extend(state_in_words(board));
        lines.extend(second(board));
    }
    lines.extend(pace(board));
    for source in &board.sources {
        if let Some(error) = source.error.as_ref().filter(|e| **e != SourceError::NotInstalled) {
            lines.push(format!("{}: {}", source.info.name, wording::failure_short(error)));
        }
    }
    lines.extend(board.notices.iter().cloned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::faces::examples;

    #[test]
    fn a_longer_time_is_named_and_today_stands_below() {
        assert_snapshot!(tooltip(&examples::weekly()), @"
        This week ≈ $1,204.08 · 42 % of today's $500
        Today ≈ $214.37 · list price $214.37 · billed $98.02
        ");
        let demo = Board { demo: true, ..examples::weekly() };
        assert_snapshot!(tooltip(&demo), @"
        Demo · this week ≈ $1,204.08 · 42 % of today's $500
        Today ≈ $214.37 · list price $214.37 · billed $98.02
        ");
    }

    #[test]
    fn one_line_for_each_fact() {
        assert_snapshot!(tooltip(&examples::calm()), @r"
        Today ≈ $214.37 · 42 % of $500
        List price $214.37 · billed $98.02
        ");
        assert_snapshot!(tooltip(&examples::near()), @"
        Today ≈ $402.00 · 80 % of $500
        List price $402.00 · billed $98.02
        At this pace ≈ $610.00 to $680.00 by midnight, 128 % of $500
        ");
        assert_snapshot!(tooltip(&examples::error()), @r"
        Today –
        No source gives figures
        OpenAI: key refused
        ");
        assert_snapshot!(tooltip(&examples::empty()), @r"
        Today –
        Nothing to read yet: no agent logs, no provider key
        ");
        assert_snapshot!(tooltip(&examples::famous()), @r"
        Demo · today ≈ $20,012.84 · 100 % of $20,000
        List price $20,012.84 · billed $19,985.84
        ");
    }
}
