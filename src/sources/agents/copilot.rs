//! What the records of GitHub Copilot's programs have in common.
//!
//! One request may be told by several stores, of the same program or of two. All of them name the
//! session, so the session is the group of the keys: of each session only the richest store
//! counts, whichever is read first.

use crate::spend::{Currency, EventKey, Money, TokenCounts};

/// How the provider is called that GitHub's own models list and bill belongs to.
pub const PROVIDER: &str = "github-copilot";

/// A kind of store, the richest first.
#[derive(Clone, Copy)]
pub enum Store {
    /// A row for each request, written as it ends.
    Requests,
    /// Spans of OpenTelemetry, one for each request where somebody turned them on.
    Traces,
    /// Sums of a turn or of a run.
    Summaries,
}

/// The key of a record; `member` tells the records of a session apart.
pub fn key(store: Store, session: &str, member: &[&[u8]]) -> EventKey {
    let group: [&[u8]; 2] = [b"github-copilot", session.as_bytes()];
    match store {
        Store::Requests => EventKey::original(&group, member),
        Store::Traces => EventKey::fallback(1, &group, member),
        Store::Summaries => EventKey::fallback(0, &group, member),
    }
}

/// Counts as Copilot writes them: `input` holds what was read from and written to the cache,
/// `output` holds the reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inclusive {
    /// Everything that was sent.
    pub input: u64,
    /// Of it, read from the cache.
    pub cache_read: u64,
    /// Of it, written to the cache.
    pub cache_write: u64,
    /// Everything that was answered.
    pub output: u64,
    /// Of it, reasoning.
    pub reasoning: u64,
}

impl Inclusive {
    /// The same counts as disjoint kinds.
    pub fn disjoint(&self) -> TokenCounts {
        TokenCounts {
            input: self.input.saturating_sub(self.cache_read).saturating_sub(self.cache_write),
            cache_read: self.cache_read,
            cache_write_5m: self.cache_write,
            cache_write_1h: 0,
            output: self.output,
            reasoning: self.reasoning.min(self.output),
        }
    }
}

/// A billionth of an AI unit is 1e-11 dollars: an AI credit is a cent. `None` when it is zero,
/// which says nothing.
pub fn dollars(nano_units: u64) -> Option<Money> {
    const ATTOS_PER_NANO_UNIT: i128 = 10_000_000;
    let attos = i128::from(nano_units) * ATTOS_PER_NANO_UNIT;
    (attos > 0).then_some(Money { attos, currency: Currency::USD })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nano_units_are_hundred_billionths_of_a_dollar() {
        // 1.5e9 nano-AIU = 1.5 AIU = 1.5 cents
        assert_eq!(dollars(1_500_000_000).map(|cost| cost.to_decimal()).as_deref(), Some("0.015"));
        assert_eq!(dollars(0), None);
        assert!(dollars(u64::MAX).is_some());
    }

    #[test]
    fn the_richer_store_ranks_higher() {
        let keys = [Store::Summaries, Store::Traces, Store::Requests]
            .map(|store| key(store, "s", &[b"1"]));
        assert!(keys[0].rank() < keys[1].rank() && keys[1].rank() < keys[2].rank());
        assert_eq!(keys[0].group_bounds(), keys[2].group_bounds());
    }
}
