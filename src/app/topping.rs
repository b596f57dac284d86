//! `top`: the live view. Where Spendbar runs already, what it records is read; where it does not,
//! the monitor runs here, as without a tray.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use ratatui::crossterm::event::{self, KeyEvent, KeyEventKind};

use crate::board::Board;
use crate::board::sessions::{LastUses, sessions};
use crate::board::standing::Standings;
use crate::config::Config;
use crate::faces::cli::style::Style;
use crate::faces::notify::{Notifier, Reply};
use crate::faces::top::Picture;
use crate::faces::top::screen::{self, Screen};
use crate::faces::top::state::{Asked, State};
use crate::ledger::Ledger;
use crate::monitor::{self, Event, Handle};
use crate::platform::process;

use super::lock::{is_running, lock};
use super::telling::Telling;
use super::{App, asking};

/// How long to wait between two looks at whether the ledger has changed.
const LOOK: Duration = Duration::from_millis(250);
/// How often ages are drawn anew, and the config and the ledger's file are opened again.
const MINUTE: Duration = Duration::from_secs(60);

/// Shows the view until it is left, or for so many seconds.
///
/// # Errors
/// There is no terminal to draw on, or the configuration or the ledger can't be used.
pub(super) fn top(app: &App, seconds: Option<u64>, style: &Style) -> anyhow::Result<()> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        bail!(
            "`spendbar top` needs a terminal to draw on. `spendbar status` prints the figures once"
        );
    }
    if app.places.variable("TERM") == Some("dumb") {
        bail!(
            "this terminal (TERM=dumb) can't be drawn on. `spendbar status` prints the figures once"
        );
    }
    let deadline = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (told, inbox) = channel();
    let feed = Feed::start(app, &told)?;
    let shown = show(app, feed, told, &inbox, deadline, style.color);
    screen::give_back();
    shown
}

enum Told {
    Monitor(Event),
    /// What was pressed on the notification of a tag.
    Reply(String, Reply),
    Key(KeyEvent),
    Resized,
    /// The terminal gives no more keys.
    Gone(io::Error),
    Stop,
    /// Some thread panicked; the terminal is the shell's again.
    Panicked,
}

/// Where figures come from.
enum Feed {
    /// Another copy records them.
    Reads,
    /// A monitor of this process does, which holds the lock.
    Runs { monitor: Handle, telling: Box<Telling>, _lock: File },
}

impl Feed {
    fn start(app: &App, told: &Sender<Told>) -> anyhow::Result<Self> {
        let Some(lock) = lock(app)? else { return Ok(Self::Reads) };
        let (events, pressed) = (told.clone(), told.clone());
        let monitor = monitor::spawn(app.setup()?, move |event| {
            // The receiver is gone only while the program ends.
            let _ = events.send(Told::Monitor(event));
        })?;
        let notifier = Notifier::new(move |tag, reply| {
            let _ = pressed.send(Told::Reply(tag.to_owned(), reply));
        });
        let telling = Telling::new(app, notifier, monitor.commands(), None).into();
        Ok(Self::Runs { monitor, telling, _lock: lock })
    }
}

