//! The system's keyring: Secret Service, Keychain or Credential Manager.

use super::system;

/// A key in the keyring, which is opened for it. Nothing is kept for the next time: a keyring that
/// started late or was restarted is found by the next call. Where the user would have to be asked
/// for the keyring's password first and `may_ask` is false, each use of the key is
/// [`keyring_core::Error::NoStorageAccess`] at once; only Secret Services tell beforehand.
///
/// # Errors
/// There is no keyring; or it does not answer, which is [`keyring_core::Error::NoStorageAccess`] with
/// [`std::io::ErrorKind::TimedOut`] as its cause.
pub fn entry(
    service: &str,
    user: &str,
    may_ask: bool,
) -> keyring_core::Result<keyring_core::Entry> {
    system::keyring_entry(service, user, may_ask)
}

/// The users that something is stored for under a service, without reading any of it; `None` where
/// the system does not tell all of them at once.
///
/// # Errors
/// As [`entry`].
pub fn stored(service: &str) -> keyring_core::Result<Option<Vec<String>>> {
    system::stored_in_keyring(service)
}
