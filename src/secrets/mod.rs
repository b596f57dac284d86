//! Keys in the OS keyring or the environment.
//!
//! The keyring is asked first, then the source's usual variables. Keys stand under the service
//! `spendbar`, with the source's id as user. `SPENDBAR_KEYRING=off` leaves the keyring alone, for
//! servers and tests. Every call opens the keyring anew, so that one that started late or was
//! restarted is no matter to a program that runs for weeks. Every call blocks, for as long as a
//! locked keyring asks its owner for the password; nothing here logs a key.

mod names;

use std::sync::Arc;

use keyring_core::{Entry, Error};

use crate::platform::keyring;
pub use crate::sources::ApiKey;
use crate::sources::{Places, Source, SourceInfo};

pub use names::{Names, Shared};

/// The variable that turns the keyring off when it is `off`.
pub const VARIABLE: &str = "SPENDBAR_KEYRING";

/// The service name all keys stand under.
pub const SERVICE: &str = "spendbar";

/// Where a key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The OS keyring.
    Keyring,
    /// The environment variable of this name.
    Variable(&'static str),
}

/// Why the keyring did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is no keyring to ask.
    #[error("no keyring is running here ({cause}){}", set_instead(variable))]
    NoKeyring {
        /// What the system said.
        cause: String,
        /// The environment variable that does instead.
        variable: Option<&'static str>,
    },
    /// The keyring is there and says nothing.
    #[error("the keyring does not answer: start it again{}", set_instead(variable))]
    Silent {
        /// The environment variable that does instead.
        variable: Option<&'static str>,
    },
    /// The keyring is switched off by [`VARIABLE`].
    #[error("{VARIABLE}=off leaves the keyring alone{}", set_instead(variable))]
    Off {
        /// The environment variable that does instead.
        variable: Option<&'static str>,
    },
    /// It is locked, and was not opened.
    #[error("the keyring is locked ({cause}): unlock it and try again{}", set_instead(variable))]
    Locked {
        /// What the system said.
        cause: String,
        /// The environment variable that does instead.
        variable: Option<&'static str>,
    },
    /// It keeps nothing yet, and nobody said under which password it should.
    #[error(
        "the keyring keeps nothing yet: give it a password when it asks{}",
        set_instead(variable)
    )]
    Empty {
        /// The environment variable that does instead.
        variable: Option<&'static str>,
    },
    /// It took the key and gives back something else.
    #[error("the keyring does not give back the key that was stored for {id}")]
    NotKept {
        /// What it is for.
        id: String,
    },
    /// Anything else that the system says.
    #[error("the keyring failed: {cause}")]
    Failed {
        /// What the system said; never a part of a key.
        cause: String,
    },
}

impl SecretError {
    /// The environment variable that does instead.
    pub fn variable(&self) -> Option<&'static str> {
        match self {
            Self::NoKeyring { variable, .. }
            | Self::Silent { variable }
            | Self::Off { variable }
            | Self::Locked { variable, .. }
            | Self::Empty { variable } => *variable,
            Self::NotKept { .. } | Self::Failed { .. } => None,
        }
    }

    /// What happened, without the variable: for a list in which each source has its own.
    pub fn what(&self) -> String {
        self.clone().with(None).to_string()
    }

    /// The same about a key that this variable may hold instead.
    fn with(mut self, instead: Option<&'static str>) -> Self {
        if let Self::NoKeyring { variable, .. }
        | Self::Silent { variable }
        | Self::Off { variable }
        | Self::Locked { variable, .. }
        | Self::Empty { variable } = &mut self
        {
            *variable = instead;
        }
        self
    }
}

fn set_instead(variable: &Option<&'static str>) -> String {
    variable.map(|name| format!("; set {name} instead")).unwrap_or_default()
}

/// A key that `key list` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The source it is for.
    pub info: &'static SourceInfo,
    /// The key and where it came from; `None` when there is none.
    pub key: Result<Option<(ApiKey, Origin)>, SecretError>,
}

/// The keys of one user.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    keyring: bool,
    may_ask: bool,
}

impl Store {
    /// The store that the environment asks for.
    pub fn new(places: &Places) -> Self {
        let keyring = places.variable(VARIABLE).is_none_or(|value| value.trim() != "off");
        Self { keyring, may_ask: true }
    }

