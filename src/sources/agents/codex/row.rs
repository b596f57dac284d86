//! One line of a rollout: which lines matter, and their fields.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use memchr::memchr;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use super::counter::Vector;
use crate::sources::agents::wire::{Count, Text, count, filled, text_or_nothing, time};
use crate::spend::{Funding, Speed};

/// Whether a line has to be parsed. Nearly all bytes of a rollout are tool output and messages;
/// the writers put time and type first, which tells those within some 80 bytes. A line that
/// starts otherwise is searched for the names of the records that matter.
pub fn is_wanted(line: &[u8]) -> bool {
    match kinds(line) {
        Some((b"session_meta" | b"turn_context", _)) => true,
        Some((b"event_msg", Some(kind))) => is_wanted_event(kind),
        Some((b"event_msg", None)) | None => holds_a_wanted_name(line),
        Some(_) => false,
    }
}

fn is_wanted_event(kind: &[u8]) -> bool {
    matches!(
        kind,
        b"token_count"
            | b"task_started"
            | b"task_complete"
            | b"turn_aborted"
            | b"thread_settings_applied"
    )
}

/// The line's type and its payload's, if they stand at its start as the writers put them.
fn kinds(line: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let (_time, mut rest) = text_up_to_quote(line.strip_prefix(br#"{"timestamp":""#)?)?;
    if let Some(numbered) = rest.strip_prefix(br#","ordinal":"#) {
        let digits = numbered.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = &numbered[digits..];
    }
    let (kind, rest) = text_up_to_quote(rest.strip_prefix(br#","type":""#)?)?;
    let payload = rest.strip_prefix(br#","payload":{"type":""#).and_then(text_up_to_quote);
    Some((kind, payload.map(|(kind, _)| kind)))
}

fn text_up_to_quote(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b'"', &rest[..rest.len().min(64)])?;
    Some((&rest[..end], &rest[end + 1..]))
}

fn holds_a_wanted_name(line: &[u8]) -> bool {
    static NAMES: LazyLock<[Finder<'static>; 7]> = LazyLock::new(|| {
        [
            "token_count",
            "session_meta",
            "turn_context",
            "task_started",
            "task_complete",
            "turn_aborted",
            "thread_settings_applied",
        ]
        .map(Finder::new)
    });
    NAMES.iter().any(|name| name.find(line).is_some())
}

/// A line of a rollout.
#[derive(Deserialize)]
pub struct Row<'a> {
    /// When it was written; in a fork the copied lines carry the time of the fork.
    #[serde(borrow)]
    pub timestamp: Option<Text<'a>>,
    /// `session_meta`, `turn_context`, `event_msg`, ...
    #[serde(borrow, rename = "type")]
    pub kind: Option<Text<'a>>,
    /// The number of the line, in files that have them.
    pub ordinal: Option<Count>,
    /// The record itself.
    #[serde(borrow)]
    pub payload: Option<Payload<'a>>,
}

/// The fields of all records that matter, as far as they matter.
#[derive(Deserialize)]
pub struct Payload<'a> {
    /// `event_msg`: which event.
    #[serde(borrow, rename = "type", default, deserialize_with = "text_or_nothing")]
    pub kind: Option<Text<'a>>,
    /// `session_meta`: the thread's own id.
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub id: Option<Text<'a>>,
    /// `session_meta`: in subagents the parent's id.
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub session_id: Option<Text<'a>>,
    /// `session_meta`: when the thread was made.
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub timestamp: Option<Text<'a>>,
    /// `session_meta`: the thread that this one was forked from.
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub forked_from_id: Option<Text<'a>>,
    /// `session_meta`: the thread that started this subagent; older builds name it in `source`.
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    parent_thread_id: Option<Text<'a>>,
    /// `session_meta`: a text, or an object in subagents.
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    /// `session_meta`: the number of the first line that is the subagent's own.
    #[serde(borrow)]
    subagent_history_start_ordinal: Option<&'a RawValue>,
    /// `session_meta`: where the history lies that this file does not repeat.
    #[serde(borrow)]
    pub history_base: Option<HistoryBaseRow<'a>>,
    /// `session_meta`, `turn_context`: working folder.
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub cwd: Option<Text<'a>>,
    /// `turn_context`; rarely on the event.
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub model: Option<Text<'a>>,
    /// `token_count`: the counters; null in rows that carry rate limits only.
    #[serde(borrow)]
    pub info: Option<Info<'a>>,
    /// `token_count`: the plan's limits.
    #[serde(borrow)]
    pub rate_limits: Option<RateLimits<'a>>,
    /// `task_started`: a UUID of version 7 in current builds, minted when the turn first ran.
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub turn_id: Option<Text<'a>>,
    /// `task_started`: seconds since 1970, also as RFC 3339.
    #[serde(borrow)]
    started_at: Option<&'a RawValue>,
    /// `thread_settings_applied`.
    #[serde(borrow)]
    thread_settings: Option<ThreadSettings<'a>>,
}

/// `history_base`: a position in another rollout.
#[derive(Deserialize)]
pub struct HistoryBaseRow<'a> {
    /// The thread whose rollout holds the history.
    #[serde(borrow)]
    pub thread_id: Option<Text<'a>>,
    /// Bytes of that rollout that belong to this thread's history.
    pub end_byte_offset: Option<Count>,
}

