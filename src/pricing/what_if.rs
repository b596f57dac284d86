//! The same tokens under other circumstances: what they would have cost at list price.
//!
//! A [`Scenario`] is a list of [`Change`]s, made one after the other to requests that pay the same
//! for each kind of token. A change that has no published price for such requests leaves them as
//! they were, and says so: nothing is guessed, and nothing becomes free for want of a price.
//!
//! Amounts are atto-dollars, so that a price times a factor of six decimals is exact.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{PriceList, PriceTable, UnitPrices};
use crate::spend::{Price, Speed, TokenCounts};

const ATTOS_PER_PICO: i128 = 1_000_000;

/// A factor on prices, in millionths: `2x`, `0.85x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    millionths: u64,
}

impl Factor {
    /// The largest factor that is taken for meant.
    const MOST: u64 = 1_000_000_000;
}

impl FromStr for Factor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().strip_suffix(['x', 'X']).unwrap_or(text.trim());
        // A price of "1" is a million pico-dollars per token, so this reads millionths.
        Price::parse_usd_per_million(number)
            .ok()
            .map(|price| price.picos_per_token)
            .filter(|millionths| (1..=Self::MOST).contains(millionths))
            .map(|millionths| Self { millionths })
            .ok_or_else(|| "write a factor above zero, at most 1000x, such as 2x or 0.8x".into())
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.millionths / 1_000_000, self.millionths % 1_000_000);
        let digits = format!("{rest:06}");
        match digits.trim_end_matches('0') {
            "" => write!(f, "{whole}x"),
            digits => write!(f, "{whole}.{digits}x"),
        }
    }
}

/// What is assumed to be otherwise. In a scenario they are made in this order.
#[derive(Clone, Debug)]
pub enum Change {
    /// Every request goes to this model.
    Model(ModelChoice),
    /// These prices hold, whenever the request was made.
    Prices(Arc<PriceTable>),
    /// What ran in fast mode, or in the priority tier, runs at standard speed.
    NoFast,
    /// Every request goes through the batch interface.
    Batch,
    /// What was read from a cache or written to one is fresh input.
    NoCache,
    /// Every price is so many times what it is.
    Scale(Factor),
}

/// A model with its list.
#[derive(Clone, Debug)]
pub struct ModelChoice {
    name: String,
    list: PriceList,
    /// For moments at which the model had no price.
    now: DateTime<Utc>,
}

impl ModelChoice {
    /// The model of this name, as a table knows it; `None` where no single list has it.
    pub fn find(table: &PriceTable, name: &str, now: DateTime<Utc>) -> Option<Self> {
        let list = table.list(None, Some(name));
        let is_known = list.unit_prices(now, Speed::Standard, 0).is_some();
        is_known.then(|| Self { name: name.to_owned(), list, now })
    }

    /// As it was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Change {
    fn place(&self) -> u8 {
        match self {
            Self::Model(_) => 0,
            Self::Prices(_) => 1,
            Self::NoFast => 2,
            Self::Batch => 3,
            Self::NoCache => 4,
            Self::Scale(_) => 5,
        }
    }
}

/// Changes that are made together.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    changes: Vec<Change>,
}

/// Requests that pay the same for each kind of token.
#[derive(Clone, Copy, Debug)]
pub struct Alike<'a> {
    /// Whose list the source believes in.
    pub provider: Option<&'a str>,
    /// The model's name as logged.
    pub model: Option<&'a str>,
    /// The moment whose prices they pay.
    pub at: DateTime<Utc>,
    /// Their service tier.
    pub speed: Speed,
    /// The largest threshold of their list that the prompt of each exceeds; 0 for none.
    pub above: u64,
    /// Their tokens together.
    pub tokens: TokenCounts,
    /// Their searches together.
    pub web_searches: u64,
}

/// What a scenario makes of some requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// List price, atto-dollars.
    pub attos: i128,
    /// Some change of the scenario has no price for them and was left out.
    pub is_unmet: bool,
    /// Some prompts may exceed a threshold above which the other list is dearer; the price is that
    /// of prompts which don't.
    pub may_be_more: bool,
}

/// How the requests stand while changes are made to them.
#[derive(Clone)]
struct Standing<'a> {
    provider: Option<&'a str>,
    model: Option<&'a str>,
    list: PriceList,
    at: DateTime<Utc>,
    speed: Speed,
    tokens: TokenCounts,
    /// Kinds of token of the cache that the list has no price for cost what fresh input does.
    cache_as_input: bool,
}

impl Standing<'_> {
    fn unit_prices(&self, above: u64) -> Option<UnitPrices> {
        let mut unit = self.list.unit_prices(self.at, self.speed, above)?;
        if self.cache_as_input {
            let [input, cache @ .., _, _] = &mut unit.tokens;
            cache.iter_mut().for_each(|price| *price = price.or(*input));
        }
        Some(unit)
    }

    fn cost_picos(&self, alike: &Alike<'_>) -> Option<i128> {
        self.unit_prices(alike.above)?.cost_picos(&self.tokens, alike.web_searches)
    }
}

impl Scenario {
    /// These changes, each kind at most once.
    pub fn new(mut changes: Vec<Change>) -> Self {
        changes.sort_by_key(Change::place);
        changes.dedup_by_key(|change| change.place());
        Self { changes }
    }

