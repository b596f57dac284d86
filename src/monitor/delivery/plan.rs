//! What is to be done about the deliveries that are not at their end: pure rules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::ledger::{Alert, Open, Settled, Snooze};
use crate::spend::alert::DESKTOP;
use crate::spend::{DeliveryState, Quiet, Severity, Zone};

/// First and longest wait before a webhook is tried again.
const WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60 * 60));
/// Whoever has not taken an alert after this long does not want it any more.
const PATIENCE: chrono::Duration = chrono::Duration::hours(24);
/// How often a hook is tried.
const HOOK_TRIES: u32 = 3;

/// What keeps alerts back, and where they may go.
pub struct Rules<'a> {
    /// The config's quiet hours.
    pub quiet: Option<Quiet>,
    /// The zone they are in.
    pub zone: Zone,
    /// What is snoozed.
    pub snoozes: &'a [Snooze],
    /// The channels of the config besides the desktop.
    pub channels: &'a BTreeSet<String>,
}

/// What is to be done now.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// To be kept back: alert and channel.
    pub hold: Vec<(i64, String)>,
    /// Held for long enough: by channel.
    pub release: BTreeMap<String, Vec<i64>>,
    /// Channels that are gone.
    pub off: BTreeSet<String>,
    /// To be sent.
    pub send: Vec<Batch>,
    /// When there is something to be done again, if nothing happens until then.
    pub again_at: Option<DateTime<Utc>>,
}

/// Alerts that are told in one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Where.
    pub channel: String,
    /// The number of the first.
    pub id: i64,
    /// The alerts, oldest first.
    pub alerts: Vec<Alert>,
    /// How often it was tried already.
    pub tries: u32,
    /// Since when it may be sent.
    pub since: DateTime<Utc>,
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no use to try again.
    Final(String),
    /// Another time it may be.
    ForNow {
        /// What went wrong, one clause.
        error: String,
        /// The wait that the other side asks for.
        after: Option<Duration>,
    },
}

/// Decides. `open` is in the order of the alerts.
pub fn plan(open: Vec<Open>, rules: &Rules<'_>, now: DateTime<Utc>) -> Plan {
    let mut plan = Plan::default();
    let mut sizes: BTreeMap<(String, i64), usize> = BTreeMap::new();
    for row in &open {
        *sizes.entry((row.channel.clone(), row.batch)).or_default() += 1;
    }
    for row in open {
        let held_until = rules.held_until(&row.alert, now);
        let is_desktop = row.channel == DESKTOP;
        // What other processes send is theirs until their claim ends.
        let is_due = row.again_at.is_none_or(|at| at <= now);
        let is_alone = sizes.get(&(row.channel.clone(), row.batch)) == Some(&1);
        if !is_desktop && !rules.channels.contains(&row.channel) {
            plan.off.insert(row.channel);
            continue;
        }
        match (row.state, held_until) {
            (DeliveryState::Held, Some(until)) => plan.wake_at(until),
            (DeliveryState::Held, None) => {
                plan.release.entry(row.channel).or_default().push(row.alert.id);
            }
            // What was sent and perhaps taken is not told a second time among others.
            (DeliveryState::Waiting, Some(_)) if is_alone && (row.tries == 0 || is_desktop) => {
                plan.hold.push((row.alert.id, row.channel));
            }
            _ if is_due => plan.add(row),
            _ => row.again_at.into_iter().for_each(|at| plan.wake_at(at)),
        }
    }
    plan
}

impl Plan {
    /// Whether the ledger is to be changed before anything is sent.
    pub fn changes(&self) -> bool {
        !(self.hold.is_empty() && self.release.is_empty() && self.off.is_empty())
    }

    fn wake_at(&mut self, at: DateTime<Utc>) {
        self.again_at = Some(self.again_at.map_or(at, |first| first.min(at)));
    }

    fn add(&mut self, row: Open) {
        let is_same = |batch: &&mut Batch| batch.channel == row.channel && batch.id == row.batch;
        match self.send.iter_mut().find(is_same) {
            Some(batch) => batch.alerts.push(row.alert),
            None => self.send.push(Batch {
                channel: row.channel,
                id: row.batch,
                alerts: vec![row.alert],
                tries: row.tries,
                since: row.since,
            }),
        }
    }
}

impl Rules<'_> {
    /// Until when an alert is kept back; `None` when it may speak.
    fn held_until(&self, alert: &Alert, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if alert.alert.severity == Severity::Critical {
            return None;
        }
        let quiet = self.quiet.and_then(|quiet| quiet.until(now, self.zone));
        let is_meant = |snooze: &&Snooze| {
            snooze.until > now
                && snooze.budget.as_ref().is_none_or(|name| *name == alert.alert.budget)
        };
        let snoozed = self.snoozes.iter().filter(is_meant).map(|snooze| snooze.until).max();
        quiet.max(snoozed)
    }
}

