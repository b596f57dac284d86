//! The running monitor: one thread, one loop. It waits for whatever comes first — a changed file,
//! a poll that is due, a finished look, a command — and sleeps in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDate, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use crate::board::standing;
use crate::board::{self, Live};
use crate::config::Config;
use crate::ledger::{Ledger, LedgerError, Snooze};
use crate::pricing::PriceTable;
use crate::sources::{Depth, SourceInfo, SourceKind, Watched};
use crate::spend::period::local_day;

use super::asked::asked_sources;
use super::delivery::{self, Delivery};
use super::incidents::Incidents;
use super::job::Job;
use super::look::{self, Looked, Task, World};
use super::messages::{Command, Event};
use super::record::{self, Judge};
use super::watch::{Change, Watch};
use super::{Setup, floor, modified, turns};

mod pages;
mod repositories;
use repositories::Repositories;

/// How often the slow things are checked: the date, new folders, the config file, ages.
const TICK: Duration = Duration::from_secs(30);
/// How often old events are rolled up, if there are enough.
const ROLL_UP_GAP: Duration = Duration::from_secs(60 * 60);
/// How often silent providers are asked for.
const SILENCE_GAP: Duration = Duration::from_secs(60 * 60);
/// How long the first judgement of budgets waits for slow providers.
const FIRST_LOOK_PATIENCE: Duration = Duration::from_secs(60);

/// The monitor at work.
pub(super) struct Monitor<T> {
    setup: Setup,
    tell: T,
    ledger: Ledger,
    config: Arc<Config>,
    config_stamp: Option<SystemTime>,
    prices: Arc<PriceTable>,
    world: Arc<World>,
    jobs: Vec<Job>,
    live: BTreeMap<&'static str, Live>,
    watch: Watch,
    /// Folders that are watched while the first look at their source lists them, by source.
    with_first_look: BTreeMap<&'static str, Vec<Watched>>,
    changes: UnboundedReceiver<Change>,
    finished: (UnboundedSender<Looked>, UnboundedReceiver<Looked>),
    paused: bool,
    started: Instant,
    judging: bool,
    /// Sentences about the ledger and the config that stand until they are mended.
    notices: Vec<String>,
    trouble: BTreeMap<&'static str, String>,
    day: Option<NaiveDate>,
    /// The day on which the shape of a day was learned last.
    shape_day: Option<NaiveDate>,
    roll_up_at: Instant,
    /// Whether events were recorded since: what did not grow need not be asked whether it did.
    to_roll_up: bool,
    silence_at: Instant,
    delivery: Delivery,
    judge: Judge,
    incidents: Incidents,
    repositories: Repositories,
}

impl<T: FnMut(Event)> Monitor<T> {
    /// Opens the ledger, sets the schedule up and watches the folders.
    ///
    /// # Errors
    /// The ledger can't be used, or a price of the user's is wrong.
    pub(super) fn new(setup: Setup, tell: T) -> anyhow::Result<Self> {
        let now = setup.clock.now();
        let opened = Ledger::open(&setup.ledger_path, now)?;
        let mut ledger = opened.ledger;
        let prices = Arc::new(setup.prices()?);
        ledger.reprice(&prices)?;
        ledger.keep_days_of(setup.config.zone)?;
        ledger.reckon_with(setup.config.rates.clone(), setup.config.plans.clone());
        ledger.know_prices(prices.clone());
        ledger.deliver_to(delivery::channels(&setup.config));
        let config = Arc::new(setup.config.clone());
        let world = Arc::new(setup.world());
        let (sender, changes) = unbounded_channel();
        let judging = record::first_look_is_over(&ledger)?;
        let mut monitor = Self {
            config_stamp: modified(&setup.config_path),
            ledger,
            config,
            prices,
            world,
            jobs: Vec::new(),
            live: BTreeMap::new(),
            watch: Watch::start(sender),
            with_first_look: BTreeMap::new(),
            changes,
            finished: unbounded_channel(),
            paused: false,
            started: Instant::now(),
            judging,
            notices: opened.notices,
            trouble: BTreeMap::new(),
            day: None,
            shape_day: None,
            // Not while everything else starts.
            roll_up_at: Instant::now() + ROLL_UP_GAP / 12,
            to_roll_up: false,
            silence_at: Instant::now(),
            delivery: Delivery::new(),
            judge: Judge::default(),
            incidents: Incidents::new(),
            repositories: Repositories::new(),
            setup,
            tell,
        };
        monitor.make_jobs()?;
        monitor.leave_to_first_looks()?;
        monitor.follow_folders();
        Ok(monitor)
    }

