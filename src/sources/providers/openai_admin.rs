//! OpenAI, billed cost and tokens per UTC day.
//!
//! **Key.** An admin key (`sk-admin-…`), made by an owner of the organisation at
//! <https://platform.openai.com/settings/organization/admin-keys>, from the keyring or
//! `OPENAI_ADMIN_KEY`. Project and service-account keys are refused with 401 or 403. It is sent as
//! `Authorization: Bearer` to `https://api.openai.com`, or to the `base_url` of the config.
//!
//! **Calls.**
//! - `GET /v1/organization/costs`, buckets of one day, at most 180 a request
//!   (<https://platform.openai.com/docs/api-reference/usage/costs>). `amount.value` is in whole
//!   units of `amount.currency`, as a number or a decimal text; null is nothing, other text is
//!   refused. Adjustments are negative. Currencies stay apart.
//! - `GET /v1/organization/usage/completions`, by model, buckets of one day, at most 31 a request
//!   (<https://platform.openai.com/docs/api-reference/usage/completions>). `input_tokens` holds
//!   cached, cache-write, audio and image input too; `output_tokens` holds audio output. All
//!   other counts are parts of these two and are never added.
//!
//! **Days** are UTC days. The day that is not over is billed so far; bills come in late and past
//! days may still change. Days to come are left out.
//!
//! **Limits.** No rate limit is published; one look makes two requests for up to 31 days.
//!
//! **Not covered.** Subscriptions (ChatGPT, Codex on a plan). Token counts are of completions
//! only: embeddings, images, audio and the like are in the costs but not in the tokens. If the
//! tokens can't be read the costs stand, and the reading says that the tokens are missing.

use chrono::NaiveDate;
use serde::Deserialize;

use super::decode;
use super::endpoint::{Auth, Endpoint};
use super::reports::{self, Report, end_of, length, start_of};
use super::tally::{Charges, Tokens};
use crate::sources::{KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};
use crate::spend::{Charge, ChargeKind, Currency, DaySpan, Metered, Money, Reading, TokenCounts};

/// OpenAI's billing endpoints.
pub struct OpenAiAdmin;

static INFO: SourceInfo = SourceInfo {
    id: "openai-admin",
    name: "OpenAI",
    kind: SourceKind::Provider,
    account: "openai",
    poll_minutes: 5,
    least_minutes: 0,
    settings: &[],
    status_page: "https://status.openai.com",
    key: Some(KeySpec { variables: &["OPENAI_ADMIN_KEY"], kind: "an admin key (sk-admin-…)" }),
    base_url: "https://api.openai.com",
    tells: "billed cost and tokens per UTC day",
    reads: "costs, completions usage",
    limits: "costs come per UTC day",
};

const MOST_COST_DAYS: u64 = 180;
const MOST_USAGE_DAYS: u64 = 31;

impl Source for OpenAiAdmin {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(read(look))
    }
}

async fn read(look: &Look<'_>) -> Result<Reading, SourceError> {
    let endpoint = Endpoint::new(look, &INFO, &Auth::Bearer)?;
    let days = (look.since, look.now.date_naive());
    let mut reading = Reading::default();

    let costs = "/v1/organization/costs";
    let costs = reports::read(&endpoint, costs, days, MOST_COST_DAYS, asked).await?;
    reports::note_missing(&mut reading, &costs);
    reading.charges_cover = costs.cover();
    reading.charges = charges(costs)?;

    let usage = "/v1/organization/usage/completions";
    let by_model = |span| [asked(span), vec![("group_by", "model".into())]].concat();
    let usage = reports::read(&endpoint, usage, days, MOST_USAGE_DAYS, by_model).await;
    if let Some(usage) = reports::or_without_tokens(&mut reading, usage)? {
        reading.metered_cover = usage.cover();
        reading.metered = metered(usage);
    }
    Ok(reading)
}

