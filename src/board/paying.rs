//! Plans, and spend in people's terms, as every face shows them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::ledger::{Ledger, LedgerError};
use crate::plans::people::People;
use crate::plans::worth::{self, BreakEven, Term};
use crate::plans::{Every, Plan};
use crate::spend::period::local_day;
use crate::spend::{Currency, Money, Span, Zone};

/// A plan in the running period of its fee.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    /// Its name.
    pub name: String,
    /// What the period costs.
    pub fee: Money,
    /// The same in dollars; `None` where its currency has no rate.
    pub fee_usd: Option<Money>,
    /// How often it is due.
    pub every: Every,
    /// The period's first day.
    pub first_day: NaiveDate,
    /// Its last.
    pub last_day: NaiveDate,
    /// What it covered so far, at list price; dollars.
    pub list: Money,
    /// When that is worth the fee; `None` where the fee's currency has no rate.
    pub break_even: Option<BreakEven>,
}

impl PlanRow {
    /// How many hundredths of the fee the list price is; `None` for no fee, or one without a rate.
    pub fn times(&self) -> Option<i128> {
        worth::times(self.list.attos, self.fee_usd?.attos)
    }
}

/// What each plan covers, by its place and the day, at list price; attos.
type Covered = BTreeMap<(usize, NaiveDate), i128>;
/// The days of a fee: the first, and the first after them.
type Days = (NaiveDate, NaiveDate);

/// What plans covered on the days before today, asked once a minute: it hardly changes.
#[derive(Default)]
pub(super) struct Memory {
    known: Option<(Known, Covered)>,
}

#[derive(Clone, PartialEq)]
struct Known {
    minute: i64,
    first_day: NaiveDate,
    today: NaiveDate,
    plans: Vec<Plan>,
}

impl Memory {
    /// The plans that run today.
    pub(super) fn read(
        &mut self,
        ledger: &Ledger,
        now: DateTime<Utc>,
        zone: Zone,
    ) -> Result<Vec<PlanRow>, LedgerError> {
        let today = local_day(now, zone);
        let plans = &ledger.plans().plans;
        let periods: Vec<_> = plans.iter().map(|plan| plan.period(today)).collect();
        let Some(first_day) = periods.iter().flatten().map(|(first, _)| *first).min() else {
            return Ok(Vec::new());
        };
        let known = Known {
            minute: now.timestamp().div_euclid(60),
            first_day,
            today,
            plans: plans.clone(),
        };
        if self.known.as_ref().is_none_or(|(before, _)| *before != known) {
            let past = ledger.covered_by_plans(&Span::of_days(first_day, today, zone), zone)?;
            self.known = Some((known, past));
        }
        let mut covered = self.known.as_ref().map(|(_, past)| past.clone()).unwrap_or_default();
        let tomorrow = today.succ_opt().unwrap_or(NaiveDate::MAX);
        covered.extend(ledger.covered_by_plans(&Span::of_days(today, tomorrow, zone), zone)?);
        Ok(rows(ledger, plans, &periods, &covered, today))
    }
}

/// Every plan in the period of its fee that holds `day`, with what it covered in it.
///
/// # Errors
/// The ledger can't be read.
pub fn plans_on(ledger: &Ledger, day: NaiveDate, zone: Zone) -> Result<Vec<PlanRow>, LedgerError> {
    let plans = &ledger.plans().plans;
    let periods: Vec<_> = plans.iter().map(|plan| plan.period(day)).collect();
    let firsts = periods.iter().flatten().map(|(first, _)| *first);
    let Some(first_day) = firsts.min() else { return Ok(Vec::new()) };
    let end = day.succ_opt().unwrap_or(day);
    let covered = ledger.covered_by_plans(&Span::of_days(first_day, end, zone), zone)?;
    Ok(rows(ledger, plans, &periods, &covered, day))
}

fn rows(
    ledger: &Ledger,
    plans: &[Plan],
    periods: &[Option<Days>],
    covered: &Covered,
    today: NaiveDate,
) -> Vec<PlanRow> {
    let row = |place: usize, plan: &Plan, period: Option<Days>| {
        let (first_day, end) = period?;
        let days: Vec<_> = covered
            .range((place, first_day)..(place, end))
            .map(|((_, day), attos)| (*day, *attos))
            .collect();
        let list = days.iter().fold(0_i128, |sum, (_, attos)| sum.saturating_add(*attos));
        let fee_usd = ledger.rates().usd(&plan.fee);
        let term = Term { first: first_day, end, today };
        Some(PlanRow {
            name: plan.name.clone(),
            fee: plan.fee,
            fee_usd,
            every: plan.every,
            first_day,
            last_day: end.pred_opt().unwrap_or(end),
            list: Money { attos: list, currency: Currency::USD },
            break_even: fee_usd.map(|fee| worth::break_even(fee.attos, &days, term)),
        })
    };
    let terms = plans.iter().zip(periods).enumerate();
    terms.filter_map(|(place, (plan, period))| row(place, plan, *period)).collect()
}

/// What is paid, in people's terms. What the config does not set is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleTerms {
    /// Hundredths of an engineer's month.
    pub engineer_months: Option<i128>,
    /// Thousandths of what the team may spend on these days.
    pub team_permille: Option<i128>,
    /// The cost of a working day, and how many there were.
    pub per_working_day: Option<(Money, u32)>,
    /// Whether any part of what is paid is a list price.
    pub estimated: bool,
}

impl PeopleTerms {
    /// What was paid on some days, the first and the last one inside.
    pub fn of(
        people: &People,
        paid: Option<Money>,
        estimated: bool,
        (first_day, last_day): (NaiveDate, NaiveDate),
    ) -> Self {
        let (false, Some(paid)) = (people.is_silent(), paid) else { return Self::default() };
        let hundredths = |month: Money| worth::times(paid.attos, month.attos);
        let share =
            |budget: Money| paid.permille_of(&People::of_months(&budget, first_day, last_day));
        let days = people.worked(first_day, last_day);
        let each = || Money { attos: paid.attos / i128::from(days.max(1)), ..paid };
        Self {
            engineer_months: people.engineer_month.and_then(hundredths),
            team_permille: people.team_budget.and_then(share),
            per_working_day: (people.per_working_day && days > 0).then(|| (each(), days)),
            estimated,
        }
    }
}
