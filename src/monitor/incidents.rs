//! The status pages of providers: which are asked, and when.
//!
//! A page is asked only while its provider is asked too, so that a machine without a key talks to
//! nobody. Nobody misses a page that gives no answer: it is asked again later, and that is all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use url::Url;

use crate::board::{Live, StatusPage};
use crate::config::Config;
use crate::sources::{SourceError, SourceInfo, status_page};
use crate::spend::Trouble;

use super::look::World;
use super::{due, look};

/// The least time between two questions to one page.
const POLL: Duration = Duration::from_secs(15 * 60);

/// What a page said; `None` when all is well.
type Said = Result<Option<Trouble>, SourceError>;
/// A page and what it said.
type Answer = (&'static str, Said);

/// The pages and their answers.
pub(super) struct Incidents {
    pages: BTreeMap<&'static str, Page>,
    answers: (UnboundedSender<Answer>, UnboundedReceiver<Answer>),
}

struct Page {
    /// A provider of this page is asked. One that is no longer keeps its time, so that it is not
    /// asked too soon when it comes back.
    wanted: bool,
    asking: bool,
    next: Instant,
    failures: u32,
}

impl Incidents {
    pub(super) fn new() -> Self {
        Self { pages: BTreeMap::new(), answers: unbounded_channel() }
    }

    /// From now on these pages are asked and no others.
    pub(super) fn follow(&mut self, wanted: &BTreeSet<&'static str>) {
        for (address, page) in &mut self.pages {
            page.wanted = wanted.contains(address);
        }
        for address in wanted {
            self.pages.entry(address).or_insert_with(|| Page {
                wanted: true,
                asking: false,
                next: Instant::now(),
                failures: 0,
            });
        }
    }

    /// When the next page is due, if any is to be asked.
    pub(super) fn next(&self) -> Option<Instant> {
        let waiting = self.pages.values().filter(|page| page.wanted && !page.asking);
        waiting.map(|page| page.next).min()
    }

    /// Asks the pages that are due.
    pub(super) fn start_due(&mut self, world: &std::sync::Arc<World>) {
        for address in self.begin() {
            let (world, answers) = (world.clone(), self.answers.0.clone());
            tokio::spawn(async move {
                let said = status_page::ask(&world.http, address, world.clock.now()).await;
                // The receiver is gone only while the program ends.
                let _ = answers.send((address, said));
            });
        }
    }

    /// The next answer that tells something, and whose page it is.
    pub(super) async fn answer(&mut self) -> (&'static str, Option<Trouble>) {
        loop {
            // The sender is kept here too, so that there is always one.
            let Some((address, said)) = self.answers.1.recv().await else {
                return std::future::pending().await;
            };
            self.end(address, said.as_ref().err());
            match said {
                Ok(says) => return (address, says),
                Err(error) => log::debug!("{address}: {error}"),
            }
        }
    }

    fn begin(&mut self) -> Vec<&'static str> {
        let now = Instant::now();
        let is_due = |page: &Page| page.wanted && !page.asking && page.next <= now;
        let due = self.pages.iter_mut().filter(|(_, page)| is_due(page));
        due.map(|(address, page)| {
            page.asking = true;
            *address
        })
        .collect()
    }

    fn end(&mut self, address: &'static str, error: Option<&SourceError>) {
        let Some(page) = self.pages.get_mut(address) else { return };
        let jitter = fastrand::u32(..1000);
        let usual = due::after_success(POLL, jitter);
        page.asking = false;
        page.failures = error.map_or(0, |_| page.failures + 1);
        page.next = Instant::now()
            + error.map_or(usual, |error| {
                due::after_failure(error, page.failures, POLL, jitter).max(usual)
            });
    }
}

