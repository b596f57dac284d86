//! AWS: cost of Amazon Bedrock per UTC day.
//!
//! **Each request is charged** by AWS, one cent
//! (<https://aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing/>). So it is asked four
//! times a day at most, and only after `settings = { profile = "..." }` says with whose keys;
//! finding keys on a machine is no consent to spend with them.
//!
//! **Keys.** `profile = "environment"` takes `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
//! `AWS_SESSION_TOKEN`; any other name is that of a profile in `$AWS_SHARED_CREDENTIALS_FILE`,
//! else `~/.aws/credentials`
//! (<https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html>). They need the
//! permission `ce:GetCostAndUsage`. Requests are signed with them (Signature Version 4); the
//! secret itself is never sent.
//!
//! **Call.** `POST https://ce.us-east-1.amazonaws.com` with the target
//! `AWSInsightsIndexService.GetCostAndUsage`
//! (<https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html>),
//! unblended cost by day and service, `NextPageToken` followed. Services with "Bedrock" in their
//! name are kept: models of other vendors are services of their own, "... (Amazon Bedrock
//! Edition)". `Amount` is a decimal text in `Unit`. Refusals come as 400; the body's `__type`
//! tells them apart.
//!
//! **Days** are UTC days, up to a day late; the end that is asked for is exclusive.
//!
//! **Not covered.** Profiles that name another program or a single sign-on instead of keys. Taxes
//! and support, which are services of their own. Tokens.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use chrono::{DateTime, Days, NaiveDate, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::decode;
use super::endpoint::Endpoint;
use super::reports::{self, Report};
use super::tally::Charges;
use crate::sources::{
    ApiKey, Look, Places, ReadFuture, Source, SourceError, SourceInfo, SourceKind,
};
use crate::spend::source::SettingSpec;
use crate::spend::{Charge, ChargeKind, Currency, DaySpan, Money, Reading};

/// AWS Cost Explorer.
pub struct AwsCostExplorer;

static INFO: SourceInfo = SourceInfo {
    id: "aws",
    name: "AWS Bedrock",
    kind: SourceKind::Provider,
    account: "aws",
    poll_minutes: 360,
    least_minutes: 360,
    settings: &[SettingSpec {
        name: "profile",
        variable: "",
        what: "a profile of ~/.aws/credentials, or \"environment\"; each request costs a cent",
        default: None,
    }],
    key: None,
    status_page: "",
    base_url: "https://ce.us-east-1.amazonaws.com",
    tells: "billed cost per UTC day and model vendor",
    reads: "the profile of `~/.aws/credentials` that `settings = { profile = \"...\" }` names",
    limits: "AWS charges each request $0.01: four times a day, and only with a profile set",
};

const REGION: &str = "us-east-1";
const SERVICE: &str = "ce";
const TARGET: &str = "AWSInsightsIndexService.GetCostAndUsage";
const ENVIRONMENT: &str = "environment";
const EDITION: &str = " (Amazon Bedrock Edition)";
/// Each page is charged.
const MOST_PAGES: usize = 10;

impl Source for AwsCostExplorer {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn is_absent(&self, places: &Places) -> bool {
        places.variable("AWS_ACCESS_KEY_ID").is_none() && !credentials_file(places).exists()
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(read(look))
    }
}

async fn read(look: &Look<'_>) -> Result<Reading, SourceError> {
    let Ok(profile) = look.setting(&INFO, "profile") else {
        return Err(SourceError::NotInstalled);
    };
    let keys = Keys::of(look.places, &profile)?;
    let endpoint = Endpoint::without_key(look, INFO.base_url)?.with_refusal(refusal);
    let today = look.now.date_naive();
    let days = DaySpan { first: look.since.min(today), last: today };

    let mut report: Report<Group> = Report { days: Vec::new() };
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let body = asked(days, token.as_deref()).to_string().into_bytes();
        let headers = keys.signed(&endpoint.url("/"), &body, look.now)?;
        let page: Page = decode::answer(&endpoint.send("/", &[], Some(body), headers).await?)?;
        for day in page.results_by_time {
            if (days.first..=days.last).contains(&day.time_period.start) {
                report.days.push((day.time_period.start, day.groups));
            }
        }
        let next = page.next_page_token.filter(|next| !next.is_empty());
        if next.is_none() {
            return reading(report);
        }
        if next == token {
            return Err(changed("`NextPageToken` leads in a circle"));
        }
        token = next;
    }
    Err(changed("it has more than 10 pages"))
}

