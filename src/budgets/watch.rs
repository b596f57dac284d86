//! Watches: a word when a quota window is used up to a share, or a balance falls below an amount.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::unusual::Warnings;
use crate::spend::{Balance, QuotaWindow};

/// A window that starts anew is told from one whose end was only stated a little differently.
const SAME_WINDOW: TimeDelta = TimeDelta::minutes(30);

/// What is watched of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The source's id.
    pub source: String,
    /// Which of its figures, and when it speaks.
    pub of: Watched,
}

/// Which figure is watched, and when it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Every quota window, or the one of that name: at these shares used, percent, ascending.
    Quota {
        /// The window's name.
        window: Option<String>,
        /// Percent.
        thresholds_percent: Vec<u32>,
    },
    /// Every balance: when it lasts for no more than so many days, at the pace of the last week.
    Days(u32),
    /// Every balance, or the one of that name: below this amount, 1e-18 of whatever it is in.
    Balance {
        /// The balance's name.
        name: Option<String>,
        /// The amount.
        below_attos: i128,
    },
}

/// What a watch has said of one figure, kept until the figure is well again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The highest threshold that spoke, percent; 100 for a balance.
    pub percent: u32,
    /// When the window it spoke of starts anew.
    pub resets_at: Option<DateTime<Utc>>,
}

/// What to do about one figure now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing.
    Nothing,
    /// It is well again: forget what was said.
    Forget,
    /// Speak, and remember this.
    Speak(Said),
}

/// Whether a window is worth a word. Of several thresholds reached at once only the highest
/// speaks; each speaks once in a window, and again in the next one.
pub fn judge_quota(window: &QuotaWindow, thresholds: &[u32], said: Option<&Said>) -> Word {
    let is_new_window = said.is_some_and(|said| match (said.resets_at, window.resets_at) {
        (Some(before), Some(now)) => now - before > SAME_WINDOW,
        _ => false,
    });
    let reached = |percent: &u32| window.used_ppm >= i64::from(*percent) * 10_000;
    let highest = thresholds.iter().copied().filter(reached).max();
    let known = said.filter(|_| !is_new_window).map_or(0, |said| said.percent);
    match highest {
        Some(percent) if percent > known => {
            Word::Speak(Said { percent, resets_at: window.resets_at })
        }
        // A share that only went down a little is the same window still.
        None if said.is_some() => Word::Forget,
        Some(_) | None => Word::Nothing,
    }
}

/// Whether a balance is worth a word: once when it falls below the amount, and again only after it
/// was above it.
pub fn judge_balance(balance: &Balance, below_attos: i128, said: Option<&Said>) -> Word {
    match (balance.amount.attos() < below_attos, said) {
        (true, None) => Word::Speak(Said { percent: 100, resets_at: None }),
        (false, Some(_)) => Word::Forget,
        _ => Word::Nothing,
    }
}

/// Whether a balance that lasts so many days is worth a word: once when they are few, and again only
/// after they were twice as many. `None` where no pace is known.
pub fn judge_days(days_left: Option<i128>, least: u32, said: Option<&Said>) -> Word {
    let least = i128::from(least);
    match (days_left, said) {
        (Some(days), None) if days <= least => Word::Speak(Said { percent: 100, resets_at: None }),
        (Some(days), Some(_)) if days > least * 2 => Word::Forget,
        _ => Word::Nothing,
    }
}