/// The pages of the providers among `sources` that are asked: their last look was no absence.
pub(super) fn wanted(
    config: &Config,
    sources: impl Iterator<Item = &'static SourceInfo>,
    live: &BTreeMap<&'static str, Live>,
) -> BTreeSet<&'static str> {
    let is_asked = |info: &SourceInfo| match live.get(info.id).map(|live| &live.error) {
        None => false,
        Some(None) => true,
        // A locked keyring says so of providers that have no key in it as well.
        Some(Some(SourceError::KeyUnavailable { .. })) => false,
        Some(Some(error)) => !error.is_absence(),
    };
    sources
        .filter(|info| config.status_pages && !info.status_page.is_empty())
        .filter(|info| is_asked(info) && !is_replaced(config, info))
        .map(|info| info.status_page)
        .collect()
}

/// Whether a gateway is asked in the provider's place. Then the provider is not, and this machine
/// may be meant to talk to the gateway only.
fn is_replaced(config: &Config, info: &SourceInfo) -> bool {
    let own = Url::parse(info.base_url).map(|url| url.origin());
    config.base_url(info.id).is_some_and(|url| own.is_ok_and(|own| own != url.origin()))
}

/// The providers that are switched on and have a page; none when the config does without pages.
pub(super) fn providers_with_page(config: &Config) -> Vec<&'static SourceInfo> {
    let providers = look::enabled(config, true).map(|source| source.info());
    providers.filter(|info| config.status_pages && !info.status_page.is_empty()).collect()
}

