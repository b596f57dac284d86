//! Metrics on loopback: who may read them, and a real Prometheus that does.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::world::{PATIENCE, Process, World, eventually};

const NOON: &str = "2026-03-02T12:00:00Z";

/// A running program that serves metrics.
struct Serving {
    world: World,
    program: Process,
    port: u16,
}

/// A port that nobody has, for as long as nobody takes it.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

impl Serving {
    /// $0.60 of Claude Code in a folder, of a budget of $2.
    fn start(settings: &str, by_flag: bool) -> Self {
        let port = free_port();
        let world = World::new().at(NOON).config(&format!(
            "[[budget]]\nname = \"the \\\"day\\\"\"\namount = 2\nper = \"day\"\n\n[metrics]\nport = {port}\n{settings}\n"
        ));
        world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:00:00.000Z", "A", 60));
        let program = if by_flag {
            world.spawn(["--headless", "--metrics"])
        } else {
            world.spawn(["--headless"])
        };
        assert!(eventually(PATIENCE, || program.stdout().contains("$0.60")), "{}", program.all());
        Self { world, program, port }
    }

    fn token_file(&self) -> std::path::PathBuf {
        self.world.path("home/.local/state/spendbar/metrics.token")
    }

    fn token(&self) -> String {
        fs::read_to_string(self.token_file()).expect("the token")
    }

    fn get(&self, headers: &str) -> (u16, String) {
        let host = format!("Host: 127.0.0.1:{}\r\n", self.port);
        ask(self.port, "/metrics", &format!("{host}{headers}")).expect("an answer")
    }
}

