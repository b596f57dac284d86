//! `yield`: reads the repositories that were worked in, and sets spend against their commits.

use std::io::Write;

use crate::board::yields::{AskedYields, yields};
use crate::faces::cli::args::YieldArgs;
use crate::faces::cli::style::Style;
use crate::faces::cli::yields as face;
use crate::monitor::commits::{self, Errand};
use crate::monitor::pulls;
use crate::spend::Span;
use crate::spend::period::local_day;

use super::App;

pub(super) fn answer(
    app: &App,
    args: &YieldArgs,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let config = app.config()?;
    let now = app.clock.now();
    let days = args.days(local_day(now, config.zone))?;
    let mut ledger = super::open_ledger(app)?;
    let end = days.1.succ_opt().unwrap_or(days.1);
    let span = Span::of_days(days.0, end, config.zone);
    let unread = commits::refresh(&mut ledger, &span, &Errand::new(now, &app.places.home))?;
    let errand = pulls::Errand { now, hosts: &config.yields.hosts, places: &app.places };
    let untold = pulls::refresh(&mut ledger, &span, &errand)?;
    let answer = yields(
        &ledger,
        &AskedYields {
            now,
            days,
            zone: config.zone,
            by: &args.by(),
            window_hours: config.yields.window_hours,
            unread: &unread,
            untold: &untold,
        },
    )?;
    if args.json {
        face::json(out, &answer)?;
    } else {
        face::text(out, &answer, style)?;
    }
    Ok(())
}
