//! The user's own rows.

use super::*;

#[test]
fn own_rows_come_first_and_stand_alone() {
    let rows = r#"
        [[price]]
        provider = "openai"
        model = "my-ft"
        input = "2.5"
        output = 10
        cache_read = "0.25"
        from = "2026-01-01"

        [[price]]
        provider = "openai"
        model = "gpt-5.5"
        input = "1"
        from = 2026-10-01

        [[price]]
        provider = "openrouter"
        model = "z-ai/glm-5"
        input = "0.7"

        [[price]]
        provider = "openai"
        model = "azure-sol"
        same_as = "gpt-5.6-sol"
    "#;
    let tokens = TokenCounts { input: 1000, cache_read: 1000, output: 100, ..NONE };
    // 1000x2.5 + 1000x0.25 + 100x10.
    at("openai", "my-ft").own_rows(rows).tokens(tokens).costs("3750");
    at("anthropic", "my-ft").own_rows(rows).is_on_the_list_of("openai");
    at("openai", "my-ft").own_rows(rows).when("2025-12-31T23:59:59Z").tokens(tokens).costs("-");
    // A row without a price for output or caches leaves them unpriced, though the built-in row
    // of the same model has them.
    at("openai", "gpt-5.5").own_rows(rows).tokens(input(1000)).costs("1000");
    at("openai", "gpt-5.5").own_rows(rows).tokens(tokens).costs("-");
    // Before its first day the built-in row holds: 1000x5.
    at("openai", "gpt-5.5")
        .own_rows(rows)
        .when("2026-09-30T23:59:59Z")
        .tokens(input(1000))
        .costs("5000");
    // A whole name, route and all, may have a price of its own.
    at("anthropic", "z-ai/glm-5").own_rows(rows).is_on_the_list_of("openrouter");
    // Another name takes over dates too: 1000x5 before the cut, 1000x4 after.
    let azure = |when| at("openai", "azure-sol").own_rows(rows).when(when).tokens(input(1000));
    azure("2026-08-20T00:00:00Z").costs("5000");
    azure("2026-08-21T00:00:00Z").costs("4000");
}

#[test]
fn own_tiers_speeds_and_searches() {
    let rows = r#"
        [[price]]
        provider = "acme"
        model = "m"
        input = "2"
        output = "4"
        fast = "1.5x"
        batch = { input = "1" }
        web_search = "0.002"
        long = [{ above = 10, input = "3", batch = "0.5x" }]
    "#;
    let case = |speed| at("acme", "m").own_rows(rows).speed(speed);
    case(Speed::Standard).tokens(input(10)).costs("20");
    case(Speed::Standard).tokens(input(11)).costs("33");
    case(Speed::Fast).tokens(input(10)).costs("30");
    case(Speed::Fast).tokens(input(11)).costs("33");
    case(Speed::Batch).tokens(input(10)).costs("10");
    case(Speed::Batch).tokens(input(11)).costs("16.5");
    case(Speed::Batch).tokens(TokenCounts { output: 1, ..NONE }).costs("-");
    case(Speed::Flex).tokens(input(1)).costs("-");
    case(Speed::Standard).searches(2).costs("4000");
}

#[test]
fn an_unreadable_row_says_what_to_write() {
    let error = |fields: &str| {
        let good = "[[price]]\nprovider = \"a\"\nmodel = \"good\"\ninput = \"1\"\n";
        own(&format!("{good}[[price]]\n{fields}")).unwrap_err().to_string()
    };
    let named = |fields: &str| error(&format!("provider = \"a\"\nmodel = \"b\"\n{fields}"));
    insta::assert_snapshot!(error("model = \"b\""), @r#"price row 2: `provider` is missing; write provider = "openai""#);
    insta::assert_snapshot!(error("provider = \"a\"\nmodel = 5"), @r#"price row 2: `model` is the number 5; write a name such as "gpt-5.5" as text"#);
    insta::assert_snapshot!(error("provider = \"a\"\nmodel = \"good\"\ninput = \"2\""), @r#"price row 2: `model` is "good", which a row above prices for the same days; remove one of them, or give them `from` and `until`"#);
    insta::assert_snapshot!(named(""), @r#"price row 2: `input` is missing; write the dollars per million tokens, as in input = "2.5""#);
    insta::assert_snapshot!(named("input = 2.5"), @r#"price row 2: `input` is the number 2.5; write dollars per million tokens as text, as in input = "2.5""#);
    insta::assert_snapshot!(named("input = \"-1\""), @r#"price row 2: `input` is "-1"; write dollars per million tokens as text, as in input = "2.5""#);
    insta::assert_snapshot!(named("input = \"1\"\noutput = \"9999999\""), @r#"price row 2: `output` is "9999999"; write at most 1000000 dollars per million tokens"#);
    insta::assert_snapshot!(named("input = \"1\"\ncache = \"1\""), @"price row 2: `cache` is not a field of a price; write one of provider, model, input, output, reasoning, cache_read, cache_write_5m, cache_write_1h, batch, flex, fast, from, until, when_utc, web_search, long, same_as, retired");
    insta::assert_snapshot!(named("input = \"1\"\nfrom = \"soon\""), @r#"price row 2: `from` is "soon"; write a day, as in from = "2026-01-31""#);
    insta::assert_snapshot!(named("input = \"1\"\nfrom = 2026-02-01\nuntil = 2026-01-01"), @"price row 2: `until` is 2026-01-01, not after `from` (2026-02-01); write the first day the price no longer holds");
    insta::assert_snapshot!(named("input = \"1\"\nfast = \"2\""), @r#"price row 2: `fast` is "2"; write a factor on the row's prices, as in "0.5x", or a table of prices"#);
    insta::assert_snapshot!(named("input = \"1\"\nweb_search = 0.01"), @r#"price row 2: `web_search` is the number 0.01; write dollars per search as text, as in web_search = "0.01""#);
    insta::assert_snapshot!(named("input = \"1\"\nwhen_utc = [\"mon\"]"), @r#"price row 2: `when_utc` is "mon"; write weekdays and times, as in when_utc = ["1-5 00:00-08:00", "6-7 00:00-24:00"]"#);
    insta::assert_snapshot!(named("input = \"1\"\nlong = [{ input = \"1\" }]"), @"price row 2: `long 1: above` is missing; write a number of tokens, larger in every tier than in the one before");
    insta::assert_snapshot!(named("input = \"1\"\nlong = [{ above = 9, input = 1.5 }]"), @r#"price row 2: `long 1: input` is the number 1.5; write dollars per million tokens as text, as in input = "1.5""#);
    insta::assert_snapshot!(named("same_as = \"good\"\ninput = \"1\""), @"price row 2: `same_as` stands beside `input`; write another model's name or prices, not both");
    insta::assert_snapshot!(named("same_as = \"c\""), @r#"price row 2: `same_as` is "c", which a has no price for; write a model of the same provider that is known or in a row above"#);
}
