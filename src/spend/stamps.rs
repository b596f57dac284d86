//! What tells a changed file without opening it, of all files of a source.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::Mark;

/// The sizes and times that the marks of a source hold, without their states and names: what a look
/// needs that finds nothing changed, in 24 bytes a file. A clone shares them. That two of 10,000
/// names share a hash has a chance of 1 in 10^11; then the file is always looked at.
#[derive(Clone, Debug, Default)]
pub struct Stamps {
    /// Ordered by name, each once.
    known: Arc<Vec<KnownFile>>,
    /// Which of them were seen; empty before the first is.
    there: Vec<bool>,
}

/// What the mark of a file holds of its size and time.
#[derive(Clone, Copy, Debug)]
pub struct KnownFile {
    /// The hash of its name.
    name: u64,
    size: u64,
    modified_nanos: i64,
}

/// The size of a file that is looked at whatever its real one: it waits for another one.
const ANY_SIZE: u64 = u64::MAX;

impl KnownFile {
    /// A file of this name; size in bytes, time in nanoseconds since 1970. One that `waits` for
    /// another one never counts as unchanged.
    pub fn new(name: &str, size: u64, modified_nanos: i64, waits: bool) -> Self {
        let size = if waits { ANY_SIZE } else { size };
        Self { name: xxh3_64(name.as_bytes()), size, modified_nanos }
    }

    /// Which of 256 parts a file of this name is kept in: a source's files are spread over all of them.
    pub fn bucket_of(name: &str) -> u8 {
        xxh3_64(name.as_bytes()).to_be_bytes()[0]
    }

    /// What [`Stamps::pack`] made.
    pub fn unpack(bytes: &[u8]) -> impl Iterator<Item = Self> {
        let (files, _) = bytes.as_chunks::<24>();
        files.iter().map(|file| {
            let number = |at: usize| file.as_chunks::<8>().0[at];
            Self {
                name: u64::from_le_bytes(number(0)),
                size: u64::from_le_bytes(number(1)),
                modified_nanos: i64::from_le_bytes(number(2)),
            }
        })
    }

    /// What a mark says of its file.
    pub fn of(name: &str, mark: &Mark) -> Self {
        Self::new(name, mark.size, mark.modified_nanos, mark.waits())
    }
}

impl FromIterator<KnownFile> for Stamps {
    fn from_iter<T: IntoIterator<Item = KnownFile>>(files: T) -> Self {
        let mut known: Vec<KnownFile> = files.into_iter().collect();
        // Those of a ledger are in order already.
        if !known.is_sorted_by_key(|file| file.name) {
            known.sort_unstable_by_key(|file| file.name);
        }
        known.dedup_by(|other, kept| {
            let is_same = other.name == kept.name;
            if is_same {
                kept.size = ANY_SIZE;
            }
            is_same
        });
        known.shrink_to_fit();
        Self { known: Arc::new(known), there: Vec::new() }
    }
}

impl Stamps {
    /// Whether no file is known.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// All of them in 24 bytes each, in their order.
    pub fn pack(&self) -> Vec<u8> {
        let numbers = |file: &KnownFile| {
            [file.name.to_le_bytes(), file.size.to_le_bytes(), file.modified_nanos.to_le_bytes()]
        };
        self.known.iter().flat_map(numbers).flatten().collect()
    }

    /// Takes in that a mark was stored, or with `None` forgotten.
    pub fn note(&mut self, name: &str, mark: Option<&Mark>) {
        let found = self.find(name.as_bytes());
        let known = Arc::make_mut(&mut self.known);
        match (found, mark) {
            (Ok(at), Some(mark)) => known[at] = KnownFile::of(name, mark),
            (Err(at), Some(mark)) => known.insert(at, KnownFile::of(name, mark)),
            (Ok(at), None) => drop(known.remove(at)),
            (Err(_), None) => {}
        }
        self.there.clear();
    }

    /// The time from which on about `count` of the files changed; `None` where there are no more.
    pub fn time_of_newest(&self, count: usize) -> Option<i64> {
        if self.known.len() <= count {
            return None;
        }
        let mut times: Vec<i64> = self.known.iter().map(|file| file.modified_nanos).collect();
        let at = times.len() - count.max(1);
        Some(*times.select_nth_unstable(at).1)
    }

