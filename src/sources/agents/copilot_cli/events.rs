//! `events.jsonl` of a session: sums per model where a run ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::super::copilot::{Inclusive, PROVIDER, Store, key};
use super::super::scan::lines::Filter;
use super::super::scan::{Findings, Format, Shape};
use super::super::wire::{Count, Text, cause, count, filled, text_or_nothing, time};
use crate::spend::{Funding, Speed, Usage};

pub struct Legs;

/// What earlier lines of the session said.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Session {
    id: Option<String>,
    folder: Option<String>,
    /// The last sums of each model.
    sums: BTreeMap<String, Sums>,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
struct Sums {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

impl Format for Legs {
    type State = Session;

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> =
            LazyLock::new(|| Filter::Holding(Box::new(Finder::new("\"session."))));
        Shape::Lines(&FILTER)
    }

    fn line(&self, file: &Path, session: &mut Session, line: &[u8], found: &mut Findings) {
        let event: Event<'_> = match serde_json::from_slice(line) {
            Ok(event) => event,
            Err(error) => {
                // A text that merely quotes the name of an event is none of our business.
                if !is_other(line) {
                    found.problem(format!("not a readable line: {}", cause(&error)));
                }
                return;
            }
        };
        match event.kind.as_deref() {
            Some("session.start" | "session.resume") => {
                let data = event.data.unwrap_or_default();
                if session.id.is_none() {
                    session.id = filled(&data.session_id).map(str::to_owned);
                }
                let folder = data.context.as_ref().and_then(|context| filled(&context.cwd));
                session.folder = folder.map(str::to_owned).or(session.folder.take());
            }
            Some("session.shutdown") => session.shutdown(file, &event, found),
            _ => {}
        }
    }
}

impl Session {
    fn shutdown(&mut self, file: &Path, event: &Event<'_>, found: &mut Findings) {
        let Some(models) = event.data.as_ref().and_then(|data| data.model_metrics.as_ref()) else {
            return found.skip("the end of a run without sums");
        };
        let written = event.timestamp.as_deref().unwrap_or_default();
        let Some(at) = time(written) else {
            return found.problem("the end of a run without a readable time");
        };
        let folder = file.parent().and_then(Path::file_name);
        let folder = folder.map(|name| name.to_string_lossy().into_owned());
        let id = self.id.clone().or(folder).unwrap_or_default();
        for (model, metrics) in models {
            let Some(usage) = &metrics.usage else { continue };
            let sums = usage.sums();
            let before = self.sums.insert(model.to_string(), sums).unwrap_or_default();
            let tokens = sums.since(&before).disjoint();
            if tokens.is_zero() {
                found.skip("the sums did not grow");
                continue;
            }
            let end = [sums.input, sums.output].map(u64::to_le_bytes);
            let member: [&[u8]; 4] =
                [b"leg", model.as_bytes(), written.as_bytes(), end.as_flattened()];
            let usage = Usage {
                key: key(Store::Summaries, &id, &member),
                at,
                provider: Some(found.share(PROVIDER)),
                model: Some(model.trim()).filter(|m| !m.is_empty()).map(|m| found.share(m)),
                tokens,
                speed: Speed::Standard,
                web_searches: 0,
                stated_cost: None,
                project: self.folder.as_deref().map(|folder| found.share(folder)),
                session: Some(found.share(&id)),
                funding: Funding::Unknown,
                is_sum: true,
            };
            found.count(usage);
        }
    }
}

impl Sums {
    /// What was added since `before`; sums that fell began anew.
    fn since(&self, before: &Self) -> Inclusive {
        let began_anew = self.input < before.input || self.output < before.output;
        let before = if began_anew { Self::default() } else { *before };
        Inclusive {
            input: self.input - before.input,
            cache_read: self.cache_read.saturating_sub(before.cache_read),
            cache_write: self.cache_write.saturating_sub(before.cache_write),
            output: self.output - before.output,
            reasoning: self.reasoning.saturating_sub(before.reasoning),
        }
    }
}

/// Whether a line is an event of another kind.
fn is_other(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type", deserialize_with = "text_or_nothing", default)]
        kind: Option<Text<'a>>,
    }
    serde_json::from_slice::<Kind<'_>>(line).is_ok_and(|event| {
        !matches!(
            event.kind.as_deref(),
            Some("session.start" | "session.resume" | "session.shutdown")
        )
    })
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow, deserialize_with = "text_or_nothing", default)]
    session_id: Option<Text<'a>>,
    #[serde(borrow)]
    context: Option<Context<'a>>,
    #[serde(borrow)]
    model_metrics: Option<BTreeMap<ModelName<'a>, Metrics>>,
}

#[derive(Deserialize)]
struct Context<'a> {
    #[serde(borrow, deserialize_with = "text_or_nothing", default)]
    cwd: Option<Text<'a>>,
}

type ModelName<'a> = std::borrow::Cow<'a, str>;

#[derive(Deserialize)]
struct Metrics {
    usage: Option<ModelUsage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelUsage {
    input_tokens: Option<Count>,
    cache_read_tokens: Option<Count>,
    cache_write_tokens: Option<Count>,
    output_tokens: Option<Count>,
    reasoning_tokens: Option<Count>,
}

impl ModelUsage {
    fn sums(&self) -> Sums {
        Sums {
            input: count(self.input_tokens),
            cache_read: count(self.cache_read_tokens),
            cache_write: count(self.cache_write_tokens),
            output: count(self.output_tokens),
            reasoning: count(self.reasoning_tokens),
        }
    }
}
