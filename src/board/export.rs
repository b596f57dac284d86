//! What others read: every row there is, and which part of it counts.
//!
//! The figures of a row stand side by side and do not add up: a bill and the logs of its account
//! tell of the same dollars. What does add up is [`Counted`], over all rows the spend of the span.

use chrono::NaiveDate;

use super::report::{self, GroupBy, Report, Sums};
use crate::ledger::{Ledger, LedgerError, Verdicts};
use crate::plans::Paid;
use crate::plans::people::People;
use crate::spend::{Amounts, Currency, Money, Rates, Zone};

/// All rows of some days.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// Zone of the days.
    pub zone: Zone,
    /// First local day.
    pub first_day: NaiveDate,
    /// Last local day, inclusive.
    pub last_day: NaiveDate,
    /// Whether rows tell folders.
    pub tells_projects: bool,
    /// By day, source, account, provider, model and project.
    pub rows: Vec<ExportRow>,
    /// Sums over all rows, as `report` gives them.
    pub totals: Sums,
    /// What counts of all rows.
    pub counted: Counted,
    /// What is paid for all of it; `None` where there are neither plans nor discounts.
    pub paid: Option<Paid>,
    /// Something that was seen is in no figure; the notes say what.
    pub partial: bool,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// What one source tells of a day, an account and a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportRow {
    /// Local day; of bills and metered usage the UTC day of the same date.
    pub day: NaiveDate,
    /// Source id.
    pub source: String,
    /// Who pays.
    pub account: String,
    /// Whose price list or bill.
    pub provider: Option<String>,
    /// Model as logged.
    pub model: Option<String>,
    /// Working folder, or the provider's project; always `None` unless asked for.
    pub project: Option<String>,
    /// The figures.
    pub sums: Sums,
    /// What of them counts.
    pub counted: Counted,
    /// Whether the bill in it is its account's. Where two sources bill one account, one of them is.
    pub is_the_bill: bool,
    /// Whether the account's bill of the day counts, and not the list price.
    pub bill_counts: bool,
}

/// The parts of a figure that count in the spend, in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// List price where no bill counts, without what a subscription covers.
    pub list: Money,
    /// List price of what a subscription covers.
    pub covered: Money,
    /// Billed, other currencies at the config's rates.
    pub billed: Money,
}

impl Default for Counted {
    fn default() -> Self {
        let nothing = Money::zero(Currency::USD);
        Self { list: nothing, covered: nothing, billed: nothing }
    }
}

impl Counted {
    /// What counts in the spend.
    pub fn sum(&self) -> Money {
        [self.list, self.covered, self.billed].into_iter().fold(Money::zero(Currency::USD), plus)
    }

    /// Whether any part of it is a list price rather than a bill.
    pub fn is_estimated(&self) -> bool {
        self.list.attos > 0 || self.covered.attos > 0
    }

    /// Adds what counts of other rows.
    pub fn add(&mut self, other: &Self) {
        self.list = plus(self.list, other.list);
        self.covered = plus(self.covered, other.covered);
        self.billed = plus(self.billed, other.billed);
    }
}

/// What counts of some figures; `None` where all there is are tokens without a price.
pub fn known(counted: &Counted, sums: &Sums) -> Option<Money> {
    let is_unpriced_alone = counted.sum().attos == 0 && sums.unpriced_tokens > 0;
    (!is_unpriced_alone).then(|| counted.sum())
}

fn plus(sum: Money, part: Money) -> Money {
    Money { attos: sum.attos.saturating_add(part.attos), ..sum }
}

impl ExportRow {
    /// What counts of it; `None` where all there is are tokens without a price.
    pub fn known(&self) -> Option<Money> {
        known(&self.counted, &self.sums)
    }

    /// Whether it tells usage, and not a bill alone.
    pub fn has_usage(&self) -> bool {
        self.sums.requests > 0 || !self.sums.tokens.is_zero() || self.sums.list.is_some()
    }

    /// What of it is billed as its account's bill; empty where another source tells that bill.
    pub fn bill(&self) -> Amounts {
        if self.is_the_bill { self.sums.billed.clone() } else { Amounts::default() }
    }
}

/// Asks the ledger for all rows of the days, both inclusive.
///
/// # Errors
/// The ledger can't be read.
pub fn export(
    ledger: &Ledger,
    days: (NaiveDate, NaiveDate),
    zone: Zone,
    tells_projects: bool,
) -> Result<Export, LedgerError> {
    let mut by =
        vec![GroupBy::Day, GroupBy::Source, GroupBy::Account, GroupBy::Provider, GroupBy::Model];
    if tells_projects {
        by.push(GroupBy::Project);
    }
    let report = report::report(ledger, days, zone, &by, &People::default())?;
    let verdicts = ledger.verdicts(days.0, days.1, zone)?;
    Ok(of(report, &verdicts, ledger.rates(), tells_projects))
}

fn of(report: Report, verdicts: &Verdicts, rates: &Rates, tells_projects: bool) -> Export {
    let mut counted = Counted::default();
    let rows = report.rows.into_iter().map(|row| {
        let (day, source) = (row.day.unwrap_or_default(), row.source.unwrap_or_default());
        let account = row.account.unwrap_or_default();
        let is_the_bill = verdicts.is_the_bill(&account, day, &source);
        let bill_counts = verdicts.bill_counts(&account, day);
        let of_row = count(&row.sums, is_the_bill, bill_counts, rates);
        counted.add(&of_row);
        ExportRow {
            day,
            source,
            account,
            provider: row.provider,
            model: row.model,
            project: row.project,
            sums: row.sums,
            counted: of_row,
            is_the_bill,
            bill_counts,
        }
    });
    Export {
        zone: report.zone,
        first_day: report.first_day,
        last_day: report.last_day,
        tells_projects,
        rows: rows.collect(),
        totals: report.totals,
        counted,
        paid: report.tells_paid.then_some(report.paid),
        partial: report.partial,
        notes: report.notes,
    }
}

/// What counts of a row, as its account and day were decided.
fn count(sums: &Sums, is_the_bill: bool, bill_counts: bool, rates: &Rates) -> Counted {
    let nothing = Money::zero(Currency::USD);
    let (list, covered) = (sums.list.unwrap_or(nothing), sums.covered.unwrap_or(nothing));
    let open = Money { attos: list.attos.saturating_sub(covered.attos), ..list };
    Counted {
        list: if bill_counts { nothing } else { open },
        covered,
        billed: if bill_counts && is_the_bill { rates.sum(&sums.billed) } else { nothing },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect(text)
    }

    #[test]
    fn of_bill_and_list_price_one_side_counts_and_what_a_plan_covers_always_does() {
        let mut sums = Sums { list: Some(usd("5")), covered: Some(usd("2")), ..Sums::default() };
        sums.billed.add(usd("4"));
        let sum = |is_the_bill, bill_counts| {
            count(&sums, is_the_bill, bill_counts, &Rates::default()).sum().to_decimal()
        };
        // 5 at list price of which 2 are covered; 4 billed.
        assert_eq!(sum(true, true), "6");
        assert_eq!(sum(true, false), "5");
        assert_eq!(sum(false, true), "2", "another source tells the bill");
        assert_eq!(sum(false, false), "5");
    }
}
