//! One look at one source: gathers what the source needs, lets it read, measures how long it took.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Days, Utc};

use crate::config::Config;
use crate::ledger::{Ledger, LedgerError};
use crate::secrets::{self, SecretError, Store};
use crate::sources::providers::{http, words};
use crate::sources::{
    ApiKey, Entered, Known, Look, Places, Source, SourceError, SourceInfo, SourceKind,
};
use crate::spend::{Marks, Reading, Tree};

use super::clock::{self, Clock};
use super::watch::Companion;

/// How far back a provider is asked: the days that "30 days" and a running month need, and what
/// may still change of them.
const PROVIDER_DAYS: u64 = 34;

/// A look at a provider takes at most so long: each answer may come just in time, and there may be a
/// hundred of them.
const LONGEST_LOOK: Duration = Duration::from_secs(120);

/// Of the files that are known the first look looks at so many, those that changed last. Old logs
/// hardly ever change, and a start should cost little.
pub const AT_START: usize = 250;

/// What looks share.
pub struct World {
    /// The time.
    pub clock: Clock,
    /// Home folder and environment, with the roots that the config sets.
    pub places: Places,
    /// The HTTP client.
    pub http: http::Client,
    /// What the keyring holds.
    pub keyring: secrets::Shared,
}

/// A look that is over.
pub struct Looked {
    /// At what.
    pub source: &'static dyn Source,
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// What it gave.
    pub result: Result<Reading, SourceError>,
    /// What it found to read, if it was a comparison.
    pub compared: Option<Compared>,
}

/// Which files are said to have changed since the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// None.
    Nothing,
    /// These.
    Files(BTreeSet<PathBuf>),
    /// Nobody knows which.
    Anything,
}

/// What a comparison with stamps found.
pub struct Compared {
    /// What has to be read.
    pub changed: Changed,
    /// Not all known files were looked at.
    pub left_out: bool,
    /// The folders, where the ledger should know them in place of those that it knows.
    pub tree: Option<Tree>,
}

impl Looked {
    /// What this look found has to be read by another one, which is due at once.
    pub fn finds(&self) -> bool {
        let compared = self.compared.as_ref();
        compared.is_some_and(|compared| !matches!(compared.changed, Changed::Nothing))
    }
}

/// What one look is given.
pub struct Errand {
    /// At what.
    pub source: &'static dyn Source,
    /// What looks share.
    pub world: Arc<World>,
    /// The configuration in force.
    pub config: Arc<Config>,
    /// What is to be done.
    pub task: Task,
}

/// How far a look goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All there is.
    Everything,
    /// These files.
    Files(Vec<PathBuf>),
    /// What changed, told by sizes and times; of the known files only so many of the newest.
    Changed(Option<usize>),
}

/// What one look does.
pub enum Task {
    /// It tells which files changed, and reads none.
    Compare {
        /// What is known of its files and folders.
        known: Known,
        /// What watches the folders while they are listed, if they are not watched yet.
        companion: Option<Companion>,
    },
    /// It reads.
    Read(ToRead),
}

/// What a look reads.
#[derive(Clone)]
pub struct ToRead {
    /// How far its files were read.
    pub marks: Arc<Marks>,
    /// The files that changed; `None` for all.
    pub only: Option<Vec<PathBuf>>,
    /// About how many usages the reading is to hold.
    pub most: usize,
}

/// More changed files than this are found faster by a look at everything.
const NAMED_AT_MOST: usize = 256;

/// About how many usages one reading of a scan holds. A running monitor keeps to the smallest: what
/// it once took stays with it.
pub const USAGES: std::ops::RangeInclusive<usize> = 2_000..=20_000;

