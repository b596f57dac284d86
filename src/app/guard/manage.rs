//! `guard install`, `uninstall`, `allow` and `status`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

use crate::app::App;
use crate::app::lock::is_running;
use crate::config::Config;
use crate::faces::cli::args::{AllowArgs, GuardChangeArgs, GuardCommand, Until};
use crate::faces::cli::guard::{self as face, AgentRow, Hooked, Status};
use crate::faces::cli::style::Style;
use crate::hooks::file::{self, Settings};
use crate::hooks::{self, AGENTS, Agent};
use crate::ledger::Ledger;
use crate::monitor::guarding;
use crate::platform::shell;
use crate::spend::Zone;
use crate::spend::period::{day_start, local_day};

pub(in crate::app) fn run(
    app: &App,
    command: Option<GuardCommand>,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match command {
        Some(GuardCommand::Install(args)) => install(app, &args, out),
        Some(GuardCommand::Uninstall(args)) => uninstall(app, &args, out),
        Some(GuardCommand::Allow(args)) => allow(app, &args, out),
        Some(GuardCommand::Status(args)) => status(app, args.json, style, out),
        None => status(app, false, style, out),
    }
}

fn install(app: &App, args: &GuardChangeArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let agent = agent(&args.agent)?;
    let settings = settings(app, agent)?;
    let command = command(agent)?;
    let old = settings.text.clone().unwrap_or_default();
    let new = agent.add(&old, &command).with_context(|| settings.path.display().to_string())?;
    if settings.text.as_deref() == Some(&*new) {
        face::installed_already(out, agent.name, &settings.path)?;
    } else {
        face::change(out, &settings.path, &file::difference(&old, &new))?;
        if !agreed(args, out)? {
            return Ok(());
        }
        file::write(&settings, Some(&new))?;
        face::installed(out, agent.name, agent.then, agent.limits)?;
    }
    let config = app.config()?;
    let none = config.budgets.iter().all(|budget| !config.guard.count(budget));
    if none && config.guard.session.is_none() {
        face::nothing_limited(out)?;
    }
    Ok(())
}

fn uninstall(app: &App, args: &GuardChangeArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let agent = agent(&args.agent)?;
    let settings = settings(app, agent)?;
    let old = settings.text.clone().unwrap_or_default();
    let new = agent.remove(&old).with_context(|| settings.path.display().to_string())?;
    if new.as_ref() == Some(&old) {
        return Ok(face::not_installed(out, agent.name, &settings.path)?);
    }
    let difference = file::difference(&old, new.as_deref().unwrap_or_default());
    face::change(out, &settings.path, &difference)?;
    if !agreed(args, out)? {
        return Ok(());
    }
    file::write(&settings, new.as_deref())?;
    Ok(face::uninstalled(out, agent.name, new.is_none())?)
}

/// Whether the change that was shown is to be made.
fn agreed(args: &GuardChangeArgs, out: &mut dyn Write) -> anyhow::Result<bool> {
    if args.dry_run || args.yes {
        return Ok(args.yes && !args.dry_run);
    }
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        bail!("nothing was changed: --yes makes the change without asking");
    }
    face::ask(out)?;
    out.flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    let agreed = matches!(answer.trim(), "y" | "Y" | "yes");
    if !agreed {
        face::nothing_changed(out)?;
    }
    Ok(agreed)
}

fn agent(id: &str) -> anyhow::Result<&'static Agent> {
    hooks::find(id).with_context(|| {
        let known: Vec<_> = AGENTS.iter().map(|agent| agent.id).collect();
        format!("{id:?} is no agent whose hooks are known; write one of {}", known.join(", "))
    })
}

fn settings(app: &App, agent: &Agent) -> anyhow::Result<Settings> {
    Ok(file::read(&settings_path(app, agent))?)
}

