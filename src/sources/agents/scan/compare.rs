//! Roots and stamps -> the files that changed, at the price of one look at each folder and each file
//! and without the marks' states.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::walk::walk;
use crate::sources::{Changes, Entered};
use crate::spend::Stamps;

/// Which files are of a kind, and how deep below a root they may lie.
pub type Kind<'a> = (&'a dyn Fn(&Path) -> bool, usize);

/// Compares with what is there. With `recent` only new files and about so many of the known ones
/// are looked at, those that changed last. `entering` is told of every folder before it is listed,
/// once for each kind. `None` where only a look at everything can tell: a file
/// is gone, or a folder can't be read.
pub fn changes(
    roots: &[PathBuf],
    kinds: &[Kind<'_>],
    stamps: Stamps,
    recent: Option<usize>,
    entering: &dyn Fn(Entered<'_>),
) -> Option<Changes> {
    let since = recent.and_then(|recent| stamps.time_of_newest(recent));
    let stamps = RefCell::new(stamps);
    let mut files = Vec::new();
    for (is_log, deepest) in kinds {
        let is_wanted = |path: &Path| {
            is_log(path) && stamps.borrow_mut().see(path.as_os_str().as_encoded_bytes(), since)
        };
        let found = walk(roots, *deepest, &is_wanted, entering);
        if !found.problems.is_empty() {
            return None;
        }
        let stamps = stamps.borrow();
        let changed = found
            .files
            .into_iter()
            .filter(|file| !stamps.has(&file.name, file.stamp.size, file.stamp.modified_nanos));
        files.extend(changed.map(|file| PathBuf::from(file.name)));
    }
    let left_out = since.is_some();
    if !left_out && !stamps.borrow().are_all_there() {
        return None;
    }
    Some(Changes { files, left_out })
}
