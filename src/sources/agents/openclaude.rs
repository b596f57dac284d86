//! OpenClaude, a fork of Claude Code for the models of any provider.
//!
//! # Where
//! `$OPENCLAUDE_CONFIG_DIR`, else `~/.openclaude`; in it `projects/<project>/<session>.jsonl`.
//! `[agents.openclaude] roots = [...]` in the config replaces these. `$CLAUDE_CONFIG_DIR`, which it
//! still follows, and `~/.claude`, which its first versions wrote to, are read as Claude Code's
//! (<https://github.com/Gitlawb/openclaude/issues/454>). `<session>.replay.json` beside a
//! transcript holds no usage.
//!
//! # What counts
//! The lines are Claude Code's, and so are the rules: see [`transcripts`](super::transcripts). What
//! differs, with fixtures in `tests/fixtures/agents/openclaude`:
//!
//! 1. The provider is unknown: the log names the model only, and any provider may have it.

use std::path::PathBuf;

use super::agent::{Agent, FileKind, is_jsonl, whole_tree};
use super::homes::named_by;
use super::transcripts::{DEEPEST, Lines, projects_of};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::BY_PROVIDER;

/// OpenClaude.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "openclaude",
        name: "OpenClaude",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model, project and session",
        reads: "session transcripts (JSONL)",
        limits: "names no provider",
    },
    homes,
    inside: |home| vec![projects_of(home)],
    kinds: &[FileKind { is_log: is_jsonl, deepest: DEEPEST, format: &Lines { provider: None } }],
    watch: whole_tree,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    vec![named_by(places, "OPENCLAUDE_CONFIG_DIR", || places.home.join(".openclaude"))]
}
