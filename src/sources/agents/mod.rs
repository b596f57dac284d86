//! One file per agent log format; [`scan`] is the shared scanner (folders, offsets, lines), [`wire`]
//! the lenient JSON fields that all formats need.

pub mod claude_code;
pub mod codex;
pub mod scan;
pub mod wire;

#[cfg(test)]
mod changes;
#[cfg(test)]
mod fixtures;
