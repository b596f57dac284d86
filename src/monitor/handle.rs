//! The monitor's thread: how it starts and ends.

use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::ledger::{Ledger, LedgerError};

use super::Setup;
use super::messages::{Command, Event};
use super::run::Monitor;
use super::turns;

/// A running monitor.
pub struct Handle {
    commands: UnboundedSender<Command>,
    thread: std::thread::JoinHandle<anyhow::Result<()>>,
}

impl Handle {
    /// A way to send commands from anywhere.
    pub fn commands(&self) -> UnboundedSender<Command> {
        self.commands.clone()
    }

    /// Tells it to end and waits until the ledger is closed.
    pub fn stop(self) -> anyhow::Result<()> {
        // Fails only when it has ended by itself; the join then tells why.
        let _ = self.commands.send(Command::Stop);
        self.thread.join().unwrap_or_else(|_| anyhow::bail!("the monitor crashed"))
    }
}

/// Starts the monitor on a thread of its own; `tell` is called on that thread.
pub fn spawn(setup: Setup, mut tell: impl FnMut(Event) + Send + 'static) -> anyhow::Result<Handle> {
    let (commands, mut orders) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Files, keyrings and the system's resolver block. Each provider that is asked may need
        // one of these threads for its name, and must not keep an agent from being read.
        .max_blocking_threads(4 + turns::PROVIDERS_AT_ONCE)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .context("starting the background task")?;
    let thread = std::thread::Builder::new()
        .name("monitor".into())
        .spawn(move || {
            let result = loop {
                let ended = runtime.block_on(async {
                    Monitor::new(setup.clone(), &mut tell)?.run(&mut orders).await
                });
                match ended {
                    Err(error) if is_damage(&error) => {
                        if let Err(error) = set_aside(&setup) {
                            break Err(error);
                        }
                    }
                    other => break other,
                }
            };
            tell(Event::Ended);
            // A provider that is still answering must not hold up the end of the program.
            runtime.shutdown_background();
            result
        })
        .context("starting the background task's thread")?;
    Ok(Handle { commands, thread })
}

/// Whether a ledger turned out to be damaged while it was in use.
fn is_damage(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(LedgerError::Corrupt { .. }))
}

/// Puts the damaged ledger aside; the monitor starts anew and reads the logs again.
fn set_aside(setup: &Setup) -> anyhow::Result<()> {
    // A fault that comes and goes with the disk must not become a busy loop.
    std::thread::sleep(Duration::from_secs(1));
    let opened = Ledger::open_after_damage(&setup.ledger_path, setup.clock.now())?;
    opened.notices.iter().for_each(|notice| log::warn!("{notice}"));
    Ok(())
}
