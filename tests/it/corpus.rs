//! A large pretend home for measuring the cold scan: lines of realistic length, most of them
//! without usage. `.ci/measure` calls it; by itself it does nothing.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::lines::{ClaudeLine, CodexCounter, GPT, SONNET};

const FILE_BYTES: usize = 3_000_000;
const SHORTEST_LINE: usize = 1_000;
const LONGEST_LINE: usize = 8_000;

/// Writes `SPENDBAR_CORPUS_MB` megabytes (300 unless set) of logs into the home folder
/// `SPENDBAR_CORPUS`: three files of Claude Code for each of Codex.
#[test]
#[ignore = "writes a large folder; `.ci/measure` asks for it by name"]
fn write() {
    let home = PathBuf::from(std::env::var_os("SPENDBAR_CORPUS").expect("SPENDBAR_CORPUS is set"));
    let megabytes = std::env::var("SPENDBAR_CORPUS_MB").unwrap_or_else(|_| "300".into());
    let bytes = megabytes.parse::<usize>().expect("a number") * 1_000_000;
    let mut writer =
        Writer { random: fastrand::Rng::with_seed(7), words: String::new(), events: 0 };
    writer.words = writer.random_words(1_000_000);
    for file in 0..bytes.div_ceil(FILE_BYTES) {
        let (name, text) = if file % 4 == 3 {
            let id = format!("019c0000-0000-7000-8000-{file:012}");
            let name = format!(".codex/sessions/2026/03/02/rollout-2026-03-02T09-00-00-{id}.jsonl");
            (name, writer.codex(&id))
        } else {
            let id = format!("{file:08}-1111-4111-8111-111111111111");
            (format!(".claude/projects/-home-ada-shop-{}/{id}.jsonl", file % 20), writer.claude())
        };
        let path = home.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    }
    fs::write(home.join("events"), writer.events.to_string()).expect("written");
}

struct Writer {
    random: fastrand::Rng,
    words: String,
    events: u64,
}

impl Writer {
    fn random_words(&mut self, bytes: usize) -> String {
        let mut words = String::with_capacity(bytes + 12);
        while words.len() < bytes {
            for _ in 0..self.random.usize(2..10) {
                words.push(self.random.lowercase());
            }
            words.push(if self.random.u8(..12) == 0 { '.' } else { ' ' });
        }
        words
    }

    /// Text of a tool's answer or a message, between the shortest and the longest line.
    fn filler(&mut self) -> String {
        let length = self.random.usize(SHORTEST_LINE..LONGEST_LINE);
        let start = self.random.usize(..self.words.len() - length);
        self.words[start..start + length].to_owned()
    }

    fn claude(&mut self) -> String {
        let mut text = String::with_capacity(FILE_BYTES + LONGEST_LINE);
        while text.len() < FILE_BYTES {
            let filler = self.filler();
            if self.random.u8(..10) < 3 {
                self.events += 1;
                let line = ClaudeLine {
                    at: "2026-03-02T11:00:00.000Z",
                    id: &self.events.to_string(),
                    model: SONNET,
                    input: 5,
                    cache_read: self.random.u64(10_000..90_000),
                    output: self.random.u64(50..900),
                };
                text.push_str(&line.text().replacen('…', &filler, 1));
            } else {
                let _ = writeln!(
                    text,
                    r#"{{"type":"user","timestamp":"2026-03-02T11:00:00.000Z","sessionId":"s","cwd":"/home/ada/shop","message":{{"role":"user","content":[{{"type":"tool_result","content":"{filler}"}}]}}}}"#
                );
            }
        }
        text
    }

    fn codex(&mut self, id: &str) -> String {
        let at = "2026-03-02T11:00:00.000Z";
        let mut text =
            crate::lines::codex_start(at, GPT).replace("019c0000-0000-7000-8000-00000000000a", id);
        let mut counter = CodexCounter::default();
        while text.len() < FILE_BYTES {
            if self.random.u8(..10) < 3 {
                self.events += 1;
                text.push_str(&counter.add(at, self.random.u64(10_000..90_000), 9_000, 400));
            } else {
                let filler = self.filler();
                let _ = writeln!(
                    text,
                    r#"{{"timestamp":"{at}","type":"response_item","payload":{{"type":"function_call_output","call_id":"c","output":"{filler}"}}}}"#
                );
            }
        }
        text
    }
}
