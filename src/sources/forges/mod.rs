//! Hosts of repositories -> merged pull requests: number, time, and the commits that went into each.
//! No title, no author, nothing of what people wrote.
//!
//! A host is asked for what changed since it was asked last, newest first, and then for the commits of
//! each pull request that is new: at most so many a look, and only for so long. What is left is said,
//! and a later look goes on with it. All goes through [`http::Client`], so that the token goes to its
//! own host and nowhere else.

pub mod github;
pub mod gitlab;

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use super::providers::endpoint::{Auth, Endpoint};
use super::providers::{address, decode, http};
use super::{ApiKey, SourceError, SourceInfo};
use crate::spend::{Forge, MergedPull, Project, Remote};

/// Pages of pull requests that one look takes, and entries of a page: the most that both hosts give.
const MOST_PAGES: u32 = 100;
const PER_PAGE: u32 = 100;
/// Entries of pages come with all that there is to say of people and repositories; what is taken of
/// them is small, so that no more than one page is held.
const LIMITS: super::providers::endpoint::Limits =
    super::providers::endpoint::Limits { answer: http::MOST_BYTES, look: 40 * http::MOST_BYTES };

/// What has a key of its own: the rows of [`SourceInfo`] that no source has.
pub static KEYS: [&SourceInfo; 2] = [&github::INFO, &gitlab::INFO];

/// The row that tells of a forge's key.
pub fn info(forge: Forge) -> &'static SourceInfo {
    match forge {
        Forge::GitHub => &github::INFO,
        Forge::GitLab => &gitlab::INFO,
    }
}

/// A host that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its make.
    pub forge: Forge,
    /// The beginning of all addresses of its API.
    api: Url,
    /// How remotes name it.
    name: String,
    /// The port that web addresses of it name.
    port: Option<u16>,
}

impl Host {
    /// The forge's own host.
    ///
    /// # Errors
    /// Never, for what is written here is an address.
    pub fn usual(forge: Forge) -> Result<Self, SourceError> {
        match forge {
            Forge::GitHub => Self::at(forge, github::HOST),
            Forge::GitLab => Self::at(forge, gitlab::HOST),
        }
    }

    /// The host that somebody wrote into the config: its name, or its address without a path.
    ///
    /// # Errors
    /// [`SourceError::Misconfigured`] for what is no host, and for an address that a key must not go
    /// to.
    pub fn at(forge: Forge, written: &str) -> Result<Self, SourceError> {
        let wrong = || SourceError::Misconfigured {
            what: format!(
                "{written:?} is no host; write its name alone, such as \"git.example.com\""
            ),
        };
        let address = match written.contains("://") {
            true => written.to_owned(),
            false => format!("https://{written}"),
        };
        let web = Url::parse(&address).map_err(|_| wrong())?;
        let host = web.host_str().map(str::to_ascii_lowercase).ok_or_else(wrong)?;
        if web.path() != "/" || web.query().is_some() || web.fragment().is_some() {
            return Err(wrong());
        }
        address::check_base(&web)?;
        let api = match forge {
            Forge::GitHub => github::api(&web, &host),
            Forge::GitLab => gitlab::api(&web),
        };
        Ok(Self { forge, api: api.ok_or_else(wrong)?, name: host, port: web.port() })
    }

