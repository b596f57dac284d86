//! The rules of the table as a whole, each with an amount worked out by hand.
//!
//! Prices are dollars per million tokens, so tokens x price is a count of millionths of a dollar:
//! the workings beside the amounts are in those.

mod own_rows;
mod properties;
mod what_if;

use toml::Table;

use super::*;

/// Every model of the two price files, as `provider name`.
const NAMES: &str = include_str!("../../tests/fixtures/prices/names.txt");

/// A day on which every undated row holds, a Monday.
const LATE: &str = "2026-11-23T12:00:00Z";

const NONE: TokenCounts = TokenCounts {
    input: 0,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_1h: 0,
    output: 0,
    reasoning: 0,
};

struct Case {
    table: PriceTable,
    provider: Option<&'static str>,
    model: String,
    at: &'static str,
    tokens: TokenCounts,
    speed: Speed,
    web_searches: u32,
}

fn at(provider: &'static str, model: &str) -> Case {
    Case {
        table: PriceTable::builtin(),
        provider: Some(provider).filter(|provider| !provider.is_empty()),
        model: model.to_owned(),
        at: LATE,
        tokens: NONE,
        speed: Speed::Standard,
        web_searches: 0,
    }
}

impl Case {
    fn when(mut self, at: &'static str) -> Self {
        self.at = at;
        self
    }

    fn tokens(mut self, tokens: TokenCounts) -> Self {
        self.tokens = tokens;
        self
    }

    fn speed(mut self, speed: Speed) -> Self {
        self.speed = speed;
        self
    }

    fn searches(mut self, count: u32) -> Self {
        self.web_searches = count;
        self
    }

    fn own_rows(mut self, rows: &str) -> Self {
        self.table = own(rows).unwrap();
        self
    }

    fn priced(&self) -> Priced {
        self.table.price(&Ask {
            provider: self.provider,
            model: Some(&self.model),
            at: self.at.parse().unwrap(),
            tokens: self.tokens,
            speed: self.speed,
            web_searches: self.web_searches,
        })
    }

    /// Millionths of a dollar, with a decimal part where there is one; `-` for unpriced.
    #[track_caller]
    fn costs(&self, expected: &str) {
        let picos = self.priced().list_picos;
        let shown = match picos {
            Some(picos) if picos % 1_000_000 == 0 => (picos / 1_000_000).to_string(),
            Some(picos) => {
                let decimals = format!("{:06}", picos % 1_000_000);
                format!("{}.{}", picos / 1_000_000, decimals.trim_end_matches('0'))
            }
            None => "-".to_owned(),
        };
        assert_eq!(shown, expected, "{} {}", self.model, self.at);
    }

    #[track_caller]
    fn is_on_the_list_of(&self, provider: &str) {
        let priced = self.priced();
        assert_eq!(priced.provider.as_deref(), Some(provider), "{}", self.model);
        assert!(priced.list_picos.is_some(), "{}", self.model);
    }

    #[track_caller]
    fn is_unpriced(&self) {
        let expected = Priced { provider: self.provider.map(Arc::from), list_picos: None };
        assert_eq!(self.priced(), expected, "{}", self.model);
    }
}

fn own(rows: &str) -> Result<PriceTable, PriceError> {
    let table: Table = rows.parse().unwrap();
    let rows: Vec<Table> = table["price"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_table().unwrap().clone())
        .collect();
    PriceTable::builtin().with_overrides(&rows)
}

fn input(count: u64) -> TokenCounts {
    TokenCounts { input: count, ..NONE }
}

