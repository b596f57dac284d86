//! The page behind the icon, over plain HTTP on loopback: its figures, and who is let in.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::lines::{CLAUDE_FILE, ClaudeLine, SONNET, claude_spends};
use crate::world::{PATIENCE, Process, World, eventually};

const NOON: &str = "2026-03-02T12:00:00Z";
const AT: &str = "2026-03-02T11:00:00.000Z";

/// A running program with a page, and a browser's view of it.
pub struct Site {
    pub world: World,
    pub program: Process,
    /// The opening address, with the token.
    pub url: String,
    /// `127.0.0.1:PORT`.
    pub host: String,
    /// `name=value`.
    pub cookie: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Site {
    /// A program that has seen what is in this world.
    pub fn of(world: World, shown: &str) -> Self {
        let program = world.spawn(["--headless"]);
        assert!(eventually(PATIENCE, || program.stdout().contains(shown)), "{}", program.all());
        let noted = world.path("home/.local/state/spendbar/page.json");
        assert!(eventually(PATIENCE, || noted.exists()), "{}", program.all());
        let page = world.run(["page", "--json"]).success().json();
        assert_eq!(page["schema"], "spendbar.page.v1");
        let url = page["url"].as_str().expect("an address").to_owned();
        let host = url["http://".len()..].split('/').next().expect("a host").to_owned();
        let mut site = Self { world, program, url, host, cookie: String::new() };
        let path = site.url.split_once(&site.host).expect("a path").1.to_owned();
        let opened = site.ask("GET", &path, &[]);
        assert_eq!(opened.status, 200, "{opened:?}");
        let cookie = opened.header("set-cookie").expect("a cookie");
        assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
        site.cookie = cookie.split(';').next().expect("a pair").to_owned();
        site
    }

    /// With one session of Claude Code, $0.60.
    pub fn usual() -> Self {
        let world = World::new().at(NOON);
        world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
        Self::of(world, "$0.60")
    }

    /// A request with the host and nothing else but these headers.
    pub fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        let host = format!("Host: {}", self.host);
        let mut headers = headers.to_vec();
        if !headers.iter().any(|it| it.starts_with("Host:")) {
            headers.insert(0, &host);
        }
        self.raw(method, path, &headers, "")
    }

    fn raw(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.host).expect("the page's port");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        headers.iter().for_each(|header| text.push_str(&format!("{header}\r\n")));
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(text.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// As the browser asks that was let in.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[&format!("Cookie: {}", self.cookie)])
    }

    /// A change, as a form of the page asks for it.
    pub fn post(&self, path: &str, headers: &[&str], body: &str) -> Answer {
        let (host, cookie) = (format!("Host: {}", self.host), format!("Cookie: {}", self.cookie));
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let mut all = vec![host.as_str(), cookie.as_str(), kind];
        all.extend(headers);
        self.raw("POST", path, &all, body)
    }

    /// A change of the settings: each field by its name, with all that a form of the page sends.
    pub fn change(&self, action: &str, fields: &[(&str, &str)]) -> Answer {
        self.change_with_csrf_of(&self.get("/").body, action, fields)
    }

    /// The same with the second token of a page that was read before.
    pub fn change_with_csrf_of(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = csrf_of(page);
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &csrf).extend_pairs(fields);
        let origin = format!("Origin: http://{}", self.host);
        self.post(&format!("/settings/{action}"), &[&origin], &body.finish())
    }

    /// The settings after a change that was taken, where it leads.
    #[track_caller]
    pub fn changed(&self, action: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.change(action, fields);
        assert_eq!(answer.status, 303, "{action} {fields:?}: {}", text_of(&answer.body));
        let to = answer.header("location").expect("a way back").to_owned();
        assert!(to.starts_with("/settings?said="), "{to}");
        self.get(&to).body
    }

    pub fn csrf(&self) -> String {
        csrf_of(&self.get("/").body)
    }
}

fn csrf_of(page: &str) -> String {
    let at = page.split("name=\"csrf\" value=\"").nth(1).expect("a form");
    at.split('"').next().expect("a value").to_owned()
}

/// A page's words, without its tags.
pub fn text_of(html: &str) -> String {
    let mut out = String::new();
    let mut in_tag = false;
    for character in html.chars() {
        match character {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                out.push(' ');
            }
            _ if !in_tag => out.push(character),
            _ => {}
        }
    }
    let words: Vec<_> = out.split_whitespace().collect();
    words
        .join(" ")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
        .replace("&gt;", ">")
        .replace("&lt;", "<")
}

