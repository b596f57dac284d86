//! How fast logs are read: `cargo bench --bench scan`.
//!
//! The corpus is made up at the start, from a fixed seed: lines of 1 to 8 KB as real sessions have
//! them, most of them prompts and tool output without usage. `SPENDBAR_BENCH_CORPUS=folder` writes
//! it there and leaves it, to compare with `rg -a -c -F '"usage"' folder`; `SPENDBAR_BENCH_MB` sets
//! its size per agent (64).

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use fastrand::Rng;
use spendbar::sources::agents::{claude_code, codex};
use spendbar::sources::{Places, SourceError};
use spendbar::spend::{Marks, Reading};

fn main() {
    divan::main();
}

type Read = fn(&Places, &Marks) -> Result<Reading, SourceError>;

/// A first look at everything.
#[divan::bench(args = ["claude-code", "codex"])]
fn cold(bencher: Bencher<'_, '_>, source: &str) {
    let (read, bytes) = of(source);
    bencher.counter(BytesCount::new(bytes)).bench(|| look(read, Marks::new()));
}

/// A sweep in which nothing is new.
#[divan::bench(args = ["claude-code", "codex"])]
fn idle(bencher: Bencher<'_, '_>, source: &str) {
    let (read, _) = of(source);
    let (_, marks) = look(read, Marks::new());
    bencher.bench(|| read(&CORPUS.places, &marks));
}

/// Looks until nothing is left, as the monitor does; the number of usages.
fn look(read: Read, mut marks: Marks) -> (usize, Marks) {
    let mut usages = 0;
    loop {
        let reading = read(&CORPUS.places, &marks).expect("the corpus is there");
        usages += reading.usages.len();
        for (name, mark) in reading.marks {
            marks.extend(mark.map(|mark| (name, mark)));
        }
        if !reading.more {
            return (usages, marks);
        }
    }
}

fn of(source: &str) -> (Read, u64) {
    match source {
        "claude-code" => {
            (|places, marks| claude_code::AGENT.look(places, marks, None), CORPUS.claude_bytes)
        }
        _ => (|places, marks| codex::read(places, marks, None), CORPUS.codex_bytes),
    }
}

struct Corpus {
    places: Places,
    claude_bytes: u64,
    codex_bytes: u64,
    _folder: Option<tempfile::TempDir>,
}

static CORPUS: LazyLock<Corpus> = LazyLock::new(|| {
    let megabytes = std::env::var("SPENDBAR_BENCH_MB").ok().and_then(|text| text.parse().ok());
    let bytes = megabytes.unwrap_or(64) << 20;
    let kept = std::env::var_os("SPENDBAR_BENCH_CORPUS").map(PathBuf::from);
    let folder = kept.is_none().then(|| tempfile::tempdir().expect("a temporary folder"));
    let home = kept.or(folder.as_ref().map(|f| f.path().to_owned())).expect("a folder");
    let mut random = Rng::with_seed(7);
    let claude_bytes = write_claude(&home.join(".claude/projects"), bytes, &mut random);
    let codex_bytes = write_codex(&home.join(".codex/sessions/2026/03/02"), bytes, &mut random);
    let places = Places { home, ..Places::default() };
    Corpus { places, claude_bytes, codex_bytes, _folder: folder }
});

