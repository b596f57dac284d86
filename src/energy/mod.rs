//! Tokens -> electricity, carbon and water, as ranges: estimates from published figures.
//!
//! [`estimate`] takes the tokens of a model and gives a [`Footprint`], which adds up; what is known
//! and where it is from is `assets/energy.toml`, read by [`Figures::get`]. Nobody outside the
//! providers can measure a request, so that nothing here is a lone number: low and high are as far
//! apart as the sources are, and products take the lows together and the highs together.
//!
//! All sums are whole numbers: nanowatt-hours, and for the rest their products with grams and
//! millilitres per kWh.

mod figures;

pub use figures::{Class, Figures, Sourced};

use crate::spend::TokenCounts;

/// Low, middle and high of what is likely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The least that is likely.
    pub low: u128,
    /// Between the two; nothing to lean on alone.
    pub middle: u128,
    /// The most that is likely.
    pub high: u128,
}

impl Range {
    /// From one number that is known.
    pub fn exactly(value: u128) -> Self {
        Self { low: value, middle: value, high: value }
    }

    /// Adds another, end to end.
    pub fn add(&mut self, other: &Self) {
        *self = self.with(other, u128::saturating_add);
    }

    fn times(&self, other: &Self) -> Self {
        self.with(other, u128::saturating_mul)
    }

    fn with(&self, other: &Self, f: impl Fn(u128, u128) -> u128) -> Self {
        Self {
            low: f(self.low, other.low),
            middle: f(self.middle, other.middle),
            high: f(self.high, other.high),
        }
    }

    /// `self * factor / of`, to the nearest whole number.
    fn scaled(&self, factor: u128, of: u128) -> Self {
        let of = of.max(1);
        let one = |value: u128| value.saturating_mul(factor).saturating_add(of / 2) / of;
        Self { low: one(self.low), middle: one(self.middle), high: one(self.high) }
    }
}

/// What some usage took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Electricity of the facility, nanowatt-hours.
    pub energy_nwh: Range,
    /// CO2 equivalent of making it, picograms.
    pub carbon_pg: Range,
    /// Water on site, femtolitres.
    pub water_fl: Range,
}

impl Footprint {
    /// Adds that of other usage.
    pub fn add(&mut self, other: &Self) {
        self.energy_nwh.add(&other.energy_nwh);
        self.carbon_pg.add(&other.carbon_pg);
        self.water_fl.add(&other.water_fl);
    }
}

/// `[energy]` of the config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The region whose grid is meant, as the data file names it.
    pub region: Option<String>,
    /// Grams of CO2 equivalent per kWh, instead of a region's.
    pub grid_g_per_kwh: Option<u32>,
    /// What a facility draws against what its machines do, thousandths.
    pub pue_permille: Option<u32>,
    /// One row of the menu tells it.
    pub tray: bool,
}

impl Settings {
    /// Grams of CO2 equivalent per kWh, and where they are from.
    pub fn grid(&self) -> (Range, GridFrom<'_>) {
        let figures = Figures::get();
        if let Some(grams) = self.grid_g_per_kwh {
            return (Range::exactly(grams.into()), GridFrom::Config);
        }
        let region = self.region.as_deref().and_then(|name| figures.region(name));
        match region {
            Some((name, grams)) => (Range::exactly(grams.into()), GridFrom::Region(name)),
            None => (figures.grid.range, GridFrom::Unknown),
        }
    }

    /// What a facility draws against what its machines do, thousandths.
    pub fn pue(&self) -> u32 {
        self.pue_permille.unwrap_or(Figures::get().pue_permille)
    }
}

/// Where the grid's figure is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridFrom<'a> {
    /// The config states it.
    Config,
    /// That of a region.
    Region(&'a str),
    /// Nobody knows where it was computed: a range over grids.
    Unknown,
}

