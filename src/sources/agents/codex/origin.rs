//! Which rows of a rollout are the session's own, and which were copied from the thread it was
//! forked from.
//!
//! | shape | how it looks | what counts |
//! |---|---|---|
//! | A root | no ancestor | every row |
//! | B fresh subagent | a parent thread, but no `forked_from_id` | every row: its counter starts at 0 |
//! | C embedded replay | rows of the parent repeated under new times | rows after the copied ones, from the last copied total on, or from 0 where the counter starts anew |
//! | D inherited counter | first row at the parent's total, `last` all zero | rows after it, from that total on |
//! | E paginated | `history_base` | every row, from the parent's total at that position on |
//! | F interleaved | totals fall | see [`super::counter`] |
//! | G no parent | nothing tells the copied rows | nothing; the tokens are unmetered |
//!
//! The end of the copied rows is found, in order of trust: by `subagent_history_start_ordinal`, the
//! number of the first line that is the subagent's own; by comparing them with the parent's own
//! rows (both vectors, in order; times are rewritten and say nothing); by a row whose total less
//! `last` is a total of the parent; by a turn that started after the fork was made. Gaps in time,
//! the first second and the first turn context have each been tried by others and fail.
//!
//! A subagent that names no fork is taken for B until something shows that no fresh one can look
//! like it: a record of another thread, a turn older than the subagent itself, or a first row
//! whose total is not its `last` (a counter that starts at 0 has no other first row). So nothing of
//! a fresh subagent is ever left out. What stays open is a replay without any of these signs; no
//! build is known to write one.
//!
//! A fork whose parent can't be found waits: what is not certain is not counted, and the file is
//! read again when the parent turns up.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ancestry::Stream;
use super::base::{HistoryBase, Wait};
use super::counter::{Counter, Vector};
use super::row::Payload;
use crate::sources::agents::wire::filled;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The session's own: adds this much.
    Own(Vector),
    /// An ancestor's, or not to be told: adds nothing.
    Not,
}

/// How far the question is answered for a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    stage: Stage,
    counter: Counter,
    /// Any `token_count` was seen.
    seen_rows: bool,
    /// Second in which the session was made, since 1970.
    born_at: Option<i64>,
    /// The thread that started this subagent.
    #[serde(skip_serializing_if = "Option::is_none")]
    spawned_by: Option<String>,
    /// The number of the first line that is not copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    own_from: Option<u64>,
    /// The parent could not be found when a row needed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<Wait>,
    unmetered: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    /// From here on rows are the session's own.
    #[default]
    Own,
    /// The first row shows from where the inherited counter goes on.
    Based(HistoryBase),
    /// Rows may be copies of the parent's.
    Copied {
        parent: String,
        /// How many of the parent's rows were met.
        met: usize,
        /// The total of the last row.
        previous: Option<Vector>,
        /// The last `session_meta` that was copied is a root's: the history stands here from its
        /// beginning, so that none of its rows is left out.
        embedded: bool,
        /// A turn of the session itself started.
        started: bool,
    },
}

impl Origin {
    /// What the first `session_meta` says.
    pub fn of(payload: &Payload<'_>, born: Option<DateTime<Utc>>) -> Self {
        let (forked_from, spawned_by) = (filled(&payload.forked_from_id), payload.spawned_by());
        let spawned_by = spawned_by.as_deref();
        let own_from = payload.own_from();
        let stage = match (HistoryBase::of(payload), forked_from) {
            (Some(base), _) => Stage::Based(base),
            (None, Some(parent)) => Stage::copied(parent, false),
            // The lines before that number are somebody's, known or not.
            (None, None) if own_from.is_some() => {
                Stage::copied(spawned_by.unwrap_or_default(), false)
            }
            (None, None) => Stage::Own,
        };
        Self {
            stage,
            born_at: born.map(|born| born.timestamp()),
            spawned_by: spawned_by.map(str::to_owned),
            own_from,
            ..Self::default()
        }
    }