fn asked(days: DaySpan, token: Option<&str>) -> serde_json::Value {
    let end = days.last.checked_add_days(Days::new(1)).unwrap_or(days.last);
    let mut asked = json!({
        "TimePeriod": {"Start": days.first.to_string(), "End": end.to_string()},
        "Granularity": "DAILY",
        "Metrics": ["UnblendedCost"],
        "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
    });
    if let Some(token) = token {
        asked["NextPageToken"] = token.into();
    }
    asked
}

fn reading(report: Report<Group>) -> Result<Reading, SourceError> {
    let mut reading = Reading::default();
    reports::note_missing(&mut reading, &report);
    reading.charges_cover = report.cover();
    let mut charges = Charges::default();
    for (day, group) in report.into_rows() {
        let Some(service) = group.keys.first() else {
            return Err(changed("a group has no key"));
        };
        let cost = group.metrics.unblended_cost;
        if service.contains("Bedrock") && cost.amount != 0 {
            let amount = Money { attos: cost.amount, currency: cost.unit };
            let model = service.strip_suffix(EDITION).map(str::to_owned);
            let kind = ChargeKind::Billed;
            charges.add(Charge { day, amount, kind, model, project: None })?;
        }
    }
    reading.charges = charges.into_charges();
    Ok(reading)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    results_by_time: Vec<Day>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Day {
    time_period: Period,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Period {
    start: NaiveDate,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    keys: Vec<String>,
    metrics: Metrics,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metrics {
    unblended_cost: Cost,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cost {
    #[serde(deserialize_with = "decode::units")]
    amount: i128,
    unit: Currency,
}

/// What `__type` of a refusal means. Nothing else of the body is looked at.
fn refusal(status: u16, body: &[u8], retry_after: Option<Duration>) -> Option<SourceError> {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "__type")]
        kind: String,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    // `com.amazonaws.ce#AccessDeniedException:http://...` in some answers.
    let kind = refusal.kind.rsplit('#').next()?.split(':').next()?;
    Some(match kind {
        "AccessDeniedException" => SourceError::WrongKindOfKey { status },
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException" => SourceError::KeyRejected { status },
        "ExpiredTokenException" | "ExpiredToken" => SourceError::TokenExpired,
        "LimitExceededException" | "ThrottlingException" | "RequestLimitExceeded" => {
            SourceError::RateLimited { retry_after }
        }
        "DataUnavailableException" => {
            let what = "Cost Explorer is not switched on, or has no figures yet".into();
            SourceError::NotOffered { what }
        }
        _ => return None,
    })
}

/// The keys that requests are signed with.
struct Keys {
    id: String,
    secret: ApiKey,
    session: Option<ApiKey>,
}

impl Keys {
    fn of(places: &Places, profile: &str) -> Result<Self, SourceError> {
        let missing = |what: String| SourceError::Misconfigured { what };
        if profile == ENVIRONMENT {
            let named = |name: &str| {
                let value = places.variable(name).map(str::to_owned);
                value.ok_or_else(|| {
                    missing(format!("profile is \"environment\" and {name} is not set"))
                })
            };
            let session = places.variable("AWS_SESSION_TOKEN").map(ApiKey::new);
            let (id, secret) = (named("AWS_ACCESS_KEY_ID")?, named("AWS_SECRET_ACCESS_KEY")?);
            return Ok(Self { id, secret: ApiKey::new(&secret), session });
        }
        let file = credentials_file(places);
        let text = fs::read_to_string(&file).map_err(|error| SourceError::Unreadable {
            place: file.display().to_string(),
            what: error.kind().to_string(),
        })?;
        let place = file.display();
        let Some(pairs) = section(&text, profile) else {
            return Err(missing(format!("{place} holds no profile {profile}")));
        };
        let named = |name: &str| {
            pairs.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
        };
        let keys = named("aws_access_key_id").zip(named("aws_secret_access_key"));
        let (id, secret) =
            keys.ok_or_else(|| missing(format!("profile {profile} of {place} holds no keys")))?;
        let session = named("aws_session_token").map(ApiKey::new);
        Ok(Self { id: id.to_owned(), secret: ApiKey::new(secret), session })
    }

    /// The headers of one request, the signature among them.
    fn signed(&self, url: &Url, body: &[u8], now: DateTime<Utc>) -> Result<HeaderMap, SourceError> {
        let no_sign = || SourceError::Misconfigured {
            what: "the keys of the profile can't sign a request".into(),
        };
        let session = self.session.as_ref().map(|session| session.expose().to_owned());
        let secret = self.secret.expose();
        let keys = Credentials::new(self.id.trim(), secret, session, None, INFO.id).into();
        let params = SigningParams::builder()
            .identity(&keys)
            .region(REGION)
            .name(SERVICE)
            .time(SystemTime::from(now))
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| no_sign())?
            .into();
        let plain = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", TARGET)];
        let request = SignableRequest::new(
            "POST",
            url.as_str(),
            plain.into_iter(),
            SignableBody::Bytes(body),
        )
        .map_err(|_| no_sign())?;
        let (added, _) = sign(request, &params).map_err(|_| no_sign())?.into_parts();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(plain[0].1));
        headers.insert("x-amz-target", HeaderValue::from_static(TARGET));
        for (name, value) in added.headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| no_sign())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| no_sign())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

