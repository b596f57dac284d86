//! What one session costs.

use chrono::{DateTime, Utc};
use rusqlite::OptionalExtension;

use super::{Ledger, LedgerError, codes, slots};
use crate::spend::Money;

impl Ledger {
    /// The list price of a session's requests since the quarter of an hour that holds `since`, and
    /// its tokens without a price. Subagents count where they log under the session's own id.
    pub fn session_list(
        &self,
        session: &str,
        since: DateTime<Utc>,
    ) -> Result<(Money, u64), LedgerError> {
        let figures = self.ask(|conn| {
            let id: Option<i64> = conn
                .prepare_cached("SELECT id FROM name WHERE text = ?1")?
                .query_row([session], |row| row.get(0))
                .optional()?;
            id.map(|id| slots::of_session(conn, id, since)).transpose()
        })?;
        let figures = figures.unwrap_or_default();
        Ok((Money::from_picos_usd(figures.list_picos), codes::to_u64(figures.unpriced_tokens)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn a_session_costs_what_its_requests_of_a_day_cost() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let mut other = usage("c", "2026-11-24T11:00:00Z", HAIKU, 1_000_000, 0);
        other.session = Some("session-2".into());
        let usages = vec![
            usage("a", "2026-11-23T11:00:00Z", HAIKU, 1_000_000, 0),
            usage("b", "2026-11-24T11:00:00Z", HAIKU, 2_000_000, 0),
            usage("d", "2026-11-24T11:00:00Z", "no-such-model", 7, 0),
            other,
        ];
        record(&mut ledger, &look(&AGENT, "2026-11-24T12:00:00Z"), &reading(usages));
        let since = |time: &str| ledger.session_list("session-1", at(time)).unwrap();
        assert_eq!(since("2026-11-23T12:00:00Z"), (usd("2"), 7));
        assert_eq!(since("2026-11-23T11:14:59Z"), (usd("3"), 7), "the same quarter");
        assert_eq!(ledger.session_list("none", at("2026-11-23T12:00:00Z")).unwrap(), (usd("0"), 0));
    }
}
