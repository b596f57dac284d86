//! Which side counts, account by account and day by day: for exports, whose rows have to add up to
//! what every other face shows.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::names::Names;
use super::reconcile::{self, Scope};
use super::{Ledger, LedgerError};
use crate::spend::{Filter, Span, Zone};

/// For each account and day with a bill, whose bill it is and whether it counts. Where there is none
/// the list price counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts(BTreeMap<(String, NaiveDate), (String, bool)>);

impl Verdicts {
    /// Whether what `source` bills an account for a day is that account's bill. Two sources that
    /// bill one account tell of the same dollars, and one of them is the bill.
    pub fn is_the_bill(&self, account: &str, day: NaiveDate, source: &str) -> bool {
        self.of(account, day).is_some_and(|(teller, _)| teller == source)
    }

    /// Whether the bill counts for an account and a day, and not the list price.
    pub fn bill_counts(&self, account: &str, day: NaiveDate) -> bool {
        self.of(account, day).is_some_and(|(_, counts)| *counts)
    }

    fn of(&self, account: &str, day: NaiveDate) -> Option<&(String, bool)> {
        self.0.get(&(account.to_owned(), day))
    }
}

impl Ledger {
    /// Which side counts on the days `first_day` to `last_day`, both inclusive.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn verdicts(
        &self,
        first_day: NaiveDate,
        last_day: NaiveDate,
        zone: Zone,
    ) -> Result<Verdicts, LedgerError> {
        let end_day = last_day.succ_opt().unwrap_or(NaiveDate::MAX);
        let span = Span::of_days(first_day, end_day.max(first_day), zone);
        self.ask(|conn| {
            let mut names = Names::default();
            let scope = Scope::new(conn, &span, zone, &Filter::everything())?;
            let parts = reconcile::gather(conn, &mut names, &scope, &self.rates)?;
            let mut verdicts = BTreeMap::new();
            for ((account, day), (source, counts)) in parts.verdicts(&self.rates) {
                let teller = names.string(conn, source)?.unwrap_or_default();
                verdicts.insert((account.to_string(), day), (teller, counts));
            }
            Ok(Verdicts(verdicts))
        })
    }
}
