//! One file per provider that bills; [`http`] is the client they share.

pub mod anthropic_admin;
pub mod http;
pub mod openai_admin;
pub mod openrouter;
