//! Azure: cost of Azure OpenAI and the other AI services per UTC day.
//!
//! **Key.** The secret of an app registration in Microsoft Entra
//! (<https://learn.microsoft.com/entra/identity-platform/howto-create-service-principal-portal>)
//! with the role Cost Management Reader, from the keyring or `AZURE_CLIENT_SECRET`; the `api-key`
//! of a model can't read costs. `settings` (or `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`,
//! `AZURE_SUBSCRIPTION_ID`) name the tenant, the app and what is billed. The secret goes to
//! `https://login.microsoftonline.com` and nowhere else, the token that it is exchanged for to
//! `https://management.azure.com` and nowhere else: a `base_url` outside this machine is refused.
//!
//! **Calls.**
//! - `POST /{tenant}/oauth2/v2.0/token` with client credentials
//!   (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>).
//!   The token is used for one look and not kept.
//! - `POST /{scope}/providers/Microsoft.CostManagement/query`
//!   (<https://learn.microsoft.com/rest/api/cost-management/query/usage>), actual cost by day and
//!   resource group. `properties.columns[].name` tells the order of each row; `UsageDate` is
//!   `20261101` as a number, `Currency` the account's. `nextLink` is followed on the same host.
//!
//! **Days** are UTC days, hours late; the day that is not over is billed so far.
//!
//! **Limits.** Queries cost units of a quota
//! (<https://learn.microsoft.com/azure/cost-management-billing/costs/manage-automation>); the wait
//! stands in headers of their own. It is asked once an hour.
//!
//! **Not covered.** Models and tokens. Services that Azure bills under other names than those in
//! `SERVICES`. Clouds of single countries, which have other hosts.

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use url::Url;

use super::decode;
use super::endpoint::{Auth, Endpoint};
use super::tally::Charges;
use crate::sources::{
    ApiKey, KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind,
};
use crate::spend::source::SettingSpec;
use crate::spend::{Charge, ChargeKind, Currency, DaySpan, Money, Reading};

/// Azure Cost Management.
pub struct AzureCost;

static INFO: SourceInfo = SourceInfo {
    id: "azure",
    name: "Azure AI",
    kind: SourceKind::Provider,
    account: "azure",
    poll_minutes: 60,
    least_minutes: 60,
    settings: &[
        SettingSpec {
            name: "tenant",
            variable: "AZURE_TENANT_ID",
            what: "the directory (tenant) id of the app registration",
            default: None,
        },
        SettingSpec {
            name: "client",
            variable: "AZURE_CLIENT_ID",
            what: "the application (client) id of the app registration",
            default: None,
        },
        SettingSpec {
            name: "scope",
            variable: "AZURE_SUBSCRIPTION_ID",
            what: "what is billed: a subscription's id, or a path such as /subscriptions/<id>",
            default: None,
        },
    ],
    key: Some(KeySpec {
        variables: &["AZURE_CLIENT_SECRET"],
        kind: "the client secret of an app registration with the role Cost Management Reader",
    }),
    status_page: "",
    base_url: "https://management.azure.com",
    tells: "billed cost per UTC day and resource group",
    reads: "Cost Management query",
    limits: "asked once an hour, figures are hours late; no models, no tokens",
};

const LOGIN: &str = "https://login.microsoftonline.com";
const OWN_SCOPE: &str = "https://management.azure.com/.default";
const VERSION: &str = "2025-03-01";
const MOST_PAGES: usize = 20;
/// The names that Azure bills its AI services under, past and present.
const SERVICES: [&str; 6] = [
    "Azure OpenAI",
    "Azure OpenAI Service",
    "Cognitive Services",
    "Azure AI services",
    "Foundry Models",
    "Foundry Tools",
];
const WAITS: &[&str] = &[
    "x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after",
    "x-ms-ratelimit-microsoft.costmanagement-entity-retry-after",
    "x-ms-ratelimit-microsoft.costmanagement-tenant-retry-after",
    "x-ms-ratelimit-microsoft.costmanagement-client-retry-after",
];

impl Source for AzureCost {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(read(look))
    }
}