fn asked(span: DaySpan) -> Vec<(&'static str, String)> {
    vec![
        ("start_time", start_of(span.first).timestamp().to_string()),
        ("end_time", end_of(span.last).timestamp().to_string()),
        ("bucket_width", "1d".into()),
        ("limit", length(span).to_string()),
    ]
}

#[derive(Deserialize)]
struct Cost {
    amount: Amount,
    project_id: Option<String>,
}

#[derive(Deserialize)]
struct Amount {
    #[serde(deserialize_with = "decode::units_or_null")]
    value: Option<i128>,
    currency: Currency,
}

fn charges(report: Report<Cost>) -> Result<Vec<Charge>, SourceError> {
    let mut charges = Charges::default();
    for (day, cost) in report.into_rows() {
        let Amount { value, currency } = cost.amount;
        charges.add(Charge {
            day,
            amount: Money { attos: value.unwrap_or(0), currency },
            kind: ChargeKind::Billed,
            model: None,
            project: cost.project_id,
        })?;
    }
    Ok(charges.into_charges())
}

#[derive(Deserialize)]
struct Completions {
    input_tokens: u64,
    input_cached_tokens: Option<u64>,
    input_cache_write_tokens: Option<u64>,
    output_tokens: u64,
    num_model_requests: Option<u64>,
    model: Option<String>,
}

fn metered(report: Report<Completions>) -> Vec<Metered> {
    let mut tokens = Tokens::default();
    for (day, row) in report.into_rows() {
        tokens.add(row.metered(day));
    }
    tokens.into_metered()
}

