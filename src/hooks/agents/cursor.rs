//! Cursor, the editor and its command line.
//!
//! | fact | source |
//! |---|---|
//! | hooks stand in `~/.cursor/hooks.json` beside `"version": 1`, by event, as plain objects with a `command` | <https://cursor.com/docs/agent/hooks>, "Configuration" |
//! | standard input is JSON with `conversation_id`, `generation_id`, `model`, `hook_event_name`, `cursor_version`, `workspace_roots` and the event's own fields | same page, "Common schema" |
//! | `beforeSubmitPrompt` is stopped by `{"continue": false, "user_message": "..."}`, with exit code 0 | same page, "beforeSubmitPrompt" |
//! | `preToolUse` is stopped by `{"permission": "deny", "user_message": "...", "agent_message": "..."}` | same page, "preToolUse" |
//! | a failing hook stops nothing unless `failClosed` is set | same page, "Configuration options" |
//! | neither event has a place for a message when it goes on; `permission: "allow"` would skip the user's own approval and is never sent | same page |

use super::{Agent, Answers, Shape};

/// Cursor.
pub const CURSOR: Agent = Agent {
    id: "cursor",
    name: "Cursor",
    settings: |home, _| home.join(".cursor/hooks.json"),
    prompt: "beforeSubmitPrompt",
    tool: "preToolUse",
    shape: Shape::Flat,
    head: Some("\"version\": 1"),
    answers: Answers::Json,
    then: "Cursor takes it up when the file is saved.",
    limits: "Cursor shows no warnings of hooks: it is stopped at the limit and not told before.",
};
