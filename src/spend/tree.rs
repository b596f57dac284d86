//! What tells that a folder need not be listed again: the folders of a source as one walk found them.

use std::collections::HashSet;
use std::path::{Component, Path};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The folders of a source, in the order of a walk: each before those in it. What lies below a link
/// is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// All names, one after the other.
    names: String,
    folders: Vec<Folder>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Folder {
    /// How far below its root it lies.
    depth: u16,
    /// Where its name begins among the names, and how long it is: the whole path of a root, the last
    /// part of it of any other.
    name: (u32, u16),
    stamp: u64,
    newest: i64,
    /// The next folder that is not below it.
    after: u32,
}

/// A time that no file reaches: what has it has to be looked at whenever anything is.
pub const ALWAYS: i64 = i64::MAX;

/// The first byte of a packed tree.
const VERSION: u8 = 1;
/// What a packed folder takes beside its name.
const BYTES: usize = 20;

impl Tree {
    /// Whether no folder is known.
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// How many folders are known.
    pub fn len(&self) -> usize {
        self.folders.len()
    }

    /// A walk goes into a folder. `name` is a root's whole path, or the last part of another
    /// folder's; `stamp` changes whenever an entry is made in it, removed or renamed. Gives where it
    /// stands; `None` where it can't be remembered.
    pub fn enter(&mut self, depth: usize, name: &str, stamp: u64) -> Option<usize> {
        let depth = u16::try_from(depth).ok()?;
        let name_at = (u32::try_from(self.names.len()).ok()?, u16::try_from(name.len()).ok()?);
        let after = u32::try_from(self.folders.len() + 1).ok()?;
        if depth > 0 && !is_one_part(name) {
            return None;
        }
        self.names.push_str(name);
        self.folders.push(Folder { depth, name: name_at, stamp, newest: i64::MIN, after });
        Some(self.folders.len() - 1)
    }

    /// A log lies directly in a folder and changed last at `modified` (nanoseconds since 1970);
    /// [`ALWAYS`] has the folder listed whatever its stamp.
    pub fn note(&mut self, at: usize, modified: i64) {
        let newest = &mut self.folders[at].newest;
        *newest = modified.max(*newest);
    }

    /// The walk has been through all that is below a folder.
    pub fn leave(&mut self, at: usize) {
        // As many as `enter` let in.
        self.folders[at].after = self.folders.len() as u32;
    }

    /// The roots, or the folders in one of them: where they stand, and their names.
    pub fn folders_in(&self, folder: Option<usize>) -> impl Iterator<Item = (usize, &str)> {
        let (mut next, end) = match folder {
            None => (0, self.folders.len()),
            Some(at) => (at + 1, self.folders[at].after as usize),
        };
        std::iter::from_fn(move || {
            let at = (next < end).then_some(next)?;
            next = self.folders[at].after as usize;
            Some((at, self.name(&self.folders[at])))
        })
    }

    /// Whether what lies in a folder that has this stamp now is what lay in it then, with no log
    /// among it that changed since `since`.
    pub fn is_as_it_was(&self, at: usize, stamp: u64, since: i64) -> bool {
        let folder = &self.folders[at];
        folder.stamp == stamp && folder.newest < since
    }

    /// Whether so many folders are others than in `stored` that it should be stored in its place:
    /// more than an eighth. A stale tree costs no more than listings, and a ledger that is written
    /// whenever a session begins costs more.
    pub fn replaces(&self, stored: &Self) -> bool {
        let of_stored: HashSet<_> = stored.stamps().collect();
        let same = self.stamps().filter(|stamp| of_stored.contains(stamp)).count();
        let most = self.len().max(stored.len());
        (most - same) * 8 > most
    }

    /// What tells each folder from others and from itself at other times.
    fn stamps(&self) -> impl Iterator<Item = (u64, u64, bool)> {
        let mut paths: Vec<u64> = Vec::new();
        self.folders.iter().map(move |folder| {
            paths.truncate(folder.depth.into());
            let above = paths.last().copied().unwrap_or_default();
            let path = xxh3_64_with_seed(self.name(folder).as_bytes(), above);
            paths.push(path);
            (path, folder.stamp, folder.newest == ALWAYS)
        })
    }