fn credentials_file(places: &Places) -> PathBuf {
    match places.variable("AWS_SHARED_CREDENTIALS_FILE") {
        Some(file) => PathBuf::from(file),
        None => places.home.join(".aws").join("credentials"),
    }
}

/// The settings below `[profile]`; `None` when there is no such line.
fn section<'a>(text: &'a str, profile: &str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut found = None;
    let mut is_in = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            is_in = name.trim() == profile;
            if is_in {
                found.get_or_insert_with(Vec::new);
            }
        } else if let (true, Some((name, value)), Some(pairs)) =
            (is_in && !line.starts_with(['#', ';']), line.split_once('='), found.as_mut())
        {
            pairs.push((name.trim(), value.trim()));
        }
    }
    found
}

fn changed(what: &str) -> SourceError {
    SourceError::FormatChanged { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{self, Exchange, Fake, Given};
    use super::super::fixtures::{self, Fixture};
    use super::*;

    fn environment() -> Given {
        Given { key: None, ..Given::settings(&[("profile", ENVIRONMENT)]) }
            .variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .variable("AWS_SECRET_ACCESS_KEY", "wJalr-secret")
            .variable("AWS_SESSION_TOKEN", "session-secret")
    }

    async fn look_given(calls: Vec<Exchange>, given: &Given) -> Result<Reading, SourceError> {
        let fake = Fake::serve_with(("x-amz-target", TARGET.to_owned()), calls).await;
        let (client, now) = (fixtures::impatient_client(), Fixture::load("aws").now());
        let reading =
            fake::look_given(&AwsCostExplorer, Some(&fake.url), &client, now, "2026-11-01", given);
        let reading = reading.await;
        fake.finish();
        reading
    }

    async fn look(calls: Vec<Exchange>) -> Result<Reading, SourceError> {
        look_given(calls, &environment()).await
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("aws");
        let reading = look(fixture.exchanges()).await.unwrap();
        fixtures::assert_reading(&reading, fixture.reading());
        let models: Vec<_> = reading.charges.iter().map(|it| it.model.as_deref()).collect();
        assert_eq!(models, [None, None, Some("Claude Sonnet 5")]);
    }

    #[tokio::test]
    async fn the_variants_read_as_expected() {
        let fixture = Fixture::load("aws");
        let variants = fixture.variants();
        assert_eq!(variants.len(), 2);
        for (index, (calls, bad, expected)) in variants.into_iter().enumerate() {
            // A call each, whatever the fixture's other calls are.
            let outcome = look(calls[..1].to_vec()).await;
            match (index, bad) {
                (0, true) => {
                    insta::assert_snapshot!(outcome.unwrap_err(), @"the answer was not understood: `ResultsByTime[0].Groups[0].Metrics.UnblendedCost` has no field `Amount`")
                }
                _ => fixtures::assert_reading(&outcome.unwrap(), expected),
            }
        }
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("aws");
        let errors = fixture.errors(0);
        assert_eq!(errors.len(), 5);
        for (call, expected, row) in errors {
            let error = look(vec![call]).await.unwrap_err();
            match expected {
                SourceError::NotOffered { .. } => {
                    insta::assert_snapshot!(error, @"the account does not offer this: Cost Explorer is not switched on, or has no figures yet")
                }
                other => assert_eq!(error, other, "{row}"),
            }
        }
        let other = Exchange::ok("/", r#"{"__type":"secret"}"#).posted(().into()).status(400);
        let error = look(vec![other]).await.unwrap_err();
        insta::assert_snapshot!(error, @"the answer was not understood: it has the status 400");
    }

    #[tokio::test]
    async fn pages_that_lead_in_a_circle_end() {
        let page = r#"{"ResultsByTime":[],"NextPageToken":"again"}"#;
        let calls = vec![Exchange::ok("/", page).posted(().into()); 2];
        let error = look(calls).await.unwrap_err();
        insta::assert_snapshot!(error, @"the answer was not understood: `NextPageToken` leads in a circle");
    }

    #[tokio::test]
    async fn without_a_profile_nothing_is_asked_and_nothing_is_charged() {
        let given = Given { settings: Default::default(), ..environment() };
        assert_eq!(look_given(Vec::new(), &given).await, Err(SourceError::NotInstalled));
        assert!(!AwsCostExplorer.is_absent(&given.places));
        assert!(AwsCostExplorer.is_absent(&Places::default()));
        let mut given = environment();
        given.places.variables.remove("AWS_SECRET_ACCESS_KEY");
        let error = look_given(Vec::new(), &given).await.unwrap_err();
        insta::assert_snapshot!(error, @r#"profile is "environment" and AWS_SECRET_ACCESS_KEY is not set"#);
    }

    #[test]
    fn keys_come_from_the_profile_that_is_named() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        let file = home.path().join(".aws/credentials");
        fs::write(
            &file,
            "[default]\naws_access_key_id = A\naws_secret_access_key = secret/a+b=\n\
             # aws_session_token = x\n[ work ]\r\naws_access_key_id=B\r\n\
             aws_secret_access_key=secret-b\r\naws_session_token = t==\r\n[sso]\nsso_session = x\n",
        )
        .unwrap();
        let places = Given::home(home.path()).places;
        let keys = |profile: &str| Keys::of(&places, profile);
        let default = keys("default").unwrap();
        assert_eq!((default.id.as_str(), default.secret.expose()), ("A", "secret/a+b="));
        assert!(default.session.is_none());
        let work = keys("work").unwrap();
        assert_eq!((work.id.as_str(), work.session.unwrap().expose()), ("B", "t=="));
        for (profile, part) in [("sso", "holds no keys"), ("none", "holds no profile none")] {
            let error = keys(profile).err().unwrap().to_string();
            assert!(error.contains(part) && !error.contains("secret"), "{error}");
        }
        let elsewhere = Given::default().variable("AWS_SHARED_CREDENTIALS_FILE", file).places;
        assert!(Keys::of(&elsewhere, "work").is_ok());
        let nowhere = Keys::of(&Given::home(&home.path().join("x")).places, "work").err().unwrap();
        assert!(matches!(nowhere, SourceError::Unreadable { .. }), "{nowhere}");
    }

    /// The signatures were reckoned from the specification alone, with nothing but HMAC-SHA-256.
    #[test]
    fn requests_are_signed_as_specified() {
        let url = INFO.base_url.parse().unwrap();
        let mut keys = Keys::of(&environment().places, ENVIRONMENT).unwrap();
        let signed = |keys: &Keys| {
            let now = "2026-11-03T12:00:00Z".parse().unwrap();
            let headers = keys.signed(&url, br#"{"a":1}"#, now).unwrap();
            assert!(!format!("{headers:?}").contains("secret"), "{headers:?}");
            headers["authorization"].to_str().unwrap().to_owned()
        };
        insta::assert_snapshot!(signed(&keys), @"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261103/us-east-1/ce/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=063e2c20e10e9135df0f2d382b3443a3ba50f8827c41dce00cc212f15c9e99d8");
        keys.session = None;
        insta::assert_snapshot!(signed(&keys), @"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261103/us-east-1/ce/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=b3be37c47d2b0f264f41c2422e9e770bde62434b837bdcd41930c8fee9dbd313");
    }
}
