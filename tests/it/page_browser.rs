//! The page behind the icon in a real browser: what people see and press.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::chromium::Chromium;
use crate::lines::{CLAUDE_FILE, CODEX_FILE, CodexCounter, GPT, claude_spends, codex_start};
use crate::page::Site;
use crate::world::{PATIENCE, World, eventually};

const NOON: &str = "2026-03-02T12:00:00Z";
const AT: &str = "2026-03-02T11:00:00.000Z";
const READY: &str =
    "document.getElementById('figure') !== null && document.readyState === 'complete'";

/// $0.60 of Claude Code and $0.30 of Codex, of a budget of $2.
fn site() -> Site {
    let world =
        World::new().at(NOON).config("[[budget]]\nname = \"daily\"\namount = 2\nper = \"day\"\n");
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    world.append(CODEX_FILE, &codex_start(AT, GPT));
    world.append(CODEX_FILE, &CodexCounter::default().add(AT, 0, 0, 20_000));
    Site::of(world, "$0.90")
}

#[test]
fn people_see_figures_narrow_them_and_follow_them_live() {
    let Some(mut browser) = Chromium::start() else { return };
    let site = site();
    browser.open(&site.url, READY);
    assert_eq!(browser.value("document.getElementById('figure').textContent"), "$0.90");
    assert_eq!(
        browser.value("location.href"),
        format!("http://{}/", site.host),
        "no token is left"
    );
    assert_eq!(browser.value("document.cookie"), "", "no script reads the cookie");

    // The live figure, from the line on disk to the screen.
    let start = Instant::now();
    site.world.append(CLAUDE_FILE, &claude_spends(AT, "B", 30));
    browser.wait("document.getElementById('figure').textContent === '$1.20'");
    eprintln!("append to screen: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(browser.value("document.title"), "≈ $1.20 today – Spendbar");
    // The tables follow a moment later.
    browser.wait("document.getElementById('total-list').textContent.includes('1.20')");

    browser.value("[...document.querySelectorAll('.places a')].find((it) => it.textContent === 'Codex').click()");
    browser
        .wait("location.search === '?by=model&source=codex' && document.readyState === 'complete'");
    assert_eq!(browser.value("document.getElementById('total-list').title"), "$0.30");
    browser.value("document.querySelector('.chip').click()");
    browser.wait("location.search === '?by=model' && document.readyState === 'complete'");
    assert_eq!(browser.value("document.getElementById('total-list').title"), "$1.20");

    // A form, with the cookie and the origin that the browser itself sends.
    browser.value("document.querySelector('form[action=\"/snooze\"] button').click()");
    browser.wait("document.body.innerText.includes('snoozed') || document.body.innerText.includes('Stop snoozing')");

    assert_eq!(browser.complaints(), Vec::<String>::new());
    let own = format!("http://{}/", site.host);
    let beyond: Vec<_> =
        browser.asked_for().into_iter().filter(|it| !it.starts_with(&own)).collect();
    assert_eq!(beyond, Vec::<String>::new(), "no request leaves the page");
}

#[test]
fn it_fits_small_and_large_screens_in_both_themes() {
    let Some(mut browser) = Chromium::start() else { return };
    let site = site();
    browser.open(&site.url, READY);
    let mut grounds = Vec::new();
    for theme in ["light", "dark"] {
        browser.theme(theme);
        for (width, height) in [(360, 740), (1440, 900), (3840, 2160)] {
            browser.resize(width, height);
            let beyond =
                "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(browser.value(beyond), 0, "{theme} {width}: nothing sticks out");
        }
        grounds.push(browser.value("getComputedStyle(document.body).backgroundColor"));
        let contrast = browser.value(CONTRAST);
        assert_eq!(contrast, json!([]), "{theme}: texts that are hard to read");
    }
    assert_ne!(grounds[0], grounds[1]);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_keyboard_is_enough() {
    let Some(mut browser) = Chromium::start() else { return };
    let site = site();
    browser.open(&site.url, READY);
    let mut stops = Vec::new();
    for _ in 0..80 {
        browser.press("Tab", 9);
        let stop = browser.value(
            "(() => { const it = document.activeElement; if (it === document.body) return null;
             const style = getComputedStyle(it);
             return [(it.textContent || it.getAttribute('aria-label') || '').trim().slice(0, 40), it.closest('.bars, .heat')?.classList[0] ?? it.localName,
               style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]; })()",
        );
        if stop.is_null() {
            break;
        }
        stops.push(stop);
    }
    let invisible: Vec<_> = stops.iter().filter(|stop| stop[2] != true).collect();
    assert!(invisible.is_empty(), "no focus is seen on {invisible:?}");
    let texts: Vec<_> = stops.iter().filter_map(|stop| stop[0].as_str()).collect();
    let place = |text: &str| texts.iter().position(|it| *it == text);
    assert_eq!(place("Skip to the figures"), Some(0), "{texts:?}");
    assert!(
        place("Refresh now") < place("7 days") && place("7 days") < place("Codex"),
        "{texts:?}"
    );
    let charts = stops.iter().filter(|stop| stop[1] == "bars" || stop[1] == "heat").count();
    assert_eq!(charts, 3, "each chart is one stop: {stops:?}");

    // Over the picture of a year lies a link for each day that is known.
    browser.value("document.querySelector('.heat a[tabindex=\"0\"]').focus()");
    let said = browser.value("document.activeElement.getAttribute('aria-label')");
    assert_eq!(said, "2 Mar 2026: list $0.90, billed – · still open");
    assert_eq!(browser.value("document.getElementById('tip').textContent"), said);
    let lies = "(() => { const box = (it) => it.getBoundingClientRect();
        const [link, chart] = [box(document.activeElement), box(document.querySelector('.heat'))];
        return link.width > 4 && link.right <= chart.right && chart.right - link.right < link.width; })()";
    assert_eq!(browser.value(lies), true, "today is in the last week");

    // Inside a chart arrows move, and the figures are told.
    browser.value("document.querySelector('svg.bars a[tabindex=\"0\"]').focus()");
    browser.press("End", 35);
    let said = browser.value("document.activeElement.getAttribute('aria-label')");
    assert_eq!(said, "2 Mar 2026: list $0.90, billed – · still open");
    assert_eq!(browser.value("document.getElementById('tip').textContent"), said);
    browser.press("ArrowLeft", 37);
    let said = browser.value("document.activeElement.getAttribute('aria-label')");
    assert_eq!(said, "1 Mar 2026: not known, before the first usage");
    browser.press("Enter", 13);
    browser.wait("location.search === '?day=2026-03-01'");

    // What screen readers need: every chart has a name, every table a head, one h1.
    browser.wait(READY);
    let unnamed = "[...document.querySelectorAll('svg:not([aria-hidden]), section, nav')].filter((it) =>
        !it.getAttribute('aria-label') && !document.getElementById(it.getAttribute('aria-labelledby'))).length";
    assert_eq!(browser.value(unnamed), 0);
    assert_eq!(browser.value("document.querySelectorAll('h1').length"), 1);
    assert_eq!(
        browser.value("[...document.querySelectorAll('table')].filter((it) => !it.tHead).length"),
        0
    );
    assert_eq!(browser.value("document.querySelectorAll('figure').length <= document.querySelectorAll('figure details table, figure .empty').length"), true);
    let twice = "[...document.querySelectorAll('[id]')].map((it) => it.id).filter((id, index, all) => all.indexOf(id) !== index)";
    assert_eq!(browser.value(twice), json!([]));
}

