//! What the settings' addresses answer: the page itself, and a change for each form of it.
//!
//! Every change comes as a form of the page with this run's second token. What went well leads back to
//! the page, so that reloading it does nothing twice; what was refused is answered with the page, what
//! was typed still in it (keys excepted). All of it runs beside the server: files, the keyring and a
//! provider's answer may take their time.

mod budgets;
mod form;
mod gather;
mod history;
pub(super) mod kept;
mod keys;
mod plans;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use url::form_urlencoded;

use crate::app::starting;
use crate::board::{Colours, Headline};
use crate::config::edit;
use crate::faces::page::settings::{Said, Typed};
use crate::monitor::Command;
use crate::spend::Period;

use super::page::{FORM, Page, failed, starting_up, turn_away};
use form::{Form, Outcome, Refused, edited};

/// The settings' addresses.
pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/settings", get(shown))
        .route("/settings/undo", post(undo))
        .route("/settings/budget", post(set_budget))
        .route("/settings/budget/remove", post(remove_budget))
        .route("/settings/plan", post(set_plan))
        .route("/settings/plan/remove", post(remove_plan))
        .route("/settings/source", post(switch_source))
        .route("/settings/icon", post(set_icon))
        .route("/settings/autostart", post(autostart))
        .route("/settings/key", post(set_key))
        .route("/settings/key/test", post(test_key))
        .route("/settings/key/remove", post(remove_key))
}

async fn shown(State(page): State<Arc<Page>>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let number = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "said");
    let number = number.and_then(|(_, number)| number.parse::<u64>().ok());
    let said = {
        let kept = page.memory();
        kept.said.1.clone().filter(|_| number == Some(kept.said.0))
    };
    drawn(page, StatusCode::OK, said, Typed::default()).await
}

async fn undo(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, |page, form| {
        let number = form.get("number").parse().unwrap_or_default();
        let what = page.memory().history.undo(&page.app, number)?;
        page.tell(Command::Reload);
        Ok((format!("Undone, and the file is as it was: {what}"), None))
    })
    .await
}

async fn set_budget(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, budgets::set).await
}

async fn remove_budget(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, budgets::remove).await
}

async fn set_plan(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, plans::set).await
}

async fn remove_plan(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, plans::remove).await
}

async fn switch_source(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, |page, form| {
        let on = is_on(form)?;
        let info = keys::source(page, form.get("id"))?;
        let what = match on {
            true => format!("{} is on.", info.name),
            false => format!("{} is off: it is in no figure until it is on again.", info.name),
        };
        edited(page, what, |text| edit::set_enabled(text, info.kind, info.id, on))
    })
    .await
}

async fn set_icon(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, |page, form| {
        let (headline, figure) = match form.get("figure") {
            "spend" => (Headline::Spend, "spend"),
            "list" => (Headline::List, "the list price"),
            "billed" => (Headline::Billed, "what is billed"),
            "paid" => (Headline::Paid, "what is paid"),
            _ => return Err(Refused::field("figure", "Choose one of the four figures.")),
        };
        let (colours, panel) = match form.get("colours") {
            "auto" => (Colours::Auto, ""),
            "dark" => (Colours::Dark, ", in colours for a dark panel"),
            "light" => (Colours::Light, ", in colours for a light panel"),
            _ => {
                return Err(Refused::field(
                    "colours",
                    "Choose the panel that the colours are for.",
                ));
            }
        };
        let now = page.app.config().map_err(anyhow::Error::from)?.icon();
        let period = match form.get("period") {
            // A form without the choice leaves it.
            "" => now.period,
            "day" => Period::Day,
            "week" => Period::Week,
            "month" => Period::Month,
            _ => return Err(Refused::field("period", "Choose the day, the week or the month.")),
        };
        let time = match period {
            Period::Day => String::new(),
            period => format!(", summed over the {}", period.word()),
        };
        let what = format!("The icon shows {figure}{time}{panel}.");
        edited(page, what, |text| {
            // What holds already need not stand in the file.
            let mut text = text.to_owned();
            if headline != now.headline {
                text = edit::set_headline(&text, headline)?;
            }
            if colours != now.colours {
                text = edit::set_colours(&text, colours)?;
            }
            if period != now.period {
                text = edit::set_period(&text, period)?;
            }
            Ok(text)
        })
    })
    .await
}

async fn autostart(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, |page, form| {
        let on = is_on(form)?;
        starting::switch(&page.app, on)?;
        let what =
            if on { "Spendbar starts at login." } else { "Spendbar does not start at login." };
        Ok((what.into(), None))
    })
    .await
}

async fn set_key(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, keys::set).await
}

async fn test_key(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, keys::test).await
}

async fn remove_key(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    change(page, form, keys::remove).await
}

fn is_on(form: &Form) -> Result<bool, Refused> {
    match form.get("to") {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Refused::field("to", "Say on or off.")),
    }
}

/// Does what a form asks, if it is the page's own, and goes back to the page or says why not.
async fn change(
    page: Arc<Page>,
    body: Bytes,
    work: impl FnOnce(&Page, &Form) -> Outcome + Send + 'static,
) -> Response {
    if body.len() > FORM {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let form = Form(form_urlencoded::parse(&body).into_owned().collect());
    let csrf = form.0.iter().find(|(name, _)| name == "csrf").map(|(_, csrf)| csrf.as_str());
    if let Err(refusal) = page.doors.is_asked(csrf) {
        return turn_away(&page, refusal);
    }
    let worker = page.clone();
    let done = tokio::task::spawn_blocking(move || {
        let outcome = work(&worker, &form);
        (outcome, form)
    });
    match done.await {
        Ok((Ok((text, change)), _)) => {
            let mut kept = page.memory();
            kept.said = (kept.said.0 + 1, Some(Said { failed: false, text, change }));
            let back = format!("/settings?said={}", kept.said.0);
            (StatusCode::SEE_OTHER, [(LOCATION, back)]).into_response()
        }
        Ok((Err(refused), form)) => {
            let said = Said { failed: true, text: refused.why, change: None };
            let typed = form.typed(refused.field);
            drawn(page, StatusCode::UNPROCESSABLE_ENTITY, Some(said), typed).await
        }
        Err(error) => failed(&page, &error.to_string()),
    }
}

async fn drawn(page: Arc<Page>, status: StatusCode, said: Option<Said>, typed: Typed) -> Response {
    let Some(board) = page.boards.borrow().clone() else { return starting_up(&page) };
    let worker = page.clone();
    let drawn =
        tokio::task::spawn_blocking(move || gather::drawn(&worker, &board, said, typed)).await;
    match drawn {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => failed(&page, &error.to_string()),
    }
}
