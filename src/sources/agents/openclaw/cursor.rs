//! The rows of a table that are new since the last look.

use std::borrow::Cow;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::super::scan::{Findings, Position};

/// A row and what it held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    row: i64,
    content: u64,
}

/// Hands out the rows behind the cursor, each with what it holds, and moves the cursor.
pub fn each_new(
    database: &Connection,
    question: &str,
    cursor: &mut Cursor,
    found: &mut Findings,
    held: impl for<'r> Fn(&'r Row<'_>) -> rusqlite::Result<Result<Cow<'r, [u8]>, String>>,
    mut read: impl FnMut(&Row<'_>, &[u8], &mut Findings) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = database.prepare(question)?;
    let mut last = *cursor;
    loop {
        let mut rows = statement.query([last.row])?;
        let mut is_as_left = last.row == 0;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let held = held(row)?;
            let content = xxh3_64(held.as_deref().unwrap_or_default());
            if !is_as_left {
                if last != (Cursor { row: number, content }) {
                    break;
                }
                is_as_left = true;
                continue;
            }
            found.at(Position::Item("row", number.unsigned_abs()));
            match held {
                Ok(held) => read(row, &held, found)?,
                Err(what) => found.problem(what),
            }
            *cursor = Cursor { row: number, content };
            if found.is_full() {
                found.stopped = true;
                return Ok(());
            }
        }
        if is_as_left {
            return Ok(());
        }
        last = Cursor::default();
        *cursor = last;
    }
}

/// The bytes of a text or a blob; none of anything else.
pub fn bytes(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => &[],
    }
}
