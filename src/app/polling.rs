//! `poll`: one look at every source, and the alerts that follow from it.

use std::io::Write;

use crate::board::wording;
use crate::faces::cli::poll::{self, Outcome, Polled};
use crate::faces::cli::style::{Style, clean};
use crate::faces::notify::{Notice, Notifier};
use crate::ledger::{Ledger, LedgerError};
use crate::monitor::once::{self, Looked};
use crate::monitor::{Settled, delivery};
use crate::spend::SourceError;

use super::App;
use super::telling::notice;

pub(super) fn poll(
    app: &App,
    offline: bool,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let setup = app.setup()?;
    let (zone, notifications) = (setup.config.zone, setup.config.notifications);
    let (ledger, looks, notices) = match once::look_at_all(&setup, offline) {
        Err(error) if matches!(error.downcast_ref(), Some(LedgerError::Corrupt { .. })) => {
            // The damage showed only in use. The logs are read again into a new ledger.
            let opened = Ledger::open_after_damage(&setup.ledger_path, setup.clock.now())?;
            super::tell_notices(&opened.notices);
            drop(opened);
            once::look_at_all(&setup, offline)?
        }
        other => other?,
    };
    super::tell_notices(&notices);
    let now = app.clock.now();
    let polled: Vec<Polled> = looks
        .into_iter()
        .map(|look| Polled {
            info: look.info,
            outcome: outcome(&look, |error| {
                wording::failure(look.info, error, look.retry_at, now, zone)
            }),
        })
        .collect();
    poll::text(out, &polled, style)?;
    let notifier = Notifier::without_replies();
    for alerts in delivery::send_due(&setup, &ledger)? {
        let (title, _) = wording::told(&alerts);
        writeln!(out, "{}", style.alarm(&clean(&title)))?;
        let notice = Notice { replies: Vec::new(), ..notice(app, &alerts) };
        let settled = match notifications.then(|| notifier.notify(&notice)) {
            None => Settled::Off("the config wants no notifications".into()),
            Some(Ok(())) => Settled::Delivered,
            // A running Spendbar, or the next poll, tries again.
            Some(Err(error)) => {
                log::info!("{error}");
                Settled::Again { at: None, error: error.to_string() }
            }
        };
        let ids: Vec<i64> = alerts.iter().map(|alert| alert.id).collect();
        ledger.settle_desktop(&ids, &settled, app.clock.now())?;
    }
    Ok(())
}

fn outcome(look: &Looked, sentence: impl Fn(&SourceError) -> String) -> Outcome {
    if let Some(held) = look.held_back {
        return Outcome::Skipped(wording::held_back(held.ago, look.info.least_minutes));
    }
    match &look.error {
        None => Outcome::Read {
            usages: look.new_events,
            charges: look.charges,
            problems: look.problems,
        },
        Some(error) if error.is_absence() => Outcome::Skipped(wording::failure_short(error).into()),
        Some(error) => Outcome::Failed(wording::failure_short(error), sentence(error)),
    }
}