    fn name(&self, folder: &Folder) -> &str {
        let (from, length) = (folder.name.0 as usize, usize::from(folder.name.1));
        &self.names[from..from + length]
    }

    /// As bytes: some twenty of a folder, and its name.
    pub fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + self.folders.len() * BYTES + self.names.len());
        bytes.push(VERSION);
        for folder in &self.folders {
            bytes.extend(folder.depth.to_le_bytes());
            bytes.extend(folder.name.1.to_le_bytes());
            bytes.extend(folder.stamp.to_le_bytes());
            bytes.extend(folder.newest.to_le_bytes());
            bytes.extend(self.name(folder).as_bytes());
        }
        bytes
    }

    /// What [`Tree::pack`] made; no folders at all where it can't have made this.
    pub fn unpack(bytes: &[u8]) -> Self {
        Self::read(bytes).unwrap_or_default()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, mut rest) = bytes.split_first()? else { return None };
        let mut tree = Self::default();
        // Those that the next one may lie in.
        let mut above: Vec<usize> = Vec::new();
        while !rest.is_empty() {
            let depth = usize::from(u16::from_le_bytes(take(&mut rest)?));
            let length = usize::from(u16::from_le_bytes(take(&mut rest)?));
            let stamp = u64::from_le_bytes(take(&mut rest)?);
            let newest = i64::from_le_bytes(take(&mut rest)?);
            let (name, others) = rest.split_at_checked(length)?;
            rest = others;
            if depth > above.len() {
                return None;
            }
            above.drain(depth..).for_each(|left| tree.leave(left));
            let at = tree.enter(depth, std::str::from_utf8(name).ok()?, stamp)?;
            tree.note(at, newest);
            above.push(at);
        }
        above.into_iter().for_each(|left| tree.leave(left));
        Some(tree)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// Whether a name leads from a folder to one in it, and nowhere else.
