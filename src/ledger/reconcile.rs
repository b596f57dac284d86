//! Logs and bills of an account against each other: `columns` reads them, `lines` lines them up, and
//! `reasons` says what a difference likely comes from.

mod columns;
mod lines;
mod reason;
mod reasons;
#[cfg(test)]
mod reasons_tests;
#[cfg(test)]
mod tests;

pub use columns::Reconciled;
pub use lines::{AccountLines, Difference, Line, LineBill, LineState};
pub use reason::{Confidence, Reason, Tier};
