//! One source's place in the schedule: when it is looked at next, and what is said to have changed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use crate::sources::{Places, Source, SourceError, SourceKind, Watched};

use super::look::{AT_START, Changed, Looked, Scope};
use super::watch::Change;
use super::{due, floor};

/// Agents write a request in several lines; reading waits this long for the rest of them.
const SETTLE: Duration = Duration::from_millis(20);
/// Under continuous writing a source is read at most this often: a line shows within a tenth of a
/// second.
const READ_GAP: Duration = Duration::from_millis(50);
/// A look that took long is followed by a pause of so many times its length, so that reading never
/// takes more than a small share of a core.
const PAUSE_PER_LOOK: u32 = 12;
/// All others are looked at so long after it.
const REST_AFTER: Duration = Duration::from_secs(60);

/// What the monitor keeps of one source.
pub struct Job {
    /// The source.
    pub source: &'static dyn Source,
    /// True once a look has ended that left nothing over.
    pub looked: bool,
    /// Its watched folders, as they are named and with links resolved.
    folders: BTreeSet<PathBuf>,
    /// The last look left something over: what was read is a part of what there is.
    pub read_in_part: bool,
    next: Instant,
    /// Before this it is not looked at, whatever anybody asks.
    floor: Instant,
    /// When the look that runs, or the last one, began.
    began: Instant,
    /// When the whole source is looked at, whatever is said to have changed.
    sweep_at: Instant,
    /// The look that runs is at the whole source.
    sweeps: bool,
    /// No look has ended yet.
    at_start: bool,
    /// A comparison told that everything has to be read.
    to_be_read: bool,
    /// A change is looked at no earlier than this.
    not_before: Instant,
    running: bool,
    failures: u32,
    changed: Changed,
}

impl Job {
    /// A source that is looked at now, or after what a provider asked to wait for before a
    /// restart.
    pub fn new(source: &'static dyn Source, wait: Option<Duration>) -> Self {
        let wait = wait.filter(|_| source.info().kind == SourceKind::Provider);
        let now = Instant::now();
        Self {
            source,
            looked: wait.is_some(),
            folders: BTreeSet::new(),
            read_in_part: false,
            next: now + wait.unwrap_or_default(),
            floor: now,
            began: now,
            sweep_at: now,
            sweeps: false,
            at_start: true,
            to_be_read: false,
            not_before: now,
            running: false,
            failures: 0,
            changed: Changed::Anything,
        }
    }

    /// When it is to be looked at; `None` while a look is running.
    pub fn next(&self) -> Option<Instant> {
        (!self.running).then_some(self.next.max(self.floor))
    }

    /// Begins a look, and tells how far it goes. While one runs no other begins.
    pub fn begin(&mut self) -> Scope {
        self.running = true;
        self.began = Instant::now();
        let is_time = self.sweep_at <= Instant::now();
        let to_be_read = std::mem::take(&mut self.to_be_read) || self.read_in_part;
        let scope = match std::mem::replace(&mut self.changed, Changed::Nothing) {
            Changed::Files(files) if !is_time => Scope::Files(files.into_iter().collect()),
            _ if to_be_read => Scope::Everything,
            _ => Scope::Changed(self.at_start.then_some(AT_START)),
        };
        self.sweeps = !matches!(scope, Scope::Files(_));
        scope
    }

    /// A look that was begun can't go on; the whole source is looked at after `wait`.
    pub fn give_up(&mut self, wait: Duration) {
        self.running = false;
        self.look_everywhere(wait);
    }

    /// A look is over. Gives how long a failed source is left alone.
    pub fn end(&mut self, looked: &Looked, poll: Duration) -> Option<Duration> {
        let now = Instant::now();
        let jitter = fastrand::u32(..1000);
        self.running = false;
        let asked_nobody = looked.result.as_ref().is_err_and(SourceError::asked_nobody);
        if !asked_nobody {
            self.floor = self.began + floor::least(self.source.info());
        }
        self.not_before = now + READ_GAP.max(looked.took * PAUSE_PER_LOOK);
        if looked.finds() {
            self.go_on(looked, poll);
            return None;
        }
        // After a failed look nobody knows what there is; the part stays a part.
        self.read_in_part = looked.result.as_ref().map_or(self.read_in_part, |found| found.more);
        match &looked.result {
            Ok(reading) if reading.more => {
                self.look_everywhere(Duration::ZERO);
                None
            }
            Ok(_) => {
                self.looked = true;
                self.failures = 0;
                self.plan_sweep(looked, poll);
                self.next = self.sweep_at;
                self.hurry_if_changed();
                None
            }
            Err(error) => {
                self.looked = true;
                self.failures += 1;
                let wait = due::after_failure(error, self.failures, poll, jitter);
                // What is shown as the next attempt has to be one.
                let wait = wait.max(self.floor.saturating_duration_since(now));
                self.next = now + wait;
                self.sweep_at = self.next;
                self.hurry_if_changed();
                Some(wait)
            }
        }
    }