#[test]
fn every_model_of_the_price_files_is_on_the_list() {
    // Not charged by the token, or without any price: listed in the head of the table.
    let left_out = [
        "dashscope dashscope/qwen3-30b-a3b",
        "gemini gemini/lyria-3-clip-preview",
        "gemini gemini/lyria-3-pro-preview",
        "gemini gemini/lyria-3.5",
        "gemini gemini/lyria-3.5-clip-preview",
        "gemini gemini/lyria-3.5-pro-preview",
        "gemini gemini/lyria-realtime-exp",
        "openai openai/container",
        "qwen_ai_platform qwen_ai_platform/qwen3-30b-a3b",
        "qwencloud qwencloud/qwen3-30b-a3b",
    ];
    let mut count = 0;
    for line in NAMES.lines() {
        let (provider, model) = line.split_once(' ').unwrap();
        let priced = PriceTable::builtin().price(&Ask {
            provider: Some(provider),
            model: Some(model),
            at: LATE.parse().unwrap(),
            tokens: TokenCounts { input: 1000, output: 10, ..NONE },
            speed: Speed::Standard,
            web_searches: 0,
        });
        assert_eq!(priced.list_picos.is_none(), left_out.contains(&line), "{line}");
        assert_eq!(priced.provider.as_deref(), Some(provider), "{line}");
        count += 1;
    }
    assert_eq!(count, 457 + 154);
}

#[test]
fn each_kind_of_token_has_its_price() {
    // gpt-5.5 at 5 / 0.5 / 30, as Codex logs it: 20 000 input of which 15 000 cached, 800 output
    // of which 300 reasoning. 5000x5 + 15000x0.5 + 800x30 = 25 000 + 7 500 + 24 000.
    at("openai", "gpt-5.5")
        .tokens(TokenCounts {
            input: 5000,
            cache_read: 15_000,
            output: 800,
            reasoning: 300,
            ..NONE
        })
        .costs("56500");
    // claude-opus-4-5 at 5 / 0.5 / 6.25 / 10 / 25:
    // 1000x5 + 10000x0.5 + 2000x6.25 + 3000x10 + 500x25 = 5000 + 5000 + 12500 + 30000 + 12500.
    at("anthropic", "claude-opus-4-5")
        .tokens(TokenCounts {
            input: 1000,
            cache_read: 10_000,
            cache_write_5m: 2000,
            cache_write_1h: 3000,
            output: 500,
            reasoning: 0,
        })
        .costs("65000");
    // Half a cent per million: 3 cached tokens of gpt-5-nano at 0.005.
    at("openai", "gpt-5-nano").tokens(TokenCounts { cache_read: 3, ..NONE }).costs("0.015");
    at("openai", "gpt-5.5").costs("0");
}

#[test]
fn a_one_hour_write_costs_twice_the_input_where_no_price_is_listed() {
    let hour = TokenCounts { cache_write_1h: 1000, ..NONE };
    // Listed: 10 for an input of 5.
    at("anthropic", "claude-opus-4-5").tokens(hour).costs("10000");
    // Not listed: 2 x 15.
    at("anthropic", "claude-4-opus-20250514").tokens(hour).costs("30000");
    // Upstream's figure of 6 is another model's; the rule says 2 x 0.8.
    at("anthropic", "claude-3-5-haiku-20241022").tokens(hour).costs("1600");
    // In the tier above 200k tokens the tier's input of 6 counts: 250000 x 12.
    at("anthropic", "claude-sonnet-4-20250514")
        .tokens(TokenCounts { cache_write_1h: 250_000, ..NONE })
        .costs("3000000");
}

#[test]
fn openai_charges_caches_as_input_unless_it_lists_a_price() {
    // gpt-4 lists 30 and no cache price: 1000x30 each.
    at("openai", "gpt-4").tokens(TokenCounts { cache_read: 1000, ..NONE }).costs("30000");
    at("openai", "gpt-4").tokens(TokenCounts { cache_write_5m: 1000, ..NONE }).costs("30000");
    // gpt-5.6-sol lists a write at 5 for an input of 4; an hour is within its lifetime.
    at("openai", "gpt-5.6-sol").tokens(TokenCounts { cache_write_5m: 1000, ..NONE }).costs("5000");
    at("openai", "gpt-5.6-sol").tokens(TokenCounts { cache_write_1h: 1000, ..NONE }).costs("5000");
}

