//! What is paid: the parts of a scope's figures, with plans' fees, discounts and credits.
//!
//! Bills count as they are; of what nobody bills and no plan covers the list price less the
//! account's discounts counts, as an estimate; an open bill that is below that yields to it, as in
//! the spend. Fees and amounts that are used up belong to plans and accounts as a whole: they are
//! in no figure of a part of one, and in none of a span that is not made of whole days.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Bill, Parts, judge};
use crate::plans::compare::count_fees;
use crate::plans::{Off, Overage, Paid, allowance};
use crate::spend::{Amounts, Money, Rates};
use chrono::NaiveDate;

/// A part of what is paid for a day. Amounts are attos of a dollar.
enum Piece {
    Metered { attos: i128, estimated: bool },
    Overage(i128),
    Credit(i128),
    InFees(i128),
    WithoutFee(i128),
    Fees(Amounts),
    Other(Money),
}

fn add(paid: &mut Paid, piece: Piece) {
    let plus = |sum: &mut i128, attos: i128| *sum = sum.saturating_add(attos);
    match piece {
        Piece::Metered { attos, estimated } => {
            plus(&mut paid.metered, attos);
            paid.estimated |= estimated;
        }
        Piece::Overage(attos) => {
            plus(&mut paid.overage, attos);
            paid.estimated |= attos != 0;
        }
        Piece::Credit(attos) => plus(&mut paid.credits, attos),
        Piece::InFees(attos) => plus(&mut paid.in_fees, attos),
        Piece::WithoutFee(attos) => plus(&mut paid.without_fee, attos),
        Piece::Fees(fees) => fees.iter().for_each(|fee| paid.fees.add(fee)),
        Piece::Other(money) => paid.other.add(money),
    }
}

/// What an account is to pay for a day, before amounts are taken off.
struct Due {
    day: NaiveDate,
    attos: i128,
    /// The part that credits may be taken off which its bills contain already.
    is_list: bool,
}

impl Parts {
    /// What is paid for all of it.
    pub(in crate::ledger) fn paid(&self, rates: &Rates) -> Paid {
        let mut paid = Paid::default();
        self.pay(rates, &mut |_, piece| add(&mut paid, piece));
        count_fees(&mut paid, rates);
        paid
    }

    /// What is paid for each day that anything is paid for.
    pub(in crate::ledger) fn paid_by_day(&self, rates: &Rates) -> BTreeMap<NaiveDate, Paid> {
        let mut days: BTreeMap<NaiveDate, Paid> = BTreeMap::new();
        self.pay(rates, &mut |day, piece| add(days.entry(day).or_default(), piece));
        days.values_mut().for_each(|paid| count_fees(paid, rates));
        days
    }

    /// Hands every part of what is paid to `each`, with its day.
    fn pay(&self, rates: &Rates, each: &mut dyn FnMut(NaiveDate, Piece)) {
        let terms = &self.terms;
        let mut each = |day: NaiveDate, piece: Piece| {
            if day >= terms.first_day {
                each(day, piece);
            }
        };
        let both: Vec<&Self> = terms.before.as_deref().into_iter().chain([self]).collect();
        let mut keys: BTreeSet<&(Arc<str>, NaiveDate)> = BTreeSet::new();
        for parts in &both {
            keys.extend(parts.open.keys().chain(parts.bills.keys()));
        }
        let mut account_dues: Option<(&Arc<str>, Vec<Due>)> = None;
        for key in keys {
            let due = self.due(key, &both, rates, &mut each);
            match &mut account_dues {
                Some((account, dues)) if *account == &key.0 => dues.push(due),
                other => {
                    if let Some((account, dues)) = other.take() {
                        self.credit(account, dues, &mut each);
                    }
                    *other = Some((&key.0, vec![due]));
                }
            }
        }
        if let Some((account, dues)) = account_dues {
            self.credit(account, dues, &mut each);
        }
        self.overages(&both, &mut each);
        for ((plan, day), picos) in &self.covered {
            if plan.is_none() {
                each(*day, Piece::WithoutFee(Money::from_picos_usd(*picos).attos));
            }
        }
        for (day, fees) in &terms.fees {
            each(*day, Piece::Fees(fees.clone()));
        }
    }

