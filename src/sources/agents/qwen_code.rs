//! Qwen Code.
//!
//! # Where
//! `$QWEN_RUNTIME_DIR`, else `$QWEN_DATA_DIR` (other readers of these logs know it, some for the
//! home, some for its `projects`), else `~/.qwen`; in it `projects/<project>/chats/*.jsonl` and, for
//! subagents, `projects/<project>/subagents/<session>/agent-*.jsonl`.
//! `[agents.qwen-code] roots = [...]` in the config replaces the home.
//!
//! # What counts
//! One record per line; those of `type: "assistant"` with `usageMetadata` are requests. The
//! layout is that of QwenLM/qwen-code (packages/core/src/services/chatRecordingService.ts,
//! packages/core/src/agents/agent-transcript.ts). The rules, each with a fixture in
//! `tests/fixtures/agents/qwen-code`:
//!
//! 1. `cachedContentTokenCount` is inside `promptTokenCount`, prompts of tools
//!    (`toolUsePromptTokenCount`) stand outside.
//! 2. Thinking stands inside the candidates where an OpenAI-style endpoint answered, outside them
//!    where Gemini did. The total tells: prompt + candidates means inside, + thoughts means
//!    outside. Where it tells neither, thinking is taken to be inside, as at the usual endpoints,
//!    unless it is more than the candidates.
//! 3. The key is `uuid` + time + prompt. It leaves the session out, because `/branch` copies
//!    records under another `sessionId`; such a record is told of the session it was copied from.
//! 4. Records of subagents name no model. It stands in `agent-*.meta.json` beside them; until that
//!    file is there they are unattributed, and they are read again when it comes.
//! 5. A row with nothing but a total can't be split and is told as a problem. Endpoints that told
//!    a total only are logged with a guess, 70 % prompt, which can't be seen here.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind, is_jsonl, whole_tree};
use super::homes::named_by;
use super::scan::lines::Filter;
use super::scan::{Findings, Format, Shape};
use super::wire::{Count, Text, cause, count, filled, text_or_nothing, time};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, EventKey, Funding, Mark, Speed, TokenCounts, Usage};

/// Qwen Code.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "qwen-code",
        name: "Qwen Code",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model, project and session",
        reads: "chats and subagents' transcripts (JSONL)",
        limits: "the provider is not told; subagents' rounds without text leave no tokens",
    },
    homes,
    inside: |home| vec![projects_of(home)],
    kinds: &[FileKind { is_log, deepest: DEEPEST, format: &Lines }],
    watch: whole_tree,
};

/// `<project>/subagents/<session>/`, and one more for whatever comes.
const DEEPEST: usize = 4;

fn homes(places: &Places) -> Vec<PathBuf> {
    vec![named_by(places, "QWEN_RUNTIME_DIR", || {
        named_by(places, "QWEN_DATA_DIR", || places.home.join(".qwen"))
    })]
}

/// A home's `projects`, or the folder itself when it is one.
fn projects_of(home: &Path) -> PathBuf {
    let inner = home.join("projects");
    let is_projects = home.file_name().is_some_and(|name| name == "projects");
    if is_projects && !inner.is_dir() { home.to_owned() } else { inner }
}

fn is_log(path: &Path) -> bool {
    let lies_in = |folder: &str| {
        path.ancestors().skip(1).any(|above| above.file_name().is_some_and(|name| name == folder))
    };
    is_jsonl(path) && (lies_in("chats") || lies_in("subagents"))
}

struct Lines;

/// What is known of a subagent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The model that its sidecar names.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// There was a request without a model, and no sidecar.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lacks_sidecar: bool,
}

impl Format for Lines {
    type State = State;

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> =
            LazyLock::new(|| Filter::Holding(Box::new(Finder::new("\"usageMetadata\""))));
        Shape::Lines(&FILTER)
    }

    fn looks_beside(&self) -> bool {
        true
    }

    fn stale(&self, file: &Path, mark: &Mark) -> bool {
        mark.state.contains("lacks_sidecar") && sidecar(file).exists()
    }

    fn line(&self, file: &Path, state: &mut State, line: &[u8], found: &mut Findings) {
        let row: Row<'_> = match serde_json::from_slice(line) {
            Ok(row) => row,
            Err(error) => {
                return found.problem(format!("not a readable line: {}", cause(&error)));
            }
        };
        let usage = row.usage_metadata.filter(|usage| usage.get() != "null");
        let (Some("assistant"), Some(usage)) = (row.kind.as_deref(), usage) else {
            return found.skip("not an answer of the model");
        };
        let counts: Counts = match serde_json::from_str(usage.get()) {
            Ok(counts) => counts,
            Err(error) => return found.problem(format!("usageMetadata: {}", cause(&error))),
        };
        let tokens = counts.tokens();
        if tokens.is_zero() {
            return match count(counts.total_token_count) {
                0 => found.skip("no tokens in it"),
                _ => found.problem("only a total is told, which can't be split"),
            };
        }
        let Some(at) = row.timestamp.as_deref().and_then(time) else {
            return found.problem("a request without a readable time");
        };
        if filled(&row.model).is_none() {
            state.find_model(file);
        }
        let model = filled(&row.model).or(state.model.as_deref().filter(|model| !model.is_empty()));
        let origin = row.forked_from.as_ref().and_then(|origin| filled(&origin.session_id));
        let request = Usage {
            key: row.key(&tokens),
            at,
            provider: None,
            model: model.map(|model| found.share(model.trim())),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: filled(&row.cwd).map(|cwd| found.share(cwd)),
            session: origin.or(filled(&row.session_id)).map(|session| found.share(session)),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(request);
    }
}

