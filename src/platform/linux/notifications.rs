//! Notifications over the session bus (Desktop Notifications Specification 1.2).
//!
//! A notification replaces an earlier one of its tag by that one's number. A number is worth
//! something only with the daemon that gave it, so it is kept with the daemon's name on the bus; the
//! tag goes along as a hint, by which dunst also replaces what an earlier run of this program showed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zbus::blocking::connection::Builder;
use zbus::blocking::fdo::DBusProxy;
use zbus::blocking::{Connection, MessageIterator, Proxy};
use zbus::names::BusName;
use zbus::zvariant::Value;
use zbus::{MatchRule, Message, message};

use super::one_clause;
use crate::platform::notification::{Content, Heard, Urgency};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// A daemon that does not answer within this hangs.
const TIMEOUT: Duration = Duration::from_secs(10);

pub struct Notifier {
    heard: Arc<Heard>,
    shown: Arc<Mutex<Shown>>,
    /// The connection on which buttons are listened for, while somebody listens.
    listening: Arc<Mutex<Option<Connection>>>,
}

/// What is on screen, by its tag.
#[derive(Default)]
struct Shown(BTreeMap<String, OnScreen>);

#[derive(Clone, PartialEq, Eq)]
struct OnScreen {
    /// The daemon's unique name on the bus.
    daemon: String,
    number: u32,
}

/// What a daemon says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Pressed(u32, String),
    Closed(u32),
}

impl Notifier {
    pub fn new(heard: Box<Heard>) -> Self {
        Self { heard: heard.into(), shown: Arc::default(), listening: Arc::default() }
    }

    pub fn show(&self, content: &Content<'_>) -> Result<(), String> {
        self.ask(content).map_err(|error| match &error {
            zbus::Error::MethodError(name, ..) if name.ends_with(".ServiceUnknown") => {
                "no notification daemon is running".into()
            }
            error => one_clause(error),
        })
    }

    fn ask(&self, content: &Content<'_>) -> zbus::Result<()> {
        let listening = lock(&self.listening).clone();
        let bus = match listening {
            Some(bus) => bus,
            None => Builder::session()?.method_timeout(TIMEOUT).build()?,
        };
        let daemon = Proxy::new(&bus, NAME, PATH, NAME)?;
        let has_buttons = !content.actions.is_empty()
            && daemon
                .call::<_, _, Vec<String>>("GetCapabilities", &())?
                .iter()
                .any(|it| it == "actions");
        if has_buttons {
            // Before it is shown: a button may be pressed at once.
            self.listen(&bus)?;
        }
        let buttons = content.actions.iter().filter(|_| has_buttons);
        let buttons: Vec<&str> = buttons.flat_map(|(key, label)| [*key, *label]).collect();
        let replaces = owner(&bus).map_or(0, |owner| lock(&self.shown).number(content.tag, &owner));
        let (icon, urgency, timeout_ms) = match content.urgency {
            Urgency::Low => ("dialog-information", 0_u8, -1),
            Urgency::Normal => ("dialog-information", 1, -1),
            Urgency::Critical => ("dialog-warning", 2, 0),
        };
        let hints = HashMap::from([
            ("urgency", Value::from(urgency)),
            ("desktop-entry", Value::from("spendbar")),
            ("x-dunst-stack-tag", Value::from(content.tag)),
        ]);
        let body = escaped(content.body);
        let number: u32 = daemon.call(
            "Notify",
            &("Spendbar", replaces, icon, content.title, body, buttons, hints, timeout_ms),
        )?;
        // Asked again, for the call may have started the daemon.
        if let Some(daemon) = owner(&bus) {
            lock(&self.shown).0.insert(content.tag.to_owned(), OnScreen { daemon, number });
        }
        Ok(())
    }

    /// Listens for buttons on this connection, unless somebody does already.
    fn listen(&self, bus: &Connection) -> zbus::Result<()> {
        let mut listening = lock(&self.listening);
        if listening.is_some() {
            return Ok(());
        }
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .interface(NAME)?
            .path(PATH)?
            .build();
        let signals = MessageIterator::for_match_rule(rule, bus, None)?;
        let (heard, shown) = (self.heard.clone(), self.shown.clone());
        let connection = self.listening.clone();
        std::thread::Builder::new()
            .name("notifications".into())
            .spawn(move || {
                for signal in signals.flatten() {
                    let Some(said) = said(&signal) else { continue };
                    let sender = signal.header().sender().map(ToString::to_string);
                    let tag = lock(&shown).take(&said, &sender.unwrap_or_default());
                    if let (Said::Pressed(_, key), Some(tag)) = (said, tag) {
                        heard(&tag, &key);
                    }
                }
                // The bus is gone; the next notification connects anew.
                *lock(&connection) = None;
            })
            .map_err(|error| zbus::Error::InputOutput(error.into()))?;
        *listening = Some(bus.clone());
        Ok(())
    }
}

impl Shown {
    /// The number of what a daemon shows for a tag; 0 for nothing.
    fn number(&self, tag: &str, daemon: &str) -> u32 {
        self.0.get(tag).filter(|it| it.daemon == daemon).map_or(0, |it| it.number)
    }

    /// The tag that a daemon speaks of; one that is closed is forgotten.
    fn take(&mut self, said: &Said, daemon: &str) -> Option<String> {
        let (Said::Pressed(number, _) | Said::Closed(number)) = *said;
        let is_meant = |it: &OnScreen| it.number == number && it.daemon == daemon;
        let tag = self.0.iter().find(|(_, it)| is_meant(it)).map(|(tag, _)| tag.clone())?;
        if matches!(said, Said::Closed(_)) {
            self.0.remove(&tag);
        }
        Some(tag)
    }
}

fn said(signal: &Message) -> Option<Said> {
    match signal.header().member()?.as_str() {
        "ActionInvoked" => {
            let (number, key): (u32, String) = signal.body().deserialize().ok()?;
            Some(Said::Pressed(number, key))
        }
        "NotificationClosed" => {
            let (number, _reason): (u32, u32) = signal.body().deserialize().ok()?;
            Some(Said::Closed(number))
        }
        _ => None,
    }
}

/// The daemon's unique name; `None` while there is none.
fn owner(bus: &Connection) -> Option<String> {
    let name = BusName::from_static_str(NAME).ok()?;
    let owner = DBusProxy::new(bus).ok()?.get_name_owner(name).ok()?;
    Some(owner.to_string())
}

/// What a thread that failed left is as good as before: nothing here is changed in steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bodies are markup ("Markup" in the specification).
fn escaped(body: &str) -> String {
    body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_carry_no_markup() {
        assert_eq!(escaped("<b>R&D</b>"), "&lt;b&gt;R&amp;D&lt;/b&gt;");
    }

    #[test]
    fn a_number_counts_with_the_daemon_that_gave_it() {
        let mut shown = Shown::default();
        let on_screen = OnScreen { daemon: ":1.5".into(), number: 7 };
        shown.0.insert("day".into(), on_screen);
        assert_eq!((shown.number("day", ":1.5"), shown.number("day", ":1.9")), (7, 0));
        assert_eq!(shown.number("week", ":1.5"), 0);
        let pressed = |number| Said::Pressed(number, "raise".into());
        assert_eq!(shown.take(&pressed(7), ":1.9"), None);
        assert_eq!(shown.take(&pressed(8), ":1.5"), None);
        assert_eq!(shown.take(&pressed(7), ":1.5").as_deref(), Some("day"));
        assert_eq!(shown.take(&Said::Closed(7), ":1.5").as_deref(), Some("day"));
        assert_eq!(shown.number("day", ":1.5"), 0);
    }
}
