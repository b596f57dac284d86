//! Whether the panel is dark or light.

use super::system;

/// The panel's ground, as far as the system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark.
    Dark,
    /// Light.
    Light,
    /// It does not tell.
    Unknown,
}

/// What it is now. Asks the system: a few milliseconds.
pub fn scheme() -> Scheme {
    system::scheme()
}

/// Calls `changed` with every change from now on, from a thread of its own, which sleeps in
/// between and ends when the system stops telling. Does nothing where the system does not tell.
pub fn watch(changed: impl Fn(Scheme) + Send + 'static) {
    system::watch_scheme(Box::new(changed));
}
