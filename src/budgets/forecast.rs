//! Where a period ends if things go on as they do: a range, from what days of the same kind cost.
//!
//! The method, which the README states too:
//!
//! 1. Each day to come is expected to cost what the same days of the week cost in the last four
//!    weeks: their lower quartile, median and upper quartile. Where fewer than two such days are
//!    known, all working days (or all weekend days) stand for them, and then all days.
//! 2. This period may go faster or slower than that. Its finished days, with today as far as it
//!    has come, are compared with what was expected of them, and the days to come follow; once all
//!    of it for the middle, and for the range only where that widens it.
//! 3. Of today so much has passed as, by the median of past days, is spent by this hour.
//! 4. Where prices are known to change before the period ends, days from then on cost so much more
//!    or less than they would.
//! 5. Nothing is said before a quarter of a day's usual spend is due (of today for a day, and of
//!    one finished day for anything longer), nor with fewer than five days known.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::spend::Money;

/// Fewer known days than this tell nothing.
const LEAST_DAYS: usize = 5;
/// The share of a day that has to be due before a day is forecast, thousandths.
const LEAST_OF_DAY: i128 = 250;
/// A period goes at most so much slower or faster than the days before it, thousandths.
const FACTORS: (i128, i128) = (250, 8_000);

/// What past days cost; finished ones only. Days before the first usage are not among them, days
/// without any since are, at zero.
pub type History = [(NaiveDate, i128)];

/// What each day of the week is expected to cost, from Monday.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Week {
    days: [Three; 7],
    /// How many days that was learned of.
    of: usize,
}

impl Week {
    /// Learns it from past days.
    pub fn of(history: &History) -> Self {
        let mut days = [Three::default(); 7];
        for (of_week, expected) in days.iter_mut().enumerate() {
            *expected = expected_on(of_week as u32, history);
        }
        Self { days, of: history.len() }
    }

    fn expected(&self, day: NaiveDate) -> Three {
        self.days[day.weekday().num_days_from_monday() as usize]
    }
}

/// How much of a day's spend is done by each full hour, thousandths; 25 of them, from 0 to 1000.
pub type Shape = [u32; 25];

/// A day that passes evenly, for want of better knowledge.
pub const EVEN: Shape = {
    let mut shape = [0; 25];
    let mut hour = 0;
    while hour < 25 {
        shape[hour] = (hour as u32) * 1000 / 24;
        hour += 1;
    }
    shape
};

/// What is known of the period.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its first day.
    pub first: NaiveDate,
    /// The first day after it.
    pub end: NaiveDate,
    /// Today.
    pub today: NaiveDate,
    /// How many seconds of today have passed.
    pub seconds: u32,
    /// Spent since its first day.
    pub spent: Money,
    /// Its limit.
    pub limit: Money,
    /// What days cost, in the same currency and of the same scope.
    pub week: &'a Week,
    /// How a day passes.
    pub shape: &'a Shape,
    /// Price changes to come: the first day, and what the same usage costs from then on against
    /// now, in thousandths; by day.
    pub steps: &'a [(NaiveDate, i128)],
}

/// Where the period ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Half of the outcomes are thought to lie between this
    pub low: Money,
    /// and
    pub high: Money,
    /// around this.
    pub middle: Money,
    /// The day on which the limit is passed, by the middle; `None` where it holds, and where it
    /// was passed already.
    pub breaks_on: Option<NaiveDate>,
    /// The first price change that is in it: its day, and what the same usage costs from then on
    /// against now, in thousandths.
    pub price_step: Option<(NaiveDate, i128)>,
}

/// Lower quartile, median and upper quartile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Three([i128; 3]);

impl Three {
    fn of(mut values: Vec<i128>) -> Self {
        values.sort_unstable();
        Self([quantile(&values, 1), quantile(&values, 2), quantile(&values, 3)])
    }

    fn scaled(self, permille: [i128; 3]) -> Self {
        let mut scaled = self.0;
        for (value, permille) in scaled.iter_mut().zip(permille) {
            *value = scale(*value, permille);
        }
        Self(scaled)
    }

    fn add(&mut self, other: Self) {
        for (sum, value) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(value);
        }
    }
}

/// A thousandth share; divides first where the product would leave the range.
fn scale(value: i128, permille: i128) -> i128 {
    value
        .checked_mul(permille)
        .map_or_else(|| (value / 1000).saturating_mul(permille), |product| product / 1000)
}

/// The quartile of sorted values, between the two that it lies between.
fn quantile(sorted: &[i128], quarter: usize) -> i128 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0 };
    let (at, rest) = (last * quarter / 4, last * quarter % 4);
    let low = sorted[at];
    let high = sorted[(at + 1).min(last)];
    low + (high - low) / 4 * rest as i128
}

/// The median; `None` of nothing.
pub fn median(mut values: Vec<i128>) -> Option<i128> {
    values.sort_unstable();
    (!values.is_empty()).then(|| quantile(&values, 2))
}

