//! The outside world -> [`Reading`]. Sources know nothing of the ledger, budgets, faces, the clock
//! or the keyring: what they need comes in a [`Look`].
//!
//! To add a source: one file under [`agents`] or [`providers`] with its manual on top, one line in
//! [`SOURCES`], one folder under `tests/fixtures`, one line in the changelog. The config, the
//! command line, the schedule, the README's table and the fixture check all walk the table.

pub mod agents;
pub mod forges;
pub mod further;
pub mod providers;
pub mod status_page;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, Utc};
use url::Url;

pub use crate::spend::source::{KeySpec, SettingSpec, SourceError, SourceInfo, SourceKind};
use crate::spend::{Marks, Reading, Stamps, Tree};
use agents::scan::Verdict;

/// Every source this program can read, in the order they are shown.
pub static SOURCES: LazyLock<Vec<&'static dyn Source>> = LazyLock::new(|| {
    let written: [&'static dyn Source; _] = [
        &agents::claude_code::AGENT,
        &agents::codex::Codex,
        &agents::openclaw::AGENT,
        &agents::pi::AGENT,
        &agents::omp::AGENT,
        &agents::mux::AGENT,
        &agents::openclaude::AGENT,
        &agents::mistral_vibe::AGENT,
        &agents::zcode::AGENT,
        &agents::opencode::AGENT,
        &agents::kilo_code::AGENT,
        &agents::cline::AGENT,
        &agents::roo_code::AGENT,
        &agents::cline_cli::AGENT,
        &agents::crush::AGENT,
        &agents::forge::AGENT,
        &agents::gemini_cli::AGENT,
        &agents::amp::AGENT,
        &agents::qwen_code::AGENT,
        &agents::kimi_cli::AGENT,
        &agents::kimi_code::AGENT,
        &agents::droid::AGENT,
        &agents::grok_cli::AGENT,
        &agents::antigravity::AGENT,
        &agents::copilot_cli::CopilotCli,
        &agents::copilot_vscode::AGENT,
        &agents::goose::AGENT,
        &agents::zed::AGENT,
        &agents::hermes::AGENT,
        &agents::cursor::AGENT,
        &agents::warp::AGENT,
        &providers::openai_admin::OpenAiAdmin,
        &providers::anthropic_admin::AnthropicAdmin,
        &providers::anthropic_analytics::AnthropicAnalytics,
        &providers::openrouter::OpenRouter,
        &providers::claude_quota::ClaudeQuota,
        &providers::codex_quota::CodexQuota,
        &providers::xai::Xai,
        &providers::cursor_team::CursorTeam,
        &providers::litellm::LiteLlm,
        &providers::azure_cost::AzureCost,
        &providers::aws_cost_explorer::AwsCostExplorer,
    ];
    written.into_iter().chain(providers::described::built_in()).collect()
});

/// The source with this id.
pub fn find(id: &str) -> Option<&'static dyn Source> {
    SOURCES.iter().copied().find(|source| source.info().id == id)
}

/// A future that a source returns; boxed, so that sources fit into one table.
pub type ReadFuture<'a> = Pin<Box<dyn Future<Output = Result<Reading, SourceError>> + Send + 'a>>;

/// One place that spend can be read from. The only trait of this program, because only this set
/// is open.
pub trait Source: Sync {
    /// Its row in the table.
    fn info(&self) -> &'static SourceInfo;

    /// Files or endpoints that it reads, for the README's table.
    fn reads(&self) -> String {
        self.info().reads.to_owned()
    }

    /// The folders to look in, existing or not. Empty for providers.
    fn roots(&self, _places: &Places) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Whether there is nothing to look at on this machine; cheap, and false for providers.
    fn is_absent(&self, places: &Places) -> bool {
        let roots = self.roots(places);
        !roots.is_empty() && !roots.iter().any(|root| root.exists())
    }

    /// Those of [`Source::roots`] in which a change calls for a look at once.
    fn watched(&self, _places: &Places) -> Vec<Watched> {
        Vec::new()
    }

    /// How each record of one of its files is taken; `None` when it is no file of this source.
    fn explain(&self, _places: &Places, _file: &Path) -> Option<io::Result<Vec<Verdict>>> {
        None
    }

    /// Whether [`Source::changes`] may have an answer.
    fn compares(&self) -> bool {
        false
    }

    /// Which files changed since what is known of them was noted; `None` when only a look at
    /// everything tells. `entering` is told of every folder before it is looked at.
    fn changes(
        &self,
        _places: &Places,
        _known: Known,
        _entering: &dyn Fn(Entered<'_>),
    ) -> Option<Changes> {
        None
    }

    /// Looks once. Agents read files and block; the monitor gives them a thread that may.
    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a>;
}

/// What a comparison starts from.
#[derive(Debug)]
pub struct Known {
    /// Sizes and times of the files that were read.
    pub stamps: Stamps,
    /// The folders as an earlier comparison found them; empty where none did.
    pub tree: Tree,
    /// How many of the files count as the newest: those that changed last.
    pub newest: usize,
    /// Whether each file is looked at, and each folder listed. If not, then of the known files only
    /// the newest are looked at, and of the folders in `tree` only those listed that changed.
    pub all: bool,
    /// The time at which it begins, as file systems tell it: nanoseconds since 1970.
    pub began: i64,
}

/// A folder that a comparison is about to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered<'a> {
    /// This one; those in it follow.
    Folder(&'a Path),
    /// A link, by its own name, to a folder that may lie anywhere; none of those below it follows.
    Link(&'a Path),
}

/// What a comparison with stamps found.
#[derive(Debug)]
pub struct Changes {
    /// Files that have to be read.
    pub files: Vec<PathBuf>,
    /// Not all known files were looked at.
    pub left_out: bool,
    /// The folders, where they are to be known in place of those that were.
    pub tree: Option<Tree>,
}

/// A folder to watch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    /// The folder, existing or not.
    pub folder: PathBuf,
    /// All that is below it too, or only what lies in it.
    pub depth: Depth,
}

/// How far below a folder changes are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// The folder's own files.
    Folder,
    /// The whole tree.
    Tree,
}

