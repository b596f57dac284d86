//! The rows of other threads, read when a fork has to be told from its parent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::base::{HistoryBase, Wait};
use super::counter::Vector;
use super::row::{Payload, Row, is_wanted};
use super::{DEEPEST, State, is_log};
use crate::sources::agents::scan::lines::{Filter, LIMITS, read_lines};
use crate::sources::agents::scan::unpack;
use crate::sources::agents::scan::walk::list;
use crate::sources::agents::wire::{filled, time};
use crate::spend::Marks;

/// Rows kept in memory over all threads; past it the streams are read again when needed.
const ROWS_KEPT: usize = 200_000;
/// A chain of forks is followed this far; a longer one (or a circle) is not.
const LONGEST_CHAIN: usize = 32;

/// Finds other threads' rollouts and remembers their rows for the time of one look.
pub struct Ancestors<'a> {
    roots: Vec<PathBuf>,
    marks: &'a Marks,
    files: OnceLock<BTreeMap<String, Vec<PathBuf>>>,
    streams: Mutex<BTreeMap<PathBuf, Arc<Stream>>>,
    /// The last few streams that were joined from several files, by thread and asking file.
    joined: Mutex<Vec<(String, PathBuf, Arc<Stream>)>>,
}

/// The totals that a thread went through, in order, snapshots written again left out.
#[derive(Debug, Default)]
pub struct Stream {
    rows: Vec<StreamRow>,
    base: Option<HistoryBase>,
    /// Without a base: the thread that this one was forked from, and when (seconds since 1970).
    parent: Option<(String, Option<i64>)>,
    /// An ancestor whose rows are not known.
    missing: Option<Wait>,
}

#[derive(Clone, Copy, Debug)]
struct StreamRow {
    total: Vector,
    last: Option<Vector>,
    /// Where the line ends in its file.
    end: u64,
    /// When it was written, in seconds since 1970.
    at: Option<i64>,
}

impl Stream {
    /// The first row from `from` on with these vectors.
    pub fn find(&self, from: usize, total: Vector, last: Option<Vector>) -> Option<usize> {
        let rows = self.rows.get(from..)?;
        rows.iter().position(|row| row.total == total && row.last == last).map(|at| from + at)
    }

    /// The ancestor without which these are not all rows that the thread inherited.
    pub fn missing(&self) -> Option<&Wait> {
        self.missing.as_ref()
    }

    /// Whether the thread ever stood at this total.
    pub fn stood_at(&self, total: &Vector) -> bool {
        !total.is_zero() && self.rows.iter().any(|row| row.total == *total)
    }
}

/// A file's name without the ending that packing gave it.
fn plain_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    Some(name.strip_suffix(".zst").unwrap_or(name))
}

/// The thread id in a rollout's name: `rollout-<time>-<uuid>.jsonl`.
pub fn thread_of(path: &Path) -> Option<&str> {
    let name = plain_name(path)?;
    let stem = name.strip_suffix(".jsonl").unwrap_or(name);
    let id = stem.len().checked_sub(36).and_then(|at| stem.get(at..));
    Some(id.filter(|id| id.as_bytes()[8] == b'-').unwrap_or(stem))
}

impl<'a> Ancestors<'a> {
    /// Nothing is read before it is asked for.
    pub fn new(roots: Vec<PathBuf>, marks: &'a Marks) -> Self {
        Self {
            roots,
            marks,
            files: OnceLock::new(),
            streams: Mutex::default(),
            joined: Mutex::default(),
        }
    }

    /// Whether what a fork waits for is there now.
    pub fn can_answer(&self, wait: &Wait, asking: &Path) -> bool {
        match wait.end {
            Some(end) => {
                let base = HistoryBase { thread: wait.thread.clone(), end };
                self.total_at(&base, asking).is_some()
            }
            None => self.stream(&wait.thread, asking).is_some(),
        }
    }

    /// All rows of a thread, those of its own ancestors first: a fork that asked nothing yet stands
    /// where they stood. `None` when the thread is not on this machine. `asking` is the file that wants to know, never its own ancestor.
    pub fn stream(&self, thread: &str, asking: &Path) -> Option<Arc<Stream>> {
        let mut files = self.files_of(thread).filter(|file| *file != asking);
        let (first, more) = (files.next()?, files.next().is_some());
        if !more {
            let stream = self.read(first)?;
            if stream.base.is_none() && stream.parent.is_none() {
                return Some(stream);
            }
        }
        let lock = || self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |entry: &&(String, PathBuf, _)| entry.0 == thread && entry.1 == asking;
        if let Some((_, _, stream)) = lock().iter().find(known) {
            return Some(Arc::clone(stream));
        }
        let mut stream = self.join(thread, asking)?;
        if let Some((parent, born)) = stream.parent.take() {
            let (mut rows, missing) = self.inherited(&parent, born, asking, LONGEST_CHAIN);
            rows.append(&mut stream.rows);
            stream.rows = rows;
            stream.missing = stream.missing.or(missing);
        }
        let stream = Arc::new(stream);
        let mut joined = lock();
        // Two files are read at a time, so two are enough.
        if joined.len() >= 2 {
            joined.remove(0);
        }
        joined.push((thread.to_owned(), asking.to_owned(), Arc::clone(&stream)));
        Some(stream)
    }

