use insta::assert_snapshot;

use super::*;
use crate::faces::examples;

/// A row a line; what does something is marked `>`, captions `=`. Figure spaces show as `_`
/// and `,` spaces as `'`.
fn text(board: &Board) -> String {
    let line = |row: &MenuRow| {
        let text = row.text.replace('\u{2007}', "_").replace('\u{2008}', "'");
        match row.kind {
            RowKind::Headline => format!("# {text}"),
            RowKind::Caption => format!("= {text}"),
            RowKind::Fact => format!("  {text}"),
            RowKind::Separator => "  ---".into(),
            RowKind::Action(_) => format!("> {text}"),
        }
    };
    menu(board).iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_calm_day() {
    assert_snapshot!(text(&examples::calm()), @"
    # Today ≈ $214.37 · 42 % of $500
      List price $214.37 · billed $98.02
      Shown: the bill where there is one, else list price
      ---
    = Budgets
      ▰▰▰▰▱▱▱▱▱▱ 42 % of $500 · daily, ≈ $214.37, $285.63 left, speaks at 100 %
      ---
    = Sources
      ≈ $210.37  Claude Code
      __≈ $4.00  Codex
      __ $98.02  OpenAI
      ---
    = Top models today
      ≈ $180.10  claude-opus-4-5 · 4.2 M tokens
      _≈ $34.27  gpt-5.5 · 4.2 M tokens
      ______ '–  local-llama · 4.2 M tokens, no known price
      ---
    > Open details
    > Refresh now
    > Pause
    > Snooze alerts for 1 h
    > Snooze alerts until tomorrow
    > Copy summary
    > Open config
    > Quit
    ");
}

#[test]
fn a_week_of_the_icon() {
    let menu = text(&examples::weekly());
    let told: Vec<_> = menu.lines().filter(|line| !line.starts_with('>')).take(10).collect();
    assert_snapshot!(told.join("\n"), @"
    # This week ≈ $1,204.08 · 42 % of today's $500
      Today ≈ $214.37 · list price $214.37 · billed $98.02
      Shown: the bill where there is one, else list price
      Not counted this week: 4.1 M tokens have no known price
      ---
    = Budgets
      ▰▰▰▰▱▱▱▱▱▱ 42 % of $500 · daily, ≈ $214.37, $285.63 left, speaks at 100 %
      ---
    = Sources today
      ≈ $210.37  Claude Code
    ");
}

#[test]
fn near_a_budget() {
    assert_snapshot!(text(&examples::near()), @"
    # Today ≈ $402.00 · 80 % of $500
      List price $402.00 · billed $98.02
      At this pace ≈ $610.00 to $680.00 by midnight, 128 % of $500
      ---
    = Budgets
      ▰▰▰▰▰▰▰▰▱▱ 80 % of $500 · daily, ≈ $402.00, $98 left, speaks at 100 %
      ---
    = Sources
      ≈ $210.37  Claude Code
      __≈ $4.00  Codex
      __ $98.02  OpenAI
      ---
    = Top models today
      ≈ $180.10  claude-opus-4-5 · 4.2 M tokens
      Last alert 3 min ago: 80 % of today's budget: $402 of $500
      ---
    > Open details
    > Refresh now
    > Pause
    > Raise “daily” by 25 % to $625
    > Snooze alerts for 1 h
    > Snooze alerts until tomorrow
    > Copy summary
    > Open config
    > Quit
    ");
}

#[test]
fn over_a_budget() {
    assert_snapshot!(text(&examples::over()), @"
    # Today ≈ $635.00 · 130 % of this month's $5,000
      List price $635.00 · billed $98.02
      ---
    = Budgets
      ▰▰▰▰▰▰▰▰▰▰ 127 % of $500 · daily, ≈ $635.00, $135 over, speaks at 100 %
      ▰▰▰▰▰▰▰▰▰▰ 130 % of this month's $5,000 · monthly, ≈ $6,512.05, $1,512.05 over, speaks at 100 %
      ---
    = Sources
      ≈ $210.37  Claude Code
      __≈ $4.00  Codex
      __ $98.02  OpenAI
      ---
    = Top models today
      ≈ $180.10  claude-opus-4-5 · 4.2 M tokens
      ---
    > Open details
    > Refresh now
    > Pause
    > Raise “daily” by 25 % to $625
    > Raise “monthly” by 25 % to $6,250
    > Snooze alerts for 1 h
    > Snooze alerts until tomorrow
    > Copy summary
    > Open config
    > Quit
    ");
}

#[test]
fn old_figures_say_their_age() {
    assert_snapshot!(text(&examples::stale()), @"
    # Today ≈ $214.37 · 42 % of $500
      Last figures: at 11:05
      List price $214.37 · billed $98.02
      Shown: the bill where there is one, else list price
      ---
    = Budgets
      ▰▰▰▰▱▱▱▱▱▱ 42 % of $500 · daily, ≈ $214.37, $285.63 left, speaks at 100 %
      ---
    = Sources
      ≈ $210.37  Claude Code · at 11:05
      __≈ $4.00  Codex · at 11:05
      __ $98.02  OpenAI · no answer · at 11:05
      ---
    = Top models today
      ≈ $180.10  claude-opus-4-5 · 4.2 M tokens
      _≈ $34.27  gpt-5.5 · 4.2 M tokens
      ---
    > Open details
    > Refresh now
    > Pause
    > Snooze alerts for 1 h
    > Snooze alerts until tomorrow
    > Copy summary
    > Open config
    > Quit
    ");
}

#[test]
fn a_fault_that_a_provider_reports_marks_its_rows_and_nothing_else() {
    let calm = text(&examples::calm());
    let marked = text(&examples::incident());
    let rows: Vec<_> = marked.lines().filter(|line| !calm.lines().any(|it| it == *line)).collect();
    assert_eq!(
        rows,
        ["  __≈ $4.00  Codex · status: major outage", "  __ $98.02  OpenAI · status: major outage"]
    );
    assert_eq!(calm.lines().count(), marked.lines().count());
}

#[test]
fn no_source_gives_figures() {
    assert_snapshot!(text(&examples::error()), @"
    # Today –
      No source gives figures
      ---
    = Sources
      –  OpenAI · key refused
      ---
    > Open details
    > Refresh now
    > Pause
    > Snooze alerts for 1 h
    > Snooze alerts until tomorrow
    > Copy summary
    > Open config
    > Quit
    ");
}

#[test]
fn paused() {
    assert_snapshot!(text(&examples::paused()), @"
    # Today ≈ $214.37 · 42 % of $500
      Paused, figures from 1 min ago
      List price $214.37 · billed $98.02
      Shown: the bill where there is one, else list price
      ---
    = Budgets
      ▰▰▰▰▱▱▱▱▱▱ 42 % of $500 · daily, ≈ $214.37, $285.63 left, speaks at 100 %
      ---
    = Sources
      ≈ $210.37  Claude Code
      __≈ $4.00  Codex
      __ $98.02  OpenAI
      ---
    = Top models today
      ≈ $180.10  claude-opus-4-5 · 4.2 M tokens
      _≈ $34.27  gpt-5.5 · 4.2 M tokens
      ---
    > Open details
    > Refresh now
    > Resume
    > Snooze alerts for 1 h
    > Snooze alerts until tomorrow
    > Copy summary
    > Open config
    > Quit
    ");
}

#[test]
fn nothing_found_at_all() {
    assert_snapshot!(text(&examples::empty()), @"
    # Today –
      Nothing to read yet: no agent logs, no provider key
      Where it looked: spendbar doctor
      Add a provider: spendbar key set openai-admin
      See it at work: spendbar demo
      ---
    > Open details
    > Refresh now
    > Pause
    > Copy summary
    > Open config
    > Quit
    ");
}

#[test]
fn the_first_seconds() {
    assert_snapshot!(text(&examples::loading()), @"
    # Today ≈ $12.40 · 2 % of $500
      Still reading, the figures will grow
      List price $12.40 · billed $98.02
      Shown: the bill where there is one, else list price
      ---
    = Budgets
      ▱▱▱▱▱▱▱▱▱▱ 2 % of $500 · daily, ≈ $12.40, $487.60 left, speaks at 100 %
      ---
    = Sources
      ≈ $210.37  Claude Code
      ______ '–  Codex · not read yet
      ______ '–  OpenAI · not read yet
      ---
    = Top models today
      ≈ $180.10  claude-opus-4-5 · 4.2 M tokens
      _≈ $34.27  gpt-5.5 · 4.2 M tokens
      ---
    > Open details
    > Refresh now
    > Pause
    > Snooze alerts for 1 h
    > Snooze alerts until tomorrow
    > Copy summary
    > Open config
    > Quit
    ");
}

#[test]
fn the_famous_scale_in_the_demo() {
    assert_snapshot!(text(&examples::famous()), @"
    # Demo · today ≈ $20,012.84 · 100 % of $20,000
      List price $20,012.84 · billed $19,985.84
      ---
    = Budgets
      ▰▰▰▰▰▰▰▰▰▰ 100 % of $20,000 · daily, ≈ $20,012.84, $12.84 over, speaks at 100 %
      ▰▰▰▰▰▰▱▱▱▱ 65 % of this month's $2,000,000 · monthly, ≈ $1.31 M, $694,911.19 left, speaks at 100 %
      ---
    = Sources
      __'≈ $12.10  Claude Code
      ___'≈ $4.00  Codex
       $19,985.84  OpenAI
      ---
    = Top models today
      ≈ $1.31 M  claude-opus-4-5 · 18.2 B tokens
       ≈ $34.27  gpt-5.5 · 4.2 M tokens
      ---
    > Open details
    > Refresh now
    > Pause
    > Raise “daily” by 25 % to $25,000
    > Snooze alerts for 1 h
    > Snooze alerts until tomorrow
    > Copy summary
    > Open config
    > Quit
    ");
}

#[test]
fn everything_at_once_stays_within_the_limit() {
    let board = examples::crowded();
    let rows = menu(&board);
    assert!(rows.len() <= MOST_ROWS, "{}", rows.len());
    assert_eq!(rows.last().and_then(MenuRow::action), Some(&Action::Quit));
    assert_snapshot!(text(&board), @"
    # Today ≈ $402.00 · 80 % of $500
      Still reading, the figures will grow
      the config has an error in line 3
      List price $402.00 · billed $98.02
      Not counted: 4.1 M tokens have no known price, 18.2 k tokens can't be told from another session's
      At this pace ≈ $610.00 to $680.00 by midnight, 128 % of $500
      ---
    = Budgets
      ▰▰▰▰▰▰▰▰▱▱ 80 % of $500 · daily, ≈ $402.00, $98 left, speaks at 100 % · 6 more: spendbar budget list
      ---
    = Sources
      ≈ $210.37  Claude Code · 8 more: spendbar sources
      Last alert 3 min ago: 80 % of today's budget: $402 of $500
      ---
    > Open details
    > Refresh now
    > Pause
    > Raise “daily” by 25 % to $625
    > Snooze alerts for 1 h
    > Snooze alerts until tomorrow
    > Copy summary
    > Open config
    > Quit
    ");
}

#[test]
fn only_actions_do_something() {
    let hour = Action::Snooze(SnoozeFor::Hour);
    let tomorrow = Action::Snooze(SnoozeFor::Tomorrow);
    let raise = Action::Raise("daily".into());
    for (board, about_alerts) in [
        (examples::empty(), vec![]),
        (examples::calm(), vec![&hour, &tomorrow]),
        (examples::crowded(), vec![&raise, &hour, &tomorrow]),
    ] {
        let rows = menu(&board);
        let actions: Vec<_> = rows.iter().filter_map(MenuRow::action).collect();
        let mut expected = vec![&Action::OpenPage, &Action::Refresh, &Action::TogglePause];
        expected.extend(about_alerts);
        expected.extend([&Action::CopySummary, &Action::OpenConfig, &Action::Quit]);
        assert_eq!(actions, expected);
    }
}

#[test]
fn how_far_bills_are_from_the_list_price() {
    use crate::board::Difference;
    use crate::spend::{Currency, Money};

    let usd = |text| Money::parse(text, Currency::USD).expect("an amount");
    let of = |account: &str, billed, list| Difference {
        account: account.into(),
        billed: usd(billed),
        list: usd(list),
        reason: None,
    };
    let mut board = examples::calm();
    board.differences =
        vec![of("anthropic", "4.1", "5.2"), of("openai", "98.02", "90"), of("xai", "1", "2")];
    let menu = text(&board);
    let rows: Vec<&str> = menu.lines().skip(2).take(4).collect();
    assert_snapshot!(rows.join("\n"), @"
      anthropic: bill $4.10 · list $5.20 · -$1.10 (-21 %)
      openai: bill $98.02 · list $90.00 · +$8.02 (+8.9 %) · 1 more: spendbar reconcile
      ---
    = Budgets
    ");
    assert!(menu.lines().count() <= MOST_ROWS);
}

#[test]
fn a_snooze_is_told_and_can_be_ended() {
    let mut board = examples::near();
    let until = board.now + chrono::Duration::hours(1);
    board.snoozes = vec![
        crate::board::Snooze { budget: None, until },
        crate::board::Snooze { budget: Some("daily".into()), until },
    ];
    let text = text(&board);
    assert_snapshot!(text.lines().rev().take(6).collect::<Vec<_>>().join("\n"), @"
    > Quit
    > Open config
    > Copy summary
    > Alerts are snoozed until 14:05 · 1 more · stop
    > Raise “daily” by 25 % to $625
    > Pause
    ");
    // Of one budget alone: all others can be snoozed too.
    let mut crowded = examples::crowded();
    crowded.snoozes = board.snoozes.split_off(1);
    let rows = menu(&crowded);
    assert!(rows.len() <= MOST_ROWS, "{}", rows.len());
    let offers = |action| rows.iter().any(|row| row.action() == Some(&Action::Snooze(action)));
    assert!(offers(SnoozeFor::Off) && offers(SnoozeFor::Hour) && offers(SnoozeFor::Tomorrow));
}

#[test]
fn electricity_is_a_range_and_only_there_when_it_is_asked_for() {
    use crate::board::energy::{Footprint, Range};

    assert!(!text(&examples::calm()).contains("Electricity"));
    let wh = 1_000_000_000;
    let energy_nwh = Range { low: 950 * wh, middle: 3_000 * wh, high: 12_400 * wh };
    let energy = Some(Footprint { energy_nwh, ..Footprint::default() });
    let shown = text(&Board { energy, ..examples::calm() });
    assert!(shown.contains("\n  Electricity today ≈ 950 Wh to 12 kWh (estimate)\n"), "{shown}");
    let full = menu(&Board { energy, ..examples::crowded() });
    assert!(full.len() <= MOST_ROWS, "{} rows", full.len());
}
