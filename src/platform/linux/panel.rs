//! Whether the panel is dark: GNOME's always is, Xfce's settings tell, and elsewhere the panel
//! follows the colour scheme that the desktop portal tells.

use std::collections::HashMap;
use std::thread;

use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::{OwnedValue, Value};

use super::session_bus;
use crate::platform::theme::Scheme;

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PORTAL_PATH: &str = "/org/freedesktop/portal/desktop";
const SETTINGS: &str = "org.freedesktop.portal.Settings";
const APPEARANCE: &str = "org.freedesktop.appearance";
const COLOR_SCHEME: &str = "color-scheme";

const XFCONF: &str = "org.xfce.Xfconf";
const XFCONF_PATH: &str = "/org/xfce/Xfconf";

type Properties = HashMap<String, OwnedValue>;

pub fn scheme() -> Scheme {
    let ask = || match Panel::of_this_desktop() {
        Panel::Gnome => Ok(Scheme::Dark),
        Panel::Xfce => ask_xfce(&session_bus()?),
        Panel::Other => ask_portal(&session_bus()?),
    };
    ask().unwrap_or_else(|error: zbus::Error| {
        log::debug!("the desktop does not tell whether its panel is dark: {error}");
        Scheme::Unknown
    })
}

pub fn watch_scheme(changed: Box<dyn Fn(Scheme) + Send>) {
    let watch = move || match Panel::of_this_desktop() {
        Panel::Gnome => Ok(()),
        Panel::Xfce => watch_xfce(changed),
        Panel::Other => watch_portal(changed),
    };
    let spawned = thread::Builder::new().name("panel-colour".into()).spawn(move || {
        if let Err(error) = watch() {
            log::debug!("changes of the panel's colour go unseen: {error}");
        }
    });
    if let Err(error) = spawned {
        log::debug!("changes of the panel's colour go unseen: {error}");
    }
}

/// Whose panel it is.
enum Panel {
    /// Dark, whatever the colour scheme of the windows is.
    Gnome,
    /// Told by its own settings, which the portal knows nothing of.
    Xfce,
    /// Follows the windows.
    Other,
}

impl Panel {
    fn of_this_desktop() -> Self {
        let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
        let is = |wanted: &str| desktop.split(':').any(|name| name.eq_ignore_ascii_case(wanted));
        match () {
            () if is("GNOME") => Self::Gnome,
            () if is("XFCE") => Self::Xfce,
            () => Self::Other,
        }
    }
}

fn ask_portal(bus: &Connection) -> zbus::Result<Scheme> {
    // `Read` rather than `ReadOne`: older portals know no other, newer ones keep it.
    let value: OwnedValue = Proxy::new(bus, PORTAL, PORTAL_PATH, SETTINGS)?
        .call("Read", &(APPEARANCE, COLOR_SCHEME))?;
    Ok(scheme_of(&value))
}

fn watch_portal(changed: Box<dyn Fn(Scheme) + Send>) -> zbus::Result<()> {
    let bus = session_bus()?;
    let proxy = Proxy::new(&bus, PORTAL, PORTAL_PATH, SETTINGS)?;
    for signal in proxy.receive_signal("SettingChanged")? {
        let body = signal.body();
        let (namespace, key, value): (String, String, OwnedValue) = body.deserialize()?;
        if namespace == APPEARANCE && key == COLOR_SCHEME {
            changed(scheme_of(&value));
        }
    }
    Ok(())
}

/// 1 prefers dark, 2 prefers light, all else tells nothing (XDG desktop portal, Settings).
/// `Read` wraps the number in two variants.
fn scheme_of(value: &Value<'_>) -> Scheme {
    match value {
        Value::Value(inner) => scheme_of(inner),
        Value::U32(1) => Scheme::Dark,
        Value::U32(2) => Scheme::Light,
        _ => Scheme::Unknown,
    }
}

fn ask_xfce(bus: &Connection) -> zbus::Result<Scheme> {
    let proxy = Proxy::new(bus, XFCONF, XFCONF_PATH, XFCONF)?;
    let panels: Properties = proxy.call("GetAllProperties", &("xfce4-panel", "/panels"))?;
    // A desktop without xsettings has no such channel, and draws GTK's own light theme.
    let look: Properties =
        proxy.call("GetAllProperties", &("xsettings", "/Net")).unwrap_or_default();
    Ok(xfce_scheme(&panels, &look))
}

fn watch_xfce(changed: Box<dyn Fn(Scheme) + Send>) -> zbus::Result<()> {
    let bus = session_bus()?;
    let proxy = Proxy::new(&bus, XFCONF, XFCONF_PATH, XFCONF)?;
    for signal in proxy.receive_signal("PropertyChanged")? {
        let body = signal.body();
        let (channel, property, _): (String, String, OwnedValue) = body.deserialize()?;
        let is_look = channel == "xfce4-panel" && property.starts_with("/panels")
            || channel == "xsettings" && property == "/Net/ThemeName";
        if is_look {
            changed(ask_xfce(&bus)?);
        }
    }
    Ok(())
}

/// The panel is drawn by the theme, in its dark variant if the panel is told so, unless a panel
/// has a colour or picture of its own (xfce4-panel 4.18, `panel-preferences`).
fn xfce_scheme(panels: &Properties, look: &Properties) -> Scheme {
    let has_own_ground = panels.iter().any(|(name, value)| {
        name.ends_with("/background-style") && !matches!(**value, Value::U32(0) | Value::I32(0))
    });
    if has_own_ground {
        return Scheme::Unknown;
    }
    let is_dark = panels.get("/panels/dark-mode").is_some_and(|value| **value == Value::Bool(true));
    let theme = match look.get("/Net/ThemeName").map(|value| &**value) {
        Some(Value::Str(name)) => name.to_lowercase(),
        _ => String::new(),
    };
    if is_dark || theme.contains("dark") { Scheme::Dark } else { Scheme::Light }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_may_be_wrapped_once_or_twice() {
        let once = Value::Value(Box::new(Value::U32(1)));
        let twice = Value::Value(Box::new(Value::Value(Box::new(Value::U32(2)))));
        assert_eq!(scheme_of(&once), Scheme::Dark);
        assert_eq!(scheme_of(&twice), Scheme::Light);
        assert_eq!(scheme_of(&Value::U32(0)), Scheme::Unknown);
        assert_eq!(scheme_of(&Value::Bool(true)), Scheme::Unknown);
    }

    fn properties(pairs: &[(&str, Value<'static>)]) -> Properties {
        pairs
            .iter()
            .map(|(name, value)| {
                ((*name).to_owned(), OwnedValue::try_from(value.clone()).expect("plain value"))
            })
            .collect()
    }

    #[test]
    fn xfce_panels_are_light_unless_told_otherwise() {
        let none = properties(&[]);
        assert_eq!(xfce_scheme(&none, &none), Scheme::Light);
        let dark = properties(&[("/panels/dark-mode", Value::Bool(true))]);
        assert_eq!(xfce_scheme(&dark, &none), Scheme::Dark);
        let theme = properties(&[("/Net/ThemeName", Value::from("Adwaita-dark"))]);
        assert_eq!(xfce_scheme(&none, &theme), Scheme::Dark);
        let own = properties(&[("/panels/panel-1/background-style", Value::U32(1))]);
        assert_eq!(xfce_scheme(&own, &none), Scheme::Unknown);
    }
}
