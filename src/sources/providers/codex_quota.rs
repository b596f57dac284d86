//! ChatGPT plans with Codex: how much of the plan's windows is used, and credits left.
//!
//! **Token.** The one that Codex keeps: `tokens.access_token` of `auth.json` in `$CODEX_HOME` (a
//! list with commas), else in `~/.codex`, and in the same folder of the homes in running WSL
//! systems (<https://developers.openai.com/codex/auth>). It is sent as `Authorization: Bearer`,
//! with `tokens.account_id` as `ChatGPT-Account-Id`, to `https://chatgpt.com` and nowhere else: a
//! `base_url` outside this machine is refused. It is never renewed and its file is never written.
//! A token that has run out, as it says itself (RFC 7519, 4.1.4), is not sent. A file with an API
//! key alone has no plan. Of several tokens the first that is answered counts.
//!
//! **Call.** `GET /backend-api/wham/usage`, which is what Codex's own `/status` asks
//! (<https://github.com/openai/codex/tree/main/codex-rs/backend-client>). OpenAI does not document
//! it. A window is told by its length, not by its place: `primary_window` may well be the week.
//! `additional_rate_limits` are limits of one model or feature; one that is not understood is
//! left out, and the rest stays. `credits.balance` counts credits, not money. A spend limit stands
//! in `individual_limit` or `spend_control.individual_limit`, in either casing.
//!
//! **Limits.** It is asked every five minutes at most, and after a refusal not within five
//! minutes.
//!
//! **Not covered.** Money: what a plan costs is no spend. Tokens kept in the system's keyring
//! (`cli_auth_credentials_store = "keyring"`). A second account on the same machine.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::borrowed::{self, Borrowed, Tries};
use super::decode::{self, Lossy};
use crate::sources::agents::homes::paths_in;
use crate::sources::{
    ApiKey, Look, Places, ReadFuture, Source, SourceError, SourceInfo, SourceKind,
};
use crate::spend::{Balance, Quantity, QuotaWindow, Reading, Units, UsedOf};

/// The windows of a ChatGPT plan.
pub struct CodexQuota;

static INFO: SourceInfo = SourceInfo {
    id: "codex-quota",
    name: "ChatGPT plan",
    kind: SourceKind::Provider,
    account: "chatgpt subscription",
    poll_minutes: 5,
    least_minutes: 5,
    settings: &[],
    key: None,
    status_page: "https://status.openai.com",
    base_url: "https://chatgpt.com",
    tells: "used share of the session, the week and each model's windows; credits left",
    reads: "the token that Codex keeps",
    limits: "a token in the keyring is not read; credits are no money",
};

impl Source for CodexQuota {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn is_absent(&self, places: &Places) -> bool {
        !files(places).iter().any(|file| file.exists())
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(read(look))
    }
}

async fn read(look: &Look<'_>) -> Result<Reading, SourceError> {
    let tokens = borrowed::gather(&files(look.places), credentials, None)?;
    let mut tries = Tries::default();
    for token in tokens {
        match ask(look, token).await {
            Ok(reading) => return Ok(reading),
            Err(error) => tries.failed(error)?,
        }
    }
    Err(tries.into_error())
}

async fn ask(look: &Look<'_>, token: Borrowed<Option<String>>) -> Result<Reading, SourceError> {
    let mut endpoint = borrowed::endpoint(look, &INFO, &token)?;
    if let Some(account) = &token.extra {
        endpoint = endpoint.with_text_header("chatgpt-account-id", account)?;
    }
    let answer: Answer = endpoint.get("/backend-api/wham/usage", &[]).await?;
    answer.reading(look.now)
}

/// Where Codex keeps its token, existing or not.
fn files(places: &Places) -> Vec<PathBuf> {
    let homes = places.homes_of(INFO.id, |places| match places.variable("CODEX_HOME") {
        Some(list) => paths_in(list, &places.home),
        None => vec![places.home.join(".codex")],
    });
    homes.into_iter().map(|home| home.join("auth.json")).collect()
}

#[derive(Deserialize)]
struct Credentials {
    tokens: Option<Tokens>,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    account_id: Option<String>,
}

/// The token of one file, with the account. A file that holds an API key alone has no tokens.
fn credentials(file: &Path) -> Result<Option<Borrowed<Option<String>>>, SourceError> {
    let tokens = borrowed::file::<Credentials>(file)?.and_then(|it| it.tokens);
    Ok(tokens.filter(|tokens| !tokens.access_token.trim().is_empty()).map(|tokens| Borrowed {
        expires_at: expiry(&tokens.access_token),
        token: ApiKey::new(&tokens.access_token),
        extra: tokens.account_id.filter(|account| !account.trim().is_empty()),
    }))
}

