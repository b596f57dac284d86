//! Alerts: each budget, period and threshold at most once, for ever.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, Row, params};

use super::channels::{self, Channel, Delivery};
use super::{Ledger, LedgerError, Recording, codes};
use crate::spend::{AlertKind, Cycle, Money, Severity};

/// A crossing to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAlert {
    /// What makes the budget the same budget although its name or place in the config changed.
    pub budget_key: String,
    /// What it is about.
    pub kind: AlertKind,
    /// How pressing it is.
    pub severity: Severity,
    /// The budget's name, or the source of a watch.
    pub budget: String,
    /// What it is about besides a budget, such as a session or a source; empty for nothing.
    pub subject: String,
    /// Its period; `None` for the watch of a quota window or a balance.
    pub period: Option<Cycle>,
    /// First local day of the period.
    pub period_start: NaiveDate,
    /// Threshold in percent.
    pub threshold_percent: u32,
    /// The limit, of a budget.
    pub amount: Option<Money>,
    /// The spend that crossed it, in the limit's currency.
    pub spent: Option<Money>,
    /// True when any part of `spent` is a list price.
    pub estimated: bool,
    /// When it crossed.
    pub at: DateTime<Utc>,
    /// What the notification says: title.
    pub title: String,
    /// What the notification says: body.
    pub body: String,
}

/// A recorded alert that spoke.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Number in the ledger.
    pub id: i64,
    /// What was recorded.
    pub alert: NewAlert,
    /// When a notification daemon took it; `None` while still to be delivered.
    pub delivered_at: Option<DateTime<Utc>>,
    /// How far its delivery is, over each channel it goes to.
    pub deliveries: Vec<Delivery>,
}

/// What stands in place of a period where there is none.
const WATCH: &str = "watch";

impl Recording<'_> {
    /// Records an alert that speaks, to be delivered over the channels of [`Ledger::deliver_to`].
    /// Its number, or `None` when this budget, period and threshold had its alert already.
    pub fn add_alert(&mut self, alert: &NewAlert) -> Result<Option<i64>, LedgerError> {
        let channels: Vec<Channel> = self.channels.clone();
        self.write(|conn, _| {
            let id = insert(conn, alert, true)?;
            if let Some(id) = id {
                channels::begin(conn, id, alert.severity, alert.at, &channels)?;
            }
            Ok(id)
        })
    }

    /// Records a threshold that is crossed but stays silent, because a higher one speaks in the
    /// same moment or the period is over. False when it was recorded already.
    pub fn skip_alert(&mut self, alert: &NewAlert) -> Result<bool, LedgerError> {
        Ok(self.write(|conn, _| insert(conn, alert, false))?.is_some())
    }
}

impl Ledger {
    /// The thresholds of this budget and period that have spoken or were skipped, ascending.
    pub fn known_alerts(
        &self,
        budget_key: &str,
        period_start: NaiveDate,
    ) -> Result<Vec<u32>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "SELECT threshold_percent FROM alert
                 WHERE budget_key = ?1 AND period_start = ?2 ORDER BY threshold_percent",
            )?
            .query_map([budget_key, &period_start.to_string()], |row| row.get(0))?
            .collect()
        })
    }

    /// The largest amount at which a budget of this name spoke in this period under another key:
    /// before its limit or scope was changed.
    pub fn told_before(
        &self,
        budget: &str,
        budget_key: &str,
        period: Cycle,
        period_start: NaiveDate,
    ) -> Result<Option<Money>, LedgerError> {
        let told: Vec<Money> = self.run(|conn| {
            conn.prepare_cached(
                "SELECT spent, currency FROM alert
                 WHERE budget = ?1 AND period = ?2 AND period_start = ?3 AND budget_key <> ?4
                    AND spoke = 1 AND currency <> ''",
            )?
            .query_map(
                params![budget, period.to_string(), period_start.to_string(), budget_key],
                |row| codes::money_of(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?),
            )?
            .collect()
        })?;
        Ok(told.into_iter().max_by_key(|money| money.attos))
    }

    /// The newest alerts that spoke, newest first.
    pub fn alerts(&self, limit: u32) -> Result<Vec<Alert>, LedgerError> {
        self.ask(|conn| select(conn, "spoke = 1 ORDER BY id DESC LIMIT ?1", limit.into()))
    }
}

fn insert(conn: &Connection, alert: &NewAlert, spoke: bool) -> rusqlite::Result<Option<i64>> {
    let inserted = conn
        .prepare_cached(
            "INSERT INTO alert (budget_key, period_start, threshold_percent, spoke, at_ms, budget,
                period, amount, spent, currency, estimated, title, body, kind, severity, subject)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            alert.budget_key,
            alert.period_start.to_string(),
            alert.threshold_percent,
            spoke,
            alert.at.timestamp_millis(),
            alert.budget,
            alert.period.map_or_else(|| WATCH.to_owned(), |period| period.to_string()),
            alert.amount.map(|amount| amount.to_decimal()).unwrap_or_default(),
            alert.spent.map(|spent| spent.to_decimal()).unwrap_or_default(),
            alert.amount.map(|it| it.currency.code().to_owned()).unwrap_or_default(),
            alert.estimated,
            alert.title,
            alert.body,
            alert.kind.word(),
            alert.severity.number(),
            alert.subject,
        ])?;
    Ok((inserted == 1).then(|| conn.last_insert_rowid()))
}

