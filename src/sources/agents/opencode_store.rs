//! The messages of OpenCode and of the agents that descend from it (Kilo Code).
//!
//! # Where
//! In a data folder `<name>.db` and `<name>-<channel>.db`, one for every release channel, and the
//! files of versions before the database, `storage/message/<session>/<message>.json`. They stay
//! when a version with a database takes them over, under the same ids.
//!
//! # What counts
//! Table `message(id, session_id, time_created, time_updated, data)`; `data` is the JSON that the
//! old files hold. Messages of `role: "assistant"` are requests. The rules, each with a fixture in
//! `tests/fixtures/agents/opencode` or a test below:
//!
//! 1. `tokens.input` leaves out both `tokens.cache` kinds. A count below zero, which old versions
//!    wrote where a provider's input already left them out, is none.
//! 2. Versions that write `tokens.total` write `output` without `reasoning`, except some old ones
//!    (1.1.65): where the total is input, caches and output, reasoning is inside output. Without a
//!    total it is taken to be inside unless it is larger than the output.
//! 3. A fork copies messages under new ids and leaves everything else as it was. So the key is not
//!    the id but the moment of creation, provider, model and counts; the old file of a message and
//!    its row have the same.
//! 4. A message without `time.completed` is still being written, or was left by a crash. It counts
//!    with what it holds, and yields to the completed message of the same moment.
//! 5. Child sessions hold messages of their own, archived sessions are paid for too: every session
//!    counts.
//! 6. `cost` is in dollars, by OpenCode's price list or, for GitHub Copilot, from the credits that
//!    GitHub reports. 0 (subscriptions, unknown models) says nothing.
//! 7. The sums in table `session` repeat the messages.
//!
//! Sources: `packages/opencode/src/session/{index,session,session.sql}.ts` and
//! `storage/json-migration.ts` of github.com/anomalyco/opencode; rule 2 also as observed in 1.1.65.

mod message;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::scan::{Findings, Format, Position, Shape};
use super::table::columns;
use crate::spend::{Kin, Relation};
use message::Origin;

/// The data folder, for the databases, and its tree of message files.
pub fn folders(home: &Path) -> Vec<PathBuf> {
    vec![home.to_owned(), home.join("storage/message")]
}

/// `<name>.db`, `<name>-<channel>.db`.
pub fn is_database(path: &Path, name: &str) -> bool {
    let Some(stem) = path.file_name().and_then(|file| file.to_str()?.strip_suffix(".db")) else {
        return false;
    };
    stem.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// `storage/message/<session>/<message>.json`.
pub fn is_message_file(path: &Path) -> bool {
    let mut above = path.ancestors().skip(2).filter_map(Path::file_name);
    path.extension().is_some_and(|extension| extension == "json")
        && above.next().is_some_and(|name| name == "message")
        && above.next().is_some_and(|name| name == "storage")
}

/// The database.
pub struct Messages;

/// What of the table was read.
///
/// A pass walks the table by row number, which needs no sorting. New to it are rows that were
/// updated since the newest update the last pass met; rows that a restored backup or an import
/// brought with an old time have a higher number than any row before.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Passes {
    since: i64,
    highest: i64,
    /// Where an unfinished pass stands.
    row: i64,
    newest: i64,
}

impl Format for Messages {
    type State = Passes;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    fn database(
        &self,
        _file: &Path,
        passes: &mut Passes,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        let known = columns(database, "message")?;
        if known.is_empty() {
            found.skip("a database without messages");
            return Ok(());
        }
        let updated = if known.contains("time_updated") { "time_updated" } else { "0" };
        let folders = columns(database, "session")?.contains("directory");
        if passes.row == 0 {
            found.kin.extend(subagents(database, passes.since)?);
        }
        let mut select = database.prepare(&format!(
            "SELECT rowid, {updated}, session_id, data FROM message
             WHERE rowid > ?1 AND ({updated} >= ?2 OR rowid > ?3) ORDER BY rowid"
        ))?;
        let mut rows = select.query([passes.row, passes.since, passes.highest])?;
        while let Some(row) = rows.next()? {
            if found.is_full() {
                found.stopped = true;
                return Ok(());
            }
            let number: i64 = row.get(0)?;
            found.at(Position::Item("row", number.unsigned_abs()));
            passes.row = number;
            passes.newest = passes.newest.max(row.get_ref(1)?.as_i64().unwrap_or(0));
            let session = row.get_ref(2)?.as_str().unwrap_or("");
            let Ok(data) = row.get_ref(3)?.as_bytes() else {
                found.problem("a message that is no text");
                continue;
            };
            let folder = || if folders { folder_of(database, session) } else { None };
            message::read(data, &Origin { session, folder: &folder }, found);
        }
        passes.highest = passes.highest.max(passes.row);
        passes.since = passes.newest;
        passes.row = 0;
        Ok(())
    }
}