/// When a token says that it runs out; the signature is the vendor's business.
fn expiry(token: &str) -> Option<DateTime<Utc>> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    DateTime::from_timestamp(claims.exp, 0)
}

#[derive(Deserialize)]
struct Answer {
    plan_type: Option<String>,
    rate_limit: Option<RateLimit>,
    code_review_rate_limit: Option<Lossy<RateLimit>>,
    additional_rate_limits: Option<Vec<Lossy<Additional>>>,
    credits: Option<Credits>,
    #[serde(alias = "individualLimit")]
    individual_limit: Option<SpendLimit>,
    #[serde(alias = "spendControl")]
    spend_control: Option<SpendControl>,
}

#[derive(Deserialize)]
struct RateLimit {
    primary_window: Option<Window>,
    secondary_window: Option<Window>,
    monthly_window: Option<Window>,
    #[serde(alias = "individualLimit")]
    individual_limit: Option<SpendLimit>,
}

#[derive(Deserialize)]
struct Window {
    #[serde(deserialize_with = "decode::percent")]
    used_percent: i64,
    limit_window_seconds: Option<u64>,
    reset_at: Option<i64>,
    reset_after_seconds: Option<i64>,
}

#[derive(Deserialize)]
struct Additional {
    limit_name: String,
    rate_limit: RateLimit,
}

#[derive(Deserialize)]
struct Credits {
    has_credits: bool,
    #[serde(default)]
    unlimited: bool,
    #[serde(default, deserialize_with = "decode::units_or_null")]
    balance: Option<i128>,
}

#[derive(Deserialize)]
struct SpendControl {
    #[serde(alias = "individualLimit")]
    individual_limit: Option<SpendLimit>,
}

#[derive(Deserialize)]
struct SpendLimit {
    #[serde(default, deserialize_with = "decode::units_or_null")]
    limit: Option<i128>,
    #[serde(default, deserialize_with = "decode::units_or_null")]
    used: Option<i128>,
    #[serde(default, alias = "remainingPercent", deserialize_with = "decode::percent_or_null")]
    remaining_percent: Option<i64>,
    #[serde(alias = "resetAt", alias = "resets_at", alias = "resetsAt")]
    reset_at: Option<i64>,
}

impl Answer {
    fn reading(self, now: DateTime<Utc>) -> Result<Reading, SourceError> {
        if self.plan_type.is_none() && self.rate_limit.is_none() {
            let what = "it names neither a plan nor a limit".into();
            return Err(SourceError::FormatChanged { what });
        }
        let mut reading = Reading { plan: self.plan_type, ..Reading::default() };
        let mut spend_limit = self.individual_limit;
        spend_limit = spend_limit.or(self.spend_control.and_then(|it| it.individual_limit));
        if let Some(limit) = self.rate_limit {
            reading.quotas.extend(limit.windows(None, now));
            spend_limit = spend_limit.or(limit.individual_limit);
        }
        for limit in self.additional_rate_limits.into_iter().flatten().filter_map(|it| it.0) {
            reading.quotas.extend(limit.rate_limit.windows(Some(&limit.limit_name), now));
        }
        if let Some(limit) = self.code_review_rate_limit.and_then(|it| it.0) {
            reading.quotas.extend(limit.windows(Some("code review"), now));
        }
        if let Some(credits) = self.credits.filter(|it| it.has_credits && !it.unlimited) {
            let Some(left) = credits.balance else {
                let what = "`credits` has no field `balance`".into();
                return Err(SourceError::FormatChanged { what });
            };
            reading.balances.push(Balance { name: "credits".into(), amount: in_credits(left) });
        }
        reading.quotas.extend(spend_limit.map(SpendLimit::window).transpose()?);
        Ok(reading)
    }
}

impl RateLimit {
    fn windows(&self, of: Option<&str>, now: DateTime<Utc>) -> Vec<QuotaWindow> {
        let windows = [&self.primary_window, &self.secondary_window, &self.monthly_window];
        windows.into_iter().flatten().map(|window| window.named(of, now)).collect()
    }
}

impl Window {
    fn named(&self, of: Option<&str>, now: DateTime<Utc>) -> QuotaWindow {
        let period = self.limit_window_seconds.map_or_else(|| "limit".to_owned(), period);
        let name = of.map_or(period.clone(), |of| format!("{period}, {of}"));
        let after = |seconds| now.checked_add_signed(TimeDelta::try_seconds(seconds)?);
        let at = self.reset_at.and_then(|at| DateTime::from_timestamp(at, 0));
        QuotaWindow {
            seconds: self.limit_window_seconds,
            resets_at: at.or_else(|| after(self.reset_after_seconds?)),
            ..QuotaWindow::share(name, self.used_percent)
        }
    }
}

