//! How far the delivery of each alert is: one row for each channel it goes to, made together with
//! the alert.
//!
//! Alerts that are told in one message are a batch, which goes by the number of its first alert; an
//! alert that is told alone is a batch of one. Whoever sends a batch claims it first, so that of two
//! processes one sends. A claim ends by itself: a process that died while sending loses it.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::alerts::{self, Alert};
use super::channels::{Channel, state_of};
use super::{Ledger, LedgerError, codes};
use crate::spend::DeliveryState;
use crate::spend::alert::DESKTOP;

/// A delivery that is not at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// What is to be told.
    pub alert: Alert,
    /// Where.
    pub channel: String,
    /// Waiting, sending or held.
    pub state: DeliveryState,
    /// The first alert of those it is told with.
    pub batch: i64,
    /// How often it was tried.
    pub tries: u32,
    /// Since when it may be sent.
    pub since: DateTime<Utc>,
    /// When it is tried next, or when a claim on it ends.
    pub again_at: Option<DateTime<Utc>>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The other side took it.
    Delivered,
    /// It is tried again.
    Again {
        /// When; `None` is as soon as somebody can.
        at: Option<DateTime<Utc>>,
        /// What went wrong.
        error: String,
    },
    /// It is not tried again.
    Failed(String),
    /// The channel is switched off.
    Off(String),
}

/// Alerts that are to stay silent for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snooze {
    /// The budget's name; `None` is everything.
    pub budget: Option<String>,
    /// Until when.
    pub until: DateTime<Utc>,
}

impl Ledger {
    /// Alerts that are recorded from now on go to these channels.
    pub fn deliver_to(&mut self, channels: Vec<Channel>) {
        self.channels = channels;
    }

    /// What tells this ledger's alerts from those of every other.
    pub fn id(&self) -> Result<String, LedgerError> {
        Ok(self.meta("ledger-id")?.unwrap_or_default())
    }

