//! Kimi Code.
//!
//! # Where
//! `$KIMI_CODE_HOME`, else `~/.kimi-code` and the home that Kimi's desktop app keeps below
//! `~/Library/Application Support`; in it `sessions/<folder>/<session>/agents/<agent>/wire.jsonl`.
//! `[agents.kimi-code] roots = [...]` in the config replaces the homes.
//!
//! # What counts
//! One record per line; each `usage.record` is a request, and its four counts are disjoint
//! (MoonshotAI/kimi-code, packages/agent-core/src/agent/usage/index.ts). Subagents have logs of
//! their own, which the parent's does not repeat. The rules, each with a fixture in
//! `tests/fixtures/agents/kimi-code`:
//!
//! 1. `model` of a `usage.record` is the alias that the user's configuration gives a model. Its
//!    real name is that of the last `llm.request` with this alias; without one, that of the last
//!    `llm.request`, which is the one that the record ends; else the alias is all there is.
//! 2. The provider is that of the same `llm.request`.
//! 3. A record has no id. The key is agent + time + alias + counts; it leaves the session out,
//!    because a fork copies its parent's records.
//! 4. An attempt that failed leaves an `llm.request` and no `usage.record`.
//!
//! The folder of a session is `workDir` in its `state.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind, whole_tree};
use super::homes::named_by;
use super::scan::lines::Filter;
use super::scan::{Findings, Format, Shape};
use super::wire::{Count, Text, cause, count, filled, instant, text_or_nothing};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, EventKey, Funding, Speed, TokenCounts, Usage};

/// Kimi Code.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "kimi-code",
        name: "Kimi Code",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model, project and session",
        reads: "wire logs of sessions and subagents (JSONL)",
        limits: "old versions name models by the user's aliases only",
    },
    homes,
    inside: |home| vec![home.join("sessions")],
    kinds: &[FileKind { is_log: is_wire, deepest: DEEPEST, format: &Lines }],
    watch: whole_tree,
};

/// `<folder>/<session>/agents/<agent>/`.
const DEEPEST: usize = 4;

/// A session uses a handful of models; a bound, because the aliases are kept.
const MOST_ALIASES: usize = 64;

fn homes(places: &Places) -> Vec<PathBuf> {
    match places.variable("KIMI_CODE_HOME") {
        Some(_) => vec![named_by(places, "KIMI_CODE_HOME", PathBuf::new)],
        None => vec![
            places.home.join(".kimi-code"),
            places.home.join(
                "Library/Application Support/kimi-desktop/daimon-share/daimon/runtime/kimi-code/home",
            ),
        ],
    }
}

fn is_wire(path: &Path) -> bool {
    let names = |path: &Path, name: &str| path.file_name().is_some_and(|own| own == name);
    names(path, "wire.jsonl")
        && path.ancestors().nth(2).is_some_and(|folder| names(folder, "agents"))
}

struct Lines;

/// What is carried from line to line of a log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// Alias -> what its last request was sent to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    aliases: BTreeMap<String, Target>,
    /// What the last request was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// Looked for at every look, but not at every line.
    #[serde(skip)]
    looked_for_project: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Target {
    model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
}

impl Format for Lines {
    type State = State;

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> = LazyLock::new(|| {
            Filter::Picked(|line| {
                static USAGE: LazyLock<Finder<'_>> =
                    LazyLock::new(|| Finder::new("\"usage.record\""));
                static REQUEST: LazyLock<Finder<'_>> =
                    LazyLock::new(|| Finder::new("\"llm.request\""));
                USAGE.find(line).is_some() || REQUEST.find(line).is_some()
            })
        });
        Shape::Lines(&FILTER)
    }

    fn line(&self, file: &Path, state: &mut State, line: &[u8], found: &mut Findings) {
        let row: Row<'_> = match serde_json::from_slice(line) {
            Ok(row) => row,
            Err(error) => {
                return found.problem(format!("not a readable line: {}", cause(&error)));
            }
        };
        match row.kind.as_deref() {
            Some("llm.request") => state.request(&row),
            Some("usage.record") => row.count(file, state, found),
            _ => {}
        }
    }
}

