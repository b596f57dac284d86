//! What holds for every row, whatever the tokens.

use proptest::prelude::*;

use super::*;

fn tokens() -> impl Strategy<Value = TokenCounts> {
    let count = || prop_oneof![0..400_000_u64, any::<u64>()];
    (count(), count(), count(), count(), count(), count()).prop_map(
        |(input, cache_read, cache_write_5m, cache_write_1h, output, reasoning)| TokenCounts {
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning,
        },
    )
}

fn speed() -> impl Strategy<Value = Speed> {
    prop_oneof![Just(Speed::Standard), Just(Speed::Fast), Just(Speed::Batch), Just(Speed::Flex),]
}

pub(super) fn listed() -> impl Strategy<Value = (&'static str, &'static str)> {
    let names: Vec<_> = NAMES.lines().filter_map(|line| line.split_once(' ')).collect();
    proptest::sample::select(names)
}

fn picos(provider: &str, model: &str, tokens: TokenCounts, speed: Speed) -> Option<i128> {
    let ask = Ask {
        provider: Some(provider),
        model: Some(model),
        at: LATE.parse().unwrap(),
        tokens,
        speed,
        web_searches: 0,
    };
    PriceTable::builtin().price(&ask).list_picos
}

proptest! {
    #[test]
    fn no_model_name_makes_it_panic(
        provider in "\\PC*",
        model in "\\PC*",
        tokens in tokens(),
        speed in speed(),
        web_searches: u32,
        seconds in -8_000_000_000_000_i64..8_000_000_000_000,
    ) {
        let ask = Ask {
            provider: Some(&provider),
            model: Some(&model),
            at: DateTime::from_timestamp(seconds, 0).unwrap_or_default(),
            tokens,
            speed,
            web_searches,
        };
        PriceTable::builtin().price(&ask);
    }

    #[test]
    fn more_tokens_never_cost_less(
        (provider, model) in listed(),
        fewer in tokens(),
        more in tokens(),
        speed in speed(),
    ) {
        // `reasoning` stays: it moves output to another price and is no token of its own.
        let mut sum = fewer;
        sum.add(&TokenCounts { reasoning: 0, ..more });
        if let (Some(less), Some(all)) =
            (picos(provider, model, fewer, speed), picos(provider, model, sum, speed))
            // Above the threshold a fast request of OpenAI falls back to the standard price.
            && speed != Speed::Fast
        {
            prop_assert!(less <= all, "{model}: {less} > {all}");
        }
    }

    #[test]
    fn the_price_is_the_sum_of_its_kinds(
        (provider, model) in listed(),
        tokens in tokens(),
        speed in speed(),
    ) {
        // Below every threshold, so that all parts take the same tier.
        let cut = |count: u64| count % 5000;
        let tokens = TokenCounts {
            input: cut(tokens.input),
            cache_read: cut(tokens.cache_read),
            cache_write_5m: cut(tokens.cache_write_5m),
            cache_write_1h: cut(tokens.cache_write_1h),
            output: cut(tokens.output),
            reasoning: 0,
        };
        let parts = [
            TokenCounts { input: tokens.input, ..NONE },
            TokenCounts { cache_read: tokens.cache_read, ..NONE },
            TokenCounts { cache_write_5m: tokens.cache_write_5m, ..NONE },
            TokenCounts { cache_write_1h: tokens.cache_write_1h, ..NONE },
            TokenCounts { output: tokens.output, ..NONE },
        ];
        let sum: Option<i128> =
            parts.iter().map(|part| picos(provider, model, *part, speed)).sum();
        prop_assert_eq!(picos(provider, model, tokens, speed), sum);
    }

    #[test]
    fn dollars_per_million_lie_within_the_rates(tokens in tokens()) {
        // gpt-5.5: 0.5 for a cache read to 45 for output above the threshold. A total far outside
        // is how counting errors were noticed in the field.
        let cost = picos("openai", "gpt-5.5", tokens, Speed::Standard).unwrap();
        let count: i128 = [
            tokens.input,
            tokens.cache_read,
            tokens.cache_write_5m,
            tokens.cache_write_1h,
            tokens.output,
        ]
        .into_iter()
        .map(i128::from)
        .sum();
        prop_assert!(count * 500_000 <= cost && cost <= count * 45_000_000);
    }
}
