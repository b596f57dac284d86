//! The tables' versions: a list of migrations that only ever grows at its end.

use rusqlite::{Connection, Result};

/// One script per version; the file's `user_version` says how many of them it has been through.
/// A script that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_ledger.sql"),
    include_str!("migrations/0002_roll_up.sql"),
    include_str!("migrations/0003_quotas.sql"),
    include_str!("migrations/0004_delivery.sql"),
    include_str!("migrations/0005_git.sql"),
    include_str!("migrations/0006_kin_stamps.sql"),
    include_str!("migrations/0007_pull_requests.sql"),
    include_str!("migrations/0008_tree.sql"),
];

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

/// Brings the file to the newest version, all steps and `finish` in one transaction. Another
/// process may be doing the same: the version is read again once the write lock is held.
pub(super) fn migrate(
    conn: &Connection,
    migrations: &[&str],
    finish: impl FnOnce(&Connection) -> Result<()>,
) -> Result<()> {
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
            finish(conn)?;
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

    fn done(_: &Connection) -> Result<()> {
        Ok(())
    }

    fn tables(conn: &Connection) -> i64 {
        conn.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| {
            row.get(0)
        })
        .unwrap()
    }

    #[test]
    fn an_empty_file_goes_through_every_step_once() {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn, MIGRATIONS, done).unwrap();
        assert_eq!(version(&conn).unwrap(), MIGRATIONS.len() as i64);
        assert!(!is_foreign(&conn).unwrap());
        let before = tables(&conn);
        migrate(&conn, MIGRATIONS, done).unwrap();
        assert_eq!(tables(&conn), before);
    }

    #[test]
    fn a_file_of_version_1_keeps_its_rows_and_gets_the_later_steps() {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn, &MIGRATIONS[..1], done).unwrap();
        conn.execute("INSERT INTO meta VALUES ('kept', 'yes')", []).unwrap();
        let later = [MIGRATIONS[0], "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT"];
        migrate(&conn, &later, done).unwrap();
        assert_eq!(version(&conn).unwrap(), 2);
        let kept: String =
            conn.query_row("SELECT value FROM meta, (SELECT 1)", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, "yes");
        conn.execute("INSERT INTO later VALUES (1)", []).unwrap();
    }

    #[test]
    fn version_2_keeps_every_figure_of_version_1() {
        use crate::spend::EventKey;

        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn, &MIGRATIONS[..1], done).unwrap();
        conn.execute_batch(
            "INSERT INTO name VALUES (1, 'codex'), (2, 'claude-code'), (3, 'gpt-5-mini');
             INSERT INTO meta VALUES ('prices', 'of-old');
             INSERT INTO mark VALUES
                (1, 'a', 1, 1, 1, 1, '{\"waits_for\":{\"thread\":\"t\"}}'), (1, 'b', 1, 1, 1, 1, '{}');",
        )
        .unwrap();
        let add = |source: i64, key: [u8; 16], input: i64| {
            conn.execute(
                "INSERT INTO usage (key, source, at_ms, provider_hint, provider, model, project,
                    session, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning,
                    speed, funding, web_searches, stated_cost, list_picos)
                 VALUES (?1, ?2, 1790000000000, 0, 0, 3, 0, 0, ?3, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1)",
                rusqlite::params![key, source, input],
            )
            .unwrap();
        };
        // Before, a Codex event was member `event` of the group `session`.
        let in_session = EventKey::in_session(b"session", &[b"event"]).0;
        let mut of_old = [0; 16];
        of_old[..4].copy_from_slice(&in_session[6..10]);
        of_old[4..9].copy_from_slice(&in_session[11..]);
        of_old[9] = 0x77;
        of_old[10..].copy_from_slice(&in_session[..6]);
        add(1, of_old, 1_000_000);
        add(2, *b"0123456789\x00abcde", 2_000_000);
        add(2, *b"1123456789\x01abcde", 4_000_000);
        add(2, *b"2123456789\x00\x00\x00\x00\x00\x00", 8_000_000);
        add(2, *b"3123456789\x02abcde", 16_000_000);
        migrate(&conn, MIGRATIONS, crate::ledger::reprice::rebuild_if_stale).unwrap();
        let keys: Vec<[u8; 16]> = conn
            .prepare("SELECT key FROM usage ORDER BY input")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_>>()
            .unwrap();
        let expected = [
            in_session,
            *b"0123456789\x80abcde",
            *b"1123456789\x81abcde",
            *b"2123456789\x00\x00\x00\x00\x00\x00",
            *b"3123456789\x02abcde",
        ];
        assert_eq!(keys, expected);
        for (table, expected) in [("slot", 2), ("day", 2), ("mark WHERE waits = 1", 1)] {
            let sql = format!("SELECT count(*) FROM {table}");
            let count: i64 = conn.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(count, expected, "{table}");
        }
        // 31 million tokens at $0.25.
        let sum = "SELECT sum(input), sum(list_dollars), sum(list_picos) FROM day";
        let sums: (i64, i64, i64) =
            conn.query_row(sum, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        // 0.25 of the one source, 7.50 of the other.
        assert_eq!(sums, (31_000_000, 7, 750_000_000_000));
    }

    #[test]
    fn a_failing_step_leaves_the_file_as_it_was() {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn, &MIGRATIONS[..1], done).unwrap();
        let before = tables(&conn);
        let broken =
            [MIGRATIONS[0], "CREATE TABLE half (id INTEGER); CREATE TABLE half (id INTEGER)"];
        assert!(migrate(&conn, &broken, done).is_err());
        assert_eq!((version(&conn).unwrap(), tables(&conn)), (1, before));
    }
}