fn folder_of(database: &Connection, session: &str) -> Option<String> {
    let mut select = database.prepare_cached("SELECT directory FROM session WHERE id = ?1").ok()?;
    // A folder is good to have; without it the message counts all the same.
    select.query_row([session], |row| row.get(0)).optional().ok().flatten()
}

/// The files of versions before the database.
pub struct MessageFiles;

impl Format for MessageFiles {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        Shape::Document
    }

    fn document(&self, file: &Path, (): &mut (), text: &[u8], found: &mut Findings) {
        let session = file.parent().and_then(|folder| folder.file_name()?.to_str()).unwrap_or("");
        let folder = || session_file(file).and_then(|file| folder_in(&file));
        message::read(text, &Origin { session, folder: &folder }, found);
    }
}

/// `storage/session/<project>/<session>.json` for a message file.
fn session_file(message: &Path) -> Option<PathBuf> {
    let name = format!("{}.json", message.parent()?.file_name()?.to_str()?);
    let sessions = message.ancestors().nth(3)?.join("session");
    std::fs::read_dir(sessions)
        .ok()?
        .filter_map(Result::ok)
        .map(|project| project.path().join(&name))
        .find(|file| file.is_file())
}

fn folder_in(session: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Session {
        directory: Option<String>,
    }
    let text = std::fs::read(session).ok()?;
    serde_json::from_slice::<Session>(&text).ok()?.directory
}

/// The sessions that another one started, of those that changed since the last pass.
fn subagents(database: &Connection, since: i64) -> rusqlite::Result<Vec<Kin>> {
    let known = columns(database, "session")?;
    if !known.contains("parent_id") {
        return Ok(Vec::new());
    }
    let updated = if known.contains("time_updated") { "time_updated" } else { "?1" };
    let mut select = database.prepare(&format!(
        "SELECT id, parent_id FROM session WHERE parent_id IS NOT NULL AND {updated} >= ?1"
    ))?;
    let mut rows = select.query([since])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        // Another type than text names no session.
        if let (Ok(session), Ok(parent)) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str()) {
            let (session, parent) = (session.into(), parent.into());
            found.push(Kin { session, parent, relation: Relation::Subagent });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::agents::fixtures::Fold;

    #[test]
    fn databases_of_all_channels_and_only_message_files() {
        for (path, is) in [
            ("/d/opencode.db", true),
            ("/d/opencode-nightly.db", true),
            ("/d/opencode.db-wal", false),
            ("/d/opencodex.db", false),
            ("/d/other.db", false),
        ] {
            assert_eq!(is_database(Path::new(path), "opencode"), is, "{path}");
        }
        assert!(is_message_file(Path::new("/d/storage/message/ses_1/msg_1.json")));
        assert!(!is_message_file(Path::new("/d/storage/part/msg_1/prt_1.json")));
        assert!(!is_message_file(Path::new("/d/storage/message/msg_1.json")));
    }

    #[test]
    fn rows_that_grow_and_rows_that_come_with_an_old_time_are_met_between_looks() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join(".local/share/opencode");
        std::fs::create_dir_all(&data).unwrap();
        let owner = Connection::open(data.join("opencode.db")).unwrap();
        owner
            .execute_batch(
                "PRAGMA journal_mode = wal;
                 CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER,
                    time_updated INTEGER, data TEXT)",
            )
            .unwrap();
        let write = |id: &str, updated: i64, created: i64, output: u64, completed: &str| {
            let data = format!(
                r#"{{"role":"assistant","providerID":"openai","modelID":"m",
                "time":{{"created":{created}{completed}}},"tokens":{{"output":{output}}}}}"#
            );
            owner
                .execute(
                    "INSERT INTO message VALUES (?1, 's', ?2, ?3, ?4) ON CONFLICT DO UPDATE
                     SET time_updated = ?3, data = ?4",
                    rusqlite::params![id, created, updated, data],
                )
                .unwrap();
        };
        let mut fold = Fold::default();
        let mut look = || {
            fold.look("opencode", home.path(), None);
            (fold.counted().count(), fold.total().output)
        };
        let start = 1_775_034_000_000;
        write("a", start + 5, start, 3, "");
        write("b", start + 9, start + 8, 10, r#","completed":1775034000009"#);
        assert_eq!(look(), (2, 13));
        write("a", start + 9, start, 4, r#","completed":1775034000009"#);
        assert_eq!(look(), (2, 14), "updated in the millisecond of the newest row that was met");
        write("c", start - 900, start - 1000, 20, r#","completed":1775033999100"#);
        assert_eq!(look(), (3, 34), "imported");
        owner.execute("DELETE FROM message", []).unwrap();
        write("d", start + 50, start + 40, 100, r#","completed":1775034000050"#);
        assert_eq!(look(), (4, 134), "row numbers are used again");
    }
}
