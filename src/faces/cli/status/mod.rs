//! `status`: today at a glance, as text, as one line, as JSON.

mod document;

use std::io::{self, Write};

use chrono_tz::Tz;

use super::first_run::{self, Looked};
use super::style::{Cut, Style, clean, grouped, wrap};
use super::table::{Column, Table};
use crate::board::{Board, BudgetRow, Headline, SourceRow, State, wording};
use crate::spend::Money;

pub use document::json;

/// Writes today with its sources, models and budgets. `looked` says where agents were looked for;
/// it is shown when nothing was found at all.
///
/// # Errors
/// Those of the writer.
pub fn text(
    out: &mut dyn Write,
    board: &Board,
    looked: &[Looked],
    style: &Style,
) -> io::Result<()> {
    let title = headline(board);
    let urgent = matches!(board.state, State::Near | State::Over | State::Error);
    writeln!(out, "{}", if urgent { style.alarm(&title) } else { style.strong(&title) })?;
    writeln!(out, "{}", style.quiet(&wrap(&second_line(board), style.width, 0)))?;
    for difference in &board.differences {
        let row = clean(&wording::bills::difference(difference));
        writeln!(out, "{}", style.quiet(&wrap(&row, style.width, 2)))?;
    }
    if board.sources.is_empty() {
        writeln!(out)?;
        first_run::text(out, looked, style)?;
    } else {
        section(out, style, "Sources", &sources(board))?;
    }
    if !board.budgets.is_empty() {
        section(out, style, "Budgets", &budgets(board, style.width >= 80))?;
    }
    if !board.top_models.is_empty() {
        section(out, style, "Top models today", &models(board))?;
    }
    if let Some(alert) = &board.last_alert {
        let age = wording::age(board.now, alert.at, board.zone);
        writeln!(out, "\n{}", style.strong("Last alert"))?;
        writeln!(out, "  {}, {age}", clean(&alert.title))?;
    }
    let notes = notes(board);
    if !notes.is_empty() {
        writeln!(out)?;
    }
    for note in notes {
        writeln!(out, "{}", style.quiet(&wrap(&clean(&note), style.width, 0)))?;
    }
    Ok(())
}

/// Writes one short line: the figure, the share of the tightest budget, and a mark for the state
/// (`!` near, `!!` over, `?` old, `x` no figures, `||` paused).
///
/// # Errors
/// Those of the writer.
pub fn line(out: &mut dyn Write, board: &Board) -> io::Result<()> {
    let mut words = Vec::new();
    if board.demo {
        words.push("demo".to_owned());
    }
    words.push(match board.amount(board.headline) {
        None => wording::UNKNOWN.into(),
        Some(amount) => {
            let sign = if board.figures.chosen_is_estimated(board.headline) { "≈" } else { "" };
            format!("{sign}{}", wording::amount(&amount))
        }
    });
    if let Some(budget) = tightest(board) {
        words.push(format!("{}%", budget.permille.div_euclid(10)));
    }
    let mark = match board.state {
        State::Calm => "",
        State::Near => "!",
        State::Over => "!!",
        State::Stale => "?",
        State::Error => "x",
        State::Paused => "||",
    };
    if !mark.is_empty() {
        words.push(mark.to_owned());
    }
    writeln!(out, "{}", words.join(" "))
}

fn section(out: &mut dyn Write, style: &Style, title: &str, table: &Table) -> io::Result<()> {
    writeln!(out, "\n{}", style.strong(title))?;
    table.write(out, style, 2)
}

fn headline(board: &Board) -> String {
    let demo = if board.demo { "demo · " } else { "" };
    let kind = match board.headline {
        Headline::Spend => "",
        Headline::List => " at list price",
        Headline::Billed => " billed",
    };
    let amount = board.amount(board.headline).map_or(wording::UNKNOWN.into(), |amount| {
        let estimated = board.figures.chosen_is_estimated(board.headline);
        wording::estimate(estimated, wording::amount_full(&amount))
    });
    let budget = tightest(board).map_or(String::new(), |budget| {
        let of = wording::amount_short(&budget.amount);
        format!(" · {} of {of} {}", wording::percent(budget.permille), wording::per(budget.cycle))
    });
    let paused = if board.state == State::Paused { " · paused" } else { "" };
    format!("{demo}Today{kind} {amount}{budget}{paused}")
}

