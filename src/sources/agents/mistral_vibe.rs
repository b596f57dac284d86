//! Mistral Vibe.
//!
//! # Where
//! `${VIBE_HOME:-~/.vibe}/logs/session`; in it one folder `session_<time>_<id>` for each session,
//! with `messages.jsonl` and `meta.json`, and the same for each subagent in
//! `agents/<subagent>`. `[agents.mistral-vibe] roots = [...]` in the config replaces `~/.vibe`.
//! Sources: [Vibe's code][code] (`vibe/core/session/session_logger.py`, `usage_report.py`) and
//! getagentseal/codeburn, `src/providers/mistral-vibe.ts`.
//!
//! # What counts
//! The rules, each with a fixture in `tests/fixtures/agents/mistral-vibe` or a test below:
//!
//! 1. Versions since the middle of 2026 write `usage`, `model`, `timestamp` and, later, `cost` into
//!    each answer in `messages.jsonl`: these are the requests.
//! 2. `prompt_tokens` contains `cached_tokens`.
//! 3. A fork begins with the answers of the session it was forked from. They are older than its
//!    folder, whose name has the time (in UTC) at which it began.
//! 4. `meta.json` has the running totals of the session, `stats.session_prompt_tokens`,
//!    `session_completion_tokens`, `session_cached_tokens` and `session_cost`. Each increase counts,
//!    at the time of the last change, and only where no answer of the session tells its usage.
//! 5. A compaction goes on in a new session that names its `parent_session_id` and keeps the totals:
//!    the parent's are taken off. A fork names its parent too but begins at zero: totals below the
//!    parent's are its own.
//! 6. Totals that fall add nothing.
//! 7. The model is the name it has in Vibe's config, as logged; the provider is not told.
//!
//! [code]: https://github.com/mistralai/mistral-vibe

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDateTime, Utc};
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind};
use super::homes::{folders_in, named_by};
use super::scan::lines::Filter;
use super::scan::{Findings, Format, Shape};
use super::wire::{Count, Text, cause, count, filled, stated_cost, text_or_nothing, time};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::{BY_PROVIDER, Currency, EventKey, Funding, Money, Speed, TokenCounts, Usage};

/// Mistral Vibe.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "mistral-vibe",
        name: "Mistral Vibe",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        key: None,
        base_url: "",
        tells: "tokens and own cost of every request, by model, project and session",
        reads: "session folders (JSONL, JSON)",
        limits: "older versions tell only the totals of a session; the stores of its unified sessions",
    },
    homes,
    inside: |home| vec![home.join("logs/session")],
    kinds: &[
        FileKind { is_log: |path| path.ends_with("messages.jsonl"), deepest: 3, format: &Answers },
        FileKind { is_log: |path| path.ends_with("meta.json"), deepest: 3, format: &Totals },
    ],
    is_watched: true,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    vec![named_by(places, "VIBE_HOME", || places.home.join(".vibe"))]
}

/// The session's name: its folder's, for subagents with the parent's before it.
fn session_name(file: &Path) -> String {
    let name = |path: Option<&Path>| {
        path.and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default().to_owned()
    };
    let folder = file.parent();
    match folder.and_then(Path::parent) {
        Some(agents) if agents.ends_with("agents") => {
            format!("{}/{}", name(agents.parent()), name(folder))
        }
        _ => name(folder),
    }
}

/// When a session began, by its folder's name: `session_20260725_172000_1a2b3c4d`.
fn begun_at(session: &str) -> Option<DateTime<Utc>> {
    let mut parts = session.rsplit('/').next()?.rsplitn(4, '_').skip(1);
    let (clock, day) = (parts.next()?, parts.next()?);
    NaiveDateTime::parse_from_str(&format!("{day}{clock}"), "%Y%m%d%H%M%S")
        .ok()
        .map(|time| time.and_utc())
}

/// A time; one without a zone is UTC.
fn instant(text: &Option<Text<'_>>) -> Option<DateTime<Utc>> {
    let text = filled(text)?;
    time(text).or_else(|| text.parse::<NaiveDateTime>().ok().map(|time| time.and_utc()))
}

/// Counts of one request or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    prompt: u64,
    cached: u64,
    completion: u64,
}

impl Counts {
    fn tokens(&self) -> TokenCounts {
        let cached = self.cached.min(self.prompt);
        TokenCounts {
            input: self.prompt - cached,
            cache_read: cached,
            output: self.completion,
            ..TokenCounts::default()
        }
    }

    fn zip(self, other: Self, f: fn(u64, u64) -> u64) -> Self {
        Self {
            prompt: f(self.prompt, other.prompt),
            cached: f(self.cached, other.cached),
            completion: f(self.completion, other.completion),
        }
    }

    fn bytes(&self) -> [[u8; 8]; 3] {
        [self.prompt, self.cached, self.completion].map(u64::to_le_bytes)
    }
}

/// `messages.jsonl`.
struct Answers;

