//! When and where requests were made, for whatever has to be set against them.
//!
//! Of most work the quarter of an hour is enough, which the sums know for ever. Where it is not, the
//! events of that quarter tell more, for as long as they have rows: that long is at least the last
//! hundred thousand requests.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Result};

use super::figures::{Figures, token_counts};
use super::names::Names;
use super::slot::{self, SlotKey, SlotPrice, SlotSums};
use super::slots;
use super::{Ledger, LedgerError, codes, events};
use crate::pricing::PriceTable;
use crate::spend::{Money, Span};

/// Some requests of one folder that were made at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The folder; `None` where the log names none.
    pub project: Option<Arc<str>>,
    /// When: the request's own time, or the start of its quarter of an hour.
    pub at: DateTime<Utc>,
    /// Requests.
    pub requests: u64,
    /// List price; `None` when none of them has one.
    pub list: Option<Money>,
    /// Tokens without a price.
    pub unpriced_tokens: u64,
}

impl Ledger {
    /// The work of a span, in no order. `needs_times` is asked of a folder and a quarter of an hour
    /// whether the times within it matter; the parts of a quarter are its whole.
    pub fn work_in(
        &self,
        span: &Span,
        needs_times: impl Fn(&str, DateTime<Utc>, DateTime<Utc>) -> bool,
    ) -> std::result::Result<Vec<Work>, LedgerError> {
        self.ask(|conn| {
            let mut names = Names::default();
            let mut sums: HashMap<(i64, i64), Figures> = HashMap::new();
            let mut times: HashMap<(i64, i64), Figures> = HashMap::new();
            let mut asked: HashMap<(i64, i64), bool> = HashMap::new();
            let mut split: HashMap<SlotKey, Slot> = HashMap::new();
            let [first, end] =
                [span.start, span.end].map(|at| slot::first_quarter(at.timestamp_millis()));
            slots::for_each_row(conn, first, end, None, |key, slot_sums, price| {
                let place = (key.project, key.quarter);
                let needs = match asked.get(&place) {
                    Some(known) => *known,
                    None => {
                        let (start, end) =
                            (slot::start_of(key.quarter), slot::start_of(key.quarter + 1));
                        let project = names.text(conn, key.project)?;
                        let needs = project.is_some_and(|it| needs_times(&it, start, end));
                        asked.insert(place, needs);
                        needs
                    }
                };
                if needs {
                    split.insert(key, Slot { sums: slot_sums, price, events: Vec::new() });
                } else {
                    sums.entry(place).or_default().add(&price.figures(&slot_sums), 1);
                }
                Ok(())
            })?;
            add_events(conn, &mut split)?;
            let prices = PriceTable::builtin();
            for (key, slot) in &split {
                for (at_ms, figures) in slot.parts(conn, &mut names, key, &prices)? {
                    times.entry((key.project, at_ms)).or_default().add(&figures, 1);
                }
            }
            let at_start = sums
                .into_iter()
                .map(|((project, quarter), figures)| (project, slot::start_of(quarter), figures));
            let at_time = times
                .into_iter()
                .map(|((project, at_ms), figures)| (project, codes::time_of(at_ms), figures));
            at_start
                .chain(at_time)
                .map(|(project, at, figures)| {
                    Ok(Work {
                        project: names.text(conn, project)?,
                        at,
                        requests: codes::to_u64(figures.requests),
                        list: figures.list().map(Money::from_picos_usd),
                        unpriced_tokens: codes::to_u64(figures.unpriced_tokens),
                    })
                })
                .collect()
        })
    }
}

/// One slot whose events are looked at.
struct Slot {
    sums: SlotSums,
    price: SlotPrice,
    /// Those that still have rows, with their times in milliseconds.
    events: Vec<(i64, SlotSums)>,
}

fn add_events(conn: &Connection, split: &mut HashMap<SlotKey, Slot>) -> Result<()> {
    let quarters = || split.keys().map(|key| key.quarter);
    let (Some(first), Some(last)) = (quarters().min(), quarters().max()) else { return Ok(()) };
    let [start, end] = [first, last + 1].map(|it| slot::start_of(it).timestamp_millis());
    events::for_each_between(conn, start, end, |at_ms, key, sums| {
        if let Some(slot) = split.get_mut(&key) {
            slot.events.push((at_ms, sums));
        }
    })
}

