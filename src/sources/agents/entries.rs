//! The session entries that pi brought up and that OpenClaw and OMP write too: one JSON object a
//! line, a `session` header first.
//!
//! What counts, for all of them ([pi's session format][pi], and as observed in OpenClaw's logs):
//!
//! 1. `type: "message"` with `message.role: "assistant"` and `message.usage` is a request. Its
//!    `input`, `output`, `cacheRead` and `cacheWrite` are disjoint; `cacheWrite1h` is a part of
//!    `cacheWrite`, `reasoning` (or `reasoningTokens`) a part of `output`. Below zero is zero.
//! 2. `compaction` and `branch_summary` entries that hold `usage` themselves are requests too: the
//!    summary was paid for.
//! 3. The model is the message's own, else the last `model_change` or `model-snapshot`. A message
//!    that names its own model does not change the one that is carried.
//! 4. `usage.cost.total` is the agent's own estimate in dollars; 0 says that it knows no price.
//! 5. The time is the entry's `timestamp`, else the message's, in milliseconds.
//! 6. Forks, checkpoints and archives copy entries word for word into files of other sessions, so
//!    the key has no session: it is time, provider, model and counts, and within these the entry's
//!    id. An id alone won't do: its 8 digits are unique within one file only. An entry without an
//!    id is a copy: ids are added to old files later, and what was counted must not count again.
//! 7. A file counts only if its first record is a `session`; before it only a `title` may stand.
//!
//! [pi]: https://github.com/badlogic/pi-mono/blob/main/packages/coding-agent/docs/session.md

mod fields;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::scan::Findings;
use super::scan::lines::Filter;
use super::wire::{Text, cause, count, filled, instant};
use crate::spend::{EventKey, Funding, Speed, TokenCounts, Usage};
use fields::{Data, Entry, Message, UsageRow, provider_of};

/// A folder's `sessions`, or the folder itself when it has none.
pub fn sessions_of(home: &Path) -> PathBuf {
    let inner = home.join("sessions");
    if inner.is_dir() { inner } else { home.to_owned() }
}

/// Which agent wrote the entries, and what of them is not its own.
pub struct Writer {
    /// Part of every key.
    pub agent: &'static str,
    /// Why a message of this API and provider is counted elsewhere, if it is.
    pub counted_elsewhere: fn(api: &str, provider: &str) -> Option<&'static str>,
}

/// What is known of a session while its entries are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    begun: Begun,
    id: Option<String>,
    folder: Option<String>,
    provider: Option<String>,
    model: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Begun {
    /// No record yet.
    #[default]
    Not,
    /// With a session header.
    WithHeader,
    /// With something else: no session's file.
    Otherwise,
}

impl Session {
    /// A session whose name is known from elsewhere and that needs no header.
    pub fn named(id: &str) -> Self {
        Self { begun: Begun::WithHeader, id: Some(id.to_owned()), ..Self::default() }
    }
}

/// The lines that matter: those that may hold usage, and all short ones, as headers and changes of
/// the model are. In cold archives the entry is a text of its own, with its quotes escaped.
pub fn lines() -> &'static Filter {
    static FILTER: Filter = Filter::Picked(|line| {
        static PLAIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"usage\""));
        static ESCAPED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("usage\\\""));
        line.len() < LONGEST_WITHOUT_USAGE
            || PLAIN.find(line).is_some()
            || ESCAPED.find(line).is_some()
    });
    &FILTER
}

/// Headers and changes of the model are shorter than this.
pub const LONGEST_WITHOUT_USAGE: usize = 2048;

