//! The page in a small window of its own, by the icon. It belongs to a process of its own, which ends
//! with it, so that it takes no memory while it is closed. On Linux it takes the feature `popover`,
//! for GTK and WebKitGTK would have to be installed to build the program and to run it.

#[cfg(any(feature = "popover", not(target_os = "linux")))]
#[path = "window.rs"]
mod imp;

#[cfg(not(any(feature = "popover", not(target_os = "linux"))))]
#[path = "none.rs"]
mod imp;

use std::path::Path;

/// Whether this build can show one.
pub const IS_AVAILABLE: bool = cfg!(any(feature = "popover", not(target_os = "linux")));

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum PopoverError {
    /// This build can't show one.
    #[error("this build shows no windows of its own (Linux: the feature `popover`)")]
    NotBuilt,
    /// The system opened no window.
    #[error("the system opened no window: {0}")]
    NoWindow(String),
    /// The system's web view does not work or is not installed.
    #[error("the system's web view does not start: {0}")]
    NoWebView(String),
}

/// A place on the screen, in pixels from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Down.
    pub y: i32,
}

/// A part of the screen, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Area {
    at: Point,
    width: i32,
    height: i32,
}

/// Room between the window, the icon and the screen's edges, in pixels.
const MARGIN: i32 = 8;

/// Shows `address` until the window loses the focus or is closed; by the icon at `near`, where that is
/// known. `folder` is where the web view may keep what it needs. Only the main thread may ask, once.
///
/// # Errors
/// No window, no web view, or a build without them.
pub fn show(address: &str, near: Option<Point>, folder: &Path) -> Result<(), PopoverError> {
    imp::show(address, near, folder)
}

/// Where a window of this size goes: beside the icon, on the side that has the room, and never beyond
/// the screen; without an icon into the upper right corner, where most panels have theirs.
#[cfg_attr(all(target_os = "linux", not(feature = "popover"), not(test)), expect(dead_code))]
fn place(icon: Option<Point>, (width, height): (i32, i32), screen: Area) -> Point {
    let last = |from: i32, length: i32, own: i32| (from + length - own - MARGIN).max(from);
    let (last_x, last_y) =
        (last(screen.at.x, screen.width, width), last(screen.at.y, screen.height, height));
    let Some(icon) = icon else {
        return Point { x: last_x, y: (screen.at.y + MARGIN).min(last_y) };
    };
    let is_above = icon.y < screen.at.y + screen.height / 2;
    let y = if is_above { icon.y + 2 * MARGIN } else { icon.y - 2 * MARGIN - height };
    let within = |at: i32, first: i32, last: i32| at.min(last).max((first + MARGIN).min(last));
    Point { x: within(icon.x - width / 2, screen.at.x, last_x), y: within(y, screen.at.y, last_y) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_by_the_icon_and_on_the_screen() {
        let screen = Area { at: Point { x: 0, y: 0 }, width: 1920, height: 1080 };
        let second = Area { at: Point { x: 1920, y: 0 }, ..screen };
        let placed = |icon, screen| {
            let Point { x, y } = place(icon, (420, 640), screen);
            (x, y)
        };
        let at = |x, y| Some(Point { x, y });
        // A panel at the top, at the bottom, and icons near the corners.
        assert_eq!(placed(at(1000, 12), screen), (790, 28));
        assert_eq!(placed(at(1000, 1068), screen), (790, 412));
        assert_eq!(placed(at(1910, 12), screen), (1492, 28));
        assert_eq!(placed(at(4, 1068), screen), (8, 412));
        assert_eq!(placed(at(1930, 12), second), (1928, 28));
        assert_eq!(placed(None, screen), (1492, 8));
        // A screen that is smaller than the window shows its upper left part.
        let small = Area { width: 300, height: 200, ..screen };
        assert_eq!(placed(at(150, 10), small), (0, 0));
    }
}
