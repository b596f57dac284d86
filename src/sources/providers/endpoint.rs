//! One provider as a look sees it: its address, the key in its header, and the time.

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use url::Url;

use super::http::{Client, Request};
use super::{address, decode};
use crate::sources::{ApiKey, Look, SourceError, SourceInfo};

/// The header that carries the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer <key>`.
    Bearer,
    /// A header of its own that holds the bare key.
    Header(&'static str),
}

/// A provider's address with everything a request to it needs.
#[derive(Clone, Debug)]
pub struct Endpoint<'a> {
    client: &'a Client,
    base: Url,
    /// True when the base address comes from the config.
    configured: bool,
    headers: HeaderMap,
    now: chrono::DateTime<chrono::Utc>,
}

impl<'a> Endpoint<'a> {
    /// The provider `info` describes, or the gateway that the config puts in its place.
    ///
    /// # Errors
    /// [`SourceError::NeedsKey`] without a key; [`SourceError::Misconfigured`] for an address a
    /// key must not go to, or a key that no header can hold. Nothing has been sent then.
    pub fn new(look: &'a Look<'_>, info: &SourceInfo, auth: Auth) -> Result<Self, SourceError> {
        let key = look.key.ok_or(SourceError::NeedsKey)?;
        let own = Url::parse(info.base_url).map_err(|_| SourceError::Misconfigured {
            what: format!("{} is no address", info.base_url),
        })?;
        let base = look.base_url.unwrap_or(&own);
        address::check_base(base)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let (name, value) = header(auth, key)?;
        headers.insert(name, value);
        Ok(Self {
            client: look.http,
            configured: base.origin() != own.origin(),
            base: base.clone(),
            headers,
            now: look.now,
        })
    }

    /// Adds a header that every request carries.
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    /// Whether requests go to a gateway: neither the provider itself nor this machine.
    pub fn is_gateway(&self) -> bool {
        self.configured && !address::is_loopback(&self.base)
    }

    /// Asks once and reads the answer.
    ///
    /// # Errors
    /// See [`Client::get`] and [`decode::answer`].
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, SourceError> {
        let request = Request {
            url: address::join(&self.base, path, query),
            headers: self.headers.clone(),
            configured: self.configured,
            now: self.now,
        };
        decode::answer(&self.client.get(&request).await?)
    }

    /// Like [`Self::get`], for what a reading can do without: gives up early.
    ///
    /// # Errors
    /// As [`Self::get`]; [`SourceError::Unreachable`] when it takes too long.
    pub async fn get_soon<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, SourceError> {
        let limit = self.client.timing().optional;
        tokio::time::timeout(limit, self.get(path, query)).await.unwrap_or_else(|_| {
            let what = format!("timed out after {}", super::http::span(limit));
            Err(SourceError::Unreachable { what })
        })
    }
}

fn header(auth: Auth, key: &ApiKey) -> Result<(HeaderName, HeaderValue), SourceError> {
    let (name, text) = match auth {
        Auth::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose())),
        Auth::Header(name) => (HeaderName::from_static(name), key.expose().to_owned()),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| SourceError::Misconfigured {
        what: "the key holds a character that no key has; set it again".into(),
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}
