//! Providers through the whole program: real HTTP to loopback, and every way it goes wrong.

use std::collections::BTreeMap;

use serde_json::Value;
use spendbar::spend::{Currency, Money};

use crate::provider::{FakeProvider, Fault, read_expected};
use crate::world::World;

/// Source id, environment variable of its key.
const PROVIDERS: [(&str, &str); 3] = [
    ("openai-admin", "OPENAI_ADMIN_KEY"),
    ("anthropic-admin", "ANTHROPIC_ADMIN_KEY"),
    ("openrouter", "OPENROUTER_API_KEY"),
];

fn connected(id: &str, variable: &str, provider: &FakeProvider) -> World {
    let now = read_expected(id)["now"].as_str().expect("a clock").to_owned();
    World::new().at(&now).provider(id, provider).env(variable, "sk-synthetic-key-0123456789abcdef")
}

/// Billed dollars by UTC day; days that cost nothing may have no row.
fn billed(world: &World) -> BTreeMap<String, i128> {
    let report =
        world.run(["report", "--since", "2026-10-01", "--by", "day", "--json"]).success().json();
    let rows = report["rows"].as_array().expect("rows").clone();
    rows.iter()
        .filter_map(|row| {
            let attos = attos(row["billed_usd"].as_str()?);
            (attos != 0).then(|| (row["day"].as_str().expect("a day").to_owned(), attos))
        })
        .collect()
}

fn attos(text: &str) -> i128 {
    Money::parse(text, Currency::USD).expect("an amount").attos
}

/// The words a source's row has for its state, as a person reads them.
fn words(world: &World, id: &str) -> String {
    let name = world.source(id)["name"].as_str().expect("a name").to_owned();
    let status = world.run(["status"]).success().stdout;
    let doctor = world.run(["doctor"]).success().stdout;
    let of = |text: &str| {
        text.lines()
            .filter(|line| line.contains(&name) || line.contains(id))
            .collect::<Vec<_>>()
            .join("\n")
    };
    format!("{}\n{}", of(&status), of(&doctor))
}

#[test]
fn bills_are_read_to_the_last_digit_over_all_pages() {
    for (id, variable) in PROVIDERS {
        let provider = FakeProvider::of_fixture(id);
        let world = connected(id, variable, &provider);
        world.run(["poll"]).success();
        let expected: BTreeMap<String, i128> = read_expected(id)["reading"]["billed_costs"]
            .as_array()
            .expect("costs")
            .iter()
            .map(|cost| {
                let day = cost["day"].as_str().expect("a day").to_owned();
                (day, attos(cost["amount"].as_str().expect("an amount")))
            })
            .filter(|(_, attos)| *attos != 0)
            .collect();
        assert_eq!(billed(&world), expected, "{id}");
        // Looking again changes nothing.
        let before = world.report("day,source,model,project");
        world.run(["poll"]).success();
        assert_eq!(world.report("day,source,model,project"), before, "{id}");
    }
}

#[test]
fn each_fault_has_its_own_sentence_and_the_last_good_figures_stay() {
    let faults = [
        Fault::Status(401),
        Fault::Status(403),
        Fault::TooMany(120),
        Fault::Status(500),
        Fault::Status(503),
        Fault::CutOff,
        Fault::HalfAnAnswer,
        Fault::WebPage,
        Fault::OtherShape,
        Fault::Hangup,
    ];
    for (id, variable) in PROVIDERS {
        let provider = FakeProvider::of_fixture(id);
        let mut world = connected(id, variable, &provider);
        world.run(["poll"]).success();
        let good = billed(&world);
        let good_state = world.source(id)["state"].clone();
        assert!(!good.is_empty(), "{id}");
        let mut sentences = BTreeMap::new();
        for (index, fault) in faults.iter().enumerate() {
            provider.set_fault(fault.clone());
            // A minute later each time, on the same day: an explicit look is not held back.
            let now = read_expected(id)["now"].as_str().expect("a clock").replace(":00:00Z", "");
            world.set_clock(&format!("{now}:{:02}:00Z", index + 1));
            let poll = world.run(["poll"]);
            assert!(!poll.stderr.contains("panicked"), "{id} {fault:?}: {}", poll.stderr);
            assert_eq!(billed(&world), good, "{id} {fault:?}: the last good figures stay");
            let row = world.source(id);
            assert_ne!(row["state"], good_state, "{id} {fault:?}: {row:#}");
            let said = words(&world, id);
            assert!(!said.contains("sk-synthetic"), "{said}");
            sentences.insert(format!("{fault:?}"), format!("{row}\n{said}"));
        }
        let said = |fault: &str, word: &str| {
            let text = &sentences[fault];
            assert!(text.contains(word), "{id} {fault}: no {word:?} in {text}");
        };
        said("Status(401)", "401");
        said("Status(401)", &format!("spendbar key set {id}"));
        said("Status(403)", "403");
        said("TooMany(120)", "429");
        said("Status(500)", "500");
        said("Status(503)", "503");

        provider.set_fault(Fault::None);
        world.set_clock(
            &read_expected(id)["now"].as_str().expect("a clock").replace(":00:00Z", ":30:00Z"),
        );
        world.run(["poll"]).success();
        assert_eq!(world.source(id)["state"], good_state, "{id}: it recovers by itself");
        assert_eq!(billed(&world), good);
    }
}