/// Whether a day is part of the weekend.
pub fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// What the day of the week so many days after Monday is expected to cost.
fn expected_on(of_week: u32, history: &History) -> Three {
    let those = |is_like: &dyn Fn(u32) -> bool| -> Vec<i128> {
        let alike =
            history.iter().filter(|(past, _)| is_like(past.weekday().num_days_from_monday()));
        alike.map(|(_, cost)| *cost).collect()
    };
    let same = those(&|past| past == of_week);
    if same.len() >= 2 {
        return Three::of(same);
    }
    let alike = those(&|past| (past >= 5) == (of_week >= 5));
    if alike.len() >= 2 { Three::of(alike) } else { Three::of(those(&|_| true)) }
}

/// How much of a day's spend is usually done after so many seconds of it, thousandths.
fn done_by(shape: &Shape, seconds: u32) -> i128 {
    // A day of 25 hours ends with its usual last one.
    let hour = (seconds / 3600).min(23) as usize;
    let minute = i128::from(seconds.saturating_sub(hour as u32 * 3600).min(3600) / 60);
    let (from, to) = (i128::from(shape[hour]), i128::from(shape[hour + 1]));
    from + (to - from) * minute / 60
}

/// Where the period ends; `None` while too little is known to tell.
pub fn forecast(known: &Known<'_>) -> Option<Forecast> {
    let days = |from: NaiveDate, to: NaiveDate| from.iter_days().take_while(move |day| *day < to);
    let done = done_by(known.shape, known.seconds);
    let is_due = if (known.end - known.first).num_days() <= 1 {
        done >= LEAST_OF_DAY
    } else {
        (known.today - known.first).num_days() >= 1
    };
    let is_running = known.first <= known.today && known.today < known.end;
    if !is_running || !is_due || known.week.of < LEAST_DAYS {
        return None;
    }
    let today = known.week.expected(known.today);
    let mut due = scale(today.0[1], done);
    for day in days(known.first, known.today) {
        due = due.saturating_add(known.week.expected(day).0[1]);
    }
    let factor = factor(known.spent.attos, due);
    let factors = [factor.min(1000), factor, factor.max(1000)];

    let mut sums = Three([known.spent.attos; 3]);
    let is_broken = known.spent.attos >= known.limit.attos;
    let mut breaks_on = None;
    for day in days(known.today, known.end) {
        let of_day = match day == known.today {
            true => today.scaled([1000 - done; 3]),
            false => known.week.expected(day),
        };
        let step = known.steps.iter().rfind(|(from, _)| *from <= day && *from > known.today);
        let at_prices = of_day.scaled(factors);
        sums.add(step.map_or(at_prices, |(_, permille)| at_prices.scaled([*permille; 3])));
        if sums.0[1] >= known.limit.attos && !is_broken && breaks_on.is_none() {
            breaks_on = Some(day);
        }
    }
    let [low, middle, high] = sums.0.map(|attos| Money { attos, ..known.spent });
    let is_ahead = |(day, permille): &&(NaiveDate, i128)| {
        known.today < *day && *day < known.end && *permille != 1000
    };
    let price_step = known.steps.iter().find(is_ahead).copied();
    Some(Forecast { low, middle, high, breaks_on, price_step })
}