async fn read(look: &Look<'_>) -> Result<Reading, SourceError> {
    let secret = look.key.ok_or(SourceError::NeedsKey)?;
    let scope = scope(&look.setting(&INFO, "scope")?)?;
    let token = token(look, secret).await?;
    let endpoint = own_host(Endpoint::with_key(look, &INFO, &Auth::Bearer, &token)?)?;
    let endpoint = endpoint.with_waits(WAITS);

    let today = look.now.date_naive();
    let days = DaySpan { first: look.since.min(today), last: today };
    let mut charges = Charges::default();
    let mut path = format!("{scope}/providers/Microsoft.CostManagement/query");
    let mut query = vec![("api-version".to_owned(), VERSION.to_owned())];
    for _ in 0..MOST_PAGES {
        let pairs: Vec<_> =
            query.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let body = endpoint.ask(&path, &pairs, Some(&asked(days))).await?;
        let page: Page = decode::answer(&body)?;
        page.properties.add_to(&mut charges, days)?;
        let Some(next) = page.properties.next_link.filter(|next| !next.is_empty()) else {
            return Ok(Reading {
                charges: charges.into_charges(),
                charges_cover: Some(days),
                ..Reading::default()
            });
        };
        let before = (path, query);
        (path, query) = next_page(&next)?;
        if before == (path.clone(), query.clone()) {
            return Err(changed("`nextLink` leads in a circle"));
        }
    }
    Err(changed("it has more than 20 pages"))
}

/// Exchanges the secret for a token.
async fn token(look: &Look<'_>, secret: &ApiKey) -> Result<ApiKey, SourceError> {
    let tenant = look.setting(&INFO, "tenant")?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    if !tenant.bytes().all(is_name) {
        let what = "tenant holds a character that no tenant's id has".into();
        return Err(SourceError::Misconfigured { what });
    }
    let client = look.setting(&INFO, "client")?;
    let login = own_host(Endpoint::without_key(look, LOGIN)?)?.with_refusal(unknown_client);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client.as_str()),
        ("client_secret", secret.expose()),
        ("scope", OWN_SCOPE),
    ];
    let path = format!("/{tenant}/oauth2/v2.0/token");
    let answer: Token = login.post_form(&path, &form).await?;
    Ok(ApiKey::new(&answer.access_token))
}

/// Entra refuses with 400 what it does not know; the body says no more than that.
fn unknown_client(status: u16, _: &[u8], _: Option<std::time::Duration>) -> Option<SourceError> {
    (status == 400).then(|| SourceError::Misconfigured {
        what: "Entra knows no such tenant or client (400)".into(),
    })
}

