//! What hooks and webhooks are given: the alerts as JSON, or the words of them in the form that a
//! chat takes.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;

use crate::board::{AlertRow, wording};
use crate::config::alerts::WebhookBody;
use crate::spend::{AlertKind, Money, Severity};

/// The longest text that Discord takes, in characters (Discord, "Execute Webhook", `content`).
const DISCORD_LONGEST: usize = 2000;

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    /// The same for each try of it.
    pub key: String,
    /// What it tells.
    pub alerts: Vec<AlertRow>,
    /// A pretend world.
    pub demo: bool,
    /// Nothing happened.
    pub test: bool,
}

impl Message {
    /// What a test of the channels tells.
    pub fn test(ledger: &str, now: DateTime<Utc>, demo: bool) -> Self {
        let alert = AlertRow {
            id: 0,
            at: now,
            budget: String::new(),
            period: None,
            period_start: now.date_naive(),
            threshold_percent: 0,
            amount: None,
            spent: None,
            estimated: false,
            kind: AlertKind::Threshold,
            severity: Severity::Info,
            subject: String::new(),
            delivered_at: None,
            deliveries: Vec::new(),
            title: "Test: alerts of Spendbar arrive here".into(),
            body: "No budget was crossed. spendbar alerts test sent this.".into(),
        };
        let key = format!("{ledger}-test-{}", now.timestamp_millis());
        Self { key, alerts: vec![alert], demo, test: true }
    }

