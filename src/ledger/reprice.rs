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
        recording.write(|conn, names| {
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

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::super::testing::{
        AGENT, MINI, PROVIDER, at, ledger_in, look, metered, reading, record, usage, usd,
    };
    use super::*;
    use crate::spend::{Period, Reading};

    #[test]
    fn a_new_price_reaches_back() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let prices = PriceTable::builtin();
        assert!(ledger.reprice(&prices).unwrap());
        assert!(!ledger.reprice(&prices).unwrap());
        let events: Vec<_> = (0..12)
            .map(|n| usage(&n.to_string(), "2026-11-24T10:00:00Z", MINI, 1_000_000, 0))
            .chain([usage("unknown", "2026-11-24T10:00:00Z", "unheard-of", 5, 5)])
            .collect();
        let noon = "2026-11-24T12:00:00Z";
        record(&mut ledger, &look(&AGENT, noon), &reading(events));
        let reported = Reading {
            metered: vec![metered("2026-11-24", MINI, 14_000_000, 0)],
            ..Reading::default()
        };
        record(&mut ledger, &look(&PROVIDER, noon), &reported);
        let span = Period::Day.holding(at(noon), Tz::UTC);
        let list = |ledger: &Ledger| ledger.spend(&span, Tz::UTC, &[]).unwrap().list;
        // 12 million in the logs and 2 million more in the report, at $0.25.
        assert_eq!(list(&ledger), usd("3.5"));

        let row = "provider = \"openai\"\nmodel = \"gpt-5-mini\"\ninput = \"0.5\"\noutput = \"4\"";
        let dearer = PriceTable::builtin().with_overrides(&[row.parse().unwrap()]).unwrap();
        assert!(ledger.reprice(&dearer).unwrap());
        assert!(!ledger.reprice(&dearer).unwrap());
        assert_eq!(list(&ledger), usd("7"));
        assert_eq!(ledger.spend(&span, Tz::UTC, &[]).unwrap().unpriced_tokens, 10);
        assert!(ledger.reprice(&prices).unwrap());
        assert_eq!(list(&ledger), usd("3.5"));
    }
}
