//! `autostart`: the arguments.

use clap::Subcommand;

use super::JsonArg;

/// `autostart ...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum AutostartCommand {
    /// Start Spendbar at every login
    On,
    /// Start it at login no longer
    Off,
    /// Whether it starts at login, and where that is written
    Status(JsonArg),
}
