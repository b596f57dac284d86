//! The same usage on other plans, in the place of the plans there are.

use chrono::NaiveDate;

use crate::board::wording::whatif as words;
use crate::ledger::{Ledger, LedgerError};
use crate::plans::Plan;
use crate::plans::compare::{self, Mix};
use crate::plans::offers::{self, Offer};
use crate::spend::{Money, Span, Zone};

/// What the usage costs on other plans.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanCase {
    /// In words: `on Claude Max 20x`.
    pub name: String,
    /// What it costs on the plans of the config, reckoned alike; with none, per token.
    pub own: Mix,
    /// The plans of the config that run in these days, by their names.
    pub own_names: Vec<String>,
    /// What it costs on the others.
    pub on: Mix,
    /// What is assumed.
    pub assumes: Vec<String>,
    /// What it can't tell.
    pub limits: Vec<String>,
}

impl PlanCase {
    /// What the other plans change; `None` where a fee has no rate.
    pub fn difference(&self) -> Option<Money> {
        let (own, on) = (self.own.usd()?, self.on.usd()?);
        Some(Money { attos: on.attos.saturating_sub(own.attos), ..on })
    }

    /// The same in thousandths of what the plans there are cost, rounded down; `None` where that is
    /// not above zero.
    pub fn permille(&self) -> Option<i128> {
        self.difference()?.permille_of(&self.own.usd()?)
    }
}

/// Every plan that can be asked for.
pub fn all() -> &'static [Offer] {
    offers::all()
}

/// The offers of these ids, each once.
///
/// # Errors
/// In words: an id is no offer, or two offers stand in for each other, so that nobody has both.
pub fn chosen<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Vec<&'static Offer>, String> {
    let mut chosen: Vec<&'static Offer> = Vec::new();
    for id in ids.into_iter().map(str::trim) {
        let offer = offers::find(id).ok_or_else(|| words::unknown_offer(id, offers::all()))?;
        if chosen.contains(&offer) {
            continue;
        }
        if let Some(other) = chosen.iter().find(|other| other.family == offer.family) {
            return Err(words::one_family(other, offer));
        }
        chosen.push(offer);
    }
    Ok(chosen)
}

/// Reckons all usage of the days, both inclusive, on these offers; `None` where none is asked for.
/// `with_changes` tells that other changes are asked for beside them.
///
/// # Errors
/// The ledger can't be read.
pub(super) fn on_plans(
    ledger: &Ledger,
    (first_day, last_day): (NaiveDate, NaiveDate),
    zone: Zone,
    offers: Vec<&'static Offer>,
    with_changes: bool,
) -> Result<Option<PlanCase>, LedgerError> {
    if offers.is_empty() {
        return Ok(None);
    }
    let end_day = last_day.succ_opt().unwrap_or(NaiveDate::MAX).max(first_day);
    let work = ledger.work(&Span::of_days(first_day, end_day, zone), zone)?;
    let runs = |plan: &&Plan| {
        plan.first_day.is_none_or(|first| first < end_day)
            && plan.last_day.is_none_or(|last| last >= first_day)
    };
    let own: Vec<Plan> = ledger.plans().plans.iter().filter(runs).cloned().collect();
    let (days, rates) = ((first_day, end_day), ledger.rates());
    let others: Vec<Plan> = offers.iter().map(|offer| compare::plan_of(offer)).collect();
    let own_names: Vec<_> = own.iter().map(|plan| plan.name.clone()).collect();
    let begins_within = others.iter().any(|plan| plan.every.holding(first_day).0 < first_day);
    let on = Mix { paid: compare::cost(&work, &others, days, rates), offers };
    let own = Mix { paid: compare::cost(&work, &own, days, rates), offers: Vec::new() };
    Ok(Some(PlanCase {
        name: words::on_plans(&on.offers),
        assumes: words::assumes_of_plans(&on, begins_within, with_changes),
        limits: words::limits_of_plans(&on),
        own,
        own_names,
        on,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_chosen_by_their_ids_and_one_of_a_family() {
        let ids = |asked: &[&str]| {
            let chosen = chosen(asked.iter().copied())?;
            Ok::<_, String>(chosen.iter().map(|offer| offer.id.as_str()).collect::<Vec<_>>())
        };
        assert_eq!(
            ids(&["cursor-pro", " claude-pro", "cursor-pro"]),
            Ok(vec!["cursor-pro", "claude-pro"])
        );
        assert_eq!(ids(&[]), Ok(vec![]));
        let both = ids(&["claude-pro", "claude-max-20x"]).expect_err("one family");
        insta::assert_snapshot!(both, @"Claude Pro and Claude Max 20x stand in for each other, so nobody has both: ask for one at a time.");
        let unknown = ids(&["gold"]).expect_err("no offer");
        insta::assert_snapshot!(unknown, @r#""gold" is no offer this version knows; there is claude-pro, claude-max-5x, claude-max-20x, claude-team, claude-team-premium, chatgpt-plus, chatgpt-pro, cursor-pro, cursor-pro-plus, cursor-ultra, copilot-pro, copilot-pro-plus, copilot-max, copilot-business, google-ai-pro, google-ai-ultra, glm-coding-lite, glm-coding-pro, glm-coding-max."#);
    }
}
