//! The answers under `tests/fixtures/providers` with what they must give, for tests. Their
//! README explains `expected.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::fake::{Exchange, client, timing};
use super::http::Client;
use super::retry::Timing;
use crate::sources::SourceError;
use crate::spend::{ChargeKind, Currency, Metered, Money, Quantity, QuotaWindow, Reading};

/// One provider's folder.
pub struct Fixture {
    folder: PathBuf,
    expected: Value,
}

impl Fixture {
    /// Loads a folder.
    pub fn load(provider: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/providers")
            .join(provider);
        let text = std::fs::read(folder.join("expected.json")).unwrap();
        Self { folder, expected: serde_json::from_slice(&text).unwrap() }
    }

    /// The clock of the test.
    pub fn now(&self) -> DateTime<Utc> {
        text(&self.expected["now"]).parse().unwrap()
    }

    /// Everything in `expected.json`.
    pub fn expected(&self) -> &Value {
        &self.expected
    }

    /// The first day that is asked about.
    pub fn since(&self) -> String {
        self.expected["since"].as_str().unwrap_or("2026-11-01").to_owned()
    }

    /// What one look must give.
    pub fn reading(&self) -> &Value {
        &self.expected["reading"]
    }

    /// One answer's body.
    pub fn body(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(file)).unwrap()
    }

    /// The calls in order.
    pub fn exchanges(&self) -> Vec<Exchange> {
        list(&self.expected["exchanges"])
            .iter()
            .map(|call| {
                let status = call["status"].as_u64().unwrap() as u16;
                let body = self.body(&text(&call["file"]));
                let mut exchange = Exchange::ok(&text(&call["path"]), body).status(status);
                if call["method"] == "POST" {
                    exchange = exchange.posted(call["body"].clone());
                }
                for (name, value) in call["query"].as_object().into_iter().flatten() {
                    exchange = exchange.query(name, &text(value));
                }
                exchange
            })
            .collect()
    }

    /// The variants: other answers in place of the first calls', whether they are a bad answer,
    /// and what they must give otherwise.
    pub fn variants(&self) -> Vec<(Vec<Exchange>, bool, &Value)> {
        let calls = self.exchanges();
        let report = calls[0].path().to_owned();
        list(&self.expected["variants"])
            .iter()
            .map(|variant| {
                let files = list(&variant["files"]);
                let replaced = calls
                    .iter()
                    .zip(files)
                    .map(|(call, file)| call.clone().body(self.body(&text(file))));
                let bad = variant["outcome"] == "bad_answer";
                let rest = calls.iter().filter(|call| !bad && call.path() != report).cloned();
                (replaced.chain(rest).collect(), bad, variant)
            })
            .collect()
    }

    /// The errors: an answer in place of the call at `index`, and the error it must become.
    pub fn errors(&self, index: usize) -> Vec<(Exchange, SourceError, &Value)> {
        list(&self.expected["errors"])
            .iter()
            .map(|error| {
                let status = error["status"].as_u64().unwrap() as u16;
                let body = self.body(&text(&error["file"]));
                let mut exchange = self.exchanges()[index].clone().status(status).body(body);
                for (name, value) in error["headers"].as_object().into_iter().flatten() {
                    exchange = exchange.header(name, &text(value));
                }
                let retry_after = error["retry_after_seconds"].as_u64().map(Duration::from_secs);
                let outcome = match text(&error["outcome"]).as_str() {
                    "key_rejected" => SourceError::KeyRejected { status },
                    "wrong_kind_of_key" | "no_access" => SourceError::WrongKindOfKey { status },
                    "token_expired" => SourceError::TokenExpired,
                    "out_of_credit" => SourceError::OutOfCredit,
                    "not_offered" => {
                        SourceError::NotOffered { what: "there is no such page (404)".into() }
                    }
                    "rate_limited" => SourceError::RateLimited { retry_after },
                    other => panic!("{other}"),
                };
                (exchange, outcome, error)
            })
            .collect()
    }
}

