//! What the money bought: spend set against the commits that it led to.
//!
//! The rule: what a request cost goes to the next commit that was made in the same working tree, at
//! most so many hours after it. Whose commits those are the tree's own log tells; where it does not,
//! the author is whoever git's settings name there. What no such commit follows led to none. So each
//! amount is in one place, and what there is in all places is the list price of the days.

mod commits;
mod pulls;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::ledger::{KnownRepository, Ledger, LedgerError};
use crate::spend::{Currency, Money, Project, SourceError, Span, Zone};

use super::wording::yields as words;
use commits::{Commits, Made, candidates};
use pulls::Pulls;
pub use pulls::{KnownFrom, PullFace};

/// How long after a request a commit is still its doing, unless the config says otherwise.
pub const WINDOW_HOURS: u32 = 24;

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
    fn add(&mut self, other: &Self) {
        if let Some(list) = other.list {
            let sum = self.list.get_or_insert(Money::zero(Currency::USD));
            sum.attos = sum.attos.saturating_add(list.attos);
        }
        self.unpriced_tokens = self.unpriced_tokens.saturating_add(other.unpriced_tokens);
        self.requests = self.requests.saturating_add(other.requests);
    }

    fn attos(&self) -> i128 {
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

    fn add(&mut self, other: &Self) {
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

    fn of_commit(made: &Made<'_>, spent: &Spent) -> Self {
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

/// Sets the spend of some days against commits.
///
/// # Errors
/// The ledger can't be read.
pub fn yields(ledger: &Ledger, asked: &AskedYields<'_>) -> Result<Yields, LedgerError> {
    let (first_day, last_day) = asked.days;
    let end_day = last_day.succ_opt().unwrap_or(NaiveDate::MAX);
    let span = Span::of_days(first_day, end_day, asked.zone);
    let repositories = ledger.repositories()?;
    let by_id: BTreeMap<i64, &KnownRepository> =
        repositories.values().map(|it| (it.id, it)).collect();
    let places = ledger.work_places()?;
    let known = ledger.commits_since(span.start)?;
    let told = ledger.pulls()?;
    let commits = Commits::of(&known, !told.is_empty());
    let name = |id: i64| by_id.get(&id).map(|it| it.name.clone()).unwrap_or_default();
    let pulls = Pulls::of(&commits, &told, name);
    let candidates = candidates(&commits, &by_id, &ledger.first_made()?, places.values());
    let of_projects: HashMap<&str, (i64, &Vec<usize>)> = places
        .iter()
        .filter_map(|(project, place)| {
            let candidates = candidates.get(&(place.repository, &*place.tree))?;
            Some((&**project, (place.repository, candidates)))
        })
        .collect();
    let of_project = |project: &str| of_projects.get(project).copied();
    let window = TimeDelta::hours(asked.window_hours.into());
    // The times within a quarter of an hour matter where a commit was made in it, and where a window
    // opens in it.
    let work = ledger.work_in(&span, |project, start, end| {
        let within = |at: DateTime<Utc>| start <= at && at < end;
        of_project(project).is_some_and(|(_, candidates)| {
            let next = next_after(&commits, candidates, start).map(|next| commits.made[next].at());
            let may_lead_on = next.is_some_and(|at| within(at) || within(at - window));
            may_lead_on || within(asked.now - window)
        })
    })?;

    let mut at_commits: HashMap<usize, Spent> = HashMap::new();
    let mut no_commit: BTreeMap<i64, (Spent, Spent)> = BTreeMap::new();
    let mut elsewhere = Spent::default();
    let mut days: BTreeMap<NaiveDate, (BTreeSet<usize>, Spent, Spent)> = BTreeMap::new();
    for it in &work {
        let spent =
            Spent { list: it.list, unpriced_tokens: it.unpriced_tokens, requests: it.requests };
        let Some((repository, candidates)) = it.project.as_deref().and_then(of_project) else {
            elsewhere.add(&spent);
            continue;
        };
        let day = days.entry(crate::spend::period::local_day(it.at, asked.zone)).or_default();
        let next = next_after(&commits, candidates, it.at)
            .filter(|next| commits.made[*next].at() - it.at <= window);
        match next {
            Some(next) => {
                at_commits.entry(next).or_default().add(&spent);
                day.0.insert(next);
                day.1.add(&spent);
            }
            None => {
                let (all, open) = no_commit.entry(repository).or_default();
                all.add(&spent);
                if it.at + window > asked.now {
                    open.add(&spent);
                }
                day.2.add(&spent);
            }
        }
    }

    let mut rows: BTreeMap<Vec<Option<String>>, YieldRow> = BTreeMap::new();
    let mut totals = YieldSums::default();
    let mut add = |row: YieldRow| {
        totals.add(&row.sums);
        let row = only(row, asked.by);
        let id = row.commit.as_ref().map(|commit| commit.id.clone());
        let pull = row.pull.as_ref().map(|pull| format!("{:?} {}", pull.known_from, pull.number));
        let key = vec![row.repository.clone(), row.branch.clone(), row.author.clone(), id, pull];
        match rows.entry(key) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(row)),
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                entry.get_mut().sums.add(&row.sums);
            }
        }
    };
    for (index, spent) in &at_commits {
        let made = &commits.made[*index];
        let commit = &made.shown.commit;
        add(YieldRow {
            repository: Some(name(made.shown.repository)),
            branch: commit.branch.clone(),
            author: Some(format!("{} <{}>", commit.author, commit.email)),
            commit: Some(face(made)),
            pull: pulls.face(*index),
            sums: YieldSums::of_commit(made, spent),
        });
    }
    for (repository, (all, open)) in &no_commit {
        let sums = YieldSums { no_commit: *all, open: *open, ..YieldSums::default() };
        add(YieldRow { repository: Some(name(*repository)), sums, ..YieldRow::default() });
    }
    let mut rows: Vec<YieldRow> = rows.into_values().collect();
    rows.sort_by_key(|row| {
        let amount = row.sums.at_commits.attos().saturating_add(row.sums.no_commit.attos());
        std::cmp::Reverse(amount)
    });
    let per_day = first_day.iter_days().take_while(|day| *day < end_day).map(|day| {
        let (commits, at_commits, no_commit) = days.remove(&day).unwrap_or_default();
        YieldDay { day, commits: commits.len() as u64, at_commits, no_commit }
    });
    let per_day = per_day.collect();
    let pulls = pulls.in_span(&commits, &at_commits, &span, name);
    let worked: BTreeSet<i64> =
        work.iter().filter_map(|it| Some(of_project(it.project.as_deref()?)?.0)).collect();
    let notes = words::notes(&words::Noted {
        asked,
        totals: &totals,
        elsewhere: &elsewhere,
        pulls: &pulls,
        repositories: worked.iter().filter_map(|id| by_id.get(id).copied()).collect(),
        start: span.start,
    });
    Ok(Yields {
        zone: asked.zone,
        first_day,
        last_day,
        by: asked.by.to_vec(),
        window_hours: asked.window_hours,
        rows,
        totals,
        elsewhere,
        per_day,
        pulls,
        notes,
    })
}

/// The first of some commits that was written at or after an instant. Git keeps whole seconds.
fn next_after(commits: &Commits<'_>, among: &[usize], at: DateTime<Utc>) -> Option<usize> {
    let second = at.timestamp();
    let first = among.partition_point(|it| commits.made[*it].at().timestamp() < second);
    among.get(first).copied()
}

fn face(made: &Made<'_>) -> CommitFace {
    CommitFace {
        id: made.shown.commit.id.clone(),
        subject: made.shown.commit.subject.clone(),
        at: made.at(),
        is_reverted: made.is_reverted,
        is_gone: made.is_gone,
    }
}

/// A row with the keys that were asked for alone.
fn only(row: YieldRow, by: &[YieldBy]) -> YieldRow {
    let asked = |key| by.contains(&key);
    YieldRow {
        repository: row.repository.filter(|_| asked(YieldBy::Repository)),
        branch: row.branch.filter(|_| asked(YieldBy::Branch)),
        author: row.author.filter(|_| asked(YieldBy::Author)),
        commit: row.commit.filter(|_| asked(YieldBy::Commit)),
        pull: row.pull.filter(|_| asked(YieldBy::PullRequest)),
        sums: row.sums,
    }
}

#[cfg(test)]
mod rule;
