//! What tells a changed file without opening it, of all files of a source.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::Mark;
use super::tree::ALWAYS;

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
/// How far from where it is thought to be a file is searched for at first. Of 10,000 files most are
/// at most a hundred away.
const FIRST_REACH: usize = 64;

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

    /// When it changed last; one that is looked at whatever its size counts as the newest.
    fn time(&self) -> i64 {
        if self.size == ANY_SIZE { ALWAYS } else { self.modified_nanos }
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
    /// How many files are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

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

    /// A file is there. When it changed last, as far as is known: [`ALWAYS`] where it is not known or
    /// waits for another one, and so has to be looked at.
    pub fn see(&mut self, name: &[u8]) -> i64 {
        let Ok(at) = self.find(name) else { return ALWAYS };
        self.there.resize(self.known.len(), false);
        self.there[at] = true;
        self.known[at].time()
    }

    /// Whether a known file was not seen that changed at `since` or later, or waits for another one.
    pub fn misses(&self, since: i64) -> bool {
        let is_there = |at: usize| self.there.get(at).copied().unwrap_or_default();
        let mut known = self.known.iter().enumerate();
        known.any(|(at, known)| known.time() >= since && !is_there(at))
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
        self.find_hash(xxh3_64(name))
    }

    /// Hashes are spread evenly, so that each tells about where it stands: the search begins there,
    /// and touches little of the memory.
    fn find_hash(&self, name: u64) -> Result<usize, usize> {
        let count = self.known.len();
        // Below the count, because the hash is below 2^64.
        let guess = ((u128::from(name) * count as u128) >> 64) as usize;
        let mut reach = FIRST_REACH;
        loop {
            let (from, to) = (guess.saturating_sub(reach), guess.saturating_add(reach).min(count));
            let near = &self.known[from..to];
            let begins = from == 0 || near.first().is_some_and(|file| file.name <= name);
            let ends = to == count || near.last().is_some_and(|file| file.name >= name);
            if begins && ends {
                let found = near.binary_search_by_key(&name, |file| file.name);
                return found.map(|at| from + at).map_err(|at| from + at);
            }
            reach = reach.saturating_mul(4);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        assert!(stamps.misses(100) && stamps.misses(101), "the one that waits always counts");
        assert_eq!((stamps.see(b"b"), stamps.see(b"c")), (ALWAYS, ALWAYS));
        assert!(stamps.misses(100) && !stamps.misses(101) && !stamps.are_all_there());
        assert_eq!(stamps.see(b"a"), 100);
        assert!(stamps.are_all_there() && !stamps.misses(i64::MIN));
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
        stamps.see(b"a");
        assert!(!stamps.are_all_there());
        stamps.see(b"c");
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

    proptest! {
        /// Hashes as they are and as they never are: all close together, or all far from where
        /// they are thought to be.
        #[test]
        fn a_search_from_a_guess_finds_what_a_plain_one_finds(
            spread in 0..65_u32,
            at in any::<u64>(),
            names in prop::collection::vec(any::<u64>(), 0..2_000),
        ) {
            let name_of = |name: u64| at.wrapping_add(name.checked_shr(spread).unwrap_or_default());
            let file = |name: &u64| KnownFile { name: name_of(*name), size: 1, modified_nanos: 1 };
            let stamps: Stamps = names.iter().map(file).collect();
            let asked = names.iter().map(|name| name_of(*name)).flat_map(|name| {
                [name, name.wrapping_add(1), name.wrapping_sub(1)]
            });
            for name in asked.chain([0, u64::MAX]) {
                let plain = stamps.known.binary_search_by_key(&name, |file| file.name);
                prop_assert_eq!(stamps.find_hash(name), plain);
            }
        }
    }
}
