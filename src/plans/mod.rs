//! Plans and discounts: where what is paid is not what tokens cost. Pure functions on days and
//! integers.
//!
//! A plan's fee is paid whole for each of its periods and spread over the days of it on which the
//! plan runs. What a plan covers costs nothing beyond the fee, unless the plan says so
//! ([`Overage`]). Where several plans cover the same usage the first in the file does, and the fees
//! of all are paid. Usage that its log or the config calls billed per token is covered by none.

pub mod allowance;
pub mod compare;
pub mod every;
pub mod offers;
pub mod people;
pub mod worth;

use chrono::NaiveDate;

use crate::spend::{Amounts, Converted, Currency, Facts, Filter, Money};
pub use every::Every;

/// A subscription with a fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// The offer that it was made from.
    pub offer: Option<String>,
    /// What a period costs; may be nothing.
    pub fee: Money,
    /// How often the fee is due.
    pub every: Every,
    /// The first day; `None` for as long as anything is known.
    pub first_day: Option<NaiveDate>,
    /// The last day; `None` while it goes on.
    pub last_day: Option<NaiveDate>,
    /// The usage it covers.
    pub covers: Filter,
    /// The agents and accounts that it names, each with its account: a figure that takes all of
    /// them contains the fee.
    pub seats: Vec<Seat>,
    /// What counts beyond the fee.
    pub overage: Overage,
}

/// An agent or an account that a plan is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Source id; empty where an account is named.
    pub source: String,
    /// Who pays.
    pub account: String,
}

/// What counts beyond a plan's fee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overage {
    /// What providers bill to the accounts that the plan names.
    #[default]
    Billed,
    /// Nothing: what is billed to the accounts that the plan names repeats the fee.
    Nothing,
    /// The list price of what it covers beyond this amount per period, in dollars. On days that a
    /// bill tells of the plan's account the bill counts instead.
    List {
        /// What the fee includes.
        included: Money,
    },
}

impl Plan {
    /// Whether the plan runs on this day.
    pub fn runs_on(&self, day: NaiveDate) -> bool {
        self.first_day.is_none_or(|first| first <= day)
            && self.last_day.is_none_or(|last| day <= last)
    }

    /// The days of the fee's period that holds `day` on which the plan runs: the first, and the
    /// first after them. `None` when it does not run on `day`.
    pub fn period(&self, day: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        if !self.runs_on(day) {
            return None;
        }
        let (first, end) = self.every.holding(day);
        let first = self.first_day.map_or(first, |from| from.max(first));
        let after_last = self.last_day.and_then(|last| last.succ_opt());
        Some((first, after_last.map_or(end, |after| after.min(end))))
    }

    /// What of the fee falls on this day; `None` when the plan does not run then.
    pub fn fee_on(&self, day: NaiveDate) -> Option<Money> {
        let (first, end) = self.period(day)?;
        let days = (end - first).num_days();
        let attos = every::part(self.fee.attos, (day - first).num_days(), days);
        Some(Money { attos, ..self.fee })
    }

    /// Whether a figure that counts what `filter` takes contains the fee: whether it takes every
    /// agent and account of the plan as a whole. Fees are in no figure of single models, folders,
    /// sessions or providers.
    pub fn is_in(&self, filter: &Filter) -> bool {
        let takes = |seat: &Seat| {
            let (source, account) = (seat.source.as_str(), seat.account.as_str());
            filter.takes(&Facts { source, account, ..Facts::default() })
        };
        filter.is_everything() || (!self.seats.is_empty() && self.seats.iter().all(takes))
    }

    /// Whether the plan names this account.
    pub fn names_account(&self, account: &str) -> bool {
        self.covers.only.accounts.iter().any(|named| named.eq_ignore_ascii_case(account))
    }

    /// Whether the plan is for this account, by its name or by that of an agent.
    fn is_of_account(&self, account: &str) -> bool {
        self.seats.iter().any(|seat| seat.account.eq_ignore_ascii_case(account))
    }
}

