//! `meta.json`: the running totals of a session.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::homes::folders_in;
use super::super::scan::{Findings, Format, Shape};
use super::super::wire::{Count, Text, cause, count, filled, stated_cost, text_or_nothing};
use super::{Counts, group, instant, session_name};
use crate::spend::{Currency, EventKey, Funding, Money, Speed, Usage};

/// What was counted of a session's totals.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Whether the parent's totals were looked for.
    began: bool,
    counts: Counts,
    cost: Option<Money>,
}

/// `meta.json`.
pub struct Totals;

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
            is_sum: true,
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
}
