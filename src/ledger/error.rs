//! What can go wrong with the ledger, with a variant for each thing a caller does about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the ledger could not be opened, read or written. Nothing was half-written in any case.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A later version of this program made it. Left as it is.
    #[error(
        "a newer Spendbar wrote the ledger {path}: it has version {found}, this one knows versions up to {known}"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Version of the file.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// An earlier version of this program made it, and the caller has no time to migrate it.
    #[error("an older Spendbar wrote the ledger {path}")]
    Older {
        /// The file.
        path: PathBuf,
    },
    /// A database, but not of this program. Left as it is.
    #[error("{path} is a database of another program")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// SQLite can't make sense of it.
    #[error("the ledger {path} is damaged: {what}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        what: String,
    },
    /// No room left on the disk.
    #[error("the disk that holds the ledger {path} is full")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder may not be written.
    #[error("the ledger {path} may not be written")]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder can't be made or opened.
    #[error("the ledger {path} could not be opened: {what}")]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The system's words.
        what: String,
    },
    /// Another process kept it locked for longer than we wait.
    #[error("the ledger {path} is locked by another program")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Anything else: a fault of the disk or of this program.
    #[error("the ledger {path} failed: {what}")]
    Failed {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        what: String,
    },
}

impl LedgerError {
    /// What to do about it, as one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Newer { .. } => "Install the newest Spendbar. The ledger was not touched.",
            Self::Older { .. } => "Run `spendbar status`: it brings the ledger to this version.",
            Self::Foreign { .. } => "Move that file away. It was not touched.",
            Self::Corrupt { .. } => {
                "Start Spendbar again: it sets the damaged file aside and starts a new one."
            }
            Self::Full { .. } => {
                "Free some space. Nothing is lost: what was not recorded is read again."
            }
            Self::ReadOnly { .. } | Self::CannotOpen { .. } => {
                "Make the file and its folder writable for your user."
            }
            Self::Busy { .. } => "End the program that holds it, or try again.",
            Self::Failed { .. } => "Try again; if it stays, run `spendbar doctor`.",
        }
    }

    /// Sorts an error of SQLite by what can be done about it.
    pub(super) fn new(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let what = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Corrupt { path, what }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path },
            Some(ErrorCode::CannotOpen) => Self::CannotOpen { path, what },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Failed { path, what },
        }
    }

    /// Sorts an error of the file system.
    pub(super) fn from_io(path: &Path, error: &std::io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::Full { path },
            std::io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::CannotOpen { path, what: error.to_string() },
        }
    }
}
