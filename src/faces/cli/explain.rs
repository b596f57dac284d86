//! `scan --explain`: how every record of one log was taken.

use std::io::{self, Write};

use serde::Serialize;

use super::json::{self, Tokens};
use super::style::{Cut, Style, clean, grouped, width, wrap};
use super::table::{Column, Table};
use crate::board::wording;
use crate::spend::{Money, TokenCounts};

/// One log and how it was taken.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Id of the source that the file belongs to.
    pub source: &'static str,
    /// The source's name.
    pub name: &'static str,
    /// The file.
    pub file: String,
    /// Its records, in order.
    pub records: Vec<Record>,
}

/// One record of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where it stands: `line 12`; empty for the file as a whole.
    pub place: String,
    /// How it was taken.
    pub taken: Taken,
    /// What it tells, if it is a request, counted or not.
    pub request: Option<Request>,
}

/// How a record was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It counts.
    Counted,
    /// It repeats a request that counts at another place of the same file.
    RepeatOf(String),
    /// It adds nothing, for this reason.
    Skipped(String),
    /// It could not be read, for this reason.
    Unreadable(String),
}

/// A request as the log tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Model as logged.
    pub model: Option<String>,
    /// Tokens by kind.
    pub tokens: TokenCounts,
    /// List price; `None` when the model has none.
    pub list: Option<Money>,
}

/// Writes a line per record, neighbours that are taken alike in one, and the sums.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, explained: &Explained, style: &Style) -> io::Result<()> {
    let Explained { name, file, records, .. } = explained;
    writeln!(out, "{}", style.strong(&format!("{name} · {file}")))?;
    let alike =
        |a: &Record, b: &Record| a.request.is_none() && b.request.is_none() && a.taken == b.taken;
    let runs: Vec<(String, &Record)> =
        records.chunk_by(alike).filter_map(|run| Some((place(run), run.first()?))).collect();
    let room = runs.iter().map(|(place, _)| width(place)).max().unwrap_or(0);
    let requests = requests(&runs, room, style)?;
    let mut requests = requests.iter();
    if let Some(head) = requests.next() {
        writeln!(out, "{}", style.quiet(head))?;
    }
    for (place, record) in &runs {
        match &record.taken {
            Taken::Skipped(why) => {
                let line = format!("{place:room$}  skipped: {}", clean(why));
                writeln!(out, "{}", style.quiet(&line))?;
            }
            Taken::Unreadable(why) => {
                writeln!(out, "{place:room$}  {} {}", style.alarm("unreadable:"), clean(why))?;
            }
            Taken::Counted | Taken::RepeatOf(_) => {
                if let Some(line) = requests.next() {
                    writeln!(out, "{line}")?;
                }
            }
        }
    }
    writeln!(out)?;
    writeln!(out, "{}", wrap(&sums(records), style.width, 0))
}

/// The lines of a table of the requests among the runs, its head first.
fn requests(runs: &[(String, &Record)], room: usize, style: &Style) -> io::Result<Vec<String>> {
    let mut table = Table::new(vec![
        Column::Word("Where"),
        Column::Word("Taken as"),
        Column::Name("Model", Cut::End),
        Column::Figure("Input"),
        Column::Figure("Cache read"),
        Column::Figure("Cache write"),
        Column::Figure("Output"),
        Column::Figure("≈ List $"),
    ]);
    for (place, record) in runs {
        let Some(Request { model, tokens, list }) = &record.request else { continue };
        let taken = match &record.taken {
            Taken::RepeatOf(place) => format!("repeat of {place}"),
            _ => "counted".to_owned(),
        };
        let written = tokens.cache_write_5m.saturating_add(tokens.cache_write_1h);
        let mut cells = vec![
            format!("{place:room$}"),
            taken,
            model.clone().unwrap_or_else(|| wording::UNKNOWN.into()),
        ];
        cells.extend([tokens.input, tokens.cache_read, written, tokens.output].map(grouped));
        cells.push(list.as_ref().map_or(wording::UNKNOWN.into(), four_decimals));
        table.row(cells);
    }
    let mut text = Vec::new();
    table.write(&mut text, &Style { color: false, ..*style }, 0)?;
    Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
}

/// Writes `spendbar.scan.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, explained: &Explained) -> io::Result<()> {
    json::write(
        out,
        &Document {
            schema: "spendbar.scan.v1",
            source: explained.source,
            file: &explained.file,
            records: explained.records.iter().map(RecordDocument::of).collect(),
        },
    )
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    source: &'static str,
    file: &'a str,
    records: Vec<RecordDocument<'a>>,
}

#[derive(Serialize)]
struct RecordDocument<'a> {
    place: &'a str,
    taken: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_of: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestDocument<'a>>,
}

#[derive(Serialize)]
struct RequestDocument<'a> {
    model: Option<&'a str>,
    tokens: Tokens,
    list_usd: Option<String>,
}

