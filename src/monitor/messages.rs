//! What the monitor is told, and what it tells.

use std::sync::Arc;

use crate::board::{AlertRow, Board};

/// What the monitor tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something changed.
    Board(Arc<Board>),
    /// An alert is to be delivered; answer with [`Command::Delivered`] or
    /// [`Command::NotDelivered`].
    Alert(Box<AlertRow>),
    /// The monitor has ended; [`super::Handle::stop`] tells why.
    Ended,
}

/// What the monitor is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Look at everything now. Somebody asks, so no back-off holds; what a source bears does.
    Refresh,
    /// Stop or go on looking.
    Pause(bool),
    /// A notification daemon took this alert.
    Delivered(i64),
    /// Nobody took an alert; hand it out again later.
    NotDelivered,
    /// End.
    Stop,
}
