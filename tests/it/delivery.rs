//! Alerts reach hooks and webhooks, once each, whatever happens on the way; quiet hours and snoozes
//! hold them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::provider::{Answer, FakeProvider, Request};
use crate::world::{PATIENCE, World, eventually};

const DAILY: &str = "[[budget]]\nname = \"daily\"\namount = 100\nper = \"day\"\n";
const PATH: &str = "/services/T0/B0/hunter2hunter2";

/// A machine that has been looked at before, at noon: $0.30 this morning, budgets quiet.
fn known_machine(config: &str) -> World {
    let world = World::new().at("2026-03-02T12:00:00Z").config(&format!("{DAILY}{config}"));
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T08:00:00.000Z", "first", 30));
    world.poll_offline();
    assert_eq!(world.alerts(), [] as [Value; 0]);
    world
}

/// Spends, and looks: $51 crosses 50 %.
fn spend(world: &World, id: &str, dollars: u64) {
    write_spend(world, id, dollars);
    world.poll_offline();
}

fn write_spend(world: &World, id: &str, dollars: u64) {
    world
        .append(CLAUDE_FILE, &claude_spends("2026-03-02T11:00:00.000Z", id, dollars * 100 / 3 * 3));
}

/// A program that keeps what it is given, one line each time, in `got` in the home folder.
fn hook(world: &World, then: &str) -> String {
    let path = world.home().join("hook.sh");
    let script =
        format!("#!/bin/sh\n{{ cat; echo; }} >> \"$HOME/got\"\nenv >> \"$HOME/env\"\n{then}\n");
    fs::write(&path, script).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    format!("[[hook]]\nname = \"lamp\"\ncommand = [\"{}\"]\n", path.display())
}

