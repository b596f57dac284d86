//! Codex.
//!
//! # Where
//! `$CODEX_HOME` (a list with commas), else `~/.codex`; in it `sessions/YYYY/MM/DD/rollout-*.jsonl`
//! and `archived_sessions/*.jsonl`. A file of the same name in both is read once, from `sessions`.
//! Old rollouts packed as `.jsonl.zst` are read too.
//! `[agents.codex] roots = [...]` in the config replaces the homes.
//!
//! # What counts
//! Lines of `type: "event_msg"` with `payload.type: "token_count"` carry a running total of the
//! session and the vector of the last request. Input *includes* cached input and cache writes,
//! output *includes* reasoning. How a row becomes usage stands in [`counter`], how a forked
//! session is told from its parent in [`origin`] and [`ancestry`]; beside these:
//!
//! - The model is that of the last `turn_context`; a blank one clears it, and only then does a
//!   model on the event itself count. No model: unattributed, never a neighbour's.
//! - A session is known by `payload.id` of its first `session_meta` (`session_id` is the parent's
//!   in subagents); later ones are copied ancestors.
//! - The tier is `service_tier` of the last `thread_settings_applied`. Settings that change within
//!   a turn hold from the next turn on (openai/codex, core/tests/suite/model_switching.rs).
//! - `token_usage_record` repeats a turn cumulatively and is never added.
//! - A `plan_type` in the rate limits says that a subscription covers the request.
//!
//! The key is session id + time + both vectors, so that an archived copy changes nothing.

mod ancestry;
mod base;
mod counter;
mod origin;
mod row;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::homes::paths_in;
use super::scan::compare::{Kind, changes};
use super::scan::lines::Filter;
use super::scan::walk::{Listing, list};
use super::scan::{Findings, Format, Shape, Verdict, explain, scan};
use super::wire::{cause, filled, time};
use crate::sources::{
    Changes, Depth, Entered, Known, Look, Places, ReadFuture, Source, SourceError, SourceInfo,
    SourceKind, Watched,
};
use crate::spend::{EventKey, Kin, Mark, Marks, Reading, Relation, Speed, TokenCounts, Usage};
use ancestry::{Ancestors, thread_of};
use base::{HistoryBase, Wait};
use counter::Vector;
use origin::{Counted, Origin};
use row::{Payload, Row};

/// Codex's session logs.
pub struct Codex;

static INFO: SourceInfo = SourceInfo {
    id: "codex",
    name: "Codex",
    kind: SourceKind::Agent,
    account: "openai",
    poll_minutes: 10,
    least_minutes: 0,
    settings: &[],
    status_page: "",
    key: None,
    base_url: "",
    tells: "tokens of every request, by model, project and session",
    reads: "rollouts, active and archived (JSONL)",
    limits: "forks whose parent is missing are told as unmetered; runs without a session file leave nothing to read",
};

/// `sessions/YYYY/MM/DD/` needs three levels.
const DEEPEST: usize = 6;

