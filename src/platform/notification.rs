//! One desktop notification.

use super::system;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// The first line.
    pub title: &'a str,
    /// The rest, plain text.
    pub body: &'a str,
    /// It stays until it is closed.
    pub critical: bool,
    /// Notifications with the same tag replace each other, where the system can do that.
    pub tag: &'a str,
}

/// Shows it. Blocks.
///
/// # Errors
/// One clause: why nobody took it.
pub fn show(content: &Content<'_>) -> Result<(), String> {
    system::show_notification(content)
}
