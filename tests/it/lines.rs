//! Log lines as the agents write them, with known tokens.

/// The folder Claude Code keeps the sessions of `/home/ada/shop` in, under the home folder.
pub const CLAUDE_FILE: &str =
    ".claude/projects/-home-ada-shop/11111111-1111-4111-8111-111111111111.jsonl";
/// A Codex session's file, under the home folder.
pub const CODEX_FILE: &str = ".codex/sessions/2026/03/02/rollout-2026-03-02T09-00-00-019c0000-0000-7000-8000-00000000000a.jsonl";
/// List price: $3 in, $15 out, $0.30 from the cache, $3.75 into the five-minute cache, per million.
pub const SONNET: &str = "claude-sonnet-4-5-20250929";
/// List price: $2.50 in, $15 out, $0.25 from the cache, per million.
pub const GPT: &str = "gpt-5.4";

/// One answer in a Claude Code session.
pub struct ClaudeLine<'a> {
    /// RFC 3339.
    pub at: &'a str,
    /// Message and request get their ids from it.
    pub id: &'a str,
    /// Model as logged.
    pub model: &'a str,
    /// Fresh input.
    pub input: u64,
    /// From the cache.
    pub cache_read: u64,
    /// Output.
    pub output: u64,
}

impl ClaudeLine<'_> {
    /// The line with its end.
    pub fn text(&self) -> String {
        let Self { at, id, model, input, cache_read, output } = self;
        let usage = format!(
            r#"{{"input_tokens":{input},"cache_creation_input_tokens":0,"cache_read_input_tokens":{cache_read},"output_tokens":{output},"service_tier":"standard"}}"#
        );
        let message = format!(
            r#"{{"role":"assistant","type":"message","model":"{model}","content":[{{"type":"text","text":"…"}}],"usage":{usage},"id":"msg_{id}"}}"#
        );
        format!(
            r#"{{"type":"assistant","timestamp":"{at}","sessionId":"11111111-1111-4111-8111-111111111111","cwd":"/home/ada/shop","isSidechain":false,"version":"2.0.0","message":{message},"requestId":"req_{id}"}}
"#
        )
    }
}

/// A line of Claude Code that costs this much at list price: $15 a million is 3 cents for each
/// 2,000 output tokens.
pub fn claude_spends(at: &str, id: &str, cents: u64) -> String {
    assert_eq!(cents % 3, 0, "whole thousands of tokens only");
    let output = cents / 3 * 2_000;
    ClaudeLine { at, id, model: SONNET, input: 0, cache_read: 0, output }.text()
}

/// The first two lines of a Codex session.
pub fn codex_start(at: &str, model: &str) -> String {
    let id = "019c0000-0000-7000-8000-00000000000a";
    format!(
        r#"{{"timestamp":"{at}","type":"session_meta","payload":{{"id":"{id}","timestamp":"{at}","cwd":"/home/ada/shop","cli_version":"0.150.0","source":"cli"}}}}
{{"timestamp":"{at}","type":"turn_context","payload":{{"cwd":"/home/ada/shop","model":"{model}"}}}}
"#
    )
}

/// The running counters of a Codex session.
#[derive(Clone, Copy, Debug, Default)]
pub struct CodexCounter {
    /// All input, cached included.
    pub input: u64,
    /// The cached part of it.
    pub cached: u64,
    /// All output.
    pub output: u64,
}

impl CodexCounter {
    /// Adds one request and writes its `token_count` line.
    pub fn add(&mut self, at: &str, input: u64, cached: u64, output: u64) -> String {
        self.input += input;
        self.cached += cached;
        self.output += output;
        let vector = |input: u64, cached: u64, output: u64| {
            format!(
                r#"{{"input_tokens":{input},"cached_input_tokens":{cached},"output_tokens":{output},"reasoning_output_tokens":0,"total_tokens":{}}}"#,
                input + output
            )
        };
        let total = vector(self.input, self.cached, self.output);
        let last = vector(input, cached, output);
        format!(
            r#"{{"timestamp":"{at}","type":"event_msg","payload":{{"type":"token_count","info":{{"total_token_usage":{total},"last_token_usage":{last}}},"rate_limits":null}}}}
"#
        )
    }
}

#[test]
fn lines_are_json_objects_of_one_line() {
    let mut counter = CodexCounter::default();
    let at = "2026-03-02T09:00:00.000Z";
    let all = claude_spends(at, "A", 60)
        + &codex_start(at, GPT)
        + &counter.add(at, 10, 5, 2)
        + &counter.add(at, 1, 0, 3);
    assert_eq!(all.lines().count(), 5);
    for line in all.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect(line);
    }
    // $0.60 at $15 a million are 40,000 tokens.
    assert!(all.contains(r#""output_tokens":40000"#));
    assert!(all.contains(
        r#""total_token_usage":{"input_tokens":11,"cached_input_tokens":5,"output_tokens":5"#
    ));
}
