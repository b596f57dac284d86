//! Cursor for teams: cost per UTC day and model, tokens, and what the cycle has cost so far.
//!
//! **Key.** An admin key of the team (<https://cursor.com/dashboard>, Settings, Advanced, Admin
//! API keys) from the keyring, `CURSOR_ADMIN_KEY` or `CURSOR_API_KEY`. It is the user of a basic
//! authentication without password, sent to `https://api.cursor.com`, or to the `base_url` of the
//! config. Plans without the admin API answer 403.
//!
//! **Calls** (<https://cursor.com/docs/account/teams/admin-api>), amounts in **cents with
//! fractions**.
//! - `POST /teams/spend`, page by page: `spendCents` of each member, on-demand use alone, since
//!   `subscriptionCycleStart`. `overallSpendCents` counts included use too and is not read.
//! - `POST /teams/filtered-usage-events`, page by page, newest first: `chargedCents` of an event
//!   with `isChargeable` is billed. Without it the amount is what use that the plan includes would
//!   cost: list price, never added to the bill.
//!
//! **Days** are UTC days, by the `timestamp` of the event (milliseconds, as text). The last hour
//! is not complete.
//!
//! **Limits.** 20 requests a minute and team, and figures move once an hour: it is asked once an
//! hour. One look reads at most 15 pages of 100 members or 500 events; of a team with more events
//! the days that were read to their end count, and the reading says so. An event has no id: one
//! that comes on two pages in a row with every figure alike is one event.
//!
//! **Not covered.** Days before the last 30. The seats of the plan.

use std::collections::HashSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::decode;
use super::endpoint::{Auth, Endpoint};
use super::parts::Parts;
use super::reports::start_of;
use super::tally::{Charges, Tokens};
use crate::sources::{KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};
use crate::spend::{
    Charge, ChargeKind, Currency, DaySpan, Metered, Money, Quantity, Reading, TokenCounts, Total,
};

/// Cursor's admin endpoints.
pub struct CursorTeam;

static INFO: SourceInfo = SourceInfo {
    id: "cursor-team",
    name: "Cursor team",
    kind: SourceKind::Provider,
    account: "cursor",
    poll_minutes: 60,
    least_minutes: 60,
    settings: &[],
    key: Some(KeySpec {
        variables: &["CURSOR_ADMIN_KEY", "CURSOR_API_KEY"],
        kind: "an admin key of the team (crsr_… or key_…)",
    }),
    status_page: "https://status.cursor.com",
    base_url: "https://api.cursor.com",
    tells: "billed cost and tokens per UTC day and model, the cycle's cost",
    reads: "spend, usage events",
    limits: "asked once an hour; 30 days; included use is list price",
};

const MOST_DAYS: u64 = 30;
const MOST_PAGES: u64 = 15;
const MEMBERS: u64 = 100;
const EVENTS: u64 = 500;

impl Source for CursorTeam {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(read(look))
    }
}

async fn read(look: &Look<'_>) -> Result<Reading, SourceError> {
    let endpoint = Endpoint::new(look, &INFO, &Auth::BasicUser)?;
    let mut parts = Parts::needing("an admin key of the team");

    let spend = parts.keep("The cycle's cost", spend(&endpoint).await)?;
    parts.reading.totals.extend(spend);

    let today = look.now.date_naive();
    let oldest = today.checked_sub_days(Days::new(MOST_DAYS - 1)).unwrap_or(today);
    let days = DaySpan { first: look.since.clamp(oldest, today), last: today };
    let events = events(&endpoint, days, look.now).await;
    if let Some(events) = parts.keep("Usage events", events)? {
        events.add_to(&mut parts.reading, days)?;
    }
    parts.finish().map_err(|error| match error {
        SourceError::WrongKindOfKey { status } => SourceError::NotOffered {
            what: format!("the plan has no admin API, or the key may not use it ({status})"),
        },
        other => other,
    })
}

