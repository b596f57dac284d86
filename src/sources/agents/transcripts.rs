//! The lines of Claude Code's transcripts, which other agents write too.
//!
//! One JSON object per line. Lines of `type: "assistant"` that hold `message.usage`
//! are requests; the four token classes are disjoint. The rules, each with a fixture in
//! `tests/fixtures/agents/claude-code`:
//!
//! 1. The same response is written two to four times while it streams, and again when a transcript
//!    is resumed: the key is `message.id` + `requestId`, and the largest record counts. Keeping the
//!    first undercounts two to three times.
//! 2. A line without `requestId` (gateways, some subagents) is a copy keyed on `message.id` alone.
//! 3. A line with `isSidechain: true` may replay a message of the parent under another request
//!    id: it is a copy too, and counts only if nothing else knows the message.
//! 4. With neither id a line is its own event, known by session, time and all its counts, so
//!    that a copied transcript does not double it. A request id alone is a key as well.
//! 5. `iterations[]` of `type: "advisor_message"` are requests to another model that the totals
//!    leave out: each is an event of its own. All other iterations are in the totals already.
//! 6. `<synthetic>` rows and rows of zeros are no requests.
//! 7. Cache writes are split by lifetime (one hour costs more); without a split they are 5 minutes.
//! 8. `speed: "fast"` is the fast tier, `service_tier: "batch"` the batch price.
//! 9. `server_tool_use.web_search_requests` are charged per search.
//! 10. `costUSD` of old versions is kept beside the tokens; 0 says nothing.
//! 11. Model names stay as logged; the price table knows dates, Vertex and Bedrock spellings.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::scan::lines::Filter;
use super::scan::{Findings, Format, Shape};
use super::wire::{Count, Text, cause, count, filled, stated_cost, time};
use crate::spend::{EventKey, Funding, Speed, TokenCounts, Usage};

/// Logs lie at most this deep below `projects`; a bound, because people put anything there.
pub const DEEPEST: usize = 8;

/// A config folder's `projects`, or the folder itself when it is one.
pub fn projects_of(root: &Path) -> PathBuf {
    let inner = root.join("projects");
    let is_projects = root.file_name().is_some_and(|name| name == "projects");
    if is_projects && !inner.is_dir() { root.to_owned() } else { inner }
}

/// The transcripts; those of forks of Claude Code too.
pub struct Lines {
    /// Whose models they are, where that is sure.
    pub provider: Option<&'static str>,
}

impl Format for Lines {
    type State = ();

    fn shape(&self) -> Shape<'_> {
        // A usage object quoted inside a text has its quotes escaped, so it does not match.
        static FILTER: LazyLock<Filter> =
            LazyLock::new(|| Filter::Holding(Box::new(Finder::new("\"usage\""))));
        Shape::Lines(&FILTER)
    }

    fn lines_stand_alone(&self) -> bool {
        true
    }

    fn line(&self, _file: &Path, (): &mut (), line: &[u8], found: &mut Findings) {
        let row: Row<'_> = match serde_json::from_slice(line) {
            Ok(row) => row,
            Err(error) => {
                // Rows of other types have shapes of their own and are none of our business.
                let other = serde_json::from_slice::<Kind<'_>>(line)
                    .is_ok_and(|row| row.kind.is_some_and(|kind| *kind != *"assistant"));
                if !other {
                    found.problem(format!("not a readable line: {}", cause(&error)));
                }
                return;
            }
        };
        if row.kind.as_deref().is_some_and(|kind| kind != "assistant") {
            return found.skip("not an answer of the model");
        }
        let Some(message) = &row.message else { return };
        let Some(usage) = &message.usage else { return };
        if message.model.as_deref() == Some("<synthetic>") {
            return found.skip("written by the agent itself, not by a model");
        }
        let Some(at) = row.timestamp.as_deref().and_then(time) else {
            found.problem("a request without a readable time");
            return;
        };
        let stated_cost = row.cost_usd.and_then(|cost| match stated_cost(cost, "costUSD") {
            Ok(cost) => cost,
            Err(what) => {
                found.problem(what);
                None
            }
        });
        let session = filled(&row.session_id).map(|session| found.share(session));
        let project = filled(&row.cwd).map(|cwd| found.share(cwd));
        let tokens = usage.tokens();
        let web_searches = usage
            .server_tool_use
            .as_ref()
            .map_or(0, |tools| u32::try_from(count(tools.web_search_requests)).unwrap_or(u32::MAX));
        let request = Usage {
            key: row.key(message, &tokens, None),
            at,
            provider: self.provider.map(|provider| found.share(provider)),
            model: filled(&message.model).map(|model| found.share(model)),
            tokens,
            speed: usage.speed(),
            web_searches,
            stated_cost,
            project,
            session,
            funding: Funding::Unknown,
            is_sum: false,
        };
        for (index, advice) in usage.iterations.iter().flatten().enumerate() {
            let tokens = advice.tokens();
            if advice.kind.as_deref() == Some("advisor_message") && !tokens.is_zero() {
                let model = filled(&advice.model).map(|model| found.share(model));
                found.count(Usage {
                    key: row.key(message, &tokens, Some(index)),
                    model,
                    tokens,
                    speed: advice.speed(),
                    web_searches: 0,
                    stated_cost: None,
                    provider: request.provider.as_ref().map(Arc::clone),
                    project: request.project.as_ref().map(Arc::clone),
                    session: request.session.as_ref().map(Arc::clone),
                    ..request
                });
            }
        }
        if request.tokens.is_zero() {
            found.skip("no tokens in it");
        } else {
            found.count(request);
        }
    }
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    request_id: Option<Text<'a>>,
    #[serde(borrow)]
    session_id: Option<Text<'a>>,
    #[serde(borrow)]
    cwd: Option<Text<'a>>,
    is_sidechain: Option<bool>,
    #[serde(borrow, rename = "costUSD")]
    cost_usd: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<UsageRow<'a>>,
}

