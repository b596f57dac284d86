//! The task folders of Cline and of the extensions that descend from it (Roo Code, Kilo Code).
//!
//! # Where
//! `tasks/<task>/` in the extension's storage. `ui_messages.json` holds what the task's window
//! shows, requests among it; it is written anew each time. Beside it `task_metadata.json` (Cline)
//! tells which model was in use since when, and `api_conversation_history.json` quotes the first
//! model and the working folder near its beginning (Roo Code, Kilo Code, older Cline: the folder).
//!
//! # What counts
//! Entries of `type: "say"`. The rules, each with a fixture below `cline`, `roo-code` or
//! `kilo-code` in `tests/fixtures/agents`:
//!
//! 1. `say: "api_req_started"` is a request. Its `text` is JSON in JSON: `{tokensIn, tokensOut,
//!    cacheReads, cacheWrites, cost}`, filled in while the answer comes. Old versions wrote the
//!    counts to an entry `api_req_finished` of its own.
//! 2. `say: "subagent_usage"` (Cline) is what a batch of subagents used; no request holds it.
//! 3. `say: "deleted_api_reqs"` (Cline) sums requests that were taken out of the task when it went
//!    back to a checkpoint. They counted while they were there.
//! 4. `say: "condense_context"` (Roo Code, Kilo Code) states the cost of the request that wrote
//!    the summary, in `contextCondense.cost`, and no tokens.
//! 5. Cline's `tokensIn` leaves out both caches, whatever the provider. Roo Code's is the whole
//!    prompt since 2025-10-31; before, it was so only with `apiProtocol: "openai"`. A `tokensIn`
//!    below the caches is never the whole prompt.
//! 6. A request is known by its task and its `ts`: the same task may lie in the storage of several
//!    editors, and an entry keeps its time while it grows and when others before it are deleted.
//! 7. The model is that of the entry (`modelInfo`), else the one that `task_metadata.json` has for
//!    that time, else the first `<model>` of the conversation. Cline notes a model just after the
//!    request's entry, so what was noted before the next request belongs to it.
//! 8. A cost of 0 says nothing.
//! 9. Requests through `claude-code`, `openai-codex-cli` and `opencode` run those agents, whose own
//!    logs have them. Cline's `openai` is any server that speaks as OpenAI's does.
//!
//! Sources: `apps/vscode/src/shared/{ExtensionMessage,getApiMetrics}.ts` and
//! `core/context/context-tracking` of github.com/cline/cline; `src/core/task/Task.ts`,
//! `src/shared/cost.ts` and `src/core/environment/getEnvironmentDetails.ts` of
//! github.com/RooCodeInc/Roo-Code (rule 5: its commits 0ecae9d4f1 and 416fa5727e).

mod beside;
mod entry;
pub mod route;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use memchr::memmem;
use serde_json::value::RawValue;

use super::homes::named_by;
use super::scan::{Findings, Format, Position, Shape};
use super::wire::{Count, cause, count, epoch, filled, stated_cost};
use crate::sources::Places;
use crate::spend::Mark;
use crate::spend::{EventKey, Money, Speed, TokenCounts, Usage};
use beside::{Beside, Sizes};
use entry::{Entry, Request};
use route::Route;

/// The window of a task.
pub struct Tasks {
    /// Whether `tokensIn` may be the whole prompt (rule 5).
    pub may_tell_whole_prompt: bool,
}

/// How deep below `tasks` the files lie.
pub const DEEPEST: usize = 1;

/// A file of this size is held to find what its requests cost; a larger one is not.
const MOST_BYTES: u64 = 128 * 1024 * 1024;

/// 2025-10-31, in milliseconds: since then Roo Code's `tokensIn` is the whole prompt (rule 5).
const WHOLE_PROMPT_SINCE_MS: i64 = 1_761_868_800_000;

/// Where all of Cline's hosts keep their data unless an editor gives them a place.
pub fn data_folder(places: &Places) -> PathBuf {
    named_by(places, "CLINE_DATA_DIR", || {
        named_by(places, "CLINE_DIR", || places.home.join(".cline")).join("data")
    })
}

/// `tasks/<task>/ui_messages.json`.
pub fn is_task(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "ui_messages.json")
        && path.ancestors().nth(2).and_then(Path::file_name).is_some_and(|name| name == "tasks")
}

impl Format for Tasks {
    type State = Sizes;

    fn shape(&self) -> Shape<'_> {
        Shape::Document
    }

    fn document(&self, file: &Path, state: &mut Sizes, text: &[u8], found: &mut Findings) {
        let task = file.parent().and_then(|folder| folder.file_name()?.to_str()).unwrap_or("");
        let beside = Beside::read(file);
        // The request's own words stand in the same text as its counts, and in a large file long
        // texts come out empty: then it is read as it is.
        let whole = if lacks_a_request(text) { read_whole(file, found) } else { None };
        let text = whole.as_deref().unwrap_or(text);
        *state = self.read(text, task, &beside, found);
    }

    /// The model may be written after the request.
    fn looks_beside(&self) -> bool {
        true
    }

    fn stale(&self, file: &Path, mark: &Mark) -> bool {
        serde_json::from_str::<Sizes>(&mark.state).is_ok_and(|sizes| sizes.are_outdated(file))
    }
}

