//! Electricity, carbon and water in words: always a range, always called an estimate.

use super::group;
use crate::energy::{Figures, Footprint, GridFrom, Range, Settings};

/// Smallest unit first: its name, and how many of the counted ones it is.
type Units = [(u128, &'static str)];

const ENERGY: &Units = &[
    (1_000_000, "mWh"),
    (1_000_000_000, "Wh"),
    (1_000_000_000_000, "kWh"),
    (1_000_000_000_000_000, "MWh"),
    (1_000_000_000_000_000_000, "GWh"),
];
const CARBON: &Units = &[
    (1_000_000_000, "mg"),
    (1_000_000_000_000, "g"),
    (1_000_000_000_000_000, "kg"),
    (1_000_000_000_000_000_000, "t"),
];
const WATER: &Units =
    &[(1_000_000_000_000, "mL"), (1_000_000_000_000_000, "L"), (1_000_000_000_000_000_000, "m³")];

/// One end of a range of electricity: `5.4 MWh`.
pub fn energy(nanowatt_hours: u128) -> String {
    quantity(nanowatt_hours, ENERGY)
}

/// One end of a range of CO2 equivalent: `1.5 t`.
pub fn carbon(picograms: u128) -> String {
    quantity(picograms, CARBON)
}

/// One end of a range of water: `7.7 m³`.
pub fn water(femtolitres: u128) -> String {
    quantity(femtolitres, WATER)
}

/// `5.4 to 83 MWh`.
pub fn energy_range(range: &Range) -> String {
    joined(range, energy)
}

/// `1.1 to 39 t`.
pub fn carbon_range(range: &Range) -> String {
    joined(range, carbon)
}

/// `850 L to 90 m³`.
pub fn water_range(range: &Range) -> String {
    joined(range, water)
}

/// `5.4 to 83 MWh of electricity, 1.1 to 39 t of CO2e, 850 L to 90 m³ of water on site`.
pub fn footprint(footprint: &Footprint) -> String {
    format!(
        "{} of electricity, {} of CO2e, {} of water on site",
        energy_range(&footprint.energy_nwh),
        carbon_range(&footprint.carbon_pg),
        water_range(&footprint.water_fl)
    )
}

fn joined(range: &Range, one: fn(u128) -> String) -> String {
    let (low, high) = (one(range.low), one(range.high));
    if low == high {
        return low;
    }
    match (low.split_once(' '), high.split_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number} to {high}"),
        _ => format!("{low} to {high}"),
    }
}

/// Two figures, or all before the point, in the first unit with fewer than a thousand; rounded
/// half-even once.
fn quantity(value: u128, units: &Units) -> String {
    let rounded = |each: u128| {
        let (whole, rest) = (value / each, value % each);
        let up = rest * 2 > each || (rest * 2 == each && whole % 2 == 1);
        whole + u128::from(up)
    };
    let mut text = String::new();
    for (each, unit) in units {
        let (tenths, whole) = (rounded(each / 10), rounded(*each));
        text = if value == 0 {
            format!("0 {unit}")
        } else if tenths < 100 {
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        } else {
            format!("{} {unit}", group(i128::try_from(whole).unwrap_or(i128::MAX)))
        };
        if whole < 1000 {
            break;
        }
    }
    text
}

/// How it is reckoned, a sentence each, with the sources.
pub fn method(settings: &Settings) -> Vec<String> {
    let figures = Figures::get();
    let mut said = vec![
        "Every figure is an estimate: nobody outside the providers can measure a request. Low and \
         high are as far apart as what is published; the middle alone says little."
            .to_owned(),
        "Tokens of each model count by its class (small, medium, large, reasoning), which its name \
         decides; of an unknown name from the low of small to the high of large. Fresh prompt and \
         cache writes, prompt from a cache, and output count apart."
            .to_owned(),
    ];
    let (grid, from) = settings.grid();
    said.push(match from {
        GridFrom::Config => {
            format!("Grid: {} g of CO2e per kWh, as the config says.", grid.middle)
        }
        GridFrom::Region(name) => format!(
            "Grid: {name}, {} g of CO2e per kWh, location-based ({}).",
            grid.middle, figures.region_source
        ),
        GridFrom::Unknown => format!(
            "Grid: {} to {} g of CO2e per kWh, location-based, for nobody says where it was \
             computed ({}). [energy] region or grid_g_per_kwh in the config sets it.",
            grid.low, grid.high, figures.grid.source
        ),
    });
    let pue = pue(settings.pue());
    said.push(match settings.pue_permille {
        Some(_) => format!("PUE: {pue}, as the config says."),
        None => format!("PUE: {pue} ({}).", figures.pue_source.source),
    });
    said.push(
        "Contracts of providers for green power (market-based figures) are not in it.".into(),
    );
    said.push(format!("Not in it: {}.", figures.outside.join(", ")));
    said
}

/// Where the figures of some classes are from, a line each, and the water's.
pub fn sources(classes: &[&str]) -> Vec<String> {
    let figures = Figures::get();
    let used = figures.classes.iter().filter(|class| classes.contains(&&*class.name));
    let mut said: Vec<String> =
        used.map(|class| format!("{}: {} ({}).", class.name, class.source, class.year)).collect();
    said.push(format!("water: {} ({}).", figures.water.source, figures.water.year));
    said
}

/// `1.14`.
fn pue(permille: u32) -> String {
    let text = format!("{}.{:03}", permille / 1000, permille % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A whole number of the smallest parts with its decimal point, for programs: `12.5`.
pub fn decimal(value: u128, places: usize) -> String {
    let digits = format!("{value:0>width$}", width = places + 1);
    let (whole, rest) = digits.split_at(digits.len() - places);
    match rest.trim_end_matches('0') {
        "" => whole.to_owned(),
        rest => format!("{whole}.{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_two_figures_and_a_unit_that_fits() {
        for (nwh, text) in [
            (0, "0 mWh"),
            (1, "0.0 mWh"),
            (1_000_000, "1.0 mWh"),
            (999_600_000, "1.0 Wh"),
            (950_000_000, "950 mWh"),
            (5_671_000_000, "5.7 Wh"),
            (45_000_000_000, "45 Wh"),
            (1_500_000_000_000, "1.5 kWh"),
            (18_513_000_000_000_000, "19 MWh"),
            (5_360_000_000_000_000, "5.4 MWh"),
            (4_000_000_000_000_000_000_000, "4,000 GWh"),
        ] {
            assert_eq!(energy(nwh), text, "{nwh}");
        }
        assert_eq!(water(7_650_000_000_000_000_000), "7.6 m³");
        assert_eq!(carbon(39_449_000_000_000_000_000), "39 t");
    }

    #[test]
    fn a_range_says_its_unit_once_where_it_can() {
        let range = |low, high| Range { low, middle: low, high };
        let wh = 1_000_000_000;
        assert_eq!(energy_range(&range(5 * wh, 83 * wh)), "5.0 to 83 Wh");
        assert_eq!(energy_range(&range(950 * wh, 4_200 * wh)), "950 Wh to 4.2 kWh");
        assert_eq!(energy_range(&range(0, 0)), "0 mWh");
    }

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(decimal(0, 9), "0");
        assert_eq!(decimal(5, 9), "0.000000005");
        assert_eq!(decimal(12_500_000_000, 9), "12.5");
        assert_eq!(pue(1140), "1.14");
        assert_eq!(pue(1000), "1");
    }
}
