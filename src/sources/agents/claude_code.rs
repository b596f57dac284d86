//! Claude Code.
//!
//! # Where
//! `$CLAUDE_CONFIG_DIR` (a list with commas; each entry is a config folder or its `projects`
//! folder). Without it both `${XDG_CONFIG_HOME:-~/.config}/claude/projects` and
//! `~/.claude/projects`. Sessions of Claude Desktop and Cowork lie in sandbox homes below
//! `Claude/local-agent-mode-sessions` of the system's application data folder and are read too.
//! `[agents.claude-code] roots = [...]` in the config replaces all of these. A run with
//! `--no-session-persistence` leaves no log.
//!
//! # What counts
//! `<project>/<session>.jsonl`, subagents in `<project>/<session>/subagents/*.jsonl`; the rules are
//! in [`transcripts`](super::transcripts), each with a fixture in
//! `tests/fixtures/agents/claude-code`.

use std::path::{Path, PathBuf};

use super::agent::{Agent, FileKind, is_jsonl, whole_tree};
use super::homes::{folders_in, paths_in};
use super::transcripts::{DEEPEST, Lines, projects_of};
use crate::sources::{Places, SourceInfo, SourceKind};

/// Claude Code.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "claude-code",
        name: "Claude Code",
        kind: SourceKind::Agent,
        account: "anthropic",
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model, project and session",
        reads: "session transcripts of Claude Code, Claude Desktop and Cowork (JSONL)",
        limits: "runs with --no-session-persistence leave no log",
    },
    homes,
    inside: |home| vec![projects_of(home)],
    kinds: &[FileKind {
        is_log: is_jsonl,
        deepest: DEEPEST,
        format: &Lines { provider: Some("anthropic") },
    }],
    watch: whole_tree,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    let mut homes = match places.variable("CLAUDE_CONFIG_DIR") {
        Some(list) => paths_in(list, &places.home),
        None => vec![
            places.xdg("XDG_CONFIG_HOME", ".config").join("claude"),
            places.home.join(".claude"),
        ],
    };
    homes.extend(desktop_homes(places));
    homes
}

/// The config folders in the sandbox homes of Claude Desktop and Cowork:
/// `local-agent-mode-sessions/<group>/<session>/[agent/]local_*/.claude`. Only these levels are
/// listed, because a sandbox home holds whole working copies.
fn desktop_homes(places: &Places) -> Vec<PathBuf> {
    let mut apps = vec![
        places.xdg("XDG_CONFIG_HOME", ".config").join("Claude"),
        places.home.join("Library/Application Support/Claude"),
    ];
    apps.extend(places.variable("APPDATA").map(|data| Path::new(data).join("Claude")));
    let mut found = Vec::new();
    for app in apps {
        for group in folders_in(&app.join("local-agent-mode-sessions")) {
            for session in folders_in(&group) {
                for holder in [session.join("agent"), session] {
                    found.extend(folders_in(&holder).into_iter().filter_map(|sandbox| {
                        let name = sandbox.file_name()?.to_str()?;
                        let config = sandbox.join(".claude");
                        (name.starts_with("local_") && config.is_dir()).then_some(config)
                    }));
                }
            }
        }
    }
    found.sort();
    found
}
