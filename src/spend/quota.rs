//! What is left: prepaid credit, and limits of subscriptions and keys.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::money::{Currency, Money, MoneyError};

/// An amount of money, or of what a provider counts in its place: points, requests, credits. The
/// two never add up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Quantity {
    /// Money.
    Money(Money),
    /// A number of the provider's own units.
    Units(Units),
}

impl Quantity {
    /// 1e-18 of a unit, whatever the unit.
    pub fn attos(&self) -> i128 {
        match self {
            Self::Money(money) => money.attos,
            Self::Units(units) => units.attos,
        }
    }

    /// The same kind of thing with another number.
    pub fn with_attos(&self, attos: i128) -> Self {
        match self {
            Self::Money(money) => Self::Money(Money { attos, ..*money }),
            Self::Units(units) => Self::Units(Units { attos, unit: units.unit.clone() }),
        }
    }
}

/// A number of a provider's own units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenUnits", into = "WrittenUnits")]
pub struct Units {
    /// 1e-18 of a unit: providers state fractions of points too.
    pub attos: i128,
    /// What is counted, as a word in the plural: `points`.
    pub unit: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenUnits {
    count: String,
    unit: String,
}

impl From<Units> for WrittenUnits {
    fn from(units: Units) -> Self {
        // The digits are those of an amount in a currency, which plays no part.
        let count = Money { attos: units.attos, currency: Currency::USD }.to_decimal();
        Self { count, unit: units.unit }
    }
}

impl TryFrom<WrittenUnits> for Units {
    type Error = MoneyError;

    fn try_from(written: WrittenUnits) -> Result<Self, MoneyError> {
        let attos = Money::parse(&written.count, Currency::USD)?.attos;
        Ok(Self { attos, unit: written.unit })
    }
}

/// Prepaid credit left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What the provider calls it (`credits`).
    pub name: String,
    /// What is left; negative when it is owed.
    pub amount: Quantity,
}

/// A limit for a period, and the share of it that is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaWindow {
    /// What is limited (`week`, `week, Opus`, `key limit`).
    pub name: String,
    /// The used share in millionths; above a million when the limit is passed.
    pub used_ppm: i64,
    /// What the share stands for, where the provider says it.
    pub amounts: Option<UsedOf>,
    /// How long the window is, where the provider says it, seconds.
    pub seconds: Option<u64>,
    /// When it starts anew.
    pub resets_at: Option<DateTime<Utc>>,
    /// When it starts anew, where the provider says no more than a word (`monthly`).
    pub resets: Option<String>,
}

/// A part of a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedOf {
    /// Used so far.
    pub used: Quantity,
    /// The limit.
    pub limit: Quantity,
}

impl UsedOf {
    /// The used share in millionths, rounded down; nothing of a limit of nothing is all of it.
    pub fn ppm(&self) -> i64 {
        let (used, limit) = (self.used.attos(), self.limit.attos());
        if limit <= 0 {
            return 1_000_000;
        }
        // Divided first where the product would leave the range: a limit that large has digits
        // to spare.
        let ppm = match used.checked_mul(1_000_000) {
            Some(product) => product.div_euclid(limit),
            None => used.div_euclid((limit / 1_000_000).max(1)),
        };
        i64::try_from(ppm).unwrap_or(if ppm < 0 { i64::MIN } else { i64::MAX })
    }
}

impl QuotaWindow {
    /// A window of which used and limit are known, and nothing else.
    pub fn of(name: impl Into<String>, amounts: UsedOf) -> Self {
        Self { used_ppm: amounts.ppm(), amounts: Some(amounts), ..Self::share(name, 0) }
    }

    /// A window of which the share is known, and nothing else.
    pub fn share(name: impl Into<String>, used_ppm: i64) -> Self {
        let (name, amounts, seconds) = (name.into(), None, None);
        Self { name, used_ppm, amounts, seconds, resets_at: None, resets: None }
    }

