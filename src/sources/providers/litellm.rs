//! LiteLLM, a gateway of one's own: what it reckons that models cost per UTC day, and budgets.
//!
//! **Address.** The `base_url` of the config, else `LITELLM_BASE_URL`; a `/v1` at its end is left
//! out. Plain http only on this machine.
//!
//! **Key.** A virtual key from the keyring or `LITELLM_API_KEY`, sent as `Authorization: Bearer`.
//!
//! **Calls.**
//! - `GET /key/info` (<https://docs.litellm.ai/docs/proxy/virtual_keys>): the key's spend and
//!   budget, its user and its team.
//! - `GET /user/info?user_id=` for that user, with its teams, and `GET /team/info?team_id=` where
//!   the team is not among them (<https://docs.litellm.ai/docs/proxy/users>). An answer about
//!   somebody else is refused.
//! - `GET /user/daily/activity`, page by page (<https://docs.litellm.ai/docs/proxy/cost_tracking>):
//!   spend and tokens per UTC day, split by model where it says so; what it does not split counts
//!   without a model. Keys that may call models only get 403: then the budgets stay.
//!
//! **Units** are US dollars as numbers, by LiteLLM's own price table: estimated, and no bill. Cache
//! reads and writes are inside `prompt_tokens`.
//!
//! **Days** are UTC days. Spend of a key, user or team starts anew with its budget, so it is a
//! total and no sum of days.
//!
//! **Limits.** No rate limit is published; one look makes three requests and one more for each
//! thousand rows, at most 100.
//!
//! **Not covered.** Other users of the gateway: what an admin sees is not asked for.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use url::Url;

use super::decode;
use super::endpoint::{Auth, Endpoint};
use super::parts::Parts;
use super::tally::{Charges, Tokens};
use crate::sources::{KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};
use crate::spend::source::SettingSpec;
use crate::spend::{
    Charge, ChargeKind, Currency, DaySpan, Metered, Money, Quantity, QuotaWindow, Reading,
    TokenCounts, Total, UsedOf,
};

/// A LiteLLM proxy.
pub struct LiteLlm;

static INFO: SourceInfo = SourceInfo {
    id: "litellm",
    name: "LiteLLM",
    kind: SourceKind::Provider,
    account: "litellm",
    poll_minutes: 5,
    least_minutes: 0,
    settings: &[SettingSpec {
        name: "address",
        variable: "LITELLM_BASE_URL",
        what: "the proxy's address, where base_url does not say it",
        default: None,
    }],
    key: Some(KeySpec { variables: &["LITELLM_API_KEY"], kind: "a virtual key (sk-…)" }),
    status_page: "",
    base_url: "",
    tells: "estimated cost and tokens per UTC day and model; budgets of key, user and team",
    reads: "key, user and team info, daily activity",
    limits: "needs base_url or `LITELLM_BASE_URL`; LiteLLM's own prices, no bill",
};

const ACTIVITY: &str = "/user/daily/activity";
const PAGE_ROWS: u64 = 1000;
const MOST_PAGES: u64 = 100;

impl Source for LiteLlm {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(read(look))
    }
}

async fn read(look: &Look<'_>) -> Result<Reading, SourceError> {
    if look.key.is_none() {
        return Err(SourceError::NeedsKey);
    }
    let base = address(look)?;
    let look = &Look { base_url: base.as_ref(), ..*look };
    let endpoint = Endpoint::new(look, &INFO, &Auth::Bearer)?;
    let mut parts = Parts::needing("a key that may call more than models");

    let key: KeyAnswer = endpoint.get("/key/info", &[]).await?;
    let key = key.info;
    key.add_to(&mut parts.reading, "key", "key budget".into());

    let mut teams = Vec::new();
    if let Some(id) = &key.user_id {
        let user = user(&endpoint, id).await;
        if let Some(user) = parts.keep("The user's budget", user)? {
            user.user_info.add_to(&mut parts.reading, "user", "user budget".into());
            teams = user.teams;
        }
    }
    if let Some(id) = &key.team_id {
        let team = match teams.into_iter().find(|team| team.team_id.as_ref() == Some(id)) {
            Some(team) => Ok(team),
            None => team(&endpoint, id).await,
        };
        if let Some(team) = parts.keep("The team's budget", team)? {
            let name = team.team_alias.as_deref().unwrap_or(id);
            team.add_to(&mut parts.reading, &format!("team {name}"), format!("team {name}"));
        }
    }

    if key.user_id.is_some() {
        let today = look.now.date_naive();
        let days = DaySpan { first: look.since.min(today), last: today };
        let activity = activity(&endpoint, days).await;
        if let Some(activity) = parts.keep("Cost per day", activity)? {
            activity.add_to(&mut parts.reading, days);
        }
    } else {
        let gap = "Cost per day is told of users only, and the key belongs to none.";
        parts.reading.gaps.push(gap.into());
    }
    Ok(parts.reading)
}

