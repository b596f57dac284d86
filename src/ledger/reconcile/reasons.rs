//! What a difference between logs and bill likely comes from: pure rules.
//!
//! Two amounts are the same within half a cent or half a percent of the list price: bills are
//! rounded. Of a line that differs the first rule that fits gives the reason.
//!
//! 1. No bill: nobody tells what the account is billed, or the bill leaves the day out. A day after
//!    the last one that the bill tells lags.
//! 2. A part is in a currency without a rate; a negative bill without use is a credit.
//! 3. Only in the bill: a charge that names no model on a day that is told by model is not for
//!    tokens of a model (searches, tools, fees); else the use was elsewhere. The provider's usage
//!    report, where there is one, tells that it was another machine; without one it may have been
//!    another key too.
//! 4. Part of the logs has no known price and the bill is higher: that part.
//! 5. The usage report tells more tokens than the logs, and they make at least half of the
//!    difference: another machine. What follows compares the bill with logs and report together.
//! 6. The bill of an open day (read less than 24 hours after its end) is lower: it lags, unless it
//!    keeps to the discount that final days show. Lag can't make a bill higher: then it is another
//!    machine or key.
//! 7. A final bill tells nothing of it: another spelling of the model is billed in its place, the
//!    usage report tells fewer tokens, or the account's final bills never show the model at all:
//!    a key that this bill is not about.
//! 8. The provider tells its own list price, it is that of the logs, and another amount is billed: a
//!    discount, or a surcharge, and no second day is needed to say so.
//! 9. The share that is billed was steady, changed on one day and is steady again: the price, or
//!    what was agreed, changed.
//! 10. The usage report tells fewer tokens than the logs: the rest went by another account's key.
//! 11. Half of the list price is batch or flex. Documented multiples above it are a tier where the
//!     tokens agree or the share is steady.
//! 12. The share that is billed is steady over the days: a discount, or a surcharge.
//! 13. The bill is higher and no report says that the tokens agree: another machine or key.
//!
//! A share is steady when at least three final days differ by at most two percent of the list
//! price; or, where it did not change and stay, when at least three days and two thirds of all lie
//! within one percent of the median: a single odd day is no other price. A model that is seen on
//! fewer days takes the account's share.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::lines::{AccountLines, Line, LineState, ROUNDING, is_the_same, minus, plus, share};
use super::reason::{Reason, Tier};
use crate::spend::{Currency, Money};

/// Thousandths of the list price within which two shares are one.
const STEADY: i128 = 20;
/// Days that make a share steady.
const LEAST_DAYS: usize = 3;
/// Shares of the list price that providers document, in thousandths. OpenAI and Anthropic charge
/// half for their batch interfaces, OpenAI also for flex; Anthropic charges 1.1 times for inference
/// that stays in the US and OpenAI for regional processing; OpenAI's priority processing is 1.7 to
/// 2.5 times, fast mode of Claude 2 times, of Opus 4.6 6 times (`assets/prices.toml`,
/// <https://platform.claude.com/docs/en/about-claude/pricing>,
/// <https://platform.openai.com/docs/pricing>, both of 2026).
const TIERS: [(i128, Tier); 8] = [
    (500, Tier::Batch),
    (1100, Tier::Residency),
    (1700, Tier::Fast),
    (1750, Tier::Fast),
    (1800, Tier::Fast),
    (2000, Tier::Fast),
    (2500, Tier::Fast),
    (6000, Tier::Fast),
];

/// Says of every line how its sides stand to each other, and why.
pub(super) fn judged(mut all: AccountLines) -> AccountLines {
    for line in &mut all.lines {
        line.state = state(line);
    }
    let context = Context::of(&all);
    let judged: Vec<_> =
        all.lines.iter().map(|line| (context.reason(line), context.rest_reason(line))).collect();
    for (line, (reason, rest)) in all.lines.iter_mut().zip(judged) {
        let is_open = matches!(
            line.state,
            LineState::Differs | LineState::OnlyInLogs | LineState::OnlyInBill
        );
        line.reason = reason.filter(|_| is_open);
        line.rest_reason = rest;
    }
    all
}

fn state(line: &Line) -> LineState {
    let bill = line.bill.as_ref();
    let is_billed = bill.is_some_and(|bill| !bill.is_nothing());
    match (line.has_logs(), is_billed) {
        (true, false) => {
            let is_small = is_the_same(Money::zero(Currency::USD), line.list);
            if bill.is_some() && is_small && line.unpriced_tokens == 0 {
                LineState::Matched
            } else {
                LineState::OnlyInLogs
            }
        }
        (true, true) => match line.difference() {
            Some(_) if line.unpriced_tokens > 0 => LineState::Differs,
            Some(_) if bill.is_some_and(|bill| is_the_same(bill.usd, line.list)) => {
                LineState::Matched
            }
            _ => LineState::Differs,
        },
        (false, true) => LineState::OnlyInBill,
        (false, false) if line.covered.attos > 0 => LineState::Covered,
        // Only the provider's usage report tells of it.
        (false, false) => LineState::OnlyInBill,
    }
}

