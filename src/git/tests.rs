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
