//! The fingerprints of events that were rolled up: enough to know them again.
//!
//! The set is a handful of sorted segments. Adding makes a new small one; as soon as [`FAN_OUT`]
//! segments are of one size they are merged into one of the next, so that a year of ninety million
//! events is in some twenty segments and each fingerprint was rewritten about three times.
//!
//! A fingerprint is [`GROUP_BITS`] bits of the group and [`MEMBER_BITS`] of the member, of hashes
//! of the event's key. A new event is taken for one of `n` in the set by mistake with a chance of
//! `n / 2^55`: one in 400 million in a set of ninety million, so that a year of so many events
//! loses one with a chance of one in nine. A copy is taken for one of a known group with a
//! chance of `n / 2^43`, and a further member of a group that was rolled up with one of 1 in 4096.

mod block;
mod merge;

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Result};
use xxhash_rust::xxh3::xxh3_64;

use crate::spend::EventKey;

const GROUP_BITS: u32 = 43;
const MEMBER_BITS: u32 = 12;
/// Bits of a fingerprint: those of a row's id that the segment's number leaves.
const BITS: u32 = GROUP_BITS + MEMBER_BITS;
/// Segments of one size that are merged into one of the next.
const FAN_OUT: usize = 8;

/// What identifies an event once its row is gone.
pub(super) fn fingerprint(key: &EventKey) -> u64 {
    let member = xxh3_64(key.member()) >> (u64::BITS - MEMBER_BITS);
    group_start(key) | member
}

/// The smallest fingerprint of the key's group.
fn group_start(key: &EventKey) -> u64 {
    xxh3_64(key.group()) >> (u64::BITS - GROUP_BITS) << MEMBER_BITS
}

/// Adds fingerprints; the caller's transaction makes it permanent.
pub(super) fn add(conn: &Connection, mut fingerprints: Vec<u64>) -> Result<()> {
    fingerprints.sort_unstable();
    fingerprints.dedup();
    merge::add(conn, &fingerprints)
}

/// Which of the events of a reading were rolled up.
#[derive(Debug, Default)]
pub(super) struct Seen {
    members: HashSet<u64>,
    groups: HashSet<u64>,
}

impl Seen {
    /// Looks for events in the set, all at once: each block is read once for all of them.
    pub(super) fn of<'a>(
        conn: &Connection,
        keys: impl Iterator<Item = &'a EventKey>,
    ) -> Result<Self> {
        let segments = merge::segments(conn)?;
        let mut seen = Self::default();
        if segments.is_empty() {
            return Ok(seen);
        }
        let mut probes: Vec<u64> = keys.map(group_start).collect();
        probes.sort_unstable();
        probes.dedup();
        for segment in segments {
            seen.look_in(conn, segment.id, &probes)?;
        }
        Ok(seen)
    }

    /// Whether this very event was rolled up.
    pub(super) fn holds(&self, key: &EventKey) -> bool {
        self.members.contains(&fingerprint(key))
    }

    /// Whether an event of this key's group was rolled up.
    pub(super) fn holds_group(&self, key: &EventKey) -> bool {
        self.groups.contains(&group_start(key))
    }

    /// Takes over every fingerprint of the segment that is of a group in `probes`.
    fn look_in(&mut self, conn: &Connection, segment: i64, probes: &[u64]) -> Result<()> {
        // The last block that begins no later than the group ends; a group may reach back from it.
        let mut select = conn.prepare_cached(
            "SELECT id, bytes FROM seen WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
        )?;
        let mut block = Vec::new();
        let mut read_id: Option<i64> = None;
        for &start in probes {
            let last = start | ((1 << MEMBER_BITS) - 1);
            let mut upto = last;
            loop {
                // Probes are sorted: often the block that was read last spans this one too.
                let spans = block.first().is_some_and(|first| *first <= upto)
                    && block.last().is_some_and(|end| upto <= *end);
                if !spans {
                    let range = [merge::row_id(segment, 0), merge::row_id(segment, upto)];
                    let found = select
                        .query_row(range, |row| {
                            let id = row.get(0)?;
                            if read_id != Some(id) {
                                let bytes = row.get_ref(1)?.as_blob()?;
                                block::decode(merge::fingerprint_of(id), bytes, &mut block);
                            }
                            read_id = Some(id);
                            Ok(())
                        })
                        .optional()?;
                    if found.is_none() {
                        break;
                    }
                }
                let from = block.partition_point(|fingerprint| *fingerprint < start);
                for &fingerprint in block[from..].iter().take_while(|found| **found <= last) {
                    self.members.insert(fingerprint);
                    self.groups.insert(start);
                }
                // Only a block that begins within the group leaves some of it to the one before.
                let Some(first) = block.first().copied().filter(|first| *first > start) else {
                    break;
                };
                upto = first - 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
