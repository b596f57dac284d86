//! Every crossing alerts once and none twice: generated histories with crashes, restarts, a second
//! copy, clock steps, other zones, late bills and edited budgets.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{Duration, TimeDelta};
use proptest::prelude::*;

use super::*;
use crate::budgets::Basis;
use crate::ledger::Alert;
use crate::spend::{
    Charge, ChargeKind, Currency, Cycle, DaySpan, EventKey, Filter, Reading, SourceInfo, Speed,
    TokenCounts, Usage, Zone,
};

/// $5 per million output tokens: a dollar is so many.
const MODEL: &str = "claude-haiku-4-5";
const TOKENS_PER_DOLLAR: u64 = 200_000;
const THRESHOLDS: [u32; 3] = [50, 80, 100];
const ZONES: [&str; 3] = ["UTC", "America/Los_Angeles", "Asia/Kathmandu"];
const CYCLES: [Cycle; 4] = [Cycle::Day, Cycle::WEEK, Cycle::Month(20), Cycle::Days(2)];

#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many dollars, so many minutes ago; the transaction may be given up first.
    Spend {
        dollars: u64,
        minutes_ago: i64,
        crashes: bool,
    },
    /// The provider's bill of a day that is so many days ago.
    Bill {
        dollars: u64,
        days_ago: i64,
    },
    /// Another process judges too.
    SecondCopy,
    Restart,
    /// The clock steps, in minutes.
    Clock(i64),
    Zone(usize),
    /// A budget's amount is changed.
    Edit {
        budget: usize,
        dollars: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (1_u64..40, 0_i64..300, prop::bool::weighted(0.25))
            .prop_map(|(dollars, minutes_ago, crashes)| Step::Spend { dollars, minutes_ago, crashes }),
        2 => (0_u64..60, 0_i64..4).prop_map(|(dollars, days_ago)| Step::Bill { dollars, days_ago }),
        2 => Just(Step::SecondCopy),
        2 => Just(Step::Restart),
        3 => (-1_500_i64..3_000).prop_map(Step::Clock),
        1 => (0..ZONES.len()).prop_map(Step::Zone),
        1 => (0..CYCLES.len(), 30_u64..300)
            .prop_map(|(budget, dollars)| Step::Edit { budget, dollars }),
    ];
    prop::collection::vec(step, 1..40)
}

fn info(id: &str) -> &'static SourceInfo {
    crate::sources::find(id).expect(id).info()
}

fn dollars(amount: u64) -> Money {
    Money { attos: i128::from(amount) * 10_i128.pow(18), currency: Currency::USD }
}

struct World {
    ledger: Ledger,
    judge: Judge,
    config: Config,
    prices: PriceTable,
    now: DateTime<Utc>,
    /// Events so far, which names them.
    events: u64,
}

impl World {
    fn new(home: &Path) -> Self {
        let now: DateTime<Utc> = "2026-11-24T12:00:00Z".parse().expect("a time");
        let mut config = Config::defaults(Zone::UTC);
        let budget = |cycle: &Cycle| Budget {
            name: cycle.to_string(),
            amount: dollars(100),
            cycle: *cycle,
            thresholds_percent: THRESHOLDS.to_vec(),
            filter: Filter::everything(),
            basis: Basis::Spend,
            rollover: false,
        };
        config.budgets = CYCLES.iter().map(budget).collect();
        let mut world = Self {
            ledger: Ledger::open(&home.join("ledger.db"), now).expect("opens").ledger,
            judge: Judge::default(),
            config,
            prices: PriceTable::builtin(),
            now,
            events: 0,
        };
        world.judge();
        world
    }

    fn judge(&mut self) {
        judge_now(&mut self.ledger, &self.config, self.now, &mut self.judge).expect("judges");
    }

    /// Records a reading and judges it; given up before the end when it `crashes`.
    fn record(&mut self, source: &'static SourceInfo, reading: &Reading, crashes: bool) {
        let look = LookRecord {
            source,
            account: self.config.account(source),
            funding: None,
            at: self.now,
            took_ms: 1,
        };
        let mut recording = self.ledger.begin().expect("begins");
        recording.record(&look, reading, &self.prices).expect("records");
        judge_budgets(&mut recording, &self.config, self.now, &mut self.judge, false)
            .expect("judges");
        if crashes {
            drop(recording);
        } else {
            recording.commit().expect("commits");
        }
    }

    fn spend(&mut self, dollars: u64, minutes_ago: i64, crashes: bool) {
        let usage = Usage {
            key: EventKey::original(&[&self.events.to_le_bytes()], &[b"request"]),
            at: self.now - TimeDelta::minutes(minutes_ago),
            provider: None,
            model: Some(MODEL.into()),
            tokens: TokenCounts { output: dollars * TOKENS_PER_DOLLAR, ..TokenCounts::default() },
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: None,
            session: Some("a-session".into()),
            funding: Funding::ApiKey,
            is_sum: false,
        };
        let reading = Reading { usages: vec![usage], ..Reading::default() };
        self.record(info("claude-code"), &reading, crashes);
        if crashes {
            // As after a crash, the same lines are read again.
            self.judge = Judge::default();
            self.record(info("claude-code"), &reading, false);
        }
        self.events += 1;
    }

    fn bill(&mut self, amount: u64, days_ago: i64) {
        let day = (self.now - Duration::days(days_ago)).date_naive();
        let charge = Charge {
            day,
            amount: dollars(amount),
            kind: ChargeKind::Billed,
            model: None,
            project: None,
        };
        let reading = Reading {
            charges: vec![charge],
            charges_cover: Some(DaySpan { first: day, last: day }),
            ..Reading::default()
        };
        self.record(info("anthropic-admin"), &reading, false);
    }