#[test]
fn no_network_is_said_and_the_figures_carry_their_age() {
    let (id, variable) = PROVIDERS[0];
    let provider = FakeProvider::of_fixture(id);
    let mut world = connected(id, variable, &provider);
    world.run(["poll"]).success();
    let good = billed(&world);
    provider.close();
    world.set_clock("2026-11-03T18:00:00Z");
    world.run(["poll"]);
    assert_eq!(billed(&world), good);
    let said = words(&world, id);
    assert!(said.contains("no answer"), "{said}");
    let status = world.run(["status"]).success().stdout;
    assert!(status.contains("12:00"), "as of noon: {status}");
}

#[test]
fn a_source_without_a_key_asks_for_one_and_hurts_nobody() {
    let (id, variable) = PROVIDERS[0];
    let provider = FakeProvider::of_fixture(id);
    let world = connected(id, variable, &provider).without_env(variable);
    world.run(["poll"]).success();
    assert!(provider.requests().is_empty());
    assert!(world.source(id)["state"].is_string());
}

#[test]
fn one_failing_source_leaves_the_others_alone() {
    let good = FakeProvider::of_fixture("openai-admin");
    let bad = FakeProvider::of_fixture("anthropic-admin");
    bad.set_fault(Fault::Status(500));
    let world = connected("openai-admin", "OPENAI_ADMIN_KEY", &good)
        .provider("anthropic-admin", &bad)
        .env("ANTHROPIC_ADMIN_KEY", "sk-synthetic-other-0123456789");
    world.run(["poll"]);
    assert_eq!(billed(&world).values().sum::<i128>(), attos("15.1556790012"));
}

#[test]
fn offline_asks_no_provider() {
    let (id, variable) = PROVIDERS[0];
    let provider = FakeProvider::of_fixture(id);
    let world = connected(id, variable, &provider);
    world.poll_offline();
    assert!(provider.requests().is_empty());
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    let world = World::new()
        .at("2026-11-03T12:00:00Z")
        .config("[providers.openai-admin]\nbase_url = \"http://example.invalid\"\n")
        .env("OPENAI_ADMIN_KEY", "sk-synthetic-key-0123456789abcdef");
    for output in [world.run(["config", "check"]), world.run(["poll", "--offline"])] {
        let said = output.exits_with(1).all();
        assert!(said.contains("config.toml:2") && said.contains("https://"), "{said}");
    }
}

#[test]
fn currencies_stand_side_by_side() {
    let folder = crate::world::fixtures().join("providers/openai-admin");
    let body = std::fs::read_to_string(folder.join("costs-two-currencies.json")).expect("a body");
    let provider = FakeProvider::answering(move |request| {
        if request.path.ends_with("/costs") && !request.query.contains_key("page") {
            crate::provider::Answer::ok(body.clone())
        } else {
            crate::provider::Answer::ok(
                r#"{"object":"page","data":[],"has_more":false,"next_page":null}"#,
            )
        }
    });
    let world = connected("openai-admin", "OPENAI_ADMIN_KEY", &provider);
    world.run(["poll"]).success();
    let report = world.report("day");
    assert_eq!(report["totals"]["billed_usd"], "2", "{report:#}");
    let table = world.run(["report", "--since", "2026-11-01", "--by", "day"]).success();
    assert!(table.all().contains("€3"), "never added, never dropped: {}", table.all());
}

#[test]
fn bad_answers_of_the_fixtures_fail_as_a_whole() {
    for (id, variable) in PROVIDERS {
        let expected = read_expected(id);
        for variant in expected["variants"].as_array().into_iter().flatten() {
            if variant["outcome"] != "bad_answer" {
                continue;
            }
            let folder = crate::world::fixtures().join("providers").join(id);
            let bodies: Vec<String> = variant["files"]
                .as_array()
                .expect("files")
                .iter()
                .map(|file| {
                    std::fs::read_to_string(folder.join(file.as_str().expect("a name")))
                        .expect("a body")
                })
                .collect();
            let first_path = expected["exchanges"][0]["path"].as_str().expect("a path").to_owned();
            let provider = FakeProvider::answering(move |request| {
                if request.path != first_path {
                    return crate::provider::Answer::ok(
                        r#"{"data":[],"has_more":false,"next_page":null}"#,
                    );
                }
                let page = usize::from(request.query.contains_key("page"));
                crate::provider::Answer::ok(bodies[page.min(bodies.len() - 1)].clone())
            });
            let world = connected(id, variable, &provider);
            world.run(["poll"]);
            let why = variant["why"].as_str().unwrap_or_default();
            assert_eq!(billed(&world), BTreeMap::new(), "{id}: {why}");
            assert_eq!(world.report("day")["totals"]["billed_usd"], Value::Null, "{id}: {why}");
            assert!(provider.requests().len() < 50, "{id}: it does not ask for ever");
        }
    }
}