/// The counters of a `token_count`.
#[derive(Deserialize)]
pub struct Info<'a> {
    /// Running total of the session.
    pub total_token_usage: Option<UsageRow>,
    /// The last request.
    pub last_token_usage: Option<UsageRow>,
    /// Rarely: the model.
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub model: Option<Text<'a>>,
}

/// Token counts as logged.
#[derive(Deserialize)]
pub struct UsageRow {
    input_tokens: Option<Count>,
    cached_input_tokens: Option<Count>,
    cache_read_input_tokens: Option<Count>,
    cache_write_input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    reasoning_output_tokens: Option<Count>,
}

/// The limits of a ChatGPT plan.
#[derive(Deserialize)]
pub struct RateLimits<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    plan_type: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct SourceRow<'a> {
    #[serde(borrow)]
    subagent: SubagentRow<'a>,
}

#[derive(Deserialize)]
struct SubagentRow<'a> {
    #[serde(borrow)]
    thread_spawn: ThreadSpawnRow<'a>,
}

#[derive(Deserialize)]
struct ThreadSpawnRow<'a> {
    #[serde(borrow)]
    parent_thread_id: Text<'a>,
}

#[derive(Deserialize)]
struct ThreadSettings<'a> {
    /// Absent says nothing, null says the plain tier.
    #[serde(borrow, default, deserialize_with = "stated")]
    service_tier: Option<Option<Text<'a>>>,
}

impl<'a> Payload<'a> {
    /// The thread that started this one as its subagent.
    pub fn spawned_by(&self) -> Option<Text<'a>> {
        let named = self.parent_thread_id.clone().filter(|id| !id.trim().is_empty());
        named.or_else(|| {
            // Other kinds of source have other shapes.
            let source = serde_json::from_str::<SourceRow<'a>>(self.source?.get()).ok()?;
            let id = source.subagent.thread_spawn.parent_thread_id;
            Some(id).filter(|id| !id.trim().is_empty())
        })
    }

    /// When the thread was made, `row` being the line itself.
    pub fn born(&self, row: &Row<'_>) -> Option<DateTime<Utc>> {
        self.timestamp.as_deref().or(row.timestamp.as_deref()).and_then(time)
    }

    /// The number of the first line that is not copied.
    pub fn own_from(&self) -> Option<u64> {
        self.subagent_history_start_ordinal?.get().parse().ok()
    }

    /// When the turn started, in seconds since 1970, as it says or as its id tells.
    pub fn started_at(&self) -> Option<i64> {
        let stated = |text: &str| match text.strip_prefix('"') {
            Some(quoted) => Some(time(quoted.trim_end_matches('"'))?.timestamp()),
            None => text.parse().ok(),
        };
        let stated = self.started_at.and_then(|text| stated(text.get()));
        stated.or_else(|| minted_at(filled(&self.turn_id)?))
    }

    /// The tier that the thread's settings name, if they name one.
    pub fn speed(&self) -> Option<Speed> {
        let tier = self.thread_settings.as_ref()?.service_tier.as_ref()?;
        Some(match tier.as_deref() {
            Some("priority" | "fast") => Speed::Fast,
            Some("flex") => Speed::Flex,
            Some("batch") => Speed::Batch,
            _ => Speed::Standard,
        })
    }

    /// A plan's name in the rate limits says that the plan covers the request.
    pub fn funding(&self) -> Funding {
        match self.rate_limits.as_ref().and_then(|limits| filled(&limits.plan_type)) {
            Some(_) => Funding::Subscription,
            None => Funding::Unknown,
        }
    }
}

