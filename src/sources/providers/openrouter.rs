//! OpenRouter: credits left, the key's limit, and cost per UTC day.
//!
//! **Key.** From the keyring or `OPENROUTER_API_KEY`, sent as `Authorization: Bearer` to
//! `https://openrouter.ai`, or to the `base_url` of the config. A management key
//! (<https://openrouter.ai/settings/management-keys>) reads everything. An API key reads its own
//! limit and, as long as OpenRouter allows it, the credits; what it can't read the reading says.
//!
//! **Calls.**
//! - `GET /api/v1/credits` (<https://openrouter.ai/docs/api/api-reference/credits/get-credits>):
//!   `total_credits` less `total_usage`, US dollars, at least nothing.
//! - `GET /api/v1/key` (<https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key>):
//!   the key's own limit, if it has one. The reading can do without and waits three seconds.
//! - `GET /api/v1/activity`, then `?date=` for today
//!   (<https://openrouter.ai/docs/api/api-reference/analytics/get-user-activity>): one row per
//!   day, model and endpoint for the last 30 finished UTC days; today has to be asked for by
//!   date. `usage` is billed. `byok_usage_inference` is what OpenRouter reckons that another
//!   provider bills for a key of yours: estimated, and never added to the bill.
//!
//! With a gateway as `base_url` the activity is not asked for: it takes a management key, and
//! that must not go to another host.
//!
//! **Days** are UTC days. **Units** are US dollars as JSON numbers, read digit by digit.
//!
//! **Limits.** No rate limit is published; one look makes four requests. More than 20,000 rows,
//! or a row of a day to come, and the activity is refused as a whole.
//!
//! **Not covered.** Days before the last 30. Prompt tokens are not split by cache.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Deserializer};

use super::decode;
use super::endpoint::{Auth, Endpoint};
use super::parts::Parts;
use super::tally::{Charges, Tokens};
use crate::sources::{KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};
use crate::spend::{
    Balance, Charge, ChargeKind, Currency, DaySpan, Metered, Money, Quantity, QuotaWindow, Reading,
    TokenCounts, Total, UsedOf,
};

/// OpenRouter's billing endpoints.
pub struct OpenRouter;

static INFO: SourceInfo = SourceInfo {
    id: "openrouter",
    name: "OpenRouter",
    kind: SourceKind::Provider,
    account: "openrouter",
    poll_minutes: 5,
    least_minutes: 0,
    settings: &[],
    status_page: "",
    key: Some(KeySpec {
        variables: &["OPENROUTER_API_KEY"],
        kind: "a management key (sk-or-…); an API key reads less",
    }),
    base_url: "https://openrouter.ai",
    tells: "credits left, the key's limit, cost per UTC day",
    reads: "credits, key, activity",
    limits: "activity needs a management key",
};

const ACTIVITY: &str = "/api/v1/activity";
const ACTIVITY_DAYS: u64 = 30;
const MOST_ROWS: usize = 20_000;

impl Source for OpenRouter {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(read(look))
    }
}

async fn read(look: &Look<'_>) -> Result<Reading, SourceError> {
    let endpoint = Endpoint::new(look, &INFO, &Auth::Bearer)?;
    let mut parts = Parts::needing("a management key");

    let credits = endpoint.get::<Answer<Credits>>("/api/v1/credits", &[]).await;
    let credits = credits.and_then(|answer| answer.data.balance());
    if let Some(credits) = parts.keep("Credits", credits)? {
        parts.reading.balances.push(credits);
    }

    let key = endpoint.get_soon::<Answer<Key>>("/api/v1/key", &[]).await;
    if let Some(key) = parts.keep("The key's limit", key)? {
        parts.reading.totals = key.data.totals();
        parts.reading.quotas.extend(key.data.quota());
    }

    if endpoint.is_gateway() {
        let gap = "Activity is not asked for through a gateway: a management key stays with \
                   openrouter.ai.";
        parts.reading.gaps.push(gap.into());
    } else {
        activity(look, &endpoint, &mut parts).await?;
    }
    parts.finish()
}

