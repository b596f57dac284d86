//! What is asked of yields, and the answer as every face shows it.

use chrono::{DateTime, NaiveDate, Utc};

use super::commits::Made;
use crate::spend::{Currency, Forge, Money, Project, SourceError, Zone};

/// What rows are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum YieldBy {
    /// The repository.
    Repository,
    /// The branch that had the commit when it was read.
    Branch,
    /// The commit's author.
    Author,
    /// The commit.
    Commit,
    /// The merged pull request.
    PullRequest,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct AskedYields<'a> {
    /// The time.
    pub now: DateTime<Utc>,
    /// First and last local day, both inclusive.
    pub days: (NaiveDate, NaiveDate),
    /// Zone of the days.
    pub zone: Zone,
    /// What rows are grouped by.
    pub by: &'a [YieldBy],
    /// How long after a request a commit is still its doing.
    pub window_hours: u32,
    /// Folders of these days that no repository was found for, where somebody has looked.
    pub unread: &'a [Unread],
    /// Pull requests that hosts did not tell of, where somebody has asked.
    pub untold: &'a [Untold],
}

/// A folder that sessions worked in and that no repository was found for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The folder.
    pub folder: String,
    /// Why.
    pub why: WhyUnread,
}

/// Why no repository was found for a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyUnread {
    /// The folder is in none.
    NoRepository,
    /// The folder is gone.
    Gone,
    /// It can't be read, for this reason.
    Unreadable(String),
}

/// A repository of whose pull requests its host did not tell all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    /// The repository.
    pub project: Project,
    /// Why.
    pub why: WhyUntold,
}

/// Why pull requests are not known from their host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyUntold {
    /// There is no key for the host.
    NeedsKey {
        /// What the key is called.
        id: &'static str,
        /// The environment variables that do instead.
        variables: &'static [&'static str],
    },
    /// The host was asked too often, and is asked again at this time.
    Waits(Option<DateTime<Utc>>),
    /// It did not answer as it should.
    Failed(SourceError),
    /// There are more than one look takes: at least so many.
    More(u64),
    /// Those that were merged before are not known; `None` where none is.
    Before(Option<DateTime<Utc>>),
}

/// The answer, as every face shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Yields {
    /// Zone of the days.
    pub zone: Zone,
    /// First local day.
    pub first_day: NaiveDate,
    /// Last local day, inclusive.
    pub last_day: NaiveDate,
    /// The grouping.
    pub by: Vec<YieldBy>,
    /// How long after a request a commit is still its doing.
    pub window_hours: u32,
    /// Dearest first.
    pub rows: Vec<YieldRow>,
    /// Sums over all rows.
    pub totals: YieldSums,
    /// Spend in folders that belong to no known repository, in no row.
    pub elsewhere: Spent,
    /// Spend per local day at commits and at none, of all days, by day.
    pub per_day: Vec<YieldDay>,
    /// Merged pull requests with spend in them, dearest first.
    pub pulls: Vec<Pull>,
    /// The rule, and what a reader must know besides.
    pub notes: Vec<String>,
}

/// One row: the keys that were asked for, and sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct YieldRow {
    /// What the repository goes by: a folder.
    pub repository: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The author's name and address.
    pub author: Option<String>,
    /// The commit; `None` for what led to none.
    pub commit: Option<CommitFace>,
    /// The merged pull request that the commit belongs to.
    pub pull: Option<PullFace>,
    /// The figures.
    pub sums: YieldSums,
}

/// What is told of one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitFace {
    /// Its id.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// A later one takes it back.
    pub is_reverted: bool,
    /// It is in the history no more.
    pub is_gone: bool,
}

/// An amount of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// List price; `None` when none of it has one.
    pub list: Option<Money>,
    /// Tokens without a price.
    pub unpriced_tokens: u64,
    /// Requests.
    pub requests: u64,
}

impl Spent {
    pub(super) fn add(&mut self, other: &Self) {
        if let Some(list) = other.list {
            let sum = self.list.get_or_insert(Money::zero(Currency::USD));
            sum.attos = sum.attos.saturating_add(list.attos);
        }
        self.unpriced_tokens = self.unpriced_tokens.saturating_add(other.unpriced_tokens);
        self.requests = self.requests.saturating_add(other.requests);
    }

