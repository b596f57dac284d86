//! Totals -> verdicts: pure functions, no input or output.
//!
//! A budget is an amount for a time and a scope. [`judge`] says which of its thresholds are due;
//! the monitor asks it inside the ledger transaction that records the spend, so that a threshold
//! speaks once and never gets lost.

pub mod forecast;
pub mod guard;
pub mod unusual;
pub mod watch;

use serde::{Deserialize, Serialize};

use crate::spend::{Cycle, Filter, Money};

/// An amount for a time and a scope, with thresholds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Its name; unique.
    pub name: String,
    /// The limit, in any currency that has a rate.
    pub amount: Money,
    /// The time it is for.
    pub cycle: Cycle,
    /// Percent of the limit, ascending, each 1 to 1000.
    pub thresholds_percent: Vec<u32>,
    /// The spend it counts.
    pub filter: Filter,
    /// Which figure it counts.
    pub basis: Basis,
    /// What the period before left over is added to the limit.
    pub rollover: bool,
}

/// Which figure a budget counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Billed where a bill reaches, list price where none does.
    #[default]
    Spend,
    /// The list price of all usage.
    List,
    /// What providers bill, and nothing else.
    Billed,
    /// What is paid: as `Spend`, with the fees of plans in the place of what plans and
    /// subscriptions cover, and less discounts.
    Paid,
}

impl Basis {
    /// The word used in the config.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spend => "spend",
            Self::List => "list",
            Self::Billed => "billed",
            Self::Paid => "paid",
        }
    }
}

impl Budget {
    /// What makes two budgets the same for alerts. The limit is part of it: a changed one is judged
    /// anew (see [`Told`]), and who only changes thresholds does not want the old ones again.
    pub fn key(&self) -> String {
        let scope = if self.filter == Filter::of_sources(self.filter.only.sources.clone()) {
            self.filter.only.sources.join(",")
        } else {
            self.filter.words()
        };
        let mut key = format!(
            "{}|{} {}|{}|{scope}",
            self.name,
            self.amount.to_decimal(),
            self.amount.currency,
            self.cycle,
        );
        if self.basis != Basis::Spend {
            key.push('|');
            key.push_str(self.basis.word());
        }
        key
    }

    /// The limit of a period, with what the period before left of the amount.
    pub fn limit(&self, spent_before: Option<&Money>) -> Money {
        let left = match spent_before {
            Some(spent) if self.rollover && spent.currency == self.amount.currency => {
                self.amount.attos.saturating_sub(spent.attos.max(0)).max(0)
            }
            _ => 0,
        };
        Money { attos: self.amount.attos.saturating_add(left), ..self.amount }
    }

    /// The threshold from which the icon warns: the highest under 100, else 100.
    pub fn warn_percent(&self) -> u32 {
        self.thresholds_percent
            .iter()
            .copied()
            .filter(|percent| *percent < 100)
            .max()
            .unwrap_or(100)
    }

    /// The lowest threshold that is not reached yet.
    pub fn next_percent(&self, limit: &Money, spent: &Money) -> Option<u32> {
        self.thresholds_percent.iter().copied().find(|percent| !reached(limit, spent, *percent))
    }
}

/// The share of the limit that `spent` is, in thousandths, rounded down.
pub fn permille(limit: &Money, spent: &Money) -> i128 {
    spent.permille_of(limit).unwrap_or(0)
}

fn reached(limit: &Money, spent: &Money, percent: u32) -> bool {
    permille(limit, spent) >= i128::from(percent) * 10
}

/// What to do about a budget's thresholds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The one threshold that speaks, percent.
    pub speaks: Option<u32>,
    /// Thresholds that are reached but stay silent for ever, percent.
    pub silent: Vec<u32>,
}

