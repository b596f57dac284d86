//! Antigravity, the editor and the command line.
//!
//! # Where
//! `~/.gemini/antigravity`, `~/.gemini/antigravity-cli` and `~/.gemini/antigravity-ide`; in each
//! `conversations/<conversation>.db`. `[agents.antigravity] roots = [...]` in the config replaces
//! these. Conversations kept as `.pb` can only be asked of the running app and are not read.
//!
//! # What counts
//! Each conversation is an SQLite database, and each row of `gen_metadata(idx, data)` one request,
//! a protobuf message `exa.cortex_pb.CortexStepGeneratorMetadata`. The numbers of the fields are
//! those of the descriptors inside the program, as getagentseal/codeburn
//! (docs/providers/antigravity.md) tells them:
//!
//! | field | what |
//! |---|---|
//! | 1 | the request (`ChatModelMetadata`) |
//! | 1.4 | its usage (`ModelUsageStats`): 2 input, 3 output, 4 cache writes, 5 cache reads, 9 and 10 the thinking and the answering part of the output, 11 the id of the response |
//! | 1.9.4 | when it began |
//! | 1.19, 1.21 | the model's name, and as people read it |
//!
//! The rules, each with a fixture in `tests/fixtures/agents/antigravity`:
//!
//! 1. Input leaves cached input out; output has thinking in it. Field 1 of the usage names a model
//!    and is no count, although it looks like one.
//! 2. The key is the id of the response. A row that is written again as it grows counts at its
//!    largest, so the newest rows are read again at each look.
//! 3. A row without the model's name has that of the rows of this conversation that people read
//!    the same name of, if it is one only. `gemini-default` names no model.
//! 4. Newer versions leave out when a request began: it is dated to the start of its conversation
//!    (`trajectory_metadata_blob`: 2), whose folder stands there as well (1.1).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::agent::{Agent, FileKind, whole_tree};
use super::scan::{Findings, Format, Position, Shape};
use super::wire::percent_decoded;
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{EventKey, Funding, Speed, TokenCounts, Usage};
use protobuf::Message;

mod protobuf;

/// Antigravity.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "antigravity",
        name: "Antigravity",
        kind: SourceKind::Agent,
        account: "google",
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model, project and conversation",
        reads: "conversations (SQLite)",
        limits: "conversations kept as .pb need the running app; newer versions date a request to the start of its conversation only",
    },
    homes,
    inside: |home| vec![home.join("conversations")],
    kinds: &[FileKind {
        is_log: |path| path.extension().is_some_and(|extension| extension == "db"),
        deepest: 1,
        format: &Conversation,
    }],
    watch: whole_tree,
};

/// How many of the rows that were read before are read again, as they may have grown.
const READ_AGAIN: i64 = 16;

/// A conversation knows a handful of models; a bound, because their names are kept.
const MOST_MODELS: usize = 64;

fn homes(places: &Places) -> Vec<PathBuf> {
    ["antigravity", "antigravity-cli", "antigravity-ide"]
        .iter()
        .map(|app| places.home.join(".gemini").join(app))
        .collect()
}

struct Conversation;

/// How far a conversation was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The first row that was not read.
    next: i64,
    /// The name that people read -> the model, `None` when it stands for several.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    models: BTreeMap<String, Option<String>>,
}

impl Format for Conversation {
    type State = State;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    fn database(
        &self,
        file: &Path,
        state: &mut State,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        if !has_columns(database, "gen_metadata", &["idx", "data"])? {
            found.skip("no conversation with requests");
            return Ok(());
        }
        let whole = Whole::of(file, database)?;
        let last: Option<i64> = database.query_row(
            "SELECT max(CAST(idx AS INTEGER)) FROM gen_metadata",
            [],
            |row| row.get(0),
        )?;
        // Turns that were taken back leave their numbers to others.
        if last.is_none_or(|last| last < state.next.saturating_sub(1)) {
            state.next = 0;
        }
        let mut query = database.prepare(
            "SELECT CAST(idx AS INTEGER), data FROM gen_metadata WHERE idx >= ?1 ORDER BY idx",
        )?;
        let mut rows = query.query([state.next.saturating_sub(READ_AGAIN)])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            if found.is_full() && number >= state.next {
                found.stopped = true;
                break;
            }
            found.at(Position::Item("row", u64::try_from(number).unwrap_or(0)));
            match row.get_ref(1)? {
                ValueRef::Blob(data) => whole.count(Message(data), state, found),
                ValueRef::Null => found.skip("an empty row"),
                _ => found.problem("a row that is no message"),
            }
            state.next = state.next.max(number.saturating_add(1));
        }
        Ok(())
    }
}

fn has_columns(database: &Connection, table: &str, columns: &[&str]) -> rusqlite::Result<bool> {
    let mut query = database.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names: Vec<String> =
        query.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(columns.iter().all(|column| names.iter().any(|name| name == column)))
}

/// What holds for all requests of a conversation.
struct Whole {
    id: String,
    began: Option<DateTime<Utc>>,
    project: Option<String>,
}