#[test]
fn without_a_running_program_it_says_so_and_starts_nothing() {
    let world = World::new().at(NOON);
    let said = world.run(["page"]).exits_with(1);
    assert!(said.stderr.contains("no Spendbar is running"), "{}", said.stderr);
    let json = world.run(["page", "--json"]).exits_with(1);
    assert_eq!(json.stdout, "{\"schema\":\"spendbar.page.v1\",\"url\":null}\n");
    assert!(!world.files().iter().any(|(path, _)| path.ends_with("running.lock")));
    // A file that a killed program left behind is no page.
    crate::world::append_to(
        &world.path("home/.local/state/spendbar/page.json"),
        "{\"schema\":\"spendbar.page.v1\",\"url\":\"http://127.0.0.1:1/open?token=x\"}",
    );
    assert_eq!(world.run(["page", "--json"]).exits_with(1).json()["url"], serde_json::Value::Null);
}

#[test]
fn the_address_is_for_this_user_alone_and_gone_at_the_end() {
    let mut site = Site::usual();
    let file = site.world.path("home/.local/state/spendbar/page.json");
    let mode = std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    site.program.signal("TERM");
    site.program.wait_up_to(PATIENCE).expect("it ends");
    assert!(!file.exists());
    let token = site.url.split("token=").nth(1).expect("a token");
    assert!(!site.program.all().contains(token), "the token is in no log");
    assert!(TcpStream::connect(&site.host).is_err());
}

#[test]
fn figures_are_those_of_the_report() {
    let site = Site::usual();
    let mut codex = crate::lines::CodexCounter::default();
    site.world.append(crate::lines::CODEX_FILE, &crate::lines::codex_start(AT, crate::lines::GPT));
    // 20,000 output tokens at $15 a million: $0.30.
    site.world.append(crate::lines::CODEX_FILE, &codex.add(AT, 0, 0, 20_000));
    let total = |list: &str| format!("id=\"total-list\" title=\"{list}\"");
    assert!(eventually(PATIENCE, || site.get("/").body.contains(&total("$0.90"))));
    assert_eq!(site.world.report("source")["totals"]["list_usd"], "0.9");
    for (path, list) in [
        ("/?span=30d&by=model", "$0.90"),
        ("/?span=365d&by=project", "$0.90"),
        ("/?source=codex&by=model", "$0.30"),
        ("/?source=claude-code", "$0.60"),
        ("/?model=gpt-5.4&by=session", "$0.30"),
        ("/?day=2026-03-02&by=session", "$0.90"),
        ("/?project=%2Fhome%2Fada%2Fshop", "$0.90"),
    ] {
        let body = site.get(path).body;
        assert!(body.contains(&total(list)), "{path}: {body}");
    }
    let empty = site.get("/?day=2026-03-01").body;
    assert!(empty.contains("Nothing was spent here on 1 Mar 2026."), "{empty}");
    let row = "<a href=\"/?by=model&amp;source=codex\" title=\"Codex\">Codex</a>";
    assert!(site.get("/").body.contains(row), "a row narrows to itself");
    let session = "019c0000-0000-7000-8000-00000000000a";
    let body = site.get(&format!("/?source=codex&session={session}")).body;
    assert!(body.contains("Cost over time"), "{body}");
    let other = "11111111-1111-4111-8111-111111111111";
    assert!(!body.contains(other), "another agent's session is not beside it");
}

#[test]
fn an_appended_line_is_on_open_pages_at_once() {
    let site = Site::usual();
    let mut stream = TcpStream::connect(&site.host).expect("the page's port");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request =
        format!("GET /live HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n", site.host, site.cookie);
    stream.write_all(request.as_bytes()).expect("sent");
    let mut lines = BufReader::new(stream).lines();
    let mut until = |text: &str| {
        lines.by_ref().map(|line| line.expect("a line")).find(|line| line.contains(text))
    };
    until("$0.60").expect("the present figure comes first");
    let start = Instant::now();
    site.world.append(CLAUDE_FILE, &claude_spends(AT, "B", 30));
    until("$0.90").expect("the new figure");
    // What is promised is 250 ms on a quiet machine; tests run beside each other.
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    eprintln!("append to event: {:?}", start.elapsed());
}

