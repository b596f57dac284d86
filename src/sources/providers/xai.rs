//! xAI: cost per UTC day, prepaid credit, the invoice so far and the spending limit.
//!
//! **Key.** A management key (<https://console.x.ai>, Settings, Management Keys) from the keyring
//! or `XAI_MANAGEMENT_API_KEY`; keys for inference are refused. It is sent as `Authorization:
//! Bearer` to `https://management-api.x.ai`, or to the `base_url` of the config.
//! `settings = { team = "..." }` or `XAI_TEAM_ID` names the team; without it the key is asked
//! which team it belongs to.
//!
//! **Calls** (<https://docs.x.ai/docs/management-api/billing>).
//! - `GET /auth/management-keys/validation`, only without a team: `teamId`.
//! - `GET /v1/billing/teams/{team}/prepaid/balance`: `total.val`, a text in **cents with the sign
//!   turned**: $10 topped up are "-1000". It is what is *posted*: what this cycle has cost is taken
//!   off when the cycle closes. No total is an error, not $0.
//! - `POST /v1/billing/teams/{team}/usage`: US dollars as numbers, one point per series and day;
//!   series are added up. `limitReached` says that series are missing, and the reading says so.
//! - `GET /v1/billing/teams/{team}/postpaid/invoice/preview`: what the cycle has cost so far,
//!   the credit it is paid from and how much of that it has used up (each with either sign), and the
//!   spending limit, texts in cents.
//!
//! **Days** are UTC days (`Etc/GMT` is asked for); the day that is not over is billed so far.
//!
//! **Limits.** No rate limit is published; one look makes three or four requests.
//!
//! **Not covered.** Tokens. VAT: it is in the invoice and not in the days.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::json;

use super::decode;
use super::endpoint::{Auth, Endpoint};
use super::parts::Parts;
use crate::sources::{KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};
use crate::spend::source::SettingSpec;
use crate::spend::{
    Balance, Charge, ChargeKind, Currency, DaySpan, Money, Quantity, QuotaWindow, Reading, Total,
    UsedOf,
};

/// xAI's billing endpoints.
pub struct Xai;

static INFO: SourceInfo = SourceInfo {
    id: "xai",
    name: "xAI",
    kind: SourceKind::Provider,
    account: "xai",
    poll_minutes: 5,
    least_minutes: 0,
    settings: &[SettingSpec {
        name: "team",
        variable: "XAI_TEAM_ID",
        what: "the team's id, from console.x.ai; the key tells it where it is not set",
        default: None,
    }],
    key: Some(KeySpec {
        variables: &["XAI_MANAGEMENT_API_KEY"],
        kind: "a management key (xai-token-…)",
    }),
    status_page: "",
    base_url: "https://management-api.x.ai",
    tells: "billed cost per UTC day, prepaid credit, the invoice so far, the spending limit",
    reads: "prepaid balance, usage, invoice preview",
    limits: "no tokens",
};

impl Source for Xai {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(read(look))
    }
}

async fn read(look: &Look<'_>) -> Result<Reading, SourceError> {
    let endpoint = Endpoint::new(look, &INFO, &Auth::Bearer)?;
    let mut parts = Parts::needing("a management key that may read billing");
    let team = team(look, &endpoint).await?;
    let of_team = |path: &str| format!("/v1/billing/teams/{team}/{path}");

    // Without an answer to this one there is no team, or no right to its bills.
    let prepaid: Prepaid = endpoint.get(&of_team("prepaid/balance"), &[]).await?;
    let posted = negated(prepaid.total.val)?;
    let prepaid = parts.keep("Prepaid credit", Ok(posted))?.unwrap_or_default();
    parts.reading.balances.push(balance("posted prepaid", prepaid));

    let days =
        DaySpan { first: look.since.min(look.now.date_naive()), last: look.now.date_naive() };
    let usage = endpoint.post(&of_team("usage"), &asked(days, look.now)).await;
    let usage = usage.and_then(|usage: Usage| usage.days(days));
    if let Some(usage) = parts.keep("Cost per day", usage)? {
        usage.add_to(&mut parts.reading);
    }

    let preview = endpoint.get(&of_team("postpaid/invoice/preview"), &[]).await;
    if let Some(preview) = parts.keep::<Preview>("The invoice so far", preview)? {
        preview.add_to(&mut parts.reading, prepaid)?;
    }
    parts.finish()
}

