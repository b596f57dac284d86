//! Which sessions came from which.

use std::collections::HashMap;

use rusqlite::{Connection, Result, params};

use super::names::Names;
use crate::spend::{Kin, Relation};

/// Stores what a reading tells; the newest telling of a session holds.
pub(super) fn store(conn: &Connection, names: &mut Names, source: i64, kin: &[Kin]) -> Result<()> {
    let mut upsert = conn.prepare_cached(
        "INSERT INTO kin VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET
            parent = excluded.parent, relation = excluded.relation
         WHERE (parent, relation) IS NOT (excluded.parent, excluded.relation)",
    )?;
    for Kin { session, parent, relation } in kin {
        let session = names.id(conn, Some(session))?;
        let parent = names.id(conn, Some(parent))?;
        upsert.execute(params![source, session, parent, code(*relation)])?;
    }
    Ok(())
}

/// How a session is related to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Related {
    /// It came from the other one.
    Child(Relation),
    /// The other one came from it.
    Parent(Relation),
}

/// The session that this one came from, and those that came from it.
pub(super) fn of(conn: &Connection, source: i64, session: i64) -> Result<HashMap<i64, Related>> {
    let mut found = HashMap::new();
    let mut statement = conn.prepare_cached(
        "SELECT session, parent, relation FROM kin WHERE source = ?1 AND session = ?2
         UNION ALL
         SELECT session, parent, relation FROM kin WHERE source = ?1 AND parent = ?2",
    )?;
    let mut rows = statement.query([source, session])?;
    while let Some(row) = rows.next()? {
        let (child, parent): (i64, i64) = (row.get(0)?, row.get(1)?);
        let relation = relation(row.get(2)?);
        if child == session {
            found.insert(parent, Related::Parent(relation));
        } else {
            found.insert(child, Related::Child(relation));
        }
    }
    Ok(found)
}

fn code(relation: Relation) -> i64 {
    match relation {
        Relation::Subagent => 0,
        Relation::Fork => 1,
    }
}

fn relation(code: i64) -> Relation {
    if code == 0 { Relation::Subagent } else { Relation::Fork }
}
