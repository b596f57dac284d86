//! `check`: whether spend is within budgets, as an exit code.

use std::io::Write;

use anyhow::{Context, bail};

use crate::board::BudgetRow;
use crate::budgets::{Basis, Budget};
use crate::config::Config;
use crate::faces::cli::args::CheckArgs;
use crate::faces::cli::check;
use crate::faces::cli::style::Style;
use crate::monitor::once;
use crate::spend::{Cycle, Filter, Glob, Lists};

use super::{App, asking, lock};

/// More is spent than a limit allows. Everything there is to say has been said.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("over budget")]
pub struct Over;

/// Checks the budgets, or the limit of the arguments.
///
/// # Errors
/// [`Over`], or what went wrong.
pub(super) fn check(
    app: &App,
    args: &CheckArgs,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut config = app.config()?;
    config.budgets = chosen(app, args, &config)?;
    // What a running copy knows is as new as can be. Else the logs may have grown since.
    if !args.no_look && !lock::is_running(app) {
        once::look_at_all(&app.setup()?, true)?;
    }
    let ledger = asking::ledger(app, &config)?;
    let board = asking::board(app, &config, &ledger)?;
    let rows: &[BudgetRow] = &board.budgets;
    let partial = board.figures.partial;
    if args.json {
        check::json(out, rows, partial)?;
    } else {
        check::text(out, rows, partial, style)?;
    }
    out.flush()?;
    if rows.iter().any(check::is_over) { Err(Over.into()) } else { Ok(()) }
}

fn chosen(app: &App, args: &CheckArgs, config: &Config) -> anyhow::Result<Vec<Budget>> {
    if let Some(amount) = args.max {
        let sources = match &args.source {
            Some(source) if config.further.find(source).is_none() => {
                bail!("{source:?} is no source; `spendbar sources` lists them")
            }
            source => source.iter().cloned().collect(),
        };
        let only = Lists {
            sources,
            models: args.model.iter().cloned().collect(),
            projects: args.project.as_deref().map(folder).transpose()?.into_iter().collect(),
            ..Lists::default()
        };
        return Ok(vec![Budget {
            name: "max".into(),
            amount,
            cycle: args.per.unwrap_or(Cycle::Day),
            thresholds_percent: Vec::new(),
            filter: Filter { only, ..Filter::default() },
            basis: Basis::Spend,
            rollover: false,
        }]);
    }
    if args.budgets.is_empty() {
        if config.budgets.is_empty() {
            bail!(
                "no budget is set. Set one with `spendbar budget set 200 --per day`, or check a \
                 limit with --max 200 --per day"
            );
        }
        return Ok(config.budgets.clone());
    }
    let names = || {
        let names: Vec<_> = config.budgets.iter().map(|budget| budget.name.as_str()).collect();
        if names.is_empty() { "there is none".to_owned() } else { names.join(", ") }
    };
    let named = |name: &String| {
        let found = config.budgets.iter().find(|budget| budget.name == *name);
        found.cloned().with_context(|| {
            format!("{}: no budget is named {name:?}: {}", app.config_path().display(), names())
        })
    };
    args.budgets.iter().map(named).collect()
}

/// The folder as logs name it: whole, and with links resolved where it is there.
fn folder(path: &std::path::Path) -> anyhow::Result<Glob> {
    let whole = match path.canonicalize() {
        Ok(whole) => whole,
        Err(_) => std::path::absolute(path).with_context(|| path.display().to_string())?,
    };
    Ok(Glob::new(&Glob::escape(&whole.display().to_string()))?)
}
