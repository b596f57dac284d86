//! Readings -> SQLite -> totals.
//!
//! One transaction per reading: usage, charges, marks, the state of the source and the alerts that
//! follow are there together or not at all. The file is in WAL mode with `synchronous=NORMAL`:
//! a commit is in the operating system's hands before it returns, so that it outlives the process
//! whatever kills it; only a power cut may take the last commits, and then the marks that say how
//! far the logs were read go with them and the same lines are read again.
//!
//! Usage is kept as events for as long as they can change, as sums per quarter of an hour, session
//! and model for ever (`slots`, which prices are applied to), and as sums per day for quick answers
//! (`days`). Of old events only a fingerprint stays, so that none is counted twice (`roll_up`).
//!
//! [`Recording`] writes, [`Ledger`] answers. Billed and estimated meet in one file, `reconcile`.

mod alerts;
pub mod balances;
mod bills;
mod channels;
mod codes;
mod commits;
mod counting;
mod days;
mod deliveries;
mod deltas;
mod error;
mod events;
mod excess;
mod figures;
mod gather;
mod history;
mod incidents;
mod kin;
mod marks;
mod names;
mod open;
mod packed;
mod parts;
mod paying;
mod pricer;
mod prices_ahead;
mod pulls;
mod questions;
#[cfg(test)]
mod questions_tests;
mod reconcile;
mod record;
mod report;
mod reprice;
mod roll_up;
mod schema;
mod scope;
mod seen;
mod sessions;
mod slot;
mod slots;
mod spend;
mod state;
mod tally;
#[cfg(test)]
mod testing;
mod trees;
mod what_if;
mod work;

use std::cell::RefCell;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

pub use alerts::{Alert, NewAlert};
pub use channels::{Channel, Delivery};
pub use commits::{KnownCommit, KnownRepository, WorkPlace};
pub use counting::Verdicts;
pub use deliveries::{Open, Settled, Snooze};
pub use error::LedgerError;
pub use history::{NeighbourSession, SessionHistory, SessionStep};
pub use kin::Related;
pub use open::Opened;
pub use parts::Sum;
pub use prices_ahead::PriceStep;
pub use pulls::{Asked as AskedProject, KnownPull};
pub use questions::{ModelSpend, SessionSpend, SourceSpend};
pub use reconcile::{
    AccountLines, Confidence, Difference, Line, LineBill, LineState, Reason, Reconciled, Tier,
};
pub use record::Recorded;
pub use report::{GroupKey, Report, ReportRow, RowPaid, Sums};
pub use sessions::{LastUses, SessionUse};
pub use spend::Spend;
pub use state::{LookRecord, Snapshot, SourceState};
pub use tally::{Question, Tally};
pub use what_if::{Effect, WhatIf, WhatIfRow};
pub use work::Work;

use crate::plans::Plans;
use crate::pricing::PriceTable;
pub use crate::pricing::what_if::{Change, Factor, Scenario};
use crate::spend::{Rates, Stamps};
use names::Names;
use tally::Moved;

/// What was read so far, in one SQLite file. Several processes may hold it at once.
#[derive(Debug)]
pub struct Ledger {
    conn: Connection,
    path: PathBuf,
    /// What bills in other currencies count as.
    rates: Rates,
    /// The prices of today and of days to come, for forecasts.
    prices: Option<Arc<PriceTable>>,
    /// Plans and discounts.
    plans: Arc<Plans>,
    /// What changed since a tally looked.
    moved: RefCell<Moved>,
    /// Where alerts that are recorded from now on go to.
    channels: Vec<Channel>,
    stamps: RefCell<marks::KeptStamps>,
}

impl Ledger {
    /// Counts bills in other currencies at these rates, and what is paid by these plans and
    /// discounts, from now on.
    pub fn reckon_with(&mut self, rates: Rates, plans: Plans) {
        self.moved.get_mut().upset();
        (self.rates, self.plans) = (rates, Arc::new(plans));
    }

    /// What bills in other currencies count as.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a transaction that may write. Waits while another process writes; dropped without
    /// [`Recording::commit`] it leaves nothing behind.
    pub fn begin(&mut self) -> Result<Recording<'_>, LedgerError> {
        self.run(|conn| conn.execute_batch("BEGIN IMMEDIATE"))?;
        let names = Names::default();
        Ok(Recording { ledger: self, names, has_failed: false, new_stamps: Vec::new() })
    }

    /// A value that some part of the program keeps in the ledger; `None` when never set.
    pub fn meta(&self, key: &str) -> Result<Option<String>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()
        })
    }

    /// Keeps a value; within a [`Recording`] it is part of the transaction.
    pub fn set_meta(&self, key: &str, value: &str) -> Result<(), LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value
                 WHERE value <> excluded.value",
            )?
            .execute([key, value])
        })?;
        Ok(())
    }

    /// Asks several things of one state of the file, whatever other processes write meanwhile.
    fn ask<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        self.run(|conn| {
            // Within a recording its own transaction does the same.
            let _reading =
                conn.is_autocommit().then(|| conn.unchecked_transaction()).transpose()?;
            ask(conn)
        })
    }

    /// Asks SQLite and sorts its errors.
    fn run<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        ask(&self.conn).map_err(|error| LedgerError::new(&self.path, &error))
    }
}

/// A running transaction. All questions can be asked of it and see what it has written.
#[derive(Debug)]
pub struct Recording<'a> {
    ledger: &'a mut Ledger,
    names: Names,
    /// A write failed halfway: nothing of this transaction may become permanent.
    has_failed: bool,
    /// The stamps of sources whose marks were stored, to be kept once that is permanent.
    new_stamps: Vec<(&'static str, Stamps)>,
}

impl Recording<'_> {
    /// Makes everything recorded so far permanent. Without a change not a byte is written. Fails
    /// after any failed write: a reading is recorded whole or not at all.
    pub fn commit(mut self) -> Result<(), LedgerError> {
        self.write(|conn, _| conn.execute_batch("COMMIT"))?;
        let mut stamps = self.ledger.stamps.borrow_mut();
        for (source, new) in self.new_stamps.drain(..) {
            stamps.put_back(source, new);
        }
        drop(stamps);
        Ok(())
    }

    /// Writes, unless an earlier write failed.
    fn write<T>(
        &mut self,
        write: impl FnOnce(&Connection, &mut Names) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        if self.has_failed {
            let what = "an earlier write of the same transaction failed".to_owned();
            return Err(LedgerError::Failed { path: self.ledger.path.clone(), what });
        }
        let names = &mut self.names;
        let written = self.ledger.run(|conn| write(conn, names));
        self.has_failed = written.is_err();
        written
    }
}

impl Deref for Recording<'_> {
    type Target = Ledger;

    fn deref(&self) -> &Ledger {
        self.ledger
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        // After a commit, and after errors like a full disk, SQLite has ended the transaction.
        if !self.ledger.conn.is_autocommit() {
            self.ledger.moved.get_mut().upset();
            // Nobody is left to tell; an open transaction ends with the connection at the latest.
            let _ = self.ledger.conn.execute_batch("ROLLBACK");
        }
    }
}