    /// When the limit is reached if the window goes on as it went so far. `None` while less than a
    /// tenth of it has passed, when it lasts, when it is reached already, and where the window's
    /// length or end is not known.
    pub fn runs_out_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (length, resets_at) = (i64::try_from(self.seconds?).ok()?, self.resets_at?);
        let left = (resets_at - now).num_seconds();
        let passed = length.checked_sub(left)?;
        if left <= 0 || passed < length / 10 || !(1..1_000_000).contains(&self.used_ppm) {
            return None;
        }
        let seconds =
            i128::from(passed) * i128::from(1_000_000 - self.used_ppm) / i128::from(self.used_ppm);
        let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds < left)?;
        now.checked_add_signed(chrono::TimeDelta::try_seconds(seconds)?)
    }
}

/// What a provider says was spent over a period that is no single UTC day of a bill: the month so
/// far, or a day in its own units. Shown, and in no total of days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// Whose it is, as the provider tells it (`account`, `key`).
    pub name: String,
    /// The period: `2026-11`, `2026-11-03`, or a word (`cycle`).
    pub period: String,
    /// How much.
    pub amount: Quantity,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(text: &str) -> Quantity {
        Quantity::Money(Money::parse(text, Currency::USD).unwrap())
    }

    #[test]
    fn money_and_units_are_told_apart_when_they_are_written() {
        let points = Quantity::Units(Units { attos: 15 * 10_i128.pow(17), unit: "ACU".into() });
        for quantity in [usd("-12.34"), points] {
            let text = serde_json::to_string(&quantity).unwrap();
            assert_eq!(serde_json::from_str::<Quantity>(&text).unwrap(), quantity, "{text}");
        }
    }

    #[test]
    fn a_share_is_rounded_down_and_never_wraps() {
        let ppm = |used, limit| UsedOf { used: usd(used), limit: usd(limit) }.ppm();
        assert_eq!(ppm("10", "40"), 250_000);
        assert_eq!(ppm("0.1", "0.3"), 333_333);
        assert_eq!(ppm("-1", "3"), -333_334);
        assert_eq!(ppm("1", "0"), 1_000_000);
        assert_eq!(ppm("10000000000000000000", "0.000000000000000001"), i64::MAX);
    }

    #[test]
    fn a_window_says_when_it_runs_out_at_this_pace() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let window = QuotaWindow {
            seconds: Some(5 * 3600),
            resets_at: Some(at("2026-11-03T15:00:00Z")),
            ..QuotaWindow::share("session", 800_000)
        };
        // 80 % in two hours: the other 20 % last half an hour.
        assert_eq!(
            window.runs_out_at(at("2026-11-03T12:00:00Z")),
            Some(at("2026-11-03T12:30:00Z"))
        );
        // Too early to tell, over, and a pace that lasts.
        assert_eq!(window.runs_out_at(at("2026-11-03T10:20:00Z")), None);
        assert_eq!(window.runs_out_at(at("2026-11-03T15:00:00Z")), None);
        let slow = QuotaWindow { used_ppm: 300_000, ..window.clone() };
        assert_eq!(slow.runs_out_at(at("2026-11-03T12:00:00Z")), None);
        let full = QuotaWindow { used_ppm: 1_000_000, ..window };
        assert_eq!(full.runs_out_at(at("2026-11-03T12:00:00Z")), None);
    }

    proptest! {
        #[test]
        fn the_moment_it_runs_out_lies_before_its_end(
            used in any::<i64>(), length in any::<u64>(), left in -10_000i64..1_000_000,
        ) {
            let now: DateTime<Utc> = "2026-11-03T12:00:00Z".parse().unwrap();
            let end = now + chrono::Duration::seconds(left);
            let window = QuotaWindow {
                seconds: Some(length), resets_at: Some(end), ..QuotaWindow::share("w", used)
            };
            if let Some(at) = window.runs_out_at(now) {
                prop_assert!(now <= at && at < end);
            }
        }
    }
}