    /// Has what a comparison found read at once.
    fn go_on(&mut self, looked: &Looked, poll: Duration) {
        match looked.compared.as_ref().map(|compared| &compared.changed) {
            Some(Changed::Files(found)) => match &mut self.changed {
                Changed::Anything => {}
                Changed::Files(known) => known.extend(found.iter().cloned()),
                nothing @ Changed::Nothing => *nothing = Changed::Files(found.clone()),
            },
            _ => self.to_be_read = true,
        }
        self.plan_sweep(looked, poll);
        self.next = Instant::now();
    }

    /// Says when the whole source is looked at again, after a look at all of it.
    fn plan_sweep(&mut self, looked: &Looked, poll: Duration) {
        if self.sweeps {
            let left_out = looked.compared.as_ref().is_some_and(|compared| compared.left_out);
            let usual = due::after_success(poll, fastrand::u32(..1000));
            self.sweep_at = Instant::now() + if left_out { REST_AFTER.min(usual) } else { usual };
            self.at_start = false;
        }
    }

    /// Takes over from the same source's job of another configuration.
    pub fn follow(&mut self, former: &Self) {
        self.running = former.running;
        self.read_in_part = former.read_in_part;
        self.failures = former.failures;
        self.at_start = former.at_start;
        (self.floor, self.began) = (former.floor, former.began);
    }

    /// Leaves the source alone for so long, whatever anybody asks: another program has looked.
    pub fn hold_back(&mut self, left: Duration) {
        self.looked = true;
        self.floor = Instant::now() + left;
    }

    /// Has the whole source looked at after `wait`, and no earlier than it bears.
    pub fn look_everywhere(&mut self, wait: Duration) {
        self.changed = Changed::Anything;
        self.at_start = false;
        self.next = Instant::now() + wait;
    }

    /// Learns which folders are its own. Changes come by the thousand, so this is not asked for
    /// each of them. Gives the folders as they are named.
    pub fn learn_folders(&mut self, places: &Places) -> Vec<Watched> {
        let watched = self.source.watched(places);
        let named = watched.iter().map(|watched| &watched.folder);
        let resolved = named.clone().filter_map(|folder| folder.canonicalize().ok());
        self.folders = resolved.chain(named.cloned()).collect();
        watched
    }

    /// A change in a watched folder: if it is one of this source's, a look is due shortly.
    pub fn note(&mut self, change: &Change) {
        if self.folders.is_empty() {
            return;
        }
        match (change, &mut self.changed) {
            (Change::Anything, changed) => *changed = Changed::Anything,
            (Change::Files(files), changed) => {
                let is_mine =
                    |file: &&PathBuf| file.ancestors().any(|above| self.folders.contains(above));
                let mine: BTreeSet<PathBuf> = files.iter().filter(is_mine).cloned().collect();
                match changed {
                    _ if mine.is_empty() => return,
                    Changed::Anything => {}
                    Changed::Files(known) => known.extend(mine),
                    Changed::Nothing => *changed = Changed::Files(mine),
                }
            }
        }
        self.next = self.next.min((Instant::now() + SETTLE).max(self.not_before));
    }

