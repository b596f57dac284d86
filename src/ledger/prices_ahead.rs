//! Prices that are known to change: how much dearer the same usage becomes, and from which day on.
//!
//! What a scope used in the last four weeks is priced once as of now and once as of each day to
//! come on which a price of one of its models changes, at the same times of the week, for some
//! prices depend on them. Usage without a price at either time counts on both sides as it is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use rusqlite::{Connection, Result};

use super::names::Names;
use super::scope::Scope;
use super::slot::{SlotKey, SlotSums};
use super::slots;
use super::what_if::alike_of;
use super::{Ledger, LedgerError};
use crate::pricing::{PriceList, PriceTable};
use crate::spend::{Filter, Span, Zone};

/// Whose mix of models and kinds of token stands for days to come.
const LOOK_BACK: Days = Days::new(28);
/// Whoever enters a price for later than this is told of it then.
const LOOK_AHEAD: Days = Days::new(400);

/// The first day, by UTC, and what the same usage costs from it on against what it costs now, in
/// thousandths.
pub type PriceStep = (NaiveDate, i128);

impl Ledger {
    /// Lets forecasts know the prices, those of days to come among them.
    pub fn know_prices(&mut self, prices: Arc<PriceTable>) {
        self.prices = Some(prices);
    }

    /// The fingerprint of the prices that forecasts know.
    pub fn known_prices(&self) -> Option<u64> {
        self.prices.as_ref().map(|prices| prices.fingerprint())
    }

    /// How the prices of what each filter takes change from now on, by day; empty where no change
    /// is known, and while [`Ledger::know_prices`] was not called.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn price_steps(
        &self,
        now: DateTime<Utc>,
        zone: Zone,
        filters: &[&Filter],
    ) -> std::result::Result<Vec<Vec<PriceStep>>, LedgerError> {
        let nothing = vec![Vec::new(); filters.len()];
        let Some(prices) = &self.prices else { return Ok(nothing) };
        let today = now.date_naive();
        let first = today.checked_sub_days(LOOK_BACK).unwrap_or(today);
        self.ask(|conn| {
            let mut names = Names::default();
            let ahead = Ahead::find(conn, &mut names, prices, first, today)?;
            if ahead.days.is_empty() {
                return Ok(nothing);
            }
            let span = Span::of_days(first, today, Zone::UTC);
            let scopes = filters
                .iter()
                .map(|filter| Scope::new(conn, &span, zone, filter, &self.plans))
                .collect::<Result<Vec<_>>>()?;
            // Of each filter: what it costs now, and what on each of the days.
            let mut sums = vec![(0_i128, vec![0_i128; ahead.days.len()]); scopes.len()];
            slots::for_each_between(conn, span.start, span.end, |key, slot, price| {
                let about = key.about(&price);
                let recorded = price.list_picos.unwrap_or(slot.stated_picos);
                let (now_picos, then_picos) = ahead.cost(&key, &slot, recorded, now);
                for (scope, (before, after)) in scopes.iter().zip(&mut sums) {
                    if scope.takes(conn, &about)? {
                        *before += now_picos;
                        after.iter_mut().zip(&then_picos).for_each(|(sum, picos)| *sum += picos);
                    }
                }
                Ok(())
            })?;
            let steps = |(before, after): (i128, Vec<i128>)| {
                let days = ahead.days.iter().zip(after).filter(|_| before > 0);
                let step = |(day, after): (&NaiveDate, i128)| {
                    (*day, after.saturating_mul(1000).saturating_add(before / 2) / before.max(1))
                };
                let steps: Vec<PriceStep> = days.map(step).collect();
                // A change that concerns nothing this filter takes is none.
                if steps.iter().all(|(_, permille)| *permille == 1000) { Vec::new() } else { steps }
            };
            Ok(sums.into_iter().map(steps).collect())
        })
    }
}

/// The models whose prices change.
struct Ahead {
    lists: HashMap<(i64, i64), PriceList>,
    /// The days on which any of them does.
    days: Vec<NaiveDate>,
}