impl Tasks {
    /// Reads the entries; returns what to look for beside the file until they are complete.
    fn read(&self, text: &[u8], task: &str, beside: &Beside, found: &mut Findings) -> Sizes {
        let entries: Vec<&RawValue> = match serde_json::from_slice(text) {
            Ok(entries) => entries,
            Err(error) => {
                found.problem(format!("not a readable list of messages: {}", cause(&error)));
                return Sizes::default();
            }
        };
        let mut requests = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            if !is_of_interest(entry.get().as_bytes()) {
                continue;
            }
            found.at(Position::Item("message", index as u64 + 1));
            match serde_json::from_str::<Entry<'_>>(entry.get()) {
                Ok(entry) => requests.push((index, entry)),
                Err(error) => found.problem(format!("not a readable message: {}", cause(&error))),
            }
        }
        let mut any_without_model = false;
        for (at, (index, entry)) in requests.iter().enumerate() {
            found.at(Position::Item("message", *index as u64 + 1));
            let next = requests[at + 1..].iter().find(|(_, entry)| entry.is_request());
            let next = next.and_then(|(_, entry)| entry.ts);
            let Some(usage) = self.usage(entry, next, task, beside, found) else { continue };
            any_without_model |= usage.model.is_none();
            found.count(usage);
        }
        if any_without_model { beside.sizes } else { Sizes::default() }
    }

    fn usage(
        &self,
        entry: &Entry<'_>,
        next: Option<Count>,
        task: &str,
        beside: &Beside,
        found: &mut Findings,
    ) -> Option<Usage> {
        let why_not = match (entry.kind.as_deref(), entry.say.as_deref()) {
            (Some("say"), Some("api_req_started" | "api_req_finished" | "subagent_usage")) => None,
            (Some("say"), Some("condense_context")) => None,
            (Some("say"), Some("deleted_api_reqs")) => {
                Some("the sum of deleted requests, which counted while they were there")
            }
            _ => Some("no request"),
        };
        if let Some(why_not) = why_not {
            found.skip(why_not);
            return None;
        }
        let ts = entry.ts.and_then(|ts| i64::try_from(ts.0).ok());
        let Some((ts, at)) = ts.and_then(|ts| Some((ts, epoch(ts)?))) else {
            found.problem("a request without a readable time");
            return None;
        };
        let is_summary = entry.say.as_deref() == Some("condense_context");
        let (tokens, cost) =
            if is_summary { summary(entry, found) } else { self.request(entry, at, found)? };
        if tokens.is_zero() && cost.is_none() {
            found.skip("not answered, or nothing was used");
            return None;
        }
        let (provider, model) = match &entry.model_info {
            Some(info) if filled(&info.model_id).is_some() => (
                filled(&info.provider_id).map(str::to_owned),
                filled(&info.model_id).map(str::to_owned),
            ),
            _ if is_summary => (None, None),
            _ => beside.model_at(next.map_or(u64::MAX, |next| next.0)),
        };
        let route = Route::of(provider.as_deref());
        if route.is_logged_elsewhere {
            found.skip("made through another agent, which logs it itself");
            return None;
        }
        let member = entry.say.as_deref().filter(|say| !say.starts_with("api_req")).unwrap_or("");
        Some(Usage {
            key: EventKey::in_session(
                task.as_bytes(),
                &[b"task", &ts.to_le_bytes(), member.as_bytes()],
            ),
            at,
            provider: route.provider.map(|provider| found.share(&provider)),
            model: model.map(|model| found.share(model.trim())),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: cost,
            project: beside.folder.as_deref().map(|folder| found.share(folder)),
            session: Some(found.share(task)),
            funding: route.funding,
            is_sum: false,
        })
    }

    /// The counts and the cost of an entry with JSON in its text.
    fn request(
        &self,
        entry: &Entry<'_>,
        at: DateTime<Utc>,
        found: &mut Findings,
    ) -> Option<(TokenCounts, Option<Money>)> {
        let text = entry.text.as_deref().unwrap_or("");
        if text.is_empty() {
            found.skip("not answered, or nothing was used");
            return None;
        }
        let request: Request<'_> = match serde_json::from_str(text) {
            Ok(request) => request,
            Err(error) => {
                found.problem(format!("not a readable request: {}", cause(&error)));
                return None;
            }
        };
        let cost = request.cost.and_then(|cost| money(cost, found));
        Some((self.tokens(&request, at), cost))
    }

    fn tokens(&self, request: &Request<'_>, at: DateTime<Utc>) -> TokenCounts {
        let (input, cache_read, cache_write) =
            (count(request.tokens_in), count(request.cache_reads), count(request.cache_writes));
        let cached = cache_read.saturating_add(cache_write);
        let is_whole_prompt = match request.api_protocol.as_deref() {
            Some("openai") => true,
            Some("anthropic") => at.timestamp_millis() >= WHOLE_PROMPT_SINCE_MS,
            _ => false,
        };
        let is_whole_prompt = self.may_tell_whole_prompt && is_whole_prompt && input >= cached;
        TokenCounts {
            input: if is_whole_prompt { input - cached } else { input },
            cache_read,
            cache_write_5m: cache_write,
            cache_write_1h: 0,
            output: count(request.tokens_out),
            reasoning: 0,
        }
    }
}

