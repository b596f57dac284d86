//! What agents are told of boards and reports that tests share.

use super::*;
use crate::board::report::{GroupBy, Report, ReportRow};
use crate::board::session_cost::{SessionCost, Which};
use crate::faces::examples;
use crate::spend::{Amounts, TokenCounts, Zone};

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect(text)
}

fn sums(tokens: u64, list: Option<&str>, billed: Option<&str>) -> Sums {
    let mut amounts = Amounts::default();
    billed.iter().for_each(|billed| amounts.add(usd(billed)));
    Sums {
        requests: 1,
        tokens: TokenCounts { output: tokens, ..TokenCounts::default() },
        list: list.map(usd),
        billed: amounts,
        unpriced_tokens: if list.is_none() { tokens } else { 0 },
        ..Sums::default()
    }
}

fn told(answer: Result<Reply, serde_json::Error>, tool: &str) -> Reply {
    let reply = answer.expect("JSON");
    let tools = question::tools().expect("sound");
    let tool = tools.into_iter().find(|it| it.name == tool).expect("a tool");
    let form = tool.output_schema.expect("a form");
    let form =
        jsonschema::validator_for(&serde_json::Value::Object((*form).clone())).expect("form");
    let wrong: Vec<_> = form.iter_errors(&reply.data).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}: {:#}", reply.data);
    reply
}

#[test]
fn every_board_is_told_in_the_form_that_was_promised() {
    for board in [
        examples::calm(),
        examples::near(),
        examples::over(),
        examples::stale(),
        examples::error(),
        examples::paused(),
        examples::loading(),
        examples::empty(),
        examples::crowded(),
        examples::incident(),
    ] {
        told(today::answer(&board), "spend_today");
        told(budgets::answer(&board), "budget_left");
    }
}

