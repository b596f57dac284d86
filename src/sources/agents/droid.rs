//! Droid, of Factory.
//!
//! # Where
//! `$FACTORY_DIR` (other readers of these files know it too), else `~/.factory`; in it
//! `sessions/**/<session>.settings.json`, each beside the session's log `<session>.jsonl`.
//! `[agents.droid] roots = [...]` in the config replaces the home.
//!
//! # What counts
//! The settings of a session hold its running total, `tokenUsage`; no request is told by itself.
//! The rules, as observed and in ryoppippi/ccusage (rust/crates/ccusage/src/adapter/droid), each
//! with a fixture in `tests/fixtures/agents/droid` or a test below:
//!
//! 1. What the total has grown by since the last look is one usage; the key is session + total.
//!    Each kind has its own high-water mark, so that a total that falls adds nothing and one that
//!    climbs back is not counted again. The mark outlives a settings file that is replaced.
//! 2. It is dated to the last record of the log beside it, else to `providerLockTimestamp`. A
//!    session that is seen for the first time when it is over is dated as a whole to its end.
//! 3. The kinds are taken to be disjoint, and `thinkingTokens` to stand outside `outputTokens`, as
//!    other readers do; no document says so.
//! 4. The model is the session's at that instant, without the `custom:` before and the remarks in
//!    brackets after the names of the user's own models.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind, whole_tree};
use super::homes::named_by;
use super::scan::{Findings, Format, Shape};
use super::wire::{Count, Text, cause, count, filled, text_or_nothing, time};
use crate::sources::{SourceInfo, SourceKind};
use crate::spend::{EventKey, Funding, Mark, Speed, TokenCounts, Usage};

/// Droid.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "droid",
        name: "Droid",
        kind: SourceKind::Agent,
        account: "factory",
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens as a session's total grows, by model, project and session",
        reads: "sessions' settings (JSON)",
        limits: "no single requests: a session first seen when it is over counts at its end, for its last model",
    },
    homes: |places| vec![named_by(places, "FACTORY_DIR", || places.home.join(".factory"))],
    inside: |home| vec![home.join("sessions")],
    kinds: &[FileKind { is_log: is_settings, deepest: DEEPEST, format: &Settings }],
    watch: whole_tree,
};

/// `<folder>/`, and more for whatever comes.
const DEEPEST: usize = 4;

const ENDING: &str = ".settings.json";

/// The log is searched this far from its start for the header, and from its end for a time.
const HEAD_BYTES: u64 = 64 * 1024;
const TAIL_BYTES: u64 = 256 * 1024;

fn is_settings(path: &Path) -> bool {
    session_of(path).is_some()
}

fn session_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_suffix(ENDING).filter(|session| !session.is_empty())
}

struct Settings;

/// How far a session was counted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The largest total of each kind: input, output, cache writes, cache reads, thinking.
    counted: [u64; 5],
    /// There was something to count, and no time to date it to.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    undated: bool,
}

impl Format for Settings {
    type State = State;

    fn shape(&self) -> Shape<'_> {
        Shape::Document
    }

    fn restart(&self, before: State) -> State {
        before
    }

    fn looks_beside(&self) -> bool {
        true
    }

    fn stale(&self, file: &Path, mark: &Mark) -> bool {
        mark.state.contains("undated") && log_of(file).is_some_and(|log| log.exists())
    }

    fn document(&self, file: &Path, state: &mut State, text: &[u8], found: &mut Findings) {
        let row: Row<'_> = match serde_json::from_slice(text) {
            Ok(row) => row,
            Err(error) => return found.problem(format!("not readable: {}", cause(&error))),
        };
        let Some(usage) = row.token_usage.filter(|usage| usage.get() != "null") else {
            return found.skip("no tokens in it yet");
        };
        let total = match serde_json::from_str::<Total>(usage.get()) {
            Ok(total) => total.kinds(),
            Err(error) => return found.problem(format!("tokenUsage: {}", cause(&error))),
        };
        let reached: [u64; 5] = std::array::from_fn(|kind| total[kind].max(state.counted[kind]));
        if reached == state.counted {
            return found.skip("the same running total again, or a smaller one: adds nothing");
        }
        let log = log_of(file).map(|path| Log::read(&path)).unwrap_or_default();
        let locked_at = || row.provider_lock_timestamp.as_deref().and_then(time);
        let Some(at) = log.last.or_else(locked_at) else {
            state.undated = true;
            return found.problem("a total without a readable time");
        };
        let session = session_of(file).unwrap_or_default();
        let grown: [u64; 5] = std::array::from_fn(|kind| reached[kind] - state.counted[kind]);
        let vector = reached.map(u64::to_le_bytes);
        let lock = filled(&row.provider_lock).map(|lock| lock.trim().to_ascii_lowercase());
        let model = row.model.as_deref().map(plain_name).filter(|model| !model.is_empty());
        let usage = Usage {
            key: EventKey::original(&[b"droid", session.as_bytes(), vector.as_flattened()], &[]),
            at,
            // Factory's own gateway says nothing of whose model it is.
            provider: lock.filter(|lock| lock != "factory").map(|lock| found.share(&lock)),
            model: model.map(|model| found.share(&model)),
            tokens: tokens(grown),
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: log.project.map(|project| found.share(&project)),
            session: Some(found.share(session)),
            funding: Funding::Unknown,
            is_sum: true,
        };
        found.count(usage);
        *state = State { counted: reached, undated: false };
    }
}

