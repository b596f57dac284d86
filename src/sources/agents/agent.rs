//! What an agent's own file declares: where its logs lie, and how they become usage.

use std::io;
use std::path::{Path, PathBuf};

use super::scan::compare;
use super::scan::walk::list;
use super::scan::{AnyFormat, Shape, Verdict, explain, scan};
use crate::sources::{
    Changes, Depth, Entered, Known, Look, Places, ReadFuture, Source, SourceError, SourceInfo,
    Watched,
};
use crate::spend::{Marks, Reading};

/// An agent whose files need nothing but themselves to be understood.
pub struct Agent {
    /// Its row in the table.
    pub info: &'static SourceInfo,
    /// Its home folders on this machine, existing or not. `[agents.<id>] roots = [...]` in the
    /// config replaces them.
    pub homes: fn(&Places) -> Vec<PathBuf>,
    /// The folders of a home that hold logs; they are walked and watched.
    pub inside: fn(&Path) -> Vec<PathBuf>,
    /// The kinds of file it leaves there.
    pub kinds: &'static [FileKind],
    /// How a folder with logs is watched: not its tree where that holds whole working copies, and
    /// not at all where the agent writes all the time without spending; the slow sweep reads those.
    pub watch: fn(&Path) -> Option<Depth>,
}

/// One kind of file.
pub struct FileKind {
    /// Which files: the path with links resolved.
    pub is_log: fn(&Path) -> bool,
    /// How many levels below a folder with logs they may lie; a bound, because people put anything
    /// there.
    pub deepest: usize,
    /// How they are read.
    pub format: &'static dyn AnyFormat,
}

/// For agents whose home folder is itself the folder with logs.
pub fn itself(home: &Path) -> Vec<PathBuf> {
    vec![home.to_owned()]
}

/// For agents whose folders hold little but logs.
pub fn whole_tree(_folder: &Path) -> Option<Depth> {
    Some(Depth::Tree)
}

/// For agents whose logs lie in a folder beside trees of other things.
pub fn folder_alone(_folder: &Path) -> Option<Depth> {
    Some(Depth::Folder)
}

/// For agents that write all the time, or whose folders are watched at too high a price.
pub fn not_watched(_folder: &Path) -> Option<Depth> {
    None
}

/// Whether a path ends with `.jsonl`.
pub fn is_jsonl(path: &Path) -> bool {
    // Asked of every file in the folders, so without taking the path apart.
    path.as_os_str().as_encoded_bytes().ends_with(b".jsonl")
}

impl Agent {
    /// Looks at the logs once, for about `most` usages.
    ///
    /// # Errors
    /// [`SourceError::NotInstalled`] when none of the folders exists.
    pub fn look(
        &self,
        places: &Places,
        marks: &Marks,
        only: Option<&[PathBuf]>,
        most: usize,
    ) -> Result<Reading, SourceError> {
        let roots = self.roots(places);
        let mut reading = Reading::default();
        let mut any_root = false;
        for kind in self.kinds {
            let listing = list(&roots, only, kind.deepest, marks, &kind.is_log);
            any_root |= listing.any_root;
            if reading.usages.len() >= most {
                reading.more = true;
                break;
            }
            reading.join(scan(kind.format, listing, marks, most));
        }
        if any_root { Ok(reading) } else { Err(SourceError::NotInstalled) }
    }
}

impl Source for Agent {
    fn info(&self) -> &'static SourceInfo {
        self.info
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        let homes = places.homes_of(self.info.id, self.homes);
        homes.iter().flat_map(|home| (self.inside)(home)).collect()
    }

    fn watched(&self, places: &Places) -> Vec<Watched> {
        let roots = self.roots(places).into_iter();
        roots.filter_map(|folder| Some(Watched { depth: (self.watch)(&folder)?, folder })).collect()
    }

    fn compares(&self) -> bool {
        self.kinds.iter().all(|kind| {
            matches!(kind.format.shape(), Shape::Lines(_)) && !kind.format.looks_beside()
        })
    }

    fn changes(
        &self,
        places: &Places,
        known: Known,
        entering: &dyn Fn(Entered<'_>),
    ) -> Option<Changes> {
        let kind = |kind: &'static FileKind| (&kind.is_log as &dyn Fn(&Path) -> bool, kind.deepest);
        let kinds: Vec<_> = self.kinds.iter().map(kind).collect();
        compare::changes(&self.roots(places), &kinds, known, entering)
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(async move { self.look(look.places, look.marks, look.only, look.most) })
    }

    fn explain(&self, places: &Places, file: &Path) -> Option<io::Result<Vec<Verdict>>> {
        let file = std::fs::canonicalize(file).ok()?;
        let roots = self.roots(places).into_iter().filter_map(|root| root.canonicalize().ok());
        let kind = self.kinds.iter().find(|kind| (kind.is_log)(&file))?;
        roots.into_iter().any(|root| file.starts_with(root)).then(|| explain(kind.format, &file))
    }
}
