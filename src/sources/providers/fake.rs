//! A pretend provider on loopback that follows a script and checks what it is asked, for tests.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, Method, Response, StatusCode, Uri};
use chrono::{DateTime, NaiveDate, Utc};
use url::Url;

use super::http::Client;
use super::retry::Timing;
use crate::sources::{ApiKey, Look, Places, Source, SourceError};
use crate::spend::{Marks, Reading};

/// The key that every test uses; no error may ever hold it.
pub const KEY: &str = "sk-pretend-0123456789-secret";

/// One request the server waits for, and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    path: String,
    /// The body of a POST; `None` waits for a GET. `Value::Null` takes any body.
    sent: Option<serde_json::Value>,
    /// The header it waits for in place of the server's.
    header_asked: Option<(String, String)>,
    /// Pairs that have to be in the query; others may be there too.
    query: Vec<(String, String)>,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    delay: Duration,
}

impl Exchange {
    /// A GET of `path` that is answered with 200 and `body`.
    pub fn ok(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            sent: None,
            header_asked: None,
            query: Vec::new(),
            status: 200,
            headers: Vec::new(),
            body: body.into(),
            delay: Duration::ZERO,
        }
    }

    /// Waits for a POST of this body instead; null takes any.
    pub fn posted(mut self, body: serde_json::Value) -> Self {
        self.sent = Some(body);
        self
    }

    /// Waits for a request with this header, in place of the server's.
    pub fn asked_with(mut self, name: &str, value: &str) -> Self {
        self.header_asked = Some((name.into(), value.into()));
        self
    }

    /// Asks for a pair in the query.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Gives up asking for pairs in the query.
    pub fn any_query(mut self, names: &[&str]) -> Self {
        self.query.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// Answers with another status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Answers with another body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Answers late.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The path it waits for.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// The server; it ends with the test's runtime.
pub struct Fake {
    /// `http://127.0.0.1:PORT`.
    pub url: Url,
    state: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    header: (String, String),
    exchanges: VecDeque<Exchange>,
    seen: usize,
    wrong: Vec<String>,
}

impl Fake {
    /// Serves the exchanges in order to requests that carry the key as a bearer.
    pub async fn serve(exchanges: Vec<Exchange>) -> Self {
        Self::serve_with(("authorization", format!("Bearer {KEY}")), exchanges).await
    }

    /// Serves the exchanges in order to requests with this header.
    pub async fn serve_with(header: (impl Into<String>, String), exchanges: Vec<Exchange>) -> Self {
        let header = (header.0.into(), header.1);
        let script = Script { header, exchanges: exchanges.into(), ..Script::default() };
        let state = Arc::new(Mutex::new(script));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let routes = axum::Router::new().fallback(answer).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, state }
    }

    /// Requests so far.
    pub fn seen(&self) -> usize {
        self.state.lock().unwrap().seen
    }

    /// Fails the test unless the script was followed to its end.
    pub fn finish(self) {
        let state = self.state.lock().unwrap();
        assert!(state.wrong.is_empty(), "{:#?}", state.wrong);
        assert!(state.exchanges.is_empty(), "never asked for: {:#?}", state.exchanges);
    }
}

async fn answer(
    state: State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    query: Query<Vec<(String, String)>>,
    body: axum::body::Bytes,
) -> Response<Body> {
    let exchange = {
        let mut script = state.lock().unwrap();
        script.seen += 1;
        let next = script.exchanges.pop_front();
        let of_server = || (script.header.0.to_owned(), script.header.1.clone());
        let asked = next.as_ref().and_then(|next| next.header_asked.clone());
        let (name, value) = asked.unwrap_or_else(of_server);
        let right = headers.get(name).is_some_and(|given| given == value.as_str())
            && headers.get("user-agent").is_some_and(|given| {
                given.to_str().unwrap().starts_with(concat!("spendbar/", env!("CARGO_PKG_VERSION")))
            })
            && next.as_ref().is_some_and(|next| {
                let is_as_sent = match &next.sent {
                    None => method == Method::GET && body.is_empty(),
                    Some(serde_json::Value::Null) => method == Method::POST,
                    Some(sent) => method == Method::POST && *sent == posted(&body),
                };
                let all_asked = next.query.iter().all(|pair| query.contains(pair));
                is_as_sent && uri.path() == next.path && all_asked
            });
        if !right {
            let body = posted(&body);
            script.wrong.push(format!("{method} {uri} {headers:?} {body} instead of {next:?}"));
        }
        next.filter(|_| right)
    };
    let Some(exchange) = exchange else {
        return Response::builder().status(StatusCode::IM_A_TEAPOT).body(Body::empty()).unwrap();
    };
    tokio::time::sleep(exchange.delay).await;
    let mut answer = Response::new(Body::from(exchange.body));
    *answer.status_mut() = StatusCode::from_u16(exchange.status).unwrap();
    for (name, value) in &exchange.headers {
        let name: HeaderName = name.parse().unwrap();
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    answer
}

/// JSON, or the text of what is none.
fn posted(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

/// A server that takes each connection, reads the request's head and writes these bytes, whatever
/// sense they make. It serves as many connections as there are entries.
pub fn raw(answers: Vec<Vec<u8>>) -> Url {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                head.push(byte[0]);
            }
            stream.write_all(&answer).unwrap();
        }
    });
    url
}

