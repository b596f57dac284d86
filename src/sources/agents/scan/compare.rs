//! What is known of files and folders -> the files that changed, at the price of one look at each
//! folder and each file and without the marks' states; at a start at that of less.
//!
//! A start lists no folder again that did not change: the times of folders are compared with those
//! that an earlier comparison noted, and a folder's time changes whenever an entry is made in it,
//! removed or renamed. It has to be right about two things. A known file that is among the newest
//! may be anywhere: if one was not met, everything is listed after all. And what no time tells (a
//! file system that keeps none, a link to elsewhere, a change just before the time was noted) is
//! listed always. Whatever is missed all the same, the comparison with everything finds that
//! follows a minute after a start.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::walk::{Walk, Walked, walk};
use crate::sources::{Changes, Entered, Known};
use crate::spend::{Stamps, Tree};

/// Which files are of a kind, and how deep below a root they may lie.
pub type Kind<'a> = (&'a dyn Fn(&Path) -> bool, usize);

/// Compares with what is there. `entering` is told of every folder before it is looked at, once for
/// each kind or more often. `None` where only a look at everything can tell: a file is gone, or a
/// folder can't be read.
pub fn changes(
    roots: &[PathBuf],
    kinds: &[Kind<'_>],
    known: Known,
    entering: &dyn Fn(Entered<'_>),
) -> Option<Changes> {
    let newest = known.stamps.time_of_newest(known.newest);
    let since = newest.filter(|_| !known.all);
    let stamps = RefCell::new(known.stamps);
    let look =
        |(is_log, deepest): &Kind<'_>, earlier: Option<&Tree>, began: Option<i64>| -> Walked {
            let time_of = |path: &Path| {
                is_log(path).then(|| stamps.borrow_mut().see(path.as_os_str().as_encoded_bytes()))
            };
            walk(roots, *deepest, &Walk { time_of: &time_of, since, entering, earlier, began })
        };

    let mut is_misled = false;
    if let (Some(since), [kind], false) = (since, kinds, known.tree.is_empty()) {
        let found = look(kind, Some(&known.tree), None);
        is_misled = found.is_misled || stamps.borrow().misses(since);
        if !found.problems.is_empty() {
            return None;
        }
        if !is_misled {
            let files = changed(found, &stamps.borrow()).collect();
            return Some(Changes { files, left_out: true, tree: None });
        }
    }

    // Folders are not worth remembering where a start looks at all files anyway.
    let began = (newest.is_some() && kinds.len() == 1).then_some(known.began);
    let (mut files, mut tree) = (Vec::new(), None);
    for kind in kinds {
        let mut found = look(kind, None, began);
        if !found.problems.is_empty() {
            return None;
        }
        tree = found.tree.take();
        files.extend(changed(found, &stamps.borrow()));
    }
    let left_out = since.is_some();
    if !left_out && !stamps.borrow().are_all_there() {
        return None;
    }
    // One that misled once would again.
    let is_new = |tree: &Tree| {
        if is_misled { *tree != known.tree } else { tree.replaces(&known.tree) }
    };
    Some(Changes { files, left_out, tree: tree.filter(is_new) })
}

fn changed(found: Walked, stamps: &Stamps) -> impl Iterator<Item = PathBuf> {
    let files = found.files.into_iter();
    let changed =
        files.filter(|file| !stamps.has(&file.name, file.stamp.size, file.stamp.modified_nanos));
    changed.map(|file| PathBuf::from(file.name))
}

#[cfg(test)]
mod tests;
