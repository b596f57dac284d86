//! Goose.
//!
//! # Where
//! `sessions/sessions.db` in `$GOOSE_PATH_ROOT/data` (an absolute path only), else in each of
//! `${XDG_DATA_HOME:-~/.local/share}/goose`, `~/.local/share/Block/goose`,
//! `~/Library/Application Support/goose` and `%APPDATA%\Block\goose`
//! (<https://github.com/block/goose>, `crates/goose/src/session`). `[agents.goose] roots = [...]` in
//! the config replaces these folders.
//!
//! # What counts
//! The rules, each with a fixture in `tests/fixtures/agents/goose`:
//!
//! 1. `usage_ledger`: a row is a request, also a compaction. `input_tokens` holds the cache reads
//!    and writes; reasoning is not told apart. Times are seconds, in some versions milliseconds.
//! 2. Rows with `cost_source = 'carried_forward'` fill the gap between the ledger and the counters
//!    of the session. They name no model and count.
//! 3. `cost` is what Goose reckons or the provider reports; NULL and 0 say nothing.
//! 4. Older databases have counters per session only: `accumulated_input_tokens` and
//!    `accumulated_output_tokens` (`total_tokens` and its parts are the last turn's). Each growth
//!    that is seen is one usage, dated by `updated_at`; counters that fall add nothing. They do not
//!    tell the cache apart.
//! 5. A session counts by its ledger as soon as it has a row there, never by its counters too: the
//!    session is the group of both.
//! 6. The ledger's row number alone names no request, because each database begins at 1: session
//!    and time belong to the key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::agent::{Agent, FileKind, whole_tree};
use super::homes::{application_data, data_home};
use super::scan::{Findings, Format, Position, Shape};
use super::table::{Table, bytes, count, dollars, text, time, whole};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, EventKey, Funding, Speed, TokenCounts, Usage};

/// Goose.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "goose",
        name: "Goose",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens and cost of every request, by model, project and session",
        reads: "session database (SQLite)",
        limits: "versions without a usage ledger tell sums of a session, without cache",
    },
    homes,
    inside: |home| vec![home.join("sessions")],
    kinds: &[FileKind { is_log: is_database, deepest: 0, format: &Database }],
    watch: whole_tree,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    let root = places.variable("GOOSE_PATH_ROOT").map(Path::new);
    if let Some(root) = root.filter(|root| root.is_absolute()) {
        return vec![root.join("data")];
    }
    let mut homes = vec![data_home(places, "goose"), data_home(places, "Block/goose")];
    homes.extend(application_data(places, "goose"));
    homes.extend(application_data(places, "Block/goose"));
    homes
}

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "sessions.db")
}

struct Database;

/// How far the ledger was read, and the counters of sessions without one.
#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    last_id: i64,
    counted: BTreeMap<String, [u64; 2]>,
}

impl Format for Database {
    type State = State;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    /// Another file under the same name may be an older copy: its counters add only what is new.
    fn restart(&self, before: State) -> State {
        State { last_id: 0, ..before }
    }

    fn database(
        &self,
        _file: &Path,
        state: &mut State,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        let sessions = Table::find(database, "sessions")?;
        let ledger = Table::find(database, "usage_ledger")?;
        if let Some(ledger) = &ledger {
            read_ledger(ledger, sessions.as_ref(), &mut state.last_id, database, found)?;
        }
        match sessions {
            Some(sessions) if !found.stopped => {
                read_counters(&sessions, ledger.is_some(), &mut state.counted, database, found)
            }
            // Made, but not set up yet.
            _ => Ok(()),
        }
    }
}