    /// The host as people name it.
    pub fn shown(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.name),
            None => self.name.clone(),
        }
    }

    /// The repository of this host that a remote leads to; `None` where it leads elsewhere.
    pub fn project(&self, remote: &Remote) -> Option<Project> {
        // Where port 22 is shut both hosts are reached by ssh under another name.
        let host = match &*remote.host {
            "ssh.github.com" | "www.github.com" => github::HOST,
            "altssh.gitlab.com" | "www.gitlab.com" => gitlab::HOST,
            other => other,
        };
        let is_here = host == self.name && remote.port.is_none_or(|port| self.port == Some(port));
        let parts = remote.path.split('/').count();
        let fits = match self.forge {
            Forge::GitHub => parts == 2,
            Forge::GitLab => parts >= 2,
        };
        (is_here && fits).then(|| Project {
            forge: self.forge,
            host: self.shown(),
            path: remote.path.clone(),
        })
    }

    fn endpoint<'a>(
        &self,
        client: &'a http::Client,
        key: &ApiKey,
        now: DateTime<Utc>,
    ) -> Result<Endpoint<'a>, SourceError> {
        let at = Endpoint::at(client, &self.api, now)?.with_limits(LIMITS);
        Ok(match self.forge {
            Forge::GitHub => github::with_headers(at).with_auth(&Auth::Bearer, key)?,
            Forge::GitLab => gitlab::with_headers(at).with_auth(&gitlab::auth(), key)?,
        })
    }

    /// Asks for something that every token may read, to try one.
    ///
    /// # Errors
    /// The token is refused, or the host does not answer.
    pub async fn try_key(
        &self,
        client: &http::Client,
        key: &ApiKey,
        now: DateTime<Utc>,
    ) -> Result<(), SourceError> {
        let path = match self.forge {
            Forge::GitHub => github::TRIAL,
            Forge::GitLab => gitlab::TRIAL,
        };
        self.endpoint(client, key, now)?.get::<serde::de::IgnoredAny>(path, &[]).await.map(drop)
    }

    /// Asks for the pull requests of a repository that were merged.
    ///
    /// What was told before something went wrong is in the answer beside the error.
    ///
    /// # Errors
    /// The key can't be sent; nothing was asked.
    pub async fn merged(
        &self,
        client: &http::Client,
        key: &ApiKey,
        wanted: &Wanted<'_>,
    ) -> Result<Told, SourceError> {
        let endpoint = self.endpoint(client, key, wanted.now)?;
        let end = Instant::now() + wanted.patience;
        let mut told = Told::default();
        let mut listed: Vec<Listed> = Vec::new();
        let mut seen: HashSet<u64> = HashSet::new();
        let mut is_whole = false;
        for page in 1..=MOST_PAGES {
            let answer = match self.forge {
                Forge::GitHub => github::page(&endpoint, wanted, page).await,
                Forge::GitLab => gitlab::page(&endpoint, wanted, page).await,
            };
            let (entries, has_more) = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    told.error = Some(error);
                    break;
                }
            };
            let older = entries.iter().any(|it| it.updated_at < wanted.from);
            // What changes meanwhile moves to the front, and pushes others to the next page.
            let young = entries.into_iter().filter(|it| it.updated_at >= wanted.from);
            listed.extend(young.filter(|it| seen.insert(it.number)));
            is_whole = older || !has_more;
            if is_whole || Instant::now() >= end {
                break;
            }
        }
        told.newest = listed.first().map(|it| it.updated_at);
        let mut gone_through = 0;
        for entry in &listed {
            if let Some(mut pull) = entry.pull.clone()
                && !wanted.known.contains(&entry.number)
            {
                if told.pulls.len() >= wanted.most || told.error.is_some() || Instant::now() >= end
                {
                    break;
                }
                let commits = match self.forge {
                    Forge::GitHub => github::commits(&endpoint, wanted.project, pull.number).await,
                    Forge::GitLab => gitlab::commits(&endpoint, wanted.project, pull.number).await,
                };
                match commits {
                    Ok(commits) => pull.commits = commits,
                    // Of one whose branch is no more the merge is all there is.
                    Err(SourceError::NotOffered { .. }) => {}
                    Err(error) => {
                        told.error = Some(error);
                        break;
                    }
                }
                told.pulls.push(pull);
            }
            gone_through += 1;
        }
        let is_new = |it: &&Listed| it.pull.is_some() && !wanted.known.contains(&it.number);
        told.left_out = listed[gone_through..].iter().filter(is_new).count() as u64;
        told.is_cut = !is_whole && told.error.is_none();
        told.known_from = if is_whole && gone_through == listed.len() {
            Some(wanted.from)
        } else {
            listed[..gone_through].last().map(|it| it.updated_at)
        };
        Ok(told)
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The repository.
    pub project: &'a Project,
    /// What changed before is left out.
    pub from: DateTime<Utc>,
    /// The numbers of those that are known: once merged, one stays as it is.
    pub known: &'a HashSet<u64>,
    /// So many at most, those that changed last.
    pub most: usize,
    /// Nothing more is asked after this.
    pub patience: Duration,
    /// The time.
    pub now: DateTime<Utc>,
}

/// What a host told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Merged pull requests that were not known.
    pub pulls: Vec<MergedPull>,
    /// When the one that changed last did; `None` where nothing has changed.
    pub newest: Option<DateTime<Utc>>,
    /// From here on all is known now; `None` where nothing new is.
    pub known_from: Option<DateTime<Utc>>,
    /// Merged ones that were listed and not asked for their commits.
    pub left_out: u64,
    /// There are more than were listed.
    pub is_cut: bool,
    /// What went wrong on the way.
    pub error: Option<SourceError>,
}

/// One entry of a list. `pull` is `None` for one that was closed without a merge.
#[derive(Clone, Debug)]
struct Listed {
    number: u64,
    updated_at: DateTime<Utc>,
    pull: Option<MergedPull>,
}

/// The ids of a pull request's commits, page after page. `id` is where an entry of the host has its own.
async fn commits_of<T: DeserializeOwned>(
    endpoint: &Endpoint<'_>,
    path: &str,
    most_pages: u32,
    id: impl Fn(T) -> String,
) -> Result<Vec<String>, SourceError> {
    let mut all = Vec::new();
    for page in 1..=most_pages {
        let query = [("per_page", PER_PAGE.to_string()), ("page", page.to_string())];
        let (body, next) = endpoint.ask_paged(path, &query, None).await?;
        let commits: Vec<T> = decode::answer(&body)?;
        all.extend(commits.into_iter().map(|commit| Some(id(commit))));
        if next.is_none() {
            break;
        }
    }
    Ok(ids(all))
}

/// Full ids of commits alone; whatever else an answer holds there is none.
fn ids(texts: impl IntoIterator<Item = Option<String>>) -> Vec<String> {
    let is_id = |text: &String| {
        (40..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let mut ids = Vec::new();
    for id in texts.into_iter().flatten().filter(is_id) {
        let id = id.to_ascii_lowercase();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

#[cfg(test)]
mod tests;
