//! Alerts on their way to a notification daemon: handed out once, and again after a refusal.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

/// First and longest wait before a notification that nobody took is sent again.
const WAITS: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(60));

/// Which alerts are on their way, and when the refused ones are sent again.
pub struct Desktop {
    handed_out: BTreeSet<i64>,
    again_at: Option<Instant>,
    wait: Duration,
}

impl Desktop {
    /// Nothing is on its way.
    pub fn new() -> Self {
        Self { handed_out: BTreeSet::new(), again_at: None, wait: WAITS.0 }
    }

    /// Whether this alert is to be handed out now; from then on it is on its way.
    pub fn hand_out(&mut self, alert: i64) -> bool {
        self.handed_out.insert(alert)
    }

    /// A daemon took it.
    pub fn taken(&mut self, alert: i64) {
        self.handed_out.remove(&alert);
        self.wait = WAITS.0;
    }

    /// Nobody took one. Where one is refused the others are, too: all wait for the same moment.
    pub fn refused(&mut self) {
        self.again_at.get_or_insert(Instant::now() + self.wait);
        self.wait = (self.wait * 2).min(WAITS.1);
    }

    /// When refused alerts are sent again.
    pub fn again_at(&self) -> Option<Instant> {
        self.again_at
    }

    /// Whether it is time to send them again; they can be handed out anew then.
    pub fn is_time_again(&mut self) -> bool {
        let is_time = self.again_at.is_some_and(|at| Instant::now() >= at);
        if is_time {
            self.again_at = None;
            self.handed_out.clear();
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_alert_is_on_its_way_once_until_it_is_refused() {
        let mut desktop = Desktop::new();
        assert!(desktop.hand_out(7));
        assert!(!desktop.hand_out(7));
        desktop.refused();
        assert!(!desktop.hand_out(7) && !desktop.is_time_again());
        tokio::time::advance(WAITS.0).await;
        assert!(desktop.is_time_again() && desktop.hand_out(7));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_a_minute_and_start_anew_after_success() {
        let mut desktop = Desktop::new();
        let wait_of = |desktop: &mut Desktop| {
            desktop.refused();
            let wait = desktop.again_at().expect("a time") - Instant::now();
            desktop.again_at = None;
            wait.as_secs()
        };
        let waits: Vec<_> = (0..7).map(|_| wait_of(&mut desktop)).collect();
        assert_eq!(waits, [3, 6, 12, 24, 48, 60, 60]);
        desktop.taken(7);
        assert_eq!(wait_of(&mut desktop), 3);
    }
}
