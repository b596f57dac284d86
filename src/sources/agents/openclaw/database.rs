//! OpenClaw's database of each agent, `agents/<agent>/agent/openclaw-agent.sqlite`.
//!
//! ```sql
//! CREATE TABLE transcript_events (session_id TEXT, seq INTEGER, event_json TEXT,
//!   created_at INTEGER, event_zstd BLOB, PRIMARY KEY (session_id, seq));
//! CREATE TABLE session_transcript_archives (session_id TEXT, generation TEXT, encoding TEXT,
//!   archive_blob BLOB, archive_name TEXT, PRIMARY KEY (session_id, generation));
//! CREATE TABLE session_transcript_cold_archives (session_id TEXT PRIMARY KEY, archive_name TEXT,
//!   storage TEXT, archive_blob BLOB);
//! ```
//!
//! 1. `event_json` is what was a line of the transcript. From 2026.9.6 longer events are packed in
//!    `event_zstd` and `event_json` is empty.
//! 2. A session that was deleted or reset moves into an archive: the whole transcript as one blob,
//!    plain (`identity`) or packed (`zstd`). The file of that name is a copy of the blob.
//! 3. Cold archives lie in files unless `storage` is `sqlite`.
//! 4. Nothing else is asked: `sessions` of the first versions became `session_nodes` and
//!    `session_windows`, while these tables stayed. From 2026.5.30 to 2026.7.1 the database has
//!    none of them.
//! 5. Rows are asked for from the last one that was read. Rewriting a session deletes its rows and
//!    may give their numbers to new ones: when the last row is not the one that was read, all of
//!    them are read again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use ruzstd::decoding::StreamingDecoder;
use serde::{Deserialize, Serialize};

use super::super::entries::{self, LONGEST_WITHOUT_USAGE, Session};
use super::super::scan::lines::{LIMITS, read_lines};
use super::super::scan::{Findings, Format, Shape};
use super::super::table::columns;
use super::cursor::{Cursor, bytes, each_new};
use super::{WRITER, read_line};

/// What is unpacked of one event, and of one archive; more is no transcript.
const LONGEST_EVENT: u64 = 64 * 1024 * 1024;
const LONGEST_ARCHIVE: u64 = 4 * 1024 * 1024 * 1024;

/// How many sessions are kept while the rows of many are read; what is forgotten is asked for
/// again.
const SESSIONS_HELD: usize = 512;

/// Whether a path is such a database.
pub fn is_database(path: &Path) -> bool {
    path.ends_with("agent/openclaw-agent.sqlite")
}

/// The rows of the database.
pub struct Rows;

/// The last row of each table that was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    events: Cursor,
    archives: Cursor,
    cold: Cursor,
}

impl Format for Rows {
    type State = Progress;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    fn database(
        &self,
        _file: &Path,
        progress: &mut Progress,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        read_events(&mut progress.events, database, found)?;
        let archives = [
            ("session_transcript_archives", &mut progress.archives),
            ("session_transcript_cold_archives", &mut progress.cold),
        ];
        for (table, cursor) in archives {
            if !found.stopped {
                read_archives(table, cursor, database, found)?;
            }
        }
        Ok(())
    }
}

fn read_events(
    cursor: &mut Cursor,
    database: &Connection,
    found: &mut Findings,
) -> rusqlite::Result<()> {
    let columns = columns(database, "transcript_events")?;
    if columns.is_empty() {
        found.skip("a database without transcripts, as of 2026.5.30 to 2026.7.1");
        return Ok(());
    }
    let has = |name: &str| columns.iter().any(|column| column == name);
    if !["session_id", "seq", "event_json"].into_iter().all(has) {
        found.problem("transcript_events has other columns than are known");
        return Ok(());
    }
    let packed = if has("event_zstd") { "event_zstd" } else { "NULL" };
    let question = format!(
        "SELECT rowid, session_id, seq, event_json, {packed} FROM transcript_events \
         WHERE rowid >= ?1 ORDER BY rowid"
    );
    let mut sessions: HashMap<String, Session> = HashMap::new();
    each_new(database, &question, cursor, found, event, |row, event, found| {
        if !entries::lines().wants(event) {
            found.skip("holds no usage");
            return Ok(());
        }
        let id = row.get_ref(1)?.as_str().unwrap_or_default();
        if !sessions.contains_key(id) {
            if sessions.len() >= SESSIONS_HELD {
                sessions.clear();
            }
            let before = session_before(database, id, row.get(2)?)?;
            sessions.insert(id.to_owned(), before);
        }
        if let Some(session) = sessions.get_mut(id) {
            WRITER.read(session, event, found);
        }
        Ok(())
    })
}

