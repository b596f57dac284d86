//! What leaves the program for others to read: tables for spreadsheets and programs, FOCUS for FinOps
//! tools, a month to print, a card to show around. Pure: plain data in, bytes out.

pub mod card;
mod cells;
pub mod csv;
pub mod focus;
pub mod json;
pub mod statement;

use crate::spend::{SourceInfo, SourceKind};

/// The names of sources, by id.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<&'static SourceInfo>);

impl Sources {
    /// Of all sources that are known.
    pub fn new(infos: impl IntoIterator<Item = &'static SourceInfo>) -> Self {
        Self(infos.into_iter().collect())
    }

    /// As people write it; the id of a source that is known no more.
    pub fn name<'a>(&self, id: &'a str) -> &'a str {
        self.find(id).map_or(id, |info| info.name)
    }

    /// `agent` or `provider`; `None` for a source that is known no more.
    pub fn kind(&self, id: &str) -> Option<&'static str> {
        self.find(id).map(|info| match info.kind {
            SourceKind::Agent => "agent",
            SourceKind::Provider => "provider",
        })
    }

    fn find(&self, id: &str) -> Option<&'static SourceInfo> {
        self.0.iter().find(|info| info.id == id).copied()
    }
}
