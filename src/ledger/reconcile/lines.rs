//! Lines: one account's logs and bill of a UTC day side by side, and their sums.

use chrono::NaiveDate;

use super::reason::{Confidence, Reason};
use crate::spend::{Amounts, Currency, Money};

/// Half a cent, in 1e-18 dollars.
const HALF_A_CENT: i128 = 5_000_000_000_000_000;
/// Thousandths of the list price that rounding makes.
pub(super) const ROUNDING: i128 = 5;

/// An account's logs and bill, line by line.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountLines {
    /// The account.
    pub account: String,
    /// The last UTC day of the span that a bill tells; `None` where no bill tells any.
    pub last_bill_day: Option<NaiveDate>,
    /// By day and model; what names no model comes first.
    pub lines: Vec<Line>,
}

/// What logs and bill say of a UTC day, or of one model on it where the bill tells models.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// UTC day.
    pub day: NaiveDate,
    /// Without the date of its release, in lower case. `None`: the whole day, or, where lines are
    /// `by_model`, what names no model.
    pub model: Option<String>,
    /// Whether the line is one model's share of the day.
    pub by_model: bool,
    /// What the logs tell, at list price, without what a subscription covers.
    pub list: Money,
    /// Its tokens.
    pub tokens: u64,
    /// Those of them without a known price: in no amount.
    pub unpriced_tokens: u64,
    /// At list price, what the provider's own usage report tells and no log does.
    pub elsewhere: Money,
    /// All tokens of the provider's usage report; `None` where there is none that is final.
    pub reported_tokens: Option<u64>,
    /// At list price, what a subscription covers: no bill is about it.
    pub covered: Money,
    /// What the provider itself says that it costs without discounts and a plan's share; `None`
    /// where it says nothing.
    pub provider_list: Option<Money>,
    /// The bill; `None` where it does not reach the day.
    pub bill: Option<LineBill>,
    /// How the two sides stand to each other.
    pub state: LineState,
    /// Where the bill's difference from the logs likely comes from.
    pub reason: Option<Reason>,
    /// Where its difference from logs and usage report together likely comes from.
    pub rest_reason: Option<Reason>,
}

/// What is billed.
#[derive(Clone, Debug, PartialEq)]
pub struct LineBill {
    /// What it counts as, in dollars.
    pub usd: Money,
    /// As it is billed.
    pub amounts: Amounts,
    /// A currency in it that no rate is known of: it is not in `usd`.
    pub without_rate: Option<Currency>,
    /// Whether it was read so late that it stays.
    pub is_final: bool,
}

/// How logs and bill stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineState {
    /// Both tell the same, within half a cent or half a percent.
    Matched,
    /// Both tell something else.
    Differs,
    /// The bill tells nothing of it.
    OnlyInLogs,
    /// No log tells of it; only the bill, or the provider's usage report.
    OnlyInBill,
    /// A subscription pays for all of it.
    Covered,
}

/// How far an account's bill is from its list price over some days.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The account.
    pub account: String,
    /// Billed on the days that the bill tells, in dollars.
    pub billed: Money,
    /// The list price of the same days, the provider's usage report included.
    pub list: Money,
    /// Where the difference likely comes from; `None` where no rule says.
    pub reason: Option<Reason>,
}

impl Line {
    /// The list price of all that is known: logs and the provider's usage report.
    pub fn base(&self) -> Money {
        plus(self.list, self.elsewhere)
    }

    /// Billed less the list price of the logs. A day that the account's bill does not tell has all
    /// of it as its difference. `None` where nothing is told of the account, or in a currency
    /// without a rate.
    pub fn difference(&self) -> Option<Money> {
        let billed = match &self.bill {
            Some(bill) if bill.without_rate.is_some() => return None,
            Some(bill) => bill.usd,
            None if self.reason == Some(Reason::NoBill) => return None,
            None => Money::zero(Currency::USD),
        };
        Some(minus(billed, self.list))
    }

