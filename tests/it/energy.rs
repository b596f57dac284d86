//! `spendbar energy`, `report --energy` and the menu's row: ranges, worked out by hand.

use serde_json::{Value, json};

use crate::lines::{CLAUDE_FILE, ClaudeLine, SONNET, claude_spends};
use crate::world::World;

const NOON: &str = "2026-03-02T12:00:00Z";
const AT: &str = "2026-03-02T10:00:00.000Z";

/// 1,000 fresh tokens, 10,000 from the cache and 500 of output; and three of a model nobody knows.
fn usual() -> World {
    let world = World::new().at(NOON);
    let known = ClaudeLine {
        at: AT,
        id: "A",
        model: SONNET,
        input: 1_000,
        cache_read: 10_000,
        output: 500,
    };
    let unknown =
        ClaudeLine { at: AT, id: "B", model: "mystery-9", input: 1, cache_read: 1, output: 1 };
    world.append(CLAUDE_FILE, &(known.text() + &unknown.text()));
    world
}

#[track_caller]
fn range(of: &Value) -> [String; 3] {
    ["low", "middle", "high"].map(|end| of[end].as_str().expect("a figure").to_owned())
}

#[test]
fn fresh_cached_and_output_tokens_count_apart_and_as_ranges() {
    let world = usual();
    world.poll_offline();
    let answer = world.run(["energy", "--json"]).success().json();
    assert_eq!(
        (&answer["schema"], &answer["is_estimate"]),
        (&json!("spendbar.energy.v1"), &json!(true))
    );
    let rows = answer["rows"].as_array().expect("rows");
    assert_eq!((&rows[0]["model"], &rows[0]["class"]), (&json!(SONNET), &json!("medium")));
    // 1,000 x 45, 136, 408 + 10,000 x 2.25, 10.88, 81.6 + 500 x 960, 2,880, 8,640 µWh.
    assert_eq!(range(&rows[0]["energy_wh"]), ["0.5475", "1.6848", "5.544"]);
    // At 213, 287 and 473 g per kWh.
    assert_eq!(range(&rows[0]["co2e_g"]), ["0.1166175", "0.4835376", "2.622312"]);
    // At 158, 413 and 1,083 mL per kWh.
    assert_eq!(range(&rows[0]["water_l"]), ["0.000086505", "0.0006958224", "0.006004152"]);
    // The widest range: low of small, middle of medium, high of large.
    assert_eq!((&rows[1]["model"], &rows[1]["class"]), (&json!("mystery-9"), &json!("unknown")));
    assert_eq!(range(&rows[1]["energy_wh"]), ["0.0003047", "0.00302688", "0.045648"]);
    assert_eq!(range(&answer["energy_wh"]), ["0.5478047", "1.68782688", "5.589648"]);
}

#[test]
fn the_config_sets_grid_and_building() {
    let world = usual().config("[energy]\nregion = \"fr\"\npue = 1.25\n");
    world.poll_offline();
    let answer = world.run(["energy", "--json"]).success().json();
    assert_eq!((&answer["grid_from"], &answer["pue"]), (&json!("FR"), &json!("1.25")));
    assert_eq!(range(&answer["grid_g_per_kwh"]), ["44", "44", "44"]);
    // 1.6848 Wh x 1.25 / 1.14.
    assert_eq!(range(&answer["rows"][0]["energy_wh"])[1], "1.847368421");
    let world = usual().config("[energy]\nregion = \"FR\"\ngrid_g_per_kwh = 350\n");
    world.poll_offline();
    let answer = world.run(["energy", "--json"]).success().json();
    // 1.6848 Wh at 350 g per kWh.
    assert_eq!(range(&answer["rows"][0]["co2e_g"])[1], "0.58968");
    for (line, says) in [
        ("region = \"Atlantis\"", "\"Atlantis\" is no region with a known grid"),
        ("grid_g_per_kwh = -1", "-1 is out of range"),
        ("pue = 0.9", "0.9 is no PUE"),
        ("pue = \"low\"", "low is no PUE"),
    ] {
        let world = World::new().at(NOON).config(&format!("[energy]\n{line}\n"));
        let refused = world.run(["energy"]).exits_with(1);
        assert!(refused.stderr.contains(says), "{says}: {}", refused.stderr);
    }
}

