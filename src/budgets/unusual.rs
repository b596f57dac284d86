//! What is worth a word besides a budget: more in an hour or a day than is usual, and money that
//! runs away right now. All amounts are list price in pico-dollars.

use std::collections::BTreeMap;

use chrono::{NaiveDate, Timelike};

use super::forecast::{is_weekend, median};

/// Pico-dollars in one dollar.
const DOLLAR: i128 = 1_000_000_000_000;

/// An hour is unusual from so many times its median on, and never below the floor.
const HOUR: (i128, i128) = (4, 5 * DOLLAR);
/// A day likewise.
const DAY: (i128, i128) = (3, 20 * DOLLAR);
/// Hours like this one that have to be known, and hours of any kind where those are too few.
const LEAST_HOURS: (usize, usize) = (5, 10);
/// Days like this one that have to be known.
const LEAST_DAYS: usize = 5;
/// Money runs away from so many usual busy hours on within the time that is watched, and never
/// below the floor.
const BURN: (i128, i128) = (4, 25 * DOLLAR);

/// Which warnings are given besides thresholds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warnings {
    /// Of a budget that breaks at its pace.
    pub pace: bool,
    /// Of an hour or a day that is far above what is usual.
    pub spike: bool,
    /// Of money that runs away.
    pub burn: bool,
    /// How much is too much, in pico-dollars; `None` goes by what is usual.
    pub burn_above: Option<i128>,
    /// Within how many minutes.
    pub burn_minutes: u32,
    /// Of a provider that is silent for so many hours while spend is expected; 0 for none.
    pub silent_hours: u32,
    /// Of usage without a known price.
    pub unpriced: bool,
    /// Of a quota window that nobody watches otherwise, at this share used, percent; 0 for none.
    pub quota_percent: u32,
    /// Of a balance that nobody watches otherwise, when it lasts so many days; 0 for none.
    pub balance_days: u32,
}

impl Default for Warnings {
    fn default() -> Self {
        Self {
            pace: true,
            spike: true,
            burn: true,
            burn_above: None,
            burn_minutes: 30,
            silent_hours: 24,
            unpriced: true,
            quota_percent: 90,
            balance_days: 3,
        }
    }
}

/// What past hours and days cost: of finished local days, hours without spend left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usual {
    hours: BTreeMap<(NaiveDate, u32), i128>,
}

/// An amount that is far above the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spike {
    /// The amount.
    pub spent: i128,
    /// The median of its kind.
    pub usual: i128,
    /// How many of its kind that is the median of.
    pub of: usize,
}

impl Usual {
    /// From hours by local time and their cost.
    pub fn new(hours: impl IntoIterator<Item = (chrono::NaiveDateTime, i128)>) -> Self {
        let mut sums = BTreeMap::new();
        for (at, cost) in hours.into_iter().filter(|(_, cost)| *cost > 0) {
            *sums.entry((at.date(), at.hour())).or_default() += cost;
        }
        Self { hours: sums }
    }

    /// Whether an hour of a day is a spike. An hour is compared with the same hour and its
    /// neighbours on days of its kind (working days, weekends); where few of them saw any spend,
    /// with all hours that did.
    pub fn hour_spike(&self, day: NaiveDate, hour: u32, spent: i128) -> Option<Spike> {
        let is_like = |past: NaiveDate, of_day: u32| {
            is_weekend(past) == is_weekend(day) && of_day.abs_diff(hour) <= 1
        };
        let costs = |fits: &dyn Fn(NaiveDate, u32) -> bool| -> Vec<i128> {
            let fitting = self.hours.iter().filter(|((past, of_day), _)| fits(*past, *of_day));
            fitting.map(|(_, cost)| *cost).collect()
        };
        let mut alike = costs(&is_like);
        if alike.len() < LEAST_HOURS.0 {
            alike = costs(&|_, _| true);
            if alike.len() < LEAST_HOURS.1 {
                return None;
            }
        }
        spike(spent, alike, HOUR)
    }

    /// Whether a day is a spike, against days of its kind that saw any spend.
    pub fn day_spike(&self, day: NaiveDate, spent: i128) -> Option<Spike> {
        let mut days: BTreeMap<NaiveDate, i128> = BTreeMap::new();
        for ((past, _), cost) in &self.hours {
            if is_weekend(*past) == is_weekend(day) {
                *days.entry(*past).or_default() += cost;
            }
        }
        let days: Vec<_> = days.into_values().collect();
        if days.len() < LEAST_DAYS { None } else { spike(spent, days, DAY) }
    }