/// The alerts that `which` chooses, a condition and an order with one number in it.
pub(super) fn select(conn: &Connection, which: &str, number: i64) -> rusqlite::Result<Vec<Alert>> {
    let mut alerts: Vec<Alert> = conn
        .prepare_cached(&format!(
            "SELECT id, budget_key, budget, period, period_start, threshold_percent, amount, spent,
                currency, estimated, at_ms, delivered_ms, title, body, kind, severity, subject
             FROM alert WHERE {which}"
        ))?
        .query_map([number], read)?
        .collect::<Result<_, _>>()?;
    for alert in &mut alerts {
        alert.deliveries = channels::of_alert(conn, alert.id)?;
    }
    Ok(alerts)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Alert> {
    let text = |index| row.get::<_, String>(index);
    let currency = text(8)?;
    let money = |amount: &str| match currency.is_empty() {
        true => Ok(None),
        false => codes::money_of(amount, &currency).map(Some),
    };
    Ok(Alert {
        id: row.get(0)?,
        alert: NewAlert {
            budget_key: text(1)?,
            // A kind of a later version is told like a threshold.
            kind: AlertKind::of_word(&text(14)?).unwrap_or(AlertKind::Threshold),
            severity: Severity::of_number(row.get(15)?),
            budget: text(2)?,
            subject: text(16)?,
            period: text(3)?.parse().ok(),
            period_start: codes::day_of(&text(4)?)?,
            threshold_percent: row.get(5)?,
            amount: money(&text(6)?)?,
            spent: money(&text(7)?)?,
            estimated: row.get(9)?,
            at: codes::time_of(row.get(10)?),
            title: text(12)?,
            body: text(13)?,
        },
        delivered_at: row.get::<_, Option<i64>>(11)?.map(codes::time_of),
        deliveries: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    use super::super::testing::{at, day, ledger_in, usd};
    use super::*;

    fn alert(threshold_percent: u32) -> NewAlert {
        NewAlert {
            budget_key: "day-usd-all".into(),
            kind: AlertKind::Threshold,
            severity: Severity::of_threshold(threshold_percent),
            budget: "Today".into(),
            subject: String::new(),
            period: Some(Cycle::Day),
            period_start: day("2026-11-24"),
            threshold_percent,
            amount: Some(usd("500")),
            spent: Some(usd("402.10")),
            estimated: true,
            at: at("2026-11-24T15:00:00Z"),
            title: format!("{threshold_percent} % of today's budget"),
            body: "Codex made most of it.".into(),
        }
    }

    #[test]
    fn a_threshold_speaks_once_per_period() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let mut recording = ledger.begin().unwrap();
        assert!(recording.skip_alert(&alert(50)).unwrap());
        let id = recording.add_alert(&alert(80)).unwrap();
        assert!(id.is_some());
        assert_eq!(recording.add_alert(&alert(80)).unwrap(), None);
        assert_eq!(recording.add_alert(&alert(50)).unwrap(), None);
        assert!(!recording.skip_alert(&alert(80)).unwrap());
        recording.commit().unwrap();
        let key = "day-usd-all";
        assert_eq!(ledger.known_alerts(key, day("2026-11-24")).unwrap(), [50, 80]);
        assert!(ledger.known_alerts(key, day("2026-11-25")).unwrap().is_empty());
        let spoken = ledger.alerts(10).unwrap();
        assert_eq!(spoken.len(), 1);
        assert_eq!(spoken[0].alert, alert(80));
        let mut tomorrow = alert(80);
        tomorrow.period_start = day("2026-11-25");
        let mut recording = ledger.begin().unwrap();
        assert!(recording.add_alert(&tomorrow).unwrap().is_some());
    }

    #[test]
    fn two_processes_at_once_record_one_alert() {
        let home = tempfile::tempdir().unwrap();
        drop(ledger_in(home.path()));
        let spoke: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut ledger = ledger_in(home.path());
                        let mut spoke = 0;
                        for threshold in 1..=25 {
                            let mut recording = ledger.begin().unwrap();
                            let id = recording.add_alert(&alert(threshold)).unwrap();
                            spoke += usize::from(id.is_some());
                            recording.commit().unwrap();
                        }
                        spoke
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(spoke, 25);
    }

    /// Not a test of its own: what the process does that the next test kills.
    #[test]
    #[ignore = "run by the next test, in a process of its own"]
    fn records_alerts_until_killed() {
        let Some(home) = std::env::var_os("SPENDBAR_TEST_KILLED_HOME") else { return };
        let mut ledger = ledger_in(home.as_ref());
        let mut out = std::io::stdout();
        for threshold in 1.. {
            let mut recording = ledger.begin().unwrap();
            recording.add_alert(&alert(threshold)).unwrap();
            recording.commit().unwrap();
            writeln!(out, "\ncommitted {threshold}").unwrap();
            out.flush().unwrap();
        }
    }

    #[test]
    fn a_committed_alert_outlives_a_killed_process() {
        let home = tempfile::tempdir().unwrap();
        for round in 1..=3 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--nocapture", "--exact"])
                .arg("ledger::alerts::tests::records_alerts_until_killed")
                .env("SPENDBAR_TEST_KILLED_HOME", home.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let out = BufReader::new(child.stdout.take().unwrap());
            let mut lines = out.lines().map_while(Result::ok);
            let committed = lines
                .by_ref()
                .filter_map(|line| line.strip_prefix("committed ")?.parse::<u32>().ok())
                .find(|threshold| *threshold >= 40 * round)
                .unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            let mut known =
                ledger_in(home.path()).known_alerts("day-usd-all", day("2026-11-24")).unwrap();
            // Whatever came after the line that was read is whole, too.
            let count = known.len() as u32;
            assert!(count >= committed, "{count} < {committed}");
            known.dedup();
            assert_eq!(known, (1..=count).collect::<Vec<_>>());
        }
    }
}
