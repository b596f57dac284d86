//! Codex: threads that run, fork and are archived.

use std::fmt;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::{Change, Clock, History};

/// What happens next, to whom and after how long.
#[derive(Clone)]
pub struct Step {
    /// Which thread, counted round the threads that are there.
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
    /// A request and its row.
    Request(Request),
    /// The last row is written again.
    Repeat,
    /// A row that carries limits and no tokens.
    Limits,
    /// A turn with this model; 0 is a blank one.
    Turn(u8),
    /// A long line of other content, which quotes the names of records.
    Talk(u8),
    /// Another root thread starts.
    Start,
    /// The thread is forked.
    Fork(Shape),
    /// The thread is over and its file goes to the archive.
    Archive(Way),
}

/// How a file goes to the archive.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// It is moved.
    Moved,
    /// A copy lies there.
    Copied,
    /// It is packed where it is.
    Packed,
    /// It is packed, and the plain file stays beside it.
    PackedBeside,
}

/// One request. The parts are percentages.
#[derive(Clone, Debug)]
pub struct Request {
    /// All input.
    pub input: u16,
    /// Of the input.
    pub cached: u8,
    /// Of the input that was not cached.
    pub written: u8,
    /// All output.
    pub output: u16,
    /// Of the output.
    pub reasoning: u8,
    /// Whether the row tells the request beside the total.
    pub has_last: bool,
}

/// How a fork looks; the letters are those of the table in `origin.rs`.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// B: a subagent with a counter of its own.
    Fresh,
    /// B: a subagent that repeats the history of its parent and names neither fork nor parent's
    /// record; turns are older than the file.
    Unforked,
    /// C with ordinals: copied rows up to `subagent_history_start_ordinal`; the counter starts anew
    /// or goes on.
    Numbered { anew: bool, named: bool },
    /// C: all of the parent's lines under new times.
    Copied { meta: bool, turns: bool },
    /// C: only the lines of the last turn.
    LastTurn,
    /// C in old builds: nothing but the parent's own first line, copied, tells it.
    Unnamed,
    /// D: the counter stands at the parent's total.
    Inherited,
    /// D: the parent's last row again.
    Snapshot,
    /// E: the history lies in the parent's file; its last row may be written again.
    Based { repeated: bool },
}

/// A plan of up to `most` steps.
pub fn plan(most: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..most)
}

fn step() -> impl Strategy<Value = Step> {
    let what = prop_oneof![
        10 => request().prop_map(What::Request),
        2 => Just(What::Repeat),
        1 => Just(What::Limits),
        3 => (0..4_u8).prop_map(What::Turn),
        1 => any::<u8>().prop_map(What::Talk),
        1 => Just(What::Start),
        5 => shape().prop_map(What::Fork),
        1 => prop_oneof![
            Just(Way::Moved),
            Just(Way::Copied),
            Just(Way::Packed),
            Just(Way::PackedBeside)
        ].prop_map(What::Archive),
    ];
    (any::<u8>(), 1..2000_u16, what).prop_map(|(who, gap, what)| Step { who, gap, what })
}

fn request() -> impl Strategy<Value = Request> {
    (1..5000_u16, 0..=100_u8, 0..=50_u8, 1..500_u16, 0..=100_u8, prop::bool::weighted(0.9))
        .prop_map(|(input, cached, written, output, reasoning, has_last)| Request {
            input,
            cached,
            written,
            output,
            reasoning,
            has_last,
        })
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Fresh),
        Just(Shape::Unforked),
        any::<(bool, bool)>().prop_map(|(anew, named)| Shape::Numbered { anew, named }),
        any::<(bool, bool)>().prop_map(|(meta, turns)| Shape::Copied { meta, turns }),
        Just(Shape::LastTurn),
        Just(Shape::Unnamed),
        Just(Shape::Inherited),
        Just(Shape::Snapshot),
        any::<bool>().prop_map(|repeated| Shape::Based { repeated }),
    ]
}

/// Input, cached, written, output, reasoning.
type Vector = [u64; 5];

#[derive(Clone)]
struct Thread {
    id: String,
    file: String,
    /// All lines so far, without their time: what a fork copies.
    lines: Vec<String>,
    /// Where the last turn starts in `lines`.
    turn_at: usize,
    bytes: usize,
    total: Vector,
    /// The last row's counters, as they stand in it.
    last_info: Option<String>,
    model: Option<&'static str>,
    turn: Option<String>,
    has_turns: bool,
    has_ordinals: bool,
    /// The first row of a fork always tells its request: no build is known to leave it out.
    must_tell: bool,
    is_over: bool,
}

const MODELS: [&str; 3] = ["gpt-5.4", "gpt-5.5", "gpt-5.6-luna"];

struct Player {
    history: History,
    clock: Clock,
    threads: Vec<Thread>,
}

/// Plays a plan.
pub fn play(plan: &[Step]) -> History {
    let mut player =
        Player { history: History::default(), clock: Clock::new(), threads: Vec::new() };
    player.start();
    for step in plan {
        player.clock.pass(u32::from(step.gap) * 1000);
        player.step(usize::from(step.who) % player.threads.len(), &step.what);
    }
    player.history
}

