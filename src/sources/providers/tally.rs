//! Rows of an answer -> charges and token totals: sums per day, exact, in a fixed order.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::NaiveDate;

use crate::sources::SourceError;
use crate::spend::{Charge, ChargeKind, Currency, Metered, Money, TokenCounts};

/// Adds up charges that share day, kind, model, project and currency.
#[derive(Debug, Default)]
pub struct Charges(BTreeMap<ChargeKey, i128>);

type ChargeKey = (NaiveDate, ChargeKind, Option<String>, Option<String>, Currency);

impl Charges {
    /// Adds one row.
    ///
    /// # Errors
    /// [`SourceError::FormatChanged`] when the sum is beyond any amount of money.
    pub fn add(&mut self, charge: Charge) -> Result<(), SourceError> {
        let Charge { day, amount, kind, model, project } = charge;
        let sum = self.0.entry((day, kind, model, project, amount.currency)).or_default();
        *sum = sum.checked_add(amount.attos).ok_or_else(|| SourceError::FormatChanged {
            what: "its amounts add up to more than any amount of money".into(),
        })?;
        Ok(())
    }

    /// The sums, by day.
    pub fn into_charges(self) -> Vec<Charge> {
        let charge = |((day, kind, model, project, currency), attos)| {
            let amount = Money { attos, currency };
            Charge { day, amount, kind, model, project }
        };
        self.0.into_iter().map(charge).collect()
    }
}

/// Adds up token totals that share day and model.
#[derive(Debug, Default)]
pub struct Tokens(BTreeMap<(NaiveDate, Option<String>), Metered>);

impl Tokens {
    /// Adds one row.
    pub fn add(&mut self, row: Metered) {
        match self.0.entry((row.day, row.model.clone())) {
            Entry::Vacant(place) => {
                place.insert(row);
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.tokens.add(&row.tokens);
                known.requests = known.requests.saturating_add(row.requests);
                known.web_searches = known.web_searches.saturating_add(row.web_searches);
            }
        }
    }

    /// The sums, by day; rows without a token, a request or a search tell nothing and are left
    /// out.
    pub fn into_metered(self) -> Vec<Metered> {
        let tells = |row: &Metered| {
            row.tokens != TokenCounts::default() || row.requests > 0 || row.web_searches > 0
        };
        self.0.into_values().filter(tells).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_add_up_and_currencies_stay_apart() {
        let charge = |text: &str, currency: &str, model: Option<&str>| {
            let amount = Money::parse(text, currency.parse().unwrap()).unwrap();
            let day = "2026-11-01".parse().unwrap();
            let kind = ChargeKind::Billed;
            Charge { day, amount, kind, model: model.map(str::to_owned), project: None }
        };
        let mut charges = Charges::default();
        for row in [
            charge("1.25", "usd", None),
            charge("3", "eur", None),
            charge("-0.5", "usd", None),
            charge("7", "usd", Some("m")),
        ] {
            charges.add(row).unwrap();
        }
        // 1.25 - 0.5 = 0.75
        assert_eq!(
            charges.into_charges(),
            [charge("3", "eur", None), charge("0.75", "usd", None), charge("7", "usd", Some("m"))]
        );
    }

    #[test]
    fn a_sum_never_wraps() {
        let mut charges = Charges::default();
        let huge = Charge {
            day: "2026-11-01".parse().unwrap(),
            amount: Money { attos: i128::MAX, currency: Currency::USD },
            kind: ChargeKind::Billed,
            model: None,
            project: None,
        };
        charges.add(huge.clone()).unwrap();
        assert!(matches!(charges.add(huge), Err(SourceError::FormatChanged { .. })));
    }
}
