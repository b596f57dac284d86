//! `messages.jsonl`: each answer of the model, with its usage in newer versions.

use std::path::Path;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::scan::lines::Filter;
use super::super::scan::{Findings, Format, Shape};
use super::super::wire::{Count, Text, cause, count, filled, stated_cost, text_or_nothing};
use super::{Counts, begun_at, group, instant, session_name};
use crate::spend::{EventKey, Funding, Speed, Usage};

/// `messages.jsonl`.
pub struct Answers;

impl Format for Answers {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> =
            LazyLock::new(|| Filter::Holding(Box::new(Finder::new("\"usage\""))));
        Shape::Lines(&FILTER)
    }

    fn line(&self, file: &Path, (): &mut (), line: &[u8], found: &mut Findings) {
        let row: Answer<'_> = match serde_json::from_slice(line) {
            Ok(row) => row,
            Err(error) => {
                return found.problem(format!("not a readable message: {}", cause(&error)));
            }
        };
        if row.role.as_deref() != Some("assistant") {
            return found.skip("not an answer of the model");
        }
        let Some(usage) = row.usage else { return found.skip("an answer without usage") };
        let usage: UsageRow = match serde_json::from_str(usage.get()) {
            Ok(usage) => usage,
            Err(error) => return found.problem(format!("not a readable usage: {}", cause(&error))),
        };
        let counts = Counts {
            prompt: count(usage.prompt_tokens),
            cached: count(usage.cached_tokens),
            completion: count(usage.completion_tokens),
        };
        let tokens = counts.tokens();
        if tokens.is_zero() {
            return found.skip("no tokens in it");
        }
        let session = session_name(file);
        let begun = begun_at(&session);
        let at = instant(&row.timestamp);
        if at.zip(begun).is_some_and(|(at, begun)| at < begun) {
            return found.skip("copied from the session that this one was forked from");
        }
        let Some(at) = at.or(begun) else {
            return found.problem("a request without a readable time");
        };
        let cost = row.cost.map_or(Ok(None), |cost| stated_cost(cost, "cost"));
        let stated_cost = cost.unwrap_or_else(|what| {
            found.problem(what);
            None
        });
        let bytes = counts.bytes();
        let member: [&[u8]; 3] = [
            filled(&row.message_id).unwrap_or_default().as_bytes(),
            &at.timestamp_millis().to_le_bytes(),
            bytes.as_flattened(),
        ];
        let usage = Usage {
            key: EventKey::original(&group(&session), &member),
            at,
            provider: None,
            model: filled(&row.model).map(|model| found.share(model.trim())),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost,
            project: None,
            session: Some(found.share(&session)),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(usage);
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    role: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    message_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct UsageRow {
    prompt_tokens: Option<Count>,
    completion_tokens: Option<Count>,
    cached_tokens: Option<Count>,
}