/// An address of this machine where nothing listens.
pub fn nobody() -> Url {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

/// A client that does not make tests wait.
pub fn client() -> Client {
    Client::with_timing(timing())
}

/// Its timing.
pub fn timing() -> Timing {
    Timing {
        pause: Duration::from_millis(1),
        optional: Duration::from_secs(10),
        ..Timing::default()
    }
}

/// What a look is given besides its provider's address and the time.
pub struct Given {
    /// Home folder and environment.
    pub places: Places,
    /// What the config sets.
    pub settings: BTreeMap<String, String>,
    /// The key.
    pub key: Option<ApiKey>,
}

impl Default for Given {
    fn default() -> Self {
        Self { places: Places::default(), settings: BTreeMap::new(), key: Some(ApiKey::new(KEY)) }
    }
}

impl Given {
    /// The key, and these settings.
    pub fn settings(settings: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { settings: settings.iter().map(owned).collect(), ..Self::default() }
    }

    /// No key, and a home folder.
    pub fn home(home: &std::path::Path) -> Self {
        let places = Places { home: home.to_owned(), ..Places::default() };
        Self { places, key: None, ..Self::default() }
    }

    /// Sets an environment variable.
    pub fn variable(mut self, name: &str, value: impl Into<std::ffi::OsString>) -> Self {
        self.places.variables.insert(name.into(), value.into());
        self
    }
}

/// One look at a source whose provider is at `base`.
pub async fn look(
    source: &dyn Source,
    base: &Url,
    client: &Client,
    now: DateTime<Utc>,
    since: &str,
) -> Result<Reading, SourceError> {
    look_given(source, Some(base), client, now, since, &Given::default()).await
}

/// One look at a source that needs more than a key.
pub async fn look_given(
    source: &dyn Source,
    base: Option<&Url>,
    client: &Client,
    now: DateTime<Utc>,
    since: &str,
    given: &Given,
) -> Result<Reading, SourceError> {
    let since: NaiveDate = since.parse().unwrap();
    let marks = Marks::new();
    let outcome = source
        .read(&Look {
            now,
            places: &given.places,
            marks: &marks,
            only: None,
            most: 1,
            key: given.key.as_ref(),
            base_url: base,
            settings: &given.settings,
            since,
            http: client,
        })
        .await;
    no_secret_in(&outcome);
    outcome
}

/// One look without a key, and without an address of its own.
pub async fn look_without_key(source: &dyn Source) -> Result<Reading, SourceError> {
    let (places, marks, http) = (Places::default(), Marks::new(), client());
    source
        .read(&Look {
            now: "2026-11-03T12:00:00Z".parse().unwrap(),
            places: &places,
            marks: &marks,
            only: None,
            most: 1,
            key: None,
            base_url: None,
            settings: &BTreeMap::new(),
            since: "2026-11-01".parse().unwrap(),
            http: &http,
        })
        .await
}

/// Fails the test when the outcome shows the key in any way it can be shown.
pub fn no_secret_in<T: std::fmt::Debug>(outcome: &Result<T, SourceError>) {
    let mut shown = format!("{outcome:?} {outcome:#?}");
    if let Err(error) = outcome {
        shown += &error.to_string();
        shown += &serde_json::to_string(error).unwrap();
    }
    assert!(!shown.contains(KEY) && !shown.contains("secret"), "{shown}");
}
