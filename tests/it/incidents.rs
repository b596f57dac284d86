//! What providers report of their own faults, while the program runs: a pretend status page beside
//! a pretend provider.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::provider::{Answer, FakeProvider, Fault};
use crate::world::{PATIENCE, Process, World, eventually, fixtures};

const KEY: &str = "sk-mine-0123456789";
const PATH: &str = "/api/v2/status.json";
const SENTENCE: &str = "My gateway reports “Partial System Outage” on its status page (as of 12:0";

/// An answer of the fixtures.
fn fixture(file: &str) -> String {
    let file = fixtures().join("providers/statuspage").join(file);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A status page whose answer can be changed, and which would like to leave a cookie.
struct Page {
    server: FakeProvider,
    says: Arc<Mutex<String>>,
}

impl Page {
    fn saying(body: String) -> Self {
        let says = Arc::new(Mutex::new(body));
        let shared = says.clone();
        let server = FakeProvider::on_another_host(move |_| {
            let mut answer = Answer::ok(shared.lock().expect("unpoisoned").clone());
            answer.headers.push(("set-cookie".into(), "visitor=7; Path=/".into()));
            answer
        });
        Self { server, says }
    }

    fn says(&self, body: String) {
        *self.says.lock().expect("unpoisoned") = body;
    }
}

/// A gateway that counts how often it was asked.
fn gateway() -> (FakeProvider, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let server = FakeProvider::answering(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Answer::ok(r#"{"left":"12.50"}"#)
    });
    (server, asked)
}

fn description(id: &str, name: &str, provider: &FakeProvider, page: &str) -> String {
    format!(
        "[[provider]]\nid = \"{id}\"\nname = \"{name}\"\naccount = \"ours\"\n\
         base_url = \"{}\"\nstatus_page = \"{page}\"\n\
         [provider.key]\nvariables = [\"MINE_KEY\"]\n\
         [[provider.call]]\npath = \"/v1/credits\"\n\
         [[provider.call.balance]]\nname = \"credits\"\namount = \"/left\"\ncurrency = \"USD\"\n",
        provider.base_url()
    )
}

fn world() -> World {
    World::new().at("2026-03-02T12:00:00Z")
}

/// Waits until the provider was asked, and then until what follows from it is over.
fn let_it_look(spendbar: &Process, asked: &AtomicUsize, times: usize) {
    let is_asked = || asked.load(Ordering::SeqCst) >= times;
    assert!(eventually(PATIENCE, is_asked), "{}", spendbar.all());
    std::thread::sleep(std::time::Duration::from_secs(1));
}

#[test]
fn a_fault_is_marked_while_the_program_runs_and_goes_when_it_is_over() {
    let (provider, _) = gateway();
    let page = Page::saying(fixture("status-major.json"));
    let world = world().env("MINE_KEY", KEY).config(&description(
        "mine",
        "My gateway",
        &provider,
        &page.server.base_url(),
    ));
    let mut spendbar = world.spawn([]);
    let status = || world.run(["status"]).success().stdout;
    assert!(eventually(PATIENCE, || status().contains(SENTENCE)), "{}", status());
    assert!(status().contains("status: outage · credits $12.50 left"), "{}", status());
    assert!(status().contains("figures may be late."), "{}", status());

    let json = world.run(["status", "--json"]).success().json();
    let incident = &json["sources"][0]["incident"];
    assert_eq!(incident["indicator"], "major");
    assert_eq!(
        (&incident["by"], &incident["text"]),
        (&"My gateway".into(), &"Partial System Outage".into())
    );
    assert!(incident["as_of"].as_str().expect("a time").starts_with("2026-03-02T12:0"), "{json}");
    // Late is not missing, and not a failure of the source.
    assert_eq!((&json["partial"], &json["state"]), (&false.into(), &"calm".into()));
    assert_eq!(json["sources"][0]["error"], serde_json::Value::Null);
    let source = world.source("mine");
    assert_eq!((&source["incident"], &source["state"]), (incident, &"ok".into()));
    assert!(world.run(["sources"]).success().stdout.contains(SENTENCE));
    let doctor = world.run(["doctor", "--json"]);
    let rows = doctor.json()["sources"].as_array().expect("sources").clone();
    assert!(rows.iter().any(|row| row["id"] == "mine" && row["incident"] == *incident));
    assert!(world.run(["doctor"]).stdout.contains("My gateway reports"));

    // One question, which says nothing of the user.
    let [request] = &page.server.requests()[..] else { panic!("asked more than once") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", PATH));
    let names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    for name in &names {
        assert!(["accept", "accept-encoding", "host", "user-agent"].contains(name), "{names:?}");
    }
    assert!(!request.head.contains(KEY), "{}", request.head);

    spendbar.signal("TERM");
    assert!(spendbar.wait_up_to(PATIENCE).is_some());
    page.says(fixture("status-ok.json"));
    let again = world.spawn([]);
    assert!(eventually(PATIENCE, || !status().contains("status:")), "{}", again.all());
    let json = world.run(["status", "--json"]).success().json();
    assert_eq!(json["sources"][0]["incident"], serde_json::Value::Null);
    let [_, second] = &page.server.requests()[..] else { panic!("asked once per start") };
    assert!(!second.head.to_lowercase().contains("cookie"), "{}", second.head);
}

#[test]
fn two_sources_with_one_page_ask_it_once_and_are_both_marked() {
    let (provider, asked) = gateway();
    let page = Page::saying(fixture("status-major.json"));
    let address = page.server.base_url();
    let world = world()
        .env("MINE_KEY", KEY)
        .config(&description("mine", "My gateway", &provider, &address))
        .config(&description("ours", "Our gateway", &provider, &format!("{address}/")))
        // An agent of the same account has the mark too.
        .config("[agents.claude-code]\naccount = \"ours\"\n");
    world.append(
        crate::lines::CLAUDE_FILE,
        &crate::lines::claude_spends("2026-03-02T11:00:00.000Z", "A", 60),
    );
    let spendbar = world.spawn([]);
    let marked = || {
        let json = world.run(["status", "--json"]).success().json();
        let rows = json["sources"].as_array().expect("rows").clone();
        rows.iter().filter(|row| row["incident"]["by"] == "My gateway").count()
    };
    assert!(eventually(PATIENCE, || marked() == 3), "{}", spendbar.all());
    let_it_look(&spendbar, &asked, 2);
    assert_eq!(page.server.requests().len(), 1);
    // Three rows, one sentence.
    let status = world.run(["status"]).success().stdout;
    assert_eq!(status.matches("My gateway reports").count(), 1, "{status}");
}

#[test]
fn without_a_key_or_with_the_setting_off_no_page_is_asked() {
    let page = Page::saying(fixture("status-major.json"));
    let (provider, asked) = gateway();
    let entry = description("mine", "My gateway", &provider, &page.server.base_url());
    let keyless = world().config(&entry);
    let spendbar = keyless.spawn([]);
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!((page.server.requests().len(), asked.load(Ordering::SeqCst)), (0, 0));
    drop(spendbar);

    let off = world().env("MINE_KEY", KEY).config(&format!("status_pages = false\n{entry}"));
    let spendbar = off.spawn([]);
    let_it_look(&spendbar, &asked, 1);
    assert_eq!(page.server.requests().len(), 0);

    // Nor by a single look.
    let on = world().env("MINE_KEY", KEY).config(&entry);
    on.run(["poll"]).success();
    assert_eq!(page.server.requests().len(), 0);
}

#[test]
fn what_is_no_status_page_says_nothing_and_is_no_problem() {
    let (provider, _) = gateway();
    let page = Page::saying(fixture("not-statuspage.html"));
    for fault in [Fault::None, Fault::Status(500), Fault::Hangup, Fault::OtherShape] {
        page.server.set_fault(fault.clone());
        let before = page.server.requests().len();
        let world = world().env("MINE_KEY", KEY).config(&description(
            "mine",
            "My gateway",
            &provider,
            &page.server.base_url(),
        ));
        let spendbar = world.spawn([]);
        let is_asked = || page.server.requests().len() > before;
        assert!(eventually(PATIENCE, is_asked), "{fault:?}: {}", spendbar.all());
        std::thread::sleep(std::time::Duration::from_secs(1));
        let json = world.run(["status", "--json"]).success().json();
        let row = &json["sources"][0];
        let nothing = serde_json::Value::Null;
        assert_eq!((&row["incident"], &row["error"]), (&nothing, &nothing), "{fault:?}");
        assert_eq!((&json["partial"], &json["notices"]), (&false.into(), &serde_json::json!([])));
        assert_eq!(spendbar.stderr(), "", "{fault:?}");
    }
}

#[test]
fn an_old_report_and_a_setting_that_is_off_show_nothing() {
    let (provider, _) = gateway();
    let page = Page::saying(fixture("status-major.json"));
    let entry = description("mine", "My gateway", &provider, &page.server.base_url());
    let mut world = world().env("MINE_KEY", KEY).config(&entry);
    let mut spendbar = world.spawn([]);
    let marks = |world: &World| world.run(["status"]).success().stdout.contains("status: outage");
    assert!(eventually(PATIENCE, || marks(&world)), "{}", spendbar.all());
    spendbar.signal("TERM");
    assert!(spendbar.wait_up_to(PATIENCE).is_some());
    world.set_clock("2026-03-02T13:55:00Z");
    assert!(marks(&world));
    world.set_clock("2026-03-02T14:05:00Z");
    assert!(!marks(&world));
    world.set_clock("2026-03-02T12:10:00Z");
    std::fs::write(world.config_file(), format!("status_pages = false\n{entry}")).expect("written");
    assert!(!marks(&world));
}
