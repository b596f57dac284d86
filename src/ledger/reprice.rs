//! A new price table reaches back: usage is kept as tokens and priced again.

use super::slots::Deltas;
use super::{Ledger, LedgerError, bills, events};
use crate::pricing::PriceTable;

/// The `meta` key of the price table that all stored list prices come from.
const PRICES: &str = "prices";
/// Events priced at a time, to bound memory.
const BATCH: i64 = 5_000;

impl Ledger {
    /// Prices everything anew when `prices` is not the table it was priced with, in one
    /// transaction. True when it did.
    pub fn reprice(&mut self, prices: &PriceTable) -> Result<bool, LedgerError> {
        let fingerprint = format!("{:016x}", prices.fingerprint());
        if self.meta(PRICES)?.as_ref() == Some(&fingerprint) {
            return Ok(false);
        }
        let mut recording = self.begin()?;
        let names = &mut recording.names;
        recording.ledger.run(|conn| {
            let mut last_id = 0;
            loop {
                let mut deltas = Deltas::default();
                let next = events::reprice(conn, names, prices, last_id, BATCH, &mut deltas)?;
                deltas.write(conn)?;
                match next {
                    Some(id) => last_id = id,
                    None => break,
                }
            }
            bills::reprice(conn, names, prices)
        })?;
        recording.set_meta(PRICES, &fingerprint)?;
        recording.commit()?;
        Ok(true)
    }
}
