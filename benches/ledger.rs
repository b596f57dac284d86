//! How fast readings go into the ledger and figures come out of it: `cargo bench --bench ledger`.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use divan::Bencher;
use divan::counter::ItemsCount;
use spendbar::ledger::{GroupKey, Ledger, LookRecord};
use spendbar::pricing::PriceTable;
use spendbar::spend::{
    EventKey, Filter, Funding, Mark, Period, Reading, SourceInfo, SourceKind, Speed, TokenCounts,
    Usage, Zone,
};

/// Usages in one reading of a cold scan.
const BATCH: usize = 20_000;

static AGENT: SourceInfo = SourceInfo {
    id: "an-agent",
    name: "An agent",
    kind: SourceKind::Agent,
    account: "anthropic",
    poll_minutes: 10,
    least_minutes: 0,
    settings: &[],
    status_page: "",
    key: None,
    base_url: "",
    tells: "usage",
    reads: "",
    limits: "",
};

fn main() {
    divan::main();
}

/// The first readings of a cold scan, each in a transaction of its own.
#[divan::bench(args = [1, 10, 50], sample_count = 3, sample_size = 1)]
fn cold_scan(bencher: Bencher, readings: usize) {
    let batches: Vec<_> = (0..readings).map(reading).collect();
    let prices = PriceTable::builtin();
    bencher
        .counter(ItemsCount::new(readings * BATCH))
        .with_inputs(|| {
            let home = tempfile::tempdir().expect("a folder for the ledger");
            (open(home.path()), home)
        })
        .bench_local_values(|(mut ledger, home)| {
            for batch in &batches {
                record(&mut ledger, batch, &prices);
            }
            (ledger, home)
        });
}

/// The same reading again, as after marks were lost.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn known_reading(bencher: Bencher) {
    let home = tempfile::tempdir().expect("a folder for the ledger");
    let prices = PriceTable::builtin();
    let batch = reading(0);
    let mut ledger = open(home.path());
    record(&mut ledger, &batch, &prices);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| record(&mut ledger, &batch, &prices));
}

/// Today's figures and a month's report over 30 days and 200,000 events.
#[divan::bench(args = ["today", "month", "report"])]
fn questions(bencher: Bencher, question: &str) {
    let home = tempfile::tempdir().expect("a folder for the ledger");
    let prices = PriceTable::builtin();
    let mut ledger = open(home.path());
    for n in 0..10 {
        record(&mut ledger, &reading(n), &prices);
    }
    let period = if question == "today" { Period::Day } else { Period::Month };
    let span = period.holding(start() + TimeDelta::days(29), Zone::UTC);
    let by = [GroupKey::Day, GroupKey::Model, GroupKey::Project];
    bencher.bench_local(|| match question {
        "report" => {
            let last = span.end_day.pred_opt().expect("a month has days");
            ledger.report(span.first_day, last, Zone::UTC, &by).expect("answers").rows.len() as u64
        }
        _ => ledger.spend(&span, Zone::UTC, &Filter::everything()).expect("answers").requests,
    });
}

/// What a look is given of 10,000 files: the marks of all of them, or of one that has changed.
#[divan::bench(args = ["all", "named"])]
fn marks(bencher: Bencher, which: &str) {
    let home = tempfile::tempdir().expect("a folder for the ledger");
    let mut ledger = open(home.path());
    let name =
        |n: usize| format!("/home/somebody/.codex/sessions/2026/11/01/rollout-{n:048}.jsonl");
    let mark = |n: usize| Mark {
        offset: n as u64,
        size: n as u64,
        modified_nanos: n as i64,
        identity: n as u64,
        state: "x".repeat(300),
    };
    let marks = (0..10_000).map(|n| (name(n), Some(mark(n)))).collect();
    record(&mut ledger, &Reading { marks, ..Reading::default() }, &PriceTable::builtin());
    bencher.bench_local(|| match which {
        "all" => ledger.marks(AGENT.id).expect("answers").len(),
        _ => ledger.marks_named(AGENT.id, &[name(7)]).expect("answers").len(),
    });
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_491_200, 0).expect("1 November 2026")
}

fn open(home: &Path) -> Ledger {
    Ledger::open(&home.join("ledger.db"), start()).expect("opens").ledger
}

fn record(ledger: &mut Ledger, reading: &Reading, prices: &PriceTable) -> u64 {
    let look =
        LookRecord { source: &AGENT, account: "anthropic", funding: None, at: start(), took_ms: 1 };
    let mut recording = ledger.begin().expect("begins");
    let recorded = recording.record(&look, reading, prices).expect("records");
    recording.commit().expect("commits");
    recorded.new_events
}

/// Sessions of 100 requests, one every 20 seconds, in 40 projects over 30 days.
fn reading(number: usize) -> Reading {
    let models = ["claude-haiku-4-5", "claude-opus-4-5", "gpt-5-mini"];
    let mut reading = Reading::default();
    for n in number * BATCH..(number + 1) * BATCH {
        let session = n / 100;
        let minutes = (session * 37) % (30 * 24 * 60);
        reading.usages.push(Usage {
            key: EventKey::original(&[&n.to_le_bytes()], &[b"request"]),
            at: start() + TimeDelta::seconds((minutes * 60 + n % 100 * 20) as i64),
            provider: None,
            model: Some(models[session % models.len()].into()),
            tokens: TokenCounts {
                input: 12,
                cache_read: 81_000 + n as u64 % 1000,
                cache_write_1h: 900,
                output: 450,
                ..TokenCounts::default()
            },
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: Some(format!("/home/somebody/projects/number-{}", session % 40).into()),
            session: Some(format!("5f0c7d3e-0000-4000-8000-{session:012}").into()),
            funding: Funding::Unknown,
            is_sum: false,
        });
    }
    reading
}