#[test]
fn fifty_viewers_see_a_line_soon() {
    let site = Site::usual();
    let viewers: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(&site.host).expect("the page's port");
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            let request = format!(
                "GET /live HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n",
                site.host, site.cookie
            );
            stream.write_all(request.as_bytes()).expect("sent");
            let mut lines = BufReader::new(stream).lines();
            lines
                .find(|line| line.as_ref().expect("a line").contains("$0.60"))
                .expect("first")
                .expect("a line");
            std::thread::spawn(move || {
                lines
                    .find(|line| line.as_ref().expect("a line").contains("$0.90"))
                    .expect("second")
                    .expect("a line");
                Instant::now()
            })
        })
        .collect();
    let start = Instant::now();
    site.world.append(CLAUDE_FILE, &claude_spends(AT, "B", 30));
    let slowest = viewers.into_iter().map(|it| it.join().expect("a viewer")).max().expect("50");
    eprintln!("append to the last of 50 viewers: {:?}", slowest - start);
    assert!(slowest - start < Duration::from_secs(4), "{:?}", slowest - start);
}

#[test]
fn the_page_says_what_if_when_it_is_asked_and_what_it_took() {
    let site = Site::usual();
    let plain = site.get("/").body;
    assert!(plain.contains("Work it out for 2 Mar 2026"), "{plain}");
    assert!(!plain.contains("through batch"), "nothing is reckoned unasked");
    // 40,000 tokens of output at 0.96 to 8.64 Wh a thousand.
    assert!(plain.contains("≈ 38 to 346 Wh of electricity"), "{plain}");
    let asked = site.get("/?if=1&if_scale=1.5x&if_model=gpt-5.4-mini").body;
    // $0.60 at half, half as much again, and 40,000 at $4.50 a million.
    for figure in ["≈ $0.60", "≈ $0.30", "≈ $0.90", "≈ $0.18", "all by gpt-5.4-mini"] {
        assert!(asked.contains(figure), "{figure}: {asked}");
    }
    let odd = site.get("/?if=1&if_scale=much&if_model=%3Cb%3E").body;
    assert!(odd.contains("is no factor") && odd.contains("No single price list has"), "{odd}");
    assert!(!odd.contains("<b>"), "{odd}");
    // Open pages ask for their parts again and again; what is asked once is not among them.
    let parts = site.get("/parts?if=1").body;
    assert!(parts.contains("energy-h") && !parts.contains("whatif-h"), "{parts}");
}

#[test]
fn what_the_page_cannot_price_otherwise_is_said() {
    let world = World::new().at(NOON);
    // Above 200,000 tokens of prompt this model lists no batch price: $1.8225.
    let (input, output) = (300_000, 1_000);
    let line = ClaudeLine { at: AT, id: "A", model: SONNET, input, cache_read: 0, output };
    world.append(CLAUDE_FILE, &line.text());
    let site = Site::of(world, "$1.82");
    let asked = site.get("/?if=1").body;
    let says = "As to through batch: No such price is known for 301 k tokens, left as they were";
    assert!(asked.contains(says), "{asked}");
}

#[test]
fn nobody_comes_in_without_the_cookie_and_all_are_told_the_same() {
    let site = Site::usual();
    let closed = site.ask("GET", "/", &[]);
    assert_eq!(closed.status, 403);
    assert!(!closed.body.contains("$0.60"));
    let wrong = format!("/open?token={}", "0".repeat(64));
    let name = site.cookie.split('=').next().expect("a name");
    let almost = format!("Cookie: {name}={}", "0".repeat(64));
    for (path, headers) in [
        (wrong.as_str(), vec![]),
        ("/open", vec![]),
        ("/open?token=", vec![]),
        ("/", vec![almost.as_str()]),
        ("/live", vec![]),
        ("/parts", vec![]),
    ] {
        let answer = site.ask("GET", path, &headers);
        assert_eq!((answer.status, &answer.body), (403, &closed.body), "{path}");
        assert!(answer.header("set-cookie").is_none());
    }
}