/// Where the proxy is; `None` when nobody said so.
fn address(look: &Look<'_>) -> Result<Option<Url>, SourceError> {
    let mut base = match look.base_url {
        Some(base) => base.clone(),
        None => match look.setting(&INFO, "address").ok() {
            Some(text) => Url::parse(&text).map_err(|_| SourceError::Misconfigured {
                what: "LITELLM_BASE_URL is no address; write it as https://host".into(),
            })?,
            None => return Ok(None),
        },
    };
    // People copy the address that they gave to their programs.
    let path = base.path().trim_end_matches('/');
    if let Some(path) = path.strip_suffix("/v1").map(str::to_owned) {
        base.set_path(&path);
    }
    Ok(Some(base))
}

async fn user(endpoint: &Endpoint<'_>, id: &str) -> Result<UserAnswer, SourceError> {
    let user: UserAnswer = endpoint.get("/user/info", &[("user_id", id.to_owned())]).await?;
    same(&user.user_id, id, "`user_id` is another user's")?;
    Ok(user)
}

async fn team(endpoint: &Endpoint<'_>, id: &str) -> Result<Owner, SourceError> {
    let team: TeamAnswer = endpoint.get("/team/info", &[("team_id", id.to_owned())]).await?;
    same(&team.team_id, id, "`team_id` is another team's")?;
    Ok(team.team_info)
}

fn same(told: &str, asked: &str, what: &str) -> Result<(), SourceError> {
    if told == asked { Ok(()) } else { Err(changed(what)) }
}

#[derive(Deserialize)]
struct KeyAnswer {
    info: Owner,
}

/// A key, a user or a team: what it has spent since its budget began, and how much it may.
#[derive(Deserialize)]
struct Owner {
    user_id: Option<String>,
    team_id: Option<String>,
    team_alias: Option<String>,
    #[serde(deserialize_with = "decode::units")]
    spend: i128,
    #[serde(default, deserialize_with = "decode::units_or_null")]
    max_budget: Option<i128>,
    budget_reset_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct UserAnswer {
    user_id: String,
    user_info: Owner,
    #[serde(default)]
    teams: Vec<Owner>,
}

#[derive(Deserialize)]
struct TeamAnswer {
    team_id: String,
    team_info: Owner,
}

impl Owner {
    /// A window, or without a budget a plain total.
    fn add_to(&self, reading: &mut Reading, whose: &str, window: String) {
        let money = |attos| Quantity::Money(usd(attos));
        let used = money(self.spend);
        match self.max_budget.map(money) {
            Some(limit) => reading.quotas.push(QuotaWindow {
                resets_at: self.budget_reset_at,
                ..QuotaWindow::of(window, UsedOf { used, limit })
            }),
            None => {
                let total = Total { name: whose.into(), period: "budget".into(), amount: used };
                reading.totals.push(total);
            }
        }
    }
}

#[derive(Deserialize)]
struct Page {
    results: Vec<Day>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    has_more: bool,
}

#[derive(Deserialize)]
struct Day {
    date: NaiveDate,
    metrics: Metrics,
    #[serde(default)]
    breakdown: Breakdown,
}

#[derive(Default, Deserialize)]
struct Breakdown {
    #[serde(default)]
    models: BTreeMap<String, OfModel>,
}

#[derive(Deserialize)]
struct OfModel {
    metrics: Metrics,
}

#[derive(Clone, Deserialize)]
struct Metrics {
    #[serde(deserialize_with = "decode::units")]
    spend: i128,
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    #[serde(default)]
    cache_read_input_tokens: u64,
    #[serde(default)]
    cache_creation_input_tokens: u64,
    #[serde(default)]
    api_requests: u64,
}

#[derive(Default)]
struct Activity {
    charges: Charges,
    tokens: Tokens,
}

async fn activity(endpoint: &Endpoint<'_>, days: DaySpan) -> Result<Activity, SourceError> {
    let mut activity = Activity::default();
    for page in 1..=MOST_PAGES {
        let query = [
            ("start_date", days.first.to_string()),
            ("end_date", days.last.to_string()),
            ("page", page.to_string()),
            ("page_size", PAGE_ROWS.to_string()),
        ];
        let answer: Page = endpoint.get(ACTIVITY, &query).await?;
        for day in answer.results {
            if (days.first..=days.last).contains(&day.date) {
                activity.take(day)?;
            }
        }
        if !answer.metadata.has_more {
            return Ok(activity);
        }
    }
    Err(changed("it has more than 100 pages"))
}

impl Activity {
    fn take(&mut self, day: Day) -> Result<(), SourceError> {
        let mut rest = day.metrics;
        for (model, of_model) in day.breakdown.models {
            rest.subtract(&of_model.metrics)?;
            self.add(day.date, Some(model), &of_model.metrics)?;
        }
        self.add(day.date, None, &rest)
    }

