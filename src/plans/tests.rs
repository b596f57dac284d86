//! What plans and discounts promise of money.

use chrono::Duration;
use proptest::prelude::*;

use super::*;
use crate::spend::{Glob, Lists, Span, Zone};

const DOLLAR: i128 = 1_000_000_000_000_000_000;

fn day(text: &str) -> NaiveDate {
    text.parse().expect(text)
}

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect(text)
}

fn plan(fee: &str, every: &str) -> Plan {
    Plan {
        name: "plan".into(),
        offer: None,
        fee: usd(fee),
        every: every.parse().expect(every),
        first_day: None,
        last_day: None,
        covers: Filter::of_sources(["claude-code"]),
        seats: vec![Seat { source: "claude-code".into(), account: "anthropic".into() }],
        overage: Overage::default(),
    }
}

#[test]
fn a_fee_is_spread_over_the_days_it_runs() {
    let fees = |plan: &Plan, days: &[&str]| -> Vec<Option<String>> {
        days.iter().map(|at| plan.fee_on(day(at)).map(|fee| fee.to_decimal())).collect()
    };
    let whole = plan("30", "month");
    assert_eq!(fees(&whole, &["2026-11-28"]), [Some("1".into())]);
    let ends = Plan { last_day: Some(day("2026-11-10")), ..whole.clone() };
    let days = ["2026-10-31", "2026-11-10", "2026-11-11"];
    assert_eq!(
        fees(&ends, &days),
        [Some("0.967741935483870968".into()), Some("3".into()), None],
        "the last period is paid whole"
    );
    let free = plan("0", "month");
    assert_eq!(fees(&free, &["2026-11-28"]), [Some("0".into())]);
}

#[test]
fn a_figure_contains_a_fee_when_it_takes_the_plan_whole() {
    let plan = plan("200", "month");
    let only = |only: Lists| Filter { only, ..Filter::default() };
    assert!(plan.is_in(&Filter::everything()));
    assert!(plan.is_in(&Filter::of_sources(["claude-code", "codex"])));
    assert!(plan.is_in(&only(Lists { accounts: vec!["Anthropic".into()], ..Lists::default() })));
    assert!(!plan.is_in(&Filter::of_sources(["codex"])));
    let models = vec![Glob::new("*opus*").expect("a pattern")];
    assert!(!plan.is_in(&only(Lists { models, ..Lists::default() })));
    let of_models = Plan { seats: Vec::new(), ..plan };
    assert!(!of_models.is_in(&Filter::of_sources(["claude-code"])));
}

#[test]
fn two_that_cover_the_same_are_told() {
    let max = plan("200", "month");
    let until = Plan { last_day: Some(day("2026-11-14")), ..max.clone() };
    let from = Plan { first_day: Some(day("2026-11-15")), ..max.clone() };
    let codex = Plan { covers: Filter::of_sources(["codex"]), ..max.clone() };
    let of = |plans: &[&Plan]| {
        let plans = plans.iter().map(|plan| (*plan).clone()).collect();
        Plans { plans, discounts: Vec::new() }.overlaps()
    };
    assert_eq!(of(&[&max, &codex, &from]), [(0, 2)]);
    assert_eq!(of(&[&until, &from]), [], "one after the other");
}

#[test]
fn shares_are_off_one_after_the_other_and_off_bills_only_where_they_are_not_in_them() {
    let off = |ppm, in_bill| Discount {
        account: "openai".into(),
        off: Off::Share { ppm },
        first_day: Some(day("2026-11-01")),
        last_day: Some(day("2026-11-30")),
        in_bill,
    };
    let plans =
        Plans { plans: Vec::new(), discounts: vec![off(100_000, true), off(500_000, false)] };
    let at = day("2026-11-28");
    assert_eq!(plans.after_shares("OpenAI", at, 1000, false), 450);
    assert_eq!(plans.after_shares("openai", at, 1000, true), 500);
    assert_eq!(plans.after_shares("openai", day("2026-12-01"), 1000, false), 1000);
    assert_eq!(plans.after_shares("anthropic", at, 1000, false), 1000);
}