/// What is watched of sources that nobody set a watch for.
pub fn usual(watches: &[Watch], sources: &[String], warnings: &Warnings) -> Vec<Watch> {
    let mut usual = Vec::new();
    for source in sources {
        let has = |is_it: fn(&Watched) -> bool| {
            watches.iter().any(|watch| watch.source == *source && is_it(&watch.of))
        };
        let percent = warnings.quota_percent;
        if percent > 0 && !has(|of| matches!(of, Watched::Quota { .. })) {
            let of = Watched::Quota { window: None, thresholds_percent: vec![percent] };
            usual.push(Watch { source: source.clone(), of });
        }
        let days = warnings.balance_days;
        if days > 0 && !has(|of| matches!(of, Watched::Balance { .. })) {
            usual.push(Watch { source: source.clone(), of: Watched::Days(days) });
        }
    }
    usual
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spend::{Currency, Money, Quantity};

    fn window(ppm: i64, resets_at: &str) -> QuotaWindow {
        QuotaWindow { resets_at: resets_at.parse().ok(), ..QuotaWindow::share("week", ppm) }
    }

    #[test]
    fn a_threshold_speaks_once_in_a_window_and_the_highest_alone() {
        let at = "2026-11-07T08:00:00Z";
        let Word::Speak(said) = judge_quota(&window(960_000, at), &[80, 95], None) else {
            panic!()
        };
        assert_eq!(said.percent, 95);
        assert_eq!(judge_quota(&window(970_000, at), &[80, 95], Some(&said)), Word::Nothing);
        // The end is stated a second later: the same window.
        let later = window(980_000, "2026-11-07T08:00:01Z");
        assert_eq!(judge_quota(&later, &[80, 95], Some(&said)), Word::Nothing);
        let next = window(810_000, "2026-11-14T08:00:00Z");
        assert!(matches!(judge_quota(&next, &[80, 95], Some(&said)), Word::Speak(_)));
        assert_eq!(judge_quota(&window(10_000, at), &[80, 95], Some(&said)), Word::Forget);
    }

    #[test]
    fn few_days_are_told_once_until_there_are_many_again() {
        let said = Said { percent: 100, resets_at: None };
        assert_eq!(judge_days(None, 3, None), Word::Nothing);
        assert_eq!(judge_days(Some(4), 3, None), Word::Nothing);
        assert_eq!(judge_days(Some(3), 3, None), Word::Speak(said.clone()));
        assert_eq!(judge_days(Some(5), 3, Some(&said)), Word::Nothing);
        assert_eq!(judge_days(Some(7), 3, Some(&said)), Word::Forget);
    }

    #[test]
    fn what_nobody_watches_is_watched_as_usual() {
        let set = Watch {
            source: "claude-quota".into(),
            of: Watched::Quota { window: None, thresholds_percent: vec![50] },
        };
        let sources = ["claude-quota".to_owned(), "openrouter".to_owned()];
        let all = usual(&[set], &sources, &Warnings::default());
        let of = |source: &str| all.iter().filter(|watch| watch.source == source).count();
        assert_eq!((of("claude-quota"), of("openrouter")), (1, 2));
        let none = Warnings { quota_percent: 0, balance_days: 0, ..Warnings::default() };
        assert_eq!(usual(&[], &sources, &none), []);
    }

    proptest! {
        #[test]
        fn a_balance_speaks_as_often_as_it_falls_below(amounts in prop::collection::vec(0i128..10, 0..40)) {
            let (mut said, mut words, mut falls, mut was_below) = (None, 0, 0, false);
            for attos in amounts {
                let amount = Quantity::Money(Money { attos, currency: Currency::USD });
                match judge_balance(&Balance { name: "b".into(), amount }, 5, said.as_ref()) {
                    Word::Speak(now) => { words += 1; said = Some(now); }
                    Word::Forget => said = None,
                    Word::Nothing => {}
                }
                falls += usize::from(attos < 5 && !was_below);
                was_below = attos < 5;
            }
            prop_assert_eq!(words, falls);
        }

        #[test]
        fn within_a_window_no_threshold_speaks_twice(shares in prop::collection::vec(0i64..2_000_000, 0..40)) {
            let mut shares = shares;
            shares.sort_unstable();
            let (mut said, mut spoken): (Option<Said>, Vec<u32>) = (None, Vec::new());
            for share in shares {
                let word = judge_quota(&window(share, "2026-11-07T08:00:00Z"), &[50, 80, 100], said.as_ref());
                if let Word::Speak(now) = word {
                    prop_assert!(!spoken.contains(&now.percent));
                    spoken.push(now.percent);
                    said = Some(now);
                }
            }
        }
    }
}
