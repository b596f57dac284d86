//! `spendbar whatif`, and prices that are known ahead, with amounts worked out by hand.

use std::fs;

use serde_json::{Value, json};

use crate::lines::{
    CLAUDE_FILE, CODEX_FILE, ClaudeLine, CodexCounter, GPT, SONNET, claude_spends, codex_start,
};
use crate::page::{Site, text_of};
use crate::world::World;

const NOON: &str = "2026-11-24T12:00:00Z";
const AT: &str = "2026-11-24T10:00:00.000Z";
const OPUS: &str = "claude-opus-4-8";

/// A fast request of Opus, one of gpt-5.4, and one of a model that nobody lists.
fn usual() -> World {
    let world = World::new().at(NOON);
    let fast =
        ClaudeLine { at: AT, id: "A", model: OPUS, input: 1_000, cache_read: 10_000, output: 200 };
    let standard = r#""service_tier":"standard""#;
    let fast = fast.text().replace(standard, r#""service_tier":"standard","speed":"fast""#);
    let mystery =
        ClaudeLine { at: AT, id: "B", model: "mystery-9", input: 700, cache_read: 20, output: 3 };
    world.append(CLAUDE_FILE, &(fast + &mystery.text()));
    let codex = codex_start(AT, GPT) + &CodexCounter::default().add(AT, 101_000, 100_000, 2_000);
    world.append(CODEX_FILE, &codex);
    world.poll_offline();
    world
}

#[track_caller]
fn case<'a>(of: &'a Value, key: &str) -> &'a Value {
    let cases = of["cases"].as_array().expect("cases");
    cases.iter().find(|case| case["case"] == key).unwrap_or_else(|| panic!("{key}: {of:#}"))
}

#[test]
fn each_change_is_told_alone_and_all_together() {
    let world = usual();
    let flags = ["--no-fast", "--batch", "--no-cache", "--scale", "2x"];
    let [a, b, c, d, e] = flags;
    let answer = world.run(["whatif", a, b, c, d, e, "--json"]).success().json();
    assert_eq!(answer["schema"], "spendbar.whatif.v1");
    // 1,000 x $5 + 10,000 x $0.50 + 200 x $25 a million, twice for fast: $0.03.
    // 1,000 x $2.50 + 100,000 x $0.25 + 2,000 x $15 a million: $0.0575.
    assert_eq!(answer["list_usd"], "0.0875");
    assert_eq!(answer["list_usd"], world.report("model")["totals"]["list_usd"]);
    for (key, list, difference) in [
        ("no-fast", "0.0725", "-0.015"),
        // Half of $0.015; 1,000 x $1.25 + 100,000 x $0.13 + 2,000 x $7.50 a million.
        ("batch", "0.03675", "-0.05075"),
        // (11,000 x $5 + 200 x $25) twice; 101,000 x $2.50 + 2,000 x $15.
        ("no-cache", "0.4025", "0.315"),
        ("scale", "0.175", "0.0875"),
        // Half of 11,000 x $5 + 200 x $25, and 101,000 x $1.25 + 2,000 x $7.50; both twice.
        ("all", "0.3425", "0.255"),
    ] {
        let case = case(&answer, key);
        assert_eq!(
            (&case["list_usd"], &case["difference_usd"]),
            (&json!(list), &json!(difference))
        );
        assert_eq!(case["unmet_tokens"], 0, "{key}");
        assert!(!case["assumes"].as_array().expect("sentences").is_empty(), "{key}");
        // Rows add up: no other model has a price.
        let rows = answer["rows"].as_array().expect("rows");
        let of_rows: Vec<_> = rows.iter().map(|row| &self::case(row, key)["list_usd"]).collect();
        assert_eq!(of_rows.len(), 3, "{key}");
        assert!(of_rows[2].is_null(), "the unknown model has no price, which is not 0: {key}");
    }
    let notes = answer["notes"].to_string();
    assert!(notes.contains("mystery-9") && notes.contains("723"), "{notes}");
}

