//! A year at the scale of 7.6 million requests a month: how large the ledger gets, and how fast it
//! answers. `SPENDBAR_BENCH_DAYS=365 cargo bench --bench year`; three days without the variable. With
//! `SPENDBAR_BENCH_KEEP=FILE` the ledger is left there.
//!
//! The usage is that of 8,826 Codex sessions in 30 days, of 861 requests and 2.4 hours each, in 94
//! projects and 3 models. It is recorded in order of time, nearly two hours at once, and rolled up
//! in between, as the monitor does. Fails past 600 MB a year, or its share of them, and past 10 ms for an answer, 50 ms
//! for the page or 5 ms for what an agent's hook asks.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use spendbar::board::page::View;
use spendbar::board::standing::Standings;
use spendbar::board::yields::WINDOW_HOURS;
use spendbar::board::{self, Asked, AskedSource, Board, IconChoice};
use spendbar::budgets::guard::SESSION_HOURS;
use spendbar::budgets::{Basis, Budget};
use spendbar::faces::page::Frame;
use spendbar::faces::page::assets::Assets;
use spendbar::ledger::{Ledger, LookRecord};
use spendbar::monitor::guarding;
use spendbar::pricing::PriceTable;
use spendbar::sources::SOURCES;
use spendbar::spend::{
    Currency, Cycle, EventKey, Filter, Funding, Glob, Lists, Mark, Money, Reading, SourceInfo,
    Speed, TokenCounts, Usage, Zone,
};

const SESSIONS_IN_30_DAYS: usize = 8_826;
const REQUESTS: usize = 861;
const SESSION_SECONDS: usize = 8_640;
const PROJECTS: usize = 94;
const MODELS: [&str; 3] = ["gpt-5.5", "gpt-5.4", "gpt-5-mini"];
/// Usages in one reading.
const BATCH: usize = 20_000;

const BYTES_A_YEAR: u64 = 600_000_000;
/// What rows that may still change, and what a ledger of any size, may take.
const BYTES_AT_ONCE: u64 = 120_000_000;
const ANSWER: Duration = Duration::from_millis(10);
/// Where 100 budgets stand after one more request.
const JUDGED: Duration = Duration::from_millis(1);
/// The page is on screen within 100 ms, of which the browser needs a part.
const PAGE: Duration = Duration::from_millis(50);
const PAGE_BYTES: usize = 180_000;
const HOOK: Duration = Duration::from_millis(5);
/// Not UTC, so that both calendars are kept.
fn zone() -> Zone {
    "Europe/Berlin".parse().expect("a zone")
}

