//! Crush.
//!
//! # Where
//! `projects.json` in `$CRUSH_GLOBAL_DATA`, else `${XDG_DATA_HOME:-~/.local/share}/crush` or
//! `%LOCALAPPDATA%\crush`, names the data folder of each project, usually `<project>/.crush`.
//! There lies `crush.db`. `[agents.crush] roots = [...]` may name either kind of folder.
//!
//! # What counts
//! Table `sessions(id, parent_session_id, cost, updated_at, …)`. The rules, each with a fixture in
//! `tests/fixtures/agents/crush` or a test below:
//!
//! 1. `cost` is the only figure that grows with use: `prompt_tokens` and `completion_tokens` are
//!    those of the last request. So an event is what `cost` grew by between two looks, without
//!    tokens. It is the provider's own figure on OpenRouter, else Crush's by its price list; plans
//!    with a flat rate add nothing.
//! 2. A child session's cost is added to its parent's when it ends: only sessions without a parent
//!    count.
//! 3. A cost that falls (two windows on one session write over each other) adds nothing until it
//!    is above where it was.
//! 4. An event has the time of the session's last change. At the first look that is the whole
//!    session, however long it took.
//! 5. The model is that of the messages since the last look, `None` where they have several.
//!
//! Sources: `internal/db/migrations`, `internal/db/sql/sessions.sql`, `internal/agent/{agent,
//! coordinator}.go` and `internal/projects/projects.go` of github.com/charmbracelet/crush.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::agent::{Agent, FileKind, whole_tree};
use super::homes::{data_home, local_data, named_by};
use super::scan::{Findings, Format, Position, Shape};
use super::wire::epoch;
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, Currency, EventKey, Funding, Money, Speed, TokenCounts, Usage};

/// Crush.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "crush",
        name: "Crush",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "its own figure of the cost, by session and project",
        reads: "a database in each project (SQLite)",
        limits: "no tokens; nothing of plans with a flat rate; a session that is new at a look has one time",
    },
    homes,
    inside: folders,
    kinds: &[FileKind { is_log: is_database, deepest: 0, format: &Sessions }],
    watch: whole_tree,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    let mut homes = vec![named_by(places, "CRUSH_GLOBAL_DATA", || data_home(places, "crush"))];
    homes.extend(local_data(places, "crush"));
    homes
}

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "crush.db")
}

/// The folder itself and those that its list of projects names.
fn folders(home: &Path) -> Vec<PathBuf> {
    #[derive(Deserialize)]
    struct List {
        projects: Vec<Project>,
    }
    #[derive(Deserialize)]
    struct Project {
        path: PathBuf,
        data_dir: PathBuf,
    }
    let list = std::fs::read(home.join("projects.json")).ok();
    let list: Option<List> = list.and_then(|text| serde_json::from_slice(&text).ok());
    let projects = list.map(|list| list.projects).unwrap_or_default();
    let folders = projects.iter().map(|project| home.join(&project.path).join(&project.data_dir));
    std::iter::once(home.to_owned()).chain(folders).collect()
}

struct Sessions;

/// Up to where a session was counted.
#[derive(Clone, Serialize, Deserialize)]
struct Counted {
    cost: Money,
    updated: i64,
}

impl Format for Sessions {
    type State = BTreeMap<String, Counted>;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    fn restart(&self, before: Self::State) -> Self::State {
        // A vacuum or a restored backup is still the same sessions.
        before
    }

    fn database(
        &self,
        file: &Path,
        state: &mut Self::State,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        let folder = file.parent().filter(|folder| folder.ends_with(".crush"));
        let project = folder.and_then(|folder| folder.parent()?.to_str());
        let models = Models::of(database)?;
        let mut select = database.prepare(
            "SELECT rowid, id, cost, updated_at FROM sessions
             WHERE parent_session_id IS NULL AND cost > 0 ORDER BY rowid",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            found.at(Position::Item("row", row.get::<_, i64>(0)?.unsigned_abs()));
            let Ok(session) = row.get_ref(1)?.as_str() else {
                found.problem("a session without an id");
                continue;
            };
            // As decimal: the difference of two binary fractions has noise in it.
            let cost = row.get_ref(2)?.as_f64().map(|cost| cost.to_string());
            let cost = cost.ok().and_then(|cost| Money::parse(&cost, Currency::USD).ok());
            let Some(cost) = cost else {
                found.problem("a cost that is no amount");
                continue;
            };
            let updated = row.get_ref(3)?.as_i64().ok();
            let Some((updated, at)) = updated.and_then(|it| Some((it, epoch(it)?))) else {
                found.problem("a session without a readable time");
                continue;
            };
            let before = state.get(session);
            let counted = before.map_or(0, |before| before.cost.attos);
            if cost.attos <= counted {
                found.skip("no more than was counted before");
                continue;
            }
            let since = before.map_or(i64::MIN, |before| before.updated);
            let (provider, model) = models.since(database, session, since)?;
            let usage = Usage {
                key: EventKey::in_session(
                    session.as_bytes(),
                    &[b"crush", cost.to_decimal().as_bytes()],
                ),
                at,
                provider: provider.map(|provider| found.share(&provider)),
                model: model.map(|model| found.share(&model)),
                tokens: TokenCounts::default(),
                speed: Speed::Standard,
                web_searches: 0,
                stated_cost: Some(Money { attos: cost.attos - counted, ..cost }),
                project: project.map(|project| found.share(project)),
                session: Some(found.share(session)),
                funding: Funding::Unknown,
                is_sum: true,
            };
            found.count(usage);
            state.insert(session.to_owned(), Counted { cost, updated });
        }
        Ok(())
    }
}

