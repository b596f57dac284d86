//! Windows: roaming and local application data, the figure drawn into the icon.

use std::ffi::OsString;
use std::io;
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keyring_core::api::CredentialStoreApi;
use notify_rust::Notification;
use tray_icon::{Icon, TrayIcon, TrayIconBuilder};

use super::notification::{Content, Heard, Urgency};
use super::paths::Folders;
use super::session::{Desktop, Presence};
use super::theme::Scheme;
use super::tray_style::TrayStyle;

/// 32 px is what a display of double density shows; halved it is the 16 px of others.
pub const TRAY_STYLE: TrayStyle = TrayStyle { icon_px: 32, text_beside: false, is_template: false };

/// Starts a console program without a console window (`CREATE_NO_WINDOW`, process creation flags
/// of the Win32 API).
const NO_WINDOW: u32 = 0x0800_0000;

type Variable<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

pub fn folders(base: &dyn Fn(&str, &str) -> PathBuf) -> Folders {
    let local = base("LOCALAPPDATA", "AppData/Local").join("Spendbar");
    Folders {
        config: base("APPDATA", "AppData/Roaming").join("Spendbar"),
        data: local.clone(),
        state: local,
    }
}

/// Notepad is on every Windows; a `.toml` file has no program of its own on most.
pub fn opener(path: &Path) -> Command {
    let mut command = Command::new("notepad.exe");
    command.arg(path);
    command
}

pub fn browser(address: &str) -> Command {
    let mut command = Command::new("rundll32.exe");
    command.args(["url.dll,FileProtocolHandler", address]);
    command
}

pub fn prepare_loop<E>(_events: &mut tao::event_loop::EventLoop<E>) {}

pub fn is_graphical(_variable: &Variable<'_>) -> bool {
    true
}

pub fn desktop(_variable: &Variable<'_>) -> Desktop {
    Desktop {
        display: Presence::There(String::new()),
        session_bus: Presence::NotNeeded,
        notifications: Presence::NotNeeded,
        tray_watcher: Presence::NotNeeded,
        tray_host: Presence::NotNeeded,
    }
}

/// The taskbar follows `SystemUsesLightTheme`: 0 is dark. Windows before 10 1903 does not have it.
pub fn scheme() -> Scheme {
    let answer = Command::new("reg.exe")
        .args(["query", r"HKCU\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"])
        .args(["/v", "SystemUsesLightTheme"])
        .creation_flags(NO_WINDOW)
        .output();
    match answer {
        Ok(output) => match String::from_utf8_lossy(&output.stdout).trim().rsplit("0x").next() {
            Some("0") => Scheme::Dark,
            Some("1") => Scheme::Light,
            _ => Scheme::Unknown,
        },
        Err(error) => {
            log::debug!("the taskbar's colour is not known: {error}");
            Scheme::Unknown
        }
    }
}

/// A change of the theme shows after the next start.
pub fn watch_scheme(_changed: Box<dyn Fn(Scheme) + Send>) {}

/// The Credential Manager is open while the user is signed in: nobody is ever asked.
pub fn keyring_entry(
    service: &str,
    user: &str,
    _may_ask: bool,
) -> keyring_core::Result<keyring_core::Entry> {
    windows_native_keyring_store::Store::new()?.build(service, user, None)
}

/// Here each entry is asked for by itself, which takes no time.
pub fn stored_in_keyring(_service: &str) -> keyring_core::Result<Option<Vec<String>>> {
    Ok(None)
}

pub fn with_icon(builder: TrayIconBuilder, icon: Icon) -> TrayIconBuilder {
    builder.with_icon(icon)
}

pub fn set_icon(tray: &TrayIcon, icon: Icon) -> tray_icon::Result<()> {
    tray.set_icon(Some(icon))
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
            notification.timeout(notify_rust::Timeout::Never);
        }
        notification.show().map(|_| ()).map_err(|error| error.to_string())
    }
}

/// In double quotes, which `cmd.exe`, PowerShell and Git Bash read alike as long as none of the
/// characters is in it that mean something there; no path has a double quote.
pub fn quoted(path: &str) -> Option<String> {
    let is_plain = !path.contains(['"', '$', '`', '%', '!']);
    is_plain.then(|| format!("\"{path}\""))
}

/// `wsl.exe --list --running --quiet` names the running systems, in UTF-16; their files are at
/// `\\wsl.localhost\<name>` (Microsoft, "Basic commands for WSL").
pub fn other_homes() -> Vec<PathBuf> {
    let mut command = Command::new("wsl.exe");
    command.args(["--list", "--running", "--quiet"]).creation_flags(NO_WINDOW);
    // Without WSL there is nothing to look into.
    let Ok(told) = command.output() else { return Vec::new() };
    let words: Vec<u16> =
        told.stdout.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let names = String::from_utf16_lossy(&words);
    let systems = names.lines().map(str::trim).filter(|name| !name.is_empty());
    let roots = systems.map(|name| PathBuf::from(format!(r"\\wsl.localhost\{name}")));
    roots
        .flat_map(|root| {
            let homes = std::fs::read_dir(root.join("home")).into_iter().flatten();
            let homes = homes.filter_map(|home| Some(home.ok()?.path()));
            homes.chain([root.join("root")]).collect::<Vec<_>>()
        })
        .collect()
}

/// What Windows runs when its user signs in (Microsoft, "Run and RunOnce Registry Keys").
const RUN: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";
const RUN_VALUE: &str = "Spendbar";

pub fn autostart_place(_base: &dyn Fn(&str, &str) -> PathBuf) -> PathBuf {
    PathBuf::from(RUN).join(RUN_VALUE)
}

/// A command line: the path in quotes, which no path has in it.
pub fn autostart_text(program: &str) -> String {
    format!("\"{program}\"")
}

pub fn started_by(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|command| !command.is_empty())
}

pub fn read_autostart(_place: &Path) -> io::Result<Option<String>> {
    let answer = registry(&["query", RUN, "/v", RUN_VALUE])?;
    // It ends with 1 where there is no such value, and with nothing else that could be told apart.
    if !answer.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&answer.stdout);
    let value =
        text.lines().find_map(|line| line.trim().strip_prefix(RUN_VALUE)?.split_once("REG_SZ"));
    Ok(value.map(|(_, command)| command.trim().to_owned()))
}

pub fn write_autostart(_place: &Path, text: &str) -> io::Result<()> {
    done(registry(&["add", RUN, "/v", RUN_VALUE, "/t", "REG_SZ", "/d", text, "/f"])?)
}

pub fn remove_autostart(place: &Path) -> io::Result<()> {
    match read_autostart(place)? {
        None => Ok(()),
        Some(_) => done(registry(&["delete", RUN, "/v", RUN_VALUE, "/f"])?),
    }
}

fn registry(arguments: &[&str]) -> io::Result<Output> {
    Command::new("reg.exe").args(arguments).creation_flags(NO_WINDOW).output()
}

fn done(answer: Output) -> io::Result<()> {
    if answer.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&answer.stderr);
    Err(io::Error::other(format!("reg.exe: {}", said.trim())))
}
