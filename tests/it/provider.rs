//! A pretend provider on loopback: real HTTP, scripted answers, faults that can be switched while
//! the program runs. Written straight on sockets, because a proper server cannot be brought to
//! cut an answer off in the middle.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::wire::{Certificate, Wire};
use crate::world::fixtures;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Decoded; of a repeated name the last one.
    pub query: BTreeMap<String, String>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Request line and headers, as sent.
    pub head: String,
    /// What came after.
    pub body: Vec<u8>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Beside `content-type` and `content-length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// 200 with this body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// An error status with this body.
    pub fn error(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, ..Self::ok(body) }
    }

    /// Itself with one more header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// What is answered to a request.
#[derive(Clone)]
pub struct Script(Arc<dyn Fn(&Request) -> Answer + Send + Sync>);

impl Script {
    /// Answers by a function.
    pub fn new(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(script))
    }
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

/// What goes wrong, instead of the scripted answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// This status, with the provider's own error body where a fixture has one.
    Status(u16),
    /// 429 with this `Retry-After`, in seconds.
    TooMany(u32),
    /// The connection ends in the middle of the body.
    CutOff,
    /// A complete answer, but only the first half of the JSON.
    HalfAnAnswer,
    /// A gateway's error page instead of JSON, with status 200.
    WebPage,
    /// Valid JSON of another shape.
    OtherShape,
    /// The connection closes before any answer.
    Hangup,
    /// A redirect to this address.
    Redirect(String),
    /// This answer, whatever is asked.
    Answer(Answer),
    /// Another script.
    Script(Script),
    /// A byte now and then, and never an end.
    Drip,
}

/// A provider that listens on loopback until it goes out of scope.
pub struct FakeProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Mutex<Option<thread::JoinHandle<()>>>,
}

struct Shared {
    script: Script,
    fault: Mutex<Fault>,
    error_bodies: BTreeMap<u16, String>,
    requests: Mutex<Vec<Request>>,
    closed: AtomicBool,
    certificate: Option<Certificate>,
    keeps_alive: AtomicBool,
}

impl FakeProvider {
    /// Answers by a script.
    pub fn answering(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen("127.0.0.1", Script::new(script), BTreeMap::new(), None)
    }

    /// The same over TLS, with this certificate.
    pub fn secured(
        certificate: Certificate,
        script: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen("127.0.0.1", Script::new(script), BTreeMap::new(), Some(certificate))
    }

    /// The same on another host: 127.0.0.2 is this machine too, and still another host.
    pub fn on_another_host(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen("127.0.0.2", Script::new(script), BTreeMap::new(), None)
    }

    /// Answers as `tests/fixtures/providers/<id>/expected.json` lists its exchanges.
    pub fn of_fixture(id: &str) -> Self {
        let folder = fixtures().join("providers").join(id);
        let exchanges = read_expected(id)["exchanges"].as_array().expect("exchanges").clone();
        let mut bodies: Vec<(Value, String)> = Vec::new();
        for exchange in exchanges {
            let file = folder.join(exchange["file"].as_str().expect("a file"));
            let body = fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            bodies.push((exchange, body));
        }
        let script = move |request: &Request| {
            bodies
                .iter()
                .find(|(exchange, _)| asks_for(request, exchange))
                .map(|(_, body)| Answer::ok(body.clone()))
                .unwrap_or_else(|| Answer::error(404, r#"{"error":{"message":"no such page"}}"#))
        };
        Self::listen("127.0.0.1", Script::new(script), error_bodies(id), None)
    }

    fn listen(
        host: &str,
        script: Script,
        error_bodies: BTreeMap<u16, String>,
        certificate: Option<Certificate>,
    ) -> Self {
        let listener = TcpListener::bind((host, 0)).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            script,
            fault: Mutex::new(Fault::None),
            error_bodies,
            requests: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
            certificate,
            keeps_alive: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.closed.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&serving);
                if let Ok(stream) = stream {
                    // A client that goes away in the middle is no fault of the test.
                    thread::spawn(move || drop(shared.serve(stream)));
                }
            }
        });
        Self { address, shared, listening: Mutex::new(Some(listening)) }
    }

    /// `http://127.0.0.1:port`, or `https`.
    pub fn base_url(&self) -> String {
        let scheme = if self.shared.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// From now on this goes wrong.
    pub fn set_fault(&self, fault: Fault) {
        *self.shared.fault.lock().expect("unpoisoned") = fault;
    }

    /// From now on good answers leave the connection open, for two minutes without a request.
    pub fn keep_alive(&self) {
        self.shared.keeps_alive.store(true, Ordering::SeqCst);
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().expect("unpoisoned").clone()
    }

    /// Stops listening: from now on connections are refused.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        if let Some(listening) = self.listening.lock().expect("unpoisoned").take() {
            // The listener is let go when one more connection wakes it.
            let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
            let _ = listening.join();
        }
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        let mut stream = Wire::new(stream, self.certificate)?;
        while self.serve_one(&mut stream)? {}
        Ok(())
    }

    /// Answers one request; whether another may follow on the connection.
    fn serve_one(&self, stream: &mut Wire) -> std::io::Result<bool> {
        let Some(request) = read_request(stream)? else { return Ok(false) };
        self.requests.lock().expect("unpoisoned").push(request.clone());
        let fault = self.fault.lock().expect("unpoisoned").clone();
        let good = (self.script.0)(&request);
        match fault {
            Fault::None if self.keeps_alive.load(Ordering::SeqCst) => {
                // In one piece: the second of two would wait for the first one's acknowledgement.
                stream.write_all(&[head(&good, "keep-alive"), good.body].concat())?;
                stream.flush()?;
                return Ok(true);
            }
            Fault::None => write_answer(stream, &good, good.body.len()),
            Fault::Status(status) => {
                let body = self.error_bodies.get(&status).cloned().unwrap_or_default();
                write_answer(stream, &Answer::error(status, body), usize::MAX)
            }
            Fault::TooMany(seconds) => {
                let mut answer =
                    Answer::error(429, self.error_bodies.get(&429).cloned().unwrap_or_default());
                answer.headers.push(("retry-after".into(), seconds.to_string()));
                write_answer(stream, &answer, usize::MAX)
            }
            Fault::CutOff => write_answer(stream, &good, good.body.len() / 2),
            Fault::HalfAnAnswer => {
                let half = &good.body[..good.body.len() / 2];
                write_answer(stream, &Answer::ok(half), usize::MAX)
            }
            Fault::WebPage => {
                let page = "<!doctype html><title>Sign in</title><p>Please sign in.</p>";
                write_answer(stream, &Answer::ok(page), usize::MAX)
            }
            Fault::OtherShape => {
                write_answer(stream, &Answer::ok(r#"{"items":[{"cost":"1.00"}]}"#), usize::MAX)
            }
            Fault::Hangup => stream.socket().shutdown(Shutdown::Both),
            Fault::Answer(answer) => write_answer(stream, &answer, usize::MAX),
            Fault::Script(script) => write_answer(stream, &(script.0)(&request), usize::MAX),
            Fault::Drip => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")?;
                while !self.closed.load(Ordering::SeqCst) {
                    stream.write_all(b" ")?;
                    thread::sleep(Duration::from_millis(500));
                }
                Ok(())
            }
            Fault::Redirect(to) => {
                let mut answer = Answer::error(307, "");
                answer.headers.push(("location".into(), format!("{to}{}", request.path)));
                write_answer(stream, &answer, usize::MAX)
            }
        }?;
        Ok(false)
    }
}

