//! OpenRouter.

use crate::sources::{KeySpec, Look, ReadFuture, Source, SourceError, SourceInfo, SourceKind};

/// OpenRouter's billing endpoints.
pub struct OpenRouter;

static INFO: SourceInfo = SourceInfo {
    id: "openrouter",
    name: "OpenRouter",
    kind: SourceKind::Provider,
    account: "openrouter",
    poll_minutes: 5,
    key: Some(KeySpec { variables: &["OPENROUTER_API_KEY"], kind: "an API key (sk-or-…)" }),
    base_url: "https://openrouter.ai",
    tells: "billed cost per UTC day",
};

impl Source for OpenRouter {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read<'a>(&'a self, _look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(async { Err(SourceError::NeedsKey) })
    }
}
