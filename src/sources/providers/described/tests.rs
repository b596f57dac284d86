//! Every description that comes with the program, against its fixture.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::fake::{self, Exchange, Fake, KEY};
use super::super::fixtures::{self, Fixture};
use super::*;

fn described(name: &str, text: &str) -> &'static Described {
    let description = load::load(text).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"));
    Described::new(description)
}

#[test]
fn the_head_of_a_file_is_all_that_its_row_in_the_table_needs() {
    let mut rows = built_in().map(Source::info);
    for (name, text) in FILES {
        let whole = described(name, text);
        assert_eq!(rows.next(), Some(whole.info), "{name}: sections before the first [[call]]");
    }
    assert_eq!(rows.next(), None);
}

/// The header that the description's key has to come in; any request has `accept`.
fn header(source: &Described) -> (String, String) {
    let accept = || ("accept".to_owned(), "application/json".to_owned());
    let Some(key) = &source.description.key else { return accept() };
    match &key.send {
        Send::Bearer => ("authorization".into(), format!("Bearer {KEY}")),
        Send::Scheme(word) => ("authorization".into(), format!("{word} {KEY}")),
        Send::Header(name) => (name.to_ascii_lowercase(), KEY.into()),
        Send::BasicUser => {
            let pair = base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                format!("{KEY}:"),
            );
            ("authorization".into(), format!("Basic {pair}"))
        }
        Send::Body(_) => accept(),
    }
}

