//! Today at a glance, as it is printed.

use super::*;
use crate::board::{AlertRow, BalanceRow, Basis, Figures, Forecast, ModelRow};
use crate::spend::{
    AlertKind, Balance, Currency, Cycle, Quantity, QuotaWindow, Severity, SourceError, TokenCounts,
    UsedOf, Zone,
};

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect(text)
}

fn row(id: &str) -> SourceRow {
    SourceRow {
        info: crate::faces::cli::sources::tests::find(id).expect("known"),
        list: None,
        billed: None,
        unpriced_tokens: 0,
        last_good_at: "2026-11-24T14:00:00Z".parse().ok(),
        last_look_at: "2026-11-24T15:00:00Z".parse().ok(),
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

fn empty() -> Board {
    Board {
        now: "2026-11-24T15:00:00Z".parse().expect("time"),
        zone: Zone::named("Europe/Berlin"),
        today: "2026-11-24".parse().expect("day"),
        headline: Headline::Spend,
        colours: crate::board::Colours::Auto,
        period: crate::spend::Period::Day,
        longer: None,
        figures: Figures {
            spend: usd("0"),
            spend_estimated: false,
            list: usd("0"),
            billed: None,
            billed_other: Vec::new(),
            converted: Vec::new(),
            covered: usd("0"),
            paid: Default::default(),
            stated: usd("0"),
            requests: 0,
            tokens: TokenCounts::default(),
            unpriced_tokens: 0,
            unmetered_tokens: 0,
            partial: false,
        },
        sources: Vec::new(),
        top_models: Vec::new(),
        differences: Vec::new(),
        energy: None,
        plans: Vec::new(),
        tells_paid: false,
        people: Default::default(),
        budgets: Vec::new(),
        last_alert: None,
        snoozes: Vec::new(),
        state: State::Calm,
        loading: false,
        demo: false,
        notices: Vec::new(),
    }
}

pub fn busy() -> Board {
    let tokens = |output| TokenCounts { output, ..TokenCounts::default() };
    Board {
        figures: Figures {
            spend: usd("214.37"),
            spend_estimated: true,
            list: usd("220.4"),
            billed: Some(usd("94")),
            billed_other: vec![Money::parse("3", "EUR".parse().expect("code")).expect("3")],
            converted: Vec::new(),
            covered: usd("12.5"),
            paid: Default::default(),
            stated: usd("0.4"),
            requests: 1204,
            tokens: tokens(18_240_000),
            unpriced_tokens: 723,
            unmetered_tokens: 0,
            partial: true,
        },
        sources: vec![
            SourceRow { list: Some(usd("120.37")), problem_count: 2, ..row("claude-code") },
            SourceRow {
                billed: Some(usd("94")),
                stale: true,
                error: Some(SourceError::Unreachable { what: "timed out after 20 s".into() }),
                retry_at: "2026-11-24T15:07:00Z".parse().ok(),
                ..row("openai-admin")
            },
            SourceRow {
                balances: vec![BalanceRow {
                    balance: Balance {
                        name: "credits".into(),
                        amount: Quantity::Money(usd("7.5")),
                    },
                    days_left: Some(9),
                }],
                quotas: vec![QuotaWindow {
                    resets: Some("monthly".into()),
                    ..QuotaWindow::of(
                        "key limit",
                        UsedOf {
                            used: Quantity::Money(usd("2.5")),
                            limit: Quantity::Money(usd("10")),
                        },
                    )
                }],
                ..row("openrouter")
            },
        ],
        top_models: vec![
            ModelRow {
                model: Some(
                    "gpt-5.5-a-rather-long-name-for-a-model-that-nobody-would-choose".into(),
                ),
                list: Some(usd("100")),
                tokens: tokens(18_239_277),
            },
            ModelRow { model: Some("mystère-9".into()), list: None, tokens: tokens(723) },
        ],
        energy: None,
        plans: Vec::new(),
        tells_paid: false,
        people: Default::default(),
        budgets: vec![
            BudgetRow {
                name: "day".into(),
                cycle: Cycle::Day,
                amount: usd("500"),
                base: usd("500"),
                spent: usd("214.37"),
                estimated: true,
                permille: 428,
                warn_percent: 80,
                next_percent: Some(50),
                forecast: Some(Forecast {
                    low: usd("301.25"),
                    middle: usd("321.555"),
                    high: usd("377"),
                    breaks_on: None,
                    price_step: None,
                }),
                last_day: "2026-11-24".parse().expect("a day"),
                sources: Vec::new(),
                scope: String::new(),
                basis: Basis::Spend,
            },
            BudgetRow {
                name: "仕事".into(),
                cycle: Cycle::MONTH,
                amount: usd("1000.50"),
                base: usd("1000.50"),
                spent: usd("94"),
                estimated: false,
                permille: 93,
                warn_percent: 80,
                next_percent: Some(50),
                forecast: None,
                last_day: "2026-11-30".parse().expect("a day"),
                sources: vec!["openai-admin".into()],
                scope: "openai-admin".into(),
                basis: Basis::Spend,
            },
        ],
        last_alert: Some(AlertRow {
            id: 7,
            at: "2026-11-24T14:05:00Z".parse().expect("time"),
            budget: "day".into(),
            period: Some(Cycle::Day),
            period_start: "2026-11-24".parse().expect("day"),
            threshold_percent: 50,
            amount: Some(usd("400")),
            spent: Some(usd("201.5")),
            estimated: true,
            kind: AlertKind::Threshold,
            severity: Severity::Warning,
            subject: String::new(),
            delivered_at: None,
            deliveries: Vec::new(),
            title: "50 % of today's budget: ≈ $201.50 of $400".into(),
            body: String::new(),
        }),
        notices: vec!["The ledger was set aside.".into()],
        ..empty()
    }
}

fn shown(board: &Board, columns: usize) -> String {
    let looked = [
        Looked { name: "Claude Code".into(), places: vec!["~/.claude/projects".into()] },
        Looked { name: "Codex".into(), places: vec!["~/.codex/sessions".into(), "/b".into()] },
    ];
    let mut out = Vec::new();
    text(&mut out, board, &looked, &Style { color: false, width: columns }).expect("a vector");
    String::from_utf8(out).expect("text")
}

fn one_line(board: &Board) -> String {
    let mut out = Vec::new();
    line(&mut out, board).expect("a vector");
    String::from_utf8(out).expect("text")
}

#[test]
fn a_busy_day_at_100_and_60() {
    insta::assert_snapshot!(shown(&busy(), 100), @"
    Today ≈ $214.37 · 42 % of $500 a day
    List price ≈ $220.40 · billed $94.00 and €3.00 · $12.50 of the list price is covered by a
    subscription, not billed · 1,204 requests · 18.2 M tokens

    Sources
      Claude Code  ≈ $120.37
      OpenAI          $94.00  at 15:00 · no answer
      OpenRouter           –  credits $7.50 left, for about 9 days · key limit $2.50 of $10 · monthly

    Budgets
      day   ▰▰▰▰▱▱▱▱▱▱  42 %    ≈ $214.37 of $500  at this pace ≈ $301.25 to $377.00 by midnight
      仕事  ▱▱▱▱▱▱▱▱▱▱   9 %  $94.00 of $1,000.50

    Top models today
      gpt-5.5-a-rather-long-name-for-a-model-that-nobody-w…  ≈ $100.00  18.2 M tokens
      mystère-9                                                      –  723 tokens without a known price

    Last alert
      50 % of today's budget: ≈ $201.50 of $400, 55 min ago

    The ledger was set aside.
    OpenAI gave no answer: timed out after 20 s. Trying again in 7 min.
    723 tokens have no known price (mystère-9) and are in no amount.
    $0.40 of the list price is the agents' own figure, for models without a known price.
    Claude Code: 2 lines could not be read; `spendbar doctor` shows where.
    ");
    insta::assert_snapshot!(shown(&busy(), 60), @"
    Today ≈ $214.37 · 42 % of $500 a day
    List price ≈ $220.40 · billed $94.00 and €3.00 · $12.50 of
    the list price is covered by a subscription, not billed ·
    1,204 requests · 18.2 M tokens

    Sources
      Claude Code  ≈ $120.37
      OpenAI          $94.00  at 15:00 · no answer
      OpenRouter           –  credits $7.50 left, for about 9 d…

    Budgets
      day   ▰▰▰▰▱▱▱▱▱▱  42 %    ≈ $214.37 of $500
      仕事  ▱▱▱▱▱▱▱▱▱▱   9 %  $94.00 of $1,000.50

    Top models today
      gpt-5.5-a-ra…  ≈ $100.00  18.2 M tokens
      mystère-9              –  723 tokens without a known price

    Last alert
      50 % of today's budget: ≈ $201.50 of $400, 55 min ago

    The ledger was set aside.
    OpenAI gave no answer: timed out after 20 s. Trying again in
    7 min.
    723 tokens have no known price (mystère-9) and are in no
    amount.
    $0.40 of the list price is the agents' own figure, for
    models without a known price.
    Claude Code: 2 lines could not be read; `spendbar doctor`
    shows where.
    ");
}

#[test]
fn a_reported_fault_marks_rows_and_is_told_once() {
    let mut board = busy();
    let incident = crate::board::Incident {
        by: "OpenAI",
        indicator: crate::spend::Indicator::Minor,
        text: "Partially Degraded Service".into(),
        as_of: "2026-11-24T14:50:00Z".parse().expect("time"),
    };
    for row in &mut board.sources[..2] {
        row.incident = Some(incident.clone());
    }
    let said = shown(&board, 100);
    assert!(said.contains("  Claude Code  ≈ $120.37  degraded\n"), "{said}");
    assert!(said.contains("at 15:00 · no answer · degraded\n"), "{said}");
    let sentence = "OpenAI's status page mentions “Partially Degraded Service” (as of 15:50).\n";
    assert_eq!(said.matches(sentence).count(), 1, "{said}");
}

#[test]
fn the_first_run_says_where_was_looked_and_what_to_do() {
    insta::assert_snapshot!(shown(&empty(), 100), @"
    Today –
    List price – · billed – · 0 requests · 0 tokens

    Nothing was found yet. Agents' logs were looked for here:
      Claude Code  ~/.claude/projects
      Codex        ~/.codex/sessions
                   /b

    Two ways on:
      spendbar key set openai-admin  read a provider's bill
      spendbar demo                  see it at work on a pretend world
    ");
}

#[test]
fn one_line_has_figure_share_and_mark() {
    assert_eq!(one_line(&busy()), "≈$214.37 42%\n");
    assert_eq!(one_line(&empty()), "–\n");
    let state = |state| one_line(&Board { state, ..busy() });
    assert_eq!(state(State::Near), "≈$214.37 42% !\n");
    assert_eq!(state(State::Over), "≈$214.37 42% !!\n");
    assert_eq!(state(State::Paused), "≈$214.37 42% ||\n");
    let spend = Money::parse("1204.08", Currency::USD).expect("an amount");
    let longer = Some(Figures { spend, ..busy().figures });
    let week = Board { period: crate::spend::Period::Week, longer, ..busy() };
    assert_eq!(one_line(&week), "week ≈$1,204.08 42%\n");
    let unknown = Board { headline: Headline::Billed, demo: true, state: State::Error, ..empty() };
    assert_eq!(one_line(&unknown), "demo – x\n");
}