/// What was decided before, as far as it bears on a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The thresholds of this budget that were decided in this period, percent.
    pub known: Vec<u32>,
    /// The largest amount at which the budget spoke in this period under another limit. What lies
    /// below it was told: who raises a budget hears of it when spend grows on, and not at once.
    pub amount: Option<Money>,
    /// Set at the very first look at this machine, when the logs of past days come in at once: what
    /// the period had cost when today began. What was reached by then is the past and stays silent,
    /// unless the budget is broken, which is worth one word however old it is.
    pub before_today: Option<Money>,
}

/// Which thresholds are due at `spent`. Of several reached at once only the highest speaks, and
/// none speaks below one that was decided before.
pub fn judge(budget: &Budget, limit: &Money, spent: &Money, told: &Told) -> Verdict {
    let highest_known = told.known.iter().copied().max().unwrap_or(0);
    let due: Vec<u32> = budget
        .thresholds_percent
        .iter()
        .copied()
        .filter(|percent| !told.known.contains(percent) && reached(limit, spent, *percent))
        .collect();
    let is_old = |percent: u32| {
        let by = |amount: &Option<Money>| {
            amount.as_ref().is_some_and(|amount| reached(limit, amount, percent))
        };
        percent < 100 && (by(&told.before_today) || by(&told.amount))
    };
    let speaks =
        due.iter().copied().max().filter(|highest| *highest > highest_known && !is_old(*highest));
    let silent = due.into_iter().filter(|percent| Some(*percent) != speaks).collect();
    Verdict { speaks, silent }
}

/// What is kept of a budget whose time moves with the clock, and so never starts anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolling {
    /// The highest threshold that spoke and still holds, percent.
    pub said: u32,
    /// How often it spoke, ever: tells one alert from the next.
    pub times: u32,
}

