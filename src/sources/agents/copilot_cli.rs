//! GitHub Copilot CLI, and the GitHub Copilot app, which shares its store.
//!
//! # Where
//! `${COPILOT_HOME:-~/.copilot}`: `session-store.db`, `otel/**/*.jsonl`,
//! `session-state/<session>/events.jsonl`; besides, the one file that
//! `$COPILOT_OTEL_FILE_EXPORTER_PATH` names. `[agents.copilot-cli] roots = [...]` in the config
//! replaces the home folder.
//!
//! # What counts
//! One request may stand in three stores; of each session only the richest store that knows it
//! counts ([`super::copilot`]), whichever is read first. The rules, each with a fixture in
//! `tests/fixtures/agents/copilot-cli`:
//!
//! 1. `session-store.db`, table `assistant_usage_events`: a row is a request, also a compaction
//!    (`initiator`). `input_tokens` holds the cache reads and writes, `output_tokens` the
//!    reasoning; over a session the rows add up to what its shutdown states (as observed on
//!    versions 1.0.80 and 1.0.91).
//! 2. Columns that old versions lack count as empty. Times are UTC, also without a zone.
//! 3. `total_nano_aiu` is a cost: an AI unit is an AI credit, which is a cent
//!    (<https://docs.github.com/en/billing>). NULL and 0 say nothing.
//! 4. Row ids begin again when the store is made anew, so the time is part of the key.
//! 5. OpenTelemetry files, which exist where somebody turned them on: a `chat` span and the log
//!    of the inference within it are one request, known by trace and span. The span says more
//!    (its cost), so it wins. Turn logs and `invoke_agent` spans repeat sums of those and never
//!    count; metrics neither.
//! 6. `events.jsonl`: each `session.shutdown` states sums per model that run on over resumed
//!    legs: a leg is what they grew by. Sums that are below the last ones began anew (compaction
//!    does that) and count as they stand. `assistant.message` repeats the output only.
//!    `totalNanoAiu` there is a running sum over all models and is left alone.
//! 7. A session that the store knows only in part (it was begun by a version without the store)
//!    counts as the store has it.

mod events;
mod otel;
mod store;

use std::io;
use std::path::{Path, PathBuf};

use super::agent::{Agent, FileKind, is_jsonl, itself, whole_tree};
use super::copilot::PROVIDER;
use super::homes::named_by;
use super::scan::walk::list;
use super::scan::{Verdict, explain, scan};
use crate::sources::{
    Look, Places, ReadFuture, Source, SourceError, SourceInfo, SourceKind, Watched,
};
use crate::spend::{Marks, Reading};

/// GitHub Copilot CLI with the one trace file that may lie anywhere.
pub struct CopilotCli;

static HOME: Agent = Agent {
    info: &SourceInfo {
        id: "copilot-cli",
        name: "GitHub Copilot CLI",
        kind: SourceKind::Agent,
        account: PROVIDER,
        poll_minutes: 10,
        least_minutes: 0,
        settings: &[],
        status_page: "",
        key: None,
        base_url: "",
        tells: "tokens and cost of every request, by model, project and session",
        reads: "session store (SQLite), OpenTelemetry files and session events (JSONL)",
        limits: "versions without a session store tell a run only when it ends in good order",
    },
    homes: |places| vec![named_by(places, "COPILOT_HOME", || places.home.join(".copilot"))],
    inside: itself,
    kinds: &[
        FileKind { is_log: is_store, deepest: 0, format: &store::Rows },
        FileKind { is_log: is_trace, deepest: 3, format: &otel::Records },
        FileKind { is_log: is_events, deepest: 2, format: &events::Legs },
    ],
    watch: whole_tree,
};

fn is_store(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "session-store.db")
}

fn is_trace(path: &Path) -> bool {
    is_jsonl(path)
        && path.ancestors().skip(1).any(|at| at.file_name().is_some_and(|name| name == "otel"))
        && !is_events(path)
}

