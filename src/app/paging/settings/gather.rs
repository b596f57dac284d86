//! What the settings show, gathered anew for each request.

use std::path::Path;

use crate::app::{App, asking, starting};
use crate::board::Board;
use crate::config::Config;
use crate::faces::cli::budget;
use crate::faces::page::settings::{
    self as face, BudgetSetting, Configured, PlanSetting, Said, Settings, Typed,
};
use crate::plans::offers;
use crate::secrets::Store;
use crate::spend::SourceKind;

use super::super::page::Page;
use super::history::checked;

/// The page's text.
pub(super) fn drawn(page: &Page, board: &Board, said: Option<Said>, typed: Typed) -> String {
    let app = &page.app;
    let read = checked(app).and_then(|()| Ok(app.config()?));
    let config = match &read {
        Ok(config) => Ok(configured(page, config, board)),
        Err(error) => Err(format!("{error:#}")),
    };
    let (changes, undo) = {
        let kept = page.memory();
        (kept.history.list(), kept.history.can_undo(app))
    };
    let entry = starting::entry(app);
    let login = (!app.demo).then(|| match entry.at_login() {
        Ok(at_login) => Ok((at_login, short(app, entry.place()))),
        Err(error) => Err(error.to_string()),
    });
    let file = short(app, &app.config_path());
    let settings = Settings { board, file, config, changes, undo, login, said, typed };
    face::page(&settings, &page.frame())
}

/// A path as people write it: the home folder is `~`.
fn short(app: &App, path: &Path) -> String {
    match path.strip_prefix(&app.places.home) {
        Ok(inside) => Path::new("~").join(inside).display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

fn configured<'a>(page: &Page, config: &Config, board: &'a Board) -> Configured<'a> {
    let store = Store::new(&page.app.places).without_asking();
    let takes_key = config.sources().map(|source| source.info()).filter(|info| info.key.is_some());
    let budgets = config.budgets.iter().map(|budget| BudgetSetting {
        name: budget.name.clone(),
        amount: budget.amount,
        cycle: budget.cycle,
        thresholds: budget.thresholds_percent.clone(),
        counts: budget::counts(budget),
    });
    let plans = config.plans.plans.iter().map(|plan| PlanSetting {
        name: plan.name.clone(),
        fee: plan.fee,
        every: plan.every,
        first_day: plan.first_day,
        last_day: plan.last_day,
        covers: plan.covers.words(),
    });
    let mut sources = asking::entries(&page.app, config, board);
    for entry in sources.iter_mut().filter(|entry| entry.info.kind == SourceKind::Agent) {
        // Of all the places it is looked for in, those that are there.
        let is_there = |place: &String| Path::new(place).exists();
        if entry.places.iter().any(is_there) {
            entry.places.retain(is_there);
        }
        for place in &mut entry.places {
            *place = short(&page.app, Path::new(place.as_str()));
        }
    }
    Configured {
        sources,
        takes_key: takes_key.collect(),
        no_keyring: store.check().err().map(|error| error.what()),
        budgets: budgets.collect(),
        plans: plans.collect(),
        offers: offers::all(),
        headline: config.headline,
        colours: config.colours,
        period: config.period,
    }
}
