//! Watches the agents' folders, so that an appended line is seen at once and nothing is read in
//! between. A slow sweep stands behind it: a watcher may miss events or not be available at all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::UnboundedSender;

use crate::platform::watcher::Watcher;
pub use crate::platform::watcher::{Change, Companion};
use crate::sources::{Depth, Watched};

/// Watches folders and sends [`Change`]s.
pub struct Watch {
    watcher: Option<Watcher>,
    watched: BTreeSet<PathBuf>,
    trouble: Option<String>,
}

impl Watch {
    /// Starts watching nothing yet. Where the system can't watch, the slow sweep does all.
    pub fn start(changes: UnboundedSender<Change>) -> Self {
        let tell = move |change| {
            if let Some(change) = in_logs(change) {
                // The receiver is gone only while the program ends.
                let _ = changes.send(change);
            }
        };
        let (watcher, trouble) = match Watcher::start(tell) {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(format!("files are not watched: {error}"))),
        };
        Self { watcher, watched: BTreeSet::new(), trouble }
    }

    /// Watches those folders that exist and are not watched yet, and forgets those that are gone.
    /// Returns whether one is new, which calls for a look.
    pub fn follow(&mut self, folders: &[Watched]) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let mut found_new = false;
        for Watched { folder: root, depth } in folders {
            let exists = root.is_dir();
            if exists && !self.watched.contains(root) {
                match watcher.watch(root, *depth == Depth::Tree) {
                    Ok(()) => {
                        self.watched.insert(root.clone());
                        found_new = true;
                    }
                    // Usually the system's limit of watches: the sweep still reads the folder.
                    Err(error) => {
                        self.trouble = Some(format!("{} is not watched: {error}", root.display()));
                    }
                }
            } else if !exists && self.watched.remove(root) {
                watcher.unwatch(root);
            }
        }
        found_new
    }

    /// What watches a tree while a look lists it, which saves a second listing.
    pub fn companion(&self) -> Option<Companion> {
        self.watcher.as_ref()?.companion()
    }

    /// A look that was to list these folders did not: nothing is known of what is watched below.
    pub fn forget(&mut self, folders: &[Watched]) {
        let Some(watcher) = &mut self.watcher else { return };
        for Watched { folder, .. } in folders {
            watcher.unwatch(folder);
            if let Ok(resolved) = folder.canonicalize() {
                watcher.unwatch(&resolved);
            }
        }
    }

    /// Why something is not watched, if so.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

/// A change as the sources see it; `None` when it can't change any figure.
fn in_logs(change: Change) -> Option<Change> {
    let Change::Files(mut files) = change else { return Some(change) };
    // The index of a database's write-ahead log changes when the database is only read.
    files.retain(|path| !path.to_string_lossy().ends_with("-shm"));
    files.iter_mut().for_each(|path| *path = database_of(path));
    (!files.is_empty()).then_some(Change::Files(files))
}

/// The database that a write-ahead log or a journal belongs to; else the path itself.
fn database_of(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    let database = text.strip_suffix("-wal").or_else(|| text.strip_suffix("-journal"));
    database.map_or_else(|| path.to_owned(), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn an_appended_line_is_told_with_its_path() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("a.jsonl");
        std::fs::write(&file, "1\n").expect("write");
        let (sender, mut changes) = tokio::sync::mpsc::unbounded_channel();
        let mut watch = Watch::start(sender);
        let tree = |folder: PathBuf| Watched { folder, depth: Depth::Tree };
        let folders = [tree(folder.path().to_owned()), tree(folder.path().join("missing"))];
        assert!(watch.follow(&folders));
        assert!(!watch.follow(&folders), "already followed");
        std::fs::write(&file, "1\n2\n").expect("append");
        let change = tokio::time::timeout(Duration::from_secs(10), changes.recv()).await;
        assert_eq!(change.expect("in time"), Some(Change::Files(vec![file])));
    }

    #[test]
    fn what_is_written_beside_a_database_is_a_change_of_it() {
        let written =
            |names: &[&str]| in_logs(Change::Files(names.iter().map(PathBuf::from).collect()));
        let database = Some(Change::Files(vec!["/a/b.db".into()]));
        assert_eq!(written(&["/a/b.db-wal"]), database);
        assert_eq!(written(&["/a/b.db-journal"]), database);
        assert_eq!(written(&["/a/b.db-shm"]), None);
    }
}
