//! OpenClaw, also under its former names Clawdbot and Moltbot.
//!
//! # Where
//! `$OPENCLAW_STATE_DIR`, else `${OPENCLAW_HOME:-~}/.openclaw`; its profiles `.openclaw-*` beside
//! it, and the folders of its former names `.clawdbot`, `.moltbot` and `.moldbot`.
//! `[agents.openclaw] roots = [...]` in the config replaces all of these. In each:
//!
//! - to 2026.7.1: `agents/<agent>/sessions/<session>.jsonl`. A reset or a deletion renames the file
//!   to `….jsonl.reset.<time>` or `….jsonl.deleted.<time>`, packed with Zstandard (`.zst`) in later
//!   versions. These hold real usage and are read.
//! - from 2026.7.2: `agents/<agent>/agent/openclaw-agent.sqlite`; the lines are rows of
//!   `transcript_events` then. See [`database`].
//! - sessions that were not used for long: `agents/<agent>/sessions/cold/*.jsonl.zst`, whose lines
//!   wrap the rows of the database: `{"kind":"event","row":{"event_json":"…"}}`.
//! - the originals of what was imported into the database:
//!   `agents/<agent>/session-sqlite-import-archive/`. They are read too: the keys tell copies.
//!
//! Sources: [OpenClaw's code][code] (`src/config/sessions/artifacts.ts`, `archive-compression.ts`
//! and `session-cold-archive.ts`, `src/state/openclaw-agent-schema.sql`), and as observed.
//!
//! # What counts
//! The entries are those of pi; their rules are in [`entries`](super::entries). Beyond them, each
//! with a fixture in `tests/fixtures/agents/openclaw`:
//!
//! 1. `<session>.checkpoint.<id>.jsonl` is a copy from before a compaction, `….jsonl.bak.*` a
//!    backup, `….trajectory.jsonl` repeats the usage of each run: none of them is read.
//! 2. The counters in `sessions.json` say how full the context is; they are never usage.
//! 3. Turns that OpenClaw has run through another agent's command line (provider `claude-cli` or
//!    `codex-cli`, or `google-gemini-cli` with the API `cli`) are in that agent's own logs, request
//!    by request, while the entry here holds only the last of them: they count there.
//! 4. `trajectory_runtime_events` and `acp_parent_stream_events` of the database repeat usage too.
//!
//! [code]: https://github.com/openclaw/openclaw

mod cursor;
pub mod database;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::agent::{Agent, FileKind};
use super::entries::{self, Session, Writer};
use super::homes::{folders_in, named_by};
use super::scan::{Findings, Format, Shape};
use super::wire::{Text, cause, text_or_nothing};
use crate::sources::{Depth, Places, SourceInfo, SourceKind};
use crate::spend::BY_PROVIDER;

/// OpenClaw.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "openclaw",
        name: "OpenClaw",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens and own cost of every request, by model, project and session",
        reads: "session transcripts (JSONL, SQLite), also archived and imported ones",
        limits: "turns run through Claude's, Codex' or Gemini's command line count there",
    },
    homes,
    inside,
    kinds: &[
        FileKind { is_log: is_transcript, deepest: 1, format: &Lines },
        FileKind { is_log: database::is_database, deepest: 0, format: &database::Rows },
    ],
    // The folder with the database may hold homes of other agents.
    watch: |folder| Some(if folder.ends_with("agent") { Depth::Folder } else { Depth::Tree }),
};

fn homes(places: &Places) -> Vec<PathBuf> {
    let base = named_by(places, "OPENCLAW_HOME", || places.home.clone());
    let mut homes = vec![named_by(places, "OPENCLAW_STATE_DIR", || base.join(".openclaw"))];
    homes.extend([".clawdbot", ".moltbot", ".moldbot"].map(|former| base.join(former)));
    homes.extend(folders_in(&base).into_iter().filter(|folder| {
        let name = folder.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(".openclaw-"))
    }));
    homes
}

/// Only the folders that hold logs: an agent's folder also has homes of other agents, with whole
/// trees of installed packages.
fn inside(home: &Path) -> Vec<PathBuf> {
    folders_in(&home.join("agents"))
        .into_iter()
        .flat_map(|agent| {
            ["sessions", "session-sqlite-import-archive", "agent"].map(|name| agent.join(name))
        })
        .collect()
}

