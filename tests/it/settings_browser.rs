//! The settings in a real browser: what people press and type, with the keyboard alone, on small
//! screens, and without a script.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::chromium::Chromium;
use crate::desk::Desk;
use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::page::Site;
use crate::page_browser::CONTRAST;
use crate::world::{PATIENCE, World, eventually};

const NOON: &str = "2026-03-02T12:00:00Z";
const AT: &str = "2026-03-02T11:00:00.000Z";
const READY: &str =
    "document.querySelector('main.settings') !== null && document.readyState === 'complete'";
const SAID: &str = "location.search.startsWith('?said=') && document.readyState === 'complete'";
const CONFIG: &str = "# mine\n[[budget]]  # the day\namount = 2 # two\nper = \"day\"\n\n[agents.codex]\nroots = []\n";

fn world() -> World {
    let world = World::new().at(NOON).config(CONFIG);
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    world
}

/// The settings, reached from the page by the link that people see.
fn at_settings(browser: &mut Chromium, site: &Site) {
    browser.open(
        &site.url,
        "document.getElementById('figure') !== null && document.readyState === 'complete'",
    );
    browser.value("[...document.querySelectorAll('header a')].find((it) => it.textContent === 'Settings').click()");
    browser.wait(READY);
    assert_eq!(browser.value("location.pathname"), "/settings");
}

fn config_of(site: &Site) -> String {
    fs::read_to_string(site.world.config_file()).expect("the config")
}

