//! From folder to folder: lists each, or knows what lies in it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use super::super::mark::{Stamp, folder_stamp};
use super::{Found, error_clause};
use crate::sources::Entered;
use crate::spend::tree::ALWAYS;
use crate::spend::{Problem, Tree};

/// What a folder's time says is not certain until so long after it: an entry made in the same tick
/// of the clock leaves it as it is, and file systems' ticks take up to two seconds. Nanoseconds.
const SETTLES_AFTER: i64 = 2_000_000_000;

/// What a walk is about.
#[derive(Clone, Copy)]
pub struct Walk<'a> {
    /// `None` for what is no log; else when it changed last, as far as is known, and [`ALWAYS`] where
    /// it has to be looked at anyway.
    pub time_of: &'a dyn Fn(&Path) -> Option<i64>,
    /// Logs that changed before are not looked at; all are without it.
    pub since: Option<i64>,
    /// Told of each folder that is not below a link before it is looked at.
    pub entering: &'a dyn Fn(Entered<'_>),
    /// The folders as an earlier walk found them: those that are as they were are not listed. Needs
    /// `since`.
    pub earlier: Option<&'a Tree>,
    /// When the walk began (nanoseconds since 1970), if its folders are to be remembered.
    pub began: Option<i64>,
}

impl<'a> Walk<'a> {
    /// Through everything, without a word to anybody.
    pub fn of(time_of: &'a dyn Fn(&Path) -> Option<i64>) -> Self {
        Self { time_of, since: None, entering: &|_| {}, earlier: None, began: None }
    }
}

/// What a walk found.
#[derive(Default)]
pub struct Walked {
    /// Files, in no order.
    pub files: Vec<Found>,
    /// Folders that could not be read.
    pub problems: Vec<Problem>,
    /// Its folders, if they were to be remembered.
    pub tree: Option<Tree>,
    /// A folder that the earlier walk found, and no other one tells to be gone, is none any more.
    pub is_misled: bool,
    /// How many folders were listed.
    pub listed: usize,
}

/// All files below the roots that are to be looked at.
pub fn walk(roots: &[PathBuf], deepest: usize, walk: &Walk<'_>) -> Walked {
    let mut walker = Walker::new(deepest, *walk);
    for root in walker.open(roots) {
        walker.root(&root);
    }
    walker.found
}

/// A walk on its way.
pub struct Walker<'a> {
    walk: Walk<'a>,
    deepest: usize,
    /// Hashes of folders' paths. That two of a million share one has a chance of 1 in 10^26.
    seen: HashSet<u128>,
    /// What was found so far.
    pub found: Walked,
    /// Below a link nobody is told of folders.
    is_below_link: bool,
}

impl<'a> Walker<'a> {
    /// At its beginning; files may lie so many levels below a root.
    pub fn new(deepest: usize, walk: Walk<'a>) -> Self {
        let found = Walked { tree: walk.began.map(|_| Tree::default()), ..Walked::default() };
        Self { walk, deepest, seen: HashSet::new(), found, is_below_link: false }
    }

    /// The roots that exist, links resolved.
    pub fn open(&mut self, roots: &[PathBuf]) -> Vec<PathBuf> {
        let mut open = Vec::new();
        for root in roots {
            match fs::canonicalize(root) {
                Ok(root) => open.push(root),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => self.problem(root, &error),
            }
        }
        open
    }

    /// Goes through all that is below a root.
    pub fn root(&mut self, root: &Path) {
        let earlier = self.walk.earlier.zip(root.to_str()).and_then(|(tree, root)| {
            tree.folders_in(None).find(|(_, name)| *name == root).map(|(at, _)| at)
        });
        self.folder(&mut root.to_owned(), 0, earlier);
    }

    /// Goes through a folder, which stands at `earlier` in the earlier tree. False when what lies
    /// above it can't vouch for it: it was met elsewhere before, or can't be remembered.
    fn folder(&mut self, path: &mut PathBuf, depth: usize, earlier: Option<usize>) -> bool {
        if depth > self.deepest {
            return true;
        }
        if !self.seen.insert(xxh3_128(path.as_os_str().as_encoded_bytes())) {
            return false;
        }
        if !self.is_below_link {
            (self.walk.entering)(Entered::Folder(path));
        }
        if let (Some(at), Some(tree), Some(since)) = (earlier, self.walk.earlier, self.walk.since) {
            match fs::symlink_metadata(&*path) {
                Ok(metadata) if metadata.is_dir() => {
                    let stamp = folder_stamp(&metadata);
                    if stamp.is_some_and(|(stamp, _)| tree.is_as_it_was(at, stamp, since)) {
                        self.pass(tree, at, path, depth);
                        return true;
                    }
                }
                _ => {
                    self.found.is_misled = true;
                    return true;
                }
            }
        }
        let began = self.walk.began.unwrap_or(i64::MIN);
        let Some(tree) = &mut self.found.tree else {
            self.list(path, depth, earlier, None);
            return true;
        };
        let own = remember(tree, path, depth, began);
        // Where it can't be remembered, nothing below it is.
        let put_aside = if own.is_none() { self.found.tree.take() } else { None };
        self.list(path, depth, earlier, own);
        match (own, &mut self.found.tree) {
            (Some(own), Some(tree)) => tree.leave(own),
            _ => self.found.tree = put_aside,
        }
        own.is_some()
    }

