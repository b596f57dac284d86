//! The shared scanner: log files that grow -> a [`Reading`].
//!
//! [`walk`] finds the files, [`mark`] tells which of them changed and how far each was read,
//! [`lines`] streams the new complete lines, and a [`Format`] turns lines into usage. What a format
//! carries from line to line is kept in the mark, so that reading in many small steps gives what
//! reading once gives.

pub mod lines;
pub mod mark;
pub mod walk;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::spend::{Mark, Marks, Problem, Reading, Usage};
use lines::{Filter, LONGEST_LINE_BYTES, read_lines};
use mark::{Stamp, identity, resume_at};
use walk::{Found, Listing, error_clause};

/// A reading stops after about this many usages, so that a first look at years of logs stays
/// small in memory; the caller looks again at once.
const USAGES_PER_READING: usize = 20_000;

/// Below this a second thread costs more than it brings.
const BYTES_FOR_TWO_THREADS: u64 = 1024 * 1024;

/// What a file may report one by one; more bad lines than that are summed up in one sentence.
const PROBLEMS_PER_FILE: usize = 20;

/// How one agent's log lines become usage.
pub trait Format: Sync {
    /// What is carried from line to line within a file.
    type State: Default + Clone + Serialize + DeserializeOwned + Send;

    /// Which lines are worth parsing.
    fn filter(&self) -> &Filter;

    /// Reads one wanted line, without its line end.
    fn line(&self, file: &Path, state: &mut Self::State, line: &[u8], found: &mut Findings);

    /// Whether a file has to be read again from its start, although it may not have changed.
    fn stale(&self, _file: &Path, _mark: &Mark) -> bool {
        false
    }

    /// A file is read again from its start: what is to be kept of the state it had?
    fn restart(&self, _before: Self::State) -> Self::State {
        Self::State::default()
    }

    /// All lines that are there were read.
    fn finish(&self, _state: &mut Self::State, _found: &mut Findings) {}
}

/// What the lines of one file gave.
#[derive(Default)]
pub struct Findings {
    /// Usage events.
    pub usages: Vec<Usage>,
    /// See [`Reading::unmetered_tokens`].
    pub unmetered_tokens: u64,
    problems: Vec<(Option<u64>, String)>,
    problems_left_out: u64,
    offset: u64,
    names: Vec<Arc<str>>,
}

impl Findings {
    /// The current line could not be read.
    pub fn problem(&mut self, what: impl Into<String>) {
        self.problem_at(Some(self.offset), what.into());
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

    fn problem_at(&mut self, offset: Option<u64>, what: String) {
        if self.problems.len() < PROBLEMS_PER_FILE {
            self.problems.push((offset, what));
        } else {
            self.problems_left_out += 1;
        }
    }
}

/// Reads what is new in the listed files. Nothing new gives an empty reading without marks.
pub fn scan<F: Format>(format: &F, listing: Listing, marks: &Marks) -> Reading {
    let mut reading = Reading { problems: listing.problems, ..Reading::default() };
    reading.marks.extend(listing.gone.into_iter().map(|name| (name, None)));
    let jobs: Vec<Job<'_>> = listing
        .files
        .iter()
        .filter_map(|file| {
            let before = marks.get(&file.name);
            let stale = before.is_some_and(|mark| format.stale(&file.path, mark));
            let unchanged = before.is_some_and(|mark| file.stamp.matches(mark));
            (stale || !unchanged).then_some(Job { file, before, stale })
        })
        .collect();
    let mut done = 0;
    for (job, outcome) in jobs.iter().zip(read_files(format, &jobs)) {
        // Whatever the second thread read beyond this is dropped and read again, so that a
        // reading never depends on which thread was faster.
        if reading.usages.len() >= USAGES_PER_READING {
            break;
        }
        join(&mut reading, job, outcome);
        done += 1;
    }
    reading.more |= done < jobs.len();
    reading
}

struct Job<'a> {
    file: &'a Found,
    before: Option<&'a Mark>,
    stale: bool,
}

impl Job<'_> {
    fn bytes(&self) -> u64 {
        let from = if self.stale { 0 } else { self.before.map_or(0, |mark| mark.offset) };
        self.file.stamp.size.saturating_sub(from)
    }
}

#[derive(Default)]
struct Outcome {
    mark: Option<Mark>,
    found: Findings,
    more: bool,
}

