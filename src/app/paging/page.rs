//! What every answer of the page's port is made from, and the answers that say why there is none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::app::App;
use crate::board::Board;
use crate::config::Config;
use crate::faces::page::assets::Assets;
use crate::faces::page::{self as face, Frame};
use crate::ledger::Ledger;
use crate::monitor::Command;

use super::doors::{Doors, Refusal};
use super::settings::kept::Kept;

/// How long a page waits for another process's transaction before it says so.
const BUSY: Duration = Duration::from_secs(5);
/// A form of the page is far smaller.
pub(super) const FORM: usize = 16 * 1024;

/// What every answer is made from.
pub(super) struct Page {
    pub(super) app: App,
    pub(super) doors: Doors,
    pub(super) assets: Assets,
    pub(super) boards: watch::Receiver<Option<Arc<Board>>>,
    commands: UnboundedSender<Command>,
    /// One change at a time.
    settings: Mutex<Kept>,
    /// The last configuration that could be read: a slip in the file must not take the page away.
    config: Mutex<Option<Config>>,
    /// What the newest board looks like, so that many viewers cost as much as one.
    drawn: Mutex<Option<(Arc<Board>, Arc<str>)>>,
}

impl Page {
    pub(super) fn new(
        app: &App,
        doors: Doors,
        boards: watch::Receiver<Option<Arc<Board>>>,
        commands: UnboundedSender<Command>,
    ) -> Self {
        Self {
            app: app.clone(),
            doors,
            assets: Assets::new(),
            boards,
            commands,
            settings: Mutex::default(),
            config: Mutex::new(app.config().ok()),
            drawn: Mutex::new(None),
        }
    }

    pub(super) fn frame(&self) -> Frame<'_> {
        Frame { assets: &self.assets, csrf: self.doors.csrf() }
    }

    pub(super) fn ledger(&self) -> anyhow::Result<(Config, Ledger)> {
        let path = self.app.ledger_path();
        let ledger = Ledger::open_at_once(&path, BUSY, false)?;
        let mut ledger = ledger.with_context(|| format!("{} is not there", path.display()))?;
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(read) = self.app.config() {
            *config = Some(read);
        }
        let config = config.clone().unwrap_or_else(|| Config::defaults(self.app.system_zone));
        ledger.reckon_with(config.rates.clone(), config.plans.clone());
        Ok((config, ledger))
    }

    /// The event that tells a board.
    pub(super) fn draw(&self, board: &Arc<Board>) -> Arc<str> {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        match &*drawn {
            Some((known, text)) if Arc::ptr_eq(known, board) => text.clone(),
            _ => {
                let text: Arc<str> = face::live(board).into();
                *drawn = Some((board.clone(), text.clone()));
                text
            }
        }
    }

    /// What the settings keep.
    pub(super) fn memory(&self) -> MutexGuard<'_, Kept> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Orders something of the monitor.
    pub(super) fn tell(&self, command: Command) {
        // Fails only while the program ends.
        let _ = self.commands.send(command);
    }
}

/// Says the same whatever is wrong: nobody is told how close they came.
pub(super) fn turn_away(page: &Page, refusal: Refusal) -> Response {
    log::info!("the page turned a request away: {refusal:?}");
    let text = face::message(
        "This page is closed",
        "Open it from Spendbar's icon, or with `spendbar page`.",
        None,
        &page.frame(),
    );
    (StatusCode::FORBIDDEN, Html(text)).into_response()
}

/// Said until the first board is there; the browser asks again by itself.
pub(super) fn starting_up(page: &Page) -> Response {
    let says = "The first figures are being read. They are here in a moment.";
    Html(face::message("Just starting", says, Some(1), &page.frame())).into_response()
}

pub(super) fn failed(page: &Page, why: &str) -> Response {
    log::warn!("the page can't be shown: {why}");
    let says = format!("The figures can't be read now: {why}.");
    let text = face::message("No figures", &says, None, &page.frame());
    (StatusCode::SERVICE_UNAVAILABLE, Html(text)).into_response()
}