/// Begins a look. It goes on whether or not somebody waits for it. What reads files is given a
/// thread that may block; who waits for a provider needs none.
pub fn begin(errand: Errand) -> impl Future<Output = Looked> + Send + 'static {
    let (source, at) = (errand.source, errand.world.clock.now());
    let is_provider = source.info().kind == SourceKind::Provider;
    // Most of the agents are not on most machines, and need no thread to say so.
    let worker = (!source.is_absent(&errand.world.places)).then(|| {
        if is_provider {
            return tokio::spawn(async move {
                let started = Instant::now();
                (carry_out(errand, at).await, started.elapsed())
            });
        }
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            (runtime.block_on(carry_out(errand, at)), started.elapsed())
        })
    });
    async move {
        let Some(worker) = worker else {
            let (took, result) = (Duration::ZERO, Err(SourceError::NotInstalled));
            return Looked { source, at, took, result, compared: None };
        };
        let ((result, compared), took) = worker.await.unwrap_or_else(|crash| {
            // A source that crashes is a fault of its own and must not take the others along.
            let what = format!("reading it crashed ({crash})");
            ((Err(SourceError::FormatChanged { what }), None), Duration::ZERO)
        });
        Looked { source, at, took, result, compared }
    }
}

async fn carry_out(
    errand: Errand,
    at: DateTime<Utc>,
) -> (Result<Reading, SourceError>, Option<Compared>) {
    let Errand { source, world, config, task } = errand;
    match task {
        Task::Compare { known, companion } => {
            let entering = |entered: Entered<'_>| match (&companion, entered) {
                (Some(companion), Entered::Folder(folder)) => companion.enter(folder),
                (Some(companion), Entered::Link(folder)) => companion.follow(folder),
                (None, _) => {}
            };
            let compared = compare(source, &world.places, known, &entering);
            (Ok(Reading::default()), Some(compared))
        }
        Task::Read(what) => (read(source, world, &config, &what, at).await, None),
    }
}

