//! A hook: a program that is given an alert as JSON.
//!
//! It is started without a shell, in the home folder, with the environment of this program less the
//! variables that hold keys. What it prints goes to the log. A program that takes too long is ended
//! with everything it has started.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::config::alerts::Hook;
use crate::platform::process;

use super::plan::Refusal;

/// How much of what it prints is looked at.
const MOST_BYTES: u64 = 4096;
/// How many lines of that go to the log.
const MOST_LINES: usize = 5;
/// How long the rest of its output is waited for once it has ended: what it started may go on and
/// keep the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Runs it and waits, for as long as the hook may take.
///
/// # Errors
/// It could not be started, took too long, or ended with another status than 0.
pub fn run(hook: &Hook, input: Vec<u8>, home: &Path, hidden: &[String]) -> Result<(), Refusal> {
    let refused = |error: String| Refusal::ForNow { error, after: None };
    let Some((program, arguments)) = hook.command.split_first() else {
        return Err(Refusal::Final("it names no program".into()));
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in hidden {
        command.env_remove(name);
    }
    process::prepare(&mut command);
    let mut child = command
        .spawn()
        .map_err(|error| refused(format!("{program} could not be started: {error}")))?;
    if let Some(mut pipe) = child.stdin.take() {
        // On a thread, for a program need not read; it may also end without reading.
        std::thread::spawn(move || drop(pipe.write_all(&input)));
    }
    let (told, said) = channel();
    for pipe in
        [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten()
    {
        let told = told.clone();
        std::thread::spawn(move || {
            // Whoever waits may have had enough.
            let _ = told.send(first_bytes(pipe));
        });
    }
    drop(told);
    let ended = wait(&mut child, hook.timeout);
    log_output(&hook.name, &said);
    match ended {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(refused(match status.code() {
            Some(code) => format!("it ended with {code}"),
            None => "a signal ended it".into(),
        })),
        Ok(None) => {
            let seconds = hook.timeout.as_secs();
            Err(refused(format!("it was not done after {seconds} s and was ended")))
        }
        Err(error) => Err(refused(format!("it can't be waited for: {error}"))),
    }
}

/// Its status; `None` when it took too long.
fn wait(child: &mut Child, timeout: Duration) -> std::io::Result<Option<ExitStatus>> {
    let end = Instant::now() + timeout;
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            process::end(child);
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

/// Reads to the end, so that the program is not held up, and keeps the beginning.
fn first_bytes(mut pipe: Box<dyn Read + Send>) -> Vec<u8> {
    let mut kept = Vec::new();
    // An error is the end as well.
    let _ = pipe.by_ref().take(MOST_BYTES).read_to_end(&mut kept);
    let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    kept
}

fn log_output(name: &str, said: &Receiver<Vec<u8>>) {
    let end = Instant::now() + LAST_WORDS;
    while let Ok(bytes) = said.recv_timeout(end.saturating_duration_since(Instant::now())) {
        let text = String::from_utf8_lossy(&bytes);
        for line in text.lines().filter(|line| !line.trim().is_empty()).take(MOST_LINES) {
            let line: String = line.chars().filter(|c| !c.is_control()).collect();
            log::info!("hook {name}: {line}");
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::spend::Severity;

    fn hook(script: &str, seconds: u64) -> Hook {
        Hook {
            name: "test".into(),
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            timeout: Duration::from_secs(seconds),
            from: Severity::Info,
        }
    }

    fn refused(hook: &Hook) -> String {
        let home = tempfile::tempdir().expect("a folder");
        match run(hook, b"{}".to_vec(), home.path(), &[]) {
            Err(Refusal::ForNow { error, .. }) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_gets_its_input_and_neither_keys_nor_a_shell() {
        let home = tempfile::tempdir().expect("a folder");
        let input = vec![b'x'; 200_000];
        let hook = hook("cat > \"$PWD/got\"; echo \"${PATH-none}\" > path; seq 100000", 10);
        run(&hook, input.clone(), home.path(), &["PATH".into()]).expect("it runs");
        assert_eq!(std::fs::read(home.path().join("got")).expect("written"), input);
        let path = std::fs::read_to_string(home.path().join("path")).expect("written");
        assert_ne!(path.trim(), std::env::var("PATH").unwrap_or_default());
        let plain = Hook {
            command: ["test", "$HOME; true", "=", "$HOME; true"].map(str::to_owned).to_vec(),
            ..hook
        };
        run(&plain, Vec::new(), home.path(), &[]).expect("no shell reads it");
    }

    #[test]
    fn how_it_failed_is_told() {
        assert_eq!(refused(&hook("echo no >&2; exit 3", 10)), "it ended with 3");
        assert_eq!(refused(&hook("kill -TERM $$", 10)), "a signal ended it");
        let missing = Hook { command: vec!["/no/such/program".into()], ..hook("", 1) };
        let error = refused(&missing);
        assert!(error.starts_with("/no/such/program could not be started: "), "{error}");
    }

    #[test]
    fn what_takes_too_long_is_ended_with_what_it_started() {
        let home = tempfile::tempdir().expect("a folder");
        let hook = hook("(sleep 2; touch late) & sleep 60", 1);
        let began = Instant::now();
        let outcome = run(&hook, Vec::new(), home.path(), &[]);
        assert!(matches!(outcome, Err(Refusal::ForNow { .. })));
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(1500));
        assert!(!home.path().join("late").exists());
    }

    #[test]
    fn what_it_leaves_running_is_not_waited_for() {
        let home = tempfile::tempdir().expect("a folder");
        let began = Instant::now();
        let hook = hook("sleep 5 & echo done", 4);
        run(&hook, Vec::new(), home.path(), &[]).expect("it ended well");
        assert!(began.elapsed() < Duration::from_secs(3));
    }
}
