//! Joins the parts: one function per command, and the only place that reads the environment.

mod running;

use std::path::PathBuf;

use anyhow::Context;
use chrono_tz::Tz;

use crate::config::{Config, ConfigError, system_zone};
use crate::demo;
use crate::monitor::Setup;
use crate::monitor::clock::{self, Clock};
use crate::platform::paths::{self, Folders};
use crate::sources::Places;

pub use running::{demo, run};

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
    pub system_zone: Tz,
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
        let places = Places { home, variables, roots: Default::default() };
        let clock = Clock::from_variable(places.variable(clock::VARIABLE))?;
        let zone = system_zone(places.variable("TZ"));
        Ok(Self::of(places, clock, zone.unwrap_or(Tz::UTC), false))
    }

    /// The pretend user of a demo.
    pub fn of_demo(world: &demo::World, clock: Clock) -> Self {
        Self::of(world.places(), clock, Tz::UTC, true)
    }

    fn of(places: Places, clock: Clock, system_zone: Tz, demo: bool) -> Self {
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
