//! What it took in electricity, carbon and water: ranges, with method and sources behind them.

use maud::{Markup, html};

use crate::board::energy::EnergyReport;
use crate::board::page::PageData;
use crate::board::wording::{self, energy as words};

/// Models that are listed.
const FEW: usize = 8;

/// The section.
pub(super) fn section(data: &PageData) -> Markup {
    let report = &data.energy;
    html! {
        h2 #energy-h { "Electricity, carbon and water "
            span.quiet { "estimate, " (wording::days(report.first_day, report.last_day)) } }
        @if report.rows.is_empty() {
            p.empty { "No tokens in this time." }
        } @else {
            p { "≈ " (words::footprint(&report.total)) "." }
            (models(report))
            details {
                summary { "How this is reckoned, and from what" }
                ul.quiet { @for said in words::method(&report.settings) { li { (said) } } }
                ul.quiet { @for said in sources(report) { li { (said) } } }
            }
        }
    }
}

fn sources(report: &EnergyReport) -> Vec<String> {
    words::sources(&report.rows.iter().map(|row| row.class).collect::<Vec<_>>())
}

fn models(report: &EnergyReport) -> Markup {
    html! {
        details {
            summary { "Table by model" }
            div.wide { table {
                caption.sr { "Estimated electricity by model: low, middle and high" }
                thead { tr {
                    th scope="col" { "Model" } th scope="col" { "Class" } th.num scope="col" { "Tokens" }
                    th.num scope="col" { "≈ Low" } th.num scope="col" { "≈ Middle" }
                    th.num scope="col" { "≈ High" }
                } }
                tbody { @for row in report.rows.iter().take(FEW) { tr {
                    th scope="row" { (row.model.as_deref().unwrap_or("unnamed model")) }
                    td { (row.class) }
                    td.num { (wording::tokens(row.tokens)) }
                    td.num { (words::energy(row.footprint.energy_nwh.low)) }
                    td.num { (words::energy(row.footprint.energy_nwh.middle)) }
                    td.num { (words::energy(row.footprint.energy_nwh.high)) }
                } } }
            } }
            @if report.rows.len() > FEW {
                p.quiet { "and " (report.rows.len() - FEW) " more models, which the sum holds" }
            }
        }
    }
}
