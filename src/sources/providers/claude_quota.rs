//! Claude Pro, Max and Team: how much of the plan's windows is used.
//!
//! **Token.** The one that Claude Code keeps: `claudeAiOauth.accessToken` of `.credentials.json`
//! in `$CLAUDE_CONFIG_DIR` (a list with commas), else in `~/.claude` and
//! `${XDG_CONFIG_HOME:-~/.config}/claude`, and in the same folders of the homes in running WSL
//! systems; then `CLAUDE_CODE_OAUTH_TOKEN`
//! (<https://code.claude.com/docs/en/authentication#credential-management>). It is sent as
//! `Authorization: Bearer` to `https://api.anthropic.com` and nowhere else: a `base_url` outside
//! this machine is refused. It is never renewed and its file is never written. A token whose
//! `expiresAt` is past is not sent. Of several tokens the first that is answered counts; a token
//! that is refused or limited does not keep the others from being tried.
//!
//! **Call.** `GET /api/oauth/usage` with `anthropic-beta: oauth-2025-04-20`, which is what Claude
//! Code's own `/usage` asks (<https://code.claude.com/docs/en/costs>). Anthropic does not document
//! it. `five_hour` is the session, `seven_day` the week, `seven_day_<model>` the week of one model;
//! newer answers tell the same in `limits`, which wins. `utilization` and `percent` are percent
//! and may pass 100. `extra_usage`, when it is enabled, is money: `used_credits` of
//! `monthly_limit` in hundredths of `currency`.
//!
//! **Limits.** Asking too often shuts the token out for long, at times with `Retry-After: 0`. It
//! is asked every five minutes at most, and after a refusal not within five minutes.
//!
//! **Not covered.** Money: what a plan costs is no spend, and nothing here adds to it. On macOS
//! Claude Code keeps the token in the login keychain, which asks the user before it gives another
//! program's item away: there only the file and the variable are read. A second account on the
//! same machine. A token of `claude setup-token` may not read this.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::borrowed::{self, Borrowed, Tries};
use super::decode::{self, Lossy};
use crate::sources::agents::homes::paths_in;
use crate::sources::{
    ApiKey, Look, Places, ReadFuture, Source, SourceError, SourceInfo, SourceKind,
};
use crate::spend::{Currency, Money, Quantity, QuotaWindow, Reading, Total, UsedOf};

/// The windows of a Claude plan.
pub struct ClaudeQuota;

static INFO: SourceInfo = SourceInfo {
    id: "claude-quota",
    name: "Claude plan",
    kind: SourceKind::Provider,
    account: "claude subscription",
    poll_minutes: 5,
    least_minutes: 5,
    settings: &[],
    key: None,
    status_page: "https://status.claude.com",
    base_url: "https://api.anthropic.com",
    tells: "used share of the session, the week and each model's week; extra usage",
    reads: "the token that Claude Code keeps",
    limits: "on macOS the keychain is not read; no money but extra usage",
};

const VARIABLE: &str = "CLAUDE_CODE_OAUTH_TOKEN";
const SESSION: u64 = 5 * 60 * 60;
const WEEK: u64 = 7 * 24 * 60 * 60;

impl Source for ClaudeQuota {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn is_absent(&self, places: &Places) -> bool {
        places.variable(VARIABLE).is_none() && !files(places).iter().any(|file| file.exists())
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(read(look))
    }
}

async fn read(look: &Look<'_>) -> Result<Reading, SourceError> {
    let variable = look.places.variable(VARIABLE).map(|token| Borrowed {
        token: ApiKey::new(token),
        expires_at: None,
        extra: None,
    });
    let tokens = borrowed::gather(&files(look.places), credentials, variable)?;
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
    let endpoint =
        borrowed::endpoint(look, &INFO, &token)?.with_header("anthropic-beta", "oauth-2025-04-20");
    let answer: Answer = endpoint.get("/api/oauth/usage", &[]).await?;
    let mut reading = answer.reading()?;
    reading.plan = token.extra;
    Ok(reading)
}

