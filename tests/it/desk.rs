//! A private desktop with real parts: what `tests/desk/desk.sh` starts, and questions to it over
//! D-Bus, asked through `busctl`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Once};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::world::{PATIENCE, World, eventually};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/desk/desk.sh");
const SECRETS: &str = "org.freedesktop.secrets";
/// Where it keeps what nobody said another place for.
const DEFAULT_KEYS: &str = "/org/freedesktop/secrets/aliases/default";
const PARTS: [&str; 7] = [
    "Xvfb",
    "dbus-daemon",
    "xfce4-panel",
    "dunst",
    "gnome-keyring-daemon",
    "secret-tool",
    "busctl",
];
const PACKAGES: &str =
    "xvfb dbus xfce4-panel xfconf dunst gnome-keyring libsecret-tools systemd adwaita-icon-theme";

/// A running desktop; it ends when it goes out of scope.
pub struct Desk {
    script: Child,
    variables: Vec<(String, String)>,
}

impl Desk {
    /// Starts a desktop without some of `dunst`, `panel`, `keyring`. `None` when parts are not
    /// installed and nobody requires them: the test is skipped then.
    pub fn start_without(parts: &str) -> Option<Self> {
        let missing = missing_parts();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            assert!(
                std::env::var("SPENDBAR_REQUIRE_DESKTOP").as_deref() != Ok("1"),
                "the desktop tests need {missing}: apt-get install {PACKAGES}"
            );
            say_once(&format!(
                "skipped: the desktop tests, for want of {missing} (apt-get install {PACKAGES})"
            ));
            return None;
        }
        let mut script = Command::new(SCRIPT)
            .args(["sh", "-c", "env && echo end-of-variables && cat"])
            .env("DESK_WITHOUT", parts)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the desk's script starts");
        let mut lines = BufReader::new(script.stdout.take().expect("piped")).lines();
        let mut variables = Vec::new();
        for line in lines.by_ref() {
            let line = line.expect("text");
            if line == "end-of-variables" {
                return Some(Self { script, variables });
            }
            if let Some((name, value)) = line.split_once('=') {
                variables.push((name.to_owned(), value.to_owned()));
            }
        }
        panic!("the desk did not come up: {:?}", script.wait());
    }

    /// A desktop with all its parts.
    pub fn start() -> Option<Self> {
        Self::start_without("")
    }

    /// Gives a world this desktop, and its keyring.
    pub fn seat(&self, mut world: World) -> World {
        for name in ["DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_CURRENT_DESKTOP"] {
            world = world.env(name, self.variable(name));
        }
        world.without_env("SPENDBAR_KEYRING")
    }

    /// A program inside this desktop, with the desktop's own environment.
    pub fn command<const N: usize>(&self, program: &str, arguments: [&str; N]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.variables.iter().cloned());
        command
    }

    /// Starts a program inside this desktop that ends with the test.
    pub fn start_part<const N: usize>(&self, program: &str, arguments: [&str; N]) -> Part {
        let mut command = self.command(program, arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Part(command.spawn().unwrap_or_else(|error| panic!("{program}: {error}")))
    }

    /// Starts the keyring of a desk without one, or starts it again, unlocked.
    #[track_caller]
    pub fn start_keyring(&self) -> Part {
        let arguments = ["--foreground", "--unlock", "--components=secrets"];
        let mut command = self.command("gnome-keyring-daemon", arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut keyring = command.spawn().expect("gnome-keyring-daemon");
        // The password of `desk.sh`, for the daemon to read to its end.
        keyring.stdin.take().expect("piped").write_all(b"test\n").expect("it reads");
        let keyring = Part(keyring);
        // It is on the bus before its keys are unlocked.
        let is_unlocked = || {
            let interface = "org.freedesktop.Secret.Collection";
            let locked = self.bus(["get-property", SECRETS, DEFAULT_KEYS, interface, "Locked"]);
            self.process_of(SECRETS).is_some() && locked.is_ok_and(|it| it["data"] == false)
        };
        assert!(eventually(PATIENCE, is_unlocked), "gnome-keyring-daemon does not come up");
        keyring
    }

    /// Locks every key of the keyring.
    #[track_caller]
    pub fn lock_keyring(&self) {
        let service = ["call", SECRETS, "/org/freedesktop/secrets"];
        let interface = "org.freedesktop.Secret.Service";
        let [call, name, path] = service;
        let locked = self.bus([call, name, path, interface, "Lock", "ao", "1", DEFAULT_KEYS]);
        assert_eq!(locked.expect("it locks")["data"][0].as_array().map(Vec::len), Some(1));
    }

    /// Calls `busctl` and reads its answer; `Err` has what it complained about.
    pub fn bus<const N: usize>(&self, arguments: [&str; N]) -> Result<Value, String> {
        let address = format!("--address={}", self.variable("DBUS_SESSION_BUS_ADDRESS"));
        let output = self
            .command("busctl", [])
            .args([&address, "--json=short", "--timeout=5"])
            .args(arguments)
            .output()
            .expect("busctl runs");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
    }

    /// Who called what of a name on the bus, while something was done, in order.
    pub fn calls_to(&self, name: &str, done: impl FnOnce()) -> Vec<(String, String)> {
        let address = format!("--address={}", self.variable("DBUS_SESSION_BUS_ADDRESS"));
        let mut monitor = self.command("busctl", [&address, "--json=short", "monitor", name]);
        let mut monitor = monitor
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map(Part)
            .expect("busctl runs");
        let mut said = String::new();
        let stderr = monitor.0.stderr.take().expect("piped");
        BufReader::new(stderr).read_line(&mut said).expect("text");
        assert!(said.starts_with("Monitoring"), "{said}");
        let lines = BufReader::new(monitor.0.stdout.take().expect("piped")).lines();
        // Calls come in order: with the last one all have come.
        let last = "Introspect";
        let calls = lines
            .map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"))
            .filter(|message: &Value| message["type"] == "method_call")
            .map(|call| ["sender", "member"].map(|of| call[of].as_str().unwrap_or("").to_owned()))
            .map(|[sender, member]| (sender, member))
            .take_while(move |(_, member)| member != last);
        let calls = thread::spawn(|| calls.collect());
        done();
        let asked = self.bus(["call", name, "/", "org.freedesktop.DBus.Introspectable", last]);
        asked.expect("it answers");
        calls.join().expect("all lines are read")
    }

    /// Who owns a name on the bus, as a process id.
    pub fn process_of(&self, name: &str) -> Option<u32> {
        let answer = self.bus([
            "call",
            "org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus",
            "GetConnectionUnixProcessID",
            "s",
            name,
        ]);
        answer.ok()?["data"][0].as_u64().and_then(|id| u32::try_from(id).ok())
    }

    /// Ends the owner of a name on this desktop's bus at once, and waits until the name is free.
    pub fn kill_owner_of(&self, name: &str) {
        let process = self.process_of(name).unwrap_or_else(|| panic!("nobody owns {name}"));
        let kill = format!("kill -KILL {process}");
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
        assert!(eventually(PATIENCE, || self.process_of(name) != Some(process)), "{name} goes");
    }

    /// The tray item of a process, once the tray's host knows it.
    pub fn tray_item_of(&self, process: u32) -> Option<TrayItem<'_>> {
        let watcher = "org.kde.StatusNotifierWatcher";
        let items = self
            .bus([
                "get-property",
                watcher,
                "/StatusNotifierWatcher",
                watcher,
                "RegisteredStatusNotifierItems",
            ])
            .ok()?;
        let items = items["data"].as_array()?.clone();
        items.iter().filter_map(Value::as_str).find_map(|item| {
            let slash = item.find('/')?;
            let (name, path) = item.split_at(slash);
            (self.process_of(name)? == process).then(|| TrayItem {
                desk: self,
                name: name.to_owned(),
                path: path.to_owned(),
            })
        })
    }

    /// The same, waiting for it.
    #[track_caller]
    pub fn await_tray_item_of(&self, process: u32) -> TrayItem<'_> {
        let mut item = None;
        let found = eventually(PATIENCE, || {
            item = self.tray_item_of(process);
            item.is_some()
        });
        assert!(found, "no tray item of process {process}");
        item.expect("found")
    }

    /// Records every notification that is asked for from now on.
    pub fn record_notifications(&self) -> Notifications {
        let address = format!("--address={}", self.variable("DBUS_SESSION_BUS_ADDRESS"));
        let mut monitor = self
            .command("busctl", [])
            .args([&address, "--json=short", "monitor", "--match"])
            .arg("type='method_call',interface='org.freedesktop.Notifications',member='Notify'")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("busctl runs");
        // It says so on standard error once it listens.
        let mut ready = String::new();
        let mut complaints = BufReader::new(monitor.stderr.take().expect("piped"));
        complaints.read_line(&mut ready).expect("text");
        assert!(ready.contains("onitoring"), "busctl monitor: {ready}");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        let lines = BufReader::new(monitor.stdout.take().expect("piped")).lines();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Ok(message) = serde_json::from_str::<Value>(&line) {
                    into.lock().expect("unpoisoned").push(Notification::of_message(&message));
                }
            }
        });
        Notifications { monitor: Part(monitor), seen }
    }

    /// Presses the button with this label on a notification of dunst's.
    pub fn press(&self, label: &str) {
        let choice = Path::new(self.variable("DESK")).join("choice");
        std::fs::write(&choice, label).expect("written");
        self.dunst("ContextMenuCall");
    }

    /// Clicks on the newest notification of dunst's.
    pub fn click_notification(&self) {
        let object = "/org/freedesktop/Notifications";
        let (name, interface) = ("org.freedesktop.Notifications", "org.dunstproject.cmd0");
        self.bus(["call", name, object, interface, "NotificationAction", "u", "0"])
            .unwrap_or_else(|error| panic!("dunst: {error}"));
    }

    fn dunst(&self, method: &str) -> Value {
        let object = "/org/freedesktop/Notifications";
        let interface = "org.dunstproject.cmd0";
        self.bus(["call", "org.freedesktop.Notifications", object, interface, method])
            .unwrap_or_else(|error| panic!("dunst, {method}: {error}"))
    }

    /// What dunst shows or showed: title and body, oldest first. Takes what is on screen away,
    /// because dunst lists only what is gone.
    pub fn shown_by_dunst(&self) -> Vec<(String, String)> {
        self.dunst("NotificationCloseAll");
        let history = self.dunst("NotificationListHistory");
        let text =
            |entry: &Value, name: &str| entry[name]["data"].as_str().unwrap_or_default().to_owned();
        let entries = history["data"][0].as_array().cloned().unwrap_or_default();
        entries.iter().rev().map(|entry| (text(entry, "summary"), text(entry, "body"))).collect()
    }

    fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("{name} is not set"))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The script's command reads until its input ends; the script then takes all parts down.
        drop(self.script.stdin.take());
        if !eventually(Duration::from_secs(10), || matches!(self.script.try_wait(), Ok(Some(_)))) {
            let _ = self.script.kill();
        }
        let _ = self.script.wait();
    }
}

