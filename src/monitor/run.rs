//! The running monitor: one thread, one loop. It waits for whatever comes first — a changed file,
//! a poll that is due, a finished look, a command — and sleeps in between.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use crate::board::{self, AlertRow, Board, Live};
use crate::config::Config;
use crate::ledger::{Ledger, LedgerError};
use crate::pricing::PriceTable;
use crate::sources::{Source, SourceKind};
use crate::spend::period::local_day;

use super::look::{self, Looked, World};
use super::watch::{Change, Watch};
use super::{Setup, due, record};

/// Agents write a request in several lines; reading waits this long for the rest of them.
const SETTLE: Duration = Duration::from_millis(60);
/// Under continuous writing a source is read at most this often.
const READ_GAP: Duration = Duration::from_millis(400);
/// How often the slow things are checked: the date, new folders, the config file, ages.
const TICK: Duration = Duration::from_secs(30);
/// How long the first judgement of budgets waits for slow providers.
const FIRST_LOOK_PATIENCE: Duration = Duration::from_secs(60);
/// First and longest wait before a notification that nobody took is sent again.
const REDELIVER: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(60));

/// What the monitor tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something changed.
    Board(Arc<Board>),
    /// An alert is to be delivered; answer with [`Command::Delivered`] or
    /// [`Command::NotDelivered`].
    Alert(Box<AlertRow>),
    /// The monitor has ended; [`Handle::stop`] tells why.
    Ended,
}

/// What the monitor is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Look at everything now. Somebody asks, so no back-off holds.
    Refresh,
    /// Stop or go on looking.
    Pause(bool),
    /// A notification daemon took this alert.
    Delivered(i64),
    /// Nobody took an alert; hand it out again later.
    NotDelivered,
    /// End.
    Stop,
}

/// A running monitor.
pub struct Handle {
    commands: UnboundedSender<Command>,
    thread: std::thread::JoinHandle<anyhow::Result<()>>,
}

impl Handle {
    /// A way to send commands from anywhere.
    pub fn commands(&self) -> UnboundedSender<Command> {
        self.commands.clone()
    }

    /// Tells it to end and waits until the ledger is closed.
    pub fn stop(self) -> anyhow::Result<()> {
        // Fails only when it has ended by itself; the join then tells why.
        let _ = self.commands.send(Command::Stop);
        self.thread.join().unwrap_or_else(|_| anyhow::bail!("the monitor crashed"))
    }
}

/// Starts the monitor on a thread of its own; `tell` is called on that thread.
pub fn spawn(setup: Setup, mut tell: impl FnMut(Event) + Send + 'static) -> anyhow::Result<Handle> {
    let (commands, mut orders) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .context("starting the background task")?;
    let thread = std::thread::Builder::new()
        .name("monitor".into())
        .spawn(move || {
            let result = loop {
                let ended = runtime.block_on(async {
                    Monitor::new(setup.clone(), &mut tell)?.run(&mut orders).await
                });
                match ended {
                    Err(error) if is_damage(&error) => {
                        if let Err(error) = set_aside(&setup) {
                            break Err(error);
                        }
                    }
                    other => break other,
                }
            };
            tell(Event::Ended);
            // A provider that is still answering must not hold up the end of the program.
            runtime.shutdown_background();
            result
        })
        .context("starting the background task's thread")?;
    Ok(Handle { commands, thread })
}

/// Whether a ledger turned out to be damaged while it was in use.
fn is_damage(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(LedgerError::Corrupt { .. }))
}

/// Puts the damaged ledger aside; the monitor starts anew and reads the logs again.
fn set_aside(setup: &Setup) -> anyhow::Result<()> {
    // A fault that comes and goes with the disk must not become a busy loop.
    std::thread::sleep(Duration::from_secs(1));
    let opened = Ledger::open_after_damage(&setup.ledger_path, setup.clock.now())?;
    opened.notices.iter().for_each(|notice| log::warn!("{notice}"));
    Ok(())
}

/// What the monitor keeps of one source.
struct Job {
    source: &'static dyn Source,
    next: Instant,
    /// A change is looked at no earlier than this.
    not_before: Instant,
    running: bool,
    failures: u32,
    changed: Changed,
    /// True once a look has ended that left nothing over.
    looked: bool,
}