/// Transcripts and their archives; see rule 1 for what is none.
fn is_transcript(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    if !matches!(folder, Some("sessions" | "cold" | "session-sqlite-import-archive")) {
        return false;
    }
    let plain = name.strip_suffix(".zst").unwrap_or(name);
    let Some((stem, ending)) = plain.rsplit_once(".jsonl") else { return false };
    let is_live_or_archived =
        ending.is_empty() || ending.starts_with(".reset.") || ending.starts_with(".deleted.");
    is_live_or_archived && !stem.ends_with(".trajectory") && !is_checkpoint(stem)
}

/// `<session>.checkpoint.<uuid>`: a session's own name may hold the word too.
fn is_checkpoint(stem: &str) -> bool {
    stem.rsplit_once(".checkpoint.").is_some_and(|(_, id)| {
        id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    })
}

/// Whose entries these are.
const WRITER: Writer = Writer { agent: "openclaw", counted_elsewhere };

/// See rule 3. Gemini's id alone won't do: it also names a login with Google's own interface.
fn counted_elsewhere(api: &str, provider: &str) -> Option<&'static str> {
    match (provider, api) {
        ("claude-cli", _) => Some("run by Claude Code, whose own log is read"),
        ("codex-cli", _) => Some("run by Codex, whose own log is read"),
        ("google-gemini-cli", "cli") => Some("run by Gemini CLI, whose own log is read"),
        _ => None,
    }
}

struct Lines;

impl Format for Lines {
    type State = Session;

    fn shape(&self) -> Shape<'_> {
        Shape::Lines(entries::lines())
    }

    fn line(&self, _file: &Path, session: &mut Session, line: &[u8], found: &mut Findings) {
        read_line(session, line, found);
    }
}

/// Reads a line of a transcript, or one of a cold archive.
fn read_line(session: &mut Session, line: &[u8], found: &mut Findings) {
    if !line.starts_with(b"{\"kind\":") {
        return WRITER.read(session, line, found);
    }
    let record: Cold<'_> = match serde_json::from_slice(line) {
        Ok(record) => record,
        Err(error) => return found.problem(format!("not a readable record: {}", cause(&error))),
    };
    match (record.kind.as_deref(), record.row.and_then(|row| row.event_json)) {
        (Some("header"), _) => {
            *session = Session::named(record.session_id.as_deref().unwrap_or_default());
            found.skip("the archive's header");
        }
        (Some("event"), Some(event)) => WRITER.read(session, event.as_bytes(), found),
        (Some("event"), None) => found.problem("an archived event without its text"),
        _ => found.skip("not an event"),
    }
}

/// A line of a cold archive.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cold<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    session_id: Option<Text<'a>>,
    #[serde(borrow)]
    row: Option<ColdRow<'a>>,
}

#[derive(Deserialize)]
struct ColdRow<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    event_json: Option<Text<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_sidecars_are_told_by_their_names() {
        let is = |name: &str| is_transcript(&Path::new("/s/agents/main/sessions").join(name));
        for name in [
            "a.jsonl",
            "a.jsonl.reset.2026-03-01T08-05-00.000Z",
            "a.jsonl.deleted.2026-03-01T08-05-00.000Z.zst",
            "cold/0f.jsonl.zst",
            "my.checkpoint.notes.jsonl",
        ] {
            assert!(is(name), "{name}");
        }
        for name in [
            "sessions.json",
            "a.jsonl.bak.2026-03-01T08-05-00.000Z",
            "a.jsonl.lock",
            "a.trajectory.jsonl",
            "a.checkpoint.5d000000-0000-4000-8000-0000000000cc.jsonl",
            "a.trajectory.jsonl.deleted.2026-03-01T08-05-00.000Z",
            "other/a.jsonl",
        ] {
            assert!(!is(name), "{name}");
        }
    }

    #[test]
    fn variables_move_the_home_and_profiles_lie_beside_it() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".openclaw-work")).unwrap();
        let mut places = Places { home: home.path().to_owned(), ..Places::default() };
        let usual = homes(&places);
        for name in [".openclaw", ".openclaw-work", ".clawdbot", ".moltbot", ".moldbot"] {
            assert!(usual.contains(&home.path().join(name)), "{name}");
        }
        places.variables.insert("OPENCLAW_STATE_DIR".into(), "~/claw".into());
        let moved = homes(&places);
        assert!(moved.contains(&home.path().join("claw")));
        assert!(!moved.contains(&home.path().join(".openclaw")));
    }
}
