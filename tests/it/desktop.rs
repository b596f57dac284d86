//! The program on a real desktop: tray host, notification daemon and Secret Service are the ones
//! people have. Each test has a desktop of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::desk::{Desk, Notification};
use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::provider::FakeProvider;
use crate::world::{PATIENCE, World, eventually};

const NOON: &str = "2026-03-02T12:00:00Z";
const BEFORE: &str = "2026-03-02T11:59:00.000Z";
const BUDGET: &str =
    "[[budget]]\nname = \"daily\"\namount = 10\nper = \"day\"\nthresholds = [50, 80]\n";

#[test]
fn the_tray_shows_todays_spend_and_follows_the_logs() {
    let Some(desk) = Desk::start() else { return };
    let world = desk.seat(World::new().at(NOON));
    world.append(CLAUDE_FILE, &claude_spends(BEFORE, "A", 60));
    let spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    assert!(item.text("Title").contains("Spendbar"), "{}", item.text("Title"));
    let shows = |amount: &str| eventually(PATIENCE, || item.tooltip().contains(amount));
    assert!(shows("$0.60"), "{}", item.tooltip());

    let icon = item.icon();
    assert!(!icon.is_empty());
    for size in &icon {
        assert_eq!(size.argb.len() as u64, size.width * size.height * 4);
        assert!(size.argb.chunks(4).any(|pixel| pixel[0] > 0), "something is drawn");
    }

    let menu = item.menu();
    let labels: Vec<&str> = menu.iter().map(|row| row.label.as_str()).collect();
    assert!(labels[0].contains("Today") && labels[0].contains("$0.60"), "{labels:#?}");
    assert!(labels.iter().any(|label| label.contains("Claude Code")), "{labels:#?}");
    for action in ["Refresh now", "Pause", "Copy summary", "Open config", "Quit"] {
        let row = menu.iter().find(|row| row.label == action);
        assert!(row.is_some_and(|row| row.enabled), "{action}: {labels:#?}");
    }
    assert_eq!(labels.last(), Some(&"Quit"));
    assert!(labels.len() <= 25, "{labels:#?}");

    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:59:30.000Z", "B", 1_140));
    assert!(shows("$12.00"), "{}", item.tooltip());
    assert!(eventually(PATIENCE, || item.icon() != icon), "the icon's pixels change");
    assert!(eventually(PATIENCE, || item.menu()[0].label.contains("$12.00")));
}

#[test]
fn menu_entries_do_what_they_say() {
    let Some(desk) = Desk::start() else { return };
    let provider = FakeProvider::of_fixture("openai-admin");
    let world = World::new()
        .at("2026-11-03T12:00:00Z")
        .provider("openai-admin", &provider)
        .env("OPENAI_ADMIN_KEY", "sk-admin-synthetic-0123456789");
    let world = desk.seat(world);
    let mut spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    assert!(eventually(PATIENCE, || item.tooltip().contains("$2.75")), "{}", item.tooltip());

    let asked = provider.requests().len();
    item.click("Refresh now");
    assert!(eventually(PATIENCE, || provider.requests().len() > asked), "it asks again at once");

    let calm = item.icon();
    item.click("Pause");
    assert!(eventually(PATIENCE, || item.icon() != calm), "the icon says that it is paused");
    assert!(eventually(PATIENCE, || item.menu().iter().any(|row| row.label == "Resume")));
    item.click("Resume");
    assert!(eventually(PATIENCE, || item.icon() == calm), "and that it goes on");

    item.click("Quit");
    let status = spendbar.wait_up_to(PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(0), "{}", spendbar.all());
}

