//! The Secret Service.
//! Source: <https://specifications.freedesktop.org/secret-service-spec/latest/>.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::{CredentialStore, Error};
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::OwnedObjectPath;
use zbus_secret_service_keyring_store::Store;

use super::{session_bus, session_bus_within};

const SECRETS: &str = "org.freedesktop.secrets";

/// Paths of the items found, first those that can be read, then those that are locked.
type Found = (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>);

/// A service that does not say within this that it is there hangs. One that the bus has to start first
/// takes some seconds.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

pub fn open_keyring() -> keyring_core::Result<Arc<CredentialStore>> {
    if hangs() {
        return Err(Error::NoStorageAccess("it does not answer".into()));
    }
    Ok(Store::new()?)
}

/// The store itself would wait for an answer without end. Whatever else is wrong it tells.
fn hangs() -> bool {
    let ping = || -> zbus::Result<()> {
        let bus = session_bus_within(ANSWERS_WITHIN)?;
        let (path, interface) = ("/org/freedesktop/secrets", "org.freedesktop.DBus.Peer");
        Proxy::new(&bus, SECRETS, path, interface)?.call("Ping", &())
    };
    matches!(ping(), Err(zbus::Error::InputOutput(error)) if error.kind() == ErrorKind::TimedOut)
}

/// The attributes that the store keeps an entry under.
const SERVICE: &str = "service";
const USER: &str = "username";

fn search(bus: &Connection, attributes: &[(&str, &str)]) -> zbus::Result<Found> {
    let (path, interface) = ("/org/freedesktop/secrets", "org.freedesktop.Secret.Service");
    let attributes: HashMap<_, _> = attributes.iter().copied().collect();
    Proxy::new(bus, SECRETS, path, interface)?.call("SearchItems", &(attributes,))
}

/// A search and the attributes of what it finds: no secret is read, and nobody is asked.
pub fn stored_in_keyring(service: &str) -> Option<Vec<String>> {
    let users = || -> zbus::Result<Vec<String>> {
        let bus = session_bus()?;
        let (open, locked) = search(&bus, &[(SERVICE, service)])?;
        let user = |item: &OwnedObjectPath| -> zbus::Result<Option<String>> {
            let item = Proxy::new(&bus, SECRETS, item, "org.freedesktop.Secret.Item")?;
            let mut attributes: HashMap<String, String> = item.get_property("Attributes")?;
            Ok(attributes.remove(USER))
        };
        open.iter().chain(&locked).filter_map(|item| user(item).transpose()).collect()
    };
    // Without a Secret Service nothing is stored that could be read.
    Some(users().unwrap_or_else(|error| {
        log::debug!("the keyring does not tell what is in it: {error}");
        Vec::new()
    }))
}

/// The store unlocks what it finds locked, and waits for the user's answer for as long as it
/// takes. A search alone never asks.
pub fn keyring_would_ask(service: &str, user: &str) -> bool {
    let search = || search(&session_bus()?, &[(SERVICE, service), (USER, user)]);
    match search() {
        Ok((_, locked)) => !locked.is_empty(),
        Err(error) => {
            // Opening the store fails for the same reason, and tells it.
            log::debug!("the keyring does not tell whether it is locked: {error}");
            false
        }
    }
}
