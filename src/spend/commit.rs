//! What a repository's history tells: commits, and how far it was read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Remote;

/// One commit as git tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id: 40 or 64 hexadecimal digits.
    pub id: String,
    /// The commits it follows.
    pub parents: Vec<String>,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// When it was written first. Rebasing and amending leave it as it was.
    pub authored_at: DateTime<Utc>,
    /// When it got its present form.
    pub committed_at: DateTime<Utc>,
    /// A branch that had it when it was read, without `refs/heads/` and the remote's name.
    pub branch: Option<String>,
    /// The first line of its message.
    pub subject: String,
    /// What it changed; `None` where nobody can say: merges, and commits at the cut of a shallow
    /// history.
    pub change: Option<Change>,
    /// The commits that its message says it reverts.
    pub reverts: Vec<String>,
    /// Subjects of the commits that its message lists, as squashed pull requests do.
    pub lists: Vec<String>,
    /// The pull request that its message says it merges.
    pub pull: Option<u64>,
}

/// What a commit changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Lines added; binary files have none.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
    /// Files touched.
    pub files: u64,
}

/// Where a working folder belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The folder that all working trees of the repository share, which tells repositories apart.
    pub common: String,
    /// The working tree that holds the folder; the repository itself where it is bare.
    pub tree: String,
    /// What the repository goes by: its main working tree, or that of the superproject that it is
    /// a submodule of.
    pub name: String,
}

/// How far a repository was read before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadBefore {
    /// Commits that nothing read so far follows: all of history up to them is known.
    pub heads: Vec<String>,
    /// The commits at which a shallow history was cut.
    pub shallow: Vec<String>,
}

/// What one reading of a repository gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Commits that are new since the reading before, or all of them.
    pub commits: Vec<Commit>,
    /// All of them: forget how far it was read before.
    pub is_whole: bool,
    /// Every commit that can be reached now, of those young enough; `None` where `commits` are all.
    pub reachable: Option<Vec<String>>,
    /// How far it was read now.
    pub read: ReadBefore,
    /// The address that commits made here carry, as git's settings say.
    pub email: Option<String>,
    /// Where else the repository is kept: `origin` and `upstream`.
    pub remotes: Vec<Remote>,
    /// In which working tree commits were made, by their id, as the working trees' own logs tell.
    pub made_in: BTreeMap<String, String>,
    /// There were more commits than are read.
    pub is_cut: bool,
}
