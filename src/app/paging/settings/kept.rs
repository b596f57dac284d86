//! The settings' memory.

use crate::faces::page::settings::Said;

use super::history::History;

/// What the settings keep in this run.
#[derive(Default)]
pub(in crate::app::paging) struct Kept {
    /// The changes of the config file.
    pub(super) history: History,
    /// What came of the last request, under the number that leads back to it.
    pub(super) said: (u64, Option<Said>),
}
