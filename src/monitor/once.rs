//! One look at every source, then the end: `spendbar poll`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use tokio::sync::mpsc::unbounded_channel;

use crate::board::wording;
use crate::ledger::Ledger;
use crate::sources::{Source, SourceError};
use crate::spend::SourceInfo;

use super::floor::{self, HeldBack};
use super::look::{Changed, Scope, Task, ToRead};
use super::record::{self, Judge};
use super::{Setup, delivery, due, look, turns};

/// How one source's look ended.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Which source.
    pub info: &'static SourceInfo,
    /// What went wrong, if anything.
    pub error: Option<SourceError>,
    /// When a running monitor would look again after a failure.
    pub retry_at: Option<DateTime<Utc>>,
    /// Usage events that are new.
    pub new_events: u64,
    /// Charges that it told.
    pub charges: u64,
    /// Lines that could not be read.
    pub problems: u64,
    /// It was not asked: that is too short a while ago.
    pub held_back: Option<HeldBack>,
    /// The last reading left something over.
    in_part: bool,
}

/// Agents that are read side by side: where the end of one leaves a core idle, the other has work
/// for it.
const AGENTS_AT_ONCE: usize = 2;

/// Looks at every enabled source (agents only when `offline`), records what was seen and judges
/// the budgets once at the end. Back-off is for looks that nobody asked for, so it does not hold
/// here; the fewest minutes that a source bears do. While one reading is recorded the next ones are read already.
pub fn look_at_all(
    setup: &Setup,
    offline: bool,
) -> anyhow::Result<(Ledger, Vec<Looked>, Vec<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let world = Arc::new(setup.world());
    let config = Arc::new(setup.config.clone());
    let mut waiting: VecDeque<_> = look::enabled(&config, !offline).collect();
    let mut all: Vec<Looked> = waiting.iter().map(|source| Looked::at(source.info())).collect();
    let mut running: Vec<&'static SourceInfo> = Vec::new();
    let mut all_was_read = true;
    let mut seen_events = 0;

    let (sender, mut finished) = unbounded_channel();
    let mut known: BTreeMap<&'static str, ToRead> = BTreeMap::new();
    // Readings grow with what was read: a large scan takes few transactions, and at the end of a
    // small one little is left to record while nothing is read any more.
    let most = |seen: usize| (seen / 4).clamp(*look::USAGES.start(), *look::USAGES.end());
    let begin = |source: &'static dyn Source, task: Task| {
        let (world, config, sender) = (world.clone(), config.clone(), sender.clone());
        let _context = runtime.enter();
        let looking = look::begin(look::Errand { source, world, config, task });
        runtime.spawn(async move {
            // The receiver is gone only after an error, which ends everything.
            let _ = sender.send(looking.await);
        });
    };
    let enter = |source: &'static dyn Source, task: Task, known: &mut BTreeMap<_, _>| {
        if let Task::Read(what) = &task {
            known.insert(source.info().id, what.clone());
        }
        begin(source, task);
    };
    // A ledger that is not there knows nothing, so that reading begins while it is made.
    if !setup.ledger_path.exists() {
        while let Some(source) = next(&mut waiting, &mut running) {
            let nothing = ToRead { marks: Arc::default(), only: None, most: most(0) };
            enter(source, Task::Read(nothing), &mut known);
        }
    }
    let opened = Ledger::open(&setup.ledger_path, setup.clock.now())?;
    let mut ledger = opened.ledger;
    let prices = Arc::new(setup.prices()?);
    ledger.reprice(&prices)?;
    ledger.keep_days_of(setup.config.zone)?;
    ledger.reckon_with(setup.config.rates.clone(), setup.config.plans.clone());
    ledger.know_prices(prices.clone());
    ledger.deliver_to(delivery::channels(&setup.config));
    let mut ended: Option<look::Looked> = None;
    loop {
        while let Some(source) = next(&mut waiting, &mut running) {
            let held = floor::held_back(&ledger, source.info(), setup.clock.now())?;
            if held.is_some() {
                row(&mut all, source.info())?.held_back = held;
                running.retain(|info| info.id != source.info().id);
                continue;
            }
            let task = look::task(&ledger, source, Scope::Changed(None), most(seen_events))?;
            enter(source, task, &mut known);
        }
        if let Some(looked) = ended.take() {
            let info = looked.source.info();
            let seen = row(&mut all, info)?;
            // A source that failed halfway leaves events that a later reading may still replace.
            all_was_read &= looked.result.is_ok() || !seen.in_part;
            seen.in_part = looked.result.as_ref().is_ok_and(|reading| reading.more);
            seen.error = looked.result.as_ref().err().cloned();
            seen.retry_at = seen.error.as_ref().map(|error| {
                let poll = look::poll(&config, info);
                let wait = due::after_failure(error, 1, poll, fastrand::u32(..1000));
                looked.at + if error.asked_nobody() { wait } else { wait.max(floor::least(info)) }
            });
            let retry_at = seen.retry_at;
            let recorded = record::record(&mut ledger, &looked, &config, &prices, retry_at, None)?;
            seen.new_events += recorded.new_events;
            if let Ok(reading) = looked.result {
                seen.charges += reading.charges.len() as u64;
                seen.problems += reading.problems.len() as u64;
            }
        }
        if running.is_empty() {
            break;
        }
        // What follows on this look is begun before it is recorded.
        let looked = runtime.block_on(finished.recv()).context("a look ended without an answer")?;
        let info = looked.source.info();
        if looked.finds() {
            record::keep_tree(&ledger, &looked)?;
            let scope = match looked.compared.map(|compared| compared.changed) {
                Some(Changed::Files(files)) => Scope::Files(files.into_iter().collect()),
                _ => Scope::Everything,
            };
            let task = look::task(&ledger, looked.source, scope, most(seen_events))?;
            enter(looked.source, task, &mut known);
            continue;
        }
        match (&looked.result, known.get_mut(info.id)) {
            (Ok(reading), Some(known)) if reading.more => {
                seen_events += reading.usages.len();
                reading.move_marks(Arc::make_mut(&mut known.marks));
                known.most = most(seen_events);
                begin(looked.source, Task::Read(known.clone()));
            }
            _ => running.retain(|other| other.id != info.id),
        }
        ended = Some(looked);
    }
    if all_was_read {
        ledger.roll_up(setup.clock.now())?;
    }
    let mut judge = Judge::default();
    judge.unusual.learn(&ledger, setup.clock.now(), config.zone)?;
    record::judge_now(&mut ledger, &config, setup.clock.now(), &mut judge)?;
    // Whatever still answers must not hold up the end.
    runtime.shutdown_background();
    Ok((ledger, all, opened.notices))
}

