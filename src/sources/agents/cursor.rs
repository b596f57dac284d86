//! Cursor.
//!
//! # Where
//! `globalStorage/state.vscdb` in `~/.config/Cursor/User`,
//! `~/Library/Application Support/Cursor/User` and `%APPDATA%\Cursor\User`.
//! `[agents.cursor] roots = [...]` in the config replaces these user folders. They are not watched:
//! an editor writes there all the time.
//!
//! # What counts
//! Table `cursorDiskKV`, keys `bubbleId:<composer>:<bubble>`: a value is a message, as JSON (as
//! observed). Current builds write 0 for most counts, so what is read here is a part of what was
//! spent; Cursor's own reports have the rest. The rules, each with a fixture in
//! `tests/fixtures/agents/cursor`:
//!
//! 1. `tokenCount{inputTokens, outputTokens}` counts where it is not 0. Cached tokens are not told
//!    apart. Texts are not turned into tokens by a rule of thumb.
//! 2. `composerData:*` tells how full the context is, and `agentKv:*` holds texts: neither counts.
//! 3. Composers whose id holds a line end are tools, whose tokens are in the answer.
//! 4. The model `default` is Cursor's own choice and names none.
//! 5. A message that is copied into another composer keeps its id and time, which make its key.
//!    Its counts may grow in place: a row that is written again is a new row.
//! 6. Such a database may hold gigabytes. It is passed through once, by key, in small steps,
//!    because reading an old kind of database keeps its owner from writing; from then on only rows
//!    that were added are read.

use std::path::Path;

use chrono::{DateTime, Utc};
use memchr::memmem;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind, not_watched};
use super::homes::application_data;
use super::scan::{Findings, Format, Position, Shape};
use super::table::{Table, bytes, text, whole};
use super::wire::{Count, Text, cause, count, epoch, text_or_nothing, time};
use crate::sources::{SourceInfo, SourceKind};
use crate::spend::{EventKey, Funding, Speed, TokenCounts, Usage};

/// Cursor.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "cursor",
        name: "Cursor",
        kind: SourceKind::Agent,
        account: "cursor",
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of the messages that Cursor notes them for, by model",
        reads: "message database (SQLite)",
        limits: "current versions note 0 tokens for most messages; no cache, no project",
    },
    homes: |places| {
        application_data(places, "Cursor").into_iter().map(|home| home.join("User")).collect()
    },
    inside: |user| vec![user.join("globalStorage")],
    kinds: &[FileKind { is_log: is_database, deepest: 0, format: &Messages }],
    watch: not_watched,
};

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "state.vscdb")
}

/// Rows that are read before others may write.
const ROWS_AT_ONCE: i64 = 2000;

struct Messages;

/// How far the messages were read.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Cursor {
    /// All rows up to this one were read, once the pass by key has ended.
    last_row: i64,
    /// The last key of the pass by key, while it lasts.
    key: Option<String>,
}

impl Format for Messages {
    type State = Cursor;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    fn database(
        &self,
        _file: &Path,
        cursor: &mut Cursor,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        // Older versions kept their chats elsewhere.
        let Some(table) = Table::find(database, "cursorDiskKV")? else { return Ok(()) };
        if let Some(what) = table.lacks(&["key", "value"]) {
            found.problem(what);
            return Ok(());
        }
        let newest: Option<i64> =
            database.query_row("SELECT max(rowid) FROM cursorDiskKV", [], |row| row.get(0))?;
        let newest = newest.unwrap_or(0);
        if cursor.last_row == 0 || newest < cursor.last_row {
            // New, or its rows were numbered anew. Rows that are added during the pass come
            // after this one.
            *cursor = Cursor { last_row: newest, key: Some("bubbleId:".to_owned()) };
        }
        if let Some(key) = &mut cursor.key {
            let mut statement = database.prepare(
                "SELECT rowid, key, value FROM cursorDiskKV
                 WHERE key > ?1 AND key < 'bubbleId;' ORDER BY key LIMIT ?2",
            )?;
            let mut rows = statement.query((&*key, ROWS_AT_ONCE))?;
            let mut count = 0;
            while let Some(row) = rows.next()? {
                count += 1;
                *key = text(row, 1).unwrap_or_default();
                read_row(row, found);
            }
            if count == ROWS_AT_ONCE {
                found.stopped = true;
                return Ok(());
            }
            cursor.key = None;
        }
        // By the number of the row, not by the index of keys, which would mean all messages again.
        let mut statement = database.prepare(
            "SELECT rowid, key, value FROM cursorDiskKV NOT INDEXED
             WHERE rowid > ?1 AND key > 'bubbleId:' AND key < 'bubbleId;' ORDER BY rowid LIMIT ?2",
        )?;
        let mut rows = statement.query((cursor.last_row, ROWS_AT_ONCE))?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            cursor.last_row = whole(row, 0).unwrap_or(0).max(cursor.last_row);
            read_row(row, found);
        }
        if count == ROWS_AT_ONCE {
            found.stopped = true;
        } else {
            cursor.last_row = newest.max(cursor.last_row);
        }
        Ok(())
    }
}

fn read_row(row: &rusqlite::Row<'_>, found: &mut Findings) {
    found.at(Position::Item("row", u64::try_from(whole(row, 0).unwrap_or(0)).unwrap_or(0)));
    let (Some(key), Some(value)) = (text(row, 1), bytes(row, 2)) else { return };
    let ids = key.strip_prefix("bubbleId:").and_then(|ids| ids.rsplit_once(':'));
    let Some((composer, message)) = ids else { return };
    if composer.contains('\n') {
        return found.skip("a tool, whose tokens are in the answer");
    }
    if memmem::find(value, b"\"tokenCount\"").is_none() {
        return found.skip("no tokens in it");
    }
    let bubble: Bubble<'_> = match serde_json::from_slice(value) {
        Ok(bubble) => bubble,
        Err(error) => return found.problem(format!("not a readable message: {}", cause(&error))),
    };
    let tokens = bubble.token_count.as_ref().map_or_else(TokenCounts::default, |told| {
        let (input, output) = (count(told.input_tokens), count(told.output_tokens));
        TokenCounts { input, output, ..TokenCounts::default() }
    });
    if tokens.is_zero() {
        return found.skip("Cursor noted no tokens for it");
    }
    let Some(at) = bubble.time() else {
        return found.problem("a message without a readable time");
    };
    let model = bubble.model_info.as_ref().and_then(|info| info.model_name.as_deref());
    let model = model.map(str::trim).filter(|name| !matches!(*name, "" | "default"));
    let written = at.timestamp_millis().to_le_bytes();
    let usage = Usage {
        key: EventKey::original(&[b"cursor", message.as_bytes(), &written], &[]),
        at,
        provider: Some(found.share("cursor")),
        model: model.map(|model| found.share(model)),
        tokens,
        speed: Speed::Standard,
        web_searches: 0,
        stated_cost: None,
        project: None,
        session: Some(found.share(composer)),
        funding: Funding::Unknown,
        is_sum: false,
    };
    found.count(usage);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bubble<'a> {
    token_count: Option<Told>,
    #[serde(borrow)]
    model_info: Option<ModelInfo<'a>>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelInfo<'a> {
    #[serde(borrow, deserialize_with = "text_or_nothing", default)]
    model_name: Option<Text<'a>>,
}

impl Bubble<'_> {
    /// A text, or milliseconds since 1970.
    fn time(&self) -> Option<DateTime<Utc>> {
        let text = self.created_at?.get().trim_matches('"');
        time(text).or_else(|| epoch(text.parse().ok()?))
    }
}
