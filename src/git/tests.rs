//! What the calls of git do when things go wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use super::*;

fn limits(home: &Path, script: &str, patience: Duration) -> Limits {
    let program = home.join("git");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("0755");
    Limits { program, since: DateTime::UNIX_EPOCH, most_commits: 10, patience }
}

fn repository(home: &Path) -> Repository {
    Repository { common: home.to_owned(), folder: home.to_owned(), before: None }
}

#[test]
fn what_takes_too_long_is_ended_with_what_it_started() {
    let home = tempfile::tempdir().expect("a folder");
    let late = home.path().join("late");
    let script = format!("(sleep 2; touch '{}') & sleep 60", late.display());
    let limits = limits(home.path(), &script, Duration::from_millis(300));
    let began = Instant::now();
    let error = read(&repository(home.path()), &limits).expect_err("too slow");
    assert_eq!(error, GitError::TooSlow { seconds: 0 });
    assert!(began.elapsed() < Duration::from_secs(20));
    std::thread::sleep(Duration::from_millis(2200));
    assert!(!late.exists());
}

#[test]
fn what_git_says_is_told_in_one_line_without_control_characters() {
    let home = tempfile::tempdir().expect("a folder");
    let script =
        "echo 'warning: x' >&2; printf 'fatal: bad \\033[2Jobject\\nhint: y\\n' >&2; exit 128";
    let limits = limits(home.path(), script, Duration::from_secs(20));
    let error = read(&repository(home.path()), &limits).expect_err("it failed");
    assert_eq!(error.to_string(), "git says: bad [2Jobject");
}

#[test]
fn without_lines_commits_are_known_all_the_same() {
    let home = tempfile::tempdir().expect("a folder");
    let id = "c72e40ff8cf24c149f3db93c7fd597f4d250d480";
    // As a partial clone answers, whose files are elsewhere.
    let script = format!(
        "case \"$*\" in *--numstat*) echo 'fatal: could not fetch x from promisor remote' >&2; exit 128;; \
         *config*) exit 1;; esac\n\
         printf '@{id}||Ada|a@b|1795903540|1795903540|refs/heads/main|One|||' | tr '|' '\\0'"
    );
    let limits = limits(home.path(), &script, Duration::from_secs(20));
    let history = read(&repository(home.path()), &limits).expect("read");
    assert_eq!(history.commits.len(), 1);
    assert_eq!((history.commits[0].change, history.email), (None, None));
    assert_eq!(history.read.heads, [id]);
}

#[test]
fn a_missing_program_is_no_git() {
    let home = tempfile::tempdir().expect("a folder");
    let limits = limits(home.path(), "", Duration::from_secs(20));
    let limits = Limits { program: home.path().join("absent"), ..limits };
    assert_eq!(read(&repository(home.path()), &limits), Err(GitError::NoGit));
}

#[test]
fn answers_stand_in_the_order_of_the_repositories() {
    let home = tempfile::tempdir().expect("a folder");
    let script = "case \"$2$3$4\" in *two*) echo 'fatal: two' >&2; exit 1;; esac; exit 0";
    let limits = limits(home.path(), script, Duration::from_secs(20));
    let of = |name: &str| {
        let folder = home.path().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        Repository { common: folder.clone(), folder, before: None }
    };
    let all = [of("one"), of("two"), of("three")];
    let answers: Vec<bool> = read_all(&all, &limits, 3).iter().map(Result::is_ok).collect();
    assert_eq!(answers, [true, false, true]);
}

/// A repository that git itself makes, with a commit on each of the first `days` days of March 2026.
fn daily(home: &Path, days: u32) -> Repository {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let git = |arguments: &[&str], input: &str| {
        let mut command = Command::new("git");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", home).current_dir(home).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("git has to be installed for this");
        let mut pipe = child.stdin.take().expect("piped");
        pipe.write_all(input.as_bytes()).expect("git reads");
        drop(pipe);
        assert!(child.wait().expect("git ends").success(), "{arguments:?}");
    };
    let commits = (1..=days).map(|day| {
        let at = march(day).timestamp();
        let subject = format!("Day {day}");
        format!(
            "commit refs/heads/main\nauthor Ada <a@b> {at} +0000\ncommitter Ada <a@b> {at} +0000\n\
             data {}\n{subject}\nM 100644 inline f\ndata 2\n{}\n\n",
            subject.len(),
            day % 10,
        )
    });
    git(&["init", "-q", "-b", "main"], "");
    git(&["fast-import", "--quiet"], &commits.collect::<String>());
    Repository { common: home.join(".git"), folder: home.to_owned(), before: None }
}

fn march(day: u32) -> DateTime<Utc> {
    format!("2026-03-{day:02}T12:00:00Z").parse().expect("a time")
}

fn subjects(history: &History) -> Vec<&str> {
    history.commits.iter().map(|commit| commit.subject.as_str()).collect()
}

#[test]
fn older_commits_and_more_than_so_many_are_left_out() {
    let home = tempfile::tempdir().expect("a folder");
    let whole = daily(home.path(), 6);
    let limits = |since: u32, most_commits: usize| Limits {
        program: "git".into(),
        since: march(since),
        most_commits,
        patience: Duration::from_secs(60),
    };
    let all = read(&whole, &limits(1, 10)).expect("read");
    assert_eq!((all.commits.len(), all.is_cut), (6, false));
    // The newest count, and that there are more is told.
    let most = read(&whole, &limits(1, 2)).expect("read");
    assert_eq!((subjects(&most), most.is_cut), (vec!["Day 6", "Day 5"], true));
    let young = read(&whole, &limits(4, 10)).expect("read");
    assert_eq!((subjects(&young), young.is_cut), (vec!["Day 6", "Day 5", "Day 4"], false));
    // Both bounds hold for what is new as well, and what is older is not taken for gone.
    let before = ReadBefore { heads: vec![all.commits[4].id.clone()], shallow: Vec::new() };
    let known = Repository { before: Some(before), ..whole };
    let new = read(&known, &limits(4, 2)).expect("read");
    assert_eq!((subjects(&new), new.is_cut), (vec!["Day 6", "Day 5"], true));
    let reachable = new.reachable.expect("asked").len();
    assert_eq!(reachable, 3, "what is young enough, whether new or known");
}