async fn spend(endpoint: &Endpoint<'_>) -> Result<Total, SourceError> {
    let mut sum = 0_i128;
    for page in 1..=MOST_PAGES {
        let asked = json!({"page": page, "pageSize": MEMBERS});
        let answer: Spend = endpoint.post("/teams/spend", &asked).await?;
        for member in &answer.team_member_spend {
            sum = sum.checked_add(member.spend_cents).ok_or_else(too_much)?;
        }
        if page >= answer.total_pages {
            let start = DateTime::from_timestamp_millis(answer.subscription_cycle_start)
                .ok_or_else(|| changed("`subscriptionCycleStart` is no point in time"))?;
            let period = format!("from {}", start.format("%Y-%m-%dT%H:%M:%SZ"));
            let amount = Quantity::Money(usd(sum));
            return Ok(Total { name: "team".into(), period, amount });
        }
    }
    Err(changed("it has more pages of members than one look reads"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spend {
    team_member_spend: Vec<Member>,
    subscription_cycle_start: i64,
    total_pages: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    #[serde(deserialize_with = "decode::cents")]
    spend_cents: i128,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    total_usage_events_count: u64,
    pagination: Pagination,
    usage_events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    has_next_page: bool,
}

/// Whether two are the same event is told by all of it.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(deserialize_with = "milliseconds")]
    timestamp: DateTime<Utc>,
    user_email: Option<String>,
    model: Option<String>,
    is_chargeable: bool,
    #[serde(default, deserialize_with = "decode::cents_or_null")]
    charged_cents: Option<i128>,
    token_usage: Option<TokenUsage>,
}

#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenUsage {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
    #[serde(default)]
    cache_write_tokens: u64,
    #[serde(default)]
    cache_read_tokens: u64,
}

#[derive(Default)]
struct Events {
    events: Vec<Event>,
    /// As many as the answers hold, repeats included.
    seen: u64,
    told: u64,
    is_cut: bool,
}

async fn events(
    endpoint: &Endpoint<'_>,
    days: DaySpan,
    now: DateTime<Utc>,
) -> Result<Events, SourceError> {
    let mut all = Events::default();
    let mut before = HashSet::new();
    for page in 1..=MOST_PAGES {
        let asked = json!({
            "startDate": start_of(days.first).timestamp_millis(),
            "endDate": now.timestamp_millis(),
            "page": page,
            "pageSize": EVENTS,
        });
        let answer: Page = endpoint.post("/teams/filtered-usage-events", &asked).await?;
        all.seen += answer.usage_events.len() as u64;
        all.told = answer.total_usage_events_count;
        all.is_cut = answer.pagination.has_next_page;
        // Events that come in meanwhile push others over to the next page.
        let here: HashSet<Event> = answer.usage_events.iter().cloned().collect();
        all.events.extend(answer.usage_events.into_iter().filter(|it| !before.contains(it)));
        before = here;
        if !all.is_cut {
            break;
        }
    }
    Ok(all)
}

impl Events {
    fn add_to(self, reading: &mut Reading, days: DaySpan) -> Result<(), SourceError> {
        let Some(cover) = self.cover(days) else {
            let gap = "Cursor lists more usage events than one look reads, in no order.";
            reading.gaps.push(gap.into());
            return Ok(());
        };
        if cover != days {
            let gap = format!(
                "Cursor lists more usage events than one look reads; days before {} are not read.",
                cover.first
            );
            reading.gaps.push(gap);
        } else if self.seen < self.told {
            let gap = format!("Cursor counts {} usage events and lists {}.", self.told, self.seen);
            reading.gaps.push(gap);
        }
        let (mut charges, mut tokens) = (Charges::default(), Tokens::default());
        for event in self.events {
            if !(cover.first..=cover.last).contains(&event.day()) {
                continue;
            }
            if let Some(charge) = event.charge()? {
                charges.add(charge)?;
            }
            if let Some(metered) = event.metered() {
                tokens.add(metered);
            }
        }
        (reading.charges, reading.charges_cover) = (charges.into_charges(), Some(cover));
        (reading.metered, reading.metered_cover) = (tokens.into_metered(), Some(cover));
        Ok(())
    }

    /// The days whose events were all read: newest first, so the last day read may go on.
    fn cover(&self, days: DaySpan) -> Option<DaySpan> {
        if !self.is_cut {
            return Some(days);
        }
        let first = self.events.last()?.day().succ_opt()?;
        let is_sorted = self.events.is_sorted_by(|a, b| a.timestamp >= b.timestamp);
        (is_sorted && first <= days.last).then(|| DaySpan { first: first.max(days.first), ..days })
    }
}

impl Event {
    fn day(&self) -> NaiveDate {
        self.timestamp.date_naive()
    }

    fn charge(&self) -> Result<Option<Charge>, SourceError> {
        let (kind, attos) = match (self.is_chargeable, self.charged_cents) {
            (true, Some(attos)) => (ChargeKind::Billed, attos),
            (true, None) => return Err(changed("a chargeable event has no `chargedCents`")),
            (false, attos) => (ChargeKind::List, attos.unwrap_or_default()),
        };
        let (day, model) = (self.day(), self.model.clone());
        let charge = Charge { day, amount: usd(attos), kind, model, project: None };
        Ok((attos != 0).then_some(charge))
    }

    fn metered(&self) -> Option<Metered> {
        let used = self.token_usage.as_ref()?;
        let tokens = TokenCounts {
            input: used.input_tokens,
            output: used.output_tokens,
            cache_read: used.cache_read_tokens,
            cache_write_5m: used.cache_write_tokens,
            ..TokenCounts::default()
        };
        let (day, model) = (self.day(), self.model.clone());
        Some(Metered { day, model, tokens, requests: 1, web_searches: 0 })
    }
}

/// Milliseconds since 1970, as text or number.
fn milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Number(serde_json::Number),
    }
    let millis = match Written::deserialize(from) {
        Ok(Written::Text(text)) => text.parse().ok(),
        Ok(Written::Number(number)) => number.as_i64(),
        Err(_) => None,
    };
    millis.and_then(DateTime::from_timestamp_millis).ok_or_else(|| {
        let found = serde::de::Unexpected::Other("something else");
        serde::de::Error::invalid_value(found, &"a point in time")
    })
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
    use super::super::fake::{self, Exchange, Fake, KEY};
    use super::super::fixtures::{self, Fixture};
    use super::*;

    async fn look(calls: Vec<Exchange>) -> Result<Reading, SourceError> {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{KEY}:"));
        let fake = Fake::serve_with(("authorization", format!("Basic {pair}")), calls).await;
        let (client, now) = (fixtures::impatient_client(), Fixture::load("cursor-team").now());
        let reading = fake::look(&CursorTeam, &fake.url, &client, now, "2026-11-01").await;
        fake.finish();
        reading
    }

    #[tokio::test]
    async fn the_fixture_reads_as_expected() {
        let fixture = Fixture::load("cursor-team");
        let reading = look(fixture.exchanges()).await.unwrap();
        fixtures::assert_reading(&reading, fixture.reading());
        let billed: Vec<_> =
            reading.charges.iter().filter(|it| it.kind == ChargeKind::Billed).collect();
        // 21.36232 and 0.5 cents.
        assert_eq!(billed[0].amount.to_decimal(), "0.2186232");
        assert_eq!(billed[0].model.as_deref(), Some("claude-sonnet-5"));
    }

    #[tokio::test]
    async fn the_errors_read_as_expected() {
        let fixture = Fixture::load("cursor-team");
        let errors = fixture.errors(0);
        assert_eq!(errors.len(), 3);
        for (call, expected, row) in errors {
            // What the plan does not have is asked for in vain by every call.
            let mut calls = vec![call.clone()];
            if row["status"] == 403 {
                calls.push(fixture.exchanges().remove(1).status(403));
            }
            let error = look(calls).await.unwrap_err();
            match expected {
                SourceError::NotOffered { .. } => {
                    insta::assert_snapshot!(error, @"the account does not offer this: the plan has no admin API, or the key may not use it (403)")
                }
                other => assert_eq!(error, other),
            }
        }
    }

    #[tokio::test]
    async fn the_cycle_that_cannot_be_read_leaves_the_events() {
        let mut calls = Fixture::load("cursor-team").exchanges();
        calls[0] = calls[0].clone().body(r#"{"teamMemberSpend":[{"name":"x"}]}"#);
        let reading = look(calls).await.unwrap();
        assert_eq!((reading.totals.len(), reading.charges.len()), (0, 2));
        insta::assert_snapshot!(reading.gaps.join("\n"), @"The cycle's cost could not be read: the answer was not understood: `teamMemberSpend[0]` has no field `spendCents`.");
    }

    #[tokio::test]
    async fn events_that_are_counted_but_not_listed_make_it_partial() {
        let fixture = Fixture::load("cursor-team");
        let mut calls = fixture.exchanges();
        let body = String::from_utf8(fixture.body("events-page2.json")).unwrap();
        calls[2] = calls[2].clone().body(body.replace("Count\":4", "Count\":5"));
        let reading = look(calls).await.unwrap();
        assert_eq!(reading.gaps, ["Cursor counts 5 usage events and lists 4."]);
    }

    fn event(timestamp: &str, rest: &str) -> Event {
        let at: DateTime<Utc> = timestamp.parse().unwrap();
        let millis = at.timestamp_millis();
        let body = format!(r#"{{"timestamp":"{millis}","model":"m"{rest}}}"#);
        decode::answer(body.as_bytes()).unwrap()
    }

    fn days() -> DaySpan {
        DaySpan { first: "2026-11-01".parse().unwrap(), last: "2026-11-03".parse().unwrap() }
    }

    #[test]
    fn of_a_list_that_is_cut_only_whole_days_count() {
        let of = |times: &[&str]| {
            let charged = r#","isChargeable":true,"chargedCents":"100.5""#;
            let events = times.iter().map(|at| event(at, charged)).collect();
            let mut reading = Reading::default();
            let events = Events { events, seen: 9, told: 99, is_cut: true };
            events.add_to(&mut reading, days()).unwrap();
            reading
        };
        let reading = of(&["2026-11-03T01:00:00Z", "2026-11-02T01:00:00Z", "2026-11-02T00:00:00Z"]);
        assert_eq!(reading.charges_cover.unwrap().first.to_string(), "2026-11-03");
        assert_eq!(reading.charges.len(), 1);
        assert_eq!(reading.charges[0].amount.to_decimal(), "1.005");
        insta::assert_snapshot!(reading.gaps.join("\n"), @"Cursor lists more usage events than one look reads; days before 2026-11-03 are not read.");
        for unknown in
            [&["2026-11-01T01:00:00Z", "2026-11-02T01:00:00Z"][..], &["2026-11-03T01:00:00Z"]]
        {
            let reading = of(unknown);
            assert_eq!((reading.charges_cover, reading.gaps.len()), (None, 1));
        }
    }

    #[tokio::test]
    async fn an_event_pushed_to_the_next_page_counts_once() {
        let fixture = Fixture::load("cursor-team");
        let mut calls = fixture.exchanges();
        let first = String::from_utf8(fixture.body("events-page1.json")).unwrap();
        calls[2] =
            calls[2].clone().body(first.replace("\"hasNextPage\":true", "\"hasNextPage\":false"));
        let reading = look(calls).await.unwrap();
        let sum: i128 = reading.charges.iter().map(|it| it.amount.attos).sum();
        // 21.36232 + 0.5 + 8 cents, once.
        assert_eq!(usd(sum).to_decimal(), "0.2986232");
    }

    #[test]
    fn what_is_charged_has_an_amount() {
        let error = event("2026-11-01T00:00:00Z", r#","isChargeable":true"#).charge().unwrap_err();
        insta::assert_snapshot!(error, @"the answer was not understood: a chargeable event has no `chargedCents`");
        let free = event("2026-11-01T00:00:00Z", r#","isChargeable":false"#);
        assert_eq!((free.charge(), free.metered()), (Ok(None), None));
        for odd in [r#""""#, "null", "1e30", "true"] {
            let body = format!(r#"{{"timestamp":{odd},"isChargeable":false}}"#);
            assert!(decode::answer::<Event>(body.as_bytes()).is_err(), "{odd}");
        }
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_asked() {
        assert_eq!(fake::look_without_key(&CursorTeam).await, Err(SourceError::NeedsKey));
    }
}
