//! Anthropic, billed cost and tokens per UTC day.
//!
//! **Key.** An admin key (`sk-ant-admin…`), made by an admin of the organisation at
//! <https://platform.claude.com/settings/admin-keys>, from the keyring or `ANTHROPIC_ADMIN_KEY`.
//! Accounts of individuals have none. It is sent as `x-api-key`, with `anthropic-version:
//! 2023-06-01`, to `https://api.anthropic.com`, or to the `base_url` of the config.
//!
//! **Calls** (<https://platform.claude.com/docs/en/build-with-claude/usage-cost-api>), buckets of
//! one day, at most 31 a request.
//! - `GET /v1/organizations/cost_report` by description, so that each row names its model.
//!   `amount` is a decimal text in **hundredths** of the currency: "123.45" USD is $1.2345. An
//!   empty amount is refused.
//! - `GET /v1/organizations/usage_report/messages` by model and service tier. Uncached input,
//!   cache writes of 5 minutes and of one hour, cache reads and output are disjoint.
//!
//! **Days** are UTC days; the day that is not over is billed so far, minutes late.
//!
//! **Limits.** About one request a minute sustained; one look makes two for up to 31 days.
//!
//! **Not covered.** Priority Tier: its cost is in no report, and the reading says so on days it
//! was used. Code execution is in the costs but not in the tokens. Subscriptions (Claude Pro,
//! Max, Team). If the tokens can't be read the costs stand, and the reading says so.

use chrono::NaiveDate;
use serde::Deserialize;

use super::decode;
use super::endpoint::{Auth, Endpoint};
use super::reports::{self, Report, end_of, start_of};
use super::tally::{Charges, Tokens};
use crate::sources::{KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};
use crate::spend::{Charge, ChargeKind, Currency, DaySpan, Metered, Money, Reading, TokenCounts};

/// Anthropic's billing endpoints.
pub struct AnthropicAdmin;

static INFO: SourceInfo = SourceInfo {
    id: "anthropic-admin",
    name: "Anthropic",
    kind: SourceKind::Provider,
    account: "anthropic",
    poll_minutes: 5,
    least_minutes: 0,
    settings: &[],
    status_page: "https://status.claude.com",
    key: Some(KeySpec {
        variables: &["ANTHROPIC_ADMIN_KEY"],
        kind: "an admin key (sk-ant-admin…)",
    }),
    base_url: "https://api.anthropic.com",
    tells: "billed cost and tokens per UTC day",
    reads: "cost report, usage report",
    limits: "Priority Tier is not in the cost report",
};

const MOST_DAYS: u64 = 31;

impl Source for AnthropicAdmin {
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

    let costs = "/v1/organizations/cost_report";
    let query = |span| asked(span, &["description"]);
    let costs = reports::read(&endpoint, costs, days, MOST_DAYS, query).await?;
    reports::note_missing(&mut reading, &costs);
    reading.charges_cover = costs.cover();
    reading.charges = charges(costs)?;

    let usage = "/v1/organizations/usage_report/messages";
    let query = |span| asked(span, &["model", "service_tier"]);
    let usage = reports::read(&endpoint, usage, days, MOST_DAYS, query).await;
    if let Some(usage) = reports::or_without_tokens::<Messages>(&mut reading, usage)? {
        if usage.rows().any(Messages::is_priority) {
            let gap = "Priority Tier was used; its cost is not in Anthropic's cost report.";
            reading.gaps.push(gap.into());
        }
        reading.metered_cover = usage.cover();
        reading.metered = metered(usage);
    }
    Ok(reading)
}

fn asked(span: DaySpan, groups: &[&str]) -> Vec<(&'static str, String)> {
    let time = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut query = vec![
        ("starting_at", time(start_of(span.first))),
        ("ending_at", time(end_of(span.last))),
        ("bucket_width", "1d".into()),
        ("limit", MOST_DAYS.to_string()),
    ];
    query.extend(groups.iter().map(|group| ("group_by[]", (*group).to_owned())));
    query
}

#[derive(Deserialize)]
struct Cost {
    #[serde(deserialize_with = "decode::cents")]
    amount: i128,
    currency: Currency,
    model: Option<String>,
    workspace_id: Option<String>,
}

fn charges(report: Report<Cost>) -> Result<Vec<Charge>, SourceError> {
    let mut charges = Charges::default();
    for (day, cost) in report.into_rows() {
        charges.add(Charge {
            day,
            amount: Money { attos: cost.amount, currency: cost.currency },
            kind: ChargeKind::Billed,
            model: cost.model,
            project: cost.workspace_id,
        })?;
    }
    Ok(charges.into_charges())
}

#[derive(Deserialize)]
struct Messages {
    uncached_input_tokens: u64,
    cache_creation: CacheCreation,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    server_tool_use: Option<ServerToolUse>,
    model: Option<String>,
    service_tier: Option<String>,
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

fn metered(report: Report<Messages>) -> Vec<Metered> {
    let mut tokens = Tokens::default();
    for (day, row) in report.into_rows() {
        tokens.add(row.metered(day));
    }
    tokens.into_metered()
}

impl Messages {
    fn tokens(&self) -> TokenCounts {
        TokenCounts {
            input: self.uncached_input_tokens,
            cache_read: self.cache_read_input_tokens,
            cache_write_5m: self.cache_creation.ephemeral_5m_input_tokens,
            cache_write_1h: self.cache_creation.ephemeral_1h_input_tokens,
            output: self.output_tokens,
            reasoning: 0,
        }
    }