fn settings_path(app: &App, agent: &Agent) -> PathBuf {
    let variable = |name: &str| {
        let value = app.places.variables.get(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    agent.settings(&app.places.home, &variable)
}

/// The command that the agent is to run: this program, wherever it is.
fn command(agent: &Agent) -> anyhow::Result<String> {
    let program = std::env::current_exe().context("finding out where this program is")?;
    let quoted = shell::quoted(&program).with_context(|| {
        format!("{} has characters that a shell can't be told", program.display())
    })?;
    Ok(agent.command(&quoted))
}

fn allow(app: &App, args: &AllowArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let config = app.config()?;
    let now = app.clock.now();
    let until = until(args, now, config.zone)?;
    let ledger = crate::app::open_ledger(app)?;
    guarding::allow(&ledger, until)?;
    Ok(face::allowed(out, until, now, config.zone)?)
}

fn until(
    args: &AllowArgs,
    now: DateTime<Utc>,
    zone: Zone,
) -> anyhow::Result<Option<DateTime<Utc>>> {
    let today = local_day(now, zone);
    let next_day = || today.checked_add_days(Days::new(1)).unwrap_or(today);
    let at = |day, time: NaiveTime| {
        // A time that the clocks skip is reached when they have skipped it.
        let start = day_start(day, zone);
        let passed = time.signed_duration_since(NaiveTime::MIN);
        let local = chrono::NaiveDate::and_time(&day, time).and_local_timezone(zone).earliest();
        local.map_or(start + passed, |local| local.with_timezone(&Utc))
    };
    match (args.minutes, args.until) {
        (Some(minutes), _) => Ok(Some(now + TimeDelta::minutes(minutes))),
        (None, Some(Until::Tomorrow)) => Ok(Some(day_start(next_day(), zone))),
        (None, Some(Until::Time(time))) => {
            let today_at = at(today, time);
            Ok(Some(if today_at > now { today_at } else { at(next_day(), time) }))
        }
        (None, None) if args.off => Ok(None),
        (None, None) => bail!("write --for 1h, --until tomorrow or --off"),
    }
}

fn status(app: &App, json: bool, style: &Style, out: &mut dyn Write) -> anyhow::Result<()> {
    let now = app.clock.now();
    let config = app.config()?;
    let mut ledger = Ledger::open_read_only(&app.ledger_path())?;
    let (limits, allowed_until) = match &mut ledger {
        None => (None, None),
        Some(ledger) => {
            ledger.reckon_with(config.rates.clone(), config.plans.clone());
            let limits = guarding::reckon(ledger, &config, now)?;
            (Some(limits), guarding::allowed_until(ledger, now)?)
        }
    };
    let status = Status {
        agents: AGENTS.iter().map(|agent| row(app, agent)).collect(),
        limits: limits.as_ref().map(|limits| limits.budgets.clone()).unwrap_or_default(),
        unreckoned: unreckoned(&config, limits.is_some()),
        session: config.guard.session.map(|amount| (amount, config.guard.hard_percent)),
        as_of: limits.map(|limits| limits.as_of),
        is_running: is_running(app),
        allowed_until,
        now,
        zone: config.zone,
    };
    if json {
        face::json(out, &status)?;
    } else {
        face::text(out, &status, style)?;
    }
    Ok(())
}

/// Budgets of which nothing is known, because there is no ledger.
fn unreckoned(config: &Config, has_ledger: bool) -> Vec<String> {
    let budgets = config.budgets.iter().filter(|budget| !has_ledger && config.guard.count(budget));
    budgets.map(|budget| budget.name.clone()).collect()
}

fn row(app: &App, agent: &'static Agent) -> AgentRow {
    let settings = settings_path(app, agent);
    let read = file::read(&settings).map_err(|error| error.to_string()).and_then(|found| {
        let installed = agent.installed(&found.text.unwrap_or_default());
        installed.map_err(|error| error.to_string())
    });
    let hooked = match read {
        Ok(None) => Hooked::No,
        Ok(Some(found)) if command(agent).is_ok_and(|ours| ours == found) => Hooked::Yes,
        Ok(Some(command)) => Hooked::OtherProgram(command),
        Err(error) => Hooked::Unknown(error),
    };
    AgentRow { id: agent.id, name: agent.name, settings, hooked }
}
