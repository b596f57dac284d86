//! Providers of the user's own, further accounts, and `provider check`.

use std::fs;

use crate::provider::{Answer, FakeProvider};
use crate::world::World;

const GATEWAY: &str = r#"id = "mine"
name = "My gateway"
base_url = "BASE"
[key]
variables = ["MINE_KEY"]
[[call]]
path = "/v1/spend"
query = { from = "{first}" }
[[call.cost]]
each = "/days"
day = "/date"
amount = "/cents"
scale = "1/100"
currency = "USD"
[[call.balance]]
name = "credits"
amount = "/left"
currency = "USD"
"#;

const ANSWER: &str = r#"{"left":"12.50","days":[{"date":"2026-03-02","cents":"1234.5"}]}"#;

fn world() -> World {
    World::new().at("2026-03-02T12:00:00Z")
}

/// The description as it stands in a config.
fn in_config(description: &str) -> String {
    let nested =
        description.replace("[[call", "[[provider.call").replace("[key]", "[provider.key]");
    format!("[[provider]]\n{nested}")
}

fn write(world: &World, name: &str, text: &str) -> String {
    let file = world.home().join(name);
    fs::write(&file, text).expect("written");
    file.to_str().expect("text").to_owned()
}

#[test]
fn a_description_is_tried_against_a_saved_answer() {
    let world = world();
    let file = write(&world, "mine.toml", &GATEWAY.replace("BASE", "https://mine.example"));
    let answer = write(&world, "answer.json", ANSWER);
    let checked = world.run(["provider", "check", &file, "--answer", &answer]).success().stdout;
    insta::assert_snapshot!(checked, @"
    My gateway (mine), read from saved answers
      balance  credits       $12.5  from /left
      cost     2026-03-02  $12.345  from /cents
    Costs are known for 2026-01-27 to 2026-03-02 (UTC).
    ");
    let json =
        world.run(["provider", "check", &file, "--answer", &answer, "--json"]).success().json();
    assert_eq!(json["facts"][0]["value"], "$12.5");

    let missing = write(&world, "other.json", r#"{"days":[]}"#);
    let said = world.run(["provider", "check", &file, "--answer", &missing]).exits_with(1).stderr;
    assert!(said.contains("it has no `/left`"), "{said}");
}

#[test]
fn a_wrong_description_names_file_line_and_what_to_write() {
    let world = world();
    let file = write(&world, "mine.toml", &GATEWAY.replace("\"/left\"", "\"left\""));
    let said = world.run(["provider", "check", &file]).exits_with(1).stderr;
    assert!(said.contains("mine.toml: line 17: \"left\" is no place in an answer"), "{said}");
    assert!(said.contains("write a JSON Pointer such as"), "{said}");
}

#[test]
fn a_gateway_of_ones_own_is_asked_with_its_key_and_shown() {
    let provider = FakeProvider::answering(|_| Answer::ok(ANSWER));
    let world = world()
        .env("MINE_KEY", "sk-mine-0123456789")
        .config(&in_config(&GATEWAY.replace("BASE", &provider.base_url())));
    world.run(["poll"]).success();
    let status = world.run(["status"]).success().stdout;
    assert!(status.contains("My gateway  $12.34  credits $12.50 left"), "{status}");
    let seen = provider.requests();
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0].headers.contains(&("authorization".into(), "Bearer sk-mine-0123456789".into()))
    );
    assert_eq!(seen[0].query["from"], "2026-01-27");
    assert!(world.run(["sources"]).success().stdout.contains("My gateway"));
}

#[test]
fn two_accounts_of_a_provider_have_a_key_and_a_bill_each() {
    let provider = FakeProvider::answering(|request| {
        let mine = request.headers.iter().any(|(_, value)| value == "Bearer sk-first-0123456789");
        let (total, used) = if mine { (10, 3) } else { (50, 8) };
        match request.path.as_str() {
            "/api/v1/credits" => Answer::ok(format!(
                r#"{{"data":{{"total_credits":{total},"total_usage":{used}}}}}"#
            )),
            _ => Answer::error(403, "{}"),
        }
    });
    let world = world()
        .env("OPENROUTER_API_KEY", "sk-first-0123456789")
        .env("OPENROUTER_API_KEY_WORK", "sk-second-0123456789");
    let base = provider.base_url();
    let world = world.config(&format!(
        "[providers.openrouter]\nbase_url = \"{base}\"\n\
         [providers.openrouter.accounts.work]\nbase_url = \"{base}\"\n"
    ));
    world.run(["poll"]).success();
    let status = world.run(["status"]).success().stdout;
    assert!(status.contains("credits $7.00 left"), "{status}");
    assert!(
        status.contains("OpenRouter (work)") && status.contains("credits $42.00 left"),
        "{status}"
    );
    let keys = world.run(["key", "list"]).success().stdout;
    assert!(keys.contains("openrouter@work"), "{keys}");
}

#[test]
fn a_bill_in_another_currency_counts_at_a_rate_that_is_named() {
    let provider = FakeProvider::answering(|_| Answer::ok(ANSWER));
    let euros = GATEWAY.replace("BASE", &provider.base_url()).replace("USD", "EUR");
    let world = world().env("MINE_KEY", "sk-mine-0123456789").config(&in_config(&euros));
    world.run(["poll"]).success();
    let status = world.run(["status"]).success().stdout;
    assert!(status.starts_with("Today $0.00") && status.contains("€12.34"), "{status}");
    let world = world.config("[rates]\nEUR = { usd = \"1.16\", date = \"2026-02-27\" }\n");
    let status = world.run(["status"]).success().stdout;
    // 12.345 * 1.16 = 14.3202
    assert!(status.starts_with("Today $14.32"), "{status}");
    let sentence = "€12.34 billed counts as $14.32, at the rate 1.16 of 27 Feb 2026.";
    assert!(status.contains(sentence), "{status}");
    let json = world.run(["status", "--json"]).success().json();
    assert_eq!(json["converted"][0]["usd"], "14.3202");
}