impl State {
    fn request(&mut self, row: &Row<'_>) {
        let Some(model) = filled(&row.model) else { return };
        let provider = filled(&row.provider).map(provider);
        let target = Target { model: model.trim().to_owned(), provider };
        if let Some(alias) = filled(&row.model_alias)
            && (self.aliases.len() < MOST_ALIASES || self.aliases.contains_key(alias))
        {
            self.aliases.insert(alias.to_owned(), target.clone());
        }
        self.last = Some(target);
    }

    /// Which model an alias means.
    fn target(&self, alias: Option<&str>) -> Option<Target> {
        alias
            .and_then(|alias| self.aliases.get(alias))
            .or(self.last.as_ref())
            .cloned()
            .or_else(|| Some(Target { model: alias?.trim().to_owned(), provider: None }))
    }

    fn project(&mut self, file: &Path) -> Option<&str> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Session {
            work_dir: Option<String>,
        }
        if self.project.is_none() && !self.looked_for_project {
            self.looked_for_project = true;
            let text = std::fs::read(file.ancestors().nth(3)?.join("state.json")).ok()?;
            self.project = serde_json::from_slice::<Session>(&text).ok()?.work_dir;
        }
        self.project.as_deref().filter(|project| !project.trim().is_empty())
    }
}

/// The kind of provider that the configuration names, as price lists call it.
fn provider(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    match name.as_str() {
        "kimi" => "moonshot".to_owned(),
        "google_genai" | "google-genai" | "vertexai" => "google".to_owned(),
        _ if name.starts_with("openai") => "openai".to_owned(),
        _ => name,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow, default, rename = "type", deserialize_with = "text_or_nothing")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    model_alias: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    provider: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    input_other: Option<Count>,
    output: Option<Count>,
    input_cache_read: Option<Count>,
    input_cache_creation: Option<Count>,
}

impl Row<'_> {
    fn count(&self, file: &Path, state: &mut State, found: &mut Findings) {
        let Some(usage) = self.usage.filter(|usage| usage.get() != "null") else {
            return found.skip("no tokens in it");
        };
        let counts: Counts = match serde_json::from_str(usage.get()) {
            Ok(counts) => counts,
            Err(error) => return found.problem(format!("usage: {}", cause(&error))),
        };
        let tokens = TokenCounts {
            input: count(counts.input_other),
            cache_read: count(counts.input_cache_read),
            cache_write_5m: count(counts.input_cache_creation),
            output: count(counts.output),
            ..TokenCounts::default()
        };
        if tokens.is_zero() {
            return found.skip("no tokens in it");
        }
        let Some(at) = self.time.and_then(instant) else {
            return found.problem("a request without a readable time");
        };
        let alias = filled(&self.model);
        let target = state.target(alias);
        let name = |levels: usize| file.ancestors().nth(levels)?.file_name()?.to_str();
        let stamp = at.timestamp_micros().to_le_bytes();
        let vector = [tokens.input, tokens.cache_read, tokens.cache_write_5m, tokens.output]
            .map(u64::to_le_bytes);
        let agent = name(1).unwrap_or_default();
        let request = Usage {
            key: EventKey::original(
                &[
                    b"kimi-code",
                    agent.as_bytes(),
                    &stamp,
                    alias.unwrap_or_default().as_bytes(),
                    vector.as_flattened(),
                ],
                &[],
            ),
            at,
            provider: target
                .as_ref()
                .and_then(|target| target.provider.as_deref())
                .map(|provider| found.share(provider)),
            model: target.as_ref().map(|target| found.share(&target.model)),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: state.project(file).map(|project| found.share(project)),
            session: name(3).map(|session| found.share(session)),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(request);
    }
}