/// Reads the files in their order, on up to two threads, until there are enough usages. The
/// outcomes are those of the first files, in order.
fn read_files<F: Format>(format: &F, jobs: &[Job<'_>]) -> Vec<Outcome> {
    let slots: Vec<Mutex<Option<Outcome>>> = jobs.iter().map(|_| Mutex::default()).collect();
    let (next, usages) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut buffer = Vec::new();
        while usages.load(Ordering::Relaxed) < USAGES_PER_READING {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((job, slot)) = jobs.get(at).zip(slots.get(at)) else { break };
            let outcome = read_file(format, job, &mut buffer);
            usages.fetch_add(outcome.found.usages.len(), Ordering::Relaxed);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        }
    };
    let bytes: u64 = jobs.iter().map(Job::bytes).sum();
    if jobs.len() > 1 && bytes >= BYTES_FOR_TWO_THREADS {
        std::thread::scope(|scope| {
            scope.spawn(work);
            work();
        });
    } else {
        work();
    }
    slots
        .into_iter()
        .map_while(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

fn join(reading: &mut Reading, job: &Job<'_>, mut outcome: Outcome) {
    let place = &job.file.name;
    reading.usages.append(&mut outcome.found.usages);
    reading.unmetered_tokens =
        reading.unmetered_tokens.saturating_add(outcome.found.unmetered_tokens);
    reading.problems.extend(outcome.found.problems.into_iter().map(|(offset, what)| Problem {
        place: place.clone(),
        position: offset.map(|offset| format!("byte {offset}")),
        what,
    }));
    if outcome.found.problems_left_out > 0 {
        let what = format!("{} more lines could not be read", outcome.found.problems_left_out);
        reading.problems.push(Problem { place: place.clone(), position: None, what });
    }
    if let Some(mark) = outcome.mark.filter(|mark| job.before != Some(mark)) {
        reading.marks.insert(place.clone(), Some(mark));
    }
    reading.more |= outcome.more;
}

fn read_file<F: Format>(format: &F, job: &Job<'_>, buffer: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    match try_read_file(format, job, buffer, &mut outcome.found) {
        Ok((mark, more)) => Outcome { mark: Some(mark), more, ..outcome },
        // Gone between the walk and now: the next walk tells whether it is gone for good.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Outcome::default(),
        Err(error) => {
            // Without a mark the lines that were read come again, which changes nothing; without
            // the state that belongs to them they must not count as news either.
            let mut found = Findings::default();
            found.problem_at(None, error_clause(&error));
            Outcome { found, ..Outcome::default() }
        }
    }
}

fn try_read_file<F: Format>(
    format: &F,
    job: &Job<'_>,
    buffer: &mut Vec<u8>,
    found: &mut Findings,
) -> std::io::Result<(Mark, bool)> {
    let mut file = File::open(&job.file.path)?;
    let metadata = file.metadata()?;
    let before = job.before.and_then(|mark| Some((mark, state_of::<F>(mark)?)));
    let (start, mut state) = match before {
        Some((mark, state)) => match resume_at(&mut file, &metadata, mark)? {
            start if start > 0 && !job.stale => (start, state),
            _ => (0, format.restart(state)),
        },
        None => (0, F::State::default()),
    };
    file.seek(SeekFrom::Start(start))?;
    // Only up to the size that the stamp tells: what is written meanwhile shows as a change.
    let mut input = (&mut file).take(metadata.len().saturating_sub(start));
    let filter = format.filter();
    let ended = read_lines(&mut input, buffer, start, LONGEST_LINE_BYTES, |at, region| {
        filter.each(region, |line_at, line| {
            found.offset = at + line_at as u64;
            // Some editors put a byte order mark before the first line.
            let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
            format.line(&job.file.path, &mut state, line, found);
            if found.usages.len() >= USAGES_PER_READING {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
    })?;
    for offset in &ended.too_long {
        found.problem_at(Some(*offset), "a line of more than 256 MB was left out".to_owned());
    }
    format.finish(&mut state, found);
    let stamp = Stamp::of(&metadata);
    let mark = Mark {
        offset: ended.offset,
        // A reading that stopped early records less than there is, so that the file looks changed.
        size: if ended.stopped { ended.offset } else { stamp.size },
        modified_nanos: stamp.modified_nanos,
        identity: identity(&mut file, &metadata, ended.offset)?,
        state: state_text(&state)?,
    };
    Ok((mark, ended.stopped && ended.offset < stamp.size))
}

/// The state that a mark holds; `None` when an older version of this program wrote it otherwise,
/// in which case the file is read from its start.
fn state_of<F: Format>(mark: &Mark) -> Option<F::State> {
    if mark.state.is_empty() {
        return Some(F::State::default());
    }
    serde_json::from_str(&mark.state).ok()
}

fn state_text<S: Serialize>(state: &S) -> std::io::Result<String> {
    let text = serde_json::to_string(state)?;
    Ok(if text == "null" { String::new() } else { text })
}
