//! The shared HTTP client.

/// The shared HTTP client.
pub struct Client;
