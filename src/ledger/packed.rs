//! The stamps of a source's files as the ledger keeps them: packed into 256 rows, so that a start reads
//! some 24 bytes of a file rather than its mark, and a changed mark writes some hundred of them anew.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::spend::{KnownFile, Mark, Stamps};

/// All of a source's.
pub(super) fn read(conn: &Connection, source: i64) -> Result<Stamps> {
    let mut statement =
        conn.prepare_cached("SELECT known FROM stamps WHERE source = ?1 ORDER BY bucket")?;
    let mut rows = statement.query([source])?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        known.extend(KnownFile::unpack(row.get_ref(0)?.as_blob()?));
    }
    Ok(known.into_iter().collect())
}

/// Takes in that marks were stored, or with `None` forgotten.
pub(super) fn note(
    conn: &Connection,
    source: i64,
    marks: &BTreeMap<String, Option<Mark>>,
) -> Result<()> {
    let mut buckets: BTreeMap<u8, Vec<(&str, Option<&Mark>)>> = BTreeMap::new();
    for (name, mark) in marks {
        let bucket = KnownFile::bucket_of(name);
        buckets.entry(bucket).or_default().push((name, mark.as_ref()));
    }
    let mut select =
        conn.prepare_cached("SELECT known FROM stamps WHERE source = ?1 AND bucket = ?2")?;
    let mut upsert = conn.prepare_cached(
        "INSERT INTO stamps VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET known = excluded.known",
    )?;
    for (bucket, changes) in buckets {
        let before: Option<Vec<u8>> =
            select.query_row(params![source, bucket], |row| row.get(0)).optional()?;
        let mut stamps: Stamps = KnownFile::unpack(before.as_deref().unwrap_or_default()).collect();
        for (name, mark) in changes {
            stamps.note(name, mark);
        }
        let after = stamps.pack();
        if before.as_ref() != Some(&after) {
            upsert.execute(params![source, bucket, after])?;
        }
    }
    Ok(())
}

/// Packs what the marks say, of every source.
pub(super) fn pack_all(conn: &Connection) -> Result<()> {
    conn.execute("DELETE FROM stamps", [])?;
    let mut marks =
        conn.prepare("SELECT source, name, size, modified_nanos, waits FROM mark ORDER BY source")?;
    let mut rows = marks.query([])?;
    let mut of: BTreeMap<(i64, u8), Vec<KnownFile>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let name = row.get_ref(1)?.as_str()?;
        let size = row.get::<_, i64>(2)?.cast_unsigned();
        let file = KnownFile::new(name, size, row.get(3)?, row.get(4)?);
        of.entry((row.get(0)?, KnownFile::bucket_of(name))).or_default().push(file);
    }
    let mut insert = conn.prepare("INSERT INTO stamps VALUES (?1, ?2, ?3)")?;
    for ((source, bucket), files) in of {
        insert.execute(params![source, bucket, files.into_iter().collect::<Stamps>().pack()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::schema::{self, MIGRATIONS};

    fn ledger() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        schema::migrate(&conn, MIGRATIONS, |_| Ok(())).unwrap();
        conn
    }

    fn mark(size: u64) -> Mark {
        Mark { size, modified_nanos: 7, ..Mark::default() }
    }

    #[test]
    fn marks_of_older_versions_are_packed_once() {
        let conn = ledger();
        conn.execute_batch(
            "INSERT INTO mark VALUES (1, 'a', 1, 10, 7, 1, '{}', 0), (1, 'b', 1, 20, 7, 1, '{}', 1),
                (2, 'a', 1, 30, 7, 1, '{}', 0)",
        )
        .unwrap();
        assert!(read(&conn, 1).unwrap().is_empty());
        pack_all(&conn).unwrap();
        let (one, two) = (read(&conn, 1).unwrap(), read(&conn, 2).unwrap());
        assert!(one.has("a", 10, 7) && !one.has("b", 20, 7) && two.has("a", 30, 7));
        assert!(!two.has("b", 20, 7));
    }

    #[test]
    fn a_changed_mark_writes_its_own_part_alone() {
        let conn = ledger();
        let all = (0..2_000).map(|n| (n.to_string(), Some(mark(n)))).collect();
        note(&conn, 1, &all).unwrap();
        let parts = || -> BTreeMap<i64, Vec<u8>> {
            let mut rows = conn.prepare("SELECT bucket, known FROM stamps").unwrap();
            let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let before = parts();
        assert_eq!(before.values().map(Vec::len).sum::<usize>(), 2_000 * 24);

        note(&conn, 1, &[("7".to_owned(), Some(mark(9)))].into()).unwrap();
        let written = conn.total_changes();
        note(&conn, 1, &[("7".to_owned(), Some(mark(9)))].into()).unwrap();
        assert_eq!(conn.total_changes(), written, "the same again writes nothing");
        let after = parts();
        let changed = before.iter().filter(|(bucket, known)| after[bucket] != **known).count();
        assert_eq!((changed, after.len()), (1, before.len()));
        let stamps = read(&conn, 1).unwrap();
        assert!(stamps.has("7", 9, 7) && stamps.has("8", 8, 7));

        note(&conn, 1, &[("7".to_owned(), None), ("none".to_owned(), None)].into()).unwrap();
        assert!(!read(&conn, 1).unwrap().has("7", 9, 7));
        assert_eq!(parts().values().map(Vec::len).sum::<usize>(), 1_999 * 24);
    }

    #[test]
    fn every_file_is_found_again_in_the_order_of_its_hash() {
        let conn = ledger();
        let all = (0..3_000).map(|n| (format!("/logs/{n}.jsonl"), Some(mark(n)))).collect();
        note(&conn, 1, &all).unwrap();
        let stamps = read(&conn, 1).unwrap();
        assert!((0..3_000).all(|n| stamps.has(&format!("/logs/{n}.jsonl"), n, 7)));
    }
}