fn got(world: &World) -> Vec<Value> {
    let text = fs::read_to_string(world.home().join("got")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn webhook(server: &FakeProvider, more: &str) -> String {
    format!("[[webhook]]\nname = \"team\"\nurl = \"{}{PATH}\"\n{more}\n", server.base_url())
}

/// What became of an alert over a channel.
fn delivery(world: &World, percent: u64, channel: &str) -> Value {
    let alerts = world.alerts();
    let alert = alerts.iter().find(|alert| alert["threshold_percent"] == percent);
    let deliveries =
        alert.unwrap_or_else(|| panic!("{percent} % of {alerts:#?}"))["deliveries"].clone();
    let found = deliveries.as_array().expect("a list").iter().find(|it| it["channel"] == channel);
    found.cloned().unwrap_or(Value::Null)
}

fn keys(requests: &[Request]) -> Vec<String> {
    let key = |request: &Request| {
        let found = request.headers.iter().find(|(name, _)| name == "idempotency-key");
        found.map(|(_, value)| value.clone()).expect("a key")
    };
    requests.iter().map(key).collect()
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

/// Answers with these statuses, and then with 200.
fn answering(statuses: &'static [u16]) -> FakeProvider {
    let asked = AtomicUsize::new(0);
    FakeProvider::answering(move |_| {
        let count = asked.fetch_add(1, Ordering::SeqCst);
        statuses.get(count).map_or(Answer::ok("ok"), |status| Answer::error(*status, "no"))
    })
}

#[test]
fn a_hook_gets_each_alert_once() {
    let key = "sk-admin-synthetic-0123456789";
    let mut world = known_machine("").env("OPENAI_ADMIN_KEY", key).env("MOOD", "calm");
    let hook = hook(&world, "echo said; exit 0");
    world = world.config(&hook);
    spend(&world, "A", 51);
    world.poll_offline();
    let got = got(&world);
    assert_eq!(got.len(), 1, "{got:#?}");
    assert_eq!(got[0]["schema"], "spendbar.alert.v1");
    assert_eq!(got[0]["severity"], "warning");
    let alert = &got[0]["alerts"][0];
    assert_eq!(alert["kind"], "threshold");
    assert_eq!(alert["budget"], "daily");
    assert_eq!(alert["spent"], "51.3");
    assert_eq!(alert["amount"], "100");
    assert_eq!(alert["title"], world.alerts()[0]["title"]);
    let env = fs::read_to_string(world.home().join("env")).expect("written");
    assert!(env.contains("MOOD=calm") && !env.contains(key), "{env}");
    let lamp = delivery(&world, 50, "hook:lamp");
    assert_eq!((&lamp["state"], &lamp["tries"]), (&json!("delivered"), &json!(1)));
    assert!(world.run(["alerts"]).success().stdout.contains("told by hook lamp"));
    let log = world.env("SPENDBAR_LOG", "info");
    spend(&log, "B", 30);
    assert_eq!(self::got(&log).len(), 2);
}

#[test]
fn what_a_hook_prints_goes_to_the_log_and_a_failure_is_tried_three_times() {
    let mut world = known_machine("").env("SPENDBAR_LOG", "info");
    let hook = hook(&world, "echo loud; echo wrong >&2; exit 3");
    world = world.config(&hook);
    write_spend(&world, "A", 51);
    let log = world.run(["poll", "--offline"]).success().stderr;
    assert!(log.contains("hook lamp: loud") && log.contains("hook lamp: wrong"), "{log}");
    let lamp = delivery(&world, 50, "hook:lamp");
    assert_eq!((&lamp["state"], &lamp["error"]), (&json!("waiting"), &json!("it ended with 3")));
    world.poll_offline();
    assert_eq!(got(&world).len(), 1, "not before a minute is over");
    for now in ["2026-03-02T12:02:00Z", "2026-03-02T12:10:00Z", "2026-03-02T13:00:00Z"] {
        world.set_clock(now);
        world.poll_offline();
    }
    let all = got(&world);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|one| one["key"] == all[0]["key"]), "a repeat can be told");
    let lamp = delivery(&world, 50, "hook:lamp");
    assert_eq!((&lamp["state"], &lamp["tries"]), (&json!("failed"), &json!(3)));
    assert_eq!(lamp["error"], "it ended with 3, 3 times");
}

#[test]
fn a_channel_gets_no_alert_that_is_older_or_less_pressing() {
    let mut world = known_machine("");
    spend(&world, "A", 51);
    let hook = hook(&world, "");
    world = world.config(&format!("{hook}from = \"critical\"\n"));
    world.poll_offline();
    spend(&world, "B", 30);
    assert_eq!(got(&world), [] as [Value; 0]);
    assert_eq!(delivery(&world, 80, "hook:lamp"), Value::Null);
    spend(&world, "C", 30);
    assert_eq!(got(&world).len(), 1);
    assert_eq!(got(&world)[0]["alerts"][0]["threshold_percent"], 100);
}

#[test]
fn what_waits_for_a_channel_that_is_taken_away_is_off() {
    let mut world = known_machine("");
    let hook = hook(&world, "exit 1");
    world = world.config(&hook);
    spend(&world, "A", 51);
    assert_eq!(delivery(&world, 50, "hook:lamp")["state"], "waiting");
    fs::write(world.config_file(), DAILY).expect("written");
    world.poll_offline();
    assert_eq!(delivery(&world, 50, "hook:lamp")["state"], "off");
    world.set_clock("2026-03-02T13:00:00Z");
    let world = world.config(&hook);
    world.poll_offline();
    assert_eq!(got(&world).len(), 1);
}

#[test]
fn a_webhook_is_tried_again_with_the_same_key() {
    let server = answering(&[500, 503]);
    let mut world = known_machine(&webhook(&server, ""));
    spend(&world, "A", 51);
    let team = delivery(&world, 50, "webhook:team");
    assert_eq!((&team["state"], &team["tries"]), (&json!("waiting"), &json!(1)));
    let error = team["error"].as_str().expect("an error").to_owned();
    assert!(error.contains("answered 500") && error.starts_with("127.0.0.1:"), "{error}");
    world.poll_offline();
    assert_eq!(server.requests().len(), 1, "not at once");
    for now in ["2026-03-02T12:01:00Z", "2026-03-02T12:05:00Z", "2026-03-02T12:30:00Z"] {
        world.set_clock(now);
        world.poll_offline();
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    let keys = keys(&requests);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    let told = body(&requests[2]);
    assert_eq!(told["key"], keys[0].as_str());
    assert_eq!(requests[2].method, "POST");
    assert_eq!(requests[2].path, PATH);
    let team = delivery(&world, 50, "webhook:team");
    assert_eq!((&team["state"], &team["tries"]), (&json!("delivered"), &json!(3)));
    // The next alert has another key.
    spend(&world, "B", 30);
    assert_ne!(self::keys(&server.requests())[3], keys[0]);
}

#[test]
fn a_running_program_tries_again_by_itself() {
    let server = answering(&[500]);
    let world = known_machine(&webhook(&server, "body = \"slack\""));
    let spendbar = world.spawn(["--headless"]);
    write_spend(&world, "A", 51);
    assert!(eventually(PATIENCE, || server.requests().len() == 2), "{}", spendbar.all());
    let delivered = || delivery(&world, 50, "webhook:team")["state"] == "delivered";
    assert!(eventually(PATIENCE, delivered), "{:#?}", world.alerts());
    let text = body(&server.requests()[1])["text"].as_str().expect("a text").to_owned();
    assert!(text.starts_with("50 % of today's budget"), "{text}");
}

#[test]
fn a_refusal_for_good_is_final_and_an_asked_wait_is_kept() {
    let gone = answering(&[404]);
    let mut world = known_machine(&webhook(&gone, ""));
    spend(&world, "A", 51);
    let team = delivery(&world, 50, "webhook:team");
    assert_eq!((&team["state"], &team["tries"]), (&json!("failed"), &json!(1)));
    assert!(team["error"].as_str().is_some_and(|error| error.ends_with("answered 404")), "{team}");
    world.set_clock("2026-03-02T12:30:00Z");
    world.poll_offline();
    assert_eq!(gone.requests().len(), 1);

    let asked = AtomicUsize::new(0);
    let busy = FakeProvider::answering(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::error(429, "later").header("retry-after", "3600"),
        _ => Answer::ok("ok"),
    });
    let mut world = known_machine(&webhook(&busy, ""));
    spend(&world, "A", 51);
    for (now, count) in [("2026-03-02T12:59:00Z", 1), ("2026-03-02T13:01:00Z", 2)] {
        world.set_clock(now);
        world.poll_offline();
        assert_eq!(busy.requests().len(), count, "{now}");
    }
}

#[test]
fn a_webhook_follows_nobody_to_another_host() {
    let thief = FakeProvider::on_another_host(|_| Answer::ok("ok"));
    let to = format!("{}{PATH}", thief.base_url());
    let server = FakeProvider::answering(move |_| Answer::error(307, "").header("location", &to));
    let world = known_machine(&webhook(&server, ""));
    spend(&world, "A", 51);
    assert_eq!((server.requests().len(), thief.requests().len()), (1, 0));
    let team = delivery(&world, 50, "webhook:team");
    assert_eq!(team["state"], "failed");
    assert!(team["error"].as_str().is_some_and(|it| it.contains("redirects")), "{team}");
}

#[test]
fn the_address_of_a_webhook_shows_up_nowhere() {
    let server = answering(&[500, 404]);
    let mut world = known_machine("[[webhook]]\nname = \"team\"\nurl_env = \"TEAM_HOOK\"\n")
        .env("TEAM_HOOK", format!("{}{PATH}", server.base_url()))
        .env("SPENDBAR_LOG", "debug");
    let mut outputs = Vec::new();
    write_spend(&world, "A", 51);
    outputs.push(world.run(["poll", "--offline"]));
    outputs.push(world.run(["alerts"]));
    outputs.push(world.run(["alerts", "--json"]));
    world.set_clock("2026-03-02T12:10:00Z");
    outputs.push(world.run(["poll", "--offline"]));
    outputs.push(world.run(["alerts", "test"]));
    outputs.push(world.run(["config", "check"]));
    outputs.push(world.run(["doctor"]));
    outputs.push(world.run(["status", "--json"]));
    assert_eq!(server.requests().len(), 3);
    for output in &outputs {
        assert!(!output.all().contains("hunter2"), "{}", output.all());
    }
    for (path, bytes) in world.files() {
        assert!(!bytes.windows(7).any(|it| it == b"hunter2"), "{}", path.display());
    }
    // A hook must not learn it either.
    let hook = hook(&world, "");
    let world = world.config(&hook);
    spend(&world, "B", 30);
    let env = fs::read_to_string(world.home().join("env")).expect("written");
    assert!(!env.contains("hunter2"), "{env}");
}

#[test]
fn a_missing_address_is_asked_for() {
    let world = known_machine("[[webhook]]\nname = \"team\"\n[[webhook]]\nurl_env = \"NOT_SET\"\n");
    spend(&world, "A", 51);
    let error = |channel: &str| delivery(&world, 50, channel)["error"].to_string();
    assert!(error("webhook:team").contains("SPENDBAR_KEYRING=off"), "{}", error("webhook:team"));
    assert!(error("webhook:webhook").contains("NOT_SET"), "{}", error("webhook:webhook"));
    let unknown = world.run_with_input(["key", "set", "webhook-other"], "https://a.example/x\n");
    assert!(unknown.exits_with(1).stderr.contains("webhook-team"));
    let open = world.run_with_input(["key", "set", "webhook-team"], "http://a.example/hunter2\n");
    let open = open.exits_with(1).stderr;
    assert!(open.contains("plain http") && !open.contains("hunter2"), "{open}");
}

#[test]
fn what_was_being_sent_when_the_program_died_is_sent_again() {
    let (entered, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(())));
    let (entering, releasing) = (entered.clone(), release.clone());
    let server = FakeProvider::answering(move |_| {
        entering.fetch_add(1, Ordering::SeqCst);
        drop(releasing.lock());
        Answer::ok("ok")
    });
    let mut world = known_machine(&webhook(&server, ""));
    let held = release.lock().expect("free");
    let mut spendbar = world.spawn(["--headless"]);
    write_spend(&world, "A", 51);
    assert!(eventually(PATIENCE, || entered.load(Ordering::SeqCst) == 1), "{}", spendbar.all());
    spendbar.kill();
    drop(held);
    // The claim of the dead process stands for a while: it may be a live one.
    world.poll_offline();
    assert_eq!(server.requests().len(), 1);
    world.set_clock("2026-03-02T12:05:00Z");
    world.poll_offline();
    let keys = keys(&server.requests());
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1], "the receiver can tell");
    assert_eq!(delivery(&world, 50, "webhook:team")["state"], "delivered");
}