impl Whole {
    fn of(file: &Path, database: &Connection) -> rusqlite::Result<Self> {
        let id = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut whole = Self { id, began: None, project: None };
        if !has_columns(database, "trajectory_metadata_blob", &["data"])? {
            return Ok(whole);
        }
        let query = "SELECT data FROM trajectory_metadata_blob WHERE typeof(data) = 'blob' LIMIT 1";
        let data: Option<Vec<u8>> = database.query_row(query, [], |row| row.get(0)).optional()?;
        if let Some(data) = &data {
            let about = Message(data);
            whole.began = about.message(2).and_then(time);
            whole.project = about
                .message(1)
                .and_then(|folder| folder.text(1)?.strip_prefix("file://"))
                .map(percent_decoded);
        }
        Ok(whole)
    }

    fn count(&self, row: Message<'_>, state: &mut State, found: &mut Findings) {
        if !row.is_whole() {
            return found.problem("a message that can't be read");
        }
        let Some(request) = row.message(1) else { return found.skip("no request to a model") };
        let model = state.model(request);
        let Some(usage) = request.message(4) else {
            return found.skip("its tokens are not known yet");
        };
        let parts = [usage.number(9), usage.number(10)];
        let output = usage.number(3).max(parts[0].saturating_add(parts[1]));
        let tokens = TokenCounts {
            input: usage.number(2),
            cache_read: usage.number(5),
            cache_write_5m: usage.number(4),
            cache_write_1h: 0,
            output,
            reasoning: parts[0].min(output),
        };
        if tokens.is_zero() {
            return found.skip("no tokens in it");
        }
        let own_time = request.message(9).and_then(|start| time(start.message(4)?));
        let Some(at) = own_time.or(self.began) else {
            return found.problem("a request without a readable time");
        };
        let usage = Usage {
            key: self.key(usage.text(11), &tokens, at),
            at,
            provider: None,
            model: model.map(|model| found.share(&model)),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: self.project.as_deref().map(|project| found.share(project)),
            session: Some(found.share(&self.id)),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(usage);
    }

    /// A response without an id is known by its conversation, its time and its prompt.
    fn key(&self, response: Option<&str>, tokens: &TokenCounts, at: DateTime<Utc>) -> EventKey {
        match response {
            Some(id) => EventKey::original(&[b"antigravity", id.as_bytes()], &[]),
            None => {
                let time = at.timestamp_micros().to_le_bytes();
                let prompt = [tokens.input, tokens.cache_read, tokens.cache_write_5m];
                let prompt = prompt.map(u64::to_le_bytes);
                let prompt = prompt.as_flattened();
                EventKey::original(&[b"antigravity row", self.id.as_bytes(), &time, prompt], &[])
            }
        }
    }
}

impl State {
    /// The model of a request, as it says itself or as its name was read before.
    fn model(&mut self, request: Message<'_>) -> Option<String> {
        let model = request.text(19).filter(|model| !model.eq_ignore_ascii_case("gemini-default"));
        let Some(shown) = request.text(21) else { return model.map(str::to_owned) };
        let Some(model) = model else { return self.models.get(shown)?.clone() };
        if let Some(known) = self.models.get_mut(shown) {
            if known.as_deref() != Some(model) {
                *known = None;
            }
        } else if self.models.len() < MOST_MODELS {
            self.models.insert(shown.to_owned(), Some(model.to_owned()));
        }
        Some(model.to_owned())
    }
}

/// A `google.protobuf.Timestamp`.
fn time(stamp: Message<'_>) -> Option<DateTime<Utc>> {
    let seconds = i64::try_from(stamp.number(1)).ok().filter(|seconds| *seconds > 0)?;
    DateTime::from_timestamp(seconds, u32::try_from(stamp.number(2)).ok()?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rusqlite::Connection;

    use crate::sources::agents::fixtures::Fold;

    /// A request of ten tokens in and `output` out, at 2026-07-05T09:00Z.
    fn request(response: u8, output: u8) -> Vec<u8> {
        let usage = [0x10, 10, 0x18, output, 0x5a, 1, response];
        let start = [0x4a, 8, 0x22, 6, 0x08, 0x90, 0xef, 0xa7, 0xd2, 0x06];
        let chat = [&[0x22, 7][..], &usage, &start].concat();
        [&[0x0a, chat.len() as u8][..], &chat].concat()
    }

    #[test]
    fn rows_that_grow_and_rows_that_are_taken_back_are_read_again() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".gemini/antigravity/conversations");
        fs::create_dir_all(&folder).unwrap();
        let writer = Connection::open(folder.join("c.db")).unwrap();
        writer.pragma_update(None, "journal_mode", "wal").unwrap();
        writer.execute_batch("CREATE TABLE gen_metadata (idx INTEGER PRIMARY KEY, data)").unwrap();
        let put = |row: i64, response: u8, output: u8| {
            let data = request(response, output);
            writer.execute("REPLACE INTO gen_metadata VALUES (?1, ?2)", (row, data)).unwrap();
        };
        let mut fold = Fold::default();
        let mut look = || {
            fold.look("antigravity", home.path(), None);
            assert_eq!(fold.problems, 0);
            (fold.total().input, fold.total().output)
        };
        (0..40).for_each(|row| put(row, b'A' + row as u8, 1));
        assert_eq!(look(), (400, 40));
        // The last row grows, and one more comes.
        put(39, b'A' + 39, 5);
        put(40, b'z', 2);
        assert_eq!(look(), (410, 46));
        // All but ten turns are taken back, which were paid, and the next one has a number of theirs.
        writer.execute("DELETE FROM gen_metadata WHERE idx >= 10", []).unwrap();
        put(10, b'!', 100);
        assert_eq!(look(), (420, 146));
    }
}
