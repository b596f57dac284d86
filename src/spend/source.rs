//! What every stage knows of a source: its row in the table, and how a look at it can fail.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The account of an agent that talks to several providers: whoever each request's provider is.
pub const BY_PROVIDER: &str = "by provider";

/// What is fixed about a source.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// Kebab-case id, used in the config, the ledger and all output.
    pub id: &'static str,
    /// Its name as people write it.
    pub name: &'static str,
    /// Agent or provider.
    pub kind: SourceKind,
    /// Who pays unless the config says otherwise: sources of one account never add up.
    /// [`BY_PROVIDER`] for agents that talk to several providers.
    pub account: &'static str,
    /// Minutes between looks: a safety sweep for agents, the poll interval for providers.
    pub poll_minutes: u32,
    /// The fewest minutes between looks, whatever the config or the user asks for: some providers
    /// shut out who asks more often, or charge for each request. 0 where there is no such bound.
    pub least_minutes: u32,
    /// How the key is found; `None` for sources that need none.
    pub key: Option<KeySpec>,
    /// What else has to be known to ask (a team's id, a region), set in the config.
    pub settings: &'static [SettingSpec],
    /// Where the provider tells of its own faults: a page that answers as Atlassian Statuspage
    /// does. Empty for none, and for agents.
    pub status_page: &'static str,
    /// Where requests go unless the config names a gateway. Empty for agents.
    pub base_url: &'static str,
    /// What it tells, one clause, for the README's table and `doctor`.
    pub tells: &'static str,
    /// Files or endpoints that it reads; empty where only the source itself can tell
    /// (`Source::reads`).
    pub reads: &'static str,
    /// What it can't tell or does not read, one clause each, for the README's table; may be empty.
    pub limits: &'static str,
}

/// Agent or provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A program that leaves session logs on disk.
    Agent,
    /// A company or gateway that bills.
    Provider,
}

/// How a provider's key is called and what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Usual environment variables, first one wins.
    pub variables: &'static [&'static str],
    /// What kind of key it has to be, for people: `an admin key (sk-admin-…)`.
    pub kind: &'static str,
}

/// Something besides the key that a provider has to be told:
/// `[providers.<id>] settings = { name = "..." }`.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingSpec {
    /// Its name in the config.
    pub name: &'static str,
    /// The usual environment variable; may be empty.
    pub variable: &'static str,
    /// What it is and where it is found, for people, one clause.
    pub what: &'static str,
    /// What holds where it is not set; `None` when it has to be set.
    pub default: Option<&'static str>,
}

/// Why a look gave nothing: one variant for each decision that follows from it. Bad lines are
/// problems in the reading, never an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SourceError {
    /// Nothing to read on this machine. Silent.
    #[error("not found on this machine")]
    NotInstalled,
    /// No key is set. Ask for one.
    #[error("no key is set")]
    NeedsKey,
    /// Something besides the key is not set. Ask for it.
    #[error("it needs {what}")]
    NeedsSetting {
        /// The setting's name.
        name: String,
        /// What it is, one clause.
        what: String,
    },
    /// The keyring did not give the key: it is locked, or fails. Keep the last figures.
    #[error("the keyring did not give the key: {what}")]
    KeyUnavailable {
        /// One clause, without a part of the key.
        what: String,
    },
    /// The provider does not know the key (401). Ask for another.
    #[error("the key was refused ({status})")]
    KeyRejected {
        /// HTTP status.
        status: u16,
    },
    /// The key is valid but may not read this (403). Ask for the right kind.
    #[error("the key may not read this ({status})")]
    WrongKindOfKey {
        /// HTTP status.
        status: u16,
    },
    /// The token that another program keeps has run out (401); that program has to renew it.
    #[error("the token has run out")]
    TokenExpired,
    /// The account does not have what is asked for (404, or a plan without it).
    #[error("the account does not offer this: {what}")]
    NotOffered {
        /// One clause.
        what: String,
    },
    /// The account has no credit left to answer with (402).
    #[error("the account has no credit left")]
    OutOfCredit,
    /// Asked too often (429). Wait.
    #[error("asked too often")]
    RateLimited {
        /// What the provider asks to wait, if it says.
        retry_after: Option<Duration>,
    },
    /// No answer: no network, a timeout, a name that does not resolve. Keep the last figures.
    #[error("no answer: {what}")]
    Unreachable {
        /// One clause, without address or secret.
        what: String,
    },
    /// The provider answered that it can't (5xx). Keep the last figures.
    #[error("the provider has a fault ({status})")]
    ProviderDown {
        /// HTTP status.
        status: u16,
        /// What the provider asks to wait, if it says.
        retry_after: Option<Duration>,
    },
    /// The answer is not what the reader knows. Say so, keep the rest.
    #[error("the answer was not understood: {what}")]
    FormatChanged {
        /// One clause: what was expected, what was found.
        what: String,
    },
    /// The configuration stands in the way (a plain-http address outside this machine).
    #[error("{what}")]
    Misconfigured {
        /// One clause.
        what: String,
    },
    /// The files could not be read (permissions, a broken disk).
    #[error("{place}: {what}")]
    Unreadable {
        /// The file or folder.
        place: String,
        /// One clause.
        what: String,
    },
}

impl SourceError {
    /// Whether the source is simply not there, or was never set up: no news to anybody.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::NotInstalled | Self::NeedsKey | Self::NeedsSetting { .. })
    }

    /// Whether the look ended before anybody was asked anything.
    pub fn asked_nobody(&self) -> bool {
        self.is_absence() || matches!(self, Self::KeyUnavailable { .. })
    }
}
