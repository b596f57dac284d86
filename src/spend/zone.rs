//! Time zones: what clocks showed where since 1970, and will show until 2106.
//!
//! All zones of the IANA database, in 5 bytes for each change of the clocks. `names.txt` has a line
//! for each zone, with the place of its rule in `rules.bin`: the number of changes (2 bytes), when
//! each of them was (4 bytes, seconds since 1970), and which offset held before the first and holds
//! after each (1 byte, a number in `offsets.bin`, which has seconds east of UTC in 4 bytes each).
//! All numbers are little-endian. `SPENDBAR_WRITE_ZONES=1 cargo test --lib zone` writes the files
//! from the crate `chrono-tz`, with which the tests compare them.

use std::fmt;
use std::str::FromStr;

use chrono::{
    FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc,
};

const NAMES: &str = include_str!("../../assets/zones/names.txt");
const RULES: &[u8] = include_bytes!("../../assets/zones/rules.bin");
const OFFSETS: &[u8] = include_bytes!("../../assets/zones/offsets.bin");

/// No two offsets are further apart than this, in seconds.
const FURTHEST: i64 = 27 * 60 * 60;

/// A time zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tz {
    name: &'static str,
    rule: usize,
}

/// What a zone's clocks are ahead of UTC at some time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TzOffset {
    zone: Tz,
    seconds: i32,
}

/// The name of a zone that the IANA database does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no zone of the IANA database")]
pub struct UnknownZone;

impl Tz {
    /// The zone without any rules.
    pub const UTC: Self = Self { name: "UTC", rule: 0 };

    /// Its name in the IANA database: `Europe/Berlin`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Every zone, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.lines().filter_map(|line| {
            let (name, rule) = line.split_once(' ')?;
            Some(Self { name, rule: rule.parse().ok()? })
        })
    }

    /// How many changes of the clocks are known.
    fn changes(self) -> usize {
        RULES.get(self.rule..self.rule + 2).map_or(0, |count| usize::from(number(count)))
    }

    /// When the clocks changed for the `at`th time.
    fn change(self, at: usize) -> i64 {
        let from = self.rule + 2 + 4 * at;
        RULES.get(from..from + 4).map_or(i64::MAX, |time| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(time);
            i64::from(u32::from_le_bytes(bytes))
        })
    }

    /// Seconds east of UTC after `changes` changes.
    fn offset_after(self, changes: usize) -> i32 {
        let index = RULES.get(self.rule + 2 + 4 * self.changes() + changes).copied().unwrap_or(0);
        let from = 4 * usize::from(index);
        OFFSETS.get(from..from + 4).map_or(0, |offset| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(offset);
            i32::from_le_bytes(bytes)
        })
    }

    /// How often the clocks had changed at a time, which is in seconds since 1970.
    fn changes_until(self, seconds: i64) -> usize {
        let (mut low, mut high) = (0, self.changes());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.change(middle) <= seconds { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn offset(self, seconds: i32) -> TzOffset {
        TzOffset { zone: self, seconds }
    }
}

/// Two bytes as a number.
fn number(bytes: &[u8]) -> u16 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u16::from(*byte))
}

impl FromStr for Tz {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        Self::all().find(|zone| zone.name == name).ok_or(UnknownZone)
    }
}

impl fmt::Display for Tz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Tz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl TimeZone for Tz {
    type Offset = TzOffset;

    fn from_offset(offset: &TzOffset) -> Self {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<TzOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<TzOffset> {
        let clock = local.and_utc().timestamp();
        let mut found = None;
        let first = self.changes_until(clock.saturating_sub(FURTHEST));
        let last = self.changes_until(clock.saturating_add(FURTHEST));
        for changes in first..=last {
            let seconds = self.offset_after(changes);
            // The clocks showed this time while this offset held.
            if self.changes_until(clock - i64::from(seconds)) == changes {
                let offset = self.offset(seconds);
                found = match found {
                    None => Some(MappedLocalTime::Single(offset)),
                    Some(
                        MappedLocalTime::Single(earlier) | MappedLocalTime::Ambiguous(earlier, _),
                    ) => Some(MappedLocalTime::Ambiguous(earlier, offset)),
                    none => none,
                };
            }
        }
        found.unwrap_or(MappedLocalTime::None)
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> TzOffset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> TzOffset {
        self.offset(self.offset_after(self.changes_until(utc.and_utc().timestamp())))
    }
}

impl Offset for TzOffset {
    fn fix(&self) -> FixedOffset {
        FixedOffset::east_opt(self.seconds).unwrap_or_else(|| Utc.fix())
    }
}

impl fmt::Display for TzOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.fix(), f)
    }
}