impl Writer {
    /// Reads one entry.
    pub fn read(&self, session: &mut Session, line: &[u8], found: &mut Findings) {
        if session.begun == Begun::Otherwise {
            return found.skip("in a file that does not begin as a session");
        }
        let entry: Entry<'_> = match serde_json::from_slice(line) {
            Ok(entry) => entry,
            Err(error) => return found.problem(format!("not a readable entry: {}", cause(&error))),
        };
        let kind = entry.kind.as_deref().unwrap_or_default();
        match (session.begun, kind) {
            (_, "session") => {
                session.begun = Begun::WithHeader;
                session.folder = filled(&entry.cwd).map(str::to_owned);
                if let Some(id) = filled(&entry.id) {
                    session.id = Some(id.to_owned());
                }
                return found.skip("the session's header");
            }
            (Begun::Not, "title") => return found.skip("a title"),
            (Begun::Not, _) => {
                session.begun = Begun::Otherwise;
                return found.skip("the file does not begin as a session");
            }
            _ => {}
        }
        match kind {
            "message" => self.message(session, &entry, found),
            "compaction" | "branch_summary" => {
                let Some(usage) = entry.usage else { return found.skip("a summary without usage") };
                self.request(session, &entry, &Message::default(), usage, found);
            }
            "model_change" => {
                session.change_model(&entry.provider, &entry.model_id, &entry.model);
                found.skip("a change of the model");
            }
            "custom" if entry.custom_type.as_deref() == Some("model-snapshot") => {
                let data: Option<Data<'_>> =
                    entry.data.and_then(|data| serde_json::from_str(data.get()).ok());
                if let Some(data) = data {
                    session.change_model(&data.provider, &data.model_id, &None);
                }
                found.skip("names the model");
            }
            _ => found.skip("not an answer of the model"),
        }
    }

    fn message(&self, session: &Session, entry: &Entry<'_>, found: &mut Findings) {
        let Some(message) = entry.message else { return found.skip("an empty message") };
        let message: Message<'_> = match serde_json::from_str(message.get()) {
            Ok(message) => message,
            Err(error) => {
                return found.problem(format!("not a readable message: {}", cause(&error)));
            }
        };
        if message.role.as_deref() != Some("assistant") {
            return found.skip("not an answer of the model");
        }
        let Some(usage) = message.usage else { return found.skip("an answer without usage") };
        self.request(session, entry, &message, usage, found);
    }

    fn request(
        &self,
        session: &Session,
        entry: &Entry<'_>,
        message: &Message<'_>,
        usage: &RawValue,
        found: &mut Findings,
    ) {
        let usage: UsageRow<'_> = match serde_json::from_str(usage.get()) {
            Ok(usage) => usage,
            Err(error) => return found.problem(format!("not a readable usage: {}", cause(&error))),
        };
        let tokens = usage.tokens();
        let stated_cost = match usage.stated_cost() {
            Ok(cost) => cost,
            Err(what) => {
                found.problem(what);
                None
            }
        };
        if tokens.is_zero() && stated_cost.is_none() {
            return match count(usage.total_tokens) {
                0 => found.skip("no tokens in it"),
                _ => found.problem("a request with a total that is not split"),
            };
        }
        let provider = filled(&message.provider);
        let elsewhere = (self.counted_elsewhere)(
            message.api.as_deref().unwrap_or_default(),
            provider.unwrap_or_default(),
        );
        if let Some(why) = elsewhere {
            return found.skip(why);
        }
        let said = message.timestamp.and_then(instant);
        let Some(at) = entry.timestamp.and_then(instant).or(said) else {
            return found.problem("a request without a readable time");
        };
        // Only with the message's own model the carried provider would be a guess.
        let model = filled(&message.model);
        let carried = if model.is_none() { session.provider.as_deref() } else { None };
        let named = provider.or(carried);
        let usage = Usage {
            key: self.key(entry, message, said.unwrap_or(at), at, &tokens),
            at,
            provider: named.map(|provider| found.share(provider_of(provider).0.as_ref())),
            model: model.or(session.model.as_deref()).map(|model| found.share(model.trim())),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost,
            project: session.folder.as_deref().map(|folder| found.share(folder)),
            session: session.id.as_deref().map(|id| found.share(id)),
            funding: named.map_or(Funding::Unknown, |provider| provider_of(provider).1),
            is_sum: false,
        };
        found.count(usage);
    }

    fn key(
        &self,
        entry: &Entry<'_>,
        message: &Message<'_>,
        said: DateTime<Utc>,
        at: DateTime<Utc>,
        tokens: &TokenCounts,
    ) -> EventKey {
        let counts = [
            tokens.input,
            tokens.cache_read,
            tokens.cache_write_5m,
            tokens.cache_write_1h,
            tokens.output,
        ]
        .map(u64::to_le_bytes);
        // What is carried is left out: a copy may stand behind other entries.
        let group: [&[u8]; 5] = [
            self.agent.as_bytes(),
            &said.timestamp_millis().to_le_bytes(),
            filled(&message.provider).unwrap_or_default().as_bytes(),
            filled(&message.model).unwrap_or_default().as_bytes(),
            counts.as_flattened(),
        ];
        match filled(&entry.id) {
            Some(id) => {
                let at = at.timestamp_millis().to_le_bytes();
                EventKey::original(&group, &[id.as_bytes(), &at])
            }
            None => EventKey::copy(&group),
        }
    }
}