/// Takes the first source that waits and may begin beside those that run.
fn next(
    waiting: &mut VecDeque<&'static dyn Source>,
    running: &mut Vec<&'static SourceInfo>,
) -> Option<&'static dyn Source> {
    let fits = |source: &&dyn Source| turns::may_begin(source.info(), running, AGENTS_AT_ONCE);
    let source = waiting.remove(waiting.iter().position(fits)?)?;
    running.push(source.info());
    Some(source)
}

fn row<'a>(all: &'a mut [Looked], info: &SourceInfo) -> anyhow::Result<&'a mut Looked> {
    all.iter_mut().find(|seen| seen.info.id == info.id).context("a look that nobody began")
}

impl Looked {
    fn at(info: &'static SourceInfo) -> Self {
        Self {
            info,
            error: None,
            retry_at: None,
            new_events: 0,
            charges: 0,
            problems: 0,
            held_back: None,
            in_part: false,
        }
    }
}

/// Looks at one source; how that failed, if it did. Nothing is recorded, unless the source bears
/// only so many looks: then this is one of them.
///
/// # Errors
/// The monitor can't be set up, or the source was asked too short a while ago.
pub fn try_source(setup: &Setup, id: &str) -> anyhow::Result<Option<SourceError>> {
    let source = setup.config.further.find(id).with_context(|| format!("{id:?} is no source"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (world, config) = (Arc::new(setup.world()), Arc::new(setup.config.clone()));
    let task = Task::Read(ToRead { marks: Arc::default(), only: None, most: 1 });
    let errand = look::Errand { source, world, config: config.clone(), task };
    let look = || {
        let _context = runtime.enter();
        runtime.block_on(look::begin(errand))
    };
    let info = source.info();
    if info.least_minutes == 0 {
        return Ok(look().result.err());
    }
    let mut ledger = Ledger::open(&setup.ledger_path, setup.clock.now())?.ledger;
    if let Some(held) = floor::held_back(&ledger, info, setup.clock.now())? {
        bail!("{}: {}", info.name, wording::held_back(held.ago, info.least_minutes));
    }
    let looked = look();
    let retry_at = looked.result.is_err().then(|| looked.at + floor::least(info));
    record::record(&mut ledger, &looked, &config, &setup.prices()?, retry_at, None)?;
    Ok(looked.result.err())
}
