//! Whether a plan is worth its fee: the list price of what it covers, against the fee.

use chrono::{Days, NaiveDate};

/// When what a plan covers is worth its fee, within a period of the fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakEven {
    /// The fee is nothing.
    Free,
    /// It was on this day.
    Since(NaiveDate),
    /// It will be about this day, if the rest of the period goes on as it began.
    About(NaiveDate),
    /// It will not be within the period, if that goes on as it began.
    NotWithin,
}

/// A period of a plan's fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its first day.
    pub first: NaiveDate,
    /// The first day after it.
    pub end: NaiveDate,
    /// Today, or a later day for a period that is over.
    pub today: NaiveDate,
}

/// When the list prices of the days, in their order, reach the fee. Both are attos of one currency.
/// The pace is the average of all days so far, today as one of them.
pub fn break_even(fee: i128, days: &[(NaiveDate, i128)], term: Term) -> BreakEven {
    if fee <= 0 {
        return BreakEven::Free;
    }
    let mut sum = 0_i128;
    for (day, list) in days.iter().filter(|(day, _)| term.first <= *day && *day < term.end) {
        sum = sum.saturating_add(*list);
        if sum >= fee {
            return BreakEven::Since(*day);
        }
    }
    let passed = i128::from((term.today.min(term.end) - term.first).num_days()) + 1;
    if sum <= 0 || passed <= 0 || term.today >= term.end {
        return BreakEven::NotWithin;
    }
    // The n-th day is the first on which n * sum / passed reaches the fee.
    let needed = fee.checked_mul(passed).map_or(i128::MAX, |all| (all - 1) / sum + 1);
    let needed = u64::try_from(needed).unwrap_or(u64::MAX);
    match term.first.checked_add_days(Days::new(needed.saturating_sub(1))) {
        Some(day) if day < term.end => BreakEven::About(day.max(term.today)),
        _ => BreakEven::NotWithin,
    }
}

/// How many times the fee the list price is, in hundredths, rounded down; `None` for a fee of
/// nothing.
pub fn times(list: i128, fee: i128) -> Option<i128> {
    (fee > 0).then(|| match list.checked_mul(100) {
        Some(all) => all.div_euclid(fee),
        None => list.div_euclid(fee).saturating_mul(100),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, number).expect("a day")
    }

    fn asked(fee: i128, days: &[(u32, i128)], today: u32) -> BreakEven {
        let days: Vec<_> = days.iter().map(|(number, list)| (day(*number), *list)).collect();
        let end = NaiveDate::from_ymd_opt(2026, 12, 1).expect("a day");
        break_even(fee, &days, Term { first: day(1), end, today: day(today) })
    }

    #[test]
    fn it_is_the_day_on_which_the_list_price_reaches_the_fee() {
        assert_eq!(asked(200, &[(2, 150), (9, 50), (10, 900)], 12), BreakEven::Since(day(9)));
        // $100 in 10 days are $200 in 20.
        assert_eq!(asked(200, &[(3, 60), (10, 40)], 10), BreakEven::About(day(20)));
        // $60 in 10 days are $180 in 30.
        assert_eq!(asked(200, &[(3, 60)], 10), BreakEven::NotWithin);
        assert_eq!(asked(200, &[], 10), BreakEven::NotWithin);
        assert_eq!(asked(0, &[], 10), BreakEven::Free);
    }

    #[test]
    fn exactly_at_the_end_of_the_period_is_within_it() {
        // $10 a day are $300 on the 30th day.
        let days: Vec<_> = (1..=10).map(|number| (number, 10)).collect();
        assert_eq!(asked(300, &days, 10), BreakEven::About(day(30)));
        assert_eq!(asked(301, &days, 10), BreakEven::NotWithin);
    }

    #[test]
    fn how_many_times_it_is_is_rounded_down() {
        assert_eq!(times(4_310, 200), Some(2_155));
        assert_eq!(times(199, 200), Some(99));
        assert_eq!(times(5, 0), None);
    }
}
