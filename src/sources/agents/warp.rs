//! Warp.
//!
//! # Where
//! `warp.sqlite`: on macOS in
//! `~/Library/Group Containers/2BBY89MBSN.dev.warp/Library/Application Support/dev.warp.Warp-{Stable,Preview}`,
//! on Linux in `${XDG_STATE_HOME:-~/.local/state}/warp-terminal` (as Warp's own log names it,
//! <https://github.com/warpdotdev/warp/issues/10999>), on Windows in
//! `%LOCALAPPDATA%\warp\Warp\data`. `[agents.warp] roots = [...]` in the config replaces these
//! folders. They are not watched: a terminal writes there with every command.
//!
//! # What counts
//! Table `agent_conversations`: `conversation_data` is JSON with
//! `conversation_usage_metadata.token_usage[]`, a sum for each model that runs on (as observed). The
//! rules, each with a fixture in `tests/fixtures/agents/warp`:
//!
//! 1. A sum is one number for everything: input, output and cache together. No list price can be
//!    put on it. Counted as input of its model it would get the input's price, which is as wrong as
//!    any other; so its tokens are counted as input of *no* model. That way they are in every total
//!    of tokens, and in what is shown as tokens without a price, and in no cost.
//! 2. `warp_tokens` are paid with Warp's credits, `byok_tokens` with the user's own key at a provider
//!    that is not named. They are told apart.
//! 3. Only what a sum grew by is added, dated by `last_modified_at`. Sums that fall add nothing.
//! 4. `..._by_category` split the same tokens by their purpose and are not added.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::agent::{Agent, FileKind, itself, not_watched};
use super::homes::local_data;
use super::scan::{Findings, Format, Position, Shape};
use super::table::{Table, bytes, count as count_in, text, time};
use super::wire::{Count, cause, count};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, EventKey, Funding, Speed, TokenCounts, Usage};

/// Warp.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "warp",
        name: "Warp",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "all tokens of every conversation",
        reads: "conversation database (SQLite)",
        limits: "input and output in one number, so tokens without a price and without a model",
    },
    homes,
    inside: itself,
    kinds: &[FileKind { is_log: is_database, deepest: 0, format: &Conversations }],
    watch: not_watched,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    let container = "Library/Group Containers/2BBY89MBSN.dev.warp/Library/Application Support";
    let container = places.home.join(container);
    let mut homes = vec![
        container.join("dev.warp.Warp-Stable"),
        container.join("dev.warp.Warp-Preview"),
        places.xdg("XDG_STATE_HOME", ".local/state").join("warp-terminal"),
    ];
    homes.extend(local_data(places, "warp/Warp/data"));
    homes
}

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "warp.sqlite")
}

struct Conversations;

/// Up to which time conversations were read, and what was counted of each: Warp's tokens, and
/// those of the user's own key.
#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    modified_at: String,
    counted: BTreeMap<String, [u64; 2]>,
}

impl Format for Conversations {
    type State = State;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    /// Another file under the same name may be an older copy: its sums add only what is new.
    fn restart(&self, before: State) -> State {
        State { modified_at: String::new(), ..before }
    }

    fn database(
        &self,
        _file: &Path,
        state: &mut State,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        // Versions without agents have no such table.
        let Some(table) = Table::find(database, "agent_conversations")? else { return Ok(()) };
        let needed = ["conversation_id", "conversation_data", "last_modified_at"];
        if let Some(what) = table.lacks(&needed) {
            found.problem(what);
            return Ok(());
        }
        let folder = match Table::find(database, "ai_queries")? {
            Some(queries)
                if queries
                    .lacks(&["conversation_id", "working_directory", "start_ts"])
                    .is_none() =>
            {
                "SELECT working_directory FROM ai_queries
                 WHERE conversation_id = ?1 AND working_directory <> ''
                 ORDER BY start_ts DESC LIMIT 1"
            }
            _ => "SELECT NULL WHERE ?1 IS NOT NULL",
        };
        let mut folder = database.prepare(folder)?;
        let columns = table.select(&needed);
        let mut statement = database.prepare(&format!(
            "SELECT rowid, {columns} FROM agent_conversations
             WHERE last_modified_at >= ?1 OR last_modified_at IS NULL ORDER BY last_modified_at"
        ))?;
        let mut rows = statement.query([&state.modified_at])?;
        while let Some(row) = rows.next()? {
            if found.is_full() {
                found.stopped = true;
                break;
            }
            found.at(Position::Item("conversation", count_in(row, 0)));
            if let Some(modified_at) = text(row, 3) {
                state.modified_at = modified_at;
            }
            let Some(id) = text(row, 1) else { continue };
            let now = match serde_json::from_slice::<Data>(bytes(row, 2).unwrap_or_default()) {
                Ok(data) => data.sums(),
                Err(error) => {
                    found.problem(format!("not a readable conversation: {}", cause(&error)));
                    continue;
                }
            };
            let before = state.counted.get(&id).copied().unwrap_or_default();
            let highest = [now[0].max(before[0]), now[1].max(before[1])];
            if highest == before {
                found.skip("nothing new in it");
                continue;
            }
            let Some(at) = time(row, 3) else {
                found.problem("a conversation without a readable time");
                continue;
            };
            let project = folder.query_row([&id], |row| Ok(text(row, 0))).unwrap_or(None);
            for (which, is_own_key) in [(0, false), (1, true)] {
                let input = highest[which] - before[which];
                if input == 0 {
                    continue;
                }
                let kind: &[u8] = if is_own_key { b"own key" } else { b"warp" };
                let total = highest[which].to_le_bytes();
                let usage = Usage {
                    key: EventKey::original(&[b"warp", id.as_bytes(), kind, &total], &[]),
                    at,
                    provider: (!is_own_key).then(|| found.share("warp")),
                    // Not the model of the sum: see rule 1.
                    model: None,
                    tokens: TokenCounts { input, ..TokenCounts::default() },
                    speed: Speed::Standard,
                    web_searches: 0,
                    stated_cost: None,
                    project: project.as_deref().map(|folder| found.share(folder)),
                    session: Some(found.share(&id)),
                    funding: if is_own_key { Funding::ApiKey } else { Funding::Unknown },
                    is_sum: true,
                };
                found.count(usage);
            }
            state.counted.insert(id, highest);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Data {
    conversation_usage_metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    token_usage: Option<Vec<ModelSum>>,
}

#[derive(Deserialize)]
struct ModelSum {
    warp_tokens: Option<Count>,
    byok_tokens: Option<Count>,
}

impl Data {
    /// Over all models: Warp's tokens, and those of the user's own key.
    fn sums(&self) -> [u64; 2] {
        let models = self.conversation_usage_metadata.iter().flat_map(|data| &data.token_usage);
        models.flatten().fold([0, 0], |sum, model| {
            [
                u64::saturating_add(sum[0], count(model.warp_tokens)),
                u64::saturating_add(sum[1], count(model.byok_tokens)),
            ]
        })
    }
}