/// A client that hands every `Retry-After` of a second and more up at once, so that no test waits.
pub fn impatient_client() -> Client {
    Client::with_timing(Timing { longest_wait: Duration::from_millis(100), ..timing() })
}

/// A client for everything else.
pub fn patient_client() -> Client {
    client()
}

/// Compares charges per day and currency with `billed_costs` (or `estimated_costs`).
pub fn assert_costs(reading: &Reading, kind: ChargeKind, expected: &Value) {
    let mut sums: BTreeMap<(NaiveDate, Currency), Money> = BTreeMap::new();
    for charge in reading.charges.iter().filter(|charge| charge.kind == kind) {
        let cover = reading.charges_cover.unwrap();
        assert!((cover.first..=cover.last).contains(&charge.day), "{charge:?}");
        let key = (charge.day, charge.amount.currency);
        let sum = sums.entry(key).or_insert(Money::zero(charge.amount.currency));
        *sum = sum.checked_add(charge.amount).unwrap();
    }
    if kind == ChargeKind::Billed {
        // A day that the reading knows and that has no charge cost nothing.
        let cover = reading.charges_cover.unwrap();
        for day in cover.first.iter_days().take_while(|day| *day <= cover.last) {
            if !sums.keys().any(|(known, _)| *known == day) {
                sums.insert((day, Currency::USD), Money::zero(Currency::USD));
            }
        }
    }
    let expected: BTreeMap<(NaiveDate, Currency), Money> = list(expected)
        .iter()
        .map(|row| {
            let currency: Currency = text(&row["currency"]).parse().unwrap();
            let amount = Money::parse(&text(&row["amount"]), currency).unwrap();
            ((text(&row["day"]).parse().unwrap(), currency), amount)
        })
        .collect();
    assert_eq!(sums, expected);
}

/// Compares all that a section of `expected.json` names, and for a whole `reading` that there is
/// nothing more.
pub fn assert_reading(reading: &Reading, expected: &Value) {
    let whole = expected.get("state").is_some_and(|state| state == "complete");
    if let Some(state) = expected["state"].as_str() {
        assert_eq!(reading.gaps.is_empty(), state == "complete", "{:?}", reading.gaps);
    }
    for (name, kind) in [
        ("billed_costs", ChargeKind::Billed),
        ("list_costs", ChargeKind::List),
        ("estimated_costs", ChargeKind::Estimated),
    ] {
        if expected.get(name).is_some() {
            assert_costs(reading, kind, &expected[name]);
        } else if whole {
            assert!(!reading.charges.iter().any(|it| it.kind == kind), "{:?}", reading.charges);
        }
    }
    let same = |name: &str, found: Vec<Value>| {
        let Some(wanted) = expected[name].as_array() else {
            assert!(!whole || found.is_empty(), "{name}: {found:#?}");
            return;
        };
        assert!(!whole || found.len() == wanted.len(), "{name}: {found:#?}");
        for wanted in wanted {
            let is_same = |found: &&Value| {
                ["name", "scope", "period", "day", "currency"]
                    .iter()
                    .all(|field| wanted.get(field).is_none_or(|value| found[field] == *value))
            };
            let Some(found) = found.iter().find(is_same) else {
                panic!("{name}: no {wanted} in {found:#?}");
            };
            for (field, value) in wanted.as_object().unwrap() {
                if !["note", "why", "zone", "remaining", "reset", "with_included", "usd"]
                    .contains(&field.as_str())
                {
                    let told = &found[field];
                    let instant = |it: &Value| {
                        DateTime::parse_from_rfc3339(it.as_str()?).ok().map(|at| at.timestamp())
                    };
                    if instant(told).is_some_and(|it| instant(value) == Some(it)) {
                        continue;
                    }
                    let alike = told == value
                        || number_of(told).is_some_and(|it| number_of(value) == Some(it));
                    assert!(alike, "{name}: {field} of {found} is not that of {wanted}");
                }
            }
        }
    };
    let balances = reading.balances.iter().map(|it| with(&it.amount, json!({"name": it.name})));
    same("balances", balances.collect());
    let totals = reading.totals.iter();
    let totals = totals.map(|it| with(&it.amount, json!({"scope": it.name, "period": it.period})));
    let (totals, uses): (Vec<_>, Vec<_>) = totals.partition(|it| it["unit"].is_null());
    same("period_totals", totals);
    if expected.get("credit_use").is_some() {
        let of_day = |mut it: Value| {
            it["day"] = it["period"].take();
            it
        };
        same("credit_use", uses.into_iter().map(of_day).collect());
    }
    let (extra, windows): (Vec<_>, Vec<_>) =
        reading.quotas.iter().map(window).partition(|it| it["name"] == "extra usage");
    same("quota_windows", windows);
    match expected.get("overage").filter(|overage| overage["enabled"] == true) {
        Some(overage) => {
            assert_eq!(extra.len(), 1, "{extra:#?}");
            for name in ["used", "limit"] {
                assert_eq!(number_of(&extra[0][name]), number_of(&overage[name]), "{extra:#?}");
            }
            assert_eq!(extra[0]["unit"], overage["currency"]);
        }
        None => assert!(extra.is_empty(), "{extra:#?}"),
    }
    if let Some(plan) = expected["plan"].as_str() {
        assert_eq!(reading.plan.as_deref(), Some(plan));
    }
    if expected.get("usage").is_some() {
        assert_usage(reading, &expected["usage"]);
    }
}

