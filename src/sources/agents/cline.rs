//! Cline, the extension for editors.
//!
//! # Where
//! `tasks/<task>/` in the extension's storage (`globalStorage/saoudrizwan.claude-dev` of Visual
//! Studio Code and its kin) and in `${CLINE_DATA_DIR:-${CLINE_DIR:-~/.cline}/data}`, where other
//! hosts of Cline keep it. Versions that are built on Cline's SDK write sessions as the command
//! line does: see [`super::cline_cli`].
//!
//! # What counts
//! See [`super::cline_tasks`]. Cline's `tokensIn` never holds the caches.

use std::path::PathBuf;

use super::agent::{Agent, FileKind, whole_tree};
use super::cline_tasks::{DEEPEST, Tasks, data_folder, is_task};
use super::homes::editor_storage;
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::BY_PROVIDER;

/// Cline.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "cline",
        name: "Cline",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model and task; its own estimate of the cost",
        reads: "task folders in the storage of editors (JSON)",
        limits: "requests deleted before the first look are missing",
    },
    homes,
    inside: |home| vec![home.join("tasks")],
    kinds: &[FileKind {
        is_log: is_task,
        deepest: DEEPEST,
        format: &Tasks { may_tell_whole_prompt: false },
    }],
    watch: whole_tree,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    let mut homes = editor_storage(places, "saoudrizwan.claude-dev");
    homes.push(data_folder(places));
    homes
}