fn tokens([input, output, cache_write_5m, cache_read, thinking]: [u64; 5]) -> TokenCounts {
    TokenCounts {
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h: 0,
        output: output.saturating_add(thinking),
        reasoning: thinking,
    }
}

/// `custom:GLM-5.1-[Proxy]-0` is the first of the user's own models, `claude-opus-4-5[1m]` one with
/// a remark on its context.
fn plain_name(name: &str) -> String {
    let name = name.trim();
    let own = name.strip_prefix("custom:").unwrap_or(name);
    let Some((before, rest)) = own.split_once('[') else { return own.to_owned() };
    let after = rest.split_once(']').map_or("", |(_, after)| after);
    let is_number = after.strip_prefix('-').is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let after = if is_number { "" } else { after };
    format!("{}{after}", before.trim_end_matches('-'))
}

/// The log beside the settings.
fn log_of(settings: &Path) -> Option<PathBuf> {
    Some(settings.with_file_name(format!("{}.jsonl", session_of(settings)?)))
}

/// What the log tells of a session.
#[derive(Default)]
struct Log {
    project: Option<String>,
    last: Option<DateTime<Utc>>,
}

impl Log {
    /// Reads the ends of the log only. Without a log, or a readable one, nothing is known.
    fn read(path: &Path) -> Self {
        let read = || -> io::Result<(Vec<u8>, Vec<u8>)> {
            let mut file = File::open(path)?;
            let (mut head, mut tail) = (Vec::new(), Vec::new());
            (&mut file).take(HEAD_BYTES).read_to_end(&mut head)?;
            let size = file.metadata()?.len();
            file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES)))?;
            file.take(TAIL_BYTES).read_to_end(&mut tail)?;
            Ok((head, tail))
        };
        let Ok((head, tail)) = read() else { return Self::default() };
        let header = head.split(|byte| *byte == b'\n').find_map(record);
        let last = tail
            .split(|byte| *byte == b'\n')
            .rev()
            .find_map(|line| time(record(line)?.timestamp.as_deref()?));
        let project = header.and_then(|header| filled(&header.cwd).map(str::to_owned));
        Self { project, last }
    }
}

fn record(line: &[u8]) -> Option<Record<'_>> {
    serde_json::from_slice(line.trim_ascii()).ok()
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    timestamp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    cwd: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    provider_lock: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    provider_lock_timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    token_usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Total {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    cache_creation_tokens: Option<Count>,
    cache_read_tokens: Option<Count>,
    thinking_tokens: Option<Count>,
}

impl Total {
    fn kinds(&self) -> [u64; 5] {
        [
            count(self.input_tokens),
            count(self.output_tokens),
            count(self.cache_creation_tokens),
            count(self.cache_read_tokens),
            count(self.thinking_tokens),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::plain_name;
    use crate::sources::agents::fixtures::Fold;

    fn settings(input: u64, output: u64) -> String {
        format!(
            r#"{{"model":"claude-opus-4-5","providerLockTimestamp":"2026-07-03T08:00:00Z","tokenUsage":{{"inputTokens":{input},"outputTokens":{output},"thinkingTokens":1}}}}"#
        )
    }

    #[test]
    fn each_growth_counts_once_at_the_time_of_the_log_and_a_fall_adds_nothing() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".factory/sessions/-w");
        fs::create_dir_all(&folder).unwrap();
        let (file, log) = (folder.join("s.settings.json"), folder.join("s.jsonl"));
        let mut fold = Fold::default();
        let mut look = |input, output, hour| {
            fs::write(&log, format!("{{\"timestamp\":\"2026-07-03T{hour}:00:00Z\"}}\n{{\"cut"))
                .unwrap();
            // A new file each time, as an editor that replaces files leaves it.
            fs::remove_file(&file).ok();
            fs::write(&file, settings(input, output)).unwrap();
            fold.look("droid", home.path(), None);
            let mut found: Vec<_> = fold
                .counted()
                .map(|it| (it.at.format("%H").to_string(), it.tokens.input, it.tokens.output))
                .collect();
            found.sort();
            found
        };
        let of = |hour: &str, input, output| (hour.to_owned(), input, output);
        // Output and thinking: 10 + 1.
        assert_eq!(look(100, 10, "09"), [of("09", 100, 11)]);
        assert_eq!(look(150, 10, "10"), [of("09", 100, 11), of("10", 50, 0)]);
        // Input falls to 20 and output grows by 5; then input climbs back, and beyond by 1.
        let three = [of("09", 100, 11), of("10", 50, 0), of("11", 0, 5)];
        assert_eq!(look(20, 15, "11"), three);
        assert_eq!(look(150, 15, "12"), three);
        assert_eq!(look(151, 15, "13").last(), Some(&of("13", 1, 0)));
    }

    #[test]
    fn names_lose_what_droid_adds() {
        for (name, plain) in [
            ("custom:GLM-5.1-[Proxy]-0", "GLM-5.1"),
            ("custom:claude-opus-4.5[1m]", "claude-opus-4.5"),
            ("claude-opus-4-5-20251101", "claude-opus-4-5-20251101"),
            ("custom:gpt-5", "gpt-5"),
            ("a[b", "a"),
            ("custom:", ""),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }
}