/// What was said of a session before one of its events: its folder and its model.
fn session_before(database: &Connection, id: &str, seq: i64) -> rusqlite::Result<Session> {
    // The length comes first, so that no long text is loaded to be searched.
    let mut statement = database.prepare_cached(
        "SELECT event_json FROM transcript_events WHERE session_id = ?1 AND seq < ?2 \
         AND octet_length(event_json) < ?3 \
         AND (instr(event_json, '\"modelId\"') OR instr(event_json, '\"cwd\"')) ORDER BY seq",
    )?;
    let mut session = Session::named(id);
    // They were told of when they were read.
    let mut told = Findings::default();
    let mut rows = statement.query((id, seq, LONGEST_WITHOUT_USAGE as i64))?;
    while let Some(row) = rows.next()? {
        WRITER.read(&mut session, bytes(row.get_ref(0)?), &mut told);
    }
    Ok(session)
}

fn read_archives(
    table: &str,
    cursor: &mut Cursor,
    database: &Connection,
    found: &mut Findings,
) -> rusqlite::Result<()> {
    let columns = columns(database, table)?;
    let has = |name: &str| columns.iter().any(|column| column == name);
    if !has("session_id") || !has("archive_blob") {
        return Ok(());
    }
    let question = format!(
        "SELECT rowid, session_id, archive_blob FROM {table} WHERE rowid >= ?1 ORDER BY rowid"
    );
    each_new(database, &question, cursor, found, blob, |row, blob, found| {
        if blob.is_empty() {
            found.skip("its transcript lies in a file");
            return Ok(());
        }
        let session = Session::named(row.get_ref(1)?.as_str().unwrap_or_default());
        if let Err(error) = read_transcript(session, blob, found) {
            found.problem(format!("an archived transcript could not be read: {error}"));
        }
        Ok(())
    })
}

/// Reads the lines of a transcript, packed or not: the blob itself tells.
fn read_transcript(mut session: Session, blob: &[u8], found: &mut Findings) -> io::Result<()> {
    let unpacked: Box<dyn Read + '_> = if blob.starts_with(&PACKED) {
        Box::new(StreamingDecoder::new(blob).map_err(io::Error::other)?.take(LONGEST_ARCHIVE))
    } else {
        Box::new(blob)
    };
    // An archive is whole: its last line counts without a line end too.
    let mut input = unpacked.chain(&b"\n"[..]);
    let ended = read_lines(&mut input, &mut Vec::new(), 0, LIMITS, |_, region| {
        entries::lines().each(region, |_, line| {
            read_line(&mut session, line, found);
            ControlFlow::Continue(())
        })
    })?;
    for _ in ended.too_long {
        found.problem("a line too large to be read was left out");
    }
    Ok(())
}

/// How everything packed with Zstandard begins (RFC 8878, 3.1.1).
const PACKED: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// An event's text, unpacked.
fn event<'r>(row: &'r Row<'_>) -> rusqlite::Result<Result<Cow<'r, [u8]>, String>> {
    let plain = row.get_ref(3)?;
    let packed = bytes(row.get_ref(4)?);
    if plain != ValueRef::Null || packed.is_empty() {
        return Ok(Ok(Cow::Borrowed(bytes(plain))));
    }
    let unpacked = StreamingDecoder::new(packed).map_err(io::Error::other).and_then(|decoder| {
        let mut text = Vec::new();
        decoder.take(LONGEST_EVENT).read_to_end(&mut text).map(|_| text)
    });
    Ok(match unpacked {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(error) => Err(format!("an event could not be unpacked: {error}")),
    })
}

