//! Tokens that other programs keep in their files. They are read where they lie and sent to their
//! own vendor; nothing is renewed, written or kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::decode;
use super::endpoint::{Auth, Endpoint};
use crate::sources::{ApiKey, Look, SourceError, SourceInfo};

/// Both vendors shut a token out for longer when it comes back sooner than this.
const RATE_LIMIT_FLOOR: Duration = Duration::from_secs(5 * 60);
/// Far more than any of these files holds.
const MOST_BYTES: u64 = 1024 * 1024;

/// A token, and what its file says about it.
#[derive(Clone, Debug)]
pub struct Borrowed<E> {
    /// The token.
    pub token: ApiKey,
    /// When it runs out, where that can be told.
    pub expires_at: Option<DateTime<Utc>>,
    /// What else the file says.
    pub extra: E,
}

/// What a file holds; `None` when there is no such file.
///
/// # Errors
/// [`SourceError::Unreadable`] for a file that can't be read or is not what it used to be.
pub fn file<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, SourceError> {
    let unreadable =
        |what: String| SourceError::Unreadable { place: path.display().to_string(), what };
    let bytes = match fs::metadata(path).and_then(|about| match about.len() {
        0..=MOST_BYTES => fs::read(path),
        _ => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large")),
    }) {
        Ok(bytes) => bytes,
        Err(error) if is_absence(error.kind()) => return Ok(None),
        Err(error) => return Err(unreadable(error.kind().to_string())),
    };
    decode::answer(&bytes).map(Some).map_err(|error| match error {
        SourceError::FormatChanged { what } => unreadable(what),
        other => other,
    })
}

fn is_absence(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Tokens out of several files, each once: systems on one machine may share a home. A file that
/// can't be read counts only when no other gives a token.
///
/// # Errors
/// [`SourceError::NotInstalled`] without a token; what keeps the only file from being read.
pub fn gather<E>(
    files: &[PathBuf],
    read: impl Fn(&Path) -> Result<Option<Borrowed<E>>, SourceError>,
    others: impl IntoIterator<Item = Borrowed<E>>,
) -> Result<Vec<Borrowed<E>>, SourceError> {
    let mut found: Vec<Borrowed<E>> = Vec::new();
    let mut error = SourceError::NotInstalled;
    let mut take = |token: Borrowed<E>| {
        if !found.iter().any(|known| known.token == token.token) {
            found.push(token);
        }
    };
    for file in files {
        match read(file) {
            Ok(token) => token.into_iter().for_each(&mut take),
            Err(unreadable) => error = unreadable,
        }
    }
    others.into_iter().for_each(&mut take);
    if found.is_empty() { Err(error) } else { Ok(found) }
}

/// The vendor's endpoint with a token, unless the token has run out.
///
/// # Errors
/// [`SourceError::TokenExpired`]; [`SourceError::Misconfigured`] for a gateway in the vendor's
/// place, which another program's token is not meant for. Nothing has been sent then.
pub fn endpoint<'a, E>(
    look: &'a Look<'_>,
    info: &SourceInfo,
    borrowed: &Borrowed<E>,
) -> Result<Endpoint<'a>, SourceError> {
    if borrowed.expires_at.is_some_and(|at| at <= look.now) {
        return Err(SourceError::TokenExpired);
    }
    let endpoint = Endpoint::with_key(look, info, &Auth::Bearer, &borrowed.token)?;
    if endpoint.is_gateway() {
        let what = format!(
            "take base_url out of [providers.{}]: another program's token goes to {} only",
            info.id, info.base_url
        );
        return Err(SourceError::Misconfigured { what });
    }
    Ok(endpoint)
}

/// Looks with one token after the other.
#[derive(Debug, Default)]
pub struct Tries(Option<SourceError>);

impl Tries {
    /// Remembers why one token gave nothing.
    ///
    /// # Errors
    /// What is no fault of this token, and would befall the next as well.
    pub fn failed(&mut self, error: SourceError) -> Result<(), SourceError> {
        let error = match error {
            SourceError::KeyRejected { .. } => SourceError::TokenExpired,
            SourceError::RateLimited { retry_after } => {
                let asked = retry_after.unwrap_or_default();
                SourceError::RateLimited { retry_after: Some(asked.max(RATE_LIMIT_FLOOR)) }
            }
            SourceError::TokenExpired | SourceError::WrongKindOfKey { .. } => error,
            other => return Err(other),
        };
        // A limit has to be kept to, whatever else is wrong with other tokens.
        let is_limit = |error: &SourceError| matches!(error, SourceError::RateLimited { .. });
        if self.0.is_none() || (is_limit(&error) && !self.0.as_ref().is_some_and(is_limit)) {
            self.0 = Some(error);
        }
        Ok(())
    }

    /// Why no token gave anything.
    pub fn into_error(self) -> SourceError {
        self.0.unwrap_or(SourceError::NotInstalled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(seconds: u64) -> SourceError {
        SourceError::RateLimited { retry_after: Some(Duration::from_secs(seconds)) }
    }

    #[test]
    fn a_limit_is_never_shorter_than_five_minutes_and_outweighs_the_rest() {
        let mut tries = Tries::default();
        tries.failed(SourceError::KeyRejected { status: 401 }).unwrap();
        assert_eq!(tries.0, Some(SourceError::TokenExpired));
        tries.failed(SourceError::RateLimited { retry_after: None }).unwrap();
        tries.failed(SourceError::WrongKindOfKey { status: 403 }).unwrap();
        assert_eq!(tries.into_error(), limited(300));
        let mut tries = Tries::default();
        tries.failed(limited(7200)).unwrap();
        assert_eq!(tries.into_error(), limited(7200));
        assert_eq!(Tries::default().into_error(), SourceError::NotInstalled);
    }

    #[test]
    fn what_is_no_fault_of_the_token_ends_the_look() {
        let down = SourceError::ProviderDown { status: 503, retry_after: None };
        assert_eq!(Tries::default().failed(down.clone()), Err(down));
    }
}
