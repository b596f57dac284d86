//! Gemini CLI.
//!
//! # Where
//! `$GEMINI_CLI_HOME/.gemini`, else `~/.gemini`; in it `tmp/<project>/chats`. `$GEMINI_DATA_DIR`
//! names that `tmp` folder, or the one above it, for other readers of these logs and is taken too.
//! `[agents.gemini-cli] roots = [...]` in the config replaces these.
//!
//! # What counts
//! To version 0.38 a session is one JSON object `session-<time>-<id>.json` that is written anew
//! at each message; from 0.39 a log `session-<time>-<id>.jsonl`, with subagents one folder deeper
//! (`<parent session>/<session>.jsonl`). Messages of `type: "gemini"` that hold `tokens` are
//! requests. The rules, each with a fixture in `tests/fixtures/agents/gemini-cli`:
//!
//! 1. `tokens` holds the API's counts (`recordMessageTokens` in google-gemini/gemini-cli,
//!    packages/core/src/services/chatRecordingService.ts): `cached` is inside `input`, `thoughts`
//!    stand outside `output`, and `tool` (prompts of tools) outside `input`.
//! 2. A message is written again under its id when its tokens and when its tool calls arrive, and
//!    once more in a `$set` of all `messages`: the key is session + message, and the largest
//!    record counts.
//! 3. `$rewindTo` takes turns back that were paid: they stay.
//! 4. Resuming a `.json` session copies it into a `.jsonl` beside it, with the same ids.
//! 5. A row with nothing but a total can't be split into what is paid differently; it is told as a
//!    problem.
//!
//! The session is the header's `sessionId`. The folder of the project is known from a subagent's
//! `directories`, else from the `.project_root` that newer versions leave beside `chats`
//! (packages/core/src/config/projectRegistry.ts); older ones name it by a hash only.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use memchr::memmem;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind, is_jsonl, whole_tree};
use super::homes::named_by;
use super::scan::lines::Filter;
use super::scan::{Findings, Format, Position, Shape};
use super::wire::{Count, Text, cause, count, filled, text_or_nothing, time};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{EventKey, Funding, Speed, TokenCounts, Usage};

/// Gemini CLI.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "gemini-cli",
        name: "Gemini CLI",
        kind: SourceKind::Agent,
        account: "google",
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model and session",
        reads: "chats (JSON and JSONL)",
        limits: "old versions name the project by a hash only",
    },
    homes,
    inside: |home| vec![chats_of(home)],
    kinds: &[
        FileKind { is_log: |path| is_jsonl(path) && is_chat(path), deepest: DEEPEST, format: &Log },
        FileKind {
            is_log: |path| path.extension().is_some_and(|end| end == "json") && is_chat(path),
            deepest: DEEPEST,
            format: &Document,
        },
    ],
    watch: whole_tree,
};

/// `<project>/chats/<parent session>/`, and one more for whatever comes.
const DEEPEST: usize = 4;

fn homes(places: &Places) -> Vec<PathBuf> {
    vec![named_by(places, "GEMINI_DATA_DIR", || {
        named_by(places, "GEMINI_CLI_HOME", || places.home.clone()).join(".gemini")
    })]
}

/// The `tmp` folder of a home, or the folder itself when it is one.
fn chats_of(home: &Path) -> PathBuf {
    let inner = home.join("tmp");
    let is_tmp = home.file_name().is_some_and(|name| name == "tmp");
    if is_tmp && !inner.is_dir() { home.to_owned() } else { inner }
}

/// Beside `chats` lie tool outputs, checkpoints and the history of the input line.
fn is_chat(path: &Path) -> bool {
    chats_folder(path).is_some()
}

fn chats_folder(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|folder| folder.file_name().is_some_and(|name| name == "chats"))
}

/// The folder that a project's files are kept for, as newer versions note it beside `chats`.
fn noted_project(file: &Path) -> Option<String> {
    let note = std::fs::read_to_string(chats_folder(file)?.with_file_name(".project_root")).ok()?;
    Some(note.trim().to_owned()).filter(|project| !project.is_empty())
}

struct Log;

/// What the header of a session tells.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Session {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
}

impl Format for Log {
    type State = Session;

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> = LazyLock::new(|| {
            Filter::Picked(|line| {
                static TOKENS: LazyLock<memmem::Finder<'_>> =
                    LazyLock::new(|| memmem::Finder::new("\"tokens\""));
                static SESSION: LazyLock<memmem::Finder<'_>> =
                    LazyLock::new(|| memmem::Finder::new("\"sessionId\""));
                TOKENS.find(line).is_some() || SESSION.find(line).is_some()
            })
        });
        Shape::Lines(&FILTER)
    }

    fn line(&self, file: &Path, session: &mut Session, line: &[u8], found: &mut Findings) {
        let row: Row<'_> = match serde_json::from_slice(line) {
            Ok(row) => row,
            Err(error) => {
                found.problem(format!("not a readable line: {}", cause(&error)));
                return;
            }
        };
        let set = row.set.as_ref();
        let id = filled(&row.session_id).or_else(|| set.and_then(|set| filled(&set.session_id)));
        if let Some(id) = id {
            session.id = Some(id.to_owned());
            let directory = directory(row.directories);
            if session.project.is_none() {
                session.project = directory.or_else(|| noted_project(file));
            }
        }
        for message in set.iter().flat_map(|set| set.messages.iter().flatten()) {
            read_message(message, session, found);
        }
        if set.is_none() {
            row.read(session, found);
        }
    }
}

