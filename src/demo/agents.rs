//! The pretend agents: they append lines as Claude Code and Codex write them.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

const PROJECTS: [&str; 3] = ["/home/demo/shop", "/home/demo/search", "/home/demo/billing"];
/// How often the agents write.
const BEAT: Duration = Duration::from_millis(400);
/// Claude Code requests per beat; each costs about half a dollar.
const REQUESTS_PER_BEAT: usize = 7;

/// Agents that write until they are told to end.
pub struct Agents {
    stop: Sender<()>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Agents {
    /// Writes what happened earlier today below `home`, then goes on writing every beat.
    pub fn start(home: &Path, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let mut desk = Desk::new(home, now)?;
        for minutes in (1..=300).rev() {
            desk.claude(now - chrono::Duration::minutes(minutes))?;
        }
        desk.codex(now)?;
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("demo-agents".into())
            .spawn(move || {
                let started = Instant::now();
                while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(BEAT) {
                    let passed = chrono::Duration::from_std(started.elapsed())?;
                    (0..REQUESTS_PER_BEAT).try_for_each(|_| desk.claude(now + passed))?;
                    desk.codex(now + passed)?;
                }
                Ok(())
            })
            .context("starting the pretend agents")?;
        Ok(Self { stop, thread })
    }

    /// Tells them to end and waits; gives their error, if they met one.
    pub fn end(self) -> anyhow::Result<()> {
        // Fails only when the thread ended by itself; the join below then tells why.
        let _ = self.stop.send(());
        match self.thread.join() {
            Ok(result) => result,
            Err(_) => anyhow::bail!("the pretend agents crashed"),
        }
    }
}

/// The pretend home's open log files and counters.
struct Desk {
    claude: Vec<File>,
    codex: File,
    codex_totals: [u64; 3],
    written: u64,
    random: fastrand::Rng,
}

impl Desk {
    fn new(home: &Path, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let claude = PROJECTS
            .iter()
            .enumerate()
            .map(|(index, project)| {
                let folder = home.join(".claude/projects").join(project.replace('/', "-"));
                open(&folder.join(format!("{}.jsonl", session(index))))
            })
            .collect::<anyhow::Result<_>>()?;
        let folder = home.join(".codex/sessions").join(now.format("%Y/%m/%d").to_string());
        let thread = "019c0000-0000-7000-8000-00000000000a";
        let stamp = now.format("%Y-%m-%dT%H-%M-%S");
        let mut codex = open(&folder.join(format!("rollout-{stamp}-{thread}.jsonl")))?;
        let time = time(now);
        append(
            &mut codex,
            &json!({"timestamp": time, "type": "session_meta", "payload":
            {"id": thread, "timestamp": time, "cwd": PROJECTS[0], "cli_version": "0.150.0", "source": "cli"}}),
        )?;
        append(
            &mut codex,
            &json!({"timestamp": time, "type": "turn_context", "payload":
            {"cwd": PROJECTS[0], "model": "gpt-5.5"}}),
        )?;
        let random = fastrand::Rng::with_seed(20);
        Ok(Self { claude, codex, codex_totals: [0; 3], written: 0, random })
    }

    /// One request of Claude Code.
    fn claude(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        self.written += 1;
        let index = self.random.usize(..PROJECTS.len());
        let model =
            if self.written.is_multiple_of(5) { "claude-sonnet-4-5" } else { "claude-opus-4-8" };
        let line = json!({
            "type": "assistant", "timestamp": time(at), "sessionId": session(index),
            "cwd": PROJECTS[index], "isSidechain": false, "version": "2.4.0",
            "requestId": format!("req_demo_{}", self.written),
            "message": {
                "id": format!("msg_demo_{}", self.written), "role": "assistant", "type": "message",
                "model": model, "content": [{"type": "text", "text": "demo"}],
                "usage": {
                    "input_tokens": self.random.u64(200..2_000),
                    "cache_read_input_tokens": self.random.u64(90_000..160_000),
                    "cache_creation_input_tokens": 30_000,
                    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 30_000},
                    "output_tokens": self.random.u64(3_000..9_000),
                },
            },
        });
        append(&mut self.claude[index], &line)
    }

    /// One request of Codex, with the running totals that it writes beside it.
    fn codex(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let last = [self.random.u64(60_000..200_000), 50_000, self.random.u64(500..4_000)];
        self.codex_totals.iter_mut().zip(last).for_each(|(total, last)| *total += last);
        let counts = |[input, cached, output]: [u64; 3]| {
            json!({"input_tokens": input, "cached_input_tokens": cached, "output_tokens": output,
                   "reasoning_output_tokens": 0, "total_tokens": input + output})
        };
        let line = json!({"timestamp": time(at), "type": "event_msg", "payload": {"type": "token_count",
            "info": {"total_token_usage": counts(self.codex_totals), "last_token_usage": counts(last)},
            "rate_limits": null}});
        append(&mut self.codex, &line)
    }
}

fn session(index: usize) -> String {
    format!("00000000-0000-4000-8000-{index:012}")
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn open(path: &PathBuf) -> anyhow::Result<File> {
    let folder = path.parent().context("a log file stands in a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))
}

/// One write per line, as agents do, so that a reader never sees half of it.
fn append(file: &mut File, line: &serde_json::Value) -> anyhow::Result<()> {
    file.write_all(format!("{line}\n").as_bytes()).context("writing a pretend log line")
}
