//! Watches the agents' folders, so that an appended line is seen at once and nothing is read in
//! between. A slow sweep stands behind it: a watcher may miss events or not be available at all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::UnboundedSender;

use crate::sources::{Depth, Watched};

/// What the operating system says changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These files.
    Files(Vec<PathBuf>),
    /// Something; look everywhere.
    Anything,
}

/// Watches folders and sends [`Change`]s.
pub struct Watch {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    trouble: Option<String>,
}

impl Watch {
    /// Starts watching nothing yet. Where the system can't watch, the slow sweep does all.
    pub fn start(changes: UnboundedSender<Change>) -> Self {
        let handler = move |event: notify::Result<notify::Event>| {
            // The receiver is gone only while the program ends.
            let _ = match event {
                Ok(event) => match change_of(event) {
                    Some(change) => changes.send(change),
                    None => Ok(()),
                },
                Err(_) => changes.send(Change::Anything),
            };
        };
        match notify::recommended_watcher(handler) {
            Ok(watcher) => Self { watcher: Some(watcher), watched: BTreeSet::new(), trouble: None },
            Err(error) => Self {
                watcher: None,
                watched: BTreeSet::new(),
                trouble: Some(format!("files are not watched: {error}")),
            },
        }
    }

    /// Watches those folders that exist and are not watched yet, and forgets those that are gone.
    /// Returns whether one is new, which calls for a look.
    pub fn follow(&mut self, folders: &[Watched]) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let mut found_new = false;
        for Watched { folder: root, depth } in folders {
            let exists = root.is_dir();
            if exists && !self.watched.contains(root) {
                let mode = match depth {
                    Depth::Folder => RecursiveMode::NonRecursive,
                    Depth::Tree => RecursiveMode::Recursive,
                };
                match watcher.watch(root, mode) {
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
                // It is gone, so there is nothing left to unwatch; failing at that changes nothing.
                let _ = watcher.unwatch(root);
            }
        }
        found_new
    }

    /// Why something is not watched, if so.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

/// Which files an event is about; `None` when it can't change any figure.
fn change_of(mut event: notify::Event) -> Option<Change> {
    if event.need_rescan() {
        return Some(Change::Anything);
    }
    // The index of a database's write-ahead log changes when the database is only read.
    let named = event.paths.len();
    event.paths.retain(|path| !path.to_string_lossy().ends_with("-shm"));
    if event.paths.is_empty() && named > 0 {
        return None;
    }
    event.paths.iter_mut().for_each(|path| *path = database_of(path));
    match event.kind {
        EventKind::Access(_) => None,
        EventKind::Modify(notify::event::ModifyKind::Metadata(_)) => None,
        // A folder that appears may already hold files written before it was watched.
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Any | EventKind::Other
            if event.paths.iter().any(|path| path.is_dir()) =>
        {
            Some(Change::Anything)
        }
        _ if event.paths.is_empty() => Some(Change::Anything),
        _ => Some(Change::Files(event.paths)),
    }
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
        let written = |names: &[&str]| {
            let kind = EventKind::Modify(notify::event::ModifyKind::Any);
            let paths = names.iter().map(PathBuf::from);
            change_of(paths.fold(notify::Event::new(kind), notify::Event::add_path))
        };
        let database = Some(Change::Files(vec!["/a/b.db".into()]));
        assert_eq!(written(&["/a/b.db-wal"]), database);
        assert_eq!(written(&["/a/b.db-journal"]), database);
        assert_eq!(written(&["/a/b.db-shm"]), None);
    }

    #[test]
    fn reading_a_file_is_no_change() {
        let event = notify::Event::new(EventKind::Access(notify::event::AccessKind::Read));
        assert_eq!(change_of(event), None);
    }
}
