//! How fast prepaid credit is used: what was taken from each balance, by UTC day.
//!
//! Only falls count. What is topped up, granted or refunded says nothing of the pace.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{Ledger, LedgerError};
use crate::spend::{Balance, Quantity};

/// The finished days that a pace is taken from.
const DAYS: u64 = 7;

/// What a balance is told by: its name and what it is in.
pub type BalanceKey = (String, String);

/// The key of a balance.
pub fn key_of(balance: &Balance) -> BalanceKey {
    let unit = match &balance.amount {
        Quantity::Money(money) => money.currency.code().to_owned(),
        Quantity::Units(units) => units.unit.clone(),
    };
    (balance.name.clone(), unit)
}

impl Ledger {
    /// What is taken from each of a source's balances per day, in 1e-18 of its unit: the mean of
    /// the last seven finished UTC days, or of those since it was first seen. Nothing for a balance
    /// that was not seen before today.
    pub fn balance_paces(
        &self,
        source_id: &str,
        now: DateTime<Utc>,
    ) -> std::result::Result<BTreeMap<BalanceKey, i128>, LedgerError> {
        let today = now.date_naive();
        let from = today.checked_sub_days(Days::new(DAYS)).unwrap_or(today);
        let rows: Vec<(String, String, String, String)> = self.run(|conn| {
            conn.prepare_cached(
                "SELECT balance_use.name, unit, day, used FROM balance_use
                 WHERE source = (SELECT id FROM name WHERE text = ?1) AND day >= ?2 AND day < ?3",
            )?
            .query_map(params![source_id, from.to_string(), today.to_string()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect()
        })?;
        let mut sums: BTreeMap<BalanceKey, (NaiveDate, i128)> = BTreeMap::new();
        for (name, unit, day, used) in rows {
            let (Ok(day), Ok(used)) = (day.parse::<NaiveDate>(), used.parse::<i128>()) else {
                continue;
            };
            let (first, sum) = sums.entry((name, unit)).or_insert((day, 0));
            *first = day.min(*first);
            *sum = sum.saturating_add(used);
        }
        let mean = |(key, (first, sum)): (BalanceKey, (NaiveDate, i128))| {
            (key, sum / i128::from((today - first).num_days().max(1)))
        };
        Ok(sums.into_iter().map(mean).collect())
    }
}

/// Notes what was taken since the look before.
pub(super) fn note(
    conn: &Connection,
    source: i64,
    at: DateTime<Utc>,
    before: &[Balance],
    now: &[Balance],
) -> Result<()> {
    let day = at.date_naive().to_string();
    for balance in now {
        let (name, unit) = key_of(balance);
        let known = before.iter().find(|it| key_of(it) == (name.clone(), unit.clone()));
        let taken = known
            .map_or(0, |known| known.amount.attos().saturating_sub(balance.amount.attos()).max(0));
        let used: Option<String> = conn
            .prepare_cached(
                "SELECT used FROM balance_use
                 WHERE source = ?1 AND name = ?2 AND unit = ?3 AND day = ?4",
            )?
            .query_row(params![source, name, unit, day], |row| row.get(0))
            .optional()?;
        // The first row of a day says that the balance was seen, even if nothing was taken.
        if used.is_some() && taken == 0 {
            continue;
        }
        let sum = used.and_then(|used| used.parse::<i128>().ok()).unwrap_or(0);
        conn.prepare_cached(
            "INSERT OR REPLACE INTO balance_use (source, name, unit, day, used)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            source,
            name,
            unit,
            day,
            sum.saturating_add(taken).to_string()
        ])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{PROVIDER, at, ledger_in, look, record, usd};
    use super::*;
    use crate::spend::Reading;

    #[test]
    fn the_pace_is_what_was_taken_per_finished_day() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let mut see = |time: &str, left: &str| {
            let amount = Quantity::Money(usd(left));
            let balances = vec![Balance { name: "credits".into(), amount }];
            record(
                &mut ledger,
                &look(&PROVIDER, time),
                &Reading { balances, ..Reading::default() },
            );
        };
        see("2026-11-20T10:00:00Z", "100");
        see("2026-11-20T20:00:00Z", "94"); // 6 taken
        see("2026-11-21T10:00:00Z", "150"); // topped up
        see("2026-11-21T20:00:00Z", "141"); // 9 taken
        see("2026-11-23T09:00:00Z", "100"); // 41 taken, today
        let pace = |time: &str| {
            let paces = ledger.balance_paces(PROVIDER.id, at(time)).unwrap();
            paces.get(&("credits".into(), "USD".into())).copied()
        };
        // (6 + 9) / 3 days: the 22nd was finished too.
        assert_eq!(pace("2026-11-23T12:00:00Z"), Some(5 * 10_i128.pow(18)));
        assert_eq!(pace("2026-11-20T23:00:00Z"), None, "no finished day yet");
        assert_eq!(pace("2027-11-20T23:00:00Z"), None, "long ago");
    }
}
