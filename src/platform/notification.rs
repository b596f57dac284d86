//! Desktop notifications, and what their buttons answer.

use super::system;

/// How pressing one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Good to know.
    Low,
    /// Goes away by itself.
    Normal,
    /// Stays until it is closed.
    Critical,
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// The first line.
    pub title: &'a str,
    /// The rest, plain text.
    pub body: &'a str,
    /// How pressing it is.
    pub urgency: Urgency,
    /// Notifications with the same tag replace each other, where the system can do that.
    pub tag: &'a str,
    /// Buttons: a key for the program and a label for people. The key `default` is a click on the
    /// notification itself. Left out where the system has none.
    pub actions: &'a [(&'a str, &'a str)],
}

/// Is told the tag of a notification and the key of the button that was pressed.
pub type Heard = dyn Fn(&str, &str) + Send + Sync;

/// Shows notifications and hears what is pressed. Nothing waits until the first notification with
/// buttons is shown; from then on one thread sleeps until the program ends.
pub struct Notifier(system::Notifier);

impl Notifier {
    /// `heard` is called from a thread of the notifier's own.
    pub fn new(heard: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        Self(system::Notifier::new(Box::new(heard)))
    }

    /// Shows one. Blocks.
    ///
    /// # Errors
    /// One clause: why nobody took it.
    pub fn show(&self, content: &Content<'_>) -> Result<(), String> {
        self.0.show(content)
    }
}
