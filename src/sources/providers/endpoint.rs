//! One provider as a look sees it: its address, the key in its header, the time, and how much it may
//! answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use std::pin::Pin;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::http::{self, Answer, Client, ReadRefusal, Request};
use super::{address, decode};
use crate::sources::{ApiKey, Look, SourceError, SourceInfo};

/// How the key is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer <key>`.
    Bearer,
    /// `Authorization: <word> <key>`.
    Scheme(String),
    /// A header of its own that holds the bare key.
    Header(String),
    /// Basic authentication: the key as user, no password (RFC 7617).
    BasicUser,
    /// In no header; the caller writes it into the body.
    Elsewhere,
}

/// A provider's address with everything a request to it needs.
#[derive(Clone, Debug)]
pub struct Endpoint<'a> {
    client: &'a Client,
    base: Url,
    /// True when the base address comes from the config.
    configured: bool,
    headers: HeaderMap,
    waits: &'static [&'static str],
    refusal: Option<ReadRefusal>,
    now: chrono::DateTime<chrono::Utc>,
    limits: Limits,
    /// Bytes of all answers so far.
    taken: Arc<AtomicUsize>,
}

/// How much a provider may answer, in bytes. Pages are held until the last has come, so that many
/// pages of a size that is allowed would take as much memory as one without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In one answer.
    pub answer: usize,
    /// In all answers of a look.
    pub look: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { answer: http::MOST_BYTES, look: 2 * http::MOST_BYTES }
    }
}

impl<'a> Endpoint<'a> {
    /// The provider `info` describes, or the gateway that the config puts in its place.
    ///
    /// # Errors
    /// [`SourceError::NeedsKey`] without a key; [`SourceError::Misconfigured`] for an address a
    /// key must not go to, or a key that no header can hold. Nothing has been sent then.
    pub fn new(look: &'a Look<'_>, info: &SourceInfo, auth: &Auth) -> Result<Self, SourceError> {
        Self::with_key(look, info, auth, look.key.ok_or(SourceError::NeedsKey)?)
    }

