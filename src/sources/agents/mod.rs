//! One file per agent log format, each with its manual on top; [`agent`] is what such a file
//! declares, [`scan`] the shared scanner (folders, offsets, lines, documents, databases), [`homes`]
//! the customary places, [`wire`] the lenient fields that all formats need.

pub mod agent;
pub mod claude_code;
pub mod codex;
pub mod copilot;
pub mod copilot_cli;
pub mod copilot_vscode;
pub mod cursor;
pub mod goose;
pub mod hermes;
pub mod homes;
pub mod scan;
pub mod table;
pub mod warp;
pub mod wire;
pub mod zed;

#[cfg(test)]
mod changes;
#[cfg(test)]
mod counters;
#[cfg(test)]
mod fixtures;
