//! One reading, or one failure, into the tables.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Result};

use super::bills::{self, Origin};
use super::days::Days;
use super::deltas::{Change, Deltas};
use super::names::Names;
use super::pricer::Pricer;
use super::state::{LookRecord, SourceState};
use super::{LedgerError, Recording, balances, events, kin, marks, state};
use crate::pricing::PriceTable;
use crate::spend::{Reading, SourceError, SourceKind};

/// What recording came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Whether anything that a face shows is different now; the time of the look aside.
    pub changed: bool,
    /// Usage events that count now and were not known before.
    pub new_events: u64,
}

impl Recording<'_> {
    /// Records a reading. One of an agent with nothing new in it writes nothing at all.
    pub fn record(
        &mut self,
        look: &LookRecord<'_>,
        reading: &Reading,
        prices: &PriceTable,
    ) -> std::result::Result<Recorded, LedgerError> {
        if !reading.marks.is_empty() {
            let id = look.source.id;
            let taken = self.stamps.borrow_mut().take_with(id, &reading.marks);
            // Those of an earlier reading of this transaction are old now.
            self.new_stamps.retain(|(source, _)| *source != id);
            self.new_stamps.extend(taken.map(|stamps| (id, stamps)));
        }
        let (recorded, moved) =
            self.write(|conn, names| record(conn, names, look, reading, prices))?;
        let known = self.ledger.moved.get_mut();
        match moved {
            Some(changes) => known.note(changes),
            None => known.upset(),
        }
        Ok(recorded)
    }

    /// Records that a look failed. The last good figures stay. True when a face has to say
    /// something else now.
    pub fn fail(
        &mut self,
        look: &LookRecord<'_>,
        error: &SourceError,
        retry_at: Option<DateTime<Utc>>,
    ) -> std::result::Result<bool, LedgerError> {
        let (changed, payer_changed) =
            self.write(|conn, names| fail(conn, names, look, error, retry_at))?;
        if payer_changed {
            self.ledger.moved.get_mut().upset();
        }
        Ok(changed)
    }
}

fn record(
    conn: &Connection,
    names: &mut Names,
    look: &LookRecord<'_>,
    reading: &Reading,
    prices: &PriceTable,
) -> Result<(Recorded, Option<Vec<Change>>)> {
    let writes_before = conn.total_changes();
    let source = names.id(conn, Some(look.source.id))?;
    let (mut pricer, mut deltas) = (Pricer::new(prices), Deltas::default());
    let stored =
        events::store(conn, names, look.source.id, &reading.usages, &mut pricer, &mut deltas)?;
    let mut days = Days::new(conn)?;
    deltas.write(conn, names, &mut pricer, &mut days)?;
    days.write(conn)?;
    // The provider is what the source's account is called when nobody renamed it.
    let origin = Origin { source, provider: look.source.account, at: look.at };
    let bills_changed =
        bills::store_charges(conn, names, origin, &reading.charges, reading.charges_cover)?
            | bills::store_metered(
                conn,
                names,
                origin,
                &reading.metered,
                reading.metered_cover,
                prices,
            )?;
    let mut changed = stored.changed | bills_changed;
    let fresh_problems = state::store_problems(conn, source, &reading.problems)?
        + state::store_problems(conn, source, &stored.refused)?;
    let gone = reading.marks.iter().filter(|(_, mark)| mark.is_none()).map(|(name, _)| name);
    let settled_problems = state::forget_problems(conn, source, gone)?;
    kin::store(conn, names, source, &reading.kin)?;
    marks::store(conn, source, &reading.marks)?;

    let known = state::of_source(conn, source)?;
    let old = known.clone().unwrap_or_else(|| state::first(look));
    let mut new = old.clone();
    new.account = look.account.to_owned();
    new.funding = look.funding;
    new.error = None;
    new.retry_at = None;
    new.gaps.clone_from(&reading.gaps);
    balances::note(conn, source, look.at, &old.balances, &reading.balances)?;
    new.balances.clone_from(&reading.balances);
    new.quotas.clone_from(&reading.quotas);
    new.totals.clone_from(&reading.totals);
    new.plan.clone_from(&reading.plan);
    new.problem_count =
        old.problem_count.saturating_add(fresh_problems).saturating_sub(settled_problems);
    new.unmetered_tokens = old.unmetered_tokens.saturating_add(reading.unmetered_tokens);
    changed |= known.is_none() || new != old;
    let wrote = conn.total_changes() != writes_before;
    if changed || wrote || look.source.kind == SourceKind::Provider {
        new.last_look_at = look.at;
        new.last_good_at = Some(look.at);
        new.took_ms = look.took_ms;
        new.looks = old.looks.saturating_add(1);
        state::write(conn, source, &new)?;
        state::store_snapshot(conn, source, look, Ok(reading))?;
    }
    let recorded = Recorded { changed, new_events: stored.new_events };
    // Who pays decides over all that the source has told before.
    let payer = |state: &SourceState| (state.account.clone(), state.funding);
    let adds_up = !bills_changed && known.as_ref().map(payer) == Some(payer(&new));
    Ok((recorded, adds_up.then_some(deltas.written)))
}