/// What share of the list price is billed, and how it moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Trend {
    /// Too few days, or no pattern.
    #[default]
    None,
    /// The same share on all days, in thousandths.
    Steady(i128),
    /// One share before a day, another from it on.
    Changed { since: NaiveDate, before: i128, after: i128 },
}

impl Trend {
    /// Of days in their order with the share that is billed of each.
    pub(super) fn of(points: &[(NaiveDate, i128)]) -> Self {
        if let Some(share) = steady(points) {
            return Self::Steady(share);
        }
        for split in LEAST_DAYS..=points.len().saturating_sub(LEAST_DAYS) {
            let (early, late) = points.split_at(split);
            if let (Some(before), Some(after)) = (steady(early), steady(late))
                && (before - after).abs() > 2 * STEADY
            {
                return Self::Changed { since: late[0].0, before, after };
            }
        }
        mostly_steady(points).map_or(Self::None, Self::Steady)
    }

    /// The steady share that a day is part of.
    fn at(self, day: NaiveDate) -> Option<i128> {
        match self {
            Self::None => None,
            Self::Steady(share) => Some(share),
            Self::Changed { since, before, after } => {
                Some(if day < since { before } else { after })
            }
        }
    }
}

fn steady(points: &[(NaiveDate, i128)]) -> Option<i128> {
    let shares = sorted(points);
    let (least, most) = (shares.first()?, shares.last()?);
    (shares.len() >= LEAST_DAYS && most - least <= STEADY).then(|| shares[shares.len() / 2])
}

fn mostly_steady(points: &[(NaiveDate, i128)]) -> Option<i128> {
    let shares = sorted(points);
    let median = *shares.get(shares.len() / 2)?;
    let near = shares.iter().filter(|share| (**share - median).abs() <= STEADY / 2).count();
    (near >= LEAST_DAYS && near * 3 >= shares.len() * 2).then_some(median)
}

fn sorted(points: &[(NaiveDate, i128)]) -> Vec<i128> {
    let mut shares: Vec<i128> = points.iter().map(|(_, share)| *share).collect();
    shares.sort_unstable();
    shares
}

/// What the other lines of an account tell.
struct Context<'a> {
    last_bill_day: Option<NaiveDate>,
    account: Trend,
    models: BTreeMap<Option<&'a str>, Trend>,
    /// Models that final bills charge for.
    billed: BTreeSet<Option<&'a str>>,
    /// What only the bill knows, by day.
    only_billed: BTreeMap<NaiveDate, Vec<(&'a str, Money)>>,
}

impl<'a> Context<'a> {
    fn of(all: &'a AccountLines) -> Self {
        let mut by_model: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut by_day: BTreeMap<NaiveDate, (Money, Money)> = BTreeMap::new();
        let mut billed = BTreeSet::new();
        let mut only_billed: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for line in &all.lines {
            let Some(bill) = &line.bill else { continue };
            if bill.is_final && bill.usd.attos > 0 {
                billed.insert(line.model.as_deref());
            }
            if let Some(model) = line.model.as_deref().filter(|_| !line.has_logs()) {
                only_billed.entry(line.day).or_default().push((model, bill.usd));
            }
            if let Some((base, charged)) = line.point() {
                if let Some(share) = share(charged, base) {
                    by_model.entry(line.model.as_deref()).or_default().push((line.day, share));
                }
                let nothing = Money::zero(Currency::USD);
                let sums = by_day.entry(line.day).or_insert((nothing, nothing));
                *sums = (plus(sums.0, base), plus(sums.1, charged));
            }
        }
        let by_day: Vec<_> = by_day
            .into_iter()
            .filter_map(|(day, (base, charged))| Some((day, share(charged, base)?)))
            .collect();
        Self {
            last_bill_day: all.last_bill_day,
            account: Trend::of(&by_day),
            models: by_model
                .into_iter()
                .map(|(model, points)| (model, Trend::of(&points)))
                .collect(),
            billed,
            only_billed,
        }
    }

    /// Why the bill differs from the logs.
    fn reason(&self, line: &Line) -> Option<Reason> {
        if let Some(bill) = &line.bill
            && bill.without_rate.is_none()
            && line.has_logs()
            && reports_more(line)
        {
            let difference = minus(bill.usd, line.list);
            let is_most = line.elsewhere.attos.saturating_mul(2) >= difference.attos;
            let is_higher = difference.attos > 0 && !is_the_same(bill.usd, line.list);
            if is_most && is_higher {
                return Some(Reason::OtherMachine);
            }
        }
        self.rest_reason(line)
    }