    /// A tree of thousands of folders is listed once at the start: where the first look only
    /// compares, it watches each folder before it lists it.
    fn leave_to_first_looks(&mut self) -> Result<(), LedgerError> {
        if self.watch.companion().is_none() {
            return Ok(());
        }
        for job in self.jobs.iter().filter(|job| job.source.compares()) {
            let id = job.source.info().id;
            if !self.ledger.stamps(id)?.is_empty() {
                let mut trees = job.source.watched(&self.world.places);
                trees.retain(|it| it.depth == Depth::Tree && it.folder.is_dir());
                self.with_first_look.insert(id, trees);
            }
        }
        Ok(())
    }

    /// The first look at a source is over, or late: its folders are followed as all others.
    fn take_over(&mut self, id: &str, were_listed: bool) {
        let Some(folders) = self.with_first_look.remove(id) else { return };
        if !were_listed {
            self.watch.forget(&folders);
        }
        // That they are new here is no news: the look began after the watching.
        self.watch.follow(&folders);
        self.tell_of_watching();
    }

    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// The ledger turned out to be damaged.
    pub(super) async fn run(
        mut self,
        orders: &mut UnboundedReceiver<Command>,
    ) -> anyhow::Result<()> {
        self.publish();
        let mut tick = Instant::now() + TICK;
        loop {
            self.start_due_looks()?;
            if !self.paused {
                self.read_due_repositories()?;
                self.incidents.start_due(&self.world);
            }
            let wake = self.wake_at(tick);
            tokio::select! {
                Some(looked) = self.finished.1.recv() => self.finish(looked)?,
                Some(change) = self.changes.recv() => self.note(&change),
                (page, says) = self.incidents.answer() => self.hear(page, says.as_ref())?,
                answer = self.delivery.answer() => self.told(answer),
                read = self.repositories.answer() => self.keep_repositories(read)?,
                order = orders.recv() => match order {
                    None | Some(Command::Stop) => return Ok(()),
                    Some(order) => self.obey(order),
                },
                () = sleep_until(wake) => {
                    if self.delivery.is_time_again() {
                        self.deliver();
                    }
                    self.judge_for_the_first_time();
                    if Instant::now() >= tick {
                        self.tick();
                        tick = Instant::now() + TICK;
                    }
                }
            }
        }
    }

    /// One job per enabled source.
    fn make_jobs(&mut self) -> Result<(), LedgerError> {
        let now = self.setup.clock.now();
        let waits: BTreeMap<String, DateTime<Utc>> = self
            .ledger
            .sources()?
            .into_iter()
            .filter_map(|state| Some((state.source, state.retry_at?)))
            .collect();
        let former = std::mem::take(&mut self.jobs);
        self.jobs = look::enabled(&self.config, true)
            .map(|source| {
                let id = source.info().id;
                let wait = waits.get(id).and_then(|at| (*at - now).to_std().ok());
                let mut job = Job::new(source, wait);
                if let Some(former) = former.iter().find(|job| job.source.info().id == id) {
                    job.follow(former);
                }
                job
            })
            .collect();
        Ok(())
    }

    fn start_due_looks(&mut self) -> Result<(), LedgerError> {
        if self.paused {
            return Ok(());
        }
        let now = Instant::now();
        for index in self.due_jobs(now) {
            match self.start_look(index) {
                Ok(()) => {}
                Err(error @ LedgerError::Corrupt { .. }) => return Err(error),
                Err(error) => {
                    self.trouble.insert("ledger", error.to_string());
                    self.jobs[index].give_up(TICK);
                }
            }
        }
        Ok(())
    }

