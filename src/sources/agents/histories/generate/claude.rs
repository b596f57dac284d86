//! Claude Code: sessions that stream, are resumed and have subagents.

use std::fmt;

use proptest::prelude::*;

use super::{Clock, History};

/// What happens next, to whom and after how long.
#[derive(Clone)]
pub struct Step {
    /// Which transcript, counted round those that are there.
    pub who: u8,
    /// Seconds since the step before.
    pub gap: u16,
    /// What.
    pub what: What,
}

/// One line each: a failing plan is read by people.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{} after {} s: {:?}", self.who, self.gap, self.what))
    }
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum What {
    /// The model answers.
    Answer(Answer),
    /// A row that is no request: the user's, the agent's own, a summary, a result that quotes one.
    Other(u8),
    /// Another session starts.
    Start,
    /// The session is resumed: its lines so far stand in another transcript too, whole or as far
    /// as they went when it was copied.
    Resume { lines: u8 },
    /// A subagent starts, whose transcript replays the parent's last answers under other ids.
    Subagent { replayed: u8 },
    /// The transcript is copied to the older config folder.
    Backup,
}

/// Which ids an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Message and request.
    Both,
    /// No request id: a gateway.
    Message,
    /// No message id.
    Request,
    /// Neither.
    None,
}

/// An answer of the model.
#[derive(Clone, Debug)]
pub struct Answer {
    input: u16,
    read: u16,
    /// Written for five minutes, for an hour, and without a split.
    written: [u16; 3],
    output: u16,
    model: u8,
    ids: Ids,
    /// How often it is written before it is complete, and how often more afterwards.
    partial: u8,
    again: u8,
    /// An advisor's input and output.
    advisor: Option<(u16, u16)>,
}

/// A plan of up to `most` steps.
pub fn plan(most: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..most)
}

fn step() -> impl Strategy<Value = Step> {
    let what = prop_oneof![
        10 => answer().prop_map(What::Answer),
        2 => any::<u8>().prop_map(What::Other),
        1 => Just(What::Start),
        2 => any::<u8>().prop_map(|lines| What::Resume { lines }),
        2 => (0..4_u8).prop_map(|replayed| What::Subagent { replayed }),
        1 => Just(What::Backup),
    ];
    (any::<u8>(), 1..4000_u16, what).prop_map(|(who, gap, what)| Step { who, gap, what })
}

fn answer() -> impl Strategy<Value = Answer> {
    let ids = prop_oneof![
        6 => Just(Ids::Both),
        2 => Just(Ids::Message),
        1 => Just(Ids::Request),
        1 => Just(Ids::None)
    ];
    let counts = (0..900_u16, 0..900_u16, any::<[bool; 3]>(), 1..900_u16);
    let advisor = proptest::option::weighted(0.1, (1..500_u16, 1..500_u16));
    (counts, 0..3_u8, ids, 0..4_u8, 0..3_u8, advisor).prop_map(
        |((input, read, written, output), model, ids, partial, again, advisor)| Answer {
            input,
            read,
            written: written.map(|any| if any { output % 97 + 1 } else { 0 }),
            output,
            model,
            ids,
            partial,
            again,
            advisor,
        },
    )
}

const MODELS: [&str; 3] = ["claude-sonnet-4-5-20250929", "claude-opus-4-5", "claude-haiku-4-5"];
const ADVISOR: &str = "claude-opus-4-8";

struct Transcript {
    session: String,
    file: String,
    lines: Vec<String>,
    is_sidechain: bool,
    /// The last complete answers, each as everything behind its ids.
    answers: Vec<(String, String)>,
    is_over: bool,
}

struct Player {
    history: History,
    clock: Clock,
    transcripts: Vec<Transcript>,
    answers: u32,
}

/// Plays a plan.
pub fn play(plan: &[Step]) -> History {
    let mut player = Player {
        history: History::default(),
        clock: Clock::new(),
        transcripts: Vec::new(),
        answers: 0,
    };
    player.start();
    for step in plan {
        player.clock.pass(u32::from(step.gap) * 1000);
        player.step(usize::from(step.who) % player.transcripts.len(), &step.what);
    }
    player.history
}

