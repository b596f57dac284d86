//! The JSON of a task's window.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::sources::agents::wire::{Count, Text, text_or_nothing};

/// An entry of the window, as far as a request needs it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'a> {
    pub ts: Option<Count>,
    #[serde(borrow, rename = "type", default, deserialize_with = "text_or_nothing")]
    pub kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub say: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub text: Option<Text<'a>>,
    #[serde(borrow)]
    pub model_info: Option<ModelInfo<'a>>,
    #[serde(borrow)]
    pub context_condense: Option<Condensed<'a>>,
}

/// The model that was chosen when an entry was written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelInfo<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub model_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub provider_id: Option<Text<'a>>,
}

/// What writing a summary came to.
#[derive(Deserialize)]
pub struct Condensed<'a> {
    #[serde(borrow)]
    pub cost: Option<&'a RawValue>,
}

/// The JSON in the text of a request's entry.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    pub tokens_in: Option<Count>,
    pub tokens_out: Option<Count>,
    pub cache_reads: Option<Count>,
    pub cache_writes: Option<Count>,
    #[serde(borrow)]
    pub cost: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text_or_nothing")]
    pub api_protocol: Option<Text<'a>>,
}

impl Entry<'_> {
    /// Whether a request of the task itself began with it.
    pub fn is_request(&self) -> bool {
        self.kind.as_deref() == Some("say") && self.say.as_deref() == Some("api_req_started")
    }
}
