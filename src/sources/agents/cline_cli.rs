//! Cline's command line, and its extensions since they are built on the same SDK.
//!
//! # Where
//! `$CLINE_SESSION_DATA_DIR`, else `${CLINE_DATA_DIR:-${CLINE_DIR:-~/.cline}/data}/sessions`. A
//! session is a folder with `<session>.json` (folder, model, sums) and `<session>.messages.json`;
//! subagents and teammates have `*.messages.json` of their own beside it. The files are written
//! anew each time.
//!
//! # What counts
//! `messages[]` of `role: "assistant"` with `metrics`. The rules, each with a fixture in
//! `tests/fixtures/agents/cline-cli`:
//!
//! 1. `metrics.inputTokens` is the whole prompt, both caches included. One that is smaller than the
//!    caches can't be, and is fresh input.
//! 2. A session that starts from another one's messages (a fork, a restored checkpoint) holds
//!    copies with their ids and times. So the key is id and time, without the session.
//! 3. Compaction takes `metrics` from the messages that it keeps and sums them up in the summary's
//!    `metadata.usageBefore`. They counted while they were there.
//! 4. A task of the old extension that is taken up again comes as a session whose last old message
//!    holds the sum of the task, followed by a warning. The task's own file tells that.
//! 5. Only if no message tells its counts and none was compacted, `metadata.usage` of the
//!    session's file counts, once the session has ended. `metadata.aggregateUsage` never does: it
//!    adds the subagents, whose messages are read themselves.
//! 6. A cost of 0 says nothing.
//! 7. What was made through another agent (`claude-code` and the like) its own log has.
//!
//! Sources: `sdk/packages/shared/src/llms/messages.ts`, `sdk/packages/core/src/services/
//! session-artifacts.ts` and `extensions/context/basic-compaction.ts`,
//! `sdk/packages/llms/src/providers/ai-sdk.ts`, `apps/vscode/src/sdk/{message-translator,
//! legacy-task-handling}.ts` of github.com/cline/cline; the session's file as described in
//! `docs/providers/cline-cli.md` of github.com/getagentseal/codeburn.

use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind, itself, whole_tree};
use super::cline_tasks::data_folder;
use super::cline_tasks::route::Route;
use super::homes::named_by;
use super::scan::{Findings, Format, Position, Shape};
use super::wire::{Count, Text, cause, count, filled, instant, stated_cost, text_or_nothing};
use crate::sources::{SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, EventKey, Funding, Mark, Money, Speed, TokenCounts, Usage};

/// Cline's command line.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "cline-cli",
        name: "Cline CLI",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model, project and session; its own estimate of the cost",
        reads: "sessions of the command line and of SDK-based extensions (JSON)",
        limits: "requests compacted before the first look are missing",
    },
    homes: |places| {
        vec![named_by(places, "CLINE_SESSION_DATA_DIR", || data_folder(places).join("sessions"))]
    },
    inside: itself,
    kinds: &[FileKind { is_log: is_messages, deepest: 1, format: &Sessions }],
    watch: whole_tree,
};

fn is_messages(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(b".messages.json"))
}

/// The session's file holds a few fields.
const SESSION_BYTES: u64 = 1024 * 1024;

/// The user's message that follows what was taken over from a task of the old extension.
const TAKEN_OVER: &[u8] = b"Warning: this is a legacy conversation, which means tool names";

struct Sessions;

/// The size of the session's file while nothing but its sums may count.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Waiting(Option<u64>);

impl Format for Sessions {
    type State = Waiting;

