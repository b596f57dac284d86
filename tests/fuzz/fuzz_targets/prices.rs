//! Any text as an amount and as rows of the price table: understood or refused, never a panic, and
//! what is understood says the same when it is written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spendbar::pricing::{Ask, PriceTable};
use spendbar::spend::{Currency, Money, Speed, TokenCounts};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(money) = Money::parse(text, Currency::USD) {
        let again = Money::parse(&money.to_decimal(), Currency::USD);
        assert_eq!(again.ok(), Some(money), "{text}");
    }
    let Ok(table) = text.parse::<toml::Table>() else { return };
    let rows: Vec<toml::Table> = match table.get("price").and_then(toml::Value::as_array) {
        Some(rows) => rows.iter().filter_map(|row| row.as_table().cloned()).collect(),
        None => vec![table],
    };
    let Ok(prices) = PriceTable::builtin().with_overrides(&rows) else { return };
    let large = TokenCounts {
        input: 300_000,
        cache_read: u64::MAX,
        cache_write_5m: 7,
        cache_write_1h: 1 << 40,
        output: u64::MAX / 2,
        reasoning: 9,
    };
    for row in &rows {
        let name = |field| row.get(field).and_then(toml::Value::as_str);
        for tokens in [large, TokenCounts { input: 1, output: 1, ..TokenCounts::default() }] {
            for speed in [Speed::Standard, Speed::Fast, Speed::Batch, Speed::Flex] {
                for at in ["1970-01-01T00:00:00Z", "2026-11-23T02:00:00Z", "9999-12-31T23:59:59Z"] {
                    let ask = Ask {
                        provider: name("provider"),
                        model: name("model"),
                        at: at.parse().expect("a time"),
                        tokens,
                        speed,
                        web_searches: u32::MAX,
                    };
                    let priced = prices.price(&ask);
                    assert!(priced.list_picos.is_none_or(|picos| picos >= 0), "{ask:?}");
                }
            }
        }
    }
});
