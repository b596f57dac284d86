//! ZCode, Z.ai's coding agent.
//!
//! # Where
//! `~/.zcode/cli/db/db.sqlite`. `[agents.zcode] roots = [...]` in the config replaces `~/.zcode`.
//!
//! ```sql
//! CREATE TABLE model_usage (id TEXT PRIMARY KEY, session_id TEXT, model_id TEXT, status TEXT,
//!   input_tokens INTEGER, output_tokens INTEGER, reasoning_tokens INTEGER,
//!   cache_creation_input_tokens INTEGER, cache_read_input_tokens INTEGER,
//!   provider_total_tokens INTEGER, computed_total_tokens INTEGER,
//!   started_at INTEGER, completed_at INTEGER);
//! CREATE TABLE session (id TEXT PRIMARY KEY, directory TEXT);
//! ```
//!
//! Sources: getagentseal/codeburn, `src/providers/zcode.ts`, and as observed by readers of real
//! databases of ZCode 0.14 to 0.16.
//!
//! # What counts
//! A row of `model_usage` is a request; the times are milliseconds. The rules, each with a fixture
//! in `tests/fixtures/agents/zcode`:
//!
//! 1. `input_tokens` contains what was read from and written to the cache, unless the row's total
//!    says otherwise (input + cache + output), or the input is smaller than its parts.
//! 2. `output_tokens` contains the reasoning, unless the total says otherwise.
//! 3. A request counts when it is completed, and one that was cut off counts what it reports: most
//!    report nothing. A row is looked at again as long as it is not completed.
//! 4. Rows are asked for by the time of their completion, and a little before: of two requests at
//!    once the earlier one may be written later.

use std::path::Path;
use std::time::UNIX_EPOCH;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use super::agent::{Agent, FileKind, whole_tree};
use super::scan::database::sidecar;
use super::scan::{Findings, Format, Position, Shape};
use super::table::columns;
use super::wire::epoch;
use crate::sources::{SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, EventKey, Funding, Speed, TokenCounts, Usage};

/// ZCode.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "zcode",
        name: "ZCode",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model, project and session",
        reads: "its database of requests (SQLite)",
        limits: "names no provider that could be relied on",
    },
    homes: |places| vec![places.home.join(".zcode")],
    inside: |home| vec![home.join("cli/db")],
    kinds: &[FileKind { is_log: is_database, deepest: 0, format: &Rows }],
    watch: whole_tree,
};

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "db.sqlite")
}

/// How far back rows are asked for again, in milliseconds: longer than a request takes.
const OVERLAP_MS: i64 = 60 * 60 * 1000;

/// How far the rows were read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// The latest completion that was read.
    completed_ms: i64,
    /// The row that a full reading stopped at, by its completion and its number.
    stopped_at: Option<(i64, i64)>,
}

struct Rows;

impl Format for Rows {
    type State = Progress;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    fn database(
        &self,
        file: &Path,
        progress: &mut Progress,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        let known = columns(database, "model_usage")?;
        if known.is_empty() {
            found.skip("a database without requests");
            return Ok(());
        }
        let has = |name: &str| known.iter().any(|column| column == name);
        let needed = ["id", "model_id", "input_tokens", "output_tokens", "completed_at"];
        if !needed.into_iter().all(has) {
            found.problem("model_usage has other columns than are known");
            return Ok(());
        }
        let sessions = columns(database, "session")?;
        let has_folder = has("session_id")
            && ["id", "directory"].iter().all(|name| sessions.iter().any(|column| column == name));
        let mut statement = database.prepare(&question(&has, has_folder))?;
        let stopped_at = progress.stopped_at.take();
        let (from, after) =
            stopped_at.unwrap_or((progress.completed_ms.saturating_sub(OVERLAP_MS), i64::MIN));
        let latest = written_ms(file);
        let mut rows = statement.query((from, after, stopped_at.is_none()))?;
        while let Some(row) = rows.next()? {
            let (number, completed) = (whole(row, 0)?, whole(row, 1)?);
            found.at(Position::Item("row", number.unsigned_abs()));
            read(row, found)?;
            progress.completed_ms = progress.completed_ms.max(completed.min(latest));
            if found.is_full() {
                progress.stopped_at = Some((completed, number));
                found.stopped = true;
                break;
            }
        }
        Ok(())
    }
}

/// When the database was last written. Rows of a clock that went wrong may be of the year 3000, and
/// everything after them must be read all the same.
fn written_ms(database: &Path) -> i64 {
    [database.to_owned(), sidecar(database, "-wal")]
        .iter()
        .filter_map(|file| std::fs::metadata(file).ok()?.modified().ok())
        .filter_map(|time| time.duration_since(UNIX_EPOCH).ok())
        .filter_map(|since| i64::try_from(since.as_millis()).ok())
        .max()
        .unwrap_or(0)
}

/// What is asked; columns that a version does not have are empty.
fn question(has: &dyn Fn(&str) -> bool, has_folder: bool) -> String {
    let wanted = [
        "id",
        "session_id",
        "model_id",
        "started_at",
        "input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "provider_total_tokens",
        "computed_total_tokens",
    ]
    .map(|name| if has(name) { format!("used.{name}") } else { "NULL".to_owned() })
    .join(", ");
    let (folder, join) = if has_folder {
        ("session.directory", "LEFT JOIN session ON session.id = used.session_id")
    } else {
        ("NULL", "")
    };
    // Requests under way come first each time: they have no time of completion yet.
    format!(
        "SELECT used.rowid, coalesce(used.completed_at, 0) AS done, {wanted}, {folder} \
         FROM model_usage AS used {join} \
         WHERE (?3 AND done = 0) OR (done, used.rowid) > (?1, ?2) ORDER BY done, used.rowid"
    )
}

