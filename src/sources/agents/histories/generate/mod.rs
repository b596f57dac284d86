//! True histories, and the logs that agents would have written of them.
//!
//! A plan is a list of small steps, so that a failing one shrinks to the few that matter. Playing
//! it makes two things at once: the truth (what each request really used), and the changes to a
//! home folder, in the order of time, that the agent's log of it comes to.
//!
//! Nothing in here knows the readers: whoever shares a mistake with the code can't find it.

pub mod claude;
pub mod codex;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

/// Requests and tokens: fresh input, cache reads, cache writes of 5 minutes and of an hour, output,
/// reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many requests.
    pub requests: u64,
    /// Tokens by kind.
    pub tokens: [u64; 6],
}

impl Sums {
    /// Adds one request.
    pub fn add(&mut self, tokens: [u64; 6]) {
        self.requests += 1;
        self.tokens.iter_mut().zip(tokens).for_each(|(sum, more)| *sum += more);
    }

    /// Whether nothing of it is more than the other's.
    pub fn is_within(&self, other: &Self) -> bool {
        self.requests <= other.requests
            && self.tokens.iter().zip(other.tokens).all(|(mine, theirs)| *mine <= theirs)
    }
}

/// Sums by UTC day and model.
pub type Truth = BTreeMap<(String, Option<String>), Sums>;

/// One change to the home folder. Files are named relative to it.
#[derive(Clone, Debug)]
pub enum Change {
    /// More bytes at the end of a file.
    Append { file: String, text: String },
    /// The file lies elsewhere from now on.
    Move { from: String, to: String },
    /// A second copy of the file.
    Copy { from: String, to: String },
    /// The file is packed with Zstandard; the plain one may stay.
    Pack { file: String, keep: bool },
}

/// A history that was played.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What happened to the home folder.
    pub changes: Vec<Change>,
    /// What was really used.
    pub truth: Truth,
    /// File -> the file of the thread it was forked from.
    pub parents: BTreeMap<String, String>,
}

impl History {
    /// Makes all changes at once.
    pub fn write(&self, home: &Path) {
        self.changes.iter().for_each(|change| change.make(home));
    }

    fn append(&mut self, file: &str, text: String) {
        if let Some(Change::Append { file: last, text: before }) = self.changes.last_mut()
            && last == file
        {
            before.push_str(&text);
        } else {
            self.changes.push(Change::Append { file: file.to_owned(), text });
        }
    }

    fn used(&mut self, at: DateTime<Utc>, model: Option<&str>, tokens: [u64; 6]) {
        let key = (at.date_naive().to_string(), model.map(str::to_owned));
        self.truth.entry(key).or_default().add(tokens);
    }
}

impl Change {
    /// Makes the change.
    pub fn make(&self, home: &Path) {
        match self {
            Self::Append { file, text } => append(home, file, text.as_bytes()),
            Self::Move { from, to } => {
                make_folder(&home.join(to));
                fs::rename(home.join(from), home.join(to)).expect("files can be made");
            }
            Self::Copy { from, to } => {
                make_folder(&home.join(to));
                fs::copy(home.join(from), home.join(to)).expect("files can be made");
            }
            Self::Pack { file, keep } => {
                let packed = home.join(format!("{file}.zst"));
                let status = std::process::Command::new("zstd")
                    .args(if *keep { &["-qf"][..] } else { &["-qf", "--rm"][..] })
                    .arg(home.join(file))
                    .arg("-o")
                    .arg(packed)
                    .status();
                assert!(status.expect("files can be made").success());
            }
        }
    }
}

/// Adds bytes to a file of the home folder.
pub fn append(home: &Path, file: &str, bytes: &[u8]) {
    let path = home.join(file);
    make_folder(&path);
    let mut file =
        fs::OpenOptions::new().create(true).append(true).open(path).expect("files can be made");
    file.write_all(bytes).expect("files can be made");
}

fn make_folder(file: &Path) {
    fs::create_dir_all(file.parent().expect("files can be made")).expect("files can be made");
}

/// The clock of a history: it starts in the evening, so that days change within it.
struct Clock(DateTime<Utc>);

impl Clock {
    fn new() -> Self {
        Self("2026-03-01T22:30:00Z".parse().expect("files can be made"))
    }

    fn pass(&mut self, milliseconds: u32) {
        self.0 += TimeDelta::milliseconds(i64::from(milliseconds));
    }

    fn text(&self) -> String {
        self.0.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}
