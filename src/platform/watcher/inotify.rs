//! Through inotify itself: only what can change a figure wakes the program, and a tree of many
//! thousand files is watched without looking at each of them.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use inotify::{Event, EventMask, Inotify, WatchDescriptor, WatchMask, Watches};

use super::Change;

/// Room for the events of one waking; a burst is told in pieces.
const BUFFER_BYTES: usize = 16 * 1024;

/// Watches folders.
pub struct Watcher {
    watches: Watches,
    shared: Arc<Mutex<Shared>>,
}

/// Watches a tree folder by folder, as somebody else lists it.
#[derive(Clone)]
pub struct Companion {
    watches: Watches,
    shared: Arc<Mutex<Shared>>,
}

/// What the thread that waits for events knows too.
#[derive(Default)]
struct Shared {
    folders: HashMap<WatchDescriptor, Folder>,
    /// Why a companion could not watch a folder.
    failed: Option<String>,
    is_over: bool,
}

struct Folder {
    path: PathBuf,
    tree: bool,
}

impl Watcher {
    /// Watches nothing yet; `tell` is called from another thread.
    ///
    /// # Errors
    /// Why the system can't watch.
    pub fn start(tell: impl Fn(Change) + Send + 'static) -> Result<Self, String> {
        let inotify = Inotify::init().map_err(|error| cause(&error))?;
        let watches = inotify.watches();
        let shared = Arc::<Mutex<Shared>>::default();
        let known = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(move || wait(inotify, &known, &tell))
            .map_err(|error| error.to_string())?;
        Ok(Self { watches, shared })
    }

    /// Watches a folder, and with `tree` all that is below it. What a [`Companion`] watches already
    /// is not listed again.
    ///
    /// # Errors
    /// Why it, or a folder that a companion was to watch, can't be watched.
    pub fn watch(&mut self, folder: &Path, tree: bool) -> Result<(), String> {
        let mut shared = lock(&self.shared);
        shared.add(&mut self.watches, folder.to_owned(), tree).map_err(|error| cause(&error))?;
        shared.failed.take().map_or(Ok(()), Err)
    }

    /// Somebody else is about to list trees. `None` where the system watches a tree by itself.
    pub fn companion(&self) -> Option<Companion> {
        let (watches, shared) = (self.watches.clone(), Arc::clone(&self.shared));
        Some(Companion { watches, shared })
    }

    /// Watches a folder that is gone no longer.
    pub fn unwatch(&mut self, folder: &Path) {
        lock(&self.shared).forget(&mut self.watches, folder);
    }
}

impl Companion {
    /// Watches a folder before it is listed; those in it are told when it is their turn.
    pub fn enter(&self, folder: &Path) {
        self.add(folder, false);
    }

    /// Watches a folder that somebody else lists under another name, and all that is below it.
    pub fn follow(&self, folder: &Path) {
        self.add(folder, true);
    }

    fn add(&self, folder: &Path, lists: bool) {
        let mut watches = self.watches.clone();
        let mut shared = lock(&self.shared);
        if let Err(error) = shared.add_as(&mut watches, folder.to_owned(), true, lists)
            && !passes(&error)
        {
            shared.failed = Some(cause(&error));
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.is_over = true;
        // The end of a watch is an event, which wakes the thread.
        let any = shared.folders.keys().next().cloned();
        let any = any.map_or_else(|| self.watches.add("/", WatchMask::DELETE_SELF), Ok);
        let _ = any.and_then(|watch| self.watches.remove(watch));
    }
}

impl Shared {
    /// Links are followed; a folder that is known already is not gone into again.
    fn add(&mut self, watches: &mut Watches, folder: PathBuf, tree: bool) -> io::Result<()> {
        self.add_as(watches, folder, tree, tree)
    }

