//! What the monitor is told, and what it tells.

use std::sync::Arc;

use crate::board::{AlertRow, Board};
pub use crate::ledger::Settled;
use crate::spend::SnoozeFor;

/// What the monitor tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something changed.
    Board(Arc<Board>),
    /// Alerts are to be told on the desktop, several of them in one notification; answer with
    /// [`Command::OnDesktop`].
    Alerts(Vec<AlertRow>),
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
    /// What the desktop made of these alerts: it took them, nobody is there yet, or the user wants
    /// no notifications.
    OnDesktop(Vec<i64>, Settled),
    /// Keep all but what is critical back for a while, or no longer; of one budget or of all.
    Snooze(Option<String>, SnoozeFor),
    /// The config file was changed; read it now.
    Reload,
    /// End.
    Stop,
}