impl Player {
    fn step(&mut self, who: usize, what: &What) {
        if self.threads[who].is_over && !matches!(what, What::Start) {
            return;
        }
        match what {
            What::Start => self.start(),
            What::Request(request) => self.request(who, request),
            What::Repeat => {
                if let Some(info) = self.threads[who].last_info.clone() {
                    self.line(who, &row(&info));
                }
            }
            What::Limits => self.line(who, &row("null")),
            What::Talk(size) => {
                let text = "token_count session_meta \\\"usage\\\" ".repeat(usize::from(*size));
                self.line(
                    who,
                    &format!(
                        r#""type":"response_item","payload":{{"type":"message","text":"{text}"}}}}"#
                    ),
                );
            }
            What::Turn(model) => {
                let model = model.checked_sub(1).map(|at| MODELS[usize::from(at)]);
                self.turn(who, model);
            }
            What::Fork(shape) => self.fork(who, *shape),
            What::Archive(way) => self.archive(who, *way),
        }
    }

    fn start(&mut self) {
        let who = self.thread(true, false);
        let id = self.threads[who].id.clone();
        self.meta(who, &id, "");
        self.turn(who, Some(MODELS[0]));
    }

    /// A thread without any line.
    fn thread(&mut self, has_turns: bool, has_ordinals: bool) -> usize {
        let at = self.clock.0;
        // A UUID of version 7 begins with its milliseconds.
        let millis = format!("{:012x}", at.timestamp_millis());
        let number = self.threads.len();
        let id = format!("{}-{}-7000-8000-{number:012x}", &millis[..8], &millis[8..]);
        let name = at.format("%Y-%m-%dT%H-%M-%S");
        let folder = at.format("%Y/%m/%d");
        let file = format!(".codex/sessions/{folder}/rollout-{name}-{id}.jsonl");
        self.threads.push(Thread {
            id,
            file,
            lines: Vec::new(),
            turn_at: 0,
            bytes: 0,
            total: [0; 5],
            last_info: None,
            model: None,
            turn: None,
            has_turns,
            has_ordinals,
            must_tell: false,
            is_over: false,
        });
        number
    }

    fn meta(&mut self, who: usize, id: &str, more: &str) {
        let at = self.clock.text();
        self.line(
            who,
            &format!(
                r#""type":"session_meta","payload":{{"id":"{id}","timestamp":"{at}","cwd":"/w"{more}}}}}"#
            ),
        );
    }

