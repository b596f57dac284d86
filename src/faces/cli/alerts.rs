//! `alerts`: those that spoke.

use std::io::{self, Write};

use chrono_tz::Tz;
use serde::Serialize;

use super::json;
use super::style::{Style, clean, wrap};
use crate::board::AlertRow;

/// Writes each alert with the time it was recorded at, in the order given.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, alerts: &[AlertRow], zone: Tz, style: &Style) -> io::Result<()> {
    if alerts.is_empty() {
        writeln!(out, "No alert spoke yet.")?;
        return writeln!(out, "Set a budget to be told in time: spendbar budget set 200 --per day");
    }
    for alert in alerts {
        let at = alert.at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string();
        let margin = at.len() + 2;
        writeln!(out, "{}  {}", style.quiet(&at), style.strong(&clean(&alert.title)))?;
        for line in alert.body.lines() {
            let room = style.width.saturating_sub(margin);
            let wrapped = wrap(&clean(line), room, 0);
            for line in wrapped.lines() {
                writeln!(out, "{}{line}", " ".repeat(margin))?;
            }
        }
        if alert.delivered_at.is_none() {
            let waits = "no notification could be shown yet";
            writeln!(out, "{}{}", " ".repeat(margin), style.quiet(waits))?;
        }
    }
    Ok(())
}

/// Writes `spendbar.alerts.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, alerts: &[AlertRow]) -> io::Result<()> {
    let alerts = alerts.iter().map(Alert::of).collect();
    json::write(out, &Document { schema: "spendbar.alerts.v1", alerts })
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    alerts: Vec<Alert<'a>>,
}

/// One alert as JSON has it.
#[derive(Serialize)]
pub struct Alert<'a> {
    id: i64,
    at: String,
    budget: &'a str,
    period: Option<String>,
    period_start: String,
    threshold_percent: u32,
    amount_usd: Option<String>,
    spent_usd: Option<String>,
    estimated: bool,
    delivered_at: Option<String>,
    title: &'a str,
    body: &'a str,
}

impl<'a> Alert<'a> {
    /// The JSON of one alert.
    pub fn of(alert: &'a AlertRow) -> Self {
        Self {
            id: alert.id,
            at: json::instant(alert.at),
            budget: &alert.budget,
            period: alert.period.map(|period| period.to_string()),
            period_start: alert.period_start.to_string(),
            threshold_percent: alert.threshold_percent,
            amount_usd: alert.amount.map(|amount| amount.to_decimal()),
            spent_usd: alert.spent.map(|spent| spent.to_decimal()),
            estimated: alert.estimated,
            delivered_at: alert.delivered_at.map(json::instant),
            title: &alert.title,
            body: &alert.body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::{Currency, Cycle, Money};

    fn alert() -> AlertRow {
        let usd = |text: &str| Money::parse(text, Currency::USD).expect(text);
        AlertRow {
            id: 7,
            at: "2026-11-24T14:05:00Z".parse().expect("time"),
            budget: "day".into(),
            period: Some(Cycle::Day),
            period_start: "2026-11-24".parse().expect("day"),
            threshold_percent: 80,
            amount: Some(usd("500")),
            spent: Some(usd("402.125")),
            estimated: false,
            delivered_at: "2026-11-24T14:05:01.5Z".parse().ok(),
            title: "80 % of today's budget: $402.13 of $500".into(),
            body: "Codex in ~/shöp made $310 of it since 13:00. At this pace: $640 by midnight."
                .into(),
        }
    }

    fn shown(alerts: &[AlertRow], columns: usize) -> String {
        let mut out = Vec::new();
        let style = Style { color: false, width: columns };
        text(&mut out, alerts, chrono_tz::Europe::Berlin, &style).expect("a vector");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn alerts_as_text() {
        let waiting = AlertRow { delivered_at: None, body: String::new(), ..alert() };
        insta::assert_snapshot!(shown(&[alert(), waiting], 60), @"
        2026-11-24 15:05  80 % of today's budget: $402.13 of $500
                          Codex in ~/shöp made $310 of it since
                          13:00. At this pace: $640 by midnight.
        2026-11-24 15:05  80 % of today's budget: $402.13 of $500
                          no notification could be shown yet
        ");
        insta::assert_snapshot!(shown(&[], 60), @"
        No alert spoke yet.
        Set a budget to be told in time: spendbar budget set 200 --per day
        ");
    }

    #[test]
    fn alerts_as_json() {
        let document = |alerts: &[AlertRow]| {
            let mut out = Vec::new();
            json(&mut out, alerts).expect("a vector");
            String::from_utf8(out).expect("text")
        };
        insta::assert_snapshot!(document(&[alert()]), @r#"
        {
          "schema": "spendbar.alerts.v1",
          "alerts": [
            {
              "id": 7,
              "at": "2026-11-24T14:05:00Z",
              "budget": "day",
              "period": "day",
              "period_start": "2026-11-24",
              "threshold_percent": 80,
              "amount_usd": "500",
              "spent_usd": "402.125",
              "estimated": false,
              "delivered_at": "2026-11-24T14:05:01Z",
              "title": "80 % of today's budget: $402.13 of $500",
              "body": "Codex in ~/shöp made $310 of it since 13:00. At this pace: $640 by midnight."
            }
          ]
        }
        "#);
        insta::assert_snapshot!(document(&[]), @r#"
        {
          "schema": "spendbar.alerts.v1",
          "alerts": []
        }
        "#);
    }
}