/// `session-state/<session>/events.jsonl`
fn is_events(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "events.jsonl")
        && path.ancestors().nth(2).is_some_and(|at| at.ends_with("session-state"))
}

/// The trace file outside of the home folders, as its folder and itself.
fn trace_elsewhere(places: &Places) -> Option<(PathBuf, PathBuf)> {
    let named = named_by(places, "COPILOT_OTEL_FILE_EXPORTER_PATH", PathBuf::new);
    let file = std::fs::canonicalize(named).ok().filter(|file| file.is_file())?;
    let is_inside = HOME
        .roots(places)
        .iter()
        .any(|root| root.canonicalize().is_ok_and(|root| file.starts_with(root)));
    let covered = is_inside && (is_trace(&file) || is_events(&file));
    (!covered).then_some((file.parent()?.to_owned(), file))
}

fn look(
    places: &Places,
    marks: &Marks,
    only: Option<&[PathBuf]>,
    most: usize,
) -> Result<Reading, SourceError> {
    let reading = HOME.look(places, marks, only, most);
    let Some((folder, file)) = trace_elsewhere(places) else { return reading };
    let mut reading = match reading {
        Err(SourceError::NotInstalled) => Reading::default(),
        reading => reading?,
    };
    // Only this file: its folder may be anything.
    let is_named = |path: &Path| path == file;
    let listing = list(&[folder], Some(std::slice::from_ref(&file)), 0, marks, &is_named);
    reading.join(scan(&otel::Records, listing, marks, most));
    Ok(reading)
}

impl Source for CopilotCli {
    fn info(&self) -> &'static SourceInfo {
        HOME.info
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        HOME.roots(places)
    }

    fn is_absent(&self, places: &Places) -> bool {
        HOME.is_absent(places) && trace_elsewhere(places).is_none()
    }

    fn watched(&self, places: &Places) -> Vec<Watched> {
        HOME.watched(places)
    }

    fn explain(&self, places: &Places, file: &Path) -> Option<io::Result<Vec<Verdict>>> {
        HOME.explain(places, file).or_else(|| {
            let file = std::fs::canonicalize(file).ok()?;
            let (_, named) = trace_elsewhere(places)?;
            (named == file).then(|| explain(&otel::Records, &file))
        })
    }

    fn read<'a>(&'a self, request: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(async move { look(request.places, request.marks, request.only, request.most) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"type":"span","traceId":"t","spanId":"s","attributes":{"gen_ai.operation.name":"chat","gen_ai.usage.input_tokens":5,"gen_ai.usage.output_tokens":1},"endTime":[1780308000,0]}"#;

    #[test]
    fn a_named_trace_file_is_read_and_nothing_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("traces.jsonl");
        std::fs::write(&file, format!("{LINE}\n")).unwrap();
        std::fs::write(home.path().join("other.jsonl"), format!("{LINE}\n")).unwrap();
        let mut places = Places { home: home.path().join("none"), ..Places::default() };
        let nothing = Marks::new();
        assert_eq!(look(&places, &nothing, None, 8_000), Err(SourceError::NotInstalled));
        let name = "COPILOT_OTEL_FILE_EXPORTER_PATH".to_owned();
        places.variables.insert(name, file.clone().into_os_string());
        let reading = look(&places, &nothing, None, 8_000).unwrap();
        assert_eq!((reading.usages.len(), reading.marks.len()), (1, 1));
        let marks = reading.marks.into_iter().map(|(name, mark)| (name, mark.unwrap())).collect();
        assert_eq!(look(&places, &marks, None, 8_000), Ok(Reading::default()));
        let verdicts = CopilotCli.explain(&places, &file).unwrap().unwrap();
        assert_eq!(verdicts.len(), 1);
        assert!(CopilotCli.explain(&places, &home.path().join("other.jsonl")).is_none());
    }
}
