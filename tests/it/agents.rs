//! Agents' logs through the whole program, against the counts made by hand in
//! `tests/fixtures/agents/<source>/<case>/expected.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::lines::{CLAUDE_FILE, CODEX_FILE, CodexCounter, GPT, claude_spends, codex_start};
use crate::world::{World, collect_files, fixtures};

/// Later than every fixture.
const NOW: &str = "2026-11-24T12:00:00Z";
const KINDS: [&str; 6] =
    ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning"];

/// Requests and the six token kinds by UTC day and model.
type Counts = BTreeMap<(String, Option<String>), [u64; 7]>;

#[test]
fn every_case_is_counted_as_by_hand() {
    for case in cases() {
        let world = World::new().at(NOW).agent_fixture(&case);
        world.poll_offline();
        assert_eq!(counted(&world), expected(&case), "{case}");
    }
}

#[test]
fn looking_again_changes_nothing() {
    for case in cases() {
        let world = World::new().at(NOW).agent_fixture(&case);
        world.poll_offline();
        let first = world.report("day,source,provider,model,project,session");
        let ledger = fs::read(world.ledger_file()).expect("the ledger");
        world.poll_offline();
        world.poll_offline();
        assert_eq!(world.report("day,source,provider,model,project,session"), first, "{case}");
        assert!(fs::read(world.ledger_file()).expect("the ledger") == ledger, "{case}: written to");
    }
}

#[test]
fn logs_that_grow_line_by_line_end_at_the_same_figures() {
    for case in cases() {
        let world = World::new().at(NOW);
        let from = fixtures().join("agents").join(&case).join("home");
        let mut files = Vec::new();
        collect_files(&from, &mut files);
        files.sort();
        for file in files {
            let name = file.strip_prefix(&from).expect("inside").to_string_lossy().into_owned();
            let Ok(text) = fs::read_to_string(&file) else {
                // A packed log: it is there whole or not at all.
                let to = world.home().join(&name);
                fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
                fs::copy(&file, to).expect("copied");
                continue;
            };
            for line in text.split_inclusive('\n') {
                // Every line arrives in two writes with a look between them.
                let middle = (0..=line.len() / 2).rev().find(|at| line.is_char_boundary(*at));
                let (head, tail) = line.split_at(middle.unwrap_or(0));
                world.append(&name, head);
                world.poll_offline();
                world.append(&name, tail);
            }
        }
        world.poll_offline();
        assert_eq!(counted(&world), expected(&case), "{case}");
    }
}

#[test]
fn deleted_logs_keep_their_history() {
    for case in cases() {
        let world = World::new().at(NOW).agent_fixture(&case);
        world.poll_offline();
        let mut files = Vec::new();
        collect_files(&world.home(), &mut files);
        for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "jsonl")) {
            fs::remove_file(file).expect("deleted");
        }
        world.poll_offline();
        assert_eq!(counted(&world), expected(&case), "{case}");
    }
}

#[test]
fn a_fork_that_is_deleted_before_the_first_look_never_raises_the_figures() {
    // Codex names its files by their time, so that the last one is the fork.
    for case in cases().into_iter().filter(|case| case.starts_with("codex/")) {
        let all = expected(&case);
        let world = World::new().at(NOW).agent_fixture(&case);
        let mut files = Vec::new();
        collect_files(&world.home(), &mut files);
        files.sort();
        if files.len() < 2 {
            continue;
        }
        fs::remove_file(files.last().expect("a file")).expect("deleted");
        world.poll_offline();
        for (key, counts) in counted(&world) {
            let known = all.get(&key).copied().unwrap_or_default();
            assert!(counts.iter().zip(known).all(|(now, all)| *now <= all), "{case}: {key:?}");
        }
    }
}

#[test]
fn a_file_rewritten_in_place_is_read_anew() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T10:00:00.000Z", "AAAA", 60));
    world.poll_offline();
    // Same length, another event: only the content tells.
    let path = world.home().join(CLAUDE_FILE);
    let text = fs::read_to_string(&path).expect("text").replace("AAAA", "BBBB");
    fs::write(&path, text).expect("written");
    world.poll_offline();
    let totals = &world.report("source")["totals"];
    // 60 cents are 40,000 output tokens; the first event's history stays.
    assert_eq!(totals["tokens"]["output"], 80_000, "{totals:#}");
    assert_eq!(totals["requests"], 2);
}

