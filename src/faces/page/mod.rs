//! The page behind the icon, as HTML: what today cost and whether that is fine, where it went, how
//! it developed, what it led to, and which figures can be trusted, in this order.
//!
//! Pure functions of [`PageData`]. Everything that comes from outside (models, folders, sessions,
//! what providers say) goes through maud, which escapes it; nothing of it stands in a script or a
//! style. The page asks for nothing but its own style sheet, script, icon and events.

pub mod address;
pub mod assets;
mod charts;
mod energy;
mod first;
mod places;
mod session;
pub mod settings;
mod times;
mod today;
mod trust;
mod whatif;
mod yields;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::board::page::{PageData, View};
use crate::board::{Board, wording};

use assets::Assets;

/// What every page needs besides its figures.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Addresses of style sheet and script.
    pub assets: &'a Assets,
    /// Goes with each change that the page asks for.
    pub csrf: &'a str,
}

/// The whole page.
pub fn page(data: &PageData, frame: &Frame<'_>) -> String {
    let board = &data.board;
    let body = html! {
        (charts::hatch())
        a.skip href="#main" { "Skip to the figures" }
        header.top {
            h1 { a href="/" { "Spendbar" } @if board.demo { " " span.tag { "demo" } } }
            span #live.quiet role="status" {}
            (actions(data, frame))
        }
        main #main {
            section #today aria-labelledby="today-h" { (today::section(board)) }
            (parts(data, frame))
            @if !is_empty(data) {
                // Not among what is asked for anew: somebody may be typing in it.
                section #whatif aria-labelledby="whatif-h" { (whatif::section(data)) }
            }
            section #trust aria-labelledby="trust-h" { (trust::section(board)) }
        }
        footer.quiet {
            "Days are those of " (board.zone.name()) ". ≈ marks list price where there is no bill. "
            "This page is served by the Spendbar on this machine and by nothing else."
        }
    };
    document(&title(board), &body, frame)
}

/// Whether nothing was found yet.
fn is_empty(data: &PageData) -> bool {
    data.board.sources.is_empty() && data.bars.iter().all(|day| day.figures.is_none())
}

/// The sections that depend on what is chosen: where, one session, when, and what came of it. Before
/// them, or in their place, what somebody sees who has just begun.
pub fn parts(data: &PageData, frame: &Frame<'_>) -> Markup {
    if is_empty(data) {
        return html! { section #first aria-labelledby="first-h" { (first::nothing(&data.board)) } };
    }
    html! {
        (first::suggestion(data, frame))
        section #where aria-labelledby="where-h" { (places::section(data)) }
        @if data.view.session.is_some() {
            section #session aria-labelledby="session-h" { (session::section(data)) }
        }
        section #when aria-labelledby="when-h" { (times::section(data)) }
        section #energy aria-labelledby="energy-h" { (energy::section(data)) }
        (yields::section(data))
    }
}

/// What is sent to open pages when a figure changes, as JSON: the title and the sections that
/// depend on the board alone, by the id of their element.
pub fn live(board: &Board) -> String {
    let event = serde_json::json!({
        "title": title(board),
        "parts": { "today": today::section(board).into_string(), "trust": trust::section(board).into_string() },
    });
    event.to_string()
}

/// A page for a moment without figures.
pub fn message(title: &str, says: &str, again: Option<u32>, frame: &Frame<'_>) -> String {
    let body = html! {
        main #main.message {
            h1 { (title) }
            p { (says) }
            p { a.button href="/" { "Try again" } }
        }
    };
    let again = again.map(|seconds| html! { meta http-equiv="refresh" content=(seconds); });
    whole(title, &body, again, frame)
}

/// The page that an opening address answers with. It leads on by itself, so that the browser asks
/// for the figures on its own account: a redirect would pass on who asked before, and a cookie that
/// is for this page alone would stay behind.
pub fn welcome(view: &View, frame: &Frame<'_>) -> String {
    let to = address::write(view);
    let body = html! {
        main #main.message { p { a href=(to) { "Go on to Spendbar" } } }
    };
    let on = html! { meta http-equiv="refresh" content={ "0; url=" (to) }; };
    whole("Spendbar", &body, Some(on), frame)
}

fn document(title: &str, body: &Markup, frame: &Frame<'_>) -> String {
    whole(title, body, Some(html! { script src=(frame.assets.script.address) defer {} }), frame)
}

fn whole(title: &str, body: &Markup, head: Option<Markup>, frame: &Frame<'_>) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" type="image/svg+xml" href=(frame.assets.icon.address);
                link rel="stylesheet" href=(frame.assets.style.address);
                (head.unwrap_or(PreEscaped(String::new())))
            }
            body { (body) }
        }
    }
    .into_string()
}

fn title(board: &Board) -> String {
    let amount = board.amount(board.headline);
    let text = amount.map_or(wording::UNKNOWN.into(), |amount| wording::amount(&amount));
    let estimated = amount.is_some() && board.figures.chosen_is_estimated(board.headline);
    let demo = if board.demo { "[demo] " } else { "" };
    format!("{demo}{} today – Spendbar", wording::estimate(estimated, text))
}

/// What the page can do: forms, so that it works without a script.
fn actions(data: &PageData, frame: &Frame<'_>) -> Markup {
    let board = &data.board;
    let back = address::query(&data.view);
    let form = |action: &str, value: &str, text: &str| {
        html! {
            form method="post" action=(action) {
                input type="hidden" name="csrf" value=(frame.csrf);
                input type="hidden" name="back" value=(back);
                @if !value.is_empty() { input type="hidden" name="for" value=(value); }
                button type="submit" { (text) }
            }
        }
    };
    let is_snoozed = !board.snoozes.is_empty();
    let speaks = !board.budgets.is_empty() || board.last_alert.is_some();
    html! {
        div.actions {
            (form("/refresh", "", "Refresh now"))
            @if is_snoozed {
                (form("/snooze", "off", "Stop snoozing"))
            } @else if speaks {
                (form("/snooze", "hour", "Snooze alerts for 1 h"))
                (form("/snooze", "tomorrow", "Snooze until tomorrow"))
            }
            a.button href="/settings" { "Settings" }
        }
    }
}

/// The hue of a provider or of a source of it: the same wherever it is drawn.
fn hue(name: Option<&str>) -> &'static str {
    const KNOWN: [(&str, &str); 10] = [
        ("anthropic", "hue1"),
        ("claude", "hue1"),
        ("openai", "hue2"),
        ("codex", "hue2"),
        ("google", "hue3"),
        ("gemini", "hue3"),
        ("xai", "hue4"),
        ("grok", "hue4"),
        ("openrouter", "hue5"),
        ("mistral", "hue6"),
    ];
    let Some(name) = name else { return "hue0" };
    if let Some((_, hue)) = KNOWN.iter().find(|(known, _)| name.starts_with(known)) {
        return hue;
    }
    const OTHERS: [&str; 2] = ["hue7", "hue8"];
    OTHERS[name.bytes().map(usize::from).sum::<usize>() % OTHERS.len()]
}

/// `24 Nov 2026`.
fn day_words(day: chrono::NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}

#[cfg(test)]
mod tests;
