//! One file per provider that bills, with its manual on top; what they share is beside them.
//!
//! A provider makes an [`endpoint::Endpoint`] from its look (key, address, time) and asks it for
//! JSON answers; [`borrowed`] makes one from a token that another program keeps. The endpoint goes
//! through [`http::Client`] (timeouts, the one retry, redirects, statuses, sizes), [`address`] says where
//! a request may go, [`retry`] what is waited for, [`decode`] reads amounts exactly and names the
//! field that a changed answer trips over, [`reports`] follows pages of daily buckets, [`tally`]
//! adds rows up to charges and token totals, and [`parts`] keeps what there is when one of several
//! calls fails.

pub mod address;
pub mod anthropic_admin;
pub mod anthropic_analytics;
pub mod aws_cost_explorer;
pub mod azure_cost;
pub mod borrowed;
pub mod claude_quota;
pub mod codex_quota;
pub mod cursor_team;
pub mod decode;
pub mod described;
pub mod endpoint;
#[cfg(test)]
pub(super) mod fake;
#[cfg(test)]
pub(super) mod fixtures;
pub mod http;
pub mod links;
pub mod litellm;
pub mod openai_admin;
pub mod openrouter;
pub mod parts;
pub mod reports;
pub mod retry;
pub mod tally;
pub mod words;
pub mod xai;
