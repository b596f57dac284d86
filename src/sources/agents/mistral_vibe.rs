//! Mistral Vibe.
//!
//! # Where
//! `${VIBE_HOME:-~/.vibe}/logs/session`; in it one folder `session_<time>_<id>` for each session,
//! with `messages.jsonl` and `meta.json`, and the same for each subagent in
//! `agents/<subagent>`. `[agents.mistral-vibe] roots = [...]` in the config replaces `~/.vibe`.
//! Sources: [Vibe's code][code] (`vibe/core/session/session_logger.py`, `usage_report.py`) and
//! getagentseal/codeburn, `src/providers/mistral-vibe.ts`.
//!
//! # What counts
//! The rules, each with a fixture in `tests/fixtures/agents/mistral-vibe` or a test below:
//!
//! 1. Versions since the middle of 2026 write `usage`, `model`, `timestamp` and, later, `cost` into
//!    each answer in `messages.jsonl`: these are the requests.
//! 2. `prompt_tokens` contains `cached_tokens`.
//! 3. A fork begins with the answers of the session it was forked from. They are older than its
//!    folder, whose name has the time (in UTC) at which it began.
//! 4. `meta.json` has the running totals of the session, `stats.session_prompt_tokens`,
//!    `session_completion_tokens`, `session_cached_tokens` and `session_cost`. Each increase counts,
//!    at the time of the last change, and only where no answer of the session tells its usage.
//! 5. A compaction goes on in a new session that names its `parent_session_id` and keeps the totals:
//!    the parent's are taken off. A fork names its parent too but begins at zero: totals below the
//!    parent's are its own.
//! 6. Totals that fall add nothing.
//! 7. The model is the name it has in Vibe's config, as logged; the provider is not told.
//!
//! [code]: https://github.com/mistralai/mistral-vibe

mod answers;
mod totals;

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

use super::agent::{Agent, FileKind, whole_tree};
use super::homes::named_by;
use super::wire::{Text, filled, time};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, TokenCounts};

/// Mistral Vibe.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "mistral-vibe",
        name: "Mistral Vibe",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens and own cost of every request, by model, project and session",
        reads: "session folders (JSONL, JSON)",
        limits: "older versions tell only a session's totals; unified sessions (2.25) are not read",
    },
    homes,
    inside: |home| vec![home.join("logs/session")],
    kinds: &[
        FileKind {
            is_log: |path| path.ends_with("messages.jsonl"),
            deepest: 3,
            format: &answers::Answers,
        },
        FileKind {
            is_log: |path| path.ends_with("meta.json"),
            deepest: 3,
            format: &totals::Totals,
        },
    ],
    watch: whole_tree,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    vec![named_by(places, "VIBE_HOME", || places.home.join(".vibe"))]
}

/// The session's name: its folder's, for subagents with the parent's before it.
fn session_name(file: &Path) -> String {
    let name = |path: Option<&Path>| {
        path.and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default().to_owned()
    };
    let folder = file.parent();
    match folder.and_then(Path::parent) {
        Some(agents) if agents.ends_with("agents") => {
            format!("{}/{}", name(agents.parent()), name(folder))
        }
        _ => name(folder),
    }
}

/// When a session began, by its folder's name: `session_20260725_172000_1a2b3c4d`.
fn begun_at(session: &str) -> Option<DateTime<Utc>> {
    let mut parts = session.rsplit('/').next()?.rsplitn(4, '_').skip(1);
    let (clock, day) = (parts.next()?, parts.next()?);
    NaiveDateTime::parse_from_str(&format!("{day}{clock}"), "%Y%m%d%H%M%S")
        .ok()
        .map(|time| time.and_utc())
}

/// A time; one without a zone is UTC.
fn instant(text: &Option<Text<'_>>) -> Option<DateTime<Utc>> {
    let text = filled(text)?;
    time(text).or_else(|| text.parse::<NaiveDateTime>().ok().map(|time| time.and_utc()))
}

/// Counts of one request or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    prompt: u64,
    cached: u64,
    completion: u64,
}

impl Counts {
    fn tokens(&self) -> TokenCounts {
        let cached = self.cached.min(self.prompt);
        TokenCounts {
            input: self.prompt - cached,
            cache_read: cached,
            output: self.completion,
            ..TokenCounts::default()
        }
    }

    fn zip(self, other: Self, f: fn(u64, u64) -> u64) -> Self {
        Self {
            prompt: f(self.prompt, other.prompt),
            cached: f(self.cached, other.cached),
            completion: f(self.completion, other.completion),
        }
    }

    fn bytes(&self) -> [[u8; 8]; 3] {
        [self.prompt, self.cached, self.completion].map(u64::to_le_bytes)
    }
}

fn group(session: &str) -> [&[u8]; 2] {
    [b"vibe", session.as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_name_tells_when_a_session_began() {
        let at = Some("2026-07-25T17:20:00Z".parse().unwrap());
        assert_eq!(begun_at("session_20260725_172000_1a2b3c4d"), at);
        assert_eq!(begun_at("my_prefix_20260725_172000_1a2b3c4d/x_20260725_172000_ff"), at);
        assert_eq!(begun_at("session"), None);
    }
}
