//! macOS: one folder, template icons with text beside them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyring_core::api::CredentialStoreApi;
use notify_rust::Notification;
use tao::platform::macos::{ActivationPolicy, EventLoopExtMacOS};
use tray_icon::{Icon, TrayIcon, TrayIconBuilder};

pub use super::autostart::file::{
    read as read_autostart, remove as remove_autostart, write as write_autostart,
};
use super::notification::{Content, Heard, Urgency};
use super::paths::Folders;
use super::session::{Desktop, Presence};
use super::theme::Scheme;
use super::tray_style::TrayStyle;

/// Menu bars are 22 points high; every Mac of this decade has two pixels to a point.
pub const TRAY_STYLE: TrayStyle = TrayStyle { icon_px: 44, text_beside: true, is_template: true };

type Variable<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

pub fn folders(base: &dyn Fn(&str, &str) -> PathBuf) -> Folders {
    // macOS has no variable for this folder; the name is one that nobody sets.
    let folder = base("", "Library/Application Support").join("Spendbar");
    Folders { config: folder.clone(), data: folder.clone(), state: folder }
}

pub fn opener(path: &Path) -> Command {
    let mut command = Command::new("/usr/bin/open");
    command.arg("-t").arg(path);
    command
}

pub fn browser(address: &str) -> Command {
    let mut command = Command::new("/usr/bin/open");
    command.arg(address);
    command
}

/// A program that the loop belongs to shows no icon in the dock.
pub fn prepare_loop<E>(events: &mut tao::event_loop::EventLoop<E>) {
    events.set_activation_policy(ActivationPolicy::Accessory);
}

/// Over ssh there is a user but no window server.
pub fn is_graphical(variable: &Variable<'_>) -> bool {
    variable("SSH_CONNECTION").is_none()
}

pub fn desktop(variable: &Variable<'_>) -> Desktop {
    let there =
        if is_graphical(variable) { Presence::There(String::new()) } else { Presence::Absent };
    Desktop {
        display: there,
        session_bus: Presence::NotNeeded,
        notifications: Presence::NotNeeded,
        tray_watcher: Presence::NotNeeded,
        tray_host: Presence::NotNeeded,
    }
}

/// The system tints template icons itself.
pub fn scheme() -> Scheme {
    Scheme::Light
}

pub fn watch_scheme(_changed: Box<dyn Fn(Scheme) + Send>) {}

/// A keychain asks when it has to: it does not tell beforehand whether it would.
pub fn keyring_entry(
    service: &str,
    user: &str,
    _may_ask: bool,
) -> keyring_core::Result<keyring_core::Entry> {
    apple_native_keyring_store::keychain::Store::new()?.build(service, user, None)
}

/// Here each entry is asked for by itself, which takes no time.
pub fn stored_in_keyring(_service: &str) -> keyring_core::Result<Option<Vec<String>>> {
    Ok(None)
}

pub fn with_icon(builder: TrayIconBuilder, icon: Icon) -> TrayIconBuilder {
    builder.with_icon_templated(icon)
}

pub fn set_icon(tray: &TrayIcon, icon: Icon) -> tray_icon::Result<()> {
    tray.set_icon_templated(Some(icon))
}

/// Shows notifications. They have no buttons here, so nobody is heard.
pub struct Notifier;

impl Notifier {
    pub fn new(_heard: Box<Heard>) -> Self {
        Self
    }

    pub fn show(&self, content: &Content<'_>) -> Result<(), String> {
        let mut notification = Notification::new();
        notification.appname("Spendbar").summary(content.title).body(content.body);
        if content.urgency == Urgency::Critical {
            notification.sound_name("default");
        }
        notification.show().map(|_| ()).map_err(|error| error.to_string())
    }
}

pub fn other_homes() -> Vec<PathBuf> {
    Vec::new()
}

pub fn quoted(path: &str) -> Option<String> {
    super::shell::in_single_quotes(path)
}

/// A launch agent of the user's, which launchd starts at login.
/// Source: launchd.plist(5).
pub fn autostart_place(base: &dyn Fn(&str, &str) -> PathBuf) -> PathBuf {
    // macOS has no variable for this folder; the name is one that nobody sets.
    base("", "Library/LaunchAgents").join("local.spendbar.plist")
}

pub fn autostart_text(program: &str) -> String {
    let program = program.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>local.spendbar</string>
  <key>ProgramArguments</key><array><string>{program}</string></array>
  <key>RunAtLoad</key><true/>
  <key>ProcessType</key><string>Interactive</string>
</dict>
</plist>
"#
    )
}

/// The first of the program's arguments, as it is written.
pub fn started_by(text: &str) -> Option<String> {
    let (_, arguments) = text.split_once("<key>ProgramArguments</key>")?;
    let (_, first) = arguments.split_once("<string>")?;
    Some(first.split_once("</string>")?.0.to_owned())
}
