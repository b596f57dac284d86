//! Plans and discounts: what is really paid, what a plan is worth, and what others would have cost.

use std::fs;

use serde_json::{Value, json};

use crate::lines::{CLAUDE_FILE, CODEX_FILE, CodexCounter, GPT, claude_spends, codex_start};
use crate::provider::{Answer, FakeProvider};
use crate::world::World;

/// The 28th of a month of 30 days.
const NOW: &str = "2026-11-28T12:00:00Z";
const MAX: &str = "\n[[plan]]\noffer = \"claude-max-20x\"\nstart = 2026-11-01\n";
/// A thirtieth of $200, on a day that gets none of what is left over.
const A_DAY: &str = "6.666666666666666666";

/// A machine on which Claude Code did $150 of work on the 5th, $90 on the 9th and $30 today.
fn claude_world(config: &str) -> World {
    let world = World::new().at(NOW).config(config);
    for (day, cents) in [(5, 15_000), (9, 9_000), (28, 3_000)] {
        let at = format!("2026-11-{day:02}T10:00:00.000Z");
        world.append(CLAUDE_FILE, &claude_spends(&at, &format!("on {day}"), cents));
    }
    world.poll_offline();
    world
}

fn status(world: &World) -> Value {
    world.run(["status", "--json"]).success().json()
}

fn november(world: &World, by: &str) -> Value {
    world
        .command(["report", "--since", "2026-11-01", "--until", "2026-11-30", "--json", "--by"])
        .arg(by)
        .output()
        .map(|output| serde_json::from_slice(&output.stdout).expect("JSON"))
        .expect("spendbar starts")
}

fn attos(text: &Value) -> i128 {
    let text = text.as_str().expect("an amount");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<18}").parse().expect("digits")
}

#[test]
fn what_a_plan_covers_costs_nothing_beyond_its_fee() {
    let world = claude_world(MAX);
    let today = status(&world);
    assert_eq!(today["spend_usd"], "30");
    assert_eq!(today["covered_usd"], "30");
    assert_eq!(today["paid_usd"], A_DAY);
    assert_eq!(today["paid"]["estimated"], false, "a fee is no estimate");
    assert_eq!(today["paid"]["metered_usd"], "0");
    let plan = &today["plans"][0];
    assert_eq!(plan["name"], "Claude Max 20x");
    assert_eq!((&plan["list_usd"], &plan["times_hundredths"]), (&json!("270"), &json!(135)));
    assert_eq!(
        (&plan["break_even"], &plan["break_even_day"]),
        (&json!("since"), &json!("2026-11-09"))
    );
    let text = world.run(["status"]).success().stdout;
    assert!(text.contains("· billed – · paid $6.67 ·"), "{text}");
    let sentence = "Claude Max 20x did ≈ $270.00 of list-price work for $200 since 1 Nov: 1.3x. \
                    It pays for itself since the 9th.";
    assert!(text.contains(sentence), "{text}");
}

