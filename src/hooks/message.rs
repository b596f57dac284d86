//! What an agent tells a hook, and how it is answered.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::Serialize;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};

use super::{Agent, Answers, Moment};

/// What matters of the JSON on standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The event's name.
    pub event: Option<String>,
    /// The session, as it stands in the agent's logs too.
    pub session: Option<String>,
    /// The folder that the agent works in.
    pub folder: Option<String>,
}

/// What to tell an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing: go on.
    Nothing,
    /// Go on, and show this.
    Warning(String),
    /// Stop, for this reason.
    Stop(String),
}

/// An answer as a process gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// For standard output.
    pub stdout: String,
    /// For standard error.
    pub stderr: String,
    /// Exit code.
    pub code: u8,
}

/// Reads the names of the event, the session and the folder out of a JSON object. Whatever stands
/// behind them is not looked at: tools are given whole files, and what came may be cut off. `None` when
/// it is no object that names its event.
pub fn read(bytes: &[u8]) -> Option<Told> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut told = Told::default();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // An error is how the visitor leaves when it has seen enough, and how a cut-off text ends.
    let _ = reader.deserialize_map(Fields(&mut told));
    told.event.is_some().then_some(told)
}

struct Fields<'a>(&'a mut Told);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Name<'de>>()? {
            match &*name.0 {
                "hook_event_name" => self.0.event = map.next_value()?,
                "session_id" | "conversation_id" => self.0.session = map.next_value()?,
                "cwd" => self.0.folder = map.next_value()?,
                "workspace_roots" => {
                    self.0.folder = map.next_value::<Vec<String>>()?.into_iter().next();
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            let Told { event, session, folder } = &*self.0;
            if event.is_some() && session.is_some() && folder.is_some() {
                return Err(A::Error::custom("seen enough"));
            }
        }
        Ok(())
    }
}

/// A name that is borrowed where it can be.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Warning<'a> {
    system_message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook_specific_output: Option<ForModel<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForModel<'a> {
    hook_event_name: &'a str,
    additional_context: &'a str,
}

#[derive(Serialize)]
struct StopPrompt<'a> {
    r#continue: bool,
    user_message: &'a str,
}

#[derive(Serialize)]
struct StopTool<'a> {
    permission: &'static str,
    user_message: &'a str,
    agent_message: &'a str,
}

