//! One reading, or one failure, into the tables.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Result};

use super::bills::{self, Origin};
use super::names::Names;
use super::slots::Deltas;
use super::{LedgerError, Recording, events, state};
use crate::pricing::PriceTable;
use crate::spend::{Funding, Reading, SourceError, SourceInfo, SourceKind};

/// The circumstances of a look.
#[derive(Clone, Copy, Debug)]
pub struct LookRecord<'a> {
    /// The source looked at.
    pub source: &'static SourceInfo,
    /// Who pays, as the config has it. Holds for all of the source's history.
    pub account: &'a str,
    /// What the config says about the funding of all the source's usage; `None` leaves it to the
    /// logs. Holds for all of the source's history.
    pub funding: Option<Funding>,
    /// Time of the look.
    pub at: DateTime<Utc>,
    /// How long it took, milliseconds.
    pub took_ms: u64,
}

/// What recording came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Whether anything that a face shows is different now; the time of the look aside.
    pub changed: bool,
    /// Usage events that count now and were not known before.
    pub new_events: u64,
}

impl Recording<'_> {
    /// Records a reading. One of an agent with nothing new in it writes nothing at all.
    pub fn record(
        &mut self,
        look: &LookRecord<'_>,
        reading: &Reading,
        prices: &PriceTable,
    ) -> std::result::Result<Recorded, LedgerError> {
        let names = &mut self.names;
        self.ledger.run(|conn| record(conn, names, look, reading, prices))
    }

    /// Records that a look failed. The last good figures stay. True when a face has to say
    /// something else now.
    pub fn fail(
        &mut self,
        look: &LookRecord<'_>,
        error: &SourceError,
        retry_at: Option<DateTime<Utc>>,
    ) -> std::result::Result<bool, LedgerError> {
        let names = &mut self.names;
        self.ledger.run(|conn| fail(conn, names, look, error, retry_at))
    }
}

fn record(
    conn: &Connection,
    names: &mut Names,
    look: &LookRecord<'_>,
    reading: &Reading,
    prices: &PriceTable,
) -> Result<Recorded> {
    let writes_before = conn.total_changes();
    let source = names.id(conn, Some(look.source.id))?;
    let mut deltas = Deltas::default();
    let stored = events::store(conn, names, look.source.id, &reading.usages, prices, &mut deltas)?;
    deltas.write(conn)?;
    // The provider is what the source's account is called when nobody renamed it.
    let origin = Origin { source, provider: look.source.account, at: look.at };
    let mut changed = stored.changed;
    changed |= bills::store_charges(conn, names, origin, &reading.charges, reading.charges_cover)?;
    changed |=
        bills::store_metered(conn, names, origin, &reading.metered, reading.metered_cover, prices)?;
    let fresh_problems = state::store_problems(conn, source, &reading.problems)?
        + state::store_problems(conn, source, &stored.refused)?;
    state::store_marks(conn, source, reading)?;

    let known = state::of_source(conn, source)?;
    let old = known.clone().unwrap_or_else(|| state::first(look));
    let mut new = old.clone();
    new.account = look.account.to_owned();
    new.funding = look.funding;
    new.error = None;
    new.retry_at = None;
    new.gaps.clone_from(&reading.gaps);
    new.balances.clone_from(&reading.balances);
    new.quotas.clone_from(&reading.quotas);
    new.problem_count = old.problem_count.saturating_add(fresh_problems);
    new.unmetered_tokens = old.unmetered_tokens.saturating_add(reading.unmetered_tokens);
    changed |= known.is_none() || new != old;
    let wrote = conn.total_changes() != writes_before;
    if changed || wrote || look.source.kind == SourceKind::Provider {
        new.last_look_at = look.at;
        new.last_good_at = Some(look.at);
        new.took_ms = look.took_ms;
        new.looks = old.looks.saturating_add(1);
        state::write(conn, source, &new)?;
        state::store_snapshot(conn, source, look, Ok(reading))?;
    }
    Ok(Recorded { changed, new_events: stored.new_events })
}

fn fail(
    conn: &Connection,
    names: &mut Names,
    look: &LookRecord<'_>,
    error: &SourceError,
    retry_at: Option<DateTime<Utc>>,
) -> Result<bool> {
    let source = names.id(conn, Some(look.source.id))?;
    let known = state::of_source(conn, source)?;
    let old = known.clone().unwrap_or_else(|| state::first(look));
    let mut new = old.clone();
    new.account = look.account.to_owned();
    new.funding = look.funding;
    new.error = Some(error.clone());
    new.retry_at = retry_at;
    let changed = known.is_none() || new != old;
    // Nobody was asked: that nothing is installed or no key is set is news only once.
    let asked = look.source.kind == SourceKind::Provider && *error != SourceError::NeedsKey;
    if changed || asked {
        new.last_look_at = look.at;
        new.took_ms = look.took_ms;
        new.looks = old.looks.saturating_add(1);
        new.failures = old.failures.saturating_add(1);
        state::write(conn, source, &new)?;
        state::store_snapshot(conn, source, look, Err(error))?;
    }
    Ok(changed)
}
