//! What is paid for the rows of a report, where that can be told: of days, and of sources that
//! share their account with no other. Bills and fees are not split over models, folders or sessions.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{Connection, Result};

use super::super::gather::gather;
use super::super::names::Names;
use super::super::scope::Scope;
use super::{Group, GroupKey, RowPaid};
use crate::plans::Paid;
use crate::spend::{BY_PROVIDER, Currency, Money, Rates};

/// What is paid.
pub(super) struct OfRows {
    /// By row; also days on which nothing but a fee is paid.
    pub(super) rows: HashMap<Group, RowPaid>,
    /// What holds for rows that are not among them.
    pub(super) otherwise: Option<RowPaid>,
    /// For all of it.
    pub(super) total: Paid,
}

/// Reckons it.
pub(super) fn of_rows(
    conn: &Connection,
    names: &mut Names,
    scope: &Scope,
    rates: &Rates,
    by: &[GroupKey],
) -> Result<OfRows> {
    let parts = gather(conn, names, scope, rates)?;
    let mut of = OfRows { rows: HashMap::new(), otherwise: None, total: parts.paid(rates) };
    match by {
        [GroupKey::Day] => {
            let nothing = Money::zero(Currency::USD);
            of.otherwise = Some(RowPaid { usd: nothing, estimated: false });
            for (day, paid) in parts.paid_by_day(rates) {
                if let Some(row) = row_of(&paid) {
                    of.rows.insert(Group { day: Some(day), ..Group::default() }, row);
                }
            }
        }
        [GroupKey::Source] => {
            for (source, name) in alone(conn, names, scope)? {
                let own = scope.of_source(name);
                let paid = gather(conn, names, &own, rates)?.paid(rates);
                if let Some(row) = row_of(&paid) {
                    of.rows.insert(Group { source, ..Group::default() }, row);
                }
            }
        }
        _ => {}
    }
    Ok(of)
}

/// `None` for nothing, for what is not known, and for what is in no dollars.
fn row_of(paid: &Paid) -> Option<RowPaid> {
    let usd = paid.usd().filter(|_| paid.total != 0 || paid.other.is_empty())?;
    let is_something = *paid != Paid::default();
    is_something.then_some(RowPaid { usd, estimated: paid.estimated })
}

/// The sources of the scope whose account is no other's, by their ids, with their names.
fn alone(conn: &Connection, names: &mut Names, scope: &Scope) -> Result<Vec<(i64, String)>> {
    let mut sources: HashSet<i64> = HashSet::new();
    scope.for_each_day(conn, |_, about, _| {
        sources.insert(about.source);
        Ok(())
    })?;
    for charge in scope.charges(conn)? {
        sources.insert(charge.source);
    }
    let mut by_account: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for source in sources {
        by_account.entry(scope.account(source).to_ascii_lowercase()).or_default().push(source);
    }
    by_account.remove(BY_PROVIDER);
    let mut alone = Vec::new();
    for of_account in by_account.into_values() {
        if let [source] = of_account[..]
            && let Some(name) = names.string(conn, source)?
        {
            alone.push((source, name));
        }
    }
    Ok(alone)
}
