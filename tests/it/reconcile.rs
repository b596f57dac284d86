//! Logs and bills side by side through the whole program, with a pretend provider.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spendbar::spend::{Currency, Money};

use crate::lines::{
    CLAUDE_FILE, CODEX_FILE, ClaudeLine, CodexCounter, GPT, SONNET, claude_spends, codex_start,
};
use crate::provider::{Answer, FakeProvider};
use crate::world::World;

/// Noon of the day that runs.
const NOW: &str = "2026-03-24T12:00:00Z";
const DAYS: std::ops::RangeInclusive<u32> = 1..=24;

/// A page of OpenAI with a bucket for each day of the month so far; `results` by day.
fn page(results: &BTreeMap<u32, String>) -> String {
    let bucket = |day: u32| {
        let start = format!("2026-03-{day:02}T00:00:00Z");
        let end = format!("2026-03-{:02}T00:00:00Z", day + 1);
        let unix =
            |at: &str| at.parse::<chrono::DateTime<chrono::Utc>>().expect("time").timestamp();
        let results = results.get(&day).map_or("", String::as_str);
        json!({
            "start_time": unix(&start),
            "end_time": unix(&end),
            "results": serde_json::from_str::<Value>(&format!("[{results}]")).expect("rows"),
        })
    };
    let data: Vec<Value> = DAYS.map(bucket).collect();
    json!({ "data": data, "has_more": false, "next_page": null }).to_string()
}

/// The same with Anthropic's names.
fn anthropic_page(results: &BTreeMap<u32, String>) -> String {
    let bucket = |day: u32| {
        let results = results.get(&day).map_or("", String::as_str);
        json!({
            "starting_at": format!("2026-03-{day:02}T00:00:00Z"),
            "ending_at": format!("2026-03-{:02}T00:00:00Z", day + 1),
            "results": serde_json::from_str::<Value>(&format!("[{results}]")).expect("rows"),
        })
    };
    let data: Vec<Value> = DAYS.map(bucket).collect();
    json!({ "data": data, "has_more": false, "next_page": null }).to_string()
}

/// OpenAI that bills these dollars, by day; its usage report can't be read.
fn openai(costs: &[(u32, &str)]) -> FakeProvider {
    let row = |dollars: &str| {
        format!(r#"{{"amount":{{"value":{dollars},"currency":"usd"}},"project_id":null}}"#)
    };
    let costs = page(&costs.iter().map(|(day, dollars)| (*day, row(dollars))).collect());
    FakeProvider::answering(move |request| match request.path.as_str() {
        "/v1/organization/costs" => Answer::ok(costs.clone()),
        _ => Answer::error(403, "{}"),
    })
}

/// Anthropic that bills these cents and reports these output tokens, by day and model.
fn anthropic(rows: &[(u32, Option<&str>, &str, u64)]) -> FakeProvider {
    let mut costs: BTreeMap<u32, String> = BTreeMap::new();
    let mut usage: BTreeMap<u32, String> = BTreeMap::new();
    for (day, model, cents, output) in rows {
        let add = |map: &mut BTreeMap<u32, String>, row: Value| {
            let text = map.entry(*day).or_default();
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(&row.to_string());
        };
        let cost = json!({
            "currency": "USD", "amount": cents, "workspace_id": null, "model": model,
            "description": "synthetic", "cost_type": "tokens",
        });
        add(&mut costs, cost);
        if *output > 0 {
            let tokens = json!({
                "uncached_input_tokens": 0, "cache_read_input_tokens": 0,
                "cache_creation": { "ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0 },
                "output_tokens": output, "model": model, "service_tier": "standard",
            });
            add(&mut usage, tokens);
        }
    }
    let (costs, usage) = (anthropic_page(&costs), anthropic_page(&usage));
    FakeProvider::answering(move |request| match request.path.as_str() {
        "/v1/organizations/cost_report" => Answer::ok(costs.clone()),
        _ => Answer::ok(usage.clone()),
    })
}

/// A Codex session that costs these cents at list price ($15 a million output tokens), by day.
fn codex(world: &World, days: &[(u32, u64)]) {
    world.append(CODEX_FILE, &codex_start("2026-03-02T09:00:00.000Z", GPT));
    let mut counter = CodexCounter::default();
    for (day, cents) in days {
        assert_eq!(cents % 3, 0, "whole thousands of tokens only");
        let at = format!("2026-03-{day:02}T10:00:00.000Z");
        world.append(CODEX_FILE, &counter.add(&at, 0, 0, cents / 3 * 2_000));
    }
}

fn reconcile(world: &World) -> Value {
    world.run(["reconcile", "--month", "2026-03", "--json"]).success().json()
}

fn account<'a>(document: &'a Value, name: &str) -> &'a Value {
    let accounts = document["accounts"].as_array().expect("accounts");
    accounts.iter().find(|account| account["account"] == name).expect(name)
}