#[test]
fn a_crossed_budget_notifies_once_and_dunst_shows_it() {
    let Some(desk) = Desk::start() else { return };
    let world = desk.seat(World::new().at(NOON).config(BUDGET));
    let notifications = desk.record_notifications();
    world.append(CLAUDE_FILE, &claude_spends(BEFORE, "A", 60));
    let mut spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    assert!(eventually(PATIENCE, || item.tooltip().contains("$0.60")), "{}", item.tooltip());

    // $0.60 + $4.50 = $5.10 of $10.
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:59:30.000Z", "B", 450));
    let first = notifications.await_count(1).remove(0);
    check_alert(&first, "50 %", "$5.10", "$10");

    // $5.10 + $3.90 = $9.00 of $10.
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:59:31.000Z", "C", 390));
    let second = notifications.await_count(2).remove(1);
    check_alert(&second, "80 %", "$9 of $10", "$10");

    // The later one stands in the place of the earlier one, and not below it.
    assert_eq!((first.replaces, second.replaces > 0), (0, true));
    let shown = desk.shown_by_dunst();
    let titles: Vec<&str> = shown.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, [second.title.as_str()]);

    // Delivered is recorded, so that a restart says nothing again.
    let delivered = |world: &World| {
        world.alerts().iter().filter(|alert| !alert["delivered_at"].is_null()).count()
    };
    assert!(eventually(PATIENCE, || delivered(&world) == 2), "{:#?}", world.alerts());
    spendbar.signal("TERM");
    assert_eq!(spendbar.wait_up_to(PATIENCE).and_then(|status| status.code()), Some(0));
    let again = world.spawn([]);
    let item = desk.await_tray_item_of(again.id());
    assert!(eventually(PATIENCE, || item.tooltip().contains("$9.00")), "{}", item.tooltip());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(notifications.seen().len(), 2, "{:#?}", notifications.seen());
}

#[test]
fn the_buttons_of_an_alert_do_what_they_say() {
    let Some(desk) = Desk::start() else { return };
    let world = desk.seat(World::new().at(NOON).config(BUDGET).with_browser());
    let notifications = desk.record_notifications();
    world.append(CLAUDE_FILE, &claude_spends(BEFORE, "A", 60));
    let spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    assert!(eventually(PATIENCE, || item.tooltip().contains("$0.60")), "{}", item.tooltip());
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:59:30.000Z", "B", 450));
    let first = notifications.await_count(1).remove(0);
    let labels: Vec<&str> = first.actions.iter().skip(1).step_by(2).map(String::as_str).collect();
    let expected =
        ["Details", "Details", "Snooze 1 h", "Snooze until tomorrow", "Raise budget by 25 %"];
    assert_eq!(labels, expected);

    // $10 and a quarter of it; the menu follows the config.
    desk.press("Raise budget");
    let raised = || {
        std::fs::read_to_string(world.config_file()).is_ok_and(|it| it.contains("amount = 12.50"))
    };
    assert!(eventually(PATIENCE, raised), "{}", spendbar.all());
    let second = notifications.await_count(2).remove(1);
    assert_eq!(second.title, "Budget “daily” is $12.50 now");
    assert!(
        eventually(PATIENCE, || item.menu()[0].label.contains("of $12.50")),
        "{:#?}",
        item.menu()
    );

    // $5.10 + $1.50 = $6.60 of $12.50.
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:59:31.000Z", "C", 150));
    let third = notifications.await_count(3).remove(2);
    check_alert(&third, "50 %", "$6.60", "$12.50");
    desk.click_notification();
    // The page, at the day of the alert.
    let opened = |number: usize| {
        assert!(eventually(PATIENCE, || world.browsed().len() == number), "{:?}", world.browsed());
        world.browsed().remove(number - 1)
    };
    let details = opened(1);
    assert!(details.starts_with("http://127.0.0.1:"), "{details}");
    assert!(details.ends_with("&day=2026-03-02"), "{details}");
    // A click on the icon, the menu's first action and the command open it too.
    item.activate();
    item.click("Open details");
    let page = opened(3);
    assert!(details.starts_with(&page) && world.browsed()[1] == page, "{:?}", world.browsed());
    world.run(["page"]).success();
    assert_eq!(opened(4), page);
    desk.shown_by_dunst();

    // $6.60 + $4.20 = $10.80 of $12.50; then what is snoozed.
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:59:32.000Z", "D", 420));
    notifications.await_count(4);
    desk.press("Snooze 1 h");
    let snoozed =
        |world: &World| world.run(["alerts", "--json"]).success().json()["snoozes"].clone();
    assert!(eventually(PATIENCE, || snoozed(&world)[0]["budget"] == "daily"), "{}", spendbar.all());
    let row = "Alerts of “daily” are snoozed until 13:0";
    let stop = || item.menu().into_iter().find(|it| it.label.starts_with(row));
    assert!(eventually(PATIENCE, || stop().is_some()), "{:#?}", item.menu());
    item.click(&stop().expect("there").label);
    assert!(eventually(PATIENCE, || snoozed(&world)[0].is_null()), "{}", spendbar.all());
    item.click("Snooze alerts until tomorrow");
    let tomorrow = || snoozed(&world)[0]["until"] == "2026-03-03T00:00:00Z";
    assert!(eventually(PATIENCE, tomorrow), "{}", snoozed(&world));

    // One thread hears all buttons, and the daemon's end does not end it.
    desk.kill_owner_of("org.freedesktop.Notifications");
    let _dunst = desk.start_part("dunst", []);
    assert!(eventually(PATIENCE, || desk.process_of("org.freedesktop.Notifications").is_some()));
    item.click("Raise “daily” by 25 % to $15.63");
    let raised = || {
        std::fs::read_to_string(world.config_file()).is_ok_and(|it| it.contains("amount = 15.63"))
    };
    assert!(eventually(PATIENCE, raised), "{}", spendbar.all());
    notifications.await_count(5);
    let threads = format!("/proc/{}/task", spendbar.id());
    let names = std::fs::read_dir(threads)
        .expect("running")
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    assert_eq!(names.filter(|name| name.trim() == "notifications").count(), 1);
}