#[test]
fn days_without_usage_pay_the_fee_and_all_days_pay_it_once() {
    let world = claude_world(MAX);
    let report = november(&world, "day");
    assert_eq!(report["totals"]["paid_usd"], "200");
    assert_eq!(report["totals"]["list_usd"], "270");
    let rows = report["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 30);
    let sum: i128 = rows.iter().map(|row| attos(&row["paid_usd"])).sum();
    assert_eq!(sum, attos(&json!("200")), "to the last digit");
    // Nobody else has that account.
    assert_eq!(november(&world, "source")["rows"][0]["paid_usd"], "200");
    // A fee is no model's.
    let by_model = november(&world, "model");
    assert_eq!(by_model["rows"][0]["paid_usd"], Value::Null);
    assert_eq!(by_model["totals"]["paid_usd"], "200");
    let text = world.run(["report", "--since", "2026-11-27"]).success().stdout;
    insta::assert_snapshot!(text, @"
    27 Nov 2026 to 28 Nov 2026, UTC
    Day         Requests  Input  Cache read  Cache write  Output  Tokens  ≈ List $  Billed $  Paid $
    2026-11-27         0      0           0            0       0       0         –         –    6.67
    2026-11-28         1      0           0            0   2.0 M   2.0 M     30.00         –    6.67
    Total              1      0           0            0   2.0 M   2.0 M     30.00         –   13.33

    $30.00 of the list price is covered by a subscription, not billed.
    Claude Max 20x did ≈ $270.00 of list-price work for $200 since 1 Nov: 1.3x. It pays for itself since the 9th.
    ");
}

#[test]
fn exports_tell_what_is_paid_beside_list_and_billed() {
    let world = claude_world(MAX);
    let json = |world: &World| {
        let days = ["--since", "2026-11-01", "--until", "2026-11-30"];
        world.run(["export", "json", days[0], days[1], days[2], days[3]]).success().json()
    };
    let totals = json(&world)["totals"].clone();
    assert_eq!((&totals["list_usd"], &totals["paid_usd"]), (&json!("270"), &json!("200")));
    assert_eq!(totals["paid_usd"], november(&world, "day")["totals"]["paid_usd"]);
    assert_eq!(totals["paid"]["fees"], json!([{ "currency": "USD", "amount": "200" }]));
    let statement = |world: &World| {
        let html = world.run(["export", "statement", "--month", "2026-11"]).success().stdout;
        crate::page::text_of(&html)
    };
    // The fee of the days to come is in it, which is said.
    let text = statement(&world);
    let says =
        "Paid $200.00 bills, fees of plans for all of these days, and use that neither covers";
    assert!(text.contains(says), "{text}");
    // What is not covered is at list price, and said to be.
    let ends = claude_world(&format!("{MAX}end = 2026-11-10\n"));
    assert!(statement(&ends).contains("Paid ≈ $230.00"), "{}", statement(&ends));
    let none = claude_world("");
    assert!(json(&none)["totals"].get("paid_usd").is_none(), "without plans nothing differs");
    assert!(!statement(&none).contains("fees of plans"), "{}", statement(&none));
}

#[test]
fn a_month_on_the_icon_holds_the_fees_up_to_today() {
    let world = claude_world(&format!("headline = \"paid\"\n[icon]\nperiod = \"month\"\n{MAX}"));
    // 28 of the 30 days; those to come are not paid yet.
    assert_eq!(world.run(["status", "--line"]).success().stdout, "month $186.67\n");
    let tooltip = world.run(["status", "--format", "waybar"]).success().json()["tooltip"].clone();
    let told = tooltip.as_str().expect("a text");
    assert!(
        told.starts_with(
            "This month $186.67\nToday $6.67 · list price $30.00 · billed – · paid $6.67"
        ),
        "{told}"
    );
    assert_eq!(status(&world)["paid_usd"], A_DAY, "today's stays today's");
}

#[test]
fn the_last_period_of_a_plan_that_ends_is_paid_whole() {
    let world = claude_world(&format!("{MAX}end = 2026-11-10\n"));
    let report = november(&world, "day");
    // $30 of today are covered by nothing.
    assert_eq!(report["totals"]["paid_usd"], "230");
    assert_eq!(report["paid"]["metered_usd"], "30");
    assert_eq!(report["paid"]["estimated"], true);
    assert_eq!(status(&world)["paid_usd"], "30");
    // A plan of the same name may follow it, with another fee.
    let next = "\n[[plan]]\noffer = \"claude-max-20x\"\nfee = 100\nstart = 2026-11-11\n";
    let world = claude_world(&format!("{MAX}end = 2026-11-10\n{next}"));
    let paid = attos(&november(&world, "day")["totals"]["paid_usd"]);
    // $200 for the first, and 20 of the 30 days from the 11th on of the second.
    assert_eq!(paid / 10_i128.pow(12), 266_666_666);
}

#[test]
fn a_bill_counts_beside_the_plan_and_is_not_held_against_what_it_covers() {
    let costs = |request: &crate::provider::Request| match request.path.as_str() {
        "/v1/organization/costs" => Answer::ok(
            // 2026-11-28, which starts at 1795824000.
            r#"{"object":"page","data":[{"object":"bucket","start_time":1795824000,"end_time":1795910400,
            "results":[{"object":"organization.costs.result","amount":{"value":5.5,"currency":"usd"},"line_item":null,"project_id":null}]}],
            "has_more":false,"next_page":null}"#,
        ),
        _ => Answer::error(403, "{}"),
    };
    let provider = FakeProvider::answering(costs);
    let plan = "\n[[plan]]\nname = \"Codex\"\nfee = 30\nper = \"month\"\nagents = [\"codex\"]\n\
                start = 2026-11-01\n";
    let world = World::new()
        .at(NOW)
        .config(plan)
        .provider("openai-admin", &provider)
        .env("OPENAI_ADMIN_KEY", "sk-admin-synthetic-0123456789");
    let at = "2026-11-28T09:00:00.000Z";
    let mut counter = CodexCounter::default();
    // $15 a million output tokens: $9.
    world.append(CODEX_FILE, &(codex_start(at, GPT) + &counter.add(at, 0, 0, 600_000)));
    world.run(["poll"]).success();
    let today = status(&world);
    assert_eq!((&today["list_usd"], &today["billed_usd"]), (&json!("9"), &json!("5.5")));
    assert_eq!(today["paid"]["metered_usd"], "5.5", "the bill is of something else");
    assert_eq!(today["paid_usd"], "6.5");
    assert_eq!(today["spend_usd"], "14.5", "what is covered counts at list price, beside the bill");
}

