//! What hosts answer, and what comes of it.
