//! Budgets: a threshold speaks once, whatever happens around it, and the config keeps its comments.

use std::fs;

use serde_json::json;

use crate::lines::{CLAUDE_FILE, CODEX_FILE, CodexCounter, GPT, claude_spends, codex_start};
use crate::provider::{Answer, FakeProvider};
use crate::world::World;

const DAILY: &str = "\n[[budget]]\nname = \"daily\"\namount = 100\nper = \"day\"\n";

/// A machine that has been looked at before: $0.30 this morning, budgets quiet.
fn known_machine(budget: &str) -> World {
    let world = World::new().at("2026-03-02T12:00:00Z").config(budget);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T08:00:00.000Z", "first", 30));
    world.poll_offline();
    assert_eq!(world.alerts(), [] as [serde_json::Value; 0]);
    world
}

fn spend(world: &World, id: &str, cents: u64) {
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:00:00.000Z", id, cents));
    world.poll_offline();
}

#[test]
fn each_threshold_speaks_once() {
    let world = known_machine(DAILY);
    spend(&world, "A", 4_968);
    assert_eq!(world.thresholds(), [] as [u64; 0], "$49.98 of $100");
    spend(&world, "B", 3);
    assert_eq!(world.thresholds(), [50], "$50.01");
    world.poll_offline();
    assert_eq!(world.thresholds(), [50]);
    spend(&world, "C", 3_000);
    assert_eq!(world.thresholds(), [50, 80], "$80.01");
    spend(&world, "D", 3_000);
    assert_eq!(world.thresholds(), [50, 80, 100], "$110.01");
    spend(&world, "E", 30_000);
    world.poll_offline();
    assert_eq!(world.thresholds(), [50, 80, 100], "once over, no more to say");
}

#[test]
fn an_alert_tells_what_happened() {
    let world = known_machine(DAILY);
    spend(&world, "A", 5_100);
    let json = world.run(["alerts", "--json"]).success().json();
    assert_eq!(json["schema"], "spendbar.alerts.v1");
    let alert = &json["alerts"][0];
    assert_eq!(alert["budget"], "daily");
    assert_eq!(alert["period"], "day");
    assert_eq!(alert["period_start"], "2026-03-02");
    assert_eq!(alert["threshold_percent"], 50);
    let title = alert["title"].as_str().expect("a title");
    assert!(
        title.contains("50 %") && title.contains("$51.30") && title.contains("$100"),
        "{title}"
    );
    let text = world.run(["alerts"]).success().stdout;
    assert!(text.contains("50 %") && text.contains("$51.30"), "{text}");
}

#[test]
fn of_several_at_once_only_the_highest_speaks() {
    let world = known_machine(DAILY);
    spend(&world, "A", 12_000);
    assert_eq!(world.thresholds(), [100]);
    spend(&world, "B", 12_000);
    assert_eq!(world.thresholds(), [100], "the lower ones stay silent for ever");
}

#[test]
fn a_new_period_starts_anew() {
    let mut world = known_machine(DAILY);
    spend(&world, "A", 6_000);
    assert_eq!(world.thresholds(), [50]);
    world.set_clock("2026-03-03T12:00:00Z");
    world.poll_offline();
    assert_eq!(world.thresholds(), [50]);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-03T11:00:00.000Z", "B", 6_000));
    world.poll_offline();
    let days: Vec<_> = world.alerts().iter().map(|alert| alert["period_start"].clone()).collect();
    assert_eq!(days, [json!("2026-03-02"), json!("2026-03-03")]);
}

#[test]
fn weeks_and_months_count_what_is_in_them() {
    // 2026-03-02 is a Monday: the week begins, the month began the day before.
    let budgets = "[[budget]]\nname = \"week\"\namount = 100\nper = \"week\"\n\
                   [[budget]]\nname = \"month\"\namount = 100\nper = \"month\"\n";
    let world = World::new().at("2026-03-02T12:00:00Z").config(budgets);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-01T11:00:00.000Z", "Sunday", 4_500));
    world.poll_offline();
    assert_eq!(world.thresholds(), [] as [u64; 0]);
    // The week has $9 now, the month $54.
    spend(&world, "A", 900);
    let spoke: Vec<_> = world.alerts().iter().map(|alert| alert["budget"].clone()).collect();
    assert_eq!(spoke, [json!("month")]);
}

