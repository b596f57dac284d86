//! What the usage of some days took in electricity, carbon and water, as every face shows it.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::energy::estimate;
pub use crate::energy::{Figures, Footprint, GridFrom, Range, Settings};
use crate::ledger::{Ledger, LedgerError, ReportRow};
use crate::spend::{Filter, Zone};

use super::report::{GroupBy, Report};

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnergyReport {
    /// Zone of the days.
    pub zone: Zone,
    /// First local day.
    pub first_day: NaiveDate,
    /// Last local day, inclusive.
    pub last_day: NaiveDate,
    /// One row for each model, most first.
    pub rows: Vec<EnergyRow>,
    /// All of it.
    pub total: Footprint,
    /// All tokens.
    pub tokens: u64,
    /// What it is reckoned with.
    pub settings: Settings,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnergyRow {
    /// As logged; `None` where the log leaves it open.
    pub model: Option<String>,
    /// The class it is taken for.
    pub class: &'static str,
    /// Its tokens.
    pub tokens: u64,
    /// What they took.
    pub footprint: Footprint,
}

/// Asks the ledger.
///
/// # Errors
/// The ledger can't be read.
pub fn energy(
    ledger: &Ledger,
    (first_day, last_day): (NaiveDate, NaiveDate),
    zone: Zone,
    filter: &Filter,
    settings: &Settings,
) -> Result<EnergyReport, LedgerError> {
    let answer = ledger.report_of(first_day, last_day, zone, &[GroupBy::Model], filter)?;
    let (mut total, mut tokens) = (Footprint::default(), 0_u64);
    let mut rows = Vec::with_capacity(answer.rows.len());
    // A bill without usage takes nothing.
    for row in answer.rows.into_iter().filter(|row| !row.sums.tokens.is_zero()) {
        let footprint = of_row(&row, settings);
        total.add(&footprint);
        tokens = tokens.saturating_add(row.sums.tokens.total());
        rows.push(EnergyRow {
            class: &Figures::get().class_of(row.model.as_deref()).name,
            tokens: row.sums.tokens.total(),
            model: row.model,
            footprint,
        });
    }
    let most = |row: &EnergyRow| row.footprint.energy_nwh.middle;
    rows.sort_by(|a, b| most(b).cmp(&most(a)).then_with(|| a.model.cmp(&b.model)));
    Ok(EnergyReport { zone, first_day, last_day, rows, total, tokens, settings: settings.clone() })
}

/// What the rows of a report took, in their order, and all of it.
///
/// # Errors
/// The ledger can't be read.
pub fn of_report(
    ledger: &Ledger,
    report: &Report,
    settings: &Settings,
) -> Result<(Vec<Footprint>, Footprint), LedgerError> {
    let mut by = report.by.clone();
    if !by.contains(&GroupBy::Model) {
        by.push(GroupBy::Model);
    }
    let answer = ledger.report(report.first_day, report.last_day, report.zone, &by)?;
    let keeps_model = report.by.contains(&GroupBy::Model);
    let key = |row: &ReportRow| {
        let model = row.model.clone().filter(|_| keeps_model);
        let ReportRow { day, source, provider, project, session, .. } = row.clone();
        (day, source, provider, model, project, session)
    };
    let mut found: BTreeMap<_, Footprint> = BTreeMap::new();
    let mut total = Footprint::default();
    for row in &answer.rows {
        let footprint = of_row(row, settings);
        total.add(&footprint);
        found.entry(key(row)).or_default().add(&footprint);
    }
    let of = |row: &ReportRow| found.get(&key(row)).copied().unwrap_or_default();
    Ok((report.rows.iter().map(of).collect(), total))
}

fn of_row(row: &ReportRow, settings: &Settings) -> Footprint {
    estimate(row.model.as_deref(), &row.sums.tokens, settings)
}
