//! The system's keyring: Secret Service, Keychain or Credential Manager.

use std::sync::Arc;

use keyring_core::CredentialStore;

use super::system;

/// Opens the keyring. Nothing is kept for the next time: a keyring that started late or was
/// restarted is found by the next call.
///
/// # Errors
/// There is none; or it does not answer, which is [`keyring_core::Error::NoStorageAccess`].
pub fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    system::open_keyring()
}

/// Whether reading this entry would have the user asked for the keyring's password. Only Secret
/// Services tell beforehand; false where nobody can.
pub fn would_ask(service: &str, user: &str) -> bool {
    system::keyring_would_ask(service, user)
}

/// The users that something is stored for under a service, without reading any of it; `None` where
/// the system does not tell all of them at once.
pub fn stored(service: &str) -> Option<Vec<String>> {
    system::stored_in_keyring(service)
}
