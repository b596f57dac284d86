//! One file per agent log format, each with its manual on top; [`agent`] is what such a file
//! declares, [`scan`] the shared scanner (folders, offsets, lines, documents, databases), [`homes`]
//! the customary places, [`wire`] the lenient fields that all formats need.

pub mod agent;
pub mod amp;
pub mod antigravity;
pub mod claude_code;
pub mod cline;
pub mod cline_cli;
pub mod cline_tasks;
pub mod codex;
pub mod copilot;
pub mod copilot_cli;
pub mod copilot_vscode;
pub mod crush;
pub mod cursor;
pub mod droid;
pub mod entries;
pub mod forge;
pub mod gemini_cli;
pub mod goose;
pub mod grok_cli;
pub mod hermes;
pub mod homes;
pub mod kilo_code;
pub mod kimi_cli;
pub mod kimi_code;
pub mod mistral_vibe;
pub mod mux;
pub mod omp;
pub mod openclaude;
pub mod openclaw;
pub mod opencode;
pub mod opencode_store;
pub mod pi;
pub mod qwen_code;
pub mod roo_code;
pub mod scan;
pub mod table;
pub mod transcripts;
pub mod warp;
pub mod wire;
pub mod zcode;
pub mod zed;

#[cfg(test)]
mod changes;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod odd_files;
