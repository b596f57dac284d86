//! Totals -> verdicts: pure functions, no input or output.

use serde::{Deserialize, Serialize};

use crate::spend::{Money, Period};

/// An amount for a period and a scope, with thresholds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Its name; unique.
    pub name: String,
    /// The limit.
    pub amount: Money,
    /// Day, week or month.
    pub period: Period,
    /// Percent of the limit, ascending, each 1 to 1000.
    pub thresholds_percent: Vec<u32>,
    /// Source ids it counts; empty means all.
    pub sources: Vec<String>,
}
