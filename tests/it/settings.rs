//! The settings on the page, over plain HTTP: what they write, how it is taken back, and who may
//! change anything.

use std::fs;

use crate::desk::Desk;
use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::page::{Site, text_of};
use crate::provider::{FakeProvider, Fault};
use crate::world::{PATIENCE, World, eventually};

const NOON: &str = "2026-03-02T12:00:00Z";
const AT: &str = "2026-03-02T11:00:00.000Z";
const KEY: &str = "sk-admin-synthetic-SETTINGS-0123456789abcdefWXYZ";

/// With comments, odd blanks and foreign line ends, as people leave them.
const CONFIG: &str = "# mine, and dear to me\r\nzone = 'UTC'   # here\r\n\r\n[[budget]]  # the day\r\n\
    amount = 20_0 # two hundred\r\nperiod = \"day\"\r\n\r\n# codex is at work only\r\n[agents.codex]\r\n\
    roots = [ '~/.codex' ]\r\n";

/// Every change there is, with fields that would do something.
const CHANGES: [(&str, &[(&str, &str)]); 11] = [
    ("budget", &[("amount", "5"), ("per", "week")]),
    ("budget/remove", &[("of", "day")]),
    ("plan", &[("offer", "claude-max-20x")]),
    ("plan/remove", &[("of", "mine")]),
    ("source", &[("id", "codex"), ("to", "off")]),
    ("icon", &[("figure", "list"), ("colours", "auto")]),
    ("autostart", &[("to", "on")]),
    ("undo", &[("number", "1")]),
    ("key", &[("id", "openai-admin"), ("key", KEY)]),
    ("key/test", &[("id", "openai-admin")]),
    ("key/remove", &[("id", "openai-admin")]),
];

fn site(config: &str) -> Site {
    let world = World::new().at(NOON).config(config);
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    Site::of(world, "$0.60")
}

fn config_of(site: &Site) -> String {
    fs::read_to_string(site.world.config_file()).expect("the config")
}

/// The number of the newest change, from its button.
#[track_caller]
fn newest(body: &str) -> String {
    let at = body.split("name=\"number\" value=\"").nth(1).expect("an Undo button");
    at.split('"').next().expect("a number").to_owned()
}

#[test]
fn changes_are_those_of_the_command_line_and_each_is_undone() {
    let site = site(CONFIG);
    let twin = World::new().at(NOON).config(CONFIG);
    let mut files = vec![CONFIG.to_owned()];

    // The budget that is there, one more, and none of the first.
    let fields = [("of", "day"), ("amount", "250.50"), ("per", "day"), ("thresholds", "90, 50")];
    let said = site.changed("budget", &fields);
    assert!(text_of(&said).contains("Budget \"day\" is $250.50 a day. Undo"), "{}", text_of(&said));
    twin.run(["budget", "set", "250.50", "--per", "day", "--threshold", "50,90"]).success();
    assert_eq!(config_of(&site), fs::read_to_string(twin.config_file()).expect("the twin's"));
    files.push(config_of(&site));
    let fields = [
        ("amount", "12"),
        ("per", "5 hours"),
        ("thresholds", "50, 80, 100"),
        ("source", "claude-code"),
        ("name", "short & sharp"),
    ];
    site.changed("budget", &fields);
    let set = ["budget", "set", "12", "--per", "5 hours", "--name", "short & sharp"];
    let [a, b, c, d, e, f, g] = set;
    twin.run([a, b, c, d, e, f, g, "--source", "claude-code"]).success();
    assert_eq!(config_of(&site), fs::read_to_string(twin.config_file()).expect("the twin's"));
    files.push(config_of(&site));
    site.changed("budget/remove", &[("of", "day")]);
    twin.run(["budget", "remove", "day"]).success();
    assert_eq!(config_of(&site), fs::read_to_string(twin.config_file()).expect("the twin's"));
    files.push(config_of(&site));

    // A source and the icon.
    let said = site.changed("source", &[("id", "codex"), ("to", "off")]);
    assert!(text_of(&said).contains("Codex is off: it is in no figure"), "{}", text_of(&said));
    assert!(config_of(&site).contains("[agents.codex]\r\nenabled = false\r\nroots"));
    assert_eq!(site.world.source("codex")["state"], "off");
    files.push(config_of(&site));
    site.changed("icon", &[("figure", "list"), ("colours", "auto")]);
    assert!(config_of(&site).contains("zone = 'UTC'   # here\r\nheadline = \"list\"\r\n"));
    site.world.run(["config", "check"]).success();
    // The running program takes it over by itself.
    let takes = || site.world.run(["status", "--json"]).success().json()["headline"] == "list";
    assert!(eventually(PATIENCE, takes));

    files.push(config_of(&site));
    site.changed("icon", &[("figure", "list"), ("colours", "dark")]);
    assert!(
        config_of(&site).ends_with("\r\n[icon]\r\ncolours = \"dark\"\r\n"),
        "{}",
        config_of(&site)
    );
    // What is said already changes nothing, and is no change to undo.
    let said = site.changed("icon", &[("figure", "list"), ("colours", "dark")]);
    assert!(text_of(&said).contains("That is how the file was already."), "{}", text_of(&said));

    let mut body = site.get("/settings").body;
    assert_eq!(text_of(&body).matches("Undo the newest change").count(), 1, "the newest alone");
    for before in files.iter().rev() {
        body = site.changed("undo", &[("number", &newest(&body))]);
        assert_eq!(&config_of(&site), before, "byte for byte");
        assert!(text_of(&body).contains("Undone, and the file is as it was"), "{}", text_of(&body));
    }
    assert!(text_of(&body).contains("None since Spendbar started."), "{}", text_of(&body));
    let again = site.change("undo", &[("number", "1")]);
    assert_eq!(again.status, 422);
    assert!(text_of(&again.body).contains("undone already"), "{}", text_of(&again.body));
    assert_eq!(config_of(&site), CONFIG);
}