#[test]
fn what_is_billed_to_a_plans_own_account_may_repeat_its_fee() {
    let provider = FakeProvider::answering(|request| match request.path.as_str() {
        "/v1/organization/costs" => Answer::ok(
            r#"{"object":"page","data":[{"object":"bucket","start_time":1795824000,"end_time":1795910400,
            "results":[{"object":"organization.costs.result","amount":{"value":30,"currency":"usd"},"line_item":null,"project_id":null}]}],
            "has_more":false,"next_page":null}"#,
        ),
        _ => Answer::error(403, "{}"),
    });
    let plan = "\n[[plan]]\nname = \"Seats\"\nfee = 30\naccounts = [\"openai\"]\n\
                start = 2026-11-01\noverage = \"nothing\"\n";
    let world = World::new()
        .at(NOW)
        .config(plan)
        .provider("openai-admin", &provider)
        .env("OPENAI_ADMIN_KEY", "sk-admin-synthetic-0123456789");
    world.run(["poll"]).success();
    let today = status(&world);
    assert_eq!(today["billed_usd"], "30");
    assert_eq!(today["paid_usd"], "1");
    assert_eq!(today["paid"]["in_fees_usd"], "30");
    let text = world.run(["status"]).success().stdout;
    assert!(
        text.contains("$30.00 is billed to a plan's account and not paid beside the fee"),
        "{text}"
    );
}

#[test]
fn list_price_counts_beyond_what_a_plan_includes() {
    let plan = format!("{MAX}overage = \"list\"\nincluded = 200\n");
    let world = claude_world(&plan);
    // $150 and $50 of the 9th are included; $40 of the 9th and $30 of today are not.
    let report = november(&world, "day");
    assert_eq!(report["paid"]["overage_usd"], "70");
    assert_eq!(report["totals"]["paid_usd"], "270");
    let today = status(&world);
    assert_eq!(today["paid"]["overage_usd"], "30", "what was used before today is known");
    assert_eq!(today["paid"]["estimated"], true);
}

#[test]
fn discounts_are_off_and_credits_are_used_up() {
    let share = "\n[[discount]]\naccount = \"anthropic\"\nshare = \"10%\"\n";
    assert_eq!(status(&claude_world(share))["paid_usd"], "27");
    let credit = "\n[[discount]]\naccount = \"anthropic\"\namount = 250\nfrom = 2026-11-01\n";
    let world = claude_world(credit);
    let today = status(&world);
    // $240 went before; $10 of it are left for today's $30.
    assert_eq!(today["paid"]["credits_usd"], "10");
    assert_eq!(today["paid_usd"], "20");
    assert_eq!(november(&world, "day")["totals"]["paid_usd"], "20");
    let text = world.run(["status"]).success().stdout;
    assert!(text.contains("$10.00 is paid from credits."), "{text}");
    let until = format!("{credit}until = 2026-11-08\n");
    assert_eq!(status(&claude_world(&until))["paid_usd"], "30");
}

#[test]
fn a_foreign_fee_counts_at_a_rate_that_is_named_and_stands_beside_without_one() {
    let plan = "\n[[plan]]\nname = \"Euro\"\nfee = 60\ncurrency = \"EUR\"\nagents = [\"claude-code\"]\n\
                start = 2026-11-01\n";
    let world = claude_world(plan);
    let today = status(&world);
    assert_eq!(today["paid_usd"], "0");
    assert_eq!(today["paid"]["other"], json!([{ "currency": "EUR", "amount": "2" }]));
    let text = world.run(["status"]).success().stdout;
    assert!(text.contains("paid €2.00"), "{text}");
    assert!(text.contains("Paid beside the dollars, for want of a rate: €2.00."), "{text}");
    let rated = format!("{plan}\n[rates]\nEUR = {{ usd = 1.5, date = \"2026-11-02\" }}\n");
    let world = claude_world(&rated);
    assert_eq!(status(&world)["paid_usd"], "3");
    let text = world.run(["status"]).success().stdout;
    let rate = "€2.00 of fees count as $3.00, at the rate 1.5 of 2 Nov 2026.";
    assert!(text.contains(rate), "{text}");
}

