//! The fields of an entry, read leniently: a field that holds something else than it does in entries
//! of another type must not make those unreadable.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::wire::{Count, Text, count, stated_cost, text_or_nothing};
use crate::spend::{Funding, Money, TokenCounts};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'a> {
    #[serde(borrow, default, rename = "type", deserialize_with = "text_or_nothing")]
    pub kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub timestamp: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub cwd: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub provider: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub model_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub custom_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub message: Option<&'a RawValue>,
    #[serde(borrow)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
pub struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub role: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub api: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub provider: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub model: Option<Text<'a>>,
    #[serde(borrow)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub timestamp: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Data<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub provider: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub model_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageRow<'a> {
    pub input: Option<Count>,
    pub output: Option<Count>,
    pub cache_read: Option<Count>,
    pub cache_write: Option<Count>,
    #[serde(rename = "cacheWrite1h")]
    pub cache_write_1h: Option<Count>,
    pub reasoning: Option<Count>,
    pub reasoning_tokens: Option<Count>,
    pub total_tokens: Option<Count>,
    #[serde(borrow)]
    pub cost: Option<&'a RawValue>,
}

impl UsageRow<'_> {
    /// Their disjoint form.
    pub fn tokens(&self) -> TokenCounts {
        let (written, output) = (count(self.cache_write), count(self.output));
        let one_hour = count(self.cache_write_1h).min(written);
        TokenCounts {
            input: count(self.input),
            cache_read: count(self.cache_read),
            cache_write_5m: written - one_hour,
            cache_write_1h: one_hour,
            output,
            reasoning: count(self.reasoning.or(self.reasoning_tokens)).min(output),
        }
    }

    /// The agent's own estimate.
    ///
    /// # Errors
    /// It is no amount.
    pub fn stated_cost(&self) -> Result<Option<Money>, String> {
        #[derive(Deserialize)]
        struct Cost<'a> {
            #[serde(borrow)]
            total: Option<&'a RawValue>,
        }
        let Some(cost) = self.cost else { return Ok(None) };
        match serde_json::from_str::<Cost<'_>>(cost.get()) {
            Ok(Cost { total: Some(total) }) => stated_cost(total, "cost.total"),
            Ok(Cost { total: None }) => Ok(None),
            Err(_) => stated_cost(cost, "cost"),
        }
    }
}

/// The provider by its usual name, and whether its name says that a subscription pays: these
/// agents tell logins with a plan from API keys by the provider's id
/// (<https://docs.openclaw.ai/concepts/model-providers>).
pub fn provider_of(name: &str) -> (Cow<'_, str>, Funding) {
    let name = name.trim();
    let lower = name.to_ascii_lowercase();
    let (usual, funding) = match lower.as_str() {
        "openai-codex" | "codex-cli" => ("openai", Funding::Subscription),
        "claude-cli" => ("anthropic", Funding::Unknown),
        "google-gemini-cli" | "google-antigravity" => ("google", Funding::Subscription),
        "google-vertex" | "gemini" => ("google", Funding::Unknown),
        _ if lower == name => return (name.into(), Funding::Unknown),
        _ => return (lower.into(), Funding::Unknown),
    };
    (usual.into(), funding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_name_tells_a_plan_from_a_key() {
        assert_eq!(provider_of("OpenAI-Codex"), ("openai".into(), Funding::Subscription));
        assert_eq!(provider_of(" Groq ").0, "groq");
        assert_eq!(provider_of("anthropic"), ("anthropic".into(), Funding::Unknown));
    }
}