    /// The same; `lists` says whether the folders in it are looked for.
    fn add_as(
        &mut self,
        watches: &mut Watches,
        folder: PathBuf,
        tree: bool,
        lists: bool,
    ) -> io::Result<()> {
        let mut waiting = vec![folder];
        let mut is_first = true;
        while let Some(path) = waiting.pop() {
            let mask = WatchMask::CREATE
                | WatchMask::DELETE
                | WatchMask::MODIFY
                | WatchMask::MOVED_FROM
                | WatchMask::MOVED_TO
                | WatchMask::ONLYDIR;
            match watches.add(&path, mask) {
                Ok(watch) => {
                    let known = self.folders.get(&watch);
                    if known.is_some_and(|known| known.tree || !tree) {
                        continue;
                    }
                    if lists {
                        // After the watch began: what appears meanwhile is found or told.
                        folders_in(&path, &mut waiting);
                    }
                    self.folders.insert(watch, Folder { path, tree });
                }
                // One that is gone again or closed to this user hides nothing of the others.
                Err(error) if !is_first && passes(&error) => {}
                Err(error) => return Err(error),
            }
            is_first = false;
        }
        Ok(())
    }

    /// Forgets a folder and all below it, which are gone or elsewhere.
    fn forget(&mut self, watches: &mut Watches, folder: &Path) {
        let gone = self.folders.extract_if(|_, known| known.path.starts_with(folder));
        for (watch, _) in gone {
            // Most often the system has ended it already.
            let _ = watches.remove(watch);
        }
    }

    /// Takes an event in; false when nobody can tell which files it is about.
    fn take(
        &mut self,
        watches: &mut Watches,
        event: &Event<&std::ffi::OsStr>,
        files: &mut BTreeSet<PathBuf>,
    ) -> bool {
        if event.mask.contains(EventMask::Q_OVERFLOW) {
            return false;
        }
        if event.mask.contains(EventMask::IGNORED) {
            self.folders.remove(&event.wd);
            return true;
        }
        let (Some(folder), Some(name)) = (self.folders.get(&event.wd), event.name) else {
            return true;
        };
        let path = folder.path.join(name);
        let tree = folder.tree;
        if event.mask.intersects(EventMask::CREATE | EventMask::MOVED_TO) && path.is_dir() {
            if tree {
                // The limit of watches may be reached: the sweep still reads the folder.
                let _ = self.add(watches, path, true);
            }
            // It may already hold files that were written before it was watched.
            return false;
        }
        if event.mask.contains(EventMask::MOVED_FROM | EventMask::ISDIR) {
            self.forget(watches, &path);
        }
        files.insert(path);
        true
    }
}

/// Waits for events until the watcher is dropped.
fn wait(mut inotify: Inotify, shared: &Mutex<Shared>, tell: &dyn Fn(Change)) {
    let mut watches = inotify.watches();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let events = match inotify.read_events_blocking(&mut buffer) {
            Ok(events) => events,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return log::error!("folders are watched no longer: {error}"),
        };
        let mut files = BTreeSet::new();
        let mut is_clear = true;
        let mut shared = lock(shared);
        for event in events {
            is_clear &= shared.take(&mut watches, &event, &mut files);
        }
        if shared.is_over {
            return;
        }
        drop(shared);
        if !is_clear {
            tell(Change::Anything);
        } else if !files.is_empty() {
            tell(Change::Files(files.into_iter().collect()));
        }
    }
}

/// The folders in a folder, links to folders included.
fn folders_in(folder: &Path, into: &mut Vec<PathBuf>) {
    // What can't be read is named by the look at it.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() || (kind.is_symlink() && entry.path().is_dir()) {
            into.push(entry.path());
        }
    }
}

fn passes(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied
    )
}

