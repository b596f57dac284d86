//! The window by the icon, on a real screen with the system's own web view. It is in builds with the
//! feature `popover` alone, and `SPENDBAR_POPOVER` names one.

use std::io::Cursor;
use std::process::Stdio;
use std::time::Duration;

use crate::desk::Desk;
use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::world::{PATIENCE, Process, World, eventually};

const NOON: &str = "2026-03-02T12:00:00Z";
/// Rows of pixels that have to have more than the ground in them: a page is full of text, an empty one
/// or one that could not be opened has a line at most.
const DRAWN: usize = 200;
/// Its size, as the program asks for it.
const SIZE: (u32, u32) = (420, 640);

#[test]
fn a_click_on_the_icon_opens_the_page_by_it_and_the_next_one_closes_it() {
    let Some((desk, world)) = windowed() else { return };
    let spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    assert!(eventually(PATIENCE, || item.tooltip().contains("$12.00")), "{}", item.tooltip());
    assert_eq!(windows(&desk), Vec::<String>::new());

    item.activate_at(900, 15);
    let window = await_window(&desk);
    let place =
        eventually(PATIENCE, || geometry(&desk, &window) == Some((690, 31, SIZE.0, SIZE.1)));
    assert!(place, "below the icon: {:?}", geometry(&desk, &window));
    let drawn = eventually(PATIENCE, || picture(&desk, &window).1 > DRAWN);
    let (png, rows) = picture(&desk, &window);
    assert!(drawn, "{rows} rows with anything in them");
    if let Some(file) = std::env::var_os("SPENDBAR_POPOVER_SCREENSHOT") {
        std::fs::write(file, png).expect("a picture");
    }
    assert_eq!(children(&spendbar).len(), 1, "a process of its own");
    assert_eq!(world.browsed(), Vec::<String>::new());

    item.activate_at(900, 15);
    assert!(eventually(PATIENCE, || windows(&desk).is_empty()), "it is closed");
    assert!(eventually(PATIENCE, || children(&spendbar).is_empty()), "nothing of it stays");
}

#[test]
fn escape_closes_it() {
    let Some((desk, world)) = windowed() else { return };
    let spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    item.activate_at(900, 15);
    let window = await_window(&desk);
    assert!(eventually(PATIENCE, || picture(&desk, &window).1 > DRAWN));
    // Without a window manager nobody else gives a window the focus.
    xdotool(&desk, ["windowfocus", "--sync", &window]);
    xdotool(&desk, ["key", "Escape"]);
    assert!(eventually(PATIENCE, || windows(&desk).is_empty()), "it is closed");
}

#[test]
fn losing_the_focus_closes_it() {
    let Some((desk, world)) = windowed() else { return };
    let spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    item.activate_at(900, 15);
    let window = await_window(&desk);
    xdotool(&desk, ["windowfocus", "--sync", &window]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(windows(&desk).len(), 1, "it stays while it has it");
    let panel = xdotool(&desk, ["search", "--onlyvisible", "--class", "xfce4-panel"]);
    xdotool(&desk, ["windowfocus", panel.lines().next().expect("a panel")]);
    assert!(eventually(PATIENCE, || windows(&desk).is_empty()), "it is closed");
}

#[test]
fn where_no_window_can_be_shown_the_browser_opens() {
    let Some((desk, world)) = windowed() else { return };
    // GTK finds no screen of this kind.
    let world = world.env("GDK_BACKEND", "broadway");
    let spendbar = world.spawn([]);
    let item = desk.await_tray_item_of(spendbar.id());
    item.activate_at(900, 15);
    assert!(eventually(PATIENCE, || world.browsed().len() == 1), "{}", spendbar.all());
    assert!(world.browsed()[0].starts_with("http://127.0.0.1:"), "{:?}", world.browsed());
}

/// A desktop, and a world whose program can show windows; `None` where there is no such program and
/// nobody requires it.
fn windowed() -> Option<(Desk, World)> {
    let Some(program) = std::env::var_os("SPENDBAR_POPOVER") else {
        assert!(
            std::env::var("SPENDBAR_REQUIRE_DESKTOP").as_deref() != Ok("1"),
            "the window's tests need SPENDBAR_POPOVER, a program built with `--features popover`"
        );
        crate::desk::say_once(
            "skipped: the tests of the window, for want of SPENDBAR_POPOVER (a program built with \
             `cargo build --features popover`, which needs libwebkit2gtk-4.1-dev)",
        );
        return None;
    };
    let desk = Desk::start()?;
    let world = desk.seat(World::new().at(NOON).with_browser().program(program));
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:59:00.000Z", "A", 1_200));
    Some((desk, world))
}

fn xdotool<const N: usize>(desk: &Desk, arguments: [&str; N]) -> String {
    let output = desk.command("xdotool", arguments).output().expect("xdotool is installed");
    String::from_utf8(output.stdout).expect("text")
}

fn windows(desk: &Desk) -> Vec<String> {
    let found = xdotool(desk, ["search", "--onlyvisible", "--name", "^Spendbar$"]);
    found.lines().map(str::to_owned).collect()
}

#[track_caller]
fn await_window(desk: &Desk) -> String {
    let mut found = Vec::new();
    let there = eventually(PATIENCE, || {
        found = windows(desk);
        found.len() == 1
    });
    assert!(there, "one window: {found:?}");
    found.remove(0)
}

/// Left, top, width and height.
fn geometry(desk: &Desk, window: &str) -> Option<(u32, u32, u32, u32)> {
    let told = xdotool(desk, ["getwindowgeometry", "--shell", window]);
    let of = |name: &str| {
        told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    Some((of("X")?, of("Y")?, of("WIDTH")?, of("HEIGHT")?))
}

/// What is on the screen where the window is: as PNG, and in how many rows anything is drawn.
fn picture(desk: &Desk, window: &str) -> (Vec<u8>, usize) {
    let Some((x, y, width, height)) = geometry(desk, window) else { return (Vec::new(), 0) };
    let part = format!("{width}x{height}+{x}+{y}");
    let mut import =
        desk.command("import", ["-window", "root", "-crop", &part, "+repage", "-depth", "8"]);
    let output = import.arg("png24:-").stderr(Stdio::inherit()).output().expect("import");
    let mut reader = png::Decoder::new(Cursor::new(&output.stdout)).read_info().expect("a picture");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("a frame");
    let drawn = pixels[..info.buffer_size()]
        .chunks(info.line_size)
        .filter(|row| {
            let mut pixels = row.chunks(info.color_type.samples());
            let first = pixels.next();
            pixels.any(|pixel| Some(pixel) != first)
        })
        .count();
    (output.stdout, drawn)
}

/// The processes that the program has started and that still are.
fn children(spendbar: &Process) -> Vec<String> {
    let id = spendbar.id();
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).expect("it runs");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|told| told.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}
