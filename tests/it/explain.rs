//! `spendbar scan --explain`: a user can check how one log was counted.

use serde_json::Value;

use crate::lines::{CLAUDE_FILE, CODEX_FILE, CodexCounter, GPT, claude_spends, codex_start};
use crate::world::World;

const AT: &str = "2026-03-02T10:00:00.000Z";

fn world() -> World {
    World::new().at("2026-03-02T12:00:00Z")
}

fn explained(world: &World, file: &str) -> Vec<(String, String, String)> {
    let file = world.home().join(file);
    let file = file.to_str().expect("text");
    let json = world.run(["scan", "--explain", file, "--json"]).success().json();
    assert_eq!(json["schema"], "spendbar.scan.v1");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let records = json["records"].as_array().expect("records");
    records
        .iter()
        .map(|record| {
            let reason =
                if record["why"].is_null() { &record["repeat_of"] } else { &record["why"] };
            (text(&record["place"]), text(&record["taken"]), text(reason))
        })
        .collect()
}

fn row(place: &str, taken: &str, reason: &str) -> (String, String, String) {
    (place.into(), taken.into(), reason.into())
}

#[test]
fn every_line_of_a_transcript_is_told() {
    let world = world();
    world.append(CLAUDE_FILE, "{\"type\":\"user\",\"message\":{\"role\":\"user\"}}\n");
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 3));
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 6));
    world.append(CLAUDE_FILE, "{\"type\":\"assistant\",\"message\":{\"usage\":\n");
    let rows = explained(&world, CLAUDE_FILE);
    assert_eq!(
        rows[..3],
        [
            row("line 1", "skipped", "holds no usage"),
            row("line 2", "repeat", "line 3"),
            row("line 3", "counted", ""),
        ]
    );
    assert_eq!((rows[3].0.as_str(), rows[3].1.as_str()), ("line 4", "unreadable"));
    // Asking counts nothing.
    assert_eq!(world.report("source")["totals"]["requests"], 0);
    let file = world.home().join(CLAUDE_FILE);
    let text = world.run(["scan", "--explain", file.to_str().expect("text")]).success().stdout;
    assert!(text.contains("repeat of line 3") && text.contains("1 counted"), "{text}");
}

#[test]
fn replayed_rows_of_a_fork_are_told_from_its_own() {
    let case = "codex/fork-c-embedded-replay";
    let world = world().agent_fixture(case);
    let mut files = Vec::new();
    crate::world::collect_files(&world.home().join(".codex"), &mut files);
    files.sort();
    let fork = files.last().and_then(|file| file.strip_prefix(world.home()).ok()).expect("a fork");
    let rows = explained(&world, fork.to_str().expect("text"));
    let with = |taken: &str| rows.iter().filter(|row| row.1 == taken).count();
    assert!(with("counted") > 0, "{rows:?}");
    assert!(rows.iter().any(|row| row.2 == "replayed from the parent session"), "{rows:?}");
}

#[test]
fn what_is_no_log_says_what_to_do() {
    let world = world();
    world.append("notes.txt", "nothing\n");
    world.append(CODEX_FILE, &(codex_start(AT, GPT) + &CodexCounter::default().add(AT, 10, 0, 1)));
    for (file, said) in [("notes.txt", "is no log"), ("none.jsonl", "No such file")] {
        let file = world.home().join(file);
        let told = world.run(["scan", "--explain", file.to_str().expect("text")]).exits_with(1);
        assert!(told.stderr.contains(said), "{}", told.stderr);
    }
    world.run(["scan"]).exits_with(2);
}