#[test]
fn today_is_told_with_what_is_estimated_old_or_missing() {
    insta::assert_snapshot!(told(today::answer(&examples::crowded()), "spend_today").text, @"
    Today (24 Nov 2026, UTC): ≈ $402.00
    List price ≈ $402.00 · billed $98.02 · $120.00 of the list price is covered by a subscription, not billed · 312 requests · 4.2 M tokens
    Dearest models at list price: claude-opus-4-5 ≈ $180.10, gpt-5.5 ≈ $34.27, local-llama – (4.2 M tokens without a known price), gpt-5-mini ≈ $0.42
    the config has an error in line 3
    the config has an error in line 3
    the config has an error in line 3
    4.1 M tokens have no known price (local-llama) and are in no amount.
    18.2 k tokens can't be told from another session's and are in no amount.
    Not every source was looked at yet.
    ");
    insta::assert_snapshot!(told(today::answer(&examples::stale()), "spend_today").text, @"
    Today (24 Nov 2026, UTC): ≈ $214.37
    List price ≈ $214.37 · billed $98.02 · 312 requests · 4.2 M tokens
    Dearest models at list price: claude-opus-4-5 ≈ $180.10, gpt-5.5 ≈ $34.27, local-llama – (4.2 M tokens without a known price), gpt-5-mini ≈ $0.42
    Claude Code: its last figures came at 11:05.
    Codex: its last figures came at 11:05.
    OpenAI: its last figures came at 11:05.
    OpenAI gave no answer: timed out.
    ");
    let nothing = told(today::answer(&examples::empty()), "spend_today");
    insta::assert_snapshot!(nothing.text, @"
    Today (24 Nov 2026, UTC): –
    List price – · billed – · 312 requests · 0 tokens
    ");
    assert!(nothing.data["spend_usd"].is_null(), "unknown is not zero");
}

#[test]
fn an_agents_failure_is_told_without_its_path() {
    let mut board = examples::calm();
    let place = "/home/ada/quokka/log.jsonl".to_owned();
    let row = &mut board.sources[0];
    assert_eq!(row.info.kind, SourceKind::Agent);
    row.error = Some(SourceError::Unreadable { place, what: "denied".into() });
    let reply = told(today::answer(&board), "spend_today");
    assert!(!reply.text.contains("quokka") && !reply.data.to_string().contains("quokka"));
    assert!(reply.text.contains("can't be read; `spendbar doctor` says more."), "{}", reply.text);
}

#[test]
fn budgets_are_told_with_what_is_left() {
    insta::assert_snapshot!(told(budgets::answer(&examples::calm()), "budget_left").text, @"daily: ≈ $285.63 left of $500 a day (≈ $214.37 spent, 42 %). The next threshold is 100 %, $500.");
    let over = told(budgets::answer(&examples::over()), "budget_left");
    insta::assert_snapshot!(over.text, @"
    daily: ≈ $135.00 over $500 a day (≈ $635.00 spent, 127 %). The next threshold is 100 %, $500.
    monthly: ≈ $1,512.05 over $5,000 a month (≈ $6,512.05 spent, 130 %). The next threshold is 100 %, $5,000.
    ");
    assert_eq!(over.data["budgets"][0]["left"], "-135");
    let mut none = examples::calm();
    none.budgets.clear();
    insta::assert_snapshot!(told(budgets::answer(&none), "budget_left").text, @"No budget is set. The user sets one: `spendbar budget set 200 --per day`.");
    assert_eq!(
        budgets::unknown("x", &["day".into()]),
        "no budget is named \"x\". There are: \"day\"."
    );
}

#[test]
fn the_next_threshold_is_the_spend_that_reaches_it() {
    let mut board = examples::calm();
    let row = &mut board.budgets[0];
    // A third of the last place more than 80 % of the limit would be reached at.
    row.amount.attos = 500_000_000_000_000_000_001;
    row.next_percent = Some(80);
    let reply = told(budgets::answer(&board), "budget_left");
    let next = &reply.data["budgets"][0]["next_threshold"];
    assert_eq!(next["amount"], "400.000000000000000001");
}

fn session() -> SessionCost {
    let day = |text: &str| text.parse().expect("day");
    let mut all = sums(31_000, Some("3.2"), None);
    all.requests = 12;
    all.covered = Some(usd("1"));
    all.unpriced_tokens = 700;
    SessionCost {
        session: "s-1".into(),
        agents: vec!["Claude Code".into()],
        projects: vec!["/home/ada/old".into(), "/home/ada/quokka".into()],
        first_day: day("2026-11-23"),
        last_day: day("2026-11-24"),
        last_at: "2026-11-24T13:05:00Z".parse().ok(),
        last_at_is_exact: true,
        all,
        today: sums(1_000, Some("0.5"), None),
        models: vec![
            (Some("claude-opus-4-1".into()), sums(30_300, Some("3.2"), None)),
            (None, sums(700, None, None)),
        ],
        beside: vec!["s-2".into()],
    }
}

fn session_told(cost: &SessionCost, which: &Which, told_of: Told) -> Reply {
    let now = "2026-11-24T15:00:00Z".parse().expect("time");
    told(session::answer(cost, which, told_of, now, Zone::UTC), "session_cost")
}

#[test]
fn a_session_is_told_with_why_it_is_this_one() {
    let here = Which::NewestIn(vec!["/home/ada/quokka".into()]);
    let hidden = session_told(&session(), &here, Told::FiguresAlone);
    insta::assert_snapshot!(hidden.text, @"
    Session s-1 of Claude Code, the newest in the folder this server was started in:
    In all ≈ $3.20 at list price · 12 requests · 31.0 k tokens · $1.00 of it is covered by a subscription, not billed · 700 tokens have no known price and are in no amount
    Today ≈ $0.50 at list price · 1 request · 1.0 k tokens
    At work from 23 Nov 2026 to 24 Nov 2026, last at 13:05.
    Models: claude-opus-4-1 ≈ $3.20, model not named –
    Other sessions were at work in the same folder within an hour: s-2. Ask for one by its id if it is meant.
    List price is an estimate: no bill tells sessions apart.
    ");
    assert!(!hidden.text.contains("quokka") && !hidden.data.to_string().contains("quokka"));
    assert_eq!(hidden.data["chosen"], "newest_in_working_folder");
    let named = Which::Named("s-1".into());
    let alone = SessionCost { beside: Vec::new(), last_at_is_exact: false, ..session() };
    let open = session_told(&alone, &named, Told::Projects);
    insta::assert_snapshot!(open.text, @"
    Session s-1 of Claude Code:
    In all ≈ $3.20 at list price · 12 requests · 31.0 k tokens · $1.00 of it is covered by a subscription, not billed · 700 tokens have no known price and are in no amount
    Today ≈ $0.50 at list price · 1 request · 1.0 k tokens
    At work from 23 Nov 2026 to 24 Nov 2026, last at 13:05 or up to a quarter of an hour later.
    Models: claude-opus-4-1 ≈ $3.20, model not named –
    Folder: /home/ada/quokka
    List price is an estimate: no bill tells sessions apart.
    ");
    assert_eq!(open.data["projects"][1], "/home/ada/quokka");
    assert!(!session::unknown(&here).contains("quokka"));
    assert!(session::unknown(&named).contains("no session \"s-1\""));
}

fn report() -> Report {
    let row = |day: &str, model: Option<&str>, sums| ReportRow {
        day: day.parse().ok(),
        model: model.map(str::to_owned),
        sums,
        ..ReportRow::default()
    };
    let rows = vec![
        row("2026-11-23", Some("gpt-5.5"), sums(10, Some("4"), None)),
        row("2026-11-23", Some("mini\nnext line"), sums(20, Some("0.25"), None)),
        row("2026-11-24", None, sums(0, Some("0"), Some("94"))),
        row("2026-11-24", Some("mystery-9"), sums(1_500, None, None)),
    ];
    let mut totals = Sums::default();
    rows.iter().for_each(|row| totals.add_all(&row.sums));
    Report {
        zone: Zone::UTC,
        first_day: "2026-11-23".parse().expect("day"),
        last_day: "2026-11-24".parse().expect("day"),
        by: vec![GroupBy::Day, GroupBy::Model],
        rows,
        totals,
        energy: None,
        paid: Default::default(),
        tells_paid: false,
        plans: Vec::new(),
        people: Default::default(),
        differences: Vec::new(),
        partial: true,
        notes: vec![
            "mystery-9 has no known price: its 1.5 k tokens are in no dollar figure.".into(),
        ],
    }
}

#[test]
fn rows_beyond_the_bound_are_added_up() {
    let whole = told(report::answer(&report(), 4), "report");
    assert!(whole.data["others"].is_null());
    assert_eq!(whole.data["rows"].as_array().map(Vec::len), Some(4));
    let cut = told(report::answer(&report(), 2), "report");
    insta::assert_snapshot!(cut.text, @"
    23 Nov 2026 to 24 Nov 2026, UTC, by day, model · partial, see the notes
    2026-11-23 · gpt-5.5: list ≈ $4.00, billed –, 10 tokens
    2026-11-24 · no model: list ≈ $0.00, billed $94.00, 0 tokens
    2 other rows: list ≈ $0.25, billed –, 1.5 k tokens (1.5 k without a known price)
    Total: list ≈ $4.25, billed $94.00, 1.5 k tokens (1.5 k without a known price)
    mystery-9 has no known price: its 1.5 k tokens are in no dollar figure.
    ");
    // $94 billed and $4 at list price stay; 25 cents and a model without a price are the others.
    let kept: Vec<_> = cut.data["rows"].as_array().expect("rows").iter().collect();
    assert_eq!(kept[0]["list_usd"], "4");
    assert_eq!(kept[1]["billed_usd"], "94");
    assert!(kept[1]["model"].is_null() && kept[1].get("project").is_none());
    assert_eq!(cut.data["others"]["rows"], 2);
    assert_eq!(cut.data["others"]["list_usd"], "0.25");
    assert_eq!(cut.data["others"]["unpriced_tokens"], 1_500);
    assert_eq!(cut.data["totals"], whole.data["totals"]);
    let empty = Report { rows: Vec::new(), totals: Sums::default(), ..report() };
    assert!(told(report::answer(&empty, 2), "report").text.contains("No usage and no bill"));
}