/// Both figures and how much work they stand for.
fn second_line(board: &Board) -> String {
    let figures = &board.figures;
    let billed: Vec<String> =
        figures.billed.iter().chain(&figures.billed_other).map(wording::amount_full).collect();
    let billed = if billed.is_empty() { wording::UNKNOWN.to_owned() } else { billed.join(" and ") };
    let list = board.amount(Headline::List).map_or(wording::UNKNOWN.into(), |list| {
        wording::estimate(true, wording::amount_full(&list))
    });
    let mut parts = vec![format!("List price {list}"), format!("billed {billed}")];
    if figures.covered.attos > 0 {
        let covered = wording::amount_full(&figures.covered);
        parts.push(format!("{covered} of the list price is covered by a subscription, not billed"));
    }
    let requests = if figures.requests == 1 { "request" } else { "requests" };
    parts.push(format!("{} {requests}", grouped(figures.requests)));
    parts.push(format!("{} tokens", wording::tokens(figures.tokens.total())));
    parts.join(" · ")
}

fn tightest(board: &Board) -> Option<&BudgetRow> {
    board.budgets.iter().max_by_key(|budget| budget.permille)
}

fn sources(board: &Board) -> Table {
    let mut table =
        Table::new(vec![Column::Word(""), Column::Figure(""), Column::Name("", Cut::End)]);
    for row in &board.sources {
        let figure = match (row.billed, row.list) {
            (Some(billed), _) => wording::amount_full(&billed),
            (None, Some(list)) => wording::estimate(true, wording::amount_full(&list)),
            (None, None) => wording::UNKNOWN.into(),
        };
        let mut about = Vec::new();
        if (row.stale || row.error.is_some())
            && let Some(at) = row.last_good_at
        {
            about.push(wording::age(board.now, at, board.zone));
        }
        about.extend(row.error.as_ref().map(|error| wording::failure_short(error).to_owned()));
        about.extend(row.incident.as_ref().map(|it| wording::incident_short(it).to_owned()));
        about.extend(row.balances.iter().map(wording::balance_row));
        about.extend(row.quotas.iter().map(|quota| wording::quota(quota, board.now, board.zone)));
        table.row(vec![row.info.name.into(), figure, about.join(" · ")]);
    }
    table
}

fn budgets(board: &Board, with_pace: bool) -> Table {
    let mut table = Table::new(vec![
        Column::Name("", Cut::End),
        Column::Word(""),
        Column::Figure(""),
        Column::Figure(""),
        Column::Name("", Cut::End),
    ]);
    for row in &board.budgets {
        let spent = wording::estimate(row.estimated, wording::amount_full(&row.spent));
        let pace = row.forecast.as_ref().filter(|_| with_pace).map_or(String::new(), |forecast| {
            let end = row.last_day.succ_opt().unwrap_or(row.last_day);
            let by = wording::period_end(row.cycle, end);
            format!("at this pace {} by {by}", wording::range(forecast))
        });
        table.row(vec![
            row.name.clone(),
            wording::bar(row.permille),
            wording::percent(row.permille),
            format!("{spent} of {}", wording::amount_short(&row.amount)),
            pace,
        ]);
    }
    table
}

fn models(board: &Board) -> Table {
    let mut table =
        Table::new(vec![Column::Name("", Cut::End), Column::Figure(""), Column::Word("")]);
    for row in &board.top_models {
        let list = |amount: Money| wording::estimate(true, wording::amount_full(&amount));
        let tokens = wording::tokens(row.tokens.total());
        table.row(vec![
            row.model.clone().unwrap_or_else(|| "model not named".into()),
            row.list.map_or(wording::UNKNOWN.into(), list),
            match row.list {
                Some(_) => format!("{tokens} tokens"),
                None => format!("{tokens} tokens without a known price"),
            },
        ]);
    }
    table
}

