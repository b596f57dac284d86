//! OpenAI.

use crate::sources::{KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};

/// OpenAI's billing endpoints.
pub struct OpenAiAdmin;

static INFO: SourceInfo = SourceInfo {
    id: "openai-admin",
    name: "OpenAI",
    kind: SourceKind::Provider,
    account: "openai",
    poll_minutes: 5,
    key: Some(KeySpec { variables: &["OPENAI_ADMIN_KEY"], kind: "an admin key (sk-admin-…)" }),
    base_url: "https://api.openai.com",
    tells: "billed cost per UTC day",
};

impl Source for OpenAiAdmin {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, _look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(async { Err(SourceError::NeedsKey) })
    }
}
