//! The Secret Service.
//! Source: <https://specifications.freedesktop.org/secret-service-spec/latest/>.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::CredentialStore;
use zbus::blocking::Proxy;
use zbus::zvariant::OwnedObjectPath;
use zbus_secret_service_keyring_store::Store;

use super::session_bus;

/// Paths of the items found, first those that can be read, then those that are locked.
type Found = (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>);

pub fn open_keyring() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(Store::new()?)
}

/// The store unlocks what it finds locked, and waits for the user's answer for as long as it
/// takes. A search alone never asks.
pub fn keyring_would_ask(service: &str, user: &str) -> bool {
    let search = || -> zbus::Result<Found> {
        let bus = session_bus()?;
        let secrets = Proxy::new(
            &bus,
            "org.freedesktop.secrets",
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service",
        )?;
        // The attributes that the store keeps an entry under.
        let attributes = HashMap::from([("service", service), ("username", user)]);
        secrets.call("SearchItems", &(attributes,))
    };
    match search() {
        Ok((_, locked)) => !locked.is_empty(),
        Err(error) => {
            // Opening the store fails for the same reason, and tells it.
            log::debug!("the keyring does not tell whether it is locked: {error}");
            false
        }
    }
}
