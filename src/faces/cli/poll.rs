//! `poll`: what one look at every source gave.

use std::io::{self, Write};

use super::style::{Style, clean, grouped, wrap};
use super::table::{Column, Table};
use crate::spend::SourceInfo;

/// One look at one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled {
    /// The source.
    pub info: &'static SourceInfo,
    /// What it gave.
    pub outcome: Outcome,
}

/// What a look gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was read.
    Read {
        /// Usage events that were new or grew.
        usages: u64,
        /// Days with a bill.
        charges: u64,
        /// Lines that could not be read.
        problems: u64,
    },
    /// Not there, not asked, switched off: the words for it.
    Skipped(String),
    /// It failed: the short words and the sentence.
    Failed(&'static str, String),
}

/// Writes a line per source and, under them, what went wrong.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, looks: &[Polled], style: &Style) -> io::Result<()> {
    let mut table = Table::new(vec![Column::Word(""), Column::Word("")]);
    for look in looks {
        let words = match &look.outcome {
            Outcome::Read { usages: 0, charges: 0, problems: 0 } => "nothing new".to_owned(),
            Outcome::Read { usages, charges, problems } => {
                let counted = [
                    (*usages, "new request", "new requests"),
                    (*charges, "day billed", "days billed"),
                    (*problems, "line not read", "lines not read"),
                ];
                let parts: Vec<String> = counted
                    .iter()
                    .filter(|(count, ..)| *count > 0)
                    .map(|(count, one, many)| {
                        format!("{} {}", grouped(*count), if *count == 1 { one } else { many })
                    })
                    .collect();
                parts.join(" · ")
            }
            Outcome::Skipped(why) => why.clone(),
            Outcome::Failed(short, _) => (*short).to_owned(),
        };
        table.row(vec![look.info.name.into(), words]);
    }
    table.write(out, style, 0)?;
    for look in looks {
        if let Outcome::Failed(_, sentence) = &look.outcome {
            writeln!(out, "{}", wrap(&clean(sentence), style.width, 0))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_as_text() {
        let look = |id: &str, outcome| Polled {
            info: crate::sources::find(id).expect("known").info(),
            outcome,
        };
        let read = |usages, charges, problems| Outcome::Read { usages, charges, problems };
        let failed = Outcome::Failed("no answer", "Anthropic gave no answer: timed out.".into());
        let looks = [
            look("claude-code", read(1204, 0, 1)),
            look("codex", read(0, 0, 0)),
            look("openai-admin", read(0, 30, 0)),
            look("anthropic-admin", failed),
            look("openrouter", Outcome::Skipped("not asked".into())),
        ];
        let mut out = Vec::new();
        text(&mut out, &looks, &Style { color: false, width: 60 }).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @"
        Claude Code  1,204 new requests · 1 line not read
        Codex        nothing new
        OpenAI       30 days billed
        Anthropic    no answer
        OpenRouter   not asked
        Anthropic gave no answer: timed out.
        ");
    }
}
