//! List prices through the whole program, with amounts worked out by hand.

use serde_json::{Value, json};

use crate::lines::{CLAUDE_FILE, CODEX_FILE, ClaudeLine, CodexCounter, GPT, SONNET, codex_start};
use crate::world::World;

const NOON: &str = "2026-03-02T12:00:00Z";
const AT: &str = "2026-03-02T10:00:00.000Z";

#[test]
fn amounts_have_all_their_digits() {
    let world = World::new().at(NOON);
    let line = ClaudeLine { at: AT, id: "A", model: SONNET, input: 7, cache_read: 11, output: 13 };
    world.append(CLAUDE_FILE, &line.text());
    let codex = codex_start(AT, GPT) + &CodexCounter::default().add(AT, 1_001, 400, 3);
    world.append(CODEX_FILE, &codex);
    world.poll_offline();
    let report = world.report("model");
    // 7 x $3 + 11 x $0.30 + 13 x $15 a million: 21 + 3.3 + 195 = 219.3 millionths.
    assert_eq!(row(&report, "model", SONNET)["list_usd"], "0.0002193");
    // 601 x $2.50 + 400 x $0.25 + 3 x $15 a million: 1502.5 + 100 + 45 = 1647.5 millionths.
    assert_eq!(row(&report, "model", GPT)["list_usd"], "0.0016475");
    assert_eq!(report["totals"]["list_usd"], "0.0018668");
    assert_eq!(report["totals"]["billed_usd"], Value::Null);
    assert_eq!(report["totals"]["unpriced_tokens"], 0);
}

#[test]
fn an_unknown_model_is_unpriced_and_said_so() {
    let world = World::new().at(NOON);
    let known =
        ClaudeLine { at: AT, id: "A", model: SONNET, input: 0, cache_read: 0, output: 40_000 };
    let unknown =
        ClaudeLine { id: "B", model: "mystery-9", input: 700, cache_read: 20, output: 3, ..known };
    let known =
        ClaudeLine { at: AT, id: "A", model: SONNET, input: 0, cache_read: 0, output: 40_000 };
    world.append(CLAUDE_FILE, &(known.text() + &unknown.text()));
    world.poll_offline();
    let report = world.report("model");
    let mystery = row(&report, "model", "mystery-9");
    assert_eq!(mystery["list_usd"], Value::Null, "unknown is never 0");
    // 700 + 20 + 3.
    assert_eq!(mystery["unpriced_tokens"], 723);
    assert_eq!(mystery["tokens"]["input"], 700);
    assert_eq!(report["totals"]["list_usd"], "0.6");
    assert_eq!(report["totals"]["unpriced_tokens"], 723);

    let table = world.run(["report", "--since", "2026-03-01", "--by", "model"]).success();
    assert!(table.all().contains("mystery-9") && table.all().contains("723"), "{}", table.all());
    let status = world.run(["status"]).success();
    assert!(status.stdout.contains("$0.60"), "{}", status.stdout);
    assert!(status.stdout.contains("723"), "the total's note: {}", status.stdout);
}

#[test]
fn a_price_in_the_config_counts_for_the_past_too() {
    let world = World::new().at(NOON);
    let line = ClaudeLine {
        at: AT,
        id: "A",
        model: "mystery-9",
        input: 1_000,
        cache_read: 0,
        output: 100,
    };
    world.append(CLAUDE_FILE, &line.text());
    world.poll_offline();
    assert_eq!(world.report("model")["totals"]["list_usd"], Value::Null);
    let world = world.config(
        "[[price]]\nprovider = \"anthropic\"\nmodel = \"mystery-9\"\ninput = \"2\"\noutput = \"10\"\n",
    );
    world.poll_offline();
    // 1,000 x $2 + 100 x $10 a million: 0.002 + 0.001.
    let report = world.report("model");
    assert_eq!(report["totals"]["list_usd"], "0.003", "{report:#}");
    assert_eq!(report["totals"]["unpriced_tokens"], 0);
}

#[test]
fn a_wrong_price_row_is_told_by_whoever_is_asked_for_figures() {
    let world = World::new().at(NOON).config(
        "[[budget]]\namount = 5\nper = \"day\"\n\n[[price]]\nprovider = \"anthropic\"\nmodel = \"mystery-9\"\n\
         input = 2.5\n",
    );
    for asked in ["status", "report", "check"] {
        let told = world.run([asked]).exits_with(1).stderr;
        for word in ["config.toml", "price row 1", "`input`", "2.5"] {
            assert!(told.contains(word), "{asked}, {word}: {told}");
        }
    }
    assert!(world.run(["doctor"]).all().contains("price row 1"));
}

#[test]
fn long_context_prices_the_whole_request() {
    let world = World::new().at(NOON);
    let mut counter = CodexCounter::default();
    let codex = codex_start(AT, GPT)
        + &counter.add(AT, 272_000, 0, 0)
        + &counter.add("2026-03-02T10:00:01.000Z", 272_001, 0, 1_000);
    world.append(CODEX_FILE, &codex);
    world.poll_offline();
    // 272,000 x $2.50 a million = $0.68. Above 272k all of it costs $5 and $22.50 a million:
    // 272,001 x 5 + 1,000 x 22.5 = 1,360,005 + 22,500 millionths = $1.382505.
    assert_eq!(world.report("model")["totals"]["list_usd"], "2.062505");
}

#[track_caller]
fn row<'a>(report: &'a Value, key: &str, value: &str) -> &'a Value {
    let rows = report["rows"].as_array().expect("rows");
    rows.iter()
        .find(|row| row[key] == json!(value))
        .unwrap_or_else(|| panic!("{value}: {report:#}"))
}