    fn is_priority(&self) -> bool {
        let tier = self.service_tier.as_deref().unwrap_or_default();
        tier.starts_with("priority") && !self.tokens().is_zero()
    }

    fn metered(self, day: NaiveDate) -> Metered {
        let web_searches = self.server_tool_use.as_ref().map_or(0, |used| used.web_search_requests);
        // The report counts no requests.
        Metered { day, tokens: self.tokens(), model: self.model, requests: 0, web_searches }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::super::fake::{self, Exchange, Fake, KEY};
    use super::super::fixtures::{self, Fixture};
    use super::*;

    async fn serve(calls: Vec<Exchange>) -> Fake {
        Fake::serve_with(("x-api-key", KEY.to_owned()), calls).await
    }

    async fn look(fake: &Fake, now: DateTime<Utc>) -> Result<Reading, SourceError> {
        let client = fixtures::impatient_client();
        fake::look(&AnthropicAdmin, &fake.url, &client, now, "2026-11-01").await
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("anthropic-admin");
        let fake = serve(fixture.exchanges()).await;
        let reading = look(&fake, fixture.now()).await.unwrap();
        fake.finish();
        let expected = fixture.reading();
        fixtures::assert_costs(&reading, ChargeKind::Billed, &expected["billed_costs"]);
        fixtures::assert_usage(&reading, &expected["usage"]);
        assert_eq!(reading.gaps, Vec::<String>::new());

        let charges: Vec<_> = reading
            .charges
            .iter()
            .map(|it| (it.amount.to_decimal(), it.model.as_deref(), it.project.as_deref()))
            .collect();
        // 123.45, 0.000125 and 1000 cents.
        assert_eq!(
            charges,
            [
                ("1.2345".into(), Some("claude-sonnet-5"), None),
                ("0.00000125".into(), Some("claude-sonnet-5"), Some("wrkspc_synthetic")),
                ("10".into(), None, None),
            ]
        );
    }

    #[tokio::test]
    async fn the_variants_read_as_expected() {
        let fixture = Fixture::load("anthropic-admin");
        let variants = fixture.variants();
        assert_eq!(variants.len(), 1);
        for (calls, bad, _) in variants {
            assert!(bad);
            let fake = serve(calls).await;
            let error = look(&fake, fixture.now()).await.unwrap_err();
            fake.finish();
            insta::assert_snapshot!(error, @"the answer was not understood: `data[0].results[0].amount` is not a number or a decimal text");
        }
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("anthropic-admin");
        let errors = fixture.errors(0);
        assert_eq!(errors.len(), 3);
        for (call, expected, _) in errors {
            let fake = serve(vec![call]).await;
            assert_eq!(look(&fake, fixture.now()).await, Err(expected));
            fake.finish();
        }
    }

    #[tokio::test]
    async fn the_version_header_is_sent() {
        let fixture = Fixture::load("anthropic-admin");
        let version = ("anthropic-version", "2023-06-01".to_owned());
        let fake = Fake::serve_with(version, fixture.exchanges()).await;
        look(&fake, fixture.now()).await.unwrap();
        fake.finish();
    }

    #[tokio::test]
    async fn priority_tier_is_a_gap() {
        let fixture = Fixture::load("anthropic-admin");
        let mut calls = fixture.exchanges();
        let body = String::from_utf8(fixture.body("usage-report-messages.json")).unwrap();
        let body = body.replace(r#""standard""#, r#""priority""#);
        // Without the grouping the report would not name the tier at all.
        calls[2] = calls[2].clone().body(body).query("group_by[]", "service_tier");
        let fake = serve(calls).await;
        let reading = look(&fake, fixture.now()).await.unwrap();
        fake.finish();
        assert_eq!(
            reading.gaps,
            ["Priority Tier was used; its cost is not in Anthropic's cost report."]
        );
    }

    #[tokio::test]
    async fn tokens_that_cannot_be_read_leave_the_costs() {
        let fixture = Fixture::load("anthropic-admin");
        let mut calls = fixture.exchanges();
        let body = String::from_utf8(fixture.body("usage-report-messages.json")).unwrap();
        calls[2] = calls[2].clone().body(body.replace("uncached_input_tokens", "input_tokens"));
        let fake = serve(calls).await;
        let reading = look(&fake, fixture.now()).await.unwrap();
        fake.finish();
        fixtures::assert_costs(&reading, ChargeKind::Billed, &fixture.reading()["billed_costs"]);
        assert_eq!(reading.metered_cover, None);
        insta::assert_snapshot!(reading.gaps.join("\n"), @"Tokens per day could not be read: the answer was not understood: `data[0].results[0]` has no field `uncached_input_tokens`.");
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_asked() {
        assert_eq!(fake::look_without_key(&AnthropicAdmin).await, Err(SourceError::NeedsKey));
    }
}
