//! Git repositories -> commits, read with the `git` program.
//!
//! [`place`] finds the repository of a working folder by looking at files alone, and [`stamp`] tells
//! whether anything in it has moved, so that a repository in which nothing happened starts no
//! program. [`read`] asks `git log` once for what is new. Nothing here runs what a repository's
//! settings name: no hook, no pager, no signature check, no file monitor, no text converter, and no
//! network, which a partial clone would take for missing files.

mod call;
mod log;
pub mod place;
mod reflog;
mod settings;
pub mod stamp;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::spend::{History, ReadBefore};

use call::Git;
pub use call::GitError;

/// How much is read of a repository, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The program.
    pub program: PathBuf,
    /// Commits that are older are left out.
    pub since: DateTime<Utc>,
    /// So many commits at most, the newest.
    pub most_commits: usize,
    /// Each call of git is ended after this, with whatever it has started.
    pub patience: Duration,
}

/// A repository that is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The folder that its working trees share.
    pub common: PathBuf,
    /// A folder of it that git is run in: a working tree, or the repository where it is bare.
    pub folder: PathBuf,
    /// How far it was read before.
    pub before: Option<ReadBefore>,
}

/// Reads what is new in a repository, or all of it when it was not read before, or was cut at other
/// commits then.
///
/// # Errors
/// There is no git, it refuses the repository, fails, or takes too long.
pub fn read(repository: &Repository, limits: &Limits) -> Result<History, GitError> {
    let git = Git::new(limits, &repository.folder);
    let shallow = shallow(&repository.common)?;
    let before = repository.before.as_ref().filter(|before| before.shallow == shallow);
    let known: &[String] = before.map_or(&[], |before| &before.heads);
    let mut commits = match log::read(&git, limits, known, log::Detail::Lines) {
        // A partial clone lacks the files that lines are counted in, and a large history may take
        // too long to compare; who made what when is known all the same.
        Err(GitError::Failed { .. } | GitError::TooSlow { .. }) => {
            log::read(&git, limits, known, log::Detail::NoLines)?
        }
        other => other?,
    };
    let made_in = reflog::made_in(&repository.common, &repository.folder);
    let in_history: Vec<String> = commits.iter().map(|commit| commit.id.clone()).collect();
    if !made_in.is_empty() {
        // What was made here and squashed, rebased or thrown away before anybody read it.
        commits.extend(log::lost(&git, limits, made_in.keys(), known)?);
    }
    let cut: BTreeSet<&str> = shallow.iter().map(String::as_str).collect();
    for commit in commits.iter_mut().filter(|commit| cut.contains(commit.id.as_str())) {
        // Its parents are absent, so that git counts every line of every file as new.
        commit.change = None;
    }
    let is_cut = commits.len() >= limits.most_commits;
    let reachable = match before {
        Some(_) => Some(log::reachable(&git, limits)?),
        None => (commits.len() > in_history.len()).then_some(in_history),
    };
    let mut heads: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    heads.extend(commits.iter().map(|commit| commit.id.as_str()));
    for parent in commits.iter().flat_map(|commit| &commit.parents) {
        heads.remove(parent.as_str());
    }
    let heads = heads.into_iter().map(str::to_owned).collect();
    let settings = settings::read(&git)?;
    Ok(History {
        is_whole: before.is_none(),
        reachable,
        read: ReadBefore { heads, shallow },
        email: settings.email,
        remotes: settings.remotes,
        made_in,
        is_cut,
        commits,
    })
}

/// Reads several repositories, `threads` of them side by side; the answers stand in their order.
pub fn read_all(
    repositories: &[Repository],
    limits: &Limits,
    threads: usize,
) -> Vec<Result<History, GitError>> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut answers = BTreeMap::new();
        loop {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(repository) = repositories.get(index) else { return answers };
            answers.insert(index, read(repository, limits));
        }
    };
    let answers: BTreeMap<usize, _> = std::thread::scope(|scope| {
        let threads = threads.clamp(1, repositories.len().max(1));
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        // A thread that panics ends the program in a release, and a test as it should.
        running.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    answers.into_values().collect()
}

/// The commits at which a shallow history is cut; empty where it is whole.
fn shallow(common: &Path) -> Result<Vec<String>, GitError> {
    let path = common.join("shallow");
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let mut ids: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
            ids.sort_unstable();
            Ok(ids)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(GitError::Unreadable { path, what: error.kind().to_string() }),
    }
}

#[cfg(all(test, unix))]
mod tests;
