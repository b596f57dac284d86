//! The Secret Service.
//! Source: <https://specifications.freedesktop.org/secret-service-spec/latest/>.
//!
//! Each connection to it begins with a question that anybody may ask. gnome-keyring (seen with 42,
//! reported of 50: <https://github.com/omacom/omarchy/issues/11590>) makes its record of a client beside
//! answering it: one whose very first call opens a session or searches may be answered before the
//! record is there, upon which the whole daemon aborts, and everybody's keys are locked. Whoever was
//! answered once has its record.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::api::{Credential, CredentialApi};
use keyring_core::{Entry, Error};
use secret_service::EncryptionType;
use secret_service::blocking::{Item, SecretService};
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::OwnedObjectPath;

use super::session_bus_within;

const SECRETS: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const INTERFACE: &str = "org.freedesktop.Secret.Service";

/// A call that is not answered within this is given up. A service that the bus has to start first
/// takes some seconds; a user that is asked for a password takes as long as wanted, for that is told
/// by a signal.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The attributes that a key is kept under: those of the `keyring` crate.
const SERVICE: &str = "service";
const USER: &str = "username";

/// What kind of bytes a key is, as the `keyring` crate says it.
const CONTENT: &str = "application/octet-stream";

pub fn keyring_entry(service: &str, user: &str, may_ask: bool) -> keyring_core::Result<Entry> {
    let bus = known_to_keyring()?;
    let session = SecretService::connect_with_existing(EncryptionType::Dh, bus).map_err(refused)?;
    let (service, user) = (service.to_owned(), user.to_owned());
    Ok(Entry::new_with_credential(Arc::new(Key { session, may_ask, service, user })))
}

/// A connection that the service has answered once.
fn known_to_keyring() -> keyring_core::Result<Connection> {
    let known = || -> zbus::Result<Connection> {
        let bus = session_bus_within(ANSWERS_WITHIN)?;
        let _default: OwnedObjectPath =
            Proxy::new(&bus, SECRETS, PATH, INTERFACE)?.call("ReadAlias", &("default",))?;
        Ok(bus)
    };
    known().map_err(|error| refused(error.into()))
}

/// A search and the attributes of what it finds: no secret is read, and nobody is asked. The names of
/// what was locked ever since the keyring started are known to it as hashes only.
pub fn stored_in_keyring(service: &str) -> keyring_core::Result<Option<Vec<String>>> {
    let bus = known_to_keyring()?;
    let users = || -> zbus::Result<Option<Vec<String>>> {
        let attributes = HashMap::from([(SERVICE, service)]);
        let (open, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            Proxy::new(&bus, SECRETS, PATH, INTERFACE)?.call("SearchItems", &(attributes,))?;
        let user = |item: &OwnedObjectPath| -> zbus::Result<Option<String>> {
            let item = Proxy::new(&bus, SECRETS, item, "org.freedesktop.Secret.Item")?;
            let mut attributes: HashMap<String, String> = item.get_property("Attributes")?;
            Ok(attributes.remove(USER))
        };
        // One that was removed since has no attributes.
        let users = open.iter().chain(&locked).map(user).filter(|user| !is_refusal(user));
        users.collect::<zbus::Result<Vec<_>>>().map(|users| users.into_iter().collect())
    };
    users().map_err(|error| refused(error.into()))
}

/// Whether somebody answered that there is no such thing, rather than nobody at all.
fn is_refusal<T>(told: &zbus::Result<T>) -> bool {
    match told {
        Err(zbus::Error::MethodError(..)) => true,
        Err(zbus::Error::FDO(error)) => !matches!(**error, zbus::fdo::Error::ZBus(_)),
        _ => false,
    }
}

/// One key. The store that the `keyring` crate has for this opens a connection of its own, whose
/// first call is the one that must not come first.
struct Key {
    session: SecretService<'static>,
    may_ask: bool,
    service: String,
    user: String,
}

impl Key {
    fn attributes(&self) -> HashMap<&str, &str> {
        HashMap::from([(SERVICE, self.service.as_str()), (USER, self.user.as_str())])
    }

    /// The key as it is kept, unlocked; several times where somebody else stored it again.
    fn kept(&self) -> keyring_core::Result<Vec<Item<'_>>> {
        let found = self.session.search_items(self.attributes()).map_err(refused)?;
        if !found.unlocked.is_empty() {
            return Ok(found.unlocked);
        }
        if !found.locked.is_empty() && !self.may_ask {
            return Err(Error::NoStorageAccess("it would ask for its password".into()));
        }
        found.locked.iter().try_for_each(Item::unlock).map_err(refused)?;
        Ok(found.locked)
    }
}

impl CredentialApi for Key {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        if let Some(item) = self.kept()?.first() {
            return item.set_secret(secret, CONTENT).map_err(refused);
        }
        let keys = match self.session.get_default_collection() {
            // As the first program does that has something to keep. Its owner is asked for a password.
            Err(secret_service::Error::NoResult) => {
                let made = self.session.create_collection("Default keyring", "default");
                made.map_err(|error| match error {
                    secret_service::Error::Prompt => Error::NoDefaultStore,
                    other => refused(other),
                })?
            }
            keys => keys.map_err(refused)?,
        };
        let label = format!("keyring:{}@{}", self.user, self.service);
        let create = || {
            if keys.is_locked()? {
                keys.unlock()?;
            }
            keys.create_item(&label, self.attributes(), secret, true, CONTENT).map(|_| ())
        };
        create().map_err(refused)
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        let kept = self.kept()?;
        kept.first().ok_or(Error::NoEntry)?.get_secret().map_err(refused)
    }

    fn delete_credential(&self) -> keyring_core::Result<()> {
        let kept = self.kept()?;
        if kept.is_empty() {
            return Err(Error::NoEntry);
        }
        kept.iter().try_for_each(Item::delete).map_err(refused)
    }

    fn get_credential(&self) -> keyring_core::Result<Option<Arc<Credential>>> {
        if self.kept()?.is_empty() { Err(Error::NoEntry) } else { Ok(None) }
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.service.clone(), self.user.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}@{}", self.user, self.service)
    }
}

/// [`Error::NoStorageAccess`] is what its owner can change: it is locked, or hangs, of which the
/// cause tells.
fn refused(error: secret_service::Error) -> Error {
    use secret_service::Error as Service;
    let timeout = |error: &zbus::Error| match error {
        zbus::Error::InputOutput(error) => error.kind() == ErrorKind::TimedOut,
        _ => false,
    };
    match error {
        Service::Zbus(error) | Service::ZbusFdo(zbus::fdo::Error::ZBus(error))
            if timeout(&error) =>
        {
            Error::NoStorageAccess(std::io::Error::from(ErrorKind::TimedOut).into())
        }
        Service::Locked | Service::NoResult | Service::Prompt => {
            Error::NoStorageAccess(error.into())
        }
        other => Error::PlatformFailure(other.into()),
    }
}
