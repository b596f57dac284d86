//! Through the crate `notify`.

use std::path::Path;

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode};

use super::Change;

/// Watches folders.
pub struct Watcher(RecommendedWatcher);

/// Watches a tree folder by folder, as somebody else lists it: nobody has to here.
#[derive(Clone)]
pub enum Companion {}

impl Companion {
    /// Watches a folder before it is listed; those in it are told when it is their turn.
    pub fn enter(&self, _folder: &Path) {
        match *self {}
    }

    /// Watches a folder that somebody else lists under another name, and all that is below it.
    pub fn follow(&self, _folder: &Path) {
        match *self {}
    }
}

impl Watcher {
    /// Watches nothing yet; `tell` is called from another thread.
    ///
    /// # Errors
    /// Why the system can't watch.
    pub fn start(tell: impl Fn(Change) + Send + 'static) -> Result<Self, String> {
        let handler = move |event: notify::Result<Event>| match event {
            Ok(event) => {
                if let Some(change) = change_of(event) {
                    tell(change);
                }
            }
            Err(_) => tell(Change::Anything),
        };
        notify::recommended_watcher(handler).map(Self).map_err(|error| error.to_string())
    }

    /// Watches a folder, and with `tree` all that is below it.
    ///
    /// # Errors
    /// Why it can't be watched.
    pub fn watch(&mut self, folder: &Path, tree: bool) -> Result<(), String> {
        let mode = if tree { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        notify::Watcher::watch(&mut self.0, folder, mode).map_err(|error| error.to_string())
    }

    /// The system watches a tree by itself.
    pub fn companion(&self) -> Option<Companion> {
        None
    }

    /// Watches a folder that is gone no longer.
    pub fn unwatch(&mut self, folder: &Path) {
        // There is nothing left to unwatch; failing at that changes nothing.
        let _ = notify::Watcher::unwatch(&mut self.0, folder);
    }
}

/// Which files an event is about; `None` when it can't change any figure.
fn change_of(event: Event) -> Option<Change> {
    if event.need_rescan() {
        return Some(Change::Anything);
    }
    match event.kind {
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => None,
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
