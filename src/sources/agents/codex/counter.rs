//! Running totals -> what each row adds. All rules for one lineage live here.
//!
//! - R1: a total equal to the one before is a snapshot written again. It adds nothing, although
//!   its `last` is not zero (582 M were counted where 204 M were true).
//! - R2: otherwise `last` counts; if the total grew by no more than `last`, that growth does.
//! - R3: without `last` the growth of the total counts.
//! - R4: a total below the highest one seen means that several lineages write into one file, or
//!   that the counter was reset. From then on only what exceeds everything seen and counted so far
//!   is added. This may undercount, and never multiplies (268 M were read as 3.29 B).

use serde::{Deserialize, Serialize};

/// Token counts of a row: input, cached input, cache writes, output, reasoning. Cached input and
/// cache writes are parts of input, reasoning is a part of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vector(pub [u64; 5]);

impl Vector {
    /// All input.
    pub fn input(&self) -> u64 {
        self.0[0]
    }

    /// Input read from a cache.
    pub fn cached(&self) -> u64 {
        self.0[1]
    }

    /// Input written to a cache.
    pub fn cache_write(&self) -> u64 {
        self.0[2]
    }

    /// All output.
    pub fn output(&self) -> u64 {
        self.0[3]
    }

    /// Reasoning.
    pub fn reasoning(&self) -> u64 {
        self.0[4]
    }

    /// Input and output: everything that is paid for.
    pub fn tokens(&self) -> u64 {
        self.input().saturating_add(self.output())
    }

    /// Whether nothing is in it.
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 5]
    }

    /// Whether every component is at least the other's.
    pub fn covers(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(mine, theirs)| *mine >= theirs)
    }

    /// Component by component, stopping at zero.
    pub fn minus(&self, other: &Self) -> Self {
        self.zip(other, u64::saturating_sub)
    }

    fn plus(&self, other: &Self) -> Self {
        self.zip(other, u64::saturating_add)
    }

    fn min(&self, other: &Self) -> Self {
        self.zip(other, Ord::min)
    }

    fn max(&self, other: &Self) -> Self {
        self.zip(other, Ord::max)
    }

    fn zip(&self, other: &Self, f: fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|at| f(self.0[at], other.0[at])))
    }
}

/// Where the counting of a file stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    previous: Option<Vector>,
    highest: Vector,
    counted: Vector,
    several_lineages: bool,
}

impl Counter {
    /// A counter that starts at what another session spent.
    pub fn from_baseline(baseline: Vector) -> Self {
        let previous = (!baseline.is_zero()).then_some(baseline);
        Self { previous, highest: baseline, counted: baseline, several_lineages: false }
    }

    /// What a row adds.
    pub fn row(&mut self, total: Option<Vector>, last: Option<Vector>) -> Vector {
        let added = match (total, last) {
            (Some(total), _) if self.previous == Some(total) => return Vector::default(),
            (Some(total), last) => self.growth(total, last),
            (None, Some(last)) => last,
            (None, None) => Vector::default(),
        };
        self.counted = self.counted.plus(&added);
        if let Some(total) = total {
            self.highest = self.highest.max(&total);
            self.previous = Some(total);
        }
        added
    }

    fn growth(&mut self, total: Vector, last: Option<Vector>) -> Vector {
        self.several_lineages |= !total.covers(&self.highest);
        if self.several_lineages {
            let known = if total.covers(&self.highest) {
                self.highest.max(&self.counted)
            } else {
                self.counted
            };
            let growth = total.minus(&known);
            return last.map_or(growth, |last| growth.min(&last));
        }
        let growth = total.minus(&self.previous.unwrap_or_default());
        match last {
            Some(last) if !last.covers(&growth) => last,
            _ => growth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(input: u64, output: u64) -> Vector {
        Vector([input, 0, 0, output, 0])
    }

    #[test]
    fn a_repeated_total_adds_nothing() {
        let mut counter = Counter::default();
        assert_eq!(counter.row(Some(v(100, 10)), Some(v(100, 10))), v(100, 10));
        assert_eq!(counter.row(Some(v(100, 10)), Some(v(100, 10))), v(0, 0));
    }

    #[test]
    fn the_smaller_of_growth_and_last_counts() {
        let mut counter = Counter::default();
        counter.row(Some(v(100, 10)), Some(v(100, 10)));
        // Growth 30/5 against last 40/5: the growth is within last.
        assert_eq!(counter.row(Some(v(130, 15)), Some(v(40, 5))), v(30, 5));
        // Growth 70/5 against last 20/5: a row is missing, only what last says is known.
        assert_eq!(counter.row(Some(v(200, 20)), Some(v(20, 5))), v(20, 5));
        // No last: the growth.
        assert_eq!(counter.row(Some(v(210, 21)), None), v(10, 1));
    }

    #[test]
    fn interleaved_lineages_never_multiply() {
        let mut counter = Counter::default();
        let rows = [
            (v(1000, 100), v(1000, 100), v(1000, 100)),
            // The other lineage: 200 - 1000 counted leaves nothing, however large last is.
            (v(200, 20), v(200, 20), v(0, 0)),
            // 1500 covers the highest (1000): 500.
            (v(1500, 150), v(500, 50), v(500, 50)),
            (v(900, 90), v(700, 70), v(0, 0)),
            // 2600 - 1500 = 1100, but the request itself was 300.
            (v(2600, 260), v(300, 30), v(300, 30)),
            // Below the highest (2600), above what was counted (1800): 2000 - 1800.
            (v(2000, 200), v(1100, 110), v(200, 20)),
        ];
        for (total, last, added) in rows {
            assert_eq!(counter.row(Some(total), Some(last)), added, "{total:?}");
        }
    }

    #[test]
    fn totals_beyond_2_to_the_31_do_not_wrap() {
        let mut counter = Counter::default();
        let (a, b) = (v(3_000_000_000, 5), v(3_000_700_000, 9));
        counter.row(Some(a), None);
        assert_eq!(counter.row(Some(b), Some(v(700_000, 4))), v(700_000, 4));
    }
}