/// Where Claude Code keeps its token, existing or not.
fn files(places: &Places) -> Vec<PathBuf> {
    let homes = places.homes_of(INFO.id, |places| match places.variable("CLAUDE_CONFIG_DIR") {
        Some(list) => paths_in(list, &places.home),
        None => vec![
            places.home.join(".claude"),
            places.xdg("XDG_CONFIG_HOME", ".config").join("claude"),
        ],
    });
    // Entries of the list may name the folder of the logs.
    let config = |home: PathBuf| match home.file_name() {
        Some(name) if name == "projects" => home.parent().map(Path::to_owned).unwrap_or(home),
        _ => home,
    };
    homes.into_iter().map(|home| config(home).join(".credentials.json")).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    claude_ai_oauth: Option<Oauth>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Oauth {
    access_token: String,
    /// Milliseconds since 1970.
    expires_at: Option<i64>,
    subscription_type: Option<String>,
}

/// The token of one file, with the plan's name. Claude Code also writes files that hold none.
fn credentials(file: &Path) -> Result<Option<Borrowed<Option<String>>>, SourceError> {
    let oauth = borrowed::file::<Credentials>(file)?.and_then(|it| it.claude_ai_oauth);
    Ok(oauth.filter(|oauth| !oauth.access_token.trim().is_empty()).map(|oauth| Borrowed {
        token: ApiKey::new(&oauth.access_token),
        expires_at: oauth.expires_at.and_then(DateTime::from_timestamp_millis),
        extra: oauth.subscription_type,
    }))
}

#[derive(Deserialize)]
struct Answer {
    five_hour: Option<Window>,
    seven_day: Option<Window>,
    seven_day_opus: Option<Window>,
    seven_day_sonnet: Option<Window>,
    seven_day_oauth_apps: Option<Window>,
    seven_day_cowork: Option<Window>,
    limits: Option<Vec<Lossy<Limit>>>,
    extra_usage: Option<ExtraUsage>,
}

#[derive(Deserialize)]
struct Window {
    #[serde(deserialize_with = "decode::percent_or_null")]
    utilization: Option<i64>,
    resets_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Limit {
    group: String,
    #[serde(deserialize_with = "decode::percent")]
    percent: i64,
    resets_at: Option<DateTime<Utc>>,
    scope: Option<Scope>,
}

#[derive(Deserialize)]
struct Scope {
    model: Option<Model>,
}

#[derive(Deserialize)]
struct Model {
    display_name: String,
}

#[derive(Deserialize)]
struct ExtraUsage {
    is_enabled: bool,
    #[serde(default, deserialize_with = "decode::cents_or_null")]
    monthly_limit: Option<i128>,
    #[serde(default, deserialize_with = "decode::cents_or_null")]
    used_credits: Option<i128>,
    currency: Option<Currency>,
}

impl Answer {
    fn reading(self) -> Result<Reading, SourceError> {
        let knows_none = self.five_hour.is_none() && self.seven_day.is_none();
        if knows_none && self.limits.as_ref().is_none_or(Vec::is_empty) {
            let what = "it names neither a session, a week nor other limits".into();
            return Err(SourceError::FormatChanged { what });
        }
        let mut reading = Reading::default();
        let listed = self.limits.into_iter().flatten();
        for window in listed.filter_map(|limit| limit.0).map(Limit::window) {
            add(&mut reading.quotas, window);
        }
        let older = [
            ("session", SESSION, self.five_hour),
            ("week", WEEK, self.seven_day),
            ("week, Opus", WEEK, self.seven_day_opus),
            ("week, Sonnet", WEEK, self.seven_day_sonnet),
            ("week, apps", WEEK, self.seven_day_oauth_apps),
            ("week, Cowork", WEEK, self.seven_day_cowork),
        ];
        for (name, seconds, window) in older {
            if let Some(window) = window.and_then(|window| window.named(name, seconds)) {
                add(&mut reading.quotas, window);
            }
        }
        if let Some(extra) = self.extra_usage.filter(|extra| extra.is_enabled) {
            extra.add_to(&mut reading);
        }
        Ok(reading)
    }
}

/// The same window is told twice by answers that know both ways to tell it.
fn add(windows: &mut Vec<QuotaWindow>, window: QuotaWindow) {
    if !windows.iter().any(|known| known.name == window.name) {
        windows.push(window);
    }
}

impl Window {
    fn named(self, name: &str, seconds: u64) -> Option<QuotaWindow> {
        let window = QuotaWindow::share(name, self.utilization?);
        Some(QuotaWindow { seconds: Some(seconds), resets_at: self.resets_at, ..window })
    }
}

impl Limit {
    fn window(self) -> QuotaWindow {
        let (period, seconds) = match self.group.as_str() {
            "session" => ("session", Some(SESSION)),
            "weekly" => ("week", Some(WEEK)),
            other => (other, None),
        };
        let name = match self.scope {
            None => period.to_owned(),
            Some(Scope { model: Some(model) }) => format!("{period}, {}", model.display_name),
            // Of a part of the plan that has no model's name: not the limit of the whole.
            Some(Scope { model: None }) => format!("{period}, part of it"),
        };
        let window = QuotaWindow::share(name, self.percent);
        QuotaWindow { seconds, resets_at: self.resets_at, ..window }
    }
}

impl ExtraUsage {
    fn add_to(self, reading: &mut Reading) {
        let currency = self.currency.unwrap_or(Currency::USD);
        let money = |attos| Quantity::Money(Money { attos, currency });
        match (self.used_credits.map(money), self.monthly_limit.map(money)) {
            (Some(used), Some(limit)) => {
                let window = QuotaWindow::of("extra usage", UsedOf { used, limit });
                reading.quotas.push(QuotaWindow { resets: Some("monthly".into()), ..window });
            }
            (Some(amount), None) => reading.totals.push(Total {
                name: "extra usage".into(),
                period: "month".into(),
                amount,
            }),
            (None, _) => reading.gaps.push("What extra usage has cost is not told.".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::fake::{self, Exchange, Fake, Given};
    use super::super::fixtures::{self, Fixture};
    use super::*;

    const TOKEN: &str = "sk-ant-oat-secret-1";

    /// A home folder with the file of Claude Code.
    fn home(credentials: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), ".claude", credentials);
        home
    }

    fn write(home: &Path, folder: &str, credentials: &str) {
        fs::create_dir_all(home.join(folder)).unwrap();
        fs::write(home.join(folder).join(".credentials.json"), credentials).unwrap();
    }

    fn oauth(token: &str, expires_at: &str) -> String {
        let expires_at: DateTime<Utc> = expires_at.parse().unwrap();
        format!(
            r#"{{"claudeAiOauth":{{"accessToken":"{token}","refreshToken":"r-secret","expiresAt":{},"scopes":["user:profile"],"subscriptionType":"max"}},"mcpOAuth":{{}}}}"#,
            expires_at.timestamp_millis()
        )
    }

    fn good() -> String {
        oauth(TOKEN, "2026-11-03T18:00:00Z")
    }

    async fn serve(calls: Vec<Exchange>) -> Fake {
        Fake::serve_with(("authorization", format!("Bearer {TOKEN}")), calls).await
    }

    async fn look(fake: &Fake, given: &Given) -> Result<Reading, SourceError> {
        let client = fixtures::impatient_client();
        let now = "2026-11-03T12:00:00Z".parse().unwrap();
        fake::look_given(&ClaudeQuota, Some(&fake.url), &client, now, "2026-11-01", given).await
    }

    async fn look_at(calls: Vec<Exchange>, credentials: &str) -> Result<Reading, SourceError> {
        let home = home(credentials);
        let fake = serve(calls).await;
        let reading = look(&fake, &Given::home(home.path())).await;
        fake.finish();
        let kept = fs::read_to_string(home.path().join(".claude/.credentials.json")).unwrap();
        assert_eq!(kept, credentials, "the file is never written");
        reading
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("claude-quota");
        let reading = look_at(fixture.exchanges(), &good()).await.unwrap();
        fixtures::assert_reading(&reading, fixture.reading());
        assert_eq!(reading.plan.as_deref(), Some("max"));
        let extra = reading.quotas.last().unwrap();
        assert_eq!((extra.used_ppm, extra.resets.as_deref()), (246_800, Some("monthly")));
    }

    #[tokio::test]
    async fn the_variants_read_as_expected() {
        let fixture = Fixture::load("claude-quota");
        let variants = fixture.variants();
        assert_eq!(variants.len(), 1);
        for (calls, _, expected) in variants {
            let reading = look_at(calls, &good()).await.unwrap();
            fixtures::assert_reading(&reading, expected);
            assert!(reading.quotas.iter().all(|it| it.seconds.is_some()));
        }
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("claude-quota");
        let errors = fixture.errors(0);
        assert_eq!(errors.len(), 3);
        for (call, expected, _) in errors {
            assert_eq!(look_at(vec![call], &good()).await, Err(expected));
        }
    }

    #[tokio::test]
    async fn the_beta_header_is_sent() {
        let fixture = Fixture::load("claude-quota");
        let calls = fixture.exchanges();
        let call = calls[0].clone().asked_with("anthropic-beta", "oauth-2025-04-20");
        look_at(vec![call], &good()).await.unwrap();
    }

    #[tokio::test]
    async fn a_token_that_has_run_out_is_not_sent() {
        let past = oauth(TOKEN, "2026-11-03T12:00:00Z");
        assert_eq!(look_at(Vec::new(), &past).await, Err(SourceError::TokenExpired));
    }

    #[tokio::test]
    async fn without_a_token_it_is_not_installed() {
        for nothing in ["{}", r#"{"mcpOAuth":{}}"#, r#"{"claudeAiOauth":{"accessToken":""}}"#] {
            assert_eq!(look_at(Vec::new(), nothing).await, Err(SourceError::NotInstalled));
        }
        let bare = tempfile::tempdir().unwrap();
        let fake = serve(Vec::new()).await;
        let given = Given::home(bare.path());
        assert_eq!(look(&fake, &given).await, Err(SourceError::NotInstalled));
        assert!(ClaudeQuota.is_absent(&given.places));
        assert!(!ClaudeQuota.is_absent(&given.variable(VARIABLE, TOKEN).places));
        assert!(!ClaudeQuota.is_absent(&Given::home(home("{}").path()).places));
    }

    #[tokio::test]
    async fn a_broken_file_is_said_without_its_text() {
        for broken in ["tok-secret", r#"{"claudeAiOauth":{"accessToken":["secret"]}}"#, ""] {
            let error = look_at(Vec::new(), broken).await.unwrap_err();
            assert!(matches!(error, SourceError::Unreadable { .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn the_folder_of_the_variable_replaces_the_usual_ones() {
        let fixture = Fixture::load("claude-quota");
        let home = home(&oauth("other-secret", "2026-11-03T18:00:00Z"));
        write(home.path(), "work", &good());
        let folder = home.path().join("work/projects");
        let given = Given::home(home.path()).variable("CLAUDE_CONFIG_DIR", folder);
        let fake = serve(fixture.exchanges()).await;
        look(&fake, &given).await.unwrap();
        fake.finish();
    }

    #[tokio::test]
    async fn a_limited_token_leaves_the_others_alone() {
        let fixture = Fixture::load("claude-quota");
        let (limit, expected, _) = fixture.errors(0).pop().unwrap();
        let first = home(&oauth("first-secret", "2026-11-03T18:00:00Z"));
        let mut given = Given::home(first.path());
        let wsl = home(&good());
        given.places.other_homes = vec![wsl.path().to_owned()];
        let limit = limit.asked_with("authorization", "Bearer first-secret");
        let mut calls = vec![limit.clone()];
        calls.extend(fixture.exchanges());
        let fake = serve(calls).await;
        look(&fake, &given).await.unwrap();
        fake.finish();
        // The same token twice is asked with once.
        given.places.other_homes = vec![first.path().to_owned()];
        let fake = serve(vec![limit]).await;
        assert_eq!(look(&fake, &given).await, Err(expected));
        fake.finish();
    }

    #[tokio::test]
    async fn the_token_goes_to_no_gateway() {
        let home = home(&good());
        let base = "https://gateway.example".parse().unwrap();
        let (now, client) = ("2026-11-03T12:00:00Z".parse().unwrap(), fake::client());
        let given = Given::home(home.path());
        let error = fake::look_given(&ClaudeQuota, Some(&base), &client, now, "2026-11-01", &given)
            .await
            .unwrap_err();
        insta::assert_snapshot!(error, @"take base_url out of [providers.claude-quota]: another program's token goes to https://api.anthropic.com only");
    }

    fn decoded(body: &str) -> Result<Reading, SourceError> {
        decode::answer::<Answer>(body.as_bytes()).and_then(Answer::reading)
    }

    #[test]
    fn limits_of_unknown_shape_are_skipped_and_none_at_all_is_an_error() {
        let reading = decoded(
            r#"{"limits":[{"group":7},{"group":"weekly","percent":3,"scope":{"surface":"x"}},
                {"group":"monthly","percent":"1.5"}],"seven_day":{"utilization":null}}"#,
        )
        .unwrap();
        let rows: Vec<_> =
            reading.quotas.iter().map(|it| (it.name.as_str(), it.used_ppm, it.seconds)).collect();
        assert_eq!(rows, [("week, part of it", 30_000, Some(WEEK)), ("monthly", 15_000, None)]);
        insta::assert_snapshot!(decoded(r#"{"limits":[]}"#).unwrap_err(), @"the answer was not understood: it names neither a session, a week nor other limits");
        assert!(decoded("{}").is_err());
        let error = decoded(r#"{"five_hour":{"resets_at":null}}"#).unwrap_err();
        insta::assert_snapshot!(error, @"the answer was not understood: `five_hour` has no field `utilization`");
    }

    #[test]
    fn extra_usage_without_a_limit_is_a_total() {
        let extra = |extra: &str| {
            let week = r#""seven_day":{"utilization":1,"resets_at":null}"#;
            decoded(&format!(r#"{{{week},"extra_usage":{extra}}}"#)).unwrap()
        };
        let reading = extra(r#"{"is_enabled":true,"used_credits":1234.5,"currency":"eur"}"#);
        let Quantity::Money(money) = &reading.totals[0].amount else { panic!() };
        assert_eq!((money.to_decimal().as_str(), money.currency.code()), ("12.345", "EUR"));
        let reading = extra(r#"{"is_enabled":true,"used_credits":null}"#);
        assert_eq!((reading.totals.len(), reading.gaps.len()), (0, 1));
    }
}
