//! Claude Enterprise: cost after discount, list price and tokens per UTC day and model.
//!
//! **Key.** An analytics key with the scope `read:analytics`, made by a primary owner at
//! <https://claude.ai/analytics/api-keys>, from the keyring or `ANTHROPIC_ANALYTICS_KEY`. It is
//! sent as `x-api-key`, with `anthropic-version: 2023-06-01`, to `https://api.anthropic.com`, or to
//! the `base_url` of the config. Organisations of the Claude Console use an admin key and
//! `anthropic-admin`.
//!
//! **Calls**, buckets of one day by model, at most 31 a request.
//! - `GET /v1/organizations/analytics/cost_report`
//!   (<https://platform.claude.com/docs/en/api/admin/analytics/cost/list>): `amount` is billed,
//!   `list_amount` is the same use at list price; decimal texts in **hundredths** of `currency`.
//! - `GET /v1/organizations/analytics/usage_report`
//!   (<https://platform.claude.com/docs/en/api/admin/analytics/usage/list>). Uncached input, cache
//!   writes of 5 minutes and of one hour, cache reads and output are disjoint.
//!
//! **Days** are UTC days. A day's cost may be revised for 30 days.
//!
//! **Limits.** Limits hold for the organisation; it is asked once an hour. A bucket holds the 100
//! largest groups and leaves the others out without a word, so it is split by model alone, and a
//! day with that many models is said.
//!
//! **Not covered.** Seats. Who used what. If the tokens can't be read the costs stand, and the
//! reading says so.

use chrono::NaiveDate;
use serde::Deserialize;

use super::decode;
use super::endpoint::{Auth, Endpoint};
use super::reports::{self, Report, end_of, start_of};
use super::tally::{Charges, Tokens};
use crate::sources::{KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};
use crate::spend::{Charge, ChargeKind, Currency, DaySpan, Metered, Money, Reading, TokenCounts};

/// The cost and usage reports of Claude Enterprise.
pub struct AnthropicAnalytics;

static INFO: SourceInfo = SourceInfo {
    id: "anthropic-analytics",
    name: "Claude Enterprise",
    kind: SourceKind::Provider,
    account: "claude enterprise",
    poll_minutes: 60,
    least_minutes: 0,
    settings: &[],
    key: Some(KeySpec {
        variables: &["ANTHROPIC_ANALYTICS_KEY"],
        kind: "an analytics key with the scope read:analytics",
    }),
    status_page: "https://status.claude.com",
    base_url: "https://api.anthropic.com",
    tells: "billed cost, list price and tokens per UTC day and model",
    reads: "analytics cost report, usage report",
    limits: "Claude Enterprise only; a day may be revised for 30 days",
};

const MOST_DAYS: u64 = 31;
const MOST_GROUPS: usize = 100;

impl Source for AnthropicAnalytics {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(read(look))
    }
}

async fn read(look: &Look<'_>) -> Result<Reading, SourceError> {
    let endpoint = Endpoint::new(look, &INFO, &Auth::Header("x-api-key".into()))?
        .with_header("anthropic-version", "2023-06-01");
    let days = (look.since, look.now.date_naive());
    let mut reading = Reading::default();

    let costs = "/v1/organizations/analytics/cost_report";
    let costs: Report<Cost> = reports::read(&endpoint, costs, days, MOST_DAYS, asked).await?;
    reports::note_missing(&mut reading, &costs);
    for (day, rows) in costs.days.iter().filter(|(_, rows)| rows.len() >= MOST_GROUPS) {
        let gap = format!("The cost report tells only the largest {} models of {day}.", rows.len());
        reading.gaps.push(gap);
    }
    reading.charges_cover = costs.cover();
    reading.charges = charges(costs)?;

    let usage = "/v1/organizations/analytics/usage_report";
    let usage = reports::read(&endpoint, usage, days, MOST_DAYS, asked).await;
    if let Some(usage) = reports::or_without_tokens::<Used>(&mut reading, usage)? {
        reading.metered_cover = usage.cover();
        let mut tokens = Tokens::default();
        for (day, row) in usage.into_rows() {
            tokens.add(row.metered(day));
        }
        reading.metered = tokens.into_metered();
    }
    Ok(reading)
}

fn asked(span: DaySpan) -> Vec<(&'static str, String)> {
    let time = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    vec![
        ("starting_at", time(start_of(span.first))),
        ("ending_at", time(end_of(span.last))),
        ("bucket_width", "1d".into()),
        ("limit", MOST_DAYS.to_string()),
        ("group_by[]", "model".into()),
    ]
}

#[derive(Deserialize)]
struct Cost {
    #[serde(deserialize_with = "decode::cents")]
    amount: i128,
    #[serde(default, deserialize_with = "decode::cents_or_null")]
    list_amount: Option<i128>,
    currency: Currency,
    model: Option<String>,
}

