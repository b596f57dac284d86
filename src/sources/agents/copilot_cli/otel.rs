//! OpenTelemetry records in JSON lines.

use std::path::Path;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;
use serde::Deserialize;

use super::super::copilot::{Inclusive, PROVIDER, Store, dollars, key};
use super::super::scan::lines::Filter;
use super::super::scan::{Findings, Format, Shape};
use super::super::wire::{Count, Text, cause, count, filled, text_or_nothing};
use crate::spend::{Funding, Speed, Usage};

pub struct Records;

impl Format for Records {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        // Metrics have `gen_ai.client.token.usage` instead.
        static FILTER: LazyLock<Filter> =
            LazyLock::new(|| Filter::Holding(Box::new(Finder::new("\"gen_ai.usage."))));
        Shape::Lines(&FILTER)
    }

    fn lines_stand_alone(&self) -> bool {
        true
    }

    fn line(&self, _file: &Path, (): &mut (), line: &[u8], found: &mut Findings) {
        let record: Record<'_> = match serde_json::from_slice(line) {
            Ok(record) => record,
            Err(error) => {
                return found.problem(format!("not a readable line: {}", cause(&error)));
            }
        };
        let attributes = &record.attributes;
        let is_chat = match attributes.operation.as_deref() {
            Some(operation) => operation == "chat",
            // A span's name is its operation and the model.
            None => record.name.as_deref().is_some_and(|name| name.starts_with("chat ")),
        };
        let is_request = is_chat || attributes.event.as_deref() == Some(INFERENCE);
        if !is_request {
            return found.skip("repeats what the requests of its trace say");
        }
        let Some(at) = record.time() else {
            return found.problem("a request without a readable time");
        };
        let (Some(trace), Some(span)) = (filled(&record.trace_id), filled(&record.span_id)) else {
            return found.problem("a request without a trace and a span");
        };
        let tokens = attributes.counts().disjoint();
        if tokens.is_zero() {
            return found.skip("no tokens in it");
        }
        let session = filled(&attributes.chat_session).or(filled(&attributes.conversation));
        let model = filled(&attributes.response_model).or(filled(&attributes.request_model));
        let usage = Usage {
            key: key(Store::Traces, session.unwrap_or(trace), &[trace.as_bytes(), span.as_bytes()]),
            at,
            provider: Some(found.share(PROVIDER)),
            model: model.map(|model| found.share(model.trim())),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: dollars(count(attributes.nano_units)),
            project: None,
            session: session.map(|session| found.share(session)),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(usage);
    }
}

const INFERENCE: &str = "gen_ai.client.inference.operation.details";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    trace_id: Option<Text<'a>>,
    #[serde(borrow)]
    span_id: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "text_or_nothing", default)]
    name: Option<Text<'a>>,
    end_time: Option<(i64, u32)>,
    hr_time: Option<(i64, u32)>,
    #[serde(borrow)]
    attributes: Attributes<'a>,
}

/// Named by the conventions of OpenTelemetry for generative AI
/// (<https://opentelemetry.io/docs/specs/semconv/gen-ai/>), and Copilot's own.
#[derive(Deserialize)]
struct Attributes<'a> {
    #[serde(borrow, rename = "gen_ai.operation.name")]
    operation: Option<Text<'a>>,
    #[serde(borrow, rename = "event.name")]
    event: Option<Text<'a>>,
    #[serde(borrow, rename = "gen_ai.response.model")]
    response_model: Option<Text<'a>>,
    #[serde(borrow, rename = "gen_ai.request.model")]
    request_model: Option<Text<'a>>,
    #[serde(borrow, rename = "copilot_chat.chat_session_id")]
    chat_session: Option<Text<'a>>,
    #[serde(borrow, rename = "gen_ai.conversation.id")]
    conversation: Option<Text<'a>>,
    #[serde(rename = "gen_ai.usage.input_tokens")]
    input: Option<Count>,
    #[serde(rename = "gen_ai.usage.cache_read.input_tokens")]
    cache_read: Option<Count>,
    #[serde(rename = "gen_ai.usage.cache_write.input_tokens")]
    cache_write: Option<Count>,
    #[serde(rename = "gen_ai.usage.cache_creation.input_tokens")]
    cache_creation: Option<Count>,
    #[serde(rename = "gen_ai.usage.output_tokens")]
    output: Option<Count>,
    #[serde(rename = "gen_ai.usage.reasoning.output_tokens")]
    reasoning: Option<Count>,
    #[serde(rename = "github.copilot.nano_aiu")]
    nano_units: Option<Count>,
}

impl Record<'_> {
    /// Seconds and nanoseconds since 1970: when the span ended, or the log was written.
    fn time(&self) -> Option<DateTime<Utc>> {
        let (seconds, nanos) = self.end_time.or(self.hr_time)?;
        DateTime::from_timestamp(seconds, nanos)
    }
}

impl Attributes<'_> {
    fn counts(&self) -> Inclusive {
        Inclusive {
            input: count(self.input),
            cache_read: count(self.cache_read),
            cache_write: count(self.cache_write.or(self.cache_creation)),
            output: count(self.output),
            reasoning: count(self.reasoning),
        }
    }
}