/// The page whose reports concern a source: its own, else that of a provider with its account. A
/// second account of a provider has the provider's page, under the provider's name.
pub(super) fn page_of(
    config: &Config,
    providers: &[&'static SourceInfo],
    info: &SourceInfo,
) -> Option<StatusPage> {
    let account = config.account(info);
    let page = providers.iter().find(|it| match info.status_page {
        "" => config.account(it) == account,
        own => it.status_page == own,
    })?;
    Some(StatusPage { address: page.status_page, of: page.name })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sources::find;
    use crate::spend::Zone;

    const ONE: &str = "https://one.example";
    const TWO: &str = "https://two.example";

    fn due_in(incidents: &Incidents) -> Option<Duration> {
        incidents.next().map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn config(text: &str) -> Config {
        Config::parse(text, Path::new("c"), Path::new("/home/u"), Zone::UTC).unwrap()
    }

    fn info(id: &str) -> &'static SourceInfo {
        find(id).unwrap().info()
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_is_asked_at_once_and_then_every_quarter_of_an_hour() {
        let mut incidents = Incidents::new();
        assert_eq!(due_in(&incidents), None);
        incidents.follow(&[ONE, TWO].into());
        assert_eq!(due_in(&incidents), Some(Duration::ZERO));
        assert_eq!(incidents.begin(), [ONE, TWO]);
        assert_eq!((incidents.begin(), due_in(&incidents)), (vec![], None), "both are being asked");
        incidents.end(ONE, None);
        let wait = due_in(&incidents).unwrap();
        assert!((POLL..=POLL * 11 / 10).contains(&wait), "{wait:?}");
        tokio::time::advance(POLL / 2).await;
        assert!(incidents.begin().is_empty());
        tokio::time::advance(POLL).await;
        assert_eq!(incidents.begin(), [ONE], "the other one has not answered yet");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_page_is_asked_less_often_and_never_more_often() {
        let mut incidents = Incidents::new();
        incidents.follow(&[ONE].into());
        let gone = SourceError::Unreachable { what: "timed out".into() };
        let down = SourceError::ProviderDown { status: 503, retry_after: None };
        let html = SourceError::FormatChanged { what: "it is not JSON".into() };
        for error in [&gone, &down, &html] {
            incidents.pages.get_mut(ONE).unwrap().failures = 0;
            for _ in 0..3 {
                incidents.end(ONE, Some(error));
                assert!(due_in(&incidents).unwrap() >= POLL, "{error}");
            }
        }
        for _ in 0..9 {
            incidents.end(ONE, Some(&down));
        }
        assert!(due_in(&incidents).unwrap() >= Duration::from_secs(60 * 60));
        incidents.end(ONE, None);
        assert!(due_in(&incidents).unwrap() <= POLL * 11 / 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_comes_back_is_not_asked_too_soon() {
        let mut incidents = Incidents::new();
        incidents.follow(&[ONE].into());
        incidents.begin();
        incidents.end(ONE, None);
        incidents.follow(&BTreeSet::new());
        assert_eq!(due_in(&incidents), None);
        incidents.follow(&[ONE].into());
        assert!(due_in(&incidents).unwrap() >= POLL);
    }

    #[test]
    fn only_pages_of_providers_that_are_asked_are_wanted() {
        let looked =
            |error| Live { error, retry_at: None, looked_at: chrono::DateTime::UNIX_EPOCH };
        let all = ["codex", "openai-admin", "anthropic-admin", "github-copilot", "openrouter"];
        let wanted_with = |text: &str, errors: &[(&'static str, Option<SourceError>)]| {
            let live = errors.iter().cloned().map(|(id, error)| (id, looked(error))).collect();
            let pages = wanted(&config(text), all.iter().map(|id| info(id)), &live);
            pages.into_iter().collect::<Vec<_>>()
        };
        let refused = SourceError::KeyRejected { status: 401 };
        let nothing: [&str; 0] = [];
        assert_eq!(wanted_with("", &[]), nothing, "nothing was looked at yet");
        let setting = SourceError::NeedsSetting { name: "scope".into(), what: "x".into() };
        let locked = SourceError::KeyUnavailable { what: "it is locked".into() };
        let absent = [
            ("codex", None),
            ("openai-admin", Some(SourceError::NeedsKey)),
            ("anthropic-admin", Some(locked)),
            ("github-copilot", Some(setting)),
            ("openrouter", None),
        ];
        assert_eq!(wanted_with("", &absent), nothing);
        let asked = [("openai-admin", None), ("anthropic-admin", Some(refused))];
        let both = ["https://status.claude.com", "https://status.openai.com"];
        assert_eq!(wanted_with("", &asked), both);
        assert_eq!(wanted_with("status_pages = false\n", &asked), nothing);
        let gateway = "[providers.openai-admin]\nbase_url = \"http://127.0.0.1:4000/openai\"\n";
        assert_eq!(wanted_with(gateway, &asked), both[..1]);
        let itself = "[providers.openai-admin]\nbase_url = \"https://api.openai.com/\"\n";
        assert_eq!(wanted_with(itself, &asked), both);
    }

    #[test]
    fn agents_have_the_page_of_the_provider_with_their_account() {
        let page = |text: &str, id: &str| {
            let config = config(text);
            let page = page_of(&config, &providers_with_page(&config), info(id));
            page.map(|page| (page.address, page.of))
        };
        let openai = Some(("https://status.openai.com", "OpenAI"));
        assert_eq!(page("", "openai-admin"), openai);
        assert_eq!(page("", "codex"), openai);
        assert_eq!(page("", "claude-code"), Some(("https://status.claude.com", "Anthropic")));
        let github = Some(("https://www.githubstatus.com", "GitHub Copilot"));
        assert_eq!(page("", "copilot-cli"), github);
        assert_eq!((page("", "pi"), page("", "openrouter")), (None, None));
        assert_eq!(page("[agents.codex]\naccount = \"work\"\n", "codex"), None);
        assert_eq!(page("[agents.pi]\naccount = \"openai\"\n", "pi"), openai);
        assert_eq!(page("[providers.openai-admin]\nenabled = false\n", "codex"), None);
        assert_eq!(page("status_pages = false\n", "openai-admin"), None);
        let further = config("[providers.openai-admin.accounts.work]\n");
        let work = further.further.find("openai-admin@work").unwrap().info();
        let page = page_of(&further, &providers_with_page(&further), work);
        assert_eq!(page.map(|page| page.of), Some("OpenAI"));
    }
}