/// Whether an entry may be one of those that the rules name.
fn is_of_interest(entry: &[u8]) -> bool {
    ["\"api_req_", "\"subagent_usage\"", "\"deleted_api_reqs\"", "\"condense_context\""]
        .iter()
        .any(|name| memmem::find(entry, name.as_bytes()).is_some())
}

/// Whether a request's text was left out because it is long.
fn lacks_a_request(text: &[u8]) -> bool {
    let Ok(entries) = serde_json::from_slice::<Vec<&RawValue>>(text) else { return false };
    entries.iter().any(|entry| {
        is_of_interest(entry.get().as_bytes())
            && serde_json::from_str::<Entry<'_>>(entry.get())
                .is_ok_and(|entry| entry.is_request() && entry.text.as_deref() == Some(""))
    })
}

fn read_whole(file: &Path, found: &mut Findings) -> Option<Vec<u8>> {
    if std::fs::metadata(file).ok()?.len() > MOST_BYTES {
        found.problem("some requests could not be read: the file is too large");
        return None;
    }
    std::fs::read(file).ok()
}

/// Rule 4.
fn summary(entry: &Entry<'_>, found: &mut Findings) -> (TokenCounts, Option<Money>) {
    let cost = entry.context_condense.as_ref().and_then(|condensed| condensed.cost);
    (TokenCounts::default(), cost.and_then(|cost| money(cost, found)))
}

fn money(cost: &RawValue, found: &mut Findings) -> Option<Money> {
    stated_cost(cost, "cost").unwrap_or_else(|what| {
        found.problem(what);
        None
    })
}

/// A piece of JSON text without its escapes.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    serde_json::from_str(&format!("\"{text}\"")).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use crate::sources::agents::fixtures::Fold;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn damaged_files_are_read_without_a_panic(
            at in 0..4000_usize, with: Vec<u8>, cut in 0..4000_usize, number: u64
        ) {
            let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents");
            for (source, from, to) in [
                (
                    "roo-code",
                    "whole-prompts/home/.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks/0199-a/ui_messages.json",
                    ".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks/1/ui_messages.json",
                ),
                (
                    "cline-cli",
                    "fork-and-subagent/home/.cline/data/sessions/s2/s2.messages.json",
                    ".cline/data/sessions/s2/s2.messages.json",
                ),
                (
                    "opencode",
                    "children-archived-json/home/.local/share/opencode/storage/message/ses_1/msg_1.json",
                    ".local/share/opencode/storage/message/ses_1/msg_1.json",
                ),
            ] {
                let whole = std::fs::read(cases.join(source).join(from)).unwrap();
                let mut damaged = whole.clone();
                let at = at % whole.len();
                let end = (at + with.len()).min(whole.len());
                damaged.splice(at..end, with.iter().copied());
                damaged.truncate(damaged.len() - cut % (damaged.len() / 2));
                let large = String::from_utf8_lossy(&whole).replace("1000", &number.to_string());
                let home = tempfile::tempdir().unwrap();
                let file = home.path().join(to);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                for text in [&damaged[..], large.as_bytes()] {
                    std::fs::write(&file, text).unwrap();
                    Fold::default().look(source, home.path(), None);
                }
            }
        }
    }

    #[test]
    fn a_request_with_long_words_in_a_large_file_counts() {
        let home = tempfile::tempdir().unwrap();
        let task = home.path().join(".cline/data/tasks/1");
        std::fs::create_dir_all(&task).unwrap();
        let words = "x \"y\" ".repeat(1000);
        let entries: Vec<_> = (0..200_u64)
            .map(|at| {
                let text = serde_json::json!({ "request": words, "tokensIn": 1, "tokensOut": 2 });
                let ts = 1_775_034_000_000 + at;
                serde_json::json!({ "ts": ts, "type": "say", "say": "api_req_started",
                    "text": text.to_string() })
            })
            .collect();
        let text = serde_json::to_vec(&entries).unwrap();
        assert!(text.len() > 1024 * 1024);
        std::fs::write(task.join("ui_messages.json"), text).unwrap();
        let mut fold = Fold::default();
        fold.look("cline", home.path(), None);
        assert_eq!((fold.counted().count(), fold.total().output, fold.problems), (200, 400, 0));
    }
}