fn blob<'r>(row: &'r Row<'_>) -> rusqlite::Result<Result<Cow<'r, [u8]>, String>> {
    Ok(Ok(Cow::Borrowed(bytes(row.get_ref(2)?))))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::sources::agents::fixtures::Fold;

    fn answer(id: &str, output: u32) -> String {
        format!(
            r#"{{"type":"message","id":"{id}","timestamp":"2026-10-01T08:00:0{output}.000Z","message":{{"role":"assistant","usage":{{"input":10,"output":{output},"cacheRead":0,"cacheWrite":0}}}}}}"#
        )
    }

    const HEADER: &str =
        r#"{"type":"session","id":"s","timestamp":"2026-10-01T08:00:00.000Z","cwd":"/home/ada"}"#;
    const MODEL: &str = r#"{"type":"model_change","provider":"openai","modelId":"gpt-5.4"}"#;

    struct Claw {
        home: tempfile::TempDir,
        writer: Connection,
        fold: Fold,
    }

    impl Claw {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let path = path_in(home.path());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let writer = Connection::open(path).unwrap();
            writer.pragma_update(None, "journal_mode", "wal").unwrap();
            writer.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
            writer
                .execute_batch(
                    "CREATE TABLE transcript_events (session_id TEXT NOT NULL, \
                     seq INTEGER NOT NULL, event_json TEXT, created_at INTEGER NOT NULL, \
                     event_zstd BLOB, PRIMARY KEY (session_id, seq)) STRICT",
                )
                .unwrap();
            Self { home, writer, fold: Fold::default() }
        }

        fn write(&self, session: &str, seq: i64, event: &str) {
            self.writer
                .execute(
                    "INSERT INTO transcript_events (session_id, seq, event_json, created_at) \
                     VALUES (?1, ?2, ?3, 0)",
                    (session, seq, event),
                )
                .unwrap();
        }

        /// Looks, and gives the events, their output and the problems so far.
        fn look(&mut self) -> (usize, u64, usize) {
            self.fold.look("openclaw", self.home.path(), None);
            (self.fold.counted().count(), self.fold.total().output, self.fold.problems)
        }
    }

    fn path_in(home: &Path) -> PathBuf {
        home.join(".openclaw/agents/main/agent/openclaw-agent.sqlite")
    }

    #[test]
    fn rows_in_the_write_ahead_log_count_once_before_and_after_it_is_written_back() {
        let mut claw = Claw::new();
        claw.write("s", 0, HEADER);
        claw.write("s", 1, MODEL);
        claw.write("s", 2, &answer("a", 1));
        assert_eq!(claw.look(), (1, 1, 0));
        claw.write("s", 3, &answer("b", 2));
        let path = path_in(claw.home.path());
        let size = fs::metadata(&path).unwrap().len();
        assert_eq!(claw.look(), (2, 3, 0));
        assert_eq!(fs::metadata(&path).unwrap().len(), size, "still in the log alone");
        claw.writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        assert_eq!(claw.look(), (2, 3, 0));
        // Folder and model were said in rows that are not read again.
        assert!(claw.fold.counted().all(|usage| {
            usage.model.as_deref() == Some("gpt-5.4")
                && usage.project.as_deref() == Some("/home/ada")
        }));
    }

    #[test]
    fn a_rewritten_session_whose_row_numbers_come_again_hides_nothing() {
        let mut claw = Claw::new();
        claw.write("s", 0, HEADER);
        claw.write("s", 1, &answer("a", 1));
        claw.write("s", 2, &answer("b", 2));
        assert_eq!(claw.look(), (2, 3, 0));
        claw.writer.execute("DELETE FROM transcript_events", []).unwrap();
        claw.write("s", 0, HEADER);
        claw.write("s", 1, &answer("c", 4));
        claw.write("s", 2, &answer("a", 1));
        assert_eq!(claw.look(), (3, 7, 0));
        claw.writer.execute("DELETE FROM transcript_events", []).unwrap();
        assert_eq!(claw.look(), (3, 7, 0));
        claw.write("t", 0, &answer("d", 8));
        assert_eq!(claw.look(), (4, 15, 0));
    }

    #[test]
    fn what_can_not_be_unpacked_is_a_problem_and_the_rest_counts() {
        let mut claw = Claw::new();
        claw.write("s", 0, HEADER);
        claw.writer
            .execute(
                "INSERT INTO transcript_events (session_id, seq, created_at, event_zstd) \
                 VALUES ('s', 1, 0, x'28b52ffd00')",
                [],
            )
            .unwrap();
        claw.write("s", 2, r#"{"type":"message","usage"#);
        claw.write("s", 3, &answer("a", 1));
        claw.writer
            .execute_batch(
                "CREATE TABLE session_transcript_archives (session_id TEXT, archive_blob BLOB); \
                 INSERT INTO session_transcript_archives VALUES ('t', x'28b52ffd00'), ('u', '')",
            )
            .unwrap();
        assert_eq!(claw.look(), (1, 1, 3));
    }

    #[test]
    fn other_columns_than_known_are_a_problem() {
        let mut claw = Claw::new();
        claw.writer
            .execute_batch("ALTER TABLE transcript_events RENAME COLUMN event_json TO event")
            .unwrap();
        assert_eq!(claw.look(), (0, 0, 1));
    }
}
