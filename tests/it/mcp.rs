//! `mcp`: what an agent is told that asks, over the protocol that agents speak.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use serde_json::{Value, json};

use crate::lines::{CODEX_FILE, CodexCounter, GPT, SONNET, claude_spends, codex_start};
use crate::world::World;

/// A folder whose name is nowhere else.
const FOLDER: &str = "home/quokka";
const SESSION: &str = "11111111-1111-4111-8111-111111111111";
const OTHER_SESSION: &str = "22222222-2222-4222-8222-222222222222";
const CODEX_SESSION: &str = "019c0000-0000-7000-8000-00000000000a";

fn claude(world: &World, session: &str, line: &str) {
    let folder = world.path(FOLDER).join("src").display().to_string();
    let line = line.replace("/home/ada/shop", &folder).replace(SESSION, session);
    world.append(&format!(".claude/projects/-quokka/{session}.jsonl"), &line);
}

/// Today 60 cents of Claude Code in one folder and 3 of Codex in another; yesterday 30 of Claude Code.
fn world() -> World {
    let world = World::new().at("2026-03-02T12:00:00Z");
    fs::create_dir_all(world.path(FOLDER).join("src")).expect("a folder");
    claude(&world, SESSION, &claude_spends("2026-03-01T09:00:00.000Z", "A", 30));
    claude(&world, SESSION, &claude_spends("2026-03-02T11:20:00.000Z", "B", 60));
    let at = "2026-03-02T11:50:00.000Z";
    // 2,000 output tokens at $15 a million.
    world.append(
        CODEX_FILE,
        &(codex_start(at, GPT) + &CodexCounter::default().add(at, 0, 0, 2_000)),
    );
    world
}

fn recorded() -> World {
    let world = world();
    world.poll_offline();
    world
}

/// An agent that started the server in a folder, and all that was said to it.
struct Agent {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    heard: String,
    asked: u64,
}

impl Agent {
    /// Started, and nothing said yet.
    fn silent(world: &World, folder: PathBuf) -> Self {
        let mut child = world
            .command(["mcp"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("spendbar starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, stdin, stdout, heard: String::new(), asked: 0 }
    }

    /// In the usual folder, and connected.
    fn of(world: &World) -> Self {
        let mut agent = Self::silent(world, world.path(FOLDER));
        agent.connect();
        agent
    }

    fn connect(&mut self) -> Value {
        let answer = self.ask(
            "initialize",
            json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "a test", "version": "1"},
            }),
        );
        self.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        answer
    }

    fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("open");
        stdin.write_all(line.as_bytes()).and_then(|()| stdin.write_all(b"\n")).expect("said");
        stdin.flush().expect("said");
    }

    /// The next line, which has to be a message of the protocol.
    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("text");
        assert!(!line.is_empty(), "it ended: {}", self.heard);
        self.heard.push_str(&line);
        let message: Value = serde_json::from_str(&line).expect(&line);
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.say(&message.to_string());
        let answer = self.hear();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    }

    /// The text of an answer, and its data in the form that was promised.
    fn told(&mut self, tool: &str, arguments: Value) -> (String, Value) {
        let result = self.call(tool, arguments);
        assert_ne!(result["isError"], true, "{result}");
        let data = result["structuredContent"].clone();
        assert_eq!(data["schema"], format!("spendbar.mcp.{tool}.v1"));
        (text(&result), data)
    }

    fn refused(&mut self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], true, "{result}");
        assert!(result["structuredContent"].is_null(), "{result}");
        text(&result)
    }

    /// Closes the server's standard input. Its exit code, and all that it ever wrote.
    fn leave(mut self) -> (Option<i32>, String) {
        drop(self.stdin.take());
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut rest).expect("text");
        let ended = self.child.wait_with_output().expect("it ends");
        let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!errors.contains("panicked"), "{errors}");
        (ended.status.code(), self.heard + &rest + &errors)
    }
}

fn text(result: &Value) -> String {
    let content = result["content"].as_array().expect("content");
    assert_eq!(content.len(), 1, "{result}");
    content[0]["text"].as_str().expect("text").to_owned()
}

