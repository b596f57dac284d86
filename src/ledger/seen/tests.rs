use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::testing::ledger_in;
use super::*;

fn key(number: u32) -> EventKey {
    EventKey::original(&[&number.to_le_bytes()], &[b"request"])
}

fn add_keys(conn: &Connection, numbers: std::ops::Range<u32>) {
    add(conn, numbers.map(|number| fingerprint(&key(number))).collect()).unwrap();
}

#[test]
fn what_was_added_is_known_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let ledger = ledger_in(home.path());
    for part in 0..100 {
        add_keys(&ledger.conn, part * 300..(part + 1) * 300);
    }
    // 100 = 1 * 64 + 4 * 8 + 4 segments of the smallest size.
    assert_eq!(merge::segments(&ledger.conn).unwrap().len(), 1 + 4 + 4);
    let keys: Vec<_> = (0..40_000).map(key).collect();
    let seen = Seen::of(&ledger.conn, keys.iter()).unwrap();
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(seen.holds(key), number < 30_000, "{number}");
        assert_eq!(
            seen.holds_group(&EventKey::copy(&[&(number as u32).to_le_bytes()])),
            number < 30_000
        );
    }
    let stranger = EventKey::original(&[&7_u32.to_le_bytes()], &[b"another"]);
    assert!(!seen.holds(&stranger) && seen.holds_group(&stranger));
}

#[test]
fn a_fingerprint_takes_about_as_many_bits_as_it_must() {
    let home = tempfile::tempdir().unwrap();
    let ledger = ledger_in(home.path());
    add_keys(&ledger.conn, 0..200_000);
    let (bytes, blocks): (i64, i64) = ledger
        .conn
        .query_row("SELECT sum(length(bytes)), count(*) FROM seen", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    // log2(2^55 / 200,000) is 37.4; the best code of random distances takes 1.44 bits more.
    let bits = bytes * 8 * 10 / 200_000;
    assert!((390..=402).contains(&bits), "{bits} tenths of a bit");
    // Each block is one leaf page: 4,096 bytes, and a few pages above them.
    let pages = |conn: &Connection| -> i64 {
        conn.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap()
    };
    let before = pages(&ledger_in(tempfile::tempdir().unwrap().path()).conn);
    assert!(pages(&ledger.conn) - before <= blocks + 3);
}

#[test]
fn merging_uses_the_pages_it_frees() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let mut pages = Vec::new();
    for part in 0..8 {
        let recording = ledger.begin().unwrap();
        add_keys(&recording.conn, part * 20_000..(part + 1) * 20_000);
        recording.commit().unwrap();
        pages.push(
            ledger.conn.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap(),
        );
    }
    // The eighth part is merged with the other seven at once: no more room than one part takes.
    assert!(pages[7] - pages[6] <= pages[6] - pages[5] + 12, "{pages:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_holds_what_a_plain_set_holds(
        parts in proptest::collection::vec(
            proptest::collection::vec((0..40_u8, 0..4_u8), 1..20), 1..40,
        ),
    ) {
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger_in(home.path());
        let key = |group: u8, member: u8| EventKey::original(&[&[group]], &[&[member]]);
        let mut plain = BTreeSet::new();
        for part in parts {
            let keys = part.iter().map(|(group, member)| fingerprint(&key(*group, *member)));
            add(&ledger.conn, keys.collect()).unwrap();
            plain.extend(part);
        }
        let all: Vec<_> =
            (0..40).flat_map(|group| (0..4).map(move |member| (group, member))).collect();
        let keys: Vec<_> = all.iter().map(|(group, member)| key(*group, *member)).collect();
        let seen = Seen::of(&ledger.conn, keys.iter()).unwrap();
        for (names, key) in all.iter().zip(&keys) {
            prop_assert_eq!(seen.holds(key), plain.contains(names));
            let any = (0..4).any(|member| plain.contains(&(names.0, member)));
            prop_assert_eq!(seen.holds_group(key), any);
        }
    }
}
