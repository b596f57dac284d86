//! What usage comes to: the sums that every question adds up.

use super::names::NONE;
use crate::spend::{Funding, Money, TokenCounts};

/// Pico-dollars in one dollar: amounts are stored as dollars and picos, each within 64 bits.
pub(super) const PICOS_PER_DOLLAR: i128 = 1_000_000_000_000;

/// What some usage is about. The names are ids of the dictionary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct About {
    pub(super) source: i64,
    /// The provider that the log names.
    pub(super) hint: i64,
    /// The provider whose list was found, else the hint.
    pub(super) provider: i64,
    pub(super) model: i64,
    /// Not told by sums per day.
    pub(super) project: i64,
    /// Not told by sums per day.
    pub(super) session: i64,
    pub(super) funding: Funding,
}

impl About {
    /// The provider that the usage was sent to, as far as anybody says.
    pub(super) fn billed_by(&self) -> i64 {
        if self.hint == NONE { self.provider } else { self.hint }
    }
}

/// Requests, tokens and money of some usage, or a difference to them. One event holds at most
/// 10^12 tokens of a kind, so that sums stay far inside 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) requests: i64,
    /// Input, cache read, cache write 5 m, cache write 1 h, output, reasoning.
    pub(super) tokens: [i64; 6],
    /// Requests that have a list price, the agents' own figures included.
    pub(super) priced_requests: i64,
    pub(super) unpriced_tokens: i64,
    pub(super) list_picos: i128,
    /// Requests whose list price is the agents' own figure, and the sum of those.
    pub(super) stated_requests: i64,
    pub(super) stated_picos: i128,
    /// Requests with a list price of which the agent states a cost too, and the sum of those.
    pub(super) said_requests: i64,
    pub(super) said_picos: i128,
}

impl Figures {
    /// Adds (`sign` 1) or takes off (-1).
    pub(super) fn add(&mut self, other: &Self, sign: i64) {
        let wide = i128::from(sign);
        self.requests += sign * other.requests;
        add_tokens(&mut self.tokens, &other.tokens, sign);
        self.priced_requests += sign * other.priced_requests;
        self.unpriced_tokens += sign * other.unpriced_tokens;
        self.list_picos += wide * other.list_picos;
        self.stated_requests += sign * other.stated_requests;
        self.stated_picos += wide * other.stated_picos;
        self.said_requests += sign * other.said_requests;
        self.said_picos += wide * other.said_picos;
    }

    /// The token sums by kind.
    pub(super) fn token_counts(&self) -> TokenCounts {
        token_counts(&self.tokens)
    }

    /// What agents state beside a list price, `None` when none of them does.
    pub(super) fn agents_say(&self) -> Option<Money> {
        (self.said_requests > 0).then(|| Money::from_picos_usd(self.said_picos))
    }

    /// The list price, `None` when none of the usage has one.
    pub(super) fn list(&self) -> Option<i128> {
        (self.priced_requests > 0).then_some(self.list_picos)
    }
}

/// Adds token counts by kind.
pub(super) fn add_tokens(sums: &mut [i64; 6], parts: &[i64; 6], sign: i64) {
    for (sum, part) in sums.iter_mut().zip(parts) {
        *sum += sign * part;
    }
}

/// Sums by kind as counts.
pub(super) fn token_counts(tokens: &[i64; 6]) -> TokenCounts {
    let [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning] =
        tokens.map(|count| u64::try_from(count).unwrap_or(0));
    TokenCounts { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning }
}

/// An amount as the two numbers it is stored as; the second is never negative.
pub(super) fn dollars_and_picos(picos: i128) -> (i64, i64) {
    let dollars = picos.div_euclid(PICOS_PER_DOLLAR);
    let rest = picos.rem_euclid(PICOS_PER_DOLLAR);
    (i64::try_from(dollars).unwrap_or(i64::MAX), rest as i64)
}

/// An amount from the two numbers it is stored as.
pub(super) fn picos_of(dollars: i64, picos: i64) -> i128 {
    i128::from(dollars) * PICOS_PER_DOLLAR + i128::from(picos)
}
