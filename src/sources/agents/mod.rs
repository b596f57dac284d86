//! One file per agent log format, each with its manual on top; [`agent`] is what such a file
//! declares, [`scan`] the shared scanner (folders, offsets, lines, documents, databases), [`homes`]
//! the customary places, [`wire`] the lenient fields that all formats need.

pub mod agent;
pub mod claude_code;
pub mod codex;
pub mod homes;
pub mod scan;
pub mod wire;

#[cfg(test)]
mod changes;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod odd_files;
