//! Forge.
//!
//! # Where
//! `.forge.db` in `$FORGE_CONFIG`, else in `~/.forge` and, where older versions left it, `~/forge`.
//!
//! # What counts
//! Table `conversations(conversation_id, context, created_at, updated_at)`; `context` is JSON with
//! `messages[]`, each `{message: {text: {role, content, model, tool_calls}}, usage}`. Messages of
//! the assistant with `usage` are requests. The rules, each with a fixture in
//! `tests/fixtures/agents/forge`:
//!
//! 1. `prompt_tokens` holds `cached_tokens`. What was written to a cache is in it too, unmarked.
//! 2. A count is `{"actual": n}` or `{"approx": n}`; the second is Forge's own guess and is none.
//! 3. A conversation is written anew each time, can be cloned under a new id, and compaction takes
//!    messages out of it. So the key is what a message is: its words, its first tool call, its
//!    model and its counts.
//! 4. A message has no time. It gets that of the conversation's last change when it was first met.
//! 5. `usage.cost` is in dollars, where the provider tells it.
//!
//! Sources: `crates/forge_domain/src/{message,env}.rs`, `crates/forge_config/src/reader.rs`,
//! `crates/forge_repo/src/conversation/conversation_record.rs` and the migrations beside it,
//! `crates/forge_app/src/dto/anthropic/response.rs` of github.com/antinomyhq/forge.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use memchr::memmem;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind, itself, not_watched};
use super::homes::named_by;
use super::scan::{Findings, Format, Position, Shape};
use super::wire::{Count, Text, cause, count, filled, stated_cost, text_or_nothing, time};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, EventKey, Funding, Speed, TokenCounts, Usage};

/// Forge.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "forge",
        name: "Forge",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens of every request, by model and conversation",
        reads: "its database of conversations (SQLite)",
        limits: "no project; cache writes pass for fresh input; a request has the time of its conversation's last change",
    },
    homes,
    inside: itself,
    kinds: &[FileKind { is_log: is_database, deepest: 0, format: &Conversations }],
    watch: not_watched,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    let mut homes = vec![named_by(places, "FORGE_CONFIG", || places.home.join(".forge"))];
    // Many things are called so.
    let older = places.home.join("forge");
    if older.join(".forge.db").is_file() {
        homes.push(older);
    }
    homes
}

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".forge.db")
}

struct Conversations;

/// What of the table was read: a pass walks it by row number and takes the rows that changed since
/// the newest change that the last pass met.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Passes {
    since: String,
    /// Where an unfinished pass stands.
    row: i64,
    newest: String,
}

impl Format for Conversations {
    type State = Passes;

    fn shape(&self) -> Shape<'_> {
        Shape::Database
    }

    fn database(
        &self,
        _file: &Path,
        passes: &mut Passes,
        database: &Connection,
        found: &mut Findings,
    ) -> rusqlite::Result<()> {
        let mut select = database.prepare(
            "SELECT rowid, conversation_id, coalesce(updated_at, created_at) AS changed, context
             FROM conversations
             WHERE rowid > ?1 AND changed >= ?2 AND context IS NOT NULL ORDER BY rowid",
        )?;
        let mut rows = select.query(rusqlite::params![passes.row, passes.since])?;
        while let Some(row) = rows.next()? {
            if found.is_full() {
                found.stopped = true;
                return Ok(());
            }
            passes.row = row.get(0)?;
            found.at(Position::Item("row", passes.row.unsigned_abs()));
            let conversation = row.get_ref(1)?.as_str().unwrap_or("");
            let changed = row.get_ref(2)?.as_str().unwrap_or("");
            let at = instant(changed);
            if at.is_some() && changed > passes.newest.as_str() {
                changed.clone_into(&mut passes.newest);
            }
            match (at, row.get_ref(3)?.as_bytes()) {
                (None, _) => found.problem("a conversation without a readable time"),
                (_, Err(_)) => found.problem("a conversation that is no text"),
                (Some(at), Ok(context)) => read(context, conversation, at, found),
            }
        }
        passes.since.clone_from(&passes.newest);
        passes.row = 0;
        Ok(())
    }
}

/// A time as SQLite writes it, which is UTC.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let plain = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok();
    plain.map(|at| at.and_utc()).or_else(|| time(text))
}

fn read(context: &[u8], conversation: &str, at: DateTime<Utc>, found: &mut Findings) {
    let context: Context<'_> = match serde_json::from_slice(context) {
        Ok(context) => context,
        Err(error) => {
            return found.problem(format!("not a readable conversation: {}", cause(&error)));
        }
    };
    for message in context.messages {
        if memmem::find(message.get().as_bytes(), b"\"usage\"").is_none() {
            continue;
        }
        match serde_json::from_str::<Entry<'_>>(message.get()) {
            Ok(entry) => read_entry(&entry, conversation, at, found),
            Err(error) => found.problem(format!("not a readable message: {}", cause(&error))),
        }
    }
}