/// What a fixture expects, or how it is asked for.
pub fn read_expected(id: &str) -> Value {
    let file = fixtures().join("providers").join(id).join("expected.json");
    let text =
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Whether a request is for this exchange: the path, and of the query what chooses a page. The
/// span of days is the program's own choice.
fn asks_for(request: &Request, exchange: &Value) -> bool {
    let chooses = |name: &str| {
        exchange["query"][name].as_str() == request.query.get(name).map(String::as_str)
    };
    exchange["path"].as_str() == Some(&request.path) && chooses("page") && chooses("date")
}

fn error_bodies(id: &str) -> BTreeMap<u16, String> {
    let folder = fixtures().join("providers").join(id);
    [401, 403, 429]
        .into_iter()
        .filter_map(|status| {
            let body = fs::read_to_string(folder.join(format!("error-{status}.json"))).ok()?;
            Some((status, body))
        })
        .collect()
}

fn read_request(stream: &mut Wire) -> std::io::Result<Option<Request>> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut body)?;
    let url = Url::parse("http://loopback").and_then(|base| base.join(target));
    let Ok(url) = url else { return Ok(None) };
    Ok(Some(Request {
        method: method.to_owned(),
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers,
        head,
        body,
    }))
}

/// Status line and headers.
fn head(answer: &Answer, connection: &str) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: {connection}\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// Writes an answer that claims its full length, and of its body at most `bytes`.
fn write_answer(stream: &mut Wire, answer: &Answer, bytes: usize) -> std::io::Result<()> {
    stream.write_all(&head(answer, "close"))?;
    stream.write_all(&answer.body[..answer.body.len().min(bytes)])?;
    stream.finish()
}

#[test]
fn a_fault_can_be_switched_on_and_off() {
    let provider = FakeProvider::answering(|request| Answer::ok(request.query["page"].clone()));
    let ask = || {
        let mut stream = TcpStream::connect(provider.address).expect("it listens");
        stream.write_all(b"GET /v1?page=a%20b HTTP/1.1\r\nX-Api-Key: k\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    };
    assert!(ask().ends_with("\r\n\r\na b"), "{}", ask());
    provider.set_fault(Fault::CutOff);
    assert!(ask().contains("content-length: 3") && ask().ends_with("\r\n\r\na"));
    provider.set_fault(Fault::TooMany(7));
    assert!(ask().starts_with("HTTP/1.1 429") && ask().contains("retry-after: 7"));
    provider.set_fault(Fault::None);
    assert!(ask().ends_with("a b"));
    let seen = provider.requests();
    assert_eq!(seen[0].headers, [("x-api-key".to_owned(), "k".to_owned())]);
    provider.close();
    assert!(TcpStream::connect(provider.address).is_err());
}
