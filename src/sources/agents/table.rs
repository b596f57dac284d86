//! Tables of other programs' databases: columns that come and go with the program's version, and
//! values that are not always of the type they were declared with.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result, Row};

use super::wire::{epoch, utc_time};
use crate::spend::{Currency, Money};

/// A table that exists, and the columns it has.
pub struct Table {
    name: &'static str,
    columns: BTreeSet<String>,
}

impl Table {
    /// The table of this name; `None` when the database has none.
    ///
    /// # Errors
    /// The database can't be read.
    pub fn find(database: &Connection, name: &'static str) -> Result<Option<Self>> {
        let columns = columns(database, name)?;
        Ok((!columns.is_empty()).then_some(Self { name, columns }))
    }

    /// Whether it has a column.
    pub fn has(&self, column: &str) -> bool {
        self.columns.contains(column)
    }

    /// Those of `needed` that it does not have, as a problem; `None` when it has them all.
    pub fn lacks(&self, needed: &[&str]) -> Option<String> {
        let missing: Vec<_> = needed.iter().filter(|column| !self.has(column)).copied().collect();
        (!missing.is_empty())
            .then(|| format!("the table {} has no column {}", self.name, missing.join(", ")))
    }

    /// The columns for a `SELECT`, in this order; a missing one is NULL.
    pub fn select(&self, columns: &[&str]) -> String {
        let named = |column: &&str| match self.has(column) {
            true => format!("{}.{column}", self.name),
            false => "NULL".to_owned(),
        };
        columns.iter().map(named).collect::<Vec<_>>().join(", ")
    }
}

/// The columns of a table; none when the database has no such table.
///
/// # Errors
/// The database can't be read.
pub fn columns(database: &Connection, table: &str) -> Result<BTreeSet<String>> {
    let mut names = database.prepare("SELECT name FROM pragma_table_info(?1)")?;
    names.query_map([table], |row| row.get(0))?.collect()
}

/// A count of tokens: zero when NULL, negative or no number.
pub fn count(row: &Row<'_>, column: usize) -> u64 {
    u64::try_from(whole(row, column).unwrap_or(0)).unwrap_or(0)
}

/// A whole number.
pub fn whole(row: &Row<'_>, column: usize) -> Option<i64> {
    match row.get_ref(column).ok()? {
        ValueRef::Integer(number) => Some(number),
        ValueRef::Real(number) if number.is_finite() => Some(number as i64),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
        _ => None,
    }
}

/// A text that is not blank, trimmed.
pub fn text(row: &Row<'_>, column: usize) -> Option<String> {
    let text = match row.get_ref(column).ok()? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes),
        ValueRef::Integer(number) => number.to_string().into(),
        _ => return None,
    };
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The bytes of a blob or a text.
pub fn bytes<'r>(row: &'r Row<'_>, column: usize) -> Option<&'r [u8]> {
    match row.get_ref(column).ok()? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
        _ => None,
    }
}

/// A time: a number of seconds or milliseconds since 1970, or a text (UTC when it names no zone).
pub fn time(row: &Row<'_>, column: usize) -> Option<DateTime<Utc>> {
    match row.get_ref(column).ok()? {
        ValueRef::Integer(number) => epoch(number),
        // Seconds with a fraction, as Python's clock gives them.
        ValueRef::Real(number) if number.abs() < 1e10 => epoch_fraction(number * 1000.0),
        ValueRef::Real(number) => epoch_fraction(number),
        ValueRef::Text(text) => utc_time(std::str::from_utf8(text).ok()?.trim()),
        _ => None,
    }
}

fn epoch_fraction(milliseconds: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(milliseconds.is_finite().then_some(milliseconds as i64)?)
}

/// A cost in dollars; `None` when it is NULL or zero, which say nothing, or no amount.
pub fn dollars(row: &Row<'_>, column: usize) -> Option<Money> {
    let text = match row.get_ref(column).ok()? {
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).trim().to_owned(),
        _ => return None,
    };
    Money::parse(&text, Currency::USD).ok().filter(|cost| cost.attos > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<T>(sql: &str, read: impl Fn(&Row<'_>) -> T) -> T {
        let database = Connection::open_in_memory().unwrap();
        database.query_row(sql, [], |row| Ok(read(row))).unwrap()
    }

    #[test]
    fn a_missing_column_is_null_and_a_missing_table_none() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch("CREATE TABLE t (a, b)").unwrap();
        let table = Table::find(&database, "t").unwrap().unwrap();
        assert_eq!(table.select(&["a", "c", "b"]), "t.a, NULL, t.b");
        assert_eq!(table.lacks(&["a", "b"]), None);
        assert_eq!(table.lacks(&["a", "c"]).unwrap(), "the table t has no column c");
        assert!(Table::find(&database, "none").unwrap().is_none());
    }

    #[test]
    fn values_of_any_type_are_read_or_left_out() {
        let counts = |row: &Row<'_>| [0, 1, 2, 3, 4].map(|column| count(row, column));
        assert_eq!(row("SELECT 7, 7.0, '7', -7, NULL", counts), [7, 7, 7, 0, 0]);
        assert_eq!(row("SELECT 9e99, 'x', x'00', 1, 2", counts), [i64::MAX as u64, 0, 0, 1, 2]);
        let at = crate::sources::agents::wire::time("2026-07-02T10:00:00Z");
        let times = |row: &Row<'_>| [0, 1, 2, 3].map(|column| time(row, column));
        let sql = "SELECT 1782986400, 1782986400000, 1782986400.0, '2026-07-02 10:00:00'";
        assert_eq!(row(sql, times), [at; 4]);
        assert_eq!(row("SELECT 9e99, NULL, 'soon', x'00'", times), [None; 4]);
        let costs = |row: &Row<'_>| [0, 1, 2, 3].map(|column| dollars(row, column));
        let cost = Money::parse("0.02", Currency::USD).ok();
        assert_eq!(row("SELECT 0.02, '0.02', 0, 9e999", costs), [cost, cost, None, None]);
    }
}