#[test]
fn a_kind_without_price_or_rule_makes_the_request_unpriced() {
    let cached = TokenCounts { input: 10, cache_read: 1, ..NONE };
    at("anthropic", "claude-2").tokens(input(1000)).costs("8000");
    at("anthropic", "claude-2").tokens(cached).costs("-");
    at("dashscope", "qwen-flash").tokens(input(1000)).costs("50");
    at("dashscope", "qwen-flash").tokens(cached).costs("-");
}

#[test]
fn above_a_threshold_the_whole_request_takes_the_tier() {
    // gpt-5.5 up to 272 000: 272000x5.
    at("openai", "gpt-5.5").tokens(input(272_000)).costs("1360000");
    // One more, most of it cached, at 10 / 1 / 45: 72001x10 + 200000x1 + 1000x45
    // = 720 010 + 200 000 + 45 000.
    let long = TokenCounts { input: 72_001, cache_read: 200_000, output: 1000, ..NONE };
    at("openai", "gpt-5.5").tokens(long).costs("965010");
    // Output does not count towards the size: 1000x5 + 300000x30.
    at("openai", "gpt-5.5")
        .tokens(TokenCounts { input: 1000, output: 300_000, ..NONE })
        .costs("9005000");
    // claude-haiku-5-5 from 0.1 to 0.5 above 100 000 tokens.
    at("anthropic", "claude-haiku-5-5").tokens(input(100_000)).costs("10000");
    at("anthropic", "claude-haiku-5-5").tokens(input(100_001)).costs("50000.5");
    // Sonnet 4 and 4.5 in their 1M beta: 200001x6.
    at("anthropic", "claude-sonnet-4-20250514").tokens(input(200_001)).costs("1200006");
    at("anthropic", "claude-sonnet-4-5-20250929").tokens(input(200_001)).costs("1200006");
}

#[test]
fn opus_and_sonnet_4_6_are_flat_since_march_13() {
    let long = TokenCounts { input: 200_001, output: 1000, ..NONE };
    // 200001x10 + 1000x37.5, then 200001x5 + 1000x25.
    at("anthropic", "claude-opus-4-6").when("2026-03-12T23:59:59Z").tokens(long).costs("2037510");
    at("anthropic", "claude-opus-4-6").when("2026-03-13T00:00:00Z").tokens(long).costs("1025005");
    // 200001x6 + 1000x22.5, then 200001x3 + 1000x15.
    at("anthropic", "claude-sonnet-4-6").when("2026-03-12T23:59:59Z").tokens(long).costs("1222506");
    at("anthropic", "claude-sonnet-4-6").when("2026-03-13T00:00:00Z").tokens(long).costs("615003");
    // Below the threshold nothing changed.
    at("anthropic", "claude-opus-4-6")
        .when("2026-03-12T23:59:59Z")
        .tokens(input(200_000))
        .costs("1000000");
}

#[test]
fn several_tiers_and_dearer_reasoning() {
    // qwen3-coder-flash: 0.3, above 32k 0.5, above 128k 0.8, above 256k 1.6.
    for (count, expected) in
        [(32_000, "9600"), (32_001, "16000.5"), (128_001, "102400.8"), (256_001, "409601.6")]
    {
        at("dashscope", "qwen3-coder-flash").tokens(input(count)).costs(expected);
    }
    // qwen-plus-2025-07-28: 1.2 for plain output, 4 for reasoning: 400x1.2 + 600x4.
    let thinking = TokenCounts { output: 1000, reasoning: 600, ..NONE };
    at("dashscope", "qwen-plus-2025-07-28").tokens(thinking).costs("2880");
    // More reasoning than output is a slip of the log; output is what was charged: 1000x4.
    let slip = TokenCounts { output: 1000, reasoning: 5000, ..NONE };
    at("dashscope", "qwen-plus-2025-07-28").tokens(slip).costs("4000");
}

