//! One file per provider that bills, with its manual on top; what they share is beside them.
//!
//! A provider makes an [`endpoint::Endpoint`] from its look (key, address, time) and asks it for
//! JSON answers. The endpoint goes through [`http::Client`] (timeouts, the one [`retry`],
//! redirects, statuses, sizes), [`address`] says where a request may go, [`decode`] reads amounts exactly and names
//! the field that a changed answer trips over, [`reports`] follows pages of daily buckets, and
//! [`tally`] adds rows up to charges and token totals.

pub mod address;
pub mod anthropic_admin;
pub mod decode;
pub mod described;
pub mod endpoint;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod fixtures;
pub mod http;
pub mod openai_admin;
pub mod openrouter;
pub mod reports;
pub mod retry;
pub mod tally;
pub mod words;
