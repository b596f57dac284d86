//! The clipboard.

use std::sync::Mutex;

/// The clipboard belongs to whoever copied last, who has to answer when somebody pastes: the
/// handle lives as long as the program.
static CLIPBOARD: Mutex<Option<arboard::Clipboard>> = Mutex::new(None);

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
#[error("the clipboard did not take the text: {0}")]
pub struct ClipboardError(String);

/// Puts `text` on the clipboard. It stays there while this program runs. Blocks for a moment.
///
/// # Errors
/// No clipboard: no graphical session, or a Wayland one without X11 beside it.
pub fn copy(text: &str) -> Result<(), ClipboardError> {
    let mut clipboard = CLIPBOARD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let failed = |error: arboard::Error| ClipboardError(error.to_string());
    if let Some(open) = clipboard.as_mut()
        && open.set_text(text).is_ok()
    {
        return Ok(());
    }
    // The first time, or the display server was started anew.
    *clipboard = None;
    let mut open = arboard::Clipboard::new().map_err(failed)?;
    open.set_text(text).map_err(failed)?;
    *clipboard = Some(open);
    Ok(())
}
