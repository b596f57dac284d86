//! The report: usage and cost of a span of days, grouped as asked.

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::spend::{Amounts, Money, TokenCounts};

/// What rows are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupBy {
    /// Local day.
    Day,
    /// Source id.
    Source,
    /// Whose price list or bill.
    Provider,
    /// Model as logged.
    Model,
    /// Working folder, or the provider's project.
    Project,
    /// The agent's session.
    Session,
}

/// A report as every face shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Zone of the days.
    pub zone: Tz,
    /// First local day.
    pub first_day: NaiveDate,
    /// Last local day, inclusive.
    pub last_day: NaiveDate,
    /// The grouping asked for.
    pub by: Vec<GroupBy>,
    /// Rows, by day and then by the remaining keys.
    pub rows: Vec<ReportRow>,
    /// Sums over all rows.
    pub totals: Sums,
    /// What a reader must know: unpriced models with their tokens, UTC days, gaps, bad lines.
    pub notes: Vec<String>,
}

/// One row: the grouping keys that were asked for, and sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportRow {
    /// Local day (of bills: the UTC day).
    pub day: Option<NaiveDate>,
    /// Source id.
    pub source: Option<String>,
    /// Provider.
    pub provider: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Project.
    pub project: Option<String>,
    /// Session.
    pub session: Option<String>,
    /// The figures.
    pub sums: Sums,
}

/// Sums of usage and cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Tokens by kind.
    pub tokens: TokenCounts,
    /// At list price; `None` when none of the usage has a price.
    pub list: Option<Money>,
    /// Billed; empty when no provider reports.
    pub billed: Amounts,
    /// Tokens without a price.
    pub unpriced_tokens: u64,
}
