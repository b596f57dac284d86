//! A machine of one test: its own home, XDG folders, environment and clock.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::provider::FakeProvider;

const PROGRAM: &str = env!("CARGO_BIN_EXE_spendbar");

/// Long enough for a loaded machine, short enough to end a hanging test.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of recorded logs and answers.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A machine of one test. Nothing of the real one reaches the program but `PATH`.
#[must_use]
pub struct World {
    root: TempDir,
    program: PathBuf,
    clock: Option<String>,
    variables: BTreeMap<OsString, OsString>,
}

impl World {
    /// An empty home, the XDG folders at their usual places in it, no config, no keyring, no desktop, UTC as the local zone.
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("spendbar-it-").tempdir().expect("a folder");
        let mut world =
            Self { root, program: PROGRAM.into(), clock: None, variables: BTreeMap::new() };
        for folder in
            ["home", "home/.config", "home/.local/share", "home/.cache", "home/.local/state", "run"]
        {
            fs::create_dir_all(world.path(folder)).expect("a folder");
        }
        fs::set_permissions(world.path("run"), fs::Permissions::from_mode(0o700)).expect("0700");
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/.config"),
            ("XDG_DATA_HOME", "home/.local/share"),
            ("XDG_CACHE_HOME", "home/.cache"),
            ("XDG_STATE_HOME", "home/.local/state"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            let path = world.path(folder);
            world.variables.insert(name.into(), path.into());
        }
        world.variables.insert("PATH".into(), std::env::var_os("PATH").unwrap_or_default());
        world.env("TZ", "UTC").env("LANG", "C.UTF-8").env("SPENDBAR_KEYRING", "off")
    }

    /// The program's clock starts here at every run, and goes on from there.
    pub fn at(mut self, now: &str) -> Self {
        self.set_clock(now);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Takes an environment variable away.
    pub fn without_env(mut self, name: &str) -> Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    /// Appends to the config.
    pub fn config(self, text: &str) -> Self {
        append_to(&self.config_file(), text);
        self
    }

    /// Copies the home folder of `tests/fixtures/agents/<case>` over this one.
    pub fn agent_fixture(self, case: &str) -> Self {
        let from = fixtures().join("agents").join(case).join("home");
        assert!(from.is_dir(), "no such fixture: {}", from.display());
        copy_tree(&from, &self.home());
        self
    }

    /// Points the source `id` at a pretend provider.
    pub fn provider(self, id: &str, provider: &FakeProvider) -> Self {
        self.config(&format!("\n[providers.{id}]\nbase_url = \"{}\"\n", provider.base_url()))
    }

    /// Another build of the program.
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// A pretend browser in the place of the system's opener: it writes the addresses that it is
    /// given down, one a line, for [`World::browsed`].
    pub fn with_browser(self) -> Self {
        let (opener, list) = (self.path("bin/xdg-open"), self.path("browsed"));
        append_to(&opener, &format!("#!/bin/sh\necho \"$1\" >> '{}'\n", list.display()));
        fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).expect("0755");
        let others = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{others}", self.path("bin").display());
        self.env("PATH", path)
    }

    /// The addresses that were opened so far.
    pub fn browsed(&self) -> Vec<String> {
        let list = fs::read_to_string(self.path("browsed")).unwrap_or_default();
        list.lines().map(str::to_owned).collect()
    }

    /// Another start of the clock for the runs that follow.
    pub fn set_clock(&mut self, now: &str) {
        self.clock = Some(now.to_owned());
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// The config file, as the user edits it.
    pub fn config_file(&self) -> PathBuf {
        self.path("home/.config/spendbar/config.toml")
    }

    /// A place under the temporary root: `home`, `config`, `data`, `cache`, `state` or `run`.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    /// The ledger's file, found by what it is rather than by its name.
    pub fn ledger_file(&self) -> PathBuf {
        let mut found: Vec<PathBuf> = Vec::new();
        for (path, bytes) in self.files() {
            // The application id in an SQLite header; agents have databases of their own.
            if bytes.get(68..72) == Some(b"SPND") {
                found.push(path);
            }
        }
        assert_eq!(found.len(), 1, "one ledger: {found:?}");
        found.remove(0)
    }

    /// Every file of this world with its bytes.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut paths = Vec::new();
        collect_files(self.root.path(), &mut paths);
        paths.sort();
        // A file may go away between the listing and the reading (SQLite's side files do).
        paths
            .into_iter()
            .filter_map(|path| fs::read(&path).ok().map(|bytes| (path, bytes)))
            .collect()
    }

    /// Appends to a file under the home folder, in one write, as agents do.
    pub fn append(&self, relative: &str, text: &str) {
        append_to(&self.home().join(relative), text);
    }

    /// Runs `spendbar` with these arguments to its end.
    pub fn run<const N: usize>(&self, arguments: [&str; N]) -> Output {
        self.run_with_input(arguments, "")
    }

    /// The same, with something to read on its standard input.
    pub fn run_with_input<const N: usize>(&self, arguments: [&str; N], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("spendbar starts");
        // The program may end without reading; that is its right.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let mut process = Process::watch(child);
        let status = process.wait_up_to(PATIENCE);
        let (stdout, stderr) = process.texts_at_end();
        let Some(status) = status else {
            panic!("{arguments:?} did not end\nstdout: {stdout}\nstderr: {stderr}");
        };
        Output { arguments: arguments.join(" "), stdout, stderr, code: status.code() }
    }

    /// Starts `spendbar` and leaves it running.
    pub fn spawn<const N: usize>(&self, arguments: [&str; N]) -> Process {
        let child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("spendbar starts");
        Process::watch(child)
    }

    /// The command, for tests that need pipes of their own.
    pub fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        self.settle(&mut command);
        command
    }

    /// The command inside a shell script, which finds it as `"$@"`: for limits and pipes.
    pub fn command_under<const N: usize>(&self, script: &str, arguments: [&str; N]) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", script, "bash"]).arg(&self.program).args(arguments);
        self.settle(&mut command);
        command
    }

    fn settle(&self, command: &mut Command) {
        command.env_clear().envs(&self.variables).current_dir(self.home());
        if let Some(clock) = &self.clock {
            command.env("SPENDBAR_CLOCK", clock);
        }
    }

    /// `poll --offline`, which has to succeed.
    pub fn poll_offline(&self) -> Output {
        self.run(["poll", "--offline"]).success()
    }

    /// `report --json` of everything there ever was, grouped by `by`.
    pub fn report(&self, by: &str) -> Value {
        self.run(["report", "--since", "2020-01-01", "--by", by, "--json"]).success().json()
    }

    /// The alerts that spoke, as `alerts --json` lists them, in the order they were recorded in: the
    /// clock starts anew with each run.
    pub fn alerts(&self) -> Vec<Value> {
        let mut alerts = self.run(["alerts", "--json"]).success().json()["alerts"]
            .as_array()
            .expect("a list of alerts")
            .clone();
        alerts.sort_by_key(|alert| alert["id"].as_i64());
        alerts
    }

    /// The thresholds that spoke, in percent, ascending.
    pub fn thresholds(&self) -> Vec<u64> {
        let mut percents: Vec<u64> = self
            .alerts()
            .iter()
            .map(|alert| alert["threshold_percent"].as_u64().expect("a threshold"))
            .collect();
        percents.sort_unstable();
        percents
    }

    /// The row of one source in `sources --json`.
    pub fn source(&self, id: &str) -> Value {
        self.run(["sources", "--json"]).success().json()["sources"]
            .as_array()
            .expect("a list of sources")
            .iter()
            .find(|source| source["id"] == id)
            .unwrap_or_else(|| panic!("{id} is not listed"))
            .clone()
    }
}

