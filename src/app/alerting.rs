//! `alerts`: the list, a test of every channel, and snoozes.

use std::io::Write;

use anyhow::bail;

use crate::board;
use crate::faces::cli::alerts::{self, Told};
use crate::faces::cli::args::{AlertsArgs, AlertsCommand};
use crate::faces::cli::style::Style;
use crate::faces::notify::{Notice, Notifier, Urgency};
use crate::ledger::Snooze;
use crate::monitor::delivery;
use crate::spend::SnoozeFor;
use crate::spend::alert::DESKTOP;

use super::App;

/// How many alerts `alerts` tells.
const ALERTS: u32 = 1000;

pub(super) fn alerts(
    app: &App,
    args: &AlertsArgs,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match &args.command {
        None => list(app, args.json, style, out),
        Some(AlertsCommand::Test) => test(app, style, out),
        Some(AlertsCommand::Snooze { how, budget }) => snooze(app, *how, budget.clone(), out),
    }
}

fn list(app: &App, as_json: bool, style: &Style, out: &mut dyn Write) -> anyhow::Result<()> {
    let (config, ledger) = super::asking::open(app)?;
    let rows: Vec<_> = ledger.alerts(ALERTS)?.into_iter().map(board::alert_row).collect();
    let now = app.clock.now();
    let snoozes = ledger.snoozes(now)?;
    let told = Told { alerts: &rows, snoozes: &snoozes, now, zone: config.zone };
    if as_json {
        alerts::json(out, &told)?;
    } else {
        alerts::text(out, &told, style)?;
    }
    Ok(())
}

/// Sends a test everywhere; nothing of it is recorded.
fn test(app: &App, style: &Style, out: &mut dyn Write) -> anyhow::Result<()> {
    let setup = app.setup()?;
    let ledger = super::open_ledger(app)?;
    let mut outcomes = Vec::new();
    if setup.config.notifications {
        let (title, body) = delivery::test_words(app.clock.now());
        let demo = if app.demo { "[demo] " } else { "" };
        let notice = Notice {
            title: format!("{demo}{title}"),
            body,
            urgency: Urgency::Normal,
            tag: "test".into(),
            replies: Vec::new(),
        };
        let shown = Notifier::without_replies().notify(&notice);
        outcomes.push((DESKTOP.to_owned(), shown.map_err(|error| error.to_string())));
    }
    outcomes.extend(delivery::test(&setup, &ledger)?);
    alerts::tested(out, &outcomes, style)?;
    out.flush()?;
    match outcomes.iter().filter(|(_, outcome)| outcome.is_err()).count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} tests did not arrive", outcomes.len()),
    }
}

fn snooze(
    app: &App,
    how: SnoozeFor,
    budget: Option<String>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let config = app.config()?;
    if let Some(name) = &budget
        && !config.budgets.iter().any(|budget| budget.name == *name)
    {
        let known: Vec<_> = config.budgets.iter().map(|budget| budget.name.as_str()).collect();
        bail!("no budget is named {name:?}; there is {}", known.join(", "));
    }
    let ledger = super::open_ledger(app)?;
    let now = app.clock.now();
    let snooze = how.until(now, config.zone).map(|until| Snooze { budget, until });
    match &snooze {
        Some(snooze) => ledger.snooze(snooze, now)?,
        None => drop(ledger.wake()?),
    }
    Ok(alerts::confirm_snooze(out, snooze.as_ref(), now, config.zone)?)
}
