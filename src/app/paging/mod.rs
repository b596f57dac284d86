//! The page behind the icon, served on loopback by the running program and by it alone.
//!
//! [`Served`] is the open port: a listener on 127.0.0.1, one thread, a token that lasts for the run.
//! Its address is kept in a file that only this user can read, so that `spendbar page` finds it; a
//! file that was left behind is told apart by the lock of the running copy. `doors` decides who may
//! come in, `routes` answers. A page is made anew for each request, from the board and a ledger that
//! is opened for it and closed again: nothing is held while nobody looks.

mod doors;
mod metrics;
mod page;
mod routes;
mod settings;
mod window;

pub(super) use window::{PageWindow, window};

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{oneshot, watch};

use crate::board::Board;
use crate::board::page::View;
use crate::config::MetricsSettings;
use crate::faces::page::address;
use crate::monitor::Command;
use crate::platform::open;

use super::App;
use super::lock::is_running;

const SCHEMA: &str = "spendbar.page.v1";
/// How long `spendbar page` waits for a program that is just starting.
const STARTING: Duration = Duration::from_secs(5);

/// What the file says, and what `page --json` prints.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    schema: String,
    /// The opening address; `None` when no program runs.
    url: Option<String>,
}

/// The address that opens the page; whoever has it comes in.
#[derive(Clone)]
pub(super) struct Address {
    url: String,
    /// Where it is written down.
    file: PathBuf,
}

impl Address {
    /// The address itself, for the user's own eyes.
    pub(super) fn as_str(&self) -> &str {
        &self.url
    }

    /// The file that holds it, for this user's other processes.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Opens it in the browser, at a day where one is given. Blocks for up to one and a half seconds.
    ///
    /// # Errors
    /// There is no browser.
    pub(super) fn open(&self, day: Option<NaiveDate>) -> Result<(), open::OpenError> {
        let query = address::query(&View { day, ..View::default() });
        let and = if query.is_empty() { "" } else { "&" };
        open::browse(&format!("{}{and}{query}", self.url))
    }
}

/// The page of a running program; it is closed when dropped.
pub(super) struct Served {
    address: Address,
    file: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Opens the port and writes down where it is. Changes that the page asks for go to `commands`.
    ///
    /// # Errors
    /// No port on loopback, no random numbers, or the file can't be written.
    pub(super) fn start(
        app: &App,
        boards: watch::Receiver<Option<Arc<Board>>>,
        commands: UnboundedSender<Command>,
        metrics: Option<MetricsSettings>,
    ) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("opening a port")?;
        listener.set_nonblocking(true).context("preparing the port")?;
        let port = listener.local_addr().context("reading the port")?.port();
        let doors = doors::Doors::new(port).context("asking the system for random numbers")?;
        let file = file(app);
        let address = Address { url: doors.opening_address(), file: file.clone() };
        // Whoever reads the metrics will miss them; the page goes on.
        let metrics = metrics.and_then(|settings| {
            metrics::open(app, settings, boards.clone())
                .inspect_err(|error| log::warn!("the metrics are not served: {error:#}"))
                .ok()
        });
        let routes = routes::routes(app, doors, boards, commands);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // The ledger blocks, and so do the keyring, which may ask its owner, and a provider whose
            // key is tested: while those take their time the page is still read.
            .max_blocking_threads(4)
            .thread_keep_alive(Duration::from_secs(1))
            .build()
            .context("starting the page")?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let ended = tokio::select! {
                ended = axum::serve(listener, routes).into_future() => ended,
                ended = metrics::serve(metrics) => ended,
                // Pages that are still open must not hold up the end of the program.
                _ = stopped => Ok(()),
            };
            ended
        };
        let thread = std::thread::Builder::new()
            .name("page".into())
            .spawn(move || {
                if let Err(error) = runtime.block_on(serve) {
                    log::error!("the page is not served any more: {error}");
                }
                runtime.shutdown_background();
            })
            .context("starting the page's thread")?;
        let served = Self { address, file, stop: Some(stop), thread: Some(thread) };
        served.note().with_context(|| format!("writing {}", served.file.display()))?;
        Ok(served)
    }

    /// The address that opens the page.
    pub(super) fn address(&self) -> Address {
        self.address.clone()
    }

    fn note(&self) -> io::Result<()> {
        let document = Document { schema: SCHEMA.into(), url: Some(self.address.url.clone()) };
        // A temporary file is its user's alone (Unix: mode 0600) and takes that along.
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, &document)?;
        file.persist(&self.file).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Both fail only when there is nothing left to end or to remove.
        let _ = fs::remove_file(&self.file);
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// `spendbar page`: opens the running program's page, or prints its address.
///
/// # Errors
/// No program runs, it serves no page, or there is no browser.
pub(super) fn page(app: &App, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let url = running_address(app)?;
    if json {
        let document = Document { schema: SCHEMA.into(), url: url.clone() };
        serde_json::to_writer(&mut *out, &document)?;
        writeln!(out)?;
        out.flush()?;
    }
    let Some(url) = url else {
        bail!("no Spendbar is running, so there is no page. Start it: `spendbar`");
    };
    if !json {
        open::browse(&url)
            .context("opening the page; `spendbar page --json` prints its address")?;
    }
    Ok(())
}

/// `None` when no program runs.
fn running_address(app: &App) -> anyhow::Result<Option<String>> {
    let path = file(app);
    let end = Instant::now() + STARTING;
    loop {
        if !is_running(app) {
            return Ok(None);
        }
        if let Some(url) = read(&path)? {
            return Ok(Some(url));
        }
        if Instant::now() >= end {
            bail!("the running Spendbar serves no page; its log says why");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    // A half-written file is one that is being written.
    Ok(serde_json::from_str::<Document>(&text).ok().and_then(|document| document.url))
}

fn file(app: &App) -> PathBuf {
    app.folders.state.join("page.json")
}
