//! A pretend home of session logs, always the same, with the true numbers in it known: what
//! `benches/scan.rs`, `benches/compare`, `.ci/measure` and `tests/it/corpus.rs` read.
//!
//! Half of the bytes are Claude Code's, half are Codex's. Fields and their order are those the
//! agents write; most lines hold 1 to 8 KB, some tool outputs 50 to 500 KB and a few several MB,
//! and most lines tell no usage. What makes counting hard in real logs is in it: an answer written
//! three times while it streams, subagents, usage quoted in texts and in other records, running
//! totals that are written again, rows with limits only.
//!
//! The sessions lie in the fourteen days up to 2 March 2026, before noon UTC; a file changed last when
//! its last line says.

mod claude;
mod codex;

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::{NaiveDate, NaiveTime};
use fastrand::Rng;
use serde::Serialize;

const DAYS: [&str; 14] = [
    "2026-02-17",
    "2026-02-18",
    "2026-02-19",
    "2026-02-20",
    "2026-02-21",
    "2026-02-22",
    "2026-02-23",
    "2026-02-24",
    "2026-02-25",
    "2026-02-26",
    "2026-02-27",
    "2026-02-28",
    "2026-03-01",
    "2026-03-02",
];

/// How much to write.
#[derive(Clone, Copy, Debug)]
pub enum Size {
    /// At least so many bytes of sessions, short and long ones.
    Bytes(u64),
    /// So many sessions of one request each.
    Files(u64),
}

/// The true numbers of all logs.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Truth {
    /// Claude Code.
    pub claude_code: Counts,
    /// Codex.
    pub codex: Counts,
}

/// The true numbers of one agent's logs.
#[derive(Debug, Default, Serialize)]
pub struct Counts {
    /// Files written.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Lines in them.
    pub lines: u64,
    /// Requests to a model.
    pub requests: u64,
    /// What the requests used.
    pub tokens: Tokens,
}

/// Tokens by kind, as `spendbar report --json` names them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Tokens {
    /// Fresh input.
    pub input: u64,
    /// From the cache.
    pub cache_read: u64,
    /// Into the cache for five minutes.
    pub cache_write_5m: u64,
    /// Into the cache for an hour.
    pub cache_write_1h: u64,
    /// Output, reasoning included.
    pub output: u64,
    /// The part of output that was reasoning, where it is told.
    pub reasoning: u64,
}

/// Writes the logs below a home folder.
pub fn write(home: &Path, size: Size) -> Truth {
    let mut writer = Writer::new();
    let mut truth = Truth::default();
    for session in 0.. {
        let is_claude = match size {
            Size::Bytes(_) => truth.claude_code.bytes <= truth.codex.bytes,
            Size::Files(_) => session % 2 == 0,
        };
        writer.start_session(session);
        let session_bytes = match size {
            Size::Bytes(bytes) => writer.session_bytes().min(bytes as usize / 20),
            Size::Files(_) => 1,
        };
        let counts = if is_claude { &mut truth.claude_code } else { &mut truth.codex };
        let name = if is_claude {
            claude::session(&mut writer, session_bytes, counts)
        } else {
            codex::session(&mut writer, session_bytes, counts)
        };
        let file = home.join(name);
        fs::create_dir_all(file.parent().expect("a folder above")).expect("a folder can be made");
        fs::write(&file, &writer.text).expect("a file can be written");
        let file = fs::File::options().write(true).open(file).expect("it can be opened");
        file.set_modified(writer.now()).expect("a time can be set");
        counts.files += 1;
        counts.bytes += writer.text.len() as u64;
        let done = match size {
            Size::Bytes(bytes) => truth.claude_code.bytes + truth.codex.bytes >= bytes,
            Size::Files(files) => session + 1 >= files,
        };
        if done {
            break;
        }
    }
    truth
}

impl Counts {
    fn request(&mut self, used: Tokens) {
        let Tokens { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning } = used;
        self.requests += 1;
        self.tokens.input += input;
        self.tokens.cache_read += cache_read;
        self.tokens.cache_write_5m += cache_write_5m;
        self.tokens.cache_write_1h += cache_write_1h;
        self.tokens.output += output;
        self.tokens.reasoning += reasoning;
    }
}

/// Writes one session after the other.
struct Writer {
    random: Rng,
    prose: Prose,
    /// The lines of the session that is being written.
    text: String,
    day: &'static str,
    /// Of that day.
    now_ms: u64,
}

impl Writer {
    fn new() -> Self {
        let mut random = Rng::with_seed(7);
        let prose = Prose::new(&mut random);
        Self { random, prose, text: String::new(), day: DAYS[0], now_ms: 0 }
    }