/// Judges a budget whose time moves with the clock. A threshold speaks when spend rises to it, and
/// again only after spend was a tenth below it: at its edge one crossing is one alert.
pub fn judge_rolling(budget: &Budget, limit: &Money, spent: &Money, before: Rolling) -> Rolling {
    let share = permille(limit, spent);
    let highest = |least: &dyn Fn(u32) -> bool| {
        budget.thresholds_percent.iter().copied().filter(|percent| least(*percent)).max()
    };
    let reached = highest(&|percent| share >= i128::from(percent) * 10).unwrap_or(0);
    let holds = highest(&|percent| percent <= before.said && share >= i128::from(percent) * 9);
    let holds = holds.unwrap_or(0);
    let speaks = reached > holds;
    Rolling { said: reached.max(holds), times: before.times + u32::from(speaks) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spend::Currency;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect(text)
    }

    fn day_budget(amount: &str) -> Budget {
        Budget {
            name: "day".into(),
            amount: usd(amount),
            cycle: Cycle::Day,
            thresholds_percent: vec![50, 80, 100],
            filter: Filter::everything(),
            basis: Basis::Spend,
            rollover: false,
        }
    }

    fn check(
        spent: &str,
        known: &[u32],
        before: Option<&str>,
        speaks: Option<u32>,
        silent: &[u32],
    ) {
        let told = Told { known: known.into(), before_today: before.map(usd), amount: None };
        let verdict = judge(&day_budget("200"), &usd("200"), &usd(spent), &told);
        assert_eq!(
            (verdict.speaks, verdict.silent.as_slice()),
            (speaks, silent),
            "{spent} {known:?}"
        );
    }

    #[test]
    fn a_threshold_is_reached_at_exactly_its_share() {
        check("99.999999", &[], None, None, &[]);
        check("100", &[], None, Some(50), &[]);
    }

    #[test]
    fn of_several_at_once_only_the_highest_speaks() {
        check("170", &[], None, Some(80), &[50]);
        check("500", &[], None, Some(100), &[50, 80]);
    }

    #[test]
    fn a_decided_threshold_never_speaks_again() {
        check("170", &[50, 80], None, None, &[]);
        check("210", &[50, 80], None, Some(100), &[]);
        check("210", &[100], None, None, &[50, 80]);
    }

    #[test]
    fn the_first_look_is_silent_about_the_past_but_not_about_a_broken_budget() {
        check("110", &[], Some("105"), None, &[50]);
        check("170", &[], Some("105"), Some(80), &[50]);
        check("300", &[], Some("300"), Some(100), &[50, 80]);
        check("110", &[], Some("0"), Some(50), &[]);
    }

    #[test]
    fn a_raised_budget_is_silent_about_what_was_told() {
        // The alert of $200 spoke at 100 %.
        let told = Told { amount: Some(usd("203")), ..Told::default() };
        let judge_at = |limit: &str, spent: &str| {
            judge(&day_budget(limit), &usd(limit), &usd(spent), &told).speaks
        };
        assert_eq!(judge_at("250", "203"), None, "80 % of 250 is 200, which was told");
        assert_eq!(judge_at("250", "250"), Some(100));
        assert_eq!(judge_at("400", "320"), Some(80));
        assert_eq!(judge_at("150", "203"), Some(100), "a lowered budget that is broken says so");
    }

    #[test]
    fn what_was_left_is_added_once() {
        let budget = Budget { rollover: true, ..day_budget("200") };
        assert_eq!(budget.limit(Some(&usd("150"))), usd("250"));
        assert_eq!(budget.limit(Some(&usd("230"))), usd("200"));
        assert_eq!(budget.limit(None), usd("200"));
        assert_eq!(day_budget("200").limit(Some(&usd("150"))), usd("200"));
    }

    #[test]
    fn a_moving_time_speaks_at_each_rise_and_not_at_its_edge() {
        let budget = day_budget("100");
        let mut kept = Rolling::default();
        let mut words = Vec::new();
        for spent in [40, 50, 49, 51, 81, 79, 100, 85, 101, 70, 81, 40, 55] {
            let now = judge_rolling(&budget, &usd("100"), &usd(&spent.to_string()), kept);
            if now.times > kept.times {
                words.push((spent, now.said));
            }
            kept = now;
        }
        assert_eq!(words, [(50, 50), (81, 80), (100, 100), (101, 100), (81, 80), (55, 50)]);
    }

    #[test]
    fn budgets_of_old_keep_their_key() {
        assert_eq!(day_budget("200").key(), "day|200 USD|day|");
        let filter = Filter::of_sources(["codex", "claude-code"]);
        let budget = Budget { filter, cycle: Cycle::MONTH, ..day_budget("200") };
        assert_eq!(budget.key(), "day|200 USD|month|codex,claude-code");
        assert!(Budget { basis: Basis::List, ..budget }.key().ends_with("|list"));
    }

    #[test]
    fn the_icon_warns_from_the_highest_threshold_under_a_hundred() {
        assert_eq!(day_budget("1").warn_percent(), 80);
        assert_eq!(
            Budget { thresholds_percent: vec![100, 120], ..day_budget("1") }.warn_percent(),
            100
        );
    }

    proptest! {
        #[test]
        fn growing_spend_speaks_at_most_once_per_threshold_and_always_of_the_highest(
            steps in proptest::collection::vec(0_i128..60, 1..40),
        ) {
            let budget = day_budget("200");
            let (mut known, mut spoken, mut spent) = (Vec::new(), Vec::new(), 0);
            for step in steps {
                spent += step;
                let money = usd(&spent.to_string());
                let told = Told { known: known.clone(), ..Told::default() };
                let verdict = judge(&budget, &budget.amount, &money, &told);
                known.extend(verdict.silent.iter().copied());
                known.extend(verdict.speaks);
                spoken.extend(verdict.speaks);
                let highest = budget.thresholds_percent.iter().copied().filter(|p| spent * 100 >= 200 * i128::from(*p)).max();
                prop_assert_eq!(spoken.last().copied(), highest);
            }
            prop_assert!(spoken.is_sorted_by(|a, b| a < b), "{:?}", spoken);
        }
    }
}
