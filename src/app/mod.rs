//! Joins the parts: one function per command, and the only place that reads the environment.

mod alerting;
mod asking;
mod changing;
mod checking;
mod describing;
mod doctor;
mod explaining;
mod exporting;
mod guard;
mod lock;
mod paging;
mod planning;
mod polling;
mod running;
mod serving_mcp;
mod starting;
mod telling;
mod topping;
mod whatif;
mod yielding;

pub use checking::Over;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;

use crate::config::{Config, ConfigError, system_zone};
use crate::demo;
use crate::faces::cli::args::{Cli, Command, ProviderCommand};
use crate::faces::cli::style::Style;
use crate::faces::top::screen;
use crate::ledger::Ledger;
use crate::monitor::Setup;
use crate::monitor::clock::{self, Clock};
use crate::platform::paths::{self, Folders};
use crate::pricing::PriceTable;
use crate::sources::Places;
use crate::spend::Zone;

pub use guard::answer as answer_hook;

/// Runs one command.
///
/// # Errors
/// What went wrong, for people; a `clap::Error` in it is wrong usage.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    let app = App::from_environment()?;
    let style = app.style();
    let mut out = io::BufWriter::new(io::stdout().lock());
    match cli.command {
        None => {
            drop(out);
            return running::run(&app, cli.run, None);
        }
        Some(Command::Demo { seconds, run }) => {
            drop(out);
            return running::demo(&app, run, seconds);
        }
        Some(Command::Top { seconds }) => {
            drop(out);
            return topping::top(&app, seconds, &style);
        }
        Some(Command::Mcp) => {
            // The protocol has standard output to itself.
            drop(out);
            return serving_mcp::serve(&app);
        }
        Some(Command::Status(args)) => asking::status(&app, args, &style, &mut out)?,
        Some(Command::Report(args)) => asking::report(&app, &args, &style, &mut out)?,
        Some(Command::Reconcile(args)) => asking::reconcile(&app, args, &style, &mut out)?,
        Some(Command::Energy(args)) => asking::energy(&app, args, &style, &mut out)?,
        Some(Command::WhatIf(args)) => whatif::whatif(&app, &args, &style, &mut out)?,
        Some(Command::Export(args)) => exporting::export(&app, &args, &mut out)?,
        Some(Command::Yield(args)) => yielding::answer(&app, &args, &style, &mut out)?,
        Some(Command::Page(args)) => paging::page(&app, args.json, &mut out)?,
        Some(Command::Window { page, at }) => paging::window(&page, at)?,
        Some(Command::Poll { offline }) => polling::poll(&app, offline, &style, &mut out)?,
        Some(Command::Scan(args)) => explaining::explain(&app, &args, &style, &mut out)?,
        Some(Command::Sources(args)) => asking::sources(&app, args, &style, &mut out)?,
        Some(Command::Alerts(args)) => alerting::alerts(&app, &args, &style, &mut out)?,
        Some(Command::Doctor(args)) => {
            let answer = doctor::doctor(&app, args, &style, &mut out);
            out.flush()?;
            return answer;
        }
        Some(Command::Check(args)) => checking::check(&app, &args, &style, &mut out)?,
        Some(Command::Provider(ProviderCommand::Check(args))) => {
            describing::check(&app, &args, &style, &mut out)?;
        }
        Some(Command::Config(command)) => changing::config(&app, command, &mut out)?,
        Some(Command::Plan(command)) => planning::plans(&app, command, &style, &mut out)?,
        Some(Command::Budget(command)) => changing::budgets(&app, command, &style, &mut out)?,
        Some(Command::Guard { command }) => guard::run(&app, command, &style, &mut out)?,
        Some(Command::Key(command)) => changing::keys(&app, command, &style, &mut out)?,
        Some(Command::Autostart(command)) => starting::autostart(&app, command, &mut out)?,
    }
    Ok(out.flush()?)
}