impl Format for Answers {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> =
            LazyLock::new(|| Filter::Holding(Box::new(Finder::new("\"usage\""))));
        Shape::Lines(&FILTER)
    }

    fn line(&self, file: &Path, (): &mut (), line: &[u8], found: &mut Findings) {
        let row: Answer<'_> = match serde_json::from_slice(line) {
            Ok(row) => row,
            Err(error) => {
                return found.problem(format!("not a readable message: {}", cause(&error)));
            }
        };
        if row.role.as_deref() != Some("assistant") {
            return found.skip("not an answer of the model");
        }
        let Some(usage) = row.usage else { return found.skip("an answer without usage") };
        let usage: UsageRow = match serde_json::from_str(usage.get()) {
            Ok(usage) => usage,
            Err(error) => return found.problem(format!("not a readable usage: {}", cause(&error))),
        };
        let counts = Counts {
            prompt: count(usage.prompt_tokens),
            cached: count(usage.cached_tokens),
            completion: count(usage.completion_tokens),
        };
        let tokens = counts.tokens();
        if tokens.is_zero() {
            return found.skip("no tokens in it");
        }
        let session = session_name(file);
        let begun = begun_at(&session);
        let at = instant(&row.timestamp);
        if at.zip(begun).is_some_and(|(at, begun)| at < begun) {
            return found.skip("copied from the session that this one was forked from");
        }
        let Some(at) = at.or(begun) else {
            return found.problem("a request without a readable time");
        };
        let cost = row.cost.map_or(Ok(None), |cost| stated_cost(cost, "cost"));
        let stated_cost = cost.unwrap_or_else(|what| {
            found.problem(what);
            None
        });
        let bytes = counts.bytes();
        let member: [&[u8]; 3] = [
            filled(&row.message_id).unwrap_or_default().as_bytes(),
            &at.timestamp_millis().to_le_bytes(),
            bytes.as_flattened(),
        ];
        let usage = Usage {
            key: EventKey::original(&group(&session), &member),
            at,
            provider: None,
            model: filled(&row.model).map(|model| found.share(model.trim())),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost,
            project: None,
            session: Some(found.share(&session)),
            funding: Funding::Unknown,
        };
        found.count(usage);
    }
}

fn group(session: &str) -> [&[u8]; 2] {
    [b"vibe", session.as_bytes()]
}

/// What was counted of a session's totals.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Seen {
    /// Whether the parent's totals were looked for.
    began: bool,
    counts: Counts,
    cost: Option<Money>,
}

/// `meta.json`.
struct Totals;

impl Format for Totals {
    type State = Seen;

    fn shape(&self) -> Shape<'_> {
        Shape::Document
    }

    /// A session that was counted stays counted, whoever writes its file anew.
    fn restart(&self, before: Seen) -> Seen {
        before
    }

    fn document(&self, file: &Path, seen: &mut Seen, text: &[u8], found: &mut Findings) {
        let meta: Meta<'_> = match serde_json::from_slice(text) {
            Ok(meta) => meta,
            Err(error) => return found.problem(format!("not readable: {}", cause(&error))),
        };
        let stats = meta.stats.unwrap_or_default();
        let counts = stats.counts();
        if counts == Counts::default() {
            return found.skip("no tokens in it");
        }
        let Some(at) = instant(&meta.end_time).or_else(|| instant(&meta.start_time)) else {
            return found.problem("a session without a readable time");
        };
        let cost = stats.session_cost.map_or(Ok(None), |cost| stated_cost(cost, "session_cost"));
        let cost = cost.unwrap_or_else(|what| {
            found.problem(what);
            None
        });
        if !std::mem::replace(&mut seen.began, true)
            && let Some(parent) = filled(&meta.parent_session_id)
            && let Some((before, cost)) = totals_of(parent, file)
            && before.zip(counts, u64::min) == before
        {
            (seen.counts, seen.cost) = (before, cost);
        }
        let more = counts.zip(seen.counts, u64::saturating_sub);
        let tokens = more.tokens();
        if tokens.is_zero() {
            return found.skip("nothing more than before");
        }
        let session = session_name(file);
        let stated_cost = cost.and_then(|cost| {
            let before = seen.cost.map_or(0, |before| before.attos);
            let more = cost.attos.saturating_sub(before);
            (more > 0).then_some(Money { attos: more, currency: Currency::USD })
        });
        let id = filled(&meta.session_id).unwrap_or(&session);
        let usage = Usage {
            key: EventKey::fallback(1, &group(&session), &[counts.bytes().as_flattened()]),
            at,
            provider: None,
            model: meta
                .config
                .as_ref()
                .and_then(|config| filled(&config.active_model))
                .map(|model| found.share(model.trim())),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost,
            project: meta
                .environment
                .as_ref()
                .and_then(|place| filled(&place.working_directory))
                .map(|folder| found.share(folder)),
            session: Some(found.share(id)),
            funding: Funding::Unknown,
        };
        found.count(usage);
        seen.counts = seen.counts.zip(counts, u64::max);
        seen.cost = cost.or(seen.cost);
    }
}

/// The longest `meta.json` of a parent that is read.
const LONGEST_META: u64 = 8 * 1024 * 1024;