#[test]
fn tools_are_described_and_what_they_tell_has_the_form_that_they_promise() {
    let world = recorded().config("[[budget]]\namount = 1\nper = \"day\"\n");
    let mut agent = Agent::of(&world);
    let tools = agent.ask("tools/list", json!({}))["result"]["tools"].clone();
    let tools = tools.as_array().expect("tools");
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["spend_today", "session_cost", "budget_left", "report"]);
    for tool in tools {
        for form in ["inputSchema", "outputSchema"] {
            let found = jsonschema::meta::validate(&tool[form]).map_err(|error| error.to_string());
            assert_eq!(found, Ok(()), "{tool}");
            assert_eq!(tool[form]["type"], "object");
        }
        assert!(tool["description"].as_str().is_some_and(|text| text.len() > 40), "{tool}");
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        assert_eq!(tool["annotations"]["idempotentHint"], true);
        let (text, data) = agent.told(tool["name"].as_str().expect("a name"), json!({}));
        assert!(!text.is_empty());
        let form = jsonschema::validator_for(&tool["outputSchema"]).expect("a form");
        let wrong: Vec<_> = form.iter_errors(&data).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?}: {data:#}");
    }
    assert_eq!(agent.leave().0, Some(0));
}

#[test]
fn today_is_told_as_the_program_shows_it() {
    let world = recorded();
    let mut agent = Agent::of(&world);
    let (text, data) = agent.told("spend_today", json!({}));
    insta::assert_snapshot!(text, @"
    Today (2 Mar 2026, UTC): ≈ $0.63
    List price ≈ $0.63 · billed – · 2 requests · 42.0 k tokens
    Dearest models at list price: claude-sonnet-4-5-20250929 ≈ $0.60, gpt-5.4 ≈ $0.03
    ");
    // 60 cents of Claude Code and 3 of Codex.
    assert_eq!(data["spend_usd"], "0.63");
    assert_eq!(data["spend_estimated"], true);
    assert!(data["billed_usd"].is_null());
    assert_eq!(data["top_models"][0]["model"], SONNET);
    assert_eq!(data["top_models"][0]["list_usd"], "0.6");
}

#[test]
fn a_session_is_the_newest_here_or_the_one_that_is_named() {
    let world = recorded();
    let mut agent = Agent::of(&world);
    // Codex used something later, in another folder.
    let (text, data) = agent.told("session_cost", json!({}));
    insta::assert_snapshot!(text, @"
    Session 11111111-1111-4111-8111-111111111111 of Claude Code, the newest in the folder this server was started in:
    In all ≈ $0.90 at list price · 2 requests · 60.0 k tokens
    Today ≈ $0.60 at list price · 1 request · 40.0 k tokens
    At work from 1 Mar 2026 to 2 Mar 2026, last 40 min ago.
    Model: claude-sonnet-4-5-20250929
    List price is an estimate: no bill tells sessions apart.
    ");
    assert_eq!(data["session"], SESSION);
    assert_eq!(data["all"]["list_usd"], "0.9");
    assert_eq!(data["today"]["list_usd"], "0.6");
    assert_eq!(data["first_day"], "2026-03-01");
    assert_eq!(data["beside"], json!([]));

    let (text, data) = agent.told("session_cost", json!({"session": CODEX_SESSION}));
    assert!(text.starts_with(&format!("Session {CODEX_SESSION} of Codex:")), "{text}");
    assert_eq!(data["chosen"], "named");
    assert_eq!(data["all"]["list_usd"], "0.03");

    // A second one in the same folder, which is told beside.
    let second = claude_spends("2026-03-02T11:45:00.000Z", "C", 3);
    claude(&world, OTHER_SESSION, &second);
    world.poll_offline();
    let (text, data) = agent.told("session_cost", json!({}));
    assert_eq!(data["session"], OTHER_SESSION);
    assert_eq!(data["beside"], json!([SESSION]));
    assert!(text.contains(&format!("within an hour: {SESSION}.")), "{text}");

    let unknown = agent.refused("session_cost", json!({"session": "s-1"}));
    assert!(unknown.contains("no session \"s-1\" is in the ledger"), "{unknown}");
    let star = agent.refused("session_cost", json!({"session": "*"}));
    assert!(star.contains("no session \"*\""), "{star}");
    let mut elsewhere = Agent::silent(&world, world.path("run"));
    elsewhere.connect();
    let none = elsewhere.refused("session_cost", json!({}));
    assert!(none.contains("works in the folder this server was started in"), "{none}");
}

#[test]
fn what_is_left_of_budgets() {
    let world = recorded().config(
        "[[budget]]\namount = 1\nper = \"day\"\n\
         [[budget]]\nname = \"work\"\namount = \"0.50\"\nper = \"week\"\nprojects = [\"**/quokka\"]\n",
    );
    let mut agent = Agent::of(&world);
    let (text, data) = agent.told("budget_left", json!({}));
    insta::assert_snapshot!(text, @"
    day: ≈ $0.37 left of $1 a day (≈ $0.63 spent, 63 %). The next threshold is 80 %, $0.80.
    work: ≈ $0.10 over $0.50 a week (≈ $0.60 spent, 120 %). It counts some projects or sessions.
    ");
    // $1 - $0.63; half a dollar - $0.60 of this week, which began today.
    assert_eq!(data["budgets"][0]["left"], "0.37");
    assert_eq!(data["budgets"][0]["next_threshold"], json!({"percent": 80, "amount": "0.8"}));
    assert_eq!(data["budgets"][1]["left"], "-0.1");
    assert_eq!(data["budgets"][1]["scope"], "some projects or sessions");
    let (_, one) = agent.told("budget_left", json!({"budget": "work"}));
    assert_eq!(one["budgets"].as_array().map(Vec::len), Some(1));
    let unknown = agent.refused("budget_left", json!({"budget": "month"}));
    assert_eq!(unknown, "no budget is named \"month\". There are: \"day\", \"work\".");
}

#[test]
fn where_it_went() {
    let world = recorded();
    let mut agent = Agent::of(&world);
    let (text, data) = agent.told("report", json!({"since": "2d", "by": ["day", "model"]}));
    insta::assert_snapshot!(text, @"
    1 Mar 2026 to 2 Mar 2026, UTC, by day, model
    2026-03-01 · claude-sonnet-4-5-20250929: list ≈ $0.30, billed –, 20.0 k tokens
    2026-03-02 · claude-sonnet-4-5-20250929: list ≈ $0.60, billed –, 40.0 k tokens
    2026-03-02 · gpt-5.4: list ≈ $0.03, billed –, 2.0 k tokens
    Total: list ≈ $0.93, billed –, 62.0 k tokens
    ");
    assert_eq!(data["totals"]["list_usd"], "0.93");
    let (_, data) = agent.told("report", json!({"by": ["source"], "rows": 1}));
    assert_eq!(data["rows"][0]["source"], "claude-code");
    assert_eq!(data["others"]["list_usd"], "0.03");
    assert_eq!(data["totals"]["list_usd"], "0.93");
    let (_, none) = agent.told("report", json!({"since": "2026-01-01", "until": "2026-01-02"}));
    assert_eq!(none["rows"], json!([]));
    assert!(none["totals"]["list_usd"].is_null());
}

#[test]
fn wrong_questions_are_answered_so_that_the_agent_can_mend_them() {
    let world = recorded();
    let mut agent = Agent::of(&world);
    for (tool, arguments, said) in [
        ("spend_today", json!({"day": 1}), "unknown argument `day`"),
        ("session_cost", json!({"session": 7}), "session: invalid type: number, expected a string"),
        ("report", json!({"since": "soon"}), "write a day as 2026-11-24"),
        ("report", json!({"by": ["team"]}), "write some of day,source"),
        ("report", json!({"rows": 1_000}), "rows: 1000 is not between 1 and 200"),
        ("report", json!({"since": "today", "until": "yesterday"}), "lies after until 2026-03-01"),
    ] {
        let refused = agent.refused(tool, arguments);
        assert!(refused.contains(said), "{refused}");
    }
    let unknown = agent.ask("tools/call", json!({"name": "pay", "arguments": {}}));
    assert_eq!(unknown["error"]["code"], -32602);
    let what = unknown["error"]["message"].as_str().expect("a message");
    assert!(what.contains("\"pay\"") && what.contains("budget_left"), "{what}");
    assert_eq!(agent.ask("no/such/method", json!({}))["error"]["code"], -32601);
    agent.told("spend_today", json!({}));
}

#[test]
fn folders_are_not_named_unless_the_user_allows_it() {
    let world =
        recorded().config("[[budget]]\namount = 1\nper = \"day\"\nprojects = [\"**/quokka\"]\n");
    let mut agent = Agent::of(&world);
    agent.ask("tools/list", json!({}));
    for (tool, arguments) in [
        ("spend_today", json!({})),
        ("session_cost", json!({})),
        ("session_cost", json!({"session": SESSION})),
        ("budget_left", json!({})),
        ("report", json!({"by": ["day", "source", "provider", "model"]})),
    ] {
        agent.told(tool, arguments);
    }
    for by in ["project", "session"] {
        let refused = agent.refused("report", json!({"by": ["day", by]}));
        assert!(refused.contains("[mcp] with projects = true"), "{refused}");
    }
    // A mistake beside the folder's name must not tell it either, and whether it may be told is not
    // known then.
    fs::write(
        world.config_file(),
        "[mcp]\nprojects = true\n[[budget]]\nprojects = [\"**/quokka\"]\n",
    )
    .expect("written");
    let broken = agent.refused("spend_today", json!({}));
    assert!(broken.contains("line 3"), "{broken}");
    let (code, heard) = agent.leave();
    assert_eq!(code, Some(0));
    assert!(!heard.contains("quokka"), "{heard}");
    assert!(!heard.contains("/home/ada/shop"), "{heard}");

    fs::write(world.config_file(), "[mcp]\nprojects = true\n").expect("written");
    let mut agent = Agent::of(&world);
    let (_, session) = agent.told("session_cost", json!({}));
    let folder = world.path(FOLDER).join("src").display().to_string();
    assert_eq!(session["projects"], json!([folder]));
    let (_, report) = agent.told("report", json!({"by": ["project"]}));
    let projects: Vec<_> =
        report["rows"].as_array().expect("rows").iter().map(|row| row["project"].clone()).collect();
    assert_eq!(projects, [json!("/home/ada/shop"), json!(folder)]);
    agent.told("report", json!({"by": ["session"]}));
}

#[test]
fn a_broken_config_and_a_missing_ledger_are_said_and_mended_without_a_new_start() {
    let world = world().config("headline = \"most\"\n");
    let mut agent = Agent::of(&world);
    let broken = agent.refused("spend_today", json!({}));
    assert!(broken.contains("wrong in line 1") && broken.contains("config check"), "{broken}");
    fs::write(world.config_file(), "zone = \"UTC\"\n").expect("written");
    let before = world.files().len();
    for (tool, arguments) in
        [("spend_today", json!({})), ("session_cost", json!({})), ("report", json!({}))]
    {
        let missing = agent.refused(tool, arguments);
        assert!(missing.contains("nothing was recorded yet"), "{missing}");
    }
    assert_eq!(world.files().len(), before, "asking makes no ledger");
    world.poll_offline();
    let ledger = fs::read(world.ledger_file()).expect("a ledger");
    assert_eq!(agent.told("spend_today", json!({})).1["spend_usd"], "0.63");
    agent.told("session_cost", json!({}));
    assert_eq!(fs::read(world.ledger_file()).expect("a ledger"), ledger, "asking writes nothing");
    fs::write(world.ledger_file(), "no database").expect("written");
    let damaged = agent.refused("spend_today", json!({}));
    assert!(damaged.contains("is damaged"), "{damaged}");
}

#[test]
fn it_ends_when_the_agent_closes_its_input() {
    let world = recorded();
    let agent = Agent::silent(&world, world.path(FOLDER));
    assert_eq!(agent.leave(), (Some(0), String::new()), "before a word was said");
    // With a question still open: it is answered first.
    let mut agent = Agent::of(&world);
    agent
        .say(r#"{"jsonrpc":"2.0","id":"q","method":"tools/call","params":{"name":"spend_today"}}"#);
    let (code, heard) = agent.leave();
    assert_eq!(code, Some(0));
    assert!(heard.contains(r#""id":"q""#) && heard.contains("$0.63"), "{heard}");
}

#[test]
fn what_is_no_message_is_survived() {
    let world = recorded();
    let mut agent = Agent::of(&world);
    for garbage in ["", "{", "hello", "\u{feff}", "[1,2", "{\"jsonrpc\":\"2.0\",\"id\":1"] {
        agent.say(garbage);
    }
    agent.stdin.as_mut().expect("open").write_all(b"\xff\xfe\x00\n").expect("said");
    // JSON that is no message is answered with an error of the protocol.
    agent.say("{\"jsonrpc\":\"2.0\",\"id\":7}");
    assert_eq!(agent.hear()["error"]["code"], -32600);
    agent.told("spend_today", json!({}));
    assert_eq!(agent.leave().0, Some(0));

    // Somebody who does not speak the protocol at all is told so, on standard error.
    let mut stranger = Agent::silent(&world, world.path(FOLDER));
    stranger
        .say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    let (code, heard) = stranger.leave();
    assert_eq!(code, Some(1), "{heard}");
    assert!(heard.contains("This is a server for agents"), "{heard}");
}

/// A client that others wrote.
#[test]
fn a_client_of_the_protocol_gets_along_with_it() {
    let world = recorded();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut command = tokio::process::Command::from(world.command(["mcp"]));
        let command = command.current_dir(world.path(FOLDER)).kill_on_drop(true);
        let mut server = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("spendbar starts");
        let pipes = (server.stdout.take().expect("piped"), server.stdin.take().expect("piped"));
        let client = ().serve(pipes).await.expect("connected");
        let tools = client.list_all_tools().await.expect("tools");
        assert_eq!(tools.len(), 4);
        let asked = CallToolRequestParams::new("spend_today");
        let told = client.call_tool(asked).await.expect("an answer");
        assert_eq!(told.is_error, Some(false));
        assert_eq!(told.structured_content.expect("data")["spend_usd"], "0.63");
        let unknown = client.call_tool(CallToolRequestParams::new("pay")).await;
        assert!(unknown.expect_err("no tool").to_string().contains("pay"));
        client.cancel().await.expect("closed");
        assert!(server.wait().await.expect("it ends").success());
    });
}