/// A window's name, by its length.
fn period(seconds: u64) -> String {
    const HOUR: u64 = 60 * 60;
    const DAY: u64 = 24 * HOUR;
    match seconds {
        _ if seconds == 5 * HOUR => "session".into(),
        _ if seconds == 7 * DAY => "week".into(),
        _ if seconds == DAY => "day".into(),
        _ if (28 * DAY..=31 * DAY).contains(&seconds) => "month".into(),
        _ if seconds.is_multiple_of(DAY) => format!("{} days", seconds / DAY),
        _ if seconds.is_multiple_of(HOUR) => format!("{} hours", seconds / HOUR),
        _ => format!("{} minutes", seconds / 60),
    }
}

impl SpendLimit {
    fn window(self) -> Result<QuotaWindow, SourceError> {
        let name = "spend limit";
        let window = match (self.used.zip(self.limit), self.remaining_percent) {
            (Some((used, limit)), _) => {
                let (used, limit) = (in_credits(used), in_credits(limit));
                QuotaWindow::of(name, UsedOf { used, limit })
            }
            (None, Some(left)) => QuotaWindow::share(name, 1_000_000_i64.saturating_sub(left)),
            (None, None) => {
                let what = "`individual_limit` tells neither what is used nor what is left".into();
                return Err(SourceError::FormatChanged { what });
            }
        };
        let resets_at = self.reset_at.and_then(|at| DateTime::from_timestamp(at, 0));
        Ok(QuotaWindow { resets_at, ..window })
    }
}