/// A discount or credit of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discount {
    /// Who gets it.
    pub account: String,
    /// How much.
    pub off: Off,
    /// The first day; `None` for as long as anything is known.
    pub first_day: Option<NaiveDate>,
    /// The last day; `None` while it goes on.
    pub last_day: Option<NaiveDate>,
    /// Whether the account's bills are after the discount already, as most are: then it is taken
    /// off list prices only.
    pub in_bill: bool,
}

/// How much a discount takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// So many millionths of what would be paid.
    Share {
        /// Millionths, 1 to 1,000,000.
        ppm: u32,
    },
    /// An amount in dollars that is used up from the first day on: in each period anew, or once.
    Amount {
        /// How much.
        amount: Money,
        /// How often it comes; `None` for once.
        every: Option<Every>,
    },
}

impl Discount {
    /// Whether it holds on this day.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.first_day.is_none_or(|first| first <= day)
            && self.last_day.is_none_or(|last| day <= last)
    }

    /// The day from which on the amount that holds on `day` was used.
    pub fn begun(&self, day: NaiveDate) -> Option<NaiveDate> {
        let Off::Amount { every, .. } = self.off else { return None };
        let first = every.map(|every| every.holding(day).0);
        first.max(self.first_day).filter(|_| self.holds_on(day))
    }
}

/// All plans and discounts, in the order of the config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plans {
    /// Plans.
    pub plans: Vec<Plan>,
    /// Discounts.
    pub discounts: Vec<Discount>,
}

impl Plans {
    /// There is neither a plan nor a discount.
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty() && self.discounts.is_empty()
    }

    /// The plans that run on this day, by their places.
    pub fn running(&self, day: NaiveDate) -> Vec<usize> {
        (0..self.plans.len()).filter(|index| self.plans[*index].runs_on(day)).collect()
    }

    /// The fees that fall on a day, of the plans that `counts` says yes to.
    pub fn fees_on(&self, day: NaiveDate, counts: impl Fn(usize) -> bool) -> Amounts {
        let mut fees = Amounts::default();
        for (index, plan) in self.plans.iter().enumerate() {
            if counts(index)
                && let Some(fee) = plan.fee_on(day)
            {
                fees.add(fee);
            }
        }
        fees
    }

    /// An amount of an account after the shares that are off on that day, one after the other.
    /// `is_bill` for what bills say.
    pub fn after_shares(&self, account: &str, day: NaiveDate, attos: i128, is_bill: bool) -> i128 {
        let mut left = attos;
        for discount in self.of_account(account) {
            if let Off::Share { ppm } = discount.off
                && discount.holds_on(day)
                && !(is_bill && discount.in_bill)
            {
                let kept = 1_000_000 - i128::from(ppm.min(1_000_000));
                let (whole, rest) = (left.div_euclid(1_000_000), left.rem_euclid(1_000_000));
                left = whole * kept + rest * kept / 1_000_000;
            }
        }
        left
    }

    /// The discounts of an account.
    pub fn of_account<'a>(&'a self, account: &'a str) -> impl Iterator<Item = &'a Discount> + 'a {
        self.discounts.iter().filter(move |it| it.account.eq_ignore_ascii_case(account))
    }

    /// Whether a plan that runs on the day says that what is billed to this account is its fee.
    pub fn is_bill_in_fee(&self, account: &str, day: NaiveDate) -> bool {
        self.plans.iter().any(|plan| {
            plan.overage == Overage::Nothing && plan.runs_on(day) && plan.names_account(account)
        })
    }

    /// Whether a bill of this account stands for what the plan costs beyond its fee.
    pub fn bills_overage(&self, plan: usize, account: &str) -> bool {
        self.plans.get(plan).is_some_and(|plan| plan.is_of_account(account))
    }

    /// The day from which on it has to be known what was used, to say what the days from
    /// `first_day` to `last_day` cost: included amounts and credits are used up from the first day
    /// of their period on.
    pub fn known_from(
        &self,
        first_day: NaiveDate,
        last_day: NaiveDate,
        counts: impl Fn(usize) -> bool,
    ) -> NaiveDate {
        let plans = self.plans.iter().enumerate().filter_map(|(index, plan)| {
            let has_amount = matches!(plan.overage, Overage::List { .. }) && counts(index);
            plan.period(first_day).filter(|_| has_amount).map(|(first, _)| first)
        });
        // One that begins within the days needs nothing before.
        let credits = self.discounts.iter().filter_map(|it| it.begun(first_day));
        plans.chain(credits).min().map_or(first_day, |day| day.min(first_day)).min(last_day)
    }

    /// Pairs of plans that may cover the same usage on the same day: the first of them does.
    pub fn overlaps(&self) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for (first, plan) in self.plans.iter().enumerate() {
            for (second, other) in self.plans.iter().enumerate().skip(first + 1) {
                if plan.meets(other) && share(plan, other) {
                    pairs.push((first, second));
                }
            }
        }
        pairs
    }
}