/// What a run left behind.
#[derive(Debug)]
pub struct Output {
    arguments: String,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
}

impl Output {
    /// Itself, when it succeeded.
    #[track_caller]
    pub fn success(self) -> Self {
        self.exits_with(0)
    }

    /// Itself, when it ended with this code.
    #[track_caller]
    pub fn exits_with(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "spendbar {}\nstdout: {}\nstderr: {}",
            self.arguments,
            self.stdout,
            self.stderr
        );
        assert!(!self.stderr.contains("panicked"), "spendbar {}: {}", self.arguments, self.stderr);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("spendbar {}: {error}\n{}", self.arguments, self.stdout))
    }

    /// Both outputs together.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// A running `spendbar`, killed when it goes out of scope.
pub struct Process {
    child: Child,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Process {
    fn watch(mut child: Child) -> Self {
        let stdout = Arc::new(Mutex::new(Vec::new()));
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let readers = vec![
            drain(child.stdout.take().expect("piped"), Arc::clone(&stdout)),
            drain(child.stderr.take().expect("piped"), Arc::clone(&stderr)),
        ];
        Self { child, stdout, stderr, readers }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        text_of(&self.stdout)
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        text_of(&self.stderr)
    }

    /// Both outputs so far.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout(), self.stderr())
    }

    /// The most memory that it ever held, in MiB.
    pub fn peak_mib(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse().expect("a number");
        kib / 1024
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Sends a signal by its short name (`INT`, `TERM`).
    pub fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.id())])
            .status()
            .expect("a shell");
        assert!(status.success(), "kill -{name}");
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end; `None` when it goes on.
    pub fn wait_up_to(&mut self, patience: Duration) -> Option<ExitStatus> {
        let mut status = None;
        eventually(patience, || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        status
    }

    /// Everything it wrote, once it has ended. Whoever it left behind may hold a pipe open; then
    /// what came until now has to do.
    fn texts_at_end(&mut self) -> (String, String) {
        if self.wait_up_to(Duration::ZERO).is_some() {
            let readers = std::mem::take(&mut self.readers);
            eventually(Duration::from_secs(5), || {
                readers.iter().all(|reader| reader.is_finished())
            });
        }
        (self.stdout(), self.stderr())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks again and again until the answer is yes; false when patience ends first.
pub fn eventually(patience: Duration, mut question: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if question() {
            return true;
        }
        if start.elapsed() >= patience {
            return false;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Appends text to a file, making it and its folders when they are missing.
pub fn append_to(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let mut file =
        fs::OpenOptions::new().create(true).append(true).open(path).expect("a file to append to");
    file.write_all(text.as_bytes()).expect("appended");
}

/// Copies a folder with all that is in it.
pub fn copy_tree(from: &Path, to: &Path) {
    let mut paths = Vec::new();
    collect_files(from, &mut paths);
    for path in paths {
        let target = to.join(path.strip_prefix(from).expect("inside"));
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::copy(&path, target).expect("copied");
    }
}

/// Every file under a folder.
pub fn collect_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect_files(&entry.path(), into),
            Ok(kind) if kind.is_file() => into.push(entry.path()),
            _ => {}
        }
    }
}

fn drain(
    mut from: impl Read + Send + 'static,
    into: Arc<Mutex<Vec<u8>>>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            into.lock().expect("no reader panics").extend_from_slice(&buffer[..count]);
        }
    })
}

fn text_of(bytes: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&bytes.lock().expect("no reader panics")).into_owned()
}
