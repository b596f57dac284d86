//! `check`: exit code 0 within every budget, 3 over one, 1 when there is nothing to check.

use std::fs;

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::world::World;

const BUDGETS: &str = "\n[[budget]]\nname = \"day\"\namount = 100\nper = \"day\"\n\
    [[budget]]\nname = \"small\"\namount = 10\nper = \"week\"\nmodels = [\"*sonnet*\"]\n";

fn world(cents: u64) -> World {
    let world = World::new().at("2026-03-02T12:00:00Z").config(BUDGETS);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T08:00:00.000Z", "A", cents));
    world
}

#[test]
fn within_is_0_and_over_is_3() {
    // It looks at the logs itself: nothing else has run here.
    let world = world(999);
    let within = world.run(["check"]).success().stdout;
    assert!(within.contains("within: day ≈ $9.99 of $100 a day, 9 %"), "{within}");
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T09:00:00.000Z", "B", 3));
    let over = world.run(["check"]).exits_with(3);
    assert!(over.stdout.contains("over: small ≈ $10.02 of $10 a week, 100 %"), "{}", over.stdout);
    assert_eq!(over.stderr, "");
    world.run(["check", "--budget", "day"]).success();
    let json = world.run(["check", "--json"]).exits_with(3).json();
    assert_eq!(json["schema"], "spendbar.check.v1");
    assert_eq!(json["over"], true);
    assert_eq!(json["budgets"][0]["over"], false);
    assert_eq!(json["budgets"][1]["scope"], "model *sonnet*");
    assert_eq!(json["budgets"][1]["left"], "-0.02");
}

#[test]
fn a_limit_of_its_own_needs_no_budget() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    let line = claude_spends("2026-03-02T08:00:00.000Z", "A", 999);
    let shop = world.path("home/shop");
    fs::create_dir_all(shop.join("deep")).expect("a folder");
    world.append(
        CLAUDE_FILE,
        &line.replace("/home/ada/shop", &shop.join("deep").display().to_string()),
    );
    let at = |max: &str, project: &str| {
        let folder = world.path(project).display().to_string();
        world.run(["check", "--max", max, "--per", "day", "--project", &folder])
    };
    at("9.99", "home/shop").success();
    at("9.98", "home/shop").exits_with(3);
    at("0.01", "home/other").success();
    world.run(["check", "--max", "9", "--per", "30 days", "--model", "gpt-*"]).success();
    world.run(["check", "--max", "9", "--source", "claude-code"]).exits_with(3);
}

#[test]
fn nothing_to_check_is_an_error_and_not_a_pass() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    let none = world.run(["check"]).exits_with(1);
    assert!(none.stderr.contains("no budget is set"), "{}", none.stderr);
    let world = World::new().at("2026-03-02T12:00:00Z").config(BUDGETS);
    let unknown = world.run(["check", "--budget", "month"]).exits_with(1);
    assert!(
        unknown.stderr.contains("no budget is named \"month\": day, small"),
        "{}",
        unknown.stderr
    );
    world.run(["check", "--per", "day"]).exits_with(2);
}