/// Neither the secret nor the token is meant for a gateway.
fn own_host(endpoint: Endpoint<'_>) -> Result<Endpoint<'_>, SourceError> {
    if endpoint.is_gateway() {
        let what = "take base_url out of [providers.azure]: the key goes to Microsoft only";
        return Err(SourceError::Misconfigured { what: what.into() });
    }
    Ok(endpoint)
}

/// A path in Azure; a subscription's id alone stands for the subscription.
fn scope(set: &str) -> Result<String, SourceError> {
    let scope = set.trim_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:()/".contains(&byte);
    if scope.is_empty() || !scope.bytes().all(is_plain) || scope.contains("..") {
        let what = "scope is no path such as /subscriptions/<id>".into();
        return Err(SourceError::Misconfigured { what });
    }
    let is_path = scope.contains('/');
    Ok(if is_path { format!("/{scope}") } else { format!("/subscriptions/{scope}") })
}

fn asked(days: DaySpan) -> serde_json::Value {
    json!({
        "type": "ActualCost",
        "timeframe": "Custom",
        "timePeriod": {
            "from": format!("{}T00:00:00Z", days.first),
            "to": format!("{}T23:59:59Z", days.last),
        },
        "dataset": {
            "granularity": "Daily",
            "aggregation": {"totalCost": {"name": "Cost", "function": "Sum"}},
            "grouping": [{"type": "Dimension", "name": "ResourceGroupName"}],
            "filter": {
                "dimensions": {"name": "ServiceName", "operator": "In", "values": SERVICES},
            },
        },
    })
}

/// Path and query of the next page. It is asked for at the same address as the first, whatever
/// host it names, and a strange host is refused.
fn next_page(link: &str) -> Result<(String, Vec<(String, String)>), SourceError> {
    let own = INFO.base_url.strip_prefix("https://");
    let link = Url::parse(link).ok().filter(|link| link.host_str() == own);
    let link = link.ok_or_else(|| changed("`nextLink` leads to another address"))?;
    let query = link.query_pairs().map(|(name, value)| (name.into(), value.into())).collect();
    Ok((link.path().to_owned(), query))
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Page {
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    columns: Vec<Column>,
    rows: Vec<Vec<Box<RawValue>>>,
    next_link: Option<String>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

/// A cell that holds an amount.
#[derive(Deserialize)]
#[serde(transparent)]
struct Amount {
    #[serde(deserialize_with = "decode::units")]
    attos: i128,
}

impl Properties {
    fn add_to(&self, charges: &mut Charges, days: DaySpan) -> Result<(), SourceError> {
        let place = |name: &str| {
            let is_it = |column: &Column| column.name.eq_ignore_ascii_case(name);
            let place = self.columns.iter().position(is_it);
            place.ok_or_else(|| changed(&format!("`properties.columns` has no column {name}")))
        };
        let (cost, day, currency) = (place("Cost")?, place("UsageDate")?, place("Currency")?);
        let group = place("ResourceGroupName").ok();
        for row in &self.rows {
            let day = cell(row, day).and_then(|it| it.get().parse().ok()).and_then(day_of);
            let day = day.ok_or_else(|| changed("a row's UsageDate is no day"))?;
            if !(days.first..=days.last).contains(&day) {
                continue;
            }
            let amount = cell(row, cost).and_then(read::<Amount>);
            let amount = amount.ok_or_else(|| changed("a row's Cost is no amount"))?.attos;
            let currency = cell(row, currency).and_then(read::<Currency>);
            let currency = currency.ok_or_else(|| changed("a row's Currency is no currency"))?;
            let project = group.and_then(|place| cell(row, place));
            let project = project.and_then(read::<String>).filter(|it| !it.is_empty());
            if amount != 0 {
                let amount = Money { attos: amount, currency };
                let kind = ChargeKind::Billed;
                charges.add(Charge { day, amount, kind, model: None, project })?;
            }
        }
        return Ok(());

        fn cell(row: &[Box<RawValue>], place: usize) -> Option<&RawValue> {
            row.get(place).map(AsRef::as_ref)
        }

        fn read<'a, T: Deserialize<'a>>(cell: &'a RawValue) -> Option<T> {
            serde_json::from_str(cell.get()).ok()
        }
    }
}

/// `20261101` -> 2026-11-01.
fn day_of(written: u32) -> Option<NaiveDate> {
    let year = i32::try_from(written / 10_000).ok()?;
    NaiveDate::from_ymd_opt(year, written / 100 % 100, written % 100)
}

fn changed(what: &str) -> SourceError {
    SourceError::FormatChanged { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{self, Exchange, Fake, Given};
    use super::super::fixtures::{self, Fixture};
    use super::*;

    const SETTINGS: [(&str, &str); 3] =
        [("tenant", "tenant-1"), ("client", "client-1"), ("scope", "subscription-1")];

    async fn look_given(calls: Vec<Exchange>, given: &Given) -> Result<Reading, SourceError> {
        // The token's answer is the only one that is asked for without the token.
        let token = ("authorization", "Bearer token-secret-1".to_owned());
        let fake = Fake::serve_with(token, calls).await;
        let (client, now) = (fixtures::impatient_client(), Fixture::load("azure").now());
        let reading =
            fake::look_given(&AzureCost, Some(&fake.url), &client, now, "2026-11-01", given);
        let reading = reading.await;
        fake.finish();
        reading
    }

    /// Turns the first call into one that sends a form and no token.
    fn with_form(mut calls: Vec<Exchange>) -> Vec<Exchange> {
        if let Some(first) = calls.first_mut() {
            let kind = "application/x-www-form-urlencoded";
            let form = format!(
                "grant_type=client_credentials&client_id=client-1&client_secret={}\
                 &scope=https%3A%2F%2Fmanagement.azure.com%2F.default",
                fake::KEY
            );
            *first = first.clone().asked_with("content-type", kind).posted(form.into());
        }
        calls
    }

    async fn look(calls: Vec<Exchange>) -> Result<Reading, SourceError> {
        look_given(with_form(calls), &Given::settings(&SETTINGS)).await
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("azure");
        let reading = look(fixture.exchanges()).await.unwrap();
        fixtures::assert_reading(&reading, fixture.reading());
        let rows: Vec<_> = reading
            .charges
            .iter()
            .map(|it| (it.amount.to_decimal(), it.project.as_deref().unwrap_or_default()))
            .collect();
        let expected = [("1.234567890123", "rg-a"), ("-0.5", "rg-b"), ("0.25", ""), ("2", "rg-a")];
        assert_eq!(rows, expected.map(|(amount, group)| (amount.to_owned(), group)));
    }

    #[tokio::test]
    async fn the_variants_read_as_expected() {
        let fixture = Fixture::load("azure");
        for (index, variant) in
            fixture.expected()["variants"].as_array().unwrap().iter().enumerate()
        {
            let mut calls = fixture.exchanges();
            calls.truncate(2);
            calls[1] = calls[1].clone().body(fixture.body(variant["files"][0].as_str().unwrap()));
            let outcome = look(calls).await;
            match index {
                0 => fixtures::assert_reading(&outcome.unwrap(), variant),
                1 => {
                    insta::assert_snapshot!(outcome.unwrap_err(), @"the answer was not understood: `properties.columns` has no column Cost")
                }
                2 => {
                    insta::assert_snapshot!(outcome.unwrap_err(), @"the answer was not understood: `nextLink` leads to another address")
                }
                _ => panic!("a variant without a test"),
            }
        }
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("azure");
        let errors = fixture.errors(1);
        assert_eq!(errors.len(), 4);
        for ((call, expected, row), (login, ..)) in errors.into_iter().zip(fixture.errors(0)) {
            let calls = match row["only"] == "token" {
                true => vec![login],
                false => vec![fixture.exchanges().remove(0), call],
            };
            assert_eq!(look(calls).await, Err(expected), "{row}");
        }
    }

    #[tokio::test]
    async fn a_tenant_that_entra_does_not_know_is_said() {
        let fixture = Fixture::load("azure");
        let call =
            fixture.exchanges().remove(0).status(400).body("{\"error\":\"invalid_request\"}");
        let error = look(vec![call]).await.unwrap_err();
        insta::assert_snapshot!(error, @"Entra knows no such tenant or client (400)");
    }

    #[tokio::test]
    async fn what_is_missing_or_odd_is_said_before_anything_is_sent() {
        let what = |settings: &'static [(&'static str, &'static str)]| async move {
            look_given(Vec::new(), &Given::settings(settings)).await.unwrap_err()
        };
        insta::assert_snapshot!(what(&[]).await, @"it needs what is billed: a subscription's id, or a path such as /subscriptions/<id>");
        insta::assert_snapshot!(what(&[("scope", "a"), ("tenant", " ")]).await, @"it needs the directory (tenant) id of the app registration");
        insta::assert_snapshot!(what(&[("scope", "a"), ("tenant", "a/b")]).await, @"tenant holds a character that no tenant's id has");
        insta::assert_snapshot!(what(&[("scope", "/a?b")]).await, @"scope is no path such as /subscriptions/<id>");
        let gateway = "https://gateway.example".parse().unwrap();
        let (client, given) = (fake::client(), Given::settings(&SETTINGS));
        let now = Fixture::load("azure").now();
        let look = fake::look_given(&AzureCost, Some(&gateway), &client, now, "2026-11-01", &given);
        insta::assert_snapshot!(look.await.unwrap_err(), @"take base_url out of [providers.azure]: the key goes to Microsoft only");
    }

    #[test]
    fn scopes_are_paths_or_subscriptions() {
        assert_eq!(scope("a-1").unwrap(), "/subscriptions/a-1");
        let billing = "providers/Microsoft.Billing/billingAccounts/1:2_2019";
        assert_eq!(scope(&format!("/{billing}/")).unwrap(), format!("/{billing}"));
        assert!(scope("/subscriptions/../x").is_err() && scope("/").is_err());
    }

    #[test]
    fn rows_that_are_not_understood_are_errors_and_no_zeros() {
        let days =
            DaySpan { first: "2026-11-01".parse().unwrap(), last: "2026-11-03".parse().unwrap() };
        let what = |row: &str| {
            let names = ["Cost", "UsageDate", "Currency"].map(|it| format!(r#"{{"name":"{it}"}}"#));
            let body = format!(r#"{{"columns":[{}],"rows":[{row}]}}"#, names.join(","));
            let properties: Properties = decode::answer(body.as_bytes()).unwrap();
            properties.add_to(&mut Charges::default(), days).map_err(|error| error.to_string())
        };
        assert_eq!(what(r#"[1,20261101,"EUR"]"#), Ok(()));
        assert_eq!(what(r#"["x",20250101,"EUR"]"#), Ok(()), "a day that was not asked for");
        for (row, part) in [
            (r#"["x",20261101,"EUR"]"#, "Cost"),
            (r#"[null,20261101,"EUR"]"#, "Cost"),
            (r#"[1,20261301,"EUR"]"#, "UsageDate"),
            (r#"[1,"2026-11-01","EUR"]"#, "UsageDate"),
            (r#"[1,20261101,"secret"]"#, "Currency"),
            ("[1,20261101]", "Currency"),
            ("[]", "UsageDate"),
        ] {
            let error = what(row).unwrap_err();
            assert!(error.contains(part) && !error.contains("secret"), "{row}: {error}");
        }
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_asked() {
        assert_eq!(fake::look_without_key(&AzureCost).await, Err(SourceError::NeedsKey));
    }
}
