//! The words every stage shares: plain data, no input or output.
//!
//! [`Money`] and [`Price`] are integers, [`TokenCounts`] are `u64`, a [`Reading`] is what one
//! look at a source gave, and a [`Period`] is a local day, week or month as a half-open interval.

pub mod alert;
pub mod commit;
pub mod cycle;
pub mod filter;
pub mod incident;
pub mod money;
pub mod period;
pub mod pull;
pub mod quiet;
pub mod quota;
pub mod rates;
pub mod reading;
pub mod source;
pub mod stamps;
pub mod tree;
pub mod usage;
pub mod zone;

pub use alert::{AlertKind, DeliveryState, Severity};
pub use commit::{Change, Commit, History, Place, ReadBefore};
pub use cycle::Cycle;
pub use filter::{Facts, Filter, Glob, Lists};
pub use incident::{Indicator, Trouble};
pub use money::{Amounts, Currency, Money, MoneyError, Price};
pub use period::{Period, Span};
pub use pull::{Forge, MergedPull, Project, Remote};
pub use quiet::{Quiet, SnoozeFor};
pub use quota::{Balance, Quantity, QuotaWindow, Total, Units, UsedOf};
pub use rates::{Converted, Rate, Rates};
pub use reading::{
    Charge, ChargeKind, DaySpan, Kin, Mark, Marks, Metered, Noted, Problem, Reading, Relation,
};
pub use source::{BY_PROVIDER, KeySpec, SettingSpec, SourceError, SourceInfo, SourceKind};
pub use stamps::{KnownFile, Stamps};
pub use tree::Tree;
pub use usage::{EventKey, Funding, Speed, TokenCounts, Usage};
pub use zone::Zone;