impl fmt::Debug for TzOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.fix(), f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use chrono::{DateTime, TimeDelta};
    use chrono_tz::TZ_VARIANTS;

    use super::*;

    /// Tables are made and compared up to here; `chrono-tz` knows rules until 2100.
    const END: i64 = 4_102_444_800;

    fn reference(zone: chrono_tz::Tz, seconds: i64) -> i32 {
        let utc = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()
    }

    /// When a zone's clocks change between 1970 and 2100.
    fn changes(zone: chrono_tz::Tz) -> Vec<i64> {
        const STEP: i64 = 6 * 60 * 60;
        let mut changes = Vec::new();
        let mut offset = reference(zone, 0);
        for from in (0..END).step_by(STEP as usize) {
            let next = reference(zone, from + STEP);
            if next != offset {
                let (mut low, mut high) = (from, from + STEP);
                while low + 1 < high {
                    let middle = i64::midpoint(low, high);
                    if reference(zone, middle) == offset { low = middle } else { high = middle }
                }
                changes.push(high);
                offset = next;
            }
        }
        changes
    }

    fn write_files() {
        let (mut names, mut rules) = (String::new(), vec![0, 0, 0]);
        let (mut offsets, mut known) = (vec![0], BTreeMap::from([(vec![0, 0, 0], 0)]));
        let mut zones = TZ_VARIANTS.to_vec();
        zones.sort_by_key(|zone| zone.name());
        for zone in zones {
            let times = changes(zone);
            let mut rule = Vec::from((times.len() as u16).to_le_bytes());
            rule.extend(times.iter().flat_map(|time| (*time as u32).to_le_bytes()));
            for at in [0].iter().chain(&times) {
                let offset = reference(zone, *at);
                let index = offsets.iter().position(|known| *known == offset);
                rule.push(index.unwrap_or(offsets.len()).try_into().unwrap());
                if index.is_none() {
                    offsets.push(offset);
                }
            }
            let place = *known.entry(rule.clone()).or_insert_with(|| {
                rules.extend(&rule);
                rules.len() - rule.len()
            });
            names.push_str(&format!("{} {place}\n", zone.name()));
        }
        let offsets: Vec<u8> = offsets.into_iter().flat_map(i32::to_le_bytes).collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/zones");
        std::fs::write(folder.join("names.txt"), names).unwrap();
        std::fs::write(folder.join("rules.bin"), rules).unwrap();
        std::fs::write(folder.join("offsets.bin"), offsets).unwrap();
    }

    #[test]
    fn every_zone_is_there_and_its_clocks_show_what_they_should() {
        if std::env::var_os("SPENDBAR_WRITE_ZONES").is_some() {
            return write_files();
        }
        let mut names: Vec<_> = TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
        names.sort_unstable();
        assert_eq!(Tz::all().map(|zone| zone.name()).collect::<Vec<_>>(), names);
        for zone in Tz::all() {
            let other: chrono_tz::Tz = zone.name().parse().unwrap();
            // Around each change, in the middle between two, and every 40 days.
            let changes: Vec<i64> = (0..zone.changes()).map(|at| zone.change(at)).collect();
            assert!(changes.is_sorted());
            let near = changes.iter().flat_map(|at| [-3600, -1, 0, 1, 1800, 3600].map(|d| at + d));
            for at in near.chain((0..END).step_by(40 * 86_400)).filter(|at| *at >= 0) {
                let clock = DateTime::from_timestamp(at, 0).unwrap().naive_utc();
                let ours = zone.offset_from_utc_datetime(&clock).fix();
                assert_eq!(ours.local_minus_utc(), reference(other, at), "{zone} {at}");
                if at > FURTHEST && at < END - FURTHEST {
                    for clock in [clock, clock + ours - TimeDelta::hours(1), clock + ours] {
                        let ours =
                            zone.offset_from_local_datetime(&clock).map(|offset| offset.fix());
                        let theirs =
                            other.offset_from_local_datetime(&clock).map(|offset| offset.fix());
                        assert_eq!(ours, theirs, "{zone} {clock}");
                    }
                }
            }
        }
    }

    #[test]
    fn zones_are_known_by_their_names() {
        assert_eq!("UTC".parse(), Ok(Tz::UTC));
        assert_eq!("Asia/Tokyo".parse::<Tz>().unwrap().to_string(), "Asia/Tokyo");
        assert_eq!("Europe/berlin".parse::<Tz>(), Err(UnknownZone));
        assert_eq!("".parse::<Tz>(), Err(UnknownZone));
        assert_eq!(UnknownZone.to_string(), "is no zone of the IANA database");
    }

    #[test]
    fn times_before_and_after_the_tables_have_an_offset() {
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        for at in [i64::from(i32::MIN) * 10, -1, END * 2] {
            let time = DateTime::from_timestamp(at, 0).unwrap().with_timezone(&berlin);
            assert_eq!(time.offset().fix().local_minus_utc(), 3600);
        }
    }
}
