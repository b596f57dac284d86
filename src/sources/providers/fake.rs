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

use super::http::{Client, Timing};
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
        let (name, value) = script.header.clone();
        let next = script.exchanges.pop_front();
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

fn posted(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).unwrap_or_default()
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

/// One look at a source whose provider is at `base`.
pub async fn look(
    source: &dyn Source,
    base: &Url,
    client: &Client,
    now: DateTime<Utc>,
    since: &str,
) -> Result<Reading, SourceError> {
    look_with(source, base, client, now, since, &BTreeMap::new()).await
}

/// The same with settings.
pub async fn look_with(
    source: &dyn Source,
    base: &Url,
    client: &Client,
    now: DateTime<Utc>,
    since: &str,
    settings: &BTreeMap<String, String>,
) -> Result<Reading, SourceError> {
    let since: NaiveDate = since.parse().unwrap();
    let key = ApiKey::new(KEY);
    let (places, marks) = (Places::default(), Marks::new());
    let outcome = source
        .read(&Look {
            now,
            places: &places,
            marks: &marks,
            only: None,
            most: 1,
            key: Some(&key),
            base_url: Some(base),
            settings,
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
