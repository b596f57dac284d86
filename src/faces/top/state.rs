//! What is selected, how rows are sorted, and what keys change of it.

use std::cmp::Reverse;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::board::sessions::SessionRow;
use crate::spend::Money;

/// What rows are sorted by, most first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// What was spent of late.
    #[default]
    Recent,
    /// What was spent today.
    Today,
    /// Tokens of today.
    Tokens,
    /// The last use.
    LastUse,
}

impl Sort {
    const fn next(self) -> Self {
        match self {
            Self::Recent => Self::Today,
            Self::Today => Self::Tokens,
            Self::Tokens => Self::LastUse,
            Self::LastUse => Self::Recent,
        }
    }

    /// What it is called.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recent => "recent",
            Self::Today => "today",
            Self::Tokens => "tokens",
            Self::LastUse => "last use",
        }
    }
}

/// What a key press asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing to do.
    Nothing,
    /// Something looks different.
    Draw,
    /// The view is to stand still, or to go on with the newest figures.
    Pause,
    /// Hand the terminal back to the shell until it is asked for again.
    Suspend,
    /// End.
    Quit,
}

/// A session, by agent and name.
type Id = (String, Option<String>);

/// What keys change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What rows are sorted by.
    pub sort: Sort,
    /// The view stands still.
    pub paused: bool,
    /// Keys are explained instead of rows.
    pub help: bool,
    /// The selected session; `None` for whichever comes first.
    pub(super) selected: Option<Id>,
}

impl State {
    /// Does what a key asks. `rows` are the ones that are shown, in any order; `page` is how many
    /// of them a screen holds.
    pub fn press(&mut self, key: KeyEvent, rows: &[SessionRow], page: usize) -> Asked {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return Asked::Quit,
            KeyCode::Char('z') if control => return Asked::Suspend,
            KeyCode::Char('l') if control => {}
            _ if control => return Asked::Nothing,
            KeyCode::Char('?') => self.help = !self.help,
            // Help is left by any key, and the first one that is not known does nothing else.
            KeyCode::Esc | KeyCode::Char('q') if self.help => self.help = false,
            KeyCode::Esc | KeyCode::Char('q') => return Asked::Quit,
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('p' | ' ') => {
                self.paused = !self.paused;
                return Asked::Pause;
            }
            KeyCode::Down | KeyCode::Char('j') => self.step(rows, 1),
            KeyCode::Up | KeyCode::Char('k') => self.step(rows, -1),
            KeyCode::PageDown => self.step(rows, page as isize),
            KeyCode::PageUp => self.step(rows, -(page as isize)),
            KeyCode::Home | KeyCode::Char('g') => self.selected = None,
            KeyCode::End | KeyCode::Char('G') => self.step(rows, isize::MAX),
            _ => return Asked::Nothing,
        }
        Asked::Draw
    }

    /// The rows as they are shown.
    pub fn sorted<'a>(&self, rows: &'a [SessionRow]) -> Vec<&'a SessionRow> {
        let amount = |money: Option<Money>| Reverse(money.map_or(0, |money| money.attos));
        let mut sorted: Vec<&SessionRow> = rows.iter().collect();
        // Sorting is stable: equals stay as they come, dearest of late first.
        match self.sort {
            Sort::Recent => {
                sorted.sort_by_key(|row| (amount(row.recent), Reverse(row.recent_requests)));
            }
            Sort::Today => sorted.sort_by_key(|row| amount(row.list)),
            Sort::Tokens => sorted.sort_by_key(|row| Reverse(row.tokens.total())),
            Sort::LastUse => sorted.sort_by_key(|row| Reverse(row.last_at)),
        }
        sorted
    }

    /// Where the selected one stands among sorted rows.
    pub fn position(&self, sorted: &[&SessionRow]) -> usize {
        let is_it = |(source, session): &Id| {
            sorted.iter().position(|row| row.source == *source && row.session == *session)
        };
        self.selected.as_ref().and_then(is_it).unwrap_or(0)
    }

    fn step(&mut self, rows: &[SessionRow], by: isize) {
        let sorted = self.sorted(rows);
        let last = sorted.len().saturating_sub(1);
        let to = self.position(&sorted).saturating_add_signed(by).min(last);
        // The first place stays with whoever takes it.
        let chosen = sorted.get(to).filter(|_| to > 0);
        self.selected = chosen.map(|row| (row.source.clone(), row.session.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::examples;

    fn press(state: &mut State, keys: &str, rows: &[SessionRow]) -> Vec<Asked> {
        let key = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        keys.chars().map(|c| state.press(key(c), rows, 5)).collect()
    }

    #[test]
    fn the_selection_stays_with_its_session() {
        let mut rows = examples::sessions().rows;
        let mut state = State::default();
        let selected = |state: &State, rows: &[SessionRow]| {
            let sorted = state.sorted(rows);
            sorted[state.position(&sorted)].session.clone()
        };
        let first = selected(&state, &rows);
        press(&mut state, "j", &rows);
        let second = selected(&state, &rows);
        assert_ne!(first, second);
        // The others change places around it.
        press(&mut state, "s", &rows);
        assert_eq!(selected(&state, &rows), second);
        press(&mut state, "G", &rows);
        assert_eq!(state.position(&state.sorted(&rows)), rows.len() - 1);
        press(&mut state, "j", &rows);
        assert_eq!(state.position(&state.sorted(&rows)), rows.len() - 1);
        rows.clear();
        press(&mut state, "jkG", &rows);
        assert_eq!(state.position(&state.sorted(&rows)), 0);
    }

    #[test]
    fn keys_mean_what_the_help_says() {
        let rows = examples::sessions().rows;
        let mut state = State::default();
        assert_eq!(press(&mut state, "?q", &rows), [Asked::Draw, Asked::Draw], "help is left");
        assert_eq!(press(&mut state, "pxq", &rows), [Asked::Pause, Asked::Nothing, Asked::Quit]);
        let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        for (c, asked) in [('c', Asked::Quit), ('z', Asked::Suspend), ('q', Asked::Nothing)] {
            assert_eq!(state.press(control(c), &rows, 5), asked, "{c}");
        }
        let escape = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
        assert_eq!(state.press(escape, &rows, 5), Asked::Quit);
    }

    #[test]
    fn rows_are_sorted_by_what_is_asked() {
        let rows = examples::sessions().rows;
        let mut state = State::default();
        let mut seen = Vec::new();
        for _ in 0..4 {
            let names = state.sorted(&rows).iter().map(|row| row.agent.clone()).collect::<Vec<_>>();
            seen.push((state.sort.word(), names.join(", ")));
            press(&mut state, "s", &rows);
        }
        assert_eq!(state.sort, Sort::Recent);
        let by = |words: [&'static str; 4]| words;
        let words: Vec<_> = seen.iter().map(|(word, _)| *word).collect();
        assert_eq!(words, by(["recent", "today", "tokens", "last use"]));
        assert_eq!(seen[0].1, "Claude Code, Codex, local-agent");
        assert_eq!(seen[1].1, "Codex, Claude Code, local-agent");
        assert_eq!(seen[2].1, "local-agent, Codex, Claude Code");
        assert_eq!(seen[3].1, "Claude Code, local-agent, Codex");
    }
}