    /// What an account is to pay for a day.
    fn due(
        &self,
        key: &(Arc<str>, NaiveDate),
        both: &[&Self],
        rates: &Rates,
        each: &mut impl FnMut(NaiveDate, Piece),
    ) -> Due {
        let (account, day) = (key.0.as_ref(), key.1);
        let plans = &self.terms.plans;
        let picos = both.iter().find_map(|parts| parts.open.get(key)).copied().unwrap_or(0);
        let list = Money::from_picos_usd(picos);
        let list = Money { attos: plans.after_shares(account, day, list.attos, false), ..list };
        let mut bill = both.iter().find_map(|parts| parts.bills.get(key)).cloned();
        if let Some(it) = bill.take_if(|_| plans.is_bill_in_fee(account, day)) {
            each(day, Piece::InFees(rates.sum(&it.amounts).attos));
        }
        if let Some(bill) = &mut bill {
            let mut amounts = Amounts::default();
            for amount in bill.amounts.iter() {
                let attos = plans.after_shares(account, day, amount.attos, true);
                let amount = Money { attos, ..amount };
                if rates.usd(&amount).is_none() {
                    each(day, Piece::Other(amount));
                }
                amounts.add(amount);
            }
            *bill = Bill { amounts, is_final: bill.is_final, ..Bill::default() };
        }
        let (counts, estimated) = judge(list, bill.as_ref(), rates);
        each(day, Piece::Metered { attos: counts.attos, estimated });
        Due { day, attos: counts.attos, is_list: estimated }
    }

    /// Takes amounts of discounts off what an account is to pay.
    fn credit(&self, account: &str, mut dues: Vec<Due>, each: &mut impl FnMut(NaiveDate, Piece)) {
        let terms = &self.terms;
        for (discount, credited) in terms.plans.discounts.iter().zip(&terms.credited) {
            let Off::Amount { amount, .. } = discount.off else { continue };
            if !credited || !discount.account.eq_ignore_ascii_case(account) {
                continue;
            }
            let takes = |due: &Due| due.is_list || !discount.in_bill;
            let costs = dues
                .iter()
                .filter(|due| takes(due))
                .filter_map(|due| Some((discount.begun(due.day)?, due.day, due.attos.max(0))));
            let beyond: BTreeMap<_, _> =
                allowance::beyond(amount.attos, costs).into_iter().collect();
            for due in &mut dues {
                let Some(left) = beyond.get(&due.day) else { continue };
                let used = due.attos.max(0) - left;
                due.attos -= used;
                each(due.day, Piece::Credit(used));
            }
        }
    }

    /// What plans cover beyond what their fees include.
    fn overages(&self, both: &[&Self], each: &mut impl FnMut(NaiveDate, Piece)) {
        let terms = &self.terms;
        for (place, plan) in terms.plans.plans.iter().enumerate() {
            let Overage::List { included } = plan.overage else { continue };
            if !terms.whole.get(place).copied().unwrap_or(false) {
                continue;
            }
            let billed: BTreeSet<NaiveDate> = both
                .iter()
                .flat_map(|parts| parts.bills.keys())
                .filter(|(account, _)| terms.plans.bills_overage(place, account))
                .map(|(_, day)| *day)
                .collect();
            let of_plan = (Some(place), NaiveDate::MIN)..=(Some(place), NaiveDate::MAX);
            let costs = both
                .iter()
                .flat_map(|parts| parts.covered.range(of_plan.clone()))
                .filter_map(|((_, day), picos)| {
                    Some((plan.period(*day)?.0, *day, Money::from_picos_usd(*picos).attos))
                });
            for (day, attos) in allowance::beyond(included.attos, costs) {
                if attos != 0 && !billed.contains(&day) {
                    each(day, Piece::Overage(attos));
                }
            }
        }
    }
}
