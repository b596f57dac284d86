//! What the page's port answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use url::form_urlencoded;

use crate::board::Board;
use crate::board::page::{self, PageData, View};
use crate::faces::page::{self as face, address};
use crate::monitor::Command;
use crate::pricing::PriceTable;
use crate::spend::SnoozeFor;

use super::super::App;
use super::doors::{Doors, POLICY, Refusal};
use super::page::{FORM, Page, failed, starting_up, turn_away};
use super::settings;

/// Said from time to time, so that a page that went away is noticed.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Everything that is answered.
pub(super) fn routes(
    app: &App,
    doors: Doors,
    boards: watch::Receiver<Option<Arc<Board>>>,
    commands: UnboundedSender<Command>,
) -> Router {
    let page = Arc::new(Page::new(app, doors, boards, commands));
    let inside = Router::new()
        .route("/", get(whole))
        .route("/parts", get(parts))
        .route("/live", get(live))
        .route("/refresh", post(refresh))
        .route("/snooze", post(snooze))
        .merge(settings::routes())
        .layer(middleware::from_fn_with_state(page.clone(), own_alone));
    inside
        .route("/open", get(open))
        .route("/assets/{name}", get(asset))
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(page.clone(), meant_alone))
        .with_state(page)
}

/// Turns away what is not meant for this port, and says on every answer how it is to be treated.
async fn meant_alone(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    let method = request.method();
    let mut answer = match page.doors.is_meant(method, request.headers()) {
        Err(refusal) => turn_away(&page, refusal),
        Ok(()) if ![Method::GET, Method::HEAD, Method::POST].contains(method) => {
            StatusCode::METHOD_NOT_ALLOWED.into_response()
        }
        Ok(()) => next.run(request).await,
    };
    const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
    const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
    let headers = answer.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // The page's own forms name their origin, no other site learns an address.
        (REFERRER_POLICY, "same-origin"),
        (OPENER, "same-origin"),
        (RESOURCE, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

async fn own_alone(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    match page.doors.is_own(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => turn_away(&page, refusal),
    }
}

/// The opening address: takes the token, gives the cookie.
async fn open(State(page): State<Arc<Page>>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
    if !given.is_some_and(|(_, token)| page.doors.is_token(&token)) {
        return turn_away(&page, Refusal::Cookie);
    }
    let text = face::welcome(&address::read(query), &page.frame());
    ([(SET_COOKIE, page.doors.cookie())], Html(text)).into_response()
}

async fn asset(State(page): State<Arc<Page>>, uri: Uri, headers: HeaderMap) -> Response {
    let Some(asset) = page.assets.at(uri.path()) else { return nothing(State(page)).await };
    let tag = format!("\"{}\"", asset.address);
    let kept = [
        (ETAG, tag.clone()),
        (CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        (CONTENT_TYPE, asset.kind.to_owned()),
    ];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, asset.text).into_response()
}

async fn nothing(State(page): State<Arc<Page>>) -> Response {
    let text = face::message("Nothing is here", "This address leads nowhere.", None, &page.frame());
    (StatusCode::NOT_FOUND, Html(text)).into_response()
}

async fn whole(State(page): State<Arc<Page>>, uri: Uri) -> Response {
    let view = address::read(uri.query().unwrap_or_default());
    shown(page, view, |page, data| face::page(data, &page.frame())).await
}

/// What depends on the choice alone, for a page that is open.
async fn parts(State(page): State<Arc<Page>>, uri: Uri) -> Response {
    // What is no part of the answer is not asked of the ledger.
    let view = View { what_if: None, ..address::read(uri.query().unwrap_or_default()) };
    shown(page, view, |page, data| face::parts(data, &page.frame()).into_string()).await
}

async fn shown(
    page: Arc<Page>,
    view: View,
    draw: impl Fn(&Page, &PageData) -> String + Send + 'static,
) -> Response {
    let Some(board) = page.boards.borrow().clone() else { return starting_up(&page) };
    let worker = page.clone();
    let drawn = tokio::task::spawn_blocking(move || {
        let (config, ledger) = worker.ledger()?;
        // A wrong price row is told by the monitor, and must not take the page away either: what
        // would have been then says that the ledger has other prices.
        let prices = worker.app.prices(&config).unwrap_or_else(|_| PriceTable::builtin());
        let window_hours = config.yields.window_hours;
        let with = page::With { prices: &prices, energy: &config.energy, window_hours };
        let data = page::page(&ledger, board, view, with)?;
        anyhow::Ok(draw(&worker, &data))
    });
    match drawn.await {
        Ok(Ok(text)) => Html(text).into_response(),
        Ok(Err(error)) => failed(&page, &format!("{error:#}")),
        Err(error) => failed(&page, &error.to_string()),
    }
}

/// Tells each new board, the present one first.
async fn live(State(page): State<Arc<Page>>) -> Response {
    let mut boards = page.boards.clone();
    boards.mark_changed();
    let events = stream::unfold((page, boards), |(page, mut boards)| async move {
        loop {
            // Fails when the program ends; the page then says so itself.
            boards.changed().await.ok()?;
            let board = boards.borrow_and_update().clone();
            if let Some(board) = board {
                let event = Event::default().event("board").data(&*page.draw(&board));
                return Some((Ok::<_, Infallible>(event), (page, boards)));
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}

async fn refresh(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(&page, &form, |_| Some(Command::Refresh))
}

async fn snooze(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(&page, &form, |how| {
        let how = match how {
            "hour" => SnoozeFor::Hour,
            "tomorrow" => SnoozeFor::Tomorrow,
            "off" => SnoozeFor::Off,
            _ => return None,
        };
        Some(Command::Snooze(None, how))
    })
}

/// Does what a form asks, if it is the page's own, and goes back to where it was.
fn change(page: &Page, form: &[u8], command: impl Fn(&str) -> Option<Command>) -> Response {
    if form.len() > FORM {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let field = |wanted: &str| {
        form_urlencoded::parse(form).find(|(name, _)| name == wanted).map(|(_, value)| value)
    };
    if let Err(refusal) = page.doors.is_asked(field("csrf").as_deref()) {
        return turn_away(page, refusal);
    }
    let Some(command) = command(&field("for").unwrap_or_default()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    page.tell(command);
    let back = address::write(&address::read(&field("back").unwrap_or_default()));
    (StatusCode::SEE_OTHER, [(LOCATION, back)]).into_response()
}