fn read_ledger(
    ledger: &Table,
    sessions: Option<&Table>,
    last_id: &mut i64,
    database: &Connection,
    found: &mut Findings,
) -> rusqlite::Result<()> {
    if let Some(what) = ledger.lacks(&["id", "session_id", "created_timestamp", "input_tokens"]) {
        found.problem(what);
        return Ok(());
    }
    let newest: Option<i64> =
        database.query_row("SELECT max(id) FROM usage_ledger", [], |row| row.get(0))?;
    if newest.unwrap_or(0) < *last_id {
        *last_id = 0;
    }
    let (of_session, join) = match sessions.filter(|table| table.has("id")) {
        Some(table) => (
            table.select(&["working_dir", "provider_name"]),
            "LEFT JOIN sessions ON sessions.id = usage_ledger.session_id",
        ),
        None => ("NULL, NULL".to_owned(), ""),
    };
    let columns = ledger.select(&[
        "id",
        "session_id",
        "created_timestamp",
        "model",
        "input_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "output_tokens",
        "cost",
    ]);
    let mut statement = database.prepare(&format!(
        "SELECT {columns}, {of_session} FROM usage_ledger {join}
         WHERE usage_ledger.id > ?1 ORDER BY usage_ledger.id"
    ))?;
    let mut rows = statement.query([*last_id])?;
    while let Some(row) = rows.next()? {
        if found.is_full() {
            found.stopped = true;
            break;
        }
        let id = whole(row, 0).unwrap_or(0);
        *last_id = (*last_id).max(id);
        found.at(Position::Item("row", u64::try_from(id).unwrap_or(0)));
        let Some(at) = time(row, 2) else {
            found.problem("a request without a readable time");
            continue;
        };
        let (cache_read, cache_write) = (count(row, 5), count(row, 6));
        let tokens = TokenCounts {
            input: count(row, 4).saturating_sub(cache_read).saturating_sub(cache_write),
            cache_read,
            cache_write_5m: cache_write,
            output: count(row, 7),
            ..TokenCounts::default()
        };
        if tokens.is_zero() {
            found.skip("no tokens in it");
            continue;
        }
        let model = text(row, 3);
        let session = text(row, 1).unwrap_or_default();
        let member = [id.to_string(), at.timestamp_millis().to_string()];
        let usage = Usage {
            key: EventKey::original(
                &[b"goose", session.as_bytes()],
                &[member[0].as_bytes(), member[1].as_bytes()],
            ),
            at,
            // The session's provider is the one it uses now: it may not be that of a carried sum.
            provider: model.as_ref().and(provider(row, 10)).map(|name| found.share(&name)),
            model: model.map(|model| found.share(&model)),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: dollars(row, 8),
            project: text(row, 9).map(|folder| found.share(&folder)),
            session: Some(found.share(&session)).filter(|session| !session.is_empty()),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(usage);
    }
    Ok(())
}

fn read_counters(
    sessions: &Table,
    beside_ledger: bool,
    counted: &mut BTreeMap<String, [u64; 2]>,
    database: &Connection,
    found: &mut Findings,
) -> rusqlite::Result<()> {
    // The first versions with a database had no counters that run on.
    if sessions.lacks(&["id", "accumulated_input_tokens", "accumulated_output_tokens"]).is_some() {
        return Ok(());
    }
    let columns = sessions.select(&[
        "id",
        "accumulated_input_tokens",
        "accumulated_output_tokens",
        "updated_at",
        "created_at",
        "model_config_json",
        "working_dir",
        "provider_name",
    ]);
    let without_ledger = match beside_ledger {
        true => {
            "WHERE NOT EXISTS (SELECT 1 FROM usage_ledger AS l WHERE l.session_id = sessions.id)"
        }
        false => "",
    };
    let mut statement = database
        .prepare(&format!("SELECT sessions.rowid, {columns} FROM sessions {without_ledger}"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found.at(Position::Item("session", count(row, 0)));
        let Some(session) = text(row, 1) else { continue };
        let now = [count(row, 2), count(row, 3)];
        let before = counted.get(&session).copied().unwrap_or_default();
        let highest = [now[0].max(before[0]), now[1].max(before[1])];
        if highest == before {
            found.skip("the counters did not grow");
            continue;
        }
        let Some(at) = time(row, 4).or(time(row, 5)) else {
            found.problem("a session without a readable time");
            continue;
        };
        let model = bytes(row, 6).and_then(model_of);
        let total = highest.map(u64::to_le_bytes);
        let usage = Usage {
            key: EventKey::fallback(0, &[b"goose", session.as_bytes()], &[total.as_flattened()]),
            at,
            provider: provider(row, 8).map(|name| found.share(&name)),
            model: model.map(|model| found.share(&model)),
            tokens: TokenCounts {
                input: highest[0] - before[0],
                output: highest[1] - before[1],
                ..TokenCounts::default()
            },
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: text(row, 7).map(|folder| found.share(&folder)),
            session: Some(found.share(&session)),
            funding: Funding::Unknown,
            is_sum: true,
        };
        found.count(usage);
        counted.insert(session, highest);
    }
    Ok(())
}

/// Goose writes `github_copilot` and `gcp_vertex_ai` where others have a hyphen.
fn provider(row: &rusqlite::Row<'_>, column: usize) -> Option<String> {
    Some(text(row, column)?.to_ascii_lowercase().replace('_', "-"))
}

fn model_of(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct ModelConfig {
        model_name: String,
    }
    let config: ModelConfig = serde_json::from_slice(json).ok()?;
    Some(config.model_name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_root_replaces_the_usual_folders_when_it_is_absolute() {
        let with = |root: &str| {
            let variables = [("GOOSE_PATH_ROOT".to_owned(), root.into())].into();
            homes(&Places { home: "/home/ada".into(), variables, ..Places::default() })
        };
        let root = if cfg!(windows) { "C:/goose" } else { "/srv/goose" };
        assert_eq!(with(root), [Path::new(root).join("data")]);
        assert!(with("goose").contains(&PathBuf::from("/home/ada/.local/share/goose")));
    }
}
