//! A new price table reaches back: usage is kept as tokens and priced again.

use rusqlite::{Connection, OptionalExtension, Result};

use super::days::Days;
use super::deltas::Deltas;
use super::names::Names;
use super::pricer::Pricer;
use super::{Ledger, LedgerError, bills, events, slots};
use crate::pricing::PriceTable;

/// The `meta` key of the price table that all stored list prices come from.
const PRICES: &str = "prices";
/// The `meta` key that a migration leaves when the sums have to be made of the events again.
const SUMS: &str = "sums";
/// Events looked at at a time, to bound memory.
const BATCH: i64 = 5_000;

impl Ledger {
    /// Prices everything anew when `prices` is not the table it was priced with, in one
    /// transaction. True when it did.
    ///
    /// Slots are priced by what they hold. Where a list has other thresholds than before, the
    /// events that still have rows move to the slots of the new ones; those that were rolled up
    /// stay in the slots they were sorted into.
    pub fn reprice(&mut self, prices: &PriceTable) -> std::result::Result<bool, LedgerError> {
        if self.is_priced_with(prices)? {
            return Ok(false);
        }
        let mut recording = self.begin()?;
        recording.write(|conn, names| {
            sort_events(conn, names, prices, false)?;
            price_all(conn, names, prices)
        })?;
        recording.ledger.moved.get_mut().upset();
        recording.commit()?;
        Ok(true)
    }

    /// Whether all list prices are those of `prices`.
    pub fn is_priced_with(&self, prices: &PriceTable) -> std::result::Result<bool, LedgerError> {
        Ok(self.meta(PRICES)?.as_ref() == Some(&name_of(prices)))
    }
}

/// Sums all events anew after a migration that asks for it. The user's own prices follow when the
/// program applies them; until then those of the program's table stand.
pub(super) fn rebuild_if_stale(conn: &Connection) -> Result<()> {
    let is_stale = conn
        .query_row("SELECT 1 FROM meta WHERE key = ?1", [SUMS], |_| Ok(()))
        .optional()?
        .is_some();
    if !is_stale {
        return Ok(());
    }
    let (mut names, prices) = (Names::default(), PriceTable::builtin());
    conn.execute("DELETE FROM slot", [])?;
    sort_events(conn, &mut names, &prices, true)?;
    price_all(conn, &mut names, &prices)?;
    conn.execute("DELETE FROM meta WHERE key = ?1", [SUMS])?;
    Ok(())
}

fn sort_events(
    conn: &Connection,
    names: &mut Names,
    prices: &PriceTable,
    from_nothing: bool,
) -> Result<()> {
    let mut pricer = Pricer::new(prices);
    // All days are summed again afterwards.
    let mut days = Days::new(conn)?;
    let mut last_id = 0;
    loop {
        let mut deltas = Deltas::default();
        let batch = (last_id, BATCH);
        let next = events::classify(conn, names, &mut pricer, batch, from_nothing, &mut deltas)?;
        deltas.write(conn, names, &mut pricer, &mut days)?;
        match next {
            Some(id) => last_id = id,
            None => return Ok(()),
        }
    }
}

fn price_all(conn: &Connection, names: &mut Names, prices: &PriceTable) -> Result<()> {
    let mut days = Days::anew(conn)?;
    slots_anew(conn, names, &mut Pricer::new(prices), &mut days)?;
    days.write(conn)?;
    bills::reprice(conn, names, prices)?;
    conn.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [PRICES, &name_of(prices)])?;
    Ok(())
}

fn name_of(prices: &PriceTable) -> String {
    format!("{:016x}", prices.fingerprint())
}

/// Slots priced anew at a time: those of one UTC day.
const QUARTERS_PER_DAY: i64 = 96;

