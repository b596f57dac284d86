//! `spendbar.status.v1`.

use std::io::{self, Write};

use serde::Serialize;

use super::super::alerts::Alert;
use super::super::json::{self, OtherAmount, Tokens};
use super::failure;
use crate::board::{Board, BudgetRow, Headline, ModelRow, SourceRow, State};
use crate::spend::{Currency, Money, Period};

/// Writes `spendbar.status.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, board: &Board) -> io::Result<()> {
    let figures = &board.figures;
    json::write(
        out,
        &Document {
            schema: "spendbar.status.v1",
            at: json::instant(board.now),
            zone: board.zone.name(),
            today: board.today.to_string(),
            headline: board.headline,
            period: Shown::of(board),
            state: board.state,
            loading: board.loading,
            demo: board.demo,
            spend_usd: json::decimal(board.amount(Headline::Spend)),
            spend_estimated: figures.spend_estimated,
            list_usd: json::decimal(board.amount(Headline::List)),
            billed_usd: json::decimal(figures.billed),
            billed_other: figures.billed_other.iter().copied().map(json::other).collect(),
            converted: figures.converted.iter().map(Converted::of).collect(),
            paid_usd: json::decimal(board.amount(Headline::Paid)),
            paid: json::paid(&figures.paid),
            covered_usd: figures.covered.to_decimal(),
            stated_usd: figures.stated.to_decimal(),
            requests: figures.requests,
            tokens: Tokens::from(&figures.tokens),
            unpriced_tokens: figures.unpriced_tokens,
            unmetered_tokens: figures.unmetered_tokens,
            partial: figures.partial,
            sources: board.sources.iter().map(|row| Source::of(row, board)).collect(),
            differences: board.differences.iter().map(json::difference).collect(),
            top_models: board.top_models.iter().map(Model::of).collect(),
            budgets: board.budgets.iter().map(Budget::of).collect(),
            plans: board.plans.iter().map(json::plan).collect(),
            people: json::people(&board.people),
            last_alert: board.last_alert.as_ref().map(Alert::of),
            notices: &board.notices,
        },
    )
}

/// The icon's figure, where it is of a longer time than today.
#[derive(Serialize)]
struct Shown {
    period: Period,
    amount_usd: Option<String>,
    estimated: bool,
    unpriced_tokens: u64,
}

impl Shown {
    fn of(board: &Board) -> Option<Self> {
        let figures = board.longer.as_ref()?;
        Some(Self {
            period: board.period,
            amount_usd: json::decimal(board.shown_amount()),
            estimated: board.shown_is_estimated(),
            unpriced_tokens: figures.unpriced_tokens,
        })
    }
}

/// A bill in another currency that counts in the total.
#[derive(Serialize)]
struct Converted {
    currency: String,
    amount: String,
    usd: String,
    rate_date: String,
}