    fn add(
        &mut self,
        day: NaiveDate,
        model: Option<String>,
        metrics: &Metrics,
    ) -> Result<(), SourceError> {
        if metrics.spend != 0 {
            let (amount, kind) = (usd(metrics.spend), ChargeKind::Estimated);
            self.charges.add(Charge { day, amount, kind, model: model.clone(), project: None })?;
        }
        let (tokens, requests) = (metrics.tokens(), metrics.api_requests);
        self.tokens.add(Metered { day, model, tokens, requests, web_searches: 0 });
        Ok(())
    }

    fn add_to(self, reading: &mut Reading, cover: DaySpan) {
        (reading.charges, reading.charges_cover) = (self.charges.into_charges(), Some(cover));
        (reading.metered, reading.metered_cover) = (self.tokens.into_metered(), Some(cover));
    }
}

impl Metrics {
    fn subtract(&mut self, part: &Self) -> Result<(), SourceError> {
        self.spend = self
            .spend
            .checked_sub(part.spend)
            .ok_or_else(|| changed("its amounts add up to more than any amount of money"))?;
        for (whole, part) in [
            (&mut self.prompt_tokens, part.prompt_tokens),
            (&mut self.completion_tokens, part.completion_tokens),
            (&mut self.cache_read_input_tokens, part.cache_read_input_tokens),
            (&mut self.cache_creation_input_tokens, part.cache_creation_input_tokens),
            (&mut self.api_requests, part.api_requests),
        ] {
            *whole = whole.saturating_sub(part);
        }
        Ok(())
    }