impl UsageRow {
    /// As a vector that can be compared and subtracted.
    pub fn vector(&self) -> Vector {
        Vector([
            count(self.input_tokens),
            count(self.cached_input_tokens.or(self.cache_read_input_tokens)),
            count(self.cache_write_input_tokens),
            count(self.output_tokens),
            count(self.reasoning_output_tokens),
        ])
    }
}

/// The second in which a UUID of version 7 was minted (RFC 9562, 5.7: milliseconds in the first
/// 48 bits).
fn minted_at(id: &str) -> Option<i64> {
    let digits: String = id.chars().filter(|c| *c != '-').collect();
    if digits.len() != 32 || digits.as_bytes().get(12) != Some(&b'7') {
        return None;
    }
    Some(i64::from_str_radix(digits.get(..12)?, 16).ok()? / 1000)
}

fn stated<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Text<'a>>>, D::Error> {
    Option::<Text<'a>>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_by_their_start_and_else_by_their_content() {
        let t = r#"{"timestamp":"2026-03-02T09:00:00.000Z","#;
        for (line, wanted) in [
            (
                format!(
                    r#"{t}"type":"event_msg","payload":{{"type":"token_count","info":null}}}}"#
                ),
                true,
            ),
            (format!(r#"{t}"ordinal":12,"type":"turn_context","payload":{{}}}}"#), true),
            (
                format!(r#"{t}"type":"event_msg","payload":{{"info":1,"type":"token_count"}}}}"#),
                true,
            ),
            (format!(r#"{t}"type":"event_msg","payload":{{"type":"agent_message"}}}}"#), false),
            (format!(r#"{t}"type":"response_item","payload":{{"text":"token_count"}}}}"#), false),
            (format!(r#"{t}"type":"token_usage_record","payload":{{}}}}"#), false),
            (r#"{"type": "event_msg", "payload": {"type": "token_count"}}"#.to_owned(), true),
            (r#"{"type": "response_item"}"#.to_owned(), false),
        ] {
            assert_eq!(is_wanted(line.as_bytes()), wanted, "{line}");
        }
    }

    #[test]
    fn fields_of_other_shapes_do_not_spoil_a_row() {
        let row: Row = serde_json::from_str(
            r#"{"type":"event_msg","payload":{"type":"task_started","id":7,"model":{"a":1},"started_at":1772442302}}"#,
        )
        .unwrap();
        let payload = row.payload.unwrap();
        assert_eq!((filled(&payload.id), filled(&payload.model)), (None, None));
        assert_eq!(payload.started_at(), Some(1_772_442_302));
    }

    #[test]
    fn a_version_7_id_tells_when_it_was_minted() {
        // RFC 9562, A.6: 2022-02-22 14:22:22 -0500 is 1645557742 s.
        assert_eq!(minted_at("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), Some(1_645_557_742));
        assert_eq!(minted_at("t-own-1"), None);
        assert_eq!(minted_at("919108f7-52d1-4320-9bac-f847db4148a8"), None);
    }
}