#[test]
fn fast_mode_has_its_own_prices() {
    let short = TokenCounts { input: 100_000, cache_read: 10_000, output: 1000, ..NONE };
    // gpt-5.5 at 2.5x: 100000x12.5 + 10000x1.25 + 1000x75.
    at("openai", "gpt-5.5").speed(Speed::Fast).tokens(short).costs("1337500");
    // gpt-5.4 at 2x (2.5 / 0.25 / 15): 100000x5 + 10000x0.5 + 1000x30.
    at("openai", "gpt-5.4").speed(Speed::Fast).tokens(short).costs("535000");
    // claude-opus-4-8 at 2x (5 / 25, one-hour writes 10): 1000x10 + 1000x20 + 100x50.
    at("anthropic", "claude-opus-4-8")
        .speed(Speed::Fast)
        .tokens(TokenCounts { input: 1000, cache_write_1h: 1000, output: 100, ..NONE })
        .costs("35000");
    // No fast price is listed, and the standard price would be wrong.
    at("anthropic", "claude-opus-4-6").speed(Speed::Fast).tokens(short).costs("-");
    at("openai", "gpt-5.4-nano").speed(Speed::Fast).tokens(short).costs("-");
}

#[test]
fn fast_never_combines_with_the_long_context_tier_of_openai() {
    let long = TokenCounts { input: 72_001, cache_read: 200_000, output: 1000, ..NONE };
    // The standard long price, as above.
    at("openai", "gpt-5.5").speed(Speed::Fast).tokens(long).costs("965010");
    // gpt-5.6-sol long at 8 / 0.8 / 30: 72001x8 + 200000x0.8 + 1000x30.
    at("openai", "gpt-5.6-sol").speed(Speed::Fast).tokens(long).costs("766008");
    // Google lists a fast price for the tier: gemini-2.5-pro 2.5 x 1.8: 200001x4.5.
    at("gemini", "gemini-2.5-pro").speed(Speed::Fast).tokens(input(200_001)).costs("900004.5");
    // A model without fast mode does not gain one by a long prompt.
    at("openai", "gpt-5.5-pro").speed(Speed::Fast).tokens(input(300_000)).costs("-");
}

#[test]
fn two_billion_tokens_never_cost_eight_cents() {
    // What a counting error once showed as "$0.08 · 2.3B tokens". Even as cache reads of the
    // cheapest price above the threshold they cost 2 300 000 000 x 1 = $2300.
    at("openai", "gpt-5.5")
        .tokens(TokenCounts { cache_read: 2_300_000_000, ..NONE })
        .costs("2300000000");
    // In 10 000 requests of 230 000, as they would have come: 230000 x 0.5 each, $1150 in all.
    at("openai", "gpt-5.5").tokens(TokenCounts { cache_read: 230_000, ..NONE }).costs("115000");
}

#[test]
fn batch_and_flex() {
    // claude-sonnet-5 (2 / 10) at half: 1000x1 + 100x5.
    let tokens = TokenCounts { input: 1000, output: 100, ..NONE };
    at("anthropic", "claude-sonnet-5").speed(Speed::Batch).tokens(tokens).costs("1500");
    // gpt-5.6-luna flex above the threshold (0.4 / 1.8) at half: 300000x0.2 + 100x0.9.
    at("openai", "gpt-5.6-luna")
        .speed(Speed::Flex)
        .tokens(TokenCounts { input: 300_000, output: 100, ..NONE })
        .costs("60090");
    // gpt-4o batch lists 1.25 / 5 and no cache price: 1000x1.25 + 1000x1.25 + 100x5.
    at("openai", "gpt-4o")
        .speed(Speed::Batch)
        .tokens(TokenCounts { cache_read: 1000, ..tokens })
        .costs("3000");
    at("deepseek", "deepseek-chat").speed(Speed::Batch).tokens(tokens).costs("-");
}

#[test]
fn searches_are_charged_by_the_query() {
    // $0.01 each: 3 x 10 000 + 1000x5.
    at("anthropic", "claude-opus-5").searches(3).tokens(input(1000)).costs("35000");
    at("anthropic", "claude-haiku-4-5-20251001").searches(1).costs("10000");
    // $0.025 each.
    at("openai", "gpt-4o-mini").searches(2).costs("50000");
    at("openai", "gpt-4").searches(1).tokens(input(1)).costs("-");
}

