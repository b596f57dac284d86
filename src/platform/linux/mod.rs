//! Linux: XDG folders, and everything of the desktop over the session bus.

mod autostart;
mod keyring;
mod notifications;
mod panel;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tray_icon::{Icon, TrayIcon, TrayIconBuilder};
use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, Proxy, fdo::DBusProxy};
use zbus::names::BusName;

use super::paths::Folders;
use super::session::{Desktop, Presence};
use super::tray_style::TrayStyle;

pub use autostart::{
    autostart_place, autostart_text, read_autostart, remove_autostart, started_by, write_autostart,
};
pub use keyring::{keyring_entry, stored_in_keyring};
pub use notifications::Notifier;
pub use panel::{scheme, watch_scheme};

/// 44 px is 22 px twice: sharp on a display of double density, and halved without a remainder on
/// others (panels of 24 to 32 px show icons of 22).
pub const TRAY_STYLE: TrayStyle = TrayStyle { icon_px: 44, text_beside: false, is_template: false };

/// A bus that does not answer within this is taken for absent.
const BUS_TIMEOUT: Duration = Duration::from_secs(2);

type Variable<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

pub fn folders(base: &dyn Fn(&str, &str) -> PathBuf) -> Folders {
    Folders {
        config: base("XDG_CONFIG_HOME", ".config").join("spendbar"),
        data: base("XDG_DATA_HOME", ".local/share").join("spendbar"),
        state: base("XDG_STATE_HOME", ".local/state").join("spendbar"),
    }
}

pub fn opener(path: &Path) -> Command {
    let mut command = Command::new("xdg-open");
    command.arg(path);
    command
}

pub fn browser(address: &str) -> Command {
    let mut command = Command::new("xdg-open");
    command.arg(address);
    command
}

pub fn is_graphical(variable: &Variable<'_>) -> bool {
    matches!(display(variable), Presence::There(_))
}

fn display(variable: &Variable<'_>) -> Presence {
    ["WAYLAND_DISPLAY", "DISPLAY"]
        .into_iter()
        .filter_map(|name| variable(name).filter(|value| !value.is_empty()))
        .map(|value| Presence::There(value.to_string_lossy().into_owned()))
        .next()
        .unwrap_or(Presence::Absent)
}

pub fn desktop(variable: &Variable<'_>) -> Desktop {
    let display = display(variable);
    let bus = match session_bus() {
        Ok(bus) => bus,
        Err(error) => {
            let unasked = || Presence::Unknown("no session bus".into());
            return Desktop {
                display,
                session_bus: Presence::Unknown(one_clause(&error)),
                notifications: unasked(),
                tray_watcher: unasked(),
                tray_host: unasked(),
            };
        }
    };
    Desktop {
        display,
        session_bus: Presence::There(
            variable("DBUS_SESSION_BUS_ADDRESS")
                .map(|address| address.to_string_lossy().into_owned())
                .unwrap_or_default(),
        ),
        notifications: notifications(&bus),
        tray_watcher: owner(&bus, "org.kde.StatusNotifierWatcher"),
        tray_host: tray_host(&bus),
    }
}

fn session_bus() -> zbus::Result<Connection> {
    session_bus_within(BUS_TIMEOUT)
}

/// The session bus for calls that are given up after so long.
fn session_bus_within(timeout: Duration) -> zbus::Result<Connection> {
    Builder::session()?.method_timeout(timeout).build()
}

/// Whether somebody owns `name`, or would be started by asking for it.
fn owner(bus: &Connection, name: &'static str) -> Presence {
    let ask = || -> zbus::Result<bool> {
        let proxy = DBusProxy::new(bus)?;
        let known = BusName::from_static_str(name)?;
        Ok(proxy.name_has_owner(known)?
            || proxy.list_activatable_names()?.iter().any(|other| other.as_str() == name))
    };
    match ask() {
        Ok(true) => Presence::There(String::new()),
        Ok(false) => Presence::Absent,
        Err(error) => Presence::Unknown(one_clause(&error)),
    }
}

fn notifications(bus: &Connection) -> Presence {
    const NAME: &str = "org.freedesktop.Notifications";
    match owner(bus, NAME) {
        Presence::There(_) => {
            let ask = || -> zbus::Result<(String, String, String, String)> {
                Proxy::new(bus, NAME, "/org/freedesktop/Notifications", NAME)?
                    .call("GetServerInformation", &())
            };
            match ask() {
                Ok((name, _, version, _)) => Presence::There(format!("{name} {version}")),
                Err(error) => Presence::Unknown(one_clause(&error)),
            }
        }
        other => other,
    }
}

fn tray_host(bus: &Connection) -> Presence {
    const NAME: &str = "org.kde.StatusNotifierWatcher";
    let ask = || -> zbus::Result<bool> {
        Proxy::new(bus, NAME, "/StatusNotifierWatcher", NAME)?
            .get_property("IsStatusNotifierHostRegistered")
    };
    match owner(bus, NAME) {
        Presence::There(_) => match ask() {
            Ok(true) => Presence::There(String::new()),
            Ok(false) => Presence::Absent,
            Err(error) => Presence::Unknown(one_clause(&error)),
        },
        other => other,
    }
}

fn one_clause(error: &zbus::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

pub fn with_icon(builder: TrayIconBuilder, icon: Icon) -> TrayIconBuilder {
    builder.with_icon(icon)
}

pub fn set_icon(tray: &TrayIcon, icon: Icon) -> tray_icon::Result<()> {
    tray.set_icon(Some(icon))
}

pub fn other_homes() -> Vec<PathBuf> {
    Vec::new()
}

pub fn quoted(path: &str) -> Option<String> {
    super::shell::in_single_quotes(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_is_what_the_environment_says() {
        let with = |name: &'static str, value: &'static str| {
            move |asked: &str| (asked == name).then(|| OsString::from(value))
        };
        assert!(is_graphical(&with("DISPLAY", ":0")));
        assert!(is_graphical(&with("WAYLAND_DISPLAY", "wayland-0")));
        assert!(!is_graphical(&with("DISPLAY", "")));
        assert!(!is_graphical(&with("TERM", "xterm")));
    }
}
