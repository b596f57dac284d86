//! One row of the table, and what it makes a request cost.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

use super::{Ask, UnitPrices};
use crate::spend::{Price, Speed, TokenCounts};

/// The prices of a model for a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// First UTC day; `None`: ever since.
    pub(super) from: Option<NaiveDate>,
    /// The UTC day it no longer holds; `None`: until now.
    pub(super) until: Option<NaiveDate>,
    /// The times of the week it is limited to; empty: always.
    pub(super) when: Vec<Window>,
    /// Pico-dollars per search.
    pub(super) web_search_picos: Option<i128>,
    /// The prices of a request of any size.
    pub(super) base: Band,
    /// Tiers for large requests, smallest threshold first.
    pub(super) long: Vec<Tier>,
}

/// Prices that hold for the whole of a request above a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tier {
    /// Tokens of input, cache reads and cache writes that the prompt has to exceed.
    pub(super) above: u64,
    /// Its prices.
    pub(super) band: Band,
}

/// The prices of each service tier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) standard: Rates,
    pub(super) batch: Option<Box<Rates>>,
    pub(super) flex: Option<Box<Rates>>,
    pub(super) fast: Option<Box<Rates>>,
}

/// A price for each kind of token; `None` is unpriced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rates {
    pub(super) input: Option<Price>,
    pub(super) output: Option<Price>,
    /// Only where reasoning costs something else than other output.
    pub(super) reasoning: Option<Price>,
    pub(super) cache_read: Option<Price>,
    pub(super) cache_write_5m: Option<Price>,
    pub(super) cache_write_1h: Option<Price>,
}

/// Some hours on some days of every week, in UTC. The ledger prices a quarter of an hour by its
/// start, so that times within one count from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// First and last ISO weekday (1 is Monday), both inclusive.
    pub(super) days: (u32, u32),
    /// First minute of the day, and the minute after the last.
    pub(super) minutes: (u32, u32),
}

impl Row {
    /// Whether these prices hold at a moment.
    pub(super) fn holds(&self, at: DateTime<Utc>) -> bool {
        let day = at.date_naive();
        self.from.is_none_or(|from| from <= day)
            && self.until.is_none_or(|until| day < until)
            && (self.when.is_empty() || self.when.iter().any(|window| window.contains(at)))
    }

    /// The list price in pico-dollars; `None` when something in the request has no price here.
    pub(super) fn cost_picos(&self, ask: &Ask<'_>) -> Option<i128> {
        let tokens = self.rates(ask.tokens.prompt(), ask.speed)?.cost_picos(&ask.tokens)?;
        let searches = match ask.web_searches {
            0 => 0,
            count => self.web_search_picos? * i128::from(count),
        };
        Some(tokens + searches)
    }

    /// The price of one token of each kind in a request of this size.
    pub(super) fn unit_prices(&self, prompt: u64, speed: Speed) -> Option<UnitPrices> {
        let rates = self.rates(prompt, speed)?;
        let picos = |price: Option<Price>| i64::try_from(price?.picos_per_token).ok();
        let kinds = [
            rates.input,
            rates.cache_read,
            rates.cache_write_5m,
            rates.cache_write_1h,
            rates.output,
            rates.reasoning.or(rates.output),
        ];
        let web_search = self.web_search_picos.and_then(|picos| i64::try_from(picos).ok());
        Some(UnitPrices { tokens: kinds.map(picos), web_search })
    }

    fn rates(&self, prompt: u64, speed: Speed) -> Option<&Rates> {
        let base = self.base.rates(speed)?;
        let Some(tier) = self.long.iter().rev().find(|tier| prompt > tier.above) else {
            return Some(base);
        };
        match (tier.band.rates(speed), speed) {
            // OpenAI has no fast processing above the threshold: the request ran at standard.
            (None, Speed::Fast) => Some(&tier.band.standard),
            (rates, _) => rates,
        }
    }

    /// The same prices within narrower dates; `None` when no day is left.
    pub(super) fn within(&self, from: Option<NaiveDate>, until: Option<NaiveDate>) -> Option<Self> {
        let from = self.from.max(from);
        let until = match (self.until, until) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        let empty = from.zip(until).is_some_and(|(from, until)| from >= until);
        (!empty).then(|| Self { from, until, ..self.clone() })
    }
}

impl Band {
    fn rates(&self, speed: Speed) -> Option<&Rates> {
        match speed {
            Speed::Standard => Some(&self.standard),
            Speed::Batch => self.batch.as_deref(),
            Speed::Flex => self.flex.as_deref(),
            Speed::Fast => self.fast.as_deref(),
        }
    }
}

impl Rates {
    fn cost_picos(&self, tokens: &TokenCounts) -> Option<i128> {
        // Reasoning is a part of the output: it moves to its own price or stays, never adds.
        let reasoning = match self.reasoning {
            Some(_) => tokens.reasoning.min(tokens.output),
            None => 0,
        };
        [
            (self.input, tokens.input),
            (self.output, tokens.output - reasoning),
            (self.reasoning, reasoning),
            (self.cache_read, tokens.cache_read),
            (self.cache_write_5m, tokens.cache_write_5m),
            (self.cache_write_1h, tokens.cache_write_1h),
        ]
        .into_iter()
        .filter(|&(_, count)| count > 0)
        .try_fold(0, |sum, (price, count)| Some(sum + price?.cost_picos(count)))
    }

    /// Every price, to change it.
    pub(super) fn map(self, f: impl Fn(Price) -> Price) -> Self {
        Self {
            input: self.input.map(&f),
            output: self.output.map(&f),
            reasoning: self.reasoning.map(&f),
            cache_read: self.cache_read.map(&f),
            cache_write_5m: self.cache_write_5m.map(&f),
            cache_write_1h: self.cache_write_1h.map(&f),
        }
    }
}

impl Window {
    fn contains(&self, at: DateTime<Utc>) -> bool {
        let day = at.weekday().number_from_monday();
        let minute = at.hour() * 60 + at.minute();
        (self.days.0..=self.days.1).contains(&day)
            && (self.minutes.0..self.minutes.1).contains(&minute)
    }
}