    /// A later `session_meta` of another thread: copied history follows. Older builds forked
    /// without naming the parent in the first one.
    pub fn foreign_meta(&mut self, thread: &str, payload: &Payload<'_>) {
        let is_root = filled(&payload.forked_from_id).is_none()
            && payload.history_base.is_none()
            && payload.spawned_by().is_none();
        match &mut self.stage {
            Stage::Copied { embedded, .. } => *embedded = is_root,
            // The copied lines of a subagent may be those of a fork themselves; its parent has all.
            Stage::Own if !self.seen_rows => {
                let parent = self.spawned_by.as_deref().unwrap_or(thread);
                self.stage = Stage::copied(parent, is_root);
            }
            Stage::Own | Stage::Based(_) => {}
        }
    }

    /// A turn started. Copied turns keep their old start, so one that is not older than the session
    /// is the session's own.
    pub fn turn_started(&mut self, at: Option<i64>) {
        let (Some(at), Some(born_at)) = (at, self.born_at) else { return };
        match (&mut self.stage, &self.spawned_by) {
            (Stage::Copied { started, .. }, _) => *started |= at >= born_at,
            // A subagent can't have a turn from before it was made.
            (Stage::Own, Some(parent)) if at < born_at && !self.seen_rows => {
                self.stage = Stage::copied(parent, false);
            }
            _ => {}
        }
    }

    /// Takes one `token_count`.
    pub fn row(
        &mut self,
        ordinal: Option<u64>,
        total: Option<Vector>,
        last: Option<Vector>,
        stream_of: &dyn Fn(&str) -> Option<Arc<Stream>>,
        total_at: &dyn Fn(&HistoryBase) -> Option<Vector>,
    ) -> Counted {
        let first = !std::mem::replace(&mut self.seen_rows, true);
        if first {
            self.first_row_of_a_subagent(total, last, stream_of);
        }
        if let (Some(ordinal), Some(own_from)) = (ordinal, self.own_from)
            && let Some(counted) = self.numbered_row(ordinal < own_from, total, last)
        {
            return counted;
        }
        match &self.stage {
            Stage::Own => Counted::Own(self.counter.row(total, last)),
            Stage::Based(base) => {
                let inherited = total_at(base);
                if inherited.is_none() {
                    self.waits_for = Some(base.wait());
                }
                self.first_based_row(inherited, total, last)
            }
            Stage::Copied { .. } => match total {
                Some(total) => self.maybe_copied_row(first, total, last, stream_of),
                // Without a total nothing tells whose it is.
                None => self.not_told(last.unwrap_or_default()),
            },
        }
    }

    /// The parent whose absence left something uncounted.
    pub fn waits_for(&self) -> Option<&Wait> {
        self.waits_for.as_ref()
    }

    /// Tokens that can't be told from the parent's.
    pub fn unmetered(&self) -> u64 {
        self.unmetered
    }

    /// A fresh counter's first row tells the same in total and `last`. Another one shows copied
    /// rows or an inherited counter, if the parent is missing or knows the row.
    fn first_row_of_a_subagent(
        &mut self,
        total: Option<Vector>,
        last: Option<Vector>,
        stream_of: &dyn Fn(&str) -> Option<Arc<Stream>>,
    ) {
        let (Stage::Own, Some(parent)) = (&self.stage, &self.spawned_by) else { return };
        let (Some(total), Some(last)) = (total, last) else { return };
        if total != last
            && stream_of(parent).is_none_or(|stream| {
                stream.find(0, total, Some(last)).is_some() || stream.stood_at(&total.minus(&last))
            })
        {
            self.stage = Stage::copied(parent, false);
        }
    }

    /// A row of a file that says which of its lines are copied; `None` where even so its baseline
    /// can't be told without the parent.
    fn numbered_row(
        &mut self,
        is_copied: bool,
        total: Option<Vector>,
        last: Option<Vector>,
    ) -> Option<Counted> {
        let Stage::Copied { previous, .. } = &mut self.stage else { return None };
        if is_copied || (total.is_some() && *previous == total) {
            *previous = total.or(*previous);
            return Some(Counted::Not);
        }
        let baseline = match (total, last, *previous) {
            (Some(total), last, Some(copied)) => baseline(copied, total, last),
            // No row was copied, but the parent's last one may be written again.
            (Some(total), Some(last), None) if total == last => return None,
            (Some(total), Some(last), None) => total.minus(&last),
            (Some(_), None, None) => return None,
            (None, ..) => Vector::default(),
        };
        Some(self.own_from(baseline, total, last))
    }

