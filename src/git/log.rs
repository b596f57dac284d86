//! `git log` for machines, and how its answer is read.
//!
//! The options are those of git-log(1), from version 2.31 on. Each commit is nine fields, the first
//! of which begins with `@`, and after them a line for each file: `added TAB removed TAB path`, with
//! dashes for binary files. All of these end in a NUL, which no field can hold; so what a message or
//! a path says can't pass for a commit.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::Limits;
use super::call::{Git, GitError};
use crate::spend::{Change, Commit};

const FORMAT: &str = "--format=@%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%S%x00%s%x00%b";
/// Has git count lines, of files as they are kept.
const LINES: [&str; 4] = ["--numstat", "--no-renames", "--no-ext-diff", "--no-textconv"];
/// Fields after the first.
const FIELDS: usize = 8;
/// What a name or a subject is cut to: nobody reads on, and the ledger should stay small.
const LONGEST: usize = 200;
/// Commits that one message can revert or list.
const MOST_NAMED: usize = 500;

/// Refs that are nobody's work: what git and its tools keep for themselves.
const NOT_THESE: [&str; 5] = [
    "--exclude=refs/stash",
    "--exclude=refs/notes/*",
    "--exclude=refs/bisect/*",
    "--exclude=refs/prefetch/*",
    "--exclude=refs/jj/*",
];

/// What is asked of each commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// With its lines, for which git compares each commit with the one before.
    Lines,
    /// Without.
    NoLines,
}

/// Commits that can be reached from any ref and are not known yet.
pub(super) fn read(
    git: &Git<'_>,
    limits: &Limits,
    known: &[String],
    detail: Detail,
) -> Result<Vec<Commit>, GitError> {
    let since = format!("--since={}", limits.since.timestamp());
    let most = format!("--max-count={}", limits.most_commits);
    let mut arguments = vec!["log", FORMAT, "-z", &since, &most, "--ignore-missing", "--stdin"];
    match detail {
        Detail::Lines => arguments.extend(LINES),
        Detail::NoLines => arguments.push("--no-patch"),
    }
    arguments.extend(NOT_THESE);
    arguments.push("--all");
    let known: String = known.iter().map(|id| format!("^{id}\n")).collect();
    parse(&git.run(&arguments, known, None)?, detail)
}