    /// Whether logs tell something that is billed.
    pub fn has_logs(&self) -> bool {
        self.tokens > 0 || self.list.attos != 0
    }

    /// How sure the reason is.
    pub fn confidence(&self) -> Option<Confidence> {
        self.reason.as_ref().map(Reason::confidence)
    }

    /// Whether it tells what the same use costs by the list and by a final bill.
    pub(super) fn is_of_the_same_use(&self) -> bool {
        let other_use = matches!(
            self.reason,
            Some(Reason::OtherMachineOrKey | Reason::KeyNotSeen | Reason::Unpriced)
        );
        self.point().is_some() && !other_use
    }

    /// List price and bill of a line that tells both for good.
    pub(super) fn point(&self) -> Option<(Money, Money)> {
        let bill = self.bill.as_ref()?;
        let base = self.base();
        let is_one = bill.is_final
            && bill.without_rate.is_none()
            && bill.usd.attos > 0
            && self.list.attos > 0
            && self.unpriced_tokens == 0
            && !self.reports_fewer();
        is_one.then_some((base, bill.usd))
    }

    /// Whether it tells fewer.
    pub(super) fn reports_fewer(&self) -> bool {
        self.reported_tokens.is_some_and(|reported| reported < self.tokens - self.tokens / 200)
    }
}

impl LineBill {
    /// Whether nothing is charged, in whatever currency.
    pub fn is_nothing(&self) -> bool {
        self.amounts.iter().all(|amount| amount.attos == 0)
    }
}

impl AccountLines {
    /// List price of what the logs tell and a bill could be about.
    pub fn list(&self) -> Money {
        self.sum(|line| line.list)
    }

    /// List price of what only the provider's usage report tells.
    pub fn elsewhere(&self) -> Money {
        self.sum(|line| line.elsewhere)
    }

    /// List price of what a subscription covers.
    pub fn covered(&self) -> Money {
        self.sum(|line| line.covered)
    }

    /// Billed, in dollars; `None` where no bill tells any day.
    pub fn billed(&self) -> Option<Money> {
        self.last_bill_day?;
        Some(
            self.sum(|line| line.bill.as_ref().map_or(Money::zero(Currency::USD), |bill| bill.usd)),
        )
    }

    /// Billed, as it is billed.
    pub fn amounts(&self) -> Amounts {
        let mut sums = Amounts::default();
        for bill in self.lines.iter().filter_map(|line| line.bill.as_ref()) {
            bill.amounts.iter().for_each(|amount| sums.add(amount));
        }
        sums
    }

    /// Billed less the list price of the logs, over all lines where that can be said.
    pub fn difference(&self) -> Option<Money> {
        self.last_bill_day?;
        Some(self.sum(|line| line.difference().unwrap_or(Money::zero(Currency::USD))))
    }

    /// What makes up the difference: each kind of reason with its lines and what they come to,
    /// most first.
    pub fn reasons(&self) -> Vec<(&Reason, usize, Money)> {
        let mut sums: Vec<(&Reason, usize, Money)> = Vec::new();
        for line in &self.lines {
            let Some(reason) = &line.reason else { continue };
            let part = line.difference().unwrap_or(Money::zero(Currency::USD));
            match sums.iter_mut().find(|(known, ..)| *known == reason) {
                Some((_, count, sum)) => {
                    *count += 1;
                    *sum = plus(*sum, part);
                }
                None => sums.push((reason, 1, part)),
            }
        }
        sums.sort_by_key(|(_, _, sum)| std::cmp::Reverse(sum.attos.saturating_abs()));
        sums
    }

    /// How many lines are in a state.
    pub fn count(&self, state: LineState) -> usize {
        self.lines.iter().filter(|line| line.state == state).count()
    }