impl Converted {
    fn of(it: &crate::spend::Converted) -> Self {
        Self {
            currency: it.amount.currency.code().to_owned(),
            amount: it.amount.to_decimal(),
            usd: it.usd.to_decimal(),
            rate_date: it.rate.date.to_string(),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    at: String,
    zone: &'static str,
    today: String,
    headline: Headline,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Shown>,
    state: State,
    loading: bool,
    demo: bool,
    spend_usd: Option<String>,
    spend_estimated: bool,
    list_usd: Option<String>,
    billed_usd: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    billed_other: Vec<OtherAmount>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    converted: Vec<Converted>,
    paid_usd: Option<String>,
    paid: json::PaidJson,
    covered_usd: String,
    stated_usd: String,
    requests: u64,
    tokens: Tokens,
    unpriced_tokens: u64,
    unmetered_tokens: u64,
    partial: bool,
    sources: Vec<Source>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<json::Difference>,
    top_models: Vec<Model<'a>>,
    budgets: Vec<Budget<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plans: Vec<json::PlanJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<json::PeopleJson>,
    last_alert: Option<Alert<'a>>,
    notices: &'a [String],
}

#[derive(Serialize)]
struct Source {
    id: &'static str,
    name: &'static str,
    list_usd: Option<String>,
    billed_usd: Option<String>,
    unpriced_tokens: u64,
    last_good_at: Option<String>,
    stale: bool,
    error: Option<String>,
    incident: Option<json::Incident>,
}

impl Source {
    fn of(row: &SourceRow, board: &Board) -> Self {
        Self {
            id: row.info.id,
            name: row.info.name,
            list_usd: json::decimal(row.list),
            billed_usd: json::decimal(row.billed),
            unpriced_tokens: row.unpriced_tokens,
            last_good_at: row.last_good_at.map(json::instant),
            stale: row.stale,
            error: failure(row, board),
            incident: row.incident.as_ref().map(json::incident),
        }
    }
}

#[derive(Serialize)]
struct Model<'a> {
    model: Option<&'a str>,
    list_usd: Option<String>,
    tokens: Tokens,
}

impl<'a> Model<'a> {
    fn of(row: &'a ModelRow) -> Self {
        Self {
            model: row.model.as_deref(),
            list_usd: json::decimal(row.list),
            tokens: Tokens::from(&row.tokens),
        }
    }
}

#[derive(Serialize)]
struct Budget<'a> {
    name: &'a str,
    period: String,
    basis: &'static str,
    /// What of all spend it counts, in words; empty is everything.
    scope: &'a str,
    sources: &'a [String],
    currency: String,
    /// The limit of the running period. The amounts are in `currency`; where that is dollars they
    /// are given as `_usd` too.
    amount: String,
    spent: String,
    left: String,
    amount_usd: Option<String>,
    spent_usd: Option<String>,
    estimated: bool,
    percent: i128,
    next_threshold_percent: Option<u32>,
    last_day: String,
    forecast: Option<ForecastJson>,
    pace_usd: Option<String>,
}

/// Where the period ends, in the budget's currency: an estimate.
#[derive(Serialize)]
struct ForecastJson {
    low: String,
    middle: String,
    high: String,
    /// The day on which the limit is passed, by the middle.
    breaks_on: Option<String>,
    /// The first price change that is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_step: Option<PriceStepJson>,
}

/// What the same usage costs from a day on, against now.
#[derive(Serialize)]
struct PriceStepJson {
    day: String,
    permille: i128,
}

impl<'a> Budget<'a> {
    fn of(row: &'a BudgetRow) -> Self {
        Self {
            name: &row.name,
            period: row.cycle.to_string(),
            basis: row.basis.word(),
            scope: &row.scope,
            sources: &row.sources,
            currency: row.amount.currency.to_string(),
            amount: row.amount.to_decimal(),
            spent: row.spent.to_decimal(),
            left: row.left().to_decimal(),
            amount_usd: in_dollars(Some(row.amount)),
            spent_usd: in_dollars(Some(row.spent)),
            estimated: row.estimated,
            percent: row.permille.div_euclid(10),
            next_threshold_percent: row.next_percent,
            last_day: row.last_day.to_string(),
            forecast: row.forecast.as_ref().map(|forecast| ForecastJson {
                low: forecast.low.to_decimal(),
                middle: forecast.middle.to_decimal(),
                high: forecast.high.to_decimal(),
                breaks_on: forecast.breaks_on.map(|day| day.to_string()),
                price_step: forecast
                    .price_step
                    .map(|(day, permille)| PriceStepJson { day: day.to_string(), permille }),
            }),
            pace_usd: in_dollars(row.forecast.map(|forecast| forecast.middle)),
        }
    }
}

fn in_dollars(amount: Option<Money>) -> Option<String> {
    json::decimal(amount.filter(|amount| amount.currency == Currency::USD))
}

#[cfg(test)]
mod tests {
    use super::super::tests::busy;
    use super::*;

