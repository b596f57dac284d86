//! An amount per period that is used up from the period's first day on: what a plan includes, or a
//! credit.

use chrono::NaiveDate;

/// What lies beyond the amount, by day. `costs` come by day, each with the first day of its period;
/// within a period the first days use the amount up. The rest of each day is within it: nothing
/// is in both, and nothing in neither.
pub fn beyond(
    amount: i128,
    costs: impl IntoIterator<Item = (NaiveDate, NaiveDate, i128)>,
) -> Vec<(NaiveDate, i128)> {
    let mut sum = 0_i128;
    let mut of = None;
    costs
        .into_iter()
        .map(|(period, day, cost)| {
            if of != Some(period) {
                of = Some(period);
                sum = 0;
            }
            let before = sum.saturating_sub(amount).max(0);
            sum = sum.saturating_add(cost);
            (day, sum.saturating_sub(amount).max(0) - before)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, number).expect("a day")
    }

    fn of_days(amount: i128, costs: &[i128]) -> Vec<i128> {
        let costs = costs.iter().zip(1..).map(|(cost, number)| (day(1), day(number), *cost));
        beyond(amount, costs).into_iter().map(|(_, beyond)| beyond).collect()
    }

    #[test]
    fn the_first_days_use_it_up() {
        assert_eq!(of_days(20, &[5, 10, 10, 7]), [0, 0, 5, 7]);
        assert_eq!(of_days(0, &[5, 1]), [5, 1]);
    }

    #[test]
    fn each_period_begins_anew() {
        let costs = [(day(1), day(1), 30), (day(2), day(2), 30), (day(2), day(3), 5)];
        let beyond: Vec<_> = beyond(20, costs).into_iter().map(|(_, it)| it).collect();
        assert_eq!(beyond, [10, 10, 5]);
    }

    proptest! {
        #[test]
        fn what_is_beyond_is_what_the_sum_is_beyond(
            amount in 0_i128..1_000,
            costs in prop::collection::vec(0_i128..500, 0..28),
        ) {
            let days = of_days(amount, &costs);
            let sum: i128 = costs.iter().sum();
            prop_assert_eq!(days.iter().sum::<i128>(), (sum - amount).max(0));
            prop_assert!(days.iter().zip(&costs).all(|(beyond, cost)| (0..=*cost).contains(beyond)));
        }
    }
}