/// Changes something on the page and on the command line: both files are the same then.
#[track_caller]
fn as_typed<const N: usize>(
    (site, twin): (&Site, &World),
    action: &str,
    fields: &[(&str, &str)],
    line: [&str; N],
) -> String {
    let said = text_of(&site.changed(action, fields));
    twin.run(line).success();
    let twins = fs::read_to_string(twin.config_file()).expect("the twin's");
    assert_eq!(config_of(site), twins, "{line:?}");
    said
}

#[test]
fn plans_are_those_of_the_command_line_and_each_change_is_undone() {
    let site = site(CONFIG);
    let twin = World::new().at(NOON).config(CONFIG);
    let mut files = vec![CONFIG.to_owned()];
    let said = as_typed(
        (&site, &twin),
        "plan",
        &[
            ("form", "add-offer"),
            ("offer", "claude-max-20x"),
            ("fee", ""),
            ("start", "2026-02-05"),
            ("name", ""),
        ],
        ["plan", "set", "--offer", "claude-max-20x", "--start", "2026-02-05"],
    );
    files.push(config_of(&site));
    assert!(
        said.contains("Plan \"Claude Max 20x\" is added: $200 a month, since 5 Feb 2026. Undo"),
        "{said}"
    );
    assert!(
        said.contains("Claude Max 20x $200 a month from 5, since 5 Feb 2026, covers claude-code"),
        "{said}"
    );
    as_typed(
        (&site, &twin),
        "plan",
        &[
            ("name", "R&D"),
            ("fee", "17.5"),
            ("per", "year from 03-15"),
            ("agent", "claude-code"),
            ("agent", "codex"),
        ],
        [
            "plan",
            "set",
            "R&D",
            "--fee",
            "17.50",
            "--per",
            "year from 03-15",
            "--agent",
            "claude-code,codex",
        ],
    );
    files.push(config_of(&site));
    let said = as_typed(
        (&site, &twin),
        "plan",
        &[("of", "Claude Max 20x"), ("fee", "180"), ("end", "2026-06-30")],
        ["plan", "set", "Claude Max 20x", "--fee", "180", "--end", "2026-06-30"],
    );
    files.push(config_of(&site));
    assert!(said.contains("Plan \"Claude Max 20x\" is $180 a month, until 30 Jun 2026."), "{said}");
    let said = as_typed((&site, &twin), "plan/remove", &[("of", "R&D")], ["plan", "remove", "R&D"]);
    files.push(config_of(&site));
    assert!(!said.contains("year from 03-15"), "{said}");
    // A plan that goes on after all.
    site.changed("plan", &[("of", "Claude Max 20x"), ("fee", "180"), ("end", "")]);
    assert_eq!(
        config_of(&site),
        fs::read_to_string(twin.config_file())
            .expect("the twin's")
            .replace("end = 2026-06-30\r\n", "")
    );
    // The running program takes it over by itself.
    let takes = || {
        let plans = &site.world.run(["status", "--json"]).success().json()["plans"];
        plans[0]["name"] == "Claude Max 20x"
    };
    assert!(eventually(PATIENCE, takes));

    // What can't be is refused, with what was typed.
    let now = config_of(&site);
    let fields = [
        ("form", "add-plan"),
        ("name", "<mine>"),
        ("fee", "lots"),
        ("per", "month from 15"),
        ("start", "2026-02-28"),
        ("agent", "claude-code"),
    ];
    let refused = site.change("plan", &fields);
    assert_eq!(refused.status, 422);
    assert!(text_of(&refused.body).contains("\"lots\" is no amount"), "{}", text_of(&refused.body));
    for value in ["&lt;mine&gt;", "lots", "month from 15", "2026-02-28", "claude-code\" checked"] {
        assert!(refused.body.contains(&format!("value=\"{value}")), "{value}: {}", refused.body);
    }
    let wrong = refused.body.split("<input").find(|it| it.contains("aria-invalid"));
    assert!(wrong.is_some_and(|it| it.contains("name=\"fee\"")), "{}", refused.body);
    let again = site.change("plan", &[("form", "add-offer"), ("offer", "claude-max-20x")]);
    assert_eq!(again.status, 422, "adding changes no other");
    assert!(again.body.contains("value=\"claude-max-20x\" selected"), "{}", again.body);
    assert_eq!(site.change("plan/remove", &[("of", "R&D")]).status, 422);
    assert_eq!(config_of(&site), now);

    let mut body = site.get("/settings").body;
    for before in files.iter().rev() {
        body = site.changed("undo", &[("number", &newest(&body))]);
        assert_eq!(&config_of(&site), before, "byte for byte");
    }
    assert_eq!(config_of(&site), CONFIG);
}

