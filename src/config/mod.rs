//! The user's configuration: one TOML file, read in two steps. [`file`] holds it as typed and
//! checks it; what comes out is a [`Config`] that the rest of the program can rely on. [`edit`]
//! changes the file and leaves every other byte as it was.

pub mod alerts;
pub mod edit;
mod error;
mod file;

#[cfg(test)]
mod tests;

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use url::Url;

use crate::board::yields::WINDOW_HOURS;
use crate::board::{Colours, Headline, IconChoice};
use crate::budgets::Budget;
use crate::budgets::guard::Rules;
use crate::budgets::unusual::Warnings;
use crate::budgets::watch::Watch;
use crate::energy;
use crate::plans::{Plans, people::People};
use crate::sources::forges::Host;
use crate::sources::further::Further;
use crate::sources::{Source, SourceInfo};
use crate::spend::{Period, Rates, Zone};

pub use alerts::AlertSettings;
pub use error::{ConfigError, ConfigProblem};

/// The commented file that a new user starts from: every setting with its default.
pub const DEFAULT_TEXT: &str = include_str!("../../assets/config.toml");

/// Checked settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Zone of "today" and of budget periods.
    pub zone: Zone,
    /// Which figure the icon shows.
    pub headline: Headline,
    /// In which colours.
    pub colours: Colours,
    /// For which time.
    pub period: Period,
    /// Whether alerts become desktop notifications. They are recorded either way.
    pub notifications: bool,
    /// Whether the status pages of providers are asked and what they say is shown.
    pub status_pages: bool,
    /// Whether and how figures are served to Prometheus.
    pub metrics: MetricsSettings,
    /// Where alerts go to besides the desktop, and when they keep still.
    pub alerts: AlertSettings,
    /// Settings of agents, by source id; agents that the file does not name are absent.
    pub agents: BTreeMap<String, AgentSettings>,
    /// Settings of providers, by source id; providers that the file does not name are absent.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Budgets in the order of the file.
    pub budgets: Vec<Budget>,
    /// When agents are warned and stopped.
    pub guard: Rules,
    /// What agents that ask are told.
    pub mcp: McpSettings,
    /// How spend is set against commits.
    pub yields: YieldSettings,
    /// The [`fingerprint`] of the file it was read from; `None` without a file.
    pub read_from: Option<u64>,
    /// What bills in other currencies count as.
    pub rates: Rates,
    /// Plans and discounts.
    pub plans: Plans,
    /// What spend is set against, in people's terms.
    pub people: People,
    /// Quota windows and balances to be told of.
    pub watches: Vec<Watch>,
    /// What is warned of besides.
    pub warnings: Warnings,
    /// The rows of `[[price]]` as written; the price table checks them.
    pub prices: Vec<toml::Table>,
    /// Which grid and building tokens are reckoned with.
    pub energy: energy::Settings,
    /// Further accounts of providers, and providers of the user's own.
    pub further: Further,
}

/// `[metrics]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Whether they are served; `--metrics` does so too.
    pub enabled: bool,
    /// The port on loopback.
    pub port: u16,
    /// Whoever is on this machine may read them, without the token.
    pub open: bool,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        // A port that nobody has registered for Prometheus.
        Self { enabled: false, port: 9478, open: false }
    }
}

/// `[agents.<id>]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentSettings {
    /// False takes it out of every figure; `None` is true.
    pub enabled: Option<bool>,
    /// Absolute folders to look in instead of the usual ones; empty for the usual ones.
    pub roots: Vec<PathBuf>,
    /// Who pays, instead of what the table of sources says.
    pub account: Option<String>,
    /// Who bills its usage, where the logs do not tell.
    pub billing: Option<Billing>,
}

/// `[providers.<id>]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderSettings {
    /// False never asks it; `None` is true.
    pub enabled: Option<bool>,
    /// A gateway to ask instead of the provider. Plain http only on this machine.
    pub base_url: Option<Url>,
    /// Who pays, instead of what the table of sources says.
    pub account: Option<String>,
    /// Minutes between looks, 1 to 1440.
    pub poll_minutes: Option<u32>,
    /// What else the provider has to be told ([`SourceInfo::settings`]).
    pub settings: BTreeMap<String, String>,
}

/// `[mcp]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct McpSettings {
    /// Whether agents are told the names of folders and of sessions other than their own.
    pub projects: bool,
}

/// `[yield]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YieldSettings {
    /// How long after a request a commit is still its doing.
    pub window_hours: u32,
    /// Whether the running program reads repositories in which something was spent.
    pub background: bool,
    /// The hosts that are asked for merged pull requests.
    pub hosts: Vec<Host>,
}

impl Default for YieldSettings {
    fn default() -> Self {
        Self { window_hours: WINDOW_HOURS, background: true, hosts: Vec::new() }
    }
}

