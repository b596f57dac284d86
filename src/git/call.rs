//! One call of the `git` program: bounded in time and size, and deaf to settings that would have it
//! run something else.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::Limits;
use crate::platform::process;

/// The most that is read of an answer. Four hundred days of a large project come to some megabytes.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// The most that is read of what git says went wrong.
const MOST_WORDS: u64 = 4096;

/// Settings that a repository, or its user, could have git run other programs with, or write
/// differently. The manual is git-config(1).
const SETTINGS: [&str; 9] = [
    "core.fsmonitor=false",
    "core.pager=cat",
    "log.showSignature=false",
    "log.showRoot=true",
    "log.mailmap=false",
    "color.ui=false",
    "i18n.logOutputEncoding=UTF-8",
    // A partial clone fetches what a comparison lacks; nothing here may go to the network.
    "protocol.allow=never",
    "submodule.recurse=false",
];

/// Why a repository could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// There is no git.
    #[error("git was not found; install it, or put it into PATH")]
    NoGit,
    /// The repository belongs to another user, and git reads such only when told to.
    #[error(
        "git does not trust it, for another user owns it; `git config --global --add safe.directory {0}` trusts it"
    )]
    NotTrusted(String),
    /// It took too long.
    #[error("git was not done after {seconds} s and was ended")]
    TooSlow {
        /// How long it was waited for.
        seconds: u64,
    },
    /// Its answer is larger than is read.
    #[error("git tells more than {} MiB", MOST_BYTES / 1024 / 1024)]
    TooMuch,
    /// A file or folder of it can't be read.
    #[error("{} can't be read: {what}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// The system's word for it.
        what: String,
    },
    /// Git says that something is wrong.
    #[error("git says: {said}")]
    Failed {
        /// Its last line.
        said: String,
    },
    /// It answered something that is no history.
    #[error("git answered what is no history: {0}")]
    NotUnderstood(String),
}

/// Git in one folder.
pub(super) struct Git<'a> {
    limits: &'a Limits,
    folder: &'a Path,
}

impl<'a> Git<'a> {
    pub(super) fn new(limits: &'a Limits, folder: &'a Path) -> Self {
        Self { limits, folder }
    }

    /// Runs it with these arguments, has it read `input`, and gives what it prints. `may_fail` is an
    /// exit code that is an answer of its own: nothing.
    pub(super) fn run(
        &self,
        arguments: &[&str],
        input: String,
        may_fail: Option<i32>,
    ) -> Result<Vec<u8>, GitError> {
        let mut command = self.command(arguments);
        process::prepare(&mut command);
        let mut child = command.spawn().map_err(|error| self.not_started(&error))?;
        if let Some(mut pipe) = child.stdin.take() {
            // On a thread: git may answer before it has read all of it, or end without.
            std::thread::spawn(move || drop(pipe.write_all(input.as_bytes())));
        }
        let end = Instant::now() + self.limits.patience;
        let answer = child.stdout.take().map(|pipe| listen(pipe, MOST_BYTES));
        let words = child.stderr.take().map(|pipe| listen(pipe, MOST_WORDS));
        let told = |from: Option<&Receiver<Vec<u8>>>| match from {
            Some(from) => from.recv_timeout(end.saturating_duration_since(Instant::now())),
            None => Ok(Vec::new()),
        };
        let (answer, words) = match (told(answer.as_ref()), told(words.as_ref())) {
            (Ok(answer), Ok(words)) => (answer, words),
            (Err(RecvTimeoutError::Timeout), _) | (_, Err(RecvTimeoutError::Timeout)) => {
                finish(&mut child);
                return Err(GitError::TooSlow { seconds: self.limits.patience.as_secs() });
            }
            _ => {
                finish(&mut child);
                return Err(GitError::TooMuch);
            }
        };
        // Both pipes are closed: it has ended, or is about to.
        let status = wait(&mut child, end)
            .ok_or(GitError::TooSlow { seconds: self.limits.patience.as_secs() })?;
        if status.success() {
            return Ok(answer);
        }
        if may_fail.is_some() && status.code() == may_fail {
            return Ok(Vec::new());
        }
        Err(self.refusal(&String::from_utf8_lossy(&words)))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.limits.program);
        // Variables such as GIT_DIR are for whoever set them, in a hook for example.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        command
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("LC_ALL", "C")
            .arg("--no-pager")
            .arg("-C")
            .arg(self.folder);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn not_started(&self, error: &std::io::Error) -> GitError {
        match error.kind() {
            std::io::ErrorKind::NotFound => GitError::NoGit,
            kind => {
                GitError::Unreadable { path: self.limits.program.clone(), what: kind.to_string() }
            }
        }
    }

    fn refusal(&self, words: &str) -> GitError {
        if words.contains("dubious ownership") {
            return GitError::NotTrusted(self.folder.display().to_string());
        }
        // Git begins what it ends with so; hints may follow.
        let fatal = words.lines().find_map(|line| line.strip_prefix("fatal: "));
        let said = fatal.or(words.lines().last()).unwrap_or("nothing, and failed");
        if said.contains("Permission denied") {
            let what = "permission denied".to_owned();
            return GitError::Unreadable { path: self.folder.to_owned(), what };
        }
        let said = said.chars().filter(|c| !c.is_control()).take(200).collect();
        GitError::Failed { said }
    }
}

/// Reads to the end on a thread of its own. Nothing comes when there is more than `most`.
fn listen(mut pipe: impl Read + Send + 'static, most: u64) -> Receiver<Vec<u8>> {
    let (told, said) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // An error is the end as well; the exit code tells whether it was a good one.
        let _ = pipe.by_ref().take(most + 1).read_to_end(&mut bytes);
        let is_all = bytes.len() as u64 <= most;
        if most == MOST_WORDS && !is_all {
            bytes.truncate(MOST_WORDS as usize);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        } else if !is_all {
            return;
        }
        // Whoever waits may have had enough.
        let _ = told.send(bytes);
    });
    said
}

fn finish(child: &mut Child) {
    process::end(child);
    // It was ended just now; there is nothing left to learn from it.
    let _ = child.wait();
}

fn wait(child: &mut Child, end: Instant) -> Option<std::process::ExitStatus> {
    let mut pause = Duration::from_micros(50);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < end => std::thread::sleep(pause),
            _ => {
                finish(child);
                return None;
            }
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
