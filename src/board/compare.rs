//! A month's usage on other plans.

use chrono::NaiveDate;

use crate::ledger::{Ledger, LedgerError};
use crate::plans::compare::{self, Mix};
use crate::plans::offers;
use crate::spend::cycle::month_from;
use crate::spend::{Filter, Money, Span, Zone};

/// What a month's usage costs on the plans of the config, per token, and on other plans.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The month's first day.
    pub first_day: NaiveDate,
    /// Its last day.
    pub last_day: NaiveDate,
    /// Whether the month is over.
    pub is_over: bool,
    /// All of its usage at list price.
    pub list: Money,
    /// Tokens that are in no amount.
    pub unpriced_tokens: u64,
    /// The plans of the config that run in it, by their names.
    pub own_names: Vec<String>,
    /// What they cost; `None` where there is none.
    pub own: Option<Mix>,
    /// Other plans, cheapest first.
    pub mixes: Vec<Mix>,
}

/// Compares a month.
///
/// # Errors
/// The ledger can't be read.
pub fn month(
    ledger: &Ledger,
    first_day: NaiveDate,
    today: NaiveDate,
    zone: Zone,
) -> Result<Comparison, LedgerError> {
    let (first_day, end_day) = month_from(first_day, 1);
    let span = Span::of_days(first_day, end_day, zone);
    let work = ledger.work(&span, zone)?;
    let spend = ledger.spend(&span, zone, &Filter::everything())?;
    let days = (first_day, end_day);
    let last_day = end_day.pred_opt().unwrap_or(end_day);
    let runs = |plan: &&crate::plans::Plan| {
        plan.first_day.is_none_or(|first| first < end_day)
            && plan.last_day.is_none_or(|last| last >= first_day)
    };
    let own: Vec<_> = ledger.plans().plans.iter().filter(runs).cloned().collect();
    Ok(Comparison {
        first_day,
        last_day,
        is_over: end_day <= today,
        list: compare::list_of(&work),
        unpriced_tokens: spend.unpriced_tokens,
        own_names: own.iter().map(|plan| plan.name.clone()).collect(),
        own: (!own.is_empty()).then(|| Mix {
            offers: Vec::new(),
            paid: compare::cost(&work, &own, days, ledger.rates()),
        }),
        mixes: compare::mixes(&work, offers::all(), days, ledger.rates()),
    })
}
