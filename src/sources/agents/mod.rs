//! One file per agent log format, each with its manual on top; [`agent`] is what such a file
//! declares, [`scan`] the shared scanner (folders, offsets, lines, documents, databases), [`homes`]
//! the customary places, [`wire`] the lenient fields that all formats need.

pub mod agent;
pub mod claude_code;
pub mod codex;
pub mod entries;
pub mod homes;
pub mod mistral_vibe;
pub mod mux;
pub mod omp;
pub mod openclaude;
pub mod openclaw;
pub mod pi;
pub mod scan;
pub mod wire;
pub mod zcode;

#[cfg(test)]
mod changes;
#[cfg(test)]
mod fixtures;