/// Prices all slots anew and sums the days from them.
fn slots_anew(
    conn: &Connection,
    names: &mut Names,
    pricer: &mut Pricer<'_>,
    days: &mut Days,
) -> Result<()> {
    let mut next = slots::first(conn, i64::MIN)?;
    while let Some(quarter) = next {
        let end = quarter.saturating_add(QUARTERS_PER_DAY);
        let mut found = Vec::new();
        slots::for_each_row(conn, quarter, end, None, |key, sums, price| {
            found.push((key, sums, price));
            Ok(())
        })?;
        for (key, sums, old) in found {
            let price = pricer.price(conn, names, &key, &sums)?;
            if price != old {
                slots::write_one(conn, &key, &sums, &price)?;
            }
            days.add(key.quarter, &key.about(&price), &price.figures(&sums), 1);
        }
        next = slots::first(conn, end)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {

    use super::super::testing::{
        AGENT, MINI, PROVIDER, at, ledger_in, look, metered, reading, record, usage, usd,
    };
    use super::*;
    use crate::spend::Zone;
    use crate::spend::{Filter, Period, Reading};

    #[test]
    fn a_new_price_reaches_back() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let prices = PriceTable::builtin();
        assert!(!ledger.reprice(&prices).unwrap(), "a new ledger has the program's own prices");
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
        let span = Period::Day.holding(at(noon), Zone::UTC);
        let list =
            |ledger: &Ledger| ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap().list;
        // 12 million in the logs and 2 million more in the report, at $0.25.
        assert_eq!(list(&ledger), usd("3.5"));

        let row = "provider = \"openai\"\nmodel = \"gpt-5-mini\"\ninput = \"0.5\"\noutput = \"4\"";
        let dearer = PriceTable::builtin().with_overrides(&[row.parse().unwrap()]).unwrap();
        assert!(ledger.reprice(&dearer).unwrap());
        assert!(!ledger.reprice(&dearer).unwrap());
        assert_eq!(list(&ledger), usd("7"));
        assert_eq!(
            ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap().unpriced_tokens,
            10
        );
        assert!(ledger.reprice(&prices).unwrap());
        assert_eq!(list(&ledger), usd("3.5"));
    }

    fn with_row(row: &str) -> PriceTable {
        PriceTable::builtin().with_overrides(&[row.parse().unwrap()]).unwrap()
    }

    #[test]
    fn a_new_threshold_moves_the_events_that_still_have_rows() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let noon = "2026-11-24T12:00:00Z";
        // One quarter of an hour, prompts of 40,000 and 60,000 tokens at $0.25 per million.
        let events = [("a", 40_000), ("b", 60_000)]
            .map(|(id, input)| usage(id, "2026-11-24T10:00:00Z", MINI, input, 0));
        record(&mut ledger, &look(&AGENT, noon), &reading(events.to_vec()));
        let span = Period::Day.holding(at(noon), Zone::UTC);
        let list =
            |ledger: &Ledger| ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap().list;
        assert_eq!(list(&ledger), usd("0.025"));
        let tiered = with_row(
            "provider = \"openai\"\nmodel = \"gpt-5-mini\"\ninput = \"1\"\noutput = \"4\"
             long = [{ above = 50000, input = \"3\" }]",
        );
        assert!(ledger.reprice(&tiered).unwrap());
        // 0.04 M at $1 and 0.06 M at $3.
        assert_eq!(list(&ledger), usd("0.22"));
        assert!(ledger.reprice(&PriceTable::builtin()).unwrap());
        assert_eq!(list(&ledger), usd("0.025"));
    }

    #[test]
    fn a_model_that_becomes_known_is_priced_by_the_size_of_each_request() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let noon = "2026-11-24T12:00:00Z";
        let events = [("a", 100_000), ("b", 300_000)]
            .map(|(id, input)| usage(id, "2026-11-20T10:00:00Z", "model-to-come", input, 0));
        record(&mut ledger, &look(&AGENT, noon), &reading(events.to_vec()));
        let newest = usage("c", "2026-11-20T10:00:00Z", "model-to-come", 0, 0);
        record(&mut ledger, &look(&AGENT, noon), &reading(vec![newest]));
        let few = super::super::roll_up::Rows { kept: 1, worth_it: 1, at_once: 10 };
        assert!(ledger.roll_up_rows(at(noon), few).unwrap());
        let known = with_row(
            "provider = \"openai\"\nmodel = \"model-to-come\"\ninput = \"1\"\noutput = \"4\"
             long = [{ above = 272000, input = \"2\" }]",
        );
        assert!(ledger.reprice(&known).unwrap());
        let span = Period::Month.holding(at(noon), Zone::UTC);
        // 0.1 M at $1 and 0.3 M at $2, although no row is left of either.
        assert_eq!(ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap().list, usd("0.7"));
    }

    #[test]
    fn a_request_that_lacks_a_price_does_not_unprice_its_neighbours() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let noon = "2026-11-24T12:00:00Z";
        let row = "provider = \"own\"\nmodel = \"mine\"\ninput = \"1\"\noutput = \"4\"";
        let own = with_row(row);
        let mut cached = usage("b", "2026-11-24T10:00:00Z", "mine", 1_000_000, 0);
        cached.tokens.cache_read = 5;
        let plain = usage("a", "2026-11-24T10:00:00Z", "mine", 2_000_000, 0);
        ledger.reprice(&own).unwrap();
        let mut recording = ledger.begin().unwrap();
        recording.record(&look(&AGENT, noon), &reading(vec![plain, cached]), &own).unwrap();
        recording.commit().unwrap();
        let span = Period::Day.holding(at(noon), Zone::UTC);
        let spend = ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap();
        assert_eq!((spend.list, spend.unpriced_tokens), (usd("2"), 1_000_005));
        assert!(ledger.reprice(&with_row(&format!("{row}\ncache_read = \"0.2\""))).unwrap());
        let spend = ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap();
        // 3 M at $1 and 5 at $0.20 per million.
        assert_eq!((spend.list, spend.unpriced_tokens), (usd("3.000001"), 0));
    }
}
