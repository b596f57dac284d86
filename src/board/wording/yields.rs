//! What the money bought, in words.

use chrono::{DateTime, Utc};

use super::{UNKNOWN, amount_full, day, estimate, table_amount, tokens, whole};
use crate::board::yields::answer::{
    AskedYields, KnownFrom, Pull, PullFace, Spent, Unread, Untold, WhyUnread, WhyUntold, YieldSums,
};
use crate::ledger::KnownRepository;
use crate::spend::{Forge, Money, SourceError};

/// Names that one sentence lists.
const MOST_NAMES: usize = 3;

/// What notes are made of.
pub struct Noted<'a> {
    /// What was asked.
    pub asked: &'a AskedYields<'a>,
    /// All rows.
    pub totals: &'a YieldSums,
    /// Spend in no row.
    pub elsewhere: &'a Spent,
    /// Pull requests with spend.
    pub pulls: &'a [Pull],
    /// The repositories that were worked in.
    pub repositories: Vec<&'a KnownRepository>,
    /// The first instant of the days.
    pub start: DateTime<Utc>,
}

/// An amount for columns; what is not known is no zero.
pub fn cell(amount: Option<Money>) -> String {
    amount.map_or(UNKNOWN.into(), |amount| table_amount(&amount))
}

/// Spend for columns: empty where there was no work at all.
pub fn spent(spent: &Spent) -> String {
    if spent.requests == 0 { String::new() } else { cell(spent.list) }
}

/// What one line cost, which rarely is a whole cent: `0.0213`.
pub fn per_line(amount: Option<Money>) -> String {
    let Some(amount) = amount else { return UNKNOWN.into() };
    let units = amount.rounded(4);
    format!("{}.{:04}", units / 10_000, (units % 10_000).abs())
}

/// Lines added and removed: `+1,204 −87`; `–` where nobody can say.
pub fn lines(sums: &YieldSums) -> String {
    if sums.without_lines + sums.merges >= sums.commits {
        return UNKNOWN.into();
    }
    format!("+{} −{}", whole(sums.added), whole(sums.removed))
}

/// The rule by which spend goes to commits.
pub fn rule(window_hours: u32) -> String {
    let hours = hours(window_hours);
    format!(
        "What a request cost goes to the next commit made in the same working tree within {hours} \
         after it; what none follows led to no commit."
    )
}

/// A pull request in one row: `ada/tea#7`, `shop/tea!41`; one that no host told of is said to be known
/// from messages alone.
pub fn pull(face: &PullFace) -> String {
    let number = face.number;
    match &face.known_from {
        KnownFrom::Host(it) => format!("{}{}{number}", it.path, it.forge.sign()),
        KnownFrom::Message(repository) => format!("{repository} #{number}, from commit messages"),
    }
}

/// Pull requests in one sentence; `None` when none is known.
pub fn pulls(pulls: &[Pull]) -> Option<String> {
    let priced: Vec<Money> = pulls.iter().filter_map(|pull| pull.spent.list).collect();
    let sum = priced.iter().fold(0_i128, |sum, list| sum.saturating_add(list.attos));
    let each = Money { attos: sum.checked_div(priced.len() as i128)?, ..*priced.first()? };
    let each = estimate(true, amount_full(&each));
    let from = |forge| pulls.iter().filter(|it| it.face.known_from.forge() == forge).count() as u64;
    let messages = from(None);
    let told: Vec<String> = [Forge::GitHub, Forge::GitLab]
        .into_iter()
        .map(|forge| (forge.name(), from(Some(forge))))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| match count == pulls.len() as u64 {
            true => format!("told by {name}"),
            false => format!("{} told by {name}", whole(count)),
        })
        .collect();
    let by = match (told.is_empty(), messages, pulls.len()) {
        (true, _, 1) => "known from its commit message".to_owned(),
        (true, ..) => "known from commit messages".to_owned(),
        (false, 0, _) => told.join(", "),
        (false, ..) => {
            format!("{}, {} known from commit messages", told.join(", "), whole(messages))
        }
    };
    Some(match pulls.len() {
        1 => format!("1 merged pull request, {by}: {each}."),
        many => format!("{} merged pull requests, {by}: {each} each.", whole(many as u64)),
    })
}

