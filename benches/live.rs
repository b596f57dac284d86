//! How soon an appended line shows, and what it costs: `cargo bench --bench live`.
//!
//! A monitor watches a made-up home while lines are appended to a small log, to a large one, and
//! in a burst. The time from the end of the write to the Board that holds the line is taken in the
//! same process; the process's own CPU time comes from `/proc/self/stat`. The run fails where a
//! line in a hundred takes longer than [`LIMIT`].

#![allow(clippy::print_stdout, reason = "a table on standard output is what it is for")]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use fastrand::Rng;
use spendbar::config::Config;
use spendbar::monitor::clock::Clock;
use spendbar::spend::Zone;

use spendbar::monitor::{Event, Handle, Setup, spawn};
use spendbar::sources::Places;

/// What the slowest line but one in a hundred may take.
const LIMIT: Duration = Duration::from_millis(100);
const LINES: usize = 200;
const LARGE_BYTES: usize = 200_000_000;
const AT: &str = "2026-03-02T11:30:00.000Z";

fn main() -> ExitCode {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let logs = folder.path().join(".claude/projects/-home-ada-shop");
    fs::create_dir_all(&logs).expect("a folder");
    let (small, large) = (logs.join("small.jsonl"), logs.join("large.jsonl"));
    write_large(&large);
    fs::write(&small, "").expect("written");

    let mut watched = Watched::start(folder.path());
    println!(
        "{:<28} {:>8} {:>8} {:>8} {:>14}",
        "appended to", "median", "p99", "most", "CPU per line"
    );
    let mut is_fast = true;
    for (name, file, burst) in [
        ("a small log", &small, false),
        ("a log of 200 MB", &large, false),
        ("a burst", &small, true),
    ] {
        let (mut took, cpu) = watched.append(file, burst);
        took.sort_unstable();
        let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)];
        let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
        println!(
            "{name:<28} {:>8} {:>8} {:>8} {:>14}",
            ms(at(50)),
            ms(at(99)),
            ms(at(100)),
            ms(cpu / LINES as u32)
        );
        is_fast &= at(99) <= LIMIT;
    }
    watched.stop();
    if is_fast { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A running monitor, and how many requests its boards told so far.
struct Watched {
    handle: Handle,
    boards: Receiver<(u64, Instant)>,
    appended: u64,
    random: Rng,
}

impl Watched {
    fn start(home: &Path) -> Self {
        let setup = Setup {
            clock: Clock::starting_at("2026-03-02T12:00:00Z".parse().expect("a time")),
            places: Places { home: home.to_owned(), ..Places::default() },
            config: Config::defaults(Zone::UTC),
            config_path: home.join("config.toml"),
            system_zone: Zone::UTC,
            ledger_path: home.join("ledger.db"),
            demo: false,
        };
        let (sender, boards) = channel();
        let handle = spawn(setup, move |event| {
            if let Event::Board(board) = event
                && !board.loading
            {
                // The receiver is gone only at the end.
                let _ = sender.send((board.figures.requests, Instant::now()));
            }
        })
        .expect("a monitor");
        boards.recv_timeout(Duration::from_secs(60)).expect("a first board");
        std::thread::sleep(Duration::from_secs(1));
        Self { handle, boards, appended: 0, random: Rng::with_seed(3) }
    }

    /// Appends lines, and tells how long each took to show and what all of them cost.
    fn append(&mut self, file: &PathBuf, burst: bool) -> (Vec<Duration>, Duration) {
        let mut log = OpenOptions::new().append(true).open(file).expect("a log");
        let mut waiting = Vec::new();
        let mut took = Vec::new();
        let cpu = cpu_time();
        for _ in 0..LINES {
            self.appended += 1;
            log.write_all(line(self.appended).as_bytes()).expect("appended");
            waiting.push((self.appended, Instant::now()));
            let pause = if burst { 5 } else { self.random.u64(20..220) };
            self.note_until(Instant::now() + Duration::from_millis(pause), &mut waiting, &mut took);
        }
        self.note_until(Instant::now() + Duration::from_secs(3), &mut waiting, &mut took);
        assert!(waiting.is_empty(), "{} lines never showed", waiting.len());
        (took, cpu_time() - cpu)
    }

    fn note_until(
        &self,
        end: Instant,
        waiting: &mut Vec<(u64, Instant)>,
        took: &mut Vec<Duration>,
    ) {
        while let Ok((requests, at)) =
            self.boards.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            waiting.retain(|(number, since)| {
                let shows = *number <= requests;
                if shows {
                    took.push(at.saturating_duration_since(*since));
                }
                !shows
            });
        }
    }

    fn stop(self) {
        self.handle.stop().expect("it ends well");
    }
}

fn line(number: u64) -> String {
    format!(
        r#"{{"type":"assistant","timestamp":"{AT}","sessionId":"s","cwd":"/home/ada/shop","requestId":"req_{number}","message":{{"id":"msg_{number}","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[],"usage":{{"input_tokens":5,"cache_read_input_tokens":45000,"output_tokens":400}}}}}}"#
    ) + "\n"
}

/// Tool output without usage, in lines of 4 KB.
fn write_large(file: &Path) {
    let text = "x".repeat(4000);
    let line = format!(
        r#"{{"type":"user","timestamp":"{AT}","message":{{"role":"user","content":"{text}"}}}}"#
    ) + "\n";
    let mut log = std::io::BufWriter::new(File::create(file).expect("a log"));
    for _ in 0..LARGE_BYTES / line.len() {
        log.write_all(line.as_bytes()).expect("written");
    }
}

/// User and system time of this process; a clock tick is a hundredth of a second on Linux.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let field = |at: usize| -> u64 {
        after_name.split(' ').nth(at).and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    Duration::from_millis((field(11) + field(12)) * 10)
}