#[test]
fn a_request_is_priced_at_its_own_date() {
    let tokens = TokenCounts { input: 100_000, output: 1000, ..NONE };
    let check = |model: &str, at_: &'static str, expected: &str| {
        at("openai", model).when(at_).tokens(tokens).costs(expected);
    };
    // 100000x1 + 1000x6, then 100000x0.2 + 1000x1.2.
    check("gpt-5.6-luna", "2026-07-29T23:59:59Z", "106000");
    check("gpt-5.6-luna", "2026-07-30T00:00:00Z", "21200");
    // 100000x2.5 + 1000x15, then 100000x2 + 1000x12.
    check("gpt-5.6-terra", "2026-07-29T23:59:59Z", "265000");
    check("gpt-5.6-terra", "2026-07-30T00:00:00Z", "212000");
    // 100000x5 + 1000x30, then 100000x4 + 1000x20; gpt-5.6 is another name of Sol.
    for model in ["gpt-5.6-sol", "gpt-5.6", "gpt-5.6-2026-07-09"] {
        check(model, "2026-08-20T23:59:59Z", "530000");
        check(model, "2026-08-21T00:00:00Z", "420000");
    }
    // Luna under the name of Codex's reviewer, from 2026-07-09.
    check("codex-auto-review", "2026-07-08T23:59:59Z", "-");
    check("codex-auto-review", "2026-07-09T00:00:00Z", "106000");
    check("codex-auto-review", "2026-07-30T00:00:00Z", "21200");
    // The old prices had their own long-context tier: 300000x2.
    at("openai", "gpt-5.6-luna")
        .when("2026-07-29T12:00:00Z")
        .tokens(input(300_000))
        .costs("600000");
}

#[test]
fn deepseek_is_cheaper_off_peak() {
    // deepseek-v4-pro: 1.32 in peak hours, 0.66 outside. 2026-11-23 is a Monday.
    for (when, expected) in [
        ("2026-11-23T00:59:59Z", "660"),
        ("2026-11-23T01:00:00Z", "1320"),
        ("2026-11-23T04:00:00Z", "660"),
        ("2026-11-23T06:00:00Z", "1320"),
        ("2026-11-23T10:00:00Z", "660"),
        ("2026-11-23T23:59:59Z", "660"),
        ("2026-11-22T07:00:00Z", "660"),
    ] {
        at("deepseek", "deepseek-v4-pro").when(when).tokens(input(1000)).costs(expected);
    }
}

#[test]
fn a_price_of_zero_is_zero_only_where_the_source_says_so() {
    at("zai", "glm-4.5-flash").tokens(input(1000)).costs("0");
    at("gemini", "lyria-3.5").tokens(input(1000)).costs("-");
}

#[test]
fn one_model_under_many_names() {
    for model in [
        "claude-opus-4-5",
        "claude-opus-4-5[1m]",
        "claude-opus-4-5-20251101",
        "claude-opus-4-5-latest",
        "claude-opus-4.5",
        "anthropic/claude-opus-4.5",
        "anthropic/claude-opus-4-5-20251101",
        "anthropic.claude-opus-4-5-20251101-v1:0",
        "us.anthropic.claude-opus-4-5-20251101-v1:0",
        "global.anthropic.claude-opus-4-5-20251101-v1:0[1m]",
        "claude-opus-4-5@20251101",
        "claude-opus-4-5_vrtx_1",
        " claude-opus-4-5 ",
    ] {
        for hint in ["anthropic", ""] {
            let case = at(hint, model).tokens(input(1000));
            case.is_on_the_list_of("anthropic");
            case.costs("5000");
        }
    }
    for model in ["gpt-5.4", "openai/gpt-5.4", "gpt-5.4-2026-03-05", "gpt-5.4-2027-01-01"] {
        at("openai", model).tokens(input(1000)).costs("2500");
    }
    at("anthropic", "claude-opus-4@20250514").tokens(input(1000)).costs("15000");
    at("anthropic", "claude-sonnet-4-0").tokens(input(1000)).costs("3000");
    at("openai", "ft:gpt-4o-2024-08-06:acme::abc").tokens(input(1000)).costs("3750");
}

