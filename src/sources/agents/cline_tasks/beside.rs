//! What the files beside a task's window tell: model and working folder.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::unescaped;

/// The conversation quotes the first model and the folder with the first message of the user.
const BEGINNING_BYTES: usize = 1024 * 1024;
/// `task_metadata.json` lists files and models; it is small.
const METADATA_BYTES: u64 = 4 * 1024 * 1024;

/// What the files beside a task's window tell.
#[derive(Default)]
pub struct Beside {
    /// Models with the time since when each was in use, ascending.
    models: Vec<ModelUse>,
    first_model: Option<String>,
    /// The working folder.
    pub folder: Option<String>,
    /// Of the files that were read.
    pub sizes: Sizes,
}

/// The sizes of the files beside a task's window, kept while the model of a request is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    is_model_missing: bool,
    metadata: u64,
    history: u64,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    model_usage: Vec<ModelUse>,
}

#[derive(Clone, Deserialize)]
struct ModelUse {
    #[serde(default)]
    ts: u64,
    model_id: Option<String>,
    model_provider_id: Option<String>,
}

impl Beside {
    /// Reads what lies beside a window's file; files that are missing or broken tell nothing.
    pub fn read(window: &Path) -> Self {
        let metadata = bytes(&window.with_file_name(METADATA), METADATA_BYTES);
        let metadata = serde_json::from_slice::<Metadata>(&metadata);
        let mut models = metadata.map(|metadata| metadata.model_usage).unwrap_or_default();
        models.sort_by_key(|model| model.ts);
        let (first_model, folder) = beginning(&window.with_file_name(HISTORY));
        let sizes = Sizes::of(window);
        Self { models, first_model, folder, sizes }
    }

    /// The provider and the model that were in use just before `end_ms`.
    pub fn model_at(&self, end_ms: u64) -> (Option<String>, Option<String>) {
        let noted = self.models.iter().rev().find(|model| model.ts < end_ms);
        match noted.filter(|model| model.model_id.as_deref().is_some_and(|id| !id.is_empty())) {
            Some(model) => (model.model_provider_id.clone(), model.model_id.clone()),
            None => (None, self.first_model.clone()),
        }
    }
}

const METADATA: &str = "task_metadata.json";
const HISTORY: &str = "api_conversation_history.json";

impl Sizes {
    fn of(window: &Path) -> Self {
        let size = |name| std::fs::metadata(window.with_file_name(name)).map_or(0, |it| it.len());
        Self { is_model_missing: true, metadata: size(METADATA), history: size(HISTORY) }
    }

    /// Whether a model was missing and may be there now.
    pub fn are_outdated(&self, window: &Path) -> bool {
        self.is_model_missing && *self != Self::of(window)
    }
}

fn bytes(path: &Path, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    match File::open(path).map(|file| file.take(most).read_to_end(&mut bytes)) {
        Ok(Ok(_)) => bytes,
        _ => Vec::new(),
    }
}

/// The first model and the working folder, from as much of the conversation's beginning as it
/// takes to meet both.
fn beginning(history: &Path) -> (Option<String>, Option<String>) {
    let Ok(mut file) = File::open(history) else { return (None, None) };
    let (mut text, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut piece).unwrap_or(0);
        text.extend_from_slice(&piece[..read]);
        let known = String::from_utf8_lossy(&text);
        let model = between(&known, "<model>", "</model>");
        let folder = ["Workspace", "Working"]
            .iter()
            .find_map(|word| between(&known, &format!("# Current {word} Directory ("), ") Files"));
        if read == 0 || text.len() >= BEGINNING_BYTES || (model.is_some() && folder.is_some()) {
            return (model, folder);
        }
    }
}

fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let (_, rest) = text.split_once(start)?;
    let (inner, _) = rest.split_once(end)?;
    let inner = unescaped(inner.trim());
    // Longer is no name: the marks then stand in somebody's words.
    (!inner.is_empty() && inner.len() <= 1024).then(|| inner.into_owned())
}
