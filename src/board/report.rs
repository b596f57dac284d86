//! The report: usage and cost of a span of days, grouped as asked.

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::ledger::{self, Ledger, LedgerError};
pub use crate::ledger::{GroupKey as GroupBy, ReportRow, Sums};

use super::wording;

/// A report as every face shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Zone of the days.
    pub zone: Tz,
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
    zone: Tz,
    by: &[GroupBy],
) -> Result<Report, LedgerError> {
    let answer = ledger.report(first_day, last_day, zone, by)?;
    let notes = notes(ledger, &answer)?;
    Ok(Report {
        zone,
        first_day,
        last_day,
        by: by.to_vec(),
        rows: answer.rows,
        totals: answer.totals,
        notes,
    })
}

/// What a reader must know to read the figures right.
fn notes(ledger: &Ledger, answer: &ledger::Report) -> Result<Vec<String>, LedgerError> {
    let mut notes = Vec::new();
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
    for state in ledger.sources()? {
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
    Ok(notes)
}
