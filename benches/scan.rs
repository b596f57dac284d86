//! How fast logs are read: `cargo bench --bench scan`.
//!
//! The logs are those of [`corpus`]. `SPENDBAR_BENCH_MB` sets how many megabytes (128). The program
//! as a whole is measured by `benches/compare`.

mod corpus;

use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use spendbar::sources::agents::{claude_code, codex};
use spendbar::sources::{Places, SourceError};
use spendbar::spend::{Marks, Reading};

use corpus::{Size, Truth};

fn main() {
    divan::main();
}

type Read = fn(&Places, &Marks) -> Result<Reading, SourceError>;

/// A first look at everything.
#[divan::bench(args = ["claude-code", "codex"])]
fn cold(bencher: Bencher<'_, '_>, source: &str) {
    let (read, bytes) = of(source);
    let places = &LONG.places;
    bencher.counter(BytesCount::new(bytes)).bench(|| look(read, places, Marks::new()));
}

/// A sweep in which nothing is new.
#[divan::bench(args = ["claude-code", "codex"])]
fn idle(bencher: Bencher<'_, '_>, source: &str) {
    sweep(bencher, &LONG.places, of(source).0);
}

/// The same over 1,000 short sessions of each agent.
#[divan::bench(args = ["claude-code", "codex"])]
fn idle_in_many_files(bencher: Bencher<'_, '_>, source: &str) {
    sweep(bencher, &MANY.places, of(source).0);
}

fn sweep(bencher: Bencher<'_, '_>, places: &Places, read: Read) {
    let (_, marks) = look(read, places, Marks::new());
    bencher.bench(|| read(places, &marks));
}

/// Looks until nothing is left, as the monitor does; the number of usages.
fn look(read: Read, places: &Places, mut marks: Marks) -> (usize, Marks) {
    let mut usages = 0;
    loop {
        let reading = read(places, &marks).expect("the corpus is there");
        usages += reading.usages.len();
        for (name, mark) in reading.marks {
            marks.extend(mark.map(|mark| (name, mark)));
        }
        if !reading.more {
            return (usages, marks);
        }
    }
}

/// How a source is read, and its bytes in the long sessions.
fn of(source: &str) -> (Read, u64) {
    match source {
        "claude-code" => (
            |places, marks| claude_code::AGENT.look(places, marks, None, 20_000),
            LONG.truth.claude_code.bytes,
        ),
        _ => (|places, marks| codex::read(places, marks, None, 20_000), LONG.truth.codex.bytes),
    }
}

struct Home {
    places: Places,
    truth: Truth,
    _folder: tempfile::TempDir,
}

static LONG: LazyLock<Home> = LazyLock::new(|| {
    let megabytes = std::env::var("SPENDBAR_BENCH_MB").ok().and_then(|text| text.parse().ok());
    Home::with(Size::Bytes(megabytes.unwrap_or(128) * 1_000_000))
});
static MANY: LazyLock<Home> = LazyLock::new(|| Home::with(Size::Files(2_000)));

impl Home {
    fn with(size: Size) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let truth = corpus::write(folder.path(), size);
        let places = Places { home: folder.path().to_owned(), ..Places::default() };
        Self { places, truth, _folder: folder }
    }
}
