//! `energy`: what some days took in electricity, carbon and water, as ranges, and how that is known.

use std::io::{self, Write};

use serde::Serialize;

use super::json;
use super::style::{Cut, Style, clean, wrap};
use super::table::{Column, Table};
use crate::board::energy::{EnergyReport, EnergyRow, Footprint, GridFrom, Range};
use crate::board::wording::{self, energy as words};

/// Writes the whole, the models, and the method with its sources.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, report: &EnergyReport, style: &Style) -> io::Result<()> {
    let days = wording::days(report.first_day, report.last_day);
    let title = format!("Estimate, no measurement: {days}, {}", report.zone);
    writeln!(out, "{}", style.strong(&title))?;
    if report.rows.is_empty() {
        writeln!(out, "No usage in these days.")?;
    } else {
        whole(&report.total).write(out, style, 0)?;
        writeln!(out, "\n{}", style.strong("Electricity by model, estimate"))?;
        models(report).write(out, style, 0)?;
    }
    writeln!(out)?;
    for sentence in words::method(&report.settings) {
        writeln!(out, "{}", style.quiet(&wrap(&sentence, style.width, 2)))?;
    }
    writeln!(out, "\n{}", style.strong("Where the figures are from"))?;
    for sentence in words::sources(&classes(report)) {
        writeln!(out, "{}", style.quiet(&wrap(&sentence, style.width, 2)))?;
    }
    Ok(())
}

fn classes(report: &EnergyReport) -> Vec<&'static str> {
    report.rows.iter().map(|row| row.class).collect()
}

fn whole(total: &Footprint) -> Table {
    let mut table = Table::new(vec![
        Column::Word(""),
        Column::Figure("≈ Low"),
        Column::Figure("≈ Middle"),
        Column::Figure("≈ High"),
    ]);
    let mut row = |name: &str, range: &Range, one: fn(u128) -> String| {
        table.row(vec![name.into(), one(range.low), one(range.middle), one(range.high)]);
    };
    row("Electricity", &total.energy_nwh, words::energy);
    row("CO2e", &total.carbon_pg, words::carbon);
    row("Water on site", &total.water_fl, words::water);
    table
}

fn models(report: &EnergyReport) -> Table {
    let mut table = Table::new(vec![
        Column::Name("Model", Cut::End),
        Column::Word("Class"),
        Column::Figure("Tokens"),
        Column::Figure("≈ Low"),
        Column::Figure("≈ Middle"),
        Column::Figure("≈ High"),
    ]);
    let cells = |name: String, class: &str, tokens: u64, range: &Range| {
        let [low, middle, high] = [range.low, range.middle, range.high].map(words::energy);
        vec![name, class.to_owned(), wording::tokens(tokens), low, middle, high]
    };
    for row in &report.rows {
        let name = row.model.as_deref().map_or(wording::UNKNOWN.into(), clean);
        table.row(cells(name, row.class, row.tokens, &row.footprint.energy_nwh));
    }
    table.total(cells("Total".into(), "", report.tokens, &report.total.energy_nwh));
    table
}

/// Writes `spendbar.energy.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, report: &EnergyReport) -> io::Result<()> {
    let (grid, from) = report.settings.grid();
    json::write(
        out,
        &Document {
            schema: "spendbar.energy.v1",
            zone: report.zone.name(),
            first_day: report.first_day.to_string(),
            last_day: report.last_day.to_string(),
            is_estimate: true,
            tokens: report.tokens,
            total: FootprintJson::of(&report.total),
            rows: report.rows.iter().map(Row::of).collect(),
            grid_g_per_kwh: RangeJson::of(&grid, 0),
            grid_from: match from {
                GridFrom::Config => "config",
                GridFrom::Region(name) => name,
                GridFrom::Unknown => "unknown",
            },
            pue: words::decimal(report.settings.pue().into(), 3),
            method: words::method(&report.settings),
            sources: words::sources(&classes(report)),
        },
    )
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    zone: &'static str,
    first_day: String,
    last_day: String,
    is_estimate: bool,
    tokens: u64,
    #[serde(flatten)]
    total: FootprintJson,
    rows: Vec<Row<'a>>,
    grid_g_per_kwh: RangeJson,
    grid_from: &'a str,
    pue: String,
    method: Vec<String>,
    sources: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    model: Option<&'a str>,
    class: &'static str,
    tokens: u64,
    #[serde(flatten)]
    footprint: FootprintJson,
}

impl<'a> Row<'a> {
    fn of(row: &'a EnergyRow) -> Self {
        Self {
            model: row.model.as_deref(),
            class: row.class,
            tokens: row.tokens,
            footprint: FootprintJson::of(&row.footprint),
        }
    }
}

/// Ranges of what some usage took: estimates. All digits as text.
#[derive(Serialize)]
pub struct FootprintJson {
    energy_wh: RangeJson,
    co2e_g: RangeJson,
    water_l: RangeJson,
}

impl FootprintJson {
    /// As the board has it.
    pub fn of(footprint: &Footprint) -> Self {
        Self {
            energy_wh: RangeJson::of(&footprint.energy_nwh, 9),
            co2e_g: RangeJson::of(&footprint.carbon_pg, 12),
            water_l: RangeJson::of(&footprint.water_fl, 15),
        }
    }
}

#[derive(Serialize)]
struct RangeJson {
    low: String,
    middle: String,
    high: String,
}

impl RangeJson {
    fn of(range: &Range, places: usize) -> Self {
        let [low, middle, high] =
            [range.low, range.middle, range.high].map(|value| words::decimal(value, places));
        Self { low, middle, high }
    }
}
