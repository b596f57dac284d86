//! The loop that the main thread runs while there is a tray icon: the system's own where trays
//! need it (macOS, Windows), else a thread that sleeps on a channel.

#[cfg(target_os = "linux")]
#[path = "channel.rs"]
mod imp;

#[cfg(not(target_os = "linux"))]
#[path = "native.rs"]
mod imp;

pub use imp::{EventLoop, Waker};

/// Why the handler is called.
#[derive(Debug)]
pub enum Turn<E> {
    /// The loop runs; called once, before everything else.
    Started,
    /// Somebody sent this.
    Event(E),
}

/// What comes after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Wait for the next event.
    Wait,
    /// Leave the loop.
    Exit,
}