impl Completions {
    /// Cuts the input into its disjoint parts.
    fn metered(self, day: NaiveDate) -> Metered {
        let cache_read = self.input_cached_tokens.unwrap_or(0).min(self.input_tokens);
        let rest = self.input_tokens - cache_read;
        let cache_write_5m = self.input_cache_write_tokens.unwrap_or(0).min(rest);
        let tokens = TokenCounts {
            input: rest - cache_write_5m,
            cache_read,
            cache_write_5m,
            output: self.output_tokens,
            ..TokenCounts::default()
        };
        let requests = self.num_model_requests.unwrap_or(0);
        Metered { day, model: self.model, tokens, requests, web_searches: 0 }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::super::fake::{self, Exchange, Fake};
    use super::super::fixtures::{self, Fixture};
    use super::*;
    use crate::spend::DaySpan;

    const COSTS: &str = "/v1/organization/costs";
    const USAGE: &str = "/v1/organization/usage/completions";
    const NOTHING: &str = r#"{"object":"page","data":[],"has_more":false,"next_page":null}"#;

    /// The usage call of the fixture stops a day before the costs call; this reader asks both
    /// about the same days.
    fn loosened(calls: Vec<Exchange>) -> Vec<Exchange> {
        let loosen = |call: Exchange| match call.path() {
            USAGE => call.any_query(&["end_time", "limit"]),
            _ => call,
        };
        calls.into_iter().map(loosen).collect()
    }

    async fn look(fake: &Fake, now: DateTime<Utc>) -> Result<Reading, SourceError> {
        let client = fixtures::impatient_client();
        fake::look(&OpenAiAdmin, &fake.url, &client, now, "2026-11-01").await
    }

    fn noon() -> DateTime<Utc> {
        "2026-11-03T12:00:00Z".parse().unwrap()
    }

    fn span(first: &str, last: &str) -> Option<DaySpan> {
        Some(DaySpan { first: first.parse().unwrap(), last: last.parse().unwrap() })
    }

    /// A page with one bucket per `(start, results)`.
    fn page(buckets: &[(i64, &str)]) -> String {
        let bucket = |(start, results): &(i64, &str)| {
            format!(
                r#"{{"start_time":{start},"end_time":{},"results":[{results}]}}"#,
                start + 86_400
            )
        };
        let data: Vec<String> = buckets.iter().map(bucket).collect();
        format!(r#"{{"data":[{}],"has_more":false,"next_page":null}}"#, data.join(","))
    }

    fn dollars(value: &str) -> String {
        format!(r#"{{"amount":{{"value":{value},"currency":"usd"}},"project_id":null}}"#)
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("openai-admin");
        let fake = Fake::serve(loosened(fixture.exchanges())).await;
        let reading = look(&fake, fixture.now()).await.unwrap();
        fake.finish();
        let expected = fixture.reading();
        fixtures::assert_costs(&reading, ChargeKind::Billed, &expected["billed_costs"]);
        fixtures::assert_usage(&reading, &expected["usage"]);
        assert_eq!(reading.charges_cover, span("2026-11-01", "2026-11-03"));
        assert_eq!(reading.metered_cover, span("2026-11-01", "2026-11-02"));
        assert_eq!(reading.gaps, Vec::<String>::new());
        assert!(reading.charges.iter().all(|charge| charge.kind == ChargeKind::Billed));
    }

    #[tokio::test]
    async fn the_variants_read_as_expected() {
        let fixture = Fixture::load("openai-admin");
        let variants = fixture.variants();
        assert_eq!(variants.len(), 3);
        for (calls, bad, variant) in variants {
            let fake = Fake::serve(loosened(calls)).await;
            let outcome = look(&fake, fixture.now()).await;
            fake.finish();
            if bad {
                assert!(matches!(outcome, Err(SourceError::FormatChanged { .. })), "{outcome:?}");
            } else {
                let reading = outcome.unwrap();
                fixtures::assert_costs(&reading, ChargeKind::Billed, &variant["billed_costs"]);
            }
        }
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("openai-admin");
        let errors = fixture.errors(0);
        assert_eq!(errors.len(), 3);
        for (call, expected, _) in errors {
            let fake = Fake::serve(vec![call]).await;
            assert_eq!(look(&fake, fixture.now()).await, Err(expected));
            fake.finish();
        }
    }

    #[tokio::test]
    async fn tokens_that_cannot_be_read_leave_the_costs() {
        let fixture = Fixture::load("openai-admin");
        let faults = [
            (Exchange::ok(USAGE, "{}").status(403), "the key may not read this (403)"),
            (
                Exchange::ok(USAGE, r#"{"items":[]}"#),
                "the answer was not understood: the answer has no field `data`",
            ),
        ];
        for (fault, reason) in faults {
            let mut calls = fixture.exchanges();
            calls[2] = fault;
            let fake = Fake::serve(calls).await;
            let reading = look(&fake, fixture.now()).await.unwrap();
            fake.finish();
            fixtures::assert_costs(
                &reading,
                ChargeKind::Billed,
                &fixture.reading()["billed_costs"],
            );
            assert_eq!((reading.metered.len(), reading.metered_cover), (0, None));
            assert_eq!(reading.gaps, [format!("Tokens per day could not be read: {reason}.")]);
        }
        for (status, expected) in [
            (401, SourceError::KeyRejected { status: 401 }),
            (429, SourceError::RateLimited { retry_after: None }),
        ] {
            let mut calls = fixture.exchanges();
            calls[2] = Exchange::ok(USAGE, "{}").status(status);
            let fake = Fake::serve(calls).await;
            assert_eq!(look(&fake, fixture.now()).await, Err(expected));
            fake.finish();
        }
    }

    #[tokio::test]
    async fn only_days_that_are_in_the_answer_are_known() {
        // 2026-11-01 is 1793491200; the answer holds the 1st, 3rd and, empty, the 4th to come.
        let costs = page(&[
            (1_793_491_200, &dollars("1.5")),
            (1_793_664_000, &dollars("2")),
            (1_793_750_400, &dollars("9")),
        ]);
        let fake =
            Fake::serve(vec![Exchange::ok(COSTS, costs), Exchange::ok(USAGE, NOTHING)]).await;
        let reading = look(&fake, noon()).await.unwrap();
        fake.finish();
        assert_eq!(reading.charges_cover, span("2026-11-01", "2026-11-03"));
        let amounts: Vec<_> =
            reading.charges.iter().map(|charge| charge.amount.to_decimal()).collect();
        assert_eq!(amounts, ["1.5", "2"]);
        assert_eq!(reading.gaps, ["The cost report leaves out 2026-11-02."]);
    }

    #[tokio::test]
    async fn no_buckets_are_not_zero_dollars() {
        let fake =
            Fake::serve(vec![Exchange::ok(COSTS, NOTHING), Exchange::ok(USAGE, NOTHING)]).await;
        let reading = look(&fake, noon()).await.unwrap();
        fake.finish();
        assert_eq!((reading.charges.len(), reading.charges_cover), (0, None));
        assert_eq!(reading.gaps, ["The cost report holds no days."]);
    }

    #[tokio::test]
    async fn long_windows_are_cut_at_180_and_31_days() {
        // From 2026-05-06 to 2026-11-03 there are 182 days.
        let unix = |day: &str| start_of(day.parse().unwrap()).timestamp().to_string();
        let call = |path, first, end, days: &str| {
            Exchange::ok(path, NOTHING)
                .query("start_time", &unix(first))
                .query("end_time", &unix(end))
                .query("limit", days)
        };
        let fake = Fake::serve(vec![
            call(COSTS, "2026-05-06", "2026-11-02", "180"),
            call(COSTS, "2026-11-02", "2026-11-04", "2"),
            call(USAGE, "2026-05-06", "2026-06-06", "31"),
            call(USAGE, "2026-06-06", "2026-07-07", "31"),
            call(USAGE, "2026-07-07", "2026-08-07", "31"),
            call(USAGE, "2026-08-07", "2026-09-07", "31"),
            call(USAGE, "2026-09-07", "2026-10-08", "31"),
            call(USAGE, "2026-10-08", "2026-11-04", "27"),
        ])
        .await;
        let client = fixtures::patient_client();
        fake::look(&OpenAiAdmin, &fake.url, &client, noon(), "2026-05-06").await.unwrap();
        fake.finish();
    }

    #[tokio::test]
    async fn pages_without_end_are_refused() {
        let more = |cursor: &str| format!(r#"{{"data":[],"has_more":true,"next_page":{cursor}}}"#);
        for (pages, what) in [
            (vec![more("null")], "`has_more` is set but `next_page` is missing"),
            (vec![more(r#""""#)], "`has_more` is set but `next_page` is missing"),
            (vec![more(r#""a""#), more(r#""b""#), more(r#""a""#)], "`next_page` leads in a circle"),
            (
                (0..100).map(|page| more(&format!("\"{page}\""))).collect(),
                "it has more than 100 pages",
            ),
        ] {
            let calls = pages.into_iter().map(|page| Exchange::ok(COSTS, page)).collect();
            let fake = Fake::serve(calls).await;
            let error = look(&fake, noon()).await.unwrap_err();
            fake.finish();
            assert_eq!(error, SourceError::FormatChanged { what: what.into() });
        }
    }

    #[test]
    fn parts_of_the_input_are_never_more_than_the_input() {
        let row = |cached, written| Completions {
            input_tokens: 100,
            input_cached_tokens: cached,
            input_cache_write_tokens: written,
            output_tokens: 7,
            num_model_requests: None,
            model: None,
        };
        let parts = |row: Completions| {
            let tokens = row.metered("2026-11-01".parse().unwrap()).tokens;
            assert_eq!(tokens.total(), 107);
            (tokens.input, tokens.cache_read, tokens.cache_write_5m)
        };
        assert_eq!(parts(row(None, None)), (100, 0, 0));
        assert_eq!(parts(row(Some(60), Some(30))), (10, 60, 30));
        assert_eq!(parts(row(Some(900), Some(900))), (0, 100, 0));
        assert_eq!(parts(row(Some(60), Some(900))), (0, 60, 40));
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_asked() {
        assert_eq!(fake::look_without_key(&OpenAiAdmin).await, Err(SourceError::NeedsKey));
    }
}
