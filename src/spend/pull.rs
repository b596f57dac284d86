//! Merged pull requests, and the hosts that tell of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A make of host that keeps repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forge {
    /// GitHub, or an enterprise server of it.
    GitHub,
    /// GitLab, its own or anybody's.
    GitLab,
}

impl Forge {
    /// Its name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
        }
    }

    /// One word, for the ledger and for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
        }
    }

    /// What stands before the number of one of its pull requests.
    pub fn sign(self) -> char {
        match self {
            Self::GitHub => '#',
            Self::GitLab => '!',
        }
    }
}

/// Where else a repository is kept, as its settings say. Never a user or a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// What the settings call it: `origin`, `upstream`.
    pub name: String,
    /// The host, in lower case.
    pub host: String,
    /// The port of a web address that names one. That of ssh says nothing of the host's other doors.
    pub port: Option<u16>,
    /// `owner/name`, or more groups before the name.
    pub path: String,
}

/// A repository as its host knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Project {
    /// The make of the host.
    pub forge: Forge,
    /// The host, with its port where that is not the usual one.
    pub host: String,
    /// `owner/name`, or more groups before the name.
    pub path: String,
}

/// A pull request as its host tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedPull {
    /// Its number in the repository.
    pub number: u64,
    /// When it was merged.
    pub merged_at: DateTime<Utc>,
    /// The commit that the merge made, and the one that all commits were squashed into.
    pub merges: Vec<String>,
    /// Its own commits, as they were before the merge.
    pub commits: Vec<String>,
}
