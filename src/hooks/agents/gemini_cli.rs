//! Gemini CLI.
//!
//! | fact | source |
//! |---|---|
//! | hooks stand in `~/.gemini/settings.json` below `hooks`, by event, in groups whose `matcher` may be left out | google-gemini/gemini-cli, `docs/hooks/reference.md`, "Configuration schema" |
//! | they are on unless `hooksConfig.enabled` is false | `docs/cli/settings.md` |
//! | `GEMINI_CLI_HOME` replaces the home folder | `packages/core/src/utils/paths.ts`, `homedir` |
//! | standard input is JSON with `session_id`, `transcript_path`, `cwd`, `hook_event_name`, `timestamp` and the event's own fields | `docs/hooks/reference.md`, "Base input schema" |
//! | exit code 2 blocks with standard error as the reason: `BeforeAgent` drops the prompt, `BeforeTool` does not run the tool and tells the agent | same page, "Global hook mechanics" and the events |
//! | with exit code 0 standard output must be JSON or empty: `systemMessage` is shown to the user, `hookSpecificOutput.additionalContext` of `BeforeAgent` is appended to the prompt | same page |

use super::{Agent, Answers, Shape};

/// Gemini CLI.
pub const GEMINI_CLI: Agent = Agent {
    id: "gemini-cli",
    name: "Gemini CLI",
    settings: |home, variable| {
        let home = variable("GEMINI_CLI_HOME").unwrap_or_else(|| home.to_owned());
        home.join(".gemini/settings.json")
    },
    prompt: "BeforeAgent",
    tool: "BeforeTool",
    shape: Shape::Grouped,
    head: None,
    answers: Answers::ExitCode,
    then: "Sessions that are open already take the hook up when they are started again.",
    limits: "",
};