/// Day, model, state and reason of each line.
fn lines(account: &Value) -> Vec<Value> {
    let lines = account["lines"].as_array().expect("lines");
    let day = |line: &Value| line["day"].as_str().expect("a day")[8..].to_owned();
    lines
        .iter()
        .map(|line| json!([day(line), line["model"], line["state"], line["reason"]]))
        .collect()
}

/// The lines' sums are the report's, of the same UTC days: nothing dropped, nothing twice.
fn assert_adds_up(world: &World, document: &Value) {
    let attos = |value: &Value| {
        let text = value.as_str().unwrap_or("0");
        Money::parse(text, Currency::USD).expect("an amount").attos
    };
    let (mut list, mut billed) = (0, 0);
    for account in document["accounts"].as_array().expect("accounts") {
        for line in account["lines"].as_array().expect("lines") {
            for part in ["list_usd", "elsewhere_usd", "covered_usd"] {
                list += attos(&line[part]);
            }
            billed += attos(&line["billed_usd"]);
        }
    }
    let report = world
        .run(["report", "--since", "2026-03-01", "--until", "2026-03-31", "--tz", "UTC", "--json"])
        .success()
        .json();
    assert_eq!(list, attos(&report["totals"]["list_usd"]));
    assert_eq!(billed, attos(&report["totals"]["billed_usd"]));
}

fn openai_world(provider: &FakeProvider, days: &[(u32, u64)]) -> World {
    let world = World::new()
        .at(NOW)
        .provider("openai-admin", provider)
        .env("OPENAI_ADMIN_KEY", "sk-synthetic-key-0123456789abcdef");
    codex(&world, days);
    world.run(["poll"]).success();
    world
}

