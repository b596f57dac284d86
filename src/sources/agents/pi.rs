//! pi, the coding agent of pi-mono.
//!
//! # Where
//! `$PI_CODING_AGENT_SESSION_DIR`, else `sessions` in `${PI_CODING_AGENT_DIR:-~/.pi/agent}`
//! ([its documentation][readme]). `[agents.pi] roots = [...]` in the config replaces these: a
//! folder with sessions, or one with a folder `sessions` in it. In it lies one folder for each
//! working folder, with a file `<time>_<id>.jsonl` for each session. `--no-session` leaves no file.
//!
//! # What counts
//! The entries are pi's own; their rules are in [`entries`](super::entries). With fixtures in
//! `tests/fixtures/agents/pi`:
//!
//! 1. `--fork` and `/fork` write a new file under a new session id with the old entries copied word
//!    for word: each counts once.
//! 2. An answer that has neither input nor output but reads from the cache is a request.
//! 3. Without a model the model is unknown; there is no default.
//!
//! [readme]: https://github.com/badlogic/pi-mono/tree/main/packages/coding-agent

use std::path::{Path, PathBuf};

use super::agent::{Agent, FileKind, is_jsonl, whole_tree};
use super::entries::{self, Session, Writer, sessions_of};
use super::homes::named_by;
use super::scan::{Findings, Format, Shape};
use crate::sources::{Places, SourceInfo, SourceKind};
use crate::spend::BY_PROVIDER;

/// pi.
pub static AGENT: Agent = Agent {
    info: &SourceInfo {
        id: "pi",
        name: "pi",
        kind: SourceKind::Agent,
        account: BY_PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens and own cost of every request, by model, project and session",
        reads: "session files (JSONL)",
        limits: "runs with --no-session leave no file",
    },
    homes,
    inside: |home| vec![sessions_of(home)],
    kinds: &[FileKind { is_log: is_jsonl, deepest: 2, format: &Lines }],
    watch: whole_tree,
};

fn homes(places: &Places) -> Vec<PathBuf> {
    vec![named_by(places, "PI_CODING_AGENT_SESSION_DIR", || {
        named_by(places, "PI_CODING_AGENT_DIR", || places.home.join(".pi/agent")).join("sessions")
    })]
}

const WRITER: Writer = Writer { agent: "pi", counted_elsewhere: |_, _| None };

struct Lines;

impl Format for Lines {
    type State = Session;

    fn shape(&self) -> Shape<'_> {
        Shape::Lines(entries::lines())
    }

    fn line(&self, _file: &Path, session: &mut Session, line: &[u8], found: &mut Findings) {
        WRITER.read(session, line, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_for_sessions_comes_before_the_one_for_the_home() {
        let mut places = Places { home: "/home/ada".into(), ..Places::default() };
        assert_eq!(homes(&places), [PathBuf::from("/home/ada/.pi/agent/sessions")]);
        places.variables.insert("PI_CODING_AGENT_DIR".into(), "/x".into());
        assert_eq!(homes(&places), [PathBuf::from("/x/sessions")]);
        places.variables.insert("PI_CODING_AGENT_SESSION_DIR".into(), "~/s".into());
        assert_eq!(homes(&places), [PathBuf::from("/home/ada/s")]);
    }
}
