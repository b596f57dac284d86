//! What tells a changed file without opening it, of all files of a source.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

/// The sizes and times that the marks of a source hold, without their states and names: what a look
/// needs that finds nothing changed. A name is known by its hash; that two of 10,000 names share
/// one has a chance of 1 in 10^11.
#[derive(Debug, Default)]
pub struct Stamps(HashMap<u64, Known>);

#[derive(Debug)]
struct Known {
    size: u64,
    modified_nanos: i64,
    waits: bool,
    is_there: bool,
}

impl Stamps {
    /// Adds what the mark of a file holds.
    pub fn add(&mut self, name: &str, size: u64, modified_nanos: i64, waits: bool) {
        let known = Known { size, modified_nanos, waits, is_there: false };
        self.0.insert(xxh3_64(name.as_bytes()), known);
    }

    /// Whether no file is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time from which on about `count` of the files changed; `None` where there are no more.
    pub fn time_of_newest(&self, count: usize) -> Option<i64> {
        if self.0.len() <= count {
            return None;
        }
        let mut times: Vec<i64> = self.0.values().map(|known| known.modified_nanos).collect();
        let at = times.len() - count.max(1);
        Some(*times.select_nth_unstable(at).1)
    }

    /// A file is there. Whether it has to be looked at: it is not known, waits for another one, or
    /// changed after `since`, if that is given.
    pub fn see(&mut self, name: &[u8], since: Option<i64>) -> bool {
        let Some(known) = self.0.get_mut(&xxh3_64(name)) else { return true };
        known.is_there = true;
        known.waits || since.is_none_or(|since| known.modified_nanos >= since)
    }

    /// Whether a file is known just so, and waits for no other.
    pub fn has(&self, name: &str, size: u64, modified_nanos: i64) -> bool {
        self.0.get(&xxh3_64(name.as_bytes())).is_some_and(|known| {
            !known.waits && (known.size, known.modified_nanos) == (size, modified_nanos)
        })
    }

    /// Whether every known file was seen.
    pub fn are_all_there(&self) -> bool {
        self.0.values().all(|known| known.is_there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_size_and_time_and_waiting_ones_always_count() {
        let mut stamps = Stamps::default();
        stamps.add("a", 10, 100, false);
        stamps.add("b", 20, 200, true);
        assert!(stamps.has("a", 10, 100));
        assert!(!stamps.has("a", 11, 100) && !stamps.has("a", 10, 101));
        assert!(!stamps.has("b", 20, 200) && !stamps.has("c", 10, 100));
        assert!(!stamps.are_all_there());
        assert!(stamps.see(b"a", None) && !stamps.see(b"a", Some(101)));
        assert!(stamps.see(b"b", Some(201)) && stamps.see(b"c", Some(201)));
        assert!(stamps.are_all_there());
    }

    #[test]
    fn the_newest_are_those_of_the_highest_times() {
        let mut stamps = Stamps::default();
        for time in 1..=10 {
            stamps.add(&time.to_string(), 1, time, false);
        }
        assert_eq!(stamps.time_of_newest(3), Some(8));
        assert_eq!(stamps.time_of_newest(10), None);
    }
}
