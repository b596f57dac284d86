//! `provider check`: a description tried against saved answers, or against the provider itself.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};

use crate::board::wording;
use crate::faces::cli::args::ProviderCheckArgs;
use crate::faces::cli::provider::{self, Checked};
use crate::faces::cli::style::Style;
use crate::secrets::Store;
use crate::sources::providers::described::{Described, load};
use crate::sources::providers::http;
use crate::sources::{Look, Source};
use crate::spend::Marks;

use super::App;

/// As far back as the running program asks.
const DAYS: u64 = 34;

pub(super) fn check(
    app: &App,
    args: &ProviderCheckArgs,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let text = read(&args.file)?;
    let text = String::from_utf8(text)
        .map_err(|_| anyhow::anyhow!("{} is no UTF-8 text", args.file.display()))?;
    let description = load::load(&text).map_err(|faults| {
        let lines: Vec<_> =
            faults.iter().map(|fault| format!("{}: {fault}", args.file.display())).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    let source = Described::new(description);
    let info = source.info();
    let answers = args.answer.iter().map(|file| read(file)).collect::<anyhow::Result<Vec<_>>>()?;

    let key = Store::new(&app.places).get(info, &app.places)?.map(|(key, _)| key);
    if answers.is_empty() && key.is_none() && info.key.is_some() {
        bail!(
            "{} has no key yet: `spendbar key set {}` once it is in the config, or set {}; \
               or try saved answers: --answer FILE",
            info.name,
            info.id,
            variables(info)
        );
    }
    let settings = args.set.iter().cloned().collect::<BTreeMap<_, _>>();
    let (now, marks, http) = (app.clock.now(), Marks::new(), http::Client::new());
    let look = Look {
        now,
        places: &app.places,
        marks: &marks,
        only: None,
        most: 1,
        key: key.as_ref(),
        base_url: None,
        settings: &settings,
        since: (now - chrono::Days::new(DAYS)).date_naive(),
        http: &http,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let is_live = answers.is_empty();
    let read = match is_live {
        true => runtime.block_on(source.trace(&look)),
        false => runtime.block_on(source.rehearse(&look, answers)),
    };
    let (reading, noted) = match read {
        Ok(read) => read,
        Err(error) if is_live => {
            bail!("{}", wording::failure(info, &error, None, now, app.system_zone))
        }
        // Nobody's service is to blame for a saved answer.
        Err(error) => bail!("{}: {error}", args.file.display()),
    };
    let checked = Checked { info, reading, noted, is_live };
    if args.json {
        provider::json(out, &checked)?
    } else {
        provider::text(out, &checked, style)?
    }
    Ok(())
}

fn variables(info: &crate::sources::SourceInfo) -> String {
    let names = info.key.as_ref().map_or(&[][..], |key| key.variables);
    if names.is_empty() {
        "a variable that the description names".into()
    } else {
        names.join(" or ")
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| file.display().to_string())
}