#[test]
fn other_hosts_and_origins_are_turned_away() {
    let site = Site::usual();
    let port = site.host.split(':').nth(1).expect("a port");
    let cookie = format!("Cookie: {}", site.cookie);
    // DNS rebinding: another name that leads to this address.
    for host in ["evil.example".into(), format!("evil.example:{port}"), format!("localhost:{port}")]
    {
        let host = format!("Host: {host}");
        assert_eq!(site.ask("GET", "/", &[&host, &cookie]).status, 403, "{host}");
    }
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let origin = format!("Origin: {origin}");
        for path in ["/", "/live"] {
            let answer = site.ask("GET", path, &[&origin, &cookie]);
            assert_eq!(answer.status, 403, "{origin} {path}");
            assert!(answer.header("access-control-allow-origin").is_none());
        }
    }
    assert_eq!(site.ask("GET", "/", &[&cookie, "Sec-Fetch-Site: cross-site"]).status, 403);
    assert_eq!(site.ask("GET", "/", &[&cookie, "Sec-Fetch-Site: same-site"]).status, 403);
    let asks = ["Origin: http://evil.example", "Access-Control-Request-Method: POST"];
    let preflight = site.ask("OPTIONS", "/refresh", &asks);
    assert_eq!(preflight.status, 403);
    let own = format!("Origin: http://{}", site.host);
    let preflight = site.ask("OPTIONS", "/refresh", &[&own, asks[1]]);
    assert_eq!(preflight.status, 405);
    assert!(!preflight.head.to_lowercase().contains("access-control"), "{}", preflight.head);
}

#[test]
fn changes_need_a_form_of_the_page() {
    let site = Site::usual();
    let own = format!("Origin: http://{}", site.host);
    let csrf = site.csrf();
    let right = format!("csrf={csrf}&for=hour&back=by%3Dmodel");
    for (headers, body) in [
        (vec![own.as_str()], "for=hour"),
        (vec![own.as_str()], "csrf=&for=hour"),
        (vec![own.as_str()], "csrf=0000&for=hour"),
        (vec![], right.as_str()),
        (vec!["Origin: http://evil.example"], right.as_str()),
        (vec!["Origin: null"], right.as_str()),
    ] {
        assert_eq!(site.post("/snooze", &headers, body).status, 403, "{headers:?} {body}");
    }
    let other = right.replace("hour", "ever");
    assert_eq!(site.post("/snooze", &[&own], &other).status, 400);
    assert_eq!(site.get("/snooze").status, 405, "a link changes nothing");
    let done = site.post("/snooze", &[&own], &right);
    assert_eq!((done.status, done.header("location")), (303, Some("/?by=model")));
    assert!(eventually(PATIENCE, || site.get("/").body.contains("Stop snoozing")));
    // A way back to elsewhere is none.
    let back = format!("csrf={csrf}&for=off&back=%2F%2Fevil.example");
    assert_eq!(site.post("/snooze", &[&own], &back).header("location"), Some("/"));
    assert_eq!(site.post("/refresh", &[&own], &right).status, 303);
    assert_eq!(site.post("/refresh", &[&own], &"x".repeat(20_000)).status, 413);
}

