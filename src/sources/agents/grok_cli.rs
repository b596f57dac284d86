//! Grok CLI (Grok Build).
//!
//! # Where
//! `$GROK_HOME`, else `~/.grok`; in it `sessions/<folder, percent-encoded>/<session>/updates.jsonl`.
//! `[agents.grok-cli] roots = [...]` in the config replaces the home.
//!
//! # What counts
//! One notification per line; those whose `params.update.sessionUpdate` is `turn_completed` tell
//! what the turn used. The rules, as observed in logs of versions 0.2 to 1.0, each with a fixture in
//! `tests/fixtures/agents/grok-cli`:
//!
//! 1. Each `turn_completed` is that turn's own usage, no running total: together they are what
//!    `grok usage` prints. Turns that were cancelled, and those of old versions, carry no usage.
//! 2. `modelUsage` splits a turn by model: one event for each. Without it the turn is unattributed.
//! 3. Cached input and cache writes are inside the input, reasoning is inside the output.
//! 4. `costUsdTicks` is xAI's own figure for the turn: 10^10 ticks are a dollar
//!    (<https://docs.x.ai/developers/cost-tracking>). A cost that says of itself that it is partial
//!    is left out.
//! 5. Subagents are sessions of their own. `usage.json` beside a log adds theirs to the parent's
//!    and is not read, as it would count them twice.
//! 6. The key is prompt + time + model; it leaves the session out, because a fork inherits its
//!    parent's history.
//!
//! The session and its folder are named by the folders that the log lies in.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::agent::{Agent, FileKind, whole_tree};
use super::homes::named_by;
use super::scan::lines::Filter;
use super::scan::{Findings, Format, Shape};
use super::wire::{Count, Text, cause, count, filled, instant, percent_decoded, text_or_nothing};
use crate::sources::{SourceInfo, SourceKind};
use crate::spend::{EventKey, Funding, Money, Speed, TokenCounts, Usage};

/// Grok CLI.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "grok-cli",
        name: "Grok CLI",
        kind: SourceKind::Agent,
        account: "xai",
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens and cost of every turn, by model, project and session",
        reads: "session updates (JSONL)",
        limits: "turns of old versions and cancelled turns leave no tokens",
    },
    homes: |places| vec![named_by(places, "GROK_HOME", || places.home.join(".grok"))],
    inside: |home| vec![home.join("sessions")],
    kinds: &[FileKind { is_log: is_updates, deepest: DEEPEST, format: &Lines }],
    watch: whole_tree,
};

/// `<folder>/<session>/`, and one more for whatever comes.
const DEEPEST: usize = 3;

/// A dollar has 10^10 ticks and 10^12 picos.
const PICOS_PER_TICK: i128 = 100;

fn is_updates(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "updates.jsonl")
}

struct Lines;

impl Format for Lines {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> =
            LazyLock::new(|| Filter::Holding(Box::new(Finder::new("\"turn_completed\""))));
        Shape::Lines(&FILTER)
    }

    fn lines_stand_alone(&self) -> bool {
        true
    }

    fn line(&self, file: &Path, (): &mut (), line: &[u8], found: &mut Findings) {
        let row: Row<'_> = match serde_json::from_slice(line) {
            Ok(row) => row,
            Err(error) => {
                return found.problem(format!("not a readable line: {}", cause(&error)));
            }
        };
        let params = row.params.unwrap_or_default();
        let update = params.update.unwrap_or_default();
        if update.session_update.as_deref() != Some("turn_completed") {
            return found.skip("not the end of a turn");
        }
        let Some(usage) = update.usage.filter(|usage| usage.get() != "null") else {
            return found.skip("the turn tells no tokens");
        };
        let read = serde_json::from_str(usage.get())
            .and_then(|turn: Turn<'_>| Ok((serde_json::from_str::<Counts>(usage.get())?, turn)));
        let (total, turn) = match read {
            Ok(read) => read,
            Err(error) => return found.problem(format!("usage: {}", cause(&error))),
        };
        let stamps = [
            params.meta.and_then(|meta| meta.agent_timestamp_ms),
            row.meta.and_then(|meta| meta.agent_timestamp_ms),
            row.timestamp,
        ];
        let Some(at) = stamps.into_iter().flatten().find_map(instant) else {
            return found.problem("a turn without a readable time");
        };
        let name = |levels: usize| file.ancestors().nth(levels)?.file_name()?.to_str();
        let session = filled(&params.session_id).or_else(|| name(1));
        let ended = Ended {
            prompt: filled(&update.prompt_id).unwrap_or_default(),
            at,
            session,
            project: name(2).map(percent_decoded),
        };
        let models = turn.model_usage.unwrap_or_default();
        if models.is_empty() {
            return ended.count(None, &total, found);
        }
        for (model, counts) in &models {
            match serde_json::from_str::<Counts>(counts.get()) {
                Ok(counts) => ended.count(Some(model), &counts, found),
                Err(error) => found.problem(format!("usage of {model}: {}", cause(&error))),
            }
        }
    }
}

/// A turn that ended.
struct Ended<'a> {
    prompt: &'a str,
    at: chrono::DateTime<chrono::Utc>,
    session: Option<&'a str>,
    project: Option<String>,
}

impl Ended<'_> {
    fn count(&self, model: Option<&str>, counts: &Counts, found: &mut Findings) {
        let tokens = counts.tokens();
        if tokens.is_zero() {
            return found.skip("no tokens in it");
        }
        let model = model.map(str::trim).filter(|model| !model.is_empty());
        let stamp = self.at.timestamp_micros().to_le_bytes();
        let name = model.unwrap_or_default().as_bytes();
        let request = Usage {
            key: EventKey::original(&[b"grok-cli", self.prompt.as_bytes(), &stamp, name], &[]),
            at: self.at,
            provider: Some(found.share("xai")),
            model: model.map(|model| found.share(model)),
            tokens,
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: counts.cost(),
            project: self.project.as_deref().map(|project| found.share(project)),
            session: self.session.map(|session| found.share(session)),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(request);
    }
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<Meta<'a>>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow, default, rename = "sessionId", deserialize_with = "text_or_nothing")]
    session_id: Option<Text<'a>>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<Meta<'a>>,
    #[serde(borrow)]
    update: Option<Update<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "agentTimestampMs")]
    agent_timestamp_ms: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Update<'a> {
    #[serde(borrow, default, rename = "sessionUpdate", deserialize_with = "text_or_nothing")]
    session_update: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    prompt_id: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow, rename = "modelUsage")]
    model_usage: Option<BTreeMap<String, &'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    cached_read_tokens: Option<Count>,
    cache_creation_tokens: Option<Count>,
    reasoning_tokens: Option<Count>,
    cost_usd_ticks: Option<Count>,
    cost_is_partial: Option<bool>,
}

impl Counts {
    fn tokens(&self) -> TokenCounts {
        let (input, output) = (count(self.input_tokens), count(self.output_tokens));
        let cache_read = count(self.cached_read_tokens).min(input);
        let cache_write_5m = count(self.cache_creation_tokens).min(input - cache_read);
        TokenCounts {
            input: input - cache_read - cache_write_5m,
            cache_read,
            cache_write_5m,
            cache_write_1h: 0,
            output,
            reasoning: count(self.reasoning_tokens).min(output),
        }
    }

    fn cost(&self) -> Option<Money> {
        let ticks = i128::from(count(self.cost_usd_ticks));
        let is_whole = self.cost_is_partial != Some(true);
        (ticks > 0 && is_whole).then(|| Money::from_picos_usd(ticks * PICOS_PER_TICK))
    }
}
