//! Merged pull requests, as the hosts of repositories tell of them, and how far they were asked.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Error, Result, Row, params};

use super::{Ledger, LedgerError, codes};
use crate::spend::{Forge, MergedPull, Project, SourceError};

/// What is known of a repository on its host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What changed from the first of these times to the second is known; `None` where nothing is.
    pub known: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Pull requests that the last look left for a later one, as far as it saw them.
    pub left_out: u64,
    /// When its host was asked last.
    pub asked_at: Option<DateTime<Utc>>,
    /// Until when the host asked to be left alone.
    pub wait_until: Option<DateTime<Utc>>,
    /// Why the host did not tell, or not all, the last time.
    pub trouble: Option<SourceError>,
}

/// A pull request and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPull {
    /// The repository on its host.
    pub project: Project,
    /// What the host tells of it.
    pub pull: MergedPull,
}

impl Ledger {
    /// Every repository whose host was asked for pull requests.
    pub fn asked_projects(&self) -> std::result::Result<BTreeMap<Project, Asked>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "SELECT forge, host, path, since_ms, until_ms, left_out, asked_ms, wait_ms, trouble
                 FROM project",
            )?
            .query_map([], |row| Ok((project_of(row)?, asked_of(row)?)))?
            .collect()
        })
    }

    /// Every merged pull request that a host told of, the earliest first.
    pub fn pulls(&self) -> std::result::Result<Vec<KnownPull>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "SELECT forge, host, path, number, merged_ms, merges, commits
                 FROM pull_request JOIN project ON project.id = pull_request.project
                 ORDER BY merged_ms, forge, host, path, number",
            )?
            .query_map([], |row| {
                Ok(KnownPull {
                    project: project_of(row)?,
                    pull: MergedPull {
                        number: codes::to_u64(row.get(3)?),
                        merged_at: codes::time_of(row.get(4)?),
                        merges: codes::json_of(&row.get::<_, String>(5)?)?,
                        commits: codes::json_of(&row.get::<_, String>(6)?)?,
                    },
                })
            })?
            .collect()
        })
    }

    /// The numbers of a repository's pull requests that are known.
    pub fn pull_numbers(
        &self,
        project: &Project,
    ) -> std::result::Result<HashSet<u64>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached(
                "SELECT number FROM pull_request WHERE project =
                    (SELECT id FROM project WHERE forge = ?1 AND host = ?2 AND path = ?3)",
            )?
            .query_map(params![project.forge.word(), project.host, project.path], |row| {
                row.get(0).map(codes::to_u64)
            })?
            .collect()
        })
    }

    /// Keeps what hosts told of their repositories, and how far that goes. In one transaction.
    pub fn keep_pulls(
        &mut self,
        told: &[(Project, Asked, Vec<MergedPull>)],
    ) -> std::result::Result<(), LedgerError> {
        if told.is_empty() {
            return Ok(());
        }
        let mut recording = self.begin()?;
        recording.write(|conn, _| {
            told.iter().try_for_each(|(project, asked, pulls)| keep(conn, project, asked, pulls))
        })?;
        recording.commit()
    }
}

fn keep(conn: &Connection, project: &Project, asked: &Asked, pulls: &[MergedPull]) -> Result<()> {
    let ms = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_millis());
    let trouble = asked.trouble.as_ref().map(codes::json).transpose()?;
    let id: i64 = conn
        .prepare_cached(
            "INSERT INTO project
                (forge, host, path, since_ms, until_ms, left_out, asked_ms, wait_ms, trouble)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (forge, host, path) DO UPDATE SET since_ms = excluded.since_ms,
                until_ms = excluded.until_ms, left_out = excluded.left_out,
                asked_ms = excluded.asked_ms, wait_ms = excluded.wait_ms,
                trouble = excluded.trouble
             RETURNING id",
        )?
        .query_row(
            params![
                project.forge.word(),
                project.host,
                project.path,
                ms(asked.known.map(|known| known.0)),
                ms(asked.known.map(|known| known.1)),
                codes::to_i64(asked.left_out),
                ms(asked.asked_at),
                ms(asked.wait_until),
                trouble,
            ],
            |row| row.get(0),
        )?;
    let mut insert =
        conn.prepare_cached("INSERT OR REPLACE INTO pull_request VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for pull in pulls {
        insert.execute(params![
            id,
            codes::to_i64(pull.number),
            pull.merged_at.timestamp_millis(),
            codes::json(&pull.merges)?,
            codes::json(&pull.commits)?,
        ])?;
    }
    Ok(())
}

fn project_of(row: &Row<'_>) -> Result<Project> {
    let word: String = row.get(0)?;
    let forge = [Forge::GitHub, Forge::GitLab].into_iter().find(|forge| forge.word() == word);
    let forge = forge.ok_or_else(|| Error::InvalidColumnName(word))?;
    Ok(Project { forge, host: row.get(1)?, path: row.get(2)? })
}

fn asked_of(row: &Row<'_>) -> Result<Asked> {
    let time = |index| row.get::<_, Option<i64>>(index).map(|ms| ms.map(codes::time_of));
    let trouble: Option<String> = row.get(8)?;
    Ok(Asked {
        known: time(3)?.zip(time(4)?),
        left_out: codes::to_u64(row.get(5)?),
        asked_at: time(6)?,
        wait_until: time(7)?,
        trouble: trouble.map(|text| codes::json_of(&text)).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect(text)
    }

    #[test]
    fn what_a_host_told_is_kept_and_kept_once() {
        let home = tempfile::tempdir().expect("a folder");
        let now = at("2026-11-24T12:00:00Z");
        let mut ledger = Ledger::open(&home.path().join("ledger.db"), now).expect("opens").ledger;
        let project = |path: &str| Project {
            forge: Forge::GitLab,
            host: "gitlab.com".into(),
            path: path.into(),
        };
        let pull = |number, hour: u32| MergedPull {
            number,
            merged_at: at(&format!("2026-11-24T{hour:02}:00:00Z")),
            merges: vec!["a".repeat(40)],
            commits: vec!["b".repeat(40), "c".repeat(40)],
        };
        let asked = Asked {
            known: Some((at("2026-11-01T00:00:00Z"), now)),
            left_out: 3,
            asked_at: Some(now),
            wait_until: Some(now),
            trouble: Some(SourceError::RateLimited { retry_after: None }),
        };
        let told = [
            (project("shop/tea"), asked.clone(), vec![pull(8, 11), pull(7, 10)]),
            (project("shop/cups"), Asked::default(), Vec::new()),
        ];
        ledger.keep_pulls(&told).expect("kept");
        ledger.keep_pulls(&told).expect("kept");
        let known = ledger.asked_projects().expect("asked");
        assert_eq!(known[&project("shop/tea")], asked);
        assert_eq!(known[&project("shop/cups")], Asked::default());
        let pulls = ledger.pulls().expect("asked");
        assert_eq!(
            pulls.iter().map(|it| &it.pull).collect::<Vec<_>>(),
            [&pull(7, 10), &pull(8, 11)]
        );
        assert_eq!(ledger.pull_numbers(&project("shop/tea")).expect("asked"), [7, 8].into());
        assert_eq!(ledger.pull_numbers(&project("shop/cups")).expect("asked"), [].into());
    }
}
