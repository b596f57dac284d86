//! Desktop notifications, and what their buttons ask for.

use crate::board::wording;
use crate::platform::notification;
use crate::spend::Severity;

pub use crate::platform::notification::Urgency;

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// One line: what happened.
    pub title: String,
    /// Where it came from and what follows; plain text.
    pub body: String,
    /// How pressing it is.
    pub urgency: Urgency,
    /// One for each thing that is spoken of, the same when it is spoken of again: a budget, say.
    /// What is told later replaces what was told earlier and does not stack.
    pub tag: String,
    /// Its buttons, where the desktop has any.
    pub replies: Vec<Reply>,
}

/// What a button asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// To see more.
    Details,
    /// Silence for an hour.
    SnoozeHour,
    /// Silence until the next day.
    SnoozeTomorrow,
    /// A higher limit.
    Raise,
}

/// Why nobody was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the notification was not shown: {0}")]
pub struct NotifyError(String);

/// Shows notices and hears what is pressed.
pub struct Notifier(notification::Notifier);

impl Notifier {
    /// `heard` is told a notice's tag and what was pressed, on a thread of the notifier's own.
    pub fn new(heard: impl Fn(&str, Reply) + Send + Sync + 'static) -> Self {
        Self(notification::Notifier::new(move |tag, key| {
            // Keys are our own; a daemon that makes one up is not listened to.
            if let Some(reply) = Reply::of_key(key) {
                heard(tag, reply);
            }
        }))
    }

    /// For a program that ends before anybody could press a button: notices have none.
    pub fn without_replies() -> Self {
        Self::new(|_, _| {})
    }

    /// Shows a notice. Blocks for a few milliseconds, or some seconds where the desktop's daemon
    /// hangs: call it from a thread that may block.
    ///
    /// # Errors
    /// No daemon took it. Trying again later is right: daemons start late and restart.
    pub fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let labels: Vec<_> = notice.replies.iter().map(|it| (it.key(), it.label())).collect();
        let mut actions: Vec<(&str, &str)> =
            labels.iter().map(|(key, label)| (*key, label.as_str())).collect();
        if notice.replies.contains(&Reply::Details) {
            // A click on the notification itself.
            actions.insert(0, ("default", "Details"));
        }
        self.0
            .show(&notification::Content {
                title: &notice.title,
                body: &notice.body,
                urgency: notice.urgency,
                tag: &notice.tag,
                actions: &actions,
            })
            .map_err(NotifyError)
    }
}

/// How pressing a notice of this severity is.
pub fn urgency(severity: Severity) -> Urgency {
    match severity {
        Severity::Info => Urgency::Low,
        Severity::Warning => Urgency::Normal,
        Severity::Critical => Urgency::Critical,
    }
}

impl Reply {
    const ALL: [Self; 4] = [Self::Details, Self::SnoozeHour, Self::SnoozeTomorrow, Self::Raise];

    fn key(self) -> &'static str {
        match self {
            Self::Details => "details",
            Self::SnoozeHour => "snooze-1h",
            Self::SnoozeTomorrow => "snooze-tomorrow",
            Self::Raise => "raise",
        }
    }

    fn label(self) -> String {
        match self {
            Self::Details => "Details".into(),
            Self::SnoozeHour => "Snooze 1 h".into(),
            Self::SnoozeTomorrow => "Snooze until tomorrow".into(),
            Self::Raise => format!("Raise budget by {} %", wording::RAISE_PERCENT),
        }
    }

    fn of_key(key: &str) -> Option<Self> {
        if key == "default" {
            return Some(Self::Details);
        }
        Self::ALL.into_iter().find(|reply| reply.key() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_back() {
        for reply in Reply::ALL {
            assert_eq!(Reply::of_key(reply.key()), Some(reply));
        }
        assert_eq!(Reply::of_key("default"), Some(Reply::Details));
        assert_eq!(Reply::of_key("rm"), None);
    }
}
