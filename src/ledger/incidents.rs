//! What status pages report, so that every process of this user can show it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Ledger, LedgerError, codes};
use crate::spend::{Indicator, Trouble};

impl Ledger {
    /// Keeps what a page says now; `None` takes away what it said before. The same again writes
    /// nothing until the old one would soon be too old to be shown. True when something was
    /// written.
    pub fn keep_incident(
        &mut self,
        page: &str,
        says: Option<&Trouble>,
        now: DateTime<Utc>,
    ) -> Result<bool, LedgerError> {
        let known = self.incident(page)?;
        match (&known, says) {
            (None, None) => return Ok(false),
            (Some(known), Some(says))
                if (known.indicator, &known.text) == (says.indicator, &says.text)
                    && !known.needs_new_time(now) =>
            {
                return Ok(false);
            }
            _ => {}
        }
        self.run(|conn| match says {
            None => conn.prepare_cached("DELETE FROM incident WHERE page = ?1")?.execute([page]),
            Some(says) => conn
                .prepare_cached("INSERT OR REPLACE INTO incident VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    page,
                    codes::json(&says.indicator)?,
                    says.text,
                    says.as_of.timestamp_millis()
                ]),
        })?;
        Ok(true)
    }

    /// What every page said last, by its address; those that are well are absent.
    pub fn incidents(&self) -> Result<BTreeMap<String, Trouble>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached("SELECT page, indicator, text, at_ms FROM incident")?
                .query_map([], |row| Ok((row.get(0)?, read(row, 1)?)))?
                .collect()
        })
    }

    fn incident(&self, page: &str) -> Result<Option<Trouble>, LedgerError> {
        self.run(|conn| {
            conn.prepare_cached("SELECT indicator, text, at_ms FROM incident WHERE page = ?1")?
                .query_row([page], |row| read(row, 0))
                .optional()
        })
    }
}

/// Indicator, text and time, from the column `from` on.
fn read(row: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<Trouble> {
    let indicator: Indicator = codes::json_of(&row.get::<_, String>(from)?)?;
    let as_of = codes::time_of(row.get(from + 2)?);
    Ok(Trouble { indicator, text: row.get(from + 1)?, as_of })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, ledger_in};
    use super::*;

    const PAGE: &str = "https://status.example";

    fn major(time: &str) -> Trouble {
        Trouble { indicator: Indicator::Major, text: "Partial Outage".into(), as_of: at(time) }
    }

    #[test]
    fn the_last_word_of_a_page_is_kept_and_the_same_again_writes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let mut keep = |says: Option<Trouble>, time: &str| {
            let before = ledger.conn.total_changes();
            let is_news = ledger.keep_incident(PAGE, says.as_ref(), at(time)).unwrap();
            assert_eq!(ledger.conn.total_changes() > before, is_news);
            (is_news, ledger.incidents().unwrap().remove(PAGE))
        };
        assert_eq!(keep(None, "2026-11-24T12:00:00Z"), (false, None));
        let first = major("2026-11-24T12:00:00Z");
        assert_eq!(keep(Some(first.clone()), "2026-11-24T12:00:00Z"), (true, Some(first.clone())));
        // The same a quarter of an hour later, and an hour later.
        let same = keep(Some(major("2026-11-24T12:15:00Z")), "2026-11-24T12:15:00Z");
        assert_eq!(same, (false, Some(first)));
        let later = major("2026-11-24T13:01:00Z");
        assert_eq!(keep(Some(later.clone()), "2026-11-24T13:01:00Z"), (true, Some(later.clone())));
        let worse = Trouble { indicator: Indicator::Critical, ..later };
        assert_eq!(keep(Some(worse.clone()), "2026-11-24T13:02:00Z"), (true, Some(worse)));
        assert_eq!(keep(None, "2026-11-24T13:03:00Z"), (true, None));
        assert_eq!(keep(None, "2026-11-24T13:04:00Z"), (false, None));
    }
}