    #[test]
    fn the_document() {
        let mut out = Vec::new();
        json(&mut out, &busy()).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @r#"
        {
          "schema": "spendbar.status.v1",
          "at": "2026-11-24T15:00:00Z",
          "zone": "Europe/Berlin",
          "today": "2026-11-24",
          "headline": "spend",
          "state": "calm",
          "loading": false,
          "demo": false,
          "spend_usd": "214.37",
          "spend_estimated": true,
          "list_usd": "220.4",
          "billed_usd": "94",
          "billed_other": [
            {
              "currency": "EUR",
              "amount": "3"
            }
          ],
          "paid_usd": null,
          "paid": {
            "estimated": false,
            "metered_usd": "0",
            "overage_usd": "0",
            "credits_usd": "0",
            "in_fees_usd": "0",
            "without_fee_usd": "0"
          },
          "covered_usd": "12.5",
          "stated_usd": "0.4",
          "requests": 1204,
          "tokens": {
            "input": 0,
            "cache_read": 0,
            "cache_write_5m": 0,
            "cache_write_1h": 0,
            "output": 18240000,
            "reasoning": 0
          },
          "unpriced_tokens": 723,
          "unmetered_tokens": 0,
          "partial": true,
          "sources": [
            {
              "id": "claude-code",
              "name": "Claude Code",
              "list_usd": "120.37",
              "billed_usd": null,
              "unpriced_tokens": 0,
              "last_good_at": "2026-11-24T14:00:00Z",
              "stale": false,
              "error": null,
              "incident": null
            },
            {
              "id": "openai-admin",
              "name": "OpenAI",
              "list_usd": null,
              "billed_usd": "94",
              "unpriced_tokens": 0,
              "last_good_at": "2026-11-24T14:00:00Z",
              "stale": true,
              "error": "OpenAI gave no answer: timed out after 20 s. Trying again in 7 min.",
              "incident": null
            },
            {
              "id": "openrouter",
              "name": "OpenRouter",
              "list_usd": null,
              "billed_usd": null,
              "unpriced_tokens": 0,
              "last_good_at": "2026-11-24T14:00:00Z",
              "stale": false,
              "error": null,
              "incident": null
            }
          ],
          "top_models": [
            {
              "model": "gpt-5.5-a-rather-long-name-for-a-model-that-nobody-would-choose",
              "list_usd": "100",
              "tokens": {
                "input": 0,
                "cache_read": 0,
                "cache_write_5m": 0,
                "cache_write_1h": 0,
                "output": 18239277,
                "reasoning": 0
              }
            },
            {
              "model": "mystère-9",
              "list_usd": null,
              "tokens": {
                "input": 0,
                "cache_read": 0,
                "cache_write_5m": 0,
                "cache_write_1h": 0,
                "output": 723,
                "reasoning": 0
              }
            }
          ],
          "budgets": [
            {
              "name": "day",
              "period": "day",
              "basis": "spend",
              "scope": "",
              "sources": [],
              "currency": "USD",
              "amount": "500",
              "spent": "214.37",
              "left": "285.63",
              "amount_usd": "500",
              "spent_usd": "214.37",
              "estimated": true,
              "percent": 42,
              "next_threshold_percent": 50,
              "last_day": "2026-11-24",
              "forecast": {
                "low": "301.25",
                "middle": "321.555",
                "high": "377",
                "breaks_on": null
              },
              "pace_usd": "321.555"
            },
            {
              "name": "仕事",
              "period": "month",
              "basis": "spend",
              "scope": "openai-admin",
              "sources": [
                "openai-admin"
              ],
              "currency": "USD",
              "amount": "1000.5",
              "spent": "94",
              "left": "906.5",
              "amount_usd": "1000.5",
              "spent_usd": "94",
              "estimated": false,
              "percent": 9,
              "next_threshold_percent": 50,
              "last_day": "2026-11-30",
              "forecast": null,
              "pace_usd": null
            }
          ],
          "last_alert": {
            "id": 7,
            "at": "2026-11-24T14:05:00Z",
            "kind": "threshold",
            "severity": "warning",
            "budget": "day",
            "subject": "",
            "period": "day",
            "period_start": "2026-11-24",
            "threshold_percent": 50,
            "amount_usd": "400",
            "spent_usd": "201.5",
            "estimated": true,
            "delivered_at": null,
            "deliveries": [],
            "title": "50 % of today's budget: ≈ $201.50 of $400",
            "body": ""
          },
          "notices": [
            "The ledger was set aside."
          ]
        }
        "#);
    }
}