/// A program inside the desktop, killed when it goes out of scope.
pub struct Part(Child);

impl Part {
    /// Halts it: it stays on the bus and answers nobody.
    pub fn halt(&self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("it halts");
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A StatusNotifierItem on the bus.
pub struct TrayItem<'a> {
    desk: &'a Desk,
    name: String,
    path: String,
}

/// One size of an icon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixmap {
    /// Pixels.
    pub width: u64,
    /// Pixels.
    pub height: u64,
    /// Four bytes a pixel, alpha first.
    pub argb: Vec<u8>,
}

/// One row of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuRow {
    id: String,
    /// Without the marks of access keys; empty for a separator.
    pub label: String,
    /// False for rows that only tell something.
    pub enabled: bool,
}

impl TrayItem<'_> {
    /// A text property (`Id`, `Title`, `Status`).
    pub fn text(&self, property: &str) -> String {
        self.property(property)["data"].as_str().unwrap_or_default().to_owned()
    }

    /// Title and text of the tooltip, as one text.
    pub fn tooltip(&self) -> String {
        let parts = self.property("ToolTip")["data"].clone();
        let text = |index: usize| parts[index].as_str().unwrap_or_default().to_owned();
        format!("{}\n{}", text(2), text(3))
    }

    /// Every size of the icon.
    pub fn icon(&self) -> Vec<Pixmap> {
        let sizes = self.property("IconPixmap")["data"].as_array().cloned().unwrap_or_default();
        sizes
            .iter()
            .map(|size| Pixmap {
                width: size[0].as_u64().unwrap_or_default(),
                height: size[1].as_u64().unwrap_or_default(),
                argb: size[2]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()))
                    .collect(),
            })
            .collect()
    }

    /// The rows of the menu, submenus included, from top to bottom.
    pub fn menu(&self) -> Vec<MenuRow> {
        let layout = self
            .desk
            .bus([
                "call",
                &self.name,
                &self.menu_path(),
                "com.canonical.dbusmenu",
                "GetLayout",
                "iias",
                "--",
                "0",
                "-1",
                "0",
            ])
            .expect("a menu");
        let mut rows = Vec::new();
        collect_rows(&layout["data"][1], &mut rows);
        rows
    }

    /// Clicks the row with this label, as a host would.
    #[track_caller]
    pub fn click(&self, label: &str) {
        let menu = self.menu();
        let row = menu.iter().find(|row| row.label == label);
        let row = row.unwrap_or_else(|| panic!("no row {label:?} in {menu:#?}"));
        assert!(row.enabled, "{label:?} is a fact, not an action");
        let path = self.menu_path();
        let arguments = ["Event", "isvu", &row.id, "clicked", "s", "", "0"];
        let [method, signature, id, event, kind, data, time] = arguments;
        let interface = "com.canonical.dbusmenu";
        // A program that quits may be gone before it answers.
        let _ = self.desk.bus([
            "call", &self.name, &path, interface, method, signature, id, event, kind, data, time,
        ]);
    }

    /// Clicks the icon itself with the left button, as a host would.
    pub fn activate(&self) {
        self.activate_at(0, 0);
    }

    /// The same, telling where on the screen that was.
    pub fn activate_at(&self, x: u32, y: u32) {
        let interface = "org.kde.StatusNotifierItem";
        let [x, y] = [x, y].map(|at| at.to_string());
        self.desk
            .bus(["call", &self.name, &self.path, interface, "Activate", "ii", &x, &y])
            .unwrap_or_else(|error| panic!("Activate: {error}"));
    }

    fn menu_path(&self) -> String {
        self.text("Menu")
    }

    fn property(&self, property: &str) -> Value {
        self.desk
            .bus(["get-property", &self.name, &self.path, "org.kde.StatusNotifierItem", property])
            .unwrap_or_else(|error| panic!("{property}: {error}"))
    }
}