async fn activity(
    look: &Look<'_>,
    endpoint: &Endpoint<'_>,
    parts: &mut Parts,
) -> Result<(), SourceError> {
    let today = look.now.date_naive();
    let mut rows = Rows::default();

    let finished = endpoint.get(ACTIVITY, &[]).await;
    let finished = finished.and_then(|answer: Answer<Vec<Row>>| rows.take(answer.data, today));
    if parts.keep("Activity", finished)?.is_none() {
        // Today alone would look as if all the days before were known.
        return Ok(());
    }
    let query = [("date", today.to_string())];
    let open = endpoint.get(ACTIVITY, &query).await;
    let open = open.and_then(|answer: Answer<Vec<Row>>| rows.take(answer.data, today));
    let open = parts.keep("Today's activity", open)?;

    let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
    let oldest = today.checked_sub_days(Days::new(ACTIVITY_DAYS)).unwrap_or(today);
    let first = look.since.max(oldest);
    let last = if open.is_some() { today } else { yesterday };
    if first > last {
        return Ok(());
    }
    let cover = DaySpan { first, last };
    let (charges, metered) = rows.tally(cover)?;
    let reading = &mut parts.reading;
    (reading.charges_cover, reading.charges) = (Some(cover), charges);
    (reading.metered_cover, reading.metered) = (Some(cover), metered);
    Ok(())
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Credits {
    #[serde(deserialize_with = "decode::units")]
    total_credits: i128,
    #[serde(deserialize_with = "decode::units")]
    total_usage: i128,
}

impl Credits {
    fn balance(&self) -> Result<Balance, SourceError> {
        let left = self.total_credits.checked_sub(self.total_usage);
        let left = left.ok_or_else(|| changed("`data.total_usage` is beyond any amount"))?;
        Ok(Balance { name: "credits".into(), amount: Quantity::Money(usd(left.max(0))) })
    }
}

#[derive(Deserialize)]
struct Key {
    #[serde(deserialize_with = "decode::units_or_null")]
    limit: Option<i128>,
    #[serde(deserialize_with = "decode::units_or_null")]
    limit_remaining: Option<i128>,
    limit_reset: Option<String>,
    #[serde(default, deserialize_with = "decode::units_or_null")]
    usage_daily: Option<i128>,
    #[serde(default, deserialize_with = "decode::units_or_null")]
    usage_weekly: Option<i128>,
    #[serde(default, deserialize_with = "decode::units_or_null")]
    usage_monthly: Option<i128>,
}

impl Key {
    /// What this key alone used so far; the account may have other keys.
    fn totals(&self) -> Vec<Total> {
        let periods =
            [("day", self.usage_daily), ("week", self.usage_weekly), ("month", self.usage_monthly)];
        let total = |(period, used): (&str, Option<i128>)| {
            let amount = Quantity::Money(usd(used?));
            Some(Total { name: "key".into(), period: period.into(), amount })
        };
        periods.into_iter().filter_map(total).collect()
    }

    /// The key's limit; most keys have none.
    fn quota(self) -> Option<QuotaWindow> {
        let limit = self.limit?;
        let used = limit.checked_sub(self.limit_remaining?)?;
        let [used, limit] = [used, limit].map(|attos| Quantity::Money(usd(attos)));
        let window = QuotaWindow::of("key limit", UsedOf { used, limit });
        Some(QuotaWindow { resets: self.limit_reset, ..window })
    }
}

#[derive(Deserialize)]
struct Row {
    #[serde(deserialize_with = "day")]
    date: NaiveDate,
    model: Option<String>,
    model_permaslug: Option<String>,
    endpoint_id: Option<String>,
    provider_name: Option<String>,
    #[serde(deserialize_with = "decode::units")]
    usage: i128,
    #[serde(default, deserialize_with = "decode::units_or_null")]
    byok_usage_inference: Option<i128>,
    requests: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    #[serde(default)]
    reasoning_tokens: u64,
}

/// What makes a row the same row in two answers.
type Identity = (NaiveDate, Option<String>, Option<String>, Option<String>);

/// Rows of both answers, each once: a row that comes twice has grown in between.
#[derive(Default)]
struct Rows(HashMap<Identity, Row>);

impl Rows {
    fn take(&mut self, rows: Vec<Row>, today: NaiveDate) -> Result<(), SourceError> {
        if self.0.len() + rows.len() > MOST_ROWS {
            return Err(changed("it has more than 20,000 rows"));
        }
        if rows.iter().any(|row| row.date > today) {
            return Err(changed("it holds a day to come"));
        }
        for row in rows {
            let identity = row.identity();
            if self.0.get(&identity).is_none_or(|known| known.requests <= row.requests) {
                self.0.insert(identity, row);
            }
        }
        Ok(())
    }

    fn tally(self, cover: DaySpan) -> Result<(Vec<Charge>, Vec<Metered>), SourceError> {
        let (mut charges, mut tokens) = (Charges::default(), Tokens::default());
        for row in self.0.into_values() {
            if !(cover.first..=cover.last).contains(&row.date) {
                continue;
            }
            charges.add(row.charge(ChargeKind::Billed, row.usage))?;
            if let Some(estimate) = row.byok_usage_inference.filter(|amount| *amount != 0) {
                charges.add(row.charge(ChargeKind::Estimated, estimate))?;
            }
            tokens.add(row.metered());
        }
        Ok((charges.into_charges(), tokens.into_metered()))
    }
}

impl Row {
    /// The permanent name where there is one: the plain one moves on to newer models.
    fn model(&self) -> Option<String> {
        self.model_permaslug.clone().or_else(|| self.model.clone())
    }

    fn identity(&self) -> Identity {
        (self.date, self.model(), self.endpoint_id.clone(), self.provider_name.clone())
    }

    fn charge(&self, kind: ChargeKind, attos: i128) -> Charge {
        Charge { day: self.date, amount: usd(attos), kind, model: self.model(), project: None }
    }

    fn metered(&self) -> Metered {
        let tokens = TokenCounts {
            input: self.prompt_tokens,
            output: self.completion_tokens,
            reasoning: self.reasoning_tokens.min(self.completion_tokens),
            ..TokenCounts::default()
        };
        let (day, model, requests) = (self.date, self.model(), self.requests);
        Metered { day, model, tokens, requests, web_searches: 0 }
    }
}

/// `2026-11-01`, with or without a time after it.
fn day<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveDate, D::Error> {
    let text = String::deserialize(from)?;
    let date = text.split(['T', ' ']).next().unwrap_or_default();
    date.parse().map_err(|_| {
        let found = serde::de::Unexpected::Other("other text");
        serde::de::Error::invalid_value(found, &"a day")
    })
}

fn usd(attos: i128) -> Money {
    Money { attos, currency: Currency::USD }
}

fn changed(what: &str) -> SourceError {
    SourceError::FormatChanged { what: what.into() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, Utc};

    use super::super::fake::{self, Exchange, Fake};
    use super::super::fixtures::{self, Fixture};
    use super::super::http::Client;
    use super::super::retry::Timing;
    use super::*;

    async fn look(fake: &Fake, now: DateTime<Utc>) -> Result<Reading, SourceError> {
        let client = fixtures::impatient_client();
        fake::look(&OpenRouter, &fake.url, &client, now, "2026-11-01").await
    }

    fn span(first: &str, last: &str) -> Option<DaySpan> {
        Some(DaySpan { first: first.parse().unwrap(), last: last.parse().unwrap() })
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("openrouter");
        let fake = Fake::serve(fixture.exchanges()).await;
        let reading = look(&fake, fixture.now()).await.unwrap();
        fake.finish();
        let expected = fixture.reading();
        fixtures::assert_reading(&reading, expected);
        assert_eq!(reading.charges_cover, span("2026-11-01", "2026-11-03"));
        assert_eq!(reading.gaps, Vec::<String>::new());
        assert_eq!(reading.quotas[0].resets.as_deref(), Some("monthly"));
        let first = &reading.metered[0];
        assert_eq!(first.model.as_deref(), Some("anthropic/claude-sonnet-5-20260901"));
        assert_eq!((first.tokens.input, first.tokens.output), (1200, 300));
        assert_eq!((first.tokens.reasoning, first.tokens.total(), first.requests), (100, 1500, 5));
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("openrouter");
        let errors = fixture.errors(0);
        assert_eq!(errors.len(), 3);
        for (call, expected, _) in errors.into_iter().filter(|(_, _, row)| row["only"].is_null()) {
            let fake = Fake::serve(vec![call]).await;
            assert_eq!(look(&fake, fixture.now()).await, Err(expected));
            fake.finish();
        }
    }

    #[tokio::test]
    async fn a_key_that_may_not_read_activity_still_reads_the_rest() {
        let fixture = Fixture::load("openrouter");
        let errors = fixture.errors(2);
        let (refusal, _, _) = errors.into_iter().find(|it| it.2["only"] == "activity").unwrap();
        let mut calls = fixture.exchanges();
        calls.splice(2.., [refusal]);
        let fake = Fake::serve(calls).await;
        let reading = look(&fake, fixture.now()).await.unwrap();
        fake.finish();
        assert_eq!((reading.balances.len(), reading.quotas.len()), (1, 1));
        assert_eq!((reading.charges.len(), reading.charges_cover), (0, None));
        assert_eq!(reading.gaps, ["Activity can't be read: it takes a management key (403)."]);
    }

    #[tokio::test]
    async fn a_key_that_may_read_nothing_is_the_wrong_kind() {
        let no = |path| Exchange::ok(path, "{}").status(403);
        let calls = vec![no("/api/v1/credits"), no("/api/v1/key"), no(ACTIVITY)];
        let fake = Fake::serve(calls).await;
        let now = "2026-11-03T12:00:00Z".parse().unwrap();
        assert_eq!(look(&fake, now).await, Err(SourceError::WrongKindOfKey { status: 403 }));
        fake.finish();
    }

    #[tokio::test]
    async fn a_slow_key_call_is_left_out() {
        let fixture = Fixture::load("openrouter");
        let mut calls = fixture.exchanges();
        calls[1] = calls[1].clone().delay(Duration::from_secs(30));
        let fake = Fake::serve(calls).await;
        let timing = Timing { optional: Duration::from_millis(300), ..fake::timing() };
        let client = Client::with_timing(timing);
        let reading =
            fake::look(&OpenRouter, &fake.url, &client, fixture.now(), "2026-11-01").await.unwrap();
        fake.finish();
        assert_eq!(reading.quotas, []);
        assert_eq!(
            reading.gaps,
            ["The key's limit could not be read: no answer: timed out after 300 ms."]
        );
    }

    #[tokio::test]
    async fn without_todays_activity_today_is_not_known() {
        let fixture = Fixture::load("openrouter");
        let mut calls = fixture.exchanges();
        calls[3] = calls[3].clone().status(400);
        let fake = Fake::serve(calls).await;
        let reading = look(&fake, fixture.now()).await.unwrap();
        fake.finish();
        assert_eq!(reading.charges_cover, span("2026-11-01", "2026-11-02"));
        assert_eq!(
            reading.gaps,
            [
                "Today's activity could not be read: the answer was not understood: it has the status 400."
            ]
        );
    }

    fn row(date: &str, requests: u64, usage: &str) -> String {
        format!(
            r#"{{"date":"{date}","model":"m","usage":{usage},"requests":{requests},"prompt_tokens":1,"completion_tokens":1}}"#
        )
    }

    async fn activity(first: String, today: String) -> Reading {
        let fixture = Fixture::load("openrouter");
        let mut calls = fixture.exchanges();
        for (call, rows) in calls[2..].iter_mut().zip([first, today]) {
            *call = call.clone().body(format!(r#"{{"data":[{rows}]}}"#));
        }
        let fake = Fake::serve(calls).await;
        look(&fake, fixture.now()).await.unwrap()
    }

    #[tokio::test]
    async fn a_row_that_comes_twice_counts_once_at_its_latest() {
        let rows = [row("2026-11-02 00:00:00", 3, "1"), row("2026-11-03", 4, "1.5")].join(",");
        let today = [row("2026-11-03", 5, "2"), row("2026-10-31", 1, "7")].join(",");
        let reading = activity(rows, today).await;
        let charges: Vec<_> =
            reading.charges.iter().map(|it| (it.day.to_string(), it.amount.to_decimal())).collect();
        // The row of 10-31 is before the first day asked about.
        assert_eq!(
            charges,
            [("2026-11-02".into(), "1".into()), ("2026-11-03".into(), "2".to_owned())]
        );
    }

    #[tokio::test]
    async fn days_to_come_and_too_many_rows_are_refused() {
        let reading = activity(row("2026-11-04", 1, "1"), String::new()).await;
        assert_eq!(reading.charges_cover, None);
        insta::assert_snapshot!(reading.gaps.join("\n"), @"Activity could not be read: the answer was not understood: it holds a day to come.");

        let rows = vec![row("2026-11-01", 1, "1"); MOST_ROWS + 1].join(",");
        let reading = activity(rows, String::new()).await;
        assert_eq!(reading.charges_cover, None);
        insta::assert_snapshot!(reading.gaps.join("\n"), @"Activity could not be read: the answer was not understood: it has more than 20,000 rows.");
    }

    #[tokio::test]
    async fn credits_are_never_less_than_nothing() {
        let credits = |credits: &str| {
            let credits: Answer<Credits> = decode::answer(credits.as_bytes()).unwrap();
            usd(credits.data.balance().unwrap().amount.attos()).to_decimal()
        };
        assert_eq!(credits(r#"{"data":{"total_credits":"10","total_usage":2.75}}"#), "7.25");
        assert_eq!(credits(r#"{"data":{"total_credits":1,"total_usage":2}}"#), "0");
    }

    #[test]
    fn a_key_without_limit_has_no_window() {
        let quota = |body: &str| decode::answer::<Key>(body.as_bytes()).unwrap().quota();
        assert_eq!(quota(r#"{"limit":null,"limit_remaining":null}"#), None);
        // 10 - -0.5 = 10.5: a limit can be overrun.
        let over = quota(r#"{"limit":10,"limit_remaining":-0.5}"#).unwrap();
        assert_eq!((over.used_ppm, over.resets), (1_050_000, None));
    }

    #[tokio::test]
    async fn a_management_key_does_not_go_through_a_gateway() {
        let key = crate::sources::ApiKey::new(fake::KEY);
        let gateway = |base: &str| {
            let base = base.parse().unwrap();
            let (places, marks, http) = Default::default();
            let look = Look {
                now: "2026-11-03T12:00:00Z".parse().unwrap(),
                places: &places,
                marks: &marks,
                only: None,
                most: 1,
                key: Some(&key),
                base_url: Some(&base),
                settings: &Default::default(),
                since: "2026-11-01".parse().unwrap(),
                http: &http,
            };
            Endpoint::new(&look, &INFO, &Auth::Bearer).unwrap().is_gateway()
        };
        assert!(gateway("https://gateway.example/openrouter"));
        assert!(!gateway("https://openrouter.ai/api/v1"));
        assert!(!gateway("http://127.0.0.1:4000"));
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_asked() {
        assert_eq!(fake::look_without_key(&OpenRouter).await, Err(SourceError::NeedsKey));
    }
}
