//! `agent-traces.db`: spans of OpenTelemetry.

use std::path::Path;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::super::copilot::{Inclusive, PROVIDER, Store, dollars, key};
use super::super::scan::{Findings, Format, Position, Shape};
use super::super::table::{Table, count, text, time, whole};
use crate::spend::{Funding, Speed, Usage};

pub struct Spans;

/// How far the spans were read.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Cursor {
    last_row: i64,
}

const COLUMNS: [&str; 12] = [
    "rowid",
    "trace_id",
    "span_id",
    "end_time_ms",
    "chat_session_id",
    "conversation_id",
    "response_model",
    "request_model",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
];

impl Format for Spans {
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
        // Made, but not set up yet.
        let Some(spans) = Table::find(database, "spans")? else { return Ok(()) };
        let needed = ["trace_id", "span_id", "end_time_ms", "operation_name", "input_tokens"];
        if let Some(what) = spans.lacks(&needed) {
            found.problem(what);
            return Ok(());
        }
        let newest: Option<i64> =
            database.query_row("SELECT max(rowid) FROM spans", [], |row| row.get(0))?;
        if newest.unwrap_or(0) < cursor.last_row {
            *cursor = Cursor::default();
        }
        let has_attributes = Table::find(database, "span_attributes")?
            .is_some_and(|table| table.lacks(&["span_id", "key", "value"]).is_none());
        let attribute = |names: &str| match has_attributes {
            true => format!(
                "(SELECT max(value) FROM span_attributes AS a
                  WHERE a.span_id = spans.span_id AND a.key IN ({names}))"
            ),
            false => "NULL".to_owned(),
        };
        let cache_write = attribute(
            "'gen_ai.usage.cache_creation.input_tokens', 'gen_ai.usage.cache_write.input_tokens'",
        );
        let sql = format!(
            "SELECT spans.rowid, {}, {cache_write}, {} FROM spans
             WHERE rowid > ?1 AND operation_name = 'chat' ORDER BY rowid",
            spans.select(&COLUMNS[1..]),
            attribute("'github.copilot.nano_aiu'"),
        );
        let mut statement = database.prepare(&sql)?;
        let mut rows = statement.query([cursor.last_row])?;
        while let Some(row) = rows.next()? {
            if found.is_full() {
                found.stopped = true;
                return Ok(());
            }
            let number = whole(row, 0).unwrap_or(0);
            cursor.last_row = cursor.last_row.max(number);
            found.at(Position::Item("row", u64::try_from(number).unwrap_or(0)));
            let (Some(trace), Some(span)) = (text(row, 1), text(row, 2)) else {
                found.problem("a request without a trace and a span");
                continue;
            };
            let Some(at) = time(row, 3) else {
                found.problem("a request without a readable time");
                continue;
            };
            let tokens = Inclusive {
                input: count(row, 8),
                cache_read: count(row, 9),
                cache_write: count(row, 12),
                output: count(row, 10),
                reasoning: count(row, 11),
            }
            .disjoint();
            if tokens.is_zero() {
                found.skip("no tokens in it");
                continue;
            }
            let session = text(row, 4).or(text(row, 5));
            let group = session.as_deref().unwrap_or(&trace);
            let usage = Usage {
                key: key(Store::Traces, group, &[trace.as_bytes(), span.as_bytes()]),
                at,
                provider: Some(found.share(PROVIDER)),
                model: text(row, 6).or(text(row, 7)).map(|model| found.share(&model)),
                tokens,
                speed: Speed::Standard,
                web_searches: 0,
                stated_cost: dollars(count(row, 13)),
                project: None,
                session: session.map(|session| found.share(&session)),
                funding: Funding::Unknown,
                is_sum: false,
            };
            found.count(usage);
        }
        // Spans of other kinds need not be passed again.
        cursor.last_row = newest.unwrap_or(0);
        Ok(())
    }
}
