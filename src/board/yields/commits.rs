//! Commits as people count them: what was rebased, amended or picked once more is one, and what a
//! later commit takes back is reverted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::ledger::{KnownCommit, KnownRepository, WorkPlace};

/// One commit in all its forms.
#[derive(Clone, Debug)]
pub(super) struct Made<'a> {
    /// The form that is in the history now; the last one where none is.
    pub(super) shown: &'a KnownCommit,
    /// The working trees that it was made in, where their logs tell.
    pub(super) makers: BTreeSet<&'a str>,
    /// No form of it is in the history any more.
    pub(super) is_gone: bool,
    /// A later commit takes it back, and none takes that back.
    pub(super) is_reverted: bool,
}

impl Made<'_> {
    /// When it was written.
    pub(super) fn at(&self) -> DateTime<Utc> {
        self.shown.commit.authored_at
    }
}

/// All commits, and where each id stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Commits<'a> {
    /// By time.
    pub(super) made: Vec<Made<'a>>,
    /// By repository and id; empty where no message speaks of another commit.
    places: HashMap<(i64, &'a str), usize>,
    forms: HashMap<(i64, &'a str), &'a KnownCommit>,
    /// By id, in whatever repository.
    by_id: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Commits<'a> {
    /// Sorts commits that come by time. `by_id` is true where [`Self::everywhere`] will be asked.
    pub(super) fn of(known: &'a [KnownCommit], by_id: bool) -> Self {
        // One id is one commit in every clone, so that its maker in one is its maker in all.
        let mut makers: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for it in known {
            if let Some(tree) = &it.made_in {
                makers.entry(&it.commit.id).or_default().insert(tree);
            }
        }
        // Ids are looked up only where a message speaks of other commits.
        let names_others = by_id
            || known.iter().any(|it| it.commit.pull.is_some() || !it.commit.reverts.is_empty());
        let mut all = Self::default();
        let mut same: HashMap<(i64, &str, DateTime<Utc>, &str), usize> = HashMap::new();
        for it in known {
            let commit = &it.commit;
            let identity = (it.repository, &*commit.email, commit.authored_at, &*commit.subject);
            let place = *same.entry(identity).or_insert_with(|| {
                all.made.push(Made {
                    shown: it,
                    makers: BTreeSet::new(),
                    is_gone: true,
                    is_reverted: false,
                });
                all.made.len() - 1
            });
            let made = &mut all.made[place];
            let newer = (!it.is_gone, commit.committed_at, &commit.id);
            if newer > (!made.shown.is_gone, made.shown.commit.committed_at, &made.shown.commit.id)
            {
                made.shown = it;
            }
            made.is_gone &= it.is_gone;
            made.makers.extend(makers.get(&*commit.id).into_iter().flatten());
            if names_others {
                all.places.insert((it.repository, &commit.id), place);
                all.forms.insert((it.repository, &commit.id), it);
            }
            if by_id {
                all.by_id.entry(&commit.id).or_default().push(place);
            }
        }
        if names_others {
            all.mark_reverted();
        }
        all
    }

    /// Where the commit with an id stands.
    pub(super) fn place(&self, repository: i64, id: &str) -> Option<usize> {
        self.places.get(&(repository, id)).copied()
    }

    /// Where the commit with an id stands in every repository that has it.
    pub(super) fn everywhere(&self, id: &str) -> impl Iterator<Item = usize> + '_ {
        self.by_id.get(id).into_iter().flatten().copied()
    }

    /// A revert that is itself reverted takes nothing back. Later ones are looked at first; a commit
    /// can't revert a later one.
    fn mark_reverted(&mut self) {
        let mut by_id: BTreeMap<(i64, &str), usize> = BTreeMap::new();
        by_id.extend(self.places.iter().map(|(key, place)| (*key, *place)));
        for index in (0..self.made.len()).rev() {
            let made = &self.made[index];
            if made.is_gone || made.is_reverted {
                continue;
            }
            let repository = made.shown.repository;
            for id in &made.shown.commit.reverts {
                // Some write the beginning of an id.
                let found = by_id.range((repository, id.as_str())..).next();
                let found =
                    found.filter(|((of, full), _)| *of == repository && full.starts_with(&**id));
                if let Some((_, place)) = found
                    && *place < index
                {
                    self.made[*place].is_reverted = true;
                }
            }
        }
    }

    /// The commits that a merge of a pull request brought in: what its second parent leads to and its
    /// first does not; of a squashed one itself and those that its message lists by their subjects.
    pub(super) fn brought_by(&self, index: usize) -> BTreeSet<usize> {
        let shown = self.made[index].shown;
        let repository = shown.repository;
        let mut brought = BTreeSet::from([index]);
        if let [first, rest @ ..] = &*shown.commit.parents
            && !rest.is_empty()
        {
            let before = self.reach(repository, std::slice::from_ref(first), &HashSet::new());
            let merged = self.reach(repository, rest, &before);
            brought.extend(merged.iter().filter_map(|id| self.place(repository, id)));
            return brought;
        }
        let commit = &shown.commit;
        let own = commit.subject.rsplit_once(" (").map(|(title, _)| title);
        let named: HashSet<&str> = commit.lists.iter().map(String::as_str).chain(own).collect();
        let is_named = |(place, made): (usize, &Made<'_>)| {
            let it = &made.shown.commit;
            let fits = made.shown.repository == repository
                && it.email == commit.email
                && it.authored_at <= commit.authored_at
                && named.contains(it.subject.as_str());
            fits.then_some(place)
        };
        brought.extend(self.made.iter().enumerate().filter_map(is_named));
        brought
    }

    fn reach(
        &self,
        repository: i64,
        from: &[String],
        without: &HashSet<&'a str>,
    ) -> HashSet<&'a str> {
        let mut reached = HashSet::new();
        let known = |id: &str| self.forms.get(&(repository, id)).copied();
        let mut open: Vec<&KnownCommit> = from.iter().filter_map(|id| known(id)).collect();
        while let Some(it) = open.pop() {
            if without.contains(&*it.commit.id) || !reached.insert(&*it.commit.id) {
                continue;
            }
            open.extend(it.commit.parents.iter().filter_map(|id| known(id)));
        }
        reached
    }
}