/// What a reader must know.
pub fn notes(it: &Noted<'_>) -> Vec<String> {
    let mut notes = vec![rule(it.asked.window_hours)];
    let about = |money: &Money| estimate(true, amount_full(money));
    if let Some(open) = &it.totals.open.list {
        notes.push(format!(
            "{} of what led to no commit is younger than that, and one may still follow.",
            about(open)
        ));
    }
    if let Some(gone) = &it.totals.gone.list {
        notes.push(format!(
            "{} is at commits that are in the history no more: squashed into others, or thrown away.",
            about(gone)
        ));
    }
    if it.totals.without_lines > 0 {
        notes.push(format!(
            "The lines of {} are not known; the price of a line leaves them out.",
            counted(it.totals.without_lines, "commit")
        ));
    }
    notes.extend(pulls(it.pulls));
    notes.extend(it.asked.untold.iter().map(|untold| self::untold(untold, it.asked)));
    let unpriced = it.totals.at_commits.unpriced_tokens
        + it.totals.no_commit.unpriced_tokens
        + it.elsewhere.unpriced_tokens;
    if unpriced > 0 {
        notes.push(format!("{} tokens without a known price are in no amount.", tokens(unpriced)));
    }
    if it.elsewhere.requests > 0 {
        let amount = it.elsewhere.list.as_ref().map_or(UNKNOWN.into(), about);
        notes
            .push(format!("{amount} more was spent outside known repositories, and is in no row."));
    }
    notes.extend(unread(it.asked.unread));
    let mut without_git = 0;
    for repository in &it.repositories {
        let name = &repository.name;
        match repository.trouble.as_deref() {
            Some(trouble) if trouble.starts_with("git was not found") => without_git += 1,
            Some(trouble) => {
                let known = if repository.read_at == DateTime::UNIX_EPOCH {
                    "its commits are not known".to_owned()
                } else {
                    format!("its commits are known up to {}", when(repository.read_at, it.asked))
                };
                notes.push(format!("{name}: {trouble}; {known}."));
            }
            None if repository.read.heads.is_empty() => {
                notes.push(format!("{name} has no commits young enough to be read."));
            }
            None => {}
        }
        if !repository.read.shallow.is_empty() {
            let at: Vec<String> =
                repository.read.shallow.iter().map(|id| id.chars().take(8).collect()).collect();
            notes.push(format!(
                "{name}: its history is cut at {}; what lies before is not known.",
                list(&at)
            ));
        }
        if repository.is_cut {
            notes.push(format!("{name} has more commits than are read; older ones are left out."));
        }
    }
    if without_git > 0 {
        notes.push(format!(
            "git was not found, so that {} could not be read anew; install it, or put it into PATH.",
            counted(without_git, "repository")
        ));
    }
    let far = it.repositories.iter().map(|it| it.since).max();
    if let Some(since) = far.filter(|since| *since > it.start) {
        let first = since.with_timezone(&it.asked.zone).date_naive();
        notes.push(format!("Commits from before {} are not read.", day(first)));
    }
    notes
}

/// Why a host did not tell of pull requests.
fn untold(it: &Untold, asked: &AskedYields<'_>) -> String {
    let host = &it.project.host;
    let project = format!("{host}/{}", it.project.path);
    let instead = "its pull requests are known from commit messages, as far as those tell";
    match &it.why {
        WhyUntold::NeedsKey { id, variables } => {
            let variable = variables.first().map(|name| format!(", or set {name}"));
            format!(
                "{host} is not asked for pull requests without a key: `spendbar key set {id}`{}.",
                variable.unwrap_or_default()
            )
        }
        WhyUntold::Waits(until) => {
            let until = until.map(|until| format!(" until {}", when(until, asked)));
            format!(
                "{host} was asked too often and is left alone{}; until then pull requests of \
                 {project} are known as far as it told, and from commit messages.",
                until.unwrap_or_default()
            )
        }
        WhyUntold::Failed(SourceError::KeyRejected { status }) => {
            let forge = it.project.forge.word();
            format!(
                "{host} refused the key ({status}); set another one: `spendbar key set \
                 yield-{forge}`. {project}: {instead}."
            )
        }
        WhyUntold::Failed(SourceError::WrongKindOfKey { status }) => {
            format!("{project}: the key may not read its pull requests ({status}); {instead}.")
        }
        WhyUntold::Failed(SourceError::NotOffered { .. }) => format!(
            "{project}: {host} knows no such repository, or the key may not see it (404); {instead}."
        ),
        WhyUntold::Failed(error) => format!("{project}: {error}; {instead}."),
        WhyUntold::More(count) => format!(
            "{project} has at least {} more merged pull requests than are read at once; later looks \
             go on with them.",
            whole(*count)
        ),
        WhyUntold::Before(Some(since)) => format!(
            "Of {project} pull requests from before {} are known from commit messages alone; it is \
             asked once an hour at most.",
            when(*since, asked)
        ),
        WhyUntold::Before(None) => format!("{project} was not asked yet; {instead}."),
    }
}

/// Folders for which there is no repository, by the reason.
fn unread(folders: &[Unread]) -> Vec<String> {
    let of = |why: &WhyUnread| -> Vec<String> {
        folders.iter().filter(|it| it.why == *why).map(|it| it.folder.clone()).collect()
    };
    let mut notes = Vec::new();
    let none = of(&WhyUnread::NoRepository);
    if !none.is_empty() {
        notes.push(format!("In no repository: {}.", list(&none)));
    }
    let gone = of(&WhyUnread::Gone);
    if !gone.is_empty() {
        notes.push(format!(
            "Gone, so that nobody can say to which repository it belonged: {}.",
            list(&gone)
        ));
    }
    for it in folders {
        if let WhyUnread::Unreadable(what) = &it.why {
            notes.push(format!("{} can't be read: {what}.", it.folder));
        }
    }
    notes
}

fn hours(count: u32) -> String {
    if count == 1 { "1 hour".into() } else { format!("{count} hours") }
}

fn counted(count: u64, what: &str) -> String {
    match (count, what) {
        (1, _) => format!("1 {what}"),
        (_, "repository") => format!("{} repositories", whole(count)),
        _ => format!("{} {what}s", whole(count)),
    }
}

fn list(names: &[String]) -> String {
    let shown = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn when(at: DateTime<Utc>, asked: &AskedYields<'_>) -> String {
    at.with_timezone(&asked.zone).format("%-d %b %Y %H:%M").to_string()
}
