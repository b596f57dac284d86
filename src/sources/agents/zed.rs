//! Zed's own agent. Agents that Zed merely hosts leave logs of their own.
//!
//! # Where
//! `threads/threads.db` in `${XDG_DATA_HOME:-~/.local/share}/zed`,
//! `~/Library/Application Support/Zed` and `%LOCALAPPDATA%\Zed`. `[agents.zed] roots = [...]` in the
//! config replaces these folders.
//!
//! # What counts
//! Table `threads`: a row is a thread, `data` its JSON, packed with Zstandard (`data_type = 'zstd'`)
//! or plain (`'json'`), as <https://github.com/zed-industries/zed> writes it (`crates/agent`). The
//! rules, each with a fixture in `tests/fixtures/agents/zed`:
//!
//! 1. `request_token_usage` holds the counts of single requests by the user's message (a list in
//!    old threads). The kinds are disjoint. It is not complete: of a message that took several
//!    requests it holds one.
//! 2. `cumulative_token_usage` is the sum over the thread. What the requests leave open of it is
//!    one more usage, so that the thread adds up. Without it the requests count alone.
//! 3. A thread is written anew as it grows: what was counted of it is remembered, and only what
//!    the sum grew by is added. Sums that fall add nothing.
//! 4. Requests bear no time; all that is new in a thread is dated by the thread's `updated_at`.
//! 5. `model` is the one the thread uses now. Its `provider` `copilot_chat` is GitHub Copilot.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use ruzstd::decoding::StreamingDecoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use super::agent::{Agent, FileKind, whole_tree};
use super::homes::{data_home, local_data};
use super::scan::condense::Condenser;
use super::scan::{Findings, Format, Position, Shape};
use super::table::{Table, bytes, count as count_in, text, time};
use super::wire::{Count, cause, count};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, EventKey, Funding, Speed, TokenCounts, Usage};

/// Zed.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "zed",
        name: "Zed",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every thread, by model",
        reads: "thread database (SQLite, Zstandard)",
        limits: "a time for a thread only, not for each request; no project",
    },
    homes,
    inside: |home| vec![home.join("threads")],
    kinds: &[FileKind { is_log: is_database, deepest: 0, format: &Threads }],
    watch: whole_tree,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    let mut homes =
        vec![data_home(places, "zed"), places.home.join("Library/Application Support/Zed")];
    homes.extend(local_data(places, "Zed"));
    homes
}

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "threads.db")
}

/// The most that may be left of a thread without its long texts.
const MOST_BYTES: usize = 16 * 1024 * 1024;

struct Threads;

/// Up to which time threads were read, and what of them was counted.
#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    updated_at: String,
    threads: BTreeMap<String, Counted>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Counted {
    sum: Sum,
    /// Hashes of the requests that were met.
    requests: BTreeSet<u32>,
}

/// Input, cache writes, cache reads, output.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sum([u64; 4]);

impl Format for Threads {
    type State = State;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    /// Another file under the same name may be an older copy: its sums add only what is new.
    fn restart(&self, before: State) -> State {
        State { updated_at: String::new(), ..before }
    }

    fn database(
        &self,
        _file: &Path,
        state: &mut State,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        // Made, but not set up yet.
        let Some(table) = Table::find(database, "threads")? else { return Ok(()) };
        if let Some(what) = table.lacks(&["id", "updated_at", "data"]) {
            found.problem(what);
            return Ok(());
        }
        let columns = table.select(&["id", "updated_at", "data_type", "data"]);
        let mut statement = database.prepare(&format!(
            "SELECT rowid, {columns} FROM threads
             WHERE updated_at >= ?1 OR updated_at IS NULL ORDER BY updated_at"
        ))?;
        let mut rows = statement.query([&state.updated_at])?;
        while let Some(row) = rows.next()? {
            if found.is_full() {
                found.stopped = true;
                break;
            }
            found.at(Position::Item("thread", count_in(row, 0)));
            let Some(id) = text(row, 1) else { continue };
            if let Some(updated_at) = text(row, 2) {
                state.updated_at = updated_at;
            }
            let Some(at) = time(row, 2) else {
                found.problem("a thread without a readable time");
                continue;
            };
            let json = match unpack(text(row, 3).as_deref(), bytes(row, 4).unwrap_or_default()) {
                Ok(json) => json,
                Err(error) => {
                    found.problem(format!("a thread that can't be unpacked: {error}"));
                    continue;
                }
            };
            match serde_json::from_slice::<Thread<'_>>(&json) {
                Ok(thread) => {
                    let counted = state.threads.entry(id.clone()).or_default();
                    thread.tell(&id, at, counted, found);
                }
                Err(error) => found.problem(format!("not a readable thread: {}", cause(&error))),
            }
        }
        Ok(())
    }
}

/// The JSON of a thread without its long texts, in bounded memory whatever its size.
fn unpack(kind: Option<&str>, data: &[u8]) -> io::Result<Vec<u8>> {
    let mut input: Box<dyn Read> = match kind {
        Some("json") => Box::new(data),
        _ => Box::new(StreamingDecoder::new(data).map_err(io::Error::other)?),
    };
    let mut condenser = Condenser::default();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match input.read(&mut piece)? {
            0 => return Ok(condenser.into_kept()),
            read if !condenser.take(&piece[..read], MOST_BYTES) => {
                return Err(io::Error::other("too large even without its texts"));
            }
            _ => {}
        }
    }
}

#[derive(Deserialize)]
struct Thread<'a> {
    model: Option<Model>,
    #[serde(borrow)]
    request_token_usage: Option<&'a RawValue>,
    cumulative_token_usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Model {
    provider: Option<String>,
    model: Option<String>,
}

