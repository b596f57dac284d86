//! What one look at a source gave.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::money::Money;
use super::quota::{Balance, QuotaWindow, Total};
use super::usage::{TokenCounts, Usage};

/// One look at a source. An empty reading is a valid answer: "looked, nothing new".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Usage events out of agent logs; the same event may come again and again.
    pub usages: Vec<Usage>,
    /// Which sessions came from which.
    pub kin: Vec<Kin>,
    /// Costs per UTC day. Together with `charges_cover` they replace what was known before.
    pub charges: Vec<Charge>,
    /// The UTC days whose charges this reading knows completely (a day without a charge cost 0).
    pub charges_cover: Option<DaySpan>,
    /// Token totals per UTC day and model, as a provider's usage report tells them.
    pub metered: Vec<Metered>,
    /// The UTC days whose metered usage this reading knows completely.
    pub metered_cover: Option<DaySpan>,
    /// Prepaid credit.
    pub balances: Vec<Balance>,
    /// Subscription or key limits.
    pub quotas: Vec<QuotaWindow>,
    /// What was spent over periods that are no days of a bill.
    pub totals: Vec<Total>,
    /// The plan the account is on, as the provider names it.
    pub plan: Option<String>,
    /// Lines or rows that could not be read. Never a reason to fail.
    pub problems: Vec<Problem>,
    /// Plain sentences on what this reading does not cover; any makes the figures partial.
    pub gaps: Vec<String>,
    /// Token counts that were seen but can't be told from a parent's (a fork whose parent is
    /// missing): shown, not priced.
    pub unmetered_tokens: u64,
    /// New state per file; `None` forgets the file's state (never its usage).
    pub marks: BTreeMap<String, Option<Mark>>,
    /// True when the source stopped early to bound memory: look again at once.
    pub more: bool,
}

impl Reading {
    /// Moves marks on to where this reading ended.
    pub fn move_marks(&self, marks: &mut Marks) {
        for (name, mark) in &self.marks {
            match mark {
                Some(mark) => marks.insert(name.clone(), mark.clone()),
                None => marks.remove(name),
            };
        }
    }

    /// Takes over what another part of the same look at an agent's logs gave.
    pub fn join(&mut self, other: Self) {
        self.usages.extend(other.usages);
        self.kin.extend(other.kin);
        self.problems.extend(other.problems);
        self.gaps.extend(other.gaps);
        self.unmetered_tokens = self.unmetered_tokens.saturating_add(other.unmetered_tokens);
        self.marks.extend(other.marks);
        self.more |= other.more;
    }
}

/// A session that came from another one of the same agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kin {
    /// The agent's name for it.
    pub session: Arc<str>,
    /// The one it came from.
    pub parent: Arc<str>,
    /// How.
    pub relation: Relation,
}

/// How a session came from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The other one started it for a part of its work.
    Subagent,
    /// It goes on from a point of the other one's history.
    Fork,
}

/// How far a file was read; opaque to all but the source that wrote it, kept by the ledger in the
/// transaction that records the reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Bytes read so far, up to the last complete line.
    pub offset: u64,
    /// File size when it was read, bytes.
    pub size: u64,
    /// Modification time when it was read, nanoseconds since 1970.
    pub modified_nanos: i64,
    /// What tells a replaced file from a grown one (a hash of its first bytes, inode).
    pub identity: u64,
    /// What the format's reader carries from line to line, as it chose to write it.
    pub state: String,
}

impl Mark {
    /// Whether the file waits for another one. A format whose files do writes a field `waits_for`
    /// into the state while there is something to wait for; such marks are given to every look.
    pub fn waits(&self) -> bool {
        self.state.contains(r#""waits_for""#)
    }
}

/// Marks by name; agents use the file's path.
pub type Marks = BTreeMap<String, Mark>;

/// UTC days, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySpan {
    /// First day.
    pub first: NaiveDate,
    /// Last day.
    pub last: NaiveDate,
}

/// Whether a charge is a bill or somebody's estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChargeKind {
    /// The provider charges it.
    Billed,
    /// The provider reckons that another provider charges it (own keys through a gateway), or it
    /// reckons a cost that no bill is made from.
    Estimated,
    /// What the same use costs without the plan's share or discounts. Never a part of spend.
    List,
}

/// Money that a provider's endpoint reports for one UTC day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// UTC day.
    pub day: NaiveDate,
    /// The amount; negative for adjustments.
    pub amount: Money,
    /// Billed or estimated.
    pub kind: ChargeKind,
    /// Model, where the report splits by it.
    pub model: Option<String>,
    /// The provider's project or workspace, where the report splits by it.
    pub project: Option<String>,
}

/// Token totals of one UTC day and model, as a provider's usage report tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metered {
    /// UTC day.
    pub day: NaiveDate,
    /// Model.
    pub model: Option<String>,
    /// Tokens by kind.
    pub tokens: TokenCounts,
    /// Requests, where reported.
    pub requests: u64,
    /// Web searches, where reported.
    pub web_searches: u64,
}

/// A fact as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// `balance`, `quota`, `cost`, `total`.
    pub kind: &'static str,
    /// What it is called; a cost's day, a total's period.
    pub name: String,
    /// The value, exactly.
    pub value: String,
    /// Where it lies.
    pub from: String,
}

/// Something in a source that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file or the call.
    pub place: String,
    /// Line number (from 1) or byte offset as text, where there is one.
    pub position: Option<String>,
    /// What is wrong, one clause, lower case.
    pub what: String,
}
