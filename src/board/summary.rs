//! Some days summed up for somebody who was not there: what a statement and a card show.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::export::{self, Counted, Export, ExportRow};
use super::report::Sums;
use super::{AlertRow, Board, BudgetRow, alert_row};
use crate::ledger::{Ledger, LedgerError};
use crate::plans::Paid;
use crate::spend::{Converted, Currency, Filter, Money, Zone};

/// The newest alerts that are looked through.
const ALERTS: u32 = 1_000;

/// Some days summed up.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Zone of the days.
    pub zone: Zone,
    /// First local day.
    pub first_day: NaiveDate,
    /// Last local day, inclusive.
    pub last_day: NaiveDate,
    /// Whether the last of the days is still running.
    pub is_open: bool,
    /// A pretend world is shown.
    pub demo: bool,
    /// Sums over everything.
    pub totals: Part,
    /// What is paid; `None` where there are neither plans nor discounts.
    pub paid: Option<Paid>,
    /// Bills in other currencies that count, at which rate.
    pub converted: Vec<Converted>,
    /// Each day from the first one with anything known, oldest first.
    pub days: Vec<(NaiveDate, Part)>,
    /// By agent or provider that tells it: its id, dearest first.
    pub sources: Vec<Part>,
    /// By provider, dearest first.
    pub providers: Vec<Part>,
    /// By model, dearest first.
    pub models: Vec<Part>,
    /// By folder, dearest first; `None` where folders were not asked for.
    pub projects: Option<Vec<Part>>,
    /// How budgets stand; empty where the days are over.
    pub budgets: Vec<BudgetRow>,
    /// Alerts that spoke in these days, oldest first.
    pub alerts: Vec<AlertRow>,
    /// Something that was seen is in no figure; the notes say what.
    pub partial: bool,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// Figures of one thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Its name; `None` where nobody says.
    pub name: Option<String>,
    /// The figures, side by side.
    pub sums: Sums,
    /// What of them counts in the spend.
    pub counted: Counted,
}

impl Part {
    fn add(&mut self, row: &ExportRow) {
        self.sums.add_all(&row.sums);
        self.counted.add(&row.counted);
    }
}

/// Asks the ledger. `board` tells of budgets and of what today is.
///
/// # Errors
/// The ledger can't be read.
pub fn summary(
    ledger: &Ledger,
    board: &Board,
    (first_day, last_day): (NaiveDate, NaiveDate),
    zone: Zone,
    tells_projects: bool,
) -> Result<Summary, LedgerError> {
    let export = export::export(ledger, (first_day, last_day), zone, tells_projects)?;
    let end = last_day.succ_opt().unwrap_or(NaiveDate::MAX);
    let known = ledger.daily(first_day, end, zone, &[&Filter::everything()])?;
    let known = known.into_iter().flatten().map(|(day, _)| day);
    let today = board.now.with_timezone(&zone).date_naive();
    let known = known.filter(|day| *day <= today);
    let holds_today = (first_day..=last_day).contains(&today);
    let during = |alert: &AlertRow| {
        (first_day..=last_day).contains(&alert.at.with_timezone(&zone).date_naive())
    };
    let mut alerts: Vec<AlertRow> =
        ledger.alerts(ALERTS)?.into_iter().map(alert_row).filter(during).collect();
    alerts.reverse();
    Ok(Summary {
        made_at: board.now,
        zone,
        first_day,
        last_day,
        is_open: holds_today,
        demo: board.demo,
        converted: ledger.rates().converted(&export.totals.billed),
        days: days(&export, known),
        sources: parts(&export, |row| Some(row.source.clone())),
        providers: parts(&export, |row| row.provider.clone()),
        models: parts(&export, |row| row.model.clone()),
        projects: tells_projects.then(|| parts(&export, |row| row.project.clone())),
        budgets: if holds_today { board.budgets.clone() } else { Vec::new() },
        alerts,
        partial: export.partial,
        paid: export.paid,
        totals: Part { name: None, sums: export.totals, counted: export.counted },
        notes: export.notes,
    })
}

/// Every day that is known, also those on which nothing happened.
fn days(export: &Export, known: impl Iterator<Item = NaiveDate>) -> Vec<(NaiveDate, Part)> {
    // A known day on which nothing happened cost nothing, which is more than not knowing.
    let empty = || {
        let sums = Sums { list: Some(Money::zero(Currency::USD)), ..Sums::default() };
        Part { sums, ..Part::default() }
    };
    let mut days: BTreeMap<NaiveDate, Part> = known.map(|day| (day, empty())).collect();
    // What has rows is told by them alone.
    export.rows.iter().for_each(|row| drop(days.insert(row.day, Part::default())));
    for row in &export.rows {
        days.entry(row.day).or_default().add(row);
    }
    days.into_iter().collect()
}

fn parts(export: &Export, name: impl Fn(&ExportRow) -> Option<String>) -> Vec<Part> {
    let mut parts: BTreeMap<Option<String>, Part> = BTreeMap::new();
    for row in &export.rows {
        let name = name(row);
        let part = parts.entry(name.clone()).or_insert_with(|| Part { name, ..Part::default() });
        part.add(row);
    }
    let mut parts: Vec<Part> = parts.into_values().collect();
    parts.sort_by(|a, b| {
        let key = |part: &Part| {
            (
                part.counted.sum().attos,
                part.sums.list.map(|list| list.attos),
                part.sums.tokens.total(),
            )
        };
        key(b).cmp(&key(a)).then_with(|| a.name.cmp(&b.name))
    });
    parts
}
