//! The running program: the monitor with the tray where there is a desktop, with a live line in
//! the terminal where there is none.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::board::{Board, State, wording};
use crate::config;
use crate::demo::World;
use crate::faces::cli::args::RunArgs;
use crate::faces::notify::{Notifier, Reply};
use crate::faces::terminal::Terminal;
use crate::faces::tray::{self, Action, Tray, TrayHandle};
use crate::monitor::clock::Clock;
use crate::monitor::{self, Command, Event, Handle};
use crate::platform::{clipboard, open, session};

use super::App;
use super::lock::lock;
use super::paging::Served;
use super::telling::Telling;

/// Columns of a terminal that does not tell.
pub(super) const COLUMNS: usize = 100;
/// How often a log gets a line at most.
const LOG_GAP: Duration = Duration::from_secs(2);
/// Runs until it is told to stop: by Quit in the menu, by a signal, or when `seconds` are over.
///
/// # Errors
/// Another copy runs already, or the configuration or the ledger can't be used.
pub(super) fn run(app: &App, run: RunArgs, seconds: Option<u64>) -> anyhow::Result<()> {
    let Some(_lock) = lock(app)? else {
        bail!("Spendbar is running already. `spendbar status` shows its figures");
    };
    let (told, inbox) = channel();
    stop_on_signals(told.clone())?;
    let deadline = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let events = told.clone();
    let pressed = told.clone();
    let (boards, shown) = watch::channel(None);
    let setup = app.setup()?;
    let metrics = setup.config.metrics;
    let metrics = (metrics.enabled || run.metrics).then_some(metrics);
    let monitor = monitor::spawn(setup, move |event| {
        if let Event::Board(board) = &event {
            boards.send_replace(Some(board.clone()));
        }
        // The receiver is gone only while the program ends.
        let _ = events.send(Told::Monitor(event));
    })?;
    let notifier = Notifier::new(move |tag, reply| {
        let _ = pressed.send(Told::Reply(tag.to_owned(), reply));
    });
    // Without the page the figures are still kept and shown.
    let page = Served::start(app, shown, monitor.commands(), metrics)
        .inspect_err(|error| log::warn!("the page is not served: {error:#}"))
        .ok();
    let telling =
        Telling::new(app, notifier, monitor.commands(), page.as_ref().map(Served::address));
    let graphical = session::is_graphical(|name| app.places.variables.get(name).cloned());
    if run.headless || !graphical {
        if let Some(page) = page.as_ref().filter(|_| app.demo) {
            // Nobody finds a demo's page otherwise: its home is a folder of its own.
            eprintln!("The page with the details: {}", page.address().as_str());
        }
        return in_terminal(app, monitor, &inbox, deadline, telling);
    }
    in_tray(app, monitor, told, inbox, deadline, telling)
}

enum Told {
    Monitor(Event),
    Action(Action),
    /// What was pressed on the notification of a tag.
    Reply(String, Reply),
    Stop,
}

fn stop_on_signals(told: Sender<Told>) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        let _ = told.send(Told::Stop);
    })
    .context("listening for signals")
}

enum Next {
    Told(Told),
    TimeOver,
}

/// Waits for the next message, or until `until`.
fn next(inbox: &Receiver<Told>, until: Option<Instant>) -> Next {
    let told = match until {
        None => inbox.recv().ok(),
        Some(until) => inbox.recv_timeout(until.saturating_duration_since(Instant::now())).ok(),
    };
    // The signal handler holds a sender for as long as the program runs.
    told.map_or(Next::TimeOver, Next::Told)
}

fn in_terminal(
    app: &App,
    monitor: Handle,
    inbox: &Receiver<Told>,
    deadline: Option<Instant>,
    mut telling: Telling,
) -> anyhow::Result<()> {
    let out = io::stdout();
    let columns = app.places.variable("COLUMNS").and_then(|columns| columns.parse().ok());
    let live = out.is_terminal();
    let mut terminal = Terminal::new(out, live, columns.unwrap_or(COLUMNS));
    let mut latest: Option<Arc<Board>> = None;
    // When the newest board is to be written; a log takes one line in a while, not every step.
    let mut write_at: Option<Instant> = None;
    let mut not_before = Instant::now();
    let mut shown = Ok(());
    while shown.is_ok() {
        match next(inbox, [deadline, write_at].into_iter().flatten().min()) {
            Next::Told(Told::Monitor(Event::Board(board))) => {
                write_at.get_or_insert(if live { Instant::now() } else { not_before });
                latest = Some(board);
            }
            Next::Told(Told::Monitor(Event::Alerts(alerts))) => {
                if let Some(board) = &latest {
                    let (title, body) = wording::told(&alerts);
                    shown =
                        terminal.alert(board, &title, &body).and_then(|()| terminal.show(board));
                }
                // The terminal has told it; a desktop's daemon may be there as well.
                telling.tell(alerts, true);
            }
            Next::Told(Told::Reply(tag, reply)) => telling.reply(&tag, reply, latest.as_deref()),
            Next::Told(Told::Action(_)) => {}
            Next::Told(Told::Monitor(Event::Ended) | Told::Stop) => break,
            Next::TimeOver if deadline.is_some_and(|deadline| Instant::now() >= deadline) => break,
            Next::TimeOver => {
                write_at = None;
                not_before = Instant::now() + LOG_GAP;
                shown = latest.as_ref().map_or(Ok(()), |board| terminal.show(board));
            }
        }
    }
    let ended = monitor.stop();
    match shown.and_then(|()| terminal.end()) {
        // Whoever read our output has had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ended,
        Err(error) => Err(error).context("writing to the terminal"),
        Ok(()) => ended,
    }
}

