//! The live view of a whole terminal: today, and what is spent by session as it happens.
//!
//! [`state`] is what keys change, [`view`] draws it into cells, both pure; [`screen`] is the
//! terminal, which it gives back however the program ends.

pub mod screen;
pub mod state;
pub mod view;

use chrono::{DateTime, Utc};

use crate::board::Board;
use crate::board::sessions::Sessions;

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Today.
    pub board: Board,
    /// Today's sessions.
    pub sessions: Sessions,
    /// When it was looked at; ages count from here.
    pub now: DateTime<Utc>,
    /// What a reader must know of how it came about; empty for nothing.
    pub notice: String,
}
