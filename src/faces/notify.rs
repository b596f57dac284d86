//! Desktop notifications.

use crate::platform::notification;

/// How pressing a notification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Goes away by itself.
    Normal,
    /// Stays until it is closed: a broken budget.
    Critical,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// One line: what happened.
    pub title: String,
    /// Where it came from and what follows; plain text.
    pub body: String,
    /// How pressing it is.
    pub urgency: Urgency,
    /// One for each thing that is told, the same when it is told again: an alert's number, say.
    /// A repeated delivery then replaces the earlier one and does not stack, where the daemon
    /// goes by tags.
    pub tag: String,
}

/// Why nobody was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the notification was not shown: {0}")]
pub struct NotifyError(String);

/// Shows a notice. Blocks for a few milliseconds, or for as long as the desktop's daemon hangs:
/// call it from a thread that may block, and with a time limit.
///
/// # Errors
/// No daemon took it. Trying again later is right: daemons start late and restart.
pub fn notify(notice: &Notice) -> Result<(), NotifyError> {
    notification::show(&notification::Content {
        title: &notice.title,
        body: &notice.body,
        critical: notice.urgency == Urgency::Critical,
        tag: &notice.tag,
    })
    .map_err(NotifyError)
}
