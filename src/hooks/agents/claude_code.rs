//! Claude Code.
//!
//! | fact | source |
//! |---|---|
//! | hooks stand in `~/.claude/settings.json` below `hooks`, by event, in groups with a `matcher` that may be left out for all tools | <https://code.claude.com/docs/en/hooks>, "Configuration" |
//! | `CLAUDE_CONFIG_DIR` replaces `~/.claude` | as for its logs (`sources/agents/claude_code.rs`) |
//! | standard input is JSON with `session_id`, `transcript_path`, `cwd`, `hook_event_name` and the event's own fields behind them (`prompt`; `tool_name`, `tool_input`, `tool_use_id`) | same page, "Hook Input" |
//! | exit code 2 blocks, and JSON on standard output is then ignored: `UserPromptSubmit` takes the prompt back and shows standard error to the user; `PreToolUse` does not run the tool and gives standard error to the model | same page, "Exit Code Output" |
//! | any other exit code but 0 blocks nothing | same page |
//! | with exit code 0, JSON on standard output: `systemMessage` is shown to the user; `hookSpecificOutput.additionalContext` of `UserPromptSubmit` goes to the model | same page, "JSON Output" |
//! | hooks are read when a session starts | `plugins/plugin-dev/skills/hook-development/SKILL.md` of anthropics/claude-code |

use super::{Agent, Answers, Shape};

/// Claude Code.
pub const CLAUDE_CODE: Agent = Agent {
    id: "claude-code",
    name: "Claude Code",
    settings: |home, variable| {
        variable("CLAUDE_CONFIG_DIR").unwrap_or_else(|| home.join(".claude")).join("settings.json")
    },
    prompt: "UserPromptSubmit",
    tool: "PreToolUse",
    shape: Shape::Grouped,
    head: None,
    answers: Answers::ExitCode,
    then: "Sessions that are open already take the hook up when they are started again.",
    limits: "",
};
