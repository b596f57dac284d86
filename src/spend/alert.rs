//! What an alert is about, how pressing it is, and how far its delivery is.

use serde::{Deserialize, Serialize};

/// The channel of the desktop's notifications. Others are `hook:<name>` and `webhook:<name>`.
pub const DESKTOP: &str = "desktop";

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertKind {
    /// A budget's threshold was crossed.
    Threshold,
    /// A quota window or a balance ran low.
    Watch,
    /// At the pace so far a budget breaks before its period ends.
    Pace,
    /// Far more was spent than is usual.
    Spike,
    /// Spending goes fast right now.
    Burn,
    /// A provider has told nothing for too long.
    Silent,
    /// Usage without a known price.
    Unpriced,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Threshold,
        Self::Watch,
        Self::Pace,
        Self::Spike,
        Self::Burn,
        Self::Silent,
        Self::Unpriced,
    ];

    /// The word for it in the ledger and in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Threshold => "threshold",
            Self::Watch => "watch",
            Self::Pace => "pace",
            Self::Spike => "spike",
            Self::Burn => "burn",
            Self::Silent => "silent",
            Self::Unpriced => "unpriced",
        }
    }

    /// The kind that a word stands for.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How pressing an alert is, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something to look at.
    Warning,
    /// A budget is broken. Neither quiet hours nor a snooze hold it.
    Critical,
}

impl Severity {
    /// Every severity, least first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word for it in the config and in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The number for it in the ledger, 0 to 2.
    pub fn number(&self) -> i64 {
        match self {
            Self::Info => 0,
            Self::Warning => 1,
            Self::Critical => 2,
        }
    }

    /// The severity that a number stands for; above 2 is critical.
    pub fn of_number(number: i64) -> Self {
        match number {
            ..=0 => Self::Info,
            1 => Self::Warning,
            2.. => Self::Critical,
        }
    }

    /// How pressing a threshold is: critical once all of it is used.
    pub fn of_threshold(percent: u32) -> Self {
        if percent >= 100 { Self::Critical } else { Self::Warning }
    }
}

/// How far an alert's delivery over one channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be sent, or to be sent again.
    Waiting,
    /// Being sent by one process.
    Sending,
    /// Kept back by quiet hours or a snooze.
    Held,
    /// The other side took it.
    Delivered,
    /// It will not be tried again.
    Failed,
    /// The channel is switched off.
    Off,
}

impl DeliveryState {
    const ALL: [Self; 6] =
        [Self::Waiting, Self::Sending, Self::Held, Self::Delivered, Self::Failed, Self::Off];

    /// The word for it in the ledger.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Off => "off",
        }
    }

    /// The state that a word stands for.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_lead_back() {
        for kind in AlertKind::ALL {
            assert_eq!(AlertKind::of_word(kind.word()), Some(kind));
        }
        for severity in Severity::ALL {
            assert_eq!(Severity::of_number(severity.number()), severity);
        }
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::of_word(state.word()), Some(state));
        }
        assert!(Severity::Critical > Severity::Warning && Severity::Warning > Severity::Info);
        assert_eq!(Severity::of_threshold(99), Severity::Warning);
        assert_eq!(Severity::of_threshold(100), Severity::Critical);
    }
}
