//! A stream of bytes -> complete lines, in bounded memory whatever their length.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memrchr};

use super::condense::Condenser;
use super::findings::Position;

/// Read at once unless a line is longer.
const CHUNK_BYTES: usize = 256 * 1024;

/// Some editors put a byte order mark before the first line.
pub fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

/// How much of a stream is held.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest line that is held as it is. A longer one (tool output of 200 MB on one line has
    /// been seen) is condensed: its long texts come out empty.
    pub plain: usize,
    /// The most that may be left of a condensed line; a line with more is left out.
    pub condensed: usize,
}

/// The limits of all logs.
pub const LIMITS: Limits = Limits { plain: 512 * 1024, condensed: 8 * 1024 * 1024 };

/// A file is searched this far for the lines in which problems stand; beyond it the byte is named.
const NUMBERED_BYTES: u64 = 64 * 1024 * 1024;

/// Which lines are worth parsing.
pub enum Filter {
    /// Those that contain these bytes. The whole buffer is searched at once, so lines without
    /// them cost next to nothing.
    Holding(Box<Finder<'static>>),
    /// Those that the function picks.
    Picked(fn(&[u8]) -> bool),
}

impl Filter {
    /// Whether a line is worth parsing.
    pub fn wants(&self, line: &[u8]) -> bool {
        match self {
            Self::Holding(needle) => needle.find(line).is_some(),
            Self::Picked(picks) => !line.is_empty() && picks(line),
        }
    }

