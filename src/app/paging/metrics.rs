//! The port that Prometheus reads: one address on loopback, answered from the latest board when
//! somebody asks, and nothing in between.
//!
//! Figures are for whoever has the token, which lies in a file that only this user can read. It stays
//! the same over restarts, so that it can be written into another program's configuration. `open =
//! true` leaves the token away: every program of this machine may read then, and still no site in a
//! browser, for those name another host or an origin.

use std::fs;
use std::future::{IntoFuture, pending};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::watch;

use super::super::App;
use super::doors::{is_same, secret};
use crate::board::Board;
use crate::config::MetricsSettings;
use crate::faces::metrics as face;
use crate::monitor::clock::Clock;

const TOKEN_FILE: &str = "metrics.token";

/// An open port and what is answered on it.
pub(super) struct Metrics {
    listener: std::net::TcpListener,
    routes: Router,
}

struct Figures {
    clock: Clock,
    port: u16,
    /// `None` where everybody on this machine may read.
    token: Option<String>,
    boards: watch::Receiver<Option<Arc<Board>>>,
}

/// Opens the port, and writes the token down where one is asked for.
///
/// # Errors
/// The port is taken, there are no random numbers, or the file can't be written.
pub(super) fn open(
    app: &App,
    settings: MetricsSettings,
    boards: watch::Receiver<Option<Arc<Board>>>,
) -> anyhow::Result<Metrics> {
    let port = settings.port;
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).with_context(|| {
        format!("opening port {port} on 127.0.0.1; set another as port under [metrics]")
    })?;
    listener.set_nonblocking(true).context("preparing the port")?;
    let token = if settings.open {
        None
    } else {
        let path = app.folders.state.join(TOKEN_FILE);
        Some(token(&path).with_context(|| format!("keeping the token in {}", path.display()))?)
    };
    let figures = Arc::new(Figures { clock: app.clock, port, token, boards });
    let routes = Router::new().route("/metrics", get(answer)).with_state(figures);
    Ok(Metrics { listener, routes })
}

/// Answers until it fails; never ends where no metrics are served.
pub(super) async fn serve(metrics: Option<Metrics>) -> io::Result<()> {
    let Some(metrics) = metrics else { return pending().await };
    let listener = tokio::net::TcpListener::from_std(metrics.listener)?;
    axum::serve(listener, metrics.routes).into_future().await
}

/// The token of the file, or a new one; written again either way, for its user alone.
fn token(path: &Path) -> anyhow::Result<String> {
    let known = match fs::read_to_string(path) {
        Ok(text) => Some(text.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let is_token =
        |text: &String| text.len() == 64 && text.bytes().all(|it| it.is_ascii_hexdigit());
    let token = match known.filter(is_token) {
        Some(token) => token,
        None => secret().context("asking the system for random numbers")?,
    };
    // A temporary file is its user's alone (Unix: mode 0600) and takes that along.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(token.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(token)
}

async fn answer(State(figures): State<Arc<Figures>>, headers: HeaderMap) -> Response {
    if let Some(refused) = figures.refusal(&headers) {
        log::info!("the metrics turned a request away: {}", refused.status());
        return refused;
    }
    let Some(board) = figures.boards.borrow().clone() else {
        let says = "The first figures are being read.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, says).into_response();
    };
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|it| it.to_str().ok());
    let is_open_metrics =
        accepted.into_iter().any(|kinds| kinds.contains("application/openmetrics-text"));
    let kind = if is_open_metrics { face::OPEN_METRICS } else { face::PLAIN };
    let text = face::text(&board, figures.clock.now());
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], text).into_response()
}

impl Figures {
    /// What is answered to a request that is for another port, sent by a site, or without the token.
    fn refusal(&self, headers: &HeaderMap) -> Option<Response> {
        let port = self.port;
        let own = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
        let is_own = own.iter().any(|own| own == host) && hosts.next().is_none();
        let is_of_a_site = headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site");
        if !is_own || is_of_a_site {
            return Some((StatusCode::FORBIDDEN, "Not for this address.\n").into_response());
        }
        let token = self.token.as_ref()?;
        let given = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
        match given.and_then(|given| given.strip_prefix("Bearer ")) {
            Some(given) if is_same(given.trim(), token) => None,
            _ => {
                let says = "The token is in the file metrics.token beside page.json.\n";
                let asks = [(WWW_AUTHENTICATE, "Bearer")];
                Some((StatusCode::UNAUTHORIZED, asks, says).into_response())
            }
        }
    }
}