    /// What a thread had spent at a position; `None` when that can't be told.
    pub fn total_at(&self, base: &HistoryBase, asking: &Path) -> Option<Vector> {
        let rows = self.rows_up_to(base, asking, LONGEST_CHAIN)?;
        Some(rows.last().map(|row| row.total).unwrap_or_default())
    }

    /// What a thread had gone through when it was forked at the second `born`, as far as it is
    /// known, and what is missing of it.
    fn inherited(
        &self,
        thread: &str,
        born: Option<i64>,
        asking: &Path,
        chain: usize,
    ) -> (Vec<StreamRow>, Option<Wait>) {
        let Some(Stream { mut rows, parent, mut missing, .. }) =
            self.join(thread, asking).filter(|_| chain > 0)
        else {
            return (Vec::new(), Some(Wait { thread: thread.to_owned(), end: None }));
        };
        let is_later = |row: &StreamRow| row.at.zip(born).is_some_and(|(at, born)| at > born);
        rows.retain(|row| !is_later(row));
        if let Some((parent, born)) = parent {
            let (mut before, further) = self.inherited(&parent, born, asking, chain - 1);
            before.append(&mut rows);
            rows = before;
            missing = missing.or(further);
        }
        (rows, missing)
    }

    fn join(&self, thread: &str, asking: &Path) -> Option<Stream> {
        let (mut rows, mut parent, mut missing) = (Vec::new(), None, None);
        let mut names = BTreeSet::new();
        let mut any = false;
        for file in self.files_of(thread).filter(|file| *file != asking) {
            // The archived copy of an active file has its name, and a packed one nearly so.
            if !names.insert(plain_name(file)) {
                continue;
            }
            let Some(stream) = self.read(file) else { continue };
            any = true;
            parent = parent.or_else(|| stream.parent.clone());
            match &stream.base {
                Some(base) if base.thread != thread => {
                    match self.rows_up_to(base, file, LONGEST_CHAIN) {
                        Some(before) => rows.extend(before),
                        None => missing = Some(base.wait()),
                    }
                }
                Some(base) if self.base_file(base, file).is_none() => missing = Some(base.wait()),
                // Another page of the same thread that is there: its rows come in their turn.
                Some(_) | None => {}
            }
            rows.extend_from_slice(&stream.rows);
        }
        rows.dedup_by_key(|row| (row.total, row.last));
        any.then_some(Stream { rows, base: None, parent, missing })
    }

    fn rows_up_to(
        &self,
        base: &HistoryBase,
        asking: &Path,
        chain: usize,
    ) -> Option<Vec<StreamRow>> {
        let file = self.base_file(base, asking)?;
        let stream = self.read(&file)?;
        let own: Vec<_> = stream.rows.iter().take_while(|row| row.end <= base.end).collect();
        let before = match (&stream.base, &stream.parent) {
            _ if chain == 0 => Some(Vec::new()),
            (Some(before), _) => self.rows_up_to(before, &file, chain - 1),
            (None, Some((parent, born))) => {
                let (rows, missing) = self.inherited(parent, *born, &file, chain - 1);
                missing.is_none().then_some(rows)
            }
            (None, None) => Some(Vec::new()),
        };
        let mut rows = match before {
            Some(rows) => rows,
            // Own rows tell the total; without any it stays unknown.
            None if own.is_empty() => return None,
            None => Vec::new(),
        };
        rows.extend(own);
        Some(rows)
    }

    /// The file that a base points into: one in which a line ends at that position. A thread of
    /// several pages has several files; the newest before the asking one is taken.
    fn base_file(&self, base: &HistoryBase, asking: &Path) -> Option<PathBuf> {
        let own = asking.file_name();
        let mut files: Vec<_> =
            self.files_of(&base.thread).filter(|file| *file != asking).collect();
        files.sort_by_key(|file| (file.file_name() < own, file.file_name()));
        files.into_iter().rev().find(|file| line_ends_at(file, base.end)).cloned()
    }

    fn files_of(&self, thread: &str) -> impl Iterator<Item = &PathBuf> {
        self.files.get_or_init(|| self.find_files()).get(thread).into_iter().flatten()
    }

