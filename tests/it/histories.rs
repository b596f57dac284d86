//! Generated histories through the real ledger, and through the whole program while it is killed.
//! The properties that need neither stand beside the readers, in `src/sources/agents/histories`.

#[expect(dead_code, reason = "shared with the readers' own tests, which ask for more of it")]
#[path = "../../src/sources/agents/histories/generate/mod.rs"]
mod generate;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;
use spendbar::ledger::{GroupKey, Ledger, LookRecord};
use spendbar::pricing::PriceTable;
use spendbar::sources::providers::http::Client;
use spendbar::sources::{Look, Places, SourceError, find};
use spendbar::spend::Zone;

use crate::world::{World, collect_files};
use generate::{Change, History, Truth, append, claude, codex};

const NOW: &str = "2026-03-05T12:00:00Z";

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        max_shrink_time: 60_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_ledger_holds_the_truth_whatever_was_read_first(
        claude_plan in claude::plan(16),
        codex_plan in codex::plan(24),
        order: u64,
    ) {
        let home = tempfile::tempdir().expect("a folder");
        let histories = [claude::play(&claude_plan), codex::play(&codex_plan)];
        histories.iter().for_each(|history| history.write(home.path()));
        let mut files = Vec::new();
        collect_files(home.path(), &mut files);
        files.sort();
        fastrand::Rng::with_seed(order).shuffle(&mut files);
        let ledger_file = home.path().join("ledger.db");
        for part in files.chunks(3) {
            // Opened anew each time, as after a restart.
            let mut ledger = open(&ledger_file);
            look("claude-code", &mut ledger, home.path(), Some(part));
            look("codex", &mut ledger, home.path(), Some(part));
        }
        let [claude, codex] = histories;
        prop_assert_eq!(in_ledger(&open(&ledger_file)), sum(&claude.truth, &codex.truth));
        // A forced rescan from the start changes nothing.
        let mut ledger = open(&ledger_file);
        let anew = home.path().join("anew.db");
        look("claude-code", &mut ledger, home.path(), None);
        look("codex", &mut ledger, home.path(), None);
        let mut cold = open(&anew);
        look("claude-code", &mut cold, home.path(), None);
        look("codex", &mut cold, home.path(), None);
        prop_assert_eq!(in_ledger(&ledger), in_ledger(&cold));
    }
}

fn open(file: &Path) -> Ledger {
    Ledger::open(file, NOW.parse().expect("a time")).expect("a ledger").ledger
}

