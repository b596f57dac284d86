//! What is assumed otherwise, in words.

use crate::ledger::{Change, WhatIfRow};
use crate::plans::compare::Mix;
use crate::plans::offers::Offer;
use crate::spend::{Currency, Money};

use super::{amount_full, estimate, tokens};

/// Models that one sentence names.
const MOST_MODELS: usize = 5;

/// What is assumed where several changes are made at once.
pub const TOGETHER: &str = "The changes are made one after the other; one that has no price for some \
    requests leaves those as the others made them.";

/// Why a part of the usage is not reckoned on a plan.
pub const A_PLAN_IS_FOR_ALL: &str = "A plan is for all usage, so it is not reckoned for a part: take \
    the choice of an agent, model, folder or session back.";

/// Why a model can't stand in for all others, and what to write.
pub fn unknown_model(name: &str) -> String {
    format!(
        "No single price list has the model {name:?}. Write it as lists do, the provider before it \
         where several have it (openai/gpt-5.5), or add its price to the config: [[price]]."
    )
}

/// A word for programs.
pub fn key(change: &Change) -> &'static str {
    match change {
        Change::Model(_) => "model",
        Change::Prices(_) => "prices",
        Change::NoFast => "no-fast",
        Change::Batch => "batch",
        Change::NoCache => "no-cache",
        Change::Scale(_) => "scale",
    }
}

/// The change in a few words.
pub fn name(change: &Change) -> String {
    match change {
        Change::Model(model) => format!("all by {}", model.name()),
        Change::Prices(_) => "at the file's prices".into(),
        Change::NoFast => "without fast mode".into(),
        Change::Batch => "through batch".into(),
        Change::NoCache => "without the cache".into(),
        Change::Scale(factor) => format!("prices at {factor}"),
    }
}

/// What is taken for granted, a sentence each.
pub fn assumes(change: &Change) -> Vec<String> {
    let sentences: &[&str] = match change {
        Change::Model(_) => &[
            "Another model would not use the same tokens: its tokenizer cuts text into other \
             pieces, it thinks longer or shorter, and it takes more or fewer turns. This is the \
             price of the same counts and no forecast of a bill.",
            "Where it has no price for cached tokens they cost what its fresh input does; where it \
             has no fast, batch or flex price, its usual one counts.",
        ],
        Change::Prices(_) => {
            &["The file's prices hold whenever the request was made; models it does not name keep \
             theirs."]
        }
        Change::NoFast => &[
            "Requests in fast mode or in a priority tier cost the standard price. They would have \
             taken longer.",
        ],
        Change::Batch => &[
            "Batch answers come within 24 hours and not turn by turn: agents at work can't use it, \
             jobs that may wait can.",
        ],
        Change::NoCache => {
            &["All that was read from a cache or written to one is fresh input, in full with each \
             request."]
        }
        Change::Scale(_) => {
            &["Every price changes by the same factor, and nobody uses less for it."]
        }
    };
    sentences.iter().map(|sentence| (*sentence).to_owned()).collect()
}

/// Why there is no such offer, and which there are.
pub fn unknown_offer(id: &str, offers: &[Offer]) -> String {
    let known: Vec<_> = offers.iter().map(|offer| offer.id.as_str()).collect();
    format!("{id:?} is no offer this version knows; there is {}.", known.join(", "))
}

/// Why two offers can't be asked for at once.
pub fn one_family(one: &Offer, other: &Offer) -> String {
    format!(
        "{} and {} stand in for each other, so nobody has both: ask for one at a time.",
        one.name, other.name
    )
}

/// `on Claude Max 20x and Cursor Pro`.
pub fn on_plans(offers: &[&Offer]) -> String {
    format!("on {}", names(offers.iter().copied()))
}

fn names<'a>(offers: impl Iterator<Item = &'a Offer>) -> String {
    let names: Vec<_> = offers.map(|offer| offer.name.as_str()).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What is taken for granted of other plans. `begins_within` for days that begin within a period
/// of a fee.
pub fn assumes_of_plans(on: &Mix, begins_within: bool, with_changes: bool) -> Vec<String> {
    let mut said = vec![
        "Both figures are reckoned from fees and list prices, without bills and discounts. A fee counts by \
         the day, and what no plan covers counts at list price."
            .to_owned(),
    ];
    let assumed = names(on.assumed());
    if !assumed.is_empty() {
        said.push(format!(
            "The limits of {assumed} are not stated in tokens or money: that they would have held \
             all of this usage is assumed."
        ));
    }
    if begins_within && on.offers.iter().any(|offer| offer.included.is_some()) {
        said.push(
            "What a plan includes per month is taken to be whole on the first of these days."
                .to_owned(),
        );
    }
    if with_changes {
        said.push("It is the usage as it was, without the other changes.".to_owned());
    }
    said
}

/// What of the usage other plans leave at list price.
pub fn limits_of_plans(on: &Mix) -> Vec<String> {
    let about = |attos| estimate(true, amount_full(&Money { attos, currency: Currency::USD }));
    let mut said = Vec::new();
    if on.paid.metered > 0 {
        let verb = if on.offers.len() == 1 { "It covers" } else { "They cover" };
        said.push(format!(
            "{verb} not all of the usage: {} is at list price.",
            about(on.paid.metered)
        ));
    }
    if on.paid.overage > 0 {
        said.push(format!("{} is list price beyond what is included.", about(on.paid.overage)));
    }
    said
}

/// What the case at `place` can't tell, with tokens and models.
pub fn limits(rows: &[WhatIfRow], place: usize) -> Vec<String> {
    let of = |count: &dyn Fn(&WhatIfRow) -> u64| {
        let models: Vec<(&str, u64)> = rows
            .iter()
            .map(|row| (row.model.as_deref().unwrap_or("unnamed model"), count(row)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let sum = models.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        (models.len() as u64, sum, named(&models))
    };
    let effect = |row: &WhatIfRow| row.effects.get(place).copied().unwrap_or_default();
    let mut limits = Vec::new();
    let (count, sum, models) = of(&|row| effect(row).unmet_tokens);
    if count > 0 {
        let sum = tokens(sum);
        limits
            .push(format!("No such price is known for {sum} tokens, left as they were: {models}."));
    }
    let (count, sum, models) = of(&|row| effect(row).may_be_more_tokens);
    if count > 0 {
        let sum = tokens(sum);
        limits.push(format!(
            "Long prompts cost more there, and how long each was is not kept: of {sum} tokens some \
             may cost more than said ({models})."
        ));
    }
    for row in rows {
        if let Some((count, money)) = effect(row).new {
            let name = row.model.as_deref().unwrap_or("an unnamed model");
            limits.push(format!(
                "{name} has no list price now; its {} tokens would cost {}, in no other figure.",
                tokens(count),
                estimate(true, amount_full(&money))
            ));
        }
    }
    limits
}

fn named(models: &[(&str, u64)]) -> String {
    let first: Vec<_> = models
        .iter()
        .take(MOST_MODELS)
        .map(|(name, count)| format!("{name} {}", tokens(*count)))
        .collect();
    let rest = models.len().saturating_sub(MOST_MODELS);
    let more = if rest > 0 { format!(" and {rest} more models") } else { String::new() };
    first.join(", ") + &more
}
