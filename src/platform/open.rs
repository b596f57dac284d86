//! Opens a file or an address in the program the user has for it.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::system;

/// Openers tell at once when they have no program for a file; one that still runs after this long
/// is showing it.
const PATIENCE: Duration = Duration::from_millis(1500);
const STEP: Duration = Duration::from_millis(25);

/// Why a file was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The opener could not be started.
    #[error("{opener} could not be started: {source}")]
    NoOpener {
        /// Its name.
        opener: String,
        /// What the system said.
        source: io::Error,
    },
    /// It was started and gave up.
    #[error("{opener} found no program for {path}")]
    Refused {
        /// Its name.
        opener: String,
        /// The file, or what else was to be opened.
        path: String,
    },
}

/// Opens `path` in the user's editor or handler and does not wait for it to be closed. Blocks for
/// up to one and a half seconds.
///
/// # Errors
/// No opener on this system, or it has no program for the file.
pub fn open(path: &Path) -> Result<(), OpenError> {
    run(system::opener(path), &path.display().to_string())
}

/// Opens an address in the user's browser, as [`open`] does a file.
///
/// # Errors
/// No opener on this system, or it has no browser.
pub fn browse(address: &str) -> Result<(), OpenError> {
    // The address may hold a token: it is in no message.
    run(system::browser(address), "the address")
}

fn run(mut command: Command, what: &str) -> Result<(), OpenError> {
    let opener = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|source| OpenError::NoOpener { opener: opener.clone(), source })?;
    let steps = PATIENCE.as_millis() / STEP.as_millis();
    for _ in 0..steps {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => {
                return Err(OpenError::Refused { opener, path: what.to_owned() });
            }
            Ok(None) => thread::sleep(STEP),
            Err(source) => return Err(OpenError::NoOpener { opener, source }),
        }
    }
    reap(child);
    Ok(())
}

/// Waits for an opener that became the editor itself, so that it leaves no zombie behind.
fn reap(mut child: Child) {
    thread::spawn(move || {
        if let Err(error) = child.wait() {
            log::debug!("waiting for an editor: {error}");
        }
    });
}
