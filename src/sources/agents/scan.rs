//! The shared scanner: files that agents write -> a [`Reading`].
//!
//! [`walk`] finds the files, [`mark`] tells which of them changed and how far each was read, and
//! [`job`] reads one of them in the shape that its [`Format`] names: new complete [`lines`] of a
//! log that grows, a [`document`] that is written anew each time, or a [`database`]. What a format
//! carries from record to record is kept in the mark, so that reading in many small steps gives
//! what reading once gives.

pub mod compare;
pub mod condense;
pub mod database;
pub mod document;
pub mod findings;
pub mod format;
mod job;
pub mod lines;
pub mod mark;
#[cfg(test)]
mod testing;
pub mod unpack;
pub mod walk;
mod windows;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::spend::{Marks, Problem, Reading};
pub use findings::{Findings, Position, Taken, Verdict};
pub use format::{AnyFormat, Format, Shape};
pub use job::explain;
use job::{Job, Outcome};
use lines::line_numbers;
use walk::{Found, Listing, with_marks};

/// Below this a second thread costs more than it brings.
const BYTES_FOR_TWO_THREADS: u64 = 1024 * 1024;

/// Reads what is new in the listed files, and stops after about `most` usages, so that a first look
/// at years of logs stays small in memory. Nothing new gives an empty reading without marks.
pub fn scan(format: &dyn AnyFormat, mut listing: Listing, marks: &Marks, most: usize) -> Reading {
    if matches!(format.shape(), Shape::Database) {
        listing.files.iter_mut().for_each(Found::add_write_ahead_log);
    }
    let mut reading = Reading { problems: listing.problems, ..Reading::default() };
    // The mark of a document or a database may hold what was counted of a running total: should
    // the file come back, it must not count from zero again.
    if matches!(format.shape(), Shape::Lines(_)) {
        reading.marks.extend(listing.gone.into_iter().map(|name| (name, None)));
    }
    let jobs: Vec<Job<'_>> = with_marks(&listing.files, marks)
        .filter_map(|(file, mark)| {
            let (file, before) = (file?, mark.map(|(_, mark)| mark));
            let stale = before.is_some_and(|mark| format.stale(file.path(), mark));
            let unchanged = before.is_some_and(|mark| file.stamp.matches(mark));
            (stale || !unchanged).then_some(Job { file, before, stale })
        })
        .collect();
    let mut done = 0;
    for (job, outcome) in jobs.iter().zip(read_files(format, &jobs, most)) {
        // Whatever the second thread read beyond this is dropped and read again, so that a
        // reading never depends on which thread was faster.
        if reading.usages.len() >= most {
            break;
        }
        join(&mut reading, job, outcome);
        done += 1;
    }
    reading.more |= done < jobs.len();
    reading
}

/// How many threads read at once. Reading logs is background work: two bring most of the gain.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2))
}

/// Reads the files in their order until there are enough usages. The outcomes are those of the
/// first files, in order.
fn read_files(format: &dyn AnyFormat, jobs: &[Job<'_>], most: usize) -> Vec<Outcome> {
    let slots: Vec<Mutex<Option<Outcome>>> = jobs.iter().map(|_| Mutex::default()).collect();
    let (next, usages) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = |threads: usize| {
        let mut buffer = Vec::new();
        while usages.load(Ordering::Relaxed) < most {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((job, slot)) = jobs.get(at).zip(slots.get(at)) else { break };
            let outcome = job.read(format, threads, most, &mut buffer);
            usages.fetch_add(outcome.found.usages.len(), Ordering::Relaxed);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        }
    };
    let bytes: u64 = jobs.iter().map(Job::bytes).sum();
    if jobs.len() > 1 && bytes >= BYTES_FOR_TWO_THREADS && threads() > 1 {
        std::thread::scope(|scope| {
            (1..threads()).for_each(|_| drop(scope.spawn(|| work(1))));
            work(1);
        });
    } else {
        work(threads());
    }
    slots
        .into_iter()
        .map_while(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

fn join(reading: &mut Reading, job: &Job<'_>, mut outcome: Outcome) {
    let place = &job.file.name;
    reading.usages.append(&mut outcome.found.usages);
    reading.kin.append(&mut outcome.found.kin);
    reading.unmetered_tokens =
        reading.unmetered_tokens.saturating_add(outcome.found.unmetered_tokens);
    let (problems, left_out) = outcome.found.into_problems();
    if !problems.is_empty() {
        let numbers = line_numbers(job.file.path(), problems.iter().map(|(at, _)| at));
        reading.problems.extend(problems.into_iter().map(|(position, what)| Problem {
            place: place.clone(),
            position: position.text(&numbers),
            what,
        }));
    }
    if left_out > 0 {
        let what = format!("{left_out} more records could not be read");
        reading.problems.push(Problem { place: place.clone(), position: None, what });
    }
    if let Some(mark) = outcome.mark.filter(|mark| job.before != Some(mark)) {
        reading.marks.insert(place.clone(), Some(mark));
    }
    reading.more |= outcome.more;
}