/// The team that is asked about.
async fn team(look: &Look<'_>, endpoint: &Endpoint<'_>) -> Result<String, SourceError> {
    let set = look.setting(&INFO, "team").ok();
    let team = match set.clone() {
        Some(team) => team,
        None => {
            let key: ManagementKey = endpoint.get("/auth/management-keys/validation", &[]).await?;
            key.team_id
        }
    };
    // It becomes a part of an address.
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match (!team.is_empty() && team.bytes().all(is_id), set) {
        (true, _) => Ok(team),
        (false, Some(_)) => Err(SourceError::Misconfigured {
            what: "team holds a character that no team's id has".into(),
        }),
        (false, None) => Err(changed("`teamId` is no id")),
    }
}

fn asked(days: DaySpan, now: DateTime<Utc>) -> serde_json::Value {
    json!({
        "analyticsRequest": {
            "timeRange": {
                "startTime": format!("{} 00:00:00", days.first),
                "endTime": now.format("%Y-%m-%d %H:%M:%S").to_string(),
                "timezone": "Etc/GMT",
            },
            "timeUnit": "TIME_UNIT_DAY",
            "values": [{"name": "usd", "aggregation": "AGGREGATION_SUM"}],
            "groupBy": [],
            "filters": [],
        }
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManagementKey {
    team_id: String,
}

#[derive(Deserialize)]
struct Prepaid {
    total: Cents,
}

#[derive(Deserialize)]
struct Cents {
    #[serde(deserialize_with = "decode::cents")]
    val: i128,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    time_series: Vec<Series>,
    #[serde(default)]
    limit_reached: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Series {
    data_points: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    timestamp: DateTime<Utc>,
    values: Vec<Dollars>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Dollars {
    #[serde(deserialize_with = "decode::units")]
    attos: i128,
}

/// Cost by day, and the days that are known.
struct Days {
    cost: BTreeMap<NaiveDate, i128>,
    cover: Option<DaySpan>,
    is_partial: bool,
}

impl Usage {
    fn days(self, asked: DaySpan) -> Result<Days, SourceError> {
        let mut cost: BTreeMap<NaiveDate, i128> = BTreeMap::new();
        for point in self.time_series.iter().flat_map(|series| &series.data_points) {
            let [value] = point.values.as_slice() else {
                return Err(changed("a point in time has not one value"));
            };
            let day = point.timestamp.date_naive();
            if day > asked.last {
                return Err(changed("it holds a day to come"));
            }
            if day < asked.first {
                continue;
            }
            let sum = cost.entry(day).or_default();
            *sum = sum.checked_add(value.attos).ok_or_else(too_much)?;
        }
        // A day that is not told cost nothing, unless the answer was cut short.
        let told = cost.keys().next().zip(cost.keys().next_back());
        let told = told.map(|(first, last)| DaySpan { first: *first, last: *last });
        let cover = if self.limit_reached { told } else { Some(asked) };
        Ok(Days { cost, cover, is_partial: self.limit_reached })
    }
}

impl Days {
    fn add_to(self, reading: &mut Reading) {
        let charge = |(day, attos)| Charge {
            day,
            amount: usd(attos),
            kind: ChargeKind::Billed,
            model: None,
            project: None,
        };
        reading.charges = self.cost.into_iter().map(charge).collect();
        reading.charges_cover = self.cover;
        if self.is_partial {
            let gap = "xAI tells only a part of the cost per day: there are too many series.";
            reading.gaps.push(gap.into());
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    core_invoice: Invoice,
    #[serde(default, deserialize_with = "decode::cents_or_null")]
    effective_spending_limit: Option<i128>,
    billing_cycle: Cycle,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invoice {
    #[serde(deserialize_with = "decode::cents")]
    amount_after_vat: i128,
    prepaid_credits: Option<Cents>,
    prepaid_credits_used: Option<Cents>,
}

impl Invoice {
    /// What is left of prepaid credit when this cycle is paid for. The sign of what is used is
    /// told either way.
    fn left(&self) -> Option<i128> {
        let (credit, used) = (self.prepaid_credits.as_ref()?, self.prepaid_credits_used.as_ref()?);
        credit.val.checked_neg()?.checked_sub(used.val.checked_abs()?)
    }
}

#[derive(Deserialize)]
struct Cycle {
    year: u32,
    month: u32,
}

impl Preview {
    fn add_to(self, reading: &mut Reading, prepaid: i128) -> Result<(), SourceError> {
        let spent = self.core_invoice.amount_after_vat;
        let period = format!("{:04}-{:02}", self.billing_cycle.year, self.billing_cycle.month);
        let amount = Quantity::Money(usd(spent));
        reading.totals.push(Total { name: "team".into(), period, amount });
        if prepaid != 0 {
            let left = self.core_invoice.left().or_else(|| prepaid.checked_sub(spent));
            let left = left.ok_or_else(too_much)?;
            reading.balances.push(balance("left after this cycle", left));
        }
        if let Some(limit) = self.effective_spending_limit.filter(|limit| *limit > 0) {
            let [used, limit] = [spent, limit].map(|attos| Quantity::Money(usd(attos)));
            reading.quotas.push(QuotaWindow::of("spending limit", UsedOf { used, limit }));
        }
        Ok(())
    }
}

fn negated(attos: i128) -> Result<i128, SourceError> {
    attos.checked_neg().ok_or_else(too_much)
}

fn balance(name: &str, attos: i128) -> Balance {
    Balance { name: name.into(), amount: Quantity::Money(usd(attos)) }
}

fn usd(attos: i128) -> Money {
    Money { attos, currency: Currency::USD }
}

fn too_much() -> SourceError {
    changed("its amounts add up to more than any amount of money")
}

fn changed(what: &str) -> SourceError {
    SourceError::FormatChanged { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{self, Exchange, Fake, Given};
    use super::super::fixtures::{self, Fixture};
    use super::*;

    async fn look_given(calls: Vec<Exchange>, given: &Given) -> Result<Reading, SourceError> {
        let fake = Fake::serve(calls).await;
        let (client, now) = (fixtures::impatient_client(), Fixture::load("xai").now());
        let reading = fake::look_given(&Xai, Some(&fake.url), &client, now, "2026-11-01", given);
        let reading = reading.await;
        fake.finish();
        reading
    }

    async fn look(calls: Vec<Exchange>) -> Result<Reading, SourceError> {
        look_given(calls, &Given::settings(&[("team", "team-1")])).await
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("xai");
        let reading = look(fixture.exchanges()).await.unwrap();
        fixtures::assert_reading(&reading, fixture.reading());
    }

    #[tokio::test]
    async fn an_answer_that_was_cut_short_is_partial() {
        let fixture = Fixture::load("xai");
        let (_, _, expected) = fixture.variants().remove(0);
        let mut calls = fixture.exchanges();
        calls[1] = calls[1].clone().body(fixture.body("usage-limit-reached.json"));
        let reading = look(calls).await.unwrap();
        fixtures::assert_costs(&reading, ChargeKind::Billed, &expected["billed_costs"]);
        insta::assert_snapshot!(reading.gaps.join("\n"), @"xAI tells only a part of the cost per day: there are too many series.");
    }

    #[tokio::test]
    async fn no_total_is_not_zero() {
        let fixture = Fixture::load("xai");
        let body = fixture.body("prepaid-balance-no-total.json");
        let call = fixture.exchanges().remove(0).body(body);
        let error = look(vec![call]).await.unwrap_err();
        insta::assert_snapshot!(error, @"the answer was not understood: the answer has no field `total`");
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("xai");
        let errors = fixture.errors(0);
        assert_eq!(errors.len(), 3);
        for (call, expected, row) in errors {
            let error = look(vec![call]).await.unwrap_err();
            match row["status"].as_u64() {
                // On another address than xAI's own the address is to blame.
                Some(404) => {
                    assert!(matches!(error, SourceError::Misconfigured { .. }), "{error}")
                }
                _ => assert_eq!(error, expected),
            }
        }
    }

    #[tokio::test]
    async fn the_key_tells_its_team_where_none_is_set() {
        let path = "/auth/management-keys/validation";
        let mut calls = vec![Exchange::ok(path, r#"{"apiKeyId":"x","teamId":"team-1"}"#)];
        calls.extend(Fixture::load("xai").exchanges());
        look_given(calls, &Given::default()).await.unwrap();
        let given = Given::default().variable("XAI_TEAM_ID", "team-1");
        look_given(Fixture::load("xai").exchanges(), &given).await.unwrap();
        let call = Exchange::ok(path, r#"{"teamId":"../x"}"#);
        let error = look_given(vec![call], &Given::default()).await.unwrap_err();
        insta::assert_snapshot!(error, @"the answer was not understood: `teamId` is no id");
        let odd = Given::settings(&[("team", "a/b")]);
        let error = look_given(Vec::new(), &odd).await.unwrap_err();
        insta::assert_snapshot!(error, @"team holds a character that no team's id has");
    }

    #[tokio::test]
    async fn what_fails_beside_the_balance_is_a_gap() {
        let mut calls = Fixture::load("xai").exchanges();
        calls[1] = calls[1].clone().status(403);
        calls[2] = calls[2].clone().body(r#"{"coreInvoice":{},"billingCycle":{}}"#);
        let reading = look(calls).await.unwrap();
        assert_eq!((reading.balances.len(), reading.charges_cover), (1, None));
        insta::assert_snapshot!(reading.gaps.join("\n"), @"
        Cost per day can't be read: it takes a management key that may read billing (403).
        The invoice so far could not be read: the answer was not understood: `coreInvoice` has no field `amountAfterVat`.
        ");
    }

    #[test]
    fn what_is_left_is_the_credit_less_its_use_with_either_sign() {
        let left = |rest: &str| {
            let body = format!(
                r#"{{"coreInvoice":{{"amountAfterVat":"100"{rest}}},"billingCycle":{{"year":2026,"month":1}}}}"#
            );
            let preview: Preview = decode::answer(body.as_bytes()).unwrap();
            let mut reading = Reading::default();
            preview.add_to(&mut reading, usd(5 * 10_i128.pow(18)).attos).unwrap();
            assert_eq!(reading.totals[0].period, "2026-01");
            usd(reading.balances[0].amount.attos()).to_decimal()
        };
        let credit = r#","prepaidCredits":{"val":"-3816"}"#;
        // 38.16 - 13.73
        for used in ["1373", "-1373"] {
            let used = format!(r#"{credit},"prepaidCreditsUsed":{{"val":"{used}"}}"#);
            assert_eq!(left(&used), "24.43");
        }
        // Without them what is posted, less the invoice: 5 - 1.
        assert_eq!(left(credit), "4");
    }

    #[test]
    fn days_that_are_not_told_cost_nothing_and_days_to_come_are_refused() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let asked = DaySpan { first: day("2026-11-01"), last: day("2026-11-03") };
        let days = |points: &str| {
            let body = format!(r#"{{"timeSeries":[{{"dataPoints":[{points}]}}]}}"#);
            decode::answer::<Usage>(body.as_bytes()).unwrap().days(asked)
        };
        let quiet = days("").unwrap();
        assert_eq!((quiet.cost.len(), quiet.cover), (0, Some(asked)));
        assert!(days(r#"{"timestamp":"2026-11-04T00:00:00Z","values":[1]}"#).is_err());
        assert!(days(r#"{"timestamp":"2026-11-03T00:00:00Z","values":[]}"#).is_err());
        let early = days(r#"{"timestamp":"2026-10-31T00:00:00Z","values":[1]}"#).unwrap();
        assert_eq!(early.cost.len(), 0);
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_asked() {
        assert_eq!(fake::look_without_key(&Xai).await, Err(SourceError::NeedsKey));
    }
}