    fn start_session(&mut self, number: u64) {
        self.text.clear();
        self.day = DAYS[number as usize % DAYS.len()];
        self.now_ms = self.random.u64(6 * 3_600_000..8 * 3_600_000);
    }

    /// Most sessions are short, and few hold much of all there is.
    fn session_bytes(&mut self) -> usize {
        match self.random.u8(..100) {
            ..60 => self.random.usize(100_000..1_000_000),
            60..95 => self.random.usize(1_000_000..6_000_000),
            _ => self.random.usize(10_000_000..40_000_000),
        }
    }

    /// The next time, RFC 3339.
    fn tick(&mut self) -> String {
        const NOON_MS: u64 = 12 * 3_600_000;
        self.now_ms = (self.now_ms + self.random.u64(1..1_500)).min(NOON_MS - 1);
        let (seconds, ms) = (self.now_ms / 1_000, self.now_ms % 1_000);
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        format!("{}T{hours:02}:{minutes:02}:{:02}.{ms:03}Z", self.day, seconds % 60)
    }

    /// The time that was told last.
    fn now(&self) -> SystemTime {
        let day: NaiveDate = self.day.parse().expect("a day");
        SystemTime::from(day.and_time(NaiveTime::MIN).and_utc())
            + Duration::from_millis(self.now_ms)
    }

    fn uuid(&mut self) -> String {
        let bits = self.random.u128(..);
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            (bits >> 96) as u32,
            (bits >> 80) as u16,
            (bits >> 64) & 0xfff,
            (bits >> 52) & 0xfff,
            bits & 0xffff_ffff_ffff
        )
    }

    /// What ids are made of behind their `msg_01`, `toolu_01` and `req_01`.
    fn letters(&mut self, length: usize) -> String {
        (0..length).map(|_| self.random.alphanumeric()).collect()
    }

    fn one_in(&mut self, times: u32) -> bool {
        self.random.u32(..times) == 0
    }

    /// Length of a tool's output or a long message.
    fn output_bytes(&mut self) -> usize {
        match self.random.u32(..10_000) {
            0..2 => self.random.usize(1_000_000..6_000_000),
            2..32 => self.random.usize(50_000..500_000),
            _ => self.random.usize(1_000..8_000),
        }
    }

    /// A line: what stands before a text of so many bytes, and what stands behind it.
    fn line(&mut self, counts: &mut Counts, before: &str, bytes: usize, behind: &str) {
        self.text.push_str(before);
        self.prose.push_to(&mut self.text, bytes, &mut self.random);
        self.end_line(counts, behind);
    }

    fn end_line(&mut self, counts: &mut Counts, behind: &str) {
        self.text.push_str(behind);
        self.text.push('\n');
        counts.lines += 1;
    }
}

/// Text as it stands in JSON: words, line ends and quotes escaped. It is made up once and then
/// copied from, because making up gigabytes word by word takes minutes.
struct Prose {
    text: String,
    /// Where words start.
    starts: Vec<usize>,
}

impl Prose {
    const WORDS: [&str; 16] = [
        "let",
        "total",
        "\\n    ",
        "= \\\"usage\\\"",
        "fn",
        "return",
        "the",
        "request(",
        "src/main.rs:",
        "error",
        "0x7f",
        "—",
        "\\\"input_tokens\\\": 12,",
        "\\u001b[0m",
        "{\\n",
        "token_count",
    ];

    fn new(random: &mut Rng) -> Self {
        let (mut text, mut starts) = (String::new(), Vec::new());
        while text.len() < 2_000_000 {
            starts.push(text.len());
            match random.usize(..3 * Self::WORDS.len()) {
                n if n < Self::WORDS.len() => text.push_str(Self::WORDS[n]),
                _ => (0..random.usize(2..10)).for_each(|_| text.push(random.lowercase())),
            }
            text.push(' ');
        }
        Self { text, starts }
    }

    /// Whole words, at least so many bytes and hardly more.
    fn push_to(&self, into: &mut String, bytes: usize, random: &mut Rng) {
        let end = into.len() + bytes;
        while into.len() < end {
            let first = self.starts[random.usize(..self.starts.len())];
            let last = self.starts.partition_point(|start| *start < first + end - into.len());
            let last = self.starts.get(last).copied().unwrap_or(self.text.len());
            into.push_str(&self.text[first..last]);
        }
    }
}

/// One of them.
fn any<T: Copy>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(..of.len())]
}

/// A number, as often small as large.
fn skewed(random: &mut Rng, range: Range<u64>) -> u64 {
    let share = random.u64(..1_000);
    range.start + (range.end - range.start) * share * share / 1_000_000
}
