//! The shared HTTP client: one GET, with everything that can go wrong turned into a
//! [`SourceError`].
//!
//! - **Time**: 10 s to connect, 20 s for the whole answer.
//! - **One retry** after 408, 5xx, no answer, and 429 with a `Retry-After` of at most 10 s. The
//!   wait is what `Retry-After` asks for (seconds or an HTTP date), at least half a second, plus
//!   jitter. A longer wish is handed up; the monitor waits, not this client.
//! - **Redirects** are followed at most three times and only within one scheme, host and port:
//!   a key never leaves the address it was meant for.
//! - **Proxies** of the environment are used for https. Requests to this machine never take one.
//! - **Trust**: the system's certificates plus Mozilla's, which are built in, so that a machine
//!   without ca-certificates works too.
//! - Bodies end at 32 MiB. gzip is understood.
//!
//! No error holds a key, a path, a query or any text of an answer.

use std::error::Error as _;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use url::Url;

use super::address;
use crate::sources::SourceError;

const MOST_BYTES: usize = 32 * 1024 * 1024;
const MOST_REDIRECTS: usize = 3;

/// How long the client waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a connection.
    pub connect: Duration,
    /// For one whole answer, connection included.
    pub answer: Duration,
    /// For a call that a reading can do without, its retry included.
    pub optional: Duration,
    /// Before the retry, at least; up to half of it is added as jitter.
    pub pause: Duration,
    /// The longest `Retry-After` that is waited for here.
    pub longest_wait: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(20),
            optional: Duration::from_secs(3),
            pause: Duration::from_millis(500),
            longest_wait: Duration::from_secs(10),
        }
    }
}

/// The shared HTTP client. Making one costs nothing: certificates are loaded at the first
/// request, so a machine without provider keys never loads them.
#[derive(Debug, Default)]
pub struct Client {
    timing: Timing,
    remote: OnceLock<Option<reqwest::Client>>,
    loopback: OnceLock<Option<reqwest::Client>>,
}

/// One GET.
#[derive(Clone, Debug)]
pub struct Request {
    /// The address, https, or http on this machine.
    pub url: Url,
    /// Headers; the key among them is marked sensitive.
    pub headers: HeaderMap,
    /// True when the host comes from the user's config: then an address that answers oddly is
    /// the config's fault and not the provider's.
    pub configured: bool,
    /// The time of the look, against which a `Retry-After` date is read.
    pub now: DateTime<Utc>,
}

impl Client {
    /// A client with the usual timing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A client with another timing.
    pub fn with_timing(timing: Timing) -> Self {
        Self { timing, ..Self::default() }
    }

    /// How long it waits for what.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// The body of a 2xx answer.
    ///
    /// # Errors
    /// What the status, the network or a broken body mean, after the one retry.
    pub async fn get(&self, request: &Request) -> Result<Vec<u8>, SourceError> {
        let error = match self.attempt(request).await {
            Ok(body) => return Ok(body),
            Err(error) => error,
        };
        let Some(wait) = wait_before_retry(&error, &self.timing) else { return Err(error) };
        // Several machines that failed together should not come back together.
        let jitter = self.timing.pause / 2 * fastrand::u32(0..=100) / 100;
        tokio::time::sleep(wait + jitter).await;
        self.attempt(request).await
    }

