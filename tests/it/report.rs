//! The report's groups, days and zones, as text and as JSON.

use serde_json::{Value, json};

use crate::lines::{
    CLAUDE_FILE, CODEX_FILE, CodexCounter, GPT, SONNET, claude_spends, codex_start,
};
use crate::world::World;

const KEYS: [&str; 7] = ["day", "source", "account", "provider", "model", "project", "session"];

/// Two days of two agents: $0.60 and $0.30 of Claude Code, $0.03 of Codex.
fn two_days() -> World {
    let world = World::new().at("2026-03-03T12:00:00Z");
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T23:30:00.000Z", "A", 60));
    world.append(CLAUDE_FILE, &claude_spends("2026-03-03T10:00:00.000Z", "B", 30));
    let at = "2026-03-02T09:00:00.000Z";
    // 2,000 output tokens at $15 a million.
    world.append(
        CODEX_FILE,
        &(codex_start(at, GPT) + &CodexCounter::default().add(at, 0, 0, 2_000)),
    );
    world.poll_offline();
    world
}

#[test]
fn rows_have_the_keys_that_were_asked_for_and_no_others() {
    let world = two_days();
    let sums = ["requests", "tokens", "list_usd", "billed_usd", "unpriced_tokens"];
    for by in [
        "day",
        "source",
        "provider",
        "model",
        "project",
        "session",
        "day,source",
        "source,day,model",
        "account",
        "day,source,account,provider,model,project,session",
    ] {
        let report = world.report(by);
        assert_eq!(report["schema"], "spendbar.report.v1");
        assert_eq!(report["zone"], "UTC");
        let rows = report["rows"].as_array().expect("rows");
        assert!(!rows.is_empty(), "{by}");
        let asked: Vec<&str> = by.split(',').collect();
        for row in rows {
            let row = row.as_object().expect("an object");
            for key in KEYS {
                assert_eq!(row.contains_key(key), asked.contains(&key), "{by}: {key}");
            }
            for sum in sums {
                assert!(row.contains_key(sum), "{by}: {sum}");
            }
        }
        // However it is cut, the parts are the whole: 60 + 30 + 3 cents, 40,000 + 20,000 + 2,000
        // output tokens.
        assert_eq!(report["totals"]["list_usd"], "0.93", "{by}");
        let output: u64 = rows.iter().filter_map(|row| row["tokens"]["output"].as_u64()).sum();
        assert_eq!(output, 62_000, "{by}");
        assert_eq!(report["totals"]["tokens"]["output"], 62_000, "{by}");
        assert_eq!(report["totals"]["requests"], 3, "{by}");
    }
}

#[test]
fn rows_name_what_they_are_about() {
    let world = two_days();
    let report = world.report("day,source,provider,model,project,session");
    let rows = report["rows"].as_array().expect("rows");
    let names: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!([
                row["day"],
                row["source"],
                row["provider"],
                row["model"],
                row["project"],
                row["list_usd"]
            ])
        })
        .collect();
    assert_eq!(
        names,
        [
            json!(["2026-03-02", "claude-code", "anthropic", SONNET, "/home/ada/shop", "0.6"]),
            json!(["2026-03-02", "codex", "openai", GPT, "/home/ada/shop", "0.03"]),
            json!(["2026-03-03", "claude-code", "anthropic", SONNET, "/home/ada/shop", "0.3"]),
        ]
    );
    assert_eq!(rows[0]["session"], "11111111-1111-4111-8111-111111111111");
}