/// What a reader of the figures must know.
fn notes(board: &Board) -> Vec<String> {
    let mut notes = board.notices.clone();
    notes.extend(board.sources.iter().filter_map(|row| failure(row, board)));
    let figures = &board.figures;
    notes.extend(figures.converted.iter().map(wording::converted));
    if figures.unpriced_tokens > 0 {
        let unpriced: Vec<&str> = board
            .top_models
            .iter()
            .filter(|row| row.list.is_none())
            .map(|row| row.model.as_deref().unwrap_or("a model that is not named"))
            .collect();
        let named =
            if unpriced.is_empty() { String::new() } else { format!(" ({})", unpriced.join(", ")) };
        notes.push(format!(
            "{} tokens have no known price{named} and are in no amount.",
            wording::tokens(figures.unpriced_tokens)
        ));
    }
    if figures.stated.attos > 0 {
        notes.push(format!(
            "{} of the list price is the agents' own figure, for models without a known price.",
            wording::amount_full(&figures.stated)
        ));
    }
    if figures.unmetered_tokens > 0 {
        notes.push(format!(
            "{} tokens can't be told from another session's and are in no amount.",
            wording::tokens(figures.unmetered_tokens)
        ));
    }
    for row in &board.sources {
        notes.extend(row.gaps.iter().map(|gap| format!("{}: {gap}", row.info.name)));
        if row.problem_count > 0 {
            let lines = if row.problem_count == 1 { "line" } else { "lines" };
            notes.push(format!(
                "{}: {} {lines} could not be read; `spendbar doctor` shows where.",
                row.info.name, row.problem_count
            ));
        }
    }
    if figures.partial && notes.is_empty() {
        notes.push("Something is missing from these figures; `spendbar doctor` says more.".into());
    }
    notes.extend(incidents(board.sources.iter(), board.zone));
    if board.loading {
        notes.push("Not every source was looked at yet.".into());
    }
    notes
}

/// What providers report of their own faults, each once although several rows are marked.
pub(in crate::faces::cli) fn incidents<'a>(
    rows: impl Iterator<Item = &'a SourceRow>,
    zone: Tz,
) -> Vec<String> {
    let mut told = Vec::new();
    for incident in rows.filter_map(|row| row.incident.as_ref()) {
        let sentence = wording::incident(incident, zone);
        if !told.contains(&sentence) {
            told.push(sentence);
        }
    }
    told
}

fn failure(row: &SourceRow, board: &Board) -> Option<String> {
    let error = row.error.as_ref()?;
    Some(wording::failure(row.info, error, row.retry_at, board.now, board.zone))
}

#[cfg(test)]
pub(in crate::faces::cli) mod tests {
    use super::*;
    use crate::board::{AlertRow, BalanceRow, Basis, Figures, Forecast, ModelRow};
    use crate::spend::{
        AlertKind, Balance, Currency, Cycle, Quantity, QuotaWindow, Severity, SourceError,
        TokenCounts, UsedOf,
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
            zone: chrono_tz::Europe::Berlin,
            today: "2026-11-24".parse().expect("day"),
            headline: Headline::Spend,
            figures: Figures {
                spend: usd("0"),
                spend_estimated: false,
                list: usd("0"),
                billed: None,
                billed_other: Vec::new(),
                converted: Vec::new(),
                covered: usd("0"),
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
        let sentence =
            "OpenAI's status page mentions “Partially Degraded Service” (as of 15:50).\n";
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
        let unknown =
            Board { headline: Headline::Billed, demo: true, state: State::Error, ..empty() };
        assert_eq!(one_line(&unknown), "demo – x\n");
    }
}
