//! Hermes Agent.
//!
//! # Where
//! `state.db` and `profiles/*/state.db` in `${HERMES_HOME:-~/.hermes}`
//! (<https://github.com/NousResearch/hermes-agent>, `hermes_state.py`). `[agents.hermes] roots = [...]`
//! in the config replaces the home folder. It is not watched, because the program itself with all
//! its packages may be installed there.
//!
//! # What counts
//! Hermes keeps sums that run on, no requests. Each growth that is seen is one usage; sums that
//! fall add nothing. The kinds are disjoint, reasoning is a part of the output
//! (`agent/usage_pricing.py`: the total is prompt and output). The rules, each with a fixture in
//! `tests/fixtures/agents/hermes`:
//!
//! 1. `session_model_usage` has a sum for each model, provider and task of a session, dated by
//!    `last_seen`. Rows with a `task` are side work (titles, compression, vision) that the session's
//!    own sum leaves out; `voice_chat` alone is in it.
//! 2. `sessions` has a sum for each session. What the rows of rule 1 leave open of it (all of it in
//!    old versions, and where the gateway runs the session) counts under the session's model,
//!    dated by its last message, else by when it ended or started.
//! 3. Costs run on likewise: the actual one, else the estimated one. 0 and NULL say nothing.
//! 4. `billing_mode` tells what a subscription covers. The provider `openai-codex` is OpenAI with
//!    such a one; `auto` and `custom` name none. The model `unknown` is none.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::agent::{Agent, FileKind, folder_alone, itself};
use super::homes::named_by;
use super::scan::{Findings, Format, Position, Shape};
use super::table::{Table, count, dollars, text, time};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, Currency, EventKey, Funding, Money, Speed, TokenCounts, Usage};

/// Hermes Agent.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "hermes",
        name: "Hermes Agent",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens and cost of every session, by model",
        reads: "state databases of all profiles (SQLite)",
        limits: "sums of a session, dated when they are seen to grow",
    },
    homes: |places: &Places| -> Vec<PathBuf> {
        vec![named_by(places, "HERMES_HOME", || places.home.join(".hermes"))]
    },
    inside: itself,
    kinds: &[
        FileKind { is_log: is_state, deepest: 0, format: &Sums },
        FileKind { is_log: is_state_of_profile, deepest: 2, format: &Sums },
    ],
    watch: folder_alone,
};

fn is_state(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "state.db")
}

fn is_state_of_profile(path: &Path) -> bool {
    is_state(path) && path.ancestors().nth(2).is_some_and(|folder| folder.ends_with("profiles"))
}

struct Sums;

/// What was counted of each sum, by a hash of its names.
#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    counted: BTreeMap<u64, Sum>,
}

/// Input, cache reads, cache writes, output, reasoning; and the cost in atto-dollars, as text.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    tokens: [u64; 5],
    #[serde(default, skip_serializing_if = "String::is_empty")]
    attos: String,
}

const COUNTS: [&str; 7] = [
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "actual_cost_usd",
    "estimated_cost_usd",
];

impl Format for Sums {
    type State = State;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    /// Another file under the same name may be an older copy: its sums add only what is new.
    fn restart(&self, before: State) -> State {
        before
    }

    fn database(
        &self,
        _file: &Path,
        state: &mut State,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        // Made, but not set up yet.
        let Some(sessions) = Table::find(database, "sessions")? else { return Ok(()) };
        if let Some(what) = sessions.lacks(&["id", "input_tokens", "output_tokens"]) {
            found.problem(what);
            return Ok(());
        }
        let told = match Table::find(database, "session_model_usage")? {
            Some(table) => read_models(&table, state, database, found)?,
            None => HashMap::new(),
        };
        read_sessions(&sessions, &told, state, database, found)
    }
}

/// The sums by model. What of them is in the sums of their sessions is handed back.
fn read_models(
    table: &Table,
    state: &mut State,
    database: &Connection,
    found: &mut Findings,
) -> rusqlite::Result<HashMap<String, Sum>> {
    let mut told: HashMap<String, Sum> = HashMap::new();
    if table.lacks(&["session_id", "model", "input_tokens", "output_tokens"]).is_some() {
        return Ok(told);
    }
    let names =
        ["session_id", "model", "billing_provider", "billing_base_url", "billing_mode", "task"];
    let columns = table.select(&[&names[..], &["last_seen", "first_seen"], &COUNTS].concat());
    let mut statement =
        database.prepare(&format!("SELECT rowid, {columns} FROM session_model_usage"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found.at(Position::Item("model sum", count(row, 0)));
        let Some(session) = text(row, 1) else { continue };
        let names = [2, 3, 4, 5, 6].map(|column| text(row, column).unwrap_or_default());
        let sum = Sum::of(row, 9);
        if matches!(names[4].as_str(), "" | "voice_chat") {
            told.entry(session.clone()).or_default().add(&sum);
        }
        let parts: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let grown = Grown {
            at: time(row, 7).or(time(row, 8)),
            session: &session,
            parts: &parts,
            model: Some(names[0].as_str()).filter(|model| !matches!(*model, "" | "unknown")),
            provider: Some(names[1].as_str()),
            mode: &names[3],
            folder: None,
        };
        grown.tell(&sum, state, found);
    }
    Ok(told)
}

/// The sums by session, less what was told by model.
fn read_sessions(
    table: &Table,
    told: &HashMap<String, Sum>,
    state: &mut State,
    database: &Connection,
    found: &mut Findings,
) -> rusqlite::Result<()> {
    let last_message = match Table::find(database, "messages")? {
        Some(messages) if messages.has("session_id") && messages.has("timestamp") => {
            "SELECT max(timestamp) FROM messages WHERE session_id = ?1"
        }
        _ => "SELECT NULL WHERE ?1 IS NOT NULL",
    };
    let mut last_message = database.prepare(last_message)?;
    let names =
        ["id", "model", "billing_provider", "billing_mode", "cwd", "ended_at", "started_at"];
    let columns = table.select(&[&names[..], &COUNTS].concat());
    let mut statement = database.prepare(&format!("SELECT rowid, {columns} FROM sessions"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found.at(Position::Item("session", count(row, 0)));
        let Some(session) = text(row, 1) else { continue };
        let sum = Sum::of(row, 8).less(told.get(&session));
        if !state.has_news(&session, &[], &sum) {
            found.skip("nothing new in it");
            continue;
        }
        let last = last_message.query_row([&session], |row| Ok(time(row, 0))).unwrap_or(None);
        let (model, provider, folder) = (text(row, 2), text(row, 3), text(row, 5));
        let grown = Grown {
            at: last.or(time(row, 6)).or(time(row, 7)),
            session: &session,
            parts: &[],
            model: model.as_deref(),
            provider: provider.as_deref(),
            mode: &text(row, 4).unwrap_or_default(),
            folder: folder.as_deref(),
        };
        grown.tell(&sum, state, found);
    }
    Ok(())
}

/// A sum that may have grown, with all that is known of it.
struct Grown<'a> {
    at: Option<DateTime<Utc>>,
    session: &'a str,
    parts: &'a [&'a [u8]],
    model: Option<&'a str>,
    provider: Option<&'a str>,
    mode: &'a str,
    folder: Option<&'a str>,
}