#[test]
fn another_site_in_the_same_browser_gets_nothing() {
    let Some(mut browser) = Chromium::start() else { return };
    let site = site();
    browser.open(&site.url, READY);
    // A site of somebody else's, which the same browser with the page's cookie visits.
    let evil = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = evil.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in evil.incoming().flatten() {
            // A browser also opens connections that it may use later: nobody may wait for those.
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let page = "<!DOCTYPE html><title>evil</title><body>evil";
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
                let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{page}", page.len());
            });
        }
    });
    // `localhost` is another site than `127.0.0.1`, and leads to the same machine.
    for name in ["localhost", "127.0.0.1"] {
        browser.open(&format!("http://{name}:{port}/"), "document.title === 'evil'");
        let host = &site.host;
        let read = format!(
            "fetch('http://{host}/', {{ credentials: 'include' }}).then((it) => it.text()).catch(() => 'refused')"
        );
        assert_eq!(browser.value(&read), "refused", "{name}");
        let blind = format!(
            "fetch('http://{host}/refresh', {{ method: 'POST', mode: 'no-cors', credentials: 'include', body: 'for=hour' }}).then((it) => it.type).catch(() => 'refused')"
        );
        assert!(["opaque", "refused"].contains(&browser.value(&blind).as_str().expect("a word")));
        let events = format!(
            "new Promise((done) => {{ const it = new EventSource('http://{host}/live', {{ withCredentials: true }}); it.onerror = () => done('refused'); it.addEventListener('board', (e) => done(e.data)); }})"
        );
        assert_eq!(browser.value(&events), "refused", "{name}");
        let frame = format!(
            "new Promise((done) => {{ const it = document.body.appendChild(document.createElement('iframe')); it.src = 'http://{host}/'; it.onload = () => {{ try {{ done(it.contentDocument ? it.contentDocument.body.innerText : 'closed'); }} catch {{ done('closed'); }} }}; }})"
        );
        assert_eq!(browser.value(&frame), "closed", "{name}");
        let script = format!(
            "new Promise((done) => {{ const it = document.createElement('script'); it.src = 'http://{host}/'; it.onload = () => done('ran'); it.onerror = () => done('refused'); document.body.append(it); }})"
        );
        assert_eq!(browser.value(&script), "refused", "{name}");
    }
    // DNS rebinding: the other site's name leads to the page's port.
    let port = site.host.split(':').nth(1).expect("a port");
    browser.open(
        &format!("http://localhost:{port}/"),
        "document.readyState === 'complete' && document.body.innerText.includes('closed')",
    );
    assert!(!browser.value("document.body.innerText").as_str().expect("text").contains("$0.90"));
    // The page itself runs no script but its own.
    browser.open(&format!("http://{}/", site.host), READY);
    browser.value("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\"><a href=\"javascript:window.ran = 2\" id=js>x</a>'); document.getElementById('js').click();");
    browser.value("(() => { const it = document.createElement('script'); it.textContent = 'window.ran = 3'; document.body.append(it); })()");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(browser.value("window.ran === undefined"), true);
}