    /// Every delivery that is not at its end, oldest alert first.
    pub fn open_deliveries(&self) -> Result<Vec<Open>, LedgerError> {
        self.ask(|conn| {
            let mut open: Vec<Open> = Vec::new();
            let mut statement = conn.prepare_cached(
                "SELECT alert, channel, state, batch, tries, since_ms, again_ms
                 FROM delivery INDEXED BY delivery_open
                 WHERE state IN ('waiting', 'sending', 'held') ORDER BY alert, channel",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                let alert = match open.last().filter(|last| last.alert.id == id) {
                    Some(last) => Some(last.alert.clone()),
                    None => alerts::select(conn, "id = ?1", id)?.into_iter().next(),
                };
                let Some(alert) = alert else { continue };
                open.push(Open {
                    alert,
                    channel: row.get(1)?,
                    state: state_of(&row.get::<_, String>(2)?),
                    batch: row.get(3)?,
                    tries: row.get(4)?,
                    since: codes::time_of(row.get(5)?),
                    again_at: row.get::<_, Option<i64>>(6)?.map(codes::time_of),
                });
            }
            Ok(open)
        })
    }

    /// Keeps an alert back on one channel, unless it is being sent or was let go with others.
    pub fn hold(&self, alert: i64, channel: &str) -> Result<(), LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "UPDATE delivery SET state = 'held', again_ms = NULL
                 WHERE alert = ?1 AND channel = ?2 AND state = 'waiting'
                    AND NOT EXISTS (
                        SELECT 1 FROM delivery AS other
                        WHERE other.state IN ('waiting', 'sending', 'held')
                            AND other.channel = ?2 AND other.batch = delivery.batch
                            AND other.alert <> ?1)",
            )?
            .execute(params![alert, channel])
        })?;
        Ok(())
    }

    /// Lets alerts go that were held on a channel, all of them as one batch.
    pub fn release(
        &self,
        channel: &str,
        alerts: &[i64],
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let alerts = serde_json::to_string(alerts).unwrap_or_default();
        self.run(|conn| {
            // Another process may release the same at once: only what is still held counts.
            conn.prepare_cached(
                "WITH mine AS (
                    SELECT alert FROM delivery
                    WHERE channel = ?1 AND state = 'held'
                        AND alert IN (SELECT value FROM json_each(?2)))
                 UPDATE delivery
                 SET state = 'waiting', batch = (SELECT min(alert) FROM mine), since_ms = ?3
                 WHERE channel = ?1 AND alert IN (SELECT alert FROM mine)",
            )?
            .execute(params![channel, alerts, now.timestamp_millis()])
        })?;
        Ok(())
    }

    /// Gives up what is to be sent on a channel that is no more.
    pub fn turn_off(&self, channel: &str, why: &str) -> Result<(), LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "UPDATE delivery SET state = 'off', again_ms = NULL, error = ?2
                 WHERE state IN ('waiting', 'sending', 'held') AND channel = ?1",
            )?
            .execute([channel, why])
        })?;
        Ok(())
    }

    /// Claims a batch that is due, until a time at which another process may take it over. False
    /// when another one has it, or when it is not due.
    pub fn claim(
        &self,
        channel: &str,
        batch: i64,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, LedgerError> {
        let claimed = self.run(|conn| {
            conn.prepare_cached(
                "UPDATE delivery
                 SET state = 'sending', tries = tries + 1, at_ms = ?3, again_ms = ?4
                 WHERE state IN ('waiting', 'sending', 'held') AND channel = ?1 AND batch = ?2
                    AND (state = 'waiting' AND coalesce(again_ms, ?3) <= ?3
                        OR state = 'sending' AND again_ms <= ?3)",
            )?
            .execute(params![
                channel,
                batch,
                now.timestamp_millis(),
                until.timestamp_millis()
            ])
        })?;
        Ok(claimed > 0)
    }

    /// Keeps what came of sending a batch that was claimed.
    pub fn settle(
        &self,
        channel: &str,
        batch: i64,
        settled: &Settled,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let (state, again_at, error) = parts(settled);
        self.run(|conn| {
            conn.prepare_cached(
                "UPDATE delivery SET state = ?3, at_ms = ?4, again_ms = ?5, error = ?6
                 WHERE state IN ('waiting', 'sending', 'held') AND channel = ?1 AND batch = ?2
                    AND state <> 'held'",
            )?
            .execute(params![
                channel,
                batch,
                state.word(),
                now.timestamp_millis(),
                again_at.map(|at| at.timestamp_millis()),
                error
            ])
        })?;
        Ok(())
    }

    /// Keeps what the desktop made of these alerts. That a daemon took one counts once.
    pub fn settle_desktop(
        &self,
        alerts: &[i64],
        settled: &Settled,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let (state, again_at, error) = parts(settled);
        let tried = i64::from(state != DeliveryState::Off);
        let now_ms = now.timestamp_millis();
        self.run(|conn| {
            let all = conn.unchecked_transaction()?;
            for alert in alerts {
                let changed = all
                    .prepare_cached(
                        "UPDATE delivery SET state = ?3, tries = tries + ?4, at_ms = ?5,
                            again_ms = ?6, error = ?7
                         WHERE alert = ?1 AND channel = ?2
                            AND state IN ('waiting', 'sending', 'held')",
                    )?
                    .execute(params![
                        alert,
                        DESKTOP,
                        state.word(),
                        tried,
                        now_ms,
                        again_at.map(|at| at.timestamp_millis()),
                        error
                    ])?;
                if changed > 0 && state == DeliveryState::Delivered {
                    all.prepare_cached("UPDATE alert SET delivered_ms = ?2 WHERE id = ?1")?
                        .execute(params![alert, now_ms])?;
                }
            }
            all.commit()
        })
    }

    /// What is snoozed at `now`, everything first.
    pub fn snoozes(&self, now: DateTime<Utc>) -> Result<Vec<Snooze>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "SELECT budget, until_ms FROM snooze WHERE until_ms > ?1 ORDER BY budget",
            )?
            .query_map([now.timestamp_millis()], |row| {
                Ok(Snooze {
                    budget: Some(row.get(0)?).filter(|name: &String| !name.is_empty()),
                    until: codes::time_of(row.get(1)?),
                })
            })?
            .collect()
        })
    }

    /// Snoozes a budget, or everything; whatever was snoozed before and is over is forgotten.
    pub fn snooze(&self, snooze: &Snooze, now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.run(|conn| {
            let all = conn.unchecked_transaction()?;
            all.execute("DELETE FROM snooze WHERE until_ms <= ?1", [now.timestamp_millis()])?;
            all.execute(
                "INSERT OR REPLACE INTO snooze VALUES (?1, ?2)",
                params![
                    snooze.budget.as_deref().unwrap_or_default(),
                    snooze.until.timestamp_millis()
                ],
            )?;
            all.commit()
        })
    }

    /// Ends every snooze; how many there were.
    pub fn wake(&self) -> Result<usize, LedgerError> {
        self.run(|conn| conn.execute("DELETE FROM snooze", []))
    }
}

