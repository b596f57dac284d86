//! One block of sorted fingerprints: the distances between them, Rice-coded.
//!
//! Fingerprints are hashes, so that distances are as good as random, and for those Rice's code is
//! within a few hundredths of a bit of the best there is. The first byte tells how many low bits
//! of a distance are written as they are; the rest of it is written as that many ones and a zero.
//! What is left of the last byte is filled with ones, which no distance ends with.

/// The most bytes that stay within one leaf page of the table beside the row's own overhead.
pub(super) const MOST_BYTES: usize = 4056;
/// A distance with more ones than this starts a block of its own.
const MOST_ONES: u64 = 24;

/// Collects ascending fingerprints until a block is full.
#[derive(Debug)]
pub(super) struct Writer {
    first: u64,
    last: u64,
    low_bits: u32,
    bytes: Vec<u8>,
    /// Bits that do not fill a byte yet, the oldest highest, and how many they are.
    pending: u64,
    pending_bits: u32,
}

impl Writer {
    /// A block that begins with `first`, in a segment whose mean distance is known.
    pub(super) fn new(first: u64, mean_distance: u64) -> Self {
        // ln 2 of the mean is the middle of the distances; its logarithm is the best number.
        let low_bits = (mean_distance / 10 * 7).max(1).ilog2();
        let bytes = vec![low_bits as u8];
        Self { first, last: first, low_bits, bytes, pending: 0, pending_bits: 0 }
    }

    /// Adds the next fingerprint, which is larger than all before; false when it needs a new block.
    pub(super) fn push(&mut self, fingerprint: u64) -> bool {
        // Two are never the same, which saves the distance zero.
        let distance = fingerprint - self.last - 1;
        let ones = distance >> self.low_bits;
        let bits = ones + 1 + u64::from(self.low_bits);
        let bits_left = (MOST_BYTES - self.bytes.len()) as u64 * 8 - u64::from(self.pending_bits);
        if ones > MOST_ONES || bits > bits_left {
            return false;
        }
        let ones = ones as u32;
        self.put(((1 << ones) - 1) << 1, ones + 1);
        self.put(distance & ((1 << self.low_bits) - 1), self.low_bits);
        self.last = fingerprint;
        true
    }

    /// The block's first fingerprint, and its bytes.
    pub(super) fn finish(mut self) -> (u64, Vec<u8>) {
        let missing = (8 - self.pending_bits) % 8;
        self.put((1 << missing) - 1, missing);
        (self.first, self.bytes)
    }

    fn put(&mut self, bits: u64, count: u32) {
        // At most 7 bits are pending and 56 are added.
        self.pending = self.pending << count | bits;
        self.pending_bits += count;
        while self.pending_bits >= 8 {
            self.pending_bits -= 8;
            self.bytes.push((self.pending >> self.pending_bits) as u8);
        }
    }
}

/// Reads a block into `into`, in place of what it holds. A damaged block gives wrong fingerprints
/// but never a panic.
pub(super) fn decode(first: u64, bytes: &[u8], into: &mut Vec<u64>) {
    into.clear();
    into.push(first);
    let Some((&low_bits, bytes)) = bytes.split_first() else { return };
    let low_bits = u32::from(low_bits).min(super::BITS);
    let mut bits = Bits { bytes, at: 0 };
    let mut last = first;
    while let Some(distance) = bits.distance(low_bits) {
        last = last.wrapping_add(distance + 1);
        into.push(last);
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn distance(&mut self, low_bits: u32) -> Option<u64> {
        let ones = u64::from(self.peek()?.leading_ones());
        let end = self.at + ones as usize + 1;
        if ones > MOST_ONES || end + low_bits as usize > self.bytes.len() * 8 {
            return None;
        }
        self.at = end;
        let low = match low_bits {
            0 => 0,
            count => self.peek()? >> (u64::BITS - count),
        };
        self.at += low_bits as usize;
        Some(ones << low_bits | low)
    }

    /// At least the next 57 bits, the next one highest; zeros behind the end.
    fn peek(&self) -> Option<u64> {
        let rest = self.bytes.get(self.at / 8..)?;
        let word = match rest.first_chunk::<8>() {
            Some(word) => u64::from_be_bytes(*word),
            None => {
                let mut word = [0; 8];
                word[..rest.len()].copy_from_slice(rest);
                u64::from_be_bytes(word)
            }
        };
        Some(word << (self.at % 8))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocks(sorted: &[u64], mean: u64) -> Vec<(u64, Vec<u8>)> {
        let mut blocks = Vec::new();
        let mut writer: Option<Writer> = None;
        for &fingerprint in sorted {
            let full = match &mut writer {
                Some(writer) => !writer.push(fingerprint),
                None => true,
            };
            if full {
                blocks.extend(writer.replace(Writer::new(fingerprint, mean)).map(Writer::finish));
            }
        }
        blocks.extend(writer.map(Writer::finish));
        blocks
    }

    fn read(blocks: &[(u64, Vec<u8>)]) -> Vec<u64> {
        let mut block = Vec::new();
        let mut all = Vec::new();
        for (first, bytes) in blocks {
            assert!(bytes.len() <= MOST_BYTES);
            decode(*first, bytes, &mut block);
            all.extend_from_slice(&block);
        }
        all
    }

    #[test]
    fn neighbours_and_the_ends_of_the_range_survive() {
        let largest = (1 << 56) - 1;
        let sorted = [0, 1, 2, 900, 1 << 40, largest - 1, largest];
        for mean in [0, 1, 2, 1000, 1 << 50, u64::MAX >> 8] {
            assert_eq!(read(&blocks(&sorted, mean)), sorted);
        }
    }

    proptest! {
        #[test]
        fn every_sorted_list_survives(
            mut list in proptest::collection::vec(0..1_u64 << 56, 1..5000),
            crowd in 0..1_u64 << 50,
        ) {
            list.extend(crowd..crowd + 500);
            list.sort_unstable();
            list.dedup();
            let mean = (1 << 56) / list.len() as u64;
            prop_assert_eq!(read(&blocks(&list, mean)), list);
        }

        #[test]
        fn no_bytes_make_it_panic(first: u64, bytes: Vec<u8>) {
            decode(first, &bytes, &mut Vec::new());
        }
    }
}
