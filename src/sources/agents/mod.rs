//! One file per agent log format; [`scan`] is the shared scanner (files, offsets, lines).

pub mod claude_code;
pub mod codex;
pub mod scan;
