//! Prices by the token: what many requests of one kind cost together.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::rates::Row;
use crate::spend::{Speed, TokenCounts};

/// The sizes at which prompts become dearer on any list of the program's own table: where a model
/// is on no list yet, these are kept apart, so that it can be priced once it is.
const USUAL_THRESHOLDS: &[u64] = &[32_000, 100_000, 128_000, 200_000, 256_000, 272_000];

/// The list that a provider's hint and a model's name lead to.
#[derive(Clone, Debug)]
pub struct PriceList {
    pub(super) provider: Option<Arc<str>>,
    /// The first row that holds counts; empty where the model is on no list.
    pub(super) rows: Arc<[Arc<Row>]>,
}

impl PriceList {
    /// Whose list it is, else the hint.
    pub fn provider(&self) -> Option<&Arc<str>> {
        self.provider.as_ref()
    }

    /// The largest threshold of the list that a prompt of this size exceeds, 0 where it exceeds
    /// none. Requests with the same answer, the same speed and the same moment pay the same price
    /// for each kind of token.
    pub fn threshold_below(&self, prompt: u64) -> u64 {
        let own = self.rows.iter().flat_map(|row| &row.long).map(|tier| tier.above);
        let usual = USUAL_THRESHOLDS.iter().copied().filter(|_| self.rows.is_empty());
        own.chain(usual).filter(|above| prompt > *above).max().unwrap_or(0)
    }

    /// The prices of one token of each kind in requests whose prompt exceeds `above` tokens;
    /// `None` where the list has none for that moment and speed.
    pub fn unit_prices(&self, at: DateTime<Utc>, speed: Speed, above: u64) -> Option<UnitPrices> {
        let row = self.rows.iter().find(|row| row.holds(at))?;
        row.unit_prices(above.saturating_add(1), speed)
    }
}

/// List price of one token of each kind and of one search, in pico-dollars; `None` where none is
/// published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitPrices {
    /// Input, cache read, cache write 5 m, cache write 1 h, output, reasoning.
    pub tokens: [Option<i64>; 6],
    /// One search.
    pub web_search: Option<i64>,
}

impl UnitPrices {
    /// The list price in pico-dollars; `None` when some of it has no price. Reasoning is a part of
    /// the output: it has a price of its own, and is never added.
    pub fn cost_picos(&self, tokens: &TokenCounts, web_searches: u64) -> Option<i128> {
        let reasoning = tokens.reasoning.min(tokens.output);
        let counts = [
            tokens.input,
            tokens.cache_read,
            tokens.cache_write_5m,
            tokens.cache_write_1h,
            tokens.output - reasoning,
            reasoning,
            web_searches,
        ];
        let prices = self.tokens.into_iter().chain([self.web_search]);
        prices
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .try_fold(0, |sum, (price, count)| Some(sum + i128::from(price?) * i128::from(count)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::builtin::Builtin;
    use super::super::{Ask, PriceTable};
    use super::*;

    #[test]
    fn the_usual_thresholds_are_those_of_the_table() {
        let rows: Vec<_> = Builtin::get().all_rows().collect();
        let found: BTreeSet<u64> =
            rows.iter().flat_map(|row| &row.long).map(|tier| tier.above).collect();
        assert_eq!(found, USUAL_THRESHOLDS.iter().copied().collect());
    }

    #[test]
    fn hours_with_prices_of_their_own_begin_and_end_on_a_quarter() {
        let rows: Vec<_> = Builtin::get().all_rows().collect();
        let mut windows = rows.iter().flat_map(|row| &row.when).peekable();
        assert!(windows.peek().is_some());
        assert!(windows.all(|window| window.minutes.0 % 15 == 0 && window.minutes.1 % 15 == 0));
    }

    proptest::proptest! {
        #[test]
        fn many_requests_cost_the_sum_of_their_tokens_at_unit_prices(
            parts in proptest::collection::vec((0..400_000_u64, 0..60_000_u64, 0..9_000_u64), 1..9),
            model in proptest::sample::select(vec!["claude-haiku-5-5", "gpt-5.5", "qwen3-coder-plus", "none"]),
            speed in proptest::sample::select(vec![Speed::Standard, Speed::Fast, Speed::Batch]),
        ) {
            let table = PriceTable::builtin();
            let at = "2026-11-20T12:00:00Z".parse().unwrap();
            let list = table.list(None, Some(model));
            for (cache_read, input, output) in parts {
                let tokens = TokenCounts {
                    input, cache_read, output, reasoning: output / 2, ..TokenCounts::default()
                };
                let asked = table.price(&Ask {
                    provider: None, model: Some(model), at, tokens, speed, web_searches: 0,
                });
                let above = list.threshold_below(tokens.prompt());
                let unit = list.unit_prices(at, speed, above);
                proptest::prop_assert_eq!(
                    unit.and_then(|unit| unit.cost_picos(&tokens, 0)), asked.list_picos
                );
                proptest::prop_assert_eq!(list.provider(), asked.provider.as_ref());
            }
        }
    }
}