    /// The same without a question to the user, for the background: a locked keyring is
    /// [`SecretError::Locked`] at once, where the system tells that it is.
    pub fn without_asking(self) -> Self {
        Self { may_ask: false, ..self }
    }

    /// Stores a key and reads it back.
    ///
    /// # Errors
    /// There is no keyring, it is locked, or what it gives back differs.
    pub fn set(&self, info: &'static SourceInfo, key: &ApiKey) -> Result<(), SecretError> {
        self.put(info.id, variable(info), key)
    }

    /// Stores what is no source's key, such as a webhook's address, and reads it back.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn set_named(&self, name: &str, secret: &ApiKey) -> Result<(), SecretError> {
        self.put(name, None, secret)
    }

    /// What was stored under a name; from the keyring alone.
    ///
    /// # Errors
    /// The keyring can't be asked.
    pub fn get_named(&self, name: &str) -> Result<Option<ApiKey>, SecretError> {
        self.read(name, None)
    }

    /// Removes what is stored under a name; false when there was nothing.
    ///
    /// # Errors
    /// The keyring can't be asked.
    pub fn remove_named(&self, name: &str) -> Result<bool, SecretError> {
        self.delete(name, None)
    }

    fn put(
        &self,
        name: &str,
        variable: Option<&'static str>,
        key: &ApiKey,
    ) -> Result<(), SecretError> {
        let entry = self.entry(name, variable)?;
        entry.set_password(key.expose()).map_err(|error| failed(&error, variable))?;
        match entry.get_password() {
            Ok(kept) if kept == key.expose() => Ok(()),
            Ok(_) | Err(Error::NoEntry) => Err(SecretError::NotKept { id: name.to_owned() }),
            Err(error) => Err(failed(&error, variable)),
        }
    }

    fn delete(&self, name: &str, variable: Option<&'static str>) -> Result<bool, SecretError> {
        match self.entry(name, variable)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(failed(&error, variable)),
        }
    }

    /// The key of a source, from the keyring, else from the source's variables.
    ///
    /// # Errors
    /// The keyring can't be asked and no variable is set.
    pub fn get(
        &self,
        info: &'static SourceInfo,
        places: &Places,
    ) -> Result<Option<(ApiKey, Origin)>, SecretError> {
        if info.key.is_none() {
            return Ok(None);
        }
        choose(self.read(info.id, variable(info)), from_variables(info, places))
    }

    /// The same as [`Self::get`] with what the keyring is known to hold: it is opened for what it has
    /// alone.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn get_known(
        &self,
        info: &'static SourceInfo,
        places: &Places,
        names: &Names,
    ) -> Result<Option<(ApiKey, Origin)>, SecretError> {
        let kept = match names {
            Ok(Some(names)) if !names::have(names, info.id) => Ok(None),
            Ok(_) => return self.get(info, places),
            Err(error) => Err(error.clone().with(variable(info))),
        };
        choose(kept, from_variables(info, places))
    }

    /// The names that the keyring holds something under, without reading any of it: opening a secret
    /// takes its time, and somebody asks for dozens. `None` where the system does not tell.
    ///
    /// # Errors
    /// The keyring can't be asked.
    pub fn names(&self) -> Names {
        if !self.keyring {
            return Ok(Some([].into()));
        }
        let names = keyring::stored(SERVICE).map_err(|error| not_opened(&error, None))?;
        Ok(names.map(Arc::from))
    }

    /// Where a source's key comes from; `None` without one. What keeps the keyring from answering is told
    /// by `doctor` and `key list`.
    pub fn origin(
        &self,
        info: &'static SourceInfo,
        places: &Places,
        names: &Names,
    ) -> Option<Origin> {
        info.key.as_ref()?;
        match names {
            Ok(Some(names)) if names::have(names, info.id) => Some(Origin::Keyring),
            Ok(None) => self.get(info, places).ok().flatten().map(|(_, origin)| origin),
            _ => from_variables(info, places).map(|(_, name)| Origin::Variable(name)),
        }
    }

    /// Removes a key from the keyring; false when it held none.
    ///
    /// # Errors
    /// The keyring can't be asked.
    pub fn remove(&self, info: &'static SourceInfo) -> Result<bool, SecretError> {
        self.delete(info.id, variable(info))
    }

    /// Every source that takes a key, with the key it has.
    pub fn list(
        &self,
        sources: impl Iterator<Item = &'static dyn Source>,
        places: &Places,
    ) -> Vec<Listed> {
        let names = self.names();
        sources
            .map(|source| source.info())
            .filter(|info| info.key.is_some())
            .map(|info| Listed { info, key: self.get_known(info, places, &names) })
            .collect()
    }

    /// Whether a keyring answers, for `doctor`: it is asked, and nothing is stored.
    ///
    /// # Errors
    /// It does not.
    pub fn check(&self) -> Result<(), SecretError> {
        if !self.keyring {
            return Err(SecretError::Off { variable: None });
        }
        match self.entry("doctor", None)?.get_password() {
            Ok(_) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(failed(&error, None)),
        }
    }

    fn read(
        &self,
        name: &str,
        variable: Option<&'static str>,
    ) -> Result<Option<ApiKey>, SecretError> {
        match self.entry(name, variable)?.get_password() {
            Ok(secret) => Ok(Some(ApiKey::new(&secret)).filter(|key| !key.expose().is_empty())),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failed(&error, variable)),
        }
    }

    fn entry(&self, name: &str, variable: Option<&'static str>) -> Result<Entry, SecretError> {
        if !self.keyring {
            return Err(SecretError::Off { variable });
        }
        keyring::entry(SERVICE, name, self.may_ask).map_err(|error| {
            match failed(&error, variable) {
                SecretError::Failed { cause } => SecretError::NoKeyring { cause, variable },
                told => told,
            }
        })
    }
}

