//! Answers for agents that ask: a server of the Model Context Protocol over standard input and
//! output (<https://modelcontextprotocol.io/specification>).
//!
//! [`question`] is what can be asked: `assets/mcp-tools.json` describes the tools to the agent, and
//! what it sends is read along that. Each tool's file draws an answer twice, as text for the agent
//! to read and as data in the form that the tool's description promises. [`server`] speaks the
//! protocol, with the project's own Rust library. Joining them to the config and the ledger is the
//! work of `app`.
//!
//! What an agent reads may leave this machine. So no folder is named, and of other sessions nothing
//! but their ids where they share a folder, unless the user allows it ([`Told`]); and an agent's log
//! that can't be read is told without its path.

pub mod budgets;
pub mod question;
pub mod report;
pub mod server;
pub mod session;
pub mod today;

#[cfg(test)]
mod tests;

use serde::Serialize;

use super::cli::json::{self, OtherAmount};
use super::cli::status;
use super::cli::style::clean;
use crate::board::report::Sums;
use crate::board::{Board, wording};
use crate::spend::{Currency, Money, SourceError, SourceKind};

/// One answer, twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// For the agent to read.
    pub text: String,
    /// In the form that the tool's description promises.
    pub data: serde_json::Value,
}

/// What an agent is told besides figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// No folder, and no session but the one that is asked about.
    FiguresAlone,
    /// Folders and sessions too.
    Projects,
}

fn reply(lines: Vec<String>, data: &impl Serialize) -> Result<Reply, serde_json::Error> {
    Ok(Reply { text: lines.join("\n"), data: serde_json::to_value(data)? })
}

/// Sums of usage: what bills do not tell.
#[derive(Serialize)]
struct Usage {
    requests: u64,
    tokens: u64,
    list_usd: Option<String>,
    covered_usd: String,
    unpriced_tokens: u64,
}

impl Usage {
    fn of(sums: &Sums) -> Self {
        Self {
            requests: sums.requests,
            tokens: sums.tokens.total(),
            list_usd: json::decimal(sums.list),
            covered_usd: sums.covered.unwrap_or(Money::zero(Currency::USD)).to_decimal(),
            unpriced_tokens: sums.unpriced_tokens,
        }
    }
}

/// What bills tell.
#[derive(Serialize)]
struct Billed {
    billed_usd: Option<String>,
    billed_other: Vec<OtherAmount>,
}

impl Billed {
    fn of(sums: &Sums) -> Self {
        Self {
            billed_usd: json::decimal(sums.billed.get(Currency::USD)),
            billed_other: json::other_currencies(&sums.billed),
        }
    }
}

/// A list price, which is an estimate; `–` where nothing has one.
fn list(amount: Option<Money>) -> String {
    let text = |amount| wording::estimate(true, wording::amount_full(&amount));
    amount.map_or(wording::UNKNOWN.into(), text)
}

/// A model's name as logged.
fn model(name: Option<&str>) -> String {
    name.map_or_else(|| "model not named".into(), clean)
}

/// What a reader of the board's figures must know. An agent's failure is told in a few words,
/// because the whole of it names files, and files lie in folders of projects.
fn notes(board: &Board) -> Vec<String> {
    let mut discreet = board.clone();
    let mut notes = Vec::new();
    for row in &mut discreet.sources {
        if row.info.kind == SourceKind::Agent
            && let Some(error) = row.error.take_if(|error| !SourceError::is_absence(error))
        {
            let what = wording::failure_short(&error);
            notes.push(format!("{}: {what}; `spendbar doctor` says more.", row.info.name));
        }
        let old = board.sources.iter().find(|known| known.info.id == row.info.id);
        if let Some(at) = old.filter(|old| old.stale).and_then(|old| old.last_good_at) {
            let age = wording::age(board.now, at, board.zone);
            notes.push(format!("{}: its last figures came {age}.", row.info.name));
        }
    }
    notes.extend(status::notes(&discreet));
    notes.iter().map(|note| clean(note)).collect()
}
