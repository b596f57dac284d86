//! What others read: CSV, JSON, FOCUS, a statement, a card; their sums are the report's.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use spendbar::spend::{Currency, Money};

use crate::chromium::Chromium;
use crate::lines::{
    CLAUDE_FILE, CODEX_FILE, ClaudeLine, CodexCounter, GPT, claude_spends, codex_start,
};
use crate::provider::{Answer, FakeProvider};
use crate::world::World;

const NOW: &str = "2026-03-24T12:00:00Z";

/// OpenAI that bills some dollars on three days; its usage report can't be read.
fn openai() -> FakeProvider {
    let cost = |day: u32| match day {
        19 => r#"[{"amount":{"value":1.234567890123,"currency":"usd"},"project_id":null}]"#,
        20 => r#"[{"amount":{"value":0.255,"currency":"usd"},"project_id":null}]"#,
        24 => r#"[{"amount":{"value":0.01,"currency":"usd"},"project_id":null}]"#,
        _ => "[]",
    };
    let bucket = |day: u32| {
        let at = |day: u32| {
            let text = format!("2026-03-{day:02}T00:00:00Z");
            text.parse::<chrono::DateTime<chrono::Utc>>().expect("time").timestamp()
        };
        let results: Value = serde_json::from_str(cost(day)).expect("rows");
        json!({ "start_time": at(day), "end_time": at(day + 1), "results": results })
    };
    let data: Vec<Value> = (1..=24).map(bucket).collect();
    let page = json!({ "data": data, "has_more": false, "next_page": null }).to_string();
    FakeProvider::answering(move |request| match request.path.as_str() {
        "/v1/organization/costs" => Answer::ok(page.clone()),
        _ => Answer::error(403, "{}"),
    })
}

/// A bill that is final (the 20th: $0.30 at list price, $0.255 billed), one without logs (the 19th),
/// one that lags (today), usage without a bill, a model without a price and names that would run in
/// a spreadsheet.
fn world(provider: &FakeProvider) -> World {
    let world = World::new()
        .at(NOW)
        .provider("openai-admin", provider)
        .config("[[budget]]\nname = \"month\"\namount = 5\nper = \"month\"\n")
        .env("OPENAI_ADMIN_KEY", "sk-synthetic-key-0123456789abcdef");
    world.append(CODEX_FILE, &codex_start("2026-03-02T09:00:00.000Z", GPT));
    let mut counter = CodexCounter::default();
    for (day, output) in [(20, 20_000), (24, 40_000)] {
        let at = format!("2026-03-{day}T10:00:00.000Z");
        world.append(CODEX_FILE, &counter.add(&at, 0, 0, output));
    }
    world.append(CLAUDE_FILE, &claude_spends("2026-03-21T23:30:00.000Z", "A", 60));
    world.append(CLAUDE_FILE, &claude_spends("2026-03-24T11:00:00.000Z", "B", 30));
    let named = |id: &str, model: &str| {
        let at = "2026-03-22T08:00:00.000Z";
        ClaudeLine { at, id, model, input: 7, cache_read: 0, output: 1 }.text()
    };
    world.append(CLAUDE_FILE, &named("C", "=HYPERLINK(\\\"http://evil.example\\\",1)"));
    world.append(CLAUDE_FILE, &named("D", "@cf/one, \\\"two\\\""));
    world.run(["poll"]).success();
    world
}

/// Rows of a CSV file by column; a reader of RFC 4180 written from its grammar.
fn csv(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut rows: Vec<Vec<String>> = vec![vec![String::new()]];
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let row = rows.last_mut().expect("a row");
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                row.last_mut().expect("a cell").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'), "lines end with CR LF");
                rows.push(vec![String::new()]);
            }
            other => row.last_mut().expect("a cell").push(other),
        }
    }
    assert_eq!(rows.pop(), Some(vec![String::new()]), "the last line has its end");
    let head = rows.remove(0);
    let cells = |row: Vec<String>| {
        assert_eq!(row.len(), head.len(), "{row:?}");
        head.iter().cloned().zip(row).collect()
    };
    rows.into_iter().map(cells).collect()
}

fn attos(text: &str) -> i128 {
    if text.is_empty() {
        return 0;
    }
    Money::parse(text, Currency::USD).unwrap_or_else(|error| panic!("{error}")).attos
}

fn sum(rows: &[BTreeMap<String, String>], column: &str) -> i128 {
    rows.iter().map(|row| attos(&row[column])).sum()
}

fn of(document: &Value) -> i128 {
    attos(document.as_str().unwrap_or_default())
}

