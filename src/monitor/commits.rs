//! Reads the repositories that sessions worked in, as far as anything in them has moved.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::board::yields::{Unread, WhyUnread};
use crate::git::place::{self, Found};
use crate::git::{self, GitError, Limits, Repository, stamp};
use crate::ledger::{Ledger, LedgerError};
use crate::spend::{History, Place, Span};

/// How far back commits are read.
pub const DAYS_READ: i64 = 400;
/// Commits of one repository that are read, the newest.
const MOST_COMMITS: usize = 200_000;
/// How long git may take for one call.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is needed besides the ledger.
#[derive(Clone, Debug)]
pub struct Errand {
    /// The time.
    pub now: DateTime<Utc>,
    /// The user's home folder.
    pub home: PathBuf,
    /// The `git` program.
    pub program: PathBuf,
}

impl Errand {
    /// With the git that is found in `PATH`.
    pub fn new(now: DateTime<Utc>, home: &Path) -> Self {
        Self { now, home: home.to_owned(), program: "git".into() }
    }

    fn limits(&self) -> Limits {
        Limits {
            program: self.program.clone(),
            since: self.now - TimeDelta::days(DAYS_READ),
            most_commits: MOST_COMMITS,
            patience: PATIENCE,
        }
    }
}

/// What looking at some folders came to, before anything of it is kept.
#[derive(Debug, Default)]
pub struct Looked {
    places: BTreeMap<String, Place>,
    read: Vec<(String, u64, Result<History, String>)>,
    /// Folders for which there is no repository.
    pub unread: Vec<Unread>,
}

/// A repository as it was when it was read last: its stamp, and how to go on.
#[derive(Clone, Debug)]
pub struct Before {
    stamp: u64,
    /// The last reading failed, or was made before it asked for all that is asked for now.
    is_due: bool,
    read: Option<crate::spend::ReadBefore>,
}

/// What is known of repositories, by the folder that their working trees share.
///
/// # Errors
/// The ledger can't be read.
pub fn known(ledger: &Ledger) -> Result<BTreeMap<String, Before>, LedgerError> {
    let repositories = ledger.repositories()?.into_values().map(|it| {
        let was_read = it.read_at > DateTime::UNIX_EPOCH;
        let before = Before {
            stamp: it.stamp,
            is_due: it.trouble.is_some() || it.remotes.is_none(),
            read: was_read.then_some(it.read),
        };
        (it.common, before)
    });
    Ok(repositories.collect())
}

/// Finds the repositories of folders and reads those that have moved. Takes as long as git does, and
/// touches neither ledger nor network.
pub fn look(folders: &[String], known: &BTreeMap<String, Before>, errand: &Errand) -> Looked {
    let mut looked = Looked::default();
    let mut trees: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in folders {
        match place::find(Path::new(folder), &errand.home) {
            Found::Repository(place) => {
                trees.entry(place.common.clone()).or_default().insert(place.tree.clone());
                looked.places.insert(folder.clone(), place);
            }
            Found::Gone => looked.leave(folder, WhyUnread::Gone),
            Found::None => looked.leave(folder, WhyUnread::NoRepository),
            Found::Unreadable { path, what } => {
                let what = match path == Path::new(folder) {
                    true => what,
                    false => format!("{}: {what}", path.display()),
                };
                looked.leave(folder, WhyUnread::Unreadable(what));
            }
        }
    }
    let mut moved = Vec::new();
    let mut stamps = Vec::new();
    for (common, trees) in &trees {
        // Taken before git is asked: what moves meanwhile is read the next time.
        let stamp = stamp::of(Path::new(common));
        let before = known.get(common);
        if before.is_some_and(|it| it.stamp == stamp && !it.is_due && it.read.is_some()) {
            continue;
        }
        let Some(folder) = trees.first() else { continue };
        moved.push(Repository {
            common: common.into(),
            folder: folder.into(),
            before: before.and_then(|it| it.read.clone()),
        });
        stamps.push((common.clone(), stamp));
    }
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    let answers = git::read_all(&moved, &errand.limits(), threads);
    let told = |answer: Result<History, GitError>| answer.map_err(|error| error.to_string());
    looked.read = stamps
        .into_iter()
        .zip(answers)
        .map(|((common, stamp), answer)| (common, stamp, told(answer)))
        .collect();
    looked
}

impl Looked {
    fn leave(&mut self, folder: &str, why: WhyUnread) {
        self.unread.push(Unread { folder: folder.to_owned(), why });
    }
}

/// Keeps what a look came to. Where nothing has moved nothing is written.
///
/// # Errors
/// The ledger can't be written.
pub fn keep(ledger: &mut Ledger, looked: &Looked, errand: &Errand) -> Result<(), LedgerError> {
    ledger.keep_places(&looked.places)?;
    ledger.keep_histories(&looked.read, errand.limits().since, errand.now)
}

/// Looks at the folders that sessions of a span worked in, keeps what is new, and gives those for
/// which there is no repository, now or before.
///
/// # Errors
/// The ledger can't be read or written.
pub fn refresh(
    ledger: &mut Ledger,
    span: &Span,
    errand: &Errand,
) -> Result<Vec<Unread>, LedgerError> {
    let folders = ledger.projects_in(span)?;
    let looked = look(&folders, &known(ledger)?, errand);
    keep(ledger, &looked, errand)?;
    let places = ledger.work_places()?;
    let mut unread = looked.unread;
    // A folder that is gone belongs to where it was found to belong before.
    unread.retain(|it| !places.contains_key(&it.folder));
    Ok(unread)
}
