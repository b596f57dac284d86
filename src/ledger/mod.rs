//! Readings -> SQLite -> totals.