    /// Like [`Self::new`], with a key from elsewhere.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_key(
        look: &'a Look<'_>,
        info: &SourceInfo,
        auth: &Auth,
        key: &ApiKey,
    ) -> Result<Self, SourceError> {
        Self::without_key(look, info.base_url)?.with_auth(auth, key)
    }

    /// Adds the key to every request.
    ///
    /// # Errors
    /// [`SourceError::Misconfigured`] for a key that no header can hold.
    pub fn with_auth(mut self, auth: &Auth, key: &ApiKey) -> Result<Self, SourceError> {
        self.headers.extend(header(auth, key)?);
        Ok(self)
    }

    /// An address that is asked without a key.
    ///
    /// # Errors
    /// [`SourceError::Misconfigured`] for an address that is none.
    pub fn without_key(look: &'a Look<'_>, own: &str) -> Result<Self, SourceError> {
        let is_self_hosted = own.is_empty();
        let own = if is_self_hosted {
            look.base_url.cloned().ok_or_else(|| SourceError::Misconfigured {
                what: "it has no address of its own; set base_url".into(),
            })?
        } else {
            Url::parse(own)
                .map_err(|_| SourceError::Misconfigured { what: format!("{own} is no address") })?
        };
        let base = look.base_url.unwrap_or(&own);
        let configured = is_self_hosted || base.origin() != own.origin();
        Ok(Self { configured, ..Self::at(look.http, base, look.now)? })
    }

    /// An address that is no source's.
    ///
    /// # Errors
    /// [`SourceError::Misconfigured`] for an address that a key must not go to.
    pub fn at(
        client: &'a Client,
        base: &Url,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Self, SourceError> {
        address::check_base(base)?;
        Ok(Self {
            client,
            configured: false,
            base: base.clone(),
            headers: HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]),
            waits: &[],
            refusal: None,
            now,
            limits: Limits::default(),
            taken: Arc::default(),
        })
    }

    /// Names headers besides `Retry-After` that ask for a wait.
    pub fn with_waits(mut self, names: &'static [&'static str]) -> Self {
        self.waits = names;
        self
    }

    /// Says how a refusal's body is read where its status does not say enough.
    pub fn with_refusal(mut self, read: ReadRefusal) -> Self {
        self.refusal = Some(read);
        self
    }

    /// Bears smaller answers only.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds a header that every request carries.
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    /// Adds a header whose name or value is no constant.
    ///
    /// # Errors
    /// [`SourceError::Misconfigured`] for what no header can hold.
    pub fn with_text_header(mut self, name: &str, value: &str) -> Result<Self, SourceError> {
        let no_header = || SourceError::Misconfigured {
            what: format!("the header {name} can't hold what it is to hold"),
        };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| no_header())?;
        let value = HeaderValue::from_str(value).map_err(|_| no_header())?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Whether requests go to a gateway: neither the provider itself nor this machine.
    pub fn is_gateway(&self) -> bool {
        self.configured && !address::is_loopback(&self.base)
    }

    /// The time of the look.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.now
    }

    /// Asks once and reads the answer.
    ///
    /// # Errors
    /// See [`Client::send`] and [`decode::answer`].
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, SourceError> {
        decode::answer(&self.ask(path, query, None).await?)
    }

    /// Asks with a body and reads the answer.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, SourceError> {
        decode::answer(&self.ask(path, &[], Some(body)).await?)
    }

    /// The bytes of an answer.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn ask(
        &self,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Vec<u8>, SourceError> {
        let body = body.map(|body| body.to_string().into_bytes());
        self.send(path, query, body, HeaderMap::new()).await
    }

    /// Asks with a form, as it is filled in on web pages, and reads the answer.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post_form<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<T, SourceError> {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        decode::answer(&self.send(path, &[], Some(form.into_bytes()), headers).await?)
    }

    /// The address that a path stands for.
    pub fn url(&self, path: &str) -> Url {
        address::join(&self.base, path, &[])
    }

    /// The bytes of an answer, and the address of the next page where its `Link` header names one
    /// (RFC 8288).
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn ask_paged(
        &self,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Answer, SourceError> {
        let body = body.map(|body| body.to_string().into_bytes());
        self.request(path, query, body, HeaderMap::new()).await
    }

    /// The bytes of an answer to a body of any kind, with headers of this request alone.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn send(
        &self,
        path: &str,
        query: &[(&str, String)],
        body: Option<Vec<u8>>,
        more: HeaderMap,
    ) -> Result<Vec<u8>, SourceError> {
        Ok(self.request(path, query, body, more).await?.0)
    }

    /// Boxed, so that the code that asks is there once and not in every call of every provider.
    fn request<'b>(
        &'b self,
        path: &str,
        query: &[(&str, String)],
        body: Option<Vec<u8>>,
        more: HeaderMap,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, SourceError>> + Send + 'b>> {
        let mut headers = self.headers.clone();
        headers.extend(more);
        let request = Request {
            url: address::join(&self.base, path, query),
            headers,
            body,
            waits: self.waits,
            refusal: self.refusal,
            configured: self.configured,
            now: self.now,
            most_bytes: self.limits.answer,
        };
        Box::pin(async move {
            let too_much = || SourceError::FormatChanged {
                what: format!(
                    "its answers together are larger than {}",
                    super::words::size(self.limits.look)
                ),
            };
            let left = self.limits.look.saturating_sub(self.taken.load(Ordering::Relaxed));
            if left == 0 {
                return Err(too_much());
            }
            let (body, next) = self.client.send(&request).await?;
            self.taken.fetch_add(body.len(), Ordering::Relaxed);
            if body.len() > left { Err(too_much()) } else { Ok((body, next)) }
        })
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
            let what = format!("timed out after {}", super::words::span(limit));
            Err(SourceError::Unreachable { what })
        })
    }
}

fn header(auth: &Auth, key: &ApiKey) -> Result<Option<(HeaderName, HeaderValue)>, SourceError> {
    let (name, text) = match auth {
        Auth::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose())),
        Auth::Scheme(word) => (AUTHORIZATION, format!("{word} {}", key.expose())),
        Auth::BasicUser => {
            let pair = base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                format!("{}:", key.expose()),
            );
            (AUTHORIZATION, format!("Basic {pair}"))
        }
        Auth::Header(name) => {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                SourceError::Misconfigured { what: format!("{name} is no name of a header") }
            })?;
            (name, key.expose().to_owned())
        }
        Auth::Elsewhere => return Ok(None),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| SourceError::Misconfigured {
        what: "the key holds a character that no key has; set it again".into(),
    })?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
