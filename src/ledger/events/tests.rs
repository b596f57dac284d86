use proptest::prelude::*;

use super::super::days::Days;
use super::super::slot::SlotPrice;
use super::super::slots;
use super::super::testing::{
    AGENT, HAIKU, MINI, OTHER_AGENT, ledger_in, look, reading, record, usage,
};
use super::super::{Ledger, LookRecord};
use super::*;
use crate::pricing::PriceTable;
use crate::spend::SourceInfo;

/// What the ledger counts: key, source, tokens, and everything else that can differ.
fn counted(ledger: &Ledger) -> Vec<(EventKey, String, Usage)> {
    let mut names = Names::default();
    let sql = format!("SELECT {COLUMNS} FROM usage ORDER BY key");
    let mut statement = ledger.conn.prepare(&sql).unwrap();
    let events = statement.query_map([], Event::read).unwrap();
    events
        .map(|event| {
            let event = event.unwrap();
            let source = names.string(&ledger.conn, event.source).unwrap().unwrap();
            (event.key, source, event.to_usage(&ledger.conn, &mut names).unwrap())
        })
        .collect()
}

type Slot = (SlotKey, SlotSums, SlotPrice);

/// The slots as they are, and as they would be if summed from the events now; and whether the days
/// are the sums of the slots.
fn slots_and_their_sum(ledger: &Ledger) -> [Vec<Slot>; 2] {
    let read = |ledger: &Ledger| {
        let mut slots = Vec::new();
        slots::for_each_row(&ledger.conn, i64::MIN, i64::MAX, None, |key, sums, price| {
            slots.push((key, sums, price));
            Ok(())
        })
        .unwrap();
        slots
    };
    let kept = read(ledger);
    let conn = &ledger.conn;
    conn.execute_batch("SAVEPOINT rebuilt; DELETE FROM slot").unwrap();
    let (mut names, prices) = (Names::default(), PriceTable::builtin());
    let mut pricer = Pricer::new(&prices);
    let mut deltas = Deltas::default();
    classify(conn, &mut names, &mut pricer, (0, i64::MAX), true, &mut deltas).unwrap();
    let mut days = Days::new(conn).unwrap();
    deltas.write(conn, &mut names, &mut pricer, &mut days).unwrap();
    let summed = read(ledger);
    conn.execute_batch("ROLLBACK TO rebuilt; RELEASE rebuilt").unwrap();
    [kept, summed]
}

/// The rule without tables or order: of each key the one that no other beats, and no copy
/// where the group has an original.
fn naive(all: &[(&'static SourceInfo, Usage)]) -> Vec<(EventKey, String, Usage)> {
    let mut best: Vec<(&str, &Usage)> = Vec::new();
    for (info, usage) in all {
        let yields = !usage.key.is_original()
            && all.iter().any(|(_, other)| {
                other.key.is_original() && other.key.group_bounds() == usage.key.group_bounds()
            });
        if yields {
            continue;
        }
        match best.iter_mut().find(|(_, kept)| kept.key == usage.key) {
            None => best.push((info.id, usage)),
            Some(kept) if wins((usage, info.id), (kept.1, kept.0)) => {
                *kept = (info.id, usage);
            }
            Some(_) => {}
        }
    }
    let mut counted: Vec<_> = best
        .into_iter()
        .map(|(source, usage)| (usage.key, source.to_owned(), usage.clone()))
        .collect();
    counted.sort_by_key(|(key, ..)| *key);
    counted
}

fn any_event() -> impl Strategy<Value = (&'static SourceInfo, Usage)> {
    let member = prop_oneof![Just(None), (0..3_u8).prop_map(Some)];
    let model = prop_oneof![Just(HAIKU), Just(MINI), Just("unheard-of")];
    let source = prop_oneof![Just(&AGENT), Just(&OTHER_AGENT)];
    (source, 0..3_u8, member, model, 0..4_u64, 0..3_u64, 0..3_i64, 0..2_u32).prop_map(
        |(source, group, member, model, input, output, minutes, searches)| {
            let mut event = usage("x", "2026-11-24T10:00:00Z", model, input, output);
            event.key = match member {
                None => EventKey::copy(&[&[group]]),
                Some(member) => EventKey::original(&[&[group]], &[&[member]]),
            };
            event.at += chrono::TimeDelta::minutes(10 * minutes);
            event.session = Some(format!("session-{minutes}").into());
            event.web_searches = searches;
            (source, event)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_order_and_every_cut_into_readings_counts_the_same(
        events in proptest::collection::vec(any_event(), 1..24),
        order in proptest::collection::vec(0..1000_usize, 24),
        cut in 1..6_usize,
    ) {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let mut shuffled: Vec<_> = events.iter().cloned().zip(order).collect();
        shuffled.sort_by_key(|(_, place)| *place);
        let shuffled: Vec<_> = shuffled.into_iter().map(|(event, _)| event).collect();
        for part in shuffled.chunks(cut) {
            for source in [&AGENT, &OTHER_AGENT] {
                let usages: Vec<_> = part
                    .iter()
                    .filter(|(info, _)| info.id == source.id)
                    .map(|(_, usage)| usage.clone())
                    .collect();
                record(&mut ledger, &look(source, "2026-11-24T12:00:00Z"), &reading(usages));
            }
        }
        prop_assert_eq!(counted(&ledger), naive(&events));
        let [kept, summed] = slots_and_their_sum(&ledger);
        prop_assert_eq!(kept, summed);
    }
}

const LOOK_AT: &str = "2026-11-24T12:00:00Z";

fn agent() -> LookRecord<'static> {
    look(&AGENT, LOOK_AT)
}

#[test]
fn a_copy_goes_when_its_original_comes() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let original = usage("message", "2026-11-24T10:00:00Z", HAIKU, 10, 1);
    let mut copy = original.clone();
    copy.key = EventKey::copy(&[b"message"]);
    copy.tokens.input = 5_000;
    record(&mut ledger, &agent(), &reading(vec![copy.clone()]));
    assert_eq!(counted(&ledger).len(), 1);
    record(&mut ledger, &agent(), &reading(vec![original.clone()]));
    record(&mut ledger, &agent(), &reading(vec![copy]));
    let counted = counted(&ledger);
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0].2, original);
}

#[test]
fn a_streamed_event_counts_once_at_its_largest() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    for output in [3, 40, 7] {
        let event = usage("a", "2026-11-24T10:00:00Z", HAIKU, 100, output);
        record(&mut ledger, &agent(), &reading(vec![event]));
    }
    assert_eq!(counted(&ledger)[0].2.tokens.output, 40);
}

#[test]
fn impossible_events_are_problems() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let huge = usage("a", "2026-11-24T10:00:00Z", HAIKU, u64::MAX, 1);
    let early = usage("b", "0001-01-01T00:00:00Z", HAIKU, 1, 1);
    record(&mut ledger, &agent(), &reading(vec![huge, early]));
    assert!(counted(&ledger).is_empty());
    let state = &ledger.sources().unwrap()[0];
    assert_eq!(state.problem_count, 2);
    assert_eq!(state.problems[1].what, "more tokens than a request can hold");
}

#[test]
fn a_stated_cost_is_kept_beside_the_tokens() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let mut event = usage("a", "2026-11-24T10:00:00Z", HAIKU, 1, 1);
    event.stated_cost = Some(super::super::testing::usd("0.0123456789"));
    record(&mut ledger, &agent(), &reading(vec![event.clone()]));
    assert_eq!(counted(&ledger)[0].2, event);
}