#[test]
fn names_in_logs_are_text() {
    let world = World::new().at(NOON);
    let model = "<script>alert(1)</script>\\\"'&";
    let line = claude_spends(AT, "A", 60);
    world.append(CLAUDE_FILE, &line);
    world.append(
        CLAUDE_FILE,
        &claude_spends(AT, "B", 60).replace("claude-sonnet-4-5-20250929", model),
    );
    let site = Site::of(world, "$0.60");
    let body = site.get("/?by=model").body;
    assert!(body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{body}");
    assert!(!body.contains("<script>"), "{body}");
    let echo =
        site.get("/?model=%3Cscript%3Ealert(2)%3C%2Fscript%3E&source=%22%3E%3Cb%3E&by=%3Cb%3E");
    assert!(!echo.body.contains("<script>") && !echo.body.contains("<b>"), "{}", echo.body);
}

#[test]
fn every_answer_carries_the_policy_and_assets_are_kept() {
    let site = Site::usual();
    let page = site.get("/");
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"));
    for inline in ["<script>", "style=", "onclick", "onload", "javascript:"] {
        assert!(!page.body.contains(inline), "{inline}");
    }
    assert!(!page.body.contains("http://") && !page.body.contains("https://"));
    let mut bytes = page.body.len();
    for ending in ["css", "js", "svg"] {
        let start = page.body.find("/assets/").expect("an asset");
        let address = page.body[start..]
            .split('"')
            .chain(page.body.split('"'))
            .find(|it| it.starts_with("/assets/") && it.ends_with(ending))
            .expect(ending);
        let asset = site.get(address);
        assert_eq!(asset.status, 200);
        assert!(asset.header("cache-control").is_some_and(|it| it.contains("immutable")));
        let tag = format!("If-None-Match: {}", asset.header("etag").expect("a tag"));
        assert_eq!(site.ask("GET", address, &[&tag]).status, 304);
        bytes += asset.body.len();
    }
    assert!(bytes < 200_000, "{bytes} bytes");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    for path in [
        "/../page.json",
        "/assets/../../page.json",
        "/assets/%2e%2e%2fpage.json",
        "/etc/passwd",
        "//etc/passwd",
    ] {
        let answer = site.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-security-policy"), Some(policy.as_str()));
    }
}

#[test]
fn a_first_start_shows_ways_on() {
    let world = World::new().at(NOON);
    let site = Site::of(world, "");
    let body = site.get("/").body;
    if !body.contains("Just starting") {
        assert!(body.contains("spendbar demo") && body.contains("spendbar doctor"), "{body}");
    }
    assert!(eventually(PATIENCE, || site.get("/").body.contains("Nothing to show yet")));
    // The first line of an agent brings the figures; an open page asks for its parts.
    assert!(site.get("/parts").body.starts_with("<section id=\"first\""));
    site.world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    assert!(eventually(PATIENCE, || site.get("/parts").body.contains("id=\"where\"")));
}

#[test]
fn without_a_budget_one_is_suggested() {
    let world = World::new().at(NOON);
    // Three days with $3, $6 and $9: the median and half of it again, in whole dollars.
    let days = [("2026-02-26", 300), ("2026-02-27", 600), ("2026-02-28", 900)];
    for (day, cents) in days {
        let line = claude_spends(&format!("{day}T11:00:00.000Z"), day, cents);
        world.append(CLAUDE_FILE, &line);
    }
    let site = Site::of(world, "$0.00");
    let suggested = "spendbar budget set 9 --per day";
    assert!(
        eventually(PATIENCE, || site.get("/").body.contains(suggested)),
        "{}",
        site.get("/").body
    );
    let body = site.get("/").body;
    assert!(text_of(&body).contains("Found on this machine: Claude Code."), "{body}");
    // The form that is on the page, as it stands there: one press.
    let form = body.split("<form class=\"begin\"").nth(1).expect("a form");
    let form = form.split("</form>").next().expect("its end");
    assert!(form.contains("action=\"/settings/budget\"") && form.contains("value=\"9\""), "{form}");
    let said = site.changed("budget", &[("form", "add-budget"), ("per", "day"), ("amount", "9")]);
    assert!(text_of(&said).contains("Budget \"day\" is added: $9 a day. Undo"), "{said}");
    let set = site.world.run(["budget", "list"]).success().stdout;
    assert!(set.contains("$9.00") && set.contains("50, 80, 100 %"), "{set}");
    assert!(eventually(PATIENCE, || !site.get("/").body.contains("No budget yet")));
}

#[test]
fn what_the_money_bought_stands_on_the_page() {
    let world = World::new().at(NOON);
    let home = world.home().canonicalize().expect("a folder");
    let shop = crate::git_world::Repo::new(&home, home.join("shop"));
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60).replace("/home/ada/shop", &shop.path()));
    shop.commit("2026-03-02T11:10:00Z", "Sell <b>tea</b>", "a", 4);
    let site = Site::of(world, "$0.60");
    // Nothing was read of the repository yet.
    assert!(!site.get("/").body.contains("What you get for it"));
    site.world.run(["yield"]).success();
    let body = site.get("/").body;
    let section = body.split_once("id=\"yield\"").expect("the section").1;
    for says in [
        "What you get for it",
        "≈ $0.60</strong> per commit over 30 days, for 1 commit",
        "2 Mar 2026: ≈ $0.60 for 1 commit",
        "Table of these days",
        &shop.path(),
        "within 24 hours",
    ] {
        assert!(section.contains(says), "{says}: {section}");
    }
    let parts = site.get("/parts?source=claude-code").body;
    assert!(!parts.contains("What you get for it"), "commits are everybody's");
}
