//! What is said where nothing was found yet: where was looked, and the two ways on.

use std::io::{self, Write};

use super::style::{Cut, Style};
use super::table::{Column, Table};

/// Agents whose places are shown: the first of the source table.
const SHOWN: usize = 4;

/// Where one agent was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The agent's name.
    pub name: String,
    /// Folders.
    pub places: Vec<String>,
}

/// Writes it.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, looked: &[Looked], style: &Style) -> io::Result<()> {
    writeln!(out, "Nothing was found yet. Agents' logs were looked for here:")?;
    let mut table = Table::new(vec![Column::Word(""), Column::Name("", Cut::Start)]);
    for agent in looked.iter().take(SHOWN) {
        for (index, place) in agent.places.iter().enumerate() {
            let name = if index == 0 { agent.name.clone() } else { String::new() };
            table.row(vec![name, place.clone()]);
        }
    }
    table.write(out, style, 2)?;
    match looked.len().saturating_sub(SHOWN) {
        0 => {}
        more => {
            writeln!(out, "and for {more} other agents'; `spendbar doctor` names every place.")?
        }
    }
    writeln!(out)?;
    writeln!(out, "Two ways on:")?;
    let mut ways = Table::new(vec![Column::Word(""), Column::Word("")]);
    ways.row(vec!["spendbar key set openai-admin".into(), "read a provider's bill".into()]);
    ways.row(vec!["spendbar demo".into(), "see it at work on a pretend world".into()]);
    ways.write(out, style, 2)
}
