//! Where an alert goes to, and how far it is there: one row for each channel.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::codes;
use crate::spend::alert::DESKTOP;
use crate::spend::{DeliveryState, Severity};

/// Where alerts go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// `desktop`, `hook:<name>` or `webhook:<name>`.
    pub id: String,
    /// Less pressing alerts do not go there.
    pub from: Severity,
}

impl Channel {
    /// The desktop's notifications, which tell every alert.
    pub fn desktop() -> Self {
        Self { id: DESKTOP.into(), from: Severity::Info }
    }
}

/// How far one alert's delivery over one channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where it goes to.
    pub channel: String,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub tries: u32,
    /// When the other side took it, or when it was tried last.
    pub at: Option<DateTime<Utc>>,
    /// What went wrong the last time; empty for nothing.
    pub error: String,
}

/// Makes the rows of a new alert.
pub(super) fn begin(
    conn: &Connection,
    id: i64,
    severity: Severity,
    at: DateTime<Utc>,
    channels: &[Channel],
) -> rusqlite::Result<()> {
    for channel in channels.iter().filter(|channel| channel.from <= severity) {
        conn.prepare_cached(
            "INSERT INTO delivery VALUES (?1, ?2, 'waiting', ?1, 0, ?3, NULL, NULL, '')",
        )?
        .execute(params![id, channel.id, at.timestamp_millis()])?;
    }
    Ok(())
}

/// How far an alert is, over each channel it goes to.
pub(super) fn of_alert(conn: &Connection, id: i64) -> rusqlite::Result<Vec<Delivery>> {
    conn.prepare_cached(
        "SELECT channel, state, tries, at_ms, error FROM delivery WHERE alert = ?1",
    )?
    .query_map([id], |row| {
        Ok(Delivery {
            channel: row.get(0)?,
            state: state_of(&row.get::<_, String>(1)?),
            tries: row.get(2)?,
            at: row.get::<_, Option<i64>>(3)?.map(codes::time_of),
            error: row.get(4)?,
        })
    })?
    .collect()
}

/// A state of a later version is none that this one may act on.
pub(super) fn state_of(word: &str) -> DeliveryState {
    DeliveryState::of_word(word).unwrap_or(DeliveryState::Failed)
}
