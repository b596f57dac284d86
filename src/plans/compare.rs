//! What other plans would have cost on the same usage.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::offers::Offer;
use super::{Overage, Paid, Plan, allowance};
use crate::spend::{Currency, Facts, Money, Rates};

/// More families of offers than one person has at once; beyond it the mixes would be too many to
/// look at.
const MOST_FAMILIES: usize = 4;

/// Some usage of one kind on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The local day.
    pub day: NaiveDate,
    /// Source id.
    pub source: String,
    /// Provider.
    pub provider: Option<String>,
    /// Who pays.
    pub account: String,
    /// Model.
    pub model: Option<String>,
    /// At list price, in attos of a dollar.
    pub list: i128,
}

impl Work {
    fn facts(&self) -> Facts<'_> {
        Facts {
            source: &self.source,
            provider: self.provider.as_deref(),
            account: &self.account,
            model: self.model.as_deref(),
            ..Facts::default()
        }
    }
}

/// What the days from the first up to, not including, the end would have cost on these plans:
/// their fees, what counts beyond them, and the list price of what none covers. What a plan whose
/// limits are not stated covers is taken to be within them.
pub fn cost(
    work: &[Work],
    plans: &[Plan],
    (first_day, end_day): (NaiveDate, NaiveDate),
    rates: &Rates,
) -> Paid {
    let mut paid = Paid::default();
    let mut covered: BTreeMap<(usize, NaiveDate), i128> = BTreeMap::new();
    for work in work.iter().filter(|work| first_day <= work.day && work.day < end_day) {
        let covers = |plan: &Plan| plan.runs_on(work.day) && plan.covers.takes(&work.facts());
        match plans.iter().position(covers) {
            Some(plan) => *covered.entry((plan, work.day)).or_default() += work.list,
            None => paid.metered = paid.metered.saturating_add(work.list),
        }
    }
    for (index, plan) in plans.iter().enumerate() {
        for day in first_day.iter_days().take_while(|day| *day < end_day) {
            if let Some(fee) = plan.fee_on(day) {
                paid.fees.add(fee);
            }
        }
        if let Overage::List { included } = plan.overage {
            let of_plan = covered.range((index, NaiveDate::MIN)..=(index, NaiveDate::MAX));
            let costs =
                of_plan.filter_map(|((_, day), list)| Some((plan.period(*day)?.0, *day, *list)));
            let beyond = allowance::beyond(included.attos, costs);
            paid.overage += beyond.into_iter().map(|(_, attos)| attos).sum::<i128>();
        }
    }
    paid.estimated = paid.metered != 0 || paid.overage != 0;
    count_fees(&mut paid, rates);
    paid
}

/// Adds the fees that count in dollars to the total, and names those that do not.
pub(crate) fn count_fees(paid: &mut Paid, rates: &Rates) {
    let fees = rates.sum(&paid.fees).attos;
    paid.total = [paid.metered, paid.overage, fees, paid.credits.saturating_neg()]
        .into_iter()
        .fold(0, i128::saturating_add);
    paid.converted = rates.converted(&paid.fees);
    for fee in paid.fees.iter().filter(|fee| rates.usd(fee).is_none()) {
        paid.other.add(fee);
    }
}

/// A mix of offers, and what it would have cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    /// The offers; none for paying per token alone.
    pub offers: Vec<&'static Offer>,
    /// What it would have cost.
    pub paid: Paid,
}

impl Mix {
    /// In dollars; `None` where a fee has no rate.
    pub fn usd(&self) -> Option<Money> {
        let attos = self.paid.total;
        self.paid.other.is_empty().then_some(Money { attos, currency: Currency::USD })
    }

    /// The offers whose limits are not stated: that they would have held is an assumption.
    pub fn assumed(&self) -> impl Iterator<Item = &'static Offer> + '_ {
        self.offers.iter().copied().filter(|offer| offer.included.is_none())
    }
}