    /// Writes a line, given without its time.
    fn line(&mut self, who: usize, line: &str) {
        let thread = &mut self.threads[who];
        let ordinal = match thread.has_ordinals {
            true => format!(r#""ordinal":{},"#, thread.lines.len()),
            false => String::new(),
        };
        let text = format!("{{\"timestamp\":\"{}\",{ordinal}{line}\n", self.clock.text());
        thread.bytes += text.len();
        thread.lines.push(line.to_owned());
        let file = thread.file.clone();
        self.history.append(&file, text);
        self.clock.pass(3);
    }

    fn turn(&mut self, who: usize, model: Option<&'static str>) {
        if let Some(turn) = self.threads[who].turn.take()
            && self.threads[who].has_turns
        {
            self.line(who, &format!(r#""type":"event_msg","payload":{{"type":"task_complete","turn_id":"{turn}"}}}}"#));
        }
        self.threads[who].turn_at = self.threads[who].lines.len();
        let at = self.clock.0;
        // Every second turn has an id that tells no time.
        let number = self.threads[who].turn_at;
        let millis = format!("{:012x}", at.timestamp_millis());
        let (turn, started) = if number.is_multiple_of(2) {
            (format!("t-{number}"), format!(r#","started_at":{}"#, at.timestamp()))
        } else {
            (format!("{}-{}-7000-8000-{number:012x}", &millis[..8], &millis[8..]), String::new())
        };
        if self.threads[who].has_turns {
            self.line(who, &format!(r#""type":"event_msg","payload":{{"type":"task_started","turn_id":"{turn}"{started}}}}}"#));
        }
        let name = model.unwrap_or_default();
        self.line(
            who,
            &format!(r#""type":"turn_context","payload":{{"cwd":"/w","model":"{name}"}}}}"#),
        );
        (self.threads[who].turn, self.threads[who].model) = (Some(turn), model);
    }

    fn request(&mut self, who: usize, request: &Request) {
        let part = |of: u64, percent: u8| of * u64::from(percent) / 100;
        let (input, output) = (u64::from(request.input), u64::from(request.output));
        let cached = part(input, request.cached);
        let written = part(input - cached, request.written);
        let reasoning = part(output, request.reasoning);
        let last = [input, cached, written, output, reasoning];
        let thread = &mut self.threads[who];
        for (total, more) in thread.total.iter_mut().zip(last) {
            *total += more;
        }
        let tells = std::mem::take(&mut thread.must_tell) || request.has_last;
        let info = info(thread.total, tells.then_some(last));
        thread.last_info = Some(info.clone());
        let model = thread.model;
        let at: DateTime<Utc> = self.clock.0;
        self.line(who, &row(&info));
        let tokens = [input - cached - written, cached, written, 0, output, reasoning];
        self.history.used(at, model, tokens);
    }

    fn fork(&mut self, parent: usize, shape: Shape) {
        let old = self.threads[parent].clone();
        // Builds that write no turns leave no sign of such a copy.
        let first = |what| old.lines.iter().position(|line| line.contains(what));
        let signed = match (first("task_started"), first(r#""type":"token_count""#)) {
            (None, _) => false,
            (Some(turn), row) => row.is_none_or(|row| turn < row),
        };
        let shape = match shape {
            Shape::Unforked if !signed => Shape::Fresh,
            shape => shape,
        };
        let numbered = matches!(shape, Shape::Numbered { .. });
        let has_turns =
            !matches!(shape, Shape::Copied { turns: false, .. } | Shape::LastTurn | Shape::Unnamed);
        let who = self.thread(has_turns, numbered);
        let id = self.threads[who].id.clone();
        let old_id = &old.id;
        let forked = format!(r#","forked_from_id":"{old_id}""#);
        let spawned = format!(
            r#","session_id":"{old_id}","parent_thread_id":"{old_id}","forked_from_id":null,"thread_source":"subagent","source":{{"subagent":{{"thread_spawn":{{"parent_thread_id":"{old_id}","depth":1}}}}}}"#
        );
        let (more, copied) = match shape {
            Shape::Fresh => (spawned, None),
            Shape::Unforked => (spawned, Some(&old.lines[1..])),
            Shape::Numbered { named, .. } => {
                // The own history starts behind this line and the copied ones.
                let start = format!(r#","subagent_history_start_ordinal":{}"#, 1 + old.lines.len());
                (if named { forked } else { spawned } + &start, Some(&old.lines[..]))
            }
            Shape::Copied { meta, .. } => (forked, Some(&old.lines[usize::from(!meta)..])),
            Shape::LastTurn => (forked, Some(&old.lines[old.turn_at..])),
            Shape::Unnamed => (String::new(), Some(&old.lines[..])),
            Shape::Inherited | Shape::Snapshot => (forked, None),
            Shape::Based { .. } => {
                let base = format!(
                    r#","history_base":{{"thread_id":"{old_id}","end_ordinal_exclusive":{},"end_byte_offset":{}}}"#,
                    old.lines.len(),
                    old.bytes
                );
                (forked + &base, None)
            }
        };
        self.meta(who, &id, &more);
        for line in copied.unwrap_or_default() {
            self.line(who, line);
        }
        let thread = &mut self.threads[who];
        (thread.total, thread.last_info) = match shape {
            Shape::Fresh | Shape::Numbered { anew: true, .. } => ([0; 5], None),
            // The numbers that a copied row holds go on.
            _ => (old.total, copied.and(old.last_info.clone())),
        };
        thread.must_tell = true;
        // Some write the turn before the counter they inherit, some behind it.
        self.turn(who, Some(MODELS[1]));
        if old.last_info.is_some() {
            match shape {
                Shape::Inherited => {
                    let info = info(old.total, Some([0; 5]));
                    self.line(who, &row(&info));
                    self.threads[who].last_info = Some(info);
                }
                Shape::Snapshot | Shape::Based { repeated: true } => {
                    let info = old.last_info.clone().unwrap_or_default();
                    self.line(who, &row(&info));
                    self.threads[who].last_info = Some(info);
                }
                _ => {}
            }
        }
        self.history.parents.insert(self.threads[who].file.clone(), old.file);
    }

    fn archive(&mut self, who: usize, way: Way) {
        self.threads[who].is_over = true;
        let file = self.threads[who].file.clone();
        let name = file.rsplit('/').next().unwrap_or_default();
        let to = format!(".codex/archived_sessions/{name}");
        self.history.changes.push(match way {
            Way::Moved => Change::Move { from: file, to },
            Way::Copied => Change::Copy { from: file, to },
            Way::Packed => Change::Pack { file, keep: false },
            Way::PackedBeside => Change::Pack { file, keep: true },
        });
    }
}

fn info(total: Vector, last: Option<Vector>) -> String {
    let vector = |[input, cached, written, output, reasoning]: Vector| {
        let total = input + output;
        format!(
            r#"{{"input_tokens":{input},"cached_input_tokens":{cached},"cache_write_input_tokens":{written},"output_tokens":{output},"reasoning_output_tokens":{reasoning},"total_tokens":{total}}}"#
        )
    };
    let last = last.map_or("null".to_owned(), vector);
    format!(r#"{{"total_token_usage":{},"last_token_usage":{last}}}"#, vector(total))
}

fn row(info: &str) -> String {
    format!(
        r#""type":"event_msg","payload":{{"type":"token_count","info":{info},"rate_limits":null}}}}"#
    )
}
