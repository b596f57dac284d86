//! How one agent's files become usage: what an agent's own file implements.

use std::io;
use std::path::Path;

use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::findings::Findings;
use super::lines::Filter;
use crate::spend::Mark;

/// In which shape a format's files are read; each calls one method of [`Format`].
pub enum Shape<'a> {
    /// A log that grows: every new complete line that the filter wants goes to [`Format::line`].
    Lines(&'a Filter),
    /// A text that is written anew each time: it goes whole to [`Format::document`].
    Document,
    /// An SQLite file: [`Format::database`] asks it for what is new.
    Database,
}

/// How one kind of file becomes usage.
pub trait Format: Sync {
    /// What is carried from record to record, and from look to look, within a file.
    type State: Default + Clone + Serialize + DeserializeOwned + Send;

    /// In which shape its files are read.
    fn shape(&self) -> Shape<'_>;

    /// Reads one wanted line, without its line end.
    fn line(&self, _file: &Path, _state: &mut Self::State, _line: &[u8], _found: &mut Findings) {}

    /// Reads a whole text. Texts of more than 4 KB in the JSON of a large file come as empty ones.
    fn document(
        &self,
        _file: &Path,
        _state: &mut Self::State,
        _text: &[u8],
        _found: &mut Findings,
    ) {
    }

    /// Asks a database for what is new since `state`.
    ///
    /// # Errors
    /// The database can't be read as this format knows it; what was found before that counts.
    fn database(
        &self,
        _file: &Path,
        _state: &mut Self::State,
        _database: &Connection,
        _found: &mut Findings,
    ) -> rusqlite::Result<()> {
        Ok(())
    }

    /// Whether a line means the same whatever stood before it. The lines of one large file are
    /// then read by several threads.
    fn lines_stand_alone(&self) -> bool {
        false
    }

    /// Whether a file has to be read again from its start, although it may not have changed.
    fn stale(&self, _file: &Path, _mark: &Mark) -> bool {
        false
    }

    /// Whether [`Format::stale`] depends on other files: then a file that did not change may have
    /// news, and its mark tells.
    fn looks_beside(&self) -> bool {
        false
    }

    /// A file is read again from its start: what is to be kept of the state it had?
    fn restart(&self, _before: Self::State) -> Self::State {
        Self::State::default()
    }

    /// All records that are there were read.
    fn finish(&self, _state: &mut Self::State, _found: &mut Findings) {}
}

/// A [`Format`] without its type: the scanner is compiled once, not once for each agent.
pub trait AnyFormat: Sync {
    /// See [`Format::shape`].
    fn shape(&self) -> Shape<'_>;
    /// See [`Format::lines_stand_alone`].
    fn lines_stand_alone(&self) -> bool;
    /// See [`Format::stale`].
    fn stale(&self, file: &Path, mark: &Mark) -> bool;
    /// See [`Format::looks_beside`].
    fn looks_beside(&self) -> bool;
    /// Starts with the state that a mark holds; `None` when an older version of this program
    /// wrote it otherwise, in which case the file is read from its start.
    fn resume(&self, state: &str) -> Option<Box<dyn Run + '_>>;
    /// Starts without a state.
    fn start(&self) -> Box<dyn Run + '_>;
}

/// One file being read.
pub trait Run: Send {
    /// The file is read again from its start.
    fn restart(&mut self);
    /// See [`Format::line`].
    fn line(&mut self, file: &Path, line: &[u8], found: &mut Findings);
    /// See [`Format::document`].
    fn document(&mut self, file: &Path, text: &[u8], found: &mut Findings);
    /// See [`Format::database`].
    fn database(
        &mut self,
        file: &Path,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()>;
    /// See [`Format::finish`].
    fn finish(&mut self, found: &mut Findings);
    /// The state as the mark keeps it.
    fn state(&self) -> io::Result<String>;
}

struct Running<'a, F: Format> {
    format: &'a F,
    state: F::State,
}

impl<F: Format> AnyFormat for F {
    fn shape(&self) -> Shape<'_> {
        Format::shape(self)
    }

    fn lines_stand_alone(&self) -> bool {
        Format::lines_stand_alone(self)
    }

    fn stale(&self, file: &Path, mark: &Mark) -> bool {
        Format::stale(self, file, mark)
    }

    fn looks_beside(&self) -> bool {
        Format::looks_beside(self)
    }

    fn resume(&self, state: &str) -> Option<Box<dyn Run + '_>> {
        if state.is_empty() {
            return Some(self.start());
        }
        Some(Box::new(Running { format: self, state: serde_json::from_str(state).ok()? }))
    }

    fn start(&self) -> Box<dyn Run + '_> {
        Box::new(Running { format: self, state: F::State::default() })
    }
}

impl<F: Format> Run for Running<'_, F> {
    fn restart(&mut self) {
        self.state = self.format.restart(std::mem::take(&mut self.state));
    }

    fn line(&mut self, file: &Path, line: &[u8], found: &mut Findings) {
        self.format.line(file, &mut self.state, line, found);
    }

    fn document(&mut self, file: &Path, text: &[u8], found: &mut Findings) {
        self.format.document(file, &mut self.state, text, found);
    }

    fn database(
        &mut self,
        file: &Path,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        self.format.database(file, &mut self.state, database, found)
    }

    fn finish(&mut self, found: &mut Findings) {
        self.format.finish(&mut self.state, found);
    }

    fn state(&self) -> io::Result<String> {
        let text = serde_json::to_string(&self.state)?;
        Ok(if text == "null" { String::new() } else { text })
    }
}