/// Paying per token, each offer that covers any of the work, and the mixes of one offer of each
/// family, cheapest first; those with a fee without a rate last. The fees are those of whole
/// periods, spread over the days.
pub fn mixes(
    work: &[Work],
    offers: &'static [Offer],
    days: (NaiveDate, NaiveDate),
    rates: &Rates,
) -> Vec<Mix> {
    let mut families: BTreeMap<&str, (i128, Vec<&'static Offer>)> = BTreeMap::new();
    for offer in offers {
        let taken = work.iter().filter(|work| offer.covers.takes(&work.facts()));
        let list = taken.fold(0_i128, |sum, work| sum.saturating_add(work.list));
        if list > 0 {
            let (most, family) = families.entry(&offer.family).or_default();
            *most = list.max(*most);
            family.push(offer);
        }
    }
    let mut families: Vec<_> = families.into_values().collect();
    families.sort_by_key(|(list, _)| std::cmp::Reverse(*list));
    let mut combined: Vec<Vec<&'static Offer>> = vec![Vec::new()];
    for (place, (_, family)) in families.iter().enumerate() {
        // Offers of further families still stand alone.
        let known = if place < MOST_FAMILIES { combined.len() } else { 1 };
        for index in 0..known {
            for offer in family {
                let mut mix = combined[index].clone();
                mix.push(offer);
                combined.push(mix);
            }
        }
    }
    let mut mixes: Vec<Mix> = combined
        .into_iter()
        .map(|offers| {
            let plans: Vec<_> = offers.iter().map(|offer| plan_of(offer)).collect();
            Mix { paid: cost(work, &plans, days, rates), offers }
        })
        .collect();
    mixes.sort_by_key(|mix| (mix.usd().is_none(), mix.paid.total, mix.offers.len()));
    mixes
}

/// The plan that an offer makes, as if it had always been there.
pub fn plan_of(offer: &Offer) -> Plan {
    Plan {
        name: offer.name.clone(),
        offer: Some(offer.id.clone()),
        fee: offer.fee,
        every: offer.every,
        first_day: None,
        last_day: None,
        covers: offer.covers.clone(),
        seats: Vec::new(),
        overage: offer.overage(),
    }
}

/// What some work costs at list price, in dollars.
pub fn list_of(work: &[Work]) -> Money {
    let attos = work.iter().fold(0_i128, |sum, work| sum.saturating_add(work.list));
    Money { attos, currency: Currency::USD }
}

#[cfg(test)]
mod tests {
    use super::super::offers;
    use super::*;

    const DOLLAR: i128 = 1_000_000_000_000_000_000;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect(text)
    }

    fn work(date: &str, source: &str, dollars: i128) -> Work {
        Work {
            day: day(date),
            source: source.into(),
            provider: None,
            account: "me".into(),
            model: None,
            list: dollars * DOLLAR,
        }
    }

    fn november() -> (NaiveDate, NaiveDate) {
        (day("2026-11-01"), day("2026-12-01"))
    }

    fn told(mixes: &[Mix]) -> Vec<(String, i128)> {
        let ids = |mix: &Mix| {
            let ids: Vec<_> = mix.offers.iter().map(|offer| offer.id.as_str()).collect();
            ids.join("+")
        };
        mixes.iter().map(|mix| (ids(mix), mix.paid.total / DOLLAR)).collect()
    }

    #[test]
    fn of_every_mix_it_says_what_it_would_have_cost() {
        let work = [work("2026-11-03", "claude-code", 300), work("2026-11-04", "cursor", 100)];
        let mixes = mixes(&work, offers::all(), november(), &Rates::default());
        let told = told(&mixes);
        let of = |ids: &str| told.iter().find(|(it, _)| it == ids).map(|(_, cost)| *cost);
        assert_eq!(of(""), Some(400));
        assert_eq!(of("claude-max-20x"), Some(300), "200 and what Cursor costs");
        // $60, and $30 beyond the $70 that it includes.
        assert_eq!(of("cursor-pro-plus"), Some(390));
        assert_eq!(of("claude-pro+cursor-pro"), Some(20 + 20 + 80));
        assert_eq!(of("chatgpt-plus"), None, "it covers nothing of that");
        assert_eq!(of("claude-pro+claude-max-20x"), None, "nobody has both");
        // 5 of Claude or none, 3 of Cursor or none.
        assert_eq!(mixes.len(), 6 * 4);
        assert!(told.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{told:?}");
        assert_eq!(mixes[0].assumed().count(), 1, "the limits of Claude Pro");
    }

    #[test]
    fn a_fee_without_a_rate_stands_beside() {
        let glm = Work { model: Some("glm-5.3".into()), ..work("2026-11-03", "claude-code", 50) };
        let mixes = mixes(&[glm], offers::all(), november(), &Rates::default());
        let lite = mixes.iter().find(|mix| mix.offers.iter().any(|it| it.id == "glm-coding-lite"));
        let lite = lite.expect("it covers that");
        assert_eq!(lite.usd(), None);
        let other: Vec<_> = lite.paid.other.iter().map(|fee| fee.to_decimal()).collect();
        assert_eq!(other, ["118"]);
    }
}