#[test]
fn the_icon_may_show_a_longer_time_than_today() {
    let world = World::new().at(NOON).config(CONFIG);
    // The day before is in this month and in the week before.
    world.append(CLAUDE_FILE, &claude_spends("2026-03-01T11:00:00.000Z", "B", 120));
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    let site = Site::of(world, "$0.60");
    let line = || site.world.run(["status", "--line"]).success().stdout;
    assert_eq!(line(), "≈$0.60 0%\n");
    let body =
        site.changed("icon", &[("figure", "list"), ("colours", "auto"), ("period", "month")]);
    let said = text_of(&body);
    assert!(said.contains("The icon shows the list price, summed over the month. Undo"), "{said}");
    assert!(body.contains("name=\"period\" value=\"month\" checked"), "{body}");
    assert!(config_of(&site).ends_with("\r\n[icon]\r\nperiod = \"month\"\r\n"));
    assert_eq!(line(), "month ≈$1.80 0%\n");
    let json = site.world.run(["status", "--json"]).success().json();
    let shown = serde_json::json!({
        "period": "month", "amount_usd": "1.8", "estimated": true, "unpriced_tokens": 0,
    });
    assert_eq!((&json["period"], &json["list_usd"]), (&shown, &"0.6".into()));
    site.changed("icon", &[("figure", "list"), ("colours", "auto"), ("period", "week")]);
    assert!(config_of(&site).ends_with("\r\n[icon]\r\nperiod = \"week\"\r\n"));
    assert_eq!(line(), "week ≈$0.60 0%\n", "from Monday, which is today");
    // A form without the choice leaves it.
    let said = site.changed("icon", &[("figure", "list"), ("colours", "auto")]);
    assert!(text_of(&said).contains("That is how the file was already."), "{}", text_of(&said));
    let wrong = config_of(&site).replace("\"week\"", "\"year\"");
    fs::write(site.world.config_file(), wrong).expect("written");
    let refused = site.world.run(["config", "check"]).exits_with(1);
    assert!(
        refused.stderr.contains("unknown value `year`, expected one of `day`, `week`, `month`"),
        "{}",
        refused.stderr
    );
}

#[test]
fn the_first_change_makes_the_file_and_undo_takes_it_away() {
    let site = Site::usual();
    assert!(!site.world.config_file().exists());
    let body = site.changed("source", &[("id", "openai-admin"), ("to", "off")]);
    let twin = config_of(&site);
    assert!(twin.starts_with(spendbar::config::DEFAULT_TEXT), "the commented default");
    assert!(twin.ends_with("\n[providers.openai-admin]\nenabled = false\n"), "{twin}");
    site.changed("undo", &[("number", &newest(&body))]);
    assert!(!site.world.config_file().exists());
}

