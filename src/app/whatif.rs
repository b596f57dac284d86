//! `whatif`: what some usage would have cost otherwise.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::board::whatif::{self, Asked};
use crate::board::wording;
use crate::config::Config;
use crate::faces::cli::args::WhatIfArgs;
use crate::faces::cli::style::Style;
use crate::faces::cli::whatif as face;
use crate::pricing::PriceTable;
use crate::pricing::what_if::{Change, ModelChoice};
use crate::spend::Filter;
use crate::spend::period::local_day;

use super::{App, asking};

pub(super) fn whatif(
    app: &App,
    args: &WhatIfArgs,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (config, ledger) = asking::open(app)?;
    let days = args.span.days(local_day(app.clock.now(), config.zone))?;
    let prices = app.prices(&config)?;
    let changes = changes(app, args, &config, &prices)?;
    let plans = whatif::plans::chosen(args.plans.iter().map(String::as_str));
    let plans = plans.map_err(anyhow::Error::msg)?;
    let filter = Filter::everything();
    let asked = Asked { days, zone: config.zone, filter: &filter, prices: &prices, changes, plans };
    let report = whatif::what_if(&ledger, asked)?;
    if args.json {
        face::json(out, &report)?
    } else {
        face::text(out, &report, style)?
    }
    Ok(())
}

fn changes(
    app: &App,
    args: &WhatIfArgs,
    config: &Config,
    prices: &PriceTable,
) -> anyhow::Result<Vec<Change>> {
    let mut changes = Vec::new();
    if let Some(name) = &args.model {
        changes.push(Change::Model(model(app, prices, name)?));
    }
    if let Some(file) = &args.prices {
        changes.push(Change::Prices(Arc::new(table(app, config, file)?)));
    }
    changes.extend(args.no_fast.then_some(Change::NoFast));
    changes.extend(args.batch.then_some(Change::Batch));
    changes.extend(args.no_cache.then_some(Change::NoCache));
    changes.extend(args.scale.map(Change::Scale));
    Ok(changes)
}

/// The model of this name and its prices.
fn model(app: &App, prices: &PriceTable, name: &str) -> anyhow::Result<ModelChoice> {
    ModelChoice::find(prices, name, app.clock.now())
        .with_context(|| wording::whatif::unknown_model(name))
}

/// The prices of a file before those that hold.
fn table(app: &App, config: &Config, file: &Path) -> anyhow::Result<PriceTable> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("the prices in {shown} can't be read"))?;
    let mut document: toml::Table =
        text.parse().with_context(|| format!("{shown} is no TOML text"))?;
    let rows = match document.remove("price") {
        Some(toml::Value::Array(rows)) => rows,
        _ => bail!("{shown} has no prices; write each as under [[price]] in the config"),
    };
    if let Some(other) = document.keys().next() {
        bail!("{shown}: `{other}` is no price; the file holds [[price]] rows alone");
    }
    let row = |value| match value {
        toml::Value::Table(row) => Ok(row),
        other => bail!("{shown}: {other} is no price row; write [[price]] and its fields below"),
    };
    let rows = rows.into_iter().map(row).collect::<anyhow::Result<Vec<_>>>()?;
    app.prices(config)?.with_undated(&rows).with_context(|| format!("in {shown}"))
}
