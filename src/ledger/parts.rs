//! What a figure is made of, kept apart so that later usage can be added to it.

mod paid;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use rusqlite::{Connection, Result};

use super::excess::Excess;
use super::figures::Figures;
use super::names::Names;
use super::scope::PaidBy;
use super::{Spend, codes};
use crate::plans::Plans;
use crate::spend::{Amounts, Currency, Money, Rates, TokenCounts};

/// A bill of one account and UTC day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bill {
    /// Who tells it.
    pub(super) source: i64,
    pub(super) amounts: Amounts,
    /// The same by model; what names no model has the key [`NONE`](super::names::NONE).
    pub(super) by_model: BTreeMap<i64, Amounts>,
    /// What the provider itself says the same costs by its list, by model.
    pub(super) list_by_model: BTreeMap<i64, Amounts>,
    pub(super) is_final: bool,
}

/// What counts of one account on one day, in dollars, and whether it is an estimate.
pub(super) fn judge(list: Money, bill: Option<&Bill>, rates: &Rates) -> (Money, bool) {
    let Some(bill) = bill else { return (list, list.attos > 0) };
    let billed = rates.sum(&bill.amounts);
    if bill.is_final || billed.attos >= list.attos { (billed, false) } else { (list, true) }
}

/// What plans and discounts have to say of a scope.
#[derive(Debug, Default)]
pub(super) struct Terms {
    pub(super) plans: Arc<Plans>,
    /// The first day that counts.
    pub(super) first_day: NaiveDate,
    /// The plans, by their places, that the scope takes whole.
    pub(super) whole: Vec<bool>,
    /// The discounts, by their places, whose accounts it takes whole.
    pub(super) credited: Vec<bool>,
    /// What falls on each day of the fees.
    pub(super) fees: BTreeMap<NaiveDate, Amounts>,
    /// The days before it that amounts were used up on.
    pub(super) before: Option<Box<Parts>>,
}

impl Terms {
    /// Whether what happens on a day before the scope changes its figures.
    pub(super) fn depends_on(&self, day: NaiveDate) -> bool {
        self.before.is_some() && day < self.first_day
    }

    /// Neither a plan nor a discount is known.
    pub(super) fn are_plain(&self) -> bool {
        self.plans.is_empty()
    }
}

/// The parts of the figures of a scope.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// What logs tell.
    logged: Figures,
    /// List price of what a plan covers, by its place, or a subscription without one, and by day,
    /// picos.
    pub(super) covered: BTreeMap<(Option<usize>, NaiveDate), i128>,
    /// List price of everything else, by account and day, picos.
    pub(super) open: BTreeMap<(Arc<str>, NaiveDate), i128>,
    /// Tokens without a price by model.
    unpriced: BTreeMap<i64, u64>,
    /// What a provider's usage report tells beyond the logs.
    reported: (u64, TokenCounts, i128),
    /// The UTC days that a provider's usage report tells of: more usage in the logs of one of them
    /// may be less beyond the logs.
    pub(super) reported_days: BTreeSet<NaiveDate>,
    /// The bill of every account and UTC day that has one.
    pub(super) bills: BTreeMap<(Arc<str>, NaiveDate), Bill>,
    /// What gateways reckon that other providers charge.
    pub(super) charged_elsewhere: Amounts,
    /// What plans and discounts have to say.
    pub(super) terms: Terms,
}

/// The amounts of a scope, in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Billed where a bill reaches, list price otherwise.
    pub spend: Money,
    /// Whether any part of `spend` is a list price.
    pub estimated: bool,
    /// All usage at list price.
    pub list: Money,
    /// What providers bill.
    pub billed: Money,
    /// The part of `list` that a subscription covers.
    pub covered: Money,
    /// Tokens that are in no amount.
    pub unpriced_tokens: u64,
    /// What is paid, with plans' fees in the place of what they cover.
    pub paid: Money,
    /// Whether any part of `paid` is a list price.
    pub paid_estimated: bool,
}

