//! The program is killed at random moments while spend grows past thresholds: no token is lost or
//! counted twice, no alert is lost or repeated.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::lines::{CLAUDE_FILE, CODEX_FILE, CodexCounter, GPT, claude_spends, codex_start};
use crate::world::{World, eventually};

const NOON: &str = "2026-03-02T12:00:00Z";
const AT: &str = "2026-03-02T11:00:00.000Z";
/// Percent of $10. Each is waited for before the next is crossed, so that each has to speak.
const THRESHOLDS: [u64; 10] = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
/// Claude Code's lines per threshold, 3 cents (2,000 output tokens) each.
const CLAUDE_LINES: u64 = 20;
/// Codex's lines per threshold, 4 cents each: 16,000 fresh input tokens at $2.50 a million.
const CODEX_LINES: u64 = 11;
/// How long a threshold may take to be alerted while the program is killed again and again.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn killed_at_random_moments_nothing_is_lost_or_repeated() {
    let kills: u32 = std::env::var("SPENDBAR_KILLS")
        .ok()
        .map(|text| text.parse().expect("SPENDBAR_KILLS is a number"))
        .unwrap_or(25);
    let list: Vec<String> = THRESHOLDS.iter().map(u64::to_string).collect();
    let world = World::new().at(NOON).config(&format!(
        "[[budget]]\nname = \"daily\"\namount = 10\nper = \"day\"\nthresholds = [{}]\n",
        list.join(", ")
    ));
    world.append(CODEX_FILE, &codex_start(AT, GPT));
    // How long one look takes here tells how long a copy must live to get anything done.
    let start = Instant::now();
    world.poll_offline();
    let longest_life = (start.elapsed() * 4).max(Duration::from_millis(200));

    let killed = AtomicU32::new(0);
    let written = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let outcome = write_past_every_threshold(&world, kills, &killed);
            written.store(true, Ordering::SeqCst);
            outcome
        });
        while killed.load(Ordering::SeqCst) < kills || !written.load(Ordering::SeqCst) {
            let mut spendbar = world.spawn([]);
            thread::sleep(random(longest_life));
            assert!(spendbar.is_running(), "it ended by itself: {}", spendbar.all());
            spendbar.kill();
            killed.fetch_add(1, Ordering::SeqCst);
        }
        writer.join().expect("the writer does not panic").unwrap_or_else(|lost| panic!("{lost}"));
    });

    world.poll_offline();
    let steps = THRESHOLDS.len() as u64;
    let report = world.report("source");
    let row = |id: &str| {
        let rows = report["rows"].as_array().expect("rows");
        rows.iter().find(|row| row["source"] == id).unwrap_or_else(|| panic!("{report:#}")).clone()
    };
    let claude = row("claude-code");
    assert_eq!(claude["requests"], steps * CLAUDE_LINES);
    assert_eq!(claude["tokens"]["output"], steps * CLAUDE_LINES * 2_000);
    let codex = row("codex");
    assert_eq!(codex["requests"], steps * CODEX_LINES);
    assert_eq!(codex["tokens"]["input"], steps * CODEX_LINES * 16_000);
    // 10 x (20 x 3 + 11 x 4) cents.
    assert_eq!(report["totals"]["list_usd"], "10.4");
    assert_eq!(world.thresholds(), THRESHOLDS, "each spoke, and each once");
}

/// Writes both agents' lines, some of them in two pieces, at a pace that spreads the kills over
/// all of it. After each threshold it waits until the ledger has its alert.
fn write_past_every_threshold(world: &World, kills: u32, killed: &AtomicU32) -> Result<(), String> {
    let lines_per_step = CLAUDE_LINES + CODEX_LINES;
    let all_lines = lines_per_step * THRESHOLDS.len() as u64;
    let mut counter = CodexCounter::default();
    let mut line_number = 0;
    for threshold in THRESHOLDS {
        for index in 0..lines_per_step {
            let due = u64::from(kills) * line_number / all_lines;
            eventually(PATIENCE, || u64::from(killed.load(Ordering::SeqCst)) >= due);
            thread::sleep(random(Duration::from_millis(20)));
            line_number += 1;
            // Every third line is Codex's: 11 of 31.
            let (file, line) = if index % 3 == 0 {
                (CODEX_FILE, counter.add(AT, 16_000, 0, 0))
            } else {
                (CLAUDE_FILE, claude_spends(AT, &line_number.to_string(), 3))
            };
            if fastrand::u8(..4) == 0 {
                let (head, tail) = line.split_at(fastrand::usize(1..100));
                world.append(file, head);
                thread::sleep(random(Duration::from_millis(20)));
                world.append(file, tail);
            } else {
                world.append(file, &line);
            }
        }
        if !eventually(PATIENCE, || world.thresholds().contains(&threshold)) {
            return Err(format!("{threshold} % is not alerted: {:#?}", world.alerts()));
        }
    }
    Ok(())
}

fn random(longest: Duration) -> Duration {
    longest.mul_f64(fastrand::f64())
}
