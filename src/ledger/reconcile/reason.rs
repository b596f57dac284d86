//! What a difference between logs and bill may come from.

use chrono::NaiveDate;

use crate::spend::Currency;

/// Where a difference likely comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The bill of the day is not final yet.
    Lag,
    /// No bill of the account is read.
    NoBill,
    /// The bill leaves the day out.
    DayNotBilled,
    /// The provider's usage report tells of use that is in no log here.
    OtherMachine,
    /// The bill tells of use that is in no log here.
    OtherMachineOrKey,
    /// A steady share of the list price is not charged.
    Discount {
        /// That share, in thousandths.
        permille: i128,
    },
    /// A steady share is charged on top: a fee, a tax.
    Surcharge {
        /// That share, in thousandths.
        permille: i128,
    },
    /// A service tier that the logs do not tell.
    Tier(Tier),
    /// The share that is billed changed on a day and stayed.
    PriceChange {
        /// The first UTC day of the new share.
        since: NaiveDate,
    },
    /// This bill is not about the key that the logs' requests were made with.
    KeyNotSeen,
    /// The bill calls the model something else.
    OtherName {
        /// What it calls it.
        name: String,
    },
    /// A charge for something else than a model's tokens.
    NotByModel,
    /// A credit or correction.
    Credit,
    /// No price is known of a part of the logs.
    Unpriced,
    /// A part of the bill is in a currency that the config has no rate for.
    NoRate {
        /// The currency.
        currency: Currency,
    },
    /// No rule fits.
    Unclear,
}

/// A service tier whose price is a documented multiple of the list price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Batch or flex: half.
    Batch,
    /// Inference that stays in a region: 1.1 times.
    Residency,
    /// Priority or fast mode: 1.7 to 6 times.
    Fast,
}

/// How sure a reason is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// A fact about what was read.
    Known,
    /// The figures fit it.
    Likely,
    /// The figures allow it, and others.
    Possible,
}

impl Reason {
    /// How sure it is.
    pub fn confidence(&self) -> Confidence {
        match self {
            Self::NoBill | Self::DayNotBilled | Self::Unpriced | Self::NoRate { .. } => {
                Confidence::Known
            }
            Self::OtherMachineOrKey | Self::Unclear => Confidence::Possible,
            _ => Confidence::Likely,
        }
    }

    /// Whether both are of one kind.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}