    fn start_look(&mut self, index: usize) -> Result<(), LedgerError> {
        let job = &mut self.jobs[index];
        let source = job.source;
        let at = self.setup.clock.now();
        if let Some(held) = floor::held_back(&self.ledger, source.info(), at)? {
            job.hold_back(held.left);
            return Ok(());
        }
        let mut task = look::task(&self.ledger, source, job.begin(), *look::USAGES.start())?;
        if let Task::Compare { companion, .. } = &mut task
            && self.with_first_look.contains_key(source.info().id)
        {
            *companion = self.watch.companion();
        }
        let (world, config) = (self.world.clone(), self.config.clone());
        let looking = look::begin(look::Errand { source, world, config, task });
        let finished = self.finished.0.clone();
        tokio::spawn(async move {
            // The receiver is gone only while the program ends.
            let _ = finished.send(looking.await);
        });
        Ok(())
    }

    fn running(&self) -> Vec<&'static SourceInfo> {
        let is_running = |job: &&Job| job.next().is_none();
        self.jobs.iter().filter(is_running).map(|job| job.source.info()).collect()
    }

    /// The jobs that are due by then and may begin beside those that run, whoever has waited longest
    /// first. Of the agents that is one at a time: a look reads on several threads, and what these
    /// take of the memory at once stays with the program.
    fn due_jobs(&self, by: Instant) -> Vec<usize> {
        let mut running = self.running();
        let mut waiting: Vec<_> = self
            .jobs
            .iter()
            .enumerate()
            .filter_map(|(index, job)| Some((job.next().filter(|next| *next <= by)?, index)))
            .collect();
        waiting.sort_unstable();
        waiting.retain(|(_, index)| {
            let info = self.jobs[*index].source.info();
            let begins = turns::may_begin(info, &running, 1);
            if begins {
                running.push(info);
            }
            begins
        });
        waiting.into_iter().map(|(_, index)| index).collect()
    }

    /// Records a look and says when the next one is due.
    ///
    /// # Errors
    /// The ledger is damaged; any other trouble with it is shown and tried again.
    fn finish(&mut self, looked: Looked) -> Result<(), LedgerError> {
        let info = looked.source.info();
        let now = self.setup.clock.now();
        let poll = look::poll(&self.config, info);
        self.take_over(info.id, looked.compared.is_some());
        let was_loading = self.is_loading();
        // The config may have switched it off meanwhile.
        let Some(job) = self.job(info.id) else { return Ok(()) };
        let retry_at = job.end(&looked, poll).map(|wait| now + wait);
        if looked.finds() {
            let kept = record::keep_tree(&self.ledger, &looked);
            self.note_trouble(kept);
            return Ok(());
        }
        let more = looked.result.as_ref().is_ok_and(|reading| reading.more);
        let error = looked.result.as_ref().err().cloned();
        let judge = (self.judging && !more).then_some(&mut self.judge);
        match record::record(&mut self.ledger, &looked, &self.config, &self.prices, retry_at, judge)
        {
            Ok(recorded) => {
                self.trouble.remove("ledger");
                self.repositories.note(&looked);
                self.to_roll_up |= recorded.new_events > 0;
                let live = Live { error, retry_at, looked_at: looked.at };
                let news = live.is_news(info, self.live.insert(info.id, live.clone()).as_ref());
                self.follow_pages();
                self.judge_for_the_first_time();
                // While a long first reading goes on, nothing of it is worth a redraw each time.
                if (recorded.changed && !more) || news || was_loading != self.is_loading() {
                    self.publish();
                }
            }
            Err(error @ LedgerError::Corrupt { .. }) => return Err(error),
            Err(error) => {
                self.trouble.insert("ledger", error.to_string());
                if let Some(job) = self.job(info.id) {
                    job.look_everywhere(TICK);
                }
                self.publish();
            }
        }
        Ok(())
    }

    fn job(&mut self, id: &str) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.source.info().id == id)
    }

    /// The budgets are judged from when every source was looked at once: half of a first reading
    /// would speak of each threshold in turn.
    fn judge_for_the_first_time(&mut self) {
        let all_looked = self.jobs.iter().all(|job| job.looked);
        let patient = self.started.elapsed() < FIRST_LOOK_PATIENCE;
        if self.judging || (!all_looked && (patient || self.is_loading())) {
            return;
        }
        self.judging = true;
        self.judge_now();
        self.publish();
    }

    fn judge_now(&mut self) {
        let now = self.setup.clock.now();
        match record::judge_now(&mut self.ledger, &self.config, now, &mut self.judge) {
            Ok(()) => self.trouble.remove("ledger"),
            Err(error) => self.trouble.insert("ledger", error.to_string()),
        };
    }

    fn is_loading(&self) -> bool {
        self.jobs.iter().any(|job| job.source.info().kind == SourceKind::Agent && !job.looked)
    }

    fn note(&mut self, change: &Change) {
        for job in &mut self.jobs {
            job.note(change);
        }
    }

    fn obey(&mut self, order: Command) {
        match order {
            Command::Refresh => {
                self.reload_config();
                self.jobs.iter_mut().for_each(|job| job.look_everywhere(Duration::ZERO));
            }
            Command::Pause(paused) => {
                self.paused = paused;
                if !paused {
                    self.obey(Command::Refresh);
                }
                self.publish();
            }
            Command::OnDesktop(alerts, settled) => {
                let now = self.setup.clock.now();
                let kept = self.delivery.settle_desktop(&self.ledger, &alerts, &settled, now);
                self.note_trouble(kept);
                self.publish();
            }
            Command::Snooze(budget, how) => {
                let now = self.setup.clock.now();
                let kept = match how.until(now, self.config.zone) {
                    Some(until) => self.ledger.snooze(&Snooze { budget, until }, now),
                    None => self.ledger.wake().map(|_| ()),
                };
                self.note_trouble(kept);
                self.publish();
            }
            Command::Reload => self.reload_config(),
            Command::Stop => {}
        }
    }

    fn wake_at(&self, tick: Instant) -> Instant {
        // For a job that has to wait for another one the end of that look wakes.
        let running = self.running();
        let may_begin = |job: &&Job| turns::may_begin(job.source.info(), &running, 1);
        let jobs = self.jobs.iter().filter(|_| !self.paused).filter(may_begin);
        let looks = jobs.filter_map(Job::next);
        let delivery = self.delivery.again_at();
        let first = (!self.judging).then(|| self.started + FIRST_LOOK_PATIENCE);
        let first = first.filter(|at| *at > Instant::now());
        let others = [self.incidents.next(), self.repositories.next()].into_iter().flatten();
        let others = others.filter(|_| !self.paused);
        looks.chain(delivery).chain(first).chain(others).fold(tick, Instant::min)
    }

    fn tick(&mut self) {
        self.reload_config();
        self.roll_up();
        self.learn_the_usual();
        self.judge_silence();
        for id in self.with_first_look.keys().copied().collect::<Vec<_>>() {
            self.take_over(id, true);
        }
        if self.follow_folders() {
            self.note(&Change::Anything);
        }
        self.publish();
    }

    /// Makes the ledger smaller once an hour if it grew, never while a source is read in part.
    fn roll_up(&mut self) {
        let now = Instant::now();
        let is_due = self.to_roll_up && now >= self.roll_up_at;
        if !is_due || self.jobs.iter().any(|job| job.read_in_part) {
            return;
        }
        self.to_roll_up = false;
        self.roll_up_at = now + ROLL_UP_GAP;
        if let Err(error) = self.ledger.roll_up(self.setup.clock.now()) {
            self.trouble.insert("ledger", error.to_string());
        }
    }

    /// Keeps how a day usually passes, and what it usually costs: once a day, and never in a
    /// transaction that somebody waits for.
    fn learn_the_usual(&mut self) {
        let now = self.setup.clock.now();
        let today = local_day(now, self.config.zone);
        if !self.judging || self.shape_day.replace(today) == Some(today) {
            return;
        }
        let learned = standing::day_shape(&self.ledger, now, self.config.zone).map(|shape| {
            // Written with the next reading: nothing is written for its sake.
            self.judge.day_shape =
                shape.and_then(|shape| serde_json::to_string(shape.as_slice()).ok());
        });
        let learned =
            learned.and_then(|()| self.judge.unusual.learn(&self.ledger, now, self.config.zone));
        if let Err(error) = learned {
            self.trouble.insert("ledger", error.to_string());
        }
    }

    /// Silence brings no reading, so that it is asked for once in a while.
    fn judge_silence(&mut self) {
        let now = Instant::now();
        if self.judging && now >= self.silence_at {
            self.silence_at = now + SILENCE_GAP;
            let at = self.setup.clock.now();
            if let Err(error) = record::judge_silence(&mut self.ledger, &self.config, at) {
                self.trouble.insert("ledger", error.to_string());
            }
        }
    }

    /// Watches the folders that exist by now; true when there is a new one.
    fn follow_folders(&mut self) -> bool {
        let places = &self.world.places;
        let mut folders: Vec<Watched> =
            self.jobs.iter_mut().flat_map(|job| job.learn_folders(places)).collect();
        folders.retain(|it| !self.with_first_look.values().flatten().any(|later| later == it));
        let found = self.watch.follow(&folders);
        self.tell_of_watching();
        found
    }

    fn tell_of_watching(&mut self) {
        match self.watch.trouble() {
            Some(trouble) => self.trouble.insert("watch", trouble.to_owned()),
            None => self.trouble.remove("watch"),
        };
    }

    /// Takes a changed config file over. With an error in it the last good one stays in force.
    fn reload_config(&mut self) {
        let stamp = modified(&self.setup.config_path);
        if stamp == self.config_stamp {
            return;
        }
        self.config_stamp = stamp;
        let taken = self.setup.reload().and_then(|config| {
            // All of it or nothing: a wrong price row leaves the old configuration in force.
            let setup = Setup { config, ..self.setup.clone() };
            let prices = Arc::new(setup.prices()?);
            self.ledger.reprice(&prices)?;
            self.ledger.keep_days_of(setup.config.zone)?;
            self.ledger.reckon_with(setup.config.rates.clone(), setup.config.plans.clone());
            self.ledger.know_prices(prices.clone());
            self.ledger.deliver_to(delivery::channels(&setup.config));
            self.world = Arc::new(setup.world());
            self.prices = prices;
            self.config = Arc::new(setup.config.clone());
            self.setup = setup;
            Ok(self.make_jobs()?)
        });
        match taken {
            Ok(()) => {
                self.trouble.remove("config");
                self.follow_folders();
                self.follow_pages();
                if self.judging {
                    self.judge_now();
                }
            }
            Err(error) => {
                self.trouble.insert("config", format!("{error:#}"));
            }
        }
        self.publish();
    }

    fn publish(&mut self) {
        let now = self.setup.clock.now();
        let today = local_day(now, self.config.zone);
        if self.day.replace(today).is_some_and(|known| known != today) && self.judging {
            self.judge_now();
        }
        let notices = self.notices.iter().chain(self.trouble.values()).cloned().collect();
        let asked = board::Asked {
            now,
            zone: self.config.zone,
            icon: self.config.icon(),
            budgets: &self.config.budgets,
            people: &self.config.people,
            sources: &asked_sources(&self.config),
            live: &self.live,
            is_watched: true,
            paused: self.paused,
            loading: self.is_loading(),
            demo: self.setup.demo,
            energy: &self.config.energy,
            notices,
        };
        match board::build(&self.ledger, &asked, &mut self.judge.standings) {
            Ok(board) => (self.tell)(Event::Board(Arc::new(board))),
            Err(error) => log::error!("the ledger can't be read: {error}"),
        }
        self.deliver();
    }

    /// Sends the alerts that are to be sent, and hands out what the desktop is to tell.
    fn deliver(&mut self) {
        let with =
            delivery::With { config: &self.config, world: &self.world, demo: self.setup.demo };
        match self.delivery.pass(&self.ledger, &with) {
            Ok(told) => told.into_iter().for_each(|alerts| (self.tell)(Event::Alerts(alerts))),
            Err(error) => log::error!("alerts can't be sent: {error}"),
        }
    }

    /// Keeps what a hook or a webhook made of a message.
    fn told(&mut self, answer: delivery::Answer) {
        let kept = self.delivery.settle(&self.ledger, answer, self.setup.clock.now());
        self.note_trouble(kept);
        self.deliver();
    }

    fn note_trouble(&mut self, kept: Result<(), LedgerError>) {
        if let Err(error) = kept {
            self.trouble.insert("ledger", error.to_string());
        }
    }
}
