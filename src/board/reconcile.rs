//! Logs and bills of a month side by side, per account.

use chrono::{Days, Months, NaiveDate};

pub use crate::ledger::{
    AccountLines, Confidence, Difference, Line, LineBill, LineState, Reason, Tier,
};
use crate::ledger::{Ledger, LedgerError};

use super::wording::{self, bills};

/// A month's logs and bills, lined up, as every face shows them.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconciliation {
    /// First UTC day.
    pub first_day: NaiveDate,
    /// Last UTC day, inclusive.
    pub last_day: NaiveDate,
    /// Accounts with a bill first, each part by name.
    pub accounts: Vec<AccountLines>,
    /// What a reader must know: whose days, what the reasons rest on, at which rates bills count.
    pub notes: Vec<String>,
}

/// Lines up the month that begins on `first_day`.
///
/// # Errors
/// The ledger can't be read.
pub fn reconciliation(
    ledger: &Ledger,
    first_day: NaiveDate,
) -> Result<Reconciliation, LedgerError> {
    let next = first_day.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
    let last_day = next.checked_sub_days(Days::new(1)).unwrap_or(first_day);
    let answer = ledger.reconcile(first_day, last_day)?;
    let mut accounts = answer.accounts;
    accounts.sort_by_key(|account| account.last_bill_day.is_none());
    let mut notes = vec!["Days are UTC days, as bills come, and not those of the zone.".to_owned()];
    for line in accounts.iter().filter(|it| it.last_bill_day.is_some()).flat_map(|it| &it.lines) {
        if let Some(reason) = &line.reason {
            let ground = bills::ground(reason);
            if !notes.contains(&ground) {
                notes.push(ground);
            }
        }
    }
    notes.extend(answer.converted.iter().map(wording::converted));
    Ok(Reconciliation { first_day, last_day, accounts, notes })
}
