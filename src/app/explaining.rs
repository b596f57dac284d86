//! `scan --explain`: one log through its own reader, and which of its records count.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};

use crate::faces::cli::args::ScanArgs;
use crate::faces::cli::explain::{self, Explained, Record, Request, Taken};
use crate::faces::cli::style::Style;
use crate::pricing::{Ask, PriceTable};
use crate::sources::agents::scan::lines::line_numbers;
use crate::sources::agents::scan::{self, Verdict};
use crate::sources::{SOURCES, SourceInfo};
use crate::spend::{EventKey, Money, Usage};

use super::App;

pub(super) fn explain(
    app: &App,
    args: &ScanArgs,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let setup = app.setup()?;
    let (info, verdicts) = verdicts(app, &args.explain)?;
    let explained = Explained {
        source: info.id,
        name: info.name,
        file: args.explain.display().to_string(),
        records: records(&args.explain, verdicts, &setup.prices()?),
    };
    if args.json {
        explain::json(out, &explained)?;
    } else {
        explain::text(out, &explained, style)?;
    }
    Ok(())
}

fn verdicts(app: &App, file: &Path) -> anyhow::Result<(&'static SourceInfo, Vec<Verdict>)> {
    if let Err(error) = std::fs::metadata(file) {
        bail!("{}: {error}", file.display());
    }
    let places = app.places_with(&app.config()?);
    for source in SOURCES.iter() {
        if let Some(read) = source.explain(&places, file) {
            let verdicts = read.with_context(|| format!("{} can't be read", file.display()))?;
            return Ok((source.info(), verdicts));
        }
    }
    bail!(
        "{} is no log of an agent that Spendbar knows, or lies outside the folders it looks in; \
         `spendbar sources` lists them, and `roots` in the config adds others",
        file.display()
    )
}

fn records(file: &Path, verdicts: Vec<Verdict>, prices: &PriceTable) -> Vec<Record> {
    let numbers = line_numbers(file, verdicts.iter().map(|verdict| &verdict.position));
    let place = |verdict: &Verdict| verdict.position.text(&numbers).unwrap_or_default();
    let places: Vec<String> = verdicts.iter().map(place).collect();
    let winners = winners(&verdicts);
    verdicts
        .iter()
        .enumerate()
        .map(|(index, verdict)| {
            let (taken, request) = match &verdict.taken {
                scan::Taken::Skipped(why) => (Taken::Skipped(why.clone()), None),
                scan::Taken::Problem(why) => (Taken::Unreadable(why.clone()), None),
                scan::Taken::Counted(usage) => {
                    let winner = winners.get(&usage.key).copied().unwrap_or(index);
                    let taken = if winner == index {
                        Taken::Counted
                    } else {
                        Taken::RepeatOf(places[winner].clone())
                    };
                    (taken, Some(request(usage, prices)))
                }
            };
            Record { place: places[index].clone(), taken, request }
        })
        .collect()
}

/// By key, which record counts: the largest of those with that key, unless the group has records
/// of a higher rank; then the first of those.
fn winners(verdicts: &[Verdict]) -> HashMap<EventKey, usize> {
    let mut best: BTreeMap<EventKey, (usize, &Usage)> = BTreeMap::new();
    for (index, verdict) in verdicts.iter().enumerate() {
        if let scan::Taken::Counted(usage) = &verdict.taken {
            match best.get(&usage.key) {
                Some((_, known)) if !usage.outranks(known) => {}
                _ => drop(best.insert(usage.key, (index, usage))),
            }
        }
    }
    best.iter()
        .map(|(key, (index, _))| {
            let (low, high) = key.group_bounds();
            let highest = best.range(low..=high).max_by_key(|(other, _)| other.rank());
            let outranked = highest.filter(|(other, _)| other.rank() > key.rank());
            (*key, outranked.map_or(*index, |(_, (winner, _))| *winner))
        })
        .collect()
}

fn request(usage: &Usage, prices: &PriceTable) -> Request {
    let priced = prices.price(&Ask {
        provider: usage.provider.as_deref(),
        model: usage.model.as_deref(),
        at: usage.at,
        tokens: usage.tokens,
        speed: usage.speed,
        web_searches: usage.web_searches,
    });
    Request {
        model: usage.model.as_deref().map(str::to_owned),
        tokens: usage.tokens,
        list: priced.list_picos.map(Money::from_picos_usd),
    }
}
