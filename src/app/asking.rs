//! Commands that ask: `status`, `report`, `energy`, `reconcile`, `sources`.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use crate::board::standing::Standings;
use crate::board::{self, Asked, Board, energy, report};
use crate::config::Config;
use crate::faces::cli::args::{
    EnergyArgs, JsonArg, ReconcileArgs, ReportArgs, StatusArgs, StatusFormat,
};
use crate::faces::cli::first_run::Looked;
use crate::faces::cli::sources::{SourceEntry, SourceState};
use crate::faces::cli::style::Style;
use crate::faces::cli::{sources, status};
use crate::ledger::Ledger;
use crate::monitor::asked::asked_sources;
use crate::secrets::Store;
use crate::sources::{Places, SourceInfo, SourceKind, setting};
use crate::spend::Filter;
use crate::spend::period::local_day;

use super::App;
use super::lock::is_running;

pub(super) fn status(
    app: &App,
    args: StatusArgs,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (config, ledger) = open(app)?;
    let board = board(app, &config, &ledger)?;
    if args.json {
        status::json(out, &board)?;
    } else if args.line {
        status::line(out, &board)?;
    } else if let Some(StatusFormat::Waybar) = args.format {
        status::waybar(out, &board)?;
    } else {
        status::text(out, &board, &looked(app, &config), style)?;
    }
    Ok(())
}

pub(super) fn report(
    app: &App,
    args: &ReportArgs,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (config, ledger) = open(app)?;
    let zone = args.tz.unwrap_or(config.zone);
    let days = args.days(local_day(app.clock.now(), zone))?;
    let mut report = report::report(&ledger, days, zone, &args.by(), &config.people)?;
    if args.energy {
        report.energy = Some(energy::of_report(&ledger, &report, &config.energy)?);
    }
    if args.json {
        crate::faces::cli::report::json(out, &report)?;
    } else {
        let looked = ledger.first_usage_day(zone)?.is_none().then(|| looked(app, &config));
        crate::faces::cli::report::text(out, &report, looked.as_deref(), style)?;
    }
    Ok(())
}

pub(super) fn energy(
    app: &App,
    args: EnergyArgs,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (config, ledger) = open(app)?;
    let days = args.span.days(local_day(app.clock.now(), config.zone))?;
    let filter = Filter::everything();
    let answer = energy::energy(&ledger, days, config.zone, &filter, &config.energy)?;
    if args.json {
        crate::faces::cli::energy::json(out, &answer)?;
    } else {
        crate::faces::cli::energy::text(out, &answer, style)?;
    }
    Ok(())
}

pub(super) fn reconcile(
    app: &App,
    args: ReconcileArgs,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (_, ledger) = open(app)?;
    let first_day = args.first_day(app.clock.now().date_naive());
    let answer = board::reconcile::reconciliation(&ledger, first_day)?;
    if args.json {
        crate::faces::cli::reconcile::json(out, &answer)?;
    } else {
        crate::faces::cli::reconcile::text(out, &answer, args.all, style)?;
    }
    Ok(())
}

pub(super) fn sources(
    app: &App,
    args: JsonArg,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (config, ledger) = open(app)?;
    let board = board(app, &config, &ledger)?;
    let entries = entries(app, &config, &board);
    if args.json {
        sources::json(out, &entries, board.now, board.zone)?;
    } else {
        sources::text(out, &entries, board.now, board.zone, style)?;
    }
    Ok(())
}

/// The configuration, and the ledger for asking. Where there is no ledger yet an empty one is
/// made, as the first start of the program would.
pub(super) fn open(app: &App) -> anyhow::Result<(Config, Ledger)> {
    let config = app.config()?;
    let ledger = ledger(app, &config)?;
    Ok((config, ledger))
}

/// The ledger for asking, as [`open`] gives it.
pub(super) fn ledger(app: &App, config: &Config) -> anyhow::Result<Ledger> {
    let ledger = match Ledger::open_read_only(&app.ledger_path()) {
        Ok(Some(ledger)) => ledger,
        // There is none yet; or what is damaged is set aside, and an empty one begun.
        Ok(None) | Err(crate::ledger::LedgerError::Corrupt { .. }) => super::open_ledger(app)?,
        Err(error) => return Err(error.into()),
    };
    prepared(app, config, ledger)
}

/// The ledger with what the config says of how it counts.
///
/// # Errors
/// A price row of the config is wrong, which is told as any other fault of that file.
pub(super) fn prepared(app: &App, config: &Config, mut ledger: Ledger) -> anyhow::Result<Ledger> {
    ledger.reckon_with(config.rates.clone(), config.plans.clone());
    ledger.know_prices(Arc::new(app.prices(config)?));
    Ok(ledger)
}

/// The board as it is without a running monitor's help.
pub(super) fn board(app: &App, config: &Config, ledger: &Ledger) -> anyhow::Result<Board> {
    board_with(app, config, ledger, &mut Standings::default(), is_running(app))
}

/// The same for somebody who asks again and again. `standings` belongs to this ledger.
pub(super) fn board_with(
    app: &App,
    config: &Config,
    ledger: &Ledger,
    standings: &mut Standings,
    is_watched: bool,
) -> anyhow::Result<Board> {
    let live = BTreeMap::new();
    Ok(board::build(
        ledger,
        &Asked {
            now: app.clock.now(),
            zone: config.zone,
            icon: config.icon(),
            budgets: &config.budgets,
            people: &config.people,
            sources: &asked_sources(config),
            live: &live,
            is_watched,
            paused: false,
            loading: false,
            demo: app.demo,
            energy: &config.energy,
            notices: Vec::new(),
        },
        standings,
    )?)
}

/// Every source this program can read, with what is known of it.
pub(super) fn entries<'a>(app: &App, config: &Config, board: &'a Board) -> Vec<SourceEntry<'a>> {
    let places = app.places_with(config);
    // Looking must not make the keyring ask for its password.
    let store = Store::new(&places).without_asking();
    let names = store.names();
    config
        .sources()
        .map(|source| {
            let info = source.info();
            let row = board.sources.iter().find(|row| row.info.id == info.id);
            let key = store.origin(info, &places, &names);
            let found = match info.kind {
                SourceKind::Agent => {
                    source.roots(&places).iter().map(|root| root.display().to_string()).collect()
                }
                SourceKind::Provider => {
                    vec![
                        config
                            .base_url(info.id)
                            .map_or(info.base_url.to_owned(), |url| url.to_string()),
                    ]
                }
            };
            SourceEntry {
                info,
                state: match SourceState::of(info, config.enabled(info.id), key.is_some(), row) {
                    SourceState::Waiting if lacks_setting(info, config, &places) => {
                        SourceState::NeedsSetting
                    }
                    state => state,
                },
                account: config.account(info).to_owned(),
                places: found,
                key: key.map(|origin| crate::faces::cli::key::origin_words(&origin).to_owned()),
                row,
            }
        })
        .collect()
}

fn lacks_setting(info: &SourceInfo, config: &Config, places: &Places) -> bool {
    let set = config.settings(info.id);
    info.settings.iter().any(|spec| setting(spec, set, places).is_none())
}

/// Where agents are looked for.
pub(super) fn looked(app: &App, config: &Config) -> Vec<Looked> {
    let places = app.places_with(config);
    config
        .sources()
        .filter(|source| source.info().kind == SourceKind::Agent)
        .map(|source| Looked {
            name: source.info().name.to_owned(),
            places: source.roots(&places).iter().map(|root| root.display().to_string()).collect(),
        })
        .collect()
}
