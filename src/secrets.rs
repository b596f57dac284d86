//! Keys in the OS keyring or the environment.
