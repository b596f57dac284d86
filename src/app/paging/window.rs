//! The page in a window by the icon: a process of its own, so that a closed window costs nothing.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::read;
use crate::platform::popover::{self, Point};

/// How often an open window is asked whether it is closed.
const STEP: Duration = Duration::from_millis(50);
/// A window that fails sooner than this could not be shown.
const FAILS_WITHIN: Duration = Duration::from_secs(10);
/// A click on the icon takes the focus from the window, which closes it before the click is told: then
/// the click was meant to close it.
const JUST_CLOSED: Duration = Duration::from_millis(400);

/// The window, open or not.
#[derive(Clone, Default)]
pub(in super::super) struct PageWindow(Arc<Mutex<Shown>>);

#[derive(Default)]
struct Shown {
    /// Asks the open window to end.
    close: Option<Arc<AtomicBool>>,
    closed_at: Option<Instant>,
}

impl PageWindow {
    /// Opens the window that shows the page of `file` by the icon at `near`, or closes it where it is
    /// open. `otherwise` is called, on another thread, where no window can be shown.
    ///
    /// # Errors
    /// The program can't be started a second time.
    pub(in super::super) fn toggle(
        &self,
        file: &Path,
        near: Option<Point>,
        otherwise: impl FnOnce() + Send + 'static,
    ) -> anyhow::Result<()> {
        let mut shown = self.lock();
        if let Some(close) = &shown.close {
            close.store(true, Ordering::Relaxed);
            return Ok(());
        }
        if shown.closed_at.take().is_some_and(|at| at.elapsed() < JUST_CLOSED) {
            return Ok(());
        }
        let child = command(file, near)?.spawn().context("starting the window")?;
        let close = Arc::new(AtomicBool::new(false));
        shown.close = Some(close.clone());
        drop(shown);
        let this = self.clone();
        std::thread::spawn(move || {
            let was_shown = watch(child, &close);
            *this.lock() = Shown { close: None, closed_at: Some(Instant::now()) };
            if !was_shown {
                otherwise();
            }
        });
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn command(file: &Path, near: Option<Point>) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("finding the program")?;
    let mut command = Command::new(program);
    command.arg("window").arg(file).stdin(Stdio::null()).stdout(Stdio::null());
    if let Some(Point { x, y }) = near {
        command.arg(format!("--at={x},{y}"));
    }
    Ok(command)
}

/// Waits for the window to end; false where it was never shown.
fn watch(mut child: Child, close: &AtomicBool) -> bool {
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success() || started.elapsed() >= FAILS_WITHIN,
            Ok(None) if close.load(Ordering::Relaxed) => {
                // Both fail only when it has just ended.
                let _ = child.kill();
                let _ = child.wait();
                return true;
            }
            Ok(None) => std::thread::sleep(STEP),
            Err(error) => {
                log::warn!("waiting for the window: {error}");
                return true;
            }
        }
    }
}

/// `spendbar window`: shows the page of `file` until the window is closed.
///
/// # Errors
/// No program runs, or no window can be shown.
pub(in super::super) fn window(file: &Path, near: Option<Point>) -> anyhow::Result<()> {
    let Some(url) = read(file)? else {
        bail!("{} names no page: is Spendbar running?", file.display());
    };
    let folder = file.with_file_name("window");
    Ok(popover::show(&url, near, &folder)?)
}