#[test]
fn what_somebody_else_wrote_is_not_undone() {
    let site = site(CONFIG);
    let body = site.changed("icon", &[("figure", "billed"), ("colours", "auto")]);
    let number = newest(&body);
    site.world.run(["budget", "set", "7", "--per", "week"]).success();
    let theirs = config_of(&site);
    let refused = site.change("undo", &[("number", &number)]);
    assert_eq!(refused.status, 422);
    let said = text_of(&refused.body);
    assert!(said.contains("was changed elsewhere since, so nothing was undone"), "{said}");
    assert_eq!(config_of(&site), theirs);
    let body = site.get("/settings").body;
    assert!(!body.contains("/settings/undo"), "no button that would fail");
    assert!(text_of(&body).contains("The file was changed elsewhere since the newest"));
    // A further change stands on the other one, and is undone alone.
    let body = site.changed("icon", &[("figure", "list"), ("colours", "auto")]);
    site.changed("undo", &[("number", &newest(&body))]);
    assert_eq!(config_of(&site), theirs);
}

#[test]
fn a_broken_file_is_shown_with_its_line_and_never_written() {
    let site = site(CONFIG);
    let broken = "# mine\nzone = \"Atlantis\"\n[[budget]]\namount = 5\nper = \"day\"\n";
    fs::write(site.world.config_file(), broken).expect("written");
    let body = site.get("/settings").body;
    let said = text_of(&body);
    assert!(said.contains("config.toml:2: zone: \"Atlantis\" is no time zone"), "{said}");
    assert!(said.contains("hint: write a name such as"), "{said}");
    let forms: Vec<_> = body.match_indices("action=\"").collect();
    assert!(forms.iter().all(|(at, _)| body[*at..].starts_with("action=\"/settings/autostart\"")));
    for (action, fields) in CHANGES.iter().filter(|(action, _)| *action != "autostart") {
        let answer = site.change_with_csrf_of(&body, action, fields);
        assert_eq!(answer.status, 422, "{action}: {}", text_of(&answer.body));
        assert_eq!(config_of(&site), broken, "{action}");
        assert!(!answer.body.contains(KEY), "{action}");
    }
    // No TOML at all.
    fs::write(site.world.config_file(), "zone = \"UTC\"\n[[budget\n").expect("written");
    let said = text_of(&site.get("/settings").body);
    assert!(said.contains("config.toml:2: "), "{said}");
    assert_eq!(config_of(&site), "zone = \"UTC\"\n[[budget\n");
}

#[test]
fn what_was_typed_stays_and_what_is_wrong_is_named() {
    let site = site(CONFIG);
    let fields = [
        ("form", "add-budget"),
        ("amount", "<b>lots</b>"),
        ("per", "month from 15"),
        ("thresholds", "70"),
        ("source", "claude-code"),
        ("name", "night"),
    ];
    let refused = site.change("budget", &fields);
    assert_eq!(refused.status, 422);
    let said = text_of(&refused.body);
    assert!(said.contains("is no amount: write one above zero"), "{said}");
    for value in ["&lt;b&gt;lots&lt;/b&gt;", "month from 15", "70", "night"] {
        assert!(refused.body.contains(&format!("value=\"{value}\"")), "{value}: {}", refused.body);
    }
    assert!(refused.body.contains("value=\"claude-code\" selected"), "{}", refused.body);
    let wrong =
        refused.body.split("<input").find(|it| it.contains("aria-invalid")).expect("a field");
    assert!(
        wrong.contains("name=\"amount\"") && wrong.contains("aria-describedby=\"said\""),
        "{wrong}"
    );
    assert_eq!(config_of(&site), CONFIG);
    // What only the check of the whole file can know.
    let fields = [("form", "add-budget"), ("amount", "5"), ("per", "week"), ("source", "no-such")];
    let refused = site.change("budget", &fields);
    assert_eq!(refused.status, 422);
    assert!(text_of(&refused.body).contains("no-such"), "{}", text_of(&refused.body));
    assert_eq!(config_of(&site), CONFIG);
    for (action, fields) in [
        ("source", vec![("id", "notepad"), ("to", "off")]),
        ("source", vec![("id", "codex"), ("to", "maybe")]),
        ("icon", vec![("figure", "all"), ("colours", "auto")]),
        ("icon", vec![("figure", "list"), ("colours", "pink")]),
        ("icon", vec![("figure", "list"), ("colours", "auto"), ("period", "year")]),
        ("autostart", vec![("to", "")]),
        ("budget/remove", vec![("of", "month")]),
        ("key", vec![("id", "codex"), ("key", KEY)]),
        ("key/test", vec![("id", "openai-admin")]),
    ] {
        let answer = site.change(action, &fields);
        assert_eq!(answer.status, 422, "{action} {fields:?}");
        assert!(answer.body.contains("role=\"alert\""), "{action}");
    }
    assert_eq!(config_of(&site), CONFIG);
}

