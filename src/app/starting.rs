//! `spendbar autostart`: at login or not.

use std::io::Write;

use anyhow::bail;

use crate::faces::cli::args::AutostartCommand;
use crate::faces::cli::autostart as face;
use crate::platform::autostart::Autostart;

use super::App;

pub(super) fn autostart(
    app: &App,
    command: AutostartCommand,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let autostart = entry(app);
    match command {
        AutostartCommand::On => switch(app, true)?,
        AutostartCommand::Off => switch(app, false)?,
        AutostartCommand::Status(args) if args.json => {
            return Ok(face::json(out, &autostart.at_login()?, autostart.place())?);
        }
        AutostartCommand::Status(_) => {}
    }
    Ok(face::text(out, &autostart.at_login()?, autostart.place())?)
}

/// The entry of this program's user.
pub(super) fn entry(app: &App) -> Autostart {
    Autostart::of(&app.places.home, |name| app.places.variables.get(name).cloned())
}

/// Has the program start at login, or no longer.
///
/// # Errors
/// The entry can't be changed, or this is the pretend world, which leaves the real user's alone.
pub(super) fn switch(app: &App, on: bool) -> anyhow::Result<()> {
    if app.demo {
        bail!("the demo changes nothing of what starts at login");
    }
    match on {
        true => entry(app).switch_on()?,
        false => entry(app).switch_off()?,
    }
    Ok(())
}
