//! What reading repositories costs: `cargo bench --bench yields`.
//!
//! 94 repositories with 8,826 commits are made from numbers, with sessions that spent something in
//! them. `spendbar yield` is measured with nothing known, after one more commit in one of them, and
//! with nothing new; beside them `git log` alone, over the same repositories one after the other. The
//! run fails where the first takes longer than two seconds, or nothing new longer than a tenth.

#![allow(clippy::print_stdout, reason = "a table on standard output is what it is for")]

#[path = "../tests/it/git_world.rs"]
mod git_world;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use chrono::DateTime;
use git_world::{generate, git};
use spendbar::board::yields::{AskedYields, YieldBy, yields};
use spendbar::ledger::{Ledger, LookRecord};
use spendbar::monitor::commits::{Errand, refresh};
use spendbar::pricing::PriceTable;
use spendbar::spend::{EventKey, Reading, Span, TokenCounts, Usage, Zone};

const REPOSITORIES: usize = 94;
const COMMITS: usize = 8_826;
/// What the first reading may take, and one that finds nothing new.
const LIMITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_millis(100)];
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folders = make(home.path());
    let now = DateTime::from_timestamp(1_772_700_000, 0).expect("a time");
    let errand = Errand::new(now, home.path());
    let days = ("2026-02-01".parse().expect("a day"), "2026-03-05".parse().expect("a day"));
    let span = Span::of_days(days.0, "2026-03-06".parse().expect("a day"), Zone::UTC);
    let ask = |ledger: &mut Ledger| {
        let began = Instant::now();
        let unread = refresh(ledger, &span, &errand).expect("read");
        let by = [YieldBy::Repository];
        let asked = AskedYields {
            now,
            days,
            zone: Zone::UTC,
            by: &by,
            window_hours: 24,
            unread: &unread,
            untold: &[],
        };
        let answer = yields(ledger, &asked).expect("asked");
        assert_eq!((answer.rows.len(), unread.len()), (REPOSITORIES, 0));
        began.elapsed()
    };
    let mut took: [Vec<Duration>; 4] = Default::default();
    for round in 0..ROUNDS {
        took[0].push(git_alone(&folders));
        let mut ledger = with_spend(&home.path().join(format!("{round}.db")));
        took[1].push(ask(&mut ledger));
        let (at, subject) = ("2026-03-05T08:00:00Z", format!("Round {round}"));
        git(home.path(), &folders[round], at, &["commit", "-q", "--allow-empty", "-m", &subject]);
        took[2].push(ask(&mut ledger));
        took[3].push(ask(&mut ledger));
    }
    let medians = took.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    println!("{REPOSITORIES} repositories, {COMMITS} commits, median of {ROUNDS}");
    println!("{:<36} {:>10} {:>12}", "", "time", "of git log");
    let names = [
        "git log --numstat, one by one",
        "yield, nothing known",
        "yield, one commit more",
        "yield, nothing new",
    ];
    for (name, time) in names.iter().zip(medians) {
        let ratio = time.as_secs_f64() / medians[0].as_secs_f64();
        println!("{name:<36} {:>7.0} ms {ratio:>11.2}x", time.as_secs_f64() * 1e3);
    }
    let is_fast = medians[1] <= LIMITS[0] && medians[3] <= LIMITS[1];
    if is_fast { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn commits_of(index: usize) -> usize {
    COMMITS / REPOSITORIES + usize::from(index < COMMITS % REPOSITORIES)
}

fn make(home: &Path) -> Vec<PathBuf> {
    let folder = |index: usize| home.join(format!("repo{index}"));
    (0..REPOSITORIES)
        .map(|index| {
            let made = generate(index as u64, commits_of(index), 1, 1_770_000_000);
            made.import(home, folder(index));
            folder(index)
        })
        .collect()
}

/// A ledger that knows what was spent in the repositories, and nothing of git.
fn with_spend(path: &Path) -> Ledger {
    let mut ledger = Ledger::open(path, DateTime::UNIX_EPOCH).expect("opens").ledger;
    let home = path.parent().expect("a folder");
    let mut usages = Vec::new();
    for index in 0..REPOSITORIES {
        let made = generate(index as u64, commits_of(index), 1, 1_770_000_000);
        let project = home.join(format!("repo{index}")).display().to_string();
        for (number, request) in made.requests.iter().enumerate() {
            let key = [index.to_le_bytes(), number.to_le_bytes()].concat();
            usages.push(Usage {
                key: EventKey::original(&[&key], &[b"request"]),
                at: DateTime::from_timestamp(request.at, 0).expect("a time"),
                provider: None,
                model: Some("claude-haiku-4-5".into()),
                tokens: TokenCounts { output: request.kilotokens * 1_000, ..Default::default() },
                speed: Default::default(),
                web_searches: 0,
                stated_cost: None,
                project: Some(project.as_str().into()),
                session: Some("session".into()),
                funding: Default::default(),
                is_sum: false,
            });
        }
    }
    let source = spendbar::sources::find("claude-code").expect("known").info();
    let at = DateTime::from_timestamp(1_772_700_000, 0).expect("a time");
    let look = LookRecord { source, account: source.account, funding: None, at, took_ms: 1 };
    let mut recording = ledger.begin().expect("begins");
    let reading = Reading { usages, ..Reading::default() };
    recording.record(&look, &reading, &PriceTable::builtin()).expect("recorded");
    recording.commit().expect("kept");
    ledger
}

fn git_alone(folders: &[PathBuf]) -> Duration {
    let began = Instant::now();
    for folder in folders {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(["log", "--all", "--numstat", "--no-renames", "-z"]);
        let answer = command.output().expect("git runs");
        assert!(answer.status.success());
    }
    began.elapsed()
}
