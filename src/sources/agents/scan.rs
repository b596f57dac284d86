//! The shared scanner.