#[test]
fn the_first_look_is_quiet_about_the_past_and_speaks_once_of_a_broken_today() {
    let budgets =
        format!("{DAILY}[[budget]]\nname = \"monthly\"\namount = 1000\nper = \"month\"\n");
    let world = World::new().at("2026-03-20T12:00:00Z").config(&budgets);
    // Ten days over the daily budget, and $600 of the month's $1,000, all before today.
    for day in 1..=5 {
        let at = format!("2026-03-{day:02}T10:00:00.000Z");
        world.append(CLAUDE_FILE, &claude_spends(&at, &format!("old{day}"), 12_000));
    }
    world.append(CLAUDE_FILE, &claude_spends("2026-03-20T10:00:00.000Z", "today", 12_000));
    world.poll_offline();
    let spoke: Vec<_> = world
        .alerts()
        .iter()
        .map(|alert| json!([alert["budget"], alert["threshold_percent"], alert["period_start"]]))
        .collect();
    assert_eq!(spoke, [json!(["daily", 100, "2026-03-20"])]);
    world.poll_offline();
    assert_eq!(world.alerts().len(), 1);
}

#[test]
fn a_budget_may_count_some_sources_only() {
    let world = known_machine(
        "[[budget]]\nname = \"codex\"\namount = 1\nper = \"day\"\nsources = [\"codex\"]\n",
    );
    spend(&world, "A", 12_000);
    assert_eq!(world.thresholds(), [] as [u64; 0], "Claude Code is out of its scope");
    let at = "2026-03-02T11:00:00.000Z";
    // 40,000 output tokens at $15 a million: $0.60 of $1.
    world.append(
        CODEX_FILE,
        &(codex_start(at, GPT) + &CodexCounter::default().add(at, 0, 0, 40_000)),
    );
    world.poll_offline();
    assert_eq!(world.thresholds(), [50]);
}

#[test]
fn own_thresholds_are_kept_to() {
    let world = known_machine(
        "[[budget]]\nname = \"daily\"\namount = 100\nper = \"day\"\nthresholds = [25, 150]\n",
    );
    spend(&world, "A", 9_900);
    assert_eq!(world.thresholds(), [25]);
    spend(&world, "B", 9_900);
    assert_eq!(world.thresholds(), [25, 150]);
}

#[test]
fn a_bill_alone_can_break_a_budget() {
    let provider = FakeProvider::answering(|request| {
        if request.path != "/v1/organization/costs" {
            return Answer::ok(r#"{"object":"page","data":[],"has_more":false,"next_page":null}"#);
        }
        // One bucket: 2026-11-03, which starts at 1793664000.
        Answer::ok(
            r#"{"object":"page","data":[{"object":"bucket","start_time":1793664000,"end_time":1793750400,
            "results":[{"object":"organization.costs.result","amount":{"value":55.5,"currency":"usd"},"line_item":null,"project_id":null}]}],
            "has_more":false,"next_page":null}"#,
        )
    });
    let world = World::new()
        .at("2026-11-03T12:00:00Z")
        .config(DAILY)
        .provider("openai-admin", &provider)
        .env("OPENAI_ADMIN_KEY", "sk-admin-synthetic-0123456789");
    world.run(["poll"]).success();
    assert_eq!(world.thresholds(), [50]);
    let report = world.report("source");
    assert_eq!(report["totals"]["billed_usd"], "55.5");
}

#[test]
fn setting_listing_and_removing_keep_the_configs_comments() {
    let world = World::new().at("2026-03-02T12:00:00Z").config(
        "# My own words.\nheadline = \"list\" # I like this one\n\n# Codex only.\n[[budget]]\nname = \"codex\"\namount = 5 # dollars\nper = \"week\"\nsources = [\"codex\"]\n",
    );
    let comments = ["# My own words.", "# I like this one", "# Codex only.", "# dollars"];
    let config = || fs::read_to_string(world.config_file()).expect("the config");
    world.run(["budget", "set", "200", "--per", "day"]).success();
    let list = world.run(["budget", "list"]).success().stdout;
    assert!(list.contains("$200") && list.contains("day"), "{list}");
    assert!(list.contains("codex") && list.contains("$5"), "{list}");
    for comment in comments {
        assert!(config().contains(comment), "{}", config());
    }
    // Setting it again changes the amount and adds nothing.
    world.run(["budget", "set", "250.50", "--per", "day"]).success();
    assert_eq!(config().matches("[[budget]]").count(), 2, "{}", config());
    assert!(config().contains("250.50") && !config().contains("200"), "{}", config());
    world.run(["config", "check"]).success();

    let list = world.run(["budget", "list"]).success().stdout;
    world.run(["budget", "remove", "day"]).success();
    assert_eq!(config().matches("[[budget]]").count(), 1, "{list}\n{}", config());
    for comment in comments {
        assert!(config().contains(comment), "{}", config());
    }
    let missing = world.run(["budget", "remove", "nothing-of-that-name"]).exits_with(1);
    assert!(missing.stderr.contains("nothing-of-that-name"), "{}", missing.stderr);
}