fn read_entry(entry: &Entry<'_>, conversation: &str, at: DateTime<Utc>, found: &mut Findings) {
    let text = entry.message.as_ref().and_then(|message| message.text.as_ref());
    let answer = text
        .filter(|text| text.role.as_deref().is_some_and(|it| it.eq_ignore_ascii_case("assistant")));
    let (Some(answer), Some(usage)) = (answer, &entry.usage) else {
        return found.skip("not an answer of the model");
    };
    let cost = usage.cost.map_or(Ok(None), |cost| stated_cost(cost, "usage.cost"));
    let cost = cost.unwrap_or_else(|what| {
        found.problem(what);
        None
    });
    let tokens = usage.tokens();
    if tokens.is_zero() && cost.is_none() {
        return found.skip("no tokens in it");
    }
    let counts = [tokens.input, tokens.cache_read, tokens.output].map(u64::to_le_bytes);
    let bytes = |text: &Option<Text<'_>>| text.as_deref().unwrap_or("").as_bytes().to_vec();
    let call = answer.tool_calls.iter().flatten().next();
    let key = EventKey::original(
        &[
            b"forge",
            &bytes(&answer.content),
            &call.map(|call| bytes(&call.call_id)).unwrap_or_default(),
            &bytes(&answer.model),
            counts.as_flattened(),
        ],
        &[],
    );
    let request = Usage {
        key,
        at,
        provider: None,
        model: filled(&answer.model).map(|model| found.share(model.trim())),
        tokens,
        speed: Speed::Standard,
        web_searches: 0,
        stated_cost: cost,
        project: None,
        session: (!conversation.is_empty()).then(|| found.share(conversation)),
        funding: Funding::Unknown,
        is_sum: false,
    };
    found.count(request);
}

#[derive(Deserialize)]
struct Context<'a> {
    #[serde(borrow, default)]
    messages: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(borrow)]
    usage: Option<UsageRow<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    text: Option<Answer<'a>>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    role: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    content: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    call_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct UsageRow<'a> {
    prompt_tokens: Option<TokenCount>,
    completion_tokens: Option<TokenCount>,
    cached_tokens: Option<TokenCount>,
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
}

/// `{"actual": n}` or `{"approx": n}`; old versions capitalised the names.
#[derive(Deserialize)]
struct TokenCount {
    #[serde(alias = "Actual")]
    actual: Option<Count>,
}

impl UsageRow<'_> {
    fn tokens(&self) -> TokenCounts {
        let actual = |tokens: &Option<TokenCount>| count(tokens.as_ref().and_then(|it| it.actual));
        let cached = actual(&self.cached_tokens);
        TokenCounts {
            input: actual(&self.prompt_tokens).saturating_sub(cached),
            cache_read: cached,
            output: actual(&self.completion_tokens),
            ..TokenCounts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::agents::fixtures::Fold;

    #[test]
    fn a_conversation_that_goes_on_is_read_again_and_its_requests_keep_their_time() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".forge")).unwrap();
        let owner = Connection::open(home.path().join(".forge/.forge.db")).unwrap();
        owner
            .execute_batch(
                "PRAGMA journal_mode = wal;
                 CREATE TABLE conversations (conversation_id TEXT PRIMARY KEY, context TEXT,
                    created_at TIMESTAMP, updated_at TIMESTAMP)",
            )
            .unwrap();
        let answer = |output: u64| {
            format!(
                r#"{{"message":{{"text":{{"role":"Assistant","content":"{output}"}}}},
                "usage":{{"completion_tokens":{{"actual":{output}}}}}}}"#
            )
        };
        let mut fold = Fold::default();
        let mut look = |id: &str, changed: Option<&str>, answers: &[u64]| {
            let messages: Vec<_> = answers.iter().copied().map(answer).collect();
            let context = format!(r#"{{"messages":[{}]}}"#, messages.join(","));
            owner
                .execute(
                    "INSERT INTO conversations VALUES (?1, ?2, '2026-04-01 09:00:00', ?3)
                     ON CONFLICT DO UPDATE SET context = ?2, updated_at = ?3",
                    rusqlite::params![id, context, changed],
                )
                .unwrap();
            fold.look("forge", home.path(), None);
            let mut taken: Vec<_> = fold
                .counted()
                .map(|usage| (usage.tokens.output, usage.at.format("%d %H:%M").to_string()))
                .collect();
            taken.sort();
            taken
        };
        let event = |output: u64, at: &str| (output, at.to_owned());
        assert_eq!(look("c", None, &[1]), [event(1, "01 09:00")]);
        assert_eq!(
            look("c", Some("2026-04-01 10:00:00.25"), &[1, 2]),
            [event(1, "01 09:00"), event(2, "01 10:00")]
        );
        // Compacted: what was taken out has counted.
        assert_eq!(look("c", Some("2026-04-02 10:00:00.25"), &[3]).len(), 3);
        assert_eq!(look("d", Some("2026-04-02 10:00:00.25"), &[4]).len(), 4);
    }
}
