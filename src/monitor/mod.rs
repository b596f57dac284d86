//! The background task: drives sources, ledger and budgets. It holds the only mutable state and
//! is the only reader of the clock ([`clock`]).

pub mod clock;
pub mod due;
pub mod watch;
