//! A real Chromium, driven over the pipes of its DevTools protocol: no port, no driver beside it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

use crate::world::PATIENCE;

const AXE: &str = include_str!("../fixtures/axe/axe.min.js");
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// A browser with one tab, ended when dropped.
pub struct Chromium {
    child: Child,
    input: ChildStdin,
    output: Receiver<Value>,
    number: u64,
    session: String,
    /// What the browser told that nobody waited for.
    pub events: Vec<Value>,
    _profile: tempfile::TempDir,
    /// One at a time: each of them takes all cores while it starts.
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

impl Chromium {
    /// `None` where there is no Chromium, which is said in a line, and fails where
    /// `SPENDBAR_REQUIRE_DESKTOP=1`.
    pub fn start() -> Option<Self> {
        let found = NAMES.into_iter().find(|name| {
            let asked = Command::new(name).arg("--version").output();
            asked.is_ok_and(|answer| answer.status.success())
        });
        let Some(name) = found else {
            let required = std::env::var("SPENDBAR_REQUIRE_DESKTOP").is_ok_and(|it| it == "1");
            assert!(!required, "no Chromium is installed");
            eprintln!("skipped: no Chromium is installed");
            return None;
        };
        // A test that failed with its browser open is no reason to fail the next one.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = tempfile::tempdir().expect("a folder");
        let mut child = Command::new("bash")
            // The protocol's pipes are the descriptors 3 and 4.
            .args(["-c", "exec \"$@\" 3<&0 4>&1 >/dev/null", "bash", name])
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--hide-scrollbars",
            ])
            .args(["--disable-dev-shm-usage", "--disable-background-networking"])
            .args(["--disable-component-update", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Chromium starts");
        let (told, output) = channel();
        let mut from = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while from.read_until(0, &mut message).is_ok_and(|count| count > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if told.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let input = child.stdin.take().expect("piped");
        let mut browser = Self {
            child,
            input,
            output,
            number: 0,
            session: String::new(),
            events: Vec::new(),
            _profile: profile,
            _turn: turn,
        };
        let target = browser.tell("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.tell("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.tell(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Sends a command and waits for its answer.
    pub fn tell(&mut self, method: &str, params: Value) -> Value {
        let answer = self.send(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The same with whatever the answer is.
    fn send(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).expect("Chromium listens");
        loop {
            let answer = self.output.recv_timeout(PATIENCE).expect("Chromium answers");
            if answer["id"] == self.number {
                return answer;
            }
            self.events.push(answer);
        }
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let asks = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.tell("Runtime.evaluate", asks);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Goes to an address and waits until `ready` holds there.
    pub fn open(&mut self, address: &str, ready: &str) {
        self.tell("Page.navigate", json!({ "url": address }));
        self.wait(ready);
    }

    /// Waits until an expression in the page is true.
    pub fn wait(&mut self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let asks = json!({ "expression": expression, "returnByValue": true });
            // While a page makes way for the next one there is none to ask.
            let answer = self.send("Runtime.evaluate", asks);
            if answer["result"]["result"]["value"] == true {
                return;
            }
            if Instant::now() >= end {
                let text = self.value("document.body.innerText");
                panic!("{expression} never held: {text}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str, code: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            let press =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            self.tell("Input.dispatchKeyEvent", press);
        }
        if key == "Enter" {
            let text =
                json!({ "type": "char", "text": "\r", "key": key, "windowsVirtualKeyCode": code });
            self.tell("Input.dispatchKeyEvent", text);
        }
    }

    /// Types a text where the focus is.
    pub fn write(&mut self, text: &str) {
        self.tell("Input.insertText", json!({ "text": text }));
    }

    /// The width and height of the view.
    pub fn resize(&mut self, width: u32, height: u32) {
        let view =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", view);
    }

    /// Light or dark.
    pub fn theme(&mut self, scheme: &str) {
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.tell("Emulation.setEmulatedMedia", json!({ "features": feature }));
    }

    /// What axe-core finds wrong with the page: `IMPACT RULE: where`. It runs in a world of its own,
    /// which the page's policy does not reach and does not have to be loosened for.
    pub fn axe(&mut self) -> Vec<String> {
        let tree = self.tell("Page.getFrameTree", json!({}));
        let frame = &tree["frameTree"]["frame"]["id"];
        let world = json!({ "frameId": frame, "worldName": "axe" });
        let world = self.tell("Page.createIsolatedWorld", world)["executionContextId"].clone();
        let run = "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
            violations.map((it) => `${it.impact} ${it.id}: ${it.nodes.map((node) => node.html.slice(0, 200)
                + ' ' + node.failureSummary).join(' | ')}`))";
        let asks = json!({
            "expression": format!("{AXE}\n;{run}"),
            "contextId": world,
            "returnByValue": true,
            "awaitPromise": true,
        });
        let answer = self.tell("Runtime.evaluate", asks);
        assert!(answer.get("exceptionDetails").is_none(), "axe: {answer}");
        let faults = answer["result"]["value"].as_array().expect("a list").clone();
        faults.iter().map(|it| it.as_str().expect("text").to_owned()).collect()
    }

    /// A picture of what is in view, for people to look at.
    pub fn picture(&mut self, file: &std::path::Path) {
        let shot = self.tell("Page.captureScreenshot", json!({ "format": "png" }));
        let png = base64::engine::general_purpose::STANDARD
            .decode(shot["data"].as_str().expect("a picture"))
            .expect("base64");
        std::fs::write(file, png).expect("written");
    }

    /// Every address that was asked for since the start.
    pub fn asked_for(&self) -> Vec<String> {
        let asked = self.events.iter().filter(|it| it["method"] == "Network.requestWillBeSent");
        asked.filter_map(|it| it["params"]["request"]["url"].as_str().map(str::to_owned)).collect()
    }

    /// What the console and the log complained about.
    pub fn complaints(&self) -> Vec<String> {
        let is_complaint = |it: &&Value| {
            it["method"] == "Runtime.exceptionThrown"
                || (it["method"] == "Runtime.consoleAPICalled" && it["params"]["type"] == "error")
                || (it["method"] == "Log.entryAdded" && it["params"]["entry"]["level"] == "error")
        };
        self.events.iter().filter(is_complaint).map(|it| it["params"].to_string()).collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
