//! `export`: what others read.

use std::fs;
use std::io::{self, IsTerminal, Write};

use anyhow::{Context, bail};

use crate::board::{export, summary};
use crate::faces::cli::args::{ExportArgs, Format};
use crate::faces::cli::style::clean;
use crate::faces::export::card::{self, Public};
use crate::faces::export::{Sources, csv, focus, json, statement};
use crate::pricing::PriceTable;
use crate::sources::SOURCES;
use crate::spend::Zone;
use crate::spend::period::local_day;

use super::App;
use super::asking::{board, open};

/// Writes what is asked for, and tells on standard error what it can't tell.
///
/// # Errors
/// The config or the ledger can't be read, or the file can't be written.
pub(super) fn export(app: &App, args: &ExportArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.format == Format::Card && args.output.is_none() && io::stdout().is_terminal() {
        bail!("a picture is nothing for a terminal: name a file with --output card.png");
    }
    let (config, ledger) = open(app)?;
    let zone = match args.format {
        Format::Focus => Zone::UTC,
        _ => args.tz.unwrap_or(config.zone),
    };
    let days = args.days(local_day(app.clock.now(), zone))?;
    let sources = Sources::new(config.sources().map(|source| source.info()));
    let mut written = Vec::new();
    match args.format {
        Format::Csv | Format::Json | Format::Focus => {
            let rows = export::export(&ledger, days, zone, args.projects)?;
            match args.format {
                Format::Csv => csv::write(&mut written, &rows, &sources)?,
                Format::Json => json::write(&mut written, &rows, &sources)?,
                _ => focus::write(&mut written, &rows, &sources)?,
            }
            if args.format == Format::Focus {
                focus::gaps(&rows).iter().for_each(|gap| eprintln!("{gap}"));
            }
            if args.format != Format::Json {
                // Names of models stand in them, and those come from others.
                rows.notes.iter().for_each(|note| eprintln!("{}", clean(note)));
            }
        }
        Format::Statement | Format::Card => {
            let board = board(app, &config, &ledger)?;
            let told = summary::summary(&ledger, &board, days, zone, args.projects)?;
            match args.format {
                Format::Statement => statement::write(&mut written, &told, &sources)?,
                _ => card::write(&mut written, &told, &Everybody::new())?,
            }
        }
    }
    match &args.output {
        None => out.write_all(&written)?,
        Some(path) => {
            fs::write(path, &written).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    Ok(())
}

/// Names that the program itself ships: those of its price list and of its sources. A fine-tuned
/// model has its owner's name in it, a gateway may be called after a company.
struct Everybody(PriceTable);

impl Everybody {
    fn new() -> Self {
        Self(PriceTable::builtin())
    }
}

impl Public for Everybody {
    fn model(&self, name: &str) -> Option<String> {
        // What stands before a slash is a route, which may be a gateway of one's own.
        let plain = name.rsplit('/').next().unwrap_or(name);
        let is_plain = plain.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._".contains(&it));
        let is_listed = self.0.list(None, Some(plain)).provider().is_some();
        (is_plain && is_listed).then(|| plain.to_owned())
    }

    fn provider(&self, name: &str) -> Option<String> {
        let ours = SOURCES.iter().map(|source| source.info());
        let is_ours = ours.into_iter().any(|info| info.account == name || info.id == name);
        is_ours.then(|| name.to_owned())
    }
}