fn compare(
    source: &dyn Source,
    places: &Places,
    known: Known,
    entering: &dyn Fn(Entered<'_>),
) -> Compared {
    let Some(found) = source.changes(places, known, entering) else {
        return Compared { changed: Changed::Anything, left_out: false, tree: None };
    };
    let changed = match found.files.len() {
        0 => Changed::Nothing,
        1..=NAMED_AT_MOST => Changed::Files(found.files.into_iter().collect()),
        _ => Changed::Anything,
    };
    Compared { changed, left_out: found.left_out, tree: found.tree }
}

async fn read(
    source: &'static dyn Source,
    world: Arc<World>,
    config: &Config,
    what: &ToRead,
    at: DateTime<Utc>,
) -> Result<Reading, SourceError> {
    let info = source.info();
    let key = match &info.key {
        None => None,
        Some(_) => {
            // Keyrings wait for other programs.
            let (world, began) = (world.clone(), Instant::now());
            let waiting = tokio::task::spawn_blocking(move || key_of(info, &world, began));
            waiting.await.unwrap_or_else(|crash| {
                let what = format!("asking it crashed ({crash})");
                Err(SourceError::KeyUnavailable { what })
            })?
        }
    };
    let look = Look {
        now: at,
        places: &world.places,
        marks: &what.marks,
        only: what.only.as_deref(),
        most: what.most,
        key: key.as_ref(),
        base_url: config.base_url(info.id),
        settings: config.settings(info.id),
        since: (at - Days::new(PROVIDER_DAYS)).date_naive(),
        http: &world.http,
    };
    let reading = source.read(&look);
    if info.kind == SourceKind::Agent {
        return reading.await;
    }
    tokio::time::timeout(LONGEST_LOOK, reading).await.unwrap_or_else(|_| {
        let what = format!("timed out after {}", words::span(LONGEST_LOOK));
        Err(SourceError::Unreachable { what })
    })
}

fn key_of(
    info: &'static SourceInfo,
    world: &World,
    began: Instant,
) -> Result<Option<ApiKey>, SourceError> {
    // Nobody expects a question for a password from a program that is not in front.
    let store = Store::new(&world.places).without_asking();
    let names = world.keyring.names(began, &store);
    match store.get_known(info, &world.places, &names) {
        Ok(found) => Ok(found.map(|(key, _)| key)),
        // Without a keyring there simply is no key in it; `key set` and `doctor` say so.
        Err(SecretError::NoKeyring { .. }) => Ok(None),
        Err(error) => Err(unavailable(&error)),
    }
}

/// What a look of this scope has to do, with what the ledger knows of its files.
pub fn task(
    ledger: &Ledger,
    source: &dyn Source,
    scope: Scope,
    most: usize,
) -> Result<Task, LedgerError> {
    let id = source.info().id;
    let (marks, only) = match scope {
        Scope::Changed(recent) if source.compares() => match ledger.stamps(id)? {
            // Nothing was read yet, so there is nothing to compare with.
            stamps if stamps.is_empty() => (Marks::new(), None),
            stamps => {
                let newest = recent.unwrap_or(AT_START);
                // A start looks at all of a few files, and needs to know no folders for that.
                let has_many = stamps.len() > newest;
                let tree = if has_many { ledger.tree(id)? } else { Tree::default() };
                let (all, began) = (recent.is_none(), clock::of_files());
                let known = Known { stamps, tree, newest, all, began };
                return Ok(Task::Compare { known, companion: None });
            }
        },
        Scope::Changed(_) | Scope::Everything => (ledger.marks(id)?, None),
        Scope::Files(files) => {
            let names: Vec<String> = files.iter().filter_map(|file| name_of(file)).collect();
            (ledger.marks_named(id, &names)?, Some(files))
        }
    };
    Ok(Task::Read(ToRead { marks: Arc::new(marks), only, most }))
}

/// A file's name among the marks: its path as text, links resolved, also when it is gone.
fn name_of(file: &Path) -> Option<String> {
    let resolved = std::fs::canonicalize(file).ok().or_else(|| {
        let folder = std::fs::canonicalize(file.parent()?).ok()?;
        Some(folder.join(file.file_name()?))
    })?;
    Some(resolved.to_string_lossy().into_owned())
}

fn unavailable(error: &SecretError) -> SourceError {
    let what = match error {
        SecretError::Locked { .. } => "it is locked".into(),
        SecretError::Silent { .. } => "it does not answer".into(),
        SecretError::Failed { cause } => cause.clone(),
        other => other.what(),
    };
    SourceError::KeyUnavailable { what }
}

/// The sources that the config leaves switched on; providers only if `providers` is true.
pub fn enabled(config: &Config, providers: bool) -> impl Iterator<Item = &'static dyn Source> + '_ {
    config.sources().filter(move |source| {
        let info = source.info();
        config.enabled(info.id) && (providers || info.kind == SourceKind::Agent)
    })
}

/// Time between looks at a source.
pub fn poll(config: &Config, info: &SourceInfo) -> Duration {
    Duration::from_secs(u64::from(config.poll_minutes(info)) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::ReadFuture;
    use crate::spend::Zone;

    /// A provider whose answers never end, each of them just in time.
    struct Endless;

    impl Source for Endless {
        fn info(&self) -> &'static SourceInfo {
            static INFO: SourceInfo = SourceInfo {
                id: "endless",
                name: "Endless",
                kind: SourceKind::Provider,
                account: "endless",
                poll_minutes: 5,
                least_minutes: 0,
                key: None,
                settings: &[],
                base_url: "",
                status_page: "",
                tells: "",
                reads: "",
                limits: "",
            };
            &INFO
        }

        fn read<'a>(&'a self, _look: &'a Look<'a>) -> ReadFuture<'a> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_at_a_provider_ends_whatever_it_answers() {
        let places = Places::default();
        let http = http::Client::new();
        let world =
            World { clock: Clock::system(), places, http, keyring: secrets::Shared::default() };
        let task = Task::Read(ToRead { marks: Arc::default(), only: None, most: 1 });
        let config = Arc::new(Config::defaults(Zone::UTC));
        let errand = Errand { source: &Endless, world: Arc::new(world), config, task };
        let looked = begin(errand).await;
        let what = "timed out after 120 s".into();
        assert_eq!(looked.result, Err(SourceError::Unreachable { what }));
    }
}