#[test]
fn a_plan_of_no_fee_and_a_subscription_of_an_unknown_one_are_told_apart() {
    let free = "\n[[plan]]\nname = \"Free\"\nfee = 0\nagents = [\"claude-code\"]\n";
    let world = claude_world(free);
    let today = status(&world);
    assert_eq!(
        (&today["paid_usd"], &today["plans"][0]["break_even"]),
        (&json!("0"), &json!("free"))
    );
    let unknown = "\n[agents.claude-code]\nbilling = \"subscription\"\n";
    let today = status(&claude_world(unknown));
    assert_eq!(today["paid_usd"], Value::Null);
    assert_eq!(today["paid"]["without_fee_usd"], "30");
    // What the config calls billed per token no plan covers.
    let api = format!("{MAX}\n[agents.claude-code]\nbilling = \"api\"\n");
    assert_eq!(status(&claude_world(&api))["paid"]["metered_usd"], "30");
}

#[test]
fn of_two_plans_the_first_covers_and_both_are_paid() {
    let both = format!(
        "{MAX}\n[[plan]]\nname = \"Team\"\nfee = 30\nagents = [\"claude-code\"]\nstart = 2026-11-01\n"
    );
    let world = claude_world(&both);
    let today = status(&world);
    assert_eq!(today["paid_usd"], "7.666666666666666666");
    assert_eq!(today["plans"][0]["list_usd"], "270");
    assert_eq!(today["plans"][1]["list_usd"], "0");
    let said = "Claude Max 20x and Team may cover the same usage: Claude Max 20x does";
    for command in ["list", "doctor"] {
        let output = match command {
            "list" => world.run(["plan", "list"]).success().stdout,
            _ => world.run(["doctor"]).stdout,
        };
        assert!(output.contains(said), "{command}: {output}");
    }
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let world = World::new().at(NOW).config(
        "[[plan]]\noffer = \"claude-max-20x\"\n\
         [[plan]]\noffer = \"claude-max-20x\"\nstart = 2026-12-01\n\
         [[plan]]\nname = \"a\"\nfee = 1\nagents = [\"claude\"]\n\
         [[plan]]\noffer = \"claude-maxi\"\n\
         [[plan]]\nname = \"b\"\nfee = -1\nagents = [\"codex\"]\nstart = 2026-11-05\nend = 2026-11-04\n\
         [[plan]]\nname = \"c\"\nfee = 1\n\
         [[plan]]\nname = \"d\"\nfee = 1\nagents = [\"codex\"]\noverage = \"some\"\n\
         [[discount]]\naccount = \"openai\"\namount = 5\n\
         [[discount]]\naccount = \"openai\"\nshare = 120\n\
         [[discount]]\naccount = \"openai\"\namount = 5\ncurrency = \"EUR\"\nfrom = 2026-11-01\n\
         [people]\nworking_days = [\"funday\"]\n",
    );
    let said = world.run(["config", "check"]).exits_with(1).stderr;
    let said = said.replace(&world.config_file().display().to_string(), "config.toml");
    insta::assert_snapshot!(said, @r#"
    spendbar: config.toml:3: plan: "Claude Max 20x" is there twice for some days
      hint: end the first before the second starts, or give each a name of its own
    config.toml:9: plan.agents: "claude" is no source this version reads
      hint: write "all", or a list out of ["claude-code", "codex", "openclaw", "pi", "omp", "mux", "openclaude", "mistral-vibe", "zcode", "opencode", "kilo-code", "cline", "roo-code", "cline-cli", "crush", "forge", "gemini-cli", "amp", "qwen-code", "kimi-cli", "kimi-code", "droid", "grok-cli", "antigravity", "copilot-cli", "copilot-vscode", "goose", "zed", "hermes", "cursor", "warp", "openai-admin", "anthropic-admin", "anthropic-analytics", "openrouter", "claude-quota", "codex-quota", "xai", "cursor-team", "litellm", "azure", "aws", "github-copilot", "vercel-ai-gateway", "fireworks", "deepinfra", "deepseek", "moonshot", "kimi-code-plan", "zai", "minimax", "ollama-cloud", "poe", "siliconflow", "novita", "stepfun", "elevenlabs", "opencode-go", "cline-plan", "kilo-credits", "factory", "windsurf-team", "venice", "fal", "deepgram", "cloudflare-ai-gateway", "zenmux", "synthetic", "aimlapi", "crof", "aiand", "clawrouter", "new-api", "sub2api", "devin"]
    config.toml:11: plan.offer: "claude-maxi" is no offer this version knows
      hint: write name, fee and per yourself, or one of claude-pro, claude-max-5x, claude-max-20x, claude-team, claude-team-premium, chatgpt-plus, chatgpt-pro, cursor-pro, cursor-pro-plus, cursor-ultra, copilot-pro, copilot-pro-plus, copilot-max, copilot-business, google-ai-pro, google-ai-ultra, glm-coding-lite, glm-coding-pro, glm-coding-max
    config.toml:14: plan.fee: -1 is below zero
      hint: write an amount such as 20 or 17.50; 0 for a plan that costs nothing
    config.toml:17: plan.end: 2026-11-04 is before 2026-11-05
      hint: end it on or after its first day
    config.toml:18: plan: it says not what the plan covers
      hint: write agents = ["claude-code"], accounts, providers or models
    config.toml:25: plan.overage: "some" is no overage
      hint: write "billed", "nothing", or "list" with included = 20
    config.toml:26: discount.from: it says not from when on the amount is used up
      hint: write a day such as 2026-11-05
    config.toml:31: discount.share: 120 is no share
      hint: write percent above 0 and up to 100, such as 15 or "12.5%"
    config.toml:35: discount.currency: what one EUR is worth is not said
      hint: add [rates] EUR = { usd = 1.16, date = "2026-11-02" }
    config.toml:38: people.working_days: "funday" is no day of the week
      hint: write days such as ["mon", "tue"]
    "#);
}

#[test]
fn a_budget_of_what_is_paid_counts_the_fee() {
    let budget = "\n[[budget]]\nname = \"paid\"\namount = 6\nper = \"day\"\nbasis = \"paid\"\n\
                  [[budget]]\nname = \"claude\"\namount = 300\nper = \"month\"\nbasis = \"paid\"\nsources = [\"claude-code\"]\n\
                  [[budget]]\nname = \"codex\"\namount = 1\nper = \"day\"\nbasis = \"paid\"\nsources = [\"codex\"]\n";
    let world = claude_world(&format!("headline = \"paid\"\n{MAX}{budget}"));
    let check = world.run(["check", "--json"]).exits_with(3).json();
    let spent: Vec<_> = [0, 1, 2].map(|index| check["budgets"][index]["spent"].clone()).into();
    assert_eq!(spent[0], A_DAY);
    assert_eq!(attos(&spent[1]) / 10_i128.pow(12), 186_666_666, "28 of 30 days");
    assert_eq!(spent[2], "0");
    assert_eq!(world.run(["status", "--line"]).success().stdout, "$6.67 111% !!\n");
    let text = world.run(["status"]).success().stdout;
    assert!(text.starts_with("Today paid $6.67 · 111 % of $6 a day\n"), "{text}");
}

#[test]
fn setting_and_removing_keep_the_configs_comments() {
    let mine = "# My own words.\nzone = \"UTC\" # here\n";
    let world = World::new().at(NOW).config(mine);
    let set = world
        .run(["plan", "set", "--offer", "claude-max-20x", "--start", "2026-11-05"])
        .success()
        .stdout;
    assert_eq!(
        set,
        "Plan \"Claude Max 20x\": $200 a month from 5, covers claude-code. \
         Beyond the fee: what is billed.\n"
    );
    world.run(["plan", "set", "Claude Max 20x", "--fee", "180", "--end", "2027-01-04"]).success();
    let text = fs::read_to_string(world.config_file()).expect("the config");
    assert_eq!(
        text,
        format!(
            "{mine}\n[[plan]]\noffer = \"claude-max-20x\"\nstart = 2026-11-05\nfee = 180\nend = 2027-01-04\n"
        )
    );
    let list = world.run(["plan", "list"]).success().stdout;
    insta::assert_snapshot!(list, @"
    Name                Fee  Per           Runs                      Covers       Beyond the fee
    Claude Max 20x  $180.00  month from 5  5 Nov 2026 to 4 Jan 2027  claude-code  what is billed

    Claude Max 20x did $0.00 of list-price work for $180 since 5 Nov. At this pace it does not pay for itself this month.
    ");
    let json = world.run(["plan", "list", "--json"]).success().json();
    assert_eq!(json["schema"], "spendbar.plans.v1");
    assert_eq!(json["plans"][0]["fee"], "180");
    world.run(["plan", "remove", "Claude Max 20x"]).success();
    let text = fs::read_to_string(world.config_file()).expect("the config");
    assert!(text.starts_with(mine) && !text.contains("plan"), "{text}");
    let error = world.run(["plan", "remove", "Claude Max 20x"]).exits_with(1).stderr;
    assert!(error.contains("no plan is named \"Claude Max 20x\"; there is none"), "{error}");
    let error = world.run(["plan", "set", "--offer", "nonsense"]).exits_with(1).stderr;
    assert!(error.contains("\"nonsense\" is no offer"), "{error}");
    world.run(["plan", "set", "mine", "--fee", "5", "--agent", "nonsense"]).exits_with(1);
    assert_eq!(fs::read_to_string(world.config_file()).expect("the config"), text);
    let offers = world.run(["plan", "offers", "--json"]).success().json();
    assert!(offers["offers"].as_array().is_some_and(|offers| offers.len() > 15));
}

#[test]
fn other_plans_are_reckoned_on_the_same_usage() {
    let world = claude_world("\n[[plan]]\noffer = \"claude-max-20x\"\nstart = 2026-11-01\n");
    let text = world.run(["plan", "compare"]).success().stdout;
    insta::assert_snapshot!(text, @"
    November 2026 so far: $270.00 at list price
    Plans                  Cost $
    Claude Max 20x         200.00  as the config has it
    Claude Pro              20.00  if its limits hold all of it
    Claude Team             25.00  if its limits hold all of it
    Claude Max 5x          100.00  if its limits hold all of it
    Claude Team premium    125.00  if its limits hold all of it
    Claude Max 20x         200.00  if its limits hold all of it
    pay per token        ≈ 270.00

    Fees are those of a whole month; usage that no plan covers counts at list price.
    Most plans do not state their limits in tokens or money: that they would have held all of this usage is assumed, and a smaller plan may not.
    ");
    let json = world.run(["plan", "compare", "--month", "2026-11", "--json"]).success().json();
    assert_eq!(json["schema"], "spendbar.plan-compare.v1");
    assert_eq!(json["own"]["cost_usd"], "200");
    let of = |offers: Value| {
        let mixes = json["mixes"].as_array().expect("mixes");
        let mix = mixes.iter().find(|mix| mix["offers"] == offers).expect("that mix");
        (mix["cost_usd"].clone(), mix["limits_unknown"].clone())
    };
    assert_eq!(of(json!([])), (json!("270"), json!([])));
    assert_eq!(of(json!(["claude-pro"])), (json!("20"), json!(["claude-pro"])));
    assert!(json["assumptions"].to_string().contains("is assumed"));
    let empty = world.run(["plan", "compare", "--month", "2026-01"]).success().stdout;
    assert!(empty.contains("nothing to compare"), "{empty}");
}

#[test]
fn spend_in_peoples_terms_is_told_only_where_it_is_set() {
    let people = "\n[people]\nengineer_month = { amount = 10000 }\nteam_budget = { amount = 400 }\n\
                  per_working_day = true\n";
    let world = claude_world(&format!("{MAX}{people}"));
    let report = november(&world, "day");
    // November 2026 has 21 working days: $200 / 21.
    assert_eq!(
        report["people"],
        json!({
            "engineer_months_hundredths": 2,
            "team_budget_permille": 500,
            "per_working_day_usd": "9.523809523809523809",
            "working_days": 21,
        })
    );
    let text =
        world.run(["report", "--since", "2026-11-01", "--until", "2026-11-30"]).success().stdout;
    let line = "Paid in these days: 0.02 engineer-months · 50 % of the team's budget · $9.52 a \
                working day, of 21 days.";
    assert!(text.contains(line), "{text}");
    let silent = november(&claude_world(MAX), "day");
    assert_eq!(silent["people"], Value::Null);
}