    fn play(&mut self, step: Step, home: &Path) {
        match step {
            Step::Spend { dollars, minutes_ago, crashes } => {
                self.spend(dollars, minutes_ago, crashes);
            }
            Step::Bill { dollars, days_ago } => self.bill(dollars, days_ago),
            Step::SecondCopy => {
                let path = home.join("ledger.db");
                let mut other = Ledger::open(&path, self.now).expect("opens").ledger;
                judge_now(&mut other, &self.config, self.now, &mut Judge::default())
                    .expect("judges");
            }
            Step::Restart => {
                let path = home.join("ledger.db");
                self.ledger = Ledger::open(&path, self.now).expect("opens").ledger;
                self.judge = Judge::default();
            }
            Step::Clock(minutes) => self.now += TimeDelta::minutes(minutes),
            Step::Zone(zone) => self.config.zone = Zone::named(ZONES[zone]),
            Step::Edit { budget, dollars: amount } => {
                self.config.budgets[budget].amount = dollars(amount);
            }
        }
    }

    fn told(&self) -> Vec<Alert> {
        let mut alerts = self.ledger.alerts(10_000).expect("answers");
        alerts.reverse();
        alerts.retain(|alert| alert.alert.kind == AlertKind::Threshold);
        alerts
    }

    /// What is reached now of each budget: the highest threshold, by plain division.
    fn reached(&self) -> Vec<(Budget, Standing, u32)> {
        let standings = Standings::default()
            .read(&self.ledger, &self.config.budgets, self.now, self.config.zone)
            .expect("answers");
        let highest = |standing: &Standing| {
            let (spent, limit) = (standing.spent.attos, standing.limit.attos);
            let reached = |percent: &&u32| spent * 100 >= limit * i128::from(**percent);
            THRESHOLDS.iter().filter(reached).copied().max().unwrap_or(0)
        };
        let budgets = self.config.budgets.iter().cloned();
        budgets.zip(standings).map(|(budget, it)| (budget, it, highest(&it))).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_crossing_alerts_once_and_none_twice(steps in steps()) {
        let home = tempfile::tempdir().expect("a folder");
        let mut world = World::new(home.path());
        for step in steps {
            let before = world.told().len();
            world.play(step, home.path());
            world.judge();
            let told = world.told();
            for (budget, standing, reached) in world.reached() {
                if budget.cycle.is_rolling() || reached == 0 {
                    continue;
                }
                let start = standing.span.first_day;
                let known = world.ledger.known_alerts(&budget.key(), start).expect("answers");
                prop_assert!(known.contains(&reached), "{step:?}: {} at {reached}", budget.name);
                // Something at least as high has spoken in this period, under whatever limit; or
                // what is reached lies below an amount that was told.
                let in_period: Vec<_> = told.iter().map(|alert| &alert.alert).filter(|alert| {
                    alert.budget == budget.name && alert.period_start == start
                }).collect();
                let of_key = in_period.iter().any(|alert| {
                    alert.budget_key == budget.key() && alert.threshold_percent >= reached
                });
                let by_amount = reached < 100 && in_period.iter().any(|alert| {
                    let told = alert.spent.map_or(0, |spent| spent.attos);
                    told * 100 >= standing.limit.attos * i128::from(reached)
                });
                prop_assert!(of_key || by_amount, "{step:?}: {} at {reached}", budget.name);
            }
            // A budget of a calendar period says at most one thing of one step.
            let mut of_step: BTreeMap<_, usize> = BTreeMap::new();
            for alert in &told[before..] {
                *of_step.entry((&alert.alert.budget, alert.alert.period_start)).or_default() += 1;
            }
            prop_assert!(of_step.values().all(|times| *times <= 1), "{step:?}: {of_step:?}");
        }
        // Within a period and limit thresholds only rise; so none is said twice.
        let mut last: BTreeMap<(String, chrono::NaiveDate), u32> = BTreeMap::new();
        for alert in world.told() {
            let NewAlert { budget_key, period_start, threshold_percent, .. } = alert.alert;
            let before = last.insert((budget_key.clone(), period_start), threshold_percent);
            prop_assert!(
                before.is_none_or(|before| before < threshold_percent),
                "{budget_key} {period_start}: {before:?} and then {threshold_percent}"
            );
        }
        // Whoever starts now has nothing more to say.
        let count = world.told().len();
        world.judge = Judge::default();
        world.judge();
        prop_assert_eq!(world.told().len(), count);
    }
}

#[test]
fn a_day_passes_as_past_days_did_and_forecasts_know_it() {
    let home = tempfile::tempdir().expect("a folder");
    let mut world = World::new(home.path());
    let end = world.now;
    // A quarter of each day by ten, the rest by four in the afternoon.
    for day in 1..=10 {
        for (hour, dollars) in [(9, 5), (15, 15)] {
            world.now = end - TimeDelta::days(day) - TimeDelta::hours(12) + TimeDelta::hours(hour);
            world.spend(dollars, 0, false);
        }
    }
    world.now = end;
    let shape =
        standing::day_shape(&world.ledger, end, Zone::UTC).expect("answers").expect("known");
    assert_eq!((shape[9], shape[10], shape[15], shape[16], shape[24]), (0, 250, 250, 1000, 1000));
    world.spend(10, 30, false);
    let forecast = |world: &World| world.reached()[0].1.forecast.expect("half a day is known");
    // At noon a quarter is done, and $10 are twice as much as usual.
    let text = serde_json::to_string(shape.as_slice()).expect("numbers");
    world.ledger.set_meta(standing::DAY_SHAPE, &text).expect("kept");
    assert_eq!(forecast(&world).middle, dollars(40));
}
