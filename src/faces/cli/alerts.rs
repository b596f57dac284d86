//! `alerts`: those that spoke and how far their delivery is, and what came of a test or a snooze.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::json;
use super::style::{Style, clean, wrap};
use crate::board::{AlertRow, DeliveryRow, Snooze, wording};
use crate::spend::alert::DESKTOP;
use crate::spend::{AlertKind, DeliveryState, Severity, Zone};

/// What `alerts` tells.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The alerts, in the order in which they are written.
    pub alerts: &'a [AlertRow],
    /// What is snoozed.
    pub snoozes: &'a [Snooze],
    /// The time.
    pub now: DateTime<Utc>,
    /// The zone of all times.
    pub zone: Zone,
}

/// Writes each alert with the time it was recorded at, and what was not delivered.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, told: &Told<'_>, style: &Style) -> io::Result<()> {
    for snooze in told.snoozes {
        writeln!(out, "{}", clean(&wording::snoozed(snooze, told.now, told.zone)))?;
    }
    if told.alerts.is_empty() {
        writeln!(out, "No alert spoke yet.")?;
        return writeln!(out, "Set a budget to be told in time: spendbar budget set 200 --per day");
    }
    for alert in told.alerts {
        let at = alert.at.with_timezone(&told.zone).format("%Y-%m-%d %H:%M").to_string();
        let margin = at.len() + 2;
        writeln!(out, "{}  {}", style.quiet(&at), style.strong(&clean(&alert.title)))?;
        let mut below = |text: &str, is_quiet: bool| {
            let room = style.width.saturating_sub(margin);
            wrap(&clean(text), room, 0).lines().try_for_each(|line| {
                let line = if is_quiet { style.quiet(line) } else { line.to_owned() };
                writeln!(out, "{}{line}", " ".repeat(margin))
            })
        };
        alert.body.lines().try_for_each(|line| below(line, false))?;
        delivery_lines(&alert.deliveries).iter().try_for_each(|line| below(line, true))?;
    }
    Ok(())
}

/// What is to be known of an alert's delivery: nothing where the desktop alone was to tell it, and
/// did.
fn delivery_lines(deliveries: &[DeliveryRow]) -> Vec<String> {
    let is_told = |it: &&DeliveryRow| it.state == DeliveryState::Delivered;
    let told: Vec<String> =
        deliveries.iter().filter(is_told).map(|it| wording::channel(&it.channel)).collect();
    let mut lines = Vec::new();
    if deliveries.len() > 1 && !told.is_empty() {
        lines.push(format!("told by {}", told.join(", ")));
    }
    // Who wants no notifications need not read that at each alert.
    let is_unwanted = |it: &&DeliveryRow| it.channel == DESKTOP && it.state == DeliveryState::Off;
    let open = deliveries.iter().filter(|it| !is_told(it) && !is_unwanted(it));
    lines.extend(open.map(undelivered));
    lines
}

fn undelivered(delivery: &DeliveryRow) -> String {
    let channel = wording::channel(&delivery.channel);
    let times = match delivery.tries {
        1 => "tried once".to_owned(),
        tries => format!("tried {tries} times"),
    };
    match delivery.state {
        DeliveryState::Waiting | DeliveryState::Sending if delivery.channel == DESKTOP => {
            "no notification could be shown yet".into()
        }
        DeliveryState::Waiting if delivery.tries == 0 => format!("{channel}: not sent yet"),
        DeliveryState::Waiting => format!("{channel}: {times}, {}", delivery.error),
        DeliveryState::Sending => format!("{channel}: is being sent"),
        DeliveryState::Held => format!("{channel}: held while it is quiet"),
        DeliveryState::Failed => format!("{channel}: failed, {}", delivery.error),
        DeliveryState::Off => format!("{channel}: off, {}", delivery.error),
        DeliveryState::Delivered => format!("{channel}: told"),
    }
}

/// Writes `spendbar.alerts.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, told: &Told<'_>) -> io::Result<()> {
    let alerts = told.alerts.iter().map(Alert::of).collect();
    let snoozes = told.snoozes.iter().map(Snoozed::of).collect();
    json::write(out, &Document { schema: "spendbar.alerts.v1", alerts, snoozes })
}

