//! Spend in people's terms: months of an engineer, shares of a team's budget, working days.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::spend::Money;

/// What spend is set against. Each is told only where the config sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// What a month of an engineer costs.
    pub engineer_month: Option<Money>,
    /// What the team may spend in a calendar month.
    pub team_budget: Option<Money>,
    /// Whether the cost of a working day is told.
    pub per_working_day: bool,
    /// The days of the week that are worked.
    pub working_days: Vec<Weekday>,
}

impl Default for People {
    fn default() -> Self {
        use Weekday::{Fri, Mon, Thu, Tue, Wed};
        Self {
            engineer_month: None,
            team_budget: None,
            per_working_day: false,
            working_days: vec![Mon, Tue, Wed, Thu, Fri],
        }
    }
}

impl People {
    /// Nothing is told.
    pub fn is_silent(&self) -> bool {
        self.engineer_month.is_none() && self.team_budget.is_none() && !self.per_working_day
    }

    /// How many of the days, both inclusive, are worked.
    pub fn worked(&self, first_day: NaiveDate, last_day: NaiveDate) -> u32 {
        let days = first_day.iter_days().take_while(|day| *day <= last_day);
        let worked = days.filter(|day| self.working_days.contains(&day.weekday())).count();
        u32::try_from(worked).unwrap_or(u32::MAX)
    }

    /// What a monthly amount comes to over the days, both inclusive: each day's part of its
    /// calendar month.
    pub fn of_months(amount: &Money, first_day: NaiveDate, last_day: NaiveDate) -> Money {
        let days = first_day.iter_days().take_while(|day| *day <= last_day);
        let parts = days.map(|day| {
            let (first, end) = super::Every::MONTH.holding(day);
            let (index, days) = ((day - first).num_days(), (end - first).num_days());
            super::every::part(amount.attos, index, days)
        });
        Money { attos: parts.fold(0, i128::saturating_add), ..*amount }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::Currency;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect(text)
    }

    #[test]
    fn working_days_are_those_of_the_week_that_are_worked() {
        let people = People::default();
        // November 2026 begins on a Sunday.
        assert_eq!(people.worked(day("2026-11-01"), day("2026-11-30")), 21);
        assert_eq!(people.worked(day("2026-11-28"), day("2026-11-29")), 0);
        let weekend = People { working_days: vec![Weekday::Sun], ..People::default() };
        assert_eq!(weekend.worked(day("2026-11-01"), day("2026-11-30")), 5);
    }

    #[test]
    fn a_monthly_amount_is_whole_over_whole_months() {
        let amount = Money::parse("10000.01", Currency::USD).expect("an amount");
        let of = |first: &str, last: &str| People::of_months(&amount, day(first), day(last));
        assert_eq!(of("2026-02-01", "2026-02-28"), amount);
        assert_eq!(of("2026-11-01", "2026-12-31").attos, amount.attos * 2);
        assert_eq!(of("2026-11-01", "2026-11-15").attos, amount.attos / 2);
    }
}