/// Sessions of 30 to 600 turns. A turn is a prompt or tool result (1 to 8 KB), often progress
/// rows, and an answer that is written three times while it streams.
fn write_claude(root: &Path, bytes: u64, random: &mut Rng) -> u64 {
    let mut written = 0;
    let mut session = 0;
    while written < bytes {
        session += 1;
        let mut text = String::new();
        for turn in 0..random.u32(30..600) {
            let head = format!(
                r#""parentUuid":"{session:08}-{turn:04}","sessionId":"{session:08}","cwd":"/home/ada/project-{}","gitBranch":"main","version":"2.0.0","timestamp":"2026-03-02T{:02}:{:02}:07.000Z""#,
                session % 12,
                turn / 60 % 24,
                turn % 60
            );
            for _ in 0..random.u32(2..6) {
                let _ = writeln!(
                    text,
                    r#"{{{head},"type":"user","message":{{"role":"user","content":[{{"type":"tool_result","content":"{}"}}]}}}}"#,
                    prose(random, 1000..8000)
                );
            }
            for (streamed, output) in [1, 60, 400].into_iter().enumerate() {
                let _ = writeln!(
                    text,
                    r#"{{{head},"isSidechain":false,"type":"assistant","message":{{"id":"msg_{session}_{turn}","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{{"type":"text","text":"{}"}}],"stop_reason":null,"usage":{{"input_tokens":5,"cache_creation_input_tokens":1200,"cache_read_input_tokens":45000,"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":1200}},"output_tokens":{output},"service_tier":"standard"}}}},"requestId":"req_{session}_{turn}","uuid":"{turn}-{streamed}"}}"#,
                    prose(random, 400..2500)
                );
            }
        }
        let file = root.join(format!("-home-ada-project-{}/{session:08}.jsonl", session % 12));
        written += write(&file, &text);
    }
    written
}

/// Rollouts of 20 to 300 requests, each among tool calls and their output (1 to 8 KB).
fn write_codex(root: &Path, bytes: u64, random: &mut Rng) -> u64 {
    let mut written = 0;
    let mut session = 0;
    while written < bytes {
        session += 1;
        let id = format!("019c0000-0000-7000-8000-{session:012}");
        let mut text = format!(
            r#"{{"timestamp":"2026-03-02T09:00:00.000Z","type":"session_meta","payload":{{"id":"{id}","cwd":"/home/ada/shop","cli_version":"0.150.0","source":"cli","base_instructions":"{}"}}}}"#,
            prose(random, 12_000..16_000)
        );
        text.push('\n');
        let (mut input, mut output) = (0, 0);
        for request in 0..random.u64(20..300) {
            let time = format!("2026-03-02T{:02}:{:02}:11.000Z", request / 60 % 24, request % 60);
            if request % 8 == 0 {
                let _ = writeln!(
                    text,
                    r#"{{"timestamp":"{time}","type":"turn_context","payload":{{"cwd":"/home/ada/shop","model":"gpt-5.4","effort":"high"}}}}"#
                );
            }
            for _ in 0..random.u32(3..9) {
                let _ = writeln!(
                    text,
                    r#"{{"timestamp":"{time}","type":"response_item","payload":{{"type":"function_call_output","call_id":"c","output":"{}"}}}}"#,
                    prose(random, 1000..8000)
                );
            }
            let (more_input, more_output) = (random.u64(900..90_000), random.u64(20..3000));
            (input, output) = (input + more_input, output + more_output);
            let vector = |input: u64, output: u64| {
                format!(
                    r#"{{"input_tokens":{input},"cached_input_tokens":{},"output_tokens":{output},"reasoning_output_tokens":{},"total_tokens":{}}}"#,
                    input / 2,
                    output / 3,
                    input + output
                )
            };
            let _ = writeln!(
                text,
                r#"{{"timestamp":"{time}","type":"event_msg","payload":{{"type":"token_count","info":{{"total_token_usage":{},"last_token_usage":{},"model_context_window":272000}},"rate_limits":{{"primary":{{"used_percent":3.0}},"plan_type":null}}}}}}"#,
                vector(input, output),
                vector(more_input, more_output)
            );
        }
        written += write(&root.join(format!("rollout-2026-03-02T09-00-00-{id}.jsonl")), &text);
    }
    written
}

/// Text as it stands in JSON: words, line ends and quotes escaped.
fn prose(random: &mut Rng, length: std::ops::Range<usize>) -> String {
    const WORDS: [&str; 12] = [
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
    ];
    let length = random.usize(length);
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        text.push_str(WORDS[random.usize(0..WORDS.len())]);
        text.push(' ');
    }
    text
}

fn write(file: &Path, text: &str) -> u64 {
    fs::create_dir_all(file.parent().expect("a folder above")).expect("a folder can be made");
    fs::write(file, text).expect("a file can be written");
    text.len() as u64
}
