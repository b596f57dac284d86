//! Merged pull requests, and which commits are whose.
//!
//! The rule: a commit belongs to the pull request that has it among its own commits, or whose merge
//! made it; of several to the one that was merged first. What hosts tell goes before what commit
//! messages say, of which those are left that no host told of.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::answer::{KnownFrom, Pull, PullFace, Spent};
use super::commits::Commits;
use crate::ledger::KnownPull;
use crate::spend::Span;

/// Pull requests that commits belong to.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    all: Vec<Claim>,
    /// The pull request of each commit that belongs to one.
    of_commits: HashMap<usize, usize>,
}

#[derive(Debug)]
struct Claim {
    face: PullFace,
    /// The first line of the message of its merge, where that is known.
    title: Option<String>,
    /// Commits that belong to it unless to an earlier one.
    wanted: BTreeSet<usize>,
}

impl Pulls {
    pub(super) fn of(
        commits: &Commits<'_>,
        told: &[KnownPull],
        name: impl Fn(i64) -> String,
    ) -> Self {
        let mut all: Vec<Claim> = Vec::new();
        let mut told_of: HashSet<usize> = HashSet::new();
        for it in told {
            let own = it.pull.commits.iter().flat_map(|id| commits.everywhere(id));
            let mut wanted: BTreeSet<usize> = own.collect();
            let merges: BTreeSet<usize> =
                it.pull.merges.iter().flat_map(|id| commits.everywhere(id)).collect();
            let title = merges.first().map(|it| commits.made[*it].shown.commit.subject.clone());
            for merge in merges {
                // Hosts list so many commits and no more; a merge leads to all of them.
                if commits.made[merge].shown.commit.parents.len() > 1 {
                    wanted.extend(commits.brought_by(merge));
                }
                wanted.insert(merge);
            }
            if wanted.is_empty() {
                continue;
            }
            told_of.extend(&wanted);
            let known_from = KnownFrom::Host(it.project.clone());
            let face = PullFace { number: it.pull.number, known_from, at: it.pull.merged_at };
            all.push(Claim { face, title, wanted });
        }
        // Of a number that several messages of a repository have, the last one counts.
        let mut messages: BTreeMap<(i64, u64), Claim> = BTreeMap::new();
        for (index, made) in commits.made.iter().enumerate() {
            let commit = &made.shown.commit;
            let Some(number) = commit.pull.filter(|_| !made.is_gone) else { continue };
            if told_of.contains(&index) {
                continue;
            }
            let repository = made.shown.repository;
            let mut wanted = commits.brought_by(index);
            wanted.retain(|it| !told_of.contains(it));
            if let Some(before) = messages.get(&(repository, number)) {
                wanted.extend(&before.wanted);
            }
            let at = commit.committed_at;
            let face = PullFace { number, known_from: KnownFrom::Message(name(repository)), at };
            let title = Some(commit.subject.clone());
            messages.insert((repository, number), Claim { face, title, wanted });
        }
        all.extend(messages.into_values());
        all.sort_by_cached_key(|claim| {
            let face = &claim.face;
            (face.at, face.known_from.clone(), face.number)
        });
        let mut of_commits = HashMap::new();
        for (place, claim) in all.iter().enumerate() {
            for commit in &claim.wanted {
                of_commits.entry(*commit).or_insert(place);
            }
        }
        Self { all, of_commits }
    }

    /// The pull request that a commit belongs to.
    pub(super) fn face(&self, commit: usize) -> Option<PullFace> {
        self.of_commits.get(&commit).map(|place| self.all[*place].face.clone())
    }

    /// Those that were merged in a span and have spend, dearest first.
    pub(super) fn in_span(
        &self,
        commits: &Commits<'_>,
        at_commits: &HashMap<usize, Spent>,
        span: &Span,
        name: impl Fn(i64) -> String,
    ) -> Vec<Pull> {
        let mut pulls: BTreeMap<usize, Pull> = BTreeMap::new();
        let mut with_spend: Vec<_> = at_commits.iter().collect();
        with_spend.sort_by_key(|(commit, _)| **commit);
        for (commit, spent) in with_spend {
            let Some(place) = self.of_commits.get(commit) else { continue };
            let claim = &self.all[*place];
            if !span.holds(claim.face.at) {
                continue;
            }
            let pull = pulls.entry(*place).or_insert_with(|| Pull {
                repository: name(commits.made[*commit].shown.repository),
                face: claim.face.clone(),
                title: claim.title.clone(),
                commits: 0,
                spent: Spent::default(),
            });
            pull.commits += 1;
            pull.spent.add(spent);
        }
        let mut pulls: Vec<Pull> = pulls.into_values().collect();
        pulls.sort_by_key(|pull| std::cmp::Reverse(pull.spent.attos()));
        pulls
    }
}
