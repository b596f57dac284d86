//! Rollouts of the Codex CLI.

use super::{Counts, Tokens, Writer, any, skewed};

const MODELS: [&str; 3] = ["gpt-5.4", "gpt-5.4", "gpt-5.3-codex"];
const REQUESTS_OF_A_TURN: u64 = 8;

/// A counter of a `token_count`. Cached input is inside input, reasoning is inside output.
#[derive(Clone, Copy, Default)]
struct Counter {
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
}

/// Writes a rollout; its name below the home folder.
pub fn session(writer: &mut Writer, bytes: usize, counts: &mut Counts) -> String {
    let id = writer.uuid();
    let project = writer.random.u32(..20);
    let model = any(&mut writer.random, &MODELS);
    let started = writer.tick();
    let before = format!(
        r#"{{"timestamp":"{started}","type":"session_meta","payload":{{"id":"{id}","timestamp":"{started}","cwd":"/home/ada/project-{project}","originator":"codex_cli_rs","cli_version":"0.150.0","source":"cli","model_provider":"openai","base_instructions":{{"text":""#
    );
    let length = writer.random.usize(12_000..16_000);
    writer.line(counts, &before, length, r#""},"git":{"branch":"main"}}}"#);
    let mut total = Counter::default();
    for request in 0.. {
        if request % REQUESTS_OF_A_TURN == 0 {
            start_turn(writer, project, model, counts);
        }
        for _ in 0..writer.random.u32(1..3) {
            response_item(
                writer,
                r#""type":"reasoning","summary":[],"content":null,"encrypted_content":"gAAAA"#,
                counts,
            );
        }
        for _ in 0..writer.random.u32(1..3) {
            response_item(
                writer,
                r#""type":"function_call","name":"exec_command","call_id":"call_7","arguments":"{\"cmd\": \""#,
                counts,
            );
        }
        for _ in 0..writer.random.u32(1..4) {
            response_item(
                writer,
                r#""type":"function_call_output","call_id":"call_7","output":""#,
                counts,
            );
        }
        request_counted(writer, &mut total, counts);
        if writer.text.len() >= bytes {
            break;
        }
    }
    let (day, time) = started.split_at(10);
    format!(
        ".codex/sessions/{}/rollout-{day}{}-{id}.jsonl",
        day.replace('-', "/"),
        time[..9].replace(':', "-")
    )
}

/// A turn: its start, its context, the prompt, and the limits as they stand.
fn start_turn(writer: &mut Writer, project: u32, model: &str, counts: &mut Counts) {
    let (turn, at) = (writer.uuid(), writer.tick());
    let line = format!(
        r#"{{"timestamp":"{at}","type":"event_msg","payload":{{"type":"task_started","turn_id":"{turn}","model_context_window":272000}}}}"#
    );
    writer.end_line(counts, &line);
    let line = format!(
        r#"{{"timestamp":"{at}","type":"turn_context","payload":{{"turn_id":"{turn}","cwd":"/home/ada/project-{project}","approval_policy":"on-request","sandbox_policy":{{"type":"workspace-write","network_access":false}},"model":"{model}","effort":"high","summary":"auto"}}}}"#
    );
    writer.end_line(counts, &line);
    let before = format!(
        r#"{{"timestamp":"{at}","type":"event_msg","payload":{{"type":"user_message","message":""#
    );
    let length = writer.random.usize(100..3_000);
    writer.line(counts, &before, length, r#"","images":[]}}"#);
    let line = format!(
        r#"{{"timestamp":"{at}","type":"event_msg","payload":{{"type":"token_count","info":null,{LIMITS}}}}}"#
    );
    writer.end_line(counts, &line);
}

const LIMITS: &str = r#""rate_limits":{"limit_id":"codex","primary":{"used_percent":3.0,"window_minutes":300,"resets_at":1772445600},"secondary":{"used_percent":11.0,"window_minutes":10080,"resets_at":1772900000},"credits":null,"plan_type":null}"#;

/// A line of the conversation, which tells no usage.
fn response_item(writer: &mut Writer, payload: &str, counts: &mut Counts) {
    let before = format!(
        r#"{{"timestamp":"{}","type":"response_item","payload":{{{payload}"#,
        writer.tick()
    );
    let is_output = payload.contains("function_call_output");
    let bytes = if is_output { writer.output_bytes() } else { writer.random.usize(1_000..4_000) };
    let behind = if payload.contains("arguments") { r#"\"}"}}"# } else { r#""}}"# };
    writer.line(counts, &before, bytes, behind);
}

/// A request, and the row that counts it; the same row comes again when something else asks for it.
fn request_counted(writer: &mut Writer, total: &mut Counter, counts: &mut Counts) {
    let random = &mut writer.random;
    let (input, output) = (random.u64(9_000..150_000), skewed(random, 20..6_000));
    let last = Counter {
        input,
        cached: input * random.u64(50..99) / 100,
        output,
        reasoning: output * random.u64(..90) / 100,
    };
    total.input += last.input;
    total.cached += last.cached;
    total.output += last.output;
    total.reasoning += last.reasoning;
    counts.request(Tokens {
        input: last.input - last.cached,
        cache_read: last.cached,
        output: last.output,
        reasoning: last.reasoning,
        ..Tokens::default()
    });
    let repeats = u32::from(writer.one_in(4));
    for _ in 0..=repeats {
        let line = format!(
            r#"{{"timestamp":"{}","type":"event_msg","payload":{{"type":"token_count","info":{{"total_token_usage":{},"last_token_usage":{},"model_context_window":272000}},{LIMITS}}}}}"#,
            writer.tick(),
            total.text(),
            last.text()
        );
        writer.end_line(counts, &line);
    }
}

impl Counter {
    fn text(&self) -> String {
        let Self { input, cached, output, reasoning } = self;
        format!(
            r#"{{"input_tokens":{input},"cached_input_tokens":{cached},"output_tokens":{output},"reasoning_output_tokens":{reasoning},"total_tokens":{}}}"#,
            input + output
        )
    }
}