impl<'a> RecordDocument<'a> {
    fn of(record: &'a Record) -> Self {
        let (taken, why, repeat_of) = match &record.taken {
            Taken::Counted => ("counted", None, None),
            Taken::RepeatOf(place) => ("repeat", None, Some(place.as_str())),
            Taken::Skipped(why) => ("skipped", Some(why.as_str()), None),
            Taken::Unreadable(why) => ("unreadable", Some(why.as_str()), None),
        };
        let request = record.request.as_ref().map(|request| RequestDocument {
            model: request.model.as_deref(),
            tokens: Tokens::from(&request.tokens),
            list_usd: json::decimal(request.list),
        });
        Self { place: &record.place, taken, why, repeat_of, request }
    }
}

/// One request rarely costs a whole cent.
fn four_decimals(amount: &Money) -> String {
    let ten_thousandths = amount.rounded(4);
    let (whole, rest) = (ten_thousandths / 10_000, (ten_thousandths % 10_000).abs());
    format!("{whole}.{rest:04}")
}

/// Where a run of records stands: `line 2` to `line 11` is `line 2–11`.
fn place(run: &[Record]) -> String {
    match run {
        [first, .., last] => {
            format!("{}–{}", first.place, last.place.rsplit(' ').next().unwrap_or_default())
        }
        _ => run.first().map(|record| record.place.clone()).unwrap_or_default(),
    }
}

fn sums(records: &[Record]) -> String {
    let count = |fits: fn(&Taken) -> bool| {
        records.iter().filter(|record| fits(&record.taken)).count() as u64
    };
    let counted = count(|taken| *taken == Taken::Counted);
    let repeats = count(|taken| matches!(taken, Taken::RepeatOf(_)));
    let skipped = count(|taken| matches!(taken, Taken::Skipped(_)));
    let unreadable = count(|taken| matches!(taken, Taken::Unreadable(_)));
    let mut tokens = TokenCounts::default();
    records
        .iter()
        .filter(|record| record.taken == Taken::Counted)
        .filter_map(|record| record.request.as_ref())
        .for_each(|request| tokens.add(&request.tokens));
    format!(
        "{} counted with {} tokens · {} repeats · {} skipped · {} unreadable",
        grouped(counted),
        grouped(tokens.total()),
        grouped(repeats),
        grouped(skipped),
        grouped(unreadable)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained() -> Explained {
        let request = |output| {
            Some(Request {
                model: Some("claude-sonnet-4-5".into()),
                tokens: TokenCounts { input: 5, cache_read: 45_000, output, ..Default::default() },
                list: Money::parse("0.0145", crate::spend::Currency::USD).ok(),
            })
        };
        let record =
            |line: u32, taken, request| Record { place: format!("line {line}"), taken, request };
        let silent = || Taken::Skipped("holds no usage".into());
        Explained {
            source: "claude-code",
            name: "Claude Code",
            file: "/home/ada/.claude/projects/-w/s.jsonl".into(),
            records: vec![
                record(1, silent(), None),
                record(2, silent(), None),
                record(3, silent(), None),
                record(4, Taken::RepeatOf("line 5".into()), request(1)),
                record(5, Taken::Counted, request(400)),
                record(6, Taken::Unreadable("not a readable line".into()), None),
            ],
        }
    }

    #[test]
    fn an_explained_log_as_text_and_json() {
        let mut out = Vec::new();
        text(&mut out, &explained(), &Style { color: false, width: 100 }).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @"
        Claude Code · /home/ada/.claude/projects/-w/s.jsonl
        Where     Taken as          Model              Input  Cache read  Cache write  Output  ≈ List $
        line 1–3  skipped: holds no usage
        line 4    repeat of line 5  claude-sonnet-4-5      5      45,000            0       1    0.0145
        line 5    counted           claude-sonnet-4-5      5      45,000            0     400    0.0145
        line 6    unreadable: not a readable line

        1 counted with 45,405 tokens · 1 repeats · 3 skipped · 1 unreadable
        ");
        let mut out = Vec::new();
        let mut explained = explained();
        explained.records.drain(..3);
        explained.records.drain(1..2);
        json(&mut out, &explained).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @r#"
        {
          "schema": "spendbar.scan.v1",
          "source": "claude-code",
          "file": "/home/ada/.claude/projects/-w/s.jsonl",
          "records": [
            {
              "place": "line 4",
              "taken": "repeat",
              "repeat_of": "line 5",
              "request": {
                "model": "claude-sonnet-4-5",
                "tokens": {
                  "input": 5,
                  "cache_read": 45000,
                  "cache_write_5m": 0,
                  "cache_write_1h": 0,
                  "output": 1,
                  "reasoning": 0
                },
                "list_usd": "0.0145"
              }
            },
            {
              "place": "line 6",
              "taken": "unreadable",
              "why": "not a readable line"
            }
          ]
        }
        "#);
    }
}