    /// Its changes, in the order in which they are made.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What requests would cost that cost `list_picos`, priced by the table `own`.
    pub fn of_priced(&self, own: &PriceTable, alike: &Alike<'_>, list_picos: i128) -> After {
        let (picos, is_unmet, may_be_more) = match self.walk(own, alike) {
            Some(Walked { picos, is_unmet, may_be_more }) => {
                (picos.unwrap_or(list_picos), is_unmet, may_be_more)
            }
            None => (list_picos, false, false),
        };
        After { attos: self.scaled(picos), is_unmet, may_be_more }
    }

    /// What requests would cost that have no list price now; `None` where they still had none.
    pub fn of_unpriced(&self, own: &PriceTable, alike: &Alike<'_>) -> Option<i128> {
        self.walk(own, alike)?.picos.map(|picos| self.scaled(picos))
    }

    /// An amount that is not made of tokens: a price change alone reaches it.
    pub fn of_stated(&self, picos: i128) -> After {
        let is_unmet = self.changes.iter().any(|change| !matches!(change, Change::Scale(_)));
        After { attos: self.scaled(picos), is_unmet, may_be_more: false }
    }

    fn scaled(&self, picos: i128) -> i128 {
        let factor = self.changes.iter().find_map(|change| match change {
            Change::Scale(factor) => Some(i128::from(factor.millionths)),
            _ => None,
        });
        // A pico-dollar is a million atto-dollars, and factors are in millionths.
        picos.saturating_mul(factor.unwrap_or(ATTOS_PER_PICO))
    }

    /// Makes all changes but the factor; `None` where none of them concerns these requests.
    fn walk(&self, own: &PriceTable, alike: &Alike<'_>) -> Option<Walked> {
        let mut known = Standing {
            provider: alike.provider,
            model: alike.model,
            list: own.list(alike.provider, alike.model),
            at: alike.at,
            speed: alike.speed,
            tokens: alike.tokens,
            cache_as_input: false,
        };
        let first_list = known.list.clone();
        let mut walked = Walked { picos: None, is_unmet: false, may_be_more: false };
        let mut is_concerned = false;
        for change in &self.changes {
            let Some(next) = changed(change, &known, alike) else { continue };
            is_concerned = true;
            match next.cost_picos(alike) {
                Some(picos) => {
                    walked.picos = Some(picos);
                    known = next;
                }
                None => walked.is_unmet = true,
            }
        }
        if !is_concerned {
            return None;
        }
        walked.may_be_more = known.list.may_be_above(known.at, &first_list, alike);
        Some(walked)
    }
}

struct Walked {
    /// `None` where no change had a price.
    picos: Option<i128>,
    is_unmet: bool,
    may_be_more: bool,
}

/// How requests stand after a change; `None` where it does not concern them.
fn changed<'a>(
    change: &'a Change,
    known: &Standing<'a>,
    alike: &Alike<'_>,
) -> Option<Standing<'a>> {
    let mut next = known.clone();
    match change {
        Change::Model(model) => {
            (next.provider, next.model) = (None, Some(model.name()));
            next.list = model.list.clone();
            if next.list.unit_prices(next.at, Speed::Standard, alike.above).is_none() {
                next.at = model.now;
            }
            // A model without the tier runs at its usual one.
            if next.list.unit_prices(next.at, next.speed, alike.above).is_none() {
                next.speed = Speed::Standard;
            }
            next.cache_as_input = true;
        }
        Change::Prices(table) => {
            next.list = table.list(known.provider, known.model);
            let same = next.unit_prices(alike.above) == known.unit_prices(alike.above);
            return (!same).then_some(next);
        }
        Change::NoFast => {
            next.speed = Speed::Standard;
            return (known.speed == Speed::Fast).then_some(next);
        }
        Change::Batch => {
            next.speed = Speed::Batch;
            return (known.speed != Speed::Batch).then_some(next);
        }
        Change::NoCache => {
            let TokenCounts { cache_read, cache_write_5m, cache_write_1h, .. } = known.tokens;
            let cached = cache_read.saturating_add(cache_write_5m).saturating_add(cache_write_1h);
            next.tokens = TokenCounts {
                input: known.tokens.input.saturating_add(cached),
                cache_read: 0,
                cache_write_5m: 0,
                cache_write_1h: 0,
                ..known.tokens
            };
            return (cached > 0).then_some(next);
        }
        Change::Scale(_) => return None,
    }
    Some(next)
}

impl PriceList {
    /// Whether some of these requests may exceed a threshold of this list that is not one of the
    /// list they were sorted by.
    fn may_be_above(&self, at: DateTime<Utc>, sorted_by: &Self, alike: &Alike<'_>) -> bool {
        let thresholds = |list: &Self, at| -> Vec<u64> {
            let row = list.rows.iter().find(|row| row.holds(at));
            row.map(|row| row.long.iter().map(|tier| tier.above).collect()).unwrap_or_default()
        };
        let all_prompts = alike.tokens.prompt();
        // Nothing that was sorted below this is larger.
        let next = thresholds(sorted_by, alike.at).into_iter().find(|above| *above > alike.above);
        thresholds(self, at).into_iter().any(|above| {
            let is_told = above <= alike.above || next.is_some_and(|next| next <= above);
            let is_below = all_prompts <= above;
            !is_told && !is_below
        })
    }

    /// The first days, after `after` and before `end`, from which a row holds or no longer holds.
    pub fn changes_between(
        &self,
        after: chrono::NaiveDate,
        end: chrono::NaiveDate,
    ) -> impl Iterator<Item = chrono::NaiveDate> + '_ {
        let days = self.rows.iter().flat_map(|row| [row.from, row.until]).flatten();
        days.filter(move |day| after < *day && *day < end)
    }
}