    /// What the account pays less than list price, in thousandths (negative: more), over the final
    /// days on which both sides tell of the same use; with the number of those days. `None` where
    /// there are none.
    pub fn effective_discount(&self) -> Option<(i128, usize)> {
        let nothing = Money::zero(Currency::USD);
        let (mut base, mut billed, mut days) = (nothing, nothing, Vec::new());
        for line in self.lines.iter().filter(|line| line.is_of_the_same_use()) {
            let Some(bill) = &line.bill else { continue };
            base = plus(base, line.base());
            billed = plus(billed, bill.usd);
            days.push(line.day);
        }
        days.dedup();
        Some((1000 - share(billed, base)?, days.len()))
    }

    /// The account's difference over the days from `first_day` on that the bill tells; `None`
    /// where one side is missing or both tell the same.
    pub(super) fn difference_since(&self, first_day: NaiveDate) -> Option<Difference> {
        let billed_lines = || {
            self.lines.iter().filter(move |line| line.day >= first_day).filter_map(|line| {
                let bill = line.bill.as_ref().filter(|bill| bill.without_rate.is_none())?;
                Some((line, bill))
            })
        };
        let nothing = Money::zero(Currency::USD);
        let list = billed_lines().fold(nothing, |sum, (line, _)| plus(sum, line.base()));
        let billed = billed_lines().fold(nothing, |sum, (_, bill)| plus(sum, bill.usd));
        if list.attos <= 0 || is_the_same(billed, list) {
            return None;
        }
        // Of the reasons that pull the same way the one that most money is about.
        let falls = billed.attos < list.attos;
        let mut sums: Vec<(&Reason, i128)> = Vec::new();
        for (line, bill) in billed_lines() {
            let rest = minus(bill.usd, line.base()).attos;
            let Some(reason) = line.rest_reason.as_ref().filter(|_| (rest < 0) == falls) else {
                continue;
            };
            match sums.iter_mut().find(|(known, _)| known.is_like(reason)) {
                Some((_, sum)) => *sum = sum.saturating_add(rest.saturating_abs()),
                None => sums.push((reason, rest.saturating_abs())),
            }
        }
        let reason = sums.into_iter().max_by_key(|(_, sum)| *sum).map(|(reason, _)| reason.clone());
        let account = self.account.clone();
        Some(Difference { account, billed, list, reason })
    }

    fn sum(&self, of: impl Fn(&Line) -> Money) -> Money {
        self.lines.iter().map(of).fold(Money::zero(Currency::USD), plus)
    }
}

impl Difference {
    /// Billed less list price.
    pub fn amount(&self) -> Money {
        minus(self.billed, self.list)
    }

    /// The same in thousandths of the list price, to the nearest one.
    pub fn permille(&self) -> i128 {
        share(self.amount(), self.list).unwrap_or(0)
    }

    /// Whether it says no more than that a bill is still empty.
    pub(super) fn is_an_empty_open_bill(&self) -> bool {
        self.billed.attos == 0 && matches!(self.reason, Some(Reason::Lag) | None)
    }
}

/// `part / whole` in thousandths, to the nearest one; `None` where the whole is not positive.
pub(super) fn share(part: Money, whole: Money) -> Option<i128> {
    // Amounts stay far below the range divided by 2,000: that would be 8e16 dollars.
    let twice = part.attos.saturating_mul(2000).saturating_add(whole.attos);
    (whole.attos > 0).then(|| twice.div_euclid(whole.attos.saturating_mul(2)))
}

pub(super) fn plus(a: Money, b: Money) -> Money {
    Money { attos: a.attos.saturating_add(b.attos), ..a }
}

pub(super) fn minus(a: Money, b: Money) -> Money {
    Money { attos: a.attos.saturating_sub(b.attos), ..a }
}

/// Whether two amounts are the same but for rounding.
pub(super) fn is_the_same(billed: Money, list: Money) -> bool {
    let most = HALF_A_CENT.max(list.attos.saturating_abs() / 1000 * ROUNDING);
    minus(billed, list).attos.saturating_abs() <= most
}
