//! The changes of the config file in this run, each of which can be taken back.

use std::fs;
use std::io;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};

use crate::app::App;
use crate::app::changing::write_checked;
use crate::config::edit::{self, EditError};
use crate::config::{DEFAULT_TEXT, fingerprint};
use crate::faces::page::settings::{Changed, Undo};

/// As many as somebody takes back one by one; a config file is some ten kilobytes.
const MOST: usize = 64;

/// The changes, oldest first.
#[derive(Default)]
pub(super) struct History {
    changes: Vec<Change>,
    last: u64,
}

struct Change {
    number: u64,
    what: String,
    at: DateTime<Utc>,
    /// The file before it; `None` where there was none.
    before: Option<Vec<u8>>,
    /// What tells the file as it was left.
    after: u64,
}

impl History {
    /// Makes a change, if the program can read what comes out; its number, or `None` where the file
    /// said so already. The file is made where there is none.
    ///
    /// # Errors
    /// The file can't be read, checked, changed or written; it is as it was then.
    pub(super) fn change(
        &mut self,
        app: &App,
        what: String,
        edit: impl FnOnce(&str) -> Result<String, EditError>,
    ) -> anyhow::Result<Option<u64>> {
        checked(app)?;
        let before = bytes(app)?;
        let place = || app.config_path().display().to_string();
        let text = match &before {
            Some(bytes) => std::str::from_utf8(bytes).with_context(place)?,
            None => DEFAULT_TEXT,
        };
        let changed = edit(text).with_context(place)?;
        if changed == text {
            return Ok(None);
        }
        // An editor that saved in between would lose what it wrote.
        if bytes(app)? != before {
            bail!("{} was changed by somebody else just now. Try again", place());
        }
        write_checked(app, &changed)?;
        self.last += 1;
        let after = fingerprint(changed.as_bytes());
        let (number, at) = (self.last, app.clock.now());
        self.changes.push(Change { number, what, at, before, after });
        let over = self.changes.len().saturating_sub(MOST);
        self.changes.drain(..over);
        Ok(Some(number))
    }

    /// Takes the newest change back: the file is byte for byte what it was before. What it was.
    ///
    /// # Errors
    /// It is not the newest one, somebody else has changed the file since, or it can't be written.
    pub(super) fn undo(&mut self, app: &App, number: u64) -> anyhow::Result<String> {
        let newest = self.changes.last().filter(|change| change.number == number);
        let Some(change) = newest else {
            bail!(
                "That change was undone already, or another one came after it: nothing was done."
            );
        };
        if !is_left_by(change, &bytes(app)?) {
            bail!(
                "{} was changed elsewhere since, so nothing was undone: that would take the other \
                 change back too. Open the file to change it",
                app.config_path().display()
            );
        }
        edit::restore(&app.config_path(), change.before.as_deref())?;
        Ok(self.changes.pop().map(|change| change.what).unwrap_or_default())
    }

    /// Every change, newest first.
    pub(super) fn list(&self) -> Vec<Changed> {
        let shown = |it: &Change| Changed { number: it.number, what: it.what.clone(), at: it.at };
        self.changes.iter().rev().map(shown).collect()
    }

    /// Whether the newest can be taken back.
    pub(super) fn can_undo(&self, app: &App) -> Undo {
        match self.changes.last() {
            None => Undo::Nothing,
            Some(change) => match bytes(app) {
                Ok(now) if is_left_by(change, &now) => Undo::Possible,
                _ => Undo::ChangedElsewhere,
            },
        }
    }
}

/// A file with an error in it is written by nobody but its user.
///
/// # Errors
/// What is wrong with it.
pub(super) fn checked(app: &App) -> anyhow::Result<()> {
    app.setup()?.prices()?;
    Ok(())
}

fn is_left_by(change: &Change, now: &Option<Vec<u8>>) -> bool {
    now.as_ref().is_some_and(|bytes| fingerprint(bytes) == change.after)
}

fn bytes(app: &App) -> anyhow::Result<Option<Vec<u8>>> {
    let path = app.config_path();
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}
