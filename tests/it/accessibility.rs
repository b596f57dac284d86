//! axe-core finds nothing on any page, in either theme, on large screens and small ones.

use serde_json::json;

use crate::chromium::Chromium;
use crate::lines::{CLAUDE_FILE, CODEX_FILE, CodexCounter, GPT, claude_spends, codex_start};
use crate::page::Site;
use crate::world::World;

const NOON: &str = "2026-03-02T12:00:00Z";
const AT: &str = "2026-03-02T11:00:00.000Z";
const READY: &str = "document.readyState === 'complete' && document.querySelector('main') !== null";

/// Checks the page that is open, wide and narrow, light and dark.
#[track_caller]
fn is_accessible(browser: &mut Chromium, what: &str) {
    for (width, height) in [(1280, 900), (360, 740)] {
        browser.resize(width, height);
        for theme in ["light", "dark"] {
            browser.theme(theme);
            let faults = browser.axe();
            assert_eq!(faults, Vec::<String>::new(), "{what}, {theme}, {width} px");
        }
    }
}

#[test]
fn the_page_has_no_faults() {
    let Some(mut browser) = Chromium::start() else { return };
    let world =
        World::new().at(NOON).config("[[budget]]\nname = \"daily\"\namount = 2\nper = \"day\"\n");
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    world.append(CODEX_FILE, &codex_start(AT, GPT));
    world.append(CODEX_FILE, &CodexCounter::default().add(AT, 0, 0, 20_000));
    let site = Site::of(world, "$0.90");
    browser.open(&site.url, READY);
    browser.wait("document.getElementById('figure') !== null");
    is_accessible(&mut browser, "the page");
    // With everything that can be opened open, and a chart's mark under the pointer.
    browser.value("document.querySelectorAll('details').forEach((it) => { it.open = true; })");
    browser.value("document.querySelector('svg.bars a[tabindex=\"0\"]').focus()");
    is_accessible(&mut browser, "the page with its tables");
    let session = "019c0000-0000-7000-8000-00000000000a";
    let at = format!("http://{}/?span=30d&by=session&source=codex&session={session}", site.host);
    browser.open(
        &at,
        "document.getElementById('session') !== null && document.readyState === 'complete'",
    );
    is_accessible(&mut browser, "a session");
    browser.open(&format!("http://{}/no-such-page", site.host), READY);
    is_accessible(&mut browser, "a message");
    assert_eq!(browser.complaints().iter().filter(|it| !it.contains("404")).count(), 0);
}

#[test]
fn the_settings_have_no_faults() {
    let Some(mut browser) = Chromium::start() else { return };
    let config = "[[budget]]\nname = \"daily\"\namount = 2\nper = \"day\"\n[[budget]]\namount = 9\nper = \"month\"\n\
                  [agents.codex]\nenabled = false\n";
    let world = World::new().at(NOON).config(config).env("OPENROUTER_API_KEY", "sk-or-synthetic");
    let world = world.config("[providers.openrouter]\nbase_url = \"http://127.0.0.1:9\"\n");
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    let site = Site::of(world, "$0.60");
    browser.open(&site.url, READY);
    let settings = format!("http://{}/settings", site.host);
    browser.open(&settings, READY);
    browser.value("document.querySelectorAll('details').forEach((it) => { it.open = true; })");
    is_accessible(&mut browser, "the settings");
    // A change, with its message and the list of changes.
    browser.value("document.querySelector('#icon input[value=list]').click()");
    browser.value("document.querySelector('#icon button').click()");
    browser.wait("location.search.startsWith('?said=') && document.readyState === 'complete'");
    is_accessible(&mut browser, "the settings after a change");
    // A refusal.
    browser.value("document.querySelector('#add-budget-amount').value = 'lots'");
    browser.value("document.querySelector('#add-budget button').click()");
    browser.wait(
        "document.querySelector('[role=alert]') !== null && document.readyState === 'complete'",
    );
    is_accessible(&mut browser, "the settings after a refusal");
    std::fs::write(site.world.config_file(), "zone = 1\n").expect("written");
    browser.open(&settings, "document.querySelector('.broken') !== null");
    is_accessible(&mut browser, "the settings of a broken file");
}

#[test]
fn the_first_run_has_no_faults() {
    let Some(mut browser) = Chromium::start() else { return };
    let site = Site::of(World::new().at(NOON), "");
    browser.open(&site.url, "document.body.innerText.includes('Nothing to show yet')");
    is_accessible(&mut browser, "nothing found");
    browser.open(&format!("http://{}/settings", site.host), READY);
    is_accessible(&mut browser, "the settings with nothing found");
    drop(site);
    let world = World::new().at(NOON);
    for (day, cents) in [("2026-02-26", 300), ("2026-02-27", 600), ("2026-02-28", 900)] {
        world.append(CLAUDE_FILE, &claude_spends(&format!("{day}T11:00:00.000Z"), day, cents));
    }
    let site = Site::of(world, "$0.00");
    browser.open(&site.url, "document.querySelector('.begin') !== null");
    is_accessible(&mut browser, "a budget is suggested");
}

/// What is found is found: a page with faults of its own.
#[test]
fn faults_would_be_found() {
    let Some(mut browser) = Chromium::start() else { return };
    browser.open("data:text/html,<title>x</title><main><img src=x><input></main>", READY);
    let faults = browser.axe();
    assert!(faults.iter().any(|it| it.contains("image-alt")), "{faults:?}");
    assert!(faults.iter().any(|it| it.starts_with("critical label")), "{faults:?}");
    assert!(json!(faults).to_string().contains("html-has-lang"));
}
