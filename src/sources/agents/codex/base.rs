//! Where in another rollout a thread's history begins, and the wish to know what stood there.

use serde::{Deserialize, Serialize};

use super::row::Payload;
use crate::sources::agents::wire::filled;

/// A position in another rollout, up to which its history is this one's too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryBase {
    /// Thread id.
    pub thread: String,
    /// Bytes from the start of that rollout.
    pub end: u64,
}

impl HistoryBase {
    /// The base that a `session_meta` names. One without an offset is no position.
    pub fn of(payload: &Payload<'_>) -> Option<Self> {
        let base = payload.history_base.as_ref()?;
        let thread = filled(&base.thread_id)?.to_owned();
        Some(Self { thread, end: base.end_byte_offset?.0 })
    }

    /// The wish to know what stood there.
    pub fn wait(&self) -> Wait {
        Wait { thread: self.thread.clone(), end: Some(self.end) }
    }
}

/// What a fork waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The thread whose rollout is missing.
    pub thread: String,
    /// The position in it that has to be known; `None`: its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
}
