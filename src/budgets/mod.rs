//! Totals -> verdicts: pure functions, no input or output.
//!
//! A budget is an amount for a period and a scope. [`judge`] says which of its thresholds are due;
//! the monitor asks it inside the ledger transaction that records the spend, so that a threshold
//! speaks once and never gets lost.

pub mod guard;
pub mod watch;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::spend::{Money, Period, Span};

/// An amount for a period and a scope, with thresholds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Its name; unique.
    pub name: String,
    /// The limit.
    pub amount: Money,
    /// Day, week or month.
    pub period: Period,
    /// Percent of the limit, ascending, each 1 to 1000.
    pub thresholds_percent: Vec<u32>,
    /// Source ids it counts; empty means all.
    pub sources: Vec<String>,
}

impl Budget {
    /// What makes two budgets the same for alerts. The limit is part of it: who raises a budget in
    /// mid-period wants to hear of the new one, and who only changes thresholds does not want the
    /// old ones again.
    pub fn key(&self) -> String {
        format!(
            "{}|{} {}|{}|{}",
            self.name,
            self.amount.to_decimal(),
            self.amount.currency,
            self.period.word(),
            self.sources.join(",")
        )
    }

    /// The share of the limit that `spent` is, in thousandths, rounded down.
    pub fn permille(&self, spent: &Money) -> i128 {
        spent.permille_of(&self.amount).unwrap_or(0)
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

    fn reached(&self, spent: &Money, percent: u32) -> bool {
        self.permille(spent) >= i128::from(percent) * 10
    }
}

/// What to do about a budget's thresholds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The one threshold that speaks, percent.
    pub speaks: Option<u32>,
    /// Thresholds that are reached but stay silent for ever, percent.
    pub silent: Vec<u32>,
}

/// Which thresholds are due at `spent`.
///
/// `known` are the thresholds already decided in this period. Of several reached at once only the
/// highest speaks, and none speaks below one that was decided before.
///
/// `before_today` is set at the very first look at this machine, when the logs of past days come
/// in at once: it is what the period had cost when today began. What was reached by then is the
/// past and stays silent, unless the budget is broken, which is worth one word however old it is.
pub fn judge(
    budget: &Budget,
    spent: &Money,
    known: &[u32],
    before_today: Option<&Money>,
) -> Verdict {
    let highest_known = known.iter().copied().max().unwrap_or(0);
    let reached: Vec<u32> = budget
        .thresholds_percent
        .iter()
        .copied()
        .filter(|percent| !known.contains(percent) && budget.reached(spent, *percent))
        .collect();
    let is_past = |percent: u32| {
        percent < 100 && before_today.is_some_and(|before| budget.reached(before, percent))
    };
    let speaks = reached
        .iter()
        .copied()
        .max()
        .filter(|highest| *highest > highest_known && !is_past(*highest));
    let silent = reached.into_iter().filter(|percent| Some(*percent) != speaks).collect();
    Verdict { speaks, silent }
}

/// What the period ends at if it goes on as it went so far: spent so far, divided by the share of
/// the period that has passed. `None` in the first tenth of the period, when one busy hour would
/// be blown up to a whole period.
pub fn pace(span: &Span, now: DateTime<Utc>, spent: &Money) -> Option<Money> {
    let whole = i128::from((span.end - span.start).num_seconds());
    let passed = i128::from((now - span.start).num_seconds());
    if passed * 10 < whole || passed > whole || passed <= 0 {
        return None;
    }
    // Divide first where the product would leave the range; the error is below one second's share.
    let attos = match spent.attos.checked_mul(whole) {
        Some(product) => product / passed,
        None => (spent.attos / passed).checked_mul(whole)?,
    };
    Some(Money { attos, currency: spent.currency })
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
            period: Period::Day,
            thresholds_percent: vec![50, 80, 100],
            sources: Vec::new(),
        }
    }

    fn check(
        spent: &str,
        known: &[u32],
        before: Option<&str>,
        speaks: Option<u32>,
        silent: &[u32],
    ) {
        let before = before.map(usd);
        let verdict = judge(&day_budget("200"), &usd(spent), known, before.as_ref());
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
    fn pace_is_the_spend_over_the_share_of_time_passed() {
        let span =
            Period::Day.holding("2026-11-24T12:00:00Z".parse().expect("time"), chrono_tz::UTC);
        let pace_at = |time: &str| pace(&span, time.parse().expect("time"), &usd("100"));
        // 100 in 6 of 24 hours.
        assert_eq!(pace_at("2026-11-24T06:00:00Z"), Some(usd("400")));
        assert_eq!(pace_at("2026-11-24T02:00:00Z"), None, "less than a tenth has passed");
        assert_eq!(pace_at("2026-11-25T06:00:00Z"), None, "the period is over");
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
                let verdict = judge(&budget, &money, &known, None);
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