#[test]
fn nobody_but_the_page_s_own_forms_changes_anything() {
    let site = site(CONFIG);
    let own = format!("Origin: http://{}", site.host);
    let csrf = site.csrf();
    let files = || {
        let files = site.world.files().into_iter();
        let kept = |path: &std::path::Path| {
            path.ends_with("config.toml") || path.to_string_lossy().contains("autostart")
        };
        files.filter(|(path, _)| kept(path)).collect::<Vec<_>>()
    };
    let before = files();
    for (action, fields) in CHANGES {
        let path = format!("/settings/{action}");
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let bare = fields.join("&");
        let right = format!("csrf={csrf}&{bare}");
        for (headers, body) in [
            (vec![own.as_str()], bare.clone()),
            (vec![own.as_str()], format!("csrf=&{bare}")),
            (vec![own.as_str()], format!("csrf={}&{bare}", "0".repeat(64))),
            (vec![own.as_str()], format!("csrf={}&csrf={csrf}&{bare}", "0".repeat(64))),
            (vec![], right.clone()),
            (vec!["Origin: http://evil.example"], right.clone()),
            (vec!["Origin: null"], right.clone()),
            (vec![own.as_str(), "Sec-Fetch-Site: cross-site"], right.clone()),
        ] {
            let answer = site.post(&path, &headers, &body);
            assert_eq!(answer.status, 403, "{path} {headers:?} {body}");
            assert!(answer.header("access-control-allow-origin").is_none());
        }
        let uninvited = site.ask("POST", &path, &[&own]);
        assert_eq!(uninvited.status, 403, "{path} without the cookie");
        let rebound = site.ask("POST", &path, &["Host: evil.example", &own]);
        assert_eq!(rebound.status, 403, "{path} for another host");
        assert_eq!(
            site.get(&format!("{path}?{right}")).status,
            405,
            "{path}: a link changes nothing"
        );
        assert_eq!(
            site.post(&path, &[&own], &format!("{right}&x={}", "x".repeat(20_000))).status,
            413
        );
    }
    assert_eq!(site.ask("GET", "/settings", &[]).status, 403);
    assert!(files() == before, "nothing was written");
    assert_eq!(site.get("/settings").header("cache-control"), Some("no-store"));
    // What was said is for who was led to it.
    site.changed("icon", &[("figure", "list"), ("colours", "auto")]);
    assert!(!site.get("/settings").body.contains("id=\"said\""));
    assert!(!site.get("/settings?said=99").body.contains("id=\"said\""));
}

#[test]
fn it_starts_at_login_or_not() {
    let site = Site::usual();
    let entry = site.world.path("home/.config/autostart/spendbar.desktop");
    assert!(text_of(&site.get("/settings").body).contains("Spendbar does not start by itself."));
    let body = site.changed("autostart", &[("to", "on")]);
    assert!(text_of(&body).contains("Spendbar starts when you log in."), "{}", text_of(&body));
    let text = fs::read_to_string(&entry).expect("an entry");
    let program = fs::canonicalize(env!("CARGO_BIN_EXE_spendbar")).expect("the program");
    assert!(text.contains(&format!("\nExec=\"{}\"\n", program.display())), "{text}");
    let status = site.world.run(["autostart", "status"]).success().stdout;
    assert_eq!(status, format!("Spendbar starts at login ({}).\n", entry.display()));
    let off = site.world.run(["autostart", "off"]).success().stdout;
    assert!(off.starts_with("Spendbar does not start at login."), "{off}");
    assert!(!entry.exists());
    site.world.run(["autostart", "on"]).success();
    let json = site.world.run(["autostart", "status", "--json"]).success().json();
    assert_eq!((&json["schema"], &json["on"]), (&"spendbar.autostart.v1".into(), &true.into()));
    assert_eq!(fs::read_to_string(&entry).expect("an entry"), text);
    // A copy that stood elsewhere.
    fs::write(&entry, text.replace("spendbar\"", "old-spendbar\"")).expect("written");
    let said = text_of(&site.get("/settings").body);
    assert!(said.contains("Another program starts in Spendbar's name"), "{said}");
    site.changed("autostart", &[("to", "off")]);
    assert!(!entry.exists());
}