#[test]
fn a_bill_by_day_shows_its_discount_and_what_lags() {
    // 15 % less than the list price on three days; the 19th is another machine's; today lags.
    let provider =
        openai(&[(16, "2.55"), (17, "5.10"), (18, "0.51"), (19, "4"), (20, "3"), (24, "4.10")]);
    let days = [(16, 300), (17, 600), (18, 60), (20, 300), (24, 519)];
    let world = openai_world(&provider, &days);
    let document = reconcile(&world);
    assert_eq!(document["schema"], "spendbar.reconcile.v1");
    let openai = account(&document, "openai");
    assert_eq!(
        lines(openai),
        [
            json!(["16", null, "differs", "discount"]),
            json!(["17", null, "differs", "discount"]),
            json!(["18", null, "differs", "discount"]),
            json!(["19", null, "only-in-bill", "other-machine-or-key"]),
            json!(["20", null, "matched", null]),
            json!(["24", null, "differs", "lag"]),
        ]
    );
    assert_adds_up(&world, &document);
    insta::assert_snapshot!(world.run(["reconcile"]).success().stdout, @"
    March 2026, UTC days

    openai
    Days: 1 match, 4 differ, 1 only in the bill.
    Likely: +$4.00 another machine or key (1), -$1.44 discount of 15 % (3), -$1.09 open day, the bill lags (1).
    Effective discount 11 %, over 4 final days that both sides tell.
      Day     ≈ Logs $  Billed $  Difference  Likely
      Month      17.79     19.26       +1.47
      16 Mar      3.00      2.55       -0.45  discount of 15 %
      17 Mar      6.00      5.10       -0.90  discount of 15 %
      18 Mar      0.60      0.51       -0.09  discount of 15 %
      19 Mar         –      4.00       +4.00  another machine or key
      24 Mar      5.19      4.10       -1.09  open day, the bill lags

    Days are UTC days, as bills come, and not those of the zone.
    Discount: the same share of the list price is billed on most final days.
    Another machine or key: more is billed than the logs here tell, and no usage report tells them apart.
    Bills come in late: a day is final when its bill was read 24 hours after its end.
    ");

    // Where it is expected: under today's figures, and under a report's table.
    let status = world.run(["status"]).success().stdout;
    let row = "openai: bill $4.10 · list $5.19 · -$1.09 (-21 %): open day, the bill lags";
    assert!(status.lines().any(|line| line == row), "{status}");
    let json = world.run(["status", "--json"]).success().json();
    assert_eq!(
        json["differences"],
        json!([{
            "account": "openai", "billed_usd": "4.1", "list_usd": "5.19",
            "difference_usd": "-1.09", "permille": -210, "reason": "lag", "confidence": "likely",
        }])
    );
    let report = world.run(["report", "--since", "2026-03-16", "--until", "2026-03-18"]);
    let row = "openai: bill $8.16 · list $9.60 · -$1.44 (-15 %): likely discount of 15 %";
    assert!(report.success().stdout.lines().any(|line| line == row));
}

#[test]
fn where_both_agree_or_one_side_is_missing_no_row_is_shown() {
    let provider = openai(&[(20, "3"), (24, "5.19")]);
    let world = openai_world(&provider, &[(20, 300), (24, 519)]);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-24T10:00:00.000Z", "A", 60));
    world.poll_offline();
    let status = world.run(["status", "--json"]).success().json();
    assert_eq!(status["differences"], Value::Null);
    assert!(!world.run(["status"]).success().stdout.contains("bill $"));
    let document = reconcile(&world);
    let states = |name| lines(account(&document, name));
    assert_eq!(states("openai")[1], json!(["24", null, "matched", null]));
    assert_eq!(
        states("anthropic"),
        [json!(["24", "claude-sonnet-4-5", "only-in-logs", "no-bill"])]
    );
    assert_eq!(account(&document, "anthropic")["billed_usd"], Value::Null);
    assert_adds_up(&world, &document);
}

#[test]
fn a_bill_by_model_is_lined_up_by_model() {
    let haiku = "claude-haiku-4-5-20251001";
    // $0.60 of Sonnet are 40,000 output tokens; $0.50 of Haiku at $5 a million 100,000.
    let provider = anthropic(&[
        (10, Some(SONNET), "60", 40_000),
        (11, Some(SONNET), "120", 80_000),
        (11, Some(haiku), "50", 100_000),
        (12, Some(SONNET), "66", 40_000),
        (12, None, "3", 0),
    ]);
    let world = World::new()
        .at(NOW)
        .provider("anthropic-admin", &provider)
        .env("ANTHROPIC_ADMIN_KEY", "sk-synthetic-key-0123456789abcdef");
    for day in ["10", "11", "12"] {
        let at = format!("2026-03-{day}T10:00:00.000Z");
        world.append(CLAUDE_FILE, &claude_spends(&at, day, 60));
    }
    let at = "2026-03-12T11:00:00.000Z";
    let haiku_line =
        ClaudeLine { at, id: "haiku", model: haiku, input: 0, cache_read: 0, output: 20_000 };
    world.append(CLAUDE_FILE, &haiku_line.text());
    world.run(["poll"]).success();
    let document = reconcile(&world);
    let sonnet = "claude-sonnet-4-5";
    assert_eq!(
        lines(account(&document, "anthropic")),
        [
            json!(["10", sonnet, "matched", null]),
            // The usage report tells 100,000 tokens of Haiku and 40,000 of Sonnet beyond the logs.
            json!(["11", "claude-haiku-4-5", "only-in-bill", "other-machine"]),
            json!(["11", sonnet, "differs", "other-machine"]),
            json!(["12", null, "only-in-bill", "not-by-model"]),
            // The report tells no Haiku that day.
            json!(["12", "claude-haiku-4-5", "only-in-logs", "key-not-seen"]),
            // 1.1 times, and the tokens agree.
            json!(["12", sonnet, "differs", "tier-residency"]),
        ]
    );
    assert_adds_up(&world, &document);
    insta::assert_snapshot!(world.run(["reconcile", "--all"]).success().stdout, @"
    March 2026, UTC days

    anthropic
    Days and models: 1 match, 2 differ, 1 only in the logs, 2 only in the bill.
    Likely: +$1.10 used on another machine (2), -$0.10 key not in this bill (1), +$0.06 tier: data residency (1), +$0.03 not for a model (1).
    Effective surcharge 2.5 %, over 3 final days that both sides tell.
    ≈ $1.10 more at list price is only in the provider's usage report.
      Day     Model              ≈ Logs $  Billed $  Difference  Likely
      Month                          1.90      2.99       +1.09
      10 Mar  claude-sonnet-4-5      0.60      0.60        0.00
      11 Mar  claude-haiku-4-5          –      0.50       +0.50  used on another machine
      11 Mar  claude-sonnet-4-5      0.60      1.20       +0.60  used on another machine
      12 Mar  –                         –      0.03       +0.03  not for a model
      12 Mar  claude-haiku-4-5       0.10      0.00       -0.10  key not in this bill
      12 Mar  claude-sonnet-4-5      0.60      0.66       +0.06  tier: data residency

    Days are UTC days, as bills come, and not those of the zone.
    Another machine: the provider's own usage report tells tokens that are in no log here.
    Not for a model: searches, tools, fees and the like, which the bill puts under no model.
    Key not in this bill: what the logs tell seems not, or not all, to be billed to this account. Another account's key or a subscription may pay; the config can say so (`account` or `billing` of the agent).
    Tier: the bill is a documented multiple of the list price (batch and flex half, data residency 1.1 times, priority and fast mode 1.7 times and more).
    ");
}

#[test]
fn a_month_without_anything_and_a_month_that_is_none() {
    let world = World::new().at(NOW);
    let text = world.run(["reconcile"]).success().stdout;
    assert_eq!(text, "March 2026, UTC days\nNo usage and no bill in this month.\n");
    let document = world.run(["reconcile", "--month", "last", "--json"]).success().json();
    assert_eq!(
        (&document["month"], &document["last_day"]),
        (&json!("2026-02"), &json!("2026-02-28"))
    );
    let wrong = world.run(["reconcile", "--month", "2026-13"]).exits_with(2);
    assert!(wrong.stderr.contains("there is no such month"), "{}", wrong.stderr);
}
