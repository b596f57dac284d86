//! Git repositories of a test, and what sessions in them cost: made by git itself, with every setting
//! of this machine out of the way. The larger ones are made from numbers, together with the truth about
//! them.

// Each user of this file, the tests and the bench, leaves some of it alone.
#![allow(dead_code, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whoever works on the pretend machine.
pub const OWN: &str = "ada@example.com";
/// Somebody whose commits come from elsewhere.
pub const OTHER: &str = "bob@example.com";

/// Runs git in a folder; `at` is the time of what it makes. It has to succeed.
pub fn git(home: &Path, folder: &Path, at: &str, arguments: &[&str]) -> String {
    git_reading(home, folder, at, arguments, "")
}

/// The same, with something to read.
pub fn git_reading(
    home: &Path,
    folder: &Path,
    at: &str,
    arguments: &[&str],
    input: &str,
) -> String {
    let mut command = Command::new("git");
    command.env_clear().current_dir(folder).args(arguments);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    command.env("GIT_AUTHOR_DATE", at).env("GIT_COMMITTER_DATE", at).env("GIT_EDITOR", "true");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("git has to be installed for this");
    let mut pipe = child.stdin.take().expect("piped");
    pipe.write_all(input.as_bytes()).expect("git reads");
    drop(pipe);
    let output = child.wait_with_output().expect("git ends");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {words}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository that makes its own commits.
pub struct Repo {
    home: PathBuf,
    /// Its working tree.
    pub folder: PathBuf,
}

impl Repo {
    /// An empty one on the branch `main`, whose commits are [`OWN`].
    pub fn new(home: &Path, folder: PathBuf) -> Self {
        std::fs::create_dir_all(&folder).expect("a folder");
        let repo = Self::at(home, folder);
        repo.git("2026-01-01T00:00:00Z", &["init", "-q", "-b", "main"]);
        repo.own();
        repo
    }

    /// One that is there.
    pub fn at(home: &Path, folder: PathBuf) -> Self {
        Self { home: home.to_owned(), folder }
    }

    /// Has its commits made by [`OWN`].
    pub fn own(&self) {
        self.git("2026-01-01T00:00:00Z", &["config", "user.email", OWN]);
        self.git("2026-01-01T00:00:00Z", &["config", "user.name", "Ada"]);
    }

    /// Runs git in it.
    pub fn git(&self, at: &str, arguments: &[&str]) -> String {
        git(&self.home, &self.folder, at, arguments)
    }

    /// Commits a file of so many lines, and gives the commit's id.
    pub fn commit(&self, at: &str, subject: &str, file: &str, lines: usize) -> String {
        let text: String = (0..lines).map(|line| format!("{subject} {line}\n")).collect();
        std::fs::write(self.folder.join(file), text).expect("written");
        self.git(at, &["add", "--", file]);
        self.git(at, &["commit", "-q", "-m", subject]);
        self.git(at, &["rev-parse", "HEAD"])
    }

    /// The folder as text.
    pub fn path(&self) -> String {
        self.folder.display().to_string()
    }
}

/// One request: seconds since 1970, and thousands of output tokens.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// When.
    pub at: i64,
    /// How large.
    pub kilotokens: u64,
}

/// A repository made from numbers.
pub struct Generated {
    /// What `git fast-import` makes it of.
    pub stream: String,
    /// What was requested in it.
    pub requests: Vec<Request>,
    /// Thousands of tokens that led to each commit, by its subject.
    pub truth: BTreeMap<String, u64>,
    /// Thousands of tokens that led to none.
    pub no_commit: u64,
}

const HOUR: i64 = 3600;
/// The window of the rule.
const WINDOW: i64 = 24 * HOUR;

/// A history of `commits` commits on some branches, from `start` on, in which every third one or so is
/// by somebody else, with about `requests` requests between each two.
pub fn generate(seed: u64, commits: usize, requests: usize, start: i64) -> Generated {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut made = Generated {
        stream: String::new(),
        requests: Vec::new(),
        truth: BTreeMap::new(),
        no_commit: 0,
    };
    let branches = ["main", "feat/tea", "fix/cups"];
    let mut tips: BTreeMap<&str, usize> = BTreeMap::new();
    let mut waiting: Vec<Request> = Vec::new();
    let mut now = start;
    for number in 1..=commits {
        for _ in 0..random.usize(0..=requests * 2) {
            now += random.i64(1..=HOUR);
            let request = Request { at: now, kilotokens: random.u64(1..=30) };
            made.requests.push(request);
            waiting.push(request);
        }
        // Some breaks are longer than the window.
        now +=
            if random.u8(0..8) == 0 { random.i64(HOUR..=60 * HOUR) } else { random.i64(1..=HOUR) };
        let is_own = random.u8(0..3) != 0;
        let subject = format!("Change {number}");
        if is_own {
            for request in waiting.drain(..) {
                if now - request.at <= WINDOW {
                    *made.truth.entry(subject.clone()).or_default() += request.kilotokens;
                } else {
                    made.no_commit += request.kilotokens;
                }
            }
        }
        let branch = if number == 1 { "main" } else { branches[random.usize(0..branches.len())] };
        let parent = tips.get(branch).or(tips.get("main")).copied();
        let email = if is_own { OWN } else { OTHER };
        let who = format!("Name <{email}> {now} +0000");
        let stream = &mut made.stream;
        write!(
            stream,
            "commit refs/heads/{branch}\nmark :{number}\nauthor {who}\ncommitter {who}\n"
        )
        .expect("a text");
        write!(stream, "data {}\n{subject}\n", subject.len()).expect("a text");
        if let Some(parent) = parent {
            writeln!(stream, "from :{parent}").expect("a text");
        }
        let body: String =
            (0..random.usize(1..40)).map(|line| format!("{number} {line}\n")).collect();
        let file = random.usize(0..50);
        write!(stream, "M 100644 inline src/file{file}.txt\ndata {}\n{body}\n", body.len())
            .expect("a text");
        tips.insert(branch, number);
    }
    made.no_commit += waiting.iter().map(|request| request.kilotokens).sum::<u64>();
    made
}

impl Generated {
    /// Makes it in a folder.
    pub fn import(&self, home: &Path, folder: PathBuf) -> Repo {
        let repo = Repo::new(home, folder);
        git_reading(
            home,
            &repo.folder,
            "2026-01-01T00:00:00Z",
            &["fast-import", "--quiet"],
            &self.stream,
        );
        repo
    }
}