fn cause(error: &io::Error) -> String {
    match error.kind() {
        // Not the disk is full: that is what the system calls it.
        ErrorKind::StorageFull => "the system's limit of watched folders is reached".to_owned(),
        _ => error.to_string(),
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    fn watcher() -> (Watcher, Receiver<Change>) {
        let (sender, changes) = channel();
        let tell = move |change| drop(sender.send(change));
        (Watcher::start(tell).unwrap(), changes)
    }

    fn next(changes: &Receiver<Change>) -> Change {
        changes.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    /// What is told until nothing more comes for a moment.
    fn rest(changes: &Receiver<Change>) -> Vec<Change> {
        std::iter::from_fn(|| changes.recv_timeout(Duration::from_millis(200)).ok()).collect()
    }

    #[test]
    fn a_tree_tells_of_files_far_below_and_a_folder_alone_does_not() {
        let home = tempfile::tempdir().unwrap();
        let deep = home.path().join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        for tree in [true, false] {
            let (mut watcher, changes) = watcher();
            watcher.watch(home.path(), tree).unwrap();
            fs::write(deep.join("x"), "1").unwrap();
            let near = home.path().join("near");
            fs::write(&near, "1").unwrap();
            let told = rest(&changes);
            let tells = |file: &PathBuf| {
                told.iter().any(|c| matches!(c, Change::Files(files) if files.contains(file)))
            };
            assert!(tells(&near));
            assert_eq!(tells(&deep.join("x")), tree);
            fs::remove_file(&near).unwrap();
        }
    }

    #[test]
    fn a_tree_that_somebody_else_lists_is_watched_without_being_listed_again() {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("a/b")).unwrap();
        fs::create_dir(elsewhere.path().join("c")).unwrap();
        symlink(elsewhere.path(), home.path().join("link")).unwrap();
        let (mut watcher, changes) = watcher();
        let companion = watcher.companion().unwrap();
        companion.enter(home.path());
        companion.enter(&home.path().join("a"));
        companion.enter(&home.path().join("gone"));
        companion.follow(&home.path().join("link"));
        watcher.watch(home.path(), true).unwrap();
        // This one nobody entered, which shows that it was not looked for.
        fs::write(home.path().join("a/b/x"), "1").unwrap();
        assert!(rest(&changes).is_empty());
        for file in ["a/x", "x", "link/c/x"] {
            let file = home.path().join(file);
            fs::write(&file, "1").unwrap();
            assert_eq!(next(&changes), Change::Files(vec![file]));
            rest(&changes);
        }
        // What appears later is watched as anywhere.
        fs::create_dir(home.path().join("a/new")).unwrap();
        assert_eq!(next(&changes), Change::Anything);
        rest(&changes);
        let file = home.path().join("a/new/x");
        fs::write(&file, "1").unwrap();
        assert_eq!(next(&changes), Change::Files(vec![file]));
    }

    #[test]
    fn a_new_folder_calls_for_a_look_everywhere_and_is_watched() {
        let home = tempfile::tempdir().unwrap();
        let (mut watcher, changes) = watcher();
        watcher.watch(home.path(), true).unwrap();
        fs::create_dir_all(home.path().join("new/newer")).unwrap();
        assert_eq!(next(&changes), Change::Anything);
        rest(&changes);
        let file = home.path().join("new/newer/a");
        fs::write(&file, "1").unwrap();
        assert_eq!(next(&changes), Change::Files(vec![file]));
    }

    #[test]
    fn a_renamed_folder_tells_its_files_by_their_new_names() {
        let home = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| home.path().join(name));
        fs::create_dir_all(old.join("sub")).unwrap();
        let (mut watcher, changes) = watcher();
        watcher.watch(home.path(), true).unwrap();
        fs::rename(&old, &new).unwrap();
        assert!(rest(&changes).contains(&Change::Anything));
        fs::write(new.join("sub/a"), "1").unwrap();
        assert_eq!(next(&changes), Change::Files(vec![new.join("sub/a")]));
    }

    #[test]
    fn reading_and_listing_tell_nothing() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a");
        fs::write(&file, "1").unwrap();
        let (mut watcher, changes) = watcher();
        watcher.watch(home.path(), true).unwrap();
        fs::read(&file).unwrap();
        fs::read_dir(home.path()).unwrap().for_each(drop);
        assert!(rest(&changes).is_empty());
    }

    #[test]
    fn a_linked_folder_is_watched_and_a_loop_ends() {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        symlink(elsewhere.path(), home.path().join("link")).unwrap();
        symlink(home.path(), home.path().join("loop")).unwrap();
        let (mut watcher, changes) = watcher();
        watcher.watch(home.path(), true).unwrap();
        fs::write(elsewhere.path().join("a"), "1").unwrap();
        assert_eq!(next(&changes), Change::Files(vec![home.path().join("link/a")]));
    }

    #[test]
    fn what_is_missing_is_an_error_and_what_is_gone_is_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let (mut watcher, _changes) = watcher();
        assert!(watcher.watch(&home.path().join("none"), true).is_err());
        let folder = home.path().join("a/b");
        fs::create_dir_all(&folder).unwrap();
        watcher.watch(&home.path().join("a"), true).unwrap();
        fs::remove_dir_all(home.path().join("a")).unwrap();
        watcher.unwatch(&home.path().join("a"));
        assert!(lock(&watcher.shared).folders.is_empty());
        fs::create_dir_all(&folder).unwrap();
        watcher.watch(&home.path().join("a"), true).unwrap();
    }
}