fn charges(report: Report<Cost>) -> Result<Vec<Charge>, SourceError> {
    let mut charges = Charges::default();
    for (day, cost) in report.into_rows() {
        let kinds = [(ChargeKind::Billed, Some(cost.amount)), (ChargeKind::List, cost.list_amount)];
        for (kind, attos) in kinds {
            if let Some(attos) = attos.filter(|attos| *attos != 0) {
                let amount = Money { attos, currency: cost.currency };
                let model = cost.model.clone();
                charges.add(Charge { day, amount, kind, model, project: None })?;
            }
        }
    }
    Ok(charges.into_charges())
}

#[derive(Deserialize)]
struct Used {
    uncached_input_tokens: u64,
    cache_creation: CacheCreation,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(default)]
    requests: Option<u64>,
    server_tool_use: Option<ServerToolUse>,
    model: Option<String>,
}

#[derive(Deserialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Deserialize)]
struct ServerToolUse {
    web_search_requests: u64,
}

impl Used {
    fn metered(self, day: NaiveDate) -> Metered {
        let tokens = TokenCounts {
            input: self.uncached_input_tokens,
            cache_read: self.cache_read_input_tokens,
            cache_write_5m: self.cache_creation.ephemeral_5m_input_tokens,
            cache_write_1h: self.cache_creation.ephemeral_1h_input_tokens,
            output: self.output_tokens,
            reasoning: 0,
        };
        let web_searches = self.server_tool_use.map_or(0, |used| used.web_search_requests);
        let requests = self.requests.unwrap_or_default();
        Metered { day, model: self.model, tokens, requests, web_searches }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::super::fake::{self, Exchange, Fake, KEY};
    use super::super::fixtures::{self, Fixture};
    use super::*;

    async fn look(calls: Vec<Exchange>) -> Result<Reading, SourceError> {
        let fake = Fake::serve_with(("x-api-key", KEY.to_owned()), calls).await;
        let client = fixtures::impatient_client();
        let now: DateTime<Utc> = Fixture::load("anthropic-analytics").now();
        let reading = fake::look(&AnthropicAnalytics, &fake.url, &client, now, "2026-11-01").await;
        fake.finish();
        reading
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("anthropic-analytics");
        let reading = look(fixture.exchanges()).await.unwrap();
        fixtures::assert_reading(&reading, fixture.reading());
        let billed: Vec<_> = reading
            .charges
            .iter()
            .filter(|it| it.kind == ChargeKind::Billed)
            .map(|it| (it.amount.to_decimal(), it.model.as_deref()))
            .collect();
        let opus = Some("claude-opus-5");
        assert_eq!(
            billed,
            [("0.5".into(), None), ("412.8".into(), opus), ("0.00000125".to_owned(), opus)]
        );
    }

    #[tokio::test]
    async fn the_variants_read_as_expected() {
        let fixture = Fixture::load("anthropic-analytics");
        let variants = fixture.variants();
        assert_eq!(variants.len(), 1);
        for (calls, bad, _) in variants {
            assert!(bad);
            let error = look(calls).await.unwrap_err();
            insta::assert_snapshot!(error, @"the answer was not understood: `data[0].results[0]` has no field `amount`");
        }
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("anthropic-analytics");
        let errors = fixture.errors(0);
        assert_eq!(errors.len(), 3);
        for (call, expected, _) in errors {
            assert_eq!(look(vec![call]).await, Err(expected));
        }
    }

    #[tokio::test]
    async fn the_version_header_is_sent() {
        let mut calls = Fixture::load("anthropic-analytics").exchanges();
        calls[0] = calls[0].clone().asked_with("anthropic-version", "2023-06-01");
        look(calls).await.unwrap();
    }

    #[tokio::test]
    async fn a_day_with_as_many_models_as_are_told_is_partial() {
        let mut calls = Fixture::load("anthropic-analytics").exchanges();
        let row = r#"{"amount":"100","list_amount":null,"currency":"USD","model":"m"}"#;
        let rows = vec![row; MOST_GROUPS].join(",");
        calls[1] = calls[1].clone().body(format!(
            r#"{{"data":[{{"starting_at":"2026-11-02T00:00:00Z","ending_at":"2026-11-03T00:00:00Z","results":[{rows}]}}],"has_more":false,"next_page":null}}"#
        ));
        let reading = look(calls).await.unwrap();
        assert_eq!(
            reading.gaps,
            ["The cost report tells only the largest 100 models of 2026-11-02."]
        );
    }

    #[tokio::test]
    async fn tokens_that_cannot_be_read_leave_the_costs() {
        let mut calls = Fixture::load("anthropic-analytics").exchanges();
        calls[2] = calls[2].clone().status(403);
        let reading = look(calls).await.unwrap();
        assert_eq!((reading.charges.len(), reading.metered_cover), (5, None));
        insta::assert_snapshot!(reading.gaps.join("\n"), @"Tokens per day could not be read: the key may not read this (403).");
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_asked() {
        assert_eq!(fake::look_without_key(&AnthropicAnalytics).await, Err(SourceError::NeedsKey));
    }
}
