//! One file per agent, each with its manual on top.

mod claude_code;
mod codex;
mod cursor;
mod gemini_cli;
mod qwen_code;

use super::{Agent, Answers, Shape};

/// Every agent whose hooks are known.
pub const AGENTS: &[&Agent] = &[
    &claude_code::CLAUDE_CODE,
    &codex::CODEX,
    &gemini_cli::GEMINI_CLI,
    &qwen_code::QWEN_CODE,
    &cursor::CURSOR,
];