fn read(row: &Row<'_>, found: &mut Findings) -> rusqlite::Result<()> {
    let tokens = Counts {
        input: count(row, 6)?,
        output: count(row, 7)?,
        reasoning: count(row, 8)?,
        cache_write: count(row, 9)?,
        cache_read: count(row, 10)?,
        total: match count(row, 11)? {
            0 => count(row, 12)?,
            total => total,
        },
    }
    .disjoint();
    if tokens.is_zero() {
        found.skip("no tokens in it");
        return Ok(());
    }
    let completed = whole(row, 1)?;
    let at = if completed > 0 { completed } else { whole(row, 5)? };
    let Some(at) = epoch(at).filter(|_| at > 0) else {
        found.problem("a request without a readable time");
        return Ok(());
    };
    let Some(id) = text(row, 2)? else {
        found.problem("a request without an id");
        return Ok(());
    };
    let usage = Usage {
        key: EventKey::original(&[b"zcode", id.as_bytes()], &[]),
        at,
        provider: None,
        model: text(row, 4)?.map(|model| found.share(model.trim())),
        tokens,
        speed: Speed::Standard,
        web_searches: 0,
        stated_cost: None,
        project: text(row, 13)?.map(|folder| found.share(folder)),
        session: text(row, 3)?.map(|session| found.share(session)),
        funding: Funding::Unknown,
        is_sum: false,
    };
    found.count(usage);
    Ok(())
}

/// The counts of a row, some of them inside others.
struct Counts {
    input: u64,
    output: u64,
    reasoning: u64,
    cache_read: u64,
    cache_write: u64,
    total: u64,
}

impl Counts {
    /// See rules 1 and 2.
    fn disjoint(&self) -> TokenCounts {
        let cached = self.cache_read.saturating_add(self.cache_write);
        let is_total = |parts: [u64; 4]| {
            self.total > 0 && parts.into_iter().fold(0, u64::saturating_add) == self.total
        };
        let (input, output, reasoning) = (self.input, self.output, self.reasoning);
        let is_plain = is_total([input, output, 0, 0]);
        let cache_is_outside = !is_plain
            && (is_total([input, output, cached, 0])
                || is_total([input, output, cached, reasoning]));
        let reasoning_is_outside = !is_plain
            && (is_total([input, output, 0, reasoning])
                || is_total([input, output, cached, reasoning]));
        let output = if reasoning_is_outside { output.saturating_add(reasoning) } else { output };
        let inside = if cache_is_outside { 0 } else { cached };
        TokenCounts {
            input: input.checked_sub(inside).unwrap_or(input),
            cache_read: self.cache_read,
            cache_write_5m: self.cache_write,
            cache_write_1h: 0,
            output,
            reasoning: reasoning.min(output),
        }
    }
}

fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(whole(row, at)?).unwrap_or(0))
}

/// A whole number; 0 for anything else.
fn whole(row: &Row<'_>, at: usize) -> rusqlite::Result<i64> {
    Ok(match row.get_ref(at)? {
        ValueRef::Integer(number) => number,
        // Saturates, and not-a-number becomes 0.
        ValueRef::Real(number) => number as i64,
        _ => 0,
    })
}

/// A text; `None` when it is empty or something else.
fn text<'r>(row: &'r Row<'_>, at: usize) -> rusqlite::Result<Option<&'r str>> {
    Ok(row.get_ref(at)?.as_str().ok().filter(|text| !text.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::agents::fixtures::Fold;

    #[test]
    fn rows_under_way_and_rows_that_are_late_are_met() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".zcode/cli/db");
        std::fs::create_dir_all(&folder).unwrap();
        let writer = Connection::open(folder.join("db.sqlite")).unwrap();
        writer.pragma_update(None, "journal_mode", "wal").unwrap();
        writer
            .execute_batch(
                "CREATE TABLE model_usage (id TEXT PRIMARY KEY, model_id TEXT, started_at INTEGER, \
                 completed_at INTEGER, input_tokens INTEGER, output_tokens INTEGER); \
                 INSERT INTO model_usage VALUES ('a', 'glm-5', 1785000000000, NULL, 5, 1), \
                 ('b', 'glm-5', 1785000000000, 1785000009000, 5, 10)",
            )
            .unwrap();
        let mut fold = Fold::default();
        let output = |fold: &mut Fold| {
            fold.look("zcode", home.path(), None);
            fold.total().output
        };
        assert_eq!(output(&mut fold), 11);
        writer
            .execute_batch(
                "UPDATE model_usage SET completed_at = 1785000010000, output_tokens = 100 \
                 WHERE id = 'a'; \
                 INSERT INTO model_usage VALUES ('c', 'glm-5', 1785000000000, 1785000008000, 5, \
                 1000)",
            )
            .unwrap();
        assert_eq!(output(&mut fold), 1110);
        assert_eq!(fold.counted().count(), 3);
    }

    #[test]
    fn the_total_tells_what_is_inside_what() {
        let counts = |total| {
            let counts = Counts {
                input: 100,
                output: 20,
                reasoning: 7,
                cache_read: 30,
                cache_write: 5,
                total,
            };
            let it = counts.disjoint();
            (it.input, it.output, it.reasoning)
        };
        assert_eq!(counts(120), (65, 20, 7));
        assert_eq!(counts(0), (65, 20, 7));
        assert_eq!(counts(127), (65, 27, 7));
        assert_eq!(counts(155), (100, 20, 7));
        assert_eq!(counts(162), (100, 27, 7));
    }
}
