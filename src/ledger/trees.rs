//! The folders of sources, so that a start need not list those that did not change.

use rusqlite::{OptionalExtension, params};

use super::{Ledger, LedgerError, names};
use crate::spend::Tree;

impl Ledger {
    /// The folders of a source as they were kept last; empty when they never were, or in another
    /// form than this version's.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn tree(&self, source_id: &str) -> Result<Tree, LedgerError> {
        self.ask(|conn| {
            let Some(source) = names::find(conn, source_id)? else { return Ok(Tree::default()) };
            conn.prepare_cached("SELECT folders FROM tree WHERE source = ?1")?
                .query_row([source], |row| Ok(Tree::unpack(row.get_ref(0)?.as_blob()?)))
                .optional()
                .map(Option::unwrap_or_default)
        })
    }

    /// Keeps the folders of a source that was read before; within a [`super::Recording`] as a part of
    /// the transaction.
    ///
    /// # Errors
    /// The ledger can't be written.
    pub fn keep_tree(&self, source_id: &str, tree: &Tree) -> Result<(), LedgerError> {
        self.run(|conn| {
            // Without a name it was never read, and there is nothing to compare.
            let Some(source) = names::find(conn, source_id)? else { return Ok(()) };
            conn.prepare_cached(
                "INSERT INTO tree VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET folders = excluded.folders
                 WHERE folders <> excluded.folders",
            )?
            .execute(params![source, tree.pack()])
            .map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AGENT, ledger_in, look, record};
    use super::*;
    use crate::spend::{Mark, Reading};

    fn tree(stamp: u64) -> Tree {
        let mut tree = Tree::default();
        tree.enter(0, "/logs", stamp).unwrap();
        tree
    }

    #[test]
    fn a_tree_is_kept_for_a_source_that_was_read_and_written_only_when_it_differs() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        ledger.keep_tree("an-agent", &tree(1)).unwrap();
        assert!(ledger.tree("an-agent").unwrap().is_empty());

        let marks = [("a".to_owned(), Some(Mark::default()))].into();
        let reading = Reading { marks, ..Reading::default() };
        record(&mut ledger, &look(&AGENT, "2026-11-24T12:00:00Z"), &reading);
        ledger.keep_tree("an-agent", &tree(1)).unwrap();
        assert_eq!(ledger.tree("an-agent").unwrap(), tree(1));
        let written = ledger.conn.total_changes();
        ledger.keep_tree("an-agent", &tree(1)).unwrap();
        assert_eq!(ledger.conn.total_changes(), written, "the same again writes nothing");
        ledger.keep_tree("an-agent", &tree(2)).unwrap();
        assert_eq!(ledger.tree("an-agent").unwrap(), tree(2));
        assert!(ledger.tree("other-agent").unwrap().is_empty());

        let recording = ledger.begin().unwrap();
        recording.keep_tree("an-agent", &tree(3)).unwrap();
        drop(recording);
        assert_eq!(ledger.tree("an-agent").unwrap(), tree(2), "a part of the transaction");
    }

    #[test]
    fn of_a_tree_in_another_form_nothing_is_known() {
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger_in(home.path());
        ledger
            .conn
            .execute_batch(
                "INSERT INTO name VALUES (7, 'an-agent'); INSERT INTO tree VALUES (7, x'ff00')",
            )
            .unwrap();
        assert!(ledger.tree("an-agent").unwrap().is_empty());
    }
}
