//! `spendbar demo`, headless: the real program on a pretend world that goes away with it.

use std::fs;
use std::time::Duration;

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::world::World;

#[test]
fn the_demo_crosses_its_budget_and_leaves_no_trace() {
    let world = World::new();
    // What is really on this machine is none of the demo's business.
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T10:00:00.000Z", "A", 60));
    let temporary = world.path("temporary");
    fs::create_dir(&temporary).expect("a folder");
    let world = world.env("TMPDIR", &temporary);
    let before: Vec<_> = world.files();
    let mut demo = world.spawn(["demo", "--seconds", "30"]);
    let status = demo.wait_up_to(Duration::from_secs(90)).expect("it ends by itself");
    let said = demo.all();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(said.to_lowercase().contains("demo"), "it says what it is: {said}");
    // The figures of the screenshot: about $20 k today, and the budget broken within half a minute.
    assert!(said.contains("$19,") && said.contains("$20,0"), "{said}");
    assert!(said.contains("100 %"), "the alert is told: {said}");
    assert!(world.files() == before, "nothing is written outside its own home");
    let left: Vec<_> = fs::read_dir(&temporary).expect("a folder").flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_demo_stops_when_told() {
    let world = World::new();
    let mut demo = world.spawn(["demo"]);
    assert!(
        crate::world::eventually(crate::world::PATIENCE, || demo.all().contains('$')),
        "{}",
        demo.all()
    );
    demo.signal("INT");
    let status = demo.wait_up_to(Duration::from_secs(15)).expect("it ends");
    assert_eq!(status.code(), Some(0), "{}", demo.all());
}
