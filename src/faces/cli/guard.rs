//! `guard`: which agents have the hook, and what was changed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::json;
use super::style::{Cut, Style, clean};
use super::table::{Column, Table};
use crate::board::wording::{self, guard as words};
use crate::budgets::guard::{Limit, Of, Reach, SESSION_HOURS};
use crate::spend::{Money, Zone};

/// How the guard stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// Every agent whose hooks are known.
    pub agents: Vec<AgentRow>,
    /// The budgets it looks at, with what was spent.
    pub limits: Vec<Limit>,
    /// Names of budgets of which nothing is known yet.
    pub unreckoned: Vec<String>,
    /// What one session may cost, and at how many percent it is stopped.
    pub session: Option<(Money, u32)>,
    /// The time of the newest figures; `None` without a ledger.
    pub as_of: Option<DateTime<Utc>>,
    /// Whether the program runs and keeps the figures new.
    pub is_running: bool,
    /// Until when agents may go on regardless.
    pub allowed_until: Option<DateTime<Utc>>,
    /// The time.
    pub now: DateTime<Utc>,
    /// The zone of times.
    pub zone: Zone,
}

/// An agent and its hook.
#[derive(Clone, Debug)]
pub struct AgentRow {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its settings file, there or not.
    pub settings: PathBuf,
    /// Whether the hook is in it.
    pub hooked: Hooked,
}

/// Whether an agent has the hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hooked {
    /// It has.
    Yes,
    /// It has not.
    No,
    /// It has one that runs a Spendbar elsewhere, by this command.
    OtherProgram(String),
    /// The settings can't be read.
    Unknown(String),
}

/// Writes how the guard stands.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, status: &Status, style: &Style) -> io::Result<()> {
    let mut table = Table::new(vec![
        Column::Name("Agent", Cut::End),
        Column::Word("Id"),
        Column::Word("Hook"),
        Column::Name("Settings", Cut::Start),
    ]);
    for agent in &status.agents {
        let settings = agent.settings.display().to_string();
        table.row(vec![agent.name.into(), agent.id.into(), hook_word(&agent.hooked), settings]);
    }
    table.write(out, style, 0)?;
    for agent in &status.agents {
        match &agent.hooked {
            Hooked::Unknown(error) => writeln!(out, "{}: {}", agent.name, clean(error))?,
            Hooked::OtherProgram(command) => writeln!(
                out,
                "{} runs another Spendbar: {}. `spendbar guard install {}` puts it right.",
                agent.name,
                clean(command),
                agent.id
            )?,
            Hooked::Yes | Hooked::No => {}
        }
    }
    writeln!(out)?;
    for limit in &status.limits {
        writeln!(out, "{}", capital(&standing(limit)))?;
    }
    for name in &status.unreckoned {
        writeln!(out, "Budget {:?}: no figures yet. Start Spendbar once.", clean(name))?;
    }
    if let Some((amount, hard)) = &status.session {
        let amount = wording::amount_short(amount);
        writeln!(
            out,
            "A session may cost {amount} at list price in {SESSION_HOURS} hours, and is stopped at \
             {hard} %."
        )?;
    }
    if status.limits.is_empty() && status.unreckoned.is_empty() && status.session.is_none() {
        nothing_limited(out)?;
    }
    if let Some(until) = status.allowed_until {
        let until = words::time(until, status.now, status.zone);
        writeln!(out, "Agents may go on until {until}, whatever they have spent.")?;
    }
    if let Some(as_of) = status.as_of.filter(|_| !status.is_running) {
        let stale = words::Stale { as_of };
        writeln!(out, "{}", words::not_running(stale, status.now, status.zone))?;
    }
    Ok(())
}

fn hook_word(hooked: &Hooked) -> String {
    match hooked {
        Hooked::Yes => "installed",
        Hooked::No => "–",
        Hooked::OtherProgram(_) => "of another program",
        Hooked::Unknown(_) => "unknown",
    }
    .into()
}