fn in_credits(attos: i128) -> Quantity {
    Quantity::Units(Units { attos, unit: "credits".into() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::fake::{self, Exchange, Fake, Given};
    use super::super::fixtures::{self, Fixture};
    use super::*;

    const TOKEN: &str = "opaque-secret-1";

    fn home(auth: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".codex")).unwrap();
        fs::write(home.path().join(".codex/auth.json"), auth).unwrap();
        home
    }

    fn auth(token: &str) -> String {
        format!(
            r#"{{"OPENAI_API_KEY":null,"tokens":{{"id_token":"i-secret","access_token":"{token}","refresh_token":"r-secret","account_id":"account-1"}},"last_refresh":"2026-11-01T00:00:00Z"}}"#
        )
    }

    async fn look(fake: &Fake, given: &Given) -> Result<Reading, SourceError> {
        let client = fixtures::impatient_client();
        let now = "2026-11-03T12:00:00Z".parse().unwrap();
        fake::look_given(&CodexQuota, Some(&fake.url), &client, now, "2026-11-01", given).await
    }

    async fn look_at(calls: Vec<Exchange>, auth: &str) -> Result<Reading, SourceError> {
        let home = home(auth);
        let fake = Fake::serve_with(("authorization", format!("Bearer {TOKEN}")), calls).await;
        let reading = look(&fake, &Given::home(home.path())).await;
        fake.finish();
        let kept = fs::read_to_string(home.path().join(".codex/auth.json")).unwrap();
        assert_eq!(kept, auth, "the file is never written");
        reading
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("codex-quota");
        let reading = look_at(fixture.exchanges(), &auth(TOKEN)).await.unwrap();
        fixtures::assert_reading(&reading, fixture.reading());
    }

    #[tokio::test]
    async fn the_variants_read_as_expected() {
        let fixture = Fixture::load("codex-quota");
        let variants = fixture.variants();
        assert_eq!(variants.len(), 1);
        for (calls, _, expected) in variants {
            let reading = look_at(calls, &auth(TOKEN)).await.unwrap();
            fixtures::assert_reading(&reading, expected);
            assert_eq!(reading.quotas[1].used_ppm, 250_000);
        }
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("codex-quota");
        let errors = fixture.errors(0);
        assert_eq!(errors.len(), 2);
        for (call, expected, _) in errors {
            assert_eq!(look_at(vec![call], &auth(TOKEN)).await, Err(expected));
        }
    }

    #[tokio::test]
    async fn a_limit_waits_five_minutes_at_least() {
        let fixture = Fixture::load("codex-quota");
        let limit = fixture.exchanges()[0].clone().status(429).header("retry-after", "0");
        let retry_after = Some(std::time::Duration::from_secs(300));
        let limited = Err(SourceError::RateLimited { retry_after });
        assert_eq!(look_at(vec![limit], &auth(TOKEN)).await, limited);
    }

    #[tokio::test]
    async fn the_account_is_sent_where_there_is_one() {
        let fixture = Fixture::load("codex-quota");
        let call = fixture.exchanges().remove(0).asked_with("chatgpt-account-id", "account-1");
        look_at(vec![call], &auth(TOKEN)).await.unwrap();
        let without = auth(TOKEN).replace(r#","account_id":"account-1""#, "");
        look_at(fixture.exchanges(), &without).await.unwrap();
    }

    #[tokio::test]
    async fn an_api_key_alone_has_no_plan() {
        for nothing in [
            r#"{"OPENAI_API_KEY":"sk-secret"}"#,
            r#"{"OPENAI_API_KEY":"sk-secret","tokens":null}"#,
            r#"{"tokens":{"access_token":""}}"#,
        ] {
            assert_eq!(look_at(Vec::new(), nothing).await, Err(SourceError::NotInstalled));
        }
        let bare = tempfile::tempdir().unwrap();
        assert!(CodexQuota.is_absent(&Given::home(bare.path()).places));
        let elsewhere = home(&auth(TOKEN));
        let given =
            Given::home(bare.path()).variable("CODEX_HOME", elsewhere.path().join(".codex"));
        assert!(!CodexQuota.is_absent(&given.places));
        let error = look_at(Vec::new(), r#"{"tokens":"secret"}"#).await.unwrap_err();
        assert!(matches!(error, SourceError::Unreadable { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_token_that_says_it_has_run_out_is_not_sent() {
        let token = |exp: i64| {
            let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp},"aud":["x"]}}"#));
            format!("head-secret.{claims}.sign")
        };
        // 1793707200 is 2026-11-03T12:00:00Z, the time of the look.
        let past = auth(&token(1_793_707_200));
        assert_eq!(look_at(Vec::new(), &past).await, Err(SourceError::TokenExpired));
        let open = token(1_793_707_201);
        let call = Fixture::load("codex-quota").exchanges().remove(0);
        let call = call.asked_with("authorization", &format!("Bearer {open}"));
        look_at(vec![call], &auth(&open)).await.unwrap();
        for odd in ["", "a", "a.b", "a.!.c", "a.e30.c"] {
            assert_eq!(expiry(odd), None, "{odd}");
        }
    }

    fn decoded(body: &str) -> Result<Reading, SourceError> {
        let now = "2026-11-03T12:00:00Z".parse().unwrap();
        decode::answer::<Answer>(body.as_bytes()).and_then(|answer| answer.reading(now))
    }

    #[test]
    fn the_spend_limit_is_found_in_each_place_and_casing() {
        let limit = r#"{"limit":40,"used":"10.5"}"#;
        for place in [
            format!(r#""individual_limit":{limit}"#),
            format!(r#""individualLimit":{limit}"#),
            format!(r#""spendControl":{{"individualLimit":{limit}}}"#),
            format!(r#""rate_limit":{{"individual_limit":{limit}}}"#),
        ] {
            let reading = decoded(&format!(r#"{{"plan_type":"team",{place}}}"#)).unwrap();
            assert_eq!(reading.quotas.len(), 1, "{place}");
            // 10.5 of 40 is 26.25 %.
            assert_eq!(reading.quotas[0].used_ppm, 262_500);
        }
        let share = r#"{"plan_type":"business","spend_control":{"individual_limit":{"remaining_percent":60.5}}}"#;
        assert_eq!(decoded(share).unwrap().quotas[0].used_ppm, 395_000);
        let nothing = r#"{"plan_type":"business","individual_limit":{"reset_at":2}}"#;
        insta::assert_snapshot!(decoded(nothing).unwrap_err(), @"the answer was not understood: `individual_limit` tells neither what is used nor what is left");
    }

    #[test]
    fn windows_of_other_lengths_have_names_too() {
        assert_eq!([18_000, 604_800, 86_400].map(period), ["session", "week", "day"]);
        assert_eq!([2_592_000, 259_200].map(period), ["month", "3 days"]);
        assert_eq!([10_800, 5_400].map(period), ["3 hours", "90 minutes"]);
        let reading = decoded(
            r#"{"rate_limit":{"primary_window":{"used_percent":1,"reset_after_seconds":60}}}"#,
        )
        .unwrap();
        assert_eq!(reading.quotas[0].name, "limit");
        assert_eq!(reading.quotas[0].resets_at, Some("2026-11-03T12:01:00Z".parse().unwrap()));
    }

    #[test]
    fn unlimited_credits_are_no_balance_and_missing_ones_no_zero() {
        let credits =
            |credits: &str| decoded(&format!(r#"{{"plan_type":"pro","credits":{credits}}}"#));
        let unlimited = credits(r#"{"has_credits":true,"unlimited":true,"balance":null}"#);
        assert_eq!(unlimited.unwrap().balances, []);
        let missing = credits(r#"{"has_credits":true}"#).unwrap_err();
        insta::assert_snapshot!(missing, @"the answer was not understood: `credits` has no field `balance`");
        insta::assert_snapshot!(decoded("{}").unwrap_err(), @"the answer was not understood: it names neither a plan nor a limit");
        let window = decoded(r#"{"rate_limit":{"primary_window":{}}}"#).unwrap_err();
        insta::assert_snapshot!(window, @"the answer was not understood: `rate_limit.primary_window` has no field `used_percent`");
    }
}
