//! Many providers at once, for `benches/polling`: a server that answers for all of them.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::provider::{Answer, FakeProvider};

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