#[test]
fn of_several_copies_one_sends() {
    let server = FakeProvider::answering(|_| {
        std::thread::sleep(Duration::from_millis(300));
        Answer::ok("ok")
    });
    let mut world = known_machine("");
    let hook = hook(&world, "sleep 0.3");
    world = world.config(&format!("{hook}{}", webhook(&server, "")));
    write_spend(&world, "A", 51);
    let mut copies: Vec<_> = (0..4).map(|_| world.spawn(["poll", "--offline"])).collect();
    let running = world.spawn(["--headless"]);
    for copy in &mut copies {
        assert!(copy.wait_up_to(PATIENCE).is_some_and(|status| status.success()), "{}", copy.all());
    }
    let delivered = || {
        ["webhook:team", "hook:lamp"]
            .iter()
            .all(|channel| delivery(&world, 50, channel)["state"] == "delivered")
    };
    assert!(eventually(PATIENCE, delivered), "{:#?}\n{}", world.alerts(), running.all());
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!((server.requests().len(), got(&world).len()), (1, 1));
}

#[test]
fn quiet_hours_hold_what_is_not_critical_and_tell_it_as_one() {
    let server = answering(&[]);
    let mut world = known_machine("");
    let hook = hook(&world, "");
    let quiet = "[alerts]\nquiet = \"11:30-13:00\"\n";
    world = world.config(&format!("{quiet}{hook}{}", webhook(&server, "")));
    spend(&world, "A", 51);
    spend(&world, "B", 30);
    assert_eq!((server.requests().len(), got(&world).len()), (0, 0));
    for percent in [50, 80] {
        for channel in ["desktop", "hook:lamp", "webhook:team"] {
            assert_eq!(delivery(&world, percent, channel)["state"], "held", "{percent} {channel}");
        }
    }
    assert!(world.run(["alerts"]).success().stdout.contains("hook lamp: held while it is quiet"));
    // All of the budget is used: that is critical.
    spend(&world, "C", 30);
    assert_eq!(body(&server.requests()[0])["alerts"][0]["threshold_percent"], 100);
    assert_eq!(server.requests().len(), 1);

    world.set_clock("2026-03-02T13:00:01Z");
    let polled = world.poll_offline().stdout;
    assert!(polled.contains("2 alerts while it was quiet"), "{polled}");
    world.poll_offline();
    assert_eq!((server.requests().len(), got(&world).len()), (2, 2));
    for told in [body(&server.requests()[1]), got(&world).remove(1)] {
        let percents: Vec<_> = told["alerts"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|alert| alert["threshold_percent"].clone())
            .collect();
        assert_eq!(percents, [50, 80]);
        assert_eq!(told["title"], "2 alerts while it was quiet");
    }
    assert_eq!(delivery(&world, 80, "webhook:team")["state"], "delivered");
}

