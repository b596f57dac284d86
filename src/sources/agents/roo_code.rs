//! Roo Code, an extension for editors that descends from Cline.
//!
//! # Where
//! `tasks/<task>/` in the extension's storage (`globalStorage/rooveterinaryinc.roo-cline` of
//! Visual Studio Code and its kin). A `roo-cline.customStoragePath` in the editor's settings moves
//! it; name that folder in `[agents.roo-code] roots = [...]`.
//!
//! # What counts
//! See [`super::cline_tasks`]. Roo Code's `tokensIn` holds the caches since 2025-10-31.

use super::agent::{Agent, FileKind, not_watched};
use super::cline_tasks::{DEEPEST, Tasks, is_task};
use super::homes::editor_storage;
use crate::sources::{SourceInfo, SourceKind};
use crate::spend::BY_PROVIDER;

/// Roo Code.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "roo-code",
        name: "Roo Code",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by task; its own estimate of the cost",
        reads: "task folders in the storage of editors (JSON)",
        limits: "a task's first model stands for the whole task",
    },
    homes: |places| editor_storage(places, "rooveterinaryinc.roo-cline"),
    inside: |home| vec![home.join("tasks")],
    kinds: &[FileKind {
        is_log: is_task,
        deepest: DEEPEST,
        format: &Tasks { may_tell_whole_prompt: true },
    }],
    // Each task's folder may hold a shadow repository of the working copy.
    watch: not_watched,
};