    async fn attempt(&self, request: &Request) -> Result<Vec<u8>, SourceError> {
        address::check(&request.url)?;
        let client = self.client_for(&request.url)?;
        let lost = |error: reqwest::Error| self.lost(&error, &request.url);
        let mut url = request.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let sent = client.get(url.clone()).headers(request.headers.clone()).send();
            let answer = sent.await.map_err(lost)?;
            let status = answer.status();
            if status.is_success() {
                return body(answer).await.map_err(|broken| match broken {
                    Broken::Lost(error) if error.is_timeout() => lost(error),
                    Broken::Lost(_) => changed("it breaks off in the middle".into()),
                    Broken::TooLarge => changed("it is larger than 32 MiB".into()),
                });
            }
            match answer.headers().get(LOCATION) {
                Some(location) if status.is_redirection() => {
                    let next = location.to_str().ok().and_then(|to| url.join(to).ok());
                    url = next.filter(|next| next.origin() == url.origin()).ok_or_else(|| {
                        request.odd("it redirects to another address, where the key must not go")
                    })?;
                }
                _ => {
                    let asked = answer.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
                    let retry_after = asked.and_then(|text| read_retry_after(text, request.now));
                    return Err(refusal(status, retry_after, request));
                }
            }
        }
        Err(request.odd("it redirects in a circle"))
    }

    fn client_for(&self, url: &Url) -> Result<&reqwest::Client, SourceError> {
        let made = if address::is_loopback(url) {
            self.loopback.get_or_init(|| make(|| loopback(self.builder())))
        } else {
            self.remote.get_or_init(|| make(|| self.builder().https_only(true)))
        };
        made.as_ref().ok_or_else(|| SourceError::Unreachable {
            what: "secure connections could not be set up on this machine".into(),
        })
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .user_agent(concat!("spendbar/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.timing.connect)
            .timeout(self.timing.answer)
            .redirect(reqwest::redirect::Policy::none())
    }

    /// Why there is no answer, without address or secret.
    fn lost(&self, error: &reqwest::Error, url: &Url) -> SourceError {
        let host = url.host_str().unwrap_or_default();
        let causes = || std::iter::successors(error.source(), |&cause| cause.source());
        let says = |word: &str| causes().any(|cause| cause.to_string().contains(word));
        let kind = causes().find_map(|it| it.downcast_ref::<io::Error>()).map(io::Error::kind);
        let what = if error.is_timeout() && error.is_connect() {
            format!("no connection within {}", span(self.timing.connect))
        } else if error.is_timeout() {
            format!("timed out after {}", span(self.timing.answer))
        } else if says("dns error") {
            format!("the name {host} does not resolve")
        } else if says("certificate") {
            format!("the certificate of {host} is not trusted")
        } else {
            match kind {
                Some(io::ErrorKind::ConnectionRefused) => "connection refused".into(),
                Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
                    format!("no network reaches {host}")
                }
                Some(io::ErrorKind::InvalidData) if error.is_connect() => {
                    format!("{host} speaks no TLS")
                }
                _ if error.is_connect() => format!("no connection to {host}"),
                _ => "the connection was closed before an answer came".into(),
            }
        };
        SourceError::Unreachable { what }
    }
}

impl Request {
    /// An address that answers, but not as a provider would.
    fn odd(&self, what: &str) -> SourceError {
        let host = self.url.host_str().unwrap_or_default();
        if self.configured {
            SourceError::Misconfigured { what: format!("base_url {host} is not right: {what}") }
        } else {
            changed(what.to_owned())
        }
    }
}

/// Builds a client, without the system's certificates if those are all broken.
fn make(builder: impl Fn() -> reqwest::ClientBuilder) -> Option<reqwest::Client> {
    builder().build().or_else(|_| builder().tls_built_in_native_certs(false).build()).ok()
}

/// Keeps requests for this machine on this machine, whatever the environment names as proxy and
/// the hosts file calls `localhost`.
fn loopback(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    let ports_come_from_the_url = 0;
    let here = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, ports_come_from_the_url)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, ports_come_from_the_url)),
    ];
    builder.no_proxy().resolve_to_addrs("localhost", &here)
}

enum Broken {
    Lost(reqwest::Error),
    TooLarge,
}

/// Counts unpacked bytes, so that a small gzip body can't grow without end.
async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(Broken::Lost)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(Broken::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What a status other than 2xx means.
fn refusal(status: StatusCode, retry_after: Option<Duration>, request: &Request) -> SourceError {
    match status.as_u16() {
        status @ 401 => SourceError::KeyRejected { status },
        status @ 403 => SourceError::WrongKindOfKey { status },
        404 => request.odd("there is no such page (404)"),
        // A gateway that gave up waiting has a fault like any 5xx.
        status @ (408 | 500..) => SourceError::ProviderDown { status, retry_after },
        429 => SourceError::RateLimited { retry_after },
        status => changed(format!("it has the status {status}")),
    }
}

fn changed(what: String) -> SourceError {
    SourceError::FormatChanged { what }
}

/// How long to wait before the one retry; `None` when there is none.
fn wait_before_retry(error: &SourceError, timing: &Timing) -> Option<Duration> {
    let asked = match error {
        SourceError::RateLimited { retry_after } => (*retry_after)?,
        SourceError::ProviderDown { retry_after, .. } => retry_after.unwrap_or_default(),
        SourceError::Unreachable { .. } => Duration::ZERO,
        _ => return None,
    };
    (asked <= timing.longest_wait).then(|| asked.max(timing.pause))
}

/// Reads `Retry-After`: whole seconds, or a date (RFC 9110, 10.2.3). A date that is past asks for
/// no wait.
fn read_retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

/// A time in words: `20 s`, `300 ms`.
pub fn span(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds => format!("{seconds} s"),
    }
}
