//! The report: usage and cost of a span of days, grouped as asked.

use chrono::NaiveDate;

use crate::ledger::{self, Ledger, LedgerError, SourceState};
pub use crate::ledger::{Difference, GroupKey as GroupBy, ReportRow, RowPaid, Sums};
use crate::spend::Zone;

use super::paying::{self, PeopleTerms, PlanRow};
use super::wording;
use crate::energy::Footprint;
use crate::plans::Paid;
use crate::plans::people::People;

/// A report as every face shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Zone of the days.
    pub zone: Zone,
    /// First local day.
    pub first_day: NaiveDate,
    /// Last local day, inclusive.
    pub last_day: NaiveDate,
    /// The grouping asked for.
    pub by: Vec<GroupBy>,
    /// Rows, by day and then by the remaining keys.
    pub rows: Vec<ReportRow>,
    /// Sums over all rows.
    pub totals: Sums,
    /// What each row took in electricity, carbon and water, and all of them, where that was asked.
    pub energy: Option<(Vec<Footprint>, Footprint)>,
    /// What is paid for all of it.
    pub paid: Paid,
    /// Whether that is told beside the other figures: there are plans or discounts.
    pub tells_paid: bool,
    /// Plans in the period of their fees that holds the last day.
    pub plans: Vec<PlanRow>,
    /// What is paid, in people's terms.
    pub people: PeopleTerms,
    /// Where an account's bill of these days differs from its list price, by account.
    pub differences: Vec<Difference>,
    /// Something that was seen is in no figure: tokens without a price or of forks whose parent
    /// is missing, lines that could not be read, a source's gaps. The notes say what.
    pub partial: bool,
    /// What a reader must know: unpriced models with their tokens, UTC days, gaps, bad lines.
    pub notes: Vec<String>,
}

/// Asks the ledger for a report.
///
/// # Errors
/// The ledger can't be read.
pub fn report(
    ledger: &Ledger,
    (first_day, last_day): (NaiveDate, NaiveDate),
    zone: Zone,
    by: &[GroupBy],
    people: &People,
) -> Result<Report, LedgerError> {
    let answer = ledger.report(first_day, last_day, zone, by)?;
    let states = ledger.sources()?;
    let mut notes = notes(&states, &answer);
    let tells_paid = !ledger.plans().is_empty();
    let plans = paying::plans_on(ledger, last_day, zone)?;
    let paid = answer.paid;
    let people = PeopleTerms::of(people, paid.usd(), paid.estimated, (first_day, last_day));
    notes.extend(plans.iter().map(wording::plans::worth));
    if tells_paid {
        notes.extend(wording::plans::notes(&paid));
    }
    let terms = wording::plans::people(&people);
    if !terms.is_empty() {
        notes.push(format!("Paid in these days: {}.", terms.join(" · ")));
    }
    let differences = if answer.totals.billed.is_empty() {
        Vec::new()
    } else {
        ledger.differences(first_day, last_day, zone)?
    };
    let is_partial = |state: &SourceState| {
        state.problem_count > 0 || state.unmetered_tokens > 0 || !state.gaps.is_empty()
    };
    Ok(Report {
        zone,
        first_day,
        last_day,
        by: by.to_vec(),
        rows: answer.rows,
        partial: answer.totals.unpriced_tokens > 0 || states.iter().any(is_partial),
        totals: answer.totals,
        energy: None,
        paid,
        tells_paid,
        plans,
        people,
        differences,
        notes,
    })
}

/// What a reader must know to read the figures right.
fn notes(states: &[SourceState], answer: &ledger::Report) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(covered) = answer.totals.covered {
        notes.push(format!(
            "{} of the list price is covered by a subscription, not billed.",
            wording::amount_full(&covered)
        ));
    }
    if let Some(stated) = answer.totals.stated {
        let requests = match answer.totals.stated_requests {
            1 => "1 request".to_owned(),
            many => format!("{many} requests"),
        };
        notes.push(format!(
            "{} of the list price is the agents' own figure, for {requests} without a known price.",
            wording::amount_full(&stated)
        ));
    }
    if let Some(said) = answer.totals.agents_say {
        notes.push(format!(
            "Agents themselves put a cost on some of these requests, {} in all; the list price is \
             shown, not that.",
            wording::estimate(true, wording::amount_full(&said))
        ));
    }
    for (model, count) in &answer.unpriced_models {
        let tokens = wording::tokens(*count);
        notes.push(match model {
            Some(model) => {
                format!("{model} has no known price: its {tokens} tokens are in no dollar figure.")
            }
            None => format!("{tokens} tokens without a model's name are in no dollar figure."),
        });
    }
    for elsewhere in answer.totals.charged_elsewhere.iter() {
        notes.push(format!(
            "{} was charged by other providers through own keys, as a gateway reckons; it is in no figure here.",
            wording::estimate(true, wording::amount_full(&elsewhere))
        ));
    }
    if !answer.totals.billed.is_empty() {
        notes.push("Bills come by UTC day.".into());
    }
    notes.extend(answer.billed_twice.iter().map(|account| {
        format!(
            "Two sources bill the account {account}, for the same dollars: of each day the higher \
             bill is in the sum."
        )
    }));
    for state in states {
        if state.problem_count > 0 {
            notes.push(format!(
                "{}: {} lines could not be read; `spendbar doctor` names them.",
                state.source, state.problem_count
            ));
        }
        if state.unmetered_tokens > 0 {
            notes.push(format!(
                "{}: {} tokens of forks whose parent is missing are in no figure.",
                state.source,
                wording::tokens(state.unmetered_tokens)
            ));
        }
        notes.extend(state.gaps.iter().map(|gap| format!("{}: {gap}", state.source)));
    }
    notes
}
