//! How long pricing takes: `cargo bench --bench price`.
//!
//! Indexing the table happens once in a program's life and is timed on its own before the rest.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use chrono::{DateTime, Utc};
use divan::{Bencher, black_box};
use spendbar::pricing::{Ask, PriceTable};
use spendbar::spend::{Speed, TokenCounts};

fn main() {
    let start = Instant::now();
    black_box(PriceTable::builtin());
    println!("indexing the table: {:?}", start.elapsed());
    divan::main();
}

fn ask<'a>(provider: &'a str, model: &'a str) -> Ask<'a> {
    Ask {
        provider: Some(provider),
        model: Some(model),
        at: DateTime::<Utc>::from_timestamp(1_790_000_000, 0).unwrap_or_default(),
        tokens: TokenCounts {
            input: 1200,
            cache_read: 98_000,
            cache_write_1h: 2300,
            output: 640,
            ..TokenCounts::default()
        },
        speed: Speed::Standard,
        web_searches: 0,
    }
}

const NAMES: &[(&str, &str)] = &[
    ("anthropic", "claude-opus-4-5-20251101"),
    ("anthropic", "us.anthropic.claude-opus-4-5-20251101-v1:0"),
    ("openai", "gpt-5.5"),
    ("openai", "gpt-5.6-luna"),
    ("openai", "no-such-model"),
];

/// A name that was asked for before: what nearly every line of a log costs.
#[divan::bench(args = NAMES)]
fn known_name(bencher: Bencher, name: &(&str, &str)) {
    let table = PriceTable::builtin();
    bencher.bench_local(|| table.price(black_box(&ask(name.0, name.1))));
}

/// A name for the first time: its row is read from the text.
#[divan::bench(args = NAMES)]
fn new_name(bencher: Bencher, name: &(&str, &str)) {
    bencher
        .with_inputs(PriceTable::builtin)
        .bench_values(|table| table.price(black_box(&ask(name.0, name.1))));
}
