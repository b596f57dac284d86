//! Whether the program starts with its user's session, by the system's own custom: an entry that the
//! desktop reads at login (Linux, macOS) or a value in the registry (Windows). The entry is the whole
//! truth; nothing is remembered beside it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::system;

/// The entry of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autostart {
    place: PathBuf,
}

/// What happens at login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtLogin {
    /// Nothing: there is no entry, or it is switched off.
    Nothing,
    /// This program starts.
    This,
    /// The entry starts something else, such as a copy that stood elsewhere: its command.
    Other(String),
}

/// Why the entry can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AutostartError {
    /// The entry's file, or the registry.
    #[error("{place}: {source}")]
    Place {
        /// The entry.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// The program does not know where it is itself.
    #[error("{0}")]
    Program(String),
}

impl Autostart {
    /// The entry for a home folder and an environment, given as a lookup.
    pub fn of(home: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let base = |name: &str, fallback: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .unwrap_or_else(|| home.join(fallback))
        };
        Self { place: system::autostart_place(&base) }
    }

    /// Where the entry stands, for people: a file, or a value in the registry.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// What happens at login now.
    ///
    /// # Errors
    /// The entry can't be read.
    pub fn at_login(&self) -> Result<AtLogin, AutostartError> {
        let text = system::read_autostart(&self.place).map_err(|error| self.failed(error))?;
        let Some(command) = text.and_then(|text| system::started_by(&text)) else {
            return Ok(AtLogin::Nothing);
        };
        let own = own_path().ok().and_then(|own| system::started_by(&system::autostart_text(&own)));
        Ok(if own.as_ref() == Some(&command) { AtLogin::This } else { AtLogin::Other(command) })
    }

    /// Has this program start at every login from now on.
    ///
    /// # Errors
    /// The entry can't be written, or the program's own file is not known.
    pub fn switch_on(&self) -> Result<(), AutostartError> {
        let text = system::autostart_text(&own_path()?);
        system::write_autostart(&self.place, &text).map_err(|error| self.failed(error))
    }

    /// Takes the entry away; nothing is done where there is none.
    ///
    /// # Errors
    /// The entry can't be taken away.
    pub fn switch_off(&self) -> Result<(), AutostartError> {
        system::remove_autostart(&self.place).map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> AutostartError {
        AutostartError::Place { place: self.place.display().to_string(), source }
    }
}

/// The program's own file.
fn own_path() -> Result<String, AutostartError> {
    let path = std::env::current_exe().map_err(|error| {
        AutostartError::Program(format!("the system does not tell where Spendbar is: {error}"))
    })?;
    // A program that was replaced while it runs no longer stands where it was started from.
    if !path.exists() {
        let what = format!("{} is gone: start Spendbar anew and try again", path.display());
        return Err(AutostartError::Program(what));
    }
    match path.to_str().filter(|path| !path.contains(char::is_control)) {
        Some(path) => Ok(path.to_owned()),
        None => Err(AutostartError::Program(format!(
            "{} can't be named in the entry: move Spendbar to a folder with a plain name",
            path.display()
        ))),
    }
}

/// Entries that are files.
#[cfg(unix)]
pub(super) mod file {
    use std::fs;
    use std::io::{self, ErrorKind, Write};
    use std::path::Path;

    /// The entry; `None` where there is none.
    pub fn read(place: &Path) -> io::Result<Option<String>> {
        match fs::read_to_string(place) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it in one step, so that a login in between finds the old one or the new one.
    pub fn write(place: &Path, text: &str) -> io::Result<()> {
        let folder = place.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(place).map_err(|error| error.error)?;
        Ok(())
    }

    /// Takes it away.
    pub fn remove(place: &Path) -> io::Result<()> {
        match fs::remove_file(place) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn entry(home: &Path) -> Autostart {
        Autostart::of(home, |_| None)
    }

    #[test]
    fn switched_on_and_off_it_leaves_nothing_behind() {
        let home = tempfile::tempdir().expect("a folder");
        let autostart = entry(home.path());
        assert_eq!(autostart.at_login().expect("read"), AtLogin::Nothing);
        autostart.switch_off().expect("nothing to do");
        autostart.switch_on().expect("written");
        assert_eq!(autostart.at_login().expect("read"), AtLogin::This);
        autostart.switch_on().expect("written again");
        autostart.switch_off().expect("taken away");
        assert_eq!(autostart.at_login().expect("read"), AtLogin::Nothing);
        assert!(!autostart.place().exists());
    }

    #[test]
    fn another_program_in_the_entry_is_told_apart() {
        let home = tempfile::tempdir().expect("a folder");
        let autostart = entry(home.path());
        file::write(autostart.place(), &system::autostart_text("/old/spendbar")).expect("written");
        let AtLogin::Other(command) = autostart.at_login().expect("read") else { panic!("other") };
        assert!(command.contains("/old/spendbar"), "{command}");
        autostart.switch_on().expect("written");
        assert_eq!(autostart.at_login().expect("read"), AtLogin::This);
    }

    #[test]
    fn what_hinders_it_is_said_with_its_place() {
        let home = tempfile::tempdir().expect("a folder");
        let autostart = entry(home.path());
        let folder = autostart.place().parent().expect("a folder");
        std::fs::create_dir_all(folder.parent().expect("a folder")).expect("made");
        std::fs::write(folder, "in the way").expect("written");
        let said = autostart.switch_on().expect_err("a file is in the way").to_string();
        assert!(said.contains(&autostart.place().display().to_string()), "{said}");
    }
}
