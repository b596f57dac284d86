//! The guard: what agents get for an answer when they run their hook, and what `install` does to
//! their settings. The hooks' JSON is replayed from `tests/fixtures/guard`.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::world::{Output, World, fixtures};

const AGENTS: [(&str, &str); 5] = [
    ("claude-code", ".claude/settings.json"),
    ("codex", ".codex/hooks.json"),
    ("gemini-cli", ".gemini/settings.json"),
    ("qwen-code", ".qwen/settings.json"),
    ("cursor", ".cursor/hooks.json"),
];
const BUDGET: &str = "[[budget]]\namount = 50\nper = \"day\"\n";

/// A machine whose logs say that so many cents were spent today, and that was polled.
fn spent(cents: u64) -> World {
    spent_with(cents, BUDGET)
}

fn spent_with(cents: u64, config: &str) -> World {
    let world = World::new().at("2026-03-02T12:00:00Z").config(config);
    spend(&world, "first", cents);
    world
}

fn spend(world: &World, id: &str, cents: u64) {
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:00:00.000Z", id, cents));
    world.poll_offline();
}

fn hook(world: &World, agent: &str, moment: &str) -> Output {
    let file = fixtures().join("guard").join(agent).join(format!("{moment}.json"));
    let json = fs::read_to_string(file).expect("a fixture");
    world.run_with_input(["guard", "hook", agent], &json)
}

