//! Codex CLI, from 0.124 on, which is the first that runs hooks without being asked to.
//!
//! | fact | source |
//! |---|---|
//! | hooks stand in `~/.codex/hooks.json` in the form of Claude Code, or in `config.toml`; with both Codex takes both and warns | <https://developers.openai.com/codex/hooks.md>, "Where Codex looks for hooks" |
//! | `CODEX_HOME` replaces `~/.codex` | openai/codex, `codex-rs/utils/home-dir/src/lib.rs` |
//! | a new or changed command is skipped until the user trusts it with `/hooks` | same page, "Review and trust hooks" |
//! | standard input is JSON with `session_id`, `turn_id`, `transcript_path`, `cwd`, `hook_event_name`, `model`, `permission_mode` and the event's own fields | `codex-rs/hooks/schema/generated/*.command.input.schema.json` |
//! | exit code 2 with a reason on standard error blocks `UserPromptSubmit` and `PreToolUse`; without a reason it does not | `codex-rs/hooks/src/events/{user_prompt_submit,pre_tool_use}.rs`, `parse_completed` |
//! | with exit code 0 the JSON may hold `systemMessage`, shown as a warning, and for a prompt `hookSpecificOutput.additionalContext`; an unknown field makes the hook a failed one | the same and `*.command.output.schema.json`; `engine/output_parser.rs` |
//! | `continue: false` is refused before a tool | `unsupported_pre_tool_use_universal` there |

use super::{Agent, Answers, Shape};

/// Codex CLI.
pub const CODEX: Agent = Agent {
    id: "codex",
    name: "Codex",
    settings: |home, variable| {
        variable("CODEX_HOME").unwrap_or_else(|| home.join(".codex")).join("hooks.json")
    },
    prompt: "UserPromptSubmit",
    tool: "PreToolUse",
    shape: Shape::Grouped,
    head: None,
    answers: Answers::ExitCode,
    then: "Codex runs it once you trust it: type /hooks in Codex. It needs Codex 0.124 or newer.",
    limits: "With hooks in config.toml as well, Codex takes both and warns of it.",
};