impl Ahead {
    fn find(
        conn: &Connection,
        names: &mut Names,
        prices: &PriceTable,
        first: NaiveDate,
        today: NaiveDate,
    ) -> Result<Self> {
        let mut used = HashSet::new();
        let mut statement = conn.prepare_cached(
            "SELECT DISTINCT hint, model FROM day WHERE calendar = 0 AND day >= ?1",
        )?;
        let mut rows = statement.query([first.to_string()])?;
        while let Some(row) = rows.next()? {
            used.insert((row.get(0)?, row.get(1)?));
        }
        let end = today.checked_add_days(LOOK_AHEAD).unwrap_or(NaiveDate::MAX);
        let (mut lists, mut days) = (HashMap::new(), BTreeSet::new());
        for (hint, model) in used {
            let (provider, name) = (names.text(conn, hint)?, names.text(conn, model)?);
            let list = prices.list(provider.as_deref(), name.as_deref());
            let mut changes = list.changes_between(today, end).peekable();
            if changes.peek().is_some() {
                days.extend(changes);
                lists.insert((hint, model), list.clone());
            }
        }
        Ok(Self { lists, days: days.into_iter().collect() })
    }

    /// What a slot costs now and on each of the days, in pico-dollars.
    fn cost(
        &self,
        key: &SlotKey,
        slot: &SlotSums,
        recorded: i128,
        now: DateTime<Utc>,
    ) -> (i128, Vec<i128>) {
        let Some(list) = self.lists.get(&(key.hint, key.model)) else {
            return (recorded, vec![recorded; self.days.len()]);
        };
        let alike = alike_of(key, slot, None, None);
        let cost = |at| {
            let unit = list.unit_prices(at, alike.speed, alike.above)?;
            unit.cost_picos(&alike.tokens, alike.web_searches)
        };
        let (week, at) = (TimeDelta::weeks(1), alike.at);
        let weeks_back = (now - at).num_weeks();
        let Some(of_now) = cost(at + week * i32::try_from(weeks_back).unwrap_or(0)) else {
            return (recorded, vec![recorded; self.days.len()]);
        };
        let then = self.days.iter().map(|day| {
            let start = day.and_time(NaiveTime::MIN).and_utc();
            let weeks = (start - at + week - TimeDelta::milliseconds(1)).num_weeks();
            cost(at + week * i32::try_from(weeks).unwrap_or(0)).unwrap_or(of_now)
        });
        (of_now, then.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AGENT, MINI, at, ledger_in, look, reading, record, usage};
    use super::*;
    use crate::spend::{Glob, Lists};

    const NOON: &str = "2026-11-24T12:00:00Z";

    fn steps(ledger: &Ledger, filter: &Filter) -> Vec<PriceStep> {
        ledger.price_steps(at(NOON), Zone::UTC, &[filter]).unwrap().pop().unwrap()
    }

    #[test]
    fn a_price_entered_ahead_weighs_as_its_model_does() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        // A dollar each: 4 million at $0.25 a million, and 0.2 million at $5.
        let events = vec![
            usage("a", "2026-11-20T10:00:00Z", MINI, 4_000_000, 0),
            usage("b", "2026-11-21T10:00:00Z", "gpt-5.5", 200_000, 0),
        ];
        record(&mut ledger, &look(&AGENT, NOON), &reading(events));
        let everything = Filter::everything();
        assert!(steps(&ledger, &everything).is_empty(), "no prices are known");
        let row = |fields: &str| {
            let row = format!("provider = \"openai\"\nmodel = \"{MINI}\"\n{fields}");
            row.parse::<toml::Table>().unwrap()
        };
        let rows = [row("from = \"2026-12-01\"\ninput = \"0.5\"\noutput = \"4\"")];
        let prices = PriceTable::builtin().with_overrides(&rows).unwrap();
        ledger.know_prices(Arc::new(prices));
        // Half of the mix costs twice as much.
        let first: NaiveDate = "2026-12-01".parse().unwrap();
        assert_eq!(steps(&ledger, &everything), [(first, 1_500)]);
        let only = |model: &str| {
            let models = vec![Glob::new(model).unwrap()];
            Filter { only: Lists { models, ..Lists::default() }, ..Filter::default() }
        };
        assert_eq!(steps(&ledger, &only(MINI)), [(first, 2_000)]);
        assert!(steps(&ledger, &only("gpt-5.5")).is_empty(), "its price stays");
        // What is in force already is no news.
        let rows = [row("from = \"2026-11-24\"\ninput = \"0.5\"\noutput = \"4\"")];
        let prices = PriceTable::builtin().with_overrides(&rows).unwrap();
        ledger.know_prices(Arc::new(prices));
        assert!(steps(&ledger, &everything).is_empty());
    }
}