#[test]
fn a_day_is_local_to_the_zone_asked_for() {
    let world = two_days();
    let days = |zone: &str| {
        let report = world
            .run(["report", "--since", "2026-03-01", "--by", "day", "--tz", zone, "--json"])
            .success()
            .json();
        assert_eq!(report["zone"], zone);
        let rows = report["rows"].as_array().expect("rows").clone();
        rows.iter().map(|row| json!([row["day"], row["list_usd"]])).collect::<Vec<_>>()
    };
    assert_eq!(days("UTC"), [json!(["2026-03-02", "0.63"]), json!(["2026-03-03", "0.3"])]);
    // 23:30 UTC is 00:30 of the next day in Berlin.
    assert_eq!(
        days("Europe/Berlin"),
        [json!(["2026-03-02", "0.03"]), json!(["2026-03-03", "0.9"])]
    );
    // Kiritimati is 14 hours ahead: 09:00 UTC is 23:00 there, 23:30 and 10:00 are the next day.
    assert_eq!(
        days("Pacific/Kiritimati"),
        [json!(["2026-03-02", "0.03"]), json!(["2026-03-03", "0.6"]), json!(["2026-03-04", "0.3"])]
    );
}

#[test]
fn since_and_until_are_inclusive() {
    let world = two_days();
    let total = |since: &str, until: &str| {
        world
            .run(["report", "--since", since, "--until", until, "--by", "day", "--json"])
            .success()
            .json()["totals"]["list_usd"]
            .clone()
    };
    assert_eq!(total("2026-03-02", "2026-03-03"), "0.93");
    assert_eq!(total("2026-03-02", "2026-03-02"), "0.63");
    assert_eq!(total("2026-03-03", "2026-03-03"), "0.3");
    assert_eq!(total("2026-03-04", "2026-03-05"), Value::Null, "no usage is no amount, not 0");
}

#[test]
fn the_table_ends_with_the_total() {
    let world = two_days();
    let table = world.run(["report", "--since", "2026-03-01", "--by", "day,source"]).success();
    for text in ["2026-03-02", "2026-03-03", "0.60", "0.03", "0.30", "0.93"] {
        assert!(table.stdout.contains(text), "{text}: {}", table.stdout);
    }
    assert!(!table.stdout.contains('\u{1b}'), "no colour into a pipe: {:?}", table.stdout);
}

#[test]
fn status_tells_today_in_three_forms() {
    let world = two_days();
    let text = world.run(["status"]).success().stdout;
    assert!(text.contains("$0.30"), "{text}");
    assert!(text.contains("Claude Code"), "{text}");
    let line = world.run(["status", "--line"]).success().stdout;
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.contains("$0.30") && line.chars().count() < 60, "{line}");
    let json = world.run(["status", "--json"]).success().json();
    assert!(json["schema"].as_str().is_some_and(|schema| schema.starts_with("spendbar.status.")));
}

#[test]
fn an_empty_machine_is_told_where_was_looked_and_what_to_do() {
    let world = World::new().at("2026-03-03T12:00:00Z");
    world.poll_offline();
    let status = world.run(["status"]).success().stdout;
    assert!(status.contains("spendbar key set") && status.contains("spendbar demo"), "{status}");
    let report = world.report("day");
    assert_eq!(report["rows"], json!([]));
    assert_eq!(report["totals"]["list_usd"], Value::Null);
    let doctor = world.run(["doctor"]).success().stdout;
    assert!(doctor.contains(".claude/projects") && doctor.contains(".codex"), "{doctor}");
    world.run(["doctor", "--json"]).success().json();
}

#[test]
fn every_source_is_listed_found_or_not() {
    let world = two_days();
    let json = world.run(["sources", "--json"]).success().json();
    assert_eq!(json["schema"], "spendbar.sources.v1");
    let listed: Vec<&str> = json["sources"]
        .as_array()
        .expect("sources")
        .iter()
        .map(|source| source["id"].as_str().expect("an id"))
        .collect();
    let known: Vec<&str> =
        spendbar::sources::SOURCES.iter().map(|source| source.info().id).collect();
    assert_eq!(listed, known);
    for source in json["sources"].as_array().expect("sources") {
        assert!(matches!(source["kind"].as_str(), Some("agent" | "provider")), "{source:#}");
        assert!(source["name"].is_string() && source["state"].is_string(), "{source:#}");
    }
}