#[test]
fn csv_json_and_report_have_one_sum_to_the_last_digit() {
    let provider = openai();
    let world = world(&provider);
    let days = ["--since", "2026-03-01"];
    let table = world.run(["export", "csv", days[0], days[1]]).success().stdout;
    let rows = csv(&table);
    let document = world.run(["export", "json", days[0], days[1]]).success().json();
    let report = world.run(["report", days[0], days[1], "--json"]).success().json();
    assert_eq!(document["schema"], "spendbar.export.v1");
    for (column, name) in [("list_usd", "list_usd"), ("billed_usd", "billed_usd")] {
        let total = of(&report["totals"][name]);
        assert!(total > 0, "{name}");
        assert_eq!(sum(&rows, column), total, "{name}");
        assert_eq!(of(&document["totals"][name]), total, "{name}");
        let of_rows: i128 =
            document["rows"].as_array().expect("rows").iter().map(|row| of(&row[name])).sum();
        assert_eq!(of_rows, total, "{name}");
    }
    // The 19th as billed, the 20th as billed and not at list price, today at list price: 0.60 of
    // Codex, for the bill lags, and 0.30; 0.60 on the 21st.
    assert_eq!(of(&document["totals"]["counted_usd"]), attos("2.989567890123"));
    assert_eq!(sum(&rows, "counted_usd"), attos("2.989567890123"));
    for kind in ["input", "output", "cache_read"] {
        let total = report["totals"]["tokens"][kind].as_u64().expect("tokens");
        let column = format!("{kind}_tokens");
        let of_rows: u64 = rows.iter().map(|row| row[&column].parse::<u64>().expect("count")).sum();
        assert_eq!(of_rows, total, "{kind}");
    }
    let unpriced: u64 =
        rows.iter().map(|row| row["unpriced_tokens"].parse::<u64>().expect("n")).sum();
    assert_eq!(unpriced, 16);
    assert!(document["partial"].as_bool().expect("a flag"));
    // No cell runs in a spreadsheet.
    let model = |start: &str| rows.iter().any(|row| row["model"].starts_with(start));
    assert!(model("'=HYPERLINK(\"http") && model("'@cf/one, \"two\""), "{table}");
    insta::assert_snapshot!(table.replace("\r\n", "\n"), @r#"
    day,source,kind,account,provider,model,requests,input_tokens,cache_read_tokens,cache_write_5m_tokens,cache_write_1h_tokens,output_tokens,reasoning_tokens,unpriced_tokens,list_usd,covered_usd,stated_usd,billed_usd,billed_other,counted_usd,estimated,partial
    2026-03-19,openai-admin,provider,openai,openai,,0,0,0,0,0,0,0,0,,,,1.234567890123,,1.234567890123,false,false
    2026-03-20,codex,agent,openai,openai,gpt-5.4,1,0,0,0,0,20000,0,0,0.3,,,,,0,false,false
    2026-03-20,openai-admin,provider,openai,openai,,0,0,0,0,0,0,0,0,,,,0.255,,0.255,false,false
    2026-03-21,claude-code,agent,anthropic,anthropic,claude-sonnet-4-5-20250929,1,0,0,0,0,40000,0,0,0.6,,,,,0.6,true,false
    2026-03-22,claude-code,agent,anthropic,anthropic,"'=HYPERLINK(""http://evil.example"",1)",1,7,0,0,0,1,0,8,,,,,,,false,true
    2026-03-22,claude-code,agent,anthropic,anthropic,"'@cf/one, ""two""",1,7,0,0,0,1,0,8,,,,,,,false,true
    2026-03-24,claude-code,agent,anthropic,anthropic,claude-sonnet-4-5-20250929,1,0,0,0,0,20000,0,0,0.3,,,,,0.3,true,false
    2026-03-24,codex,agent,openai,openai,gpt-5.4,1,0,0,0,0,40000,0,0,0.6,,,,,0.6,true,false
    2026-03-24,openai-admin,provider,openai,openai,,0,0,0,0,0,0,0,0,,,,0.01,,0,false,false
    "#);
}

#[test]
fn folders_are_told_only_where_they_are_asked_for() {
    let provider = openai();
    let world = world(&provider);
    for format in ["csv", "json", "focus", "statement"] {
        let plain = world.run(["export", format, "--since", "2026-03-01"]).success();
        assert!(!plain.stdout.contains("shop"), "{format}");
        let told = world.run(["export", format, "--since", "2026-03-01", "--projects"]).success();
        assert!(told.stdout.contains("/home/ada/shop"), "{format}: {}", told.stdout);
    }
    let document = world.run(["export", "json", "--projects"]).success().json();
    let counted = of(&document["totals"]["counted_usd"]);
    assert_eq!(counted, attos("2.989567890123"), "folders change no sum");
}

#[test]
fn days_are_those_of_the_zone_and_an_empty_time_is_no_failure() {
    let provider = openai();
    let world = world(&provider);
    let days = |zone: &str| {
        let told = world.run(["export", "json", "--since", "2026-03-01", "--tz", zone]).success();
        let rows = told.json()["rows"].as_array().expect("rows").clone();
        let claude = rows
            .into_iter()
            .filter(|row| row["list_usd"] == "0.6" && row["source"] == "claude-code");
        claude.map(|row| row["day"].as_str().expect("a day").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(days("UTC"), ["2026-03-21"]);
    assert_eq!(days("Europe/Berlin"), ["2026-03-22"]);
    let before = world.run(["export", "csv", "--month", "2020-02"]).success();
    assert_eq!(before.stdout.lines().count(), 1, "the head alone");
    let none = world.run(["export", "statement", "--month", "2020-02"]).success();
    assert!(none.stdout.contains("No usage and no bill in these days"));
    world.run(["export", "focus", "--month", "2020-02"]).success();
    let lost = world.run(["export", "csv", "--output", "nowhere/at/all.csv"]).exits_with(1);
    assert!(lost.stderr.contains("writing nowhere/at/all.csv"), "{}", lost.stderr);
}

#[test]
fn focus_has_three_sums_that_are_those_of_the_report() {
    let provider = openai();
    let world = world(&provider);
    let focus = world.run(["export", "focus", "--month", "2026-03"]).success();
    // `.ci/focus` gives this to the specification's own validator.
    if let Some(file) = std::env::var_os("SPENDBAR_FOCUS_FILE") {
        fs::write(file, &focus.stdout).expect("written");
    }
    let rows = csv(&focus.stdout);
    let report = world.run(["report", "--since", "2026-03-01", "--tz", "UTC", "--json"]).success();
    let totals = &report.json()["totals"];
    assert_eq!(sum(&rows, "BilledCost"), of(&totals["billed_usd"]));
    assert_eq!(sum(&rows, "ListCost"), of(&totals["list_usd"]));
    let document = world.run(["export", "json", "--month", "2026-03", "--tz", "UTC"]).success();
    assert_eq!(sum(&rows, "EffectiveCost"), of(&document.json()["totals"]["counted_usd"]));
    for row in &rows {
        assert_eq!(row["BillingPeriodStart"], "2026-03-01T00:00:00Z");
        assert_eq!(row["BillingPeriodEnd"], "2026-04-01T00:00:00Z");
        assert_eq!(row["ServiceCategory"], "AI and Machine Learning");
        let is_bill = row["x_SpendbarRow"] == "bill";
        assert_eq!(attos(&row["BilledCost"]) > 0, is_bill, "{row:?}");
        assert_eq!(row["ConsumedQuantity"].is_empty(), is_bill, "{row:?}");
        assert!(row["ListUnitPrice"].is_empty());
    }
    // The 20th counts as billed: its usage costs nothing a second time.
    let of_20 =
        |row: &&BTreeMap<String, String>| row["ChargePeriodStart"].starts_with("2026-03-20");
    let costs: Vec<_> = rows
        .iter()
        .filter(of_20)
        .map(|row| {
            [
                &row["x_SpendbarRow"],
                &row["BilledCost"],
                &row["EffectiveCost"],
                &row["ListCost"],
                &row["x_SpendbarEstimated"],
            ]
        })
        .collect();
    assert_eq!(
        costs,
        [["usage", "0.0", "0.0", "0.3", "false"], ["bill", "0.255", "0.255", "0.0", "false"],]
    );
    insta::assert_snapshot!(focus.stdout.lines().next().expect("a head").replace(',', "\n"), @"
    BilledCost
    BillingAccountId
    BillingAccountName
    BillingCurrency
    BillingPeriodEnd
    BillingPeriodStart
    ChargeCategory
    ChargeClass
    ChargeDescription
    ChargeFrequency
    ChargePeriodEnd
    ChargePeriodStart
    CommitmentDiscountCategory
    CommitmentDiscountId
    CommitmentDiscountName
    CommitmentDiscountStatus
    CommitmentDiscountType
    ConsumedQuantity
    ConsumedUnit
    ContractedCost
    ContractedUnitPrice
    EffectiveCost
    InvoiceIssuerName
    ListCost
    ListUnitPrice
    PricingCategory
    PricingQuantity
    PricingUnit
    ProviderName
    PublisherName
    RegionId
    RegionName
    ResourceId
    ResourceName
    ResourceType
    ServiceCategory
    ServiceName
    SkuId
    SkuPriceId
    SubAccountId
    SubAccountName
    Tags
    x_SpendbarRow
    x_SpendbarEstimated
    x_SpendbarSource
    x_SpendbarAgent
    x_SpendbarModel
    x_SpendbarRequests
    x_SpendbarUnpricedTokens
    x_SpendbarCoveredCost
    x_SpendbarStatedCost
    x_InputTokens
    x_CacheReadTokens
    x_CacheWrite5mTokens
    x_CacheWrite1hTokens
    x_OutputTokens
    x_ReasoningTokens
    ");
    insta::assert_snapshot!(focus.stderr, @r#"
    FOCUS 1.0, UTC days. ListUnitPrice and ContractedUnitPrice are null: a row's tokens go by several prices.
    3 rows: only the list price is known; BilledCost is 0, EffectiveCost is the list price, and x_SpendbarEstimated says true.
    2 rows: tokens without a known price are in no cost; x_SpendbarUnpricedTokens counts them.
    3 rows: a bill; its ListCost is 0, as the specification allows no null there.
    3 rows: model or provider are not told; SkuId and names say unspecified.
    =HYPERLINK("http://evil.example",1) has no known price: its 8 tokens are in no dollar figure.
    @cf/one, "two" has no known price: its 8 tokens are in no dollar figure.
    Bills come by UTC day.
    openai-admin: Tokens per day could not be read: the key may not read this (403).
    "#);
}

#[test]
fn the_card_is_a_picture_without_private_names() {
    let provider = openai();
    let world = world(&provider);
    world.run(["export", "card", "--output", "card.png"]).success();
    let file = fs::File::open(world.home().join("card.png")).expect("the card");
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect("PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("pixels");
    assert_eq!((info.width, info.height), (1200, 630));
    // Something is written where the figure stands, and the edge is plain.
    let at = |x: usize, y: usize| &pixels[(y * 1200 + x) * 3..][..3];
    let ground = at(3, 3).to_owned();
    assert!((0..1200).all(|x| at(x, 5) == ground && at(x, 625) == ground), "the edges are plain");
    let is_bright = |x: usize| (120..200).any(|y| at(x, y)[0] > 200);
    assert!((64..300).filter(|x| is_bright(*x)).count() > 60, "a large figure");
    let piped = world.run(["export", "card", "--month", "2020-02"]);
    assert_eq!(piped.code, Some(0), "{}", piped.stderr);
}

/// The text of a PDF, page by page; `None` where poppler is not installed and nobody requires it.
fn text_of(file: &std::path::Path) -> Option<String> {
    let told = std::process::Command::new("pdftotext").arg("-layout").arg(file).arg("-").output();
    match told {
        Ok(told) => {
            assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
            Some(String::from_utf8(told.stdout).expect("text"))
        }
        Err(error) => {
            let required = std::env::var("SPENDBAR_REQUIRE_DESKTOP").is_ok_and(|it| it == "1");
            assert!(!required, "pdftotext: {error} (apt-get install poppler-utils)");
            eprintln!(
                "skipped: reading the PDF, for want of pdftotext (apt-get install poppler-utils)"
            );
            None
        }
    }
}

#[test]
fn the_statement_prints_on_paper_and_asks_for_nothing() {
    let Some(mut browser) = Chromium::start() else { return };
    let provider = openai();
    let world = world(&provider);
    let arguments =
        ["export", "statement", "--month", "2026-03", "--projects", "--output", "s.html"];
    world.run(arguments).success();
    let file = world.home().join("s.html");
    let html = fs::read_to_string(&file).expect("the statement");
    for word in ["src=", "href=", "url(", "@import", "<script"] {
        assert!(!html.contains(word), "{word}");
    }
    browser.open(&format!("file://{}", file.display()), "document.readyState === 'complete'");
    let asked = browser.asked_for();
    assert!(
        asked.iter().all(|address| address.starts_with("file:///") || address == "about:blank"),
        "{asked:?}"
    );
    let text = browser.value("document.body.innerText");
    let text = text.as_str().expect("text");
    for part in [
        "March 2026",
        "Days of UTC",
        "≈ $2.99",
        "partial, see the notes",
        "≈ $1.80",
        "$1.50",
        "Per day",
        "By provider",
        "By model",
        "By project",
        "/home/ada/shop",
        "Budgets, as they stood",
        "To know",
        "How it was reckoned",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (paper, width, height) in [("A4", 8.27, 11.69), ("Letter", 8.5, 11.0)] {
        let asks =
            json!({ "paperWidth": width, "paperHeight": height, "preferCSSPageSize": false });
        let printed = browser.tell("Page.printToPDF", asks);
        let pdf = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            printed["data"].as_str().expect("data"),
        )
        .expect("base64");
        let file = world.path(&format!("{paper}.pdf"));
        fs::write(&file, pdf).expect("written");
        let Some(text) = text_of(&file) else { return };
        // A form feed ends each page, and each page has its number.
        let pages = text.matches('\u{c}').count();
        assert!((2..=3).contains(&pages), "{paper}: {pages} pages: {text}");
        // How far apart words stand is the reader's guess.
        let text = text.replace(char::is_whitespace, "");
        for part in ["March2026", "≈$2.99", "≈2.99", "/home/ada/shop", &format!("1/{pages}")] {
            assert!(text.contains(part), "{paper}: {part}: {text}");
        }
    }
}