    pub(super) fn attos(&self) -> i128 {
        self.list.map_or(0, |list| list.attos)
    }
}

/// What some spend led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct YieldSums {
    /// Commits that spend led to.
    pub commits: u64,
    /// Lines that those added, as far as known.
    pub added: u64,
    /// Lines that those removed, as far as known.
    pub removed: u64,
    /// Commits among them whose lines nobody can say, merges left aside.
    pub without_lines: u64,
    /// Merges among them: they change nothing of their own that git would count.
    pub merges: u64,
    /// Spend that led to commits.
    pub at_commits: Spent,
    /// The part of it at merges and at commits whose lines are known.
    pub at_lines: Spent,
    /// The part of it at commits that were reverted later.
    pub reverted: Spent,
    /// The part of it at commits that are in the history no more.
    pub gone: Spent,
    /// Spend that led to no commit.
    pub no_commit: Spent,
    /// The part of it that is so young that a commit may still follow.
    pub open: Spent,
}

impl YieldSums {
    /// Spend per commit.
    pub fn per_commit(&self) -> Option<Money> {
        each(self.at_commits.list?, self.commits)
    }

    /// Spend per line added or removed, at commits whose lines are known.
    pub fn per_line(&self) -> Option<Money> {
        each(self.at_lines.list?, self.added.saturating_add(self.removed))
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.commits += other.commits;
        self.added = self.added.saturating_add(other.added);
        self.removed = self.removed.saturating_add(other.removed);
        self.without_lines += other.without_lines;
        self.merges += other.merges;
        self.at_commits.add(&other.at_commits);
        self.at_lines.add(&other.at_lines);
        self.reverted.add(&other.reverted);
        self.gone.add(&other.gone);
        self.no_commit.add(&other.no_commit);
        self.open.add(&other.open);
    }

    pub(super) fn of_commit(made: &Made<'_>, spent: &Spent) -> Self {
        let commit = &made.shown.commit;
        let when = |is: bool| if is { *spent } else { Spent::default() };
        let is_merge = commit.parents.len() > 1;
        Self {
            commits: 1,
            added: commit.change.map_or(0, |change| change.added),
            removed: commit.change.map_or(0, |change| change.removed),
            without_lines: u64::from(commit.change.is_none() && !is_merge),
            merges: u64::from(is_merge),
            at_commits: *spent,
            at_lines: when(commit.change.is_some() || is_merge),
            reverted: when(made.is_reverted),
            gone: when(made.is_gone),
            ..Self::default()
        }
    }
}

/// A day's spend by what it led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YieldDay {
    /// The local day of the requests.
    pub day: NaiveDate,
    /// Commits that its spend led to.
    pub commits: u64,
    /// Spend that led to commits.
    pub at_commits: Spent,
    /// Spend that led to none.
    pub no_commit: Spent,
}

impl YieldDay {
    /// Spend per commit of the day.
    pub fn per_commit(&self) -> Option<Money> {
        each(self.at_commits.list?, self.commits)
    }
}

/// A pull request that was merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// What the repository goes by.
    pub repository: String,
    /// Its number, when it was merged, and how that is known.
    pub face: PullFace,
    /// The first line of the merge's message, where the merge is in the history.
    pub title: Option<String>,
    /// Its commits that spend led to.
    pub commits: u64,
    /// That spend.
    pub spent: Spent,
}

fn each(amount: Money, count: u64) -> Option<Money> {
    let attos = amount.attos.checked_div(i128::from(count))?;
    Some(Money { attos, ..amount })
}

/// How a pull request is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KnownFrom {
    /// Its host told of it.
    Host(Project),
    /// The message of a commit in this repository says so.
    Message(String),
}

impl KnownFrom {
    /// The make of the host that told of it; `None` where none did.
    pub fn forge(&self) -> Option<Forge> {
        match self {
            Self::Host(project) => Some(project.forge),
            Self::Message(_) => None,
        }
    }
}

/// What is told of a pull request in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullFace {
    /// Its number.
    pub number: u64,
    /// How it is known.
    pub known_from: KnownFrom,
    /// When it was merged.
    pub at: DateTime<Utc>,
}