/// Which columns tell the model of a message.
struct Models {
    provider: &'static str,
}

impl Models {
    fn of(database: &Connection) -> rusqlite::Result<Self> {
        let has_provider: bool = database.query_row(
            "SELECT count(*) FROM pragma_table_info('messages') WHERE name = 'provider'",
            [],
            |row| row.get(0),
        )?;
        Ok(Self { provider: if has_provider { "provider" } else { "NULL" } })
    }

    /// Provider and model of a session's messages, where they agree.
    fn since(
        &self,
        database: &Connection,
        session: &str,
        since: i64,
    ) -> rusqlite::Result<(Option<String>, Option<String>)> {
        let mut select = database.prepare_cached(&format!(
            "SELECT DISTINCT {}, model FROM messages
             WHERE session_id = ?1 AND created_at >= ?2 AND model <> '' LIMIT 2",
            self.provider
        ))?;
        let rows: Vec<(Option<String>, Option<String>)> = select
            .query_map(rusqlite::params![session, since], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let [(provider, model)] = rows.as_slice() else { return Ok((None, None)) };
        let provider = provider.as_deref().map(str::trim).filter(|provider| !provider.is_empty());
        let provider = provider.map(|provider| match provider.to_lowercase().as_str() {
            "gemini" => "google".to_owned(),
            other => other.to_owned(),
        });
        Ok((provider, model.as_deref().map(|model| model.trim().to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::agents::fixtures::Fold;

    #[test]
    fn each_growth_of_the_cost_is_an_event() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join(".local/share/crush");
        std::fs::create_dir_all(&data).unwrap();
        let owner = Connection::open(data.join("crush.db")).unwrap();
        owner
            .execute_batch(
                "PRAGMA journal_mode = wal;
                 CREATE TABLE sessions (id TEXT PRIMARY KEY, parent_session_id TEXT, cost REAL,
                    updated_at INTEGER);
                 CREATE TABLE messages (session_id TEXT, model TEXT, created_at INTEGER);
                 INSERT INTO sessions VALUES ('s', NULL, 0.1, 1775034000);
                 INSERT INTO messages VALUES ('s', 'gpt-5.4', 1775033000)",
            )
            .unwrap();
        let mut fold = Fold::default();
        let mut look = |sql: &str| {
            owner.execute_batch(sql).unwrap();
            fold.look("crush", home.path(), None);
            let mut events: Vec<_> = fold
                .counted()
                .map(|usage| {
                    let cost = usage.stated_cost.map(|cost| cost.to_decimal());
                    (usage.at.timestamp(), usage.model.as_deref().map(str::to_owned), cost)
                })
                .collect();
            events.sort();
            events.split_off(events.len() - 1).pop().map(|last| (events.len(), last))
        };
        let event = |before, at, model: Option<&str>, cost: &str| {
            Some((before, (at, model.map(str::to_owned), Some(cost.to_owned()))))
        };
        let first = event(0, 1_775_034_000, Some("gpt-5.4"), "0.1");
        assert_eq!(look(""), first);
        assert_eq!(look("UPDATE sessions SET cost = 0.1, updated_at = 1775034050"), first);
        let second = event(1, 1_775_034_100, Some("claude-opus-4-5"), "0.2");
        assert_eq!(
            look(
                "UPDATE sessions SET cost = 0.3, updated_at = 1775034100;
                 INSERT INTO messages VALUES ('s', 'claude-opus-4-5', 1775034060)"
            ),
            second
        );
        assert_eq!(look("UPDATE sessions SET cost = 0.05, updated_at = 1775034200"), second);
        let third = event(2, 1_775_034_300, Some("gpt-5.4"), "0.01");
        assert_eq!(
            look(
                "UPDATE sessions SET cost = 0.31, updated_at = 1775034300;
                 INSERT INTO messages VALUES ('s', 'gpt-5.4', 1775034250)"
            ),
            third
        );
    }
}