#[test]
fn an_unknown_model_is_unpriced_and_keeps_its_hint() {
    for model in
        ["", "  ", "unknown", "gpt-99", "<synthetic>", "claude-opus-9", "[1m]", "/", "arn:"]
    {
        at("openai", model).tokens(input(1)).is_unpriced();
        at("", model).tokens(input(1)).is_unpriced();
    }
    let nameless = PriceTable::builtin().price(&Ask {
        provider: Some("openai"),
        model: None,
        at: LATE.parse().unwrap(),
        tokens: input(1),
        speed: Speed::Standard,
        web_searches: 0,
    });
    assert_eq!(nameless, Priced { provider: Some("openai".into()), list_picos: None });
}

#[test]
fn a_route_never_leads_to_openais_or_anthropics_prices() {
    for model in
        ["someone/gpt-5.5", "openrouter/openai/gpt-5.5", "azure/gpt-5.5", "someone/claude-opus-5"]
    {
        for hint in ["openai", "anthropic", ""] {
            at(hint, model).tokens(input(1)).is_unpriced();
        }
    }
    at("anthropic", "openai/gpt-5.5").tokens(input(1)).is_unpriced();
    at("openai", "anthropic/claude-opus-5").tokens(input(1)).is_unpriced();
    at("openai", "deepseek/gpt-5.5").tokens(input(1)).is_unpriced();
    // A route to a provider with a list of its own leads there: 1000x0.28.
    let case = at("openai", "deepseek/deepseek-chat").tokens(input(1000));
    case.is_on_the_list_of("deepseek");
    case.costs("280");
}

#[test]
fn a_bare_name_goes_to_its_only_owner() {
    at("anthropic", "deepseek-chat").is_on_the_list_of("deepseek");
    at("anthropic", "gpt-5.5").is_on_the_list_of("openai");
    at("", "claude-opus-5").is_on_the_list_of("anthropic");
    // Sold by its maker and by three hosts: the maker's, unless the hint names a host.
    at("anthropic", "glm-5.2").is_on_the_list_of("zai");
    at("dashscope", "glm-5.2").is_on_the_list_of("dashscope");
    // At three providers, none of them the only one.
    at("anthropic", "qwen3-coder-plus").tokens(input(1)).is_unpriced();
}

#[test]
fn the_same_name_at_two_providers_never_shares_a_price() {
    // 1000x1.32 in peak hours at DeepSeek, 1000x2.4 at the host.
    let peak = "2026-11-23T02:00:00Z";
    at("deepseek", "deepseek-v4-pro").when(peak).tokens(input(1000)).costs("1320");
    at("dashscope", "deepseek-v4-pro").when(peak).tokens(input(1000)).costs("2400");
    at("dashscope", "dashscope/deepseek-v4-pro").when(peak).tokens(input(1000)).costs("2400");
}

#[test]
fn the_fingerprint_moves_with_every_price() {
    let builtin = PriceTable::builtin().fingerprint();
    assert_eq!(PriceTable::builtin().fingerprint(), builtin);
    assert_eq!(PriceTable::builtin().with_overrides(&[]).unwrap().fingerprint(), builtin);
    let row = |input: &str| {
        own(&format!("[[price]]\nprovider = \"a\"\nmodel = \"b\"\ninput = \"{input}\"\n"))
            .unwrap()
            .fingerprint()
    };
    assert_eq!(row("1"), row("1"));
    assert_ne!(row("1"), builtin);
    assert_ne!(row("1"), row("2"));
}

#[test]
fn names_made_up_by_a_log_do_not_pile_up() {
    let table = PriceTable::builtin();
    for number in 0..10_000 {
        let model = format!("claude-opus-5-{number}x");
        let ask = Ask {
            provider: Some("anthropic"),
            model: Some(&model),
            at: LATE.parse().unwrap(),
            tokens: input(1),
            speed: Speed::Standard,
            web_searches: 0,
        };
        assert_eq!(table.price(&ask).list_picos, None);
        // The second answer is the same, remembered or not.
        assert_eq!(table.price(&ask).list_picos, None);
    }
}