impl Source for Codex {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        roots(places)
    }

    fn watched(&self, places: &Places) -> Vec<Watched> {
        let tree = |folder| Watched { folder, depth: Depth::Tree };
        roots(places).into_iter().map(tree).collect()
    }

    fn compares(&self) -> bool {
        true
    }

    fn changes(
        &self,
        places: &Places,
        known: Known,
        entering: &dyn Fn(Entered<'_>),
    ) -> Option<Changes> {
        let kinds: [Kind<'_>; 1] = [(&is_log, DEEPEST)];
        let changes = changes(&roots(places), &kinds, known, entering)?;
        // Whether one in the archive is a copy only a look at everything tells.
        (!changes.files.iter().any(|file| is_archived(file))).then_some(changes)
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(async move { read(look.places, look.marks, look.only, look.most) })
    }

    fn explain(&self, places: &Places, file: &Path) -> Option<io::Result<Vec<Verdict>>> {
        let file = std::fs::canonicalize(file).ok().filter(|file| is_log(file))?;
        let roots = roots(places);
        let mut real = roots.iter().filter_map(|root| root.canonicalize().ok());
        if !real.any(|root| file.starts_with(root)) {
            return None;
        }
        let marks = Marks::new();
        let lines = Lines { ancestors: Ancestors::new(roots, &marks) };
        Some(explain(&lines, &file))
    }
}

/// Looks at the logs once.
///
/// # Errors
/// [`SourceError::NotInstalled`] when none of the folders exists.
pub fn read(
    places: &Places,
    marks: &Marks,
    only: Option<&[PathBuf]>,
    most: usize,
) -> Result<Reading, SourceError> {
    let roots = roots(places);
    let only = only.map(|only| with_waiting_forks(only, marks));
    let mut listing = list(&roots, only.as_deref(), DEEPEST, marks, &is_log);
    if !listing.any_root {
        return Err(SourceError::NotInstalled);
    }
    drop_archived_copies(&mut listing);
    let lines = Lines { ancestors: Ancestors::new(roots, marks) };
    Ok(scan(&lines, listing, marks, most))
}

fn roots(places: &Places) -> Vec<PathBuf> {
    let is_log_folder = |home: &PathBuf| {
        home.file_name().is_some_and(|name| name == "sessions" || name == "archived_sessions")
    };
    places
        .homes_of(INFO.id, homes)
        .into_iter()
        .flat_map(|home| {
            if is_log_folder(&home) {
                vec![home]
            } else {
                vec![home.join("sessions"), home.join("archived_sessions")]
            }
        })
        .collect()
}

fn homes(places: &Places) -> Vec<PathBuf> {
    match places.variable("CODEX_HOME") {
        Some(list) => paths_in(list, &places.home),
        None => vec![places.home.join(".codex")],
    }
}

fn is_log(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_suffix(".zst").unwrap_or(name).ends_with(".jsonl")
}

fn is_archived(file: &Path) -> bool {
    file.parent().is_some_and(|folder| folder.ends_with("archived_sessions"))
}

/// A file that was archived while it is still active counts once anyway, by its keys; leaving the
/// copy out saves the reading.
fn drop_archived_copies(listing: &mut Listing) {
    if !listing.files.iter().any(|file| is_archived(file.path())) {
        return;
    }
    let active: BTreeSet<_> = listing
        .files
        .iter()
        .filter(|file| !is_archived(file.path()))
        .filter_map(|file| file.path().file_name().map(ToOwned::to_owned))
        .collect();
    listing.files.retain(|file| {
        !is_archived(file.path())
            || !file.path().file_name().is_some_and(|name| active.contains(name))
    });
}

/// The named files, and every fork that waits for one of them as its parent.
fn with_waiting_forks(only: &[PathBuf], marks: &Marks) -> Vec<PathBuf> {
    let threads: BTreeSet<_> = only.iter().filter_map(|path| thread_of(path)).collect();
    let waiting = marks.iter().filter_map(|(name, mark)| {
        let parent = waits_for(mark)?;
        threads.contains(parent.thread.as_str()).then(|| PathBuf::from(name))
    });
    only.iter().cloned().chain(waiting).collect()
}

/// The parent that a file's state waits for. The text is searched before it is parsed, because
/// this is asked of every file at every look.
fn waits_for(mark: &Mark) -> Option<Wait> {
    if !mark.state.contains(r#""waits_for""#) {
        return None;
    }
    serde_json::from_str::<State>(&mark.state).ok()?.origin.waits_for().cloned()
}

struct Lines<'a> {
    ancestors: Ancestors<'a>,
}

/// What is carried from line to line of a rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// Thread id: `payload.id` of the first `session_meta`.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cwd: Option<String>,
    /// Of the last `turn_context`.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    speed: Speed,
    /// Set within a turn, holds from the next one on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_speed: Option<Speed>,
    /// A `task_started` without its end was seen, and a request since then.
    in_turn: bool,
    asked_in_turn: bool,
    origin: Origin,
    /// Unmetered tokens that earlier readings told already. [`Reading::unmetered_tokens`] is an
    /// increase; the file's own figure is kept here, so that reading it again adds nothing.
    unmetered_told: u64,
}

impl Format for Lines<'_> {
    type State = State;

    fn shape(&self) -> Shape<'_> {
        static FILTER: LazyLock<Filter> = LazyLock::new(|| Filter::Picked(row::is_wanted));
        Shape::Lines(&FILTER)
    }

    fn stale(&self, file: &Path, mark: &Mark) -> bool {
        waits_for(mark).is_some_and(|wait| self.ancestors.can_answer(&wait, file))
    }

    fn restart(&self, before: State) -> State {
        State { unmetered_told: before.unmetered_told, ..State::default() }
    }

    fn line(&self, file: &Path, state: &mut State, line: &[u8], found: &mut Findings) {
        let row: Row<'_> = match serde_json::from_slice(line) {
            Ok(row) => row,
            Err(error) => {
                found.problem(format!("not a readable line: {}", cause(&error)));
                return;
            }
        };
        let Some(payload) = &row.payload else { return };
        match (row.kind.as_deref(), payload.kind.as_deref()) {
            (Some("session_meta"), _) => self.session_meta(file, state, &row, payload, found),
            (Some("turn_context"), _) => {
                state.model = filled(&payload.model).map(str::to_owned);
                if let Some(cwd) = filled(&payload.cwd) {
                    state.cwd = Some(cwd.to_owned());
                }
            }
            (_, Some("task_started")) => {
                state.in_turn = true;
                state.asked_in_turn = false;
                if let Some(speed) = state.next_speed.take() {
                    state.speed = speed;
                }
                state.origin.turn_started(payload.started_at());
            }
            (_, Some("task_complete" | "turn_aborted")) => state.in_turn = false,
            (_, Some("thread_settings_applied")) => {
                if let Some(speed) = payload.speed() {
                    if state.in_turn && state.asked_in_turn {
                        state.next_speed = Some(speed);
                    } else {
                        state.speed = speed;
                    }
                }
            }
            (Some("event_msg") | None, Some("token_count")) => {
                self.token_count(file, state, &row, payload, found);
            }
            _ => {}
        }
    }

    fn finish(&self, state: &mut State, found: &mut Findings) {
        let unmetered = state.origin.unmetered();
        found.unmetered_tokens = unmetered.saturating_sub(state.unmetered_told);
        state.unmetered_told = state.unmetered_told.max(unmetered);
    }
}