struct Document;

impl Format for Document {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        Shape::Document
    }

    fn document(&self, file: &Path, (): &mut (), text: &[u8], found: &mut Findings) {
        let whole: Whole<'_> = match serde_json::from_slice(text) {
            Ok(whole) => whole,
            Err(error) => {
                found.problem(format!("not a readable chat: {}", cause(&error)));
                return;
            }
        };
        let session = Session {
            id: filled(&whole.session_id).map(str::to_owned),
            project: directory(whole.directories).or_else(|| noted_project(file)),
        };
        for (message, number) in whole.messages.iter().flatten().zip(1..) {
            found.at(Position::Item("message", number));
            read_message(message, &session, found);
        }
    }
}

fn read_message(message: &RawValue, session: &Session, found: &mut Findings) {
    match serde_json::from_str::<Row<'_>>(message.get()) {
        Ok(row) => row.read(session, found),
        Err(error) => found.problem(format!("not a readable message: {}", cause(&error))),
    }
}

/// The first of the folders that a session works in.
fn directory(directories: Option<&RawValue>) -> Option<String> {
    let all: Vec<String> = serde_json::from_str(directories?.get()).ok()?;
    all.into_iter().find(|folder| !folder.trim().is_empty())
}

/// A session of old versions, or a `$set` of newer ones.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    session_id: Option<Text<'a>>,
    #[serde(borrow)]
    directories: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<Vec<&'a RawValue>>,
}

/// A header, a message or a `$set`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    session_id: Option<Text<'a>>,
    #[serde(borrow)]
    directories: Option<&'a RawValue>,
    #[serde(borrow, rename = "$set")]
    set: Option<Whole<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, rename = "type", deserialize_with = "text_or_nothing")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    timestamp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    tokens: Option<&'a RawValue>,
}

impl Row<'_> {
    /// Counts the row when it is a request.
    fn read(&self, session: &Session, found: &mut Findings) {
        if self.kind.as_deref() != Some("gemini") {
            return found.skip("not an answer of the model");
        }
        let Some(tokens) = self.tokens.filter(|tokens| tokens.get() != "null") else {
            return found.skip("its tokens are not known yet");
        };
        let tokens: Tokens = match serde_json::from_str(tokens.get()) {
            Ok(tokens) => tokens,
            Err(error) => return found.problem(format!("tokens: {}", cause(&error))),
        };
        let counts = tokens.counts();
        if counts.is_zero() {
            return match count(tokens.total) {
                0 => found.skip("no tokens in it"),
                _ => found.problem("only a total is told, which can't be split"),
            };
        }
        let Some(at) = self.timestamp.as_deref().and_then(time) else {
            return found.problem("a request without a readable time");
        };
        let request = Usage {
            key: self.key(session, &tokens),
            at,
            provider: Some(found.share("google")),
            model: filled(&self.model).map(|model| found.share(model.trim())),
            tokens: counts,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: session.project.as_deref().map(|project| found.share(project)),
            session: session.id.as_deref().map(|id| found.share(id)),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(request);
    }

    /// A message that has lost its id is known by its time and its prompt.
    fn key(&self, session: &Session, tokens: &Tokens) -> EventKey {
        let id = session.id.as_deref().unwrap_or_default().as_bytes();
        match filled(&self.id) {
            Some(message) => EventKey::original(&[b"gemini-cli", id, message.as_bytes()], &[]),
            None => {
                let time = self.timestamp.as_deref().unwrap_or_default().as_bytes();
                let prompt = count(tokens.input).to_le_bytes();
                EventKey::original(&[b"gemini-cli line", id, time, &prompt], &[])
            }
        }
    }
}

#[derive(Deserialize)]
struct Tokens {
    input: Option<Count>,
    output: Option<Count>,
    cached: Option<Count>,
    thoughts: Option<Count>,
    tool: Option<Count>,
    total: Option<Count>,
}

impl Tokens {
    fn counts(&self) -> TokenCounts {
        let cached = count(self.cached).min(count(self.input));
        let thoughts = count(self.thoughts);
        TokenCounts {
            input: count(self.input).saturating_sub(cached).saturating_add(count(self.tool)),
            cache_read: cached,
            output: count(self.output).saturating_add(thoughts),
            reasoning: thoughts,
            ..TokenCounts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use crate::sources::{Places, find};

    fn roots(source: &str, variables: &[(&str, &str)]) -> Vec<PathBuf> {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        let places = Places { home: "/home/ada".into(), variables, ..Places::default() };
        find(source).unwrap().roots(&places)
    }

    #[test]
    fn the_agents_own_variable_names_a_home_and_the_readers_the_folder_or_the_one_above() {
        let set = |name, value| roots("gemini-cli", &[(name, value)]);
        assert_eq!(roots("gemini-cli", &[]), [Path::new("/home/ada/.gemini/tmp")]);
        assert_eq!(set("GEMINI_CLI_HOME", "/g"), [Path::new("/g/.gemini/tmp")]);
        assert_eq!(set("GEMINI_DATA_DIR", "~/g"), [Path::new("/home/ada/g/tmp")]);
        assert_eq!(set("GEMINI_DATA_DIR", "/g/tmp"), [Path::new("/g/tmp")]);
    }
}
