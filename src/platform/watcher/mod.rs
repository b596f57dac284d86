//! Tells what changes in folders, as the operating system sees it.

#[cfg(target_os = "linux")]
#[path = "inotify.rs"]
mod system;

#[cfg(not(target_os = "linux"))]
#[path = "notify.rs"]
mod system;

use std::path::PathBuf;

pub use system::{Companion, Watcher};

/// What the operating system says changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These files.
    Files(Vec<PathBuf>),
    /// Something; look everywhere.
    Anything,
}