fn fail(
    conn: &Connection,
    names: &mut Names,
    look: &LookRecord<'_>,
    error: &SourceError,
    retry_at: Option<DateTime<Utc>>,
) -> Result<(bool, bool)> {
    let source = names.id(conn, Some(look.source.id))?;
    let known = state::of_source(conn, source)?;
    let old = known.clone().unwrap_or_else(|| state::first(look));
    let mut new = old.clone();
    new.account = look.account.to_owned();
    new.funding = look.funding;
    new.error = Some(error.clone());
    new.retry_at = retry_at;
    let changed = known.is_none() || new != old;
    // Nobody was asked: that nothing is installed or no key is set is news only once.
    let asked = look.source.kind == SourceKind::Provider && !error.is_absence();
    if changed || asked {
        new.last_look_at = look.at;
        new.took_ms = look.took_ms;
        new.looks = old.looks.saturating_add(1);
        new.failures = old.failures.saturating_add(1);
        state::write(conn, source, &new)?;
        state::store_snapshot(conn, source, look, Err(error))?;
    }
    let payer_changed = (&new.account, new.funding) != (&old.account, old.funding);
    Ok((changed, known.is_none() || payer_changed))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::super::testing::{
        AGENT, HAIKU, PROVIDER, at, charge, day, days, fail, ledger_in, look, metered, reading,
        record, usage, usd,
    };
    use super::super::{Ledger, LedgerError};
    use super::*;
    use crate::spend::Zone;
    use crate::spend::{Balance, Filter, Mark, Period, Problem, Quantity, Span};

    const NOON: &str = "2026-11-24T12:00:00Z";

    fn today() -> Span {
        Period::Day.holding(at(NOON), Zone::UTC)
    }

    fn bytes(home: &Path) -> Vec<(String, Vec<u8>)> {
        ["ledger.db", "ledger.db-wal"]
            .map(|name| (name.to_owned(), fs::read(home.join(name)).unwrap_or_default()))
            .into()
    }

    fn mark(offset: u64) -> Mark {
        Mark { offset, size: offset, modified_nanos: 7, identity: u64::MAX, state: "s".into() }
    }

    fn agent_reading() -> Reading {
        Reading {
            usages: (0..50)
                .map(|n| usage(&n.to_string(), "2026-11-24T10:00:00Z", HAIKU, 100, 10))
                .collect(),
            marks: BTreeMap::from([("/logs/a.jsonl".to_owned(), Some(mark(900)))]),
            problems: vec![Problem {
                place: "/logs/a.jsonl".into(),
                position: Some("17".into()),
                what: "no JSON".into(),
            }],
            gaps: vec!["a fork without its parent".into()],
            ..Reading::default()
        }
    }

    fn provider_reading() -> Reading {
        Reading {
            charges: vec![charge("2026-11-23", "12.5"), charge("2026-11-24", "3")],
            charges_cover: Some(days("2026-11-20", "2026-11-24")),
            metered: vec![metered("2026-11-24", HAIKU, 1_000_000, 0)],
            metered_cover: Some(days("2026-11-20", "2026-11-24")),
            balances: vec![Balance {
                name: "credits".into(),
                amount: Quantity::Money(usd("40.25")),
            }],
            ..Reading::default()
        }
    }

    #[test]
    fn the_same_reading_again_writes_not_a_byte() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        assert!(record(&mut ledger, &look(&AGENT, NOON), &agent_reading()));
        let before = bytes(home.path());
        let changes = ledger.conn.total_changes();
        assert!(!record(&mut ledger, &look(&AGENT, "2026-11-24T12:05:00Z"), &agent_reading()));
        assert_eq!(ledger.conn.total_changes(), changes);
        assert!(before == bytes(home.path()), "bytes were written");
        // An empty look differs only in its gaps.
        let mut empty = Reading::default();
        empty.gaps.clone_from(&agent_reading().gaps);
        assert!(!record(&mut ledger, &look(&AGENT, "2026-11-24T12:10:00Z"), &empty));
        assert!(before == bytes(home.path()), "bytes were written");
        assert_eq!(ledger.sources().unwrap()[0].problem_count, 1);
    }

    #[test]
    fn only_a_mark_moved_is_recorded_and_changes_no_figure() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        record(&mut ledger, &look(&AGENT, NOON), &agent_reading());
        let mut grown = Reading { gaps: agent_reading().gaps, ..Reading::default() };
        grown.marks.insert("/logs/a.jsonl".into(), Some(mark(950)));
        assert!(!record(&mut ledger, &look(&AGENT, NOON), &grown));
        assert_eq!(ledger.marks("an-agent").unwrap()["/logs/a.jsonl"], mark(950));
        assert!(ledger.marks("nobody").unwrap().is_empty());
    }

    #[test]
    fn deleted_logs_keep_their_history() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        record(&mut ledger, &look(&AGENT, NOON), &agent_reading());
        let forgotten = Reading {
            marks: BTreeMap::from([("/logs/a.jsonl".to_owned(), None)]),
            ..Reading::default()
        };
        assert_eq!(ledger.sources().unwrap()[0].problem_count, 1);
        record(&mut ledger, &look(&AGENT, NOON), &forgotten);
        assert!(ledger.marks("an-agent").unwrap().is_empty());
        let state = ledger.sources().unwrap().remove(0);
        assert_eq!((state.problem_count, state.problems), (0, Vec::new()), "no line is left");
        assert_eq!(ledger.spend(&today(), Zone::UTC, &Filter::everything()).unwrap().requests, 50);
    }

    #[test]
    fn a_dropped_recording_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let mut recording = ledger.begin().unwrap();
        let recorded = recording
            .record(&look(&AGENT, NOON), &agent_reading(), &PriceTable::builtin())
            .unwrap();
        assert_eq!(recorded, Recorded { changed: true, new_events: 50 });
        assert_eq!(
            recording.spend(&today(), Zone::UTC, &Filter::everything()).unwrap().requests,
            50
        );
        drop(recording);
        assert_eq!(ledger.spend(&today(), Zone::UTC, &Filter::everything()).unwrap().requests, 0);
        assert!(ledger.sources().unwrap().is_empty());
    }

    #[test]
    fn a_failed_look_keeps_the_last_good_figures() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        record(&mut ledger, &look(&PROVIDER, NOON), &provider_reading());
        let error = SourceError::Unreachable { what: "no network".into() };
        let later = look(&PROVIDER, "2026-11-24T12:05:00Z");
        assert!(fail(&mut ledger, &later, &error));
        assert!(!fail(&mut ledger, &look(&PROVIDER, "2026-11-24T12:10:00Z"), &error));
        let state = ledger.sources().unwrap().remove(0);
        assert_eq!(state.last_good_at, Some(at(NOON)));
        assert_eq!(state.last_look_at, at("2026-11-24T12:10:00Z"));
        assert_eq!((state.error, state.failures, state.looks), (Some(error), 2, 3));
        assert_eq!(ledger.last_asked("openai-admin").unwrap(), Some(at("2026-11-24T12:10:00Z")));
        assert_eq!(ledger.last_asked("openrouter").unwrap(), None);
        assert_eq!(state.balances, provider_reading().balances);
        assert_eq!(
            ledger.spend(&today(), Zone::UTC, &Filter::everything()).unwrap().billed,
            Some(usd("3"))
        );
        // The failure is one snapshot, not two.
        let outcomes: Vec<_> = ledger
            .snapshots("openai-admin", 10)
            .unwrap()
            .into_iter()
            .map(|snapshot| snapshot.outcome)
            .collect();
        assert_eq!(outcomes, ["unreachable", "good"]);
        // With a locked keyring nobody was asked.
        let locked = SourceError::KeyUnavailable { what: "it is locked".into() };
        assert!(fail(&mut ledger, &look(&PROVIDER, "2026-11-24T12:15:00Z"), &locked));
        assert_eq!(ledger.last_asked("openai-admin").unwrap(), Some(at(NOON)));
        assert!(record(&mut ledger, &look(&PROVIDER, NOON), &provider_reading()));
        assert_eq!(ledger.sources().unwrap()[0].error, None);
    }

    #[test]
    fn what_is_not_installed_is_told_once() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        assert!(fail(&mut ledger, &look(&AGENT, NOON), &SourceError::NotInstalled));
        let before = bytes(home.path());
        let again = look(&AGENT, "2026-11-24T12:10:00Z");
        assert!(!fail(&mut ledger, &again, &SourceError::NotInstalled));
        assert!(before == bytes(home.path()), "bytes were written");
    }

    #[test]
    fn the_same_poll_again_changes_the_time_of_the_look_alone() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        assert!(record(&mut ledger, &look(&PROVIDER, NOON), &provider_reading()));
        let again = look(&PROVIDER, "2026-11-24T12:05:00Z");
        assert!(!record(&mut ledger, &again, &provider_reading()));
        assert_eq!(ledger.sources().unwrap()[0].looks, 2);
        assert_eq!(ledger.snapshots("openai-admin", 10).unwrap().len(), 1);
    }

    #[test]
    fn charges_replace_the_days_they_cover_and_no_others() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        record(&mut ledger, &look(&PROVIDER, NOON), &provider_reading());
        let corrected = Reading {
            charges: vec![charge("2026-11-24", "4")],
            charges_cover: Some(days("2026-11-24", "2026-11-24")),
            ..Reading::default()
        };
        assert!(record(&mut ledger, &look(&PROVIDER, NOON), &corrected));
        let report = ledger
            .report(day("2026-11-20"), day("2026-11-24"), Zone::UTC, &[super::super::GroupKey::Day])
            .unwrap();
        let billed: Vec<_> =
            report.rows.iter().map(|row| (row.day.unwrap(), row.sums.billed.usd())).collect();
        assert_eq!(billed, [(day("2026-11-23"), usd("12.5")), (day("2026-11-24"), usd("4"))]);
    }

    #[test]
    fn a_full_disk_is_named_and_the_ledger_goes_on_when_there_is_room() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let pages: i64 = ledger.conn.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        ledger.conn.pragma_update(None, "max_page_count", pages + 4).unwrap();
        let many: Vec<_> = (0..2_000)
            .map(|n| usage(&n.to_string(), "2026-11-24T10:00:00Z", HAIKU, 100, 10))
            .collect();
        let prices = PriceTable::builtin();
        let mut recording = ledger.begin().unwrap();
        let error =
            recording.record(&look(&AGENT, NOON), &reading(many.clone()), &prices).unwrap_err();
        assert!(matches!(error, LedgerError::Full { .. }), "{error}");
        // SQLite has ended the transaction: nothing may be written outside of it or committed.
        let empty = recording.record(&look(&AGENT, NOON), &Reading::default(), &prices);
        assert!(matches!(empty, Err(LedgerError::Failed { .. })));
        assert!(recording.commit().is_err());
        assert_eq!(ledger.spend(&today(), Zone::UTC, &Filter::everything()).unwrap().requests, 0);
        ledger.conn.pragma_update(None, "max_page_count", 1_000_000).unwrap();
        record(&mut ledger, &look(&AGENT, NOON), &reading(many));
        assert_eq!(
            ledger.spend(&today(), Zone::UTC, &Filter::everything()).unwrap().requests,
            2_000
        );
    }

    #[test]
    fn two_processes_record_the_same_logs_once() {
        let home = tempfile::tempdir().unwrap();
        drop(ledger_in(home.path()));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut ledger = ledger_in(home.path());
                    for part in agent_reading().usages.chunks(5) {
                        record(&mut ledger, &look(&AGENT, NOON), &reading(part.to_vec()));
                    }
                });
            }
        });
        let spend =
            ledger_in(home.path()).spend(&today(), Zone::UTC, &Filter::everything()).unwrap();
        // 50 requests of 100 tokens in at $1 and 10 out at $5 per million: 50 * $0.00015.
        assert_eq!((spend.requests, spend.list), (50, usd("0.0075")));
    }

    #[test]
    fn a_ledger_may_move_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Ledger>();
    }
}
