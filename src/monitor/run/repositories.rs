//! Repositories in which work goes on are read in the background: ten minutes after a session has
//! spent something in one, and never while nothing happens. Their hosts are asked for merged pull
//! requests after that, where the config wants it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::Monitor;
use crate::ledger::LedgerError;
use crate::monitor::Event;
use crate::monitor::commits::{self, Errand};
use crate::monitor::look::Looked;
use crate::monitor::pulls;
use crate::secrets::Store;

/// How long after spend its repository is read: long enough for several commits to be read at once.
const AFTER_SPEND: Duration = Duration::from_secs(10 * 60);

/// How far back pull requests are asked for in the background: what the page shows.
const PULLS_SINCE: TimeDelta = TimeDelta::days(30);

/// Folders that something was spent in, and the reading that runs.
pub(super) struct Repositories {
    folders: BTreeSet<String>,
    due: Option<Instant>,
    is_reading: bool,
    read: (UnboundedSender<Read>, UnboundedReceiver<Read>),
}

/// What was read.
pub(super) enum Read {
    /// Commits of the repositories of these folders.
    Commits(commits::Looked, Errand, Vec<String>),
    /// Pull requests of them.
    Pulls(pulls::Answers),
    /// Nothing: the reading came to no end.
    Nothing,
}

impl Repositories {
    pub(super) fn new() -> Self {
        Self { folders: BTreeSet::new(), due: None, is_reading: false, read: unbounded_channel() }
    }

    /// A look has told of spend: the folders of it are due in a while.
    pub(super) fn note(&mut self, looked: &Looked) {
        let Ok(reading) = &looked.result else { return };
        for folder in reading.usages.iter().filter_map(|usage| usage.project.as_deref()) {
            if !self.folders.contains(folder) {
                self.folders.insert(folder.to_owned());
            }
        }
        if !self.folders.is_empty() {
            self.due.get_or_insert_with(|| Instant::now() + AFTER_SPEND);
        }
    }

    /// When something is to be done; `None` while a reading runs, and when nothing was spent.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_reading)
    }

    /// The next reading that has ended.
    pub(super) async fn answer(&mut self) -> Read {
        // The sender lives beside the receiver.
        self.read.1.recv().await.unwrap_or(Read::Nothing)
    }
}

impl<T: FnMut(Event)> Monitor<T> {
    /// Begins to read the repositories that are due.
    ///
    /// # Errors
    /// The ledger is damaged.
    pub(super) fn read_due_repositories(&mut self) -> Result<(), LedgerError> {
        if self.repositories.next().is_none_or(|next| next > Instant::now()) {
            return Ok(());
        }
        self.repositories.due = None;
        let folders = std::mem::take(&mut self.repositories.folders);
        if !self.config.yields.background {
            return Ok(());
        }
        let known = match commits::known(&self.ledger) {
            Ok(known) => known,
            Err(error @ LedgerError::Corrupt { .. }) => return Err(error),
            // Nobody waits for it, and `yield` reads whatever is missing.
            Err(error) => {
                log::debug!("repositories: {error}");
                return Ok(());
            }
        };
        let errand = Errand::new(self.setup.clock.now(), &self.setup.places.home);
        self.repositories.is_reading = true;
        let told = self.repositories.read.0.clone();
        tokio::spawn(async move {
            let folders: Vec<String> = folders.into_iter().collect();
            let work =
                move || Read::Commits(commits::look(&folders, &known, &errand), errand, folders);
            let read = tokio::task::spawn_blocking(work).await;
            // The receiver is gone only while the program ends.
            let _ = told.send(read.unwrap_or(Read::Nothing));
        });
        Ok(())
    }

    /// Begins to ask the hosts of repositories in which something was spent.
    fn ask_for_pulls(&mut self, folders: &[String]) -> Result<(), LedgerError> {
        let now = self.setup.clock.now();
        let hosts = &self.config.yields.hosts;
        let plan = pulls::plan(&self.ledger, folders, hosts, now - PULLS_SINCE, now)?;
        if plan.is_empty() {
            return Ok(());
        }
        self.repositories.is_reading = true;
        let (told, world) = (self.repositories.read.0.clone(), self.world.clone());
        tokio::spawn(async move {
            let places = world.places.clone();
            // Nobody expects a question for a password from a program that is not in front.
            let keys = move || {
                let keys = pulls::keys(&plan, &Store::new(&places).without_asking(), &places);
                (keys, plan)
            };
            let answers = match tokio::task::spawn_blocking(keys).await {
                Ok((keys, plan)) => Read::Pulls(pulls::ask(&plan, &keys, &world.http).await),
                Err(_) => Read::Nothing,
            };
            // The receiver is gone only while the program ends.
            let _ = told.send(answers);
        });
        Ok(())
    }

    /// Keeps what was read.
    ///
    /// # Errors
    /// The ledger is damaged.
    pub(super) fn keep_repositories(&mut self, read: Read) -> Result<(), LedgerError> {
        self.repositories.is_reading = false;
        let kept = match read {
            Read::Commits(looked, errand, folders) => {
                commits::keep(&mut self.ledger, &looked, &errand)
                    .and_then(|()| self.ask_for_pulls(&folders))
            }
            Read::Pulls(answers) => self.ledger.keep_pulls(&answers),
            Read::Nothing => Ok(()),
        };
        match kept {
            Err(error @ LedgerError::Corrupt { .. }) => Err(error),
            Err(error) => {
                log::debug!("repositories: {error}");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::Reading;

    fn looked(folders: &[&str]) -> Looked {
        let source = crate::sources::find("codex").expect("known");
        let usages = folders.iter().map(|folder| crate::spend::Usage {
            key: crate::spend::EventKey::original(&[folder.as_bytes()], &[b"request"]),
            at: chrono::DateTime::UNIX_EPOCH,
            provider: None,
            model: None,
            tokens: Default::default(),
            speed: Default::default(),
            web_searches: 0,
            stated_cost: None,
            project: Some((*folder).into()),
            session: None,
            funding: Default::default(),
            is_sum: false,
        });
        let result = Ok(Reading { usages: usages.collect(), ..Reading::default() });
        let at = chrono::DateTime::UNIX_EPOCH;
        Looked { source, at, took: Duration::ZERO, result, compared: None }
    }

    #[tokio::test(start_paused = true)]
    async fn repositories_are_due_a_while_after_the_first_spend_and_never_without() {
        let mut repositories = Repositories::new();
        repositories.note(&looked(&[]));
        assert_eq!(repositories.next(), None, "nothing was spent");
        repositories.note(&looked(&["/a", "/b"]));
        let due = repositories.next();
        assert_eq!(due, Some(Instant::now() + AFTER_SPEND));
        tokio::time::advance(AFTER_SPEND / 2).await;
        repositories.note(&looked(&["/c"]));
        assert_eq!(repositories.next(), due, "spend that goes on does not put it off");
        assert_eq!(repositories.folders.len(), 3);
        repositories.is_reading = true;
        assert_eq!(repositories.next(), None, "one reading at a time");
    }
}