/// The keyring's key where it has one. A keyring that can't be asked is no matter where a variable
/// is set, and one that is switched off is none at all.
fn choose(
    keyring: Result<Option<ApiKey>, SecretError>,
    variable: Option<(ApiKey, &'static str)>,
) -> Result<Option<(ApiKey, Origin)>, SecretError> {
    match (keyring, variable) {
        (Ok(Some(key)), _) => Ok(Some((key, Origin::Keyring))),
        (_, Some((key, name))) => Ok(Some((key, Origin::Variable(name)))),
        (Ok(None) | Err(SecretError::Off { .. }), None) => Ok(None),
        (Err(error), None) => Err(error),
    }
}

fn from_variables(info: &SourceInfo, places: &Places) -> Option<(ApiKey, &'static str)> {
    let names = info.key.as_ref()?.variables;
    names.iter().find_map(|name| places.variable(name).map(|key| (ApiKey::new(key), *name)))
}

fn variable(info: &SourceInfo) -> Option<&'static str> {
    info.key.as_ref()?.variables.first().copied()
}

/// Why there was nobody to ask.
fn not_opened(error: &Error, variable: Option<&'static str>) -> SecretError {
    match failed(error, variable) {
        SecretError::Failed { cause } => SecretError::NoKeyring { cause, variable },
        told => told,
    }
}

fn failed(error: &Error, variable: Option<&'static str>) -> SecretError {
    match error {
        Error::NoStorageAccess(cause) if timed_out(cause.as_ref()) => {
            SecretError::Silent { variable }
        }
        Error::NoStorageAccess(_) => SecretError::Locked { cause: cause_of(error), variable },
        Error::NoDefaultStore => SecretError::Empty { variable },
        _ => SecretError::Failed { cause: cause_of(error) },
    }
}

