//! Amp.
//!
//! # Where
//! `$AMP_DATA_DIR` (a list with commas; other readers of these files know it too), else
//! `${XDG_DATA_HOME:-~/.local/share}/amp`; in it `threads/T-*.json`.
//! `[agents.amp] roots = [...]` in the config replaces these.
//!
//! # What counts
//! A thread is one JSON object that is written anew at each turn. The rules, as observed in
//! threads and in ryoppippi/ccusage (rust/adapters/amp), each with a fixture in
//! `tests/fixtures/agents/amp`:
//!
//! 1. Old threads keep a `usageLedger` of `events`, one for each request, titles included. Where
//!    it has events, they count and nothing else does; the cache kinds, which they leave out, are
//!    those of the message that `toMessageId` names, taken by the first event that names it.
//! 2. Other threads: each message of `role: "assistant"` with `usage` is a request.
//! 3. The four kinds are disjoint. Should `totalTokens` be input + output although something was
//!    cached, the cached share is inside the input.
//! 4. A message that is edited is sent again under the same number, so the key holds the time and
//!    the fresh input as well; it leaves the thread out, because a forked thread repeats its
//!    parent's messages. An event is known by the message it names, so that a thread that loses
//!    its ledger changes nothing.
//! 5. `credits` are Amp's own unit. No rate to the dollar is published, so they are left out of
//!    the cost.
//! 6. A row with nothing but a total can't be split and is told as a problem.
//!
//! The thread is the session; its folder is not told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind, whole_tree};
use super::homes::{data_home, paths_in};
use super::scan::{Findings, Format, Position, Shape};
use super::wire::{Count, Text, cause, count, filled, text_or_nothing, time};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{EventKey, Funding, Speed, TokenCounts, Usage};

/// Amp.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "amp",
        name: "Amp",
        kind: SourceKind::Agent,
        account: "amp",
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model and thread",
        reads: "threads (JSON)",
        limits: "credits are not dollars (no rate is published) and are left out; projects are not told",
    },
    homes,
    inside: |home| vec![threads_of(home)],
    kinds: &[FileKind { is_log: is_thread, deepest: DEEPEST, format: &Thread }],
    watch: whole_tree,
};

const DEEPEST: usize = 2;

fn homes(places: &Places) -> Vec<PathBuf> {
    match places.variable("AMP_DATA_DIR") {
        Some(list) => paths_in(list, &places.home),
        None => vec![data_home(places, "amp")],
    }
}

/// The `threads` folder of a home, or the folder itself when it is one.
fn threads_of(home: &Path) -> PathBuf {
    let inner = home.join("threads");
    let is_threads = home.file_name().is_some_and(|name| name == "threads");
    if is_threads && !inner.is_dir() { home.to_owned() } else { inner }
}

fn is_thread(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

struct Thread;

impl Format for Thread {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        Shape::Document
    }

    fn document(&self, file: &Path, (): &mut (), text: &[u8], found: &mut Findings) {
        let whole: Whole<'_> = match serde_json::from_slice(text) {
            Ok(whole) => whole,
            Err(error) => {
                return found.problem(format!("not a readable thread: {}", cause(&error)));
            }
        };
        let name = file.file_stem().and_then(|name| name.to_str());
        let thread = filled(&whole.id).or(name).unwrap_or_default();
        let messages = whole.messages.unwrap_or_default();
        let events = whole.usage_ledger.and_then(|ledger| ledger.events).unwrap_or_default();
        if events.is_empty() {
            for (message, number) in messages.iter().zip(1..) {
                found.at(Position::Item("message", number));
                read_message(message, thread, found);
            }
            return;
        }
        let mut cached: BTreeMap<String, Counts> =
            messages.iter().filter_map(|m| cached(m)).collect();
        for (event, number) in events.iter().zip(1..) {
            found.at(Position::Item("event", number));
            read_event(event, thread, &mut cached, found);
        }
    }
}

/// The counts of a message, by its number.
fn cached(message: &RawValue) -> Option<(String, Counts)> {
    let message: Message<'_> = serde_json::from_str(message.get()).ok()?;
    let counts = serde_json::from_str(message.usage?.get()).ok()?;
    Some((number(message.message_id)?, counts))
}

/// A message's number, which is a number in some threads and a text in others.
fn number(id: Option<&RawValue>) -> Option<String> {
    let id = id?.get().trim_matches('"');
    Some(id.to_owned()).filter(|id| !id.is_empty() && id != "null")
}