impl State {
    /// Looks into the sidecar of a subagent, once.
    fn find_model(&mut self, file: &Path) {
        #[derive(Deserialize)]
        struct Sidecar {
            model: Option<String>,
        }
        let is_subagent =
            file.file_stem().is_some_and(|name| name.as_encoded_bytes().starts_with(b"agent-"));
        if self.model.is_some() || self.lacks_sidecar || !is_subagent {
            return;
        }
        match std::fs::read(sidecar(file)) {
            Ok(text) => {
                let sidecar = serde_json::from_slice::<Sidecar>(&text).ok();
                self.model = Some(sidecar.and_then(|it| it.model).unwrap_or_default());
            }
            Err(_) => self.lacks_sidecar = true,
        }
    }
}

/// `agent-x.meta.json` beside `agent-x.jsonl`.
fn sidecar(file: &Path) -> PathBuf {
    file.with_extension("meta.json")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow, default, rename = "type", deserialize_with = "text_or_nothing")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    uuid: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    session_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    timestamp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    cwd: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    usage_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    forked_from: Option<Origin<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Origin<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    session_id: Option<Text<'a>>,
}

impl Row<'_> {
    fn key(&self, tokens: &TokenCounts) -> EventKey {
        let uuid = self.uuid.as_deref().unwrap_or_default().as_bytes();
        let time = self.timestamp.as_deref().unwrap_or_default().as_bytes();
        let prompt = tokens.prompt().to_le_bytes();
        EventKey::original(&[b"qwen-code", uuid, time, &prompt], &[])
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    prompt_token_count: Option<Count>,
    candidates_token_count: Option<Count>,
    thoughts_token_count: Option<Count>,
    cached_content_token_count: Option<Count>,
    tool_use_prompt_token_count: Option<Count>,
    total_token_count: Option<Count>,
}

impl Counts {
    fn tokens(&self) -> TokenCounts {
        let (prompt, output) = (count(self.prompt_token_count), count(self.candidates_token_count));
        let (thoughts, tool) =
            (count(self.thoughts_token_count), count(self.tool_use_prompt_token_count));
        let cached = count(self.cached_content_token_count).min(prompt);
        let plain = prompt.saturating_add(output).saturating_add(tool);
        let total = count(self.total_token_count);
        let is_outside =
            total != plain && (total == plain.saturating_add(thoughts) || thoughts > output);
        TokenCounts {
            input: (prompt - cached).saturating_add(tool),
            cache_read: cached,
            output: if is_outside { output.saturating_add(thoughts) } else { output },
            reasoning: if is_outside { thoughts } else { thoughts.min(output) },
            ..TokenCounts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::sources::agents::fixtures::Fold;

    #[test]
    fn a_subagent_gets_its_model_when_the_sidecar_comes_late() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".qwen/projects/-w/subagents/s");
        fs::create_dir_all(&folder).unwrap();
        let line = r#"{"uuid":"u","sessionId":"s","timestamp":"2026-06-10T10:00:00.000Z","type":"assistant","usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":7}}"#;
        fs::write(folder.join("agent-a.jsonl"), format!("{line}\n")).unwrap();
        let mut fold = Fold::default();
        let models =
            |fold: &Fold| -> Vec<_> { fold.counted().map(|it| it.model.clone()).collect() };
        fold.look("qwen-code", home.path(), None);
        assert_eq!(models(&fold), [None]);
        fs::write(folder.join("agent-a.meta.json"), r#"{"model":"qwen3-coder-plus"}"#).unwrap();
        fold.look("qwen-code", home.path(), None);
        assert_eq!(models(&fold), [Some("qwen3-coder-plus".into())]);
        assert_eq!(fold.total().input, 5);
    }
}
