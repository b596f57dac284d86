//! An agent's settings file: read with care, written in one step.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Settings are a few kilobytes; what is larger than this is some other file.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A settings file as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file itself, behind any links.
    pub path: PathBuf,
    /// Its text; `None` when there is no file yet.
    pub text: Option<String>,
}

/// Why a settings file is left alone.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A link leads to nothing, or to something that is no file.
    #[error("{path} {what}; change the settings yourself, or put a file there")]
    Odd {
        /// The path as the agent has it.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Its owner has protected it.
    #[error("{path} may not be written; make it writable, or change the settings yourself")]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// It changed between the preview and the writing.
    #[error("{path} was changed by another program meanwhile; try again")]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a settings file. A link is followed, and stays a link.
///
/// # Errors
/// It is no plain text file, or can't be read.
pub fn read(path: &Path) -> Result<Settings, FileError> {
    let odd = |what| FileError::Odd { path: path.to_owned(), what };
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if path.is_symlink() {
                return Err(odd("is a link that leads nowhere"));
            }
            return Ok(Settings { path: path.to_owned(), text: None });
        }
        Err(source) => return Err(FileError::Io { path: path.to_owned(), source }),
    };
    let failed = |source| FileError::Io { path: target.clone(), source };
    let about = fs::metadata(&target).map_err(failed)?;
    if !about.is_file() {
        return Err(odd("is no file"));
    }
    if about.len() > LARGEST {
        return Err(odd("is larger than settings are"));
    }
    let bytes = fs::read(&target).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| odd("is not UTF-8 text"))?;
    Ok(Settings { path: target, text: Some(text) })
}

/// Puts `text` in the file's place in one step, with the permissions it had; `None` removes the
/// file. Refuses when the file is not what `settings` found.
///
/// # Errors
/// It may not be written, or was changed meanwhile.
pub fn write(settings: &Settings, text: Option<&str>) -> Result<(), FileError> {
    let path = &settings.path;
    let failed = |source| FileError::Io { path: path.clone(), source };
    if read(path)?.text != settings.text {
        return Err(FileError::Changed { path: path.clone() });
    }
    let permissions = match &settings.text {
        Some(_) => Some(fs::metadata(path).map_err(failed)?.permissions()),
        None => None,
    };
    if permissions.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(FileError::ReadOnly { path: path.clone() });
    }
    match text {
        Some(text) => replace(path, text, permissions).map_err(failed),
        None if settings.text.is_some() => fs::remove_file(path).map_err(failed),
        None => Ok(()),
    }
}

fn replace(path: &Path, text: &str, permissions: Option<fs::Permissions>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".spendbar-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The lines that change, with three lines around them, marked as `diff -u` marks them.
pub fn difference(old: &str, new: &str) -> String {
    const AROUND: usize = 3;
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let same_head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let most_tail = old.len().min(new.len()) - same_head;
    let tails = old.iter().rev().zip(new.iter().rev()).take(most_tail);
    let same_tail = tails.take_while(|(old, new)| old == new).count();
    let mut out = String::new();
    let mut put = |mark: char, lines: &[&str]| {
        for line in lines {
            out.push(mark);
            out.push_str(line);
            out.push('\n');
        }
    };
    let first = same_head.saturating_sub(AROUND);
    put(' ', &old[first..same_head]);
    put('-', &old[same_head..old.len() - same_tail]);
    put('+', &new[same_head..new.len() - same_tail]);
    let behind = old.len() - same_tail;
    put(' ', &old[behind..old.len().min(behind + AROUND)]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_in_one_step_and_keeps_its_permissions() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new/settings.json");
        let none = read(&path).unwrap();
        assert_eq!(none.text, None);
        write(&none, Some("{}")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            let link = home.path().join("link.json");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            let there = read(&link).unwrap();
            write(&there, Some("{ }")).unwrap();
            assert!(link.is_symlink());
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        }
        let stale = Settings { path: path.clone(), text: Some("old".into()) };
        assert!(matches!(write(&stale, Some("x")), Err(FileError::Changed { .. })));
        write(&read(&path).unwrap(), None).unwrap();
        assert!(!path.exists());
        assert_eq!(fs::read_dir(home.path().join("new")).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_settings_file_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("settings.json");
        std::os::unix::fs::symlink(home.path().join("gone"), &path).unwrap();
        assert!(matches!(read(&path), Err(FileError::Odd { .. })));
        assert!(matches!(read(home.path()), Err(FileError::Odd { .. })));
        let locked = home.path().join("locked.json");
        fs::write(&locked, "{}").unwrap();
        let mut permissions = fs::metadata(&locked).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&locked, permissions).unwrap();
        let settings = read(&locked).unwrap();
        assert!(matches!(write(&settings, Some("[]")), Err(FileError::ReadOnly { .. })));
        fs::write(path.with_extension("bin"), b"\xff").unwrap();
        assert!(matches!(read(&path.with_extension("bin")), Err(FileError::Odd { .. })));
    }

    #[test]
    fn only_what_changes_is_shown() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let new = "1\n2\n3\n4\n5a\n5b\n6\n7\n8\n";
        assert_eq!(difference(old, new), " 2\n 3\n 4\n-5\n+5a\n+5b\n 6\n 7\n 8\n");
        assert_eq!(difference("", "a\nb\n"), "+a\n+b\n");
        assert_eq!(difference("a\n", "a\n"), " a\n");
    }
}
