//! The background task: drives sources, ledger and budgets. It holds the only mutable state and
//! is the only reader of the clock ([`clock`]).
//!
//! `run` is the long-running loop, `handle` its thread, `job` a source's place in its schedule;
//! [`once`] looks once at every source and leaves. Both keep to [`floor`] and `turns`, and go
//! through [`look`] (one look at one source) and `record` (what was seen goes into the ledger
//! and is judged, in one transaction). [`guarding`] keeps beside that what the hooks of agents ask
//! for; `incidents` asks the status pages of providers; [`commits`] reads the repositories that were worked in, and [`pulls`]
//! asks their hosts.

pub mod asked;
pub mod clock;
pub mod commits;
pub mod delivery;
mod due;
pub mod floor;
pub mod guarding;
mod handle;
mod incidents;
mod job;
pub mod look;
mod messages;
pub mod once;
pub mod pulls;
mod record;
mod run;
mod turns;
mod unusual;
mod watch;
mod watching;
mod words;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;

use crate::config::Config;
use crate::platform;
use crate::pricing::PriceTable;
use crate::secrets::Shared;
use crate::sources::Places;
use crate::sources::providers::http;
use crate::spend::Zone;

pub use handle::{Handle, spawn};
pub use messages::{Command, Event, Settled};

/// What a monitor needs to start.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The time.
    pub clock: clock::Clock,
    /// Home folder and environment, without the config's roots.
    pub places: Places,
    /// The checked configuration.
    pub config: Config,
    /// Where it came from; looked at again when it changes.
    pub config_path: PathBuf,
    /// The zone that counts where the configuration names none.
    pub system_zone: Zone,
    /// The ledger's file.
    pub ledger_path: PathBuf,
    /// A pretend world.
    pub demo: bool,
}

/// When a file was written last; `None` where there is none.
fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|data| data.modified()).ok()
}

impl Setup {
    /// The built-in prices with the user's own.
    ///
    /// # Errors
    /// A row of the user's is wrong.
    pub fn prices(&self) -> anyhow::Result<PriceTable> {
        PriceTable::builtin()
            .with_overrides(&self.config.prices)
            .with_context(|| format!("in {}", self.config_path.display()))
    }

    /// What looks share.
    fn world(&self) -> look::World {
        let mut places = self.places.clone();
        places.roots = self.config.roots();
        places.other_homes = platform::homes::other_homes();
        let http = http::Client::new();
        look::World { clock: self.clock, places, http, keyring: Shared::default() }
    }

    /// Reads the configuration again.
    fn reload(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config_path, &self.places.home, self.system_zone)?)
    }
}
