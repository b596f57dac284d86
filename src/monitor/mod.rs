//! The background task.
