//! One look at every source, then the end: `spendbar poll`.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::ledger::Ledger;
use crate::sources::SourceError;
use crate::spend::{SourceInfo, SourceKind};

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
    /// Whether figures changed.
    pub changed: bool,
}

/// Looks at every enabled source (agents only when `offline`), records what was seen and judges
/// the budgets once at the end. A provider that asked to wait is not asked before its time.
pub fn look_at_all(
    setup: &Setup,
    offline: bool,
) -> anyhow::Result<(Ledger, Vec<Looked>, Vec<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = Ledger::open(&setup.ledger_path, setup.clock.now())?;
    let mut ledger = opened.ledger;
    let prices = setup.prices()?;
    ledger.reprice(&prices)?;
    let world = Arc::new(setup.world()?);
    let config = Arc::new(setup.config.clone());
    let states = ledger.sources()?;
    let mut all = Vec::new();
    for source in look::enabled(&config, !offline) {
        let info = source.info();
        let state = states.iter().find(|state| state.source == info.id);
        let limited = state.filter(|state| {
            matches!(state.error, Some(SourceError::RateLimited { .. }))
                && state.retry_at.is_some_and(|at| at > setup.clock.now())
        });
        if let Some(state) = limited.filter(|_| info.kind == SourceKind::Provider) {
            let (error, retry_at) = (state.error.clone(), state.retry_at);
            all.push(Looked { info, error, retry_at, changed: false });
            continue;
        }
        let mut changed = false;
        let (error, retry_at) = loop {
            let marks = ledger.marks(info.id)?;
            let looking = look::look(source, world.clone(), config.clone(), marks, None);
            let looked = runtime.block_on(looking);
            let error = looked.result.as_ref().err().cloned();
            let wait = error.as_ref().map(|error| {
                due::after_failure(error, 1, look::poll(&config, info), fastrand::u32(..1000))
            });
            let retry_at = wait.map(|wait| looked.at + wait);
            changed |= record::record(&mut ledger, &looked, &config, &prices, retry_at, false)?;
            if !looked.result.is_ok_and(|reading| reading.more) {
                break (error, retry_at);
            }
        };
        all.push(Looked { info, error, retry_at, changed });
    }
    record::judge_now(&mut ledger, &config, setup.clock.now())?;
    // Whatever still answers must not hold up the end.
    runtime.shutdown_background();
    Ok((ledger, all, opened.notices))
}
