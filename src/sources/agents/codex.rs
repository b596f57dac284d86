//! Codex.

use crate::sources::{Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};

/// Codex's session logs.
pub struct Codex;

static INFO: SourceInfo = SourceInfo {
    id: "codex",
    name: "Codex",
    kind: SourceKind::Agent,
    account: "openai",
    poll_minutes: 10,
    key: None,
    base_url: "",
    tells: "tokens of every request, by model, project and session",
};

impl Source for Codex {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, _look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(async { Err(SourceError::NotInstalled) })
    }
}
