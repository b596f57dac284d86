//! The tables' versions: a list of migrations that only ever grows at its end.

use rusqlite::{Connection, Result};

/// One script per version; the file's `user_version` says how many of them it has been through.
/// A script that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_ledger.sql")];

/// `SPND`, in the header of every ledger, so that another program's database is never taken for
/// one (and the `file` command can name it).
pub(super) const APPLICATION_ID: i64 = 0x5350_4e44;

/// How many migrations the file has been through; 0 is a file without tables.
pub(super) fn version(conn: &Connection) -> Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Whether the file holds tables that this program did not make.
pub(super) fn is_foreign(conn: &Connection) -> Result<bool> {
    let id: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let has_tables: bool =
        conn.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
    Ok(has_tables && id != APPLICATION_ID)
}

/// Brings the file to the newest version, all steps in one transaction. Another process may be
/// doing the same: the version is read again once the write lock is held.
pub(super) fn migrate(conn: &Connection, migrations: &[&str]) -> Result<()> {
    if version(conn)? >= migrations.len() as i64 {
        return Ok(());
    }
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let done = version(conn).and_then(|from| {
        for script in migrations.iter().skip(usize::try_from(from).unwrap_or(0)) {
            conn.execute_batch(script)?;
        }
        if from < migrations.len() as i64 {
            conn.pragma_update(None, "user_version", migrations.len() as i64)?;
            conn.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        conn.execute_batch("COMMIT")
    });
    if done.is_err() && !conn.is_autocommit() {
        // The first error is the one to tell; closing the file undoes the rest in any case.
        let _ = conn.execute_batch("ROLLBACK");
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(conn: &Connection) -> i64 {
        conn.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| {
            row.get(0)
        })
        .unwrap()
    }

    #[test]
    fn an_empty_file_goes_through_every_step_once() {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn, MIGRATIONS).unwrap();
        assert_eq!(version(&conn).unwrap(), MIGRATIONS.len() as i64);
        assert!(!is_foreign(&conn).unwrap());
        let before = tables(&conn);
        migrate(&conn, MIGRATIONS).unwrap();
        assert_eq!(tables(&conn), before);
    }

    #[test]
    fn a_file_of_version_1_keeps_its_rows_and_gets_the_later_steps() {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn, &MIGRATIONS[..1]).unwrap();
        conn.execute("INSERT INTO meta VALUES ('kept', 'yes')", []).unwrap();
        let later = [MIGRATIONS[0], "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT"];
        migrate(&conn, &later).unwrap();
        assert_eq!(version(&conn).unwrap(), 2);
        let kept: String =
            conn.query_row("SELECT value FROM meta, (SELECT 1)", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, "yes");
        conn.execute("INSERT INTO later VALUES (1)", []).unwrap();
    }

    #[test]
    fn a_failing_step_leaves_the_file_as_it_was() {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn, &MIGRATIONS[..1]).unwrap();
        let before = tables(&conn);
        let broken =
            [MIGRATIONS[0], "CREATE TABLE half (id INTEGER); CREATE TABLE half (id INTEGER)"];
        assert!(migrate(&conn, &broken).is_err());
        assert_eq!((version(&conn).unwrap(), tables(&conn)), (1, before));
    }
}
