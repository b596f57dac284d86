//! Where billed meets estimated, and nowhere else: a dollar is counted once.
//!
//! Sources of one account describe the same dollars. Per account and day:
//!
//! - what a subscription covers counts at list price; no bill is about it;
//! - a bill of a day that ended more than 24 hours before it was read is final and counts;
//! - a bill of a younger day may lag: it counts, or the list price when that is higher;
//! - without a bill the list price counts, as an estimate.
//!
//! The account of an agent that talks to several providers is the provider of each request, unless
//! the config names one for all of them.
//!
//! A provider's own usage report repeats what the logs of the same account tell. It counts only as
//! far as it exceeds them, per account, UTC day and model.

mod plain;
mod terms;

use rusqlite::{Connection, Result};

use super::Spend;
use super::names::Names;
use super::parts::{Parts, Terms};
use super::scope::Scope;
use crate::spend::Rates;

pub(super) use plain::{bills_of, gather_plain};

/// The figures of the scope.
pub(super) fn spend(conn: &Connection, scope: &Scope, rates: &Rates) -> Result<Spend> {
    let mut names = Names::default();
    gather(conn, &mut names, scope, rates)?.spend(conn, &mut names, rates)
}

/// What the figures of the scope are made of.
pub(super) fn gather(
    conn: &Connection,
    names: &mut Names,
    scope: &Scope,
    rates: &Rates,
) -> Result<Parts> {
    let mut parts = gather_all(conn, names, &[scope], rates)?;
    Ok(parts.pop().unwrap_or_default())
}

/// What the figures of several scopes of one zone are made of, in their order.
pub(super) fn gather_all(
    conn: &Connection,
    names: &mut Names,
    scopes: &[&Scope],
    rates: &Rates,
) -> Result<Vec<Parts>> {
    let mut all = gather_plain(conn, names, scopes, rates)?;
    for (scope, parts) in scopes.iter().zip(&mut all) {
        parts.terms = Terms::of(conn, names, scope, rates)?;
    }
    Ok(all)
}
