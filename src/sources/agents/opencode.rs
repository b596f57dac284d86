//! OpenCode.
//!
//! # Where
//! `${XDG_DATA_HOME:-~/.local/share}/opencode` on every system, or `$OPENCODE_DATA_DIR`: each
//! `opencode*.db` in it and the message files of versions before the database.
//!
//! # What counts
//! See [`super::opencode_store`].

use super::agent::{Agent, FileKind, folder_alone};
use super::homes::{data_home, named_by};
use super::opencode_store;
use crate::sources::{SourceInfo, SourceKind};
use crate::spend::BY_PROVIDER;

/// OpenCode.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "opencode",
        name: "OpenCode",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model, project and session; its own estimate of the cost",
        reads: "its databases (SQLite) and the message files of older versions (JSON)",
        limits: "reasoning of old versions may be inside or beside the output",
    },
    homes: |places| vec![named_by(places, "OPENCODE_DATA_DIR", || data_home(places, "opencode"))],
    inside: opencode_store::folders,
    kinds: &[
        FileKind {
            is_log: |path| opencode_store::is_database(path, "opencode"),
            deepest: 0,
            format: &opencode_store::Messages,
        },
        FileKind {
            is_log: opencode_store::is_message_file,
            deepest: 1,
            format: &opencode_store::MessageFiles,
        },
    ],
    // Snapshots of whole working copies lie beside the database.
    watch: folder_alone,
};