#[derive(Default, Deserialize)]
struct Counts {
    input_tokens: Option<Count>,
    cache_creation_input_tokens: Option<Count>,
    cache_read_input_tokens: Option<Count>,
    output_tokens: Option<Count>,
}

impl Thread<'_> {
    fn tell(&self, id: &str, at: DateTime<Utc>, counted: &mut Counted, found: &mut Findings) {
        let requests = match self.requests() {
            Ok(requests) => requests,
            Err(error) => {
                return found.problem(format!("requests that can't be read: {}", cause(&error)));
            }
        };
        let sum = requests
            .values()
            .fold(Sum::default(), |sum, request| sum.with(request, u64::saturating_add))
            .with(
                &self.cumulative_token_usage.as_ref().map(Counts::sum).unwrap_or_default(),
                u64::max,
            );
        let mut open = sum.with(&counted.sum, u64::saturating_sub);
        let mut new = requests;
        new.retain(|request, _| counted.requests.insert(short_hash(request)));
        if open == Sum::default() {
            return found.skip("nothing new in it");
        }
        let provider = self.provider().map(|name| found.share(&name));
        let model = self.model.as_ref().and_then(|model| model.model.as_deref());
        let model = model.map(str::trim).filter(|name| !name.is_empty());
        let model = model.map(|name| found.share(name));
        let session = found.share(id);
        let usage = |key: EventKey, sum: Sum| Usage {
            key,
            at,
            provider: provider.clone(),
            model: model.clone(),
            tokens: sum.tokens(),
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: None,
            session: Some(session.clone()),
            funding: Funding::Unknown,
            is_sum: true,
        };
        for (request, counts) in &new {
            // One that does not fit was counted before, with the rest of an earlier sum.
            if *counts != Sum::default() && counts.fits(&open) {
                let parts: [&[u8]; 4] = [b"zed", id.as_bytes(), b"request", request.as_bytes()];
                let key = EventKey::original(&parts, &[]);
                found.count(Usage { is_sum: false, ..usage(key, *counts) });
                open = open.with(counts, u64::saturating_sub);
            }
        }
        counted.sum = counted.sum.with(&sum, u64::max);
        if open != Sum::default() {
            let total = counted.sum.0.map(u64::to_le_bytes);
            let group: [&[u8]; 3] = [b"zed", id.as_bytes(), b"rest"];
            found.count(usage(EventKey::original(&group, &[total.as_flattened()]), open));
        }
    }

    /// By message; those of a list by their place in it.
    fn requests(&self) -> serde_json::Result<BTreeMap<String, Sum>> {
        let text = self.request_token_usage.map_or("null", RawValue::get);
        let named: Vec<(String, Counts)> = if text.starts_with('[') {
            let listed: Vec<Counts> = serde_json::from_str(text)?;
            listed.into_iter().enumerate().map(|(at, counts)| (at.to_string(), counts)).collect()
        } else {
            let named: Option<BTreeMap<String, Option<Counts>>> = serde_json::from_str(text)?;
            let named = named.into_iter().flatten();
            named.map(|(name, counts)| (name, counts.unwrap_or_default())).collect()
        };
        Ok(named.into_iter().map(|(name, counts)| (name, counts.sum())).collect())
    }

    fn provider(&self) -> Option<String> {
        let name = self.model.as_ref()?.provider.as_deref()?.trim().to_ascii_lowercase();
        match name.as_str() {
            "" => None,
            "copilot_chat" => Some(super::copilot::PROVIDER.to_owned()),
            _ => Some(name),
        }
    }
}

fn short_hash(text: &str) -> u32 {
    (xxh3_64(text.as_bytes()) >> 32) as u32
}

impl Counts {
    fn sum(&self) -> Sum {
        Sum([
            count(self.input_tokens),
            count(self.cache_creation_input_tokens),
            count(self.cache_read_input_tokens),
            count(self.output_tokens),
        ])
    }
}

impl Sum {
    fn with(&self, other: &Self, f: fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|kind| f(self.0[kind], other.0[kind])))
    }

    fn fits(&self, room: &Self) -> bool {
        self.0.iter().zip(&room.0).all(|(count, room)| count <= room)
    }

    fn tokens(&self) -> TokenCounts {
        let [input, cache_write_5m, cache_read, output] = self.0;
        TokenCounts { input, cache_write_5m, cache_read, output, ..TokenCounts::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_odd_to_be_unpacked(bytes: Vec<u8>, is_packed: bool) {
            let start: &[u8] = if is_packed { b"\x28\xb5\x2f\xfd" } else { b"" };
            let _ = unpack(Some("zstd"), &[start, &bytes].concat());
            let json = unpack(Some("json"), &bytes);
            let _ = json.map(|json| serde_json::from_slice::<Thread<'_>>(&json).is_ok());
        }

        #[test]
        fn a_thread_adds_up_to_its_sum(
            looks in proptest::collection::vec((0_u64..50, 0_u64..50, 0_u64..200), 1..6)
        ) {
            let (mut counted, mut highest, mut told) = (Counted::default(), 0, 0);
            for (a, b, sum) in looks {
                let json = format!(
                    r#"{{"request_token_usage":{{"a":{{"input_tokens":{a}}},"b":{{"input_tokens":{b}}}}},
                        "cumulative_token_usage":{{"input_tokens":{sum}}}}}"#
                );
                let thread: Thread<'_> = serde_json::from_str(&json).unwrap();
                let mut found = Findings::default();
                thread.tell("t", DateTime::UNIX_EPOCH, &mut counted, &mut found);
                told += found.usages.iter().map(|usage| usage.tokens.input).sum::<u64>();
                highest = highest.max(a + b).max(sum);
                proptest::prop_assert_eq!(told, highest);
            }
        }
    }
}