fn is_one_part(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(parts.next(), Some(Component::Normal(part)) if part == name) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Folders by depth, name, stamp and newest log, each after those that it lies in.
    fn tree(folders: &[(usize, &str, u64, i64)]) -> Tree {
        let mut tree = Tree::default();
        let mut above = Vec::new();
        for (depth, name, stamp, newest) in folders {
            above.drain(depth..).for_each(|left| tree.leave(left));
            let at = tree.enter(*depth, name, *stamp).unwrap();
            tree.note(at, *newest);
            above.push(at);
        }
        above.into_iter().for_each(|left| tree.leave(left));
        tree
    }

    fn small() -> Tree {
        tree(&[
            (0, "/logs", 1, i64::MIN),
            (1, "a", 2, 50),
            (2, "deep", 3, 60),
            (1, "b", 4, ALWAYS),
            (0, "/more", 5, 70),
        ])
    }

    fn names(tree: &Tree, folder: Option<usize>) -> Vec<&str> {
        tree.folders_in(folder).map(|(_, name)| name).collect()
    }

    #[test]
    fn each_folder_knows_those_in_it() {
        let tree = small();
        assert_eq!(names(&tree, None), ["/logs", "/more"]);
        assert_eq!(names(&tree, Some(0)), ["a", "b"]);
        assert_eq!(names(&tree, Some(1)), ["deep"]);
        assert!(names(&tree, Some(2)).is_empty() && names(&tree, Some(4)).is_empty());
    }

    #[test]
    fn a_folder_is_as_it_was_by_its_stamp_and_without_a_new_log() {
        let tree = small();
        assert!(tree.is_as_it_was(1, 2, 51) && tree.is_as_it_was(0, 1, i64::MIN + 1));
        assert!(!tree.is_as_it_was(1, 3, 51), "another stamp");
        assert!(!tree.is_as_it_was(1, 2, 50), "a log that changed then");
        assert!(!tree.is_as_it_was(3, 4, i64::MAX), "one that is always listed");
    }

    #[test]
    fn no_name_leads_elsewhere() {
        for name in ["..", ".", "", "a/b", "/a", "a/", "./a"] {
            assert_eq!(Tree::default().enter(1, name, 1), None, "{name:?}");
        }
    }

    #[test]
    fn another_tree_is_stored_once_more_than_an_eighth_of_it_differs() {
        let numbers: Vec<String> = (0..16).map(|n| n.to_string()).collect();
        let of = |stamp: &dyn Fn(usize) -> u64, count: usize| {
            let all = numbers[..count].iter().enumerate();
            tree(&all.map(|(n, name)| (0, name.as_str(), stamp(n), 1)).collect::<Vec<_>>())
        };
        let stored = of(&|_| 1, 16);
        let changed = |many: usize| of(&|n| if n < many { 2 } else { 1 }, 16);
        assert!(!stored.replaces(&stored));
        assert!(!changed(2).replaces(&stored) && changed(3).replaces(&stored));
        assert!(!of(&|_| 1, 14).replaces(&stored) && of(&|_| 1, 13).replaces(&stored));
        assert!(!stored.replaces(&of(&|_| 1, 14)) && stored.replaces(&of(&|_| 1, 13)));
        assert!(stored.replaces(&Tree::default()) && !Tree::default().replaces(&Tree::default()));
        // Where a folder lies is a part of what it is.
        assert!(
            tree(&[(0, "a", 1, 1), (1, "b", 1, 1)])
                .replaces(&tree(&[(0, "a", 1, 1), (0, "b", 1, 1)]))
        );
    }

    #[test]
    fn of_broken_bytes_nothing_is_known() {
        let bytes = small().pack();
        assert_eq!(Tree::unpack(&bytes), small());
        for length in 2..bytes.len() {
            let cut = Tree::unpack(&bytes[..length]);
            assert!(cut.len() < small().len(), "{length}");
        }
        let other_version = [&[VERSION + 1], &bytes[1..]].concat();
        assert!(Tree::unpack(&other_version).is_empty());
        // A folder that lies in none.
        assert!(Tree::unpack(&tree(&[(0, "a", 1, 1)]).pack().tap(|bytes| bytes[1] = 1)).is_empty());
    }

    trait Tap: Sized {
        fn tap(mut self, change: impl FnOnce(&mut Self)) -> Self {
            change(&mut self);
            self
        }
    }

    impl Tap for Vec<u8> {}

    /// Any tree: how many of the folders above each new one lies in is drawn.
    fn any_tree() -> impl Strategy<Value = Tree> {
        let folder = (any::<prop::sample::Index>(), "[a-zé ]{1,6}", any::<u64>(), any::<i64>());
        prop::collection::vec(folder, 0..40).prop_map(|folders| {
            let mut depth = 0;
            let all: Vec<_> = folders
                .iter()
                .map(|(at, name, stamp, newest)| {
                    let own = at.index(depth + 1);
                    depth = own + 1;
                    (own, name.as_str(), *stamp, *newest)
                })
                .collect();
            tree(&all)
        })
    }

    /// Whether going through it by the folders in each finds each once.
    fn is_whole(tree: &Tree) -> bool {
        let mut waiting: Vec<_> = tree.folders_in(None).collect();
        let mut found = 0;
        while let Some((at, _)) = waiting.pop() {
            found += 1;
            waiting.extend(tree.folders_in(Some(at)));
        }
        found == tree.len()
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(tree in any_tree()) {
            prop_assert!(is_whole(&tree));
            prop_assert_eq!(Tree::unpack(&tree.pack()), tree);
        }

        #[test]
        fn any_bytes_are_a_whole_tree_or_none(
            tree in any_tree(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            noise in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut bytes = tree.pack();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            prop_assert!(is_whole(&Tree::unpack(&bytes)));
            prop_assert!(is_whole(&Tree::unpack(&noise)));
        }
    }
}