    /// Calls `line` with every wanted line of `region` (complete lines) and where it starts in
    /// it. On `Break` the answer is the end of the line that broke off.
    pub fn each(
        &self,
        region: &[u8],
        mut line: impl FnMut(usize, &[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<usize> {
        let mut at = 0;
        while at < region.len() {
            let start = match self {
                Self::Holding(needle) => match needle.find(&region[at..]) {
                    Some(hit) => memrchr(b'\n', &region[at..at + hit]).map_or(at, |n| at + n + 1),
                    None => break,
                },
                Self::Picked(_) => at,
            };
            let end = memchr(b'\n', &region[start..]).map_or(region.len(), |n| start + n + 1);
            let text = region[start..end].trim_ascii();
            let wanted = match self {
                Self::Holding(_) => true,
                Self::Picked(picks) => !text.is_empty() && picks(text),
            };
            if wanted && line(start, text).is_break() {
                return ControlFlow::Break(end);
            }
            at = end;
        }
        ControlFlow::Continue(())
    }
}

/// How a run over a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// Where the next run has to start: after the last complete line that was handed out.
    pub offset: u64,
    /// Where lines start of which too much was left when they were condensed.
    pub too_long: Vec<u64>,
    /// Whether the callback stopped the run.
    pub stopped: bool,
}

/// Reads `input`, whose first byte stands at `offset`, and hands out regions of complete lines.
/// A last line without a line end is not handed out. `Break(n)` stops after `n` bytes of the
/// region. `buffer` is only scratch space, passed in to be used again.
pub fn read_lines(
    input: &mut dyn Read,
    buffer: &mut Vec<u8>,
    mut offset: u64,
    limits: Limits,
    mut region: impl FnMut(u64, &[u8]) -> ControlFlow<usize>,
) -> io::Result<Ended> {
    let mut too_long = Vec::new();
    let mut long: Option<LongLine> = None;
    let mut filled = 0;
    if buffer.len() < CHUNK_BYTES {
        *buffer = vec![0; CHUNK_BYTES];
    }
    loop {
        // Piece by piece even where the buffer is larger: what was just read is still near.
        let room = buffer.len().min(filled + CHUNK_BYTES);
        let read = match input.read(&mut buffer[filled..room]) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let fresh = filled..filled + read;
        filled += read;
        if let Some(line) = &mut long {
            let end = memchr(b'\n', &buffer[fresh.clone()]).map(|at| fresh.start + at + 1);
            let taken = end.unwrap_or(filled);
            line.take(&buffer[..taken], limits);
            offset += taken as u64;
            buffer.copy_within(taken..filled, 0);
            filled -= taken;
            if end.is_none() {
                continue;
            }
            let start = line.start;
            match long.take().and_then(LongLine::condensed) {
                None => too_long.push(start),
                Some(line) if region(start, &line).is_break() => {
                    return Ok(Ended { offset, too_long, stopped: true });
                }
                Some(_) => {}
            }
            if memrchr(b'\n', &buffer[..filled]).is_none() {
                continue;
            }
        } else if memrchr(b'\n', &buffer[fresh]).is_none() {
            if filled == buffer.len() {
                if filled >= limits.plain {
                    let mut line = LongLine::new(offset);
                    line.take(&buffer[..filled], limits);
                    long = Some(line);
                    offset += filled as u64;
                    filled = 0;
                } else {
                    // Fresh memory comes zeroed from the system; `resize` would write each byte.
                    let mut larger = vec![0; (filled * 2).min(limits.plain)];
                    larger[..filled].copy_from_slice(buffer);
                    *buffer = larger;
                }
            }
            continue;
        }
        let end = memrchr(b'\n', &buffer[..filled]).map_or(0, |at| at + 1);
        if let ControlFlow::Break(end) = region(offset, &buffer[..end]) {
            return Ok(Ended { offset: offset + end as u64, too_long, stopped: true });
        }
        offset += end as u64;
        buffer.copy_within(end..filled, 0);
        filled -= end;
        // The allocator keeps what it once gave: a large buffer is not to become the usual one.
        if buffer.len() > CHUNK_BYTES && filled <= CHUNK_BYTES {
            buffer.truncate(CHUNK_BYTES);
            buffer.shrink_to_fit();
        }
    }
    // A long line that is still being written is neither left out nor a problem yet.
    let offset = long.map_or(offset, |line| line.start);
    Ok(Ended { offset, too_long, stopped: false })
}

/// A line that is too long to be held as it is.
struct LongLine {
    start: u64,
    /// `None` once too much was left of it.
    condenser: Option<Condenser>,
}

impl LongLine {
    fn new(start: u64) -> Self {
        Self { start, condenser: Some(Condenser::default()) }
    }

    fn take(&mut self, piece: &[u8], limits: Limits) {
        if let Some(condenser) = &mut self.condenser
            && !condenser.take(piece, limits.condensed)
        {
            self.condenser = None;
        }
    }

    fn condensed(self) -> Option<Vec<u8>> {
        self.condenser.map(Condenser::into_kept)
    }
}

/// The line numbers (from 1) of the bytes at which lines begin. Problems are rare, so the file is
/// read once more rather than every line counted; a file that can't be read any more has none.
pub fn line_numbers<'a>(
    path: &Path,
    positions: impl Iterator<Item = &'a Position>,
) -> BTreeMap<u64, u64> {
    let mut offsets: Vec<u64> = positions
        .filter_map(|position| match position {
            Position::Byte(offset) if *offset <= NUMBERED_BYTES => Some(*offset),
            _ => None,
        })
        .collect();
    offsets.sort_unstable();
    let mut numbers = BTreeMap::new();
    let opened = File::open(path).and_then(|file| super::unpack::open(path, file, 0));
    let (Ok(mut input), false) = (opened, offsets.is_empty()) else { return numbers };
    let mut piece = vec![0; CHUNK_BYTES];
    let (mut at, mut line) = (0, 1);
    for offset in offsets {
        while at < offset {
            let most = usize::try_from(offset - at).map_or(CHUNK_BYTES, |n| n.min(CHUNK_BYTES));
            match input.read(&mut piece[..most]) {
                Ok(0) | Err(_) => return numbers,
                Ok(read) => {
                    line += memchr_iter(b'\n', &piece[..read]).count() as u64;
                    at += read as u64;
                }
            }
        }
        numbers.insert(offset, line);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, limits: Limits) -> (Vec<String>, Ended) {
        let mut found = Vec::new();
        let filter = Filter::Picked(|_| true);
        let ended = read_lines(&mut text.as_bytes(), &mut Vec::new(), 10, limits, |_, region| {
            filter.each(region, |_, line| {
                found.push(String::from_utf8_lossy(line).into_owned());
                ControlFlow::Continue(())
            })
        })
        .unwrap();
        (found, ended)
    }

    #[test]
    fn an_unfinished_line_waits() {
        let (found, ended) = lines("one\r\n\ntwo\nthr", LIMITS);
        assert_eq!(found, ["one", "two"]);
        // 10 + "one\r\n" 5 + "\n" 1 + "two\n" 4
        assert_eq!(ended, Ended { offset: 20, too_long: vec![], stopped: false });
    }

    const SMALL: Limits = Limits { plain: CHUNK_BYTES * 2, condensed: 1000 };

    #[test]
    fn a_long_line_comes_condensed_and_one_without_texts_is_left_out() {
        let texts = format!(r#"{{"a":"{}","b":1}}"#, "x".repeat(CHUNK_BYTES * 3));
        let numbers = "1,".repeat(CHUNK_BYTES * 2);
        let (found, ended) = lines(&format!("a\n{texts}\nb\n{numbers}\nc\n"), SMALL);
        assert_eq!(found, ["a", r#"{"a":"","b":1}"#, "b", "c"]);
        // 10 + "a\n" 2 + the texts and a line end + "b\n" 2
        let at = 10 + 2 + texts.len() as u64 + 1 + 2;
        assert_eq!(ended.too_long, [at]);
        assert_eq!(ended.offset, at + numbers.len() as u64 + 1 + 2);

        // Still being written: it begins the next run.
        let (found, ended) = lines(&format!("a\n{texts}"), SMALL);
        assert_eq!((found.as_slice(), ended.offset), (["a".to_owned()].as_slice(), 12));
        assert!(ended.too_long.is_empty());
    }

    #[test]
    fn stopping_at_a_long_line_goes_on_behind_it() {
        let text = format!("\"{}\"\nnext\n", "x".repeat(CHUNK_BYTES * 3));
        let mut input = text.as_bytes();
        let stop = |_: u64, _: &[u8]| ControlFlow::Break(1);
        let ended = read_lines(&mut input, &mut Vec::new(), 0, SMALL, stop).unwrap();
        assert_eq!((ended.offset, ended.stopped), (text.len() as u64 - 5, true));
    }

    #[test]
    fn a_line_below_the_limit_is_read_whole() {
        let long = "x".repeat(CHUNK_BYTES * 2 + 17);
        let (found, _) = lines(&format!("{long}\nb\n"), LIMITS);
        assert_eq!(found[0].len(), long.len());
        assert_eq!(found[1], "b");
    }

    #[test]
    fn a_needle_finds_its_lines_and_no_others() {
        let filter = Filter::Holding(Box::new(Finder::new("\"usage\"")));
        let text = b"a\n{\"usage\":1,\"usage\":2}\nno\n \"usage\" \n";
        let mut found = Vec::new();
        let end = filter.each(text, |at, line| {
            found.push((at, line.to_vec()));
            if found.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(found[0], (2, b"{\"usage\":1,\"usage\":2}".to_vec()));
        assert_eq!(found[1], (27, b"\"usage\"".to_vec()));
        assert_eq!(end, ControlFlow::Break(text.len()));
    }
}
