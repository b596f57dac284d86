//! Every fixture of every agent, read in every way that must give the same figures.
//!
//! A case is `tests/fixtures/agents/<source>/<case>/` with a pretend `home/` and the counts worked
//! out by hand in `expected.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::sources::providers::http::Client;
use crate::sources::{Look, Places, SOURCES, SourceError, SourceKind, find};
use crate::spend::{Amounts, EventKey, Marks, Reading, Relation, Speed, TokenCounts, Usage};

/// Looks at a source once.
pub fn read(
    source: &str,
    places: &Places,
    marks: &Marks,
    only: Option<&[PathBuf]>,
) -> Result<Reading, SourceError> {
    static HTTP: LazyLock<Client> = LazyLock::new(Client::new);
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    let since = chrono::NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
    let look = Look {
        now,
        places,
        marks,
        only,
        most: 8_000,
        key: None,
        base_url: None,
        settings: &std::collections::BTreeMap::new(),
        since,
        http: &HTTP,
    };
    let source = find(source).unwrap_or_else(|| panic!("{source} is not in the table"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(source.read(&look))
}

pub fn places(home: &Path) -> Places {
    Places { home: home.to_owned(), ..Places::default() }
}

/// Applies readings by the ledger's rule: each original of a group once, at its largest record; a
/// copy only while its group has no original.
#[derive(Default)]
pub struct Fold {
    pub events: BTreeMap<EventKey, Usage>,
    pub marks: Marks,
    pub unmetered: u64,
    pub problems: usize,
    /// `child subagent of parent`.
    pub kin: BTreeSet<String>,
}

impl Fold {
    pub fn apply(&mut self, reading: Reading) {
        reading.move_marks(&mut self.marks);
        for usage in reading.usages {
            match self.events.get(&usage.key) {
                Some(known) if !usage.outranks(known) => {}
                _ => drop(self.events.insert(usage.key, usage)),
            }
        }
        self.unmetered += reading.unmetered_tokens;
        self.problems += reading.problems.len();
        self.kin.extend(reading.kin.iter().map(|kin| {
            let how = match kin.relation {
                Relation::Subagent => "subagent",
                Relation::Fork => "fork",
            };
            format!("{} {how} of {}", kin.session, kin.parent)
        }));
    }

    /// Looks until nothing is left to read, as the monitor does.
    pub fn look(&mut self, source: &str, home: &Path, only: Option<&[PathBuf]>) {
        loop {
            let reading = match read(source, &places(home), &self.marks, only) {
                Err(SourceError::NotInstalled) => return,
                reading => reading.unwrap(),
            };
            let more = reading.more;
            self.apply(reading);
            if !more {
                return;
            }
        }
    }

    pub fn counted(&self) -> impl Iterator<Item = &Usage> {
        self.events.values().filter(|usage| {
            let (low, high) = usage.key.group_bounds();
            self.events.range(low..=high).all(|(key, _)| key.rank() <= usage.key.rank())
        })
    }

    pub fn total(&self) -> TokenCounts {
        let mut total = TokenCounts::default();
        self.counted().for_each(|usage| total.add(&usage.tokens));
        total
    }

    fn summary(&self) -> Summary {
        let mut rows: BTreeMap<(String, Option<String>), (RowCounts, Amounts)> = BTreeMap::new();
        for usage in self.counted() {
            let day = usage.at.date_naive().to_string();
            let model = usage.model.as_deref().map(str::to_owned);
            let (row, cost) = rows.entry((day, model)).or_default();
            row.events += 1;
            row.tokens.add(&usage.tokens);
            row.fast += u64::from(usage.speed == Speed::Fast);
            row.web_searches += u64::from(usage.web_searches);
            if let Some(stated) = usage.stated_cost {
                cost.add(stated);
            }
        }
        Summary {
            events: self.counted().count(),
            unmetered: self.unmetered,
            rows: rows
                .into_iter()
                .map(|((day, model), (row, cost))| {
                    let cost = (!cost.is_empty()).then(|| cost.usd().to_decimal());
                    (day, model, row, cost)
                })
                .collect(),
        }
    }
}

#[derive(Debug, Default, PartialEq)]
struct RowCounts {
    events: u64,
    tokens: TokenCounts,
    fast: u64,
    web_searches: u64,
}

#[derive(Debug, PartialEq)]
struct Summary {
    events: usize,
    unmetered: u64,
    rows: Vec<(String, Option<String>, RowCounts, Option<String>)>,
}

#[derive(Deserialize)]
struct Expected {
    events: usize,
    problems: usize,
    why: Vec<String>,
    /// Tokens that can't be told from a missing parent's.
    #[serde(default)]
    unmetered: u64,
    /// Which sessions came from which, where that is what the case is about.
    kin: Option<BTreeSet<String>>,
    usage: Vec<ExpectedRow>,
}

#[derive(Deserialize)]
struct ExpectedRow {
    day: String,
    model: Option<String>,
    events: u64,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

impl Expected {
    fn summary(self) -> (Summary, usize) {
        let rows = self.usage.into_iter().map(|row| {
            let field = |name: &str| row.rest.get(name).and_then(|v| v.as_u64()).unwrap_or(0);
            let counts = RowCounts {
                events: row.events,
                tokens: TokenCounts {
                    input: field("input"),
                    cache_read: field("cache_read"),
                    cache_write_5m: field("cache_write_5m"),
                    cache_write_1h: field("cache_write_1h"),
                    output: field("output"),
                    reasoning: field("reasoning"),
                },
                fast: field("fast"),
                web_searches: field("web_searches"),
            };
            let cost = row.rest.get("own_cost_usd").and_then(|cost| cost.as_str());
            (row.day, row.model, counts, cost.map(str::to_owned))
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        (Summary { events: self.events, unmetered: self.unmetered, rows }, self.problems)
    }
}

struct Case {
    source: String,
    name: String,
    home: PathBuf,
    expected: Summary,
    problems: usize,
    kin: Option<BTreeSet<String>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents")
}

fn folders_of(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn cases() -> Vec<Case> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut cases = Vec::new();
    for source in folders_of(&folder()) {
        for case in folders_of(&source) {
            let text = fs::read_to_string(case.join("expected.json")).unwrap();
            let expected: Expected = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", case.display()));
            assert!(!expected.why.is_empty(), "{}: say why", case.display());
            let kin = expected.kin.clone();
            let (expected, problems) = expected.summary();
            let (source, name) = (name(&source), name(&case));
            cases.push(Case { source, name, home: case.join("home"), expected, problems, kin });
        }
    }
    cases
}

/// All files below a folder, in a stable order, relative to it.
pub fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in folders_of(&folder) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files.into_iter().map(|file| file.strip_prefix(root).unwrap().to_owned()).collect()
}

/// Whether the agent writes the file piece by piece. Others are there whole or not at all.
fn grows(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "jsonl")
}

fn append(home: &Path, file: &Path, bytes: &[u8]) {
    let path = home.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

fn check(case: &Case, how: &str, fold: &Fold) {
    assert_eq!(fold.summary(), case.expected, "{}/{}, {how}", case.source, case.name);
}

#[test]
fn every_agent_has_fixtures() {
    for source in SOURCES.iter().filter(|source| source.info().kind == SourceKind::Agent) {
        let id = source.info().id;
        assert!(
            !folders_of(&folder().join(id)).is_empty(),
            "{id} has no case in tests/fixtures/agents/{id}: count one by hand"
        );
    }
}

#[test]
fn the_list_of_mistakes_names_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code: String = ["src", "tests"]
        .iter()
        .flat_map(|part| {
            files_below(&root.join(part)).into_iter().map(move |f| root.join(part).join(f))
        })
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let list = fs::read_to_string(folder().join("README.md")).unwrap();
    let mut count = 0;
    for row in list.lines().filter(|row| row.starts_with("| ") && row.contains('`')) {
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for name in shown_by.split(", ") {
            let name = name.trim_matches('`');
            let is_there = match name.contains('/') {
                true => folder().join(name).join("expected.json").is_file(),
                false => code.contains(&format!("fn {name}(")),
            };
            assert!(is_there, "{row}: no fixture or test is called {name}");
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn cold_and_again() {
    for case in cases() {
        let mut fold = Fold::default();
        fold.look(&case.source, &case.home, None);
        check(&case, "cold", &fold);
        assert_eq!(fold.problems, case.problems, "problems of {}/{}", case.source, case.name);
        if let Some(kin) = &case.kin {
            assert_eq!(fold.kin, *kin, "kin of {}/{}", case.source, case.name);
        }
        let again = read(&case.source, &places(&case.home), &fold.marks, None).unwrap();
        assert_eq!(again, Reading::default(), "{}/{}: nothing is new", case.source, case.name);
        // And read again from the start, the same events come again.
        fold.marks.clear();
        let unmetered = std::mem::take(&mut fold.unmetered);
        fold.look(&case.source, &case.home, None);
        assert_eq!(fold.unmetered, unmetered);
        check(&case, "twice", &fold);
    }
}

#[test]
fn in_either_order_of_files() {
    for case in cases() {
        let mut files = files_below(&case.home);
        for how in ["in order", "reversed"] {
            let mut fold = Fold::default();
            for file in &files {
                let only = [case.home.join(file)];
                fold.look(&case.source, &case.home, Some(&only));
            }
            check(&case, how, &fold);
            files.reverse();
        }
    }
}

#[test]
fn files_that_appear_one_after_the_other() {
    for case in cases().iter().filter(|case| case.expected.unmetered == 0) {
        let mut files = files_below(&case.home);
        for how in ["appearing in order", "appearing in reverse"] {
            let home = tempfile::tempdir().unwrap();
            let mut fold = Fold::default();
            for file in &files {
                append(home.path(), file, &fs::read(case.home.join(file)).unwrap());
                fold.look(&case.source, home.path(), None);
            }
            // What could not be told while the parent was missing was reported then.
            fold.unmetered = 0;
            check(case, how, &fold);
            files.reverse();
        }
    }
}

#[test]
fn growing_line_by_line() {
    for case in cases() {
        let home = tempfile::tempdir().unwrap();
        let mut fold = Fold::default();
        for file in files_below(&case.home) {
            let bytes = fs::read(case.home.join(&file)).unwrap();
            for line in bytes.split_inclusive(|byte| *byte == b'\n' && grows(&file)) {
                append(home.path(), &file, line);
                fold.look(&case.source, home.path(), None);
            }
        }
        check(&case, "line by line", &fold);
    }
}

#[test]
fn growing_by_any_number_of_bytes() {
    for case in cases() {
        for seed in 0..4 {
            let mut random = fastrand::Rng::with_seed(seed);
            let home = tempfile::tempdir().unwrap();
            let mut fold = Fold::default();
            let mut rest: Vec<_> = files_below(&case.home)
                .into_iter()
                .map(|file| (fs::read(case.home.join(&file)).unwrap(), file))
                .collect();
            // Parents before children, as in life; the order of looks is what varies.
            while let Some((bytes, file)) = rest.first_mut() {
                let cut = if grows(file) { random.usize(1..900) } else { bytes.len() };
                let cut = cut.min(bytes.len());
                append(home.path(), file, &bytes[..cut]);
                bytes.drain(..cut);
                let path = [home.path().join(&*file)];
                let only = random.bool().then_some(&path[..]);
                fold.look(&case.source, home.path(), only);
                if rest[0].0.is_empty() {
                    rest.remove(0);
                }
            }
            check(&case, &format!("cut at random, seed {seed}"), &fold);
        }
    }
}