    fn tokens(&self) -> TokenCounts {
        let cached = self.cache_read_input_tokens.saturating_add(self.cache_creation_input_tokens);
        TokenCounts {
            input: self.prompt_tokens.saturating_sub(cached),
            cache_read: self.cache_read_input_tokens,
            cache_write_5m: self.cache_creation_input_tokens,
            output: self.completion_tokens,
            ..TokenCounts::default()
        }
    }
}

fn usd(attos: i128) -> Money {
    Money { attos, currency: Currency::USD }
}

fn changed(what: &str) -> SourceError {
    SourceError::FormatChanged { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{self, Exchange, Fake, Given};
    use super::super::fixtures::{self, Fixture};
    use super::*;

    async fn look(calls: Vec<Exchange>) -> Result<Reading, SourceError> {
        let fake = Fake::serve(calls).await;
        let (client, now) = (fixtures::impatient_client(), Fixture::load("litellm").now());
        // As people have it, with the path of the models.
        let base = fake.url.join("/v1").unwrap();
        let reading = fake::look(&LiteLlm, &base, &client, now, "2026-11-01").await;
        fake.finish();
        reading
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("litellm");
        let reading = look(fixture.exchanges()).await.unwrap();
        fixtures::assert_reading(&reading, fixture.reading());
        let of_model = |model: Option<&str>| {
            let of = |it: &&Metered| it.model.as_deref() == model;
            reading.metered.iter().filter(of).map(|it| it.tokens.total()).sum::<u64>()
        };
        // 900 + 100 with a model; 55 and 11 without.
        assert_eq!((of_model(Some("claude-sonnet-5")), of_model(None)), (1000, 66));
    }

    #[tokio::test]
    async fn a_key_of_a_team_alone_reads_as_expected() {
        let fixture = Fixture::load("litellm");
        let (_, _, expected) = fixture.variants().remove(0);
        let calls = vec![
            fixture.exchanges().remove(0).body(fixture.body("key-info-team-only.json")),
            Exchange::ok("/team/info", fixture.body("team-info.json")).query("team_id", "t-1"),
        ];
        let reading = look(calls).await.unwrap();
        assert_eq!(reading.quotas.len(), expected["quota_windows"].as_array().unwrap().len());
        assert_eq!(reading.quotas[0].name, "team core");
        assert_eq!(reading.quotas[0].used_ppm, 241_500);
        assert_eq!((reading.totals[0].name.as_str(), reading.charges_cover), ("key", None));
        insta::assert_snapshot!(reading.gaps.join("\n"), @"Cost per day is told of users only, and the key belongs to none.");
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("litellm");
        let errors = &fixture.expected()["errors"];
        assert_eq!(errors.as_array().unwrap().len(), 3);
        let refused =
            fixture.exchanges().remove(0).status(401).body(fixture.body("error-401.json"));
        assert_eq!(look(vec![refused]).await, Err(SourceError::KeyRejected { status: 401 }));

        assert_eq!(errors[1]["only"], ACTIVITY);
        let mut calls = fixture.exchanges();
        let body = fixture.body("error-403-route.json");
        calls.splice(2.., [fixture.exchanges().remove(2).status(403).body(body)]);
        let reading = look(calls).await.unwrap();
        assert_eq!((reading.quotas.len(), reading.totals.len()), (2, 1));
        assert_eq!((reading.charges.len(), reading.charges_cover), (0, None));
        insta::assert_snapshot!(reading.gaps.join("\n"), @"Cost per day can't be read: it takes a key that may call more than models (403).");
        // The third is of a report for admins, which is never asked for.
    }

    #[tokio::test]
    async fn an_answer_about_somebody_else_is_refused() {
        let mut calls = Fixture::load("litellm").exchanges();
        let team = r#"{"team_id":"t-2","team_info":{"team_id":"t-2","spend":1}}"#;
        calls[1] = calls[1].clone().body(r#"{"user_id":"u-2","user_info":{"spend":1}}"#);
        calls.insert(2, Exchange::ok("/team/info", team));
        let reading = look(calls).await.unwrap();
        assert_eq!((reading.quotas.len(), reading.charges.len()), (1, 3));
        insta::assert_snapshot!(reading.gaps.join("\n"), @"
        The user's budget could not be read: the answer was not understood: `user_id` is another user's.
        The team's budget could not be read: the answer was not understood: `team_id` is another team's.
        ");
    }

    #[tokio::test]
    async fn no_spend_is_not_zero() {
        let mut calls = Fixture::load("litellm").exchanges();
        calls.truncate(1);
        calls[0] = calls[0].clone().body(r#"{"info":{"user_id":"u-1"}}"#);
        let error = look(calls).await.unwrap_err();
        insta::assert_snapshot!(error, @"the answer was not understood: `info` has no field `spend`");
    }

    #[tokio::test]
    async fn the_address_comes_from_the_config_or_the_variable() {
        let fixture = Fixture::load("litellm");
        let fake = Fake::serve(fixture.exchanges()).await;
        let given = Given::default().variable("LITELLM_BASE_URL", format!("{}v1/", fake.url));
        let (client, now) = (fixtures::impatient_client(), fixture.now());
        fake::look_given(&LiteLlm, None, &client, now, "2026-11-01", &given).await.unwrap();
        fake.finish();

        let without = |given: Given| async move {
            let client = fixtures::impatient_client();
            let now = Fixture::load("litellm").now();
            fake::look_given(&LiteLlm, None, &client, now, "2026-11-01", &given).await.unwrap_err()
        };
        insta::assert_snapshot!(without(Given::default()).await, @"it has no address of its own; set base_url");
        let odd = Given::default().variable("LITELLM_BASE_URL", "llm.example");
        insta::assert_snapshot!(without(odd).await, @"LITELLM_BASE_URL is no address; write it as https://host");
        let open = Given::default().variable("LITELLM_BASE_URL", "http://llm.example");
        insta::assert_snapshot!(without(open).await, @"base_url sends the key to llm.example unencrypted; use https (http is for this machine only)");
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_asked() {
        assert_eq!(fake::look_without_key(&LiteLlm).await, Err(SourceError::NeedsKey));
    }
}