#[test]
fn a_snooze_outlives_a_restart_and_ends() {
    let mut world = known_machine("");
    let hook = hook(&world, "");
    world = world.config(&hook);
    let said = world.run(["alerts", "snooze", "1h"]).success().stdout;
    assert_eq!(said, "Alerts are snoozed until 13:00.\n");
    spend(&world, "A", 51);
    assert_eq!(got(&world).len(), 0);
    let listed = world.run(["alerts", "--json"]).success().json();
    assert_eq!(listed["snoozes"][0]["budget"], Value::Null);
    assert!(
        listed["snoozes"][0]["until"].as_str().is_some_and(|it| it.starts_with("2026-03-02T13"))
    );
    let mut spendbar = world.spawn(["--headless"]);
    write_spend(&world, "B", 30);
    assert!(eventually(PATIENCE, || world.thresholds() == [50, 80]), "{}", spendbar.all());
    spendbar.kill();
    assert_eq!(got(&world).len(), 0);
    world.set_clock("2026-03-02T13:00:01Z");
    world.poll_offline();
    assert_eq!(got(&world).len(), 1);
    assert_eq!(got(&world)[0]["alerts"].as_array().map(Vec::len), Some(2));

    // Of another budget alone, until midnight; and no longer.
    let unknown = world.run(["alerts", "snooze", "tomorrow", "--budget", "weekly"]);
    assert!(unknown.exits_with(1).stderr.contains("there is daily"));
    let said = world.run(["alerts", "snooze", "tomorrow", "--budget", "daily"]).success().stdout;
    assert_eq!(said, "Alerts of “daily” are snoozed until tomorrow 00:00.\n");
    assert_eq!(
        world.run(["alerts", "snooze", "off"]).success().stdout,
        "Alerts are not snoozed.\n"
    );
    assert_eq!(world.run(["alerts", "--json"]).success().json()["snoozes"], json!([]));
}

