//! Kimi CLI.
//!
//! # Where
//! `$KIMI_SHARE_DIR`, else `~/.kimi`; in it `sessions/<hash of the folder>/<session>/wire.jsonl` and
//! `…/subagents/<agent>/wire.jsonl`. `[agents.kimi-cli] roots = [...]` in the config replaces the
//! home.
//!
//! # What counts
//! One message per line. A `StatusUpdate` with `token_usage` is a request; its four counts are
//! disjoint (MoonshotAI/kimi-cli, src/kimi_cli/wire/types.py). The rules, each with a fixture in
//! `tests/fixtures/agents/kimi-cli`:
//!
//! 1. The parent's log repeats what its subagents send, wrapped in a `SubagentEvent`, and the
//!    subagent's own log has it too (src/kimi_cli/subagents/runner.py): both have the subagent's
//!    name in their key. Old versions kept only the wrapped one.
//! 2. The key is subagent + `message_id` + prompt. It leaves the session out, because a fork copies
//!    the parent's lines (src/kimi_cli/session_fork.py), and takes the prompt in, because local
//!    servers give the same few ids again and again. What grows while it is told is one request
//!    at its largest.
//! 3. A `StatusUpdate` without `token_usage` tells how full the context is.
//! 4. No line names the model, and the configuration only today's default: requests stay
//!    unattributed.

use std::path::Path;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind, whole_tree};
use super::homes::named_by;
use super::scan::lines::Filter;
use super::scan::{Findings, Format, Shape};
use super::wire::{Count, Text, cause, count, filled, instant, text_or_nothing};
use crate::sources::{SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, EventKey, Funding, Speed, TokenCounts, Usage};

/// Kimi CLI.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "kimi-cli",
        name: "Kimi CLI",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by session",
        reads: "wire logs of sessions and subagents (JSONL)",
        limits: "models, and so prices, are not told; compactions leave no tokens; no projects",
    },
    homes: |places| vec![named_by(places, "KIMI_SHARE_DIR", || places.home.join(".kimi"))],
    inside: |home| vec![home.join("sessions")],
    kinds: &[FileKind { is_log: is_wire, deepest: DEEPEST, format: &Lines }],
    watch: whole_tree,
};

/// `<folder>/<session>/subagents/<agent>/`.
const DEEPEST: usize = 4;

/// Subagents may tell of subagents; a bound, because a line can nest anything.
const MOST_WRAPPERS: usize = 8;

fn is_wire(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "wire.jsonl")
}

struct Lines;

impl Format for Lines {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> =
            LazyLock::new(|| Filter::Holding(Box::new(Finder::new("\"token_usage\""))));
        Shape::Lines(&FILTER)
    }

    fn lines_stand_alone(&self) -> bool {
        true
    }

    fn line(&self, file: &Path, (): &mut (), line: &[u8], found: &mut Findings) {
        let read = serde_json::from_slice(line).and_then(|row: Row<'_>| Ok((row.status()?, row)));
        let (inner, row) = match read {
            Ok(read) => read,
            Err(error) => {
                return found.problem(format!("not a readable line: {}", cause(&error)));
            }
        };
        let Some((agent, status)) = inner else {
            return found.skip("not the end of a request");
        };
        let Some(usage) = &status.token_usage else {
            return found.skip("tells the context, no tokens");
        };
        let tokens = TokenCounts {
            input: count(usage.input_other),
            cache_read: count(usage.input_cache_read),
            cache_write_5m: count(usage.input_cache_creation),
            output: count(usage.output),
            ..TokenCounts::default()
        };
        if tokens.is_zero() {
            return found.skip("no tokens in it");
        }
        let Some(at) = row.timestamp.and_then(instant) else {
            return found.problem("a request without a readable time");
        };
        let place = Place::of(file);
        let agent = agent.as_deref().unwrap_or(place.agent);
        let request = Usage {
            key: key(agent, &status, &tokens, at),
            at,
            provider: None,
            model: None,
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: None,
            session: Some(place.session).filter(|id| !id.is_empty()).map(|id| found.share(id)),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(request);
    }
}

/// Whose log a file is, as its folders tell.
#[derive(Default)]
struct Place<'a> {
    session: &'a str,
    /// Empty for the session's own agent.
    agent: &'a str,
}

impl<'a> Place<'a> {
    fn of(file: &'a Path) -> Self {
        let mut above = file
            .ancestors()
            .skip(1)
            .map(|folder| folder.file_name().and_then(|name| name.to_str()).unwrap_or_default());
        let own = above.next().unwrap_or_default();
        match above.next() {
            Some("subagents") => Self { session: above.next().unwrap_or_default(), agent: own },
            _ => Self { session: own, agent: "" },
        }
    }
}

fn key(
    agent: &str,
    status: &Status<'_>,
    tokens: &TokenCounts,
    at: chrono::DateTime<chrono::Utc>,
) -> EventKey {
    let prompt = [tokens.input, tokens.cache_read, tokens.cache_write_5m].map(u64::to_le_bytes);
    let (agent, prompt) = (agent.as_bytes(), prompt.as_flattened());
    match filled(&status.message_id) {
        Some(id) => EventKey::original(&[b"kimi-cli", agent, id.as_bytes(), prompt], &[]),
        None => {
            let time = at.timestamp_micros().to_le_bytes();
            EventKey::original(&[b"kimi-cli line", agent, &time, prompt], &[])
        }
    }
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<Envelope<'a>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, rename = "type", deserialize_with = "text_or_nothing")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    message_id: Option<Text<'a>>,
    token_usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Wrapper<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    agent_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    parent_tool_call_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    task_tool_call_id: Option<Text<'a>>,
    #[serde(borrow)]
    event: Option<Envelope<'a>>,
}

#[derive(Deserialize)]
struct Counts {
    input_other: Option<Count>,
    input_cache_read: Option<Count>,
    input_cache_creation: Option<Count>,
    output: Option<Count>,
}

impl<'a> Row<'a> {
    /// The status that the line holds, and the subagent that it is of when it is wrapped.
    fn status(&self) -> serde_json::Result<Option<(Option<Text<'a>>, Status<'a>)>> {
        let mut agent = None;
        let Some(message) = &self.message else { return Ok(None) };
        let (mut kind, mut payload) = (message.kind.clone(), message.payload);
        for _ in 0..MOST_WRAPPERS {
            let Some(text) = payload.map(RawValue::get) else { return Ok(None) };
            match kind.as_deref() {
                Some("StatusUpdate") => return Ok(Some((agent, serde_json::from_str(text)?))),
                Some("SubagentEvent") => {
                    let wrapper: Wrapper<'a> = serde_json::from_str(text)?;
                    let Some(event) = wrapper.event else { return Ok(None) };
                    let name = wrapper.agent_id.or(wrapper.parent_tool_call_id);
                    agent = name.or(wrapper.task_tool_call_id);
                    (kind, payload) = (event.kind, event.payload);
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}
