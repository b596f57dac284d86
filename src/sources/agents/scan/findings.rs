//! What the records of one file gave, and how each was taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::spend::{Kin, Usage};

/// What a file may report one by one; more bad records than that are summed up in one sentence.
const PROBLEMS_PER_FILE: usize = 20;

/// Where in a file a record stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// The file as a whole.
    #[default]
    File,
    /// Bytes from the start, where a line begins.
    Byte(u64),
    /// A numbered record of a document or a table: `("message", 3)`.
    Item(&'static str, u64),
}

/// How a record was taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// It is a request. Whether it repeats one that was met already its key tells.
    Counted(Box<Usage>),
    /// It is none, or adds nothing: why.
    Skipped(String),
    /// It could not be read: why.
    Problem(String),
}

/// How one record of a file was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Which record.
    pub position: Position,
    /// How it was taken.
    pub taken: Taken,
}

/// What the records of one file gave.
#[derive(Default)]
pub struct Findings {
    /// Usage events.
    pub usages: Vec<Usage>,
    /// Which sessions came from which.
    pub kin: Vec<Kin>,
    /// See [`crate::spend::Reading::unmetered_tokens`].
    pub unmetered_tokens: u64,
    /// Set by a format that stopped before the end: the file is looked at again at once.
    pub stopped: bool,
    /// How many usages a reading is to take, if that is bounded.
    most: Option<usize>,
    position: Position,
    problems: Vec<(Position, String)>,
    problems_left_out: u64,
    names: Vec<Arc<str>>,
    /// Kept only while somebody asks how each record is taken.
    trail: Option<Vec<Verdict>>,
}

impl Findings {
    /// Findings that are full with so many usages.
    pub fn up_to(most: usize) -> Self {
        Self { most: Some(most), ..Self::default() }
    }

    /// Findings that remember how each record was taken.
    pub fn explaining() -> Self {
        Self { trail: Some(Vec::new()), ..Self::default() }
    }

    /// The current record is a request.
    pub fn count(&mut self, usage: Usage) {
        self.note(|| Taken::Counted(Box::new(usage.clone())));
        self.usages.push(usage);
    }

    /// The current record is no request, or adds nothing, for a reason worth telling.
    pub fn skip(&mut self, why: &str) {
        self.note(|| Taken::Skipped(why.to_owned()));
    }

    /// The current record could not be read.
    pub fn problem(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.note(|| Taken::Problem(what.clone()));
        if self.problems.len() < PROBLEMS_PER_FILE {
            self.problems.push((self.position, what));
        } else {
            self.problems_left_out += 1;
        }
    }

    /// The record that is read now.
    pub fn at(&mut self, position: Position) {
        self.position = position;
    }

    /// Whether a reading should not take more; a format that can go on later from its state stops
    /// then and sets [`Findings::stopped`].
    pub fn is_full(&self) -> bool {
        self.most.is_some_and(|most| self.usages.len() >= most)
    }

    /// The text as shared text: a file names few models, sessions and folders, thousands of times.
    pub fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(at) = self.names.iter().position(|name| **name == *text) {
            return Arc::clone(&self.names[at]);
        }
        let name: Arc<str> = Arc::from(text);
        if self.names.len() >= 16 {
            self.names.remove(0);
        }
        self.names.push(Arc::clone(&name));
        name
    }

    /// Takes over what was found further on in the same file.
    pub(super) fn append(&mut self, mut further: Self) {
        self.usages.append(&mut further.usages);
        self.kin.append(&mut further.kin);
        self.unmetered_tokens = self.unmetered_tokens.saturating_add(further.unmetered_tokens);
        self.problems.append(&mut further.problems);
        self.problems_left_out += further.problems_left_out;
        let more = self.problems.len().saturating_sub(PROBLEMS_PER_FILE);
        self.problems.truncate(PROBLEMS_PER_FILE);
        self.problems_left_out += more as u64;
    }

    /// The problems with their places, and how many more there were.
    pub(super) fn into_problems(self) -> (Vec<(Position, String)>, u64) {
        (self.problems, self.problems_left_out)
    }

    /// Only while somebody asks: records without a verdict get one.
    pub(super) fn note_silence(&mut self, verdicts_before: usize) {
        if self.verdicts() == verdicts_before {
            self.skip("holds no usage");
        }
    }

    /// How many verdicts there are.
    pub(super) fn verdicts(&self) -> usize {
        self.trail.as_ref().map_or(0, Vec::len)
    }

    /// How each record was taken, in order.
    pub(super) fn into_trail(self) -> Vec<Verdict> {
        self.trail.unwrap_or_default()
    }

    fn note(&mut self, taken: impl FnOnce() -> Taken) {
        let position = self.position;
        if let Some(trail) = &mut self.trail {
            trail.push(Verdict { position, taken: taken() });
        }
    }
}

impl Position {
    /// As people read it: `line 12`, `message 3`. `numbers` has the lines that bytes stand in;
    /// where a file was too long to count them, the byte is named.
    pub fn text(&self, numbers: &BTreeMap<u64, u64>) -> Option<String> {
        match self {
            Self::File => None,
            Self::Byte(offset) => Some(match numbers.get(offset) {
                Some(number) => format!("line {number}"),
                None => format!("byte {offset}"),
            }),
            Self::Item(what, number) => Some(format!("{what} {number}")),
        }
    }
}
