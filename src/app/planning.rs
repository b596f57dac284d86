//! `plan`: the list, the offers, changes to the config, and what other plans would have cost.

use std::io::Write;

use anyhow::Context;

use crate::board::{compare, paying};
use crate::config::edit;
use crate::faces::cli::args::{CompareArgs, JsonArg, PlanCommand, PlanSetArgs};
use crate::faces::cli::plan;
use crate::faces::cli::style::Style;
use crate::plans::offers;
use crate::spend::period::local_day;

use super::changing::write_checked;
use super::{App, asking};

pub(super) fn plans(
    app: &App,
    command: PlanCommand,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match command {
        PlanCommand::List(args) => list(app, args, style, out),
        PlanCommand::Offers(JsonArg { json: true }) => Ok(plan::offers_json(out, offers::all())?),
        PlanCommand::Offers(_) => Ok(plan::offers(out, offers::all(), style)?),
        PlanCommand::Set(args) => set(app, &args, out),
        PlanCommand::Remove { name } => {
            let path = app.config_path();
            let text = edit::read_or_default(&path)?;
            let text =
                edit::remove_plan(&text, &name).with_context(|| path.display().to_string())?;
            write_checked(app, &text)?;
            Ok(plan::confirm_removed(out, &name)?)
        }
        PlanCommand::Compare(args) => compare(app, args, style, out),
    }
}

fn list(app: &App, args: JsonArg, style: &Style, out: &mut dyn Write) -> anyhow::Result<()> {
    let (config, ledger) = asking::open(app)?;
    let today = local_day(app.clock.now(), config.zone);
    let rows = paying::plans_on(&ledger, today, config.zone)?;
    if args.json {
        plan::json(out, &config.plans, &rows)?;
    } else {
        plan::text(out, &config.plans, &rows, style)?;
    }
    Ok(())
}

fn set(app: &App, args: &PlanSetArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let lists = [("agents", &args.agents), ("accounts", &args.accounts), ("models", &args.models)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(list, names)| (list, names.clone()))
        .collect();
    let change = edit::PlanChange {
        name: args.name.clone(),
        offer: args.offer.clone(),
        fee: args.fee,
        currency: args.currency.map(|currency| currency.to_string()),
        per: args.per.map(|per| per.to_string()),
        start: args.start.map(|day| day.to_string()),
        end: args.end.map(|day| day.to_string()),
        goes_on: false,
        lists,
        overage: args.overage.clone(),
        included: args.included,
    };
    let name = change.plan_name().with_context(|| {
        let id = args.offer.as_deref().unwrap_or_default();
        format!("{id:?} is no offer this version knows; `spendbar plan offers` shows them")
    })?;
    let path = app.config_path();
    let text = edit::read_or_default(&path)?;
    let text = edit::set_plan(&text, &change).with_context(|| path.display().to_string())?;
    let config = write_checked(app, &text)?;
    let set = config.plans.plans.iter().find(|plan| plan.name == name);
    Ok(plan::confirm_set(out, set.context("the plan is not in the config after writing it")?)?)
}

fn compare(app: &App, args: CompareArgs, style: &Style, out: &mut dyn Write) -> anyhow::Result<()> {
    let (config, ledger) = asking::open(app)?;
    let today = local_day(app.clock.now(), config.zone);
    let comparison = compare::month(&ledger, args.first_day(today), today, config.zone)?;
    if args.json {
        plan::compare_json(out, &comparison)?;
    } else {
        plan::compare(out, &comparison, args.all, style)?;
    }
    Ok(())
}
