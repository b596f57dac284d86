//! Transcripts of Claude Code 2.

use super::{Counts, Tokens, Writer, any, skewed};

const MODELS: [&str; 4] = [
    "claude-sonnet-4-5-20250929",
    "claude-sonnet-4-5-20250929",
    "claude-opus-4-5-20251101",
    "claude-haiku-4-5-20251001",
];

/// What the lines of a session have in common.
struct Session {
    id: String,
    project: u32,
    model: &'static str,
    is_sidechain: bool,
    writes_cache_for_an_hour: bool,
    /// The line before.
    parent: String,
}

/// Writes a transcript; its name below the home folder.
pub fn session(writer: &mut Writer, bytes: usize, counts: &mut Counts) -> String {
    let mut session = Session {
        id: writer.uuid(),
        project: writer.random.u32(..20),
        model: any(&mut writer.random, &MODELS),
        is_sidechain: writer.one_in(8),
        writes_cache_for_an_hour: writer.one_in(2),
        parent: writer.uuid(),
    };
    let title = format!(r#"{{"type":"summary","leafUuid":"{}","summary":""#, session.parent);
    writer.line(counts, &title, 40, r#""}"#);
    loop {
        snapshot(writer, counts);
        for _ in 0..writer.random.u32(2..5) {
            progress(writer, &session, counts);
        }
        for _ in 0..writer.random.u32(2..5) {
            user(writer, &mut session, counts);
        }
        answer(writer, &mut session, counts);
        if writer.one_in(100) {
            synthetic(writer, &mut session, counts);
        }
        if writer.text.len() >= bytes {
            break;
        }
    }
    let folder = format!(".claude/projects/-home-ada-project-{}", session.project);
    if session.is_sidechain {
        let agent = writer.letters(8);
        format!("{folder}/{}/subagents/agent-{agent}.jsonl", session.id)
    } else {
        format!("{folder}/{}.jsonl", session.id)
    }
}

impl Session {
    fn head(&self) -> String {
        let Self { id, project, is_sidechain, parent, .. } = self;
        format!(
            r#"{{"parentUuid":"{parent}","isSidechain":{is_sidechain},"userType":"external","cwd":"/home/ada/project-{project}","sessionId":"{id}","version":"2.0.76","gitBranch":"main","#
        )
    }

    /// What ends a line, which the next one names as its parent.
    fn tail(&mut self, writer: &mut Writer) -> String {
        self.parent = writer.uuid();
        format!(r#""uuid":"{}","timestamp":"{}""#, self.parent, writer.tick())
    }
}

fn snapshot(writer: &mut Writer, counts: &mut Counts) {
    let (message, at) = (writer.uuid(), writer.tick());
    let before = format!(
        r#"{{"type":"file-history-snapshot","messageId":"{message}","snapshot":{{"messageId":"{message}","trackedFileBackups":{{"note":""#
    );
    let behind = format!(r#""}},"timestamp":"{at}"}},"isSnapshotUpdate":false}}"#);
    let bytes = writer.random.usize(100..2_000);
    writer.line(counts, &before, bytes, &behind);
}

fn progress(writer: &mut Writer, session: &Session, counts: &mut Counts) {
    let (tool, uuid, at) = (writer.letters(22), writer.uuid(), writer.tick());
    let before = format!(
        r#"{}"type":"progress","data":{{"type":"bash_progress","output":"","fullOutput":""#,
        session.head()
    );
    let behind = format!(
        r#"","elapsedTimeSeconds":2,"totalLines":31}},"toolUseID":"bash-progress-0","parentToolUseID":"toolu_01{tool}","uuid":"{uuid}","timestamp":"{at}"}}"#
    );
    let bytes = writer.random.usize(1_000..6_000);
    writer.line(counts, &before, bytes, &behind);
}

/// What a tool returned. Its text stands there twice; after a subagent its usage is told again, in
/// a place that is not the answer's.
fn user(writer: &mut Writer, session: &mut Session, counts: &mut Counts) {
    let tool = writer.letters(22);
    let bytes = writer.output_bytes() / 2;
    let before = format!(
        r#"{}"type":"user","message":{{"role":"user","content":[{{"tool_use_id":"toolu_01{tool}","type":"tool_result","content":""#,
        session.head()
    );
    writer.text.push_str(&before);
    writer.prose.push_to(&mut writer.text, bytes, &mut writer.random);
    writer.text.push_str(r#"","is_error":false}]},"#);
    let tail = session.tail(writer);
    let result = if writer.one_in(60) {
        r#""status":"completed","totalDurationMs":41230,"totalTokens":31207,"totalToolUseCount":9,"usage":{"input_tokens":6,"cache_creation_input_tokens":310,"cache_read_input_tokens":30480,"output_tokens":411,"service_tier":"standard"},"content":""#
    } else {
        r#""stderr":"","interrupted":false,"isImage":false,"stdout":""#
    };
    let before = format!(r#"{tail},"toolUseResult":{{{result}"#);
    writer.line(counts, &before, bytes, r#""}}"#);
}

/// An answer: a line for each of its three parts as they come in, with the output so far.
fn answer(writer: &mut Writer, session: &mut Session, counts: &mut Counts) {
    let (message, request) = (writer.letters(22), writer.letters(22));
    let random = &mut writer.random;
    let written = skewed(random, 100..12_000);
    let (for_5m, for_1h) =
        if session.writes_cache_for_an_hour { (0, written) } else { (written, 0) };
    let used = Tokens {
        input: random.u64(1..30),
        cache_read: random.u64(12_000..150_000),
        cache_write_5m: for_5m,
        cache_write_1h: for_1h,
        output: skewed(random, 60..4_000),
        reasoning: 0,
    };
    let signature = writer.letters(400);
    let tool = writer.letters(22);
    let parts = [
        (
            r#"{"type":"thinking","thinking":""#,
            format!(r#"","signature":"{signature}"}}],"stop_reason":null"#),
            used.output / 50 + 1,
        ),
        (r#"{"type":"text","text":""#, r#""}],"stop_reason":null"#.to_owned(), used.output / 2),
        (
            r#"{"type":"tool_use","name":"Bash","input":{"command":""#,
            format!(r#""}},"id":"toolu_01{tool}"}}],"stop_reason":"tool_use""#),
            used.output,
        ),
    ];
    for (block, block_end, output) in parts {
        let before = format!(
            r#"{}"message":{{"model":"{}","id":"msg_01{message}","type":"message","role":"assistant","content":[{block}"#,
            session.head(),
            session.model
        );
        let usage = format!(
            r#"{{"input_tokens":{},"cache_creation_input_tokens":{written},"cache_read_input_tokens":{},"cache_creation":{{"ephemeral_5m_input_tokens":{for_5m},"ephemeral_1h_input_tokens":{for_1h}}},"output_tokens":{output},"service_tier":"standard"}}"#,
            used.input, used.cache_read
        );
        let behind = format!(
            r#"{block_end},"stop_sequence":null,"usage":{usage}}},"requestId":"req_01{request}","type":"assistant",{}}}"#,
            session.tail(writer)
        );
        let bytes = writer.random.usize(300..2_500);
        writer.line(counts, &before, bytes, &behind);
    }
    counts.request(used);
}

/// A row that the agent writes itself when a request failed: no request.
fn synthetic(writer: &mut Writer, session: &mut Session, counts: &mut Counts) {
    let id = writer.uuid();
    let before = format!(
        r#"{}"message":{{"id":"{id}","model":"<synthetic>","role":"assistant","stop_reason":"stop_sequence","stop_sequence":"","type":"message","usage":{{"input_tokens":0,"output_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"server_tool_use":{{"web_search_requests":0}},"service_tier":null}},"content":[{{"type":"text","text":"API Error: "#,
        session.head()
    );
    let behind =
        format!(r#""}}]}},"type":"assistant",{},"isApiErrorMessage":true}}"#, session.tail(writer));
    writer.line(counts, &before, 60, &behind);
}
