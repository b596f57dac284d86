//! The shared HTTP client: one request; what goes wrong becomes a [`SourceError`].
//!
//! - **Time**: 10 s to connect, 20 s for the whole answer.
//! - **One retry** after 408, 5xx, no answer, and 429 with a `Retry-After` of at most 10 s. The
//!   wait is what `Retry-After` asks for (seconds or an HTTP date), at least half a second, plus
//!   jitter. A longer wish is handed up; the monitor waits, not this client.
//! - **Redirects** are followed at most three times and only within one scheme, host and port:
//!   a key never leaves the address it was meant for.
//! - **Proxies** of the environment are used for https. Requests to this machine never take one.
//! - **Trust**: the system's certificates plus Mozilla's, which are built in.
//! - **Size**: bodies end at 32 MiB, or where the request says; counted unpacked.
//! - **Clocks**: a `Retry-After` date is read against the answer's own `Date`, whatever the clock.
//!
//! No error holds a key, a path, a query or any text of an answer.

use std::error::Error as _;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LINK, LOCATION};
use url::Url;

use super::links::next_link;
use super::retry::Timing;
use super::words::{size, span};
use super::{address, retry};
use crate::sources::SourceError;

/// The largest body that is taken for an answer.
pub const MOST_BYTES: usize = 32 * 1024 * 1024;
const MOST_REDIRECTS: usize = 3;

/// The shared HTTP client. Making one costs nothing: certificates are loaded at the first
/// request, so a machine without provider keys never loads them.
#[derive(Debug, Default)]
pub struct Client {
    timing: Timing,
    remote: OnceLock<Option<reqwest::Client>>,
    loopback: OnceLock<Option<reqwest::Client>>,
}

/// One request: a GET, or with a body a POST of JSON.
#[derive(Clone, Debug)]
pub struct Request {
    /// The address, https, or http on this machine.
    pub url: Url,
    /// Headers; the key among them is marked sensitive.
    pub headers: HeaderMap,
    /// JSON to send.
    pub body: Option<Vec<u8>>,
    /// Other headers than `Retry-After` in which the provider asks for a wait ([`retry::asked`]).
    pub waits: &'static [&'static str],
    /// What a refusal's body says, where its status does not say enough.
    pub refusal: Option<ReadRefusal>,
    /// True when the host comes from the user's config: then an address that answers oddly is
    /// the config's fault and not the provider's.
    pub configured: bool,
    /// The time of the look, against which a `Retry-After` date is read if the answer has no date.
    pub now: DateTime<Utc>,
    /// A larger body is refused, at most [`MOST_BYTES`].
    pub most_bytes: usize,
}

