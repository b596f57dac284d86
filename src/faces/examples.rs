//! Boards that tests draw.

use chrono::{DateTime, Utc};

use crate::board::sessions::{SessionRow, Sessions};
use crate::board::{
    AlertRow, BalanceRow, Basis, Board, BudgetRow, Figures, Forecast, Headline, Incident, ModelRow,
    SourceRow, State,
};
use crate::spend::{
    AlertKind, Balance, Currency, Cycle, Indicator, Money, Quantity, Severity, SourceError,
    SourceInfo, SourceKind, TokenCounts, Zone,
};

static CLAUDE_CODE: SourceInfo = info("claude-code", "Claude Code", SourceKind::Agent);
static CODEX: SourceInfo = info("codex", "Codex", SourceKind::Agent);
static OPENAI: SourceInfo = info("openai-admin", "OpenAI", SourceKind::Provider);
static OPENROUTER: SourceInfo = info("openrouter", "OpenRouter", SourceKind::Provider);

const fn info(id: &'static str, name: &'static str, kind: SourceKind) -> SourceInfo {
    SourceInfo {
        id,
        name,
        kind,
        account: id,
        poll_minutes: 5,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "",
        reads: "",
        limits: "",
    }
}

/// $214.37 of $500, half the day gone.
pub fn calm() -> Board {
    board("214.37", State::Calm)
}

/// $402 of $500 after an alert.
pub fn near() -> Board {
    let mut board = board("402", State::Near);
    let (low, middle, high) = (usd("610"), usd("640"), usd("680"));
    board.budgets[0].forecast =
        Some(Forecast { low, middle, high, breaks_on: None, price_step: None });
    board.last_alert = Some(AlertRow {
        id: 1,
        at: at("2026-11-24T13:02:00Z"),
        budget: "daily".into(),
        period: Some(Cycle::Day),
        period_start: board.today,
        threshold_percent: 80,
        amount: Some(usd("500")),
        spent: Some(usd("402")),
        estimated: true,
        kind: AlertKind::Threshold,
        severity: Severity::Warning,
        subject: String::new(),
        delivered_at: None,
        deliveries: Vec::new(),
        title: "80 % of today's budget: $402 of $500".into(),
        body: "At this pace: ≈ $610.00 to $680.00 by midnight.".into(),
    });
    board
}

/// As [`calm`], with the icon's figure for the week: $1,204.08, of which 4.1 M tokens have no price.
pub fn weekly() -> Board {
    let mut board = calm();
    let week = Figures {
        spend: usd("1204.08"),
        list: usd("1204.08"),
        unpriced_tokens: 4_100_000,
        ..board.figures.clone()
    };
    (board.period, board.longer) = (crate::spend::Period::Week, Some(week));
    board
}

/// $635 of $500, and a month that is used more than the day.
pub fn over() -> Board {
    let mut board = board("635", State::Over);
    let month = budget("monthly", Cycle::MONTH, "5000", "6512.05");
    board.budgets.push(month);
    board
}

/// A provider that stopped answering an hour ago.
pub fn stale() -> Board {
    let mut board = board("214.37", State::Stale);
    for row in &mut board.sources {
        row.last_good_at = Some(at("2026-11-24T11:05:00Z"));
        row.stale = true;
    }
    board.sources[2].error = Some(SourceError::Unreachable { what: "timed out".into() });
    board
}

/// A provider that reports an outage, which marks the agent of its account too.
pub fn incident() -> Board {
    let mut board = calm();
    let incident = Incident {
        by: "OpenAI",
        indicator: Indicator::Critical,
        text: "Major System Outage".into(),
        as_of: at("2026-11-24T12:58:00Z"),
    };
    for row in &mut board.sources[1..] {
        row.incident = Some(incident.clone());
    }
    board
}

/// Nothing can be read.
pub fn error() -> Board {
    let mut board = board("0", State::Error);
    board.sources.drain(..2);
    board.sources[0] = SourceRow {
        billed: None,
        last_good_at: None,
        error: Some(SourceError::KeyRejected { status: 401 }),
        ..source(&OPENAI)
    };
    board.figures.billed = None;
    board.top_models.clear();
    board
}

/// As [`calm`], paused.
pub fn paused() -> Board {
    let mut board = calm();
    board.state = State::Paused;
    board
}

/// No agent, no key, no budget.
pub fn empty() -> Board {
    let mut board = board("0", State::Error);
    board.sources.clear();
    board.budgets.clear();
    board.top_models.clear();
    board.figures.billed = None;
    board.figures.tokens = TokenCounts::default();
    board
}

/// The first look is under way.
pub fn loading() -> Board {
    let mut board = board("12.4", State::Calm);
    board.loading = true;
    board.sources[1] = SourceRow { list: None, last_good_at: None, ..source(&CODEX) };
    board.sources[2] = SourceRow { billed: None, last_good_at: None, ..source(&OPENAI) };
    board
}

/// The pretend world at the scale of the famous screenshot.
pub fn famous() -> Board {
    let mut board = board("20012.84", State::Over);
    board.demo = true;
    board.budgets = vec![budget("daily", Cycle::Day, "20000", "20012.84")];
    board.budgets.push(budget("monthly", Cycle::MONTH, "2000000", "1305088.81"));
    board.figures.billed = Some(usd("19985.84"));
    board.sources[0].list = Some(usd("12.10"));
    board.sources[2].billed = Some(usd("19985.84"));
    board.top_models[0].tokens.input = 18_200_000_000;
    board.top_models[0].list = Some(usd("1305088.81"));
    board
}

