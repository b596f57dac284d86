//! How far each file was read.

use std::collections::BTreeMap;
use std::path::MAIN_SEPARATOR;

use rusqlite::{Connection, Result, Row, params};

use super::{Ledger, LedgerError, names, packed};
use crate::spend::{Mark, Marks, Stamps};

impl Ledger {
    /// How far each of a source's files was read.
    pub fn marks(&self, source_id: &str) -> std::result::Result<Marks, LedgerError> {
        self.run(|conn| {
            let Some(source) = names::find(conn, source_id)? else { return Ok(Marks::new()) };
            conn.prepare_cached(ALL)?.query_map([source], read)?.collect()
        })
    }

    /// What the marks of a source's files say of their size and time. They stay in memory, so that
    /// the sweeps of an idle hour read nothing, and are read anew once another process wrote
    /// anything.
    pub fn stamps(&self, source_id: &str) -> std::result::Result<Stamps, LedgerError> {
        // What a recording wrote may still be undone.
        let may_keep = self.conn.is_autocommit();
        self.ask(|conn| {
            let version = others_wrote(conn)?;
            let mut kept = self.stamps.borrow_mut();
            if kept.version != Some(version) {
                *kept = KeptStamps { version: Some(version), ..KeptStamps::default() };
            }
            if let Some(stamps) = kept.of.get(source_id) {
                return Ok(stamps.clone());
            }
            let Some(source) = names::find(conn, source_id)? else { return Ok(Stamps::default()) };
            let stamps = packed::read(conn, source)?;
            // Of a source that was never read there is nothing to keep.
            if may_keep && !stamps.is_empty() {
                kept.of.insert(source_id.to_owned(), stamps.clone());
            }
            Ok(stamps)
        })
    }

    /// The marks of these files, of all files in those of them that are folders, and of the files
    /// that wait for another one: all that a look at them alone can need, whatever else there is.
    pub fn marks_named(
        &self,
        source_id: &str,
        files: &[String],
    ) -> std::result::Result<Marks, LedgerError> {
        self.ask(|conn| {
            let Some(source) = names::find(conn, source_id)? else { return Ok(Marks::new()) };
            let mut marks: Marks =
                conn.prepare_cached(WAITING)?.query_map([source], read)?.collect::<Result<_>>()?;
            let mut named = conn.prepare_cached(NAMED)?;
            for file in files {
                let [first, end] = names_below(file);
                for mark in named.query_map(params![source, file, first, end], read)? {
                    marks.extend([mark?]);
                }
            }
            Ok(marks)
        })
    }
}

/// The stamps of sources that were asked for, as long as they are what the file holds.
#[derive(Debug, Default)]
pub(super) struct KeptStamps {
    /// SQLite's number of the last state that another connection wrote.
    version: Option<i64>,
    of: BTreeMap<String, Stamps>,
}

/// More marks than this at once are read again when they are needed: a scan stores thousands.
const NOTED_AT_MOST: usize = 64;

impl KeptStamps {
    /// Hands out the stamps of a source whose marks are about to be stored, as they will be; until
    /// they are put back nobody knows them.
    pub(super) fn take_with(
        &mut self,
        source_id: &str,
        marks: &BTreeMap<String, Option<Mark>>,
    ) -> Option<Stamps> {
        let mut stamps = self.of.remove(source_id).filter(|_| marks.len() <= NOTED_AT_MOST)?;
        for (name, mark) in marks {
            stamps.note(name, mark.as_ref());
        }
        Some(stamps)
    }

    /// The marks were stored for good.
    pub(super) fn put_back(&mut self, source_id: &str, stamps: Stamps) {
        self.of.insert(source_id.to_owned(), stamps);
    }
}