fn main() -> ExitCode {
    let days = std::env::var("SPENDBAR_BENCH_DAYS").ok().and_then(|days| days.parse().ok());
    let days: usize = days.unwrap_or(3);
    let home = tempfile::tempdir().expect("a folder for the ledger");
    let path = home.path().join("ledger.db");
    let started = Instant::now();
    fill(&path, days);
    let took = started.elapsed();
    let requests = (sessions_before(days) * REQUESTS) as u64;
    let bytes = ledger_bytes(&path);
    let answer = fastest(5, || drop(ask(&path, days)));
    let drawn = fastest(5, || page(&path, days));
    let hook = fastest(5, || ask_as_hook(&path, days));
    let look = fastest(5, || load_marks(&path));
    let judged = judge(&path, days);
    if let Some(kept) = std::env::var_os("SPENDBAR_BENCH_KEEP") {
        drop(Ledger::open(&path, start()).expect("opens"));
        std::fs::copy(&path, kept).expect("kept");
    }
    let mut out = std::io::stdout();
    let told = [
        format!("{days} days, {requests} requests, recorded in {took:.0?}"),
        format!("ledger: {:.1} MB, {} bytes for ten requests", mega(bytes), bytes * 10 / requests),
        format!("status: {answer:.1?} from opening the ledger to the board"),
        format!(
            "100 budgets after a line of a log: {:.1?} (summed anew: {:.0?})",
            judged.after_a_line, judged.anew
        ),
        format!("page: {drawn:.1?} from opening the ledger to the HTML"),
        format!("guard: {hook:.1?} from opening the ledger to the limits and a session's cost"),
        format!("marks of all {} files: {look:.1?}", sessions_before(days)),
    ];
    told.iter().for_each(|line| writeln!(out, "{line}").expect("standard output"));
    let share = BYTES_A_YEAR * days as u64 / 365;
    let most = share.clamp(BYTES_AT_ONCE, BYTES_A_YEAR);
    if bytes > most
        || answer > ANSWER
        || judged.after_a_line > JUDGED
        || hook > HOOK
        || drawn > PAGE
    {
        eprintln!(
            "past the limit of {:.0} MB, {ANSWER:?}, {JUDGED:?}, {PAGE:?} or {HOOK:?}",
            mega(most)
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn fill(path: &Path, days: usize) {
    let prices = PriceTable::builtin();
    let mut ledger = Ledger::open(path, start()).expect("opens").ledger;
    ledger.keep_days_of(zone()).expect("keeps days");
    let sessions: Vec<_> = (0..sessions_before(days)).map(Session::new).collect();
    for day in 0..days {
        let mut events: Vec<_> = (sessions_before(day)..sessions_before(day + 1))
            .flat_map(|number| (0..REQUESTS).map(move |request| (number, request)))
            .map(|(number, request)| (sessions[number].at(request), number, request))
            .collect();
        events.sort_unstable();
        for part in events.chunks(BATCH) {
            let now = part.last().map_or(start(), |(at, ..)| *at);
            let look = LookRecord {
                source: codex(),
                account: "openai",
                funding: None,
                at: now,
                took_ms: 1,
            };
            let mut reading = Reading::default();
            let mut last_requests = BTreeMap::new();
            for (at, number, request) in part {
                reading.usages.push(sessions[*number].usage(*at, *request));
                last_requests.insert(*number, *request);
            }
            reading.marks.extend(last_requests.into_iter().map(|(number, request)| {
                let session = &sessions[number];
                (session.file.clone(), Some(session.mark(request)))
            }));
            let mut recording = ledger.begin().expect("begins");
            recording.record(&look, &reading, &prices).expect("records");
            recording.commit().expect("commits");
            ledger.roll_up(now).expect("rolls up");
        }
        if (day + 1) % 30 == 0 {
            eprintln!("{} days: {:.1} MB", day + 1, mega(ledger_bytes(path)));
        }
    }
}

fn budget(cycle: Cycle, amount: &str) -> Budget {
    Budget {
        name: cycle.to_string(),
        amount: Money::parse(amount, Currency::USD).expect("an amount"),
        cycle,
        thresholds_percent: vec![50, 80, 100],
        filter: Filter::everything(),
        basis: Basis::Spend,
        rollover: false,
    }
}

/// What `spendbar status` asks, in the last day that was recorded.
fn ask(path: &Path, days: usize) -> (Ledger, Board) {
    let ledger = Ledger::open_read_only(path).expect("opens").expect("is there");
    let budgets =
        [budget(Cycle::Day, "50000"), budget(Cycle::WEEK, "300000"), budget(Cycle::MONTH, "1e6")];
    let sources: Vec<_> = SOURCES
        .iter()
        .map(|source| AskedSource {
            info: source.info(),
            poll: Duration::from_secs(600),
            status_page: None,
        })
        .collect();
    let asked = Asked {
        now: start() + TimeDelta::days(days as i64) - TimeDelta::hours(2),
        zone: zone(),
        icon: IconChoice::default(),
        budgets: &budgets,
        people: &Default::default(),
        sources: &sources,
        live: &BTreeMap::new(),
        is_watched: true,
        paused: false,
        loading: false,
        demo: false,
        energy: &Default::default(),
        notices: Vec::new(),
    };
    let board = board::build(&ledger, &asked, &mut Standings::default()).expect("answers");
    assert!(board.figures.requests > 0, "there is usage to show");
    (ledger, board)
}

/// What the page behind the icon asks and draws, with the year's chart in it.
fn page(path: &Path, days: usize) {
    let (ledger, board) = ask(path, days);
    let prices = PriceTable::builtin();
    let with = board::page::With {
        prices: &prices,
        energy: &Default::default(),
        window_hours: WINDOW_HOURS,
    };
    let data = board::page::page(&ledger, board.into(), View::default(), with).expect("answers");
    let frame = Frame { assets: &Assets::new(), csrf: "" };
    let text = spendbar::faces::page::page(&data, &frame);
    assert!(text.len() < PAGE_BYTES, "{} bytes", text.len());
}

/// How long it takes to know where budgets stand.
struct Judged {
    /// After one more request, the median.
    after_a_line: Duration,
    /// At a start, or after a bill.
    anew: Duration,
}

/// A hundred budgets of all kinds, asked after every reading as the monitor does.
fn judge(path: &Path, days: usize) -> Judged {
    let mut ledger = Ledger::open(path, start()).expect("opens").ledger;
    let prices = PriceTable::builtin();
    let now = start() + TimeDelta::days(days as i64) - TimeDelta::hours(2);
    let globs = |text: String| vec![Glob::new(&text).expect("a pattern")];
    let cycles = [Cycle::Day, Cycle::WEEK, Cycle::MONTH, Cycle::Month(15), Cycle::Days(30)];
    let budgets: Vec<_> = (0..100)
        .map(|number| {
            let only = match number % 4 {
                0 => Lists::default(),
                1 => Lists { sources: vec!["codex".into()], ..Lists::default() },
                2 => Lists { models: globs(format!("*-{}*", number % 7)), ..Lists::default() },
                _ => Lists { projects: globs(format!("**/number-{number}")), ..Lists::default() },
            };
            let filter = Filter { only, ..Filter::default() };
            let name = number.to_string();
            Budget { name, filter, ..budget(cycles[number % cycles.len()], "1e9") }
        })
        .collect();
    let mut standings = Standings::default();
    let started = Instant::now();
    standings.read(&ledger, &budgets, now, zone()).expect("answers");
    let anew = started.elapsed();
    let session = Session::new(sessions_before(days));
    let mut times: Vec<_> = (0..101)
        .map(|request| {
            let look = LookRecord {
                source: codex(),
                account: "openai",
                funding: None,
                at: now,
                took_ms: 1,
            };
            let usages = vec![session.usage(now, request)];
            let mut recording = ledger.begin().expect("begins");
            let reading = Reading { usages, ..Reading::default() };
            recording.record(&look, &reading, &prices).expect("records");
            let started = Instant::now();
            standings.read(&recording, &budgets, now, zone()).expect("answers");
            let took = started.elapsed();
            recording.commit().expect("commits");
            took
        })
        .collect();
    times.sort_unstable();
    Judged { after_a_line: times[times.len() / 2], anew }
}

/// What the hook of an agent asks before each use of a tool.
fn ask_as_hook(path: &Path, days: usize) {
    let at_most = Duration::from_millis(50);
    let ledger = Ledger::open_at_once(path, at_most, false).expect("opens").expect("is there");
    assert_eq!(guarding::kept(&ledger).expect("answers"), None);
    let session = Session::new(sessions_before(days) - 10);
    let since = session.started_at - TimeDelta::hours(SESSION_HOURS);
    let (cost, _) = ledger.session_list(&session.id, since).expect("answers");
    assert!(cost.attos > 0, "the session has cost something");
}

fn load_marks(path: &Path) {
    let ledger = Ledger::open_read_only(path).expect("opens").expect("is there");
    assert!(!ledger.marks(codex().id).expect("answers").is_empty());
}

fn fastest(times: usize, mut run: impl FnMut()) -> Duration {
    let run = |_| {
        let started = Instant::now();
        run();
        started.elapsed()
    };
    (0..times).map(run).min().unwrap_or_default()
}

fn ledger_bytes(path: &Path) -> u64 {
    let size = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        std::fs::metadata(name).map_or(0, |metadata| metadata.len())
    };
    size("") + size("-wal") + size("-shm")
}

fn codex() -> &'static SourceInfo {
    spendbar::sources::find("codex").expect("Codex is known").info()
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_764_547_200, 0).expect("1 December 2025")
}