/// Status and the whole answer; `None` where nobody listens.
fn ask(port: u16, path: &str, headers: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

#[test]
fn the_token_opens_and_nothing_else_does() {
    let serving = Serving::start("enabled = true", false);
    let mode = fs::metadata(serving.token_file()).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let token = serving.token();
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let (status, answer) = serving.get(&bearer);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
    let (_, answer) =
        serving.get(&format!("{bearer}Accept: application/openmetrics-text;version=1.0.0\r\n"));
    assert!(answer.contains("application/openmetrics-text; version=1.0.0"), "{answer}");
    for line in [
        "spendbar_today_list_dollars 0.6",
        "spendbar_today_estimated 1",
        "spendbar_today_tokens{kind=\"output\"} 40000",
        "spendbar_source_up{source=\"claude-code\",kind=\"agent\"} 1",
        "spendbar_budget_used_ratio{budget=\"the \\\"day\\\"\",per=\"day\",currency=\"USD\"} 0.300",
    ] {
        assert!(answer.lines().any(|known| known == line), "{line}: {answer}");
    }
    assert!(answer.contains("# EOF\n"), "{answer}");
    assert!(!answer.contains("shop"), "folders are left out: {answer}");
    let wrong = format!("Authorization: Bearer {}\r\n", "0".repeat(64));
    for headers in ["", &wrong, "Authorization: Basic YTpi\r\n"] {
        assert_eq!(serving.get(headers).0, 401, "{headers}");
    }
    for headers in ["Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        assert_eq!(serving.get(&format!("{bearer}{headers}")).0, 403, "{headers}");
    }
    let other = ask(serving.port, "/metrics", &format!("Host: evil.example\r\n{bearer}"));
    assert_eq!(other.expect("an answer").0, 403);
    assert!(!serving.program.all().contains(&token), "the token is in no log");
}

#[test]
fn what_is_paid_is_told_where_plans_are_set() {
    let plan =
        "enabled = true\nopen = true\n\n[[plan]]\noffer = \"claude-max-20x\"\nstart = 2026-03-01";
    let serving = Serving::start(plan, false);
    let (_, answer) = serving.get("");
    // A thirty-first of $200, to the last digit; the $0.60 are covered.
    for line in ["spendbar_paid_usd 6.451612903225806452", "spendbar_paid_estimated 0"] {
        assert!(answer.lines().any(|known| known == line), "{line}: {answer}");
    }
    let none = Serving::start("enabled = true\nopen = true", false);
    assert!(!none.get("").1.contains("spendbar_paid"), "no plan, no figure");
}

#[test]
fn the_token_stays_over_a_restart_and_open_needs_none() {
    let mut serving = Serving::start("", true);
    let token = serving.token();
    serving.program.signal("TERM");
    serving.program.wait_up_to(PATIENCE).expect("it ends");
    let program = serving.world.spawn(["--headless", "--metrics"]);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let host = format!("Host: localhost:{}\r\n", serving.port);
    let answers = || ask(serving.port, "/metrics", &format!("{host}{bearer}"));
    assert!(eventually(PATIENCE, || answers().is_some_and(|it| it.0 == 200)), "{}", program.all());
    let open = Serving::start("open = true\nenabled = true", false);
    assert_eq!(open.get("").0, 200);
    assert_eq!(open.get("Origin: http://evil.example\r\n").0, 403);
    assert!(!open.token_file().exists());
}

#[test]
fn a_port_that_is_taken_is_told_and_the_rest_goes_on() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let world =
        World::new().at(NOON).config(&format!("[metrics]\nport = {port}\nenabled = true\n"));
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:00:00.000Z", "A", 60));
    let program = world.spawn(["--headless"]);
    assert!(eventually(PATIENCE, || program.stdout().contains("$0.60")), "{}", program.all());
    let says = format!("the metrics are not served: opening port {port} on 127.0.0.1");
    assert!(program.stderr().contains(&says), "{}", program.all());
    let page = world.path("home/.local/state/spendbar/page.json");
    assert!(eventually(PATIENCE, || page.exists()), "{}", program.all());
    let refused = World::new().config("[metrics]\nport = 80\n").run(["status"]).exits_with(1);
    assert!(refused.stderr.contains("metrics.port: 80 is no port"), "{}", refused.stderr);
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether Prometheus and its tool are there; where they are required, they have to be.
fn has_prometheus() -> bool {
    let runs = |name: &str| Command::new(name).arg("--version").output().is_ok();
    let missing: Vec<&str> =
        ["prometheus", "promtool"].into_iter().filter(|name| !runs(name)).collect();
    if missing.is_empty() {
        return true;
    }
    let says = format!("{} (apt-get install prometheus)", missing.join(", "));
    let required = std::env::var("SPENDBAR_REQUIRE_DESKTOP").is_ok_and(|it| it == "1");
    assert!(!required, "the metrics' tests need {says}");
    eprintln!("skipped: the metrics read by Prometheus, for want of {says}");
    false
}

#[test]
fn prometheus_reads_them_and_its_tool_finds_nothing_to_say() {
    if !has_prometheus() {
        return;
    }
    let serving = Serving::start("enabled = true", false);
    let (_, answer) = serving.get(&format!("Authorization: Bearer {}\r\n", serving.token()));
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    let mut tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    tool.stdin.take().expect("piped").write_all(body.as_bytes()).expect("it reads");
    let told = tool.wait_with_output().expect("it ends");
    let says = [told.stdout, told.stderr].concat();
    assert!(told.status.success() && says.is_empty(), "{}", String::from_utf8_lossy(&says));

    let own_port = free_port();
    let config = serving.world.path("prometheus.yml");
    let text = format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: spendbar\n    \
         authorization:\n      credentials_file: {}\n    static_configs:\n      \
         - targets: ['127.0.0.1:{}']\n",
        serving.token_file().display(),
        serving.port
    );
    fs::write(&config, text).expect("written");
    let _prometheus = Ended(
        Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", serving.world.path("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{own_port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus"),
    );
    let value = |query: &str| {
        let path = format!("/api/v1/query?query={query}");
        let (status, answer) = ask(own_port, &path, &format!("Host: 127.0.0.1:{own_port}\r\n"))?;
        let json = answer.split_once("\r\n\r\n").filter(|_| status == 200)?.1;
        let json: Value = serde_json::from_str(json).ok()?;
        json["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
    };
    for (query, is) in [
        ("spendbar_today_list_dollars", "0.6"),
        ("spendbar_budget_used_ratio", "0.3"),
        ("sum(spendbar_today_tokens)", "40000"),
        ("up", "1"),
    ] {
        let read = || value(query).as_deref() == Some(is);
        assert!(eventually(PATIENCE, read), "{query}: {:?}", value(query));
    }
}
