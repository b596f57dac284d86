//! What people and broken disks put among the logs: each thing is one clear problem, or none where
//! it is simply no log, and the rest of the look goes on.

use std::fs;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::LazyLock;

use rusqlite::Connection;

use super::agent::{Agent, FileKind, is_jsonl, itself, not_watched};
use super::fixtures::places;
use super::scan::lines::{Filter, LIMITS, read_lines};
use super::scan::walk::list;
use super::scan::{Findings, Format, Position, Shape, scan};
use crate::sources::{SourceInfo, SourceKind};
use crate::spend::{EventKey, Funding, Marks, Reading, Speed, TokenCounts, Usage};

/// An agent with one file of each shape; a record is a number of output tokens.
static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "odd",
        name: "Odd",
        kind: SourceKind::Agent,
        account: "anthropic",
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "",
        reads: "",
        limits: "",
    },
    homes: |places| vec![places.home.clone()],
    inside: itself,
    kinds: &[
        FileKind { is_log: is_jsonl, deepest: 4, format: &Lines },
        FileKind { is_log: is_json, deepest: 4, format: &Document },
        FileKind { is_log: is_db, deepest: 4, format: &Database },
    ],
    watch: not_watched,
};

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn is_db(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "db")
}

struct Lines;
struct Document;
struct Database;

impl Format for Lines {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> = LazyLock::new(|| Filter::Picked(|_| true));
        Shape::Lines(&FILTER)
    }

    fn line(&self, _file: &Path, (): &mut (), line: &[u8], found: &mut Findings) {
        match serde_json::from_slice(line) {
            Ok(output) => found.count(usage("line", output)),
            Err(_) => found.problem("not a number"),
        }
    }
}

impl Format for Document {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        Shape::Document
    }

    fn document(&self, _file: &Path, (): &mut (), text: &[u8], found: &mut Findings) {
        match serde_json::from_slice::<Vec<u64>>(text) {
            Ok(counts) => counts.into_iter().for_each(|output| found.count(usage("item", output))),
            Err(_) => found.problem("not a list of numbers"),
        }
    }
}

impl Format for Database {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    fn database(
        &self,
        _file: &Path,
        (): &mut (),
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        let mut rows = database.prepare("SELECT rowid, n FROM t")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            found.at(Position::Item("row", row.get::<_, i64>(0)?.unsigned_abs()));
            found.count(usage("row", row.get::<_, i64>(1)?.unsigned_abs()));
        }
        Ok(())
    }
}

fn usage(kind: &str, output: u64) -> Usage {
    Usage {
        key: EventKey::original(&[kind.as_bytes(), &output.to_le_bytes()], &[]),
        at: "2026-03-02T09:00:00Z".parse().unwrap(),
        provider: None,
        model: None,
        tokens: TokenCounts { output, ..TokenCounts::default() },
        speed: Speed::Standard,
        web_searches: 0,
        stated_cost: None,
        project: None,
        session: None,
        funding: Funding::Unknown,
        is_sum: false,
    }
}

/// A home with one good file of each shape: 1, 2 and 3 tokens.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("good.jsonl"), "1\n").unwrap();
    fs::write(home.path().join("good.json"), "[2]").unwrap();
    database(&home.path().join("good.db"), [3]);
    home
}