/// Which commits the work in each tree can have led to: by repository and tree, the commits' places,
/// by time.
pub(super) fn candidates<'a>(
    commits: &Commits<'a>,
    repositories: &BTreeMap<i64, &KnownRepository>,
    first_made: &BTreeMap<(i64, String), DateTime<Utc>>,
    places: impl Iterator<Item = &'a WorkPlace>,
) -> HashMap<(i64, &'a str), Vec<usize>> {
    let trees: BTreeSet<(i64, &str)> = places.map(|it| (it.repository, &*it.tree)).collect();
    let mut by_repository: HashMap<i64, Vec<usize>> = HashMap::new();
    for (index, made) in commits.made.iter().enumerate() {
        by_repository.entry(made.shown.repository).or_default().push(index);
    }
    let mut candidates = HashMap::new();
    for (repository, tree) in trees {
        let email = repositories.get(&repository).and_then(|it| it.email.as_deref());
        let told_since = first_made.get(&(repository, tree.to_owned()));
        let may_be = |made: &Made<'_>| {
            if !made.makers.is_empty() {
                return made.makers.contains(tree);
            }
            // From its first entry on the tree's log tells of every commit that was made in it.
            told_since.is_none_or(|since| made.at() < *since)
                && email.is_none_or(|email| email.eq_ignore_ascii_case(&made.shown.commit.email))
        };
        let all = by_repository.get(&repository).into_iter().flatten();
        let fitting: Vec<usize> = all.copied().filter(|it| may_be(&commits.made[*it])).collect();
        candidates.insert((repository, tree), fitting);
    }
    candidates
}