/// No console error, no request beyond the page's own port.
fn was_quiet(browser: &Chromium, site: &Site) {
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let own = format!("http://{}/", site.host);
    let beyond = browser.asked_for().into_iter().filter(|it| !it.starts_with(&own));
    assert_eq!(beyond.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn a_change_is_in_the_file_and_undone_without_a_trace() {
    let Some(mut browser) = Chromium::start() else { return };
    let site = Site::of(world(), "$0.60");
    // Plain forms: nothing of it needs a script.
    browser.tell("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.tell("Page.navigate", json!({ "url": site.url }));
    browser.wait("location.pathname === '/' && document.readyState === 'complete'");
    let settings = format!("http://{}/settings", site.host);
    browser.open(&settings, READY);
    browser.value("document.querySelector('#budget-0-amount').value = '3.50'");
    browser.value("document.querySelector('#budget-0 button').click()");
    browser.wait(SAID);
    let changed = CONFIG.replace("amount = 2 #", "amount = 3.50 #");
    assert_eq!(config_of(&site), changed);
    let said = browser.value("document.querySelector('#said').innerText");
    assert!(
        said.as_str().is_some_and(|it| it.starts_with("Budget \"day\" is $3.50 a day.")),
        "{said}"
    );
    assert_eq!(browser.value("document.querySelector('#budget-0-amount').value"), "3.50");
    browser.value("[...document.querySelectorAll('tr')].find((it) => it.innerText.includes('Claude Code')).querySelector('button').click()");
    browser.wait(&format!("{SAID} && document.body.innerText.includes('Claude Code is off')"));
    assert!(config_of(&site).ends_with("\n[agents.claude-code]\nenabled = false\n"));
    // Reloading asks for nothing twice.
    let twice = config_of(&site);
    browser.tell("Page.reload", json!({}));
    browser.wait(SAID);
    assert_eq!(config_of(&site), twice);
    for before in [changed.as_str(), CONFIG] {
        browser.value("document.querySelector('form[action=\"/settings/undo\"] button').click()");
        let undone = || config_of(&site) == before;
        assert!(eventually(PATIENCE, undone), "{}", config_of(&site));
        browser.wait(&format!(
            "{SAID} && document.querySelector('#said').innerText.startsWith('Undone')"
        ));
    }
    assert_eq!(
        browser.value("document.querySelectorAll('form[action=\"/settings/undo\"]').length"),
        0
    );
    was_quiet(&browser, &site);
}

#[test]
fn a_typed_mistake_stays_and_is_told_where_it_is() {
    let Some(mut browser) = Chromium::start() else { return };
    let site = Site::of(world(), "$0.60");
    at_settings(&mut browser, &site);
    browser.value("document.querySelector('.add summary').click()");
    browser.value("document.querySelector('#add-budget-amount').value = '12,5'");
    browser.value("document.querySelector('#add-budget-per').value = 'month from 15'");
    browser.value("document.querySelector('#add-budget-name').value = 'travel'");
    browser.value("document.querySelector('#add-budget button').click()");
    browser.wait(
        "document.querySelector('[role=alert]') !== null && document.readyState === 'complete'",
    );
    let said = browser.value("document.querySelector('[role=alert]').innerText");
    assert!(said.as_str().is_some_and(|it| it.contains("\"12,5\" is no amount")), "{said}");
    browser.value("document.querySelector('[role=alert] a').click()");
    for (field, value) in [("amount", "12,5"), ("per", "month from 15"), ("name", "travel")] {
        let at = format!("document.querySelector('#add-budget-{field}').value");
        assert_eq!(browser.value(&at), value);
        assert_ne!(
            browser.value(&format!("document.querySelector('#add-budget-{field}').offsetParent")),
            json!(null)
        );
    }
    assert_eq!(browser.value("document.querySelectorAll('[aria-invalid]').length"), 1);
    assert_eq!(config_of(&site), CONFIG);
    browser.value("document.querySelector('#add-budget-amount').value = '12.5'");
    browser.value("document.querySelector('#add-budget button').click()");
    browser.wait(SAID);
    assert!(
        config_of(&site).contains("name = \"travel\"\namount = 12.50\nper = \"month from 15\"\n")
    );
    let refused = browser.complaints();
    // The browser itself notes the answer's status.
    assert!(refused.iter().all(|it| it.contains("422")), "{refused:?}");
}

#[test]
fn the_keyboard_is_enough_for_the_settings() {
    let Some(mut browser) = Chromium::start() else { return };
    let site = Site::of(world(), "$0.60");
    at_settings(&mut browser, &site);
    let stop = "(() => { const it = document.activeElement; if (it === document.body) return null;
        const style = getComputedStyle(it);
        return [it.id || it.innerText || it.value, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]; })()";
    let mut stops = Vec::new();
    for _ in 0..80 {
        browser.press("Tab", 9);
        let at = browser.value(stop);
        if at.is_null() {
            break;
        }
        stops.push(at);
    }
    let invisible: Vec<_> = stops.iter().filter(|it| it[1] != true).collect();
    assert!(invisible.is_empty(), "no focus is seen on {invisible:?}");
    let names: Vec<_> = stops.iter().filter_map(|it| it[0].as_str()).collect();
    let place = |name: &str| names.iter().position(|it| it.trim() == name);
    assert_eq!(place("Skip to the settings"), Some(0), "{names:?}");
    assert!(place("Back to the figures") < place("budget-0-amount"), "{names:?}");
    assert!(place("budget-0-amount") < place("budget-0-thresholds"), "{names:?}");

    // To the amount, another one, Enter; then to Undo, which is the next stop behind the header.
    browser.value("document.querySelector('.skip').focus()");
    let mut presses = 0;
    while browser.value("document.activeElement.id") != "budget-0-amount" {
        browser.press("Tab", 9);
        presses += 1;
        assert!(presses < 20);
    }
    // Coming into a field selects what is in it.
    browser.write("4");
    browser.press("Enter", 13);
    browser.wait(SAID);
    assert_eq!(config_of(&site), CONFIG.replace("amount = 2 #", "amount = 4 #"));
    let mut presses = 0;
    while browser.value("document.activeElement.textContent.startsWith('Undo')") != true {
        browser.press("Tab", 9);
        presses += 1;
        assert!(presses < 6, "Undo is near");
    }
    browser.press("Enter", 13);
    browser.wait("document.querySelector('#said')?.innerText.startsWith('Undone') === true");
    assert_eq!(config_of(&site), CONFIG);
    was_quiet(&browser, &site);
}

#[test]
fn the_settings_fit_small_and_large_screens_in_both_themes() {
    let Some(mut browser) = Chromium::start() else { return };
    let world = world().env("OPENROUTER_API_KEY", "sk-or-synthetic");
    let world = world.config("[providers.openrouter]\nbase_url = \"http://127.0.0.1:9\"\n");
    let site = Site::of(world, "$0.60");
    at_settings(&mut browser, &site);
    browser.value("document.querySelector('#icon button').click()");
    browser.wait(SAID);
    browser.value("document.querySelectorAll('details').forEach((it) => { it.open = true; })");
    let mut grounds = Vec::new();
    for theme in ["light", "dark"] {
        browser.theme(theme);
        for (width, height) in [(360, 740), (1440, 900), (3840, 2160)] {
            browser.resize(width, height);
            let beyond =
                "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(browser.value(beyond), 0, "{theme} {width}: nothing sticks out");
            // Nor does anything have to be scrolled sideways inside.
            let inside = "[...document.querySelectorAll('.wide')].filter((it) => it.scrollWidth > it.clientWidth).length";
            assert_eq!(browser.value(inside), 0, "{theme} {width}: tables fit");
        }
        grounds.push(browser.value("getComputedStyle(document.body).backgroundColor"));
        assert_eq!(browser.value(CONTRAST), json!([]), "{theme}: texts that are hard to read");
    }
    assert_ne!(grounds[0], grounds[1]);
    was_quiet(&browser, &site);
}

#[test]
fn a_key_is_typed_unseen_and_kept_in_the_keyring() {
    let Some(desk) = Desk::start_without("dunst panel") else { return };
    let Some(mut browser) = Chromium::start() else { return };
    let key = "sk-or-synthetic-BROWSER-0123456789abcdef";
    let world = world().config("[providers.openrouter]\nbase_url = \"http://127.0.0.1:9\"\n");
    let site = Site::of(desk.seat(world), "$0.60");
    at_settings(&mut browser, &site);
    // Waited for, so that a page that offers no field for a key is told with its words.
    browser.wait("document.querySelector('#key-of') !== null");
    browser.value("document.querySelector('#key-of').value = 'openrouter'");
    browser.value("document.querySelector('#key').focus()");
    browser.write(key);
    browser.press("Enter", 13);
    browser.wait(SAID);
    let said = browser.value("document.querySelector('#said').innerText");
    assert!(
        said.as_str().is_some_and(|it| it.contains("The key for OpenRouter is in the keyring")),
        "{said}"
    );
    assert!(!browser.value("document.documentElement.outerHTML").to_string().contains("BROWSER"));
    assert_eq!(browser.value("document.querySelector('#key').value"), "");
    let list = site.world.run(["key", "list"]).success().stdout;
    assert!(list.contains("…cdef") && list.contains("the keyring"), "{list}");
    browser.value("[...document.querySelectorAll('button')].find((it) => it.textContent.startsWith('Remove key')).click()");
    browser.wait("document.querySelector('#said')?.innerText.includes('is removed from the keyring') === true");
    assert!(!site.world.run(["key", "list"]).success().stdout.contains("the keyring"));
    was_quiet(&browser, &site);
}

#[test]
fn the_first_budget_is_one_press() {
    let Some(mut browser) = Chromium::start() else { return };
    let world = World::new().at(NOON);
    for (day, cents) in [("2026-02-26", 300), ("2026-02-27", 600), ("2026-02-28", 900)] {
        world.append(CLAUDE_FILE, &claude_spends(&format!("{day}T11:00:00.000Z"), day, cents));
    }
    let site = Site::of(world, "$0.00");
    browser.open(
        &site.url,
        "document.querySelector('.begin') !== null && document.readyState === 'complete'",
    );
    browser.value("document.querySelector('.begin button').click()");
    browser.wait(SAID);
    assert!(config_of(&site).ends_with("[[budget]]\namount = 9\nper = \"day\"\n"));
    browser.value("document.querySelector('header .button').click()");
    browser.wait("location.pathname === '/' && document.body.innerText.includes('of $9 a day')");
    // An open page that nothing was found for becomes the page with the figures by itself.
    let site = Site::of(World::new().at(NOON), "");
    browser.open(&site.url, "document.body.innerText.includes('Nothing to show yet')");
    site.world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    browser.wait("document.querySelector('#where') !== null && document.querySelector('#figure').textContent === '$0.60'");
}

/// Pictures of the settings where `SPENDBAR_PAGE_SCREENSHOTS` names a folder, to look at.
#[test]
fn pictures() {
    let Ok(folder) = std::env::var("SPENDBAR_PAGE_SCREENSHOTS") else { return };
    let mut browser = Chromium::start().expect("a browser");
    let world = world().env("OPENROUTER_API_KEY", "sk-or-synthetic");
    let world = world.config("[providers.openrouter]\nbase_url = \"http://127.0.0.1:9\"\n[[budget]]\nname = \"website\"\namount = 3000\nper = \"month from 15\"\nthresholds = [90]\nsources = [\"codex\"]\n");
    let desk = Desk::start_without("dunst panel");
    let world = match &desk {
        Some(desk) => desk.seat(world),
        None => world,
    };
    let site = Site::of(world, "$0.60");
    at_settings(&mut browser, &site);
    shoot(&mut browser, &folder, "plain");
    browser.value("document.querySelector('#icon input[value=list]').click()");
    browser.value("document.querySelector('#icon button').click()");
    browser.wait(SAID);
    browser.value("document.querySelectorAll('details').forEach((it) => { it.open = true; })");
    shoot(&mut browser, &folder, "changed");
    browser.value("document.querySelector('#add-budget-amount').value = 'lots'");
    browser.value("document.querySelector('#add-budget button').click()");
    browser.wait(
        "document.querySelector('[role=alert]') !== null && document.readyState === 'complete'",
    );
    shoot(&mut browser, &folder, "refused");
    fs::write(site.world.config_file(), "zone = \"Atlantis\"\n").expect("written");
    browser.open(&format!("http://{}/settings", site.host), READY);
    shoot(&mut browser, &folder, "broken");
    let site = Site::of(World::new().at(NOON), "");
    browser.open(&site.url, "document.body.innerText.includes('Nothing to show yet')");
    shoot(&mut browser, &folder, "nothing");
    browser.open(&format!("http://{}/settings", site.host), READY);
    shoot(&mut browser, &folder, "empty");
    let world = World::new().at(NOON);
    for (day, cents) in [("2026-02-26", 300), ("2026-02-27", 600), ("2026-02-28", 900)] {
        world.append(CLAUDE_FILE, &claude_spends(&format!("{day}T11:00:00.000Z"), day, cents));
    }
    let site = Site::of(world, "$0.00");
    browser.open(&site.url, "document.querySelector('.begin') !== null");
    shoot(&mut browser, &folder, "first");
}

fn shoot(browser: &mut Chromium, folder: &str, name: &str) {
    for (width, theme) in [(1200, "light"), (1200, "dark"), (360, "dark")] {
        browser.theme(theme);
        browser.resize(width, 600);
        let height = browser.value("document.documentElement.scrollHeight").as_u64().unwrap_or(600);
        browser.resize(width, u32::try_from(height).unwrap_or(4000));
        std::thread::sleep(std::time::Duration::from_millis(200));
        browser.picture(&Path::new(folder).join(format!("settings-{name}-{width}-{theme}.png")));
    }
}
