//! The published figures: `assets/energy.toml`, whose head explains every field.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::Range;
use crate::spend::Glob;

const TEXT: &str = include_str!("../../assets/energy.toml");

/// All that the file says.
#[derive(Debug)]
pub struct Figures {
    /// Classes of models; the last one is that of models which fit none.
    pub classes: Vec<Class>,
    names: Vec<(usize, Vec<Glob>)>,
    /// Thousandths of what the machines draw that the energy is for.
    pub pue_permille: u32,
    /// Where that is from.
    pub pue_source: Sourced,
    /// Millilitres on site per kWh.
    pub water: Sourced,
    /// Grams per kWh where no region is set.
    pub grid: Sourced,
    regions: BTreeMap<String, u32>,
    /// Where the regions' figures are from.
    pub region_source: String,
    /// What is in no figure.
    pub outside: Vec<String>,
}

/// A class of models: nanowatt-hours for a token of each kind.
#[derive(Clone, Debug)]
pub struct Class {
    /// `medium`; `unknown` for models that fit none.
    pub name: String,
    /// Fresh input, and input written to a cache.
    pub input: Range,
    /// Input read from a cache.
    pub cached: Range,
    /// Output.
    pub output: Range,
    /// Where it is from.
    pub source: String,
    /// When that was published.
    pub year: u32,
}

/// A range with its source.
#[derive(Clone, Debug)]
pub struct Sourced {
    /// The figure.
    pub range: Range,
    /// Where it is from.
    pub source: String,
    /// When that was published, or what year it is about.
    pub year: u32,
}

impl Figures {
    /// The file, read once.
    pub fn get() -> &'static Self {
        static FIGURES: OnceLock<Figures> = OnceLock::new();
        FIGURES.get_or_init(|| {
            read(TEXT).expect("assets/energy.toml is part of the program, and a test reads it")
        })
    }

    /// The class of a model by its name; `unknown` where none is given or none fits.
    pub fn class_of(&self, model: Option<&str>) -> &Class {
        let found = model.and_then(|model| {
            let fits = |(_, globs): &&(usize, Vec<Glob>)| globs.iter().any(|glob| glob.fits(model));
            self.names.iter().find(fits).map(|(class, _)| *class)
        });
        &self.classes[found.unwrap_or(self.classes.len() - 1)]
    }

    /// A region and its grams per kWh, in small or large letters.
    pub fn region(&self, name: &str) -> Option<(&str, u32)> {
        let found = self.regions.get_key_value(&*name.trim().to_ascii_uppercase());
        found.map(|(name, grams)| (name.as_str(), *grams))
    }

    /// All regions.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.keys().map(String::as_str)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    class: Vec<TypedClass>,
    model: Vec<TypedModel>,
    facility: TypedFacility,
    water: TypedWater,
    grid: TypedGrid,
    region: TypedRegion,
    outside: TypedOutside,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedClass {
    name: String,
    input: [u64; 3],
    cached: [u64; 3],
    output: [u64; 3],
    year: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedModel {
    class: String,
    names: Vec<Glob>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedFacility {
    pue_permille: u32,
    year: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedWater {
    ml_per_kwh: [u64; 3],
    year: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedGrid {
    g_per_kwh: [u64; 3],
    year: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedRegion {
    year: u32,
    source: String,
    g_per_kwh: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedOutside {
    names: Vec<String>,
}

fn read(text: &str) -> Result<Figures, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut classes = Vec::with_capacity(file.class.len() + 1);
    for class in file.class {
        classes.push(Class {
            input: range(class.input)?,
            cached: range(class.cached)?,
            output: range(class.output)?,
            name: class.name,
            source: class.source,
            year: class.year,
        });
    }
    let place = |name: &str| {
        classes.iter().position(|it| it.name == name).ok_or_else(|| format!("no class {name}"))
    };
    let names = file
        .model
        .into_iter()
        .map(|model| Ok((place(&model.class)?, model.names)))
        .collect::<Result<Vec<_>, String>>()?;
    let unknown =
        widest(&classes[place("small")?], &classes[place("medium")?], &classes[place("large")?]);
    classes.push(unknown);
    let sourced =
        |values, source, year| Ok::<_, String>(Sourced { range: range(values)?, source, year });
    let pue = u64::from(file.facility.pue_permille);
    Ok(Figures {
        classes,
        names,
        pue_permille: file.facility.pue_permille,
        pue_source: sourced([pue; 3], file.facility.source, file.facility.year)?,
        water: sourced(file.water.ml_per_kwh, file.water.source, file.water.year)?,
        grid: sourced(file.grid.g_per_kwh, file.grid.source, file.grid.year)?,
        regions: file.region.g_per_kwh,
        region_source: format!("{} ({})", file.region.source, file.region.year),
        outside: file.outside.names,
    })
}

/// Of a model that nothing is known of.
fn widest(small: &Class, medium: &Class, large: &Class) -> Class {
    let between = |of: fn(&Class) -> Range| Range {
        low: of(small).low,
        middle: of(medium).middle,
        high: of(large).high,
    };
    Class {
        name: "unknown".into(),
        input: between(|class| class.input),
        cached: between(|class| class.cached),
        output: between(|class| class.output),
        source: "from the low of small to the high of large".into(),
        year: medium.year,
    }
}

fn range([low, middle, high]: [u64; 3]) -> Result<Range, String> {
    if low > middle || middle > high {
        return Err(format!("{low}, {middle}, {high} are not in order"));
    }
    Ok(Range { low: low.into(), middle: middle.into(), high: high.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_every_figure_has_a_source() {
        let figures = read(TEXT).unwrap();
        let sources = figures.classes.iter().map(|class| (&class.source, class.year)).chain(
            [&figures.pue_source, &figures.water, &figures.grid].map(|it| (&it.source, it.year)),
        );
        for (source, year) in sources {
            assert!(!source.is_empty() && (2020..2100).contains(&year), "{source}");
        }
        assert!(figures.regions().count() > 30 && !figures.outside.is_empty());
        assert!(figures.regions().all(|name| name == name.to_uppercase()));
        assert_eq!(figures.region("de"), Some(("DE", 342)));
        assert_eq!(figures.region("Atlantis"), None);
    }

    #[test]
    fn names_decide_the_class() {
        for (model, class) in [
            ("claude-haiku-4-5-20251001", "small"),
            ("gpt-5.4-mini", "small"),
            ("gemini-2.5-flash", "small"),
            ("gemini-2.5-pro", "large"),
            ("us.anthropic.claude-opus-4-6-v1", "large"),
            ("claude-sonnet-4-5-20250929", "medium"),
            ("gemini-1.0", "medium"),
            ("gpt-5.5", "reasoning"),
            ("openai/o3", "reasoning"),
            ("GPT-5.3-Codex", "reasoning"),
            ("mystery-9", "unknown"),
            ("", "unknown"),
        ] {
            assert_eq!(Figures::get().class_of(Some(model)).name, class, "{model}");
        }
        assert_eq!(Figures::get().class_of(None).name, "unknown");
    }
}
