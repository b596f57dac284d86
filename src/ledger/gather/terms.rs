//! What plans and discounts have to say of a scope.

use rusqlite::{Connection, Result};

use super::super::days;
use super::super::names::Names;
use super::super::parts::Terms;
use super::super::scope::Scope;
use super::plain::gather_plain;
use crate::spend::{Facts, Rates, Span};

impl Terms {
    /// Those of a scope.
    pub(super) fn of(
        conn: &Connection,
        names: &mut Names,
        scope: &Scope,
        rates: &Rates,
    ) -> Result<Self> {
        let plans = scope.plans.clone();
        let (first_day, end_day) = (scope.span.first_day, scope.span.end_day);
        let mut terms = Self { plans, first_day, ..Self::default() };
        if terms.plans.is_empty() || !scope.is_whole_days() || first_day >= end_day {
            return Ok(terms);
        }
        let filter = scope.filter();
        terms.whole = terms.plans.plans.iter().map(|plan| plan.is_in(filter)).collect();
        let takes = |account: &str| filter.takes(&Facts { account, ..Facts::default() });
        terms.credited = terms.plans.discounts.iter().map(|it| takes(&it.account)).collect();

        // A plan that says nothing of its first day is as old as what is known.
        let begun = days::first_day(conn, scope.zone)?;
        let plans = &terms.plans;
        let fees_end = scope.fees_end.min(end_day);
        for day in first_day.iter_days().take_while(|day| *day < fees_end) {
            let counts = |place: usize| {
                let is_old = plans.plans[place].first_day.is_none();
                terms.whole[place] && !(is_old && begun.is_some_and(|begun| day < begun))
            };
            let fees = plans.fees_on(day, counts);
            if !fees.is_empty() {
                terms.fees.insert(day, fees);
            }
        }
        let last_day = end_day.pred_opt().unwrap_or(first_day);
        let from = plans.known_from(first_day, last_day, |place| terms.whole[place]);
        if from < first_day {
            let before = scope.over(Span::of_days(from, first_day, scope.zone), scope.zone);
            let mut parts = gather_plain(conn, names, &[&before], rates)?;
            terms.before = parts.pop().map(Box::new);
        }
        Ok(terms)
    }
}
