//! Where each budget stands: asked after every reading, by the monitor that judges budgets and by
//! the faces that show them.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Timelike, Utc};

use crate::budgets::forecast::{self, EVEN, Forecast, Known, Shape, Week};
use crate::budgets::{Basis, Budget};
use crate::ledger::{Ledger, LedgerError, PriceStep, Question, Sum, Tally};
use crate::spend::period::{day_start, local_day};
use crate::spend::{Filter, Money, Rates, Span, Zone};

/// The `meta` key of how a day usually passes.
pub const DAY_SHAPE: &str = "day-shape";
/// What a forecast looks back on.
const HISTORY_DAYS: u64 = 28;

/// Where a budget stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The time it is about.
    pub span: Span,
    /// The limit of that time, with what the time before left over.
    pub limit: Money,
    /// Spent, in the limit's currency.
    pub spent: Money,
    /// Whether any part of that is a list price.
    pub estimated: bool,
    /// Tokens without a known price: in no amount.
    pub unpriced_tokens: u64,
    /// Where the time ends; `None` while too little is known to tell.
    pub forecast: Option<Forecast>,
}

/// The standings of some budgets, kept from one reading to the next.
#[derive(Default)]
pub struct Standings {
    tally: Tally,
    /// What is learned of each budget, and when.
    weeks: BTreeMap<String, (Learnt, Learned)>,
    /// What plans cover.
    pub(super) plans: super::paying::Memory,
}

/// The hour it was asked in, and the prices that were known then.
type Learnt = (i64, Option<u64>);

/// What is learned of a budget's past for its days to come.
struct Learned {
    /// What days cost.
    week: Week,
    /// How prices change from now on.
    steps: Vec<PriceStep>,
}

impl Standings {
    /// Where the budgets stand and where they are heading, in their order.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn read(
        &mut self,
        ledger: &Ledger,
        budgets: &[Budget],
        now: DateTime<Utc>,
        zone: Zone,
    ) -> Result<Vec<Standing>, LedgerError> {
        let mut standings = self.spent(ledger, budgets, now, zone)?;
        let keys: Vec<_> = budgets.iter().map(Budget::key).collect();
        self.learn(ledger, budgets, &keys, now, zone)?;
        let shape = ledger
            .meta(DAY_SHAPE)?
            .and_then(|text| serde_json::from_str::<Vec<u32>>(&text).ok())
            .and_then(|shape| Shape::try_from(shape).ok())
            .unwrap_or(EVEN);
        let today = local_day(now, zone);
        let passed = now - day_start(today, zone);
        for (key, standing) in keys.iter().zip(&mut standings) {
            let Some((_, Learned { week, steps })) = self.weeks.get(key) else { continue };
            standing.forecast = forecast::forecast(&Known {
                first: standing.span.first_day,
                end: standing.span.end_day,
                today,
                seconds: u32::try_from(passed.num_seconds()).unwrap_or(0),
                spent: standing.spent,
                limit: standing.limit,
                week,
                shape: &shape,
                steps,
            });
        }
        Ok(standings)
    }

    /// Where the budgets stand, without a forecast.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn spent(
        &mut self,
        ledger: &Ledger,
        budgets: &[Budget],
        now: DateTime<Utc>,
        zone: Zone,
    ) -> Result<Vec<Standing>, LedgerError> {
        let mut questions = Vec::with_capacity(budgets.len());
        let fees_end = local_day(now, zone).succ_opt().unwrap_or(NaiveDate::MAX);
        for budget in budgets {
            let span = budget.cycle.holding(now, zone);
            let filter = budget.filter.clone();
            questions.push(Question { span, fees_end, filter });
        }
        let with_rest: Vec<_> = budgets.iter().filter(|budget| budget.rollover).collect();
        for budget in &with_rest {
            let span = budget.cycle.holding(now, zone);
            let before = budget.cycle.before(&span, zone).unwrap_or(span);
            let filter = budget.filter.clone();
            questions.push(Question { span: before, fees_end, filter });
        }
        let sums = ledger.tally(&mut self.tally, &questions, zone)?;
        let (sums, before) = sums.split_at(budgets.len());
        let mut before = before.iter();
        let mut standings = Vec::with_capacity(budgets.len());
        for ((budget, question), sum) in budgets.iter().zip(&questions).zip(sums) {
            let left_from = if budget.rollover { before.next() } else { None };
            let has_before = budget.cycle.period().is_some();
            let spent_before =
                left_from.filter(|_| has_before).map(|sum| figure(budget, sum, ledger.rates()));
            let limit = budget.limit(spent_before.as_ref());
            let spent = figure(budget, sum, ledger.rates());
            standings.push(Standing {
                span: question.span,
                limit,
                spent,
                estimated: is_estimated(budget.basis, sum),
                unpriced_tokens: sum.unpriced_tokens,
                forecast: None,
            });
        }
        Ok(standings)
    }

    /// Learns what days cost, and which price changes are known. Past ones hardly change: asked once an hour, of all budgets at once.
    fn learn(
        &mut self,
        ledger: &Ledger,
        budgets: &[Budget],
        keys: &[String],
        now: DateTime<Utc>,
        zone: Zone,
    ) -> Result<(), LedgerError> {
        let when = (now.timestamp().div_euclid(3600), ledger.known_prices());
        let is_known = |key: &String| self.weeks.get(key).is_some_and(|(known, _)| *known == when);
        let unknown: Vec<_> = budgets
            .iter()
            .zip(keys)
            .filter(|(budget, key)| !budget.cycle.is_rolling() && !is_known(key))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let today = local_day(now, zone);
        let first = today.checked_sub_days(Days::new(HISTORY_DAYS)).unwrap_or(today);
        let filters: Vec<_> = unknown.iter().map(|(budget, _)| &budget.filter).collect();
        let days = ledger.daily(first, today, zone, &filters)?;
        let steps = ledger.price_steps(now, zone, &filters)?;
        let mut weeks = BTreeMap::new();
        for (((budget, key), days), steps) in unknown.into_iter().zip(days).zip(steps) {
            let cost = |(day, sum)| (day, figure(budget, &sum, ledger.rates()).attos);
            let costs: Vec<_> = days.into_iter().map(cost).collect();
            weeks.insert(key.clone(), (when, Learned { week: Week::of(&costs), steps }));
        }
        // Those of budgets that are gone are forgotten.
        self.weeks.retain(|_, (known, _)| *known == when);
        self.weeks.append(&mut weeks);
        Ok(())
    }
}