/// Which files are said to have changed since the last look.
enum Changed {
    Nothing,
    Files(BTreeSet<PathBuf>),
    Anything,
}

struct Monitor<T> {
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
    changes: UnboundedReceiver<Change>,
    finished: (UnboundedSender<Looked>, UnboundedReceiver<Looked>),
    paused: bool,
    started: Instant,
    judging: bool,
    /// Sentences about the ledger and the config that stand until they are mended.
    notices: Vec<String>,
    trouble: BTreeMap<&'static str, String>,
    day: Option<NaiveDate>,
    delivery: Delivery,
}

/// Alerts on their way to a notification daemon.
struct Delivery {
    /// Handed out; not again before the answer, or before `again_at` after a refusal.
    handed_out: BTreeSet<i64>,
    again_at: Option<Instant>,
    wait: Duration,
}

impl<T: FnMut(Event)> Monitor<T> {
    fn new(setup: Setup, tell: T) -> anyhow::Result<Self> {
        let now = setup.clock.now();
        let opened = Ledger::open(&setup.ledger_path, now)?;
        let mut ledger = opened.ledger;
        let prices = Arc::new(setup.prices()?);
        ledger.reprice(&prices)?;
        let config = Arc::new(setup.config.clone());
        let world = Arc::new(setup.world()?);
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
            changes,
            finished: unbounded_channel(),
            paused: false,
            started: Instant::now(),
            judging,
            notices: opened.notices,
            trouble: BTreeMap::new(),
            day: None,
            delivery: Delivery { handed_out: BTreeSet::new(), again_at: None, wait: REDELIVER.0 },
            setup,
            tell,
        };
        monitor.make_jobs()?;
        monitor.follow_folders();
        Ok(monitor)
    }

    async fn run(mut self, orders: &mut UnboundedReceiver<Command>) -> anyhow::Result<()> {
        self.publish();
        let mut tick = Instant::now() + TICK;
        loop {
            self.start_due_looks();
            let wake = self.wake_at(tick);
            tokio::select! {
                Some(looked) = self.finished.1.recv() => self.finish(looked)?,
                Some(change) = self.changes.recv() => self.note(change),
                order = orders.recv() => match order {
                    None | Some(Command::Stop) => return Ok(()),
                    Some(order) => self.obey(order),
                },
                () = sleep_until(wake) => {
                    self.redeliver();
                    self.judge_for_the_first_time();
                    if Instant::now() >= tick {
                        self.tick();
                        tick = Instant::now() + TICK;
                    }
                }
            }
        }
    }

    /// One job per enabled source. A provider that asked to wait before a restart is still waited
    /// for.
    fn make_jobs(&mut self) -> anyhow::Result<()> {
        let now = self.setup.clock.now();
        let waits: BTreeMap<String, DateTime<Utc>> = self
            .ledger
            .sources()?
            .into_iter()
            .filter_map(|state| Some((state.source, state.retry_at?)))
            .collect();
        self.jobs = look::enabled(&self.config, true)
            .map(|source| {
                let wait = waits.get(source.info().id).and_then(|at| (*at - now).to_std().ok());
                let wait = if source.info().kind == SourceKind::Provider { wait } else { None };
                Job {
                    source,
                    next: Instant::now() + wait.unwrap_or_default(),
                    not_before: Instant::now(),
                    running: false,
                    failures: 0,
                    changed: Changed::Anything,
                    looked: wait.is_some(),
                }
            })
            .collect();
        Ok(())
    }

    fn start_due_looks(&mut self) {
        if self.paused {
            return;
        }
        let now = Instant::now();
        for job in &mut self.jobs {
            if job.running || job.next > now {
                continue;
            }
            let id = job.source.info().id;
            let marks = match self.ledger.marks(id) {
                Ok(marks) => marks,
                Err(error) => {
                    self.trouble.insert("ledger", error.to_string());
                    job.next = now + TICK;
                    continue;
                }
            };
            let only = match std::mem::replace(&mut job.changed, Changed::Nothing) {
                Changed::Files(files) => Some(files.into_iter().collect()),
                Changed::Nothing | Changed::Anything => None,
            };
            job.running = true;
            let looking =
                look::look(job.source, self.world.clone(), self.config.clone(), marks, only);
            let finished = self.finished.0.clone();
            tokio::spawn(async move {
                // The receiver is gone only while the program ends.
                let _ = finished.send(looking.await);
            });
        }
    }

    /// Records a look and says when the next one is due.
    ///
    /// # Errors
    /// The ledger is damaged; any other trouble with it is shown and tried again.
    fn finish(&mut self, looked: Looked) -> Result<(), LedgerError> {
        let info = looked.source.info();
        let now = self.setup.clock.now();
        let poll = look::poll(&self.config, info);
        let Some(job) = self.jobs.iter_mut().find(|job| job.source.info().id == info.id) else {
            return Ok(()); // The config switched it off meanwhile.
        };
        job.running = false;
        let jitter = fastrand::u32(..1000);
        let more = looked.result.as_ref().is_ok_and(|reading| reading.more);
        let wait = match &looked.result {
            Ok(_) => {
                job.failures = 0;
                due::after_success(poll, jitter)
            }
            Err(error) => {
                job.failures += 1;
                due::after_failure(error, job.failures, poll, jitter)
            }
        };
        let waiting = !matches!(job.changed, Changed::Nothing);
        job.not_before = Instant::now() + READ_GAP;
        job.looked |= !more;
        job.next = Instant::now()
            + if more {
                job.changed = Changed::Anything;
                Duration::ZERO
            } else if waiting {
                READ_GAP
            } else {
                wait
            };
        let retry_at = looked.result.as_ref().err().map(|_| now + wait);
        let error = looked.result.as_ref().err().cloned();
        let judge = self.judging && !more;
        match record::record(&mut self.ledger, &looked, &self.config, &self.prices, retry_at, judge)
        {
            Ok(recorded) => {
                self.trouble.remove("ledger");
                let live = Live { error, retry_at, looked_at: looked.at };
                let news = self.live.get(info.id).is_none_or(|known| known.error != live.error);
                self.live.insert(info.id, live);
                self.judge_for_the_first_time();
                // While a long first reading goes on, nothing of it is worth a redraw each time.
                if (recorded.changed && !more) || news || info.kind == SourceKind::Provider {
                    self.publish();
                }
            }
            Err(error @ LedgerError::Corrupt { .. }) => return Err(error),
            Err(error) => {
                self.trouble.insert("ledger", error.to_string());
                if let Some(job) = self.jobs.iter_mut().find(|job| job.source.info().id == info.id)
                {
                    job.changed = Changed::Anything;
                    job.next = Instant::now() + TICK;
                }
                self.publish();
            }
        }
        Ok(())
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
        self.judge();
        self.publish();
    }

    fn judge(&mut self) {
        let now = self.setup.clock.now();
        match record::judge_now(&mut self.ledger, &self.config, now) {
            Ok(()) => self.trouble.remove("ledger"),
            Err(error) => self.trouble.insert("ledger", error.to_string()),
        };
    }

    fn is_loading(&self) -> bool {
        self.jobs.iter().any(|job| job.source.info().kind == SourceKind::Agent && !job.looked)
    }

    /// A change in a watched folder: the sources it belongs to are due shortly.
    fn note(&mut self, change: Change) {
        let soon = Instant::now() + SETTLE;
        for job in &mut self.jobs {
            let roots = job.source.roots(&self.world.places);
            if roots.is_empty() {
                continue;
            }
            match &change {
                Change::Anything => job.changed = Changed::Anything,
                Change::Files(files) => {
                    let mine: Vec<_> = files
                        .iter()
                        .filter(|file| super::watch::is_below(file, &roots))
                        .cloned()
                        .collect();
                    if mine.is_empty() {
                        continue;
                    }
                    match &mut job.changed {
                        Changed::Anything => {}
                        Changed::Files(known) => known.extend(mine),
                        Changed::Nothing => {
                            job.changed = Changed::Files(mine.into_iter().collect())
                        }
                    }
                }
            }
            job.next = job.next.min(soon.max(job.not_before));
        }
    }

    fn obey(&mut self, order: Command) {
        match order {
            Command::Refresh => {
                self.reload_config();
                let now = Instant::now();
                for job in &mut self.jobs {
                    job.changed = Changed::Anything;
                    job.next = now;
                }
            }
            Command::Pause(paused) => {
                self.paused = paused;
                if !paused {
                    self.obey(Command::Refresh);
                }
                self.publish();
            }
            Command::Delivered(id) => {
                self.delivery.handed_out.remove(&id);
                self.delivery.wait = REDELIVER.0;
                if let Err(error) = self.ledger.mark_delivered(id, self.setup.clock.now()) {
                    self.trouble.insert("ledger", error.to_string());
                }
                self.publish();
            }
            Command::NotDelivered => {
                let wait = self.delivery.wait;
                self.delivery.again_at.get_or_insert(Instant::now() + wait);
                self.delivery.wait = (wait * 2).min(REDELIVER.1);
            }
            Command::Stop => {}
        }
    }

    fn wake_at(&self, tick: Instant) -> Instant {
        let looks = self.jobs.iter().filter(|job| !job.running && !self.paused).map(|job| job.next);
        let delivery = self.delivery.again_at;
        let first = (!self.judging).then(|| self.started + FIRST_LOOK_PATIENCE);
        let first = first.filter(|at| *at > Instant::now());
        looks.chain(delivery).chain(first).fold(tick, Instant::min)
    }

    fn redeliver(&mut self) {
        if self.delivery.again_at.is_some_and(|at| Instant::now() >= at) {
            self.delivery.again_at = None;
            self.delivery.handed_out.clear();
            self.deliver();
        }
    }

    fn tick(&mut self) {
        self.reload_config();
        if self.follow_folders() {
            self.note(Change::Anything);
        }
        self.publish();
    }

    /// Watches the folders that exist by now; true when there is a new one.
    fn follow_folders(&mut self) -> bool {
        let roots: Vec<PathBuf> =
            self.jobs.iter().flat_map(|job| job.source.roots(&self.world.places)).collect();
        let found = self.watch.follow(&roots);
        match self.watch.trouble() {
            Some(trouble) => self.trouble.insert("watch", trouble.to_owned()),
            None => self.trouble.remove("watch"),
        };
        found
    }

    /// Takes a changed config file over. With an error in it the last good one stays in force.
    fn reload_config(&mut self) {
        let stamp = modified(&self.setup.config_path);
        if stamp == self.config_stamp {
            return;
        }
        self.config_stamp = stamp;
        let taken = self.setup.reload().and_then(|config| {
            self.setup.config = config;
            self.config = Arc::new(self.setup.config.clone());
            self.world = Arc::new(self.setup.world()?);
            self.prices = Arc::new(self.setup.prices()?);
            self.ledger.reprice(&self.prices)?;
            self.make_jobs()
        });
        match taken {
            Ok(()) => {
                self.trouble.remove("config");
                self.follow_folders();
                if self.judging {
                    self.judge();
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
            self.judge();
        }
        let notices = self.notices.iter().chain(self.trouble.values()).cloned().collect();
        let asked = board::Asked {
            now,
            zone: self.config.zone,
            headline: self.config.headline,
            budgets: &self.config.budgets,
            sources: &look::asked_sources(&self.config),
            live: &self.live,
            is_watched: true,
            paused: self.paused,
            loading: self.is_loading(),
            demo: self.setup.demo,
            notices,
        };
        match board::build(&self.ledger, &asked) {
            Ok(board) => (self.tell)(Event::Board(Arc::new(board))),
            Err(error) => log::error!("the ledger can't be read: {error}"),
        }
        self.deliver();
    }

    /// Hands out the alerts that nobody took yet.
    fn deliver(&mut self) {
        match self.ledger.undelivered_alerts() {
            Ok(alerts) => {
                for alert in alerts {
                    if self.delivery.handed_out.insert(alert.id) {
                        (self.tell)(Event::Alert(Box::new(board::alert_row(alert))));
                    }
                }
            }
            Err(error) => log::error!("the ledger can't be read: {error}"),
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|data| data.modified()).ok()
}