#[test]
fn the_text_tells_ranges_method_and_sources() {
    let world = usual();
    world.poll_offline();
    insta::assert_snapshot!(world.run(["energy", "--since", "today"]).success().stdout, @"
    Estimate, no measurement: 2 Mar 2026, UTC
                     ≈ Low  ≈ Middle  ≈ High
    Electricity    548 mWh    1.7 Wh  5.6 Wh
    CO2e            117 mg    484 mg   2.6 g
    Water on site   0.1 mL    0.7 mL  6.1 mL

    Electricity by model, estimate
    Model                       Class    Tokens    ≈ Low  ≈ Middle  ≈ High
    claude-sonnet-4-5-20250929  medium   11.5 k  548 mWh    1.7 Wh  5.5 Wh
    mystery-9                   unknown       3  0.3 mWh   3.0 mWh  46 mWh
    Total                                11.5 k  548 mWh    1.7 Wh  5.6 Wh

    Every figure is an estimate: nobody outside the providers can measure a request. Low and high are as far apart as what is published; the middle alone says little.
    Tokens of each model count by its class (small, medium, large, reasoning), which its name decides; of an unknown name from the low of small to the high of large. Fresh prompt and cache writes, prompt from a cache, and output count apart.
    Grid: 213 to 473 g of CO2e per kWh, location-based, for nobody says where it was computed (Ember, Yearly Electricity Data, EU and world in 2024; Jegham et al., arXiv 2505.09598 v6, for AWS). [energy] region or grid_g_per_kwh in the config sets it.
    PUE: 1.14 (Jegham et al., arXiv 2505.09598 v6, for AWS).
    Contracts of providers for green power (market-based figures) are not in it.
    Not in it: training, the making of hardware and buildings, networks and the machine you sit at, water that power stations take.

    Where the figures are from
    medium: Jegham et al., How Hungry is AI?, arXiv 2505.09598 v6, three points of Claude 3.7 Sonnet, fitted by claude-carbon's data/factors.json; a third to three times, the least that an independent review of such figures calls likely (in the issues of metztim/claude-carbon) (2025).
    unknown: from the low of small to the high of large (2025).
    water: Jegham et al., arXiv 2505.09598 v6 (low); Google, Measuring the environmental impact of delivering AI at Google scale, August 2025 (high) (2025).
    ");
    let nothing = world.run(["energy", "--month", "last"]).success().stdout;
    assert!(nothing.contains("No usage in these days."), "{nothing}");
    insta::assert_snapshot!(
        world.run(["report", "--energy", "--since", "today", "--by", "model"]).success().stdout,
        @"
    2 Mar 2026, UTC · partial, see below
    Model                       Requests  Input  Cache read  Cache write  Output  Tokens  Unpriced  ≈ List $  Billed $      ≈ Electricity
    claude-sonnet-4-5-20250929         1  1.0 k      10.0 k            0     500  11.5 k                0.01         –  548 mWh to 5.5 Wh
    mystery-9                          1      1           1            0       1       3         3         –         –      0.3 to 46 mWh
    Total                              2  1.0 k      10.0 k            0     501  11.5 k         3      0.01         –  548 mWh to 5.6 Wh

    mystery-9 has no known price: its 3 tokens are in no dollar figure.
    Estimate, no measurement: 548 mWh to 5.6 Wh of electricity, 117 mg to 2.6 g of CO2e, 0.1 to 6.1 mL of water on site. `spendbar energy` says how it is reckoned and from what.
    "
    );
}

#[test]
fn a_report_has_it_only_when_it_is_asked() {
    let world = usual();
    world.append(CLAUDE_FILE, &claude_spends("2026-03-01T10:00:00.000Z", "C", 30));
    world.poll_offline();
    assert!(world.report("day")["totals"].get("energy").is_none());
    for by in ["day", "source,model", "project", "session,day"] {
        let report = world.run(["report", "--energy", "--by", by, "--json"]).success().json();
        let rows = report["rows"].as_array().expect("rows");
        let middle =
            |of: &Value| -> f64 { range(&of["energy"]["energy_wh"])[1].parse().expect("one") };
        let sum: f64 = rows.iter().map(middle).sum();
        // 1.68782688 Wh and 20,000 x 2,880 µWh.
        assert_eq!(range(&report["totals"]["energy"]["energy_wh"])[1], "59.28782688", "{by}");
        assert!((sum - 59.287_826_88).abs() < 1e-9, "{by}: {sum}");
    }
}

/// 600 billion tokens in 30 days, 95 % of them from the cache and 0.5 % output.
#[test]
fn the_famous_scale_comes_to_what_it_is_said_to() {
    let world = World::new().at(NOON);
    let (input, cache_read, output) = (27_000_000_000, 570_000_000_000, 3_000_000_000);
    let line = ClaudeLine { at: AT, id: "A", model: SONNET, input, cache_read, output };
    world.append(CLAUDE_FILE, &line.text());
    world.poll_offline();
    let answer = world.run(["energy", "--json"]).success().json();
    assert_eq!(answer["tokens"], 600_000_000_000_u64);
    // 6.2 + 3.7 + 8.6 MWh, between roughly 5 and 100.
    assert_eq!(range(&answer["energy_wh"]), ["5377500", "18513600", "83448000"]);
    let text = world.run(["energy"]).success().stdout;
    assert!(text.contains("5.4 MWh") && text.contains("83 MWh"), "{text}");
    assert!(text.contains("estimate") && text.contains("training"), "{text}");
}