#[test]
fn a_test_alert_shows_up_on_the_desktop() {
    let Some(desk) = Desk::start_without("panel keyring") else { return };
    let world = desk.seat(World::new().at(NOON));
    let notifications = desk.record_notifications();
    assert_eq!(world.run(["alerts", "test"]).success().stdout, "desktop: told\n");
    let shown = notifications.await_count(1).remove(0);
    assert!(shown.title.starts_with("Test: ") && shown.actions.is_empty(), "{shown:?}");
    assert_eq!(world.alerts().len(), 0);
}

#[test]
fn a_webhooks_address_goes_through_the_secret_service() {
    let Some(desk) = Desk::start_without("panel dunst") else { return };
    let server = FakeProvider::answering(|_| crate::provider::Answer::ok("ok"));
    let config = "notifications = false\n[[webhook]]\nname = \"team\"\n";
    let world = desk.seat(World::new().at(NOON).config(config));
    let asked = world.run(["alerts", "test"]).exits_with(1).stdout;
    assert!(asked.contains("spendbar key set webhook-team"), "{asked}");
    let address = format!("{}/hunter2\n", server.base_url());
    let set = world.run_with_input(["key", "set", "webhook-team"], &address).success();
    assert!(!set.all().contains("hunter2"), "{}", set.all());
    assert_eq!(world.run(["alerts", "test"]).success().stdout, "webhook team: told\n");
    assert_eq!(server.requests()[0].path, "/hunter2");
    world.run(["key", "remove", "webhook-team"]).success();
    world.run(["alerts", "test"]).exits_with(1);
}

#[test]
fn an_alert_waits_for_a_notification_daemon() {
    let Some(desk) = Desk::start_without("dunst keyring") else { return };
    let world = desk.seat(World::new().at(NOON).config(BUDGET));
    world.append(CLAUDE_FILE, &claude_spends(BEFORE, "A", 60));
    let spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:59:30.000Z", "B", 480));
    assert!(eventually(PATIENCE, || item.tooltip().contains("$5.40")), "{}", item.tooltip());
    assert!(eventually(PATIENCE, || world.thresholds() == [50]), "{:#?}", world.alerts());
    assert!(world.alerts()[0]["delivered_at"].is_null(), "nobody took it yet");

    let dunst = desk.start_part("dunst", []);
    assert!(eventually(PATIENCE, || desk.process_of("org.freedesktop.Notifications").is_some()));
    let delivered = || !world.alerts()[0]["delivered_at"].is_null();
    assert!(eventually(2 * PATIENCE, delivered), "{}", spendbar.all());
    assert_eq!(desk.shown_by_dunst().len(), 1);

    // The daemon dies while the program runs, the next threshold is crossed, a new one comes.
    desk.kill_owner_of("org.freedesktop.Notifications");
    drop(dunst);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:59:31.000Z", "C", 300));
    assert!(eventually(PATIENCE, || world.thresholds() == [50, 80]), "{:#?}", world.alerts());
    let _dunst = desk.start_part("dunst", []);
    assert!(eventually(PATIENCE, || desk.process_of("org.freedesktop.Notifications").is_some()));
    let all_delivered = || world.alerts().iter().all(|alert| !alert["delivered_at"].is_null());
    assert!(eventually(2 * PATIENCE, all_delivered), "{}", spendbar.all());
    assert_eq!(desk.shown_by_dunst().len(), 1, "only what the first daemon had not shown");
}

