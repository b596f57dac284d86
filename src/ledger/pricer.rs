//! Sums -> list prices, asking the price table once per model rather than once per event.

use std::collections::HashMap;

use rusqlite::{Connection, Result};

use super::figures::token_counts;
use super::names::Names;
use super::slot::{self, Class, SlotKey, SlotPrice, SlotSums};
use crate::pricing::{PriceList, PriceTable};
use crate::spend::{Speed, TokenCounts};

/// What of an event decides its class, besides model and time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size<'a> {
    pub(super) speed: Speed,
    pub(super) tokens: &'a TokenCounts,
    pub(super) web_searches: u32,
    pub(super) is_sum: bool,
}

/// A price table and the lists that were asked for, by ids of the dictionary. Good for one
/// transaction, like the [`Names`] it goes with.
pub(super) struct Pricer<'a> {
    table: &'a PriceTable,
    lists: Vec<(i64, PriceList)>,
    /// Where the list of a hint and a model stands.
    places: HashMap<(i64, i64), usize>,
    /// The last one that was asked for: usage comes in long rows of one model.
    last: Option<((i64, i64), usize)>,
}

impl<'a> Pricer<'a> {
    pub(super) fn new(table: &'a PriceTable) -> Self {
        Self { table, lists: Vec::new(), places: HashMap::new(), last: None }
    }

    /// The class of an event of `quarter`.
    pub(super) fn class(
        &mut self,
        conn: &Connection,
        names: &mut Names,
        (quarter, hint, model): (i64, i64, i64),
        size: &Size<'_>,
    ) -> Result<Class> {
        let Size { speed, tokens, web_searches, is_sum } = *size;
        let (_, list) = self.list(conn, names, hint, model)?;
        let above = if is_sum { 0 } else { list.threshold_below(tokens.prompt()) };
        let unit = list.unit_prices(slot::start_of(quarter), speed, above);
        let lacks =
            unit.is_some_and(|unit| unit.cost_picos(tokens, u64::from(web_searches)).is_none());
        let is_nothing = tokens.is_zero() && web_searches == 0;
        let above = if is_sum { Class::SUM } else { i64::try_from(above).unwrap_or(i64::MAX) };
        Ok(Class { speed, above, lacks: lacks || is_nothing })
    }

    /// The list price of a slot.
    pub(super) fn price(
        &mut self,
        conn: &Connection,
        names: &mut Names,
        key: &SlotKey,
        sums: &SlotSums,
    ) -> Result<SlotPrice> {
        let (provider, list) = self.list(conn, names, key.hint, key.model)?;
        let above = u64::try_from(key.class.above).unwrap_or(0);
        let unit = list.unit_prices(slot::start_of(key.quarter), key.class.speed, above);
        let searches = u64::try_from(sums.web_searches).unwrap_or(0);
        let tokens = token_counts(&sums.tokens);
        // Costs without tokens are the agents' own figures, and no list prices them.
        let is_cost_alone = key.class.lacks && tokens.is_zero() && searches == 0;
        let unit = unit.filter(|_| !is_cost_alone);
        let list_picos = unit.and_then(|unit| unit.cost_picos(&tokens, searches));
        Ok(SlotPrice { provider: *provider, list_picos })
    }

    fn list(
        &mut self,
        conn: &Connection,
        names: &mut Names,
        hint: i64,
        model: i64,
    ) -> Result<&(i64, PriceList)> {
        let asked = (hint, model);
        let last = self.last.filter(|(known, _)| *known == asked).map(|(_, place)| place);
        let place = match last.or_else(|| self.places.get(&asked).copied()) {
            Some(place) => place,
            None => {
                let (hint, model) = (names.text(conn, hint)?, names.text(conn, model)?);
                let list = self.table.list(hint.as_deref(), model.as_deref());
                let provider = names.id(conn, list.provider().map(|provider| &**provider))?;
                self.lists.push((provider, list));
                self.places.insert(asked, self.lists.len() - 1);
                self.lists.len() - 1
            }
        };
        self.last = Some((asked, place));
        Ok(&self.lists[place])
    }
}