fn sessions_before(day: usize) -> usize {
    day * SESSIONS_IN_30_DAYS / 30
}

struct Session {
    number: usize,
    id: Arc<str>,
    project: Arc<str>,
    model: Arc<str>,
    file: String,
    started_at: DateTime<Utc>,
}

impl Session {
    fn new(number: usize) -> Self {
        let seconds = number * 30 * 24 * 60 * 60 / SESSIONS_IN_30_DAYS;
        let started_at = start() + TimeDelta::seconds(seconds as i64);
        let hash = xxhash_rust::xxh3::xxh3_128(&number.to_le_bytes());
        let hex = format!("{hash:032x}");
        let id = format!("019{}-{}-7000-8{}-{}", &hex[3..8], &hex[8..12], &hex[17..20], &hex[20..]);
        let file = format!(
            "/home/somebody/.codex/sessions/{}/rollout-{}-{id}.jsonl",
            started_at.format("%Y/%m/%d"),
            started_at.format("%Y-%m-%dT%H-%M-%S"),
        );
        Self {
            number,
            id: id.into(),
            project: format!("/home/somebody/projects/number-{}", number % PROJECTS).into(),
            model: MODELS[number % MODELS.len()].into(),
            file,
            started_at,
        }
    }

    fn at(&self, request: usize) -> DateTime<Utc> {
        let millis = request * SESSION_SECONDS * 1000 / REQUESTS;
        self.started_at + TimeDelta::milliseconds(millis as i64)
    }

    /// The prompt grows until the context is full and is compacted.
    fn usage(&self, at: DateTime<Utc>, request: usize) -> Usage {
        let grown = (request % 120) as u64 * 2_000;
        Usage {
            key: EventKey::in_session(self.id.as_bytes(), &[&request.to_le_bytes()]),
            at,
            provider: Some("openai".into()),
            model: Some(Arc::clone(&self.model)),
            tokens: TokenCounts {
                input: 700 + request as u64 % 900,
                cache_read: 20_000 + grown,
                output: 400 + request as u64 % 300,
                reasoning: 150,
                ..TokenCounts::default()
            },
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: Some(Arc::clone(&self.project)),
            session: Some(Arc::clone(&self.id)),
            funding: Funding::Unknown,
            is_sum: false,
        }
    }

    fn mark(&self, request: usize) -> Mark {
        let state = format!(
            r#"{{"session":"{}","cwd":"{}","model":"{}","speed":"standard","in_turn":true,"asked_in_turn":true,"origin":{{"stage":"own","counter":{{"total":[{request},0,0,0,0]}},"seen_rows":true,"born_at":{},"unmetered":0}},"unmetered_told":0}}"#,
            self.id,
            self.project,
            self.model,
            self.started_at.timestamp(),
        );
        let size = (request as u64 + 1) * 40_000;
        Mark {
            offset: size,
            size,
            modified_nanos: self.at(request).timestamp_nanos_opt().unwrap_or(0),
            identity: xxhash_rust::xxh3::xxh3_64(&self.number.to_le_bytes()),
            state,
        }
    }
}