impl Default for Sum {
    fn default() -> Self {
        let nothing = Money::zero(Currency::USD);
        Self {
            spend: nothing,
            estimated: false,
            list: nothing,
            billed: nothing,
            covered: nothing,
            unpriced_tokens: 0,
            paid: nothing,
            paid_estimated: false,
        }
    }
}

impl Parts {
    /// Adds what logs tell of a day.
    pub(super) fn add(&mut self, payer: PaidBy, day: NaiveDate, model: i64, figures: &Figures) {
        self.logged.add(figures, 1);
        match payer {
            PaidBy::Account(account) => {
                *self.open.entry((account, day)).or_default() += figures.list_picos;
            }
            PaidBy::Plan(plan) => {
                *self.covered.entry((Some(plan), day)).or_default() += figures.list_picos;
            }
            PaidBy::Subscription => {
                *self.covered.entry((None, day)).or_default() += figures.list_picos;
            }
        }
        if figures.unpriced_tokens != 0 {
            let tokens = self.unpriced.entry(model).or_default();
            *tokens = tokens.saturating_add_signed(figures.unpriced_tokens);
        }
    }

    /// Adds what a provider reports beyond the logs.
    pub(super) fn add_reported(&mut self, account: Arc<str>, part: &Excess) {
        let (requests, tokens, list_picos) = &mut self.reported;
        *requests = requests.saturating_add(part.requests);
        tokens.add(&part.tokens);
        let picos = part.list_picos.unwrap_or(0);
        *list_picos += picos;
        *self.open.entry((account, part.day)).or_default() += picos;
        if part.unpriced_tokens() > 0 {
            let tokens = self.unpriced.entry(part.model).or_default();
            *tokens = tokens.saturating_add(part.unpriced_tokens());
        }
    }

    /// The amounts alone.
    pub(super) fn sum(&self, rates: &Rates) -> Sum {
        let covered_picos = self.covered.values().sum();
        let covered = Money::from_picos_usd(covered_picos);
        let mut sum = Sum {
            spend: covered,
            estimated: covered_picos > 0,
            list: Money::from_picos_usd(self.logged.list_picos + self.reported.2),
            billed: rates.sum(&self.billed()),
            covered,
            unpriced_tokens: self.unpriced.values().fold(0, |a, b| a.saturating_add(*b)),
            ..Sum::default()
        };
        let days: BTreeSet<_> = self.open.keys().chain(self.bills.keys()).collect();
        for account_day in days {
            let list = Money::from_picos_usd(self.open.get(account_day).copied().unwrap_or(0));
            let (counts, estimated) = judge(list, self.bills.get(account_day), rates);
            sum.spend.attos = sum.spend.attos.saturating_add(counts.attos);
            sum.paid.attos = sum.paid.attos.saturating_add(counts.attos);
            sum.paid_estimated |= estimated;
        }
        sum.estimated |= sum.paid_estimated;
        if !self.terms.are_plain() {
            let paid = self.paid(rates);
            (sum.paid.attos, sum.paid_estimated) = (paid.total, paid.estimated);
        }
        sum
    }

    /// The amounts of each day that has any. Tokens without a price are not told by day.
    pub(super) fn by_day(&self, rates: &Rates) -> BTreeMap<NaiveDate, Sum> {
        let mut days: BTreeMap<NaiveDate, Sum> = BTreeMap::new();
        for ((_, day), picos) in &self.covered {
            let covered = Money::from_picos_usd(*picos);
            let sum = days.entry(*day).or_default();
            for amount in [&mut sum.covered, &mut sum.list, &mut sum.spend] {
                amount.attos = amount.attos.saturating_add(covered.attos);
            }
            sum.estimated |= *picos > 0;
        }
        let accounts: BTreeSet<_> = self.open.keys().chain(self.bills.keys()).collect();
        for account_day in accounts {
            let list = Money::from_picos_usd(self.open.get(account_day).copied().unwrap_or(0));
            let bill = self.bills.get(account_day);
            let (counts, estimated) = judge(list, bill, rates);
            let billed = bill.map_or(Money::zero(Currency::USD), |bill| rates.sum(&bill.amounts));
            let sum = days.entry(account_day.1).or_default();
            for (amount, part) in
                [(&mut sum.list, list), (&mut sum.spend, counts), (&mut sum.billed, billed)]
            {
                amount.attos = amount.attos.saturating_add(part.attos);
            }
            sum.estimated |= estimated;
        }
        for (day, paid) in self.paid_by_day(rates) {
            let sum = days.entry(day).or_default();
            (sum.paid.attos, sum.paid_estimated) = (paid.total, paid.estimated);
        }
        days
    }