/// Status, body and asked wait of a refusal -> the error, or `None` to go by the status. It must
/// not take a part of the body along.
pub type ReadRefusal = fn(u16, &[u8], Option<Duration>) -> Option<SourceError>;

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

    /// The body of a 2xx answer, and where its `Link` header leads to the next page.
    ///
    /// # Errors
    /// What the status, the network or a broken body mean, after the one retry.
    pub async fn send(&self, request: &Request) -> Result<Answer, SourceError> {
        let error = match self.attempt(request).await {
            Ok(body) => return Ok(body),
            Err(error) => error,
        };
        let Some(wait) = retry::wait_before(&error, &self.timing) else { return Err(error) };
        // Several machines that failed together should not come back together.
        let jitter = self.timing.pause / 2 * fastrand::u32(0..=100) / 100;
        tokio::time::sleep(wait + jitter).await;
        self.attempt(request).await
    }

    /// [`Self::send`] without the retry, with the same errors.
    pub async fn attempt(&self, request: &Request) -> Result<Answer, SourceError> {
        address::check(&request.url)?;
        let client = self.client_for(&request.url)?;
        let lost = |error: reqwest::Error| self.lost(&error, &request.url);
        let mut url = request.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let sent = match &request.body {
                None => client.get(url.clone()),
                Some(body) => client
                    .post(url.clone())
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.clone()),
            };
            let answer = sent.headers(request.headers.clone()).send().await.map_err(lost)?;
            let status = answer.status();
            if status.is_success() {
                let next = answer.headers().get(LINK).and_then(|it| next_link(it.to_str().ok()?));
                let most = request.most_bytes.min(MOST_BYTES);
                let body = body(answer, most).await;
                return body.map(|body| (body, next)).map_err(|broken| match broken {
                    Broken::Lost(error) if error.is_timeout() => lost(error),
                    Broken::Lost(_) => changed("it breaks off in the middle".into()),
                    Broken::TooLarge => changed(format!("it is larger than {}", size(most))),
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
                    let retry_after = retry::asked(answer.headers(), request.waits, request.now);
                    if let Some(read) = request.refusal
                        && let Ok(body) = body(answer, request.most_bytes).await
                        && let Some(error) = read(status.as_u16(), &body, retry_after)
                    {
                        return Err(error);
                    }
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
            // The calls of one look follow each other at once; the next look is minutes away. Idle
            // ones are looked through once in this time, so that one is open for up to twice as long.
            .pool_idle_timeout(Duration::from_secs(7))
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
                // TLS wraps its own errors, which name no host and change with its versions.
                Some(io::ErrorKind::Other | io::ErrorKind::InvalidData) if error.is_connect() => {
                    format!("no secure connection to {host}")
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

/// An answer's bytes and the address of the next page.
pub type Answer = (Vec<u8>, Option<String>);

enum Broken {
    Lost(reqwest::Error),
    TooLarge,
}

/// Counts unpacked bytes, so that a small gzip body can't grow without end.
async fn body(mut answer: reqwest::Response, most: usize) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(Broken::Lost)? {
        if body.len() + chunk.len() > most {
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
        402 => SourceError::OutOfCredit,
        // GitHub's secondary limits come as 403.
        403 if retry_after.is_some() => SourceError::RateLimited { retry_after },
        status @ 403 => SourceError::WrongKindOfKey { status },
        404 if request.configured => request.odd("there is no such page (404)"),
        404 => SourceError::NotOffered { what: "there is no such page (404)".into() },
        // A gateway that gave up waiting has a fault like any 5xx.
        status @ (408 | 500..) => SourceError::ProviderDown { status, retry_after },
        429 => SourceError::RateLimited { retry_after },
        status => changed(format!("it has the status {status}")),
    }
}

fn changed(what: String) -> SourceError {
    SourceError::FormatChanged { what }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use reqwest::header::HeaderValue;

    use super::super::fake::{self, Exchange, Fake, KEY};
    use super::*;

    fn request(url: &Url) -> Request {
        let mut value = HeaderValue::from_str(&format!("Bearer {KEY}")).unwrap();
        value.set_sensitive(true);
        Request {
            url: url.join("/a").unwrap(),
            headers: HeaderMap::from_iter([(reqwest::header::AUTHORIZATION, value)]),
            body: None,
            waits: &[],
            refusal: None,
            configured: false,
            now: "2026-11-03T12:00:00Z".parse().unwrap(),
            most_bytes: MOST_BYTES,
        }
    }

    async fn get(client: &Client, url: &Url) -> Result<String, SourceError> {
        let outcome = client.send(&request(url)).await;
        fake::no_secret_in(&outcome);
        outcome.map(|(body, _)| String::from_utf8(body).unwrap())
    }

    /// What a client that does not wait makes of a script.
    async fn check(script: Vec<Exchange>, expected: Result<&str, SourceError>) {
        let fake = Fake::serve(script).await;
        assert_eq!(get(&fake::client(), &fake.url).await, expected.map(str::to_owned));
        fake.finish();
    }

    fn answer(status: u16) -> Exchange {
        Exchange::ok("/a", format!("{{\"error\":\"your key {KEY}\"}}")).status(status)
    }

    fn good() -> Exchange {
        Exchange::ok("/a", "good")
    }

    fn format(what: &str) -> SourceError {
        SourceError::FormatChanged { what: what.into() }
    }

    fn unreachable(what: &str) -> SourceError {
        SourceError::Unreachable { what: what.into() }
    }

    #[tokio::test]
    async fn each_status_has_its_error() {
        check(vec![good()], Ok("good")).await;
        check(vec![answer(401)], Err(SourceError::KeyRejected { status: 401 })).await;
        check(vec![answer(403)], Err(SourceError::WrongKindOfKey { status: 403 })).await;
        let what = "there is no such page (404)".into();
        check(vec![answer(404)], Err(SourceError::NotOffered { what })).await;
        check(vec![answer(402)], Err(SourceError::OutOfCredit)).await;
        let retry_after = Some(Duration::from_secs(60));
        let limited = answer(403).header("retry-after", "60");
        check(vec![limited], Err(SourceError::RateLimited { retry_after })).await;
        check(vec![answer(418)], Err(format("it has the status 418"))).await;
        check(vec![answer(429)], Err(SourceError::RateLimited { retry_after: None })).await;
        let down = |status| SourceError::ProviderDown { status, retry_after: None };
        check(vec![answer(408), answer(408)], Err(down(408))).await;
        check(vec![answer(500), answer(503)], Err(down(503))).await;
    }

    #[tokio::test]
    async fn one_retry_and_no_more() {
        check(vec![answer(500), good()], Ok("good")).await;
        check(vec![answer(408), good()], Ok("good")).await;
        check(vec![answer(502), answer(401)], Err(SourceError::KeyRejected { status: 401 })).await;
        // The look is at 12:00:00.
        for nothing in ["0", "Tue, 03 Nov 2026 11:00:00 GMT"] {
            let limited = answer(429).header("retry-after", nothing);
            let zero = Some(Duration::ZERO);
            check(vec![limited], Err(SourceError::RateLimited { retry_after: zero })).await;
        }
    }

    #[tokio::test]
    async fn a_long_wait_is_handed_up() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        check(
            vec![answer(429).header("retry-after", "11")],
            Err(SourceError::RateLimited { retry_after: seconds(11) }),
        )
        .await;
        check(
            vec![
                answer(429)
                    .header("date", "Tue, 03 Nov 2026 12:00:00 GMT")
                    .header("retry-after", "Tue, 03 Nov 2026 12:01:40 GMT"),
            ],
            Err(SourceError::RateLimited { retry_after: seconds(100) }),
        )
        .await;
        check(
            vec![answer(503).header("retry-after", "3600")],
            Err(SourceError::ProviderDown { status: 503, retry_after: seconds(3600) }),
        )
        .await;
        check(
            vec![answer(429).header("retry-after", "soon")],
            Err(SourceError::RateLimited { retry_after: None }),
        )
        .await;
    }

    #[tokio::test]
    async fn a_date_is_read_against_the_clock_that_wrote_it() {
        // The look is at 12:00:00 by a clock that is ten minutes off.
        for (date, until) in [("11:50:00", "11:51:40"), ("12:10:00", "12:11:40")] {
            let limited = answer(429)
                .header("date", &format!("Tue, 03 Nov 2026 {date} GMT"))
                .header("retry-after", &format!("Tue, 03 Nov 2026 {until} GMT"));
            let retry_after = Some(Duration::from_secs(100));
            check(vec![limited], Err(SourceError::RateLimited { retry_after })).await;
        }
    }

    #[tokio::test]
    async fn a_short_wait_is_waited_for() {
        let fake = Fake::serve(vec![answer(429).header("retry-after", "1"), good()]).await;
        let start = Instant::now();
        assert_eq!(get(&fake::client(), &fake.url).await, Ok("good".into()));
        assert!(start.elapsed() >= Duration::from_secs(1));
        fake.finish();
    }

    #[tokio::test]
    async fn a_truncated_body_is_no_answer() {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"data\":[";
        let url = fake::raw(vec![head.into()]);
        let error = get(&fake::client(), &url).await.unwrap_err();
        assert_eq!(error, format("it breaks off in the middle"));
    }

    #[tokio::test]
    async fn a_connection_closed_without_answer_is_tried_again() {
        let good = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
        let url = fake::raw(vec![Vec::new(), good.into()]);
        assert_eq!(get(&fake::client(), &url).await, Ok("good".into()));
        let url = fake::raw(vec![Vec::new(), Vec::new()]);
        let error = get(&fake::client(), &url).await.unwrap_err();
        assert_eq!(error, unreachable("the connection was closed before an answer came"));
    }

    #[tokio::test]
    async fn a_body_without_end_is_refused() {
        let mut endless = b"HTTP/1.1 200 OK\r\ncontent-length: 40000000\r\n\r\n".to_vec();
        endless.resize(endless.len() + MOST_BYTES + 1, b' ');
        let url = fake::raw(vec![endless]);
        let error = get(&fake::client(), &url).await.unwrap_err();
        assert_eq!(error, format("it is larger than 32 MiB"));
        let fake = Fake::serve(vec![Exchange::ok("/a", vec![b' '; 2049])]).await;
        let request = Request { most_bytes: 2048, ..request(&fake.url) };
        let error = fake::client().send(&request).await.unwrap_err();
        assert_eq!(error, format("it is larger than 2 KiB"));
    }

    #[tokio::test]
    async fn gzip_is_unpacked() {
        // What `printf good | gzip -n` writes.
        let packed = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0xcf, 0xcf, 0x4f, 1, 0, 0x92, 0x4e, 0x84,
            0x6c, 4, 0, 0, 0,
        ];
        let exchange = good().body(packed).header("content-encoding", "gzip");
        check(vec![exchange], Ok("good")).await;
    }

    #[tokio::test]
    async fn nobody_listening_and_slow_answers_are_plain_words() {
        let error = get(&fake::client(), &fake::nobody()).await.unwrap_err();
        assert_eq!(error, unreachable("connection refused"));

        let late = good().delay(Duration::from_secs(30));
        let fake = Fake::serve(vec![late.clone(), late]).await;
        let timing = Timing { answer: Duration::from_millis(100), ..fake::timing() };
        let error = get(&Client::with_timing(timing), &fake.url).await.unwrap_err();
        assert_eq!(error, unreachable("timed out after 100 ms"));
        fake.finish();
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_named() {
        // RFC 6761 keeps `.invalid` unresolvable for ever.
        let url = "https://provider.invalid".parse().unwrap();
        let timing = Timing { connect: Duration::from_secs(3), ..fake::timing() };
        let error = get(&Client::with_timing(timing), &url).await.unwrap_err();
        // A name server that never answers, as on a machine cut off from its network, is not
        // what this is about.
        if error != unreachable("no connection within 3 s") {
            assert_eq!(error, unreachable("the name provider.invalid does not resolve"));
        }
    }

    #[tokio::test]
    async fn https_to_a_plain_server_is_told() {
        let fake = Fake::serve(Vec::new()).await;
        let mut url = fake.url.clone();
        url.set_scheme("https").unwrap();
        let error = get(&fake::client(), &url).await.unwrap_err();
        assert_eq!(error, unreachable("no secure connection to 127.0.0.1"));
        assert_eq!(fake.seen(), 0);
    }

    #[tokio::test]
    async fn a_redirect_stays_at_its_address() {
        let to = |place: &str| answer(307).header("location", place);
        check(vec![to("/b"), Exchange::ok("/b", "good")], Ok("good")).await;
        check(
            vec![to("/a"), to("/a"), to("/a"), to("/a")],
            Err(format("it redirects in a circle")),
        )
        .await;
        check(vec![answer(304)], Err(format("it has the status 304"))).await;

        let other = Fake::serve(Vec::new()).await;
        let elsewhere = format("it redirects to another address, where the key must not go");
        for place in [
            other.url.as_str(),
            &format!("{}?{KEY}", other.url),
            &format!("http://{KEY}@{}", other.url.authority()),
            &format!("//{}", other.url.authority()),
            "https://127.0.0.1/",
            "http://provider.example/",
            "http://[bad",
        ] {
            check(vec![to(place)], Err(elsewhere.clone())).await;
        }
        assert_eq!(other.seen(), 0);

        // With the address from the config, the config is what has to change.
        let fake = Fake::serve(vec![to(other.url.as_str())]).await;
        let request = Request { configured: true, ..request(&fake.url) };
        let error = fake::client().send(&request).await.unwrap_err();
        insta::assert_snapshot!(error, @"base_url 127.0.0.1 is not right: it redirects to another address, where the key must not go");
    }

    #[tokio::test]
    async fn plain_http_to_another_machine_is_refused_before_any_connection() {
        let fake = Fake::serve(Vec::new()).await;
        // This address reaches the server, but it is not one of this machine only.
        let open = format!("http://0.0.0.0:{}", fake.url.port().unwrap());
        for url in ["http://provider.example", &open] {
            let client = fake::client();
            let error = get(&client, &url.parse().unwrap()).await.unwrap_err();
            assert!(matches!(error, SourceError::Misconfigured { .. }), "{error}");
            assert!(client.remote.get().is_none() && client.loopback.get().is_none());
        }
        assert_eq!(fake.seen(), 0);
    }

    #[tokio::test]
    async fn localhost_is_this_machine() {
        let fake = Fake::serve(vec![good()]).await;
        let mut url = fake.url.clone();
        url.set_host(Some("localhost")).unwrap();
        assert_eq!(get(&fake::client(), &url).await, Ok("good".into()));
        fake.finish();
    }

    /// Runs itself again with an environment that has no certificates and names a proxy.
    #[test]
    fn a_machine_without_certificates_and_with_a_proxy_works() {
        const INNER: &str = "SPENDBAR_TEST_INNER";
        if std::env::var_os(INNER).is_some() {
            let client = Client::new();
            let https: Url = "https://provider.example".parse().unwrap();
            assert!(client.client_for(&https).is_ok());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(check(vec![good()], Ok("good")));
            return;
        }
        let name = std::thread::current().name().unwrap().to_owned();
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name])
            .env(INNER, "1")
            .env("SSL_CERT_FILE", "/nonexistent")
            .env("SSL_CERT_DIR", "/nonexistent")
            .env("http_proxy", fake::nobody().as_str())
            .env("all_proxy", fake::nobody().as_str())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    }
}
