//! One message, as the database's `data` and the old files hold it alike.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::sources::agents::scan::Findings;
use crate::sources::agents::wire::{
    Count, Text, cause, count, epoch, filled, stated_cost, text_or_nothing,
};
use crate::spend::{EventKey, Funding, Speed, TokenCounts, Usage};

/// Where a message stands.
pub struct Origin<'a> {
    /// Its session's id.
    pub session: &'a str,
    /// The folder that the session was started in.
    pub folder: &'a dyn Fn() -> Option<String>,
}

/// Reads one message.
pub fn read(data: &[u8], origin: &Origin<'_>, found: &mut Findings) {
    let message = match parse(data) {
        Ok(Some(message)) => message,
        Ok(None) => return found.skip("not an answer of the model"),
        Err(error) => return found.problem(format!("not a readable message: {}", cause(&error))),
    };
    let Some(created) = message.time.as_ref().and_then(|time| time.created) else {
        return found.problem("a request without a readable time");
    };
    let completed = message.time.as_ref().and_then(|time| time.completed);
    let Some(at) = i64::try_from(completed.unwrap_or(created).0).ok().and_then(epoch) else {
        return found.problem("a request without a readable time");
    };
    let cost = message.cost.map_or(Ok(None), |cost| stated_cost(cost, "cost"));
    let cost = cost.unwrap_or_else(|what| {
        found.problem(what);
        None
    });
    let tokens = message.tokens.as_ref().map(Tokens::counts).unwrap_or_default();
    if tokens.is_zero() && cost.is_none() {
        return found.skip("no tokens in it");
    }
    let project = match message.path.as_ref().and_then(|path| filled(&path.cwd)) {
        Some(folder) => Some(found.share(folder)),
        None => (origin.folder)().filter(|it| !it.is_empty()).map(|folder| found.share(&folder)),
    };
    let provider = filled(&message.provider_id).map(|provider| provider.trim().to_lowercase());
    let usage = Usage {
        key: message.key(created, completed.is_some(), &tokens),
        at,
        provider: provider.map(|provider| found.share(&provider)),
        model: filled(&message.model_id).map(|model| found.share(model.trim())),
        tokens,
        speed: Speed::Standard,
        web_searches: 0,
        stated_cost: cost,
        project,
        session: (!origin.session.is_empty()).then(|| found.share(origin.session)),
        funding: Funding::Unknown,
        is_sum: false,
    };
    found.count(usage);
}

/// The message, `None` when it is not the model's.
fn parse(data: &[u8]) -> serde_json::Result<Option<Message<'_>>> {
    // Messages of the user have other things under the same names.
    let role: Role<'_> = serde_json::from_slice(data)?;
    if role.role.as_deref() != Some("assistant") {
        return Ok(None);
    }
    serde_json::from_slice(data).map(Some)
}

#[derive(Deserialize)]
struct Role<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    role: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, rename = "providerID")]
    provider_id: Option<Text<'a>>,
    #[serde(borrow, rename = "modelID")]
    model_id: Option<Text<'a>>,
    time: Option<Times>,
    tokens: Option<Tokens>,
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
    #[serde(borrow)]
    path: Option<Folders<'a>>,
}

#[derive(Deserialize)]
struct Times {
    created: Option<Count>,
    completed: Option<Count>,
}

#[derive(Deserialize)]
struct Folders<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    cwd: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Tokens {
    total: Option<Count>,
    input: Option<Count>,
    output: Option<Count>,
    reasoning: Option<Count>,
    cache: Option<Cache>,
}

#[derive(Deserialize)]
struct Cache {
    read: Option<Count>,
    write: Option<Count>,
}

impl Message<'_> {
    fn key(&self, created: Count, is_completed: bool, tokens: &TokenCounts) -> EventKey {
        let text = |text: &Option<Text<'_>>| text.as_deref().unwrap_or("").as_bytes().to_vec();
        let group: [&[u8]; 4] = [
            b"opencode",
            &created.0.to_le_bytes(),
            &text(&self.provider_id),
            &text(&self.model_id),
        ];
        if !is_completed {
            return EventKey::fallback(1, &group, &[]);
        }
        let counts = [tokens.input, tokens.cache_read, tokens.cache_write_5m, tokens.output]
            .map(u64::to_le_bytes);
        EventKey::original(&group, &[counts.as_flattened()])
    }
}

impl Tokens {
    fn counts(&self) -> TokenCounts {
        let (input, output) = (count(self.input), count(self.output));
        let reasoning = count(self.reasoning);
        let cache = self.cache.as_ref();
        let cache_read = cache.map_or(0, |cache| count(cache.read));
        let cache_write = cache.map_or(0, |cache| count(cache.write));
        let without_reasoning =
            [cache_read, cache_write, output].into_iter().fold(input, u64::saturating_add);
        let is_inside = match count(self.total) {
            0 => reasoning <= output,
            total => total == without_reasoning,
        };
        TokenCounts {
            input,
            cache_read,
            cache_write_5m: cache_write,
            cache_write_1h: 0,
            output: if is_inside { output } else { output.saturating_add(reasoning) },
            reasoning,
        }
    }
}
