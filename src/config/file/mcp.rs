//! `[mcp]`: what agents that ask are told.

use serde::Deserialize;

use crate::config::McpSettings;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedMcp {
    projects: Option<bool>,
}

impl TypedMcp {
    pub(super) fn settings(self) -> McpSettings {
        McpSettings { projects: self.projects.unwrap_or(false) }
    }
}