impl Lines<'_> {
    fn session_meta(
        &self,
        file: &Path,
        state: &mut State,
        row: &Row<'_>,
        payload: &Payload<'_>,
        found: &mut Findings,
    ) {
        let id = filled(&payload.id).or(filled(&payload.session_id));
        if state.session.is_some() {
            // A later one is a copied ancestor, never this session.
            if let Some(id) = id.filter(|id| Some(*id) != state.session.as_deref()) {
                state.origin.foreign_meta(id, payload);
            }
            return;
        }
        state.session = id.or_else(|| thread_of(file)).map(str::to_owned);
        if state.cwd.is_none() {
            state.cwd = filled(&payload.cwd).map(str::to_owned);
        }
        state.origin = Origin::of(payload, payload.born(row));
        let came_from =
            payload.spawned_by().map(|parent| (parent.0.into_owned(), Relation::Subagent));
        let forked = || Some((filled(&payload.forked_from_id)?.to_owned(), Relation::Fork));
        if let (Some(session), Some((parent, relation))) =
            (&state.session, came_from.or_else(forked))
            && parent != *session
        {
            let (session, parent) = (found.share(session), found.share(&parent));
            found.kin.push(Kin { session, parent, relation });
        }
    }

    fn token_count(
        &self,
        file: &Path,
        state: &mut State,
        row: &Row<'_>,
        payload: &Payload<'_>,
        found: &mut Findings,
    ) {
        let Some(info) = &payload.info else { return found.skip("tells limits, no tokens") };
        let total = info.total_token_usage.as_ref().map(|usage| usage.vector());
        let last = info.last_token_usage.as_ref().map(|usage| usage.vector());
        if total.is_none() && last.is_none() {
            return;
        }
        let Some(at) = row.timestamp.as_deref().and_then(time) else {
            found.problem("a request without a readable time");
            return;
        };
        state.asked_in_turn = true;
        let ancestors = |thread: &str| self.ancestors.stream(thread, file);
        let base = |base: &HistoryBase| self.ancestors.total_at(base, file);
        let ordinal = row.ordinal.map(|ordinal| ordinal.0);
        let Counted::Own(spent) = state.origin.row(ordinal, total, last, &ancestors, &base) else {
            return found.skip(if state.origin.waits_for().is_some() {
                "can't be told from the parent's, which is missing: unmetered"
            } else {
                "replayed from the parent session"
            });
        };
        if spent.is_zero() {
            return found.skip("the same running total again: adds nothing");
        }
        let session = state.session.as_deref().or_else(|| thread_of(file)).unwrap_or_default();
        let model = state.model.as_deref().or(filled(&payload.model)).or(filled(&info.model));
        let provider = Some(found.share("openai"));
        let model = model.map(|model| found.share(model));
        let project = state.cwd.as_deref().map(|cwd| found.share(cwd));
        let key = key(session, at, total, last);
        let session = Some(session).filter(|id| !id.is_empty()).map(|id| found.share(id));
        found.count(Usage {
            key,
            at,
            provider,
            model,
            tokens: tokens(&spent),
            speed: state.speed,
            web_searches: 0,
            stated_cost: None,
            project,
            session,
            funding: payload.funding(),
            is_sum: false,
        });
    }
}

fn key(session: &str, at: DateTime<Utc>, total: Option<Vector>, last: Option<Vector>) -> EventKey {
    let at = at.timestamp_micros().to_le_bytes();
    let bytes = |vector: Option<Vector>| vector.map(|vector| vector.0.map(u64::to_le_bytes));
    let (total, last) = (bytes(total), bytes(last));
    let flat = |bytes: &Option<[[u8; 8]; 5]>| match bytes {
        Some(bytes) => bytes.as_flattened().to_vec(),
        None => Vec::new(),
    };
    EventKey::in_session(session.as_bytes(), &[&at, &flat(&total), &flat(&last)])
}

/// Cached input and cache writes are inside input; a row that reports more of them than input is
/// cut to it. Reasoning is inside output.
fn tokens(spent: &Vector) -> TokenCounts {
    let cache_read = spent.cached().min(spent.input());
    let cache_write = spent.cache_write().min(spent.input() - cache_read);
    TokenCounts {
        input: spent.input() - cache_read - cache_write,
        cache_read,
        cache_write_5m: cache_write,
        cache_write_1h: 0,
        output: spent.output(),
        reasoning: spent.reasoning().min(spent.output()),
    }
}