impl Agent {
    /// The answer in the agent's own form.
    pub fn answer(&self, moment: Moment, word: &Word) -> Answer {
        match (self.answers, word) {
            (Answers::ExitCode, Word::Nothing) => Answer::default(),
            (Answers::Json, Word::Nothing) => {
                Answer { stdout: Self::goes_on(moment), ..Answer::default() }
            }
            (Answers::ExitCode, Word::Stop(reason)) => {
                Answer { stderr: line(reason), code: 2, ..Answer::default() }
            }
            (Answers::ExitCode, Word::Warning(text)) => {
                let for_model = ForModel { hook_event_name: self.prompt, additional_context: text };
                let warning = Warning {
                    system_message: text,
                    hook_specific_output: (moment == Moment::Prompt).then_some(for_model),
                };
                Answer { stdout: json(&warning), ..Answer::default() }
            }
            (Answers::Json, Word::Stop(reason)) => {
                let stdout = match moment {
                    Moment::Prompt => json(&StopPrompt { r#continue: false, user_message: reason }),
                    Moment::Tool => json(&StopTool {
                        permission: "deny",
                        user_message: reason,
                        agent_message: reason,
                    }),
                };
                Answer { stdout, ..Answer::default() }
            }
            (Answers::Json, Word::Warning(text)) => {
                Answer { stdout: Self::goes_on(moment), stderr: line(text), ..Answer::default() }
            }
        }
    }

    /// JSON that decides nothing: an answer that is no JSON may count as a failed hook.
    fn goes_on(moment: Moment) -> String {
        match moment {
            Moment::Prompt => "{\"continue\":true}\n".to_owned(),
            Moment::Tool => "{}\n".to_owned(),
        }
    }

    /// Whether a warning reaches anybody.
    pub fn shows_warnings(&self) -> bool {
        self.answers == Answers::ExitCode
    }
}

fn line(text: &str) -> String {
    format!("{text}\n")
}

fn json(value: &impl Serialize) -> String {
    // Plain structs of texts can't fail to be written; nothing is the answer that lets agents go on.
    serde_json::to_string(value).map(|text| line(&text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{AGENTS, find};
    use super::*;

    fn told(event: &str, session: &str) -> Option<Told> {
        Some(Told { event: Some(event.into()), session: Some(session.into()), folder: None })
    }

    #[test]
    fn the_event_and_the_session_are_read_from_whatever_came() {
        let cut_off =
            br#"{"session_id":"s","hook_event_name":"PreToolUse","tool_input":{"content":"#;
        assert_eq!(read(cut_off), told("PreToolUse", "s"));
        assert_eq!(
            read(br#" {"prompt":"{\"session_id\":1}","conversation_id":"c","hook_event_name":"e\u0078"}"#),
            told("ex", "c")
        );
        assert_eq!(read(br#"{"hook_event_name":"E"}"#).unwrap().session, None);
        let folder = |json: &str| read(json.as_bytes()).unwrap().folder;
        assert_eq!(folder(r#"{"cwd":"/w","hook_event_name":"E"}"#).as_deref(), Some("/w"));
        let roots = r#"{"hook_event_name":"E","workspace_roots":["/a","/b"]}"#;
        assert_eq!(folder(roots).as_deref(), Some("/a"));
        assert_eq!(read(br#"{"session_id":null,"hook_event_name":"E"}"#).unwrap().session, None);
        for nothing in ["", "[]", "{}", "null", "{\"hook_event_name\":5}", "{\"session_id\":\"s\"}"]
        {
            assert_eq!(read(nothing.as_bytes()), None, "{nothing}");
        }
        assert_eq!(read(b"\xff\xfe{"), None);
    }

    #[test]
    fn agents_are_answered_in_their_own_form() {
        let mut shown = String::new();
        for agent in [find("codex").unwrap(), find("cursor").unwrap()] {
            for moment in [Moment::Prompt, Moment::Tool] {
                for word in [Word::Warning("80 %".into()), Word::Stop("used up".into())] {
                    let Answer { stdout, stderr, code } = agent.answer(moment, &word);
                    shown +=
                        &format!("{} {moment:?} {code} out {stdout:?} err {stderr:?}\n", agent.id);
                }
            }
        }
        insta::assert_snapshot!(shown, @r#"
        codex Prompt 0 out "{\"systemMessage\":\"80 %\",\"hookSpecificOutput\":{\"hookEventName\":\"UserPromptSubmit\",\"additionalContext\":\"80 %\"}}\n" err ""
        codex Prompt 2 out "" err "used up\n"
        codex Tool 0 out "{\"systemMessage\":\"80 %\"}\n" err ""
        codex Tool 2 out "" err "used up\n"
        cursor Prompt 0 out "{\"continue\":true}\n" err "80 %\n"
        cursor Prompt 0 out "{\"continue\":false,\"user_message\":\"used up\"}\n" err ""
        cursor Tool 0 out "{}\n" err "80 %\n"
        cursor Tool 0 out "{\"permission\":\"deny\",\"user_message\":\"used up\",\"agent_message\":\"used up\"}\n" err ""
        "#);
    }

    #[test]
    fn every_agent_is_a_source_and_knows_its_events() {
        for agent in AGENTS {
            assert!(crate::sources::find(agent.id).is_some(), "{}", agent.id);
            assert_eq!(agent.moment(agent.prompt), Some(Moment::Prompt));
            assert_eq!(agent.moment(agent.tool), Some(Moment::Tool));
            assert_eq!(agent.moment("Stop"), None);
            let nothing = agent.answer(Moment::Tool, &Word::Nothing);
            let (stdout, code) = (nothing.stdout.trim(), nothing.code);
            assert!(code == 0 && nothing.stderr.is_empty() && ["", "{}"].contains(&stdout));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_fuss(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
