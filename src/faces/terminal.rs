//! The monitor without a desktop: one live line in a terminal, plain log lines elsewhere.

use std::io::{self, Write};

use crate::board::{Board, Headline, State, wording};

/// Writes boards and alerts as they come.
pub struct Terminal<W: Write> {
    out: W,
    /// A terminal's line can be written over; a file's can't.
    live: bool,
    columns: usize,
    shown: String,
}

impl<W: Write> Terminal<W> {
    /// `live` for a terminal of `columns`, else plain log lines.
    pub fn new(out: W, live: bool, columns: usize) -> Self {
        Self { out, live, columns: columns.max(20), shown: String::new() }
    }

    /// Shows the board, if its line differs from the one that stands there.
    pub fn show(&mut self, board: &Board) -> io::Result<()> {
        let line = line(board);
        if line == self.shown {
            return Ok(());
        }
        if self.live {
            let cut: String = line.chars().take(self.columns - 1).collect();
            // Back to the first column, write, clear the rest.
            write!(self.out, "\r{cut}\x1b[K")?;
        } else {
            writeln!(self.out, "{} {line}", stamp(board))?;
        }
        self.shown = line;
        self.out.flush()
    }

    /// Tells an alert on lines of its own.
    pub fn alert(&mut self, board: &Board, title: &str, body: &str) -> io::Result<()> {
        if self.live {
            // The live line is written again below the alert.
            write!(self.out, "\r\x1b[K")?;
            self.shown.clear();
        }
        writeln!(self.out, "{} {title}", stamp(board))?;
        for line in body.lines() {
            writeln!(self.out, "         {line}")?;
        }
        self.out.flush()
    }

    /// Leaves the cursor on a fresh line.
    pub fn end(&mut self) -> io::Result<()> {
        if self.live && !self.shown.is_empty() {
            writeln!(self.out)?;
        }
        self.out.flush()
    }
}

fn stamp(board: &Board) -> impl std::fmt::Display {
    board.now.with_timezone(&board.zone).format("%H:%M:%S").to_string()
}

/// The board in one line: today, the tightest budget, each source with a figure, and what is
/// wrong.
pub fn line(board: &Board) -> String {
    let mut parts = vec![headline(board)];
    if let Some(budget) = board.budgets.iter().max_by_key(|budget| budget.permille) {
        parts.push(format!(
            "{} of {}",
            wording::percent(budget.permille),
            wording::amount_short(&budget.amount)
        ));
    }
    for row in &board.sources {
        let figure = match (&row.error, row.billed, row.list) {
            (Some(error), None, None) => wording::failure_short(error).to_owned(),
            (_, Some(billed), _) => wording::amount(&billed),
            (_, None, Some(list)) => wording::estimate(true, wording::amount(&list)),
            (None, None, None) => continue,
        };
        let mark = if row.error.is_some() || row.stale { "?" } else { "" };
        parts.push(format!("{} {figure}{mark}", row.info.name));
    }
    if board.figures.unpriced_tokens > 0 {
        parts.push(format!("{} tokens unpriced", wording::tokens(board.figures.unpriced_tokens)));
    }
    if board.state == State::Paused {
        parts.push("paused".into());
    }
    if board.sources.is_empty() && !board.loading {
        parts.push("nothing found yet: `spendbar doctor` says where it looked".into());
    }
    parts.join(" · ")
}

/// Today's figure: `Today ≈ $214.37`.
pub(super) fn headline(board: &Board) -> String {
    let demo = if board.demo { "[demo] " } else { "" };
    if board.loading {
        return format!("{demo}Reading …");
    }
    let kind = match board.headline {
        Headline::Spend => "",
        Headline::List => " at list price",
        Headline::Billed => " billed",
        Headline::Paid => " paid",
    };
    let amount = board.amount(board.headline).map_or(wording::UNKNOWN.into(), |amount| {
        let estimated = board.figures.chosen_is_estimated(board.headline);
        wording::estimate(estimated, wording::amount(&amount))
    });
    format!("{demo}Today{kind} {amount}")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::faces::examples;

    #[test]
    fn a_board_is_one_line() {
        use examples::{calm, empty, error, famous, loading, paused};
        let boards = [calm(), error(), paused(), empty(), loading(), famous()];
        assert_snapshot!(boards.iter().map(line).collect::<Vec<_>>().join("\n"), @"
        Today ≈ $214.37 · 42 % of $500 · Claude Code ≈ $210.37 · Codex ≈ $4.00 · OpenAI $98.02
        Today – · 0 % of $500 · OpenAI key refused?
        Today ≈ $214.37 · 42 % of $500 · Claude Code ≈ $210.37 · Codex ≈ $4.00 · OpenAI $98.02 · paused
        Today – · nothing found yet: `spendbar doctor` says where it looked
        Reading … · 2 % of $500 · Claude Code ≈ $210.37
        [demo] Today ≈ $20,012.84 · 100 % of $20,000 · Claude Code ≈ $12.10 · Codex ≈ $4.00 · OpenAI $19,985.84
        ");
    }

    fn written(live: bool, show: impl Fn(&mut Terminal<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        show(&mut Terminal::new(&mut out, live, 40));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_log_gets_a_line_for_each_change_and_a_terminal_one_line_over_and_over() {
        let twice = |terminal: &mut Terminal<&mut Vec<u8>>| {
            for board in [examples::calm(), examples::calm(), examples::paused()] {
                terminal.show(&board).expect("written");
            }
            terminal.end().expect("written");
        };
        let log = written(false, twice);
        assert_eq!(log.lines().count(), 2, "{log}");
        assert!(!log.contains(['\r', '\x1b']), "{log}");
        let live = written(true, twice);
        assert_eq!((live.matches('\r').count(), live.matches('\n').count()), (2, 1), "{live:?}");
        let longest = live.split('\r').map(|line| line.trim_end().chars().count()).max();
        // 39 columns and the sequence that clears the rest.
        assert!(longest <= Some(39 + "\x1b[K".len()), "{live:?}");
    }

    #[test]
    fn an_alert_stands_on_lines_of_its_own() {
        let board = examples::near();
        let alert = board.last_alert.clone().expect("an alert");
        let log = written(false, |terminal| {
            terminal.alert(&board, &alert.title, &alert.body).expect("written")
        });
        assert!(log.contains(&alert.title) && log.ends_with('\n'), "{log}");
    }
}