#[test]
fn a_budget_set_on_the_command_line_speaks() {
    let world = known_machine("");
    world.run(["budget", "set", "1", "--per", "day"]).success();
    spend(&world, "A", 60);
    assert_eq!(world.thresholds(), [80], "$0.90 of $1");
}

#[test]
fn a_budget_counts_what_it_is_told_to_in_its_own_currency_and_time() {
    let config = "\n[rates]\nEUR = { usd = 2, date = \"2026-03-01\" }\n\
        [[budget]]\nname = \"shop\"\namount = 50\ncurrency = \"EUR\"\nper = \"week from sunday\"\n\
        projects = [\"/home/*/shop\"]\n\
        [[budget]]\nname = \"elsewhere\"\namount = 1\nper = \"day\"\nprojects = [\"/other\"]\n\
        [[budget]]\nname = \"not sonnet\"\namount = 1\nper = \"day\"\nexcept = { models = [\"*sonnet*\"] }\n\
        [[budget]]\nname = \"recent\"\namount = 60\nper = \"5 hours\"\nsources = [\"claude-code\"]\n\
        [[budget]]\nname = \"project\"\namount = 1000\nper = \"2026-02-01 to 2026-06-30\"\n\
        accounts = [\"anthropic\"]\nthresholds = [5]\n";
    let world = World::new().at("2026-03-02T12:00:00Z").config(config);
    world.poll_offline();
    // On Sunday, and this morning.
    world.append(CLAUDE_FILE, &claude_spends("2026-03-01T08:00:00.000Z", "A", 3_000));
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:00:00.000Z", "B", 3_000));
    world.poll_offline();
    let status = world.run(["status", "--json"]).success().json();
    let budgets = status["budgets"].as_array().expect("budgets");
    let of = |name: &str| {
        let row = budgets.iter().find(|row| row["name"] == name).expect(name);
        ["spent", "left", "currency"].map(|key| row[key].as_str().expect(key).to_owned())
    };
    assert_eq!(of("shop"), ["30", "20", "EUR"], "$60 at two dollars a euro");
    assert_eq!(of("elsewhere"), ["0", "1", "USD"]);
    assert_eq!(of("not sonnet"), ["0", "1", "USD"]);
    assert_eq!(of("recent"), ["30", "30", "USD"], "Sunday is longer ago");
    assert_eq!(of("project"), ["60", "940", "USD"]);
    let mut spoke: Vec<_> = world
        .alerts()
        .iter()
        .map(|alert| {
            let text = |key: &str| alert[key].as_str().expect(key).to_owned();
            (text("budget"), alert["threshold_percent"].as_u64(), text("title"))
        })
        .collect();
    spoke.sort();
    let [project, recent, shop] = spoke.as_slice() else { panic!("{spoke:?}") };
    assert_eq!((project.0.as_str(), project.1), ("project", Some(5)));
    assert_eq!((recent.0.as_str(), recent.1), ("recent", Some(50)));
    assert_eq!(shop.2, "50 % of this week's budget “shop”: ≈ €30 of €50");
}

#[test]
fn what_a_subscription_covers_is_not_paid() {
    let budget = |basis: &str| {
        format!(
            "\n[[budget]]\nname = \"{basis}\"\namount = 100\nper = \"day\"\nbasis = \"{basis}\"\n"
        )
    };
    let config = format!(
        "{}{}{}[agents.claude-code]\nbilling = \"subscription\"\n",
        budget("spend"),
        budget("list"),
        budget("paid")
    );
    let world = known_machine(&config);
    spend(&world, "A", 6_000);
    let mut spoke: Vec<_> = world.alerts().iter().map(|alert| alert["budget"].clone()).collect();
    spoke.sort_by_key(ToString::to_string);
    assert_eq!(spoke, [json!("list"), json!("spend")]);
}

#[test]
fn who_raises_a_budget_is_not_told_again_what_was_told() {
    let world = known_machine(DAILY);
    spend(&world, "A", 8_100);
    assert_eq!(world.thresholds(), [80]);
    world.run(["budget", "raise", "daily"]).success();
    world.poll_offline();
    assert_eq!(world.thresholds(), [80], "$81.30 are 65 % of $125, and 50 % is old news");
    spend(&world, "B", 2_100);
    assert_eq!(world.thresholds(), [80, 80], "$102.30 of $125");
}