/// How fast a period goes against what was expected of it so far, thousandths.
fn factor(spent: i128, due: i128) -> i128 {
    if due <= 0 {
        // Nothing was expected: what is spent is the exception, and the days to come as before.
        return 1000;
    }
    let (least, most) = FACTORS;
    let exact = spent.checked_mul(1000).map_or_else(|| spent / (due / 1000).max(1), |it| it / due);
    exact.clamp(least, most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spend::Currency;

    const CENT: i128 = 10_i128.pow(16);

    fn day(text: &str) -> NaiveDate {
        text.parse().expect(text)
    }

    fn usd(cents: i128) -> Money {
        Money { attos: cents * CENT, currency: Currency::USD }
    }

    /// Four weeks up to the day before `today`: $100 on working days, nothing at weekends.
    fn office(today: NaiveDate) -> Vec<(NaiveDate, i128)> {
        let first = today - chrono::Days::new(28);
        first
            .iter_days()
            .take(28)
            .map(|day| (day, if is_weekend(day) { 0 } else { 10_000 * CENT }))
            .collect()
    }

    fn month(today: &str, spent: i128, limit: i128) -> Option<Forecast> {
        let today = day(today);
        forecast(&Known {
            first: day("2026-11-01"),
            end: day("2026-12-01"),
            today,
            seconds: 12 * 3600,
            spent: usd(spent),
            limit: usd(limit),
            week: &Week::of(&office(today)),
            shape: &EVEN,
            steps: &[],
        })
    }

    #[test]
    fn weekends_do_not_fool_it() {
        // November 2026 has 21 working days; on Tuesday 24 at noon 16.5 are over.
        let forecast = month("2026-11-24", 165_000, 200_000).expect("enough is known");
        assert_eq!(forecast.middle, usd(210_000));
        assert_eq!((forecast.low, forecast.high), (usd(210_000), usd(210_000)));
        // 16.5 + 0.5 on Tuesday, 18 on Wednesday, 19 on Thursday, 20 on Friday.
        assert_eq!(forecast.breaks_on, Some(day("2026-11-27")));
        // On a Sunday nothing more is expected before Monday.
        let sunday = month("2026-11-08", 50_000, 200_000).expect("enough is known");
        assert_eq!(sunday.middle, usd(210_000));
    }

    #[test]
    fn a_period_that_goes_faster_ends_higher_and_the_range_says_so() {
        let forecast = month("2026-11-24", 330_000, 400_000).expect("enough is known");
        assert_eq!(forecast.middle, usd(420_000));
        assert_eq!(forecast.low, usd(330_000 + 45_000));
        assert_eq!(forecast.high, usd(420_000));
    }

    #[test]
    fn a_price_change_counts_from_its_day_on() {
        let today = day("2026-11-24");
        let known = |steps: &[(NaiveDate, i128)]| {
            let week = Week::of(&office(today));
            let limit = usd(1_000_000);
            let (first, end) = (day("2026-11-01"), day("2026-12-01"));
            let (spent, shape, seconds) = (usd(165_000), &EVEN, 12 * 3600);
            let known =
                Known { first, end, today, seconds, spent, limit, week: &week, shape, steps };
            forecast(&known).expect("enough is known")
        };
        // Half of Tuesday, then Wednesday to Friday and Monday: $450 at $100 a day.
        assert_eq!(known(&[]).middle, usd(210_000));
        // Friday and Monday cost a quarter more.
        let dearer = known(&[(day("2026-11-27"), 1_250)]);
        assert_eq!(dearer.middle, usd(210_000 + 5_000));
        assert_eq!(dearer.price_step, Some((day("2026-11-27"), 1_250)));
        // What comes after the period, or is in force already, changes nothing.
        for other in ["2026-12-01", "2026-11-24"] {
            let same = known(&[(day(other), 2_000)]);
            assert_eq!((same.middle, same.price_step), (usd(210_000), None), "{other}");
        }
        // Monday alone is at half.
        let twice = known(&[(day("2026-11-27"), 1_250), (day("2026-11-30"), 500)]);
        assert_eq!(twice.middle, usd(210_000 + 2_500 - 5_000));
    }

    #[test]
    fn it_is_quiet_until_enough_has_passed() {
        assert_eq!(month("2026-11-01", 90_000, 100_000), None, "the first day");
        let first_hour = |seconds| {
            let today = day("2026-11-24");
            forecast(&Known {
                first: today,
                end: day("2026-11-25"),
                today,
                seconds,
                spent: usd(9_000),
                limit: usd(10_000),
                week: &Week::of(&office(today)),
                shape: &EVEN,
                steps: &[],
            })
        };
        assert_eq!(first_hour(3_600), None, "a busy first hour");
        let noon = first_hour(12 * 3600).expect("half a day");
        assert_eq!(noon.middle, usd(18_000));
        assert_eq!(noon.breaks_on, Some(day("2026-11-24")));
    }

    #[test]
    fn few_days_tell_nothing() {
        let today = day("2026-11-24");
        let known = Known {
            first: day("2026-11-01"),
            end: day("2026-12-01"),
            today,
            seconds: 0,
            spent: usd(1),
            limit: usd(2),
            week: &Week::of(&office(today)[24..]),
            shape: &EVEN,
            steps: &[],
        };
        assert_eq!(forecast(&known), None);
    }

    #[test]
    fn quartiles_lie_between_their_neighbours() {
        let sorted = [0, 100, 200, 300, 1000];
        assert_eq!([1, 2, 3].map(|quarter| quantile(&sorted, quarter)), [100, 200, 300]);
        assert_eq!(median(vec![400, 100]), Some(250));
        assert_eq!(median(Vec::new()), None);
    }

    proptest! {
        #[test]
        fn the_middle_lies_in_the_range_and_above_what_is_spent(
            costs in prop::collection::vec(0_i128..1_000_000, 5..28),
            spent in 0_i128..10_000_000,
            date in 0_u64..29,
            seconds in 0_u32..90_000,
        ) {
            let today = day("2026-11-02") + chrono::Days::new(date.min(28));
            let history: Vec<_> = costs.iter().enumerate().map(|(back, cents)| {
                (today - chrono::Days::new(costs.len() as u64 - back as u64), cents * CENT)
            }).collect();
            let known = Known {
                first: day("2026-11-01"),
                end: day("2026-12-01"),
                today,
                seconds,
                spent: usd(spent),
                    limit: usd(1_000_000),
                week: &Week::of(&history),
                shape: &EVEN,
                steps: &[],
            };
            let forecast = forecast(&known).expect("enough is known");
            prop_assert!(usd(spent).attos <= forecast.low.attos);
            prop_assert!(forecast.low.attos <= forecast.middle.attos);
            prop_assert!(forecast.middle.attos <= forecast.high.attos);
            let breaks = spent < 1_000_000 && forecast.middle.attos >= usd(1_000_000).attos;
            prop_assert_eq!(forecast.breaks_on.is_some(), breaks);
        }
    }
}
