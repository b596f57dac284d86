//! What of a desktop is there: asked at the start and by `doctor`.

use std::ffi::OsString;

use super::system;

/// Whether something this program would use is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is, and calls itself so (empty when it has no name to tell).
    There(String),
    /// It is not.
    Absent,
    /// It could not be asked: one clause.
    Unknown(String),
    /// This system does without it.
    NotNeeded,
}

impl Presence {
    /// True when what depends on it can work.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::There(_) | Self::NotNeeded)
    }
}

/// The parts of a desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desktop {
    /// A display to draw on (Linux: `WAYLAND_DISPLAY` or `DISPLAY`).
    pub display: Presence,
    /// The session bus that tray and notifications are spoken over (Linux only).
    pub session_bus: Presence,
    /// Who shows notifications.
    pub notifications: Presence,
    /// Who keeps the list of tray icons (Linux: `org.kde.StatusNotifierWatcher`).
    pub tray_watcher: Presence,
    /// Whether some panel shows that list.
    pub tray_host: Presence,
}

/// Looks for each part; takes up to a few seconds when the bus hangs, a few milliseconds else.
pub fn desktop(variable: impl Fn(&str) -> Option<OsString>) -> Desktop {
    system::desktop(&variable)
}

/// Whether there is a desktop for a tray icon. Cheap: asks the environment alone. A panel that is
/// not up yet is no obstacle; the icon appears when it comes.
pub fn is_graphical(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    system::is_graphical(&variable)
}
