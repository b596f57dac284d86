//! Repositories that sessions worked in, and their commits, as they were read.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Result, Row, params};

use super::{Ledger, LedgerError, codes, slot};
use crate::spend::{Change, Commit, History, Place, ReadBefore, Remote, Span};

/// A repository as it was read last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRepository {
    /// Its number in this ledger.
    pub id: i64,
    /// The folder that its working trees share.
    pub common: String,
    /// What it goes by.
    pub name: String,
    /// The address of commits that are made here, where git's settings tell.
    pub email: Option<String>,
    /// Where else it is kept; `None` where nobody has looked yet.
    pub remotes: Option<Vec<Remote>>,
    /// Tells whether anything in it has moved since.
    pub stamp: u64,
    /// How far it was read.
    pub read: ReadBefore,
    /// Older commits were left out.
    pub since: DateTime<Utc>,
    /// When it was read last.
    pub read_at: DateTime<Utc>,
    /// It has more commits than are read.
    pub is_cut: bool,
    /// Why it could not be read the last time that something had moved.
    pub trouble: Option<String>,
}

/// A commit as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCommit {
    /// The repository's number.
    pub repository: i64,
    /// What git told of it.
    pub commit: Commit,
    /// The working tree it was made in, where that tree's log told.
    pub made_in: Option<String>,
    /// No ref leads to it any more.
    pub is_gone: bool,
}

/// A folder that sessions worked in, as it was found to belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkPlace {
    /// The repository's number.
    pub repository: i64,
    /// The working tree that holds the folder.
    pub tree: String,
}

impl Ledger {
    /// The folders that sessions of a span worked in.
    pub fn projects_in(&self, span: &Span) -> std::result::Result<Vec<String>, LedgerError> {
        let quarters = [span.start, span.end].map(|at| slot::quarter_of(at.timestamp_millis()));
        self.run(|conn| {
            conn.prepare_cached(
                "SELECT text FROM name WHERE id IN
                    (SELECT DISTINCT project FROM slot WHERE quarter >= ?1 AND quarter <= ?2)
                 ORDER BY text",
            )?
            .query_map(quarters, |row| row.get(0))?
            .collect()
        })
    }

