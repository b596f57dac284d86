//! Hooks of coding agents: commands that an agent runs before it goes on, and that may stop it.
//!
//! [`AGENTS`] is the one table. An agent's file is its manual: where its settings lie, which events
//! are hooked, what comes on standard input, and how an answer is given, each with the source it is
//! from. [`edit`] changes the settings in their text, [`file`] reads and writes them, [`message`]
//! reads what the agent tells and renders the answer. What to answer is not known here.

mod agents;
mod document;
pub mod edit;
pub mod file;
pub mod message;

use std::path::{Path, PathBuf};

pub use agents::AGENTS;

use edit::{Hook, Shape};

/// What an agent's documentation says of its hooks.
#[derive(Debug)]
pub struct Agent {
    /// Its id: that of the source which reads its logs.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The settings file of this user, below a home folder and an environment.
    settings: fn(&Path, Lookup<'_>) -> PathBuf,
    /// The event before a prompt of the user is worked on.
    prompt: &'static str,
    /// The event before a tool is used.
    tool: &'static str,
    /// How hooks are written in the settings.
    shape: Shape,
    /// What a new settings file begins with.
    head: Option<&'static str>,
    /// How it is answered.
    answers: Answers,
    /// What the user has to do before the agent runs the hook.
    pub then: &'static str,
    /// What its hooks can't do.
    pub limits: &'static str,
}

/// Looks an environment variable up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<PathBuf>;

/// How an agent takes an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    /// Stopped by exit code 2 with the reason on standard error; warned by JSON with
    /// `systemMessage` and, before a prompt, `additionalContext`.
    ExitCode,
    /// Stopped by JSON with `continue` or `permission`; can't be warned.
    Json,
}

/// When a hook is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before a prompt is worked on.
    Prompt,
    /// Before a tool is used.
    Tool,
}

impl Agent {
    /// The settings file of this user.
    pub fn settings(&self, home: &Path, variable: Lookup<'_>) -> PathBuf {
        (self.settings)(home, variable)
    }

    /// What every command of ours in its settings ends with.
    pub fn ending(&self) -> String {
        format!(" guard hook {}", self.id)
    }

    /// The command to run, for a program whose path is quoted for a shell already.
    pub fn command(&self, program: &str) -> String {
        format!("{program}{}", self.ending())
    }

    /// The text of its settings with `command` in it.
    ///
    /// # Errors
    /// As [`edit::add`].
    pub fn add(&self, text: &str, command: &str) -> Result<String, edit::EditError> {
        self.with(|hook| edit::add(text, hook, command))
    }

    /// The text of its settings without our command; `None` when nothing is left.
    ///
    /// # Errors
    /// As [`edit::remove`].
    pub fn remove(&self, text: &str) -> Result<Option<String>, edit::EditError> {
        self.with(|hook| edit::remove(text, hook))
    }

    /// Our command in the text of its settings, when it is there for every event.
    ///
    /// # Errors
    /// The text is no JSON.
    pub fn installed(&self, text: &str) -> Result<Option<String>, edit::EditError> {
        self.with(|hook| {
            Ok(edit::command_in(text, hook)?.filter(|_| edit::is_whole(text, hook) == Ok(true)))
        })
    }

    /// When the event of that name is run; `None` for events we are not asked at.
    pub fn moment(&self, event: &str) -> Option<Moment> {
        match event {
            _ if event == self.prompt => Some(Moment::Prompt),
            _ if event == self.tool => Some(Moment::Tool),
            _ => None,
        }
    }

    fn with<T>(&self, work: impl FnOnce(&Hook<'_>) -> T) -> T {
        work(&Hook {
            shape: self.shape,
            events: &[self.prompt, self.tool],
            head: self.head,
            ending: &self.ending(),
        })
    }
}

/// The agent of that id.
pub fn find(id: &str) -> Option<&'static Agent> {
    AGENTS.iter().copied().find(|agent| agent.id == id)
}
