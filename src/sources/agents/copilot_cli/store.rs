//! `session-store.db`: a row for each request.

use std::path::Path;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::super::copilot::{Inclusive, PROVIDER, Store, dollars, key};
use super::super::scan::{Findings, Format, Position, Shape};
use super::super::table::{Table, count, text, time, whole};
use crate::spend::{Funding, Speed, Usage};

pub struct Rows;

/// How far the rows were read.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Cursor {
    last_id: i64,
}

const COLUMNS: [&str; 11] = [
    "id",
    "session_id",
    "created_at",
    "model",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "total_nano_aiu",
    "initiator",
];

impl Format for Rows {
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
        // The first versions with a store kept no usage in it.
        let Some(table) = Table::find(database, "assistant_usage_events")? else { return Ok(()) };
        if let Some(what) = table.lacks(&["id", "session_id", "created_at", "input_tokens"]) {
            found.problem(what);
            return Ok(());
        }
        let newest: Option<i64> =
            database
                .query_row("SELECT max(id) FROM assistant_usage_events", [], |row| row.get(0))?;
        if newest.unwrap_or(0) < cursor.last_id {
            *cursor = Cursor::default();
        }
        let folder = match Table::find(database, "sessions")? {
            Some(sessions) if sessions.has("id") && sessions.has("cwd") => {
                "(SELECT cwd FROM sessions WHERE sessions.id = assistant_usage_events.session_id)"
            }
            _ => "NULL",
        };
        let sql = format!(
            "SELECT {}, {folder} FROM assistant_usage_events WHERE id > ?1 ORDER BY id",
            table.select(&COLUMNS)
        );
        let mut statement = database.prepare(&sql)?;
        let mut rows = statement.query([cursor.last_id])?;
        while let Some(row) = rows.next()? {
            if found.is_full() {
                found.stopped = true;
                break;
            }
            let id = whole(row, 0).unwrap_or(0);
            cursor.last_id = cursor.last_id.max(id);
            found.at(Position::Item("row", u64::try_from(id).unwrap_or(0)));
            let Some(at) = time(row, 2) else {
                found.problem("a request without a readable time");
                continue;
            };
            let tokens = Inclusive {
                input: count(row, 4),
                cache_read: count(row, 5),
                cache_write: count(row, 6),
                output: count(row, 7),
                reasoning: count(row, 8),
            }
            .disjoint();
            if tokens.is_zero() {
                found.skip("no tokens in it");
                continue;
            }
            let session = text(row, 1);
            let (id, written) = (id.to_string(), at.timestamp_millis().to_string());
            let name = session.as_deref().unwrap_or_default();
            let usage = Usage {
                key: key(Store::Requests, name, &[b"row", id.as_bytes(), written.as_bytes()]),
                at,
                provider: Some(found.share(PROVIDER)),
                model: text(row, 3).map(|model| found.share(&model)),
                tokens,
                speed: Speed::Standard,
                web_searches: 0,
                stated_cost: dollars(count(row, 9)),
                project: text(row, 11).map(|folder| found.share(&folder)),
                session: session.map(|session| found.share(&session)),
                funding: Funding::Unknown,
                is_sum: false,
            };
            found.count(usage);
        }
        Ok(())
    }
}
