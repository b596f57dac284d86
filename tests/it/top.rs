//! `top` in a terminal: what stands on the screen, and that the terminal is given back.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::termios::{self, LocalModes, Winsize};

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::world::{PATIENCE, World, eventually};

const NOON: &str = "2026-03-02T12:00:00Z";
const AT: &str = "2026-03-02T11:30:00.000Z";
const SIZE: (u16, u16) = (24, 100);

/// A pseudo-terminal with a program in it.
struct Desk {
    terminal: Arc<File>,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Child,
}

impl Desk {
    /// Starts the command with this terminal as its own.
    fn start(mut command: Command) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("granted");
        unlockpt(&terminal).expect("unlocked");
        let name = ptsname(&terminal, Vec::new()).expect("its name").into_string().expect("text");
        let other_end = File::options().read(true).write(true).open(name).expect("its other end");
        let (ws_row, ws_col) = SIZE;
        termios::tcsetwinsize(&other_end, Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 })
            .expect("a size");
        let end = || Stdio::from(OwnedFd::from(other_end.try_clone().expect("a copy")));
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("starts");
        let terminal = Arc::new(File::from(terminal));
        let screen = Arc::new(Mutex::new(vt100::Parser::new(ws_row, ws_col, 0)));
        let (mut reader, shown) = (terminal.try_clone().expect("a copy"), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown.lock().expect("no panic").process(&bytes[..count]);
            }
        });
        Self { terminal, screen, child }
    }

    fn top(world: &World) -> Self {
        let mut under = world.command_under("exec setsid -c \"$@\"", ["top"]);
        under.env("TERM", "xterm-256color");
        Self::start(under)
    }

    fn text(&self) -> String {
        self.screen.lock().expect("no panic").screen().contents()
    }

    #[track_caller]
    fn shows(&self, words: &str) {
        assert!(eventually(PATIENCE, || self.text().contains(words)), "{words}:\n{}", self.text());
    }

    fn press(&self, keys: &str) {
        (&*self.terminal).write_all(keys.as_bytes()).expect("typed");
    }

    /// Whether the whole screen is the program's, and lines are its own business.
    fn is_taken(&self) -> (bool, bool) {
        let modes = termios::tcgetattr(self.terminal.as_fd()).expect("modes").local_modes;
        let raw = !modes.intersects(LocalModes::ICANON | LocalModes::ECHO);
        (self.screen.lock().expect("no panic").screen().alternate_screen(), raw)
    }

    #[track_caller]
    fn ends_with(&mut self, code: i32) {
        let mut status = None;
        eventually(Duration::from_secs(20), || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        let status = status.unwrap_or_else(|| panic!("it goes on:\n{}", self.text()));
        assert_eq!(status.code(), Some(code), "{}", self.text());
        assert!(
            eventually(PATIENCE, || self.is_taken() == (false, false)),
            "{:?}",
            self.is_taken()
        );
        assert!(!self.screen.lock().expect("no panic").screen().hide_cursor());
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn world() -> World {
    let world = World::new().at(NOON);
    world.append(CLAUDE_FILE, &claude_spends(AT, "A", 60));
    world
}

#[test]
fn a_session_is_shown_as_it_spends_and_q_gives_the_terminal_back() {
    let world = world();
    let mut desk = Desk::top(&world);
    desk.shows("/home/ada/shop");
    desk.shows("Today ≈ $0.60");
    desk.shows("11111111-1111-4111-8111-111111111111");
    assert_eq!(desk.is_taken(), (true, true));
    let start = Instant::now();
    world.append(CLAUDE_FILE, &claude_spends(AT, "B", 30));
    desk.shows("0.90       0.90");
    // Far above what it takes, far below the slow sweep.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    // It is Spendbar running, and the only copy.
    assert!(world.run(["--headless"]).exits_with(1).stderr.contains("running already"));
    desk.press("?");
    desk.shows("sort by");
    desk.press("?q");
    desk.ends_with(0);
}

#[test]
fn beside_a_running_spendbar_it_only_reads() {
    let world = world();
    let mut spendbar = world.spawn([]);
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.60")), "{}", spendbar.all());
    let mut desk = Desk::top(&world);
    desk.shows("Today ≈ $0.60");
    world.append(CLAUDE_FILE, &claude_spends(AT, "B", 30));
    desk.shows("Today ≈ $0.90");
    // Standing still, it shows what was there.
    desk.press("p");
    desk.shows("standing still");
    world.append(CLAUDE_FILE, &claude_spends(AT, "C", 30));
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$1.20")), "{}", spendbar.all());
    std::thread::sleep(Duration::from_secs(1));
    assert!(desk.text().contains("Today ≈ $0.90"), "{}", desk.text());
    desk.press("p");
    desk.shows("Today ≈ $1.20");
    desk.press("\u{3}");
    desk.ends_with(0);
    assert!(spendbar.is_running());
}

#[test]
fn signals_and_sizes_leave_the_terminal_as_it_was() {
    let world = world();
    let mut desk = Desk::top(&world);
    desk.shows("/home/ada/shop");
    for (ws_row, ws_col) in [(5, 20), (1, 1), (40, 150)] {
        let size = Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
        desk.screen.lock().expect("no panic").screen_mut().set_size(ws_row, ws_col);
        termios::tcsetwinsize(&*desk.terminal, size).expect("a size");
        std::thread::sleep(Duration::from_millis(300));
    }
    desk.shows("q quit");
    let kill = Command::new("kill").args(["-TERM", &desk.child.id().to_string()]).status();
    assert!(kill.expect("kill").success());
    desk.ends_with(0);
}

#[test]
fn ctrl_z_hands_the_terminal_to_the_shell_and_fg_takes_it_again() {
    let world = world();
    let script =
        "exec setsid -c bash -mc '\"$@\"; echo \"stopped $?\"; read; fg >/dev/null' bash \"$@\"";
    let mut shell = world.command_under(script, ["top"]);
    shell.env("TERM", "xterm-256color");
    let mut desk = Desk::start(shell);
    desk.shows("/home/ada/shop");
    desk.press("\u{1a}");
    desk.shows("stopped 148");
    assert_eq!(desk.is_taken(), (false, false));
    desk.press("\r");
    desk.shows("/home/ada/shop");
    assert_eq!(desk.is_taken(), (true, true));
    desk.press("q");
    desk.ends_with(0);
}

#[test]
fn without_a_terminal_it_says_so() {
    let said = world().run(["top"]).exits_with(1);
    assert!(said.stderr.contains("needs a terminal") && said.stdout.is_empty(), "{}", said.all());
}

#[test]
fn waiting_costs_next_to_nothing() {
    for beside in [true, false] {
        let world = world();
        let spendbar = beside.then(|| world.spawn([]));
        if let Some(spendbar) = &spendbar {
            assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.60")));
        }
        let desk = Desk::top(&world);
        desk.shows("/home/ada/shop");
        std::thread::sleep(Duration::from_secs(2));
        // User and system time, in hundredths of a second.
        let used = || {
            let path = format!("/proc/{}/stat", desk.child.id());
            let text = std::fs::read_to_string(path).expect("it runs");
            let fields = text.rsplit(") ").next().expect("fields");
            let ticks = fields.split(' ').skip(11).take(2);
            ticks.map(|ticks| ticks.parse::<u64>().expect("ticks")).sum::<u64>()
        };
        let before = used();
        std::thread::sleep(Duration::from_secs(4));
        let used = used() - before;
        assert!(used <= 8, "beside: {beside}: {used} hundredths in 4 s");
    }
}
