//! `status --format waybar`: one line of JSON for a custom module of Waybar (its manual,
//! waybar-custom(5), under `return-type: json`).

use std::io::{self, Write};

use serde::Serialize;

use super::{line, tightest};
use crate::board::{Board, State};
use crate::faces::tray::tooltip::tooltip;

#[derive(Serialize)]
struct Module {
    text: String,
    tooltip: String,
    class: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentage: Option<i128>,
}

/// Writes the line. The class is the icon's state: calm, near, over, stale, error or paused.
///
/// # Errors
/// Those of the writer.
pub fn waybar(out: &mut dyn Write, board: &Board) -> io::Result<()> {
    let mut text = Vec::new();
    line(&mut text, board)?;
    let class = match board.state {
        State::Calm => "calm",
        State::Near => "near",
        State::Over => "over",
        State::Stale => "stale",
        State::Error => "error",
        State::Paused => "paused",
    };
    let module = Module {
        text: String::from_utf8_lossy(&text).trim_end().to_owned(),
        tooltip: tooltip(board),
        class,
        // Waybar picks an icon by it, of as many as there are up to 100.
        percentage: tightest(board).map(|it| it.permille.div_euclid(10).clamp(0, 100)),
    };
    serde_json::to_writer(&mut *out, &module)?;
    writeln!(out)
}
