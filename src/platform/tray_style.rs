//! How the system's tray wants to be used.

use tray_icon::{Icon, TrayIcon, TrayIconBuilder};

use super::system;

/// The differences between trays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrayStyle {
    /// Pixels of the icon's side. The system scales from there.
    pub icon_px: u32,
    /// Text is shown beside the icon, so the figure goes there and the icon shows the state alone
    /// (macOS). Else the figure is drawn into the icon and the title is the program's name.
    pub text_beside: bool,
    /// Icons have no colours of their own; the system tints them by their alpha (macOS).
    pub is_template: bool,
}

/// This system's.
pub fn tray_style() -> TrayStyle {
    system::TRAY_STYLE
}

/// Gives a tray its first icon, as a template where the system wants one.
pub fn with_icon(builder: TrayIconBuilder, icon: Icon) -> TrayIconBuilder {
    system::with_icon(builder, icon)
}

/// Gives a tray another icon, of the same kind as [`with_icon`] does.
///
/// # Errors
/// What the system says.
pub fn set_icon(tray: &TrayIcon, icon: Icon) -> tray_icon::Result<()> {
    system::set_icon(tray, icon)
}