impl Slot {
    /// The slot's figures by time in milliseconds. What has no row any more is at its beginning.
    fn parts(
        &self,
        conn: &Connection,
        names: &mut Names,
        key: &SlotKey,
        prices: &PriceTable,
    ) -> Result<Vec<(i64, Figures)>> {
        let begin = slot::start_of(key.quarter).timestamp_millis();
        let whole = self.price.figures(&self.sums);
        let mut rest = self.sums;
        self.events.iter().for_each(|(_, sums)| rest.add(sums, -1));
        // Nothing is shared out where all of it is in one place.
        match &*self.events {
            [] => return Ok(vec![(begin, whole)]),
            [(at_ms, _)] if rest == SlotSums::default() => return Ok(vec![(*at_ms, whole)]),
            _ => {}
        }
        let mut parts: Vec<(i64, SlotSums)> = self.events.clone();
        parts.sort_by_key(|(at_ms, _)| *at_ms);
        parts.insert(0, (begin, rest));
        // A list price is the slot's own, to the pico; how it is shared out goes by the program's
        // prices, which are those it was made with unless the config has others.
        let (hint, model) = (names.text(conn, key.hint)?, names.text(conn, key.model)?);
        let above = u64::try_from(key.class.above).unwrap_or(0);
        let list = prices.list(hint.as_deref(), model.as_deref());
        let unit = list.unit_prices(slot::start_of(key.quarter), key.class.speed, above);
        let weight = |sums: &SlotSums| {
            let searches = codes::to_u64(sums.web_searches);
            let tokens = token_counts(&sums.tokens);
            let cost = unit.as_ref().and_then(|unit| unit.cost_picos(&tokens, searches));
            cost.unwrap_or_else(|| i128::from(sums.tokens[..5].iter().sum::<i64>())).max(0)
        };
        let all: i128 = parts.iter().map(|(_, sums)| weight(sums)).sum();
        let (mut weighed, mut given) = (0_i128, 0_i128);
        let mut figures = Vec::with_capacity(parts.len());
        for (at_ms, sums) in &parts {
            let mut part = self.price.figures(sums);
            if let Some(total) = self.price.list_picos {
                weighed += weight(sums);
                let upto = if all == 0 { total } else { share(total, weighed, all) };
                part.list_picos = upto - given;
                given = upto;
            }
            if part != Figures::default() {
                figures.push((*at_ms, part));
            }
        }
        debug_assert_eq!(
            figures.iter().map(|(_, part)| part.list_picos).sum::<i128>(),
            whole.list_picos
        );
        Ok(figures)
    }
}

/// `total * part / all`, rounded down; all of it when `part` is `all`.
fn share(total: i128, part: i128, all: i128) -> i128 {
    if part == all { total } else { total.saturating_mul(part) / all }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::spend::{Period, Zone};

    fn sums(work: &[Work]) -> BTreeMap<DateTime<Utc>, (u64, i128, u64)> {
        let mut sums: BTreeMap<_, (u64, i128, u64)> = BTreeMap::new();
        for it in work {
            let sum = sums.entry(it.at).or_default();
            sum.0 += it.requests;
            sum.1 += it.list.map_or(0, |list| list.attos);
            sum.2 += it.unpriced_tokens;
        }
        sums
    }

    fn today() -> Span {
        Period::Day.holding(at("2026-11-24T12:00:00Z"), Zone::UTC)
    }

    #[test]
    fn a_quarter_is_told_as_a_whole_or_by_its_requests() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let usages = vec![
            usage("a", "2026-11-24T10:01:00Z", HAIKU, 1_000_000, 0),
            usage("b", "2026-11-24T10:04:00Z", HAIKU, 3_000_000, 100_000),
            usage("c", "2026-11-24T10:05:00Z", "no-such-model", 7, 0),
            usage("d", "2026-11-24T10:20:00Z", MINI, 4_000_000, 0),
        ];
        record(&mut ledger, &look(&AGENT, "2026-11-24T12:00:00Z"), &reading(usages));
        let whole = sums(&ledger.work_in(&today(), |_, _, _| false).unwrap());
        // $1 and $5 a million: 1 + 3 + 0.50, and 4 million at $0.25.
        let expected = [
            (at("2026-11-24T10:00:00Z"), (3, usd("4.5").attos, 7)),
            (at("2026-11-24T10:15:00Z"), (1, usd("1").attos, 0)),
        ];
        assert_eq!(whole, expected.into());
        let first = at("2026-11-24T10:00:00Z");
        let fine = ledger
            .work_in(&today(), |folder, start, _| folder == "/home/me/shop" && start == first);
        let expected = [
            (at("2026-11-24T10:01:00Z"), (1, usd("1").attos, 0)),
            (at("2026-11-24T10:04:00Z"), (1, usd("3.5").attos, 0)),
            (at("2026-11-24T10:05:00Z"), (1, 0, 7)),
            (at("2026-11-24T10:15:00Z"), (1, usd("1").attos, 0)),
        ];
        assert_eq!(sums(&fine.unwrap()), expected.into());
        // What was rolled up is known by the quarter.
        ledger
            .conn
            .execute(
                "DELETE FROM usage WHERE at_ms < ?1",
                [at("2026-11-24T10:04:00Z").timestamp_millis()],
            )
            .unwrap();
        let fine = ledger.work_in(&today(), |_, start, _| start == first).unwrap();
        assert_eq!(sums(&fine)[&first], (1, usd("1").attos, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn parts_are_the_whole_to_the_last_atto(
            events in proptest::collection::vec((0_i64..3600, 0_u64..5_000_000, 0_u64..90_000, 0_usize..3), 1..40),
            lost in 0_i64..10,
        ) {
            let home = tempfile::tempdir().unwrap();
            let mut ledger = ledger_in(home.path());
            let start = at("2026-11-24T10:00:00Z");
            let models = [HAIKU, MINI, "no-such-model"];
            let usages = events.iter().enumerate().map(|(index, (second, input, output, model))| {
                let time = (start + TimeDelta::seconds(*second)).to_rfc3339();
                usage(&index.to_string(), &time, models[*model], *input, *output)
            });
            record(&mut ledger, &look(&AGENT, "2026-11-24T12:00:00Z"), &reading(usages.collect()));
            ledger.conn.execute("DELETE FROM usage WHERE id IN (SELECT id FROM usage LIMIT ?1)", [lost]).unwrap();
            let total = |work: Vec<Work>| sums(&work).values().fold((0, 0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1, sum.2 + it.2));
            let whole = total(ledger.work_in(&today(), |_, _, _| false).unwrap());
            let fine = total(ledger.work_in(&today(), |_, _, _| true).unwrap());
            prop_assert_eq!(whole, fine);
        }
    }
}
