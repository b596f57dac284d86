//! Scenarios, with amounts worked out by hand.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::what_if::{After, Alike, Change, Factor, ModelChoice, Scenario};
use super::*;

const ATTOS_PER_MICRO: i128 = 1_000_000_000_000;

const TOKENS: TokenCounts = TokenCounts {
    input: 10_000,
    cache_read: 100_000,
    cache_write_5m: 20_000,
    cache_write_1h: 0,
    output: 4_000,
    reasoning: 1_000,
};

fn alike(provider: &'static str, model: &'static str, speed: Speed) -> Alike<'static> {
    Alike {
        provider: Some(provider),
        model: Some(model),
        at: LATE.parse().unwrap(),
        speed,
        above: 0,
        tokens: TOKENS,
        web_searches: 0,
    }
}

fn list_picos(table: &PriceTable, alike: &Alike<'_>) -> Option<i128> {
    let list = table.list(alike.provider, alike.model);
    let unit = list.unit_prices(alike.at, alike.speed, alike.above)?;
    unit.cost_picos(&alike.tokens, alike.web_searches)
}

fn after(changes: Vec<Change>, alike: &Alike<'_>) -> After {
    let table = PriceTable::builtin();
    let picos = list_picos(&table, alike).expect("a price");
    Scenario::new(changes).of_priced(&table, alike, picos)
}

fn model(name: &str) -> Change {
    let table = PriceTable::builtin();
    Change::Model(ModelChoice::find(&table, name, LATE.parse().unwrap()).expect(name))
}

#[track_caller]
fn costs(after: After, micros: i128) {
    assert_eq!(after, After { attos: micros * ATTOS_PER_MICRO, ..After::default() });
}

#[test]
fn each_change_has_the_price_that_the_table_gives() {
    // claude-opus-4-8 at 5 / 0.5 / 6.25 / 25, fast twice that:
    // 50 000 + 50 000 + 125 000 + 100 000 = 325 000 millionths.
    let fast = alike("anthropic", "claude-opus-4-8", Speed::Fast);
    costs(after(vec![], &fast), 650_000);
    costs(after(vec![Change::NoFast], &fast), 325_000);
    costs(after(vec![Change::Batch], &fast), 162_500);
    // All 130 000 of the prompt at twice 5, and 4 000 at twice 25.
    costs(after(vec![Change::NoCache], &fast), 1_300_000 + 200_000);
    costs(after(vec![Change::Scale("1.5x".parse().unwrap())], &fast), 975_000);
    // Together: half the standard price of 130 000 at 5 and 4 000 at 25, and half again as much.
    let all = vec![
        Change::Scale("1.5x".parse().unwrap()),
        Change::NoCache,
        Change::Batch,
        Change::NoFast,
    ];
    costs(after(all, &fast), (650_000 + 100_000) / 2 * 3 / 2);
}

#[test]
fn another_model_takes_cached_tokens_as_input_where_it_has_no_price_for_them() {
    let opus = alike("anthropic", "claude-opus-4-8", Speed::Standard);
    // gpt-5.4-mini at 0.75 / 0.075 / 4.5; OpenAI charges a cache write as input:
    // 30 000 x 0.75 + 100 000 x 0.075 + 4 000 x 4.5 = 22 500 + 7 500 + 18 000.
    costs(after(vec![model("gpt-5.4-mini")], &opus), 48_000);
    // gpt-5-pro lists no price for the cache: 130 000 x 15 + 4 000 x 120.
    costs(after(vec![model("gpt-5-pro")], &opus), 1_950_000 + 480_000);
    // It has no fast mode either: the same.
    let fast = alike("anthropic", "claude-opus-4-8", Speed::Fast);
    costs(after(vec![model("gpt-5-pro")], &fast), 2_430_000);
    assert!(ModelChoice::find(&PriceTable::builtin(), "mystery-9", opus.at).is_none());
}

#[test]
fn without_a_price_nothing_changes_and_it_is_said() {
    // gpt-5.5-cyber has no batch price: 30 000 x 12.5 + 100 000 x 1.25 + 4 000 x 75.
    let cyber = alike("openai", "gpt-5.5-cyber", Speed::Standard);
    let plain = 800_000 * ATTOS_PER_MICRO;
    let unmet = After { is_unmet: true, attos: plain, may_be_more: false };
    assert_eq!(after(vec![Change::Batch], &cyber), unmet);
    // The rest of a scenario is made all the same: 130 000 x 12.5 + 4 000 x 75.
    let both = after(vec![Change::Batch, Change::NoCache], &cyber);
    assert_eq!(both, After { attos: 1_925_000 * ATTOS_PER_MICRO, ..unmet });
    // What is no fast request is not concerned, and nothing is lacking.
    costs(after(vec![Change::NoFast], &cyber), 800_000);
}