#[test]
fn agents_are_found_where_the_environment_says() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    let at = "2026-03-02T10:00:00.000Z";
    world.append(&CLAUDE_FILE.replace(".claude", "elsewhere/claude"), &claude_spends(at, "A", 3));
    let codex = codex_start(at, GPT) + &CodexCounter::default().add(at, 1_000, 400, 50);
    world.append(&CODEX_FILE.replace(".codex", "elsewhere/codex"), &codex);
    world.poll_offline();
    assert_eq!(world.report("source")["rows"], Value::Array(Vec::new()));
    let home = world.home();
    let world = world
        .env("CLAUDE_CONFIG_DIR", home.join("elsewhere/claude"))
        .env("CODEX_HOME", home.join("elsewhere/codex"));
    world.poll_offline();
    let report = world.report("source");
    let row = |id: &str| {
        let rows = report["rows"].as_array().expect("rows");
        rows.iter().find(|row| row["source"] == id).unwrap_or_else(|| panic!("{id}")).clone()
    };
    assert_eq!(row("claude-code")["tokens"]["output"], 2_000);
    // Codex counts cached input inside input; here it is apart: 1,000 - 400.
    assert_eq!(row("codex")["tokens"]["input"], 600);
    assert_eq!(row("codex")["tokens"]["cache_read"], 400);
}

#[test]
fn claude_code_under_xdg_config_home_is_found_too() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    let file = world.path("home/.config").join(CLAUDE_FILE.replace(".claude", "claude"));
    crate::world::append_to(&file, &claude_spends("2026-03-02T10:00:00.000Z", "A", 3));
    world.poll_offline();
    assert_eq!(world.report("source")["totals"]["tokens"]["output"], 2_000);
}

#[test]
fn a_config_may_name_other_roots() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    let at = "2026-03-02T10:00:00.000Z";
    let codex = codex_start(at, GPT) + &CodexCounter::default().add(at, 1_000, 0, 50);
    world.append(&CODEX_FILE.replace(".codex", "other"), &codex);
    let root = world.home().join("other");
    let world = world.config(&format!("[agents.codex]\nroots = [\"{}\"]\n", root.display()));
    world.poll_offline();
    assert_eq!(world.report("source")["totals"]["tokens"]["input"], 1_000);
}

/// `<source>/<case>` of every fixture, in order.
fn cases() -> Vec<String> {
    let root = fixtures().join("agents");
    let mut cases: Vec<String> = folders(&root)
        .iter()
        .flat_map(|source| folders(source))
        .filter(|case| case.join("expected.json").is_file())
        .map(|case| case.strip_prefix(&root).expect("inside").to_string_lossy().into_owned())
        .collect();
    cases.sort();
    assert!(cases.len() >= 11, "cases: {cases:?}");
    cases
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).unwrap_or_else(|error| panic!("{}: {error}", of.display()));
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn expected(case: &str) -> Counts {
    let file = fixtures().join("agents").join(case).join("expected.json");
    let text = fs::read_to_string(&file).expect("expected counts");
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    let rows = expected["usage"].as_array().expect("usage");
    rows.iter().map(|row| (key_of(row), counts_of(row, &row["events"], row))).collect()
}

fn counted(world: &World) -> Counts {
    let report = world.report("day,model");
    let rows = report["rows"].as_array().expect("rows");
    rows.iter().map(|row| (key_of(row), counts_of(row, &row["requests"], &row["tokens"]))).collect()
}

fn key_of(row: &Value) -> (String, Option<String>) {
    let day = row["day"].as_str().expect("a day").to_owned();
    (day, row["model"].as_str().map(str::to_owned))
}

fn counts_of(row: &Value, requests: &Value, tokens: &Value) -> [u64; 7] {
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{row:#}"));
    let mut counts = [number(requests); 7];
    for (count, kind) in counts[1..].iter_mut().zip(KINDS) {
        *count = number(&tokens[kind]);
    }
    counts
}