/// What tokens of a model took. A model of no known class takes the widest range.
pub fn estimate(model: Option<&str>, tokens: &TokenCounts, settings: &Settings) -> Footprint {
    let figures = Figures::get();
    let class = figures.class_of(model);
    let fresh = u128::from(tokens.input)
        + u128::from(tokens.cache_write_5m)
        + u128::from(tokens.cache_write_1h);
    let mut energy = Range::default();
    for (count, each) in [
        (fresh, &class.input),
        (tokens.cache_read.into(), &class.cached),
        (tokens.output.into(), &class.output),
    ] {
        energy.add(&Range::exactly(count).times(each));
    }
    let energy_nwh = energy.scaled(settings.pue().into(), figures.pue_permille.into());
    Footprint {
        energy_nwh,
        carbon_pg: energy_nwh.times(&settings.grid().0),
        water_fl: energy_nwh.times(&figures.water.range),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(input: u64, cache_read: u64, output: u64) -> TokenCounts {
        TokenCounts { input, cache_read, output, ..TokenCounts::default() }
    }

    fn of(model: &str, tokens: TokenCounts) -> Footprint {
        estimate(Some(model), &tokens, &Settings::default())
    }

    const MWH: u128 = 1_000_000_000_000_000;

    /// 600 billion tokens, 95 % from the cache, 4.5 % fresh, 0.5 % output.
    #[test]
    fn the_famous_scale_comes_to_about_18_mwh() {
        let billion = 1_000_000_000;
        let kwh = |tokens| of("claude-sonnet-4-5", tokens).energy_nwh.middle / (MWH / 1000);
        // 570e9 x 10 880 nWh, 27e9 x 136 000 nWh, 3e9 x 2 880 000 nWh.
        assert_eq!(kwh(tokens(0, 570 * billion, 0)), 6_201);
        assert_eq!(kwh(tokens(27 * billion, 0, 0)), 3_672);
        assert_eq!(kwh(tokens(0, 0, 3 * billion)), 8_640);
        let all = of("claude-sonnet-4-5", tokens(27 * billion, 570 * billion, 3 * billion));
        assert_eq!(all.energy_nwh.middle / MWH, 18);
        // 1.28 + 1.2 + 2.9 and 46.5 + 11.0 + 25.9.
        assert_eq!((all.energy_nwh.low / MWH, all.energy_nwh.high / MWH), (5, 83));
        // 18.5 MWh at 0.287 kg are 5.3 t.
        assert_eq!(all.carbon_pg.middle / 1_000_000_000_000_000_000, 5);
    }

    /// The points that the middle of the medium class was fitted to lie within an eighth of it.
    #[test]
    fn the_published_points_are_met() {
        for (input, output, milliwatt_hours) in
            [(100, 300, 950), (1_000, 1_000, 2_989), (10_000, 1_500, 5_671)]
        {
            let energy = of("claude-3-7-sonnet", tokens(input, 0, output)).energy_nwh;
            let published = milliwatt_hours * 1_000_000_u128;
            assert!(energy.low < published && published < energy.high);
            assert!(energy.middle.abs_diff(published) < published / 8, "{energy:?}");
        }
        // The worst published long prompt of a reasoning model.
        assert!(of("o3", tokens(10_000, 0, 1_500)).energy_nwh.high > 33_000_000_000);
    }

    #[test]
    fn a_pue_a_region_and_a_grid_of_ones_own_count() {
        let some = tokens(1_000_000, 0, 0);
        let with = |settings: Settings| estimate(Some("claude-sonnet-4-5"), &some, &settings);
        let plain = with(Settings::default());
        // 0.136 kWh at a PUE of 1.14; without an overhead it is 0.1193 kWh.
        let bare = with(Settings { pue_permille: Some(1000), ..Settings::default() });
        assert_eq!(plain.energy_nwh.middle, 136_000_000_000);
        assert_eq!(bare.energy_nwh.middle, 119_298_245_614);
        let france = with(Settings { region: Some("fr".into()), ..Settings::default() });
        // 0.136 kWh at 44 g.
        assert_eq!(france.carbon_pg.middle, 136_000_000_000 * 44);
        let own = Settings {
            grid_g_per_kwh: Some(350),
            region: Some("FR".into()),
            ..Settings::default()
        };
        assert_eq!(own.grid(), (Range::exactly(350), GridFrom::Config));
        assert_eq!(plain.water_fl.high, 408_000_000_000 * 1083);
    }

    #[test]
    fn cache_writes_are_worked_through_and_reasoning_is_output() {
        let written =
            TokenCounts { cache_write_5m: 3, cache_write_1h: 4, ..TokenCounts::default() };
        assert_eq!(of("sonnet", written), of("sonnet", tokens(7, 0, 0)));
        let thought = TokenCounts { reasoning: 5, ..tokens(0, 0, 9) };
        assert_eq!(of("sonnet", thought), of("sonnet", tokens(0, 0, 9)));
    }

    proptest! {
        #[test]
        fn ranges_are_in_order_and_sums_are_sums(
            model in "\\PC{0,30}",
            a in (0..1_u64 << 50, 0..1_u64 << 50, 0..1_u64 << 50),
            b in (0..1_u64 << 50, 0..1_u64 << 50, 0..1_u64 << 50),
        ) {
            let (a, b) = (tokens(a.0, a.1, a.2), tokens(b.0, b.1, b.2));
            let mut both = a;
            both.add(&b);
            let mut sum = of(&model, a);
            sum.add(&of(&model, b));
            prop_assert_eq!(sum, of(&model, both));
            for range in [sum.energy_nwh, sum.carbon_pg, sum.water_fl] {
                prop_assert!(range.low <= range.middle && range.middle <= range.high);
            }
            prop_assert!(sum.energy_nwh.high < u128::MAX / 1_000_000);
        }
    }
}