#[test]
fn the_text_says_what_is_assumed() {
    let world = usual();
    let shown = world.run(["whatif", "--no-fast", "--batch", "--since", "today"]).success().stdout;
    insta::assert_snapshot!(shown, @"
    What if: 24 Nov 2026, UTC
                       ≈ List $  Change $
    as it was              0.09
    without fast mode      0.07     -0.02  -17 %
    through batch          0.04     -0.05  -58 %
    all together           0.04     -0.05  -58 %

    By model, all together
    Model            Tokens  ≈ Before $  ≈ After $  Change $
    gpt-5.4           103 k        0.06       0.03     -0.03  -49 %
    claude-opus-4-8  11.2 k        0.03       0.01     -0.02  -75 %
    mystery-9           723           –          –         –
    Total             115 k        0.09       0.04     -0.05  -58 %

    Without fast mode: Requests in fast mode or in a priority tier cost the standard price. They would have taken longer.
    Through batch: Batch answers come within 24 hours and not turn by turn: agents at work can't use it, jobs that may wait can.
    All together: The changes are made one after the other; one that has no price for some requests leaves those as the others made them.
    mystery-9 has no known price: its 723 tokens are in no figure.
    ");
    let nothing = world.run(["whatif", "--since", "today"]).success().stdout;
    insta::assert_snapshot!(nothing, @"
    What if: 24 Nov 2026, UTC
               ≈ List $  Change $
    as it was      0.09
    Nothing is to be otherwise. Say what: --no-fast, --model, --scale, --prices, --batch, --no-cache, --plan.

    mystery-9 has no known price: its 723 tokens are in no figure.
    ");
    let before = world.run(["whatif", "--batch", "--month", "2026-10"]).success().stdout;
    insta::assert_snapshot!(before, @"
    What if: 1 Oct 2026 to 31 Oct 2026, UTC
    No usage in these days.
    ");
}

#[test]
fn another_model_is_the_price_of_the_same_counts() {
    let world = usual();
    let answer = world.run(["whatif", "--model", "gpt-5.4-mini", "--json"]).success().json();
    let model = case(&answer, "model");
    // At $0.75 / $0.075 / $4.50: 2,400 millionths, twice for fast, and 17,250.
    assert_eq!(model["list_usd"], "0.02205");
    assert!(model["assumes"].to_string().contains("would not use the same tokens"));
    // 700 x $0.75 + 20 x $0.075 + 3 x $4.50: told apart, for it had no price before.
    assert_eq!(model["newly_priced"], json!({ "tokens": 723, "list_usd": "0.00054" }));
    let unknown = world.run(["whatif", "--model", "mystery-9"]).exits_with(1);
    assert!(unknown.stderr.contains("No single price list has the model"), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("[[price]]"), "{}", unknown.stderr);
}

/// $150 and $90 of Claude Code on two days of November.
fn two_days(config: &str) -> World {
    let world = World::new().at(NOON).config(config);
    for (day, cents) in [(5, 15_000), (9, 9_000)] {
        let at = format!("2026-11-{day:02}T10:00:00.000Z");
        world.append(CLAUDE_FILE, &claude_spends(&at, &format!("on {day}"), cents));
    }
    world.poll_offline();
    world
}

#[test]
fn the_same_usage_on_another_plan() {
    let world = two_days("");
    let on = |world: &World, id: &str| {
        let asked = ["whatif", "--month", "this", "--json", "--plan"];
        let [a, b, c, d, e] = asked;
        world.run([a, b, c, d, e, id]).success().json()["on_plans"].clone()
    };
    // 24 of 30 days of $20, in the place of $240 at list price.
    let pro = on(&world, "claude-pro");
    assert_eq!((&pro["own_usd"], &pro["paid_usd"]), (&json!("240"), &json!("16")));
    assert_eq!((&pro["difference_usd"], &pro["permille"]), (&json!("-224"), &json!(-934)));
    assert_eq!((&pro["offers"], &pro["own_plans"]), (&json!(["claude-pro"]), &json!([])));
    assert!(
        pro["assumes"].to_string().contains("The limits of Claude Pro are not stated"),
        "{pro:#}"
    );
    assert_eq!(pro["limits"], json!([]));
    // What a plan does not cover is at list price.
    let cursor = on(&world, "cursor-pro");
    assert_eq!(
        (&cursor["paid_usd"], &cursor["paid"]["metered_usd"]),
        (&json!("256"), &json!("240"))
    );
    assert!(cursor["limits"].to_string().contains("≈ $240.00 is at list price"), "{cursor:#}");
    // Nothing is asked for, nothing is there.
    let plain = world.run(["whatif", "--batch", "--json"]).success().json();
    assert!(plain.get("on_plans").is_none(), "{plain:#}");

    // It stands in the place of the plan there is.
    let world = two_days("[[plan]]\noffer = \"claude-max-20x\"\nstart = 2026-11-01\n");
    let pro = on(&world, "claude-pro");
    assert_eq!((&pro["own_usd"], &pro["paid_usd"]), (&json!("160"), &json!("16")));
    assert_eq!(pro["own_plans"], json!(["Claude Max 20x"]));
    let both = ["--plan", "claude-pro", "--plan", "cursor-pro"];
    let shown = world
        .run(["whatif", "--month", "this", "--batch", both[0], both[1], both[2], both[3]])
        .success()
        .stdout;
    insta::assert_snapshot!(shown, @"
    What if: 1 Nov 2026 to 24 Nov 2026, UTC
                   ≈ List $  Change $
    as it was        240.00
    through batch    120.00   -120.00  -50 %

    By model, through batch
    Model                       Tokens  ≈ Before $  ≈ After $  Change $
    claude-sonnet-4-5-20250929  16.0 M      240.00     120.00   -120.00  -50 %
    Total                       16.0 M      240.00     120.00   -120.00  -50 %

    Plans                                 Cost $  Change $
    as the config has it: Claude Max 20x  160.00
    on Claude Pro and Cursor Pro           32.00   -128.00  -80 %

    Through batch: Batch answers come within 24 hours and not turn by turn: agents at work can't use it, jobs that may wait can.
    On Claude Pro and Cursor Pro: Both figures are reckoned from fees and list prices, without bills and discounts. A fee counts by the day, and what no plan covers counts at list price.
    On Claude Pro and Cursor Pro: The limits of Claude Pro are not stated in tokens or money: that they would have held all of this usage is assumed.
    On Claude Pro and Cursor Pro: It is the usage as it was, without the other changes.
    $240.00 of the list price is covered by a subscription: what changes there changes no bill.
    ");
    let unknown = world.run(["whatif", "--plan", "gold"]).exits_with(1);
    let says = "\"gold\" is no offer this version knows; there is claude-pro, claude-max-5x,";
    assert!(unknown.stderr.contains(says), "{}", unknown.stderr);
    let family = world.run(["whatif", "--plan", "claude-pro", "--plan", "claude-max-5x"]);
    assert!(family.exits_with(1).stderr.contains("stand in for each other"));
}

#[test]
fn the_page_reckons_all_usage_on_a_plan() {
    let world = two_days("");
    world.append(CLAUDE_FILE, &claude_spends("2026-11-24T10:00:00.000Z", "today", 600));
    let site = Site::of(world, "$6.00");
    let at = |address: &str| text_of(&site.get(address).body);
    let body = site.get("/?span=30d&if=1&if_plan=claude-pro").body;
    assert!(body.contains("value=\"claude-pro\" selected"), "{body}");
    // 30 days from 26 Oct: 6 of 31 days and 24 of 30 of $20, which is $19.87.
    let text = text_of(&body);
    assert!(text.contains("per token, as no plan is set ≈ $246.00 on Claude Pro $19.87"), "{text}");
    assert!(text.contains("The limits of Claude Pro are not stated"), "{text}");
    assert!(at("/?if=1&if_plan=gold").contains("\"gold\" is no offer this version knows"));
    let part = at("/?source=codex&if=1&if_plan=claude-pro");
    assert!(
        part.contains("it is not reckoned for a part") && !part.contains("on Claude Pro"),
        "{part}"
    );
}

#[test]
fn prices_of_a_file_hold_for_the_models_it_names() {
    let world = usual();
    let file = world.home().join("announced.toml");
    let prices = |text: &str| {
        fs::write(&file, text).expect("written");
        world.run(["whatif", "--prices", "announced.toml", "--json"])
    };
    let row = "[[price]]\nprovider = \"openai\"\nmodel = \"gpt-5.4\"\nfrom = \"2027-01-01\"\n\
               input = \"5\"\ncache_read = \"0.50\"\noutput = \"20\"\n";
    let answer = prices(row).success().json();
    // 1,000 x $5 + 100,000 x $0.50 + 2,000 x $20 a million, and Opus as it was.
    assert_eq!(case(&answer, "prices")["list_usd"], "0.125");
    // Without a price for what is read from a cache nothing changes, and it is said.
    let answer = prices(&row.replace("cache_read = \"0.50\"\n", "")).success().json();
    let unmet = case(&answer, "prices");
    assert_eq!((&unmet["list_usd"], &unmet["unmet_tokens"]), (&json!("0.0875"), &json!(103_000)));
    assert!(unmet["limits"].to_string().contains("gpt-5.4 103 k"), "{unmet:#}");
    for (text, says) in [
        ("[[price", "announced.toml is no TOML text"),
        ("zone = \"UTC\"\n", "announced.toml has no prices"),
        (&format!("zone = \"UTC\"\n{row}"), "`zone` is no price"),
        (&row.replace("\"5\"", "5.0"), "price row 1: `input` is the number 5"),
        (&format!("{row}{row}"), "price row 2: `model` stands in a row above too"),
    ] {
        let refused = prices(text).exits_with(1);
        assert!(refused.stderr.contains(says), "{says}: {}", refused.stderr);
    }
    let missing = world.run(["whatif", "--prices", "none.toml"]).exits_with(1);
    assert!(missing.stderr.contains("none.toml can't be read"), "{}", missing.stderr);
}

#[test]
fn a_model_without_the_tier_stays_as_it_is_and_is_named() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    let at = "2026-03-02T10:00:00.000Z";
    // Above 200,000 tokens of prompt this model lists no batch price.
    let line =
        ClaudeLine { at, id: "A", model: SONNET, input: 300_000, cache_read: 0, output: 1_000 };
    world.append(CLAUDE_FILE, &line.text());
    world.poll_offline();
    let answer = world.run(["whatif", "--batch", "--no-fast", "--json"]).success().json();
    // 300,000 x $6 + 1,000 x $22.50 a million.
    assert_eq!(answer["list_usd"], "1.8225");
    let batch = case(&answer, "batch");
    assert_eq!((&batch["list_usd"], &batch["unmet_tokens"]), (&json!("1.8225"), &json!(301_000)));
    assert!(batch["limits"].to_string().contains(SONNET), "{batch:#}");
    assert_eq!(case(&answer, "no-fast")["unmet_tokens"], 0, "nothing was fast");
}

#[test]
fn days_are_those_that_were_asked_for() {
    let world = World::new().at(NOON);
    world.append(CLAUDE_FILE, &claude_spends("2026-10-31T23:00:00.000Z", "A", 30));
    world.append(CLAUDE_FILE, &claude_spends("2026-11-01T01:00:00.000Z", "B", 60));
    world.poll_offline();
    for (flag, value, first, last, list) in [
        ("--month", "this", "2026-11-01", "2026-11-24", "0.6"),
        ("--month", "last", "2026-10-01", "2026-10-31", "0.3"),
        ("--since", "2026-10-31", "2026-10-31", "2026-11-24", "0.9"),
        ("--until", "2026-10-31", "2026-10-02", "2026-10-31", "0.3"),
    ] {
        let answer = world.run(["whatif", "--scale", "2x", flag, value, "--json"]).success().json();
        assert_eq!((&answer["first_day"], &answer["last_day"]), (&json!(first), &json!(last)));
        assert_eq!(answer["list_usd"], list, "{flag} {value}");
    }
    world.run(["whatif", "--month", "this", "--since", "today"]).exits_with(2);
    world.run(["whatif", "--scale", "0x"]).exits_with(2);
    world.run(["whatif", "--since", "today", "--until", "yesterday"]).exits_with(2);
}

#[test]
fn a_price_that_is_entered_ahead_is_in_the_forecast_and_says_so() {
    let world = World::new().at("2026-03-20T12:00:00Z").config(
        "[[budget]]\namount = 100\nper = \"month\"\n\n[[price]]\nprovider = \"anthropic\"\n\
         model = \"claude-sonnet-4-5-20250929\"\nfrom = \"2026-03-25\"\ninput = \"6\"\n\
         cache_read = \"0.6\"\noutput = \"30\"\n",
    );
    for day in 1..=20 {
        let at = format!("2026-03-{day:02}T09:00:00.000Z");
        world.append(CLAUDE_FILE, &claude_spends(&at, &format!("D{day}"), 300));
    }
    world.poll_offline();
    let forecast = |world: &World| {
        world.run(["status", "--json"]).success().json()["budgets"][0]["forecast"].clone()
    };
    let ahead = forecast(&world);
    assert_eq!(ahead["price_step"], json!({ "day": "2026-03-25", "permille": 2000 }));
    let text = world.run(["status"]).success().stdout;
    assert!(text.contains("(prices +100 % from 25 Mar)"), "{text}");
    // Past days keep their price: 20 days of $3.
    assert_eq!(world.report("day")["totals"]["list_usd"], "60");
    let text = fs::read_to_string(world.config_file()).expect("the config");
    let (budget, _) = text.split_once("[[price]]").expect("a price");
    fs::write(world.config_file(), budget).expect("written");
    world.poll_offline();
    let plain = forecast(&world);
    assert!(plain.get("price_step").is_none(), "{plain:#}");
    // $60 where $58.50 were due by noon: half of today and eleven days at 1.025 times $3.
    assert_eq!(plain["middle"], "95.3625");
    // The seven from the 25th on cost as much again: 7 x $3 x 1.025.
    assert_eq!(ahead["middle"], "116.8875");
}
