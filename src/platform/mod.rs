//! The only place that knows which operating system this is: one file for each of them, [`system`],
//! behind plain functions that are the same everywhere. It imports nothing of the rest.

pub mod autostart;
pub mod clipboard;
pub mod event_loop;
pub mod homes;
pub mod keyring;
pub mod notification;
pub mod open;
pub mod paths;
pub mod popover;
pub mod process;
pub mod session;
pub mod shell;
pub mod theme;
pub mod tray_style;
pub mod watcher;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod system;

#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod system;

#[cfg(target_os = "windows")]
#[path = "windows.rs"]
mod system;