fn database(path: &Path, rows: impl IntoIterator<Item = i64>) -> Connection {
    let database = Connection::open(path).unwrap();
    database.execute_batch("PRAGMA page_size = 512; CREATE TABLE t (n)").unwrap();
    database.execute_batch("BEGIN").unwrap();
    for n in rows {
        database.execute("INSERT INTO t VALUES (?1)", [n]).unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
    database
}

/// Looks twice: the good files count, and the problems are these, each told once a look.
#[track_caller]
fn check(home: &Path, problems: &[(&str, &str)]) -> Reading {
    let reading = AGENT.look(&places(home), &Marks::new(), None, 8_000).unwrap();
    let good: Vec<_> = reading.usages.iter().map(|usage| usage.tokens.output).collect();
    assert!([1, 2, 3].iter().all(|count| good.contains(count)), "{good:?}");
    let told: Vec<_> = reading
        .problems
        .iter()
        .map(|problem| (problem.place.rsplit('/').next().unwrap(), problem.what.as_str()))
        .collect();
    assert_eq!(told.len(), problems.len(), "{told:?}");
    for ((place, what), (odd, clause)) in told.iter().zip(problems) {
        assert_eq!(place, odd);
        assert!(what.contains(clause), "{what}");
    }
    reading
}

#[test]
fn good_files_alone_are_no_problem() {
    check(home().path(), &[]);
}

#[test]
fn zeroes_are_an_unfinished_line_or_a_problem() {
    let home = home();
    fs::write(home.path().join("zeroes.jsonl"), vec![0; 1 << 20]).unwrap();
    check(home.path(), &[]);
    fs::write(home.path().join("zeroes.jsonl"), [vec![0; 1 << 20], vec![b'\n']].concat()).unwrap();
    fs::write(home.path().join("zeroes.json"), vec![0; 4096]).unwrap();
    fs::write(home.path().join("zeroes.db"), vec![0; 4096]).unwrap();
    check(
        home.path(),
        &[
            ("zeroes.jsonl", "not a number"),
            ("zeroes.json", "not a list"),
            ("zeroes.db", "not a database"),
        ],
    );
}

#[cfg(unix)]
#[test]
fn pipes_folders_and_links_with_the_name_of_a_log_are_no_logs() {
    use std::os::unix::fs::symlink;
    let home = home();
    for name in ["pipe.jsonl", "pipe.json", "pipe.db"] {
        let made = std::process::Command::new("mkfifo").arg(home.path().join(name)).status();
        assert!(made.unwrap().success());
    }
    for name in ["folder.jsonl", "folder.json", "folder.db"] {
        fs::create_dir(home.path().join(name)).unwrap();
    }
    symlink(home.path(), home.path().join("folder.jsonl/loop")).unwrap();
    symlink("itself.jsonl", home.path().join("itself.jsonl")).unwrap();
    symlink("nowhere", home.path().join("dangling.db")).unwrap();
    let reading = check(home.path(), &[]);
    assert_eq!((reading.usages.len(), reading.marks.len()), (3, 3));
}

#[cfg(unix)]
#[test]
fn files_without_permission_are_a_problem_each() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let names = ["locked.jsonl", "locked.json", "locked.db"];
    for name in names {
        let path = home.path().join(name);
        fs::write(&path, "1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    }
    if fs::read(home.path().join(names[0])).is_ok() {
        eprintln!("skipped: the superuser may read everything");
        return;
    }
    check(home.path(), &names.map(|name| (name, "permission denied")));
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_read_as_it_is() {
    let home = home();
    let path = home.path().join("shrinking.jsonl");
    fs::write(&path, "10\n20\n30\n").unwrap();
    let roots = [home.path().to_owned()];
    let before =
        scan(&Lines, list(&roots, None, 4, &Marks::new(), &is_jsonl), &Marks::new(), 8_000);
    let marks: Marks =
        before.marks.into_iter().filter_map(|(name, mark)| Some((name, mark?))).collect();
    fs::write(&path, "10\n20\n30\n40\n").unwrap();
    let listing = list(&roots, None, 4, &marks, &is_jsonl);
    // Between the walk and the reading.
    fs::write(&path, "50\n").unwrap();
    let reading = scan(&Lines, listing, &marks, 8_000);
    let found: Vec<_> = reading.usages.iter().map(|usage| usage.tokens.output).collect();
    assert_eq!((found, reading.problems), (vec![50], vec![]));
}

#[test]
fn a_document_cut_in_the_middle_is_one_problem() {
    let home = home();
    fs::write(home.path().join("cut.json"), "[10, 20, 3").unwrap();
    fs::write(home.path().join("empty.json"), "").unwrap();
    check(home.path(), &[("cut.json", "not a list"), ("empty.json", "not a list")]);
}

#[test]
fn databases_that_are_none_or_cut_or_locked_are_one_problem_each() {
    let home = home();
    fs::write(home.path().join("a-garbage.db"), "no database ".repeat(500)).unwrap();
    let cut = home.path().join("b-cut.db");
    drop(database(&cut, 1000..2000));
    let bytes = fs::read(&cut).unwrap();
    assert!(bytes.len() > 8 * 512);
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let locked = database(&home.path().join("c-locked.db"), [10]);
    locked.execute_batch("BEGIN EXCLUSIVE").unwrap();
    fs::write(home.path().join("d-empty.db"), "").unwrap();
    let reading = check(
        home.path(),
        &[
            ("a-garbage.db", "not a database"),
            ("b-cut.db", "malformed"),
            ("c-locked.db", "locked"),
            ("d-empty.db", "no such table"),
        ],
    );
    // What could not be read has no mark: it is tried again, and the lock does not last.
    assert!(reading.marks.keys().all(|name| name.contains("good")));
    locked.execute_batch("ROLLBACK").unwrap();
    let reading = AGENT.look(&places(home.path()), &Marks::new(), None, 8_000).unwrap();
    assert!(reading.usages.iter().any(|usage| usage.tokens.output == 10));
}

#[test]
fn a_line_of_200_mb_takes_no_memory() {
    /// A JSON object with one text of 200 MB, made while it is read.
    struct Huge {
        sent: usize,
    }
    const TEXT: usize = 200 << 20;
    const HEAD: &[u8] = br#"{"usage":7,"text":""#;
    const TAIL: &[u8] = b"\"}\n";
    impl Read for Huge {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let piece: &[u8] = match self.sent {
                at if at < HEAD.len() => &HEAD[at..],
                at if at < HEAD.len() + TEXT => {
                    let count = into.len().min(HEAD.len() + TEXT - at);
                    into[..count].fill(b'x');
                    self.sent += count;
                    return Ok(count);
                }
                at => &TAIL[(at - HEAD.len() - TEXT).min(TAIL.len())..],
            };
            let count = into.len().min(piece.len());
            into[..count].copy_from_slice(&piece[..count]);
            self.sent += count;
            Ok(count)
        }
    }
    let mut buffer = Vec::new();
    let mut found = Vec::new();
    let ended = read_lines(&mut Huge { sent: 0 }, &mut buffer, 0, LIMITS, |_, region| {
        found.push(region.to_vec());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(
        found,
        [br#"{"usage":7,"text":""}"#.iter().chain(b"\n").copied().collect::<Vec<_>>()]
    );
    assert_eq!(ended.offset, (HEAD.len() + TEXT + TAIL.len()) as u64);
    assert!(ended.too_long.is_empty());
    assert!(buffer.capacity() <= LIMITS.plain, "{}", buffer.capacity());
}