impl Session {
    /// OMP writes provider and model as one text, `provider/model`.
    fn change_model(
        &mut self,
        provider: &Option<Text<'_>>,
        model_id: &Option<Text<'_>>,
        joined: &Option<Text<'_>>,
    ) {
        let named = match (filled(model_id), filled(joined)) {
            (Some(model), _) => Some((filled(provider), model)),
            (None, Some(joined)) => Some(match joined.split_once('/') {
                Some((provider, model)) => (Some(provider), model),
                None => (filled(provider), joined),
            }),
            (None, None) => None,
        };
        if let Some((provider, model)) = named {
            self.provider = provider.map(str::to_owned);
            self.model = Some(model.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITER: Writer = Writer { agent: "test", counted_elsewhere: |_, _| None };

    fn verdicts(lines: &[&str]) -> (Session, Vec<Usage>) {
        let (mut session, mut found) = (Session::default(), Findings::default());
        lines.iter().for_each(|line| WRITER.read(&mut session, line.as_bytes(), &mut found));
        (session, found.usages)
    }

    const HEADER: &str = r#"{"type":"session","id":"s","cwd":"/w"}"#;

    fn answer(rest: &str) -> String {
        format!(
            r#"{{"type":"message"{rest},"message":{{"role":"assistant","timestamp":1769753935279,"usage":{{"input":1,"output":2}}}}}}"#
        )
    }

    #[test]
    fn an_id_added_later_makes_no_second_event() {
        let (_, usages) = verdicts(&[
            HEADER,
            &answer(""),
            &answer(r#","id":"a","timestamp":"2026-01-30T06:18:56Z""#),
        ]);
        let [bare, named] = &usages[..] else { panic!("{usages:?}") };
        assert_eq!(bare.key.group_bounds(), named.key.group_bounds());
        assert!(!bare.key.is_original() && named.key.is_original());
    }

    #[test]
    fn a_file_of_something_else_says_nothing() {
        let (session, usages) =
            verdicts(&[r#"{"type":"title"}"#, r#"{"type":"run"}"#, HEADER, &answer("")]);
        assert_eq!((session.begun, usages.len()), (Begun::Otherwise, 0));
    }

    #[test]
    fn counts_beyond_all_bounds_stay_within() {
        let (_, usages) = verdicts(&[
            HEADER,
            r#"{"type":"message","id":"a","timestamp":"2026-01-30T06:18:56Z","message":{"role":"assistant","usage":{"input":18446744073709551615,"output":1,"reasoning":9,"cacheWrite":1,"cacheWrite1h":9,"cost":0.5}}}"#,
        ]);
        let tokens = usages[0].tokens;
        assert_eq!((tokens.input, tokens.reasoning, tokens.cache_write_1h), (u64::MAX, 1, 1));
        assert_eq!(usages[0].stated_cost.map(|cost| cost.to_decimal()), Some("0.5".to_owned()));
    }

    #[test]
    fn models_are_carried_in_both_spellings() {
        let (session, _) = verdicts(&[
            HEADER,
            r#"{"type":"model_change","provider":"openai","modelId":"gpt-5.4"}"#,
            r#"{"type":"model_change","model":"openrouter/z-ai/glm-5"}"#,
        ]);
        assert_eq!(session.provider.as_deref(), Some("openrouter"));
        assert_eq!(session.model.as_deref(), Some("z-ai/glm-5"));
    }
}
