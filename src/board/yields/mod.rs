//! What the money bought: spend set against the commits that it led to.
//!
//! The rule: what a request cost goes to the next commit that was made in the same working tree, at
//! most so many hours after it. Whose commits those are the tree's own log tells; where it does not,
//! the author is whoever git's settings name there. What no such commit follows led to none. So each
//! amount is in one place, and what there is in all places is the list price of the days.

pub(super) mod answer;
mod commits;
mod pulls;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::ledger::{KnownRepository, Ledger, LedgerError};
use crate::spend::Span;

use super::wording::yields as words;
pub use answer::{
    AskedYields, CommitFace, KnownFrom, Pull, PullFace, Spent, Unread, Untold, WhyUnread,
    WhyUntold, YieldBy, YieldDay, YieldRow, YieldSums, Yields,
};
use commits::{Commits, Made, candidates};
use pulls::Pulls;

/// How long after a request a commit is still its doing, unless the config says otherwise.
pub const WINDOW_HOURS: u32 = 24;

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
