//! Warnings that nobody has to set: each is told once, and nothing is told without a baseline.

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::provider::{FakeProvider, Fault};
use crate::world::World;

const OTHER_FILE: &str = ".claude/projects/-work-b/other-session.jsonl";

fn titles(world: &World) -> Vec<String> {
    let alerts = world.alerts();
    let title = |alert: &serde_json::Value| alert["title"].as_str().expect("a title").to_owned();
    alerts.iter().map(title).collect()
}

/// Four weeks of $2 in each of three hours on working days, up to Tuesday, 24 November 2026.
fn office() -> World {
    let world = World::new().at("2026-11-24T12:30:00Z");
    let mut lines = String::new();
    for day in 1..=30 {
        let date: chrono::NaiveDate = "2026-11-23".parse().expect("a day");
        let date = date - chrono::Days::new(30 - day);
        if matches!(date.format("%u").to_string().as_str(), "6" | "7") {
            continue;
        }
        for hour in [10, 11, 12] {
            let at = format!("{date}T{hour}:05:00.000Z");
            lines += &claude_spends(&at, &format!("{date}-{hour}"), 201);
        }
    }
    world.append(CLAUDE_FILE, &lines);
    world.poll_offline();
    assert_eq!(titles(&world), [] as [&str; 0]);
    world
}

fn spend(world: &World, file: &str, time: &str, cents: u64) {
    let at = format!("2026-11-24T{time}:00.000Z");
    let line = claude_spends(&at, &format!("today-{time}-{cents}"), cents);
    let session = if file == OTHER_FILE { "22222222" } else { "11111111" };
    world.append(file, &line.replace("11111111", session));
    world.poll_offline();
}

#[test]
fn an_unusual_hour_is_told_once_a_day() {
    let mut world = office();
    spend(&world, CLAUDE_FILE, "12:01", 801);
    assert_eq!(titles(&world), [] as [&str; 0], "just below four times the usual");
    spend(&world, CLAUDE_FILE, "12:02", 3);
    let told = titles(&world);
    let [spike] = told.as_slice() else { panic!("{told:?}") };
    assert!(spike.starts_with("Unusual: ≈ $8.04 this hour, 4 times the usual"), "{spike}");
    spend(&world, CLAUDE_FILE, "12:03", 402);
    world.set_clock("2026-11-24T13:30:00Z");
    spend(&world, CLAUDE_FILE, "13:03", 1500);
    assert_eq!(titles(&world).len(), 1, "one a day");
}

#[test]
fn without_a_baseline_nothing_is_unusual() {
    let world = World::new().at("2026-11-24T12:30:00Z");
    world.poll_offline();
    spend(&world, CLAUDE_FILE, "12:01", 2_001);
    assert_eq!(titles(&world), [] as [&str; 0]);
}

#[test]
fn money_that_runs_away_is_told_once_for_a_session() {
    let mut world = World::new().at("2026-11-24T12:30:00Z");
    world.poll_offline();
    spend(&world, CLAUDE_FILE, "12:11", 2_400);
    assert_eq!(titles(&world), [] as [&str; 0]);
    spend(&world, CLAUDE_FILE, "12:21", 201);
    let told = titles(&world);
    let [burn] = told.as_slice() else { panic!("{told:?}") };
    assert!(burn.contains("spends fast: ≈ $26.01 since 12:00 in one session"), "{burn}");
    spend(&world, CLAUDE_FILE, "12:22", 9_000);
    assert_eq!(titles(&world).len(), 1);
    spend(&world, OTHER_FILE, "12:23", 9_000);
    assert_eq!(titles(&world).len(), 1, "at most one an hour");
    world.set_clock("2026-11-24T13:40:00Z");
    spend(&world, OTHER_FILE, "13:33", 9_000);
    assert_eq!(titles(&world).len(), 2, "another session");
    spend(&world, CLAUDE_FILE, "13:34", 9_000);
    assert_eq!(titles(&world).len(), 2);
}

#[test]
fn a_budget_that_breaks_at_its_pace_is_told_once_in_a_period() {
    let mut world = office();
    let budget = "[[budget]]\nname = \"team\"\namount = 115\nper = \"month\"\nthresholds = []\n";
    world = world.config(budget);
    // Sixteen working days of $6 so far; 21 of them are $126, 109 %.
    world.poll_offline();
    assert_eq!(titles(&world), [] as [&str; 0]);
    spend(&world, CLAUDE_FILE, "10:01", 501);
    let told = titles(&world);
    let [pace] = told.as_slice() else { panic!("{told:?}") };
    assert!(pace.starts_with("At this pace “team” is at ≈ $"), "{pace}");
    assert!(pace.contains("by the end of the month: 11"), "{pace}");
    let body = world.alerts()[0]["body"].as_str().expect("a body").to_owned();
    assert!(body.starts_with("The budget breaks on "), "{body}");
    spend(&world, CLAUDE_FILE, "10:02", 12);
    world.set_clock("2026-11-25T12:30:00Z");
    world.poll_offline();
    assert_eq!(titles(&world).len(), 1);
}

#[test]
fn a_model_without_a_price_is_told_once() {
    let world = World::new().at("2026-11-24T12:30:00Z");
    world.poll_offline();
    let unknown = |id: &str, cents: u64| {
        let line = claude_spends("2026-11-24T12:01:00.000Z", id, cents);
        let named = line.split("\"model\":\"").nth(1).expect("a model");
        let model = named.split('"').next().expect("its name");
        world.append(CLAUDE_FILE, &line.replace(model, "mystery-9"));
        world.poll_offline();
        titles(&world)
    };
    let told = unknown("a", 102);
    assert_eq!(told, ["No price is known for mystery-9"]);
    assert_eq!(unknown("b", 102).len(), 1);
}

#[test]
fn a_provider_that_falls_silent_is_told_once() {
    let provider = FakeProvider::answering(|_| {
        crate::provider::Answer::ok(r#"{"rows":[{"day":"2026-11-23","cost":"12.50"}]}"#.to_owned())
    });
    let mut world = World::new().at("2026-11-24T12:30:00Z").config(
        &r#"
[[provider]]
id = "own"
name = "Own gateway"
base_url = "BASE"
[[provider.call]]
path = "/costs"
[[provider.call.cost]]
each = "/rows"
day = "/day"
amount = "/cost"
currency = "USD"
"#
        .replace("BASE", &provider.base_url()),
    );
    world.run(["poll"]).success();
    provider.set_fault(Fault::Status(500));
    for time in ["2026-11-24T20:00:00Z", "2026-11-25T12:00:00Z"] {
        world.set_clock(time);
        world.run(["poll"]);
        assert_eq!(titles(&world), [] as [&str; 0]);
    }
    world.set_clock("2026-11-25T13:00:00Z");
    world.run(["poll"]);
    let told = titles(&world);
    let [silent] = told.as_slice() else { panic!("{told:?}") };
    assert!(silent.starts_with("Own gateway has told nothing since "), "{silent}");
    world.set_clock("2026-11-26T13:00:00Z");
    world.run(["poll"]);
    assert_eq!(titles(&world).len(), 1);
}
