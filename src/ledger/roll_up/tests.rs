use proptest::prelude::*;

use super::super::testing::{
    AGENT, HAIKU, MINI, OTHER_AGENT, at, day, ledger_in, look, reading, record, usage,
};
use super::super::{GroupKey, Report, Spend};
use super::*;
use crate::spend::{EventKey, Filter, Span, Usage, Zone};

const NOW: &str = "2026-11-24T12:00:00Z";
const ALL_OLD: Rows = Rows { kept: 1, worth_it: 1, at_once: 7 };

fn rows(ledger: &Ledger) -> i64 {
    ledger.conn.query_row("SELECT count(*) FROM usage", [], |row| row.get(0)).unwrap()
}

/// All that can be asked of the time that the tests are about.
fn answers(ledger: &Ledger) -> (Report, Spend) {
    let by = [GroupKey::Day, GroupKey::Source, GroupKey::Model, GroupKey::Session];
    let report = ledger.report(day("2026-11-01"), day("2026-11-30"), Zone::UTC, &by).unwrap();
    let span = Span::of_days(day("2026-11-01"), day("2026-12-01"), Zone::UTC);
    (report, ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap())
}

fn old_events(count: u32) -> Vec<Usage> {
    (0..count)
        .map(|n| usage(&n.to_string(), "2026-11-20T10:00:00Z", HAIKU, 100, u64::from(n)))
        .collect()
}

#[test]
fn reading_everything_again_after_rolling_up_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let events = old_events(100);
    record(&mut ledger, &look(&AGENT, NOW), &reading(events.clone()));
    let before = answers(&ledger);
    assert!(ledger.roll_up_rows(at(NOW), ALL_OLD).unwrap());
    assert_eq!(rows(&ledger), 1, "all but the newest");
    let mut again = events;
    // A replay that names no request is a copy of what was rolled up, and of nothing else.
    again.push(Usage { key: EventKey::copy(&[b"7"]), ..again[7].clone() });
    assert!(!record(&mut ledger, &look(&AGENT, NOW), &reading(again)));
    assert_eq!(answers(&ledger), before);
    assert_eq!(rows(&ledger), 1);
}

#[test]
fn what_can_still_change_keeps_its_row() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let time = "2026-11-20T10:00:00Z";
    let of = |group: &str, member: &str| Usage {
        key: EventKey::original(&[group.as_bytes()], &[member.as_bytes()]),
        ..usage("", time, HAIKU, 100, 1)
    };
    let copy = |key| Usage { key, ..usage("", time, HAIKU, 100, 1) };
    let events = vec![
        of("two", "1"),
        of("two", "2"),
        copy(EventKey::copy(&[b"a copy"])),
        copy(EventKey::fallback(1, &[b"a poorer store's"], &[b"1"])),
        usage("from the future", "2027-01-01T00:00:00Z", HAIKU, 100, 1),
        of("alone", "1"),
    ];
    record(&mut ledger, &look(&AGENT, NOW), &reading(events));
    let young = usage("young", "2026-11-23T12:00:01Z", HAIKU, 100, 1);
    record(&mut ledger, &look(&AGENT, NOW), &reading(vec![young, of("behind", "1")]));
    ledger.roll_up_rows(at(NOW), ALL_OLD).unwrap();
    // Of eight the one that was alone, and perhaps the one that was read beside the young one.
    assert!((6..=7).contains(&rows(&ledger)), "{}", rows(&ledger));
    // A second later all is old enough but the newest row.
    record(&mut ledger, &look(&AGENT, NOW), &reading(vec![of("newest", "1")]));
    ledger.roll_up_rows(at("2026-11-24T12:00:01Z"), ALL_OLD).unwrap();
    assert_eq!(rows(&ledger), 6);
}

