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
    key: Some(KeySpec { variables: &["OPENAI_ADMIN_KEY"], kind: "an admin key (sk-admin-…)" }),
    base_url: "https://api.openai.com",
    tells: "billed cost and tokens per UTC day",
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
    let endpoint = Endpoint::new(look, &INFO, Auth::Bearer)?;
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