    /// From how much on money runs away within the watched time.
    pub fn burn_limit(&self, warnings: &Warnings) -> i128 {
        if let Some(limit) = warnings.burn_above {
            return limit;
        }
        let (times, floor) = BURN;
        let usual = median(self.hours.values().copied().collect()).unwrap_or(0);
        usual.saturating_mul(times).max(floor)
    }
}

fn spike(spent: i128, alike: Vec<i128>, (times, floor): (i128, i128)) -> Option<Spike> {
    let of = alike.len();
    let usual = median(alike)?;
    let is_far_above = spent >= floor && spent >= usual.saturating_mul(times);
    is_far_above.then_some(Spike { spent, usual, of })
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveTime};
    use proptest::prelude::*;

    use super::*;

    fn tuesday() -> NaiveDate {
        "2026-11-24".parse().expect("a day")
    }

    /// Four weeks of eight hours from nine, each at `dollars`, on working days.
    fn office(dollars: i128) -> Usual {
        let days = (1..=28).filter_map(|back| tuesday().checked_sub_days(Days::new(back)));
        Usual::new(days.filter(|day| !is_weekend(*day)).flat_map(|day| {
            (9..17).map(move |hour| {
                let time = NaiveTime::from_hms_opt(hour, 0, 0).expect("an hour");
                (day.and_time(time), dollars * DOLLAR)
            })
        }))
    }

    #[test]
    fn an_hour_is_compared_with_hours_like_it() {
        let usual = office(10);
        let at = |hour, dollars: i128| usual.hour_spike(tuesday(), hour, dollars * DOLLAR);
        assert_eq!(at(10, 39), None);
        assert_eq!(at(10, 40), Some(Spike { spent: 40 * DOLLAR, usual: 10 * DOLLAR, of: 60 }));
        // Nobody works at night: all hours are the measure.
        assert_eq!(at(3, 39), None);
        assert_eq!(at(3, 40).map(|spike| spike.of), Some(160));
    }

    #[test]
    fn small_money_and_unknown_baselines_are_quiet() {
        assert_eq!(office(1).hour_spike(tuesday(), 10, 4 * DOLLAR), None, "below the floor");
        assert_eq!(Usual::default().hour_spike(tuesday(), 10, 1000 * DOLLAR), None);
        assert_eq!(Usual::default().day_spike(tuesday(), 1000 * DOLLAR), None);
    }

    #[test]
    fn a_day_is_compared_with_days_of_its_kind() {
        let usual = office(10);
        assert_eq!(usual.day_spike(tuesday(), 239 * DOLLAR), None);
        let spike = usual.day_spike(tuesday(), 240 * DOLLAR).expect("three times as much");
        assert_eq!((spike.usual, spike.of), (80 * DOLLAR, 20));
        let sunday = "2026-11-22".parse().expect("a day");
        assert_eq!(usual.day_spike(sunday, 1000 * DOLLAR), None, "no weekend is known");
    }

    #[test]
    fn money_runs_away_by_what_is_usual_or_by_what_is_set() {
        let usual = Warnings::default();
        assert_eq!(office(1).burn_limit(&usual), 25 * DOLLAR);
        assert_eq!(office(800).burn_limit(&usual), 3200 * DOLLAR);
        let set = Warnings { burn_above: Some(DOLLAR), ..usual };
        assert_eq!(office(800).burn_limit(&set), DOLLAR);
    }

    proptest! {
        #[test]
        fn what_was_usual_is_no_spike(
            costs in prop::collection::vec(1_i128..1_000, 20..60),
            hour in 0_u32..24,
        ) {
            let days = costs.iter().enumerate().map(|(back, dollars)| {
                let day = tuesday() - Days::new(back as u64 + 1);
                let time = NaiveTime::from_hms_opt(hour, 0, 0).expect("an hour");
                (day.and_time(time), dollars * DOLLAR)
            });
            let usual = Usual::new(days);
            let median = median(costs.iter().map(|dollars| dollars * DOLLAR).collect());
            // The median of either kind of day may differ from that of all.
            let least = costs.iter().min().map_or(0, |dollars| dollars * DOLLAR);
            prop_assert_eq!(usual.hour_spike(tuesday(), hour, least), None);
            prop_assert!(usual.burn_limit(&Warnings::default()) >= median.unwrap_or(0));
        }
    }
}