/// Looks as the monitor does: until nothing is left, each reading in a transaction of its own.
fn look(source: &str, ledger: &mut Ledger, home: &Path, only: Option<&[PathBuf]>) {
    let source = find(source).expect("in the table");
    let places = Places { home: home.to_owned(), ..Places::default() };
    let (prices, http) = (PriceTable::builtin(), Client::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let now = NOW.parse().expect("a time");
    loop {
        let marks = ledger.marks(source.info().id).expect("marks");
        let look = Look {
            now,
            places: &places,
            marks: &marks,
            only,
            most: 8_000,
            key: None,
            base_url: None,
            settings: &std::collections::BTreeMap::new(),
            since: NaiveDate::MIN,
            http: &http,
        };
        let reading = match runtime.block_on(source.read(&look)) {
            Err(SourceError::NotInstalled) => return,
            reading => reading.expect("a reading"),
        };
        let record = LookRecord {
            source: source.info(),
            account: source.info().account,
            funding: None,
            at: now,
            took_ms: 1,
        };
        let mut recording = ledger.begin().expect("begins");
        recording.record(&record, &reading, &prices).expect("recorded");
        recording.commit().expect("committed");
        if !reading.more {
            return;
        }
    }
}

fn in_ledger(ledger: &Ledger) -> Truth {
    let day = |text: &str| text.parse().expect("a day");
    let keys = [GroupKey::Day, GroupKey::Model];
    let report = ledger.report(day("2026-01-01"), day("2026-12-31"), Zone::UTC, &keys);
    let rows = report.expect("a report").rows.into_iter().map(|row| {
        let tokens = row.sums.tokens;
        let sums = generate::Sums {
            requests: row.sums.requests,
            tokens: [
                tokens.input,
                tokens.cache_read,
                tokens.cache_write_5m,
                tokens.cache_write_1h,
                tokens.output,
                tokens.reasoning,
            ],
        };
        ((row.day.expect("a day").to_string(), row.model), sums)
    });
    rows.collect()
}

fn sum(one: &Truth, other: &Truth) -> Truth {
    let mut all = one.clone();
    all.extend(other.iter().map(|(key, sums)| (key.clone(), *sums)));
    assert_eq!(all.len(), one.len() + other.len(), "the agents' models differ");
    all
}

#[test]
fn killed_anywhere_it_ends_at_the_truth() {
    let kills: u32 = std::env::var("SPENDBAR_KILLS")
        .ok()
        .map(|text| text.parse().expect("SPENDBAR_KILLS is a number"))
        .unwrap_or(25);
    let seed: u64 = std::env::var("SPENDBAR_SEED")
        .ok()
        .map(|text| text.parse().expect("SPENDBAR_SEED is a number"))
        .unwrap_or(1);
    eprintln!("seed {seed}: tells the history, not the moments");
    let (claude, codex) = (claude::play(&drawn(seed, claude::plan(90))), {
        codex::play(&drawn(seed, codex::plan(160)))
    });
    let truth = sum(&claude.truth, &codex.truth);
    let changes = woven(claude, codex);

    let world = World::new().at(NOW);
    world.append(".claude/projects/-w/empty.jsonl", "");
    let start = Instant::now();
    world.poll_offline();
    let longest_life = (start.elapsed() * 2).max(Duration::from_millis(50));
    let mut killed = 0;
    for (index, change) in changes.iter().enumerate() {
        let due = kills * u32::try_from(index + 1).expect("few")
            / u32::try_from(changes.len()).expect("few");
        if killed == due {
            change.make(&world.home());
            continue;
        }
        // One copy is at work while the files change, and dies at any moment of it.
        let mut spendbar = world.spawn(["poll", "--offline"]);
        match change {
            Change::Append { file, text } => {
                let (head, tail) = text.as_bytes().split_at(fastrand::usize(..=text.len()));
                append(&world.home(), file, head);
                thread::sleep(longest_life.mul_f64(fastrand::f64()));
                append(&world.home(), file, tail);
            }
            other => other.make(&world.home()),
        }
        while killed < due {
            thread::sleep(longest_life.mul_f64(fastrand::f64()));
            spendbar.kill();
            killed += 1;
            spendbar = world.spawn(["poll", "--offline"]);
        }
        spendbar.kill();
    }
    world.poll_offline();
    assert_eq!(reported(&world), truth);
}

/// The steps of both, in turn.
fn woven(one: History, other: History) -> Vec<Change> {
    let mut changes = Vec::new();
    let (mut one, mut other) = (one.changes.into_iter(), other.changes.into_iter());
    loop {
        let next = (one.next(), other.next());
        if next.0.is_none() && next.1.is_none() {
            return changes;
        }
        changes.extend(next.0.into_iter().chain(next.1));
    }
}

fn drawn<S: Strategy>(seed: u64, strategy: S) -> S::Value {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    strategy.new_tree(&mut runner).expect("a plan").current()
}

fn reported(world: &World) -> Truth {
    let report = world.report("day,model");
    let rows = report["rows"].as_array().expect("rows").iter().map(|row| {
        let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{row:#}"));
        let kinds =
            ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning"];
        let sums = generate::Sums {
            requests: number(&row["requests"]),
            tokens: kinds.map(|kind| number(&row["tokens"][kind])),
        };
        let day = row["day"].as_str().expect("a day").to_owned();
        ((day, row["model"].as_str().map(str::to_owned)), sums)
    });
    rows.collect()
}