/// The text that an agent shows for an answer which lets it go on; empty for silence.
fn shown(output: Output) -> String {
    let output = output.success();
    if output.stdout.trim().is_empty() {
        return String::new();
    }
    output.json()["systemMessage"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn below_the_limits_every_agent_goes_on_in_silence() {
    let world = spent(30);
    // The first word of a session is that nothing keeps the figures up to date.
    for (agent, _) in AGENTS {
        hook(&world, agent, "prompt").success();
    }
    for (agent, _) in AGENTS {
        for moment in ["prompt", "tool"] {
            let output = hook(&world, agent, moment).success();
            assert_eq!(output.stderr, "", "{agent} {moment}");
            let silence = match (agent, moment) {
                ("cursor", "prompt") => "{\"continue\":true}\n",
                ("cursor", _) => "{}\n",
                _ => "",
            };
            assert_eq!(output.stdout, silence, "{agent} {moment}");
        }
    }
}

#[test]
fn at_the_limit_every_agent_is_stopped_and_told_why() {
    let world = spent(5_319);
    let why = "Spendbar: today's budget of $50 is used up: ≈ $53.19. `spendbar guard allow --for 1h` \
               lets agents go on.";
    for (agent, _) in AGENTS {
        let prompt = hook(&world, agent, "prompt");
        let tool = hook(&world, agent, "tool");
        if agent == "cursor" {
            let (prompt, tool) = (prompt.success().json(), tool.success().json());
            assert_eq!(prompt["continue"], false);
            assert!(prompt["user_message"].as_str().expect("a text").starts_with(why));
            assert_eq!(tool["permission"], "deny");
            assert!(tool["agent_message"].as_str().expect("a text").starts_with(why));
            continue;
        }
        for output in [prompt, tool] {
            let output = output.exits_with(2);
            assert_eq!(output.stdout, "", "{agent}: it would be ignored");
            assert!(output.stderr.starts_with(why), "{agent}: {}", output.stderr);
        }
    }
    let tool = hook(&world, "codex", "tool").exits_with(2).stderr;
    assert!(tool.contains("Stop working now, and tell the user this."), "{tool}");
}

#[test]
fn between_the_limits_a_session_is_warned_once() {
    let world = spent(4_149);
    let tool = shown(hook(&world, "claude-code", "tool"));
    assert!(
        tool.starts_with(
            "Spendbar: ≈ $41.49 of today's budget of $50 is spent, 82 %. Agents are stopped at 100 %."
        ),
        "{tool}"
    );
    assert_eq!(shown(hook(&world, "claude-code", "tool")), "");
    let prompt = hook(&world, "codex", "prompt").success().json();
    assert_eq!(prompt["hookSpecificOutput"]["hookEventName"], "UserPromptSubmit");
    assert_eq!(prompt["hookSpecificOutput"]["additionalContext"], prompt["systemMessage"]);
    assert!(prompt["systemMessage"].as_str().expect("a text").contains("82 %"), "another session");
    let gemini = hook(&world, "gemini-cli", "prompt").success().json();
    assert_eq!(gemini["hookSpecificOutput"]["hookEventName"], "BeforeAgent");
}

#[test]
fn a_running_program_keeps_the_figures_and_the_hook_only_reads_them() {
    let world = spent(30);
    let mut running = world.spawn(["--headless"]);
    let until = Instant::now() + Duration::from_secs(60);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:30:00.000Z", "more", 6_000));
    loop {
        let output = hook(&world, "claude-code", "tool");
        if output.code == Some(2) {
            assert!(output.stderr.contains("$60.30. "), "{}", output.stderr);
            assert!(!output.stderr.contains("not running"), "{}", output.stderr);
            break;
        }
        assert!(Instant::now() < until, "{}", output.all());
        std::thread::sleep(Duration::from_millis(50));
    }
    running.kill();
}

#[test]
fn without_the_program_running_the_guard_says_how_old_its_figures_are() {
    let world = spent(30);
    let said = shown(hook(&world, "claude-code", "prompt"));
    assert!(said.contains("Spendbar is not running") && said.contains("after 12:00"), "{said}");
    assert_eq!(shown(hook(&world, "claude-code", "prompt")), "", "once");
    let stopped = spent(6_000);
    let why = hook(&stopped, "claude-code", "prompt").exits_with(2).stderr;
    assert!(why.contains("Spendbar is not running: these are the figures of 12:00."), "{why}");
}

#[test]
fn agents_may_go_on_for_as_long_as_the_user_says() {
    let mut world = spent(6_000);
    let said = world.run(["guard", "allow", "--for", "1h"]).success().stdout;
    assert_eq!(said, "Agents may go on until 13:00, whatever they have spent.\n");
    let told = shown(hook(&world, "claude-code", "tool"));
    assert!(told.contains("is used up") && told.contains("go on until 13:00"), "{told}");
    assert_eq!(shown(hook(&world, "claude-code", "tool")), "");
    let status = world.run(["guard", "status", "--json"]).success().json();
    assert_eq!(status["schema"], "spendbar.guard.v1");
    assert!(status["allowed_until"].as_str().expect("set").starts_with("2026-03-02T13:00"));
    assert_eq!(status["limits"][0]["reach"], "hard");
    world.set_clock("2026-03-02T13:00:01Z");
    hook(&world, "claude-code", "tool").exits_with(2);
    let said = world.run(["guard", "allow", "--until", "tomorrow"]).success().stdout;
    assert!(said.contains("until 00:00 on 3 March"), "{said}");
    hook(&world, "claude-code", "tool").success();
    world.run(["guard", "allow", "--off"]).success();
    hook(&world, "claude-code", "tool").exits_with(2);
}

#[test]
fn a_new_day_starts_anew() {
    let mut world = spent(6_000);
    hook(&world, "codex", "prompt").exits_with(2);
    world.set_clock("2026-03-03T00:00:01Z");
    hook(&world, "codex", "prompt").success();
    hook(&world, "codex", "tool").success();
}

#[test]
fn the_config_counts_at_once() {
    let world = spent(4_500);
    let config = |text: &str| fs::write(world.config_file(), text).expect("written");
    hook(&world, "codex", "tool").success();
    config(&format!("[guard]\nhard = 90\n{BUDGET}"));
    let why = hook(&world, "codex", "tool").exits_with(2).stderr;
    assert!(
        why.contains("≈ $45 of today's budget of $50 is spent, and agents are stopped at 90 %")
    );
    config(&format!(
        "[guard]\nbudgets = [\"month\"]\nhard = 90\n{BUDGET}[[budget]]\namount = 900\nper = \"month\"\n"
    ));
    hook(&world, "codex", "tool").success();
    config("");
    hook(&world, "codex", "tool").success();
    let status = world.run(["guard"]).success().stdout;
    assert!(status.contains("No budget is set"), "{status}");
}

#[test]
fn a_session_has_a_limit_of_its_own() {
    let world = spent_with(2_130, "[guard]\nsession = 20\n");
    let why = hook(&world, "claude-code", "tool").exits_with(2).stderr;
    assert!(why.contains("this session has cost ≈ $21.30 in 24 hours; its limit is $20."), "{why}");
    hook(&world, "codex", "tool").success();
    let status = world.run(["guard"]).success().stdout;
    assert!(status.contains("A session may cost $20 at list price in 24 hours"), "{status}");
}

/// The word for an answer that lets agents go on because nothing could be checked.
fn unchecked(world: &World, what: &str) {
    for agent in ["claude-code", "cursor"] {
        for moment in ["prompt", "tool"] {
            let started = Instant::now();
            let output = hook(world, agent, moment).success();
            assert!(started.elapsed() < Duration::from_secs(10), "{agent} {moment} hangs");
            let said = &output.stderr;
            assert!(said.contains("so agents go on") && said.contains(what), "{moment}: {said}");
            if agent == "claude-code" {
                let told = moment == "prompt";
                assert_eq!(output.stdout.contains("so agents go on"), told, "{}", output.stdout);
            }
        }
    }
}

#[test]
fn without_a_ledger_agents_go_on() {
    let world = World::new().at("2026-03-02T12:00:00Z").config(BUDGET);
    unchecked(&world, "there is no ledger yet");
    assert_eq!(world.files().len(), 1, "and none is made");
}

#[test]
fn with_a_damaged_ledger_agents_go_on_and_it_is_left_alone() {
    let world = spent(6_000);
    let ledger = world.ledger_file();
    for garbage in [&b"no database at all, but long enough to be read as one"[..], &[0xff; 8192]] {
        fs::write(&ledger, garbage).expect("written");
        unchecked(&world, "damaged");
        assert_eq!(fs::read(&ledger).expect("there"), garbage);
    }
}

#[test]
fn with_a_ledger_of_another_version_agents_go_on() {
    let world = spent(6_000);
    let ledger = rusqlite::Connection::open(world.ledger_file()).expect("opens");
    ledger.pragma_update(None, "user_version", 9_999).expect("written");
    unchecked(&world, "newer Spendbar");
    ledger.pragma_update(None, "user_version", 1).expect("written");
    unchecked(&world, "older Spendbar");
}

#[test]
fn with_a_locked_ledger_agents_go_on() {
    let world = spent(6_000);
    let other = rusqlite::Connection::open(world.ledger_file()).expect("opens");
    // Another process that writes does not disturb a reader.
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    hook(&world, "claude-code", "prompt").exits_with(2);
    other.execute_batch("ROLLBACK").expect("unlocks");
    other
        .execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE")
        .expect("locks out readers as well");
    unchecked(&world, "locked");
}

#[test]
fn with_a_broken_config_agents_go_on() {
    let world = spent(6_000);
    fs::write(world.config_file(), "[[budget]\namount = 50\n").expect("written");
    unchecked(&world, "config.toml");
    fs::write(world.config_file(), b"\xff\xfe").expect("written");
    unchecked(&world, "UTF-8");
}

#[test]
fn a_warning_that_cannot_be_remembered_comes_with_prompts_only() {
    let world = spent(4_200);
    let other = rusqlite::Connection::open(world.ledger_file()).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    assert_eq!(shown(hook(&world, "claude-code", "tool")), "");
    assert!(shown(hook(&world, "claude-code", "prompt")).contains("84 %"));
    assert!(shown(hook(&world, "claude-code", "prompt")).contains("84 %"));
}

#[test]
fn whatever_comes_on_standard_input_agents_go_on() {
    let world = spent(6_000);
    for input in
        ["", "null", "[]", "{", "{\"hook_event_name\":7}", "\u{0}\u{1}", "{\"session_id\":\"s\"}"]
    {
        let output = world.run_with_input(["guard", "hook", "claude-code"], input).success();
        assert!(output.stderr.contains("not the JSON of a hook"), "{input}: {}", output.stderr);
    }
    let stop = "{\"session_id\":\"s\",\"hook_event_name\":\"Stop\"}";
    let output = world.run_with_input(["guard", "hook", "claude-code"], stop).success();
    assert_eq!(output.all(), "", "an event we don't ask for");
    // A tool is given a whole file; what matters stands before it.
    let long = format!(
        "{{\"session_id\":\"s\",\"hook_event_name\":\"PreToolUse\",\"tool_input\":{{\"content\":\"{}\"}}}}",
        "x".repeat(3_000_000)
    );
    world.run_with_input(["guard", "hook", "claude-code"], &long).exits_with(2);
    // Wrong usage must not stop an agent either.
    for arguments in [["guard", "hook", "nonsense"], ["guard", "hook", "--help"]] {
        let output = world.run(arguments).success();
        assert!(output.stderr.contains("Agents: claude-code, codex"), "{}", output.stderr);
    }
}

#[test]
fn an_agent_that_says_nothing_is_not_waited_for() {
    let world = spent(6_000);
    let started = Instant::now();
    let mut child = world
        .command(["guard", "hook", "claude-code"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // The pipe stays open.
    let pipe = child.stdin.take();
    let status = child.wait().expect("ends");
    drop(pipe);
    assert!(status.success() && started.elapsed() < Duration::from_secs(20), "{status}");
}

fn settings(world: &World, agent: &str) -> PathBuf {
    let (_, file) = AGENTS.iter().find(|(id, _)| *id == agent).expect("known");
    world.home().join(file)
}

#[test]
fn installing_writes_the_hook_and_uninstalling_takes_the_file_away_again() {
    let world = World::new().at("2026-03-02T12:00:00Z").config(BUDGET);
    for (agent, _) in AGENTS {
        let file = settings(&world, agent);
        let said = world.run(["guard", "install", agent, "--yes"]).success().stdout;
        assert!(said.contains("  +") && said.contains("now asks Spendbar"), "{said}");
        let text = fs::read_to_string(&file).expect("written");
        let json: Value = serde_json::from_str(&text).expect("JSON");
        let events = json["hooks"].as_object().expect("events");
        assert_eq!(events.len(), 2, "{text}");
        for list in events.values() {
            let entry = if agent == "cursor" { &list[0] } else { &list[0]["hooks"][0] };
            let command = entry["command"].as_str().expect("a command");
            assert!(command.starts_with('/') && command.ends_with(&format!(" guard hook {agent}")));
        }
        let again = world.run(["guard", "install", agent, "--yes"]).success().stdout;
        assert!(again.contains("has the hook already"), "{again}");
        assert_eq!(fs::read_to_string(&file).expect("there"), text);
        let status = world.run(["guard", "--json"]);
        assert_eq!(status.code, Some(2), "the flag belongs to `guard status`");
        let status = world.run(["guard", "status", "--json"]).success().json();
        let row = status["agents"].as_array().expect("rows").iter().find(|row| row["id"] == agent);
        assert_eq!(row.expect("listed")["hook"], "installed");
        world.run(["guard", "uninstall", agent, "--yes"]).success();
        assert!(!file.exists(), "it held nothing else");
        let none = world.run(["guard", "uninstall", agent, "--yes"]).success().stdout;
        assert!(none.contains("has no hook"), "{none}");
    }
}

/// What the agent would run is what we would answer.
#[test]
fn the_installed_command_is_the_hook() {
    let world = spent(6_000);
    world.run(["guard", "install", "claude-code", "--yes"]).success();
    let text = fs::read_to_string(settings(&world, "claude-code")).expect("written");
    let json: Value = serde_json::from_str(&text).expect("JSON");
    let command =
        json["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().expect("a command");
    let script =
        format!("cat '{}' | {command}", fixtures().join("guard/claude-code/tool.json").display());
    let output = world.command_under(&script, []).output().expect("runs");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_users_settings_come_back_byte_for_byte() {
    let text = "{\n\t// my model\n\t\"model\": \"opus\",\n\t\"hooks\": {\n\t\t\"Stop\": [ {\"hooks\": []} ]\n\t},\n\t\"env\": {\"A\": \"1\"}\n}";
    let world = World::new().at("2026-03-02T12:00:00Z");
    let file = settings(&world, "claude-code");
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(&file, text).expect("written");
    let shown = world.run(["guard", "install", "claude-code", "--dry-run"]).success().stdout;
    let lines = [
        "  -        \"Stop\": [",
        "  +        \"UserPromptSubmit\": [",
        "       \"model\": \"opus\"",
    ];
    assert!(lines.iter().all(|line| shown.contains(line)), "{shown}");
    assert_eq!(fs::read_to_string(&file).expect("there"), text, "only shown");
    let refused = world.run(["guard", "install", "claude-code"]).exits_with(1).stderr;
    assert!(refused.contains("--yes makes the change without asking"), "{refused}");
    let said = world.run(["guard", "install", "claude-code", "--yes"]).success().stdout;
    assert!(said.contains("No budget is set"), "{said}");
    assert_ne!(fs::read_to_string(&file).expect("there"), text);
    world.run(["guard", "uninstall", "claude-code", "--yes"]).success();
    assert_eq!(fs::read_to_string(&file).expect("there"), text);
}

#[test]
fn settings_that_are_not_understood_are_left_alone() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    let file = settings(&world, "codex");
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    for (text, what) in [
        ("{\"hooks\": {}\n\"a\": 1}", "not valid JSON, line 2: a comma or } is missing"),
        ("{\"hooks\": []}", "`hooks` is a list, not an object"),
    ] {
        fs::write(&file, text).expect("written");
        let said = world.run(["guard", "install", "codex", "--yes"]).exits_with(1).stderr;
        assert!(said.contains(what) && said.contains("hooks.json"), "{said}");
        assert_eq!(fs::read_to_string(&file).expect("there"), text);
    }
    let said = world.run(["guard", "install", "nonsense"]).exits_with(1).stderr;
    assert!(said.contains("write one of claude-code, codex"), "{said}");
}

#[test]
fn the_status_tells_how_things_are() {
    let world = spent(4_149).config("[[budget]]\namount = 1000\nper = \"month\"\nname = \"all\"\n");
    world.run(["guard", "install", "claude-code", "--yes"]).success();
    let home = world.home().display().to_string();
    let said = world.run(["guard"]).success().stdout.replace(&home, "~");
    insta::assert_snapshot!(said, @"
    Agent        Id           Hook       Settings
    Claude Code  claude-code  installed  ~/.claude/settings.json
    Codex        codex        –          ~/.codex/hooks.json
    Gemini CLI   gemini-cli   –          ~/.gemini/settings.json
    Qwen Code    qwen-code    –          ~/.qwen/settings.json
    Cursor       cursor       –          ~/.cursor/hooks.json

    Today's budget of $50: ≈ $41.49 spent, 82 %; agents are warned at 80 % and stopped at 100 %.
    This month's budget “all” of $1,000: ≈ $41.49 spent, 4 %; agents are warned at 80 % and stopped at 100 %.
    Spendbar is not running, so the guard knows of nothing spent after 12:00. Start `spendbar`.
    ");
}
