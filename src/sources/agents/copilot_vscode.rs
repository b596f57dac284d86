//! GitHub Copilot in Visual Studio Code.
//!
//! # Where
//! The user folder of Code, Code - Insiders and VSCodium (`~/.config/<editor>/User`,
//! `~/Library/Application Support/<editor>/User`, `%APPDATA%\<editor>\User`):
//! `globalStorage/github.copilot-chat/agent-traces.db`,
//! `workspaceStorage/*/chatSessions/*.jsonl` and
//! `globalStorage/emptyWindowChatSessions/*.jsonl`. `[agents.copilot-vscode] roots = [...]` in the
//! config replaces the user folders. They are not watched: editors write there all the time, in
//! thousands of folders.
//!
//! # What counts
//! The rules, each with a fixture in `tests/fixtures/agents/copilot-vscode`:
//!
//! 1. `agent-traces.db` exists where `github.copilot.chat.otel.enabled` and
//!    `github.copilot.chat.otel.dbSpanExporter.enabled` are on. A span whose operation is `chat`
//!    is a request, known by trace and span; spans of agents and tools repeat or hold none
//!    (<https://github.com/microsoft/vscode-copilot-chat>, `docs/monitoring`).
//! 2. Its input holds the cache reads and writes, its output the reasoning. Cache writes and the
//!    cost in billionths of an AI unit stand among the span's attributes only.
//! 3. Old spans are pruned, and numbers of rows may begin again: then all are read anew.
//! 4. Chat journals tell turns, not requests: `requests[].result.metadata` with `promptTokens` and
//!    `outputTokens`, no cache. A journal is a list of changes (`kind` 0 the whole, 1 a value, 2 more
//!    elements at `k`, after cutting the list to `i` elements), so turns are put together from
//!    several lines. A turn that was cut away was paid.
//! 5. A session that has spans counts by its spans and never by its journal too: the session is the
//!    group of both, and of what the same session left with Copilot CLI ([`super::copilot`]).
//! 6. `copilot/auto` names no model; `metadata.resolvedModel` does. Another prefix than `copilot/`
//!    is a provider whose own key is used.

mod chats;
mod traces;

use std::path::{Path, PathBuf};

use super::agent::{Agent, FileKind, is_jsonl, not_watched};
use super::copilot::PROVIDER;
use super::homes::application_data;
use crate::sources::{Places, SourceInfo, SourceKind};

/// GitHub Copilot in Visual Studio Code.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "copilot-vscode",
        name: "GitHub Copilot in VS Code",
        kind: SourceKind::Agent,
        account: PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request or turn, by model and session",
        reads: "agent traces (SQLite), chat journals (JSONL)",
        limits: "without traces one prompt per turn and no cache; no inline completions",
    },
    homes,
    inside: |user| {
        vec![
            user.join("globalStorage/github.copilot-chat"),
            user.join("globalStorage/emptyWindowChatSessions"),
            user.join("workspaceStorage"),
        ]
    },
    kinds: &[
        FileKind { is_log: is_traces, deepest: 0, format: &traces::Spans },
        FileKind { is_log: is_journal, deepest: 2, format: &chats::Journal },
    ],
    watch: not_watched,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    ["Code", "Code - Insiders", "VSCodium"]
        .iter()
        .flat_map(|editor| application_data(places, editor))
        .map(|editor| editor.join("User"))
        .collect()
}

fn is_traces(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "agent-traces.db")
}

fn is_journal(path: &Path) -> bool {
    is_jsonl(path)
        && path.parent().is_some_and(|folder| {
            folder.ends_with("chatSessions") || folder.ends_with("emptyWindowChatSessions")
        })
}