#[test]
fn a_small_ledger_is_never_rolled_up() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    record(&mut ledger, &look(&AGENT, NOW), &reading(old_events(50)));
    assert!(!ledger.roll_up(at(NOW)).unwrap());
    let few = Rows { kept: 30, worth_it: 20, at_once: 7 };
    assert!(!ledger.roll_up_rows(at(NOW), Rows { worth_it: 21, ..few }).unwrap());
    assert!(ledger.roll_up_rows(at(NOW), few).unwrap());
    assert_eq!(rows(&ledger), 30);
    assert!(!ledger.roll_up_rows(at(NOW), few).unwrap());
}

#[test]
fn what_grows_after_it_was_rolled_up_stays_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    record(&mut ledger, &look(&AGENT, NOW), &reading(old_events(10)));
    ledger.roll_up_rows(at(NOW), ALL_OLD).unwrap();
    let before = answers(&ledger);
    let mut grown = old_events(10);
    grown.iter_mut().for_each(|event| event.tokens.output += 1);
    record(&mut ledger, &look(&AGENT, NOW), &reading(grown));
    // The newest row is the one that was not rolled up.
    assert_eq!(answers(&ledger).1.tokens.output, before.1.tokens.output + 1);
    assert_eq!(answers(&ledger).1.requests, 10);
}

#[test]
fn a_batch_is_rolled_up_whole_or_not_at_all() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    record(&mut ledger, &look(&AGENT, NOW), &reading(old_events(10)));
    let mut recording = ledger.begin().unwrap();
    recording.write(|conn, _| roll_up_batch(conn, at(NOW), 9, 100)).unwrap();
    assert_eq!(rows(&recording), 1);
    drop(recording);
    assert_eq!(rows(&ledger), 10);
    let seen: i64 =
        ledger.conn.query_row("SELECT count(*) FROM seen", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, 0);
}

/// What a random history does next.
#[derive(Clone, Debug)]
enum Step {
    Read(bool, Vec<(u8, u8, u8)>),
    RollUp,
}

fn step() -> impl Strategy<Value = Step> {
    let event = (0..12_u8, 0..4_u8, 0..3_u8);
    prop_oneof![
        3 => (any::<bool>(), proptest::collection::vec(event, 1..12))
            .prop_map(|(other, events)| Step::Read(other, events)),
        1 => Just(Step::RollUp),
    ]
}

/// Events at their final size: the same key always says the same, whoever tells it.
fn event(group: u8, member: u8, days: u8) -> Usage {
    let model = [HAIKU, MINI, "unheard-of"][usize::from(group) % 3];
    let mut event = usage("", "2026-11-20T10:00:00Z", model, 1000 * u64::from(group), 7);
    event.at += TimeDelta::days(i64::from((group ^ days) % 6));
    event.session = Some(format!("session-{}", group % 4).into());
    let group = [group];
    event.key = match member {
        0 => EventKey::copy(&[&group]),
        1 => EventKey::fallback(1, &[&group], &[b"1"]),
        _ => EventKey::original(&[&group], &[&[member]]),
    };
    event
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn rolling_up_at_any_moment_loses_nothing(steps in proptest::collection::vec(step(), 1..24)) {
        let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [mut plain, mut rolled] = homes.each_ref().map(|home| ledger_in(home.path()));
        for step in steps {
            match step {
                Step::RollUp => {
                    rolled.roll_up_rows(at(NOW), ALL_OLD).unwrap();
                }
                Step::Read(other, events) => {
                    let source = if other { &OTHER_AGENT } else { &AGENT };
                    // One source per group: who told of an event first is not asked later.
                    let mine = events.iter().filter(|(group, ..)| (*group >= 6) == other);
                    let usages: Vec<_> =
                        mine.map(|(group, member, _)| event(*group, *member, 0)).collect();
                    record(&mut plain, &look(source, NOW), &reading(usages.clone()));
                    record(&mut rolled, &look(source, NOW), &reading(usages));
                }
            }
            prop_assert_eq!(answers(&plain), answers(&rolled));
        }
    }
}