    /// Every repository that was met, by the folder that its working trees share.
    pub fn repositories(
        &self,
    ) -> std::result::Result<BTreeMap<String, KnownRepository>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "SELECT id, common, name, email, stamp, heads, shallow, since_ms, read_ms, is_cut,
                    trouble, remotes FROM repository",
            )?
            .query_map([], |row| {
                let common: String = row.get(1)?;
                let remotes: Option<String> = row.get(11)?;
                Ok((
                    common.clone(),
                    KnownRepository {
                        id: row.get(0)?,
                        common,
                        name: row.get(2)?,
                        email: row.get(3)?,
                        remotes: remotes.map(|text| codes::json_of(&text)).transpose()?,
                        stamp: row.get::<_, i64>(4)?.cast_unsigned(),
                        read: ReadBefore { heads: list_of(row, 5)?, shallow: list_of(row, 6)? },
                        since: codes::time_of(row.get(7)?),
                        read_at: codes::time_of(row.get(8)?),
                        is_cut: row.get(9)?,
                        trouble: row.get(10)?,
                    },
                ))
            })?
            .collect()
        })
    }

    /// What every folder that was met belongs to.
    pub fn work_places(&self) -> std::result::Result<BTreeMap<String, WorkPlace>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached("SELECT project, repository, tree FROM work_place")?
                .query_map([], |row| {
                    Ok((row.get(0)?, WorkPlace { repository: row.get(1)?, tree: row.get(2)? }))
                })?
                .collect()
        })
    }

    /// The commits that were written from an instant on, by time.
    pub fn commits_since(
        &self,
        since: DateTime<Utc>,
    ) -> std::result::Result<Vec<KnownCommit>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "SELECT repository, hash, parents, author, email, authored_ms, committed_ms,
                    branch, subject, added, removed, files, reverts, lists, pull, made_in, gone
                 FROM git_commit WHERE authored_ms >= ?1 ORDER BY authored_ms, committed_ms, hash",
            )?
            .query_map([since.timestamp_millis()], read_commit)?
            .collect()
        })
    }

    /// When the first commit was written that a working tree's own log tells was made in it, by
    /// repository and tree.
    pub fn first_made(
        &self,
    ) -> std::result::Result<BTreeMap<(i64, String), DateTime<Utc>>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "SELECT repository, made_in, min(authored_ms) FROM git_commit
                 WHERE made_in IS NOT NULL GROUP BY repository, made_in",
            )?
            .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), codes::time_of(row.get(2)?))))?
            .collect()
        })
    }

    /// Keeps which repositories folders belong to. Nothing is written of what is known.
    pub fn keep_places(
        &mut self,
        places: &BTreeMap<String, Place>,
    ) -> std::result::Result<(), LedgerError> {
        let (known, repositories) = (self.work_places()?, self.repositories()?);
        let is_known = |(project, place): (&String, &Place)| {
            let repository = repositories.get(&place.common);
            let told = repository.zip(known.get(project));
            told.is_some_and(|(repository, told)| {
                (repository.id, &repository.name) == (told.repository, &place.name)
                    && told.tree == place.tree
            })
        };
        if places.iter().all(is_known) {
            return Ok(());
        }
        let mut recording = self.begin()?;
        recording.write(|conn, _| {
            for (project, place) in places {
                let id = repository(conn, place)?;
                conn.prepare_cached(
                    "INSERT INTO work_place VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE
                     SET repository = excluded.repository, tree = excluded.tree",
                )?
                .execute(params![project, id, place.tree])?;
            }
            Ok(())
        })?;
        recording.commit()
    }

    /// Keeps what was read of repositories, by the folder that their working trees share: their
    /// history with the stamp it goes with, or why there is none. In one transaction.
    pub fn keep_histories(
        &mut self,
        read: &[(String, u64, std::result::Result<History, String>)],
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> std::result::Result<(), LedgerError> {
        if read.is_empty() {
            return Ok(());
        }
        let mut recording = self.begin()?;
        recording.write(|conn, _| {
            for (common, stamp, history) in read {
                let id: i64 = conn
                    .prepare_cached("SELECT id FROM repository WHERE common = ?1")?
                    .query_row([common], |row| row.get(0))?;
                match history {
                    Ok(history) => keep(conn, id, *stamp, history, since, now)?,
                    // The stamp stays: it is tried again.
                    Err(trouble) => {
                        conn.prepare_cached("UPDATE repository SET trouble = ?2 WHERE id = ?1")?
                            .execute(params![id, trouble])?;
                    }
                }
            }
            Ok(())
        })?;
        recording.commit()
    }
}

/// The number of a repository, given out now if it is new. One that was never read has the stamp
/// that none has.
fn repository(conn: &Connection, place: &Place) -> Result<i64> {
    conn.prepare_cached(
        "INSERT INTO repository (common, name, stamp, heads, shallow, since_ms, read_ms, is_cut)
         VALUES (?1, ?2, 0, '[]', '[]', 0, 0, 0)
         ON CONFLICT (common) DO UPDATE SET name = excluded.name RETURNING id",
    )?
    .query_row([&place.common, &place.name], |row| row.get(0))
}

fn keep(
    conn: &Connection,
    id: i64,
    stamp: u64,
    history: &History,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    for commit in &history.commits {
        insert(conn, id, commit, history.made_in.get(&commit.id))?;
    }
    let mut made = conn.prepare_cached(
        "UPDATE git_commit SET made_in = ?3
         WHERE repository = ?1 AND hash = ?2 AND made_in IS NULL",
    )?;
    // Logs are cut from time to time, so that what they told once is kept.
    for (hash, tree) in &history.made_in {
        made.execute(params![id, hash, tree])?;
    }
    mark_gone(conn, id, history, since)?;
    conn.prepare_cached(
        "UPDATE repository SET email = ?2, stamp = ?3, heads = ?4, shallow = ?5, since_ms = ?6,
            read_ms = ?7, is_cut = ?8, remotes = ?9, trouble = NULL WHERE id = ?1",
    )?
    .execute(params![
        id,
        history.email,
        stamp.cast_signed(),
        codes::json(&history.read.heads)?,
        codes::json(&history.read.shallow)?,
        since.timestamp_millis(),
        now.timestamp_millis(),
        history.is_cut,
        codes::json(&history.remotes)?,
    ])?;
    Ok(())
}

