//! Kilo Code, first an extension for editors that descends from Roo Code, later a
//! descendant of OpenCode.
//!
//! # Where
//! `${XDG_DATA_HOME:-~/.local/share}/kilo` on every system, or `$KILO_DATA_DIR`: each `kilo*.db`
//! in it. And `tasks/<task>/` in the old extension's storage (`globalStorage/kilocode.kilo-code`
//! of Visual Studio Code and its kin).
//!
//! # What counts
//! The databases are OpenCode's (see [`super::opencode_store`]), the task folders Roo Code's (see
//! [`super::cline_tasks`]). What was copied from one of those agents into this one counts once,
//! because the keys are the same.

use std::path::{Path, PathBuf};

use super::agent::{Agent, FileKind, not_watched};
use super::cline_tasks::{DEEPEST, Tasks, is_task};
use super::homes::{data_home, editor_storage, named_by};
use super::opencode_store;
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::BY_PROVIDER;

/// Kilo Code.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "kilo-code",
        name: "Kilo Code",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model and session; its own estimate of the cost",
        reads: "its databases (SQLite) and the task folders of the old extension (JSON)",
        limits: "in old tasks the first model stands for the whole task",
    },
    homes,
    inside: folders,
    kinds: &[
        FileKind {
            is_log: |path| opencode_store::is_database(path, "kilo"),
            deepest: 0,
            format: &opencode_store::Messages,
        },
        FileKind {
            is_log: opencode_store::is_message_file,
            deepest: 1,
            format: &opencode_store::MessageFiles,
        },
        FileKind {
            is_log: is_task,
            deepest: DEEPEST,
            format: &Tasks { may_tell_whole_prompt: true },
        },
    ],
    // Snapshots of whole working copies lie beside the databases and in the tasks' folders.
    watch: not_watched,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    let mut homes = vec![named_by(places, "KILO_DATA_DIR", || data_home(places, "kilo"))];
    homes.extend(editor_storage(places, "kilocode.kilo-code"));
    homes
}

fn folders(home: &Path) -> Vec<PathBuf> {
    // First, because a folder is walked once: as part of its parent it would be too deep.
    let mut folders = vec![home.join("tasks")];
    folders.extend(opencode_store::folders(home));
    folders
}