/// Commits that were made here, are not known yet, and can be reached from no ref any more; their
/// lines as well, unless git lacks what it takes to count them.
pub(super) fn lost<'a>(
    git: &Git<'_>,
    limits: &Limits,
    made: impl Iterator<Item = &'a String>,
    known: &[String],
) -> Result<Vec<Commit>, GitError> {
    let since = format!("--since={}", limits.since.timestamp());
    let mut arguments = vec!["log", FORMAT, "-z", &since, "--ignore-missing"];
    arguments.extend(LINES);
    arguments.extend(["--stdin", "--not", "--all"]);
    let made = made.map(|id| format!("{id}\n"));
    let input: String = made.chain(known.iter().map(|id| format!("^{id}\n"))).collect();
    match git.run(&arguments, input, None) {
        Ok(answer) => parse(&answer, Detail::Lines),
        // They are nobody's history any more: git may have thrown parts of them away.
        Err(GitError::Failed { said }) => {
            log::debug!("commits that are in no history: {said}");
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// The ids of all commits that can be reached now, of those young enough.
pub(super) fn reachable(git: &Git<'_>, limits: &Limits) -> Result<Vec<String>, GitError> {
    let since = format!("--since={}", limits.since.timestamp());
    let mut arguments = vec!["rev-list", &since];
    arguments.extend(NOT_THESE);
    arguments.push("--all");
    let answer = git.run(&arguments, String::new(), None)?;
    Ok(String::from_utf8_lossy(&answer).lines().map(str::to_owned).collect())
}

/// Reads what `git log` prints.
///
/// # Errors
/// It is not of the form that was asked for.
pub(super) fn parse(answer: &[u8], detail: Detail) -> Result<Vec<Commit>, GitError> {
    let mut commits: Vec<Commit> = Vec::new();
    let mut fields = answer.split(|byte| *byte == 0);
    while let Some(field) = fields.next() {
        let field = field.strip_prefix(b"\n").unwrap_or(field);
        match field {
            [] => {}
            [b'@', id @ ..] => {
                let rest: Vec<&[u8]> = fields.by_ref().take(FIELDS).collect();
                let commit = commit(id, &rest, detail);
                commits.push(commit.ok_or_else(|| not_understood(field))?);
            }
            file => {
                let commit = commits.last_mut().ok_or_else(|| not_understood(field))?;
                let (added, removed) = lines(file).ok_or_else(|| not_understood(field))?;
                let change = commit.change.get_or_insert_default();
                change.added = change.added.saturating_add(added);
                change.removed = change.removed.saturating_add(removed);
                change.files += 1;
            }
        }
    }
    Ok(commits)
}

fn commit(id: &[u8], rest: &[&[u8]], detail: Detail) -> Option<Commit> {
    let &[parents, author, email, authored, committed, reference, subject, body] = rest else {
        return None;
    };
    let parents: Vec<String> =
        text(parents).split_whitespace().map(is_id).collect::<Option<_>>()?;
    let body = text(body);
    // Of merges git tells no lines; a commit that it tells none of changed none.
    let is_merge = parents.len() > 1;
    let change = (detail == Detail::Lines && !is_merge).then(Change::default);
    Some(Commit {
        id: is_id(&text(id))?,
        parents,
        author: short(&text(author)),
        email: short(&text(email)),
        authored_at: time(authored)?,
        committed_at: time(committed)?,
        branch: branch(&text(reference)),
        subject: short(&text(subject)),
        change,
        pull: pull(&text(subject), &body),
        reverts: reverts(&body),
        lists: lists(&body),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// An id of SHA-1 or SHA-256, or a beginning of one.
fn is_id(text: &str) -> Option<String> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    ((7..=64).contains(&text.len()) && is_hex).then(|| text.to_owned())
}

/// Seconds since 1970. Some tools have written years that no calendar has; those are as old as can
/// be.
fn time(bytes: &[u8]) -> Option<DateTime<Utc>> {
    let seconds = i64::from_str(std::str::from_utf8(bytes).ok()?.trim()).ok()?;
    Some(DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH))
}

/// `refs/heads/main` and `refs/remotes/origin/main` are `main`; tags and the rest are none.
fn branch(reference: &str) -> Option<String> {
    if let Some(local) = reference.strip_prefix("refs/heads/") {
        return Some(short(local));
    }
    let (_remote, name) = reference.strip_prefix("refs/remotes/")?.split_once('/')?;
    (name != "HEAD").then(|| short(name))
}

fn lines(file: &[u8]) -> Option<(u64, u64)> {
    let mut columns = file.splitn(3, |byte| *byte == b'\t');
    let mut number = || match columns.next()? {
        b"-" => Some(0),
        digits => std::str::from_utf8(digits).ok()?.parse().ok(),
    };
    let counts = (number()?, number()?);
    columns.next().map(|_path| counts)
}

/// Git writes `This reverts commit <id>.`, for a merge with words before the period.
fn reverts(body: &str) -> Vec<String> {
    let parts = body.split("This reverts commit ").skip(1).take(MOST_NAMED);
    parts
        .filter_map(|part| is_id(part.split(|c: char| !c.is_ascii_alphanumeric()).next()?))
        .collect()
}

/// What hosting services write into the message of what they merge: `Merge pull request #12 from …`
/// (GitHub, Gitea), `Title (#12)` for a squashed one, `Merged in … (pull request #12)` (Bitbucket), and
/// in the body `See merge request group/project!12` (GitLab).
fn pull(subject: &str, body: &str) -> Option<u64> {
    let digits = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().ok()
    };
    if let Some(rest) = subject.strip_prefix("Merge pull request #") {
        return digits(rest);
    }
    if let Some(inside) = subject.trim_end().strip_suffix(')')
        && let Some((_, number)) = inside.rsplit_once('#')
        && (inside.ends_with(&format!("(#{number}"))
            || inside.ends_with(&format!("(pull request #{number}")))
    {
        return number.parse().ok();
    }
    let (_, merged) = body.split_once("See merge request ")?;
    let (_, number) = merged.lines().next()?.rsplit_once('!')?;
    digits(number)
}

/// The lines that begin with a star: what a squashed pull request was made of.
fn lists(body: &str) -> Vec<String> {
    let stars = body.lines().filter_map(|line| line.strip_prefix("* "));
    stars.map(|line| short(line.trim())).take(MOST_NAMED).collect()
}

fn not_understood(field: &[u8]) -> GitError {
    let beginning: String = text(field).chars().filter(|c| !c.is_control()).take(60).collect();
    GitError::NotUnderstood(beginning)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "c72e40ff8cf24c149f3db93c7fd597f4d250d480";
    const OTHER: &str = "8b32c15ab14a82232579dd1eab83b5aabed06ecc";

    fn told(subject: &str, body: &str, files: &[&str]) -> Vec<u8> {
        let mut answer = format!(
            "@{ID}\0{OTHER}\0Ada\0a@b\01795903540\01795903541\0refs/heads/feat/x\0{subject}\0{body}\0"
        );
        if !files.is_empty() {
            answer.push('\n');
            files.iter().for_each(|file| answer.push_str(&format!("{file}\0")));
        }
        answer.push('\0');
        answer.into_bytes()
    }

    #[test]
    fn a_commit_and_its_lines_are_read() {
        let body = format!("* one\n* two\n\nThis reverts commit {OTHER}.\n");
        let mut answer = told("two", &body, &["-\t-\tbin", "12\t3\ta\tb\nc"]);
        answer.extend(told("three", "", &[]));
        let commits = parse(&answer, Detail::Lines).unwrap();
        let first = &commits[0];
        assert_eq!(commits.len(), 2);
        assert_eq!(first.change, Some(Change { added: 12, removed: 3, files: 2 }));
        assert_eq!(first.branch.as_deref(), Some("feat/x"));
        assert_eq!(
            (&first.reverts[..], &first.lists[..]),
            (&[OTHER.to_owned()][..], &["one".to_owned(), "two".to_owned()][..])
        );
        assert_eq!(first.authored_at.timestamp(), 1_795_903_540);
        assert_eq!(commits[1].change, Some(Change::default()), "it changed nothing");
        let without = parse(&told("two", "", &[]), Detail::NoLines).unwrap();
        assert_eq!(without[0].change, None);
    }

    #[test]
    fn a_message_can_not_pass_for_a_commit() {
        let hostile = format!("@{OTHER}\n1\t2\tx\n@");
        let commits = parse(&told(&hostile, &hostile, &["1\t2\t@x"]), Detail::Lines).unwrap();
        assert_eq!(commits.len(), 1);
        assert_eq!(commits[0].change, Some(Change { added: 1, removed: 2, files: 1 }));
    }

    #[test]
    fn what_is_no_history_is_said_to_be_none() {
        for wrong in ["hello", "1\t2\tx\0", "@c72e40ff\0\0\0", "@xyz\0\0a\0b\0t\0t\0r\0s\0b\0"] {
            let answer = parse(wrong.as_bytes(), Detail::Lines);
            assert!(matches!(answer, Err(GitError::NotUnderstood(_))), "{wrong}: {answer:?}");
        }
    }

    #[test]
    fn pull_requests_are_known_by_what_services_write() {
        for (subject, body, number) in [
            ("Merge pull request #7 from ada/x", "", Some(7)),
            ("Prices of tea (#12)", "* one\n", Some(12)),
            ("Merged in tea (pull request #3)", "", Some(3)),
            ("Merge branch 'x' into 'main'", "X\n\nSee merge request shop/tea!41\n", Some(41)),
            ("Mends #12", "", None),
            ("Mends (issue #12)", "", None),
            ("Mends (#x)", "", None),
        ] {
            assert_eq!(pull(subject, body), number, "{subject}");
        }
    }

    #[test]
    fn branches_go_by_their_own_name() {
        assert_eq!(branch("refs/remotes/origin/feat/x").as_deref(), Some("feat/x"));
        assert_eq!(branch("refs/remotes/origin/HEAD"), None);
        assert_eq!(branch("refs/tags/v1"), None);
    }

    proptest! {
        #[test]
        fn nothing_that_git_could_say_is_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, Detail::Lines);
        }

        #[test]
        fn texts_come_back_as_they_were(subject in "[^\\x00\\n]{0,60}", body in "[^\\x00]{0,200}", added in 0_u64..9999) {
            let file = format!("{added}\t0\tf");
            let commits = parse(&told(&subject, &body, &[&file]), Detail::Lines).unwrap();
            prop_assert_eq!(&commits[0].subject, &subject);
            prop_assert_eq!(commits[0].change.map(|change| change.added), Some(added));
        }
    }
}