#[test]
fn a_running_program_tells_what_was_held_when_it_is_over() {
    let mut world = known_machine("");
    let hook = hook(&world, "");
    world = world.config(&format!("[alerts]\nquiet = \"11:00-12:00\"\n{hook}"));
    world.set_clock("2026-03-02T11:59:50Z");
    let spendbar = world.spawn(["--headless"]);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:00:00.000Z", "A", 5_100));
    assert!(eventually(PATIENCE, || world.thresholds() == [50]), "{}", spendbar.all());
    assert_eq!(got(&world).len(), 0);
    let began = std::time::Instant::now();
    assert!(eventually(PATIENCE, || got(&world).len() == 1), "{}", spendbar.all());
    // The time itself wakes it, and not the half-minute in which it looks around.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn a_test_goes_everywhere_and_is_no_alert() {
    let server = answering(&[]);
    let mut world = World::new().at("2026-03-02T12:00:00Z").config("notifications = false\n");
    let hook = hook(&world, "");
    world = world.config(&format!("{hook}{}", webhook(&server, "body = \"discord\"")));
    let said = world.run(["alerts", "test"]).success().stdout;
    assert_eq!(said, "hook lamp: told\nwebhook team: told\n");
    assert_eq!(got(&world)[0]["test"], true);
    let content = body(&server.requests()[0])["content"].clone();
    assert!(content.as_str().is_some_and(|it| it.starts_with("Test: ")), "{content}");
    assert_eq!(world.alerts(), [] as [Value; 0]);

    let world = world.config("[[hook]]\ncommand = [\"/no/such/program\"]\n");
    let failed = world.run(["alerts", "test"]).exits_with(1);
    assert!(failed.stdout.contains("hook hook: failed, /no/such/program could not be started"));
    assert!(failed.stdout.contains("webhook team: told"), "{}", failed.stdout);
    assert!(failed.stderr.contains("1 of 3 tests did not arrive"), "{}", failed.stderr);
}

#[test]
fn a_budget_is_raised_where_it_stands() {
    let world =
        World::new().config("[[budget]]\nname = \"daily\"\namount = 33.33 # why\nper = \"day\"\n");
    let said = world.run(["budget", "raise", "daily"]).success().stdout;
    assert_eq!(said, "Budget \"daily\": $41.67 instead of $33.33.\n");
    let text = fs::read_to_string(world.config_file()).expect("there");
    assert!(text.contains("amount = 41.67 # why\n"), "{text}");
    world.run(["budget", "raise", "daily", "--by", "100%"]).success();
    assert!(
        fs::read_to_string(world.config_file()).expect("there").contains("amount = 83.34 # why")
    );
    let unknown = world.run(["budget", "raise", "weekly"]).exits_with(1);
    assert!(unknown.stderr.contains("there is daily"), "{}", unknown.stderr);
}
