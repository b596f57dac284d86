//! One large log, read by several threads: each takes a window of complete lines.
//!
//! Finding the lines that matter is most of the work and needs nothing from the lines before.
//! Where lines stand alone the threads read them as well; else they only pick them out, and one
//! run reads them in order.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::{ControlFlow, Range};
use std::path::Path;

use memchr::memchr;

use super::findings::{Findings, Position};
use super::format::{AnyFormat, Run};
use super::lines::{Ended, Filter, LIMITS, read_lines, without_mark};
use super::unpack;

/// What one thread takes at a time. The lines picked out of it are held until their turn.
const WINDOW_BYTES: u64 = 4 * 1024 * 1024;

/// Whether a file has enough to read for more than one thread.
pub fn are_worth_it(start: u64, end: u64) -> bool {
    end != u64::MAX && end.saturating_sub(start) >= 2 * WINDOW_BYTES
}

/// What a thread made of its window.
enum Taken {
    /// Lines stand alone: what they gave.
    Read(Findings),
    /// The wanted lines, one after the other, each with its place in the file and its length.
    Picked { bytes: Vec<u8>, lines: Vec<(u64, usize)> },
}

/// Reads `range` of a log that is not packed, window by window, until there are enough usages.
pub fn read(
    format: &dyn AnyFormat,
    filter: &Filter,
    run: &mut dyn Run,
    path: &Path,
    range: Range<u64>,
    threads: usize,
    found: &mut Findings,
) -> io::Result<Ended> {
    let mut ended = Ended { offset: range.start, too_long: Vec::new(), stopped: false };
    while ended.offset < range.end && !found.is_full() {
        let windows = windows_from(path, ended.offset, range.end, threads)?;
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> = windows
                .into_iter()
                .map(|window| scope.spawn(|| take(format, filter, path, window)))
                .collect();
            threads.into_iter().map(join).collect::<io::Result<Vec<_>>>()
        })?;
        let before = ended.offset;
        for (window, taken) in taken {
            // A reading stops between windows: what a thread read is not read again.
            hand_over(taken, path, run, found);
            ended.offset = window.offset;
            ended.too_long.extend(window.too_long);
        }
        // Only a line that is still being written is left.
        if ended.offset == before {
            return Ok(ended);
        }
    }
    ended.stopped = ended.offset < range.end && found.is_full();
    Ok(ended)
}

fn join<T>(thread: std::thread::ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn hand_over(taken: Taken, path: &Path, run: &mut dyn Run, found: &mut Findings) {
    match taken {
        Taken::Read(further) => found.append(further),
        Taken::Picked { bytes, lines } => {
            let mut rest = &bytes[..];
            for (at, length) in lines {
                let (line, further) = rest.split_at(length);
                rest = further;
                found.at(Position::Byte(at));
                run.line(path, without_mark(line), found);
            }
        }
    }
}

fn take(
    format: &dyn AnyFormat,
    filter: &Filter,
    path: &Path,
    window: Range<u64>,
) -> io::Result<(Ended, Taken)> {
    let input = unpack::open(path, File::open(path)?, window.start)?;
    let mut input = input.take(window.end - window.start);
    let mut buffer = Vec::new();
    if format.lines_stand_alone() {
        let (mut run, mut found) = (format.start(), Findings::default());
        let ended = read_lines(&mut input, &mut buffer, window.start, LIMITS, |at, region| {
            filter.each(region, |line_at, line| {
                found.at(Position::Byte(at + line_at as u64));
                run.line(path, without_mark(line), &mut found);
                ControlFlow::Continue(())
            })
        })?;
        return Ok((ended, Taken::Read(found)));
    }
    let (mut bytes, mut lines) = (Vec::new(), Vec::new());
    let ended = read_lines(&mut input, &mut buffer, window.start, LIMITS, |at, region| {
        filter.each(region, |line_at, line| {
            lines.push((at + line_at as u64, line.len()));
            bytes.extend_from_slice(line);
            ControlFlow::Continue(())
        })
    })?;
    Ok((ended, Taken::Picked { bytes, lines }))
}

/// The next windows, each from the start of a line to the end of one.
fn windows_from(path: &Path, start: u64, end: u64, count: usize) -> io::Result<Vec<Range<u64>>> {
    let mut file = File::open(path)?;
    let mut windows = Vec::with_capacity(count);
    let mut from = start;
    while windows.len() < count && from < end {
        let to = line_end_after(&mut file, from.saturating_add(WINDOW_BYTES), end)?;
        windows.push(from..to);
        from = to;
    }
    Ok(windows)
}

/// Where the line ends that byte `at` stands in.
fn line_end_after(file: &mut File, at: u64, end: u64) -> io::Result<u64> {
    if at >= end {
        return Ok(end);
    }
    file.seek(SeekFrom::Start(at))?;
    let mut piece = [0; 16 * 1024];
    let mut from = at;
    while from < end {
        let read = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if let Some(line_end) = memchr(b'\n', &piece[..read]) {
            return Ok(end.min(from + line_end as u64 + 1));
        }
        from += read as u64;
    }
    Ok(end)
}