    /// A file is there. Whether it has to be looked at: it is not known, waits for another one, or
    /// changed after `since`, if that is given.
    pub fn see(&mut self, name: &[u8], since: Option<i64>) -> bool {
        let Ok(at) = self.find(name) else { return true };
        self.there.resize(self.known.len(), false);
        self.there[at] = true;
        let known = self.known[at];
        known.size == ANY_SIZE || since.is_none_or(|since| known.modified_nanos >= since)
    }

    /// Whether a file is known just so, and waits for no other.
    pub fn has(&self, name: &str, size: u64, modified_nanos: i64) -> bool {
        let known = self.find(name.as_bytes()).map(|at| self.known[at]);
        known.is_ok_and(|known| {
            size != ANY_SIZE && (known.size, known.modified_nanos) == (size, modified_nanos)
        })
    }

    /// Whether every known file was seen.
    pub fn are_all_there(&self) -> bool {
        self.known.is_empty() || (!self.there.is_empty() && self.there.iter().all(|there| *there))
    }

    /// Where a file stands among the known ones, or would stand.
    fn find(&self, name: &[u8]) -> Result<usize, usize> {
        let name = xxh3_64(name);
        self.known.binary_search_by_key(&name, |file| file.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_size_and_time_and_waiting_ones_always_count() {
        let files = [("a", 10, 100, false), ("b", 20, 200, true)];
        let known = |(name, size, time, waits)| KnownFile::new(name, size, time, waits);
        let mut stamps: Stamps = files.map(known).into_iter().collect();
        assert!(stamps.has("a", 10, 100));
        assert!(!stamps.has("a", 11, 100) && !stamps.has("a", 10, 101));
        assert!(!stamps.has("b", 20, 200) && !stamps.has("c", 10, 100));
        assert!(!stamps.has("b", ANY_SIZE, 200));
        assert!(!stamps.are_all_there());
        assert!(stamps.see(b"a", None) && !stamps.see(b"a", Some(101)));
        assert!(stamps.see(b"b", Some(201)) && stamps.see(b"c", Some(201)));
        assert!(stamps.are_all_there());
    }

    #[test]
    fn two_files_that_share_a_hash_are_always_looked_at() {
        let files = [("a", 10, 100), ("a", 10, 100), ("b", 1, 1)];
        let known = |(name, size, time)| KnownFile::new(name, size, time, false);
        let stamps: Stamps = files.map(known).into_iter().collect();
        assert!(!stamps.has("a", 10, 100) && stamps.has("b", 1, 1));
    }

    #[test]
    fn what_is_stored_and_forgotten_is_taken_in_and_a_clone_stays_as_it_was() {
        let mut stamps = Stamps::default();
        let mark = |size| Mark { size, modified_nanos: 7, ..Mark::default() };
        for name in ["c", "a", "b"] {
            stamps.note(name, Some(&mark(1)));
        }
        let before = stamps.clone();
        stamps.note("a", Some(&mark(2)));
        stamps.note("b", None);
        stamps.note("never there", None);
        assert!(stamps.has("a", 2, 7) && !stamps.has("b", 1, 7) && stamps.has("c", 1, 7));
        assert!(before.has("a", 1, 7) && before.has("b", 1, 7));
        stamps.see(b"a", None);
        assert!(!stamps.are_all_there());
        stamps.see(b"c", None);
        assert!(stamps.are_all_there());
    }

    #[test]
    fn what_is_packed_comes_back() {
        let files = [("a", 10, -100, false), ("b", u64::MAX - 1, 200, false), ("c", 1, 1, true)];
        let known = |(name, size, time, waits)| KnownFile::new(name, size, time, waits);
        let stamps: Stamps = files.map(known).into_iter().collect();
        let bytes = stamps.pack();
        assert_eq!(bytes.len(), 3 * 24);
        let again: Stamps = KnownFile::unpack(&bytes).collect();
        assert_eq!(again.pack(), bytes);
        assert!(again.has("a", 10, -100) && again.has("b", u64::MAX - 1, 200));
        assert!(!again.has("c", 1, 1));
        // A part of a file's stamp is none.
        assert_eq!(KnownFile::unpack(&bytes[..47]).count(), 1);
    }

    #[test]
    fn the_newest_are_those_of_the_highest_times() {
        let stamps: Stamps =
            (1..=10).map(|time| KnownFile::new(&time.to_string(), 1, time, false)).collect();
        assert_eq!(stamps.time_of_newest(3), Some(8));
        assert_eq!(stamps.time_of_newest(10), None);
    }
}
