//! What can be wrong with the config file, for people.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the config can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is there and can't be read or written.
    #[error("{}: {cause}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The file says something wrong.
    #[error("{}", Listed { file, problems })]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Everything that is wrong, from the top down; at least one.
        problems: Vec<ConfigProblem>,
    },
}

impl ConfigError {
    pub(super) fn unreadable(file: &Path, cause: &io::Error) -> Self {
        Self::Unreadable { file: file.to_owned(), cause: cause.to_string() }
    }

    pub(super) fn invalid(file: &Path, problem: ConfigProblem) -> Self {
        Self::Invalid { file: file.to_owned(), problems: vec![problem] }
    }
}

/// One thing that is wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Line, from 1.
    pub line: usize,
    /// The setting: `budget.amount`. Empty where the file is no TOML.
    pub field: String,
    /// What was found.
    pub what: String,
    /// What to write instead. May be empty.
    pub hint: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.what)?;
        if !self.hint.is_empty() {
            write!(f, "\n  hint: {}", self.hint)?;
        }
        Ok(())
    }
}

/// `file:line: problem`, one after the other.
struct Listed<'a> {
    file: &'a Path,
    problems: &'a [ConfigProblem],
}

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{}: {problem}", self.file.display(), problem.line)?;
        }
        Ok(())
    }
}