/// A number that changes when another connection, of this process or another one, wrote.
fn others_wrote(conn: &Connection) -> Result<i64> {
    conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

/// Stores marks that differ and forgets those that are to be forgotten.
pub(super) fn store(
    conn: &Connection,
    source: i64,
    marks: &BTreeMap<String, Option<Mark>>,
) -> Result<()> {
    let mut upsert = conn.prepare_cached(
        "INSERT INTO mark (source, name, offset, size, modified_nanos, identity, state, waits)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET
            offset = excluded.offset, size = excluded.size,
            modified_nanos = excluded.modified_nanos, identity = excluded.identity,
            state = excluded.state, waits = excluded.waits
         WHERE (offset, size, modified_nanos, identity, state) IS NOT
            (excluded.offset, excluded.size, excluded.modified_nanos, excluded.identity,
             excluded.state)",
    )?;
    let mut delete = conn.prepare_cached("DELETE FROM mark WHERE source = ?1 AND name = ?2")?;
    for (name, mark) in marks {
        match mark {
            // Only ever compared and given back, so that the sign of the stored form is no matter.
            Some(mark) => upsert.execute(params![
                source,
                name,
                mark.offset.cast_signed(),
                mark.size.cast_signed(),
                mark.modified_nanos,
                mark.identity.cast_signed(),
                mark.state,
                mark.waits(),
            ])?,
            None => delete.execute(params![source, name])?,
        };
    }
    packed::note(conn, source, marks)
}

/// Between which two texts the names of all files in a folder stand.
fn names_below(folder: &str) -> [String; 2] {
    let after = char::from_u32(MAIN_SEPARATOR as u32 + 1).unwrap_or(char::MAX);
    [format!("{folder}{MAIN_SEPARATOR}"), format!("{folder}{after}")]
}

fn read(row: &Row<'_>) -> Result<(String, Mark)> {
    let mark = Mark {
        offset: row.get::<_, i64>(1)?.cast_unsigned(),
        size: row.get::<_, i64>(2)?.cast_unsigned(),
        modified_nanos: row.get(3)?,
        identity: row.get::<_, i64>(4)?.cast_unsigned(),
        state: row.get(5)?,
    };
    Ok((row.get(0)?, mark))
}

// The columns are in the order of `read`.
const ALL: &str = "
    SELECT name, offset, size, modified_nanos, identity, state FROM mark WHERE source = ?1";

/// Without being told SQLite reads all of a source's marks.
const WAITING: &str = "
    SELECT name, offset, size, modified_nanos, identity, state FROM mark INDEXED BY mark_waits
    WHERE source = ?1 AND waits = 1";

/// Two searches: with `OR` between them SQLite reads all of a source's marks.
const NAMED: &str = "
    SELECT name, offset, size, modified_nanos, identity, state FROM mark
    WHERE source = ?1 AND name = ?2
    UNION ALL
    SELECT name, offset, size, modified_nanos, identity, state FROM mark
    WHERE source = ?1 AND name > ?3 AND name < ?4";

#[cfg(test)]
mod tests {
    use super::super::testing::{AGENT, OTHER_AGENT, ledger_in, look, record};
    use super::*;
    use crate::spend::Reading;

    const NOON: &str = "2026-11-24T12:00:00Z";

    fn mark(state: &str) -> Mark {
        Mark { offset: 9, size: 9, modified_nanos: 1, identity: 1, state: state.into() }
    }

    #[test]
    fn a_look_at_some_files_is_given_their_marks_and_those_that_wait() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let sep = MAIN_SEPARATOR;
        let waiting = r#"{"waits_for":{"thread":"x"}}"#;
        let all = [
            ("logs/a".to_owned(), "{}"),
            (format!("logs{sep}b{sep}1"), "{}"),
            (format!("logs{sep}b{sep}2"), "{}"),
            (format!("logs{sep}b-sides"), "{}"),
            (format!("logs{sep}c"), waiting),
        ];
        let marks = all.iter().map(|(name, state)| (name.clone(), Some(mark(state)))).collect();
        let reading = Reading { marks, ..Reading::default() };
        record(&mut ledger, &look(&AGENT, NOON), &reading);
        record(&mut ledger, &look(&OTHER_AGENT, NOON), &reading);
        let named = |ledger: &Ledger, names: &[&str]| -> Vec<String> {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            ledger.marks_named("an-agent", &names).unwrap().into_keys().collect()
        };
        let waits = format!("logs{sep}c");
        assert_eq!(named(&ledger, &["logs/a", "nowhere"]), ["logs/a", &waits]);
        let folder = format!("logs{sep}b");
        assert_eq!(named(&ledger, &[&folder]), [&*all[1].0, &*all[2].0, &*waits]);
        assert!(ledger.marks_named("nobody", &[folder]).unwrap().is_empty());
        // It was answered: nothing waits any more.
        let answered =
            Reading { marks: BTreeMap::from([(waits, Some(mark("{}")))]), ..Reading::default() };
        record(&mut ledger, &look(&AGENT, NOON), &answered);
        assert!(named(&ledger, &[]).is_empty());
    }

    #[test]
    fn the_stamps_are_those_of_the_marks() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        assert!(ledger.stamps("an-agent").unwrap().is_empty());
        let marks = [("a", "{}"), ("b", r#"{"waits_for":1}"#)];
        let marks = marks.map(|(name, state)| (name.to_owned(), Some(mark(state))));
        let reading = Reading { marks: marks.into(), ..Reading::default() };
        record(&mut ledger, &look(&AGENT, NOON), &reading);
        let stamps = ledger.stamps("an-agent").unwrap();
        assert!(stamps.has("a", 9, 1) && !stamps.has("b", 9, 1) && !stamps.has("c", 9, 1));
        assert!(ledger.stamps("other-agent").unwrap().is_empty());
    }

    #[test]
    fn stamps_are_kept_while_only_this_connection_writes() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let reading = |size: u64, names: &[&str]| {
            let mark = |name: &&str| ((*name).to_owned(), Some(Mark { size, ..mark("{}") }));
            Reading { marks: names.iter().map(mark).collect(), ..Reading::default() }
        };
        let kept = |ledger: &Ledger| ledger.stamps.borrow().of.contains_key("an-agent");
        record(&mut ledger, &look(&AGENT, NOON), &reading(9, &["a", "b"]));
        assert!(!kept(&ledger), "nobody asked");
        assert!(ledger.stamps("an-agent").unwrap().has("a", 9, 1) && kept(&ledger));

        record(&mut ledger, &look(&AGENT, NOON), &reading(10, &["a"]));
        let gone = Reading { marks: [("b".to_owned(), None)].into(), ..Reading::default() };
        record(&mut ledger, &look(&AGENT, NOON), &gone);
        assert!(kept(&ledger));
        let stamps = ledger.stamps("an-agent").unwrap();
        assert!(stamps.has("a", 10, 1) && !stamps.has("b", 9, 1));

        // A reading that was not kept is in no stamp, neither meanwhile nor afterwards.
        let mut recording = ledger.begin().unwrap();
        let price_table = crate::pricing::PriceTable::builtin();
        recording.record(&look(&AGENT, NOON), &reading(11, &["a"]), &price_table).unwrap();
        assert!(recording.stamps("an-agent").unwrap().has("a", 11, 1));
        drop(recording);
        assert!(ledger.stamps("an-agent").unwrap().has("a", 10, 1));

        // Another connection writes: what it wrote holds, and what is kept of it is new.
        let mut other = ledger_in(home.path());
        record(&mut other, &look(&AGENT, NOON), &reading(12, &["a"]));
        record(&mut ledger, &look(&AGENT, NOON), &reading(13, &["c"]));
        let stamps = ledger.stamps("an-agent").unwrap();
        assert!(stamps.has("a", 12, 1) && stamps.has("c", 13, 1));

        // A scan stores more than is worth noting one by one.
        let many: Vec<String> = (0..NOTED_AT_MOST + 1).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        record(&mut ledger, &look(&AGENT, NOON), &reading(14, &many));
        assert!(!kept(&ledger));
        assert!(ledger.stamps("an-agent").unwrap().has("7", 14, 1));
    }

    #[test]
    fn no_search_for_named_files_reads_more_than_it_finds() {
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger_in(home.path());
        let plan = |sql: &str| -> Vec<String> {
            let mut plan = ledger.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = plan.raw_query().mapped(|row| row.get::<_, String>(3));
            steps.map(Result::unwrap).filter(|step| step.contains("mark")).collect()
        };
        assert_eq!(plan(WAITING), ["SEARCH mark USING INDEX mark_waits (source=?)"]);
        assert_eq!(
            plan(NAMED),
            [
                "SEARCH mark USING PRIMARY KEY (source=? AND name=?)",
                "SEARCH mark USING PRIMARY KEY (source=? AND name>? AND name<?)",
            ]
        );
    }
}