fn with(quantity: &Quantity, mut row: Value) -> Value {
    let money = Money { attos: quantity.attos(), currency: Currency::USD };
    row["amount"] = money.to_decimal().into();
    match quantity {
        Quantity::Money(money) => row["currency"] = money.currency.code().into(),
        Quantity::Units(units) => row["unit"] = units.unit.clone().into(),
    }
    row
}

fn window(window: &QuotaWindow) -> Value {
    let share =
        Money { attos: i128::from(window.used_ppm) * 10_i128.pow(14), currency: Currency::USD };
    let mut row = json!({
        "name": window.name,
        "used_percent": share.to_decimal(),
        "window_seconds": window.seconds,
        "resets_at": window.resets_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
    });
    if let Some(amounts) = &window.amounts {
        row["used"] = with(&amounts.used, json!({}))["amount"].take();
        let limit = with(&amounts.limit, json!({}));
        row["unit"] =
            if limit["unit"].is_null() { limit["currency"].clone() } else { limit["unit"].clone() };
        row["limit"] = limit["amount"].clone();
    }
    row
}

/// "0" is "0.00".
fn number_of(value: &Value) -> Option<i128> {
    Money::parse(value.as_str()?, Currency::USD).ok().map(|money| money.attos)
}

/// Compares token totals with `usage`, field by field as far as it names them.
pub fn assert_usage(reading: &Reading, expected: &Value) {
    let rows = list(expected);
    assert_eq!(reading.metered.len(), rows.len(), "{:?}", reading.metered);
    for row in rows {
        let (day, model) = (text(&row["day"]), text(&row["model"]));
        let found = |it: &&Metered| {
            it.day.to_string() == day && it.model.as_deref() == Some(model.as_str())
        };
        let metered = reading.metered.iter().find(found).unwrap();
        let tokens = &metered.tokens;
        for (name, value) in row.as_object().unwrap() {
            let read = match name.as_str() {
                "day" | "model" => continue,
                "input_total" => tokens.prompt(),
                "input_uncached" | "input" => tokens.input,
                "input_cached" | "cache_read" => tokens.cache_read,
                "cache_write" => tokens.cache_write_5m + tokens.cache_write_1h,
                "cache_write_5m" => tokens.cache_write_5m,
                "cache_write_1h" => tokens.cache_write_1h,
                "output" => tokens.output,
                "total" => tokens.total(),
                "requests" => metered.requests,
                "web_searches" => metered.web_searches,
                other => panic!("{other}"),
            };
            assert_eq!(Some(read), value.as_u64(), "{day} {model} {name}");
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