/// What a budget counts of some other time than its own.
///
/// # Errors
/// The ledger can't be read.
pub fn spent(
    ledger: &Ledger,
    budget: &Budget,
    span: &Span,
    zone: Zone,
) -> Result<Money, LedgerError> {
    let question = Question { span: *span, fees_end: span.end_day, filter: budget.filter.clone() };
    let sums = ledger.tally(&mut Tally::default(), &[question], zone)?;
    let zero = Money::zero(budget.amount.currency);
    Ok(sums.first().map_or(zero, |sum| figure(budget, sum, ledger.rates())))
}

/// The figure that a budget counts, in its currency. The config sees to it that there is a rate.
fn figure(budget: &Budget, sum: &Sum, rates: &Rates) -> Money {
    let usd = match budget.basis {
        Basis::Spend => sum.spend,
        Basis::List => sum.list,
        Basis::Billed => sum.billed,
        Basis::Paid => sum.paid,
    };
    let currency = budget.amount.currency;
    rates.from_usd(&usd, currency).unwrap_or(Money::zero(currency))
}

fn is_estimated(basis: Basis, sum: &Sum) -> bool {
    match basis {
        Basis::Spend => sum.estimated,
        Basis::Paid => sum.paid_estimated,
        Basis::List => true,
        Basis::Billed => false,
    }
}

/// How a day usually passes: of working days in the last four weeks, the median share of the day's
/// list price that was reached by each full hour. `None` with fewer than five such days.
///
/// # Errors
/// The ledger can't be read.
pub fn day_shape(
    ledger: &Ledger,
    now: DateTime<Utc>,
    zone: Zone,
) -> Result<Option<Shape>, LedgerError> {
    let today = local_day(now, zone);
    let first = today.checked_sub_days(Days::new(HISTORY_DAYS)).unwrap_or(today);
    let hours = ledger.hourly(&Span::of_days(first, today, zone), &Filter::everything())?;
    let mut days: BTreeMap<NaiveDate, [i128; 24]> = BTreeMap::new();
    for (start, picos) in hours {
        let local = start.with_timezone(&zone);
        let day = days.entry(local.date_naive()).or_default();
        day[local.hour() as usize] += picos;
    }
    let days: Vec<_> = days
        .into_values()
        .filter_map(|hours| {
            let whole: i128 = hours.iter().sum();
            (whole > 0).then(|| {
                let mut sum = 0;
                hours.map(|picos| {
                    sum += picos;
                    sum * 1000 / whole
                })
            })
        })
        .collect();
    if days.len() < 5 {
        return Ok(None);
    }
    let mut shape = [0; 25];
    for hour in 0..24 {
        let shares = days.iter().map(|day| day[hour]).collect();
        let median = forecast::median(shares).unwrap_or(0).clamp(0, 1000);
        shape[hour + 1] = u32::try_from(median).unwrap_or(0);
    }
    Ok(Some(shape))
}
