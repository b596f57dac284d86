//! A pretend world for the real program: a provider on loopback that bills at the scale of one
//! developer's famous screenshot (about $1.3 M and 600 billion tokens in 30 days), and agents that
//! append their logs while you watch. Nothing here is used by the program on real data.

mod agents;
mod provider;

use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, NaiveTime, Utc};

use crate::sources::Places;

/// The key that the pretend provider accepts.
const KEY: &str = "sk-admin-demo-0000000000000000";

/// A running pretend world; it ends when dropped.
pub struct World {
    home: tempfile::TempDir,
    provider: provider::Provider,
    agents: agents::Agents,
}

impl World {
    /// Starts the provider and the agents in a temporary home. `now` is the pretend time.
    pub fn start(now: DateTime<Utc>) -> anyhow::Result<Self> {
        let home = tempfile::Builder::new()
            .prefix("spendbar-demo-")
            .tempdir()
            .context("making a temporary home for the demo")?;
        let provider = provider::Provider::start(now, KEY)?;
        let agents = agents::Agents::start(home.path(), now)?;
        Ok(Self { home, provider, agents })
    }

    /// The time of day the demo plays at: early afternoon, so that "today" has a past and a
    /// future, whatever the hour it is watched.
    pub fn time_of_day(now: DateTime<Utc>) -> DateTime<Utc> {
        let half_past_two = NaiveTime::from_hms_opt(14, 30, 0).unwrap_or(NaiveTime::MIN);
        now.date_naive().and_time(half_past_two).and_utc()
    }

    /// The pretend home folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The pretend user's environment: nothing of the real one but what the desktop needs.
    pub fn places(&self) -> Places {
        let variables = [("OPENAI_ADMIN_KEY", KEY), ("SPENDBAR_KEYRING", "off")];
        Places {
            home: self.home().to_owned(),
            variables: variables.map(|(name, value)| (name.into(), value.into())).into(),
            other_homes: Vec::new(),
            roots: Default::default(),
        }
    }

    /// The pretend user's configuration.
    pub fn config(&self) -> String {
        format!(
            "# The demo's configuration: a pretend provider and one budget.\n\
             zone = \"UTC\"\n\n\
             [[budget]]\n\
             amount = 20000\n\
             per = \"day\"\n\n\
             [providers.openai-admin]\n\
             base_url = \"{}\"\n\
             poll_minutes = 1\n",
            self.provider.address()
        )
    }

    /// Ends the agents and the provider and removes the home.
    pub fn end(self) -> anyhow::Result<()> {
        self.agents.end()?;
        drop(self.provider);
        self.home.close().context("removing the demo's temporary home")
    }
}
