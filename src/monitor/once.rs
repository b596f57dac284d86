//! One look at every source, then the end: `spendbar poll`.

use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::ledger::Ledger;
use crate::sources::{Source, SourceError};
use crate::spend::{Marks, SourceInfo};

use super::{Setup, due, look, record};

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
}

/// Looks at every enabled source (agents only when `offline`), records what was seen and judges
/// the budgets once at the end. Back-off is for looks that nobody asked for, so it does not hold
/// here. While one reading is recorded the next one is read already.
pub fn look_at_all(
    setup: &Setup,
    offline: bool,
) -> anyhow::Result<(Ledger, Vec<Looked>, Vec<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = Ledger::open(&setup.ledger_path, setup.clock.now())?;
    let mut ledger = opened.ledger;
    let prices = setup.prices()?;
    ledger.reprice(&prices)?;
    ledger.keep_days_of(setup.config.zone)?;
    let world = Arc::new(setup.world());
    let config = Arc::new(setup.config.clone());
    let mut sources = look::enabled(&config, !offline);
    let mut all: Vec<Looked> = Vec::new();
    let mut all_was_read = true;
    let mut was_read_in_part = false;

    let context = runtime.enter();
    // Readings grow with what was read: a large scan takes few transactions, and at the end of a
    // small one little is left to record while nothing is read any more.
    let begin = |source: &'static dyn Source, marks: &Arc<Marks>, seen: u64| {
        let (world, config, marks) = (world.clone(), config.clone(), marks.clone());
        let quarter = usize::try_from(seen / 4).unwrap_or(usize::MAX);
        let most = quarter.clamp(*look::USAGES.start(), *look::USAGES.end());
        look::begin(look::Errand { source, world, config, marks, only: None, most })
    };
    let mut seen_events = 0;
    let mut marks = Arc::new(Marks::new());
    let mut ahead = None;
    if let Some(source) = sources.next() {
        marks = Arc::new(look::marks(&ledger, source, None)?);
        ahead = Some(begin(source, &marks, seen_events));
    }
    while let Some(looking) = ahead.take() {
        let looked = runtime.block_on(looking);
        let info = looked.source.info();
        if all.last().is_none_or(|seen| seen.info.id != info.id) {
            all.push(Looked::at(info));
        }
        seen_events += looked.result.as_ref().map_or(0, |reading| reading.usages.len() as u64);
        // A source that failed halfway leaves events that a later reading may still replace.
        all_was_read &= looked.result.is_ok() || !was_read_in_part;
        was_read_in_part = looked.result.as_ref().is_ok_and(|reading| reading.more);
        match &looked.result {
            Ok(reading) if reading.more => {
                reading.move_marks(Arc::make_mut(&mut marks));
                ahead = Some(begin(looked.source, &marks, seen_events));
            }
            _ => {
                if let Some(source) = sources.next() {
                    marks = Arc::new(look::marks(&ledger, source, None)?);
                    ahead = Some(begin(source, &marks, seen_events));
                }
            }
        }
        let Some(seen) = all.last_mut() else { break };
        seen.error = looked.result.as_ref().err().cloned();
        seen.retry_at = seen.error.as_ref().map(|error| {
            let poll = look::poll(&config, info);
            looked.at + due::after_failure(error, 1, poll, fastrand::u32(..1000))
        });
        seen.new_events +=
            record::record(&mut ledger, &looked, &config, &prices, seen.retry_at, false)?
                .new_events;
        if let Ok(reading) = looked.result {
            seen.charges += reading.charges.len() as u64;
            seen.problems += reading.problems.len() as u64;
        }
    }
    drop(context);
    if all_was_read {
        ledger.roll_up(setup.clock.now())?;
    }
    record::judge_now(&mut ledger, &config, setup.clock.now())?;
    // Whatever still answers must not hold up the end.
    runtime.shutdown_background();
    Ok((ledger, all, opened.notices))
}

impl Looked {
    fn at(info: &'static SourceInfo) -> Self {
        Self { info, error: None, retry_at: None, new_events: 0, charges: 0, problems: 0 }
    }
}

/// Looks at one source without recording anything; how that failed, if it did.
///
/// # Errors
/// The monitor can't be set up.
pub fn try_source(setup: &Setup, id: &str) -> anyhow::Result<Option<SourceError>> {
    let source = crate::sources::find(id).with_context(|| format!("{id:?} is no source"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (world, config) = (Arc::new(setup.world()), Arc::new(setup.config.clone()));
    let marks = Arc::new(Marks::new());
    let _context = runtime.enter();
    let looking = look::begin(look::Errand { source, world, config, marks, only: None, most: 1 });
    Ok(runtime.block_on(looking).result.err())
}
