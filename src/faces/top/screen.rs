//! The terminal: taken whole, and given back however the program ends.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    self, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::Picture;
use super::state::State;
use super::view;

/// Whether the terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

type Cells = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// The whole terminal; it goes back to the shell when dropped.
pub struct Screen {
    terminal: Cells,
    color: bool,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It can't be switched or written to.
    pub fn take(color: bool) -> io::Result<Self> {
        take()?;
        match fresh() {
            Ok(terminal) => Ok(Self { terminal, color }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Draws; only cells that changed are written.
    ///
    /// # Errors
    /// The terminal can't be written to.
    pub fn draw(&mut self, picture: Option<&Picture>, state: &State) -> io::Result<()> {
        let color = self.color;
        self.terminal
            .draw(|frame| view::draw(frame.buffer_mut(), picture, state, color))
            .map(|_| ())
    }

    /// How many rows of sessions it holds, about.
    pub fn page(&self) -> usize {
        self.terminal.size().map_or(10, |size| usize::from(size.height).saturating_sub(8).max(1))
    }

    /// Gives the terminal to the shell while `meanwhile` runs.
    ///
    /// # Errors
    /// As [`Screen::take`], when it is taken again.
    pub fn lend(&mut self, meanwhile: impl FnOnce()) -> io::Result<()> {
        give_back();
        meanwhile();
        take()?;
        // The screen is empty again. Having it cleared would ask the terminal where its cursor is,
        // and the thread that reads keys would take the answer.
        self.terminal = fresh()?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// How wide the terminal is; `None` when it does not tell.
pub fn columns() -> Option<usize> {
    terminal::size().ok().map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0)
}

fn fresh() -> io::Result<Cells> {
    Terminal::new(CrosstermBackend::new(BufWriter::new(io::stdout())))
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, Hide).inspect_err(|_| give_back())
}

/// Gives the terminal back, if it is ours. Whoever panics calls it too, before a word is said.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // A terminal that has gone away needs nothing any more.
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}
