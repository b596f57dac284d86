//! The program as it runs all day, without a desktop: it sees what is appended, stops when told,
//! and shares the ledger with a second copy.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use crate::lines::{CLAUDE_FILE, CODEX_FILE, CodexCounter, GPT, claude_spends, codex_start};
use crate::world::{PATIENCE, World, eventually};

const NOON: &str = "2026-03-02T12:00:00Z";
const AT: &str = "2026-03-02T11:00:00.000Z";

#[test]
fn an_appended_line_is_seen_within_a_second_or_so() {
    let world = World::new().at(NOON);
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    let spendbar = world.spawn([]);
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.60")), "{}", spendbar.all());
    let start = std::time::Instant::now();
    world.append(CLAUDE_FILE, &claude_spends(AT, "B", 30));
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.90")), "{}", spendbar.all());
    // Far above what it takes, far below the slow sweep.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    // Not a terminal: plain lines, no cursor tricks.
    assert!(!spendbar.stdout().contains(['\u{1b}', '\r']), "{:?}", spendbar.stdout());
}

#[test]
fn folders_that_appear_later_are_watched_too() {
    let world = World::new().at(NOON);
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    let spendbar = world.spawn([]);
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.60")), "{}", spendbar.all());
    // A new project of a known agent.
    let other = ".claude/projects/-home-ada-other/22222222-2222-4222-8222-222222222222.jsonl";
    world.append(other, &claude_spends(AT, "B", 30));
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.90")), "{}", spendbar.all());
    world.append(other, &claude_spends(AT, "C", 30));
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$1.20")), "{}", spendbar.all());
}

#[test]
fn after_a_restart_known_and_later_folders_are_watched() {
    let world = World::new().at(NOON);
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    world.poll_offline().success();
    // Now its first look only compares, and watches what it lists.
    let spendbar = world.spawn([]);
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.60")), "{}", spendbar.all());
    world.append(CLAUDE_FILE, &claude_spends(AT, "B", 30));
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.90")), "{}", spendbar.all());
    let other = ".claude/projects/-home-ada-other/22222222-2222-4222-8222-222222222222.jsonl";
    world.append(other, &claude_spends(AT, "C", 30));
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$1.20")), "{}", spendbar.all());
    world.append(other, &claude_spends(AT, "D", 30));
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$1.50")), "{}", spendbar.all());
}

/// More logs than a start looks at, in folders that it need not list again.
#[test]
fn a_start_over_many_logs_counts_new_sessions_at_once_and_nothing_gets_lost() {
    const LOGS: u64 = 1_100;
    let world = World::new().at(NOON);
    let log = |n: u64| format!(".claude/projects/-home-ada-{}/{n}.jsonl", n / 10);
    for n in 0..LOGS {
        world.append(&log(n), &claude_spends(AT, &n.to_string(), 3));
        let file = fs::File::options().write(true).open(world.home().join(log(n))).expect("a log");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_700_000_000 + n)).expect("a time");
    }
    world.poll_offline();
    let trees = || -> Vec<Vec<u8>> {
        let ledger = rusqlite::Connection::open(world.ledger_file()).expect("opens");
        let mut rows = ledger.prepare("SELECT folders FROM tree").expect("a table");
        let rows = rows.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("bytes")).collect()
    };
    let start_and_see = |figure: &str| {
        let mut spendbar = world.spawn([]);
        let sees = || spendbar.stdout().contains(figure);
        assert!(eventually(PATIENCE, sees), "{figure}: {}", spendbar.all());
        spendbar.signal("TERM");
        spendbar.wait_up_to(PATIENCE).expect("it ends soon");
    };
    assert!(trees().is_empty(), "nothing was compared yet");
    // Until the times of the folders are certain.
    std::thread::sleep(Duration::from_millis(2_100));
    world.poll_offline();
    let known = trees();
    assert_eq!(known.len(), 1);
    start_and_see("$33.00");

    // While it does not run: a session in a new folder, one in an old folder, one of the newest goes
    // on, and so does one of the oldest.
    world.append(&log(LOGS), &claude_spends(AT, "A", 60));
    world.append(&log(5).replace("/5.", "/new."), &claude_spends(AT, "B", 30));
    world.append(&log(LOGS - 1), &claude_spends(AT, "C", 9));
    world.append(&log(0), &claude_spends(AT, "D", 3));
    start_and_see("$33.99");
    assert!(trees() == known, "a few sessions are no reason to write it anew");
    // What a start left out the look at everything finds.
    world.poll_offline();
    start_and_see("$34.02");
}

