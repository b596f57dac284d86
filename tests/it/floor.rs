//! A provider that says how often it may be asked is asked no more often, whoever asks.

use std::time::Duration;

use crate::provider::{Answer, FakeProvider, Fault};
use crate::world::{PATIENCE, World, eventually};

fn provider() -> FakeProvider {
    FakeProvider::answering(|_| Answer::ok(r#"{"left":"12.50"}"#))
}

/// A provider of the user's own that bears a look every five minutes.
fn world(provider: &FakeProvider) -> World {
    World::new().at("2026-03-02T12:00:00Z").env("SHY_KEY", "sk-shy-0123456789").config(&format!(
        "[[provider]]\nid = \"shy\"\nname = \"Shy\"\nbase_url = \"{}\"\nleast_minutes = 5\n\
         [provider.key]\nvariables = [\"SHY_KEY\"]\n\
         [[provider.call]]\npath = \"/v1/credits\"\n\
         [[provider.call.balance]]\nname = \"credits\"\namount = \"/left\"\ncurrency = \"USD\"\n",
        provider.base_url()
    ))
}

#[test]
fn a_poll_leaves_it_alone_and_says_so() {
    let provider = provider();
    let mut world = world(&provider);
    let mut poll = |time: &str| {
        world.set_clock(&format!("2026-03-02T{time}Z"));
        let said = world.run(["poll"]).success().stdout;
        let line = said.lines().find(|line| line.contains("Shy")).expect("a line").to_owned();
        (line, provider.requests().len())
    };
    assert_eq!(poll("12:00:00").1, 1);
    let (line, requests) = poll("12:02:30");
    assert!(line.contains("asked 2 min ago; at most once in 5 min"), "{line}");
    assert_eq!(requests, 1);
    assert_eq!(poll("12:05:10").1, 2);
    // A look that fails is one too; a fault is tried twice in it.
    provider.set_fault(Fault::Status(500));
    assert_eq!(poll("12:11:00").1, 4);
    let (line, requests) = poll("12:12:00");
    assert!(line.contains("asked") && requests == 4, "{line} {requests}");
    // A clock that was set back by a day does not silence it for a day.
    provider.set_fault(Fault::None);
    assert_eq!(poll("00:00:00").1, 5);
}

#[test]
fn a_look_without_a_key_asks_nobody_and_does_not_count() {
    let provider = provider();
    let world = world(&provider).without_env("SHY_KEY");
    world.run(["poll"]).success();
    assert_eq!(provider.requests().len(), 0);
    let world = world.env("SHY_KEY", "sk-shy-0123456789");
    world.run(["poll"]).success();
    assert_eq!(provider.requests().len(), 1);
}

#[test]
fn a_key_that_is_tried_is_a_look_too() {
    let provider = provider();
    let world = world(&provider);
    world.run(["key", "test", "shy"]).success();
    let said = world.run(["key", "test", "shy"]).exits_with(1).stderr;
    assert!(said.contains("Shy: asked") && said.contains("at most once in 5 min"), "{said}");
    world.run(["poll"]).success();
    assert_eq!(provider.requests().len(), 1);
    assert!(world.run(["status"]).success().stdout.contains("$12.50 left"));
}

/// The config is looked at every half minute.
#[test]
fn a_changed_config_does_not_ask_again() {
    let (shy, other) = (provider(), provider());
    let world = world(&shy);
    let spendbar = world.spawn([]);
    assert!(eventually(PATIENCE, || shy.requests().len() == 1), "{}", spendbar.all());
    let world = world.config(&format!(
        "[[provider]]\nid = \"other\"\nbase_url = \"{}\"\n[[provider.call]]\npath = \"/\"\n\
         [[provider.call.balance]]\nname = \"credits\"\namount = \"/left\"\ncurrency = \"USD\"\n",
        other.base_url()
    ));
    assert!(eventually(PATIENCE, || other.requests().len() == 1), "{}", spendbar.all());
    world.run(["status"]).success();
    assert_eq!(shy.requests().len(), 1);
}

#[test]
fn neither_a_restart_nor_a_second_copy_asks_again() {
    let provider = provider();
    let world = world(&provider);
    let figure = |spendbar: &crate::world::Process| {
        let shown = || world.run(["status"]).stdout.contains("$12.50 left");
        assert!(eventually(PATIENCE, shown), "{}", spendbar.all());
    };
    for _ in 0..2 {
        let spendbar = world.spawn([]);
        figure(&spendbar);
        std::thread::sleep(Duration::from_secs(1));
    }
    let copies = [world.spawn([]), world.spawn([])];
    std::thread::sleep(Duration::from_secs(2));
    world.run(["poll"]).success();
    assert_eq!(provider.requests().len(), 1);
    drop(copies);
}