/// A usage object: of a whole response, or of one step of it in `iterations`, where the type and
/// the model stand beside the counts.
#[derive(Deserialize)]
struct UsageRow<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    input_tokens: Option<Count>,
    cache_creation_input_tokens: Option<Count>,
    cache_creation: Option<CacheCreation>,
    cache_read_input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    #[serde(borrow)]
    speed: Option<Text<'a>>,
    #[serde(borrow)]
    service_tier: Option<Text<'a>>,
    server_tool_use: Option<ServerToolUse>,
    #[serde(borrow)]
    iterations: Option<Vec<UsageRow<'a>>>,
}

#[derive(Deserialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Option<Count>,
    ephemeral_1h_input_tokens: Option<Count>,
}

#[derive(Deserialize)]
struct ServerToolUse {
    web_search_requests: Option<Count>,
}

impl Row<'_> {
    /// The key of the request itself, or of one of its advisor's (`step` is its number).
    fn key(&self, message: &Message<'_>, tokens: &TokenCounts, step: Option<usize>) -> EventKey {
        let step = step.map(|step| step.to_string()).unwrap_or_default();
        let request = filled(&self.request_id);
        let Some(id) = filled(&message.id) else {
            return match request {
                Some(request) => {
                    EventKey::original(&[b"request", request.as_bytes()], &[step.as_bytes()])
                }
                None => self.key_without_id(message, tokens, &step),
            };
        };
        let group: [&[u8]; 2] = [id.as_bytes(), step.as_bytes()];
        let group = if step.is_empty() { &group[..1] } else { &group[..] };
        match request {
            Some(request) if self.is_sidechain != Some(true) => {
                EventKey::original(group, &[request.as_bytes()])
            }
            _ => EventKey::copy(group),
        }
    }

    fn key_without_id(&self, message: &Message<'_>, tokens: &TokenCounts, step: &str) -> EventKey {
        let counts = [
            tokens.input,
            tokens.cache_read,
            tokens.cache_write_5m,
            tokens.cache_write_1h,
            tokens.output,
        ]
        .map(u64::to_le_bytes);
        let text = |text: &Option<Text<'_>>| text.as_deref().unwrap_or("").as_bytes().to_vec();
        EventKey::original(
            &[
                b"line",
                &text(&self.session_id),
                &text(&self.timestamp),
                &text(&message.model),
                step.as_bytes(),
                counts.as_flattened(),
            ],
            &[],
        )
    }
}

impl UsageRow<'_> {
    fn tokens(&self) -> TokenCounts {
        let (five_minutes, one_hour) = self.cache_creation.as_ref().map_or((0, 0), |split| {
            (count(split.ephemeral_5m_input_tokens), count(split.ephemeral_1h_input_tokens))
        });
        // The total is not added to its split; what the split leaves open counts as 5 minutes.
        let open = count(self.cache_creation_input_tokens)
            .saturating_sub(five_minutes.saturating_add(one_hour));
        TokenCounts {
            input: count(self.input_tokens),
            cache_read: count(self.cache_read_input_tokens),
            cache_write_5m: five_minutes.saturating_add(open),
            cache_write_1h: one_hour,
            output: count(self.output_tokens),
            reasoning: 0,
        }
    }

    fn speed(&self) -> Speed {
        match (self.speed.as_deref(), self.service_tier.as_deref()) {
            (Some("fast"), _) => Speed::Fast,
            (_, Some("batch")) => Speed::Batch,
            _ => Speed::Standard,
        }
    }
}
