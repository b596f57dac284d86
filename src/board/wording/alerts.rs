//! What is said of alerts.

use chrono::{DateTime, Utc};

use crate::board::{AlertRow, Snooze};
use crate::spend::Zone;
use crate::spend::period::local_day;

/// By how many percent a budget is raised unless somebody says otherwise.
pub const RAISE_PERCENT: u32 = 25;

/// How many alerts are told by their titles when several are told at once.
const MOST_TITLES: usize = 10;

/// Title and body of the message that tells these alerts: one alert's own words, or a list of what
/// was held.
pub fn told(alerts: &[AlertRow]) -> (String, String) {
    match alerts {
        [] => (String::new(), String::new()),
        [alert] => (alert.title.clone(), alert.body.clone()),
        many => {
            let mut lines: Vec<&str> =
                many.iter().take(MOST_TITLES).map(|alert| alert.title.as_str()).collect();
            let rest = format!("and {} more: spendbar alerts", many.len() - lines.len());
            if many.len() > MOST_TITLES {
                lines.push(&rest);
            }
            (format!("{} alerts while it was quiet", many.len()), lines.join("\n"))
        }
    }
}

/// A channel's name for people: `desktop`, `hook lamp`, `webhook team`.
pub fn channel(id: &str) -> String {
    id.replacen(':', " ", 1)
}

/// `Alerts are snoozed until 14:05`, `Alerts of “daily” are snoozed until tomorrow 00:00`.
pub fn snoozed(snooze: &Snooze, now: DateTime<Utc>, zone: Zone) -> String {
    let until = snooze.until.with_timezone(&zone);
    let days = (until.date_naive() - local_day(now, zone)).num_days();
    let day = match days {
        0 => String::new(),
        1 => "tomorrow ".into(),
        _ => format!("{} ", until.date_naive()),
    };
    let whose = match &snooze.budget {
        Some(name) => format!("Alerts of “{name}” are"),
        None => "Alerts are".into(),
    };
    format!("{whose} snoozed until {day}{}", until.format("%H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::{AlertKind, Severity};

    fn alert(number: usize) -> AlertRow {
        let at: DateTime<Utc> = "2026-11-24T13:02:00Z".parse().expect("a time");
        AlertRow {
            id: 1,
            at,
            budget: "daily".into(),
            period: None,
            period_start: at.date_naive(),
            threshold_percent: 80,
            amount: None,
            spent: None,
            estimated: true,
            kind: AlertKind::Threshold,
            severity: Severity::Warning,
            subject: String::new(),
            delivered_at: None,
            deliveries: Vec::new(),
            title: format!("alert {number}"),
            body: "At this pace: $640 by midnight.".into(),
        }
    }

    #[test]
    fn one_alert_speaks_for_itself_and_many_are_a_list() {
        assert_eq!(told(&[alert(1)]), ("alert 1".into(), "At this pace: $640 by midnight.".into()));
        let three: Vec<_> = (1..=3).map(alert).collect();
        let (title, body) = told(&three);
        assert_eq!(title, "3 alerts while it was quiet");
        assert_eq!(body, "alert 1\nalert 2\nalert 3");
        let many: Vec<_> = (1..=12).map(alert).collect();
        assert!(told(&many).1.ends_with("alert 10\nand 2 more: spendbar alerts"));
    }

    #[test]
    fn a_snooze_names_its_end() {
        let now = "2026-11-24T13:05:00Z".parse().expect("a time");
        let said = |budget: Option<&str>, until: &str| {
            let budget = budget.map(str::to_owned);
            let until = until.parse().expect("a time");
            snoozed(&Snooze { budget, until }, now, Zone::named("Europe/Berlin"))
        };
        assert_eq!(said(None, "2026-11-24T14:05:00Z"), "Alerts are snoozed until 15:05");
        assert_eq!(
            said(Some("daily"), "2026-11-24T23:00:00Z"),
            "Alerts of “daily” are snoozed until tomorrow 00:00"
        );
    }
}
