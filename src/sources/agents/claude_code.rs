//! Claude Code.

use crate::sources::{Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};

/// Claude Code's session logs.
pub struct ClaudeCode;

static INFO: SourceInfo = SourceInfo {
    id: "claude-code",
    name: "Claude Code",
    kind: SourceKind::Agent,
    account: "anthropic",
    poll_minutes: 10,
    key: None,
    base_url: "",
    tells: "tokens of every request, by model, project and session",
};

impl Source for ClaudeCode {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, _look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(async { Err(SourceError::NotInstalled) })
    }
}