    fn first_based_row(
        &mut self,
        inherited: Option<Vector>,
        total: Option<Vector>,
        last: Option<Vector>,
    ) -> Counted {
        let Some(total) = total else {
            return self.own_from(inherited.unwrap_or_default(), total, last);
        };
        match inherited {
            Some(inherited) if total == inherited => self.own_from(inherited, Some(total), last),
            // The first row of this file is not always the first of its own counting: the one
            // before may be copied, and the counter have started anew behind it.
            Some(inherited) => self.own_from(baseline(inherited, total, last), Some(total), last),
            // May be the parent's last snapshot written again, so it is not counted.
            None => {
                self.stage = Stage::Own;
                self.counter = Counter::from_baseline(total);
                self.not_told(last.unwrap_or_default())
            }
        }
    }

    fn maybe_copied_row(
        &mut self,
        first: bool,
        total: Vector,
        last: Option<Vector>,
        stream_of: &dyn Fn(&str) -> Option<Arc<Stream>>,
    ) -> Counted {
        let Stage::Copied { parent, met, previous, embedded, started } = &mut self.stage else {
            return Counted::Not;
        };
        if *previous == Some(total) {
            return Counted::Not;
        }
        let stream = stream_of(parent);
        if let Some(at) = stream.as_ref().and_then(|stream| stream.find(*met, total, last)) {
            *met = at + 1;
            *previous = Some(total);
            return Counted::Not;
        }
        // Shape D: the counter starts where the parent's stood. Such a row may also be copied, of a
        // parent that was forked this way itself.
        let is_own = stream.is_some() || *started;
        if first && is_own && last.is_some_and(|last| last.is_zero()) {
            self.stage = Stage::Own;
            self.counter = Counter::from_baseline(total);
            return Counted::Not;
        }
        let inherited = last.map(|last| total.minus(&last));
        let copied = previous.unwrap_or_default();
        match &stream {
            // The copied rows came to their end.
            Some(_) if *met > 0 => {
                return self.own_from(baseline(copied, total, last), Some(total), last);
            }
            Some(stream) => {
                if let Some(inherited) = inherited.filter(|inherited| stream.stood_at(inherited)) {
                    return self.own_from(inherited, Some(total), last);
                }
                if first && last == Some(total) && stream.missing().is_none() {
                    return self.own_from(Vector::default(), Some(total), last);
                }
            }
            None => {}
        }
        // Where a part of the history or nothing is copied, the first row may be the parent's only
        // one, written again.
        if *started && (previous.is_some() || (*embedded && last == Some(total))) {
            return self.own_from(baseline(copied, total, last), Some(total), last);
        }
        // Shape G.
        let growth = total.minus(&copied);
        let unknown = if *started { last.unwrap_or(growth) } else { growth };
        self.waits_for = match &stream {
            None => Some(Wait { thread: parent.clone(), end: None }),
            Some(stream) => stream.missing().cloned(),
        };
        if *started {
            // The first row of the session's own turn may repeat the parent's last one.
            self.stage = Stage::Own;
            self.counter = Counter::from_baseline(total);
        } else {
            *previous = Some(total);
        }
        self.not_told(unknown)
    }

    fn own_from(
        &mut self,
        baseline: Vector,
        total: Option<Vector>,
        last: Option<Vector>,
    ) -> Counted {
        if matches!(self.stage, Stage::Copied { .. }) {
            // The end of the copied rows is known, so those before it were the parent's.
            self.unmetered = 0;
            self.waits_for = None;
        }
        self.stage = Stage::Own;
        self.counter = Counter::from_baseline(baseline);
        Counted::Own(self.counter.row(total, last))
    }

    fn not_told(&mut self, unknown: Vector) -> Counted {
        self.unmetered = self.unmetered.saturating_add(unknown.tokens());
        Counted::Not
    }
}

impl Stage {
    fn copied(parent: &str, embedded: bool) -> Self {
        Self::Copied { parent: parent.to_owned(), met: 0, previous: None, embedded, started: false }
    }
}

/// Where a session's own counting starts, after copied rows up to the total `copied`.
fn baseline(copied: Vector, total: Vector, last: Option<Vector>) -> Vector {
    match last {
        Some(last) if last == total => Vector::default(),
        _ if total.covers(&copied) => copied,
        // The counter fell, so it was started anew.
        Some(last) => total.minus(&last),
        None => Vector::default(),
    }
}