fn parts(settled: &Settled) -> (DeliveryState, Option<DateTime<Utc>>, &str) {
    match settled {
        Settled::Delivered => (DeliveryState::Delivered, None, ""),
        Settled::Again { at, error } => (DeliveryState::Waiting, *at, error),
        Settled::Failed(error) => (DeliveryState::Failed, None, error),
        Settled::Off(error) => (DeliveryState::Off, None, error),
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use rusqlite::Connection;

    use super::super::NewAlert;
    use super::super::testing::{at, day, ledger_in, usd};
    use super::*;
    use crate::spend::{AlertKind, Cycle, Severity};

    const HOOK: &str = "hook:lamp";

    fn alert(percent: u32) -> NewAlert {
        NewAlert {
            budget_key: "day-usd-all".into(),
            kind: AlertKind::Threshold,
            severity: Severity::of_threshold(percent),
            budget: "day".into(),
            subject: String::new(),
            period: Some(Cycle::Day),
            period_start: day("2026-11-24"),
            threshold_percent: percent,
            amount: Some(usd("500")),
            spent: Some(usd("402.10")),
            estimated: true,
            at: at("2026-11-24T15:00:00Z"),
            title: format!("{percent} % of today's budget"),
            body: String::new(),
        }
    }

    fn channels(hook_from: Severity) -> Vec<Channel> {
        vec![Channel::desktop(), Channel { id: HOOK.into(), from: hook_from }]
    }

    fn record(ledger: &mut Ledger, percent: u32) -> i64 {
        let mut recording = ledger.begin().unwrap();
        let id = recording.add_alert(&alert(percent)).unwrap().unwrap();
        recording.commit().unwrap();
        id
    }

    fn states(ledger: &Ledger) -> Vec<(i64, String, DeliveryState)> {
        let alerts = ledger.alerts(100).unwrap();
        alerts
            .into_iter()
            .rev()
            .flat_map(|alert| {
                let id = alert.id;
                alert.deliveries.into_iter().map(move |it| (id, it.channel, it.state))
            })
            .collect()
    }

    #[test]
    fn an_alert_goes_to_the_channels_there_were_when_it_was_recorded() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let first = record(&mut ledger, 50);
        ledger.deliver_to(channels(Severity::Critical));
        let second = record(&mut ledger, 80);
        let third = record(&mut ledger, 100);
        let waits = |id: i64, channel: &str| (id, channel.to_owned(), DeliveryState::Waiting);
        assert_eq!(
            states(&ledger),
            [
                waits(first, DESKTOP),
                waits(second, DESKTOP),
                waits(third, DESKTOP),
                waits(third, HOOK)
            ]
        );
        assert_eq!(ledger.open_deliveries().unwrap().len(), 4);
    }

    #[test]
    fn what_the_desktop_took_is_remembered_once() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let (first, second) = (record(&mut ledger, 50), record(&mut ledger, 80));
        let waiting = |ledger: &Ledger| {
            ledger.open_deliveries().unwrap().iter().map(|open| open.alert.id).collect::<Vec<_>>()
        };
        assert_eq!(waiting(&ledger), [first, second]);
        let nobody = Settled::Again { at: None, error: "nobody".into() };
        ledger.settle_desktop(&[first, second], &nobody, at("2026-11-24T15:00:00Z")).unwrap();
        assert_eq!(waiting(&ledger), [first, second]);
        for time in ["2026-11-24T15:00:01Z", "2026-11-24T16:00:00Z"] {
            ledger.settle_desktop(&[first], &Settled::Delivered, at(time)).unwrap();
        }
        assert_eq!(waiting(&ledger), [second]);
        let told = &ledger.alerts(10).unwrap()[1];
        assert_eq!(told.delivered_at, Some(at("2026-11-24T15:00:01Z")));
        assert_eq!((told.deliveries[0].tries, told.deliveries[0].error.as_str()), (2, ""));
        ledger
            .settle_desktop(&[second], &Settled::Off(String::new()), at("2026-11-24T15:00:00Z"))
            .unwrap();
        assert!(waiting(&ledger).is_empty());
        assert_eq!(ledger.alerts(10).unwrap()[0].delivered_at, None);
    }

    #[test]
    fn one_of_many_claims_and_a_claim_ends() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        ledger.deliver_to(channels(Severity::Info));
        let id = record(&mut ledger, 50);
        let now = at("2026-11-24T15:00:00Z");
        let until = now + Duration::seconds(60);
        let claims: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| ledger_in(home.path()).claim(HOOK, id, now, until).unwrap())
                })
                .collect();
            threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
        });
        assert_eq!(claims, 1);
        assert!(!ledger.claim(HOOK, id, until - Duration::seconds(1), until).unwrap());
        // The process that had it is gone.
        assert!(ledger.claim(HOOK, id, until, until + Duration::seconds(60)).unwrap());
        let again = until + Duration::seconds(30);
        let settled = Settled::Again { at: Some(again), error: "it answered 500".into() };
        ledger.settle(HOOK, id, &settled, until).unwrap();
        assert!(!ledger.claim(HOOK, id, again - Duration::seconds(1), again).unwrap());
        assert!(ledger.claim(HOOK, id, again, again + Duration::seconds(60)).unwrap());
        ledger.settle(HOOK, id, &Settled::Delivered, again).unwrap();
        assert!(!ledger.claim(HOOK, id, again + Duration::days(9), again).unwrap());
        let hook = ledger.alerts(1).unwrap()[0].deliveries[1].clone();
        assert_eq!((hook.tries, hook.state), (3, DeliveryState::Delivered));
    }

    #[test]
    fn what_was_held_goes_as_one_batch_that_stays_together() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        ledger.deliver_to(channels(Severity::Info));
        let ids = [record(&mut ledger, 50), record(&mut ledger, 60), record(&mut ledger, 70)];
        let now = at("2026-11-25T07:00:00Z");
        for id in &ids[..2] {
            ledger.hold(*id, HOOK).unwrap();
        }
        assert!(!ledger.claim(HOOK, ids[0], now, now).unwrap(), "held");
        ledger.release(HOOK, &ids, now).unwrap();
        ledger.release(HOOK, &ids, now).unwrap();
        let batches: Vec<_> = ledger
            .open_deliveries()
            .unwrap()
            .into_iter()
            .filter(|open| open.channel == HOOK)
            .map(|open| (open.alert.id, open.batch))
            .collect();
        assert_eq!(batches, [(ids[0], ids[0]), (ids[1], ids[0]), (ids[2], ids[2])]);
        ledger.hold(ids[0], HOOK).unwrap();
        ledger.hold(ids[1], HOOK).unwrap();
        assert!(ledger.claim(HOOK, ids[0], now, now + Duration::seconds(9)).unwrap());
        let failed = Settled::Failed("it answered 404".into());
        ledger.settle(HOOK, ids[0], &failed, now).unwrap();
        let open = ledger.open_deliveries().unwrap();
        assert_eq!(open.iter().filter(|open| open.channel == HOOK).count(), 1);
    }

    #[test]
    fn a_snooze_ends_by_itself_or_all_at_once() {
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger_in(home.path());
        let now = at("2026-11-24T15:00:00Z");
        let all = Snooze { budget: None, until: now + Duration::hours(1) };
        let day = Snooze { budget: Some("day".into()), until: now + Duration::hours(2) };
        ledger.snooze(&day, now).unwrap();
        ledger.snooze(&all, now).unwrap();
        assert_eq!(ledger_in(home.path()).snoozes(now).unwrap(), [all, day.clone()]);
        assert_eq!(ledger.snoozes(now + Duration::hours(1)).unwrap(), std::slice::from_ref(&day));
        assert_eq!(ledger.snoozes(now + Duration::hours(2)).unwrap(), []);
        assert_eq!(ledger.wake().unwrap(), 2);
        assert_eq!(ledger.snoozes(now).unwrap(), []);
    }

    #[test]
    fn an_older_ledger_keeps_what_was_delivered() {
        use super::super::schema;

        let conn = Connection::open_in_memory().unwrap();
        schema::migrate(&conn, &schema::MIGRATIONS[..3], |_| Ok(())).unwrap();
        conn.execute_batch(
            "INSERT INTO alert (budget_key, period_start, threshold_percent, spoke, at_ms, budget,
                period, amount, spent, currency, estimated, delivered_ms, title, body)
             VALUES ('a', '2026-11-24', 50, 1, 1, 'day', 'day', '1', '1', 'USD', 0, 7, 't', ''),
                ('a', '2026-11-24', 100, 1, 2, 'day', 'day', '1', '1', 'USD', 0, NULL, 't', ''),
                ('a', '2026-11-24', 80, 0, 2, 'day', 'day', '1', '1', 'USD', 0, NULL, 't', ''),
                ('b', '2026-11-24', 95, 1, 3, 'claude', 'watch', '', '', '', 0, 8, 't', '');",
        )
        .unwrap();
        schema::migrate(&conn, schema::MIGRATIONS, |_| Ok(())).unwrap();
        let told: Vec<_> = alerts::select(&conn, "spoke = ?1 ORDER BY id", 1)
            .unwrap()
            .into_iter()
            .map(|it| {
                let [desktop] = it.deliveries.as_slice() else { panic!("one channel") };
                (it.alert.kind, it.alert.severity, desktop.state)
            })
            .collect();
        use {AlertKind::*, DeliveryState::*, Severity::*};
        assert_eq!(
            told,
            [
                (Threshold, Warning, Delivered),
                (Threshold, Critical, Waiting),
                (AlertKind::Watch, Warning, Delivered)
            ]
        );
        let id: String = conn
            .query_row("SELECT value FROM meta WHERE key = 'ledger-id'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(id.len(), 16);
    }
}
