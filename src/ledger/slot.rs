//! What a slot is: the usage of one quarter of an hour whose events pay the same price for each kind of
//! token.

use chrono::{DateTime, Utc};

use super::codes;
use super::figures::{About, Figures, add_tokens};
use crate::spend::{Funding, Speed, TokenCounts};

/// Milliseconds in one slot. Since 1972 every zone's offset is a multiple of this.
const QUARTER_MS: i64 = 15 * 60 * 1000;

/// What one slot is for. The names are ids of the dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SlotKey {
    pub(super) quarter: i64,
    pub(super) source: i64,
    /// The provider that the log names.
    pub(super) hint: i64,
    pub(super) model: i64,
    pub(super) project: i64,
    pub(super) session: i64,
    pub(super) funding: Funding,
    pub(super) class: Class,
}

impl SlotKey {
    pub(super) fn about(&self, price: &SlotPrice) -> About {
        About {
            source: self.source,
            hint: self.hint,
            provider: price.provider,
            model: self.model,
            project: self.project,
            session: self.session,
            funding: self.funding,
        }
    }
}

/// What decides, besides model and time, which prices an event pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Class {
    pub(super) speed: Speed,
    /// The largest threshold of its list that the prompt exceeds; 0 for none, [`Class::SUM`] where
    /// several requests are summed and nobody knows.
    pub(super) above: i64,
    /// Its list has no price for some of it, so that it is not priced among those it prices whole;
    /// or it has no tokens at all, only a cost that the log states.
    pub(super) lacks: bool,
}

impl Class {
    /// Stands for the threshold of several requests in one figure; they pay the lowest prices.
    pub(super) const SUM: i64 = -1;
}

/// The sums of one slot, or a difference to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SlotSums {
    pub(super) requests: i64,
    /// Input, cache read, cache write 5 m, cache write 1 h, output, reasoning.
    pub(super) tokens: [i64; 6],
    pub(super) web_searches: i64,
    /// Requests of which the agent states a cost in dollars, their tokens, and the sum.
    pub(super) stated_requests: i64,
    pub(super) stated_tokens: i64,
    pub(super) stated_picos: i128,
}

impl SlotSums {
    pub(super) fn add(&mut self, other: &Self, sign: i64) {
        self.requests += sign * other.requests;
        add_tokens(&mut self.tokens, &other.tokens, sign);
        self.web_searches += sign * other.web_searches;
        self.stated_requests += sign * other.stated_requests;
        self.stated_tokens += sign * other.stated_tokens;
        self.stated_picos += i128::from(sign) * other.stated_picos;
    }
}

/// The list prices of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotPrice {
    /// The provider whose list was found, else the hint.
    pub(super) provider: i64,
    /// `None` where the table has no price.
    pub(super) list_picos: Option<i128>,
}

impl SlotPrice {
    /// What a slot comes to. Where the table has no price, what the agents themselves state is
    /// the list price of the requests that it is stated of.
    pub(super) fn figures(&self, sums: &SlotSums) -> Figures {
        let plain = Figures { requests: sums.requests, tokens: sums.tokens, ..Figures::default() };
        match self.list_picos {
            Some(list_picos) => Figures {
                priced_requests: sums.requests,
                list_picos,
                said_requests: sums.stated_requests,
                said_picos: sums.stated_picos,
                ..plain
            },
            None => Figures {
                priced_requests: sums.stated_requests,
                unpriced_tokens: sums.tokens[..5].iter().sum::<i64>() - sums.stated_tokens,
                list_picos: sums.stated_picos,
                stated_requests: sums.stated_requests,
                stated_picos: sums.stated_picos,
                ..plain
            },
        }
    }
}

/// The slot number of an instant given in milliseconds.
pub(super) fn quarter_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(QUARTER_MS)
}

/// The first slot that starts at or after an instant.
pub(super) fn first_quarter(at_ms: i64) -> i64 {
    at_ms.div_euclid(QUARTER_MS) + i64::from(at_ms.rem_euclid(QUARTER_MS) != 0)
}

/// The instant a slot starts.
pub(super) fn start_of(quarter: i64) -> DateTime<Utc> {
    codes::time_of(quarter.saturating_mul(QUARTER_MS))
}

/// Token counts in the order of [`SlotSums::tokens`].
pub(super) fn kinds(tokens: &TokenCounts) -> [i64; 6] {
    [
        tokens.input,
        tokens.cache_read,
        tokens.cache_write_5m,
        tokens.cache_write_1h,
        tokens.output,
        tokens.reasoning,
    ]
    .map(codes::to_i64)
}