    /// Files by the thread id in their name, and by the one in their first line where an earlier
    /// look found another one there (pages of a thread).
    fn find_files(&self) -> BTreeMap<String, Vec<PathBuf>> {
        let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for found in list(&self.roots, None, DEEPEST, &Marks::new(), &is_log).files {
            let named = thread_of(found.path()).unwrap_or_default().to_owned();
            let told = self.marks.get(&found.name).and_then(|mark| {
                serde_json::from_str::<State>(&mark.state).ok()?.session.filter(|id| *id != named)
            });
            for thread in told.into_iter().chain([named]) {
                files.entry(thread).or_default().push(found.path().to_owned());
            }
        }
        files
    }

    fn read(&self, file: &Path) -> Option<Arc<Stream>> {
        let lock = || self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = lock().get(file) {
            return Some(Arc::clone(stream));
        }
        let stream = Arc::new(read_stream(file)?);
        let mut streams = lock();
        let kept: usize = streams.values().map(|stream| stream.rows.len()).sum();
        if kept + stream.rows.len() > ROWS_KEPT {
            streams.clear();
        }
        streams.insert(file.to_owned(), Arc::clone(&stream));
        Some(stream)
    }
}

/// Reads the totals of a whole rollout. A file that can't be opened has no stream: the file itself
/// is listed as a problem when its own turn comes.
fn read_stream(path: &Path) -> Option<Stream> {
    let mut file = unpack::open(path, File::open(path).ok()?, 0).ok()?;
    let mut stream = Stream::default();
    let mut kin: Option<Kin> = None;
    let filter = Filter::Picked(is_wanted);
    let each = |at: u64, region: &[u8]| {
        filter.each(region, |start, line| {
            let Ok(row) = serde_json::from_slice::<Row<'_>>(line) else {
                return ControlFlow::Continue(());
            };
            let Some(payload) = &row.payload else { return ControlFlow::Continue(()) };
            if let Some(kin) = &kin {
                if stream.rows.is_empty() && stream.base.is_none() && stream.parent.is_none() {
                    let parent = kin.parent_shown_by(&row, payload);
                    stream.parent = parent.map(|parent| (parent, kin.born));
                }
            } else if row.kind.as_deref() == Some("session_meta") {
                let its = kin.insert(Kin::of(&row, payload));
                stream.base = HistoryBase::of(payload);
                let parent = filled(&payload.forked_from_id).filter(|_| stream.base.is_none());
                stream.parent = parent.map(|parent| (parent.to_owned(), its.born));
            }
            let is_count = payload.kind.as_deref() == Some("token_count");
            let info = payload.info.as_ref().filter(|_| is_count);
            let total = info.and_then(|info| info.total_token_usage.as_ref());
            let Some(total) = total.map(|total| total.vector()) else {
                return ControlFlow::Continue(());
            };
            if stream.rows.last().is_none_or(|row| row.total != total) {
                let last = info.and_then(|info| info.last_token_usage.as_ref());
                stream.rows.push(StreamRow {
                    total,
                    last: last.map(|last| last.vector()),
                    end: at + (start + line.len()) as u64,
                    at: row.timestamp.as_deref().and_then(time).map(|at| at.timestamp()),
                });
            }
            ControlFlow::Continue(())
        })
    };
    read_lines(&mut file, &mut Vec::new(), 0, LIMITS, each).ok()?;
    Some(stream)
}

/// What a thread's first meta says of whose lines may stand in its file.
struct Kin {
    own: Option<String>,
    born: Option<i64>,
    spawned_by: Option<String>,
}

impl Kin {
    fn of(row: &Row<'_>, meta: &Payload<'_>) -> Self {
        Self {
            own: filled(&meta.id).or(filled(&meta.session_id)).map(str::to_owned),
            born: meta.born(row).map(|born| born.timestamp()),
            spawned_by: meta.spawned_by().map(|parent| parent.0.into_owned()),
        }
    }

    /// The parent of a thread that names none, shown by the same signs as in [`super::origin`]:
    /// another thread's meta, or a turn from before the subagent was made.
    fn parent_shown_by(&self, row: &Row<'_>, payload: &Payload<'_>) -> Option<String> {
        if row.kind.as_deref() == Some("session_meta") {
            let id = filled(&payload.id).or(filled(&payload.session_id))?;
            let is_foreign = self.own.as_deref() != Some(id);
            let parent = || self.spawned_by.clone().unwrap_or_else(|| id.to_owned());
            return is_foreign.then(parent);
        }
        let is_turn = payload.kind.as_deref() == Some("task_started");
        let started_at = is_turn.then(|| payload.started_at()).flatten()?;
        self.spawned_by.clone().filter(|_| self.born.is_some_and(|born| started_at < born))
    }
}

fn line_ends_at(path: &Path, end: u64) -> bool {
    let Some(last) = end.checked_sub(1) else { return true };
    let mut byte = [0];
    let read = File::open(path)
        .and_then(|file| unpack::open(path, file, last))
        .and_then(|mut log| log.read_exact(&mut byte));
    read.is_ok() && byte == *b"\n"
}