fn timed_out(cause: &(dyn std::error::Error + 'static)) -> bool {
    let cause = cause.downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}

/// The system's own words. Only `Display` is used: `Debug` of a badly encoded entry shows it.
fn cause_of(error: &Error) -> String {
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn openai() -> &'static SourceInfo {
        crate::sources::find("openai-admin").expect("known").info()
    }

    fn places(variables: &[(&str, &str)]) -> Places {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), value.into()));
        Places { variables: variables.collect(), ..Places::default() }
    }

    fn no_keyring() -> SecretError {
        SecretError::NoKeyring { cause: "no bus".into(), variable: Some("OPENAI_ADMIN_KEY") }
    }

    #[test]
    fn the_keyring_goes_before_the_variable_and_a_missing_one_does_no_harm() {
        let ring = || ApiKey::new("ring");
        let variable = || Some((ApiKey::new("env"), "V"));
        assert_eq!(choose(Ok(Some(ring())), variable()), Ok(Some((ring(), Origin::Keyring))));
        let from_variable = Ok(Some((ApiKey::new("env"), Origin::Variable("V"))));
        assert_eq!(choose(Ok(None), variable()), from_variable);
        assert_eq!(choose(Err(no_keyring()), variable()), from_variable);
        assert_eq!(choose(Err(no_keyring()), None), Err(no_keyring()));
        assert_eq!(choose(Ok(None), None), Ok(None));
        assert_eq!(choose(Err(SecretError::Off { variable: None }), None), Ok(None));
    }

    #[test]
    fn switched_off_it_reads_variables_and_stores_nothing() {
        let off = places(&[(VARIABLE, "off"), ("OPENAI_ADMIN_KEY", " sk-admin-1\n")]);
        let store = Store::new(&off);
        let (key, origin) = store.get(openai(), &off).expect("asked").expect("there");
        assert_eq!((key.expose(), origin), ("sk-admin-1", Origin::Variable("OPENAI_ADMIN_KEY")));
        assert_eq!(store.get(openai(), &places(&[("OPENAI_ADMIN_KEY", "  ")])), Ok(None));
        insta::assert_snapshot!(
            store.set(openai(), &ApiKey::new("x")).expect_err("off"),
            @"SPENDBAR_KEYRING=off leaves the keyring alone; set OPENAI_ADMIN_KEY instead"
        );
        let from_variable = Some(Origin::Variable("OPENAI_ADMIN_KEY"));
        let (none, one): (Names, Names) =
            (Ok(Some([].into())), Ok(Some(["openai-admin".into()].into())));
        assert_eq!(store.names(), none, "it is not even asked");
        for names in [&none, &Ok(None), &Err(no_keyring())] {
            assert_eq!(store.origin(openai(), &off, names), from_variable);
            let known = store.get_known(openai(), &off, names).expect("asked").expect("there");
            assert_eq!((known.0.expose(), Some(known.1)), ("sk-admin-1", from_variable.clone()));
        }
        assert_eq!(store.origin(openai(), &off, &one), Some(Origin::Keyring));
        assert_eq!(store.origin(openai(), &places(&[]), &none), None);
        assert_eq!(store.get_known(openai(), &places(&[]), &none), Ok(None));
        let silent = Err(SecretError::Silent { variable: None });
        let told = store.get_known(openai(), &places(&[]), &silent);
        assert_eq!(told, Err(SecretError::Silent { variable: Some("OPENAI_ADMIN_KEY") }));
        let listed = store.list(crate::sources::SOURCES.iter().copied(), &off);
        assert!(listed.iter().all(|row| row.info.key.is_some()));
        assert_eq!(listed.iter().filter(|row| matches!(row.key, Ok(Some(_)))).count(), 1);
        assert!(!format!("{listed:?}").contains("sk-admin-1"));
    }

    #[test]
    fn errors_name_the_variable_that_does_instead() {
        insta::assert_snapshot!(no_keyring(), @"no keyring is running here (no bus); set OPENAI_ADMIN_KEY instead");
        let locked = SecretError::Locked { cause: "no answer".into(), variable: Some("V") };
        insta::assert_snapshot!(locked, @"the keyring is locked (no answer): unlock it and try again; set V instead");
    }

    /// Stores, reads, replaces and removes a key in the real keyring of this session. Run it in a
    /// throw-away desktop: `cargo test --lib secrets -- --ignored`.
    #[test]
    #[ignore = "needs an unlocked keyring"]
    fn a_real_keyring_keeps_a_key() {
        let nothing = places(&[]);
        let store = Store::new(&nothing);
        assert_eq!(store.check(), Ok(()));
        assert_eq!(store.get(openai(), &nothing), Ok(None));
        for secret in ["sk-admin-0123456789", "sk-admin-9876543210"] {
            assert_eq!(store.set(openai(), &ApiKey::new(secret)), Ok(()));
            let kept = store.get(openai(), &nothing).expect("asked");
            assert_eq!(kept, Some((ApiKey::new(secret), Origin::Keyring)));
        }
        assert_eq!(store.names(), Ok(Some(["openai-admin".to_owned()].into())));
        assert_eq!(store.remove(openai()), Ok(true));
        assert_eq!(store.remove(openai()), Ok(false));
    }
}
