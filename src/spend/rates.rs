//! Other currencies -> dollars, at rates that name their date.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::money::{Amounts, Currency, Money};

/// Rates are kept in billionths: no market quotes more decimals.
const NANOS: i128 = 1_000_000_000;

/// What one unit of a currency is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Billionths of a dollar.
    pub nanos_usd: i128,
    /// The day the rate is of.
    pub date: NaiveDate,
}

/// A rate for each currency that has one. Dollars are worth a dollar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates(pub BTreeMap<Currency, Rate>);

/// An amount that counts in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Converted {
    /// As it is billed.
    pub amount: Money,
    /// What it counts as.
    pub usd: Money,
    /// At which rate.
    pub rate: Rate,
}

impl Rates {
    /// An amount in dollars; `None` where its currency has no rate, and for more than any amount
    /// can be.
    pub fn usd(&self, amount: &Money) -> Option<Money> {
        if amount.currency == Currency::USD {
            return Some(*amount);
        }
        let rate = self.0.get(&amount.currency)?;
        // Whole units and their fraction apart: the product of a large amount would leave the
        // range. What is lost is below 1e-18 of a dollar.
        let (nanos, rest) = (amount.attos.div_euclid(NANOS), amount.attos.rem_euclid(NANOS));
        let whole = nanos.checked_mul(rate.nanos_usd)?;
        let attos = whole.checked_add(rest * rate.nanos_usd / NANOS)?;
        Some(Money { attos, currency: Currency::USD })
    }

    /// Dollars in another currency, rounded down to 1e-18 of it; `None` where it has no rate, and
    /// for more than any amount can be.
    pub fn from_usd(&self, usd: &Money, currency: Currency) -> Option<Money> {
        if currency == Currency::USD {
            return Some(*usd);
        }
        let rate = self.0.get(&currency)?.nanos_usd.max(1);
        let (whole, rest) = (usd.attos.div_euclid(rate), usd.attos.rem_euclid(rate));
        let attos = whole.checked_mul(NANOS)?.checked_add(rest * NANOS / rate)?;
        Some(Money { attos, currency })
    }

    /// Everything that has a rate, in dollars.
    pub fn sum(&self, amounts: &Amounts) -> Money {
        let usd = amounts.iter().filter_map(|amount| self.usd(&amount));
        let attos = usd.fold(0_i128, |sum, money| sum.saturating_add(money.attos));
        Money { attos, currency: Currency::USD }
    }

    /// The amounts that only count because they have a rate.
    pub fn converted(&self, amounts: &Amounts) -> Vec<Converted> {
        let others = amounts.iter().filter(|amount| amount.currency != Currency::USD);
        others
            .filter_map(|amount| {
                let rate = *self.0.get(&amount.currency)?;
                Some(Converted { amount, usd: self.usd(&amount)?, rate })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn euros(nanos_usd: i128) -> (Rates, Currency) {
        let currency: Currency = "EUR".parse().unwrap();
        let date = "2026-11-02".parse().unwrap();
        (Rates(BTreeMap::from([(currency, Rate { nanos_usd, date })])), currency)
    }

    #[test]
    fn an_amount_counts_at_its_rate_and_not_without_one() {
        let (rates, eur) = euros(1_160_000_000);
        let money = |text: &str, currency| Money::parse(text, currency).unwrap();
        assert_eq!(rates.usd(&money("3", eur)).unwrap().to_decimal(), "3.48");
        assert_eq!(rates.usd(&money("-0.5", eur)).unwrap().to_decimal(), "-0.58");
        assert_eq!(rates.usd(&money("2", Currency::USD)).unwrap().to_decimal(), "2");
        assert_eq!(rates.usd(&money("2", "CNY".parse().unwrap())), None);
        let mut amounts = Amounts::default();
        for amount in
            [money("3", eur), money("2", Currency::USD), money("9", "CNY".parse().unwrap())]
        {
            amounts.add(amount);
        }
        assert_eq!(rates.sum(&amounts).to_decimal(), "5.48");
        assert_eq!(rates.converted(&amounts).len(), 1);
    }

    proptest! {
        #[test]
        fn converting_is_exact_to_the_last_digit(attos in -10_i128.pow(30)..10_i128.pow(30), nanos in 1_i128..10_i128.pow(7)) {
            let (rates, eur) = euros(nanos);
            let usd = rates.usd(&Money { attos, currency: eur }).unwrap();
            prop_assert_eq!(usd.attos, (attos * nanos).div_euclid(NANOS));
            // And back: what is lost is below one of the smaller unit.
            let back = rates.from_usd(&usd, eur).unwrap();
            prop_assert!(back.attos <= attos && attos - back.attos <= NANOS / nanos + 1);
        }
    }
}
