//! A stream of bytes -> complete lines, with a buffer that grows for a long line and has a cap.

use std::io::{self, Read};
use std::ops::ControlFlow;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};

/// Read at once unless a line is longer.
const CHUNK_BYTES: usize = 256 * 1024;

/// The longest line that is read. Tool output of 100 MB on one line has been seen.
pub const LONGEST_LINE_BYTES: usize = 256 * 1024 * 1024;

/// Which lines are worth parsing.
pub enum Filter {
    /// Those that contain these bytes. The whole buffer is searched at once, so lines without
    /// them cost next to nothing.
    Holding(Box<Finder<'static>>),
    /// Those that the function picks.
    Picked(fn(&[u8]) -> bool),
}

impl Filter {
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
    /// Where lines start that are longer than the cap; they were left out.
    pub too_long: Vec<u64>,
    /// Whether the callback stopped the run.
    pub stopped: bool,
}

/// Reads `input`, whose first byte stands at `offset`, and hands out regions of complete lines.
/// A last line without a line end is not handed out. `Break(n)` stops after `n` bytes of the
/// region. `buffer` is only scratch space, passed in to be used again.
pub fn read_lines(
    input: &mut impl Read,
    buffer: &mut Vec<u8>,
    mut offset: u64,
    longest: usize,
    mut region: impl FnMut(u64, &[u8]) -> ControlFlow<usize>,
) -> io::Result<Ended> {
    let mut too_long = Vec::new();
    // Start of a line that is being left out, because it is longer than the cap.
    let mut leaving_out: Option<u64> = None;
    let mut filled = 0;
    if buffer.len() < CHUNK_BYTES {
        buffer.resize(CHUNK_BYTES, 0);
    }
    loop {
        let read = match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let fresh = filled..filled + read;
        filled += read;
        if let Some(start) = leaving_out {
            let Some(end) = memchr(b'\n', &buffer[fresh]) else {
                offset += filled as u64;
                filled = 0;
                continue;
            };
            too_long.push(start);
            leaving_out = None;
            offset += end as u64 + 1;
            buffer.copy_within(end + 1..filled, 0);
            filled -= end + 1;
            if memrchr(b'\n', &buffer[..filled]).is_none() {
                continue;
            }
        } else if memrchr(b'\n', &buffer[fresh]).is_none() {
            if filled == buffer.len() {
                if filled >= longest {
                    leaving_out = Some(offset);
                    offset += filled as u64;
                    filled = 0;
                } else {
                    buffer.resize((filled * 2).min(longest), 0);
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
        if buffer.len() > CHUNK_BYTES && filled <= CHUNK_BYTES {
            buffer.truncate(CHUNK_BYTES);
            buffer.shrink_to_fit();
        }
    }
    // An over-long line that is still being written is neither left out nor a problem yet.
    Ok(Ended { offset: leaving_out.unwrap_or(offset), too_long, stopped: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, longest: usize) -> (Vec<String>, Ended) {
        let mut found = Vec::new();
        let filter = Filter::Picked(|_| true);
        let ended = read_lines(&mut text.as_bytes(), &mut Vec::new(), 10, longest, |_, region| {
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
        let (found, ended) = lines("one\r\n\ntwo\nthr", LONGEST_LINE_BYTES);
        assert_eq!(found, ["one", "two"]);
        // 10 + "one\r\n" 5 + "\n" 1 + "two\n" 4
        assert_eq!(ended, Ended { offset: 20, too_long: vec![], stopped: false });
    }

    #[test]
    fn a_line_beyond_the_cap_is_left_out_and_the_rest_goes_on() {
        let long = "x".repeat(CHUNK_BYTES * 3);
        let (found, ended) = lines(&format!("a\n{long}\nb\n"), CHUNK_BYTES * 2);
        assert_eq!(found, ["a", "b"]);
        assert_eq!(ended.too_long, [12]);
        assert_eq!(ended.offset, 10 + 2 + long.len() as u64 + 1 + 2);

        let (found, ended) = lines(&format!("a\n{long}"), CHUNK_BYTES * 2);
        assert_eq!((found.as_slice(), ended.offset), (["a".to_owned()].as_slice(), 12));
        assert!(ended.too_long.is_empty());
    }

    #[test]
    fn a_long_line_below_the_cap_is_read_whole() {
        let long = "x".repeat(CHUNK_BYTES * 5 + 17);
        let (found, _) = lines(&format!("{long}\nb\n"), LONGEST_LINE_BYTES);
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