fn in_tray(
    app: &App,
    monitor: Handle,
    told: Sender<Told>,
    inbox: Receiver<Told>,
    deadline: Option<Instant>,
    telling: Telling,
) -> anyhow::Result<()> {
    // The monitor's first word is a board made of what the ledger holds.
    let first = loop {
        match next(&inbox, deadline) {
            Next::Told(Told::Monitor(Event::Board(board))) => break board,
            Next::Told(Told::Monitor(Event::Ended) | Told::Stop) | Next::TimeOver => {
                return monitor.stop();
            }
            Next::Told(Told::Monitor(Event::Alerts(_)) | Told::Action(_) | Told::Reply(..)) => {}
        }
    };
    let tray = Tray::new();
    let handle = tray.handle();
    let latest = first.clone();
    let (feeder, commands) = (app.clone(), monitor.commands());
    std::thread::Builder::new()
        .name("faces".into())
        .spawn(move || pass_on(&feeder, &inbox, deadline, &handle, &commands, telling, latest))
        .context("starting the thread that feeds the tray")?;
    let shown = tray.run((*first).clone(), move |action| {
        let _ = told.send(Told::Action(action));
    });
    let ended = monitor.stop();
    shown?;
    ended
}

/// Feeds the tray and does what its menu asks, until it is time to end.
fn pass_on(
    app: &App,
    inbox: &Receiver<Told>,
    deadline: Option<Instant>,
    tray: &TrayHandle,
    commands: &UnboundedSender<Command>,
    mut telling: Telling,
    mut latest: Arc<Board>,
) {
    // A send fails only when the monitor has ended, which ends this loop as well.
    loop {
        match next(inbox, deadline) {
            Next::Told(Told::Monitor(Event::Board(board))) => {
                if !tray.show((*board).clone()) {
                    return;
                }
                latest = board;
            }
            Next::Told(Told::Monitor(Event::Alerts(alerts))) => telling.tell(alerts, false),
            Next::Told(Told::Reply(tag, reply)) => telling.reply(&tag, reply, Some(&latest)),
            Next::Told(Told::Action(action)) => match action {
                Action::OpenPage => telling.open_page(None),
                Action::Peek(at) => telling.peek(at),
                Action::Refresh => drop(commands.send(Command::Refresh)),
                Action::TogglePause => {
                    drop(commands.send(Command::Pause(latest.state != State::Paused)));
                }
                Action::CopySummary => {
                    telling.tell_failure(clipboard::copy(&tray::summary::summary(&latest)));
                }
                Action::Snooze(how) => telling.snooze(None, how),
                Action::Raise(budget) => telling.raise(&budget),
                Action::OpenConfig => telling.tell_failure(open_config(app)),
                Action::Quit => break,
            },
            Next::Told(Told::Monitor(Event::Ended) | Told::Stop) | Next::TimeOver => break,
        }
    }
    tray.close();
}

/// Opens the configuration, after writing the commented default where there is none.
fn open_config(app: &App) -> anyhow::Result<()> {
    let path = app.config_path();
    if !path.exists() {
        config::edit::write(&path, config::DEFAULT_TEXT)?;
    }
    Ok(open::open(&path)?)
}

/// Runs the program on the pretend world.
///
/// # Errors
/// As [`run`], or the pretend world can't be made.
pub(super) fn demo(user: &App, how: RunArgs, seconds: Option<u64>) -> anyhow::Result<()> {
    let clock = Clock::starting_at(World::time_of_day(Clock::system().now()));
    let world = World::start(clock.now())?;
    let app = App::of_demo(&world, user, clock);
    config::edit::write(&app.config_path(), &world.config())?;
    let ran = run(&app, how, seconds);
    // The world is put away whatever happened; the first error is the one to tell.
    let ended = world.end();
    ran.and(ended)
}
