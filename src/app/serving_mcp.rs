//! `mcp`: answers for agents that ask.
//!
//! Config and ledger are read anew for each question and closed again: nothing is held while nobody
//! asks, and a changed config counts at once. Nothing is written; a ledger that is missing, damaged or
//! of another version is said and left alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::board::report;
use crate::board::session_cost::{Which, session_cost};
use crate::config::{Config, ConfigError};
use crate::faces::cli::args::DayArg;
use crate::faces::mcp::question::{Question, ReportAsked};
use crate::faces::mcp::report::HIDDEN;
use crate::faces::mcp::{Reply, Told, budgets, server, session, today};
use crate::ledger::{Ledger, LedgerError};
use crate::spend::period::local_day;

use super::App;
use super::asking::{board, prepared};

/// How long a question waits for a ledger that another process holds.
const LEDGER_WAIT: Duration = Duration::from_secs(5);

/// Serves the agent that started this, until it closes standard input.
///
/// # Errors
/// The other end does not speak the protocol.
pub(super) fn serve(app: &App) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Input and output take one each; two questions at a time are enough.
        .max_blocking_threads(4)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .context("starting the server")?;
    let folders = working_folders(app);
    let app = app.clone();
    let ask = move |question| answer(&app, &folders, question);
    let served = runtime.block_on(server::serve(Arc::new(ask)));
    // A read of standard input can't be called back, and must not hold up the end.
    runtime.shutdown_background();
    Ok(served?)
}

/// The folder this was started in, by its names: the system resolves links, the shell and agents may
/// not.
fn working_folders(app: &App) -> Vec<String> {
    let Ok(folder) = std::env::current_dir() else { return Vec::new() };
    let is_same = |other: &PathBuf| {
        let resolve = |path: &Path| path.canonicalize().ok();
        other.is_absolute() && *other != folder && resolve(other) == resolve(&folder)
    };
    let told = app.places.variables.get("PWD").map(PathBuf::from).filter(is_same);
    [Some(folder.clone()), told].into_iter().flatten().map(|it| it.display().to_string()).collect()
}

/// One answer, or what keeps it from being given, in words that name no project.
fn answer(app: &App, folders: &[String], question: Question) -> Result<Reply, String> {
    let config = app.config().map_err(|error| config_problem(&error))?;
    let told = if config.mcp.projects { Told::Projects } else { Told::FiguresAlone };
    if let Question::Report(asked) = &question
        && asked.names_work()
        && told == Told::FiguresAlone
    {
        return Err(HIDDEN.into());
    }
    let ledger = ledger(app, &config)?;
    match question {
        Question::Today => {
            finished(board(app, &config, &ledger).map(|board| today::answer(&board)))
        }
        Question::Session(name) => {
            let which = name.map_or_else(|| Which::NewestIn(folders.to_vec()), Which::Named);
            what_session_cost(app, &config, &ledger, &which, told)
        }
        Question::Budgets(name) => what_is_left(app, config, &ledger, name, told),
        Question::Report(asked) => where_it_went(app, &config, &ledger, &asked),
    }
}

fn what_session_cost(
    app: &App,
    config: &Config,
    ledger: &Ledger,
    which: &Which,
    told: Told,
) -> Result<Reply, String> {
    let board = board(app, config, ledger).map_err(|error| failed(&error))?;
    let (now, zone) = (board.now, board.zone);
    let cost = session_cost(ledger, which, &board.sources, now, zone)
        .map_err(|error| ledger_problem(&error))?;
    let cost = cost.ok_or_else(|| session::unknown(which))?;
    finished(Ok(session::answer(&cost, which, told, now, zone)))
}

fn what_is_left(
    app: &App,
    mut config: Config,
    ledger: &Ledger,
    name: Option<String>,
    told: Told,
) -> Result<Reply, String> {
    if let Some(name) = name {
        let known: Vec<_> = config.budgets.iter().map(|budget| budget.name.clone()).collect();
        config.budgets.retain(|budget| budget.name == name);
        if config.budgets.is_empty() {
            return Err(budgets::unknown(&name, &known));
        }
    }
    let drawn = board(app, &config, ledger).map(|mut board| {
        for (row, budget) in board.budgets.iter_mut().zip(&config.budgets) {
            if told == Told::FiguresAlone && budget.filter.tells_work_apart() {
                row.scope = budgets::HIDDEN_SCOPE.into();
            }
        }
        budgets::answer(&board)
    });
    finished(drawn)
}

fn where_it_went(
    app: &App,
    config: &Config,
    ledger: &Ledger,
    asked: &ReportAsked,
) -> Result<Reply, String> {
    let today = local_day(app.clock.now(), config.zone);
    let until = asked.until.map_or(today, |day| day.resolve(today));
    let since =
        asked.since.map_or_else(|| DayArg::Before(29).resolve(until), |day| day.resolve(today));
    if since > until {
        return Err(format!("report: since {since} lies after until {until}"));
    }
    let report = report::report(ledger, (since, until), config.zone, &asked.by, &config.people);
    let report = report.map_err(|error| ledger_problem(&error))?;
    finished(Ok(crate::faces::mcp::report::answer(&report, asked.rows)))
}

/// The ledger for asking, and nothing else.
fn ledger(app: &App, config: &Config) -> Result<Ledger, String> {
    let opened = Ledger::open_at_once(&app.ledger_path(), LEDGER_WAIT, false);
    let ledger = opened.map_err(|error| ledger_problem(&error))?.ok_or(
        "nothing was recorded yet: there is no ledger. The user starts Spendbar (`spendbar`), or \
         looks once with `spendbar poll`.",
    )?;
    prepared(app, config, ledger).map_err(|error| failed(&error))
}

fn finished(drawn: anyhow::Result<Result<Reply, serde_json::Error>>) -> Result<Reply, String> {
    drawn.and_then(|reply| Ok(reply?)).map_err(|error| failed(&error))
}

fn failed(error: &anyhow::Error) -> String {
    match error.chain().find_map(|cause| cause.downcast_ref::<LedgerError>()) {
        Some(error) => ledger_problem(error),
        None => format!("{error:#}"),
    }
}

fn ledger_problem(error: &LedgerError) -> String {
    format!("{error}. {}", error.hint())
}

/// Where the config is wrong, and not what stands there: a budget of a project names it, and whether
/// projects may be named, such a config does not tell.
fn config_problem(error: &ConfigError) -> String {
    let places = match error {
        ConfigError::Unreadable { .. } => return format!("the config can't be read: {error}"),
        ConfigError::Invalid { problems, .. } => problems.iter().map(|problem| {
            let line = problem.line;
            match problem.field.as_str() {
                "" => format!("line {line}"),
                field => format!("line {line} ({field})"),
            }
        }),
    };
    let places: Vec<_> = places.collect();
    format!(
        "the config file is wrong in {}. The user sees what it is with `spendbar config check`; \
         figures are told again when it is mended.",
        places.join(", ")
    )
}