    /// What changed while a look was running has waited for its end.
    fn hurry_if_changed(&mut self) {
        if !matches!(self.changed, Changed::Nothing) {
            self.next = self.next.min(self.not_before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::Compared;
    use super::*;
    use crate::sources::{Look, ReadFuture, SourceInfo};
    use crate::spend::Reading;

    const POLL: Duration = Duration::from_secs(600);

    fn job(id: &str) -> Job {
        Job::new(crate::sources::find(id).expect("known"), None)
    }

    fn looked(job: &Job, result: Result<Reading, SourceError>) -> Looked {
        let at = "2026-11-24T12:00:00Z".parse().expect("time");
        Looked { source: job.source, at, took: Duration::ZERO, result, compared: None }
    }

    fn due_in(job: &Job) -> Duration {
        job.next().expect("not running").saturating_duration_since(Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_looked_at_soon_and_only_its_file() {
        let mut job = job("codex");
        job.learn_folders(&Places { home: "/home/ada".into(), ..Places::default() });
        assert_eq!(job.begin(), Scope::Changed(Some(AT_START)), "the first look is a short one");
        assert_eq!(job.next(), None, "one look at a time");
        job.end(&looked(&job, Ok(Reading::default())), POLL);
        assert!(due_in(&job) >= POLL);
        let file = PathBuf::from("/home/ada/.codex/sessions/2026/a.jsonl");
        job.note(&Change::Files(vec![file.clone(), "/home/ada/elsewhere".into()]));
        assert_eq!(due_in(&job), READ_GAP, "reads keep their distance");
        assert_eq!(job.begin(), Scope::Files(vec![file]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_during_a_look_is_looked_at_after_it() {
        let mut job = job("codex");
        job.learn_folders(&Places { home: "/home/ada".into(), ..Places::default() });
        job.begin();
        job.note(&Change::Files(vec!["/home/ada/.codex/sessions/b.jsonl".into()]));
        job.end(&looked(&job, Ok(Reading::default())), POLL);
        assert_eq!(due_in(&job), READ_GAP);
        assert_eq!(job.begin(), Scope::Files(vec!["/home/ada/.codex/sessions/b.jsonl".into()]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_that_left_something_over_goes_on_at_once() {
        let mut job = job("claude-code");
        job.begin();
        job.end(&looked(&job, Ok(Reading { more: true, ..Reading::default() })), POLL);
        assert_eq!((due_in(&job), job.looked), (Duration::ZERO, false));
        assert!(job.read_in_part);
        job.begin();
        job.end(&looked(&job, Err(SourceError::NotInstalled)), POLL);
        assert!(job.read_in_part);
        job.begin();
        job.end(&looked(&job, Ok(Reading::default())), POLL);
        assert!(!job.read_in_part);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_wait_longer_and_a_good_look_forgets_them() {
        let mut job = job("openai-admin");
        let down = || Err(SourceError::ProviderDown { status: 503, retry_after: None });
        let waits: Vec<_> = (0..3)
            .map(|_| {
                job.begin();
                job.end(&looked(&job, down()), POLL).expect("a wait").as_secs()
            })
            .collect();
        // 30, 60 and 120 seconds, each up to half longer.
        assert!(
            waits
                .iter()
                .zip([30, 60, 120])
                .all(|(wait, base)| (base..=base * 3 / 2).contains(wait)),
            "{waits:?}"
        );
        job.begin();
        assert_eq!(job.end(&looked(&job, Ok(Reading::default())), POLL), None);
        job.begin();
        assert!(job.end(&looked(&job, down()), POLL).expect("a wait").as_secs() <= 45);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_from_before_a_restart_is_kept_for_providers_only() {
        let wait = Some(Duration::from_secs(90));
        let provider = Job::new(crate::sources::find("openrouter").expect("known"), wait);
        assert_eq!((due_in(&provider), provider.looked), (Duration::from_secs(90), true));
        let agent = Job::new(crate::sources::find("codex").expect("known"), wait);
        assert_eq!((due_in(&agent), agent.looked), (Duration::ZERO, false));
    }

    fn compared(job: &Job, changed: Changed, left_out: bool) -> Looked {
        let compared = Some(Compared { changed, left_out, tree: None });
        Looked { compared, ..looked(job, Ok(Reading::default())) }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_start_left_out_is_looked_at_soon_whatever_changes_meanwhile() {
        let mut job = job("codex");
        job.learn_folders(&Places { home: "/home/ada".into(), ..Places::default() });
        assert_eq!(job.begin(), Scope::Changed(Some(AT_START)));
        let found = Changed::Files(["/home/ada/.codex/sessions/a.jsonl".into()].into());
        job.end(&compared(&job, found, true), POLL);
        assert_eq!((due_in(&job), job.looked), (Duration::ZERO, false));
        assert_eq!(job.begin(), Scope::Files(vec!["/home/ada/.codex/sessions/a.jsonl".into()]));
        job.end(&looked(&job, Ok(Reading::default())), POLL);
        assert_eq!((due_in(&job), job.looked), (REST_AFTER, true));
        // An agent that writes all the time does not put it off.
        for _ in 0..10 {
            tokio::time::advance(REST_AFTER / 12).await;
            job.note(&Change::Files(vec!["/home/ada/.codex/sessions/a.jsonl".into()]));
            assert!(matches!(job.begin(), Scope::Files(_)));
            job.end(&looked(&job, Ok(Reading::default())), POLL);
        }
        assert_eq!(due_in(&job), REST_AFTER / 12 * 2);
        tokio::time::advance(due_in(&job)).await;
        assert_eq!(job.begin(), Scope::Changed(None));
        job.end(&compared(&job, Changed::Nothing, false), POLL);
        assert!(due_in(&job) >= POLL);
    }

    #[tokio::test(start_paused = true)]
    async fn where_a_comparison_can_not_tell_everything_is_read_once() {
        let mut job = job("codex");
        job.begin();
        job.end(&compared(&job, Changed::Anything, false), POLL);
        assert_eq!((due_in(&job), job.looked), (Duration::ZERO, false));
        assert_eq!(job.begin(), Scope::Everything);
        job.end(&looked(&job, Ok(Reading::default())), POLL);
        assert!(due_in(&job) >= POLL);
        tokio::time::advance(due_in(&job)).await;
        assert_eq!(job.begin(), Scope::Changed(None));
    }

    /// A source that is to be asked at most every seven minutes.
    fn bounded() -> Job {
        struct Bounded;
        impl Source for Bounded {
            fn info(&self) -> &'static SourceInfo {
                static INFO: std::sync::LazyLock<SourceInfo> = std::sync::LazyLock::new(|| {
                    let openai = crate::sources::find("openai-admin").expect("known");
                    SourceInfo { least_minutes: 7, ..*openai.info() }
                });
                &INFO
            }

            fn read<'a>(&'a self, _look: &'a Look<'a>) -> ReadFuture<'a> {
                Box::pin(async { Err(SourceError::NeedsKey) })
            }
        }
        Job::new(&Bounded, None)
    }

    const LEAST: Duration = Duration::from_secs(7 * 60);

    #[tokio::test(start_paused = true)]
    async fn a_source_is_asked_no_more_often_than_it_bears_whoever_asks() {
        let down = || Err(SourceError::ProviderDown { status: 503, retry_after: None });
        for result in [Ok(Reading::default()), down()] {
            let mut job = bounded();
            job.begin();
            // The bound counts from beginning to beginning.
            tokio::time::advance(Duration::from_secs(20)).await;
            let wait = job.end(&looked(&job, result.clone()), POLL);
            assert!(wait.is_none_or(|wait| wait >= LEAST - Duration::from_secs(20)), "{wait:?}");
            job.look_everywhere(Duration::ZERO);
            assert_eq!(due_in(&job), LEAST - Duration::from_secs(20), "{result:?}");
            // A changed config makes a job anew.
            let mut remade = bounded();
            remade.follow(&job);
            assert_eq!(due_in(&remade), LEAST - Duration::from_secs(20));
            tokio::time::advance(LEAST).await;
            assert_eq!(due_in(&remade), Duration::ZERO);
            // Another program has looked meanwhile.
            remade.hold_back(LEAST / 2);
            remade.look_everywhere(Duration::ZERO);
            assert_eq!(due_in(&remade), LEAST / 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_asked_nobody_does_not_count() {
        let locked = SourceError::KeyUnavailable { what: "it is locked".into() };
        for error in [SourceError::NeedsKey, locked] {
            let mut job = bounded();
            job.begin();
            job.end(&looked(&job, Err(error.clone())), POLL);
            job.look_everywhere(Duration::ZERO);
            assert_eq!(due_in(&job), Duration::ZERO, "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_a_look_gets_one_at_all_files() {
        let mut job = job("codex");
        job.look_everywhere(Duration::ZERO);
        assert_eq!(job.begin(), Scope::Changed(None));
    }
}