impl Grown<'_> {
    fn tell(&self, sum: &Sum, state: &mut State, found: &mut Findings) {
        if !state.has_news(self.session, self.parts, sum) {
            return found.skip("nothing new in it");
        }
        let Some(at) = self.at else {
            return found.problem("a sum without a readable time");
        };
        let counted = state.counted.entry(name_of(self.session, self.parts)).or_default();
        let before = std::mem::replace(counted, sum.highest(counted));
        let grown = counted.less(Some(&before));
        let [input, cache_read, cache_write_5m, output, reasoning] = grown.tokens;
        let total = counted.tokens.map(u64::to_le_bytes);
        let mut parts: Vec<&[u8]> = vec![b"hermes", self.session.as_bytes(), total.as_flattened()];
        parts.extend(self.parts);
        let is_included = self.mode.contains("subscription");
        let usage = Usage {
            key: EventKey::original(&parts, &[]),
            at,
            provider: self.provider.and_then(provider).map(|name| found.share(&name)),
            model: self.model.map(|model| found.share(model)),
            tokens: TokenCounts {
                input,
                cache_read,
                cache_write_5m,
                cache_write_1h: 0,
                output,
                reasoning: reasoning.min(output),
            },
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: grown.cost(),
            project: self.folder.map(|folder| found.share(folder)),
            session: Some(found.share(self.session)),
            funding: if is_included { Funding::Subscription } else { Funding::Unknown },
            is_sum: true,
        };
        found.count(usage);
    }
}

impl State {
    /// Whether tokens were added to a sum. A cost alone may be a late correction and is no usage.
    fn has_news(&self, session: &str, parts: &[&[u8]], sum: &Sum) -> bool {
        let counted = self.counted.get(&name_of(session, parts)).map_or([0; 5], |sum| sum.tokens);
        sum.tokens[..4].iter().zip(&counted).any(|(now, before)| now > before)
    }
}

fn name_of(session: &str, parts: &[&[u8]]) -> u64 {
    let mut name = session.as_bytes().to_vec();
    for part in parts {
        name.push(0);
        name.extend_from_slice(part);
    }
    xxh3_64(&name)
}

fn provider(name: &str) -> Option<String> {
    match name.to_ascii_lowercase().as_str() {
        "" | "auto" | "custom" | "unknown" => None,
        "openai-codex" => Some("openai".to_owned()),
        "copilot" => Some(super::copilot::PROVIDER.to_owned()),
        other => Some(other.to_owned()),
    }
}

impl Sum {
    /// The columns of [`COUNTS`], the first of them at `first`.
    fn of(row: &Row<'_>, first: usize) -> Self {
        let tokens = std::array::from_fn(|kind| count(row, first + kind));
        let cost = dollars(row, first + 5).or(dollars(row, first + 6));
        Self { tokens, attos: cost.map_or_else(String::new, |cost| cost.attos.to_string()) }
    }

    fn attos(&self) -> i128 {
        self.attos.parse().unwrap_or(0)
    }

    fn cost(&self) -> Option<Money> {
        Some(Money { attos: self.attos(), currency: Currency::USD }).filter(|cost| cost.attos > 0)
    }

    fn with(&self, other: &Self, f: fn(u64, u64) -> u64, cost: fn(i128, i128) -> i128) -> Self {
        let attos = cost(self.attos(), other.attos()).max(0);
        Self {
            tokens: std::array::from_fn(|kind| f(self.tokens[kind], other.tokens[kind])),
            attos: if attos == 0 { String::new() } else { attos.to_string() },
        }
    }

    fn add(&mut self, other: &Self) {
        *self = self.with(other, u64::saturating_add, i128::saturating_add);
    }

    fn less(&self, other: Option<&Self>) -> Self {
        match other {
            Some(other) => self.with(other, u64::saturating_sub, i128::saturating_sub),
            None => self.clone(),
        }
    }

    fn highest(&self, other: &Self) -> Self {
        self.with(other, u64::max, i128::max)
    }
}
