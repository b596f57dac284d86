//! What is paid: the parts of a scope's figures, with plans' fees, discounts and credits.
//!
//! Bills count as they are; of what nobody bills and no plan covers the list price less the
//! account's discounts counts, as an estimate; an open bill that is below that yields to it, as in
//! the spend. Fees and amounts that are used up belong to plans and accounts as a whole: they are
//! in no figure of a part of one, and in none of a span that is not made of whole days.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use rusqlite::{Connection, Result};

use super::names::Names;
use super::parts::{Bill, Parts, judge};
use super::reconcile::{self, Scope};
use super::{Ledger, LedgerError, questions};
use crate::plans::compare::{Work, count_fees};
use crate::plans::{Off, Overage, Paid, Plans, allowance};
use crate::spend::{Amounts, Facts, Filter, Money, Rates, Span, Zone};

/// What plans and discounts have to say of a scope.
#[derive(Debug, Default)]
pub(super) struct Terms {
    plans: Arc<Plans>,
    /// The first day that counts.
    first_day: NaiveDate,
    /// The plans, by their places, that the scope takes whole.
    whole: Vec<bool>,
    /// The discounts, by their places, whose accounts it takes whole.
    credited: Vec<bool>,
    /// What falls on each day of the fees.
    fees: BTreeMap<NaiveDate, Amounts>,
    /// The days before it that amounts were used up on.
    before: Option<Box<Parts>>,
}

impl Terms {
    /// Those of a scope.
    pub(super) fn of(
        conn: &Connection,
        names: &mut Names,
        scope: &Scope,
        rates: &Rates,
    ) -> Result<Self> {
        let plans = scope.plans.clone();
        let (first_day, end_day) = (scope.span.first_day, scope.span.end_day);
        let mut terms = Self { plans, first_day, ..Self::default() };
        if terms.plans.is_empty() || !scope.is_whole_days() || first_day >= end_day {
            return Ok(terms);
        }
        let filter = scope.filter();
        terms.whole = terms.plans.plans.iter().map(|plan| plan.is_in(filter)).collect();
        let takes = |account: &str| filter.takes(&Facts { account, ..Facts::default() });
        terms.credited = terms.plans.discounts.iter().map(|it| takes(&it.account)).collect();

        // A plan that says nothing of its first day is as old as what is known.
        let begun = questions::first_day(conn, scope.zone)?;
        let plans = &terms.plans;
        let fees_end = scope.fees_end.min(end_day);
        for day in first_day.iter_days().take_while(|day| *day < fees_end) {
            let counts = |place: usize| {
                let is_old = plans.plans[place].first_day.is_none();
                terms.whole[place] && !(is_old && begun.is_some_and(|begun| day < begun))
            };
            let fees = plans.fees_on(day, counts);
            if !fees.is_empty() {
                terms.fees.insert(day, fees);
            }
        }
        let last_day = end_day.pred_opt().unwrap_or(first_day);
        let from = plans.known_from(first_day, last_day, |place| terms.whole[place]);
        if from < first_day {
            let before = scope.over(Span::of_days(from, first_day, scope.zone), scope.zone);
            let mut parts = reconcile::gather_plain(conn, names, &[&before], rates)?;
            terms.before = parts.pop().map(Box::new);
        }
        Ok(terms)
    }

    /// Whether what happens on a day before the scope changes its figures.
    pub(super) fn depends_on(&self, day: NaiveDate) -> bool {
        self.before.is_some() && day < self.first_day
    }

    /// Neither a plan nor a discount is known.
    pub(super) fn are_plain(&self) -> bool {
        self.plans.is_empty()
    }
}

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
    pub(super) fn paid(&self, rates: &Rates) -> Paid {
        let mut paid = Paid::default();
        self.pay(rates, &mut |_, piece| add(&mut paid, piece));
        count_fees(&mut paid, rates);
        paid
    }

    /// What is paid for each day that anything is paid for.
    pub(super) fn paid_by_day(&self, rates: &Rates) -> BTreeMap<NaiveDate, Paid> {
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

impl Ledger {
    /// What is paid for each local day of a span, as [`Ledger::spend`] counts it for all of them.
    pub fn daily_paid(
        &self,
        span: &Span,
        zone: Zone,
        filter: &Filter,
    ) -> std::result::Result<BTreeMap<NaiveDate, Paid>, LedgerError> {
        self.ask(|conn| {
            let scope = Scope::new(conn, span, zone, filter, &self.plans)?;
            let parts = reconcile::gather(conn, &mut Names::default(), &scope, &self.rates)?;
            Ok(parts.paid_by_day(&self.rates))
        })
    }

    /// The list price of what each plan covers, by its place and the local day; attos.
    pub fn covered_by_plans(
        &self,
        span: &Span,
        zone: Zone,
    ) -> std::result::Result<BTreeMap<(usize, NaiveDate), i128>, LedgerError> {
        self.ask(|conn| {
            let scope = Scope::new(conn, span, zone, &Filter::everything(), &self.plans)?;
            let mut names = Names::default();
            let parts = reconcile::gather_plain(conn, &mut names, &[&scope], &self.rates)?;
            let covered = parts.into_iter().flat_map(|parts| parts.covered);
            let of_plans = covered.filter_map(|((plan, day), picos)| {
                Some(((plan?, day), Money::from_picos_usd(picos).attos))
            });
            Ok(of_plans.collect())
        })
    }

    /// All usage of a span that has a list price, whoever pays for it, as plans are compared on.
    pub fn work(&self, span: &Span, zone: Zone) -> std::result::Result<Vec<Work>, LedgerError> {
        self.ask(|conn| {
            let mut names = Names::default();
            let scope = Scope::new(conn, span, zone, &Filter::everything(), &self.plans)?;
            let mut work: BTreeMap<(NaiveDate, i64, i64, i64, String), i128> = BTreeMap::new();
            scope.for_each_day(conn, |day, about, figures| {
                let account = scope.account_of(conn, &mut names, about)?;
                let key =
                    (day, about.source, about.billed_by(), about.model, account.as_ref().into());
                *work.entry(key).or_default() += figures.list_picos;
                Ok(())
            })?;
            for part in reconcile::excess(conn, &mut names, &scope)? {
                let account = scope.account(part.source).to_owned();
                let key = (part.day, part.source, part.provider, part.model, account);
                *work.entry(key).or_default() += part.list_picos.unwrap_or(0);
            }
            work.into_iter()
                .filter(|(_, picos)| *picos != 0)
                .map(|((day, source, provider, model, account), picos)| {
                    Ok(Work {
                        day,
                        source: names.string(conn, source)?.unwrap_or_default(),
                        provider: names.string(conn, provider)?,
                        account,
                        model: names.string(conn, model)?,
                        list: Money::from_picos_usd(picos).attos,
                    })
                })
                .collect()
        })
    }

    /// Plans and discounts.
    pub fn plans(&self) -> &Plans {
        &self.plans
    }
}
