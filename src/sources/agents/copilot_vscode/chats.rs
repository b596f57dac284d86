//! Chat journals: a list of changes that make up a chat session.

use std::path::Path;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::copilot::{PROVIDER, Store, key};
use super::super::scan::lines::Filter;
use super::super::scan::{Findings, Format, Shape};
use super::super::wire::{Count, Text, cause, count, epoch, text_or_nothing};
use crate::spend::{Funding, Speed, TokenCounts, Usage};

pub struct Journal;

/// What the lines so far make up, as far as it matters.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Chat {
    session: Option<String>,
    turns: Vec<Turn>,
}

/// A question and what answering it took.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Turn {
    id: Option<String>,
    at: Option<i64>,
    model: Option<String>,
    resolved: Option<String>,
    prompt: u64,
    output: u64,
}

impl Format for Journal {
    type State = Chat;

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> =
            LazyLock::new(|| Filter::Holding(Box::new(Finder::new("\"requests\""))));
        Shape::Lines(&FILTER)
    }

    fn line(&self, _file: &Path, chat: &mut Chat, line: &[u8], found: &mut Findings) {
        let changed = serde_json::from_slice(line).and_then(|change| chat.apply(&change));
        match changed {
            Ok(changed) => changed.into_iter().for_each(|turn| chat.tell(turn, found)),
            Err(error) => found.problem(format!("not a readable line: {}", cause(&error))),
        }
    }
}

impl Chat {
    /// Takes a change over; the turns that it touched.
    fn apply(&mut self, change: &Change<'_>) -> serde_json::Result<Vec<usize>> {
        let path: Vec<&str> = change.k.iter().flatten().map(|step| step.get()).collect();
        let value = change.v.map_or("null", RawValue::get);
        match (change.kind, path.as_slice()) {
            (0, _) | (1, []) => {
                let whole: Whole<'_> = serde_json::from_str(value)?;
                self.session = owned(whole.session_id);
                self.turns.clear();
                self.turns.extend(whole.requests.into_iter().flatten().map(Turn::from));
                Ok((0..self.turns.len()).collect())
            }
            (1, ["\"requests\""]) => {
                self.turns.clear();
                self.append(value)
            }
            (2, ["\"requests\""]) => {
                let kept = change.i.map_or(self.turns.len(), |i| as_index(i.0));
                self.turns.truncate(kept);
                self.append(value)
            }
            (1, ["\"requests\"", index, rest @ ..]) => {
                let turn = index
                    .parse()
                    .ok()
                    .and_then(|index: usize| Some((index, self.turns.get_mut(index)?)));
                // A turn that was never told of: its later changes come to nothing.
                let Some((index, turn)) = turn else { return Ok(Vec::new()) };
                let is_told = turn.set(rest, value)?;
                Ok(if is_told { vec![index] } else { Vec::new() })
            }
            _ => Ok(Vec::new()),
        }
    }

    fn append(&mut self, value: &str) -> serde_json::Result<Vec<usize>> {
        let more: Option<Vec<Request<'_>>> = serde_json::from_str(value)?;
        let start = self.turns.len();
        self.turns.extend(more.into_iter().flatten().map(Turn::from));
        Ok((start..self.turns.len()).collect())
    }

    fn tell(&self, index: usize, found: &mut Findings) {
        let Some(turn) = self.turns.get(index) else { return };
        if turn.prompt == 0 && turn.output == 0 {
            return found.skip("a turn without tokens, as far as this line tells");
        }
        let Some(at) = turn.at.and_then(epoch) else {
            return found.problem("a turn without a readable time");
        };
        let number = index.to_string();
        let id = turn.id.as_deref().unwrap_or(&number);
        let session = self.session.as_deref().unwrap_or_default();
        let (vendor, model) = match turn.model.as_deref().and_then(|name| name.split_once('/')) {
            Some((vendor, model)) => (vendor, Some(model)),
            None => ("copilot", turn.model.as_deref()),
        };
        let model = turn.resolved.as_deref().or(model.filter(|model| *model != "auto"));
        let provider = match vendor {
            "copilot" => PROVIDER.to_owned(),
            other => other.to_ascii_lowercase(),
        };
        let usage = Usage {
            key: key(Store::Summaries, session, &[b"turn", id.as_bytes()]),
            at,
            provider: Some(found.share(&provider)),
            model: model.map(|model| found.share(model)),
            tokens: TokenCounts { input: turn.prompt, output: turn.output, ..Default::default() },
            speed: Speed::Standard,
            web_searches: 0,
            stated_cost: None,
            project: None,
            session: Some(found.share(session)).filter(|session| !session.is_empty()),
            funding: Funding::Unknown,
            is_sum: false,
        };
        found.count(usage);
    }
}

impl Turn {
    /// Sets what stands at a path within the turn; whether it matters.
    fn set(&mut self, path: &[&str], value: &str) -> serde_json::Result<bool> {
        match path {
            [] => *self = Self::from(serde_json::from_str::<Request<'_>>(value)?),
            ["\"modelId\""] => self.model = owned(Some(serde_json::from_str(value)?)),
            ["\"timestamp\""] => self.at = serde_json::from_str(value)?,
            ["\"result\""] => {
                let result: Option<Answer<'_>> = serde_json::from_str(value)?;
                self.learn(result.and_then(|result| result.metadata));
            }
            ["\"result\"", "\"metadata\""] => self.learn(serde_json::from_str(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn learn(&mut self, metadata: Option<Metadata<'_>>) {
        let Some(metadata) = metadata else { return };
        self.prompt = count(metadata.prompt_tokens);
        self.output = count(metadata.output_tokens);
        self.resolved = owned(metadata.resolved_model);
    }
}

impl From<Request<'_>> for Turn {
    fn from(request: Request<'_>) -> Self {
        let mut turn = Self {
            id: owned(request.request_id),
            at: request.timestamp,
            model: owned(request.model_id),
            ..Self::default()
        };
        turn.learn(request.result.and_then(|result| result.metadata));
        turn
    }
}

fn owned(text: Option<Text<'_>>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn as_index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// One line. Steps of the path are read from their text: names in quotes, numbers without.
#[derive(Deserialize)]
struct Change<'a> {
    kind: u8,
    #[serde(borrow)]
    k: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    v: Option<&'a RawValue>,
    i: Option<Count>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    #[serde(borrow, deserialize_with = "text_or_nothing", default)]
    session_id: Option<Text<'a>>,
    #[serde(borrow)]
    requests: Option<Vec<Request<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow, deserialize_with = "text_or_nothing", default)]
    request_id: Option<Text<'a>>,
    timestamp: Option<i64>,
    #[serde(borrow, deserialize_with = "text_or_nothing", default)]
    model_id: Option<Text<'a>>,
    #[serde(borrow)]
    result: Option<Answer<'a>>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    prompt_tokens: Option<Count>,
    output_tokens: Option<Count>,
    #[serde(borrow, deserialize_with = "text_or_nothing", default)]
    resolved_model: Option<Text<'a>>,
}