/// Writes what came of a test of each channel.
///
/// # Errors
/// Those of the writer.
pub fn tested(
    out: &mut dyn Write,
    outcomes: &[(String, Result<(), String>)],
    style: &Style,
) -> io::Result<()> {
    for (channel, outcome) in outcomes {
        let channel = wording::channel(channel);
        match outcome {
            Ok(()) => writeln!(out, "{channel}: told")?,
            Err(error) => {
                let line = format!("{channel}: failed, {}", clean(error));
                writeln!(out, "{}", style.alarm(&line))?;
            }
        }
    }
    Ok(())
}

/// Writes what `alerts snooze` did: what is snoozed now, or that nothing is.
///
/// # Errors
/// Those of the writer.
pub fn confirm_snooze(
    out: &mut dyn Write,
    snooze: Option<&Snooze>,
    now: DateTime<Utc>,
    zone: Zone,
) -> io::Result<()> {
    match snooze {
        Some(snooze) => writeln!(out, "{}.", clean(&wording::snoozed(snooze, now, zone))),
        None => writeln!(out, "Alerts are not snoozed."),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    alerts: Vec<Alert<'a>>,
    snoozes: Vec<Snoozed<'a>>,
}

#[derive(Serialize)]
struct Snoozed<'a> {
    /// Null for everything.
    budget: Option<&'a str>,
    until: String,
}

impl<'a> Snoozed<'a> {
    fn of(snooze: &'a Snooze) -> Self {
        Self { budget: snooze.budget.as_deref(), until: json::instant(snooze.until) }
    }
}

/// One alert as JSON has it.
#[derive(Serialize)]
pub struct Alert<'a> {
    id: i64,
    at: String,
    kind: AlertKind,
    severity: Severity,
    budget: &'a str,
    subject: &'a str,
    period: Option<String>,
    period_start: String,
    threshold_percent: u32,
    amount_usd: Option<String>,
    spent_usd: Option<String>,
    estimated: bool,
    delivered_at: Option<String>,
    deliveries: Vec<Delivery<'a>>,
    title: &'a str,
    body: &'a str,
}

#[derive(Serialize)]
struct Delivery<'a> {
    channel: &'a str,
    state: DeliveryState,
    at: Option<String>,
    tries: u32,
    /// Null for none.
    error: Option<&'a str>,
}

impl<'a> Delivery<'a> {
    fn of(delivery: &'a DeliveryRow) -> Self {
        Self {
            channel: &delivery.channel,
            // Who reads this need not know which process has it.
            state: match delivery.state {
                DeliveryState::Sending => DeliveryState::Waiting,
                state => state,
            },
            at: delivery.at.map(json::instant),
            tries: delivery.tries,
            error: Some(delivery.error.as_str()).filter(|error| !error.is_empty()),
        }
    }
}

impl<'a> Alert<'a> {
    /// The JSON of one alert.
    pub fn of(alert: &'a AlertRow) -> Self {
        Self {
            id: alert.id,
            at: json::instant(alert.at),
            kind: alert.kind,
            severity: alert.severity,
            budget: &alert.budget,
            subject: &alert.subject,
            period: alert.period.map(|period| period.to_string()),
            period_start: alert.period_start.to_string(),
            threshold_percent: alert.threshold_percent,
            amount_usd: alert.amount.map(|amount| amount.to_decimal()),
            spent_usd: alert.spent.map(|spent| spent.to_decimal()),
            estimated: alert.estimated,
            delivered_at: alert.delivered_at.map(json::instant),
            deliveries: alert.deliveries.iter().map(Delivery::of).collect(),
            title: &alert.title,
            body: &alert.body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::{Currency, Cycle, Money};

    fn delivery(channel: &str, state: DeliveryState, tries: u32, error: &str) -> DeliveryRow {
        let at = "2026-11-24T14:05:02Z".parse().ok().filter(|_| tries > 0);
        DeliveryRow { channel: channel.into(), state, tries, at, error: error.into() }
    }

    fn told<'a>(alerts: &'a [AlertRow], snoozes: &'a [Snooze]) -> Told<'a> {
        let now = "2026-11-24T14:06:00Z".parse().expect("time");
        Told { alerts, snoozes, now, zone: Zone::named("Europe/Berlin") }
    }

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
            kind: AlertKind::Threshold,
            severity: Severity::Warning,
            subject: String::new(),
            delivered_at: "2026-11-24T14:05:01.5Z".parse().ok(),
            deliveries: vec![delivery(DESKTOP, DeliveryState::Delivered, 1, "")],
            title: "80 % of today's budget: $402.13 of $500".into(),
            body: "Codex in ~/shöp made $310 of it since 13:00. At this pace: $640 by midnight."
                .into(),
        }
    }

