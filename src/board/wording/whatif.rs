//! What is assumed otherwise, in words.

use crate::ledger::{Change, WhatIfRow};

use super::{amount_full, estimate, tokens};

/// Models that one sentence names.
const MOST_MODELS: usize = 5;

/// What is assumed where several changes are made at once.
pub const TOGETHER: &str = "The changes are made one after the other; one that has no price for some \
    requests leaves those as the others made them.";

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