impl Plan {
    /// Whether both run on some day.
    pub fn meets(&self, other: &Self) -> bool {
        let begins_in_time = |first: Option<NaiveDate>, last: Option<NaiveDate>| {
            first.zip(last).is_none_or(|(first, last)| first <= last)
        };
        begins_in_time(self.first_day, other.last_day)
            && begins_in_time(other.first_day, self.last_day)
    }
}

/// Whether two plans have an agent or account in common, or one of them names none.
fn share(a: &Plan, b: &Plan) -> bool {
    let lists = |plan: &Plan| {
        let names: Vec<_> =
            plan.covers.only.models.iter().map(|glob| glob.as_str().to_owned()).collect();
        (plan.covers.only.sources.clone(), plan.covers.only.accounts.clone(), names)
    };
    let meet = |a: &[String], b: &[String]| {
        let same = |name: &String| b.iter().any(|other| other.eq_ignore_ascii_case(name));
        a.is_empty() || b.is_empty() || a.iter().any(same)
    };
    let ((a_sources, a_accounts, a_models), (b_sources, b_accounts, b_models)) =
        (lists(a), lists(b));
    // Two lists of models are only said to be apart where they are alike: patterns may meet.
    let models_meet = a_models.is_empty() || b_models.is_empty() || meet(&a_models, &b_models);
    meet(&a_sources, &b_sources) && meet(&a_accounts, &b_accounts) && models_meet
}

/// What is paid for some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// All of it that counts in dollars: metered, fees and overage, less credits.
    pub total: i128,
    /// Whether any part is a list price rather than a bill or a fee.
    pub estimated: bool,
    /// Bills, and list prices less discounts of what nobody bills and no plan covers; attos.
    pub metered: i128,
    /// What falls on these days of plans' fees, in their currencies.
    pub fees: Amounts,
    /// What counts beyond fees, at list price; attos.
    pub overage: i128,
    /// What amounts of discounts took off; attos.
    pub credits: i128,
    /// What is billed to plans' accounts and counts as their fees; in no figure; attos.
    pub in_fees: i128,
    /// The list price of what a subscription without a plan covers: its fee is not known; attos.
    pub without_fee: i128,
    /// Fees and bills in currencies without a rate: in no dollar figure.
    pub other: Amounts,
    /// Fees that count in dollars, at which rate.
    pub converted: Vec<Converted>,
}

impl Paid {
    /// The dollars; `None` where all that is known is that a subscription of an unknown fee covers
    /// something.
    pub fn usd(&self) -> Option<Money> {
        let is_known = self.total != 0 || self.without_fee == 0 || !self.fees.is_empty();
        is_known.then_some(Money { attos: self.total, currency: Currency::USD })
    }
}

#[cfg(test)]
mod tests;
