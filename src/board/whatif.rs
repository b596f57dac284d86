//! What the usage of some days would have cost otherwise, as every face shows it.

pub mod plans;

use chrono::NaiveDate;

use crate::ledger::{Change, Ledger, LedgerError, Scenario, WhatIf};
pub use crate::ledger::{Effect, Factor, WhatIfRow};
use crate::plans::offers::Offer;
use crate::pricing::PriceTable;
use crate::spend::{Filter, Money, Zone};

use super::wording;
use super::wording::whatif as words;
pub use plans::PlanCase;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// First and last local day, both inclusive.
    pub days: (NaiveDate, NaiveDate),
    /// Zone of the days.
    pub zone: Zone,
    /// The usage that is meant.
    pub filter: &'a Filter,
    /// The prices that the ledger is priced with.
    pub prices: &'a PriceTable,
    /// What is changed, in any order, each kind once.
    pub changes: Vec<Change>,
    /// The plans that all usage is to be on, whatever the filter; none to leave that out.
    pub plans: Vec<&'static Offer>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIfReport {
    /// Zone of the days.
    pub zone: Zone,
    /// First local day.
    pub first_day: NaiveDate,
    /// Last local day, inclusive.
    pub last_day: NaiveDate,
    /// All tokens.
    pub tokens: u64,
    /// List price as it was, as reports give it; `None` when nothing has one.
    pub before: Option<Money>,
    /// Each change alone, then all together where there are several.
    pub cases: Vec<Case>,
    /// All of it on other plans, where that is asked for.
    pub on_plans: Option<PlanCase>,
    /// One row for each model, dearest first; each has an effect for each case.
    pub rows: Vec<WhatIfRow>,
    /// What a reader must know of all of it.
    pub notes: Vec<String>,
}

/// One change, or all of them together.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// A word for programs: `no-fast`, `model`, `all`.
    pub key: &'static str,
    /// In words: `without fast mode`.
    pub name: String,
    /// What is assumed.
    pub assumes: Vec<String>,
    /// What it comes to.
    pub effect: Effect,
    /// What it can't tell, with tokens.
    pub limits: Vec<String>,
}

impl WhatIfReport {
    /// The case that tells most: all changes together.
    pub fn whole(&self) -> Option<usize> {
        self.cases.len().checked_sub(1)
    }
}

/// What an effect changes of a list price.
pub fn difference(before: Option<Money>, effect: &Effect) -> Option<Money> {
    let before = before?;
    Some(Money { attos: effect.after.attos.saturating_sub(before.attos), ..before })
}

/// The same in thousandths of the price before, rounded down; `None` where that is not above zero.
pub fn permille(before: Option<Money>, effect: &Effect) -> Option<i128> {
    difference(before, effect)?.permille_of(&before?)
}

/// Asks the ledger.
///
/// # Errors
/// The ledger can't be read.
pub fn what_if(ledger: &Ledger, asked: Asked<'_>) -> Result<WhatIfReport, LedgerError> {
    let all = Scenario::new(asked.changes);
    let alone = all.changes().iter().map(|change| Scenario::new(vec![change.clone()]));
    let mut scenarios: Vec<Scenario> = alone.collect();
    if scenarios.len() > 1 {
        scenarios.push(all);
    }
    let Asked { days, zone, filter, prices, plans, .. } = asked;
    let on_plans = plans::on_plans(ledger, days, zone, plans, !scenarios.is_empty())?;
    let answer = ledger.what_if(days, zone, filter, prices, &scenarios)?;
    let mut cases: Vec<Case> = Vec::with_capacity(scenarios.len());
    for (place, scenario) in scenarios.iter().enumerate() {
        let mut case = case(scenario, place, &answer);
        // What a change alone says already is not said again of all together.
        case.limits.retain(|limit| !cases.iter().any(|earlier| earlier.limits.contains(limit)));
        cases.push(case);
    }
    Ok(WhatIfReport {
        zone,
        first_day: days.0,
        last_day: days.1,
        tokens: answer.rows.iter().fold(0, |sum, row| row.tokens.total().saturating_add(sum)),
        before: answer.before,
        cases,
        on_plans,
        notes: notes(&answer),
        rows: answer.rows,
    })
}

fn case(scenario: &Scenario, place: usize, answer: &WhatIf) -> Case {
    let (key, name, assumes) = match scenario.changes() {
        [change] => (words::key(change), words::name(change), words::assumes(change)),
        _ => ("all", "all together".to_owned(), vec![words::TOGETHER.to_owned()]),
    };
    let effect = answer.effects.get(place).copied().unwrap_or_default();
    let limits = words::limits(&answer.rows, place);
    Case { key, name, assumes, effect, limits }
}

fn notes(answer: &WhatIf) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(covered) = answer.covered {
        notes.push(format!(
            "{} of the list price is covered by a subscription: what changes there changes no bill.",
            wording::amount_full(&covered)
        ));
    }
    for row in answer.rows.iter().filter(|row| row.unpriced_tokens > 0) {
        let tokens = wording::tokens(row.unpriced_tokens);
        let what = row.model.as_deref().unwrap_or("an unnamed model");
        notes.push(format!("{what} has no known price: its {tokens} tokens are in no figure."));
    }
    if !answer.is_current {
        notes.push(
            "The prices of the config changed after the ledger was priced; `spendbar poll --offline` \
             prices it anew."
                .to_owned(),
        );
    }
    notes
}