/// A secret. Never shown: `Debug` is masked and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps a secret, without the blanks and line ends that pasting leaves around it.
    pub fn new(secret: &str) -> Self {
        Self(secret.trim().to_owned())
    }

    /// The secret itself, for the one place that writes a request header or the keyring.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four characters, for `key list`; nothing of a secret shorter than twelve.
    pub fn last_four(&self) -> String {
        let count = self.0.chars().count();
        if count < 12 { String::new() } else { self.0.chars().skip(count - 4).collect() }
    }

    /// A number that tells two keys apart and nothing else; back-off is kept by it.
    pub fn fingerprint(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(self.0.as_bytes())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(****)")
    }
}

impl Look<'_> {
    /// A setting of a source: from the config, its variable, or its default.
    ///
    /// # Errors
    /// [`SourceError::NeedsSetting`] when it has to be set and is not.
    pub fn setting(&self, info: &SourceInfo, name: &str) -> Result<String, SourceError> {
        let Some(spec) = info.settings.iter().find(|spec| spec.name == name) else {
            return Err(SourceError::Misconfigured { what: format!("it has no setting {name}") });
        };
        setting(spec, self.settings, self.places).ok_or_else(|| SourceError::NeedsSetting {
            name: spec.name.to_owned(),
            what: spec.what.to_owned(),
        })
    }
}

/// A setting as the config has it, else as its variable has it, else its default.
pub fn setting(
    spec: &SettingSpec,
    set: &BTreeMap<String, String>,
    places: &Places,
) -> Option<String> {
    let set = set.get(spec.name).map(String::as_str);
    let text = set.or_else(|| places.variable(spec.variable)).or(spec.default)?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The home folder and the environment, as values: a second user or a test is another value.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The user's home folder.
    pub home: PathBuf,
    /// Environment variables, as far as they are text or paths.
    pub variables: BTreeMap<String, OsString>,
    /// Home folders of the same user in other systems on this machine (WSL's, on Windows).
    pub other_homes: Vec<PathBuf>,
    /// Roots that the config sets for a source (`[agents.codex] roots = [...]`), by source id;
    /// they replace the usual ones.
    pub roots: BTreeMap<String, Vec<PathBuf>>,
}

impl Places {
    /// A variable's value as text; `None` when unset or blank.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.to_str().filter(|value| !value.trim().is_empty())
    }

    /// An agent's home folders: those that the config sets, else the usual ones in this and in
    /// every other home.
    pub fn homes_of(&self, id: &str, usual: fn(&Self) -> Vec<PathBuf>) -> Vec<PathBuf> {
        if let Some(set) = self.roots.get(id) {
            return set.clone();
        }
        let mut homes = usual(self);
        for home in &self.other_homes {
            homes.extend(usual(&Self { home: home.clone(), ..Self::default() }));
        }
        homes
    }

    /// An XDG base folder: the variable when it holds an absolute path, else `home/fallback`.
    pub fn xdg(&self, name: &str, fallback: &str) -> PathBuf {
        self.variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| self.home.join(fallback))
    }
}

/// What one look at a source is given.
pub struct Look<'a> {
    /// The time of the look.
    pub now: DateTime<Utc>,
    /// Home folder and environment.
    pub places: &'a Places,
    /// What the source remembered at its last look.
    pub marks: &'a Marks,
    /// Only these files may have changed (the watcher says so); `None` looks everywhere.
    pub only: Option<&'a [PathBuf]>,
    /// About how many usages one reading is to hold; what is left comes with the next look.
    pub most: usize,
    /// The provider's key.
    pub key: Option<&'a ApiKey>,
    /// The provider's address, when the config sets one.
    pub base_url: Option<&'a Url>,
    /// What the config sets of [`SourceInfo::settings`].
    pub settings: &'a BTreeMap<String, String>,
    /// The first UTC day a provider is asked about.
    pub since: NaiveDate,
    /// The shared HTTP client.
    pub http: &'a providers::http::Client,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kebab_case_and_unique() {
        let ids: Vec<_> = SOURCES.iter().map(|source| source.info().id).collect();
        for id in &ids {
            assert!(
                id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{id}"
            );
        }
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn providers_have_an_https_address_and_agents_none() {
        for source in SOURCES.iter() {
            let info = source.info();
            match info.kind {
                SourceKind::Provider => {
                    let page = info.status_page;
                    // A gateway of the user's own has no address before the config names one.
                    let has_address = !info.base_url.is_empty();
                    assert!(!has_address || info.base_url.starts_with("https://"), "{}", info.id);
                    assert!(page.is_empty() || page.starts_with("https://"), "{}", info.id);
                    assert!(!page.ends_with('/'), "{}", info.id);
                }
                SourceKind::Agent => {
                    assert!(info.base_url.is_empty() && info.key.is_none(), "{}", info.id);
                    assert!(info.status_page.is_empty(), "{}", info.id);
                }
            }
        }
    }

    #[test]
    fn a_key_never_shows_itself() {
        let key = ApiKey::new(" sk-admin-0123456789\n");
        assert_eq!(format!("{key:?}"), "ApiKey(****)");
        assert_eq!(key.last_four(), "6789");
        assert_eq!(ApiKey::new("short").last_four(), "");
    }
}
