//! Qwen Code.
//!
//! | fact | source |
//! |---|---|
//! | hooks stand in `~/.qwen/settings.json` below `hooks`, by event, in groups whose `matcher` may be left out; `disableAllHooks` turns them off | QwenLM/qwen-code, `docs/users/features/hooks.md`, "Hook Configuration" |
//! | standard input is JSON with `session_id`, `transcript_path`, `cwd`, `hook_event_name`, `timestamp` and the event's own fields | same page, "Hook Input Structure" |
//! | exit code 2 blocks, standard output is then ignored and standard error goes to the model | same page, "Exit Code Behavior" |
//! | `UserPromptSubmit` also runs when the results of tools go back to the model | same page, "UserPromptSubmit" |
//! | with exit code 0 the JSON may hold `systemMessage` and `hookSpecificOutput.additionalContext` | same page, "Hook Output Structure" |

use super::{Agent, Answers, Shape};

/// Qwen Code.
pub const QWEN_CODE: Agent = Agent {
    id: "qwen-code",
    name: "Qwen Code",
    settings: |home, _| home.join(".qwen/settings.json"),
    prompt: "UserPromptSubmit",
    tool: "PreToolUse",
    shape: Shape::Grouped,
    head: None,
    answers: Answers::ExitCode,
    then: "Sessions that are open already take the hook up when they are started again.",
    limits: "",
};
