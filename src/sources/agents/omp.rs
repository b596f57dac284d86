//! OMP (oh-my-pi), a fork of pi.
//!
//! # Where
//! `~/.omp/agent/sessions`. `[agents.omp] roots = [...]` in the config replaces it: a folder with
//! sessions, or one with a folder `sessions` in it. In it lies one folder for each working folder,
//! with a file for each session; a session's subagents have files in a folder beside it
//! (getagentseal/codeburn, `src/providers/pi.ts`). pi's variables are not asked: what they name is
//! read as pi's.
//!
//! # What counts
//! The entries are those of pi; their rules are in [`entries`](super::entries). With fixtures in
//! `tests/fixtures/agents/omp`:
//!
//! 1. A `title` line, and blank lines, may stand before the header.
//! 2. `model_change` names provider and model in one text, `provider/model`.
//! 3. Subagents are requests of their own; their parents do not repeat them.

use std::path::Path;

use super::agent::{Agent, FileKind, is_jsonl, whole_tree};
use super::entries::{self, Session, Writer, sessions_of};
use super::scan::{Findings, Format, Shape};
use crate::sources::{SourceInfo, SourceKind};
use crate::spend::BY_PROVIDER;

/// OMP.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "omp",
        name: "OMP",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens and own cost of every request, by model, project and session",
        reads: "session files, also of subagents (JSONL)",
        limits: "",
    },
    homes: |places| vec![places.home.join(".omp/agent/sessions")],
    inside: |home| vec![sessions_of(home)],
    kinds: &[FileKind { is_log: is_jsonl, deepest: 4, format: &Lines }],
    watch: whole_tree,
};

const WRITER: Writer = Writer { agent: "omp", counted_elsewhere: |_, _| None };

struct Lines;

impl Format for Lines {
    type State = Session;

    fn shape(&self) -> Shape<'_> {
        Shape::Lines(entries::lines())
    }

    fn line(&self, _file: &Path, session: &mut Session, line: &[u8], found: &mut Findings) {
        WRITER.read(session, line, found);
    }
}