/// Texts whose contrast to what is behind them is below 4.5 (WCAG 2.2, 1.4.3; 3 for large ones).
pub const CONTRAST: &str = "(() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((it) => it / 255)
      .map((it) => (it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (it) => {
    for (; it; it = it.parentElement) {
      const colour = getComputedStyle(it).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const bad = [];
  for (const it of document.querySelectorAll('body *:not(svg *):not(script)')) {
    const own = [...it.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !it.offsetParent) continue;
    const style = getComputedStyle(it);
    const [one, two] = [light(style.color), light(ground(it))].sort((a, b) => b - a);
    const needed = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if ((one + 0.05) / (two + 0.05) < needed) bad.push(it.textContent.trim().slice(0, 30));
  }
  return bad;
})()";

/// Draws the demo's page where `SPENDBAR_PAGE_SCREENSHOTS` names a folder: for the README, and to
/// look at. `tests/desk/page-screenshot.sh` asks for it.
#[test]
fn screenshots() {
    let Ok(folder) = std::env::var("SPENDBAR_PAGE_SCREENSHOTS") else { return };
    let size = std::env::var("SPENDBAR_PAGE_SIZE").unwrap_or_default();
    let (width, height) = size.split_once('x').expect("WIDTHxHEIGHT");
    let number = |text: &str| text.parse().expect("pixels");
    let mut browser = Chromium::start().expect("a browser");
    let world = World::new();
    let demo = world.spawn(["demo", "--headless"]);
    assert!(eventually(PATIENCE, || demo.stderr().contains("token=")), "{}", demo.all());
    // The bill and the agents' first lines need a moment.
    std::thread::sleep(Duration::from_secs(10));
    let said = demo.stderr();
    let url = said.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
    browser.resize(number(width), number(height));
    browser.open(url, READY);
    let base = url.split("/open").next().expect("a host");
    let query = std::env::var("SPENDBAR_PAGE_QUERY").unwrap_or_default();
    for theme in ["light", "dark"] {
        browser.theme(theme);
        // Anew, so that the tables, which follow every few seconds, are those of the figure.
        browser.open(&format!("{base}/?{query}"), READY);
        std::thread::sleep(Duration::from_millis(300));
        browser.picture(&std::path::Path::new(&folder).join(format!("page-{theme}.png")));
    }
}

/// Tells how soon the page is painted where `SPENDBAR_PAGE_LEDGER` names a ledger, such as the one that
/// `benches/year.rs` keeps, and `SPENDBAR_PAGE_AT` the time that it is looked at. The program is that of
/// `SPENDBAR_PAGE_PROGRAM`, if it is set.
#[test]
fn paints() {
    let Ok(ledger) = std::env::var("SPENDBAR_PAGE_LEDGER") else { return };
    let at = std::env::var("SPENDBAR_PAGE_AT").expect("a time");
    let mut world = World::new().at(&at);
    if let Ok(program) = std::env::var("SPENDBAR_PAGE_PROGRAM") {
        world = world.program(program);
    }
    let own = world.path("home/.local/share/spendbar/ledger.db");
    std::fs::create_dir_all(own.parent().expect("a folder")).expect("made");
    std::fs::copy(ledger, own).expect("copied");
    let query = std::env::var("SPENDBAR_PAGE_QUERY").unwrap_or_default();
    let site = Site::of(world, "Today");
    let mut browser = Chromium::start().expect("a browser");
    browser.resize(1280, 900);
    browser.open(&site.url, READY);
    let mut times: Vec<_> = (0..9)
        .map(|_| {
            browser
                .tell("Page.navigate", json!({ "url": format!("http://{}/?{query}", site.host) }));
            // Asking while it is drawn would delay what is measured.
            std::thread::sleep(Duration::from_secs(1));
            let paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
            browser.value(paint).as_f64().expect("milliseconds")
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    let told = format!("first paint, ms: {:.0} at best, {:.0} median", times[0], times[4]);
    writeln!(std::io::stderr(), "{told}").expect("standard error");
}