#[test]
fn alerts_speak_in_the_terminal() {
    let world =
        World::new().at(NOON).config("[[budget]]\nname = \"daily\"\namount = 10\nper = \"day\"\n");
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    let spendbar = world.spawn([]);
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.60")), "{}", spendbar.all());
    world.append(CLAUDE_FILE, &claude_spends(AT, "B", 780));
    assert!(eventually(PATIENCE, || spendbar.all().contains("80 %")), "{}", spendbar.all());
    assert_eq!(world.thresholds(), [80]);
}

#[test]
fn ctrl_c_and_terminate_stop_it_cleanly() {
    for signal in ["INT", "TERM"] {
        let world = World::new().at(NOON);
        world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
        let mut spendbar = world.spawn([]);
        assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.60")), "{}", spendbar.all());
        spendbar.signal(signal);
        let status = spendbar.wait_up_to(Duration::from_secs(10)).expect("it ends soon");
        assert_eq!(status.code(), Some(0), "{signal}: {}", spendbar.all());
        assert!(!spendbar.stderr().contains("panicked"), "{}", spendbar.stderr());
        assert_eq!(world.report("source")["totals"]["list_usd"], "0.6");
    }
}

#[test]
fn an_idle_program_writes_nothing() {
    let world = World::new().at(NOON);
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    let spendbar = world.spawn([]);
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.60")), "{}", spendbar.all());
    std::thread::sleep(Duration::from_secs(1));
    let written = || {
        let text = fs::read_to_string(format!("/proc/{}/io", spendbar.id())).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("write_bytes:"));
        line.map(str::to_owned)
    };
    let before = (written(), world.files());
    std::thread::sleep(Duration::from_secs(3));
    assert!((written(), world.files()) == before, "{:?} then {:?}", before.0, written());
}

#[test]
fn two_copies_count_once_and_alert_once() {
    let world = World::new().at(NOON).config(
        "[[budget]]\nname = \"daily\"\namount = 10\nper = \"day\"\nthresholds = [20, 40, 60, 80]\n",
    );
    world.append(CLAUDE_FILE, &claude_spends(AT, "first", 30));
    world.poll_offline();
    let copies = [world.spawn([]), world.spawn([])];
    // Nine steps of $1, each seen by both, or by the one that keeps running.
    let mut counter = CodexCounter::default();
    world.append(CODEX_FILE, &codex_start(AT, GPT));
    for step in 1..=9 {
        world.append(CLAUDE_FILE, &claude_spends(AT, &format!("step{step}"), 60));
        // 26,666 output tokens at $15 a million: $0.39999.
        world.append(CODEX_FILE, &counter.add(AT, 0, 0, 26_666));
        let output = 20_000 + step * (40_000 + 26_666);
        let counted = || world.report("source")["totals"]["tokens"]["output"] == output;
        let said = || format!("{} / {}", copies[0].all(), copies[1].all());
        assert!(eventually(PATIENCE, counted), "step {step}: {}", said());
    }
    // $0.30 + 9 x $0.99999 = $9.29991 of $10. Which threshold is crossed in which write is chance,
    // and two can never be crossed in one: each speaks.
    assert!(eventually(PATIENCE, || world.thresholds().len() >= 4), "{:#?}", world.alerts());
    assert_eq!(world.thresholds(), [20, 40, 60, 80]);
    drop(copies);
}