    /// Why the bill differs from logs and usage report together; `None` where it does not.
    fn rest_reason(&self, line: &Line) -> Option<Reason> {
        let Some(bill) = &line.bill else {
            return Some(match self.last_bill_day {
                None => Reason::NoBill,
                Some(last) if line.day > last => Reason::Lag,
                Some(_) => Reason::DayNotBilled,
            });
        };
        if let Some(currency) = bill.without_rate {
            return Some(Reason::NoRate { currency });
        }
        if !line.has_logs() {
            return self.only_in_bill(line);
        }
        let base = line.base();
        let falls = bill.usd.attos < base.attos;
        if line.unpriced_tokens > 0 && !falls {
            return Some(Reason::Unpriced);
        }
        if is_the_same(bill.usd, base) {
            return None;
        }
        if !bill.is_final {
            let share = share(bill.usd, base).unwrap_or(0);
            let otherwise = if falls { Reason::Lag } else { Reason::OtherMachineOrKey };
            return Some(self.steady(line, share).and_then(off_list).unwrap_or(otherwise));
        }
        if bill.usd.attos <= 0 {
            return Some(self.only_in_logs(line));
        }
        Some(self.both_final(line, base, bill.usd))
    }

    fn only_in_bill(&self, line: &Line) -> Option<Reason> {
        let billed = line.bill.as_ref().map_or(0, |bill| bill.usd.attos);
        let is_reported = line.elsewhere.attos > 0 || line.reported_tokens.unwrap_or(0) > 0;
        Some(match () {
            () if billed < 0 => Reason::Credit,
            () if is_reported => Reason::OtherMachine,
            () if billed == 0 => return None,
            () if line.by_model && line.model.is_none() => Reason::NotByModel,
            () => Reason::OtherMachineOrKey,
        })
    }

    fn only_in_logs(&self, line: &Line) -> Reason {
        if line.reports_fewer() {
            return Reason::KeyNotSeen;
        }
        let others = self.only_billed.get(&line.day).map_or(&[][..], Vec::as_slice);
        let of_the_amount = others.iter().find(|(_, billed)| is_the_same(*billed, line.list));
        if let Some((name, _)) = of_the_amount.filter(|_| line.by_model) {
            return Reason::OtherName { name: (*name).to_owned() };
        }
        if self.billed.contains(&line.model.as_deref()) {
            Reason::Unclear
        } else {
            Reason::KeyNotSeen
        }
    }

    /// The model's own, else the account's.
    fn trend(&self, line: &Line) -> Trend {
        let own = self.models.get(&line.model.as_deref()).copied().unwrap_or_default();
        if own == Trend::None { self.account } else { own }
    }

    /// The steady share of the line's days, where the line keeps to it.
    fn steady(&self, line: &Line, share: i128) -> Option<i128> {
        self.trend(line).at(line.day).filter(|steady| (share - steady).abs() <= STEADY)
    }

    fn both_final(&self, line: &Line, base: Money, billed: Money) -> Reason {
        let told = line.provider_list.filter(|told| is_the_same(*told, base));
        let told = told.and_then(|told| share(billed, told));
        if let Some(reason) = told.and_then(off_list) {
            return reason;
        }
        let share = share(billed, base).unwrap_or(0);
        let trend = self.trend(line);
        if let Trend::Changed { since, before, after } = trend {
            // Where the older share is not the list price's either, it is a discount of its own.
            let is_list = |share: i128| (share - 1000).abs() <= STEADY;
            if line.day >= since || (is_list(after) && !is_list(before)) {
                return Reason::PriceChange { since };
            }
        }
        if line.reports_fewer() {
            return Reason::KeyNotSeen;
        }
        let tokens_agree = line.reported_tokens.map(|_| !reports_more(line));
        let steady = self.steady(line, share);
        if let Some(tier) = tier(share)
            && (share < 1000 || tokens_agree == Some(true) || steady.is_some())
        {
            return Reason::Tier(tier);
        }
        match steady.and_then(off_list) {
            Some(reason) => reason,
            None if share > 1000 && tokens_agree != Some(true) => Reason::OtherMachineOrKey,
            None => Reason::Unclear,
        }
    }
}

/// A discount or a surcharge, by the share of the list price that is billed; `None` where that is
/// the list price but for rounding.
fn off_list(share: i128) -> Option<Reason> {
    match share - 1000 {
        more if more.abs() <= ROUNDING => None,
        more @ 1.. => Some(Reason::Surcharge { permille: more }),
        less => Some(Reason::Discount { permille: -less }),
    }
}

/// The tier whose multiple a share is, within two percent of it.
fn tier(share: i128) -> Option<Tier> {
    let fits = |multiple: i128| (share - multiple).abs() * 50 <= multiple;
    TIERS.iter().find(|(multiple, _)| fits(*multiple)).map(|(_, tier)| *tier)
}

/// Whether the provider's usage report tells more tokens than the logs, by over half a percent.
fn reports_more(line: &Line) -> bool {
    line.reported_tokens.is_some_and(|reported| reported > line.tokens + line.tokens / 200)
}