impl Player {
    fn step(&mut self, who: usize, what: &What) {
        if self.transcripts[who].is_over && !matches!(what, What::Start) {
            return;
        }
        match what {
            What::Answer(answer) => self.answer(who, answer),
            What::Other(which) => self.other(who, *which),
            What::Start => self.start(),
            What::Resume { lines } => {
                let count = self.transcripts[who].lines.len();
                // As far as it went at the time: all of it, or a part.
                let upto = if lines % 2 == 0 { count } else { usize::from(*lines) % (count + 1) };
                let copied = self.transcripts[who].lines[..upto].to_vec();
                let answers = self.transcripts[who].answers.clone();
                self.start();
                let new = self.transcripts.len() - 1;
                self.transcripts[new].answers = answers;
                copied.into_iter().for_each(|line| self.line(new, line));
            }
            What::Subagent { replayed } => {
                let parent = &self.transcripts[who];
                let folder = format!(".claude/projects/-w/{}", parent.session);
                let (session, answers) = (parent.session.clone(), parent.answers.clone());
                let number = self.transcripts.len();
                self.transcripts.push(Transcript {
                    session,
                    file: format!("{folder}/subagents/agent-{number}.jsonl"),
                    lines: Vec::new(),
                    is_sidechain: true,
                    answers: Vec::new(),
                    is_over: false,
                });
                for (message, rest) in answers.iter().rev().take(usize::from(*replayed)) {
                    self.answers += 1;
                    let request = format!(r#""requestId":"req_{}","#, self.answers);
                    let line = self.row(number, &request, message, rest);
                    self.line(number, line);
                }
            }
            What::Backup => {
                self.transcripts[who].is_over = true;
                let from = &self.transcripts[who];
                let to = format!(".config/claude/{}", from.file.trim_start_matches(".claude/"));
                let text: String = from.lines.iter().map(|line| format!("{line}\n")).collect();
                self.history.append(&to, text);
            }
        }
    }

    fn start(&mut self) {
        let number = self.transcripts.len();
        let session = format!("{number:08}-1111-4111-8111-111111111111");
        self.transcripts.push(Transcript {
            file: format!(".claude/projects/-w/{session}.jsonl"),
            session,
            lines: Vec::new(),
            is_sidechain: false,
            answers: Vec::new(),
            is_over: false,
        });
        self.other(number, 4);
    }

    fn line(&mut self, who: usize, line: String) {
        let file = self.transcripts[who].file.clone();
        self.history.append(&file, format!("{line}\n"));
        self.transcripts[who].lines.push(line);
        self.clock.pass(7);
    }

    /// A line of the answer `message` (its id with a comma, or nothing).
    fn row(&self, who: usize, request: &str, message: &str, rest: &str) -> String {
        let Transcript { session, is_sidechain, .. } = &self.transcripts[who];
        let at = self.clock.text();
        format!(
            r#"{{"type":"assistant","timestamp":"{at}","sessionId":"{session}","cwd":"/w","isSidechain":{is_sidechain},{request}"message":{{{message}{rest}}}}}"#
        )
    }

    fn answer(&mut self, who: usize, answer: &Answer) {
        self.answers += 1;
        let number = self.answers;
        let model = MODELS[usize::from(answer.model)];
        let [input, read, output] = [answer.input, answer.read, answer.output].map(u64::from);
        let [short, hour, open] = answer.written.map(u64::from);
        let written = short + hour + open;
        let split = match answer.written {
            [0, 0, _] => String::new(),
            _ => format!(
                r#""cache_creation":{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":{hour}}},"#
            ),
        };
        let (message, request) =
            (format!(r#""id":"msg_{number}","#), format!(r#""requestId":"req_{number}","#));
        let (message, request) = match answer.ids {
            Ids::Both => (message, request),
            Ids::Message => (message, String::new()),
            Ids::Request => (String::new(), request),
            Ids::None => (String::new(), String::new()),
        };
        let iterations = match answer.advisor {
            Some((input, output)) => format!(
                r#","iterations":[{{"type":"message","input_tokens":{input}}},{{"type":"advisor_message","model":"{ADVISOR}","input_tokens":{input},"output_tokens":{output}}}]"#
            ),
            None => String::new(),
        };
        let rest = |output: u64| {
            format!(
                r#""role":"assistant","model":"{model}","usage":{{"input_tokens":{input},"cache_creation_input_tokens":{written},{split}"cache_read_input_tokens":{read},"output_tokens":{output}{iterations}}}"#
            )
        };
        // What has no id can't be told from another one with other counts: written once.
        let (partial, again) = match answer.ids {
            Ids::None => (0, 0),
            _ => (u64::from(answer.partial), answer.again),
        };
        for part in 0..partial {
            let line = self.row(who, &request, &message, &rest(output * part / partial));
            self.line(who, line);
        }
        let (at, complete) = (self.clock.0, rest(output));
        for _ in 0..=again {
            let line = self.row(who, &request, &message, &complete);
            self.line(who, line);
        }
        self.history.used(at, Some(model), [input, read, short + open, hour, output, 0]);
        if let Some((input, output)) = answer.advisor {
            // It stands in the first line already, which may be before midnight.
            let first = at - chrono::TimeDelta::milliseconds(7 * partial.cast_signed());
            let tokens = [u64::from(input), 0, 0, 0, u64::from(output), 0];
            self.history.used(first, Some(ADVISOR), tokens);
        }
        if !message.is_empty() {
            self.transcripts[who].answers.push((message, complete));
        }
    }

    fn other(&mut self, who: usize, which: u8) {
        let at = self.clock.text();
        let line = match which % 4 {
            0 => format!(
                r#"{{"type":"user","timestamp":"{at}","message":{{"role":"user","content":"{}"}}}}"#,
                "word ".repeat(usize::from(which) * 9)
            ),
            1 => format!(
                r#"{{"type":"assistant","timestamp":"{at}","message":{{"id":"x","model":"<synthetic>","usage":{{"input_tokens":5,"output_tokens":5}}}}}}"#
            ),
            2 => format!(
                r#"{{"type":"user","timestamp":"{at}","toolUseResult":{{"usage":{{"input_tokens":70,"output_tokens":9}}}}}}"#
            ),
            _ => format!(
                r#"{{"type":"assistant","timestamp":"{at}","message":{{"id":"zero-{which}","model":"claude-opus-4-5","usage":{{"input_tokens":0,"output_tokens":0}}}}}}"#
            ),
        };
        self.line(who, line);
    }
}
