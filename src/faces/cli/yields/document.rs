//! `spendbar.yield.v1`.

use std::io::{self, Write};

use serde::Serialize;

use super::super::json;
use crate::board::yields::{
    CommitFace, KnownFrom, Pull, PullFace, Spent, YieldBy, YieldDay, YieldRow, YieldSums, Yields,
};
use crate::spend::Forge;

/// Writes `spendbar.yield.v1`: all rows, the spend of each day, and pull requests.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, it: &Yields) -> io::Result<()> {
    json::write(
        out,
        &Document {
            schema: "spendbar.yield.v1",
            zone: it.zone.name(),
            first_day: it.first_day.to_string(),
            last_day: it.last_day.to_string(),
            window_hours: it.window_hours,
            by: it.by.iter().map(|key| word(*key)).collect(),
            rows: it.rows.iter().map(|row| Row::of(row, &it.by)).collect(),
            totals: Sums::of(&it.totals),
            outside: Amount::of(&it.elsewhere),
            days: it.per_day.iter().map(Day::of).collect(),
            pull_requests: it.pulls.iter().map(PullRequest::of).collect(),
            notes: &it.notes,
        },
    )
}

fn word(key: YieldBy) -> &'static str {
    match key {
        YieldBy::Repository => "repository",
        YieldBy::Branch => "branch",
        YieldBy::Author => "author",
        YieldBy::Commit => "commit",
        YieldBy::PullRequest => "pull-request",
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    zone: &'a str,
    first_day: String,
    last_day: String,
    window_hours: u32,
    by: Vec<&'static str>,
    rows: Vec<Row<'a>>,
    totals: Sums,
    outside: Amount,
    days: Vec<Day>,
    pull_requests: Vec<PullRequest<'a>>,
    notes: &'a [String],
}

/// The keys that were asked for stand in every row, the others in none.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<Option<Commit<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_request: Option<Option<Face>>,
    #[serde(flatten)]
    sums: Sums,
}

impl<'a> Row<'a> {
    fn of(row: &'a YieldRow, by: &[YieldBy]) -> Self {
        let asked = |key| by.contains(&key).then_some(());
        Self {
            repository: asked(YieldBy::Repository).map(|()| row.repository.as_deref()),
            branch: asked(YieldBy::Branch).map(|()| row.branch.as_deref()),
            author: asked(YieldBy::Author).map(|()| row.author.as_deref()),
            commit: asked(YieldBy::Commit).map(|()| row.commit.as_ref().map(Commit::of)),
            pull_request: asked(YieldBy::PullRequest).map(|()| row.pull.as_ref().map(Face::of)),
            sums: Sums::of(&row.sums),
        }
    }
}

#[derive(Serialize)]
struct Commit<'a> {
    id: &'a str,
    subject: &'a str,
    at: String,
    reverted: bool,
    gone: bool,
}

impl<'a> Commit<'a> {
    fn of(commit: &'a CommitFace) -> Self {
        Self {
            id: &commit.id,
            subject: &commit.subject,
            at: json::instant(commit.at),
            reverted: commit.is_reverted,
            gone: commit.is_gone,
        }
    }
}

#[derive(Serialize)]
struct Sums {
    commits: u64,
    lines_added: u64,
    lines_removed: u64,
    commits_without_lines: u64,
    at_commits: Amount,
    per_commit_usd: Option<String>,
    per_line_usd: Option<String>,
    reverted: Amount,
    gone: Amount,
    no_commit: Amount,
    may_still_lead_to_one: Amount,
}

impl Sums {
    fn of(sums: &YieldSums) -> Self {
        Self {
            commits: sums.commits,
            lines_added: sums.added,
            lines_removed: sums.removed,
            commits_without_lines: sums.without_lines,
            at_commits: Amount::of(&sums.at_commits),
            per_commit_usd: json::decimal(sums.per_commit()),
            per_line_usd: json::decimal(sums.per_line()),
            reverted: Amount::of(&sums.reverted),
            gone: Amount::of(&sums.gone),
            no_commit: Amount::of(&sums.no_commit),
            may_still_lead_to_one: Amount::of(&sums.open),
        }
    }
}

/// Work; `list_usd` is null where none of it has a price.
#[derive(Serialize)]
struct Amount {
    requests: u64,
    list_usd: Option<String>,
    unpriced_tokens: u64,
}

impl Amount {
    fn of(spent: &Spent) -> Self {
        Self {
            requests: spent.requests,
            list_usd: json::decimal(spent.list),
            unpriced_tokens: spent.unpriced_tokens,
        }
    }
}

#[derive(Serialize)]
struct Day {
    day: String,
    commits: u64,
    at_commits: Amount,
    no_commit: Amount,
}

impl Day {
    fn of(day: &YieldDay) -> Self {
        Self {
            day: day.day.to_string(),
            commits: day.commits,
            at_commits: Amount::of(&day.at_commits),
            no_commit: Amount::of(&day.no_commit),
        }
    }
}

/// `project` is the repository on its host, or where no host told of it the folder here.
#[derive(Serialize)]
struct Face {
    number: u64,
    merged_at: String,
    known_from: &'static str,
    project: String,
}

impl Face {
    fn of(face: &PullFace) -> Self {
        let project = match &face.known_from {
            KnownFrom::Host(project) => format!("{}/{}", project.host, project.path),
            KnownFrom::Message(repository) => repository.clone(),
        };
        Self {
            number: face.number,
            merged_at: json::instant(face.at),
            known_from: face.known_from.forge().map_or("commit messages", Forge::word),
            project,
        }
    }
}

#[derive(Serialize)]
struct PullRequest<'a> {
    repository: &'a str,
    title: Option<&'a str>,
    #[serde(flatten)]
    face: Face,
    commits: u64,
    #[serde(flatten)]
    spent: Amount,
}

impl<'a> PullRequest<'a> {
    fn of(pull: &'a Pull) -> Self {
        Self {
            repository: &pull.repository,
            title: pull.title.as_deref(),
            face: Face::of(&pull.face),
            commits: pull.commits,
            spent: Amount::of(&pull.spent),
        }
    }
}
