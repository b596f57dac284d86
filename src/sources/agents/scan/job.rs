//! One file: from its mark to its new mark.

use std::fs::{File, Metadata};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use super::findings::{Findings, Position, Verdict};
use super::format::{AnyFormat, Run, Shape};
use super::lines::{Filter, LIMITS, read_lines, without_mark};
use super::mark::{Stamp, identity, resume_at};
use super::walk::{Found, error_clause};
use super::{database, document, unpack, windows};
use crate::spend::Mark;

/// A file that may have news.
pub struct Job<'a> {
    pub file: &'a Found,
    pub before: Option<&'a Mark>,
    pub stale: bool,
}

/// What reading a file came to.
#[derive(Default)]
pub struct Outcome {
    pub mark: Option<Mark>,
    pub found: Findings,
    pub more: bool,
}

impl Job<'_> {
    /// Roughly how much there is to read.
    pub fn bytes(&self) -> u64 {
        let from = if self.stale { 0 } else { self.before.map_or(0, |mark| mark.offset) };
        self.file.stamp.size.saturating_sub(from)
    }

    /// Reads what is new, a large file on up to `threads` threads.
    pub fn read(
        &self,
        format: &dyn AnyFormat,
        threads: usize,
        most: usize,
        buffer: &mut Vec<u8>,
    ) -> Outcome {
        let mut outcome = Outcome { found: Findings::up_to(most), ..Outcome::default() };
        match self.try_read(format, threads, buffer, &mut outcome.found) {
            Ok((mark, more)) => Outcome { mark: Some(mark), more, ..outcome },
            // Gone between the walk and now: the next walk tells whether it is gone for good.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Outcome::default(),
            Err(error) => {
                // Without a mark the records that were read come again, which changes nothing;
                // without the state that belongs to them they must not count as news either.
                let mut found = Findings::default();
                found.problem(error_clause(&error));
                Outcome { found, ..Outcome::default() }
            }
        }
    }

    fn try_read(
        &self,
        format: &dyn AnyFormat,
        threads: usize,
        buffer: &mut Vec<u8>,
        found: &mut Findings,
    ) -> io::Result<(Mark, bool)> {
        match format.shape() {
            Shape::Lines(filter) => self.read_lines(format, filter, threads, buffer, found),
            Shape::Document => self.read_whole(format, found, |run, file, metadata, found| {
                let text = document::read(file, metadata.len())?;
                run.document(self.file.path(), &text, found);
                Ok(())
            }),
            Shape::Database => self.read_whole(format, found, |run, _, _, found| {
                let opened = database::open(self.file.path())?;
                // One state of the file, whatever its owner writes meanwhile.
                opened.connection.execute_batch("BEGIN").map_err(database::io_error)?;
                run.database(self.file.path(), &opened.connection, found)
                    .map_err(database::io_error)
            }),
        }
    }

    fn read_lines(
        &self,
        format: &dyn AnyFormat,
        filter: &Filter,
        threads: usize,
        buffer: &mut Vec<u8>,
        found: &mut Findings,
    ) -> io::Result<(Mark, bool)> {
        let path = self.file.path();
        let packed = unpack::is_packed(path);
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        let before = self.before.and_then(|mark| Some((mark, format.resume(&mark.state)?)));
        let (start, mut run) = match before {
            Some((mark, mut run)) => match resume_at(&mut file, &metadata, mark, packed)? {
                start if start > 0 && !self.stale => (start, run),
                _ => {
                    run.restart();
                    (0, run)
                }
            },
            None => (0, format.start()),
        };
        // Only up to the size that the stamp tells: what is written meanwhile shows as a change.
        let end = if packed { u64::MAX } else { metadata.len() };
        let ended = if threads > 1 && windows::are_worth_it(start, end) {
            windows::read(format, filter, run.as_mut(), path, start..end, threads, found)?
        } else {
            let mut input = io::Read::take(
                unpack::open(path, file.try_clone()?, start)?,
                end.saturating_sub(start),
            );
            read_lines(&mut input, buffer, start, LIMITS, |at, region| {
                filter.each(region, |line_at, line| {
                    found.at(Position::Byte(at + line_at as u64));
                    run.line(path, without_mark(line), found);
                    if found.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })
            })?
        };
        for offset in &ended.too_long {
            found.at(Position::Byte(*offset));
            found.problem("a line too large to be read was left out");
        }
        run.finish(found);
        let stamp = Stamp::of(&metadata);
        let more = ended.stopped && ended.offset < end;
        let mark = Mark {
            offset: ended.offset,
            // A reading that stopped early records another size, so that the file looks changed.
            size: match (more, packed) {
                (false, _) => stamp.size,
                (true, false) => ended.offset,
                (true, true) => 0,
            },
            modified_nanos: stamp.modified_nanos,
            identity: identity(&mut file, &metadata, if packed { 0 } else { ended.offset })?,
            state: run.state()?,
        };
        Ok((mark, more))
    }

    /// Reads a file that has no end to go on from: as a whole, with the state of the last time.
    fn read_whole(
        &self,
        format: &dyn AnyFormat,
        found: &mut Findings,
        read: impl FnOnce(&mut dyn Run, &mut File, &Metadata, &mut Findings) -> io::Result<()>,
    ) -> io::Result<(Mark, bool)> {
        let mut file = File::open(self.file.path())?;
        let metadata = file.metadata()?;
        let identity = identity(&mut file, &metadata, 0)?;
        let mut run = match self.before.and_then(|mark| Some((mark, format.resume(&mark.state)?))) {
            Some((mark, mut run)) => {
                if self.stale || mark.identity != identity {
                    run.restart();
                }
                run
            }
            None => format.start(),
        };
        read(run.as_mut(), &mut file, &metadata, found)?;
        run.finish(found);
        let more = found.stopped;
        let mark = Mark {
            offset: 0,
            // The stamp from before the reading: what was written meanwhile shows as a change.
            size: if more { 0 } else { self.file.stamp.size },
            modified_nanos: self.file.stamp.modified_nanos,
            identity,
            state: run.state()?,
        };
        Ok((mark, more))
    }
}

/// How each record of one file is taken, from its start, without a mark.
///
/// # Errors
/// The file can't be read.
pub fn explain(format: &dyn AnyFormat, path: &Path) -> io::Result<Vec<Verdict>> {
    let mut found = Findings::explaining();
    let mut run = format.start();
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    match format.shape() {
        Shape::Lines(filter) => {
            let mut input = unpack::open(path, file, 0)?;
            let every = Filter::Picked(|_| true);
            let ended = read_lines(&mut input, &mut Vec::new(), 0, LIMITS, |at, region| {
                every.each(region, |line_at, line| {
                    found.at(Position::Byte(at + line_at as u64));
                    let before = found.verdicts();
                    if filter.wants(line) {
                        run.line(path, without_mark(line), &mut found);
                    }
                    found.note_silence(before);
                    ControlFlow::Continue(())
                })
            })?;
            for offset in ended.too_long {
                found.at(Position::Byte(offset));
                found.problem("a line too large to be read was left out");
            }
        }
        Shape::Document => {
            let text = document::read(&mut file, metadata.len())?;
            run.document(path, &text, &mut found);
        }
        Shape::Database => {
            let opened = database::open(path)?;
            loop {
                run.database(path, &opened.connection, &mut found).map_err(database::io_error)?;
                found.usages.clear();
                if !std::mem::take(&mut found.stopped) {
                    break;
                }
            }
        }
    }
    run.finish(&mut found);
    Ok(found.into_trail())
}