fn read_message(message: &RawValue, thread: &str, found: &mut Findings) {
    let message: Message<'_> = match serde_json::from_str(message.get()) {
        Ok(message) => message,
        Err(error) => return found.problem(format!("not a readable message: {}", cause(&error))),
    };
    let usage = message.usage.filter(|usage| usage.get() != "null");
    let (Some("assistant"), Some(usage)) = (message.role.as_deref(), usage) else {
        return found.skip("not an answer of a model");
    };
    let read = serde_json::from_str(usage.get())
        .and_then(|counts: Counts| Ok((counts, serde_json::from_str::<Origin<'_>>(usage.get())?)));
    match read {
        Ok((counts, origin)) => {
            let id = number(message.message_id).unwrap_or_default();
            let key = origin.key(b"message", &id, counts.input_tokens);
            origin.count(thread, key, counts.tokens(), count(counts.total_tokens), found);
        }
        Err(error) => found.problem(format!("usage: {}", cause(&error))),
    }
}

fn read_event(
    event: &RawValue,
    thread: &str,
    cached: &mut BTreeMap<String, Counts>,
    found: &mut Findings,
) {
    let read = serde_json::from_str(event.get())
        .and_then(|event_row: Event<'_>| Ok((event_row, serde_json::from_str(event.get())?)));
    let (event, origin): (Event<'_>, Origin<'_>) = match read {
        Ok(read) => read,
        Err(error) => return found.problem(format!("not a readable event: {}", cause(&error))),
    };
    let message = number(event.to_message_id);
    let cached = message.as_ref().and_then(|message| cached.remove(message));
    let tokens = event.tokens.unwrap_or_default();
    let key = match (message, number(event.id)) {
        (Some(message), _) => origin.key(b"message", &message, tokens.input),
        (None, id) => origin.key(b"event", &id.unwrap_or_default(), tokens.input),
    };
    let counts = TokenCounts {
        input: count(tokens.input),
        output: count(tokens.output),
        cache_read: cached.as_ref().map_or(0, |kinds| count(kinds.cache_read_input_tokens)),
        cache_write_5m: cached.as_ref().map_or(0, |kinds| count(kinds.cache_creation_input_tokens)),
        ..TokenCounts::default()
    };
    origin.count(thread, key, counts, count(tokens.total), found);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    messages: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    usage_ledger: Option<Ledger<'a>>,
}

#[derive(Deserialize)]
struct Ledger<'a> {
    #[serde(borrow)]
    events: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    role: Option<Text<'a>>,
    #[serde(borrow)]
    message_id: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    to_message_id: Option<&'a RawValue>,
    tokens: Option<EventTokens>,
}

#[derive(Default, Deserialize)]
struct EventTokens {
    input: Option<Count>,
    output: Option<Count>,
    total: Option<Count>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    cache_creation_input_tokens: Option<Count>,
    cache_read_input_tokens: Option<Count>,
    total_tokens: Option<Count>,
}

impl Counts {
    fn tokens(&self) -> TokenCounts {
        let (input, output) = (count(self.input_tokens), count(self.output_tokens));
        let cache_read = count(self.cache_read_input_tokens);
        let cache_write_5m = count(self.cache_creation_input_tokens);
        let cached = cache_read.saturating_add(cache_write_5m);
        let is_inside = self.total_tokens == Some(Count(input.saturating_add(output)));
        TokenCounts {
            input: if is_inside { input.saturating_sub(cached) } else { input },
            cache_read,
            cache_write_5m,
            output,
            ..TokenCounts::default()
        }
    }
}

/// What messages and events tell alike.
#[derive(Deserialize)]
struct Origin<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    timestamp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    model: Option<Text<'a>>,
}

impl Origin<'_> {
    fn key(&self, what: &[u8], id: &str, input: Option<Count>) -> EventKey {
        let time = self.timestamp.as_deref().unwrap_or_default().as_bytes();
        let input = count(input).to_le_bytes();
        EventKey::original(&[b"amp", what, id.as_bytes(), time, &input], &[])
    }

    fn count(
        &self,
        thread: &str,
        key: EventKey,
        tokens: TokenCounts,
        total: u64,
        found: &mut Findings,
    ) {
        if tokens.is_zero() {
            return match total {
                0 => found.skip("no tokens in it"),
                _ => found.problem("only a total is told, which can't be split"),
            };
        }
        let Some(at) = self.timestamp.as_deref().and_then(time) else {
            return found.problem("a request without a readable time");
        };
        let request = Usage {
            key,
            at,
            provider: None,
            model: filled(&self.model).map(|model| found.share(model.trim())),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: None,
            session: Some(thread).filter(|id| !id.is_empty()).map(|id| found.share(id)),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(request);
    }
}
