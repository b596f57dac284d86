//! The parts of the figures of scopes, without the terms of plans and discounts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use rusqlite::{Connection, Result};

use super::super::bills::{self, Covered};
use super::super::excess::excess;
use super::super::figures::{About, Figures};
use super::super::names::{NONE, Names};
use super::super::parts::{Bill, Parts};
use super::super::scope::{PaidBy, Scope};
use super::super::{slot, slots};
use crate::spend::period::{day_start, local_day};
use crate::spend::{Amounts, ChargeKind, Rates, Zone};

/// The same without the terms of plans and discounts. Scopes that sums per day can't tell read the
/// slots, and all of them the same ones at once.
pub(in crate::ledger) fn gather_plain(
    conn: &Connection,
    names: &mut Names,
    scopes: &[&Scope],
    rates: &Rates,
) -> Result<Vec<Parts>> {
    let mut all: Vec<Parts> = Vec::with_capacity(scopes.len());
    let mut by_slot = Vec::new();
    for (index, scope) in scopes.iter().enumerate() {
        let mut parts = Parts::default();
        let mut add = |day: NaiveDate, about: &About, figures: &Figures| {
            let payer = scope.payer(conn, names, about, day)?;
            parts.add(payer, day, about.model, figures);
            Ok(())
        };
        if !scope.told_by_days(conn, &mut add)? {
            by_slot.push(index);
        }
        all.push(parts);
    }
    add_slots(conn, names, scopes, &by_slot, &mut all)?;
    for (scope, parts) in scopes.iter().zip(&mut all) {
        for part in excess(conn, names, scope)? {
            parts.add_reported(scope.account(part.source).into(), &part);
        }
        if scope.has_bills() {
            let reported = bills::metered_between(conn, scope.utc_days())?;
            parts.reported_days = reported.into_iter().map(|(_, row)| row.day).collect();
            parts.bills = bills_of(conn, scope, rates, &mut parts.charged_elsewhere)?;
        }
    }
    Ok(all)
}

/// Adds the slots to the scopes that are counted by them. Who takes what is asked once for each kind
/// of usage, not for each slot.
fn add_slots(
    conn: &Connection,
    names: &mut Names,
    scopes: &[&Scope],
    which: &[usize],
    all: &mut [Parts],
) -> Result<()> {
    let spans = || which.iter().map(|index| &scopes[*index].span);
    let (Some(start), Some(end)) =
        (spans().map(|span| span.start).min(), spans().map(|span| span.end).max())
    else {
        return Ok(());
    };
    type Taker = (usize, PaidBy);
    let mut takers: HashMap<About, Vec<Taker>> = HashMap::new();
    let zone = scopes.first().map_or(Zone::UTC, |scope| scope.zone);
    let plans = scopes.first().map(|scope| scope.plans.clone()).unwrap_or_default();
    let mut running = Vec::new();
    let (mut day, mut day_end) = (NaiveDate::MIN, start);
    slots::for_each(conn, start, end, |quarter, about, figures| {
        let at = slot::start_of(quarter);
        if at >= day_end {
            day = local_day(at, zone);
            day_end = day_start(day.succ_opt().unwrap_or(NaiveDate::MAX), zone);
            let now = plans.running(day);
            if now != running {
                // Who pays may be another from this day on.
                takers.clear();
                running = now;
            }
        }
        if !takers.contains_key(about) {
            let mut of_this = Vec::new();
            for index in which {
                let scope = scopes[*index];
                // Every session is met once here: to keep all answers would take much memory.
                if scope.decides(conn, names, about)? {
                    of_this.push((*index, scope.payer(conn, names, about, day)?));
                }
            }
            takers.insert(*about, of_this);
        }
        for (index, payer) in takers.get(about).into_iter().flatten() {
            if scopes[*index].span.holds(at) {
                all[*index].add(payer.clone(), day, about.model, figures);
            }
        }
        Ok(())
    })
}

/// The bill of every account and UTC day that has one. Two sources that bill one account tell of
/// the same dollars: the higher of them is the bill.
pub(in crate::ledger) fn bills_of(
    conn: &Connection,
    scope: &Scope,
    rates: &Rates,
    charged_elsewhere: &mut Amounts,
) -> Result<BTreeMap<(Arc<str>, NaiveDate), Bill>> {
    let mut by_source: BTreeMap<(i64, NaiveDate), Bill> = BTreeMap::new();
    for cover in bills::covers_between(conn, scope.utc_days(), Covered::Charges)? {
        if scope.takes_bills(conn, cover.source, cover.provider)? {
            let bill = Bill { source: cover.source, is_final: cover.is_final, ..Bill::default() };
            by_source.insert((cover.source, cover.day), bill);
        }
    }
    for charge in scope.charges(conn)? {
        let money = charge.money()?;
        match charge.kind {
            ChargeKind::Estimated => charged_elsewhere.add(money),
            ChargeKind::List => {
                // It says nothing about whether there is a bill.
                if let Some(bill) = by_source.get_mut(&(charge.source, charge.day)) {
                    bill.list_by_model.entry(charge.model).or_default().add(money);
                }
            }
            ChargeKind::Billed => {
                let empty = Bill { source: charge.source, ..Bill::default() };
                let bill = by_source.entry((charge.source, charge.day)).or_insert(empty);
                bill.amounts.add(money);
                bill.by_model.entry(charge.model).or_default().add(money);
            }
        }
    }
    if scope.filter().tells_models_apart() {
        // A bill that names no models can't be told apart by them: the list price counts.
        for charge in bills::charges_between(conn, scope.utc_days())? {
            if charge.model == NONE && charge.kind == ChargeKind::Billed {
                by_source.remove(&(charge.source, charge.day));
            }
        }
    }
    let mut bills: BTreeMap<_, Bill> = BTreeMap::new();
    for ((source, day), bill) in by_source {
        let kept = bills.entry((scope.account(source).into(), day)).or_insert_with(|| bill.clone());
        if rates.sum(&bill.amounts).attos > rates.sum(&kept.amounts).attos {
            *kept = bill;
        }
    }
    Ok(bills)
}
