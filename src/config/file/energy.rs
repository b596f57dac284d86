//! `[energy]`: which grid and building the tokens are reckoned with.

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Check, described};
use crate::energy::{Figures, Settings};
use crate::spend::{Currency, Money};

/// No grid of the world is dirtier; beyond it a figure is a slip of the pen.
const MOST_GRAMS: i64 = 2000;
/// Thousandths. A building that draws three times what its machines do is no data centre.
const PUE: std::ops::RangeInclusive<i128> = 1000..=3000;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedEnergy {
    region: Option<Spanned<String>>,
    grid_g_per_kwh: Option<Spanned<i64>>,
    pue: Option<Spanned<Value>>,
    tray: Option<bool>,
}

impl Check<'_> {
    pub(super) fn energy(&mut self, typed: TypedEnergy) -> Settings {
        Settings {
            region: typed.region.and_then(|region| self.region(&region)),
            grid_g_per_kwh: typed.grid_g_per_kwh.and_then(|grams| self.grams(&grams)),
            pue_permille: typed.pue.and_then(|pue| self.pue(&pue)),
            tray: typed.tray.unwrap_or(false),
        }
    }

    fn region(&mut self, written: &Spanned<String>) -> Option<String> {
        let figures = Figures::get();
        let known = figures.region(written.get_ref()).map(|(name, _)| name.to_owned());
        if known.is_none() {
            let all: Vec<_> = figures.regions().collect();
            self.problem(
                written.span(),
                "energy.region",
                format!("{:?} is no region with a known grid", written.get_ref()),
                format!("write one of {}, or set grid_g_per_kwh instead", all.join(", ")),
            );
        }
        known
    }

    fn grams(&mut self, written: &Spanned<i64>) -> Option<u32> {
        let grams = *written.get_ref();
        if !(0..=MOST_GRAMS).contains(&grams) {
            self.problem(
                written.span(),
                "energy.grid_g_per_kwh",
                format!("{grams} is out of range"),
                "write grams of CO2 per kWh from 0 to 2000, such as 350",
            );
        }
        u32::try_from(grams).ok()
    }

    fn pue(&mut self, written: &Spanned<Value>) -> Option<u32> {
        let text = match written.get_ref() {
            Value::String(text) => text.trim().to_owned(),
            Value::Integer(number) => number.to_string(),
            // The written digits, not the nearest binary float.
            Value::Float(_) => self.text.get(written.span()).unwrap_or_default().to_owned(),
            other => described(other),
        };
        // Read digit by digit, as amounts are; thousandths are enough for any building.
        let permille = Money::parse(&text, Currency::USD).ok().map(|number| number.rounded(3));
        let permille = permille.filter(|permille| PUE.contains(permille));
        if permille.is_none() {
            self.problem(
                written.span(),
                "energy.pue",
                format!("{text} is no PUE"),
                "write what the building draws against its machines, from 1 to 3, such as 1.2",
            );
        }
        permille.and_then(|permille| u32::try_from(permille).ok())
    }
}