/// What becomes of a webhook's message after try number `tries`, which began at `now`. `jitter` is
/// in thousandths and makes the wait up to a quarter longer.
pub fn after_webhook(
    refusal: Refusal,
    tries: u32,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    jitter: u32,
) -> Settled {
    let (error, asked) = match refusal {
        Refusal::Final(error) => return Settled::Failed(error),
        Refusal::ForNow { error, after } => (error, after.unwrap_or_default()),
    };
    let doubled = WAITS.0 * 2_u32.saturating_pow(tries.saturating_sub(1).min(20));
    let wait = doubled.min(WAITS.1);
    let wait = (wait + wait / 4 * jitter.min(1000) / 1000).max(asked);
    let at = now + chrono::Duration::from_std(wait).unwrap_or(PATIENCE);
    if at - since > PATIENCE {
        let times = if tries == 1 { "try".to_owned() } else { format!("{tries} tries") };
        return Settled::Failed(format!("given up after {times} within a day: {error}"));
    }
    Settled::Again { at: Some(at), error }
}

/// What becomes of a hook's run number `tries`, which ended at `now`: three runs, a minute and five
/// minutes apart.
pub fn after_hook(refusal: Refusal, tries: u32, now: DateTime<Utc>) -> Settled {
    match refusal {
        Refusal::Final(error) => Settled::Failed(error),
        Refusal::ForNow { error, .. } if tries >= HOOK_TRIES => {
            Settled::Failed(format!("{error}, {tries} times"))
        }
        Refusal::ForNow { error, .. } => {
            let minutes = if tries <= 1 { 1 } else { 5 };
            Settled::Again { at: Some(now + chrono::Duration::minutes(minutes)), error }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::NewAlert;
    use crate::spend::AlertKind;

    const HOOK: &str = "hook:lamp";

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-03-02T{time}:00Z").parse().expect(time)
    }

    fn open(id: i64, severity: Severity, state: DeliveryState) -> Open {
        let alert = NewAlert {
            budget_key: "k".into(),
            kind: AlertKind::Threshold,
            severity,
            budget: if id % 2 == 1 { "odd".into() } else { "even".into() },
            subject: String::new(),
            period: None,
            period_start: at("12:00").date_naive(),
            threshold_percent: 50,
            amount: None,
            spent: None,
            estimated: false,
            at: at("12:00"),
            title: id.to_string(),
            body: String::new(),
        };
        Open {
            alert: Alert { id, alert, delivered_at: None, deliveries: Vec::new() },
            channel: HOOK.into(),
            state,
            batch: id,
            tries: 0,
            since: at("12:00"),
            again_at: None,
        }
    }

    fn decide(open: Vec<Open>, snoozes: &[Snooze], now: &str) -> Plan {
        let channels = BTreeSet::from([HOOK.to_owned()]);
        let quiet = Quiet::parse("22:00-08:00");
        let rules = Rules { quiet, zone: Zone::UTC, snoozes, channels: &channels };
        plan(open, &rules, at(now))
    }

    fn sent(plan: &Plan) -> Vec<Vec<i64>> {
        let ids = |batch: &Batch| batch.alerts.iter().map(|alert| alert.id).collect();
        plan.send.iter().map(ids).collect()
    }

    use {DeliveryState::*, Severity::*};

    #[test]
    fn quiet_hours_hold_all_but_what_is_critical() {
        let all = || vec![open(1, Warning, Waiting), open(2, Critical, Waiting)];
        assert_eq!(sent(&decide(all(), &[], "21:59")), [[1], [2]]);
        let night = decide(all(), &[], "22:00");
        assert_eq!(night.hold, [(1, HOOK.to_owned())]);
        assert_eq!(sent(&night), [[2]]);
        let held = || vec![open(1, Warning, Held), open(3, Info, Held)];
        let night = decide(held(), &[], "23:30");
        assert!(!night.changes() && night.send.is_empty());
        assert_eq!(night.again_at, Some(at("08:00") + chrono::Duration::days(1)));
        assert_eq!(decide(held(), &[], "08:00").release[HOOK], [1, 3]);
    }

    #[test]
    fn a_snooze_holds_its_budget_or_everything() {
        let snooze =
            |budget: Option<&str>| Snooze { budget: budget.map(str::to_owned), until: at("13:00") };
        let all = || vec![open(1, Warning, Waiting), open(2, Warning, Waiting)];
        let odd = decide(all(), &[snooze(Some("odd"))], "12:00");
        assert_eq!((odd.hold.len(), sent(&odd)), (1, vec![vec![2]]));
        assert_eq!(decide(all(), &[snooze(None)], "12:59").hold.len(), 2);
        assert_eq!(sent(&decide(all(), &[snooze(None)], "13:00")), [[1], [2]]);
    }

    #[test]
    fn a_batch_stays_together_and_is_held_no_second_time() {
        let rows = [1, 2].map(|id| Open { batch: 1, ..open(id, Warning, Waiting) });
        let night = decide(rows.to_vec(), &[], "23:00");
        assert_eq!((night.changes(), sent(&night)), (false, vec![vec![1, 2]]));
        let tried = Open { tries: 1, ..open(1, Warning, Waiting) };
        assert_eq!(sent(&decide(vec![tried], &[], "23:00")), [[1]]);
    }

    #[test]
    fn what_is_not_due_or_somebody_elses_waits() {
        let again_at = Some(at("12:05"));
        let rows = vec![
            Open { again_at, tries: 1, ..open(1, Critical, Waiting) },
            Open { again_at: Some(at("12:10")), ..open(2, Critical, Sending) },
        ];
        let plan = decide(rows.clone(), &[], "12:00");
        assert_eq!((sent(&plan).len(), plan.again_at), (0, again_at));
        // A claim that ended is taken over.
        assert_eq!(sent(&decide(rows, &[], "12:10")), [[1], [2]]);
    }

    #[test]
    fn a_channel_that_is_gone_is_off() {
        let gone = Open { channel: "hook:old".into(), ..open(1, Warning, Waiting) };
        assert!(decide(vec![gone], &[], "23:00").off.contains("hook:old"));
    }

    #[test]
    fn waits_of_a_webhook_double_and_end() {
        let refused = |after| Refusal::ForNow { error: "it answered 500".into(), after };
        let seconds = |tries, after| match after_webhook(
            refused(after),
            tries,
            at("12:00"),
            at("12:00"),
            0,
        ) {
            Settled::Again { at: again, .. } => {
                (again.expect("a time") - at("12:00")).num_seconds()
            }
            other => panic!("{other:?}"),
        };
        let waits: Vec<_> = (1..=12).map(|tries| seconds(tries, None)).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
        assert_eq!(seconds(1, Some(Duration::from_secs(90))), 90);
        assert_eq!(seconds(40, Some(Duration::from_secs(1))), 3600);
        let late = at("12:00") + chrono::Duration::hours(24);
        assert_eq!(
            after_webhook(refused(None), 30, at("12:00"), late, 0),
            Settled::Failed("given up after 30 tries within a day: it answered 500".into())
        );
        let never = Refusal::Final("it answered 404".into());
        assert_eq!(
            after_webhook(never, 1, at("12:00"), at("12:00"), 0),
            Settled::Failed("it answered 404".into())
        );
    }

    #[test]
    fn a_hook_is_run_three_times() {
        let refused = || Refusal::ForNow { error: "it ended with 3".into(), after: None };
        let again = |minutes| Settled::Again {
            at: Some(at("12:00") + chrono::Duration::minutes(minutes)),
            error: "it ended with 3".into(),
        };
        assert_eq!(after_hook(refused(), 1, at("12:00")), again(1));
        assert_eq!(after_hook(refused(), 2, at("12:00")), again(5));
        let failed = Settled::Failed("it ended with 3, 3 times".into());
        assert_eq!(after_hook(refused(), 3, at("12:00")), failed);
    }

    proptest! {
        /// Whatever is on its way, and however late it is: what is critical is never held, nothing
        /// is told twice in one pass, and nothing that waits is forgotten.
        #[test]
        fn every_row_gets_one_decision(
            rows in proptest::collection::vec((0_usize..3, 0_usize..3, 0_u32..3, -9_i64..9), 0..12),
            minutes in 0_i64..1440,
            snoozed: bool,
        ) {
            let now = at("00:00") + chrono::Duration::minutes(minutes);
            let states = [Waiting, Sending, Held];
            let rows: Vec<Open> = (1..)
                .zip(rows)
                .map(|(id, (state, severity, tries, again))| Open {
                    tries,
                    again_at: (tries > 0).then(|| now + chrono::Duration::minutes(again)),
                    ..open(id, Severity::ALL[severity], states[state])
                })
                .collect();
            let channels = BTreeSet::from([HOOK.to_owned()]);
            let snoozes = [Snooze { budget: None, until: now + chrono::Duration::hours(1) }];
            let rules = Rules {
                quiet: Quiet::parse("22:00-08:00"),
                zone: Zone::UTC,
                snoozes: if snoozed { &snoozes } else { &[] },
                channels: &channels,
            };
            let plan = plan(rows.clone(), &rules, now);
            let mut decided: Vec<i64> = plan.hold.iter().map(|(id, _)| *id).collect();
            decided.extend(plan.release.values().flatten());
            decided.extend(plan.send.iter().flat_map(|batch| batch.alerts.iter().map(|it| it.id)));
            let count = decided.len();
            decided.sort_unstable();
            decided.dedup();
            prop_assert_eq!(decided.len(), count);
            for row in &rows {
                let is_held = plan.hold.iter().any(|(id, _)| *id == row.alert.id);
                prop_assert!(!is_held || row.alert.alert.severity != Critical);
                let is_decided = decided.contains(&row.alert.id);
                prop_assert!(is_decided || plan.again_at.is_some_and(|at| at > now));
            }
        }
    }
}
