//! Many providers at once: independent ones side by side, each of them one thing at a time. And for
//! `benches/polling` a server that answers for thirty.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::provider::{Answer, FakeProvider};
use crate::world::{PATIENCE, World, eventually};

const PROVIDERS: usize = 30;

/// A row of a bill for each day and project, about 8 KB: what a small organisation has.
fn answer(path: &str) -> Answer {
    let rows: Vec<String> = (1..=15)
        .flat_map(|day| (1..=8).map(move |project| (day, project)))
        .map(|(day, project)| {
            format!(
                r#"{{"date":"2026-02-{day:02}","dollars":"{project}.25","project":"proj_{project:08}"}}"#
            )
        })
        .collect();
    if path.starts_with("/slow") {
        thread::sleep(Duration::from_secs(2));
    }
    Answer::ok(format!(r#"{{"left":"12.50","days":[{}]}}"#, rows.join(",")))
}

/// A provider of the user's own that is asked for what is left.
fn simple(id: &str, base: &str) -> String {
    format!(
        "[[provider]]\nid = \"{id}\"\nbase_url = \"{base}\"\n[[provider.call]]\npath = \"/{id}\"\n\
         [[provider.call.balance]]\nname = \"credits\"\namount = \"/left\"\ncurrency = \"USD\"\n"
    )
}

#[test]
fn a_round_takes_as_long_as_its_slowest_provider() {
    let provider = FakeProvider::answering(|_| {
        thread::sleep(Duration::from_secs(1));
        Answer::ok(r#"{"left":"12.50"}"#)
    });
    let config: String =
        (0..8).map(|number| simple(&format!("p{number}"), &provider.base_url())).collect();
    let world = World::new().at("2026-03-02T12:00:00Z").config(&config);
    let start = Instant::now();
    world.run(["poll"]).success();
    // One after the other they would take eight seconds.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(provider.requests().len(), 8);
    let start = Instant::now();
    let spendbar = world.spawn([]);
    assert!(eventually(PATIENCE, || provider.requests().len() == 16), "{}", spendbar.all());
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn two_accounts_of_a_provider_are_never_asked_at_once() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let provider = FakeProvider::answering(move |_| {
        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(now, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(300));
        running.fetch_sub(1, Ordering::SeqCst);
        Answer::error(403, "{}")
    });
    let base = provider.base_url();
    let world = World::new()
        .at("2026-03-02T12:00:00Z")
        .env("OPENROUTER_API_KEY", "sk-first-0123456789")
        .env("OPENROUTER_API_KEY_WORK", "sk-second-0123456789")
        .config(&format!(
            "[providers.openrouter]\nbase_url = \"{base}\"\n\
             [providers.openrouter.accounts.work]\nbase_url = \"{base}\"\n"
        ));
    world.run(["poll"]).success();
    assert!(provider.requests().len() >= 4, "both were asked");
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

/// Writes a config with [`PROVIDERS`] providers to `SPENDBAR_POLLING/config.toml` and answers for
/// them until that file is gone. The first one takes two seconds.
#[test]
#[ignore = "serves for minutes; `benches/polling` asks for it by name"]
fn serve() {
    let folder = PathBuf::from(std::env::var_os("SPENDBAR_POLLING").expect("SPENDBAR_POLLING"));
    let provider = FakeProvider::answering(|request| answer(&request.path));
    provider.keep_alive();
    let base = provider.base_url();
    let config: String = (0..PROVIDERS)
        .map(|number| {
            let path = if number == 0 { "/slow" } else { "/fast" };
            format!(
                "[[provider]]\nid = \"p{number}\"\nbase_url = \"{base}\"\npoll_minutes = 1\n\
                 [[provider.call]]\npath = \"{path}/{number}\"\n\
                 [[provider.call.cost]]\neach = \"/days\"\nday = \"/date\"\namount = \"/dollars\"\n\
                 currency = \"USD\"\nproject = \"/project\"\n\
                 [[provider.call.balance]]\nname = \"credits\"\namount = \"/left\"\n\
                 currency = \"USD\"\n"
            )
        })
        .collect();
    let file = folder.join("config.toml");
    let unfinished = folder.join("config.part");
    fs::write(&unfinished, config).expect("written");
    fs::rename(&unfinished, &file).expect("renamed");
    while file.exists() {
        thread::sleep(Duration::from_millis(200));
        let requests = provider.requests().len();
        fs::write(folder.join("requests"), requests.to_string()).expect("written");
    }
}
