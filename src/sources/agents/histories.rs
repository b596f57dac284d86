//! Generated histories: whatever an agent did, in whatever pieces and order its logs are read, the
//! figures are what was really used.

mod generate;
mod known;
mod properties;