    fn shape(&self) -> Shape<'_> {
        Shape::Document
    }

    fn document(&self, file: &Path, state: &mut Waiting, text: &[u8], found: &mut Findings) {
        let document: Document<'_> = match serde_json::from_slice(text) {
            Ok(document) => document,
            Err(error) => {
                return found.problem(format!("not a readable session: {}", cause(&error)));
            }
        };
        let path = session_file(file);
        let session = Session::read(path.as_deref());
        let stem = file.file_name().and_then(|name| name.to_str()?.strip_suffix(".messages.json"));
        let name = stem.unwrap_or("");
        let taken_over = document
            .messages
            .iter()
            .rposition(|message| memmem::find(message.get().as_bytes(), TAKEN_OVER).is_some());
        let mut tells_counts = false;
        for (index, message) in document.messages.iter().enumerate() {
            let bytes = message.get().as_bytes();
            tells_counts |= memmem::find(bytes, b"\"usageBefore\"").is_some();
            if memmem::find(bytes, b"\"metrics\"").is_none() {
                continue;
            }
            found.at(Position::Item("message", index as u64 + 1));
            match serde_json::from_str::<Message<'_>>(message.get()) {
                Ok(message) => {
                    tells_counts |= message.metrics.is_some();
                    if taken_over.is_some_and(|at| index < at) {
                        found.skip("the sum of a task of the old extension");
                    } else {
                        read_message(&message, name, &session, found);
                    }
                }
                Err(error) => found.problem(format!("not a readable message: {}", cause(&error))),
            }
        }
        *state = Waiting::default();
        // The sums of a subagent stand nowhere.
        if !tells_counts && path.as_deref().and_then(Path::file_stem).is_some_and(|it| it == name) {
            *state = Waiting(Some(path.as_deref().map_or(0, size_of)));
            found.at(Position::File);
            read_sums(name, &session, found);
        }
    }

    fn looks_beside(&self) -> bool {
        true
    }

    fn stale(&self, file: &Path, mark: &Mark) -> bool {
        serde_json::from_str::<Waiting>(&mark.state).is_ok_and(|waiting| {
            waiting
                .0
                .is_some_and(|before| session_file(file).as_deref().map_or(0, size_of) != before)
        })
    }
}

/// `<session>/<session>.json` for a file with messages.
fn session_file(messages: &Path) -> Option<PathBuf> {
    let folder = messages.parent()?;
    Some(folder.join(format!("{}.json", folder.file_name()?.to_str()?)))
}

fn size_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |it| it.len())
}

fn read_message(message: &Message<'_>, name: &str, session: &Session, found: &mut Findings) {
    let Some(metrics) = message.metrics.as_ref().filter(|_| message.is_an_answer()) else {
        return found.skip("not an answer of the model");
    };
    let Some(at) = message.ts.and_then(instant) else {
        return found.problem("a request without a readable time");
    };
    let (tokens, cost) = (metrics.tokens(), metrics.cost.and_then(|cost| money(cost, found)));
    if tokens.is_zero() && cost.is_none() {
        return found.skip("no tokens in it");
    }
    let moment = at.timestamp_millis().to_le_bytes();
    let key = match filled(&message.id) {
        Some(id) => EventKey::original(&[b"cline-message", id.as_bytes(), &moment], &[]),
        None => EventKey::in_session(name.as_bytes(), &[b"cline-message", &moment]),
    };
    let info = message.model_info.as_ref();
    let model = info.and_then(|info| filled(&info.id));
    let route = Route::of(info.and_then(|info| filled(&info.provider)));
    if route.is_logged_elsewhere {
        return found.skip("made through another agent, which logs it itself");
    }
    let usage = session.usage(key, at, name, found);
    let usage = Usage {
        provider: route.provider.map(|provider| found.share(&provider)),
        model: model.map(|model| found.share(model.trim())),
        tokens,
        stated_cost: cost,
        funding: route.funding,
        is_sum: false,
        ..usage
    };
    found.count(usage);
}