/// Opens the ledger for writing, and tells on standard error what is worth telling about that.
fn open_ledger(app: &App) -> anyhow::Result<Ledger> {
    let opened = Ledger::open(&app.ledger_path(), app.clock.now())?;
    tell_notices(&opened.notices);
    Ok(opened.ledger)
}

fn tell_notices(notices: &[String]) {
    for notice in notices {
        log::warn!("{notice}");
    }
}

/// What the demo's pretend user shares with the real one: the desktop and the terminal.
const DESKTOP_VARIABLES: [&str; 5] =
    ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "COLUMNS"];

/// Who runs this, where, and what time it is.
#[derive(Clone, Debug)]
pub struct App {
    /// The time.
    pub clock: Clock,
    /// Home folder and environment.
    pub places: Places,
    /// Where this program keeps its files.
    pub folders: Folders,
    /// The zone that counts where the configuration names none.
    pub system_zone: Zone,
    /// A pretend world.
    pub demo: bool,
}

impl App {
    /// From the environment of this process.
    ///
    /// # Errors
    /// There is no home folder, or the test clock is set to something that is no time.
    pub fn from_environment() -> anyhow::Result<Self> {
        let home = paths::home_dir()
            .context("there is no home folder; set HOME to a folder that Spendbar may use")?;
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        let places = Places { home, variables, ..Places::default() };
        let clock = Clock::from_variable(places.variable(clock::VARIABLE))?;
        let zone = system_zone(places.variable("TZ"));
        Ok(Self::of(places, clock, zone.unwrap_or(Zone::UTC), false))
    }

    /// The pretend user of a demo, on the desktop of the real one.
    fn of_demo(world: &demo::World, user: &Self, clock: Clock) -> Self {
        let mut places = world.places();
        for name in DESKTOP_VARIABLES {
            if let Some(value) = user.places.variables.get(name) {
                places.variables.insert(name.to_owned(), value.clone());
            }
        }
        Self::of(places, clock, Zone::UTC, true)
    }

    fn of(places: Places, clock: Clock, system_zone: Zone, demo: bool) -> Self {
        let folders = Folders::of(&places.home, |name| places.variables.get(name).cloned());
        Self { clock, places, folders, system_zone, demo }
    }

    /// The configuration file.
    pub fn config_path(&self) -> PathBuf {
        self.folders.config.join("config.toml")
    }

    /// The ledger's file.
    pub fn ledger_path(&self) -> PathBuf {
        self.folders.data.join("ledger.db")
    }

    /// The checked configuration; the defaults when there is no file.
    ///
    /// # Errors
    /// The file can't be read or says something wrong.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(&self.config_path(), &self.places.home, self.system_zone)
    }

    /// The built-in prices with the config's own.
    ///
    /// # Errors
    /// A row of the config is wrong.
    pub fn prices(&self, config: &Config) -> anyhow::Result<PriceTable> {
        PriceTable::builtin()
            .with_overrides(&config.prices)
            .with_context(|| format!("in {}", self.config_path().display()))
    }

    /// Home folder and environment, with the roots that the config sets.
    pub fn places_with(&self, config: &Config) -> Places {
        Places { roots: config.roots(), ..self.places.clone() }
    }

    /// How text on standard output may look.
    fn style(&self) -> Style {
        let columns = self.places.variable("COLUMNS").and_then(|columns| columns.parse().ok());
        let terminal = io::stdout().is_terminal().then(|| {
            let told = || screen::columns().unwrap_or(running::COLUMNS);
            columns.unwrap_or_else(told)
        });
        Style::of(terminal, self.places.variable("NO_COLOR"), self.places.variable("TERM"))
    }

    /// What a monitor needs.
    ///
    /// # Errors
    /// As [`App::config`].
    pub fn setup(&self) -> Result<Setup, ConfigError> {
        Ok(Setup {
            clock: self.clock,
            places: self.places.clone(),
            config: self.config()?,
            config_path: self.config_path(),
            system_zone: self.system_zone,
            ledger_path: self.ledger_path(),
            demo: self.demo,
        })
    }
}
