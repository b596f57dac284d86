//! Mux, Coder's desktop app for agents.
//!
//! # Where
//! `${MUX_ROOT:-~/.mux}`; in it `sessions/<workspace>/chat.jsonl`, and for each subagent
//! `sessions/<workspace>/subagent-transcripts/<task>/chat.jsonl`. `[agents.mux] roots = [...]` in
//! the config replaces these. Sources: [Mux's code][code] (`src/common/utils/tokens`) and
//! getagentseal/codeburn, `src/providers/mux.ts`.
//!
//! # What counts
//! A message with `role: "assistant"` and `metadata.usage` is a request. The rules, each with a
//! fixture in `tests/fixtures/agents/mux`:
//!
//! 1. `inputTokens` contains `cachedInputTokens` and the tokens that were written to the cache
//!    (`providerMetadata.anthropic.cacheCreationInputTokens`). Versions built on an older AI SDK left
//!    both out for Anthropic: where the input is smaller than these two, it is fresh input alone.
//! 2. `outputTokens` contains `reasoningTokens` (also
//!    `providerMetadata.openai.reasoningTokens`).
//! 3. The model is named with its provider, `anthropic:claude-…`.
//! 4. A fork of a workspace copies its chat word for word, while ids are unique within one chat
//!    only: the key is id, time, model and counts.
//! 5. Subagents are not in their parents' chats and count. `session-usage.json` and
//!    `metadata.historicalUsage` sum up what was counted before.
//! 6. The project is found by the workspace in `config.json`:
//!    `{"projects":[["/path",{"workspaces":[{"id":"…"}]}]]}`.
//!
//! [code]: https://github.com/coder/mux

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

/// Mux.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "mux",
        name: "Mux",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model, project and workspace",
        reads: "chats of workspaces and subagents (JSONL)",
        limits: "what a compaction removed before it was read",
    },
    homes,
    inside: |home| vec![home.join("sessions")],
    kinds: &[FileKind { is_log: is_chat, deepest: 3, format: &Lines }],
    watch: whole_tree,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    vec![named_by(places, "MUX_ROOT", || places.home.join(".mux"))]
}

fn is_chat(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "chat.jsonl")
}

/// What is known of a chat.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Chat {
    was_looked_up: bool,
    project: Option<String>,
}

struct Lines;

impl Format for Lines {
    type State = Chat;

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> =
            LazyLock::new(|| Filter::Holding(Box::new(Finder::new("\"usage\""))));
        Shape::Lines(&FILTER)
    }

    fn line(&self, file: &Path, chat: &mut Chat, line: &[u8], found: &mut Findings) {
        let row: Row<'_> = match serde_json::from_slice(line) {
            Ok(row) => row,
            Err(error) => {
                return found.problem(format!("not a readable message: {}", cause(&error)));
            }
        };
        if row.role.as_deref() != Some("assistant") {
            return found.skip("not an answer of the model");
        }
        let Some(metadata) = row.metadata else { return found.skip("an answer without usage") };
        let metadata: Metadata<'_> = match serde_json::from_str(metadata.get()) {
            Ok(metadata) => metadata,
            Err(error) => {
                return found.problem(format!("not readable metadata: {}", cause(&error)));
            }
        };
        let Some(usage) = &metadata.usage else { return found.skip("an answer without usage") };
        let tokens = usage.tokens(metadata.provider_metadata.as_ref());
        if tokens.is_zero() {
            return found.skip("no tokens in it");
        }
        let Some(at) = metadata.timestamp.or(row.created_at).and_then(instant) else {
            return found.problem("a request without a readable time");
        };
        if !chat.was_looked_up {
            *chat = Chat { was_looked_up: true, project: project_of(file) };
        }
        let named = filled(&metadata.model).map(str::trim);
        let (provider, model) = match named.and_then(|model| model.split_once(':')) {
            Some((provider, model)) => (Some(provider), Some(model)),
            None => (None, named),
        };
        let counts = [tokens.input, tokens.cache_read, tokens.cache_write_5m, tokens.output]
            .map(u64::to_le_bytes);
        let key = EventKey::original(
            &[
                b"mux",
                filled(&row.id).unwrap_or_default().as_bytes(),
                &at.timestamp_millis().to_le_bytes(),
                named.unwrap_or_default().as_bytes(),
                counts.as_flattened(),
            ],
            &[],
        );
        let usage = Usage {
            key,
            at,
            provider: provider.map(|provider| found.share(&provider.to_ascii_lowercase())),
            model: model.map(|model| found.share(model)),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: chat.project.as_deref().map(|project| found.share(project)),
            session: workspace_of(file).map(|workspace| found.share(workspace)),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(usage);
    }
}

/// The folder of a workspace's chat, or of a subagent's.
fn session_folder(file: &Path) -> Option<&Path> {
    let folder = file.parent()?;
    match folder.parent() {
        Some(transcripts) if transcripts.ends_with("subagent-transcripts") => transcripts.parent(),
        _ => Some(folder),
    }
}

fn workspace_of(file: &Path) -> Option<&str> {
    session_folder(file)?.file_name()?.to_str()
}

/// The longest `config.json` that is read for the name of a project.
const LONGEST_CONFIG: u64 = 4 * 1024 * 1024;

/// The project of the workspace, as `config.json` in the root tells; `None` when it doesn't.
fn project_of(file: &Path) -> Option<String> {
    let workspace = workspace_of(file)?;
    let config = session_folder(file)?.parent()?.parent()?.join("config.json");
    if std::fs::metadata(&config).ok()?.len() > LONGEST_CONFIG {
        return None;
    }
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).ok()?).ok()?;
    let has_it = |project: &serde_json::Value| {
        let workspaces = project.get("workspaces").and_then(|list| list.as_array());
        workspaces.into_iter().flatten().any(|known| known["id"].as_str() == Some(workspace))
    };
    config.get("projects")?.as_array()?.iter().find_map(|entry| {
        let path = entry.get(0)?.as_str()?;
        has_it(entry.get(1)?).then(|| path.to_owned())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    role: Option<Text<'a>>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    usage: Option<UsageRow>,
    provider_metadata: Option<ProviderMetadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageRow {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    reasoning_tokens: Option<Count>,
    cached_input_tokens: Option<Count>,
}

#[derive(Deserialize)]
struct ProviderMetadata {
    anthropic: Option<OfAnthropic>,
    openai: Option<OfOpenAi>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfAnthropic {
    cache_creation_input_tokens: Option<Count>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfOpenAi {
    reasoning_tokens: Option<Count>,
}

impl UsageRow {
    fn tokens(&self, provider: Option<&ProviderMetadata>) -> TokenCounts {
        let cache_read = count(self.cached_input_tokens);
        let written = provider
            .and_then(|provider| provider.anthropic.as_ref())
            .map_or(0, |anthropic| count(anthropic.cache_creation_input_tokens));
        let input = count(self.input_tokens);
        let output = count(self.output_tokens);
        let reasoning =
            self.reasoning_tokens.or_else(|| provider?.openai.as_ref()?.reasoning_tokens);
        TokenCounts {
            input: input.checked_sub(cache_read.saturating_add(written)).unwrap_or(input),
            cache_read,
            cache_write_5m: written,
            cache_write_1h: 0,
            output,
            reasoning: count(reasoning).min(output),
        }
    }
}
