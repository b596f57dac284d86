//! Keeps slots and days in step with the events, by differences.

use std::collections::HashMap;

use rusqlite::{Connection, Result};

use super::days::Days;
use super::figures::{About, Figures};
use super::names::Names;
use super::pricer::Pricer;
use super::slot::{SlotKey, SlotPrice, SlotSums};
use super::slots;

/// What became of the usage of a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) quarter: i64,
    pub(super) about: About,
    /// The difference.
    pub(super) figures: Figures,
}

/// Differences gathered in memory and written once per reading.
#[derive(Default)]
pub(super) struct Deltas {
    sums: HashMap<SlotKey, SlotSums>,
    /// What was written, with its price.
    pub(super) written: Vec<Change>,
}

impl Deltas {
    /// One event more.
    pub(super) fn add(&mut self, key: SlotKey, sums: &SlotSums) {
        self.sums.entry(key).or_default().add(sums, 1);
    }

    /// One event less.
    pub(super) fn sub(&mut self, key: SlotKey, sums: &SlotSums) {
        self.sums.entry(key).or_default().add(sums, -1);
    }

    /// Writes all differences, prices the slots they reach and forgets them. Slots without a
    /// request left go away.
    pub(super) fn write(
        &mut self,
        conn: &Connection,
        names: &mut Names,
        pricer: &mut Pricer<'_>,
        days: &mut Days,
    ) -> Result<()> {
        let mut deltas: Vec<_> =
            self.sums.drain().filter(|(_, sums)| *sums != SlotSums::default()).collect();
        deltas.sort_unstable_by_key(|(key, _)| *key);
        for (key, delta) in deltas {
            let mut sums = SlotSums::default();
            if let Some((old, price)) = slots::read_one(conn, &key)? {
                self.moves(&key, &price, &old, -1, days);
                sums = old;
            }
            sums.add(&delta, 1);
            if sums.requests == 0 {
                slots::delete(conn, &key)?;
                continue;
            }
            let price = pricer.price(conn, names, &key, &sums)?;
            slots::write_one(conn, &key, &sums, &price)?;
            self.moves(&key, &price, &sums, 1, days);
        }
        Ok(())
    }

    fn moves(
        &mut self,
        key: &SlotKey,
        price: &SlotPrice,
        sums: &SlotSums,
        sign: i64,
        days: &mut Days,
    ) {
        let (about, figures) = (key.about(price), price.figures(sums));
        days.add(key.quarter, &about, &figures, sign);
        let mut difference = Figures::default();
        difference.add(&figures, sign);
        self.written.push(Change { quarter: key.quarter, about, figures: difference });
    }
}
