//! The user configuration.