/// Who bills an agent's usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Billing {
    /// An API account, per token.
    Api,
    /// A subscription covers it: it has a list price and nobody bills it.
    Subscription,
}

impl Config {
    /// The settings of somebody who has no file.
    pub fn defaults(system_zone: Zone) -> Self {
        Self {
            zone: system_zone,
            headline: Headline::default(),
            colours: Colours::default(),
            period: Period::default(),
            notifications: true,
            status_pages: true,
            metrics: MetricsSettings::default(),
            alerts: AlertSettings::default(),
            agents: BTreeMap::new(),
            providers: BTreeMap::new(),
            budgets: Vec::new(),
            guard: Rules::default(),
            mcp: McpSettings::default(),
            yields: YieldSettings::default(),
            read_from: None,
            rates: Rates::default(),
            plans: Plans::default(),
            people: People::default(),
            watches: Vec::new(),
            warnings: Warnings::default(),
            prices: Vec::new(),
            energy: energy::Settings::default(),
            further: Further::default(),
        }
    }

    /// Reads the file at `path`; the defaults when there is none. `home` is what `~` stands for.
    ///
    /// # Errors
    /// The file can't be read, or says something wrong: every problem with its line.
    pub fn load(path: &Path, home: &Path, system_zone: Zone) -> Result<Self, ConfigError> {
        match std::fs::read(path) {
            Ok(bytes) => {
                let read_from = Some(fingerprint(&bytes));
                let text = file::decode(bytes, path)?;
                Ok(Self { read_from, ..Self::parse(&text, path, home, system_zone)? })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::defaults(system_zone))
            }
            Err(error) => Err(ConfigError::unreadable(path, &error)),
        }
    }

    /// Reads `text`; `path` is for the messages only.
    ///
    /// # Errors
    /// Every problem with its line.
    pub fn parse(
        text: &str,
        path: &Path,
        home: &Path,
        system_zone: Zone,
    ) -> Result<Self, ConfigError> {
        file::parse(text, home, system_zone)
            .map_err(|problems| ConfigError::Invalid { file: path.to_owned(), problems })
    }

    /// What the icon shows, and how.
    pub fn icon(&self) -> IconChoice {
        IconChoice { headline: self.headline, colours: self.colours, period: self.period }
    }

    /// Every source there is: the table's, further accounts, and the user's own.
    pub fn sources(&self) -> impl Iterator<Item = &'static dyn Source> + '_ {
        self.further.all()
    }

    /// Whether a source may be looked at.
    pub fn enabled(&self, id: &str) -> bool {
        let agent = self.agents.get(id).and_then(|settings| settings.enabled);
        let provider = self.providers.get(id).and_then(|settings| settings.enabled);
        agent.or(provider).unwrap_or(true)
    }

    /// Who pays for what a source tells.
    pub fn account<'a>(&'a self, info: &'a SourceInfo) -> &'a str {
        let agent = self.agents.get(info.id).and_then(|settings| settings.account.as_deref());
        let provider = self.providers.get(info.id).and_then(|settings| settings.account.as_deref());
        agent.or(provider).unwrap_or(info.account)
    }

    /// Who bills an agent's usage, where the config says so.
    pub fn billing(&self, id: &str) -> Option<Billing> {
        self.agents.get(id)?.billing
    }

    /// Minutes between looks at a source, never fewer than it bears.
    pub fn poll_minutes(&self, info: &SourceInfo) -> u32 {
        self.providers
            .get(info.id)
            .and_then(|settings| settings.poll_minutes)
            .unwrap_or(info.poll_minutes)
            .max(info.least_minutes)
    }

    /// What a provider has to be told besides its key.
    pub fn settings(&self, id: &str) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.providers.get(id).map_or(&NONE, |settings| &settings.settings)
    }

    /// The gateway that stands in for a provider.
    pub fn base_url(&self, id: &str) -> Option<&Url> {
        self.providers.get(id)?.base_url.as_ref()
    }

    /// The roots that replace the usual ones, by source id, as [`crate::sources::Places`] wants
    /// them.
    pub fn roots(&self) -> BTreeMap<String, Vec<PathBuf>> {
        self.agents
            .iter()
            .filter(|(_, settings)| !settings.roots.is_empty())
            .map(|(id, settings)| (id.clone(), settings.roots.clone()))
            .collect()
    }
}

/// Tells one text of the file from another, so that what was made of it need not be made again.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// The system's zone: the `TZ` variable where it names a zone, else what the system is set to.
/// `None` when neither is a zone this program knows; "today" is then the UTC day.
pub fn system_zone(tz_variable: Option<&str>) -> Option<Zone> {
    // POSIX lets a colon stand before a zone's name.
    let from_variable =
        tz_variable.and_then(|name| name.strip_prefix(':').unwrap_or(name).parse().ok());
    from_variable.or_else(|| iana_time_zone::get_timezone().ok()?.parse().ok())
}
