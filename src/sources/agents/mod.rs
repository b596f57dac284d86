//! One file per agent log format, each with its manual on top; [`agent`] is what such a file
//! declares, [`scan`] the shared scanner (folders, offsets, lines, documents, databases), [`homes`]
//! the customary places, [`wire`] the lenient fields that all formats need.

pub mod agent;
pub mod claude_code;
pub mod cline;
pub mod cline_cli;
pub mod cline_tasks;
pub mod codex;
pub mod crush;
pub mod forge;
pub mod homes;
pub mod kilo_code;
pub mod opencode;
pub mod opencode_store;
pub mod roo_code;
pub mod scan;
pub mod wire;

#[cfg(test)]
mod changes;
#[cfg(test)]
mod fixtures;