#[test]
fn without_a_keyring_no_key_is_asked_for() {
    let site = Site::usual();
    let body = site.get("/settings").body;
    assert!(text_of(&body).contains("No key can be stored here: SPENDBAR_KEYRING=off"), "{body}");
    assert!(!body.contains("type=\"password\""));
    let refused = site.change("key", &[("form", "set-key"), ("id", "openrouter"), ("key", KEY)]);
    assert_eq!(refused.status, 422);
    let said = text_of(&refused.body);
    assert!(
        said.contains("The key was not stored") && said.contains("OPENROUTER_API_KEY"),
        "{said}"
    );
    no_trace(&site, &[&refused.body]);
}

#[test]
fn a_key_goes_to_the_keyring_and_comes_back_to_nobody() {
    let Some(desk) = Desk::start_without("dunst panel") else { return };
    let provider = FakeProvider::of_fixture("openai-admin");
    let world =
        desk.seat(World::new().at("2026-11-03T12:00:00Z").provider("openai-admin", &provider));
    let site = Site::of(world, "");
    assert!(eventually(PATIENCE, || site.get("/settings").body.contains("type=\"password\"")));
    let body = site.get("/settings").body;
    let field = body.split("<input").find(|it| it.contains("type=\"password\"")).expect("a field");
    let field = field.split('>').next().expect("its end");
    assert!(field.contains("autocomplete=\"off\"") && !field.contains("value="), "{field}");
    assert!(text_of(&body).contains("What is done to a key can't be undone."));
    // Style and icon add 20 KB; 200 are the limit.
    assert!(body.len() < 100_000, "{} bytes", body.len());

    for (key, why) in [("", "no key was given"), ("sk admin", "no blanks")] {
        let fields = [("form", "set-key"), ("id", "openai-admin"), ("key", key)];
        let refused = site.change("key", &fields);
        assert_eq!(refused.status, 422);
        assert!(text_of(&refused.body).contains(why), "{}", text_of(&refused.body));
        assert!(!refused.body.contains("sk admin"), "not even a wrong one comes back");
    }
    let fields = [("form", "set-key"), ("id", "openai-admin"), ("key", KEY)];
    let set = site.changed("key", &fields);
    assert!(text_of(&set).contains("The key for OpenAI is in the keyring."), "{}", text_of(&set));
    assert!(!set.contains("/settings/undo"), "a key is no change that could be undone");
    let list = site.world.run(["key", "list"]).success().stdout;
    assert!(list.contains("the keyring"), "{list}");
    // The provider is asked at once, with the key.
    let asked = || provider.requests().iter().any(|request| request.head.contains(KEY));
    assert!(eventually(PATIENCE, asked));

    let tested = site.changed("key/test", &[("id", "openai-admin")]);
    assert!(text_of(&tested).contains("OpenAI takes the key from the keyring."));
    provider.set_fault(Fault::Status(401));
    let refused = site.change("key/test", &[("id", "openai-admin")]);
    assert_eq!(refused.status, 422);
    assert!(
        text_of(&refused.body).contains("OpenAI refused the key (401)"),
        "{}",
        text_of(&refused.body)
    );
    let page = site.get("/settings").body;
    assert!(
        text_of(&page).contains("from the keyring Test the key of OpenAI"),
        "{}",
        text_of(&page)
    );
    no_trace(&site, &[&body, &set, &tested, &refused.body, &page, &site.get("/").body]);

    let removed = site.changed("key/remove", &[("id", "openai-admin")]);
    assert!(text_of(&removed).contains("The key for OpenAI is removed from the keyring."));
    let list = site.world.run(["key", "list"]).success().stdout;
    assert!(!list.contains("the keyring"), "{list}");
}

/// No part of the key is in what was answered, written or logged.
fn no_trace(site: &Site, answers: &[&str]) {
    let pieces = [&KEY[..KEY.len() - 6], &KEY[KEY.len() - 4..]];
    for piece in pieces {
        assert!(answers.iter().all(|answer| !answer.contains(piece)), "answered: {piece}");
        assert!(!site.program.all().contains(piece), "logged: {}", site.program.all());
    }
    for (path, bytes) in site.world.files() {
        let leaked = bytes.windows(pieces[0].len()).any(|it| it == pieces[0].as_bytes());
        assert!(!leaked, "the key is in {}", path.display());
    }
}