    /// `spendbar.alert.v1`.
    pub fn json(&self) -> Vec<u8> {
        let (title, body) = self.words();
        let document = Document {
            schema: "spendbar.alert.v1",
            key: &self.key,
            test: self.test,
            demo: self.demo,
            severity: self.alerts.iter().map(|it| it.severity).max().unwrap_or(Severity::Info),
            title: &title,
            body: &body,
            alerts: self.alerts.iter().map(Told::of).collect(),
        };
        // Texts and numbers alone: nothing that could fail.
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// What a webhook is posted.
    pub fn body(&self, form: WebhookBody) -> Vec<u8> {
        let (title, body) = self.words();
        let text = if body.is_empty() { title } else { format!("{title}\n{body}") };
        let value = match form {
            WebhookBody::Json => return self.json(),
            // Slack reads three characters as its own, with and without its markup (Slack,
            // "Formatting text").
            WebhookBody::Slack => {
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                json!({ "text": text, "mrkdwn": false })
            }
            // Paths are full of signs that Discord would draw as markup; and nobody is called by
            // a name in them.
            WebhookBody::Discord => {
                let text: String = text
                    .chars()
                    .flat_map(|c| {
                        let is_markup = "\\*_~`|>#[]<@".contains(c);
                        is_markup.then_some('\\').into_iter().chain([c])
                    })
                    .take(DISCORD_LONGEST)
                    .collect();
                json!({ "content": text, "allowed_mentions": { "parse": [] } })
            }
        };
        value.to_string().into_bytes()
    }

    fn words(&self) -> (String, String) {
        let (title, body) = wording::told(&self.alerts);
        let demo = if self.demo { "[demo] " } else { "" };
        (format!("{demo}{title}"), body)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    key: &'a str,
    test: bool,
    demo: bool,
    severity: Severity,
    title: &'a str,
    body: &'a str,
    alerts: Vec<Told<'a>>,
}

/// One alert.
#[derive(Serialize)]
struct Told<'a> {
    id: i64,
    at: String,
    kind: AlertKind,
    severity: Severity,
    budget: &'a str,
    subject: &'a str,
    period: Option<String>,
    period_start: String,
    threshold_percent: u32,
    currency: Option<String>,
    amount: Option<String>,
    spent: Option<String>,
    estimated: bool,
    title: &'a str,
    body: &'a str,
}

impl<'a> Told<'a> {
    fn of(alert: &'a AlertRow) -> Self {
        let decimal = |money: Option<Money>| money.map(|money| money.to_decimal());
        Self {
            id: alert.id,
            at: alert.at.to_rfc3339_opts(SecondsFormat::Secs, true),
            kind: alert.kind,
            severity: alert.severity,
            budget: &alert.budget,
            subject: &alert.subject,
            period: alert.period.map(|period| period.to_string()),
            period_start: alert.period_start.to_string(),
            threshold_percent: alert.threshold_percent,
            currency: alert.amount.map(|amount| amount.currency.code().to_owned()),
            amount: decimal(alert.amount),
            spent: decimal(alert.spent),
            estimated: alert.estimated,
            title: &alert.title,
            body: &alert.body,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::spend::{Currency, Cycle};

    fn message() -> Message {
        let now = "2026-11-24T13:02:00Z".parse().expect("a time");
        let usd = |text| Money::parse(text, Currency::USD).ok();
        let alert = AlertRow {
            id: 7,
            budget: "daily".into(),
            period: Some(Cycle::Day),
            threshold_percent: 80,
            amount: usd("500"),
            spent: usd("402.125"),
            estimated: true,
            severity: Severity::Warning,
            title: "80 % of today's budget: ≈ $402.13 of $500".into(),
            ..Message::test("", now, false).alerts.remove(0)
        };
        let body = "Codex in /home/ada/a_b*c <made> @everyone R&D of it.".to_owned();
        let alerts = vec![AlertRow { body, ..alert }];
        Message { key: "0123-7".into(), alerts, demo: false, test: false }
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn as_json() {
        let value: Value = serde_json::from_slice(&message().json()).expect("JSON");
        insta::assert_snapshot!(serde_json::to_string_pretty(&value).expect("JSON"), @r#"
        {
          "alerts": [
            {
              "amount": "500",
              "at": "2026-11-24T13:02:00Z",
              "body": "Codex in /home/ada/a_b*c <made> @everyone R&D of it.",
              "budget": "daily",
              "currency": "USD",
              "estimated": true,
              "id": 7,
              "kind": "threshold",
              "period": "day",
              "period_start": "2026-11-24",
              "severity": "warning",
              "spent": "402.125",
              "subject": "",
              "threshold_percent": 80,
              "title": "80 % of today's budget: ≈ $402.13 of $500"
            }
          ],
          "body": "Codex in /home/ada/a_b*c <made> @everyone R&D of it.",
          "demo": false,
          "key": "0123-7",
          "schema": "spendbar.alert.v1",
          "severity": "warning",
          "test": false,
          "title": "80 % of today's budget: ≈ $402.13 of $500"
        }
        "#);
    }

    #[test]
    fn as_chats_take_it() {
        insta::assert_snapshot!(text(message().body(WebhookBody::Slack)), @r#"{"mrkdwn":false,"text":"80 % of today's budget: ≈ $402.13 of $500\nCodex in /home/ada/a_b*c &lt;made&gt; @everyone R&amp;D of it."}"#);
        insta::assert_snapshot!(text(message().body(WebhookBody::Discord)), @r#"{"allowed_mentions":{"parse":[]},"content":"80 % of today's budget: ≈ $402.13 of $500\nCodex in /home/ada/a\\_b\\*c \\<made\\> \\@everyone R&D of it."}"#);
        let mut long = message();
        long.alerts[0].body = "*".repeat(5000);
        let posted: Value = serde_json::from_slice(&long.body(WebhookBody::Discord)).expect("JSON");
        assert_eq!(posted["content"].as_str().map(|text| text.chars().count()), Some(2000));
    }

    #[test]
    fn a_test_says_so() {
        let now = "2026-11-24T13:05:00Z".parse().expect("a time");
        let value: Value =
            serde_json::from_slice(&Message::test("0123", now, true).json()).expect("JSON");
        assert_eq!(value["test"], true);
        assert_eq!(value["key"], "0123-test-1795525500000");
        assert_eq!(value["title"], "[demo] Test: alerts of Spendbar arrive here");
    }
}