fn insert(conn: &Connection, id: i64, commit: &Commit, made_in: Option<&String>) -> Result<()> {
    let json = |list: &[String]| (!list.is_empty()).then(|| codes::json(&list)).transpose();
    let count = |of: fn(&Change) -> u64| commit.change.as_ref().map(of).map(codes::to_i64);
    conn.prepare_cached(
        "INSERT INTO git_commit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
            ?14, ?15, ?16, 0)
         ON CONFLICT DO UPDATE SET gone = 0, added = excluded.added, removed = excluded.removed,
            files = excluded.files",
    )?
    .execute(params![
        id,
        commit.id,
        commit.parents.join(" "),
        commit.author,
        commit.email,
        commit.authored_at.timestamp_millis(),
        commit.committed_at.timestamp_millis(),
        commit.branch,
        commit.subject,
        count(|change| change.added),
        count(|change| change.removed),
        count(|change| change.files),
        json(&commit.reverts)?,
        json(&commit.lists)?,
        commit.pull.map(codes::to_i64),
        made_in,
    ])?;
    Ok(())
}

/// Marks what no ref leads to any more, and takes the mark from what one leads to again. Commits
/// from before `since` were not looked at and stay as they are.
fn mark_gone(conn: &Connection, id: i64, history: &History, since: DateTime<Utc>) -> Result<()> {
    // After a reading of a part that reached the bound, nobody knows what lies beyond.
    if history.is_cut {
        return Ok(());
    }
    let reachable: HashSet<&str> = match &history.reachable {
        Some(all) => all.iter().map(String::as_str).collect(),
        None if history.is_whole => {
            history.commits.iter().map(|commit| commit.id.as_str()).collect()
        }
        None => return Ok(()),
    };
    let known: Vec<(String, bool)> = conn
        .prepare_cached(
            "SELECT hash, gone FROM git_commit WHERE repository = ?1 AND committed_ms >= ?2",
        )?
        .query_map([id, since.timestamp_millis()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let mut mark =
        conn.prepare_cached("UPDATE git_commit SET gone = ?3 WHERE repository = ?1 AND hash = ?2")?;
    for (hash, was_gone) in known {
        let is_gone = !reachable.contains(hash.as_str());
        if is_gone != was_gone {
            mark.execute(params![id, hash, is_gone])?;
        }
    }
    Ok(())
}

fn read_commit(row: &Row<'_>) -> Result<KnownCommit> {
    let count = |index| row.get::<_, Option<i64>>(index).map(|count| count.map(codes::to_u64));
    let change = match (count(9)?, count(10)?, count(11)?) {
        (Some(added), Some(removed), Some(files)) => Some(Change { added, removed, files }),
        _ => None,
    };
    let parents: String = row.get(2)?;
    Ok(KnownCommit {
        repository: row.get(0)?,
        commit: Commit {
            id: row.get(1)?,
            parents: parents.split_whitespace().map(str::to_owned).collect(),
            author: row.get(3)?,
            email: row.get(4)?,
            authored_at: codes::time_of(row.get(5)?),
            committed_at: codes::time_of(row.get(6)?),
            branch: row.get(7)?,
            subject: row.get(8)?,
            change,
            reverts: list_of(row, 12)?,
            lists: list_of(row, 13)?,
            pull: count(14)?,
        },
        made_in: row.get(15)?,
        is_gone: row.get(16)?,
    })
}

fn list_of(row: &Row<'_>, index: usize) -> Result<Vec<String>> {
    let text: Option<String> = row.get(index)?;
    text.map_or(Ok(Vec::new()), |text| codes::json_of(&text))
}