fn standing(limit: &Limit) -> String {
    let spent = wording::estimate(limit.estimated, wording::amount_short(&limit.spent));
    let share = wording::percent(limit.permille());
    let unpriced = match limit.unpriced_tokens {
        0 => String::new(),
        tokens => {
            format!(" {} tokens without a known price are not in it.", wording::tokens(tokens))
        }
    };
    let then = match limit.reach() {
        Reach::Hard => format!("agents are stopped since {} %", limit.hard_percent),
        Reach::Soft | Reach::Within => format!(
            "agents are warned at {} % and stopped at {} %",
            limit.soft_percent, limit.hard_percent
        ),
    };
    format!("{}: {spent} spent, {share}; {then}.{unpriced}", words::limited(limit))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Writes a change before it is made.
///
/// # Errors
/// Those of the writer.
pub fn change(out: &mut dyn Write, path: &Path, difference: &str) -> io::Result<()> {
    writeln!(out, "{}:", path.display())?;
    for line in difference.lines() {
        // A tab is no character to clean away here, and as wide as one likes.
        writeln!(out, "  {}", clean(&line.replace('\t', "    ")))?;
    }
    Ok(())
}

/// Asks whether to make the change.
///
/// # Errors
/// Those of the writer.
pub fn ask(out: &mut dyn Write) -> io::Result<()> {
    write!(out, "Make this change? [y/N] ")
}

/// Writes that all is as it was.
///
/// # Errors
/// Those of the writer.
pub fn nothing_changed(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Nothing was changed.")
}

/// Writes what `guard install` did.
///
/// # Errors
/// Those of the writer.
pub fn installed(out: &mut dyn Write, name: &str, then: &str, limits: &str) -> io::Result<()> {
    writeln!(out, "{name} now asks Spendbar before it goes on. {then}")?;
    if limits.is_empty() { Ok(()) } else { writeln!(out, "{limits}") }
}

/// Writes that there was nothing to install.
///
/// # Errors
/// Those of the writer.
pub fn installed_already(out: &mut dyn Write, name: &str, path: &Path) -> io::Result<()> {
    writeln!(out, "{name} has the hook already: {}", path.display())
}

/// Writes what `guard uninstall` did.
///
/// # Errors
/// Those of the writer.
pub fn uninstalled(out: &mut dyn Write, name: &str, is_removed: bool) -> io::Result<()> {
    let file = if is_removed { " The file held nothing else and is gone." } else { "" };
    writeln!(out, "{name} no longer asks Spendbar.{file}")
}

/// Writes that there was nothing to uninstall.
///
/// # Errors
/// Those of the writer.
pub fn not_installed(out: &mut dyn Write, name: &str, path: &Path) -> io::Result<()> {
    writeln!(out, "{name} has no hook of Spendbar in {}", path.display())
}

/// Writes that the hook has nothing to stop an agent for.
///
/// # Errors
/// Those of the writer.
pub fn nothing_limited(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "No budget is set, so no agent is stopped. Set one: spendbar budget set 50 --per day"
    )
}

/// Writes what `guard allow` did.
///
/// # Errors
/// Those of the writer.
pub fn allowed(
    out: &mut dyn Write,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    zone: Zone,
) -> io::Result<()> {
    match until {
        Some(until) => {
            let until = words::time(until, now, zone);
            writeln!(out, "Agents may go on until {until}, whatever they have spent.")
        }
        None => writeln!(out, "Agents are stopped at the limits again."),
    }
}

/// Writes `spendbar.guard.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, status: &Status) -> io::Result<()> {
    json::write(
        out,
        &Document {
            schema: "spendbar.guard.v1",
            agents: status.agents.iter().map(AgentJson::of).collect(),
            limits: status.limits.iter().map(LimitJson::of).collect(),
            session_usd: status.session.map(|(amount, _)| amount.to_decimal()),
            as_of: status.as_of.map(json::instant),
            running: status.is_running,
            allowed_until: status.allowed_until.map(json::instant),
        },
    )
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    agents: Vec<AgentJson>,
    limits: Vec<LimitJson>,
    /// What one session may cost at list price within 24 hours.
    session_usd: Option<String>,
    /// The time of the newest figures.
    as_of: Option<String>,
    /// Whether the program runs and keeps the figures new.
    running: bool,
    allowed_until: Option<String>,
}

#[derive(Serialize)]
struct AgentJson {
    id: &'static str,
    name: &'static str,
    settings: String,
    /// `installed`, `none`, `other-program` or `unknown`.
    hook: &'static str,
    /// The command of another program, or why nothing is known.
    detail: Option<String>,
}

impl AgentJson {
    fn of(row: &AgentRow) -> Self {
        let (hook, detail) = match &row.hooked {
            Hooked::Yes => ("installed", None),
            Hooked::No => ("none", None),
            Hooked::OtherProgram(command) => ("other-program", Some(command.clone())),
            Hooked::Unknown(error) => ("unknown", Some(error.clone())),
        };
        Self {
            id: row.id,
            name: row.name,
            settings: row.settings.display().to_string(),
            hook,
            detail,
        }
    }
}

#[derive(Serialize)]
struct LimitJson {
    budget: Option<String>,
    period: Option<String>,
    amount_usd: String,
    spent_usd: String,
    estimated: bool,
    unpriced_tokens: u64,
    soft_percent: u32,
    hard_percent: u32,
    /// `within`, `soft` or `hard`.
    reach: &'static str,
}

impl LimitJson {
    fn of(limit: &Limit) -> Self {
        let (budget, period) = match &limit.of {
            Of::Session => (None, None),
            Of::Budget { name, period, .. } => (Some(name.clone()), Some(period.to_string())),
        };
        Self {
            budget,
            period,
            amount_usd: limit.amount.to_decimal(),
            spent_usd: limit.spent.to_decimal(),
            estimated: limit.estimated,
            unpriced_tokens: limit.unpriced_tokens,
            soft_percent: limit.soft_percent,
            hard_percent: limit.hard_percent,
            reach: match limit.reach() {
                Reach::Within => "within",
                Reach::Soft => "soft",
                Reach::Hard => "hard",
            },
        }
    }
}