fn show(
    app: &App,
    mut feed: Feed,
    told: Sender<Told>,
    inbox: &Receiver<Told>,
    deadline: Option<Instant>,
    color: bool,
) -> anyhow::Result<()> {
    let mut screen = Screen::take(color).context("taking the terminal")?;
    // Lines of a log would stand across the view; what matters of them is in it.
    if io::stderr().is_terminal() {
        log::set_max_level(log::LevelFilter::Off);
    }
    tell_panics(told.clone());
    let stop = told.clone();
    ctrlc::set_handler(move || drop(stop.send(Told::Stop))).context("listening for signals")?;
    listen(told).context("starting the thread that reads keys")?;

    let mut state = State::default();
    let mut picture: Option<Picture> = None;
    let mut eyes = Eyes::default();
    // When the ledger is looked at next; `None` until a monitor of our own says something.
    let mut look_at = matches!(feed, Feed::Reads).then(Instant::now);
    let mut minute_at = Instant::now() + MINUTE;
    let mut latest: Option<Arc<Board>> = None;
    let mut draw = true;
    let ended = loop {
        let now = Instant::now();
        if deadline.is_some_and(|deadline| now >= deadline) {
            break Ok(());
        }
        let is_minute = now >= minute_at;
        if is_minute {
            minute_at = now + MINUTE;
            eyes = Eyes::default();
            if matches!(feed, Feed::Runs { .. }) && latest.is_some() {
                look_at = Some(now);
            }
        }
        // What stands still is not even looked at.
        if look_at.is_some_and(|at| now >= at) && !state.paused {
            look_at = matches!(feed, Feed::Reads).then(|| now + LOOK);
            match eyes.look(app, latest.as_deref()) {
                Ok(Some(seen)) => {
                    picture = Some(seen);
                    draw = true;
                }
                Ok(None) => {}
                Err(error) => {
                    // The last figures stay, and it is tried again.
                    eyes = Eyes::default();
                    look_at = Some(now + MINUTE / 60);
                    let Some(shown) = &mut picture else { break Err(error) };
                    draw |= shown.notice.is_empty();
                    shown.notice = format!("{error:#}");
                }
            }
        }
        if std::mem::take(&mut draw)
            && let Err(error) = screen.draw(picture.as_ref(), &state)
        {
            break Err(error).context("drawing on the terminal");
        }
        let wakes = [deadline, Some(minute_at), look_at.filter(|_| !state.paused)];
        let until = wakes.into_iter().flatten().min().unwrap_or(minute_at);
        let message = match inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => continue,
            // The signal handler holds a sender for as long as the program runs.
            Err(RecvTimeoutError::Disconnected) => break Ok(()),
        };
        match (message, &mut feed) {
            (Told::Monitor(Event::Board(board)), _) => {
                latest = Some(board);
                look_at.get_or_insert(eyes.looked_at.map_or(now, |at| at + LOOK));
            }
            (Told::Monitor(Event::Alerts(alerts)), Feed::Runs { telling, .. }) => {
                // The view shows the newest; a desktop's daemon may be there as well.
                telling.tell(alerts, true);
            }
            (Told::Reply(tag, reply), Feed::Runs { telling, .. }) => {
                telling.reply(&tag, reply, latest.as_deref());
            }
            (Told::Monitor(Event::Alerts(_)) | Told::Reply(..), Feed::Reads) => {}
            (Told::Key(key), _) => {
                let rows = picture.as_ref().map_or(&[][..], |picture| &picture.sessions.rows);
                match state.press(key, rows, screen.page()) {
                    Asked::Nothing => {}
                    Asked::Draw => draw = true,
                    Asked::Pause => {
                        // Going on, the newest is wanted at once.
                        eyes.forget();
                        look_at = look_at.or(latest.is_some().then(Instant::now));
                        draw = true;
                    }
                    Asked::Suspend => {
                        if let Err(error) = screen.lend(process::suspend) {
                            break Err(error).context("taking the terminal again");
                        }
                        draw = true;
                    }
                    Asked::Quit => break Ok(()),
                }
            }
            (Told::Resized, _) => draw = true,
            (Told::Gone(error), _) => break Err(error).context("reading keys from the terminal"),
            (Told::Monitor(Event::Ended) | Told::Stop | Told::Panicked, _) => break Ok(()),
        }
    };
    drop(screen);
    match feed {
        Feed::Reads => ended,
        Feed::Runs { monitor, .. } => ended.and(monitor.stop()),
    }
}

/// Gives the terminal back before a panic is told, and has the program end, whichever thread it was.
fn tell_panics(told: Sender<Told>) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        screen::give_back();
        before(panic);
        let _ = told.send(Told::Panicked);
    }));
}

/// Waits for keys on a thread of its own, which ends with the program.
fn listen(told: Sender<Told>) -> io::Result<()> {
    let pass_on = move || loop {
        let message = match event::read() {
            Ok(event::Event::Key(key)) if key.kind != KeyEventKind::Release => Told::Key(key),
            Ok(event::Event::Resize(..)) => Told::Resized,
            Ok(_) => continue,
            Err(error) => Told::Gone(error),
        };
        let is_over = matches!(message, Told::Gone(_));
        if told.send(message).is_err() || is_over {
            return;
        }
    };
    std::thread::Builder::new().name("keys".into()).spawn(pass_on).map(|_| ())
}

/// What looks at the ledger.
#[derive(Default)]
struct Eyes {
    open: Option<Open>,
    looked_at: Option<Instant>,
}

struct Open {
    config: Config,
    ledger: Ledger,
    standings: Standings,
    uses: LastUses,
    /// Whether anybody records.
    is_watched: bool,
    /// The state of the ledger that was looked at last.
    version: Option<i64>,
}

impl Eyes {
    /// Has the next look find something new.
    fn forget(&mut self) {
        self.open.iter_mut().for_each(|open| open.version = None);
    }

    /// The picture, if the ledger has changed since the last look. `own` is the board of a monitor
    /// of this process.
    fn look(&mut self, app: &App, own: Option<&Board>) -> anyhow::Result<Option<Picture>> {
        self.looked_at = Some(Instant::now());
        let open = match &mut self.open {
            Some(open) => open,
            closed => {
                let (config, ledger) = asking::open(app)?;
                closed.insert(Open {
                    config,
                    ledger,
                    standings: Standings::default(),
                    uses: LastUses::default(),
                    is_watched: own.is_some() || is_running(app),
                    version: None,
                })
            }
        };
        let version = open.ledger.version()?;
        // A monitor speaks when something has changed, which need not be in the ledger.
        if own.is_none() && open.version == Some(version) {
            return Ok(None);
        }
        let board = match own {
            Some(board) => board.clone(),
            None => asking::board_with(
                app,
                &open.config,
                &open.ledger,
                &mut open.standings,
                open.is_watched,
            )?,
        };
        let now = app.clock.now();
        let sessions = sessions(&open.ledger, &mut open.uses, &board.sources, now, board.zone)?;
        open.version = Some(version);
        let notice = if open.is_watched {
            String::new()
        } else {
            "Spendbar has ended: nothing new is read. Leave, and start `spendbar top` again.".into()
        };
        Ok(Some(Picture { board, sessions, now, notice }))
    }
}
