//! The pretend provider: OpenAI Admin's costs and completions usage over real HTTP on loopback.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Json;
use axum::routing::get;
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use serde_json::{Value, json};

/// Days per page, so that the reader has to follow pages here too.
const PAGE_DAYS: usize = 20;
/// What the 29 days before today cost together, dollars.
const PAST_DOLLARS: u64 = 1_285_000;
/// What today costs when the demo starts, cents.
const TODAY_START_CENTS: u64 = 1_968_000;
/// What today costs more every second, cents.
const TODAY_CENTS_PER_SECOND: u64 = 180;
/// Tokens that one dollar buys in this mix: 88 % cached, 7.7 % fresh, 4.3 % output of GPT-5.5.
const TOKENS_PER_DOLLAR: u64 = 460_000;

/// A provider on loopback; it ends when dropped.
pub struct Provider {
    address: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Bills {
    today: NaiveDate,
    started: Instant,
    authorization: String,
}

impl Provider {
    /// Listens on a free port of the loopback address.
    pub fn start(now: DateTime<Utc>, key: &str) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))
            .context("opening a port for the pretend provider")?;
        listener.set_nonblocking(true).context("preparing the pretend provider's port")?;
        let address = format!("http://{}", listener.local_addr().context("reading the port")?);
        let bills = Arc::new(Bills {
            today: now.date_naive(),
            started: Instant::now(),
            authorization: format!("Bearer {key}"),
        });
        let routes = axum::Router::new()
            .route("/v1/organization/costs", get(costs))
            .route("/v1/organization/usage/completions", get(usage))
            .with_state(bills);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the pretend provider")?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("demo-provider".into())
            .spawn(move || {
                runtime.block_on(async move {
                    let served = async {
                        let listener = tokio::net::TcpListener::from_std(listener)?;
                        axum::serve(listener, routes).await
                    };
                    tokio::select! {
                        result = served => if let Err(error) = result {
                            log::error!("the pretend provider ended: {error}");
                        },
                        _ = stopped => {}
                    }
                });
            })
            .context("starting the pretend provider's thread")?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Its address, `http://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // Both fail only if the thread has ended already, which is what is wanted.
        self.stop.take().map(|stop| stop.send(()));
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

impl Bills {
    /// What a day costs, cents. Past days follow the week; today grows while you watch.
    fn cents(&self, day: NaiveDate) -> u64 {
        if day == self.today {
            return TODAY_START_CENTS + self.started.elapsed().as_secs() * TODAY_CENTS_PER_SECOND;
        }
        let weights = |day: NaiveDate| match day.weekday().num_days_from_monday() {
            5 | 6 => 55,
            weekday => 90 + u64::from(day.day() * 7 % 40) + u64::from(weekday),
        };
        let past: u64 = (1..=29).filter_map(|back| self.back(back)).map(weights).sum();
        let known = self.back(29).is_some_and(|first| first <= day && day < self.today);
        if known { PAST_DOLLARS * 100 * weights(day) / past } else { 0 }
    }

    fn back(&self, days: u64) -> Option<NaiveDate> {
        self.today.checked_sub_days(Days::new(days))
    }
}

type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;
type Asked = Query<HashMap<String, String>>;

async fn costs(bills: State<Arc<Bills>>, headers: HeaderMap, asked: Asked) -> Answer {
    answer(&bills, &headers, &asked, |day| {
        let cents = bills.cents(day);
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        json!([{"object": "organization.costs.result", "line_item": null, "project_id": null,
                "amount": {"value": amount, "currency": "usd"}}])
    })
}

async fn usage(bills: State<Arc<Bills>>, headers: HeaderMap, asked: Asked) -> Answer {
    answer(&bills, &headers, &asked, |day| {
        let tokens = bills.cents(day) * TOKENS_PER_DOLLAR / 100;
        let output = tokens * 43 / 1000;
        json!([{"object": "organization.usage.completions.result", "model": "gpt-5.5-2026-04-23",
                "input_tokens": tokens - output, "input_cached_tokens": tokens * 880 / 1000,
                "output_tokens": output, "num_model_requests": tokens / 79_000}])
    })
}

/// One page of day buckets, or the refusal that a wrong key gets.
fn answer(
    bills: &Bills,
    headers: &HeaderMap,
    asked: &Asked,
    rows: impl Fn(NaiveDate) -> Value,
) -> Answer {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok());
    if given != Some(bills.authorization.as_str()) {
        let error =
            json!({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}});
        return Err((StatusCode::UNAUTHORIZED, Json(error)));
    }
    let number = |name: &str| asked.get(name).and_then(|text| text.parse::<i64>().ok());
    let day_of = |seconds: i64| DateTime::from_timestamp(seconds, 0).map(|at| at.date_naive());
    let (Some(first), Some(end)) =
        (number("start_time").and_then(day_of), number("end_time").and_then(|end| day_of(end - 1)))
    else {
        let error = json!({"error": {"message": "start_time and end_time are required"}});
        return Err((StatusCode::BAD_REQUEST, Json(error)));
    };
    let skip: usize =
        asked.get("page").and_then(|page| page.strip_prefix("page_")?.parse().ok()).unwrap_or(0);
    let days: Vec<NaiveDate> =
        first.iter_days().take_while(|day| *day <= end.min(bills.today)).collect();
    let buckets: Vec<Value> = days
        .iter()
        .skip(skip)
        .take(PAGE_DAYS)
        .map(|day| {
            let start = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
            json!({"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": rows(*day)})
        })
        .collect();
    let next = skip + buckets.len();
    let has_more = next < days.len();
    let next_page = has_more.then(|| format!("page_{next}"));
    Ok(Json(
        json!({"object": "page", "data": buckets, "has_more": has_more, "next_page": next_page}),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_days_come_to_the_famous_scale_in_any_month() {
        for today in ["2026-11-24", "2027-03-01", "2028-02-29"] {
            let bills = Bills {
                today: today.parse().expect("day"),
                started: Instant::now(),
                authorization: String::new(),
            };
            let cents: u64 =
                bills.back(29).expect("day").iter_days().take(30).map(|day| bills.cents(day)).sum();
            assert!((130_000_000..131_000_000).contains(&cents), "{today}: {cents}");
            let tokens = cents * TOKENS_PER_DOLLAR / 100;
            assert!((590_000_000_000..610_000_000_000).contains(&tokens), "{today}: {tokens}");
        }
    }
}