#[test]
fn the_icon_comes_when_the_panel_does_and_returns_with_it() {
    let Some(desk) = Desk::start_without("panel dunst keyring") else { return };
    let world = desk.seat(World::new().at(NOON));
    world.append(CLAUDE_FILE, &claude_spends(BEFORE, "A", 60));
    let mut spendbar = world.spawn([]);
    std::thread::sleep(Duration::from_secs(1));
    assert!(spendbar.is_running(), "{}", spendbar.all());

    let panel = desk.start_part("xfce4-panel", ["--disable-wm-check"]);
    desk.await_tray_item_of(spendbar.id());

    // The process that holds the panel's tray goes with the panel.
    desk.kill_owner_of("org.xfce.Panel");
    drop(panel);
    let watcher = "org.kde.StatusNotifierWatcher";
    assert!(eventually(PATIENCE, || desk.process_of(watcher).is_none()));
    let _panel = desk.start_part("xfce4-panel", ["--disable-wm-check"]);
    let item = desk.await_tray_item_of(spendbar.id());
    assert!(eventually(PATIENCE, || item.tooltip().contains("$0.60")), "{}", item.tooltip());
    assert!(spendbar.is_running());
}

#[test]
fn a_key_goes_through_the_secret_service() {
    let Some(desk) = Desk::start_without("panel dunst") else { return };
    let world = desk.seat(World::new().at(NOON));
    let key = "sk-admin-synthetic-secretservice-7Q4x";
    let lookup = || {
        let asked = ["lookup", "service", "spendbar", "username", "openai-admin"];
        let output = desk.command("secret-tool", asked).output().expect("secret-tool runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(lookup(), "");
    let set = world.run_with_input(["key", "set", "openai-admin"], &format!("{key}\n")).success();
    assert!(!set.all().contains(key));
    assert_eq!(lookup(), key);

    let list = world.run(["key", "list"]).success();
    assert!(
        list.stdout.contains("openai-admin") && list.stdout.contains("7Q4x"),
        "{}",
        list.stdout
    );
    assert!(!list.all().contains("secretservice"), "only the last four: {}", list.stdout);

    world.run(["key", "remove", "openai-admin"]).success();
    assert_eq!(lookup(), "");
    for (path, bytes) in world.files() {
        let leaked = bytes.windows(key.len()).any(|window| window == key.as_bytes());
        assert!(!leaked, "the key is in {}", path.display());
    }
}

#[test]
fn a_running_program_follows_its_keyring() {
    let Some(desk) = Desk::start_without("dunst keyring") else { return };
    let provider = FakeProvider::of_fixture("openai-admin");
    let world = World::new().at("2026-11-03T12:00:00Z").provider("openai-admin", &provider);
    let world = desk.seat(world);
    let spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    let asks_anew = |what: &str| {
        let before = provider.requests().len();
        item.click("Refresh now");
        let asked = eventually(PATIENCE, || provider.requests().len() > before);
        assert!(asked, "{what}: {:#?}\n{}", item.menu(), spendbar.all());
    };
    let is_locked_out = || item.menu().iter().any(|row| row.label.contains("keyring gave no key"));

    // It came up, and looked for a key, before the keyring.
    std::thread::sleep(Duration::from_secs(1));
    assert!(provider.requests().is_empty());
    let keyring = desk.start_keyring();
    let key = "sk-admin-synthetic-0123456789\n";
    world.run_with_input(["key", "set", "openai-admin"], key).success();
    asks_anew("the keyring came late");
    assert!(eventually(PATIENCE, || item.tooltip().contains("$2.75")), "{}", item.tooltip());

    drop(keyring);
    let keyring = desk.start_keyring();
    asks_anew("the keyring was restarted");

    // Locked: no question to the user, and the figures stay.
    desk.lock_keyring();
    item.click("Refresh now");
    assert!(eventually(PATIENCE, is_locked_out), "{:#?}", item.menu());
    assert!(item.tooltip().contains("$2.75"), "{}", item.tooltip());

    drop(keyring);
    let _keyring = desk.start_keyring();
    asks_anew("the keyring is unlocked again");
    let why = || world.run(["sources"]).success().stdout;
    assert!(eventually(PATIENCE, || !is_locked_out()), "{:#?}\n{}", item.menu(), why());
}

#[test]
fn a_keyring_that_hangs_holds_nobody_up_for_long() {
    let Some(desk) = Desk::start_without("panel dunst keyring") else { return };
    let provider = FakeProvider::of_fixture("openai-admin");
    let world = World::new().at("2026-11-03T12:00:00Z").provider("openai-admin", &provider);
    let world = desk.seat(world.env("OPENAI_ADMIN_KEY", "sk-admin-synthetic-0123456789"));
    let keyring = desk.start_keyring();
    keyring.halt();
    let spendbar = world.spawn(["--headless"]);
    let doctor = world.run(["doctor"]);
    assert!(doctor.stdout.contains("the keyring does not answer"), "{}", doctor.all());
    // Where a variable has the key, the keyring is no matter.
    let asked = eventually(PATIENCE, || !provider.requests().is_empty());
    assert!(asked, "{}", spendbar.all());
}

/// gnome-keyring may abort, and be locked when it comes back, over a client whose first call is one
/// for which it has to know the client.
#[test]
fn the_keyring_knows_who_asks_before_it_is_asked_for_keys() {
    let Some(desk) = Desk::start_without("panel dunst") else { return };
    let world = desk.seat(World::new().at(NOON));
    let secrets = "org.freedesktop.secrets";
    let keyring = desk.process_of(secrets);
    assert!(keyring.is_some());
    let keeps = |id: &str| {
        world.run_with_input(["key", "set", id], "sk-synthetic-0123456789\n").success();
        let list = world.run(["key", "list"]).success().stdout;
        let row = list.lines().find(|line| line.contains(id)).expect("its row");
        assert!(row.contains("the keyring"), "{list}");
        world.run(["key", "remove", id]).success();
        world.run(["doctor"]);
    };
    let calls = desk.calls_to(secrets, || {
        std::thread::scope(|scope| {
            for id in ["openai-admin", "anthropic-admin", "openrouter", "litellm"] {
                let keeps = &keeps;
                scope.spawn(move || keeps(id));
            }
        });
    });
    let mut known = BTreeSet::new();
    for (sender, member) in &calls {
        assert!(member == "ReadAlias" || known.contains(sender), "{member} of {sender}: {calls:?}");
        known.insert(sender);
    }
    for member in ["OpenSession", "SearchItems"] {
        assert!(calls.iter().any(|(_, called)| called == member), "{calls:?}");
    }
    assert_eq!(desk.process_of(secrets), keyring);
}

/// Nobody typed a password since the login: the keyring knows its keys' names as hashes only.
#[test]
fn a_keyring_that_was_never_unlocked_is_said_to_be_locked() {
    let Some(desk) = Desk::start_without("panel dunst keyring") else { return };
    let provider = FakeProvider::of_fixture("openai-admin");
    let world =
        desk.seat(World::new().at("2026-11-03T12:00:00Z").provider("openai-admin", &provider));
    let keyring = desk.start_keyring();
    world.run_with_input(["key", "set", "openai-admin"], "sk-synthetic-0123456789\n").success();
    drop(keyring);
    let _locked = desk.start_part("gnome-keyring-daemon", ["--foreground", "--components=secrets"]);
    let is_there = || desk.process_of("org.freedesktop.secrets").is_some();
    assert!(eventually(PATIENCE, is_there));
    world.run(["poll"]);
    assert!(provider.requests().is_empty());
    let sources = world.run(["sources"]).success().stdout;
    let state = |id: &str| sources.lines().find(|line| line.contains(id)).expect(id);
    assert!(!state("openai-admin").contains("needs a key"), "{sources}");
    assert!(
        sources.contains("OpenAI: the keyring did not give the key: it is locked"),
        "{sources}"
    );
    assert!(state("openrouter").contains("needs a key"), "{sources}");
}

/// Nobody is here who could be asked for the password of a first collection.
#[test]
fn a_keyring_that_keeps_nothing_yet_asks_for_a_password() {
    let Some(desk) = Desk::start_without("panel dunst keyring") else { return };
    let world = desk.seat(World::new().at(NOON));
    let _empty = desk.start_part("gnome-keyring-daemon", ["--foreground", "--components=secrets"]);
    let is_there = || desk.process_of("org.freedesktop.secrets").is_some();
    assert!(eventually(PATIENCE, is_there));
    let set = world.run_with_input(["key", "set", "openai-admin"], "sk-synthetic-0123456789\n");
    let said = set.exits_with(1).stderr;
    assert!(said.contains("keeps nothing yet: give it a password when it asks"), "{said}");
    assert!(said.contains("set OPENAI_ADMIN_KEY instead"), "{said}");
}

/// Forty providers are due at once, and one of them has a key.
#[test]
fn the_keyring_is_opened_for_the_keys_it_has() {
    let Some(desk) = Desk::start_without("panel dunst") else { return };
    let provider = FakeProvider::of_fixture("openai-admin");
    let world =
        desk.seat(World::new().at("2026-11-03T12:00:00Z").provider("openai-admin", &provider));
    world.run_with_input(["key", "set", "openai-admin"], "sk-synthetic-0123456789\n").success();
    let calls = desk.calls_to("org.freedesktop.secrets", || {
        let spendbar = world.spawn(["--headless"]);
        let asked = eventually(PATIENCE, || !provider.requests().is_empty());
        assert!(asked, "{}", spendbar.all());
        // The others take no longer.
        std::thread::sleep(Duration::from_secs(2));
    });
    let count = |member: &str| calls.iter().filter(|(_, called)| called == member).count();
    assert_eq!(count("OpenSession"), 1, "{calls:?}");
    // Eight look at the same time, for most of which it is asked once.
    assert!(count("SearchItems") <= 20, "{calls:?}");
}

#[test]
fn without_a_secret_service_the_variable_is_named() {
    let Some(desk) = Desk::start_without("panel dunst keyring") else { return };
    let world = desk.seat(World::new().at(NOON));
    let set = world.run_with_input(["key", "set", "openai-admin"], "sk-admin-synthetic-0123\n");
    let set = set.exits_with(1);
    assert!(set.stderr.contains("OPENAI_ADMIN_KEY"), "{}", set.stderr);
}

#[track_caller]
fn check_alert(alert: &Notification, share: &str, spent: &str, limit: &str) {
    let text = format!("{}\n{}", alert.title, alert.body);
    assert!(alert.application.to_lowercase().contains("spendbar"), "{alert:?}");
    assert!(alert.title.contains(share), "{text}");
    assert!(text.contains(spent) && text.contains(limit), "{text}");
    assert!(!text.contains('!'), "{text}");
}

#[test]
fn a_broken_config_keeps_the_last_good_one_and_the_menu_says_so() {
    let Some(desk) = Desk::start() else { return };
    let world = desk.seat(World::new().at(NOON).config(BUDGET));
    world.append(CLAUDE_FILE, &claude_spends(BEFORE, "A", 60));
    let spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    let has = |text: &str| item.menu().iter().any(|row| row.label.contains(text));
    assert!(eventually(PATIENCE, || has("daily")), "{:#?}", item.menu());
    let good = std::fs::read_to_string(world.config_file()).expect("the config");
    std::fs::write(world.config_file(), format!("{good}\nper = \n")).expect("written");
    item.click("Refresh now");
    assert!(eventually(PATIENCE, || has("config.toml")), "{:#?}", item.menu());
    assert!(has("daily"), "the budget is still there");
    // It is judged by what was in force.
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:59:30.000Z", "B", 501));
    assert!(eventually(PATIENCE, || has("Last alert")), "{:#?}", item.menu());
    std::fs::write(world.config_file(), good.replace("= 10\n", "= 6\n")).expect("written");
    item.click("Refresh now");
    assert!(eventually(PATIENCE, || !has("config.toml")), "{:#?}", item.menu());
    assert!(eventually(PATIENCE, || has("of $6")), "{:#?}", item.menu());
}
