//! `doctor`: everything the program depends on, looked at once.

use std::io::Write;

use crate::config::Config;
use crate::faces::cli::args::JsonArg;
use crate::faces::cli::doctor::{self, Check, Diagnosis, Verdict};
use crate::faces::cli::plan;
use crate::faces::cli::style::Style;
use crate::ledger::Ledger;
use crate::platform::session::{self, Presence};
use crate::secrets::{Origin, Store};
use crate::sources::forges;

use super::{App, asking, lock};

pub(super) fn doctor(
    app: &App,
    args: JsonArg,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (config_check, config) = check_config(app);
    let (ledger_check, ledger) = check_ledger(app);
    let mut checks = vec![config_check, ledger_check, check_running(app), check_keyring(app)];
    checks.extend(check_hosts(app, &config));
    checks.extend(check_desktop(app));
    let board = match &ledger {
        Some(ledger) => Some(asking::board(app, &config, ledger)?),
        None => None,
    };
    let diagnosis = Diagnosis {
        version: env!("CARGO_PKG_VERSION"),
        now: app.clock.now(),
        zone: config.zone,
        checks,
        sources: board
            .as_ref()
            .map(|board| asking::entries(app, &config, board))
            .unwrap_or_default(),
    };
    if args.json {
        doctor::json(out, &diagnosis)?;
    } else {
        doctor::text(out, &diagnosis, style)?;
    }
    // A source that fails is an answer; a config or a ledger that can't be used is a failure.
    let broken = diagnosis.checks.iter().any(|check| check.verdict == Verdict::Bad);
    anyhow::ensure!(!broken, "something is wrong, see above");
    Ok(())
}

fn check(
    id: &'static str,
    name: &'static str,
    verdict: Verdict,
    place: Option<String>,
    found: String,
) -> Check {
    Check { id, name, verdict, place, found, hint: None }
}

fn check_config(app: &App) -> (Check, Config) {
    let path = app.config_path();
    let place = Some(path.display().to_string());
    let read = app.config().map_err(anyhow::Error::from);
    let checked = read.and_then(|config| app.setup()?.prices().map(|_| config));
    match checked {
        Ok(config) => {
            let found = if path.exists() { "read" } else { "not there, the defaults hold" };
            let mut check = check("config", "Config", Verdict::Ok, place, found.into());
            let overlaps = plan::overlaps(&config.plans);
            check.hint = (!overlaps.is_empty()).then(|| overlaps.join(" "));
            (check, config)
        }
        Err(error) => {
            let mut check = check("config", "Config", Verdict::Bad, place, format!("{error:#}"));
            check.hint = Some("mend it: `spendbar config edit`".into());
            (check, Config::defaults(app.system_zone))
        }
    }
}

fn check_ledger(app: &App) -> (Check, Option<Ledger>) {
    let path = app.ledger_path();
    let row = |verdict, found| {
        check("ledger", "Ledger", verdict, Some(path.display().to_string()), found)
    };
    match Ledger::open_read_only(&path) {
        Ok(Some(ledger)) => (row(Verdict::Ok, "opened".into()), Some(ledger)),
        Ok(None) => {
            let mut check = row(Verdict::Note, "not there yet".into());
            check.hint = Some("`spendbar poll` makes it".into());
            (check, None)
        }
        Err(error) => (row(Verdict::Bad, error.to_string()), None),
    }
}

fn check_running(app: &App) -> Check {
    if lock::is_running(app) {
        return check("running", "Spendbar", Verdict::Ok, None, "is running".into());
    }
    let mut check = check("running", "Spendbar", Verdict::Note, None, "is not running".into());
    check.hint = Some("start it: `spendbar`".into());
    check
}

fn check_keyring(app: &App) -> Check {
    match Store::new(&app.places).check() {
        Ok(()) => check("keyring", "Keyring", Verdict::Ok, None, "answers".into()),
        Err(error) => {
            let mut check = check("keyring", "Keyring", Verdict::Note, None, error.to_string());
            check.hint = Some("keys can come from environment variables instead".into());
            check
        }
    }
}

/// The hosts that the config has asked for merged pull requests, and whether there is a key for each.
fn check_hosts(app: &App, config: &Config) -> Vec<Check> {
    let store = Store::new(&app.places).without_asking();
    let names = store.names();
    let hosts = config.yields.hosts.iter().map(|host| {
        let info = forges::info(host.forge);
        let row =
            |verdict, found| check(info.id, host.forge.name(), verdict, Some(host.shown()), found);
        match store.origin(info, &app.places, &names) {
            Some(Origin::Keyring) => row(Verdict::Ok, "has a key in the keyring".into()),
            Some(Origin::Variable(name)) => row(Verdict::Ok, format!("has the key of {name}")),
            None => Check {
                hint: Some(format!("set one: `spendbar key set {}`", info.id)),
                ..row(Verdict::Note, "has no key, so that it is not asked".into())
            },
        }
    });
    hosts.collect()
}

/// The parts of a desktop. None is needed: without one the program runs in a terminal.
fn check_desktop(app: &App) -> Vec<Check> {
    let desktop = session::desktop(|name| app.places.variables.get(name).cloned());
    [
        ("display", "Display", None, desktop.display),
        ("session-bus", "Session bus", Some("DBUS_SESSION_BUS_ADDRESS"), desktop.session_bus),
        (
            "tray-watcher",
            "Tray watcher",
            Some("org.kde.StatusNotifierWatcher"),
            desktop.tray_watcher,
        ),
        ("tray-host", "Tray host", None, desktop.tray_host),
        (
            "notifications",
            "Notifications",
            Some("org.freedesktop.Notifications"),
            desktop.notifications,
        ),
    ]
    .into_iter()
    .map(|(id, name, place, presence)| {
        let verdict = if presence.is_usable() { Verdict::Ok } else { Verdict::Note };
        let found = match presence {
            Presence::There(name) if name.is_empty() => "there".into(),
            Presence::There(name) => name,
            Presence::Absent => "not there".into(),
            Presence::Unknown(why) => why,
            Presence::NotNeeded => "not needed on this system".into(),
        };
        check(id, name, verdict, place.map(str::to_owned), found)
    })
    .collect()
}