/// One call of `Notify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Who asks.
    pub application: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// The number of the notification that it replaces; 0 for none.
    pub replaces: u64,
    /// Keys and labels of its buttons.
    pub actions: Vec<String>,
}

impl Notification {
    fn of_message(message: &Value) -> Self {
        let text = |index: usize| {
            message["payload"]["data"][index].as_str().unwrap_or_default().to_owned()
        };
        let data = &message["payload"]["data"];
        let actions = data[5].as_array().into_iter().flatten();
        Self {
            application: text(0),
            title: text(3),
            body: text(4),
            replaces: data[1].as_u64().unwrap_or_default(),
            actions: actions.filter_map(|it| Some(it.as_str()?.to_owned())).collect(),
        }
    }
}

/// Every notification since the recording began.
pub struct Notifications {
    #[expect(dead_code, reason = "recording ends with it")]
    monitor: Part,
    seen: Arc<Mutex<Vec<Notification>>>,
}

impl Notifications {
    /// Those so far.
    pub fn seen(&self) -> Vec<Notification> {
        self.seen.lock().expect("unpoisoned").clone()
    }

    /// Waits for so many.
    #[track_caller]
    pub fn await_count(&self, count: usize) -> Vec<Notification> {
        let came = eventually(PATIENCE, || self.seen().len() >= count);
        assert!(came, "{count} notifications: {:#?}", self.seen());
        self.seen()
    }
}

fn collect_rows(node: &Value, into: &mut Vec<MenuRow>) {
    // A node is [id, properties, children]; each child is wrapped as a variant.
    for child in node[2].as_array().into_iter().flatten() {
        let child = &child["data"];
        let property = |name: &str| child[1][name]["data"].clone();
        into.push(MenuRow {
            id: child[0].to_string(),
            label: property("label").as_str().unwrap_or_default().replace('_', ""),
            enabled: property("enabled").as_bool().unwrap_or(true),
        });
        collect_rows(child, into);
    }
}

fn missing_parts() -> Vec<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed =
        |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let mut missing: Vec<&str> = PARTS.into_iter().filter(|part| !installed(part)).collect();
    if !Path::new("/usr/share/dbus-1/services/org.xfce.Xfconf.service").exists() {
        missing.push("xfconf");
    }
    missing
}

/// One line on the terminal, past the capturing of tests that pass.
pub fn say_once(line: &str) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let _ = writeln!(std::io::stderr(), "{line}");
    });
}