    fn shown(alerts: &[AlertRow], columns: usize) -> String {
        let mut out = Vec::new();
        let style = Style { color: false, width: columns };
        text(&mut out, &told(alerts, &[]), &style).expect("a vector");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn alerts_as_text() {
        let deliveries = vec![delivery(DESKTOP, DeliveryState::Waiting, 0, "")];
        let waiting = AlertRow { delivered_at: None, deliveries, body: String::new(), ..alert() };
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
            json(&mut out, &told(alerts, &[])).expect("a vector");
            String::from_utf8(out).expect("text")
        };
        insta::assert_snapshot!(document(&[alert()]), @r#"
        {
          "schema": "spendbar.alerts.v1",
          "alerts": [
            {
              "id": 7,
              "at": "2026-11-24T14:05:00Z",
              "kind": "threshold",
              "severity": "warning",
              "budget": "day",
              "subject": "",
              "period": "day",
              "period_start": "2026-11-24",
              "threshold_percent": 80,
              "amount_usd": "500",
              "spent_usd": "402.125",
              "estimated": false,
              "delivered_at": "2026-11-24T14:05:01Z",
              "deliveries": [
                {
                  "channel": "desktop",
                  "state": "delivered",
                  "at": "2026-11-24T14:05:02Z",
                  "tries": 1,
                  "error": null
                }
              ],
              "title": "80 % of today's budget: $402.13 of $500",
              "body": "Codex in ~/shöp made $310 of it since 13:00. At this pace: $640 by midnight."
            }
          ],
          "snoozes": []
        }
        "#);
        insta::assert_snapshot!(document(&[]), @r#"
        {
          "schema": "spendbar.alerts.v1",
          "alerts": [],
          "snoozes": []
        }
        "#);
    }

    #[test]
    fn what_was_delivered_and_what_was_not() {
        use DeliveryState::*;
        let deliveries = vec![
            delivery(DESKTOP, Delivered, 1, ""),
            delivery("hook:lamp", Failed, 3, "it ended with 3, 3 times"),
            delivery("hook:log", Delivered, 1, ""),
            delivery("webhook:chat", Waiting, 2, "hooks.example answered 503"),
            delivery("webhook:late", Held, 0, ""),
            delivery("webhook:new", Waiting, 0, ""),
            delivery("webhook:old", Off, 0, "the config has it no longer"),
        ];
        let rows = [AlertRow { deliveries, body: String::new(), ..alert() }];
        let until = "2026-11-24T15:05:00Z".parse().expect("time");
        let snoozes =
            [Snooze { budget: None, until }, Snooze { budget: Some("day".into()), until }];
        let mut out = Vec::new();
        let style = Style { color: false, width: 80 };
        text(&mut out, &told(&rows, &snoozes), &style).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @"
        Alerts are snoozed until 16:05
        Alerts of “day” are snoozed until 16:05
        2026-11-24 15:05  80 % of today's budget: $402.13 of $500
                          told by desktop, hook log
                          hook lamp: failed, it ended with 3, 3 times
                          webhook chat: tried 2 times, hooks.example answered 503
                          webhook late: held while it is quiet
                          webhook new: not sent yet
                          webhook old: off, the config has it no longer
        ");
        let mut out = Vec::new();
        json(&mut out, &told(&rows, &snoozes)).expect("a vector");
        let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        let of = |index: usize| value["alerts"][0]["deliveries"][index].to_string();
        insta::assert_snapshot!(of(3), @r#"{"at":"2026-11-24T14:05:02Z","channel":"webhook:chat","error":"hooks.example answered 503","state":"waiting","tries":2}"#);
        assert_eq!(value["snoozes"][1]["budget"], "day");
    }

    #[test]
    fn a_test_of_each_channel() {
        let outcomes = [
            (DESKTOP.to_owned(), Ok(())),
            ("webhook:chat".to_owned(), Err("hooks.example answered 404".to_owned())),
        ];
        let mut out = Vec::new();
        tested(&mut out, &outcomes, &Style { color: false, width: 80 }).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @"
        desktop: told
        webhook chat: failed, hooks.example answered 404
        ");
    }
}
