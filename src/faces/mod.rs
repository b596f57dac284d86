//! Anything a person or a program looks at. A face draws a [`crate::board::Board`] and nothing else.

pub mod cli;
#[cfg(test)]
mod examples;
pub mod export;
pub mod mcp;
pub mod metrics;
pub mod notify;
pub mod page;
pub mod terminal;
pub mod top;
pub mod tray;