/// More of everything than a menu holds.
pub fn crowded() -> Board {
    let mut board = near();
    board.loading = true;
    board.figures.covered = usd("120");
    board.figures.unpriced_tokens = 4_100_000;
    board.figures.unmetered_tokens = 18_200;
    board.notices = vec!["the config has an error in line 3".into(); 3];
    for _ in 0..6 {
        let mut row = source(&OPENROUTER);
        row.unpriced_tokens = 412;
        row.balances = vec![BalanceRow {
            balance: Balance { name: "credits".into(), amount: Quantity::Money(usd("31.5")) },
            days_left: None,
        }];
        board.sources.push(row);
        board.budgets.push(budget("weekly", Cycle::WEEK, "2500", "1912.80"));
    }
    board
}

fn board(spent: &str, state: State) -> Board {
    let now = at("2026-11-24T13:05:00Z");
    let tokens = TokenCounts { input: 4_100_000, output: 120_000, ..TokenCounts::default() };
    let model = |name: &str, list: Option<&str>| ModelRow {
        model: Some(name.into()),
        list: list.map(usd),
        tokens,
    };
    Board {
        now,
        zone: Zone::UTC,
        today: now.date_naive(),
        headline: Headline::Spend,
        colours: crate::board::Colours::Auto,
        period: crate::spend::Period::Day,
        longer: None,
        figures: Figures {
            spend: usd(spent),
            spend_estimated: true,
            list: usd(spent),
            billed: Some(usd("98.02")),
            billed_other: Vec::new(),
            converted: Vec::new(),
            covered: usd("0"),
            paid: Default::default(),
            stated: usd("0"),
            requests: 312,
            tokens,
            unpriced_tokens: 0,
            unmetered_tokens: 0,
            partial: false,
        },
        sources: vec![
            SourceRow { list: Some(usd("210.37")), ..source(&CLAUDE_CODE) },
            SourceRow { list: Some(usd("4")), ..source(&CODEX) },
            SourceRow { billed: Some(usd("98.02")), ..source(&OPENAI) },
        ],
        differences: Vec::new(),
        top_models: vec![
            model("claude-opus-4-5", Some("180.1")),
            model("gpt-5.5", Some("34.27")),
            model("local-llama", None),
            model("gpt-5-mini", Some("0.4213")),
        ],
        energy: None,
        plans: Vec::new(),
        tells_paid: false,
        people: Default::default(),
        budgets: vec![budget("daily", Cycle::Day, "500", spent)],
        last_alert: None,
        snoozes: Vec::new(),
        state,
        loading: false,
        demo: false,
        notices: Vec::new(),
    }
}

fn source(info: &'static SourceInfo) -> SourceRow {
    SourceRow {
        info,
        list: None,
        billed: None,
        unpriced_tokens: 0,
        last_good_at: Some(at("2026-11-24T13:04:00Z")),
        last_look_at: Some(at("2026-11-24T13:04:00Z")),
        stale: false,
        error: None,
        retry_at: None,
        balances: Vec::new(),
        quotas: Vec::new(),
        gaps: Vec::new(),
        problem_count: 0,
        unmetered_tokens: 0,
        problems: Vec::new(),
        incident: None,
    }
}

fn budget(name: &str, cycle: Cycle, amount: &str, spent: &str) -> BudgetRow {
    let (amount, spent) = (usd(amount), usd(spent));
    BudgetRow {
        name: name.into(),
        cycle,
        amount,
        base: amount,
        spent,
        estimated: true,
        permille: spent.permille_of(&amount).expect("positive"),
        warn_percent: 80,
        next_percent: Some(100),
        forecast: None,
        last_day: "2026-11-24".parse().expect("a day"),
        sources: Vec::new(),
        scope: String::new(),
        basis: Basis::Spend,
    }
}

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect(text)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect(text)
}

/// Three sessions of the morning.
pub fn sessions() -> Sessions {
    let row = |source: &str, agent: &str, session: &str, project: &str| SessionRow {
        source: source.into(),
        agent: agent.into(),
        session: Some(session.into()),
        project: Some(project.into()),
        models: vec![Some("claude-opus-4-5".into())],
        last_at: at("2026-11-24T13:04:30Z"),
        last_at_is_exact: true,
        recent_requests: 12,
        recent: Some(usd("12.5")),
        requests: 120,
        list: Some(usd("34.27")),
        tokens: TokenCounts { input: 1_200, output: 120_000, ..TokenCounts::default() },
        unpriced_tokens: 0,
    };
    let codex = SessionRow {
        models: vec![Some("gpt-5.5".into()), Some("gpt-5-mini".into())],
        last_at: at("2026-11-24T12:15:00Z"),
        last_at_is_exact: false,
        recent: Some(usd("4")),
        list: Some(usd("180.1")),
        tokens: TokenCounts { input: 4_100_000, cache_read: 9_000_000, ..TokenCounts::default() },
        ..row("codex", "Codex", "019c0000-0000-7000-8000-00000000000a", "/home/ada/web\x1b[2J東京")
    };
    let local = SessionRow {
        session: None,
        models: vec![Some("local-llama".into()), None],
        last_at: at("2026-11-24T13:01:00Z"),
        recent_requests: 0,
        recent: None,
        requests: 1,
        list: None,
        tokens: TokenCounts { input: 20_000_000, ..TokenCounts::default() },
        unpriced_tokens: 20_000_000,
        ..row("local", "local-agent", "", "/home/ada/a-very-long-folder-name-that-goes-on/shop")
    };
    let claude =
        row("claude-code", "Claude Code", "11111111-1111-4111-8111-111111111111", "/home/ada/shop");
    Sessions { since: at("2026-11-24T12:00:00Z"), rows: vec![claude, codex, local] }
}