#[test]
fn what_was_used_before_is_known_from_the_first_day_of_the_period() {
    let included = Overage::List { included: usd("20") };
    let with = Plan { overage: included, ..plan("20", "month from 15") };
    let plans = Plans { plans: vec![with], discounts: Vec::new() };
    let (first, last) = (day("2026-11-28"), day("2026-11-29"));
    assert_eq!(plans.known_from(first, last, |_| true), day("2026-11-15"));
    assert_eq!(plans.known_from(first, last, |_| false), first);
    let credit = Discount {
        account: "openai".into(),
        off: Off::Amount { amount: usd("100"), every: None },
        first_day: Some(day("2026-07-01")),
        last_day: None,
        in_bill: false,
    };
    let plans = Plans { plans: Vec::new(), discounts: vec![credit] };
    assert_eq!(plans.known_from(first, last, |_| true), day("2026-07-01"));
}

proptest! {
    /// Whatever the days of a plan are: for each period that it runs in, the parts of its days sum
    /// up to the fee, to the last atto; the days are those of the user's zone, clock changes
    /// included.
    #[test]
    fn each_period_pays_its_fee_and_no_more(
        attos in 0_i128..10_i128.pow(24),
        every in prop::sample::select(vec![
            "week", "week from sunday", "month", "month from 31", "month from 29", "year",
            "year from 02-29", "year from 11-28",
        ]),
        start in 0_i64..3_000,
        days in 0_i64..900,
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Havana", "Asia/Kathmandu"]),
    ) {
        let first = day("2024-01-01") + Duration::days(start);
        let last = first + Duration::days(days);
        let fee = Money { attos, currency: Currency::USD };
        let plan = Plan { fee, first_day: Some(first), last_day: Some(last), ..plan("0", every) };
        let zone = Zone::named(zone);
        let (mut at, mut sum, mut periods) = (first, 0, 0);
        while at <= last {
            let (begin, end) = plan.period(at).expect("it runs");
            prop_assert_eq!(begin, at);
            periods += 1;
            while at < end {
                let span = Span::of_days(at, at.succ_opt().expect("a day"), zone);
                prop_assert!(span.start < span.end, "a day is a day whatever the clock does");
                sum += plan.fee_on(at).expect("it runs").attos;
                at = span.end_day;
            }
        }
        prop_assert_eq!(sum, periods * attos);
        prop_assert_eq!(plan.fee_on(first.pred_opt().expect("a day")), None);
        prop_assert_eq!(plan.fee_on(last.succ_opt().expect("a day")), None);
    }

    /// Every work is covered by one plan or by none: nothing twice, nothing lost.
    #[test]
    fn what_is_covered_and_what_is_not_is_all(
        work in prop::collection::vec((0_i64..40, 0_usize..3, 0_i128..10_000), 0..40),
        included in prop::option::of(0_i128..10_000),
        second in any::<bool>(),
    ) {
        let sources = ["claude-code", "codex", "cursor"];
        let work: Vec<_> = work
            .into_iter()
            .map(|(after, source, cents)| compare::Work {
                day: day("2026-11-01") + Duration::days(after),
                source: sources[source].into(),
                provider: None,
                account: "me".into(),
                model: None,
                list: cents * DOLLAR / 100,
            })
            .collect();
        let overage = included.map_or(Overage::Nothing, |cents| Overage::List {
            included: Money { attos: cents * DOLLAR / 100, currency: Currency::USD },
        });
        let mut plans = vec![Plan { overage, ..plan("200", "month") }];
        if second {
            plans.push(plan("100", "month"));
        }
        let days = (day("2026-11-01"), day("2026-12-01"));
        let paid = compare::cost(&work, &plans, days, &crate::spend::Rates::default());
        let of = |covered: bool| -> i128 {
            let in_month = work.iter().filter(|work| work.day < days.1);
            in_month.filter(|work| (work.source == "claude-code") == covered).map(|work| work.list).sum()
        };
        prop_assert_eq!(paid.metered, of(false));
        let beyond = included.map_or(0, |cents| (of(true) - cents * DOLLAR / 100).max(0));
        prop_assert_eq!(paid.overage, beyond);
        let fees = if second { 300 } else { 200 } * DOLLAR;
        prop_assert_eq!(paid.total, paid.metered + paid.overage + fees);
    }
}