fn settings(of: &Value) -> BTreeMap<String, String> {
    let pairs = of["settings"].as_object().into_iter().flatten();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn given(settings: &BTreeMap<String, String>) -> fake::Given {
    fake::Given { settings: settings.clone(), ..fake::Given::default() }
}

async fn look(
    source: &'static Described,
    fixture: &Fixture,
    calls: Vec<Exchange>,
    settings: &BTreeMap<String, String>,
) -> Result<Reading, SourceError> {
    let fake = Fake::serve_with(header(source), calls).await;
    let client = fixtures::impatient_client();
    let outcome = fake::look_given(
        source,
        Some(&fake.url),
        &client,
        fixture.now(),
        &fixture.since(),
        &given(settings),
    )
    .await;
    fake.finish();
    outcome
}

#[tokio::test]
async fn every_description_reads_its_fixture() {
    for (name, text) in FILES {
        let source = described(name, text);
        assert_eq!(source.info.id, *name, "a file is named like its provider");
        let fixture = Fixture::load(name);
        let set = settings(fixture.expected());
        eprintln!("{name}");
        let reading = look(source, &fixture, fixture.exchanges(), &set).await;
        let reading = reading.unwrap_or_else(|error| panic!("{name}: {error}"));
        fixtures::assert_reading(&reading, fixture.reading());

        let variants = fixture.expected()["variants"].as_array().cloned().unwrap_or_default();
        for variant in &variants {
            eprintln!("{name}: {}", variant["files"]);
            let mut calls = fixture.exchanges();
            let at = variant["at"].as_u64().unwrap_or(0) as usize;
            for (index, file) in variant["files"].as_array().unwrap().iter().enumerate() {
                let body = fixture.body(file.as_str().unwrap());
                calls[at + index] = calls[at + index].clone().body(body);
            }
            let is_bad = variant["outcome"] == "bad_answer";
            if is_bad {
                calls.truncate(at + 1);
            }
            let mut set = set.clone();
            set.extend(settings(variant));
            let reading = look(source, &fixture, calls, &set).await;
            if is_bad {
                let error = reading.unwrap_err();
                assert!(matches!(error, SourceError::FormatChanged { .. }), "{error}");
            } else if variant["silent"] == true {
                assert_eq!(reading.unwrap().charges_cover, None);
            } else {
                fixtures::assert_reading(&reading.unwrap(), variant);
            }
        }
        for (call, expected, row) in fixture.errors(0) {
            eprintln!("{name}: {}", row["file"]);
            let error = look(source, &fixture, vec![call], &set).await.unwrap_err();
            let same = match (&error, &expected) {
                // The clause is the description's own.
                (SourceError::NotOffered { .. }, SourceError::NotOffered { .. }) => true,
                // A look through an address of the config: there the address may be wrong.
                (SourceError::Misconfigured { .. }, SourceError::NotOffered { .. }) => true,
                (error, expected) => error == expected,
            };
            assert!(same, "{name}: {error:?} is not {expected:?}");
        }
    }
}

#[test]
fn every_description_says_what_it_is() {
    for (name, text) in FILES {
        let source = described(name, text);
        assert!(!source.info.tells.is_empty(), "{name}");
        let manual = source.description.manual.as_deref().unwrap_or_default();
        assert!(manual.starts_with("https://"), "{name} names its manual");
    }
}

async fn asked(text: &str, calls: Vec<Exchange>, unit: &str) -> Result<Reading, SourceError> {
    let fake = Fake::serve(calls).await;
    let now = "2026-11-03T12:00:00Z".parse().unwrap();
    let set = BTreeMap::from([("unit".to_owned(), unit.to_owned())]);
    let source = described("mine", text);
    let reading =
        fake::look_given(source, Some(&fake.url), &fake::client(), now, "2026-11-01", &given(&set))
            .await;
    fake.finish();
    reading
}

/// The limit in one answer, what is used in another and in hundredths, the unit in the settings.
#[tokio::test]
async fn answers_are_kept_for_later_calls_and_a_setting_may_be_the_unit() {
    let text = r#"
id = "mine"
base_url = "https://gateway.mine.example"
[key]
[[setting]]
name = "unit"
what = "the unit"
[[call]]
path = "/limit"
beside = "before"
[[call]]
path = "/used"
[[call.quota]]
name = "key"
limit = "/before/limit"
used = "/used"
used_scale = "1/100"
unit = "{unit}"
"#;
    for unit in ["CNY", "tokens"] {
        let calls = vec![
            Exchange::ok("/limit", r#"{"limit":20}"#),
            Exchange::ok("/used", r#"{"used":150}"#),
        ];
        let reading = asked(text, calls, unit).await.unwrap();
        let window = json!({"name": "key", "used": "1.5", "limit": "20", "unit": unit});
        fixtures::assert_reading(
            &reading,
            &json!({"state": "complete", "quota_windows": [window]}),
        );
        let used = &reading.quotas[0].amounts.as_ref().unwrap().used;
        assert_eq!(matches!(used, crate::spend::Quantity::Money(_)), unit == "CNY");
    }
}

#[tokio::test]
async fn a_refusal_is_no_answer_and_nothing_is_no_refusal() {
    let text = r#"
id = "mine"
base_url = "https://gateway.mine.example"
[key]
[answer]
refusal = ["/errors"]
code = "/errors/0/code"
codes = { denied = "key-rejected" }
[[call]]
path = "/left"
[[call.balance]]
name = "left"
amount = "/left"
currency = "USD"
"#;
    let answer = |body: &str| vec![Exchange::ok("/left", body)];
    for good in [r#"{"left":1}"#, r#"{"left":1,"errors":null}"#, r#"{"left":1,"errors":[]}"#] {
        assert_eq!(asked(text, answer(good), "").await.unwrap().balances.len(), 1, "{good}");
    }
    let denied = r#"{"left":1,"errors":[{"code":"denied"}]}"#;
    let error = asked(text, answer(denied), "").await.unwrap_err();
    assert_eq!(error, SourceError::KeyRejected { status: 200 });
}

/// Rows that do not end within the pages that are read would be half of some day.
#[tokio::test]
async fn too_many_pages_are_no_costs() {
    let text = r#"
id = "mine"
base_url = "https://gateway.mine.example"
[key]
[[call]]
path = "/rows"
page = { send = { after = "/next" } }
[[call.cost]]
each = "/rows"
day = "/at"
amount = "/cost"
currency = "USD"
"#;
    let page = |number: u32| {
        // As PostgreSQL writes moments.
        let at = "2026-11-03 01:02:03.123456+00";
        let body = json!({"rows": [{"at": at, "cost": "1"}], "next": number.to_string()});
        Exchange::ok("/rows", body.to_string())
    };
    let error = asked(text, (0..100).map(page).collect(), "").await.unwrap_err();
    assert_eq!(error.to_string(), "the answer was not understood: it has more than 100 pages");
    let last = page(0).body(r#"{"rows":[{"at":"2026-11-03 01:02:03.123456+00","cost":"1"}]}"#);
    let reading = asked(text, vec![page(0), last], "").await.unwrap();
    let cost = |day: &str, amount: &str| json!({"day": day, "amount": amount, "currency": "USD"});
    let days = [cost("2026-11-01", "0"), cost("2026-11-02", "0"), cost("2026-11-03", "2")];
    fixtures::assert_reading(&reading, &json!({"state": "complete", "billed_costs": days}));
}

/// A gateway of one's own in ten lines.
#[tokio::test]
async fn ten_lines_are_enough() {
    let text = r#"
id = "mine"
base_url = "https://gateway.mine.example"
[key]
variables = ["MY_GATEWAY_KEY"]
[[call]]
path = "/spend"
query = { from = "{first}" }
[[call.cost]]
each = "/days"
day = "@key"
amount = "/cents"
scale = "1/100"
currency = "EUR"
"#;
    let source = described("mine", text);
    let fake = Fake::serve(vec![
        Exchange::ok(
            "/spend",
            r#"{"days":{"2026-11-02":{"cents":"12.5"},"2026-11-03":{"cents":3}}}"#,
        )
        .query("from", "2026-11-01"),
    ])
    .await;
    let now = "2026-11-03T12:00:00Z".parse().unwrap();
    let reading = fake::look(source, &fake.url, &fake::client(), now, "2026-11-01").await.unwrap();
    fake.finish();
    let expected = json!({"billed_costs": [
        {"day": "2026-11-02", "amount": "0.125", "currency": "EUR"},
        {"day": "2026-11-03", "amount": "0.03", "currency": "EUR"},
        {"day": "2026-11-01", "amount": "0", "currency": "USD"},
    ]});
    fixtures::assert_reading(&reading, &expected);
}