/// The totals of the session with this id, which lies beside `file`'s.
fn totals_of(id: &str, file: &Path) -> Option<(Counts, Option<Money>)> {
    let session = file.parent()?;
    folders_in(session.parent()?).into_iter().filter(|folder| folder != session).find_map(
        |folder| {
            let path = folder.join("meta.json");
            if std::fs::metadata(&path).ok()?.len() > LONGEST_META {
                return None;
            }
            let text = std::fs::read(path).ok()?;
            let meta: Meta<'_> = serde_json::from_slice(&text).ok()?;
            if meta.session_id.as_deref() != Some(id) {
                return None;
            }
            let stats = meta.stats.unwrap_or_default();
            let cost = stats.session_cost.and_then(|cost| stated_cost(cost, "").ok()).flatten();
            Some((stats.counts(), cost))
        },
    )
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    role: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    message_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct UsageRow {
    prompt_tokens: Option<Count>,
    completion_tokens: Option<Count>,
    cached_tokens: Option<Count>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    session_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    parent_session_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    start_time: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    end_time: Option<Text<'a>>,
    #[serde(borrow)]
    environment: Option<Environment<'a>>,
    #[serde(borrow)]
    stats: Option<Stats<'a>>,
    #[serde(borrow)]
    config: Option<Config<'a>>,
}

#[derive(Deserialize)]
struct Environment<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    working_directory: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Config<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    active_model: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
struct Stats<'a> {
    session_prompt_tokens: Option<Count>,
    session_completion_tokens: Option<Count>,
    session_cached_tokens: Option<Count>,
    #[serde(borrow)]
    session_cost: Option<&'a RawValue>,
}

impl Stats<'_> {
    fn counts(&self) -> Counts {
        Counts {
            prompt: count(self.session_prompt_tokens),
            cached: count(self.session_cached_tokens),
            completion: count(self.session_completion_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::agents::fixtures::Fold;

    struct Vibe {
        home: tempfile::TempDir,
        fold: Fold,
    }

    impl Vibe {
        fn new() -> Self {
            Self { home: tempfile::tempdir().unwrap(), fold: Fold::default() }
        }

        /// Writes a session's totals as Vibe does, and gives all events and tokens so far.
        fn save(&mut self, id: &str, parent: &str, prompt: u64, completion: u64) -> (usize, u64) {
            let folder = self
                .home
                .path()
                .join(format!(".vibe/logs/session/session_20260301_10000{id}_{id}"));
            std::fs::create_dir_all(&folder).unwrap();
            let meta = format!(
                r#"{{"session_id":"{id}","parent_session_id":{parent},"start_time":"2026-03-01T10:00:00+00:00","end_time":null,"stats":{{"session_prompt_tokens":{prompt},"session_completion_tokens":{completion},"session_cost":{}.5}}}}"#,
                prompt + completion
            );
            // A new file each time, renamed into place.
            std::fs::write(folder.join("meta.json.tmp"), meta).unwrap();
            std::fs::rename(folder.join("meta.json.tmp"), folder.join("meta.json")).unwrap();
            self.fold.look("mistral-vibe", self.home.path(), None);
            assert_eq!(self.fold.problems, 0);
            (self.fold.counted().count(), self.fold.total().total())
        }
    }

    #[test]
    fn each_increase_counts_once_and_a_fall_adds_nothing() {
        let mut vibe = Vibe::new();
        assert_eq!(vibe.save("1", "null", 100, 10), (1, 110));
        assert_eq!(vibe.save("1", "null", 100, 10), (1, 110));
        assert_eq!(vibe.save("1", "null", 250, 30), (2, 280));
        assert_eq!(vibe.save("1", "null", 20, 5), (2, 280));
        assert_eq!(vibe.save("1", "null", 260, 30), (3, 290));
        let costs = vibe.fold.counted().filter_map(|usage| usage.stated_cost);
        let total: i128 = costs.map(|cost| cost.attos).sum();
        // 110.5, 280.5 and 290.5; the 25.5 between them is a fall.
        assert_eq!(Money { attos: total, currency: Currency::USD }.to_decimal(), "290.5");
    }

    #[test]
    fn a_compacted_session_goes_on_from_its_parents_totals_and_a_fork_from_zero() {
        let mut vibe = Vibe::new();
        vibe.save("1", "null", 100, 10);
        assert_eq!(vibe.save("2", "\"1\"", 130, 15), (2, 145));
        assert_eq!(vibe.save("2", "\"1\"", 230, 25), (3, 255));
        assert_eq!(vibe.save("3", "\"1\"", 7, 1), (4, 263));
        assert_eq!(vibe.save("3", "\"1\"", 300, 40), (5, 595));
        // The parent is gone: what the child says includes it.
        assert_eq!(vibe.save("4", "\"9\"", 1000, 100), (6, 1695));
    }

    #[test]
    fn the_folders_name_tells_when_a_session_began() {
        let at = Some("2026-07-25T17:20:00Z".parse().unwrap());
        assert_eq!(begun_at("session_20260725_172000_1a2b3c4d"), at);
        assert_eq!(begun_at("my_prefix_20260725_172000_1a2b3c4d/x_20260725_172000_ff"), at);
        assert_eq!(begun_at("session"), None);
    }
}