/// Rule 5.
fn read_sums(name: &str, session: &Session, found: &mut Findings) {
    let Some(sums) = session.metadata.as_ref().and_then(|metadata| metadata.usage.as_ref()) else {
        return found.skip("no message tells its counts");
    };
    let Some(at) = session.ended_at.as_deref().and_then(instant) else {
        return found.skip("no message tells its counts, and the session has not ended");
    };
    let cost = sums.total_cost.as_deref().and_then(|cost| money(cost, found));
    let tokens = counts(sums.input, sums.output, sums.cache_read, sums.cache_write);
    if tokens.is_zero() && cost.is_none() {
        return found.skip("no tokens in it");
    }
    let key = EventKey::in_session(name.as_bytes(), &[b"cline-sums"]);
    let route = Route::of(session.provider.as_deref());
    if route.is_logged_elsewhere {
        return found.skip("made through another agent, which logs it itself");
    }
    let model = session.model.as_deref().map(str::trim).filter(|model| !model.is_empty());
    let usage = session.usage(key, at, name, found);
    let usage = Usage {
        provider: route.provider.map(|provider| found.share(&provider)),
        model: model.map(|model| found.share(model)),
        tokens,
        stated_cost: cost,
        funding: route.funding,
        is_sum: true,
        ..usage
    };
    found.count(usage);
}

fn money(cost: &RawValue, found: &mut Findings) -> Option<Money> {
    stated_cost(cost, "cost").unwrap_or_else(|what| {
        found.problem(what);
        None
    })
}

/// Rule 1.
fn counts(
    input: Option<Count>,
    output: Option<Count>,
    cache_read: Option<Count>,
    cache_write: Option<Count>,
) -> TokenCounts {
    let (input, cache_read, cache_write) = (count(input), count(cache_read), count(cache_write));
    let cached = cache_read.saturating_add(cache_write);
    TokenCounts {
        input: if input >= cached { input - cached } else { input },
        cache_read,
        cache_write_5m: cache_write,
        cache_write_1h: 0,
        output: count(output),
        reasoning: 0,
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default)]
    messages: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    role: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
    #[serde(borrow)]
    model_info: Option<ModelInfo<'a>>,
    #[serde(borrow)]
    metrics: Option<Metrics<'a>>,
}

#[derive(Deserialize)]
struct ModelInfo<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    provider: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metrics<'a> {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    cache_read_tokens: Option<Count>,
    cache_write_tokens: Option<Count>,
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
}

impl Message<'_> {
    fn is_an_answer(&self) -> bool {
        self.role.as_deref() == Some("assistant")
    }
}

impl Metrics<'_> {
    fn tokens(&self) -> TokenCounts {
        let Self { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, .. } = *self;
        counts(input_tokens, output_tokens, cache_read_tokens, cache_write_tokens)
    }
}

/// The session's file; everything in it may be missing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Session {
    cwd: Option<String>,
    workspace_root: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    ended_at: Option<Box<RawValue>>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    usage: Option<Sums>,
}

#[derive(Deserialize)]
struct Sums {
    #[serde(rename = "inputTokens")]
    input: Option<Count>,
    #[serde(rename = "outputTokens")]
    output: Option<Count>,
    #[serde(rename = "cacheReadTokens")]
    cache_read: Option<Count>,
    #[serde(rename = "cacheWriteTokens")]
    cache_write: Option<Count>,
    #[serde(rename = "totalCost")]
    total_cost: Option<Box<RawValue>>,
}

impl Session {
    fn read(path: Option<&Path>) -> Self {
        let mut text = Vec::new();
        let file = path.and_then(|path| std::fs::File::open(path).ok());
        let read = file.map(|file| file.take(SESSION_BYTES).read_to_end(&mut text));
        // Without it the messages count all the same.
        read.and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    fn usage(&self, key: EventKey, at: DateTime<Utc>, name: &str, found: &mut Findings) -> Usage {
        let folders = [&self.cwd, &self.workspace_root];
        let folder = folders.into_iter().flatten().find(|folder| !folder.trim().is_empty());
        Usage {
            key,
            at,
            provider: None,
            model: None,
            tokens: TokenCounts::default(),
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: folder.map(|folder| found.share(folder)),
            session: Some(found.share(name)),
            funding: Funding::Unknown,
            is_sum: false,
        }
    }
}
