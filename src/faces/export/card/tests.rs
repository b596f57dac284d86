use std::path::{Path, PathBuf};

use super::*;
use crate::board::export::Counted;
use crate::board::report::Sums;
use crate::spend::{Currency, TokenCounts, Zone};

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect(text)
}

fn part(name: &str, list: &str, billed: &str, tokens: u64) -> Part {
    let mut sums = Sums {
        requests: tokens / 20_000,
        tokens: TokenCounts { input: tokens, ..TokenCounts::default() },
        list: Some(usd(list)),
        ..Sums::default()
    };
    sums.billed.add(usd(billed));
    let counted = Counted { list: usd(list), billed: usd(billed), ..Counted::default() };
    Part { name: Some(name.to_owned()), sums, counted }
}

/// A month that is over, with one model and one provider whose names are nobody's business.
fn november() -> Summary {
    let first: NaiveDate = "2026-11-01".parse().expect("a day");
    let days = first.iter_days().skip(3).take(27).enumerate().map(|(index, day)| {
        let dollars = if index % 7 > 4 { "0".to_owned() } else { (index * 37 % 91).to_string() };
        (day, part("", &dollars, "0", 1))
    });
    Summary {
        made_at: "2026-12-01T08:00:00Z".parse().expect("a time"),
        zone: Zone::UTC,
        first_day: first,
        last_day: "2026-11-30".parse().expect("a day"),
        is_open: false,
        demo: false,
        totals: part("", "1612.8", "300", 4_100_000_000),
        paid: None,
        converted: Vec::new(),
        days: days.collect(),
        sources: Vec::new(),
        providers: vec![
            part("anthropic", "1480.8", "0", 3_100_000_000),
            part("openai", "0", "300", 900_000_000),
            part("acme-gateway", "132", "0", 100_000_000),
        ],
        models: vec![
            part("claude-opus-4-5", "1100", "0", 2_000_000_000),
            part("claude-sonnet-4-5-with-a-name-that-goes-on-and-on-and-on", "380.8", "0", 900),
            part("gpt-5.4", "0", "300", 900),
            part("ft:gpt-4o:acme::secret", "90", "0", 900),
            part("claude-haiku-4-5", "42", "0", 900),
        ],
        projects: None,
        budgets: Vec::new(),
        alerts: Vec::new(),
        partial: false,
        notes: Vec::new(),
    }
}

struct Known;

impl Public for Known {
    fn model(&self, name: &str) -> Option<String> {
        (!name.contains("acme")).then(|| name.to_owned())
    }

    fn provider(&self, name: &str) -> Option<String> {
        self.model(name)
    }
}

#[test]
fn rows_are_the_whole_and_private_names_are_others() {
    let summary = november();
    let told = rows(&summary.models, |name| Known.model(name));
    let names: Vec<_> = told.iter().map(|row| (&*row.name, &*row.words)).collect();
    let long = "claude-sonnet-4-5-with-a-name-that-goes-on-and-on-and-on";
    assert_eq!(
        names,
        [
            ("claude-opus-4-5", "≈ $1,100.00"),
            (long, "≈ $380.80"),
            ("gpt-5.4", "$300.00"),
            ("others", "≈ $132.00"),
        ]
    );
    let told = rows(&summary.providers, |name| Known.provider(name));
    let names: Vec<_> = told.iter().map(|row| &*row.name).collect();
    assert_eq!(names, ["anthropic", "openai", "others"]);
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/export/card.png")
}

/// `SPENDBAR_WRITE_CARD=1 cargo test --lib card` writes the picture anew; look at it then.
#[test]
fn the_picture_is_the_one_that_was_looked_at() {
    let mut written = Vec::new();
    write(&mut written, &november(), &Known).expect("a vector");
    if std::env::var_os("SPENDBAR_WRITE_CARD").is_some() {
        std::fs::write(golden(), &written).expect("written");
    }
    let decode = |bytes: &[u8]| {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("pixels");
        assert_eq!((info.width, info.height), (WIDTH, HEIGHT));
        pixels
    };
    let (now, then) = (decode(&written), decode(&std::fs::read(golden()).expect("the picture")));
    // Another processor may round an edge the other way.
    let differs = now.iter().zip(&then).filter(|(now, then)| now.abs_diff(**then) > 8).count();
    assert!(now.len() == then.len() && differs * 1_000 <= now.len(), "{differs} of {}", now.len());
}

#[test]
fn what_is_not_known_is_no_zero() {
    let empty = Summary {
        days: Vec::new(),
        models: Vec::new(),
        providers: Vec::new(),
        totals: Part::default(),
        ..november()
    };
    assert_ne!(draw(&empty, &Known).pixels(), draw(&november(), &Known).pixels());
    let unpriced = Part {
        sums: Sums { unpriced_tokens: 1_500, ..Sums::default() },
        name: Some("m".into()),
        ..Part::default()
    };
    assert_eq!(rows(&[unpriced], |name| Some(name.into()))[0].words, "1.5 k tokens");
}

#[test]
fn a_share_is_a_part_of_the_most_even_of_amounts_beyond_all_bounds() {
    assert_eq!(share(1, 2), 0.5);
    assert_eq!(share(0, 5), 0.0);
    assert_eq!(share(-3, 5), 0.0);
    assert_eq!(share(5, 0), 0.0);
    let much = i128::MAX / 2;
    assert!((share(much / 4, much) - 0.25).abs() < 0.001);
}
