//! Anthropic.

use crate::sources::{KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};

/// Anthropic's billing endpoints.
pub struct AnthropicAdmin;

static INFO: SourceInfo = SourceInfo {
    id: "anthropic-admin",
    name: "Anthropic",
    kind: SourceKind::Provider,
    account: "anthropic",
    poll_minutes: 5,
    key: Some(KeySpec {
        variables: &["ANTHROPIC_ADMIN_KEY"],
        kind: "an admin key (sk-ant-admin…)",
    }),
    base_url: "https://api.anthropic.com",
    tells: "billed cost per UTC day",
};

impl Source for AnthropicAdmin {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, _look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(async { Err(SourceError::NeedsKey) })
    }
}