#[test]
fn a_prompt_whose_size_is_not_kept_may_cost_more() {
    let many = |tokens: u64, above| Alike {
        above,
        tokens: TokenCounts { input: tokens, ..NONE },
        ..alike("anthropic", "claude-opus-4-8", Speed::Standard)
    };
    // gpt-5.5 is dearer above 272 000; the list of Opus has no such size.
    let may = |alike: &Alike<'_>| after(vec![model("gpt-5.5")], alike).may_be_more;
    assert!(may(&many(300_000, 0)));
    // All of them together are smaller, so each is.
    assert!(!may(&many(272_000, 0)));
    // Sorted by a list with a lower threshold, this is known to be larger than that alone.
    let sonnet =
        |above| Alike { model: Some("claude-sonnet-4-5-20250929"), ..many(300_000, above) };
    assert!(!may(&sonnet(0)), "at most 200 000 each");
    assert!(may(&sonnet(200_000)));
}

#[test]
fn prices_of_a_file_hold_at_any_time_and_for_their_model_alone() {
    let rows = |text: &str| -> Vec<Table> {
        let mut document: Table = text.parse().unwrap();
        let toml::Value::Array(rows) = document.remove("price").unwrap() else { panic!() };
        rows.into_iter().map(|row| row.as_table().unwrap().clone()).collect()
    };
    let row = "[[price]]\nprovider = \"openai\"\nmodel = \"gpt-5.4-mini\"\nfrom = \"2027-01-01\"\n\
               input = \"1\"\ncache_read = \"0.1\"\noutput = \"5\"\n";
    let own = "[[price]]\nprovider = \"openai\"\nmodel = \"gpt-5.4-mini\"\ninput = \"9\"\noutput = \"9\"\n";
    let table = || PriceTable::builtin().with_overrides(&rows(own)).unwrap();
    let change = || Change::Prices(Arc::new(table().with_undated(&rows(row)).unwrap()));
    let mini = Alike {
        tokens: TokenCounts { input: 1_000, cache_read: 2_000, output: 100, ..NONE },
        ..alike("openai", "gpt-5.4-mini", Speed::Standard)
    };
    // 1 000 x 1 + 2 000 x 0.1 + 100 x 5.
    costs(Scenario::new(vec![change()]).of_priced(&table(), &mini, 1), 1_700);
    let other = alike("openai", "gpt-5.4", Speed::Standard);
    costs(after(vec![change()], &other), 30_000 * 5 / 2 + 25_000 + 60_000);
    // The row has no price for a cache write.
    let writes = Alike { tokens: TOKENS, ..mini };
    assert!(Scenario::new(vec![change()]).of_priced(&table(), &writes, 7).is_unmet);
    let twice = PriceTable::builtin().with_undated(&rows(&(row.to_owned() + own))).unwrap_err();
    insta::assert_snapshot!(twice, @r#"price row 2: `model` stands in a row above too; leave one row for each model: dates do not count here"#);
    let bad = row.replace("2027-01-01", "soon");
    insta::assert_snapshot!(PriceTable::builtin().with_undated(&rows(&bad)).unwrap_err(), @r#"price row 1: `from` is "soon"; write a day, as in from = "2026-01-31""#);
}

#[test]
fn factors_are_exact_and_refuse_what_is_none() {
    for (text, shown) in [("2x", "2x"), ("0.85x", "0.85x"), ("1.000001", "1.000001x"), ("3X", "3x")]
    {
        assert_eq!(text.parse::<Factor>().unwrap().to_string(), shown, "{text}");
    }
    for text in ["", "x", "0x", "-1x", "1001x", "two", "1e-9x"] {
        assert!(text.parse::<Factor>().is_err(), "{text:?}");
    }
}

fn kinds() -> impl Strategy<Value = TokenCounts> {
    let count = || 0..2_000_000_000_u64;
    (count(), count(), count(), count(), count()).prop_map(
        |(input, cache_read, cache_write_5m, cache_write_1h, output)| TokenCounts {
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning: output / 3,
        },
    )
}

proptest! {
    /// Of every model on any list: nothing changes without a change, a factor is exact, fast mode
    /// off never raises, and one after the other is never less than nothing.
    #[test]
    fn the_rules_hold_for_every_row(
        tokens in kinds(),
        speed in prop_oneof![Just(Speed::Standard), Just(Speed::Fast), Just(Speed::Flex)],
        (provider, name) in super::properties::listed(),
        above in prop_oneof![Just(0_u64), Just(200_000), Just(272_000)],
        millionths in 1_u32..900_000_000,
    ) {
        let table = PriceTable::builtin();
        let alike = Alike { speed, above, tokens, ..alike(provider, name, speed) };
        let Some(picos) = list_picos(&table, &alike) else { return Ok(()) };
        let of = |changes| Scenario::new(changes).of_priced(&table, &alike, picos);
        let factor = |text: String| Change::Scale(text.parse().unwrap());
        prop_assert_eq!(of(vec![]).attos, picos * 1_000_000);
        prop_assert_eq!(of(vec![factor("2x".into())]).attos, picos * 2_000_000);
        let any = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
        prop_assert_eq!(of(vec![factor(any)]).attos, picos * i128::from(millionths));
        let no_fast = of(vec![Change::NoFast]);
        prop_assert!(no_fast.attos <= picos * 1_000_000 && !no_fast.may_be_more);
        let all = of(vec![Change::NoFast, Change::Batch, Change::NoCache, factor("2x".into())]);
        let half = of(vec![Change::NoFast, Change::Batch, Change::NoCache]);
        prop_assert_eq!(all.attos, half.attos * 2);
    }
}