    /// Goes on to the folders in one that is as it was.
    fn pass(&mut self, tree: &'a Tree, at: usize, path: &mut PathBuf, depth: usize) {
        for (below, name) in tree.folders_in(Some(at)) {
            path.push(name);
            self.folder(path, depth + 1, Some(below));
            path.pop();
        }
    }

    /// Lists a folder, which stands at `own` in the tree that is made.
    fn list(&mut self, folder: &Path, depth: usize, earlier: Option<usize>, own: Option<usize>) {
        self.found.listed += 1;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => return self.problem(folder, &error),
        };
        let known: HashMap<&str, usize> = match (self.walk.earlier, earlier) {
            (Some(tree), Some(at)) => {
                tree.folders_in(Some(at)).map(|(at, name)| (name, at)).collect()
            }
            _ => HashMap::new(),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.problem(folder, &error),
            };
            let Ok(kind) = entry.file_type() else {
                self.note(own, ALWAYS);
                continue;
            };
            let mut path = entry.path();
            if kind.is_symlink() {
                // What it leads to changes without this folder.
                self.note(own, ALWAYS);
                // Resolved, so that a link to a folder above is seen to be that folder.
                match fs::canonicalize(&path) {
                    Ok(target) => path = target,
                    Err(_) => continue,
                }
            }
            let is_folder = if kind.is_symlink() { path.is_dir() } else { kind.is_dir() };
            if is_folder && kind.is_symlink() {
                self.link(&entry.path(), &mut path, depth + 1);
            } else if is_folder {
                let name = path.file_name().and_then(|name| name.to_str());
                let known = name.and_then(|name| known.get(name).copied());
                if !self.folder(&mut path, depth + 1, known) {
                    self.note(own, ALWAYS);
                }
            } else if let Some(time) = (self.walk.time_of)(&path) {
                self.note(own, time);
                if self.walk.since.is_some_and(|since| time < since) {
                    continue;
                }
                match if kind.is_symlink() { fs::metadata(&path) } else { entry.metadata() } {
                    Ok(metadata) => {
                        self.note(own, Stamp::of(&metadata).modified_nanos);
                        self.log(path, &metadata);
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => self.problem(&path, &error),
                }
            }
        }
    }

    /// Follows a link to a folder.
    fn link(&mut self, link: &Path, target: &mut PathBuf, depth: usize) {
        let was_below_link = std::mem::replace(&mut self.is_below_link, true);
        if !was_below_link {
            (self.walk.entering)(Entered::Link(link));
        }
        let tree = self.found.tree.take();
        self.folder(target, depth, None);
        self.found.tree = tree;
        self.is_below_link = was_below_link;
    }

    fn note(&mut self, folder: Option<usize>, time: i64) {
        if let (Some(tree), Some(at)) = (&mut self.found.tree, folder) {
            tree.note(at, time);
        }
    }

    /// Takes a file in, if it is a log.
    pub fn file(&mut self, path: PathBuf, metadata: &fs::Metadata) {
        if (self.walk.time_of)(&path).is_some() {
            self.log(path, metadata);
        }
    }

    fn log(&mut self, path: PathBuf, metadata: &fs::Metadata) {
        if !metadata.is_file() {
            return;
        }
        match path.into_os_string().into_string() {
            Ok(name) => self.found.files.push(Found { name, stamp: Stamp::of(metadata) }),
            Err(path) => self.found.problems.push(Problem {
                place: path.to_string_lossy().into_owned(),
                position: None,
                what: "its name is no readable text, so it can't be remembered".to_owned(),
            }),
        }
    }

    /// A folder or file can't be read.
    pub fn problem(&mut self, place: &Path, error: &std::io::Error) {
        self.found.problems.push(Problem {
            place: place.display().to_string(),
            position: None,
            what: error_clause(error),
        });
    }
}

/// Enters a folder into a tree, as it is before it is listed: what changes meanwhile shows the next
/// time. `None` where its name is no text or too long.
fn remember(tree: &mut Tree, path: &Path, depth: usize, began: i64) -> Option<usize> {
    let name = if depth == 0 { path.as_os_str() } else { path.file_name()? };
    let metadata = fs::symlink_metadata(path).ok();
    let stamp = metadata.and_then(|metadata| folder_stamp(&metadata));
    let at = tree.enter(depth, name.to_str()?, stamp.map_or(0, |(stamp, _)| stamp))?;
    if stamp.is_none_or(|(_, changed)| changed >= began.saturating_sub(SETTLES_AFTER)) {
        tree.note(at, ALWAYS);
    }
    Some(at)
}

#[cfg(test)]
mod tests;