    /// For every account and day with a bill: who tells the bill, and whether it counts rather than
    /// the list price.
    pub(super) fn verdicts(&self, rates: &Rates) -> BTreeMap<(Arc<str>, NaiveDate), (i64, bool)> {
        let verdict = |(account_day, bill): (&(Arc<str>, NaiveDate), &Bill)| {
            let list = Money::from_picos_usd(self.open.get(account_day).copied().unwrap_or(0));
            let (_, list_counts) = judge(list, Some(bill), rates);
            (account_day.clone(), (bill.source, !list_counts))
        };
        self.bills.iter().map(verdict).collect()
    }

    fn billed(&self) -> Amounts {
        let mut billed = Amounts::default();
        for bill in self.bills.values() {
            bill.amounts.iter().for_each(|amount| billed.add(amount));
        }
        billed
    }

    /// All figures.
    pub(super) fn spend(
        self,
        conn: &Connection,
        names: &mut Names,
        rates: &Rates,
    ) -> Result<Spend> {
        let sum = self.sum(rates);
        let paid = self.paid(rates);
        let billed = self.billed();
        let (requests, reported, _) = &self.reported;
        let mut tokens = self.logged.token_counts();
        tokens.add(reported);
        Ok(Spend {
            spend: sum.spend,
            estimated: sum.estimated,
            list: sum.list,
            stated: Money::from_picos_usd(self.logged.stated_picos),
            stated_requests: codes::to_u64(self.logged.stated_requests),
            agents_say: self.logged.agents_say(),
            billed: (!self.bills.is_empty()).then(|| billed.usd()),
            billed_other: billed.iter().filter(|sum| sum.currency != Currency::USD).collect(),
            converted: rates.converted(&billed),
            covered: sum.covered,
            charged_elsewhere: self.charged_elsewhere,
            requests: codes::to_u64(self.logged.requests).saturating_add(*requests),
            tokens,
            unpriced_tokens: sum.unpriced_tokens,
            unpriced_models: names.most_first(conn, self.unpriced)?,
            paid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::usd;

    fn bill(amount: &str, is_final: bool) -> Bill {
        let mut amounts = Amounts::default();
        amounts.add(usd(amount));
        Bill { amounts, is_final, ..Bill::default() }
    }

    fn judged(list: &str, bill: Option<&Bill>) -> (Money, bool) {
        judge(usd(list), bill, &Rates::default())
    }

    #[test]
    fn a_final_bill_beats_everything() {
        assert_eq!(judged("9", Some(&bill("5", true))), (usd("5"), false));
        assert_eq!(judged("9", Some(&bill("0", true))), (usd("0"), false));
        assert_eq!(judged("1", Some(&bill("-2", true))), (usd("-2"), false));
    }

    #[test]
    fn an_open_bill_yields_to_a_higher_list_price() {
        assert_eq!(judged("9", Some(&bill("5", false))), (usd("9"), true));
        assert_eq!(judged("4", Some(&bill("5", false))), (usd("5"), false));
        assert_eq!(judged("5", Some(&bill("5", false))), (usd("5"), false));
    }

    #[test]
    fn without_a_bill_the_list_price_counts_as_an_estimate() {
        assert_eq!(judged("9", None), (usd("9"), true));
        assert_eq!(judged("0", None), (usd("0"), false));
    }
}
