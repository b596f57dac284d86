//! Agents and providers: found or not, on or off, and the providers' keys.

use maud::{Markup, html};

use super::{Configured, Settings, form, hidden, press};
use crate::board::wording;
use crate::faces::cli::sources::{SourceEntry, SourceState};
use crate::faces::page::{Frame, hue};
use crate::spend::SourceKind;

/// The form that stores a key.
const KEY: &str = "set-key";

/// Agents of this machine.
pub(super) fn agents(
    config: &Configured<'_>,
    settings: &Settings<'_>,
    frame: &Frame<'_>,
) -> Markup {
    let (missing, here): (Vec<_>, Vec<_>) = of(config, SourceKind::Agent)
        .partition(|entry| entry.state == SourceState::NotFound && entry.row.is_none());
    html! {
        section aria-labelledby="agents-h" {
            h2 #agents-h { "Agents" }
            p.quiet { "Programs that leave session logs on this machine. They are found by themselves; one that is off is in no figure." }
            @if here.is_empty() {
                p.empty { @if settings.board.loading { "Still looking." } @else { "None was found on this machine." } }
            } @else {
                div.wide { table.choices-of {
                    caption.sr { "Agents found on this machine" }
                    thead { tr {
                        th scope="col" { "Agent" } th scope="col" { "State" }
                        th scope="col" { "Read from" } th.act scope="col" { span.sr { "Switch" } }
                    } }
                    tbody { @for entry in &here { tr {
                        th scope="row" { (name(entry)) }
                        td { (state(entry, settings)) }
                        td.places-of { (places(entry)) }
                        td.act { (switch(entry, frame)) }
                    } } }
                } }
            }
            @if !missing.is_empty() {
                details {
                    summary { (missing.len()) " agents that were not found here" }
                    p.quiet { (missing.iter().map(|entry| entry.info.name).collect::<Vec<_>>().join(", ")) "." }
                }
            }
        }
    }
}

/// Providers that are asked, and keys.
pub(super) fn providers(
    config: &Configured<'_>,
    settings: &Settings<'_>,
    frame: &Frame<'_>,
) -> Markup {
    let here: Vec<_> = of(config, SourceKind::Provider).filter(|entry| is_shown(entry)).collect();
    html! {
        section aria-labelledby="providers-h" {
            h2 #providers-h { "Providers and keys" }
            p.quiet {
                "A key goes into the system's keyring, from there to its own provider and nowhere else. This "
                "page never shows one, not even a part. " strong { "What is done to a key can't be undone." }
            }
            @if here.is_empty() {
                p.empty { "No provider is asked yet: none has a key." }
            } @else {
                div.wide { table.choices-of {
                    caption.sr { "Providers that are asked" }
                    thead { tr {
                        th scope="col" { "Provider" } th scope="col" { "State" }
                        th scope="col" { "Key" } th.act scope="col" { span.sr { "Actions" } }
                    } }
                    tbody { @for entry in &here { tr {
                        th scope="row" { (name(entry)) }
                        td { (state(entry, settings)) }
                        td { (key(entry)) }
                        td.act { div.acts { (key_actions(entry, frame)) (switch(entry, frame)) } }
                    } } }
                } }
            }
            @match &config.no_keyring {
                Some(why) => {
                    p.note.warn { "No key can be stored here: " (why) ". Set the provider's environment variable instead." }
                    details {
                        summary { "Which variable" }
                        dl.ways { @for info in &config.takes_key {
                            dt { (info.name) }
                            dd { @for variable in info.key.iter().flat_map(|spec| spec.variables) { code { (variable) } " " } }
                        } }
                    }
                },
                None => details.add open[here.is_empty() || settings.typed.form == KEY] {
                    summary { "Set a key" }
                    (set(config, settings, frame))
                },
            }
        }
    }
}

fn of<'c, 'a>(
    config: &'c Configured<'a>,
    kind: SourceKind,
) -> impl Iterator<Item = &'c SourceEntry<'a>> {
    config.sources.iter().filter(move |entry| entry.info.kind == kind)
}

/// A provider that nobody set up is in the list of those that take a key, and not among the rows.
fn is_shown(entry: &SourceEntry<'_>) -> bool {
    let is_absent = matches!(entry.state, SourceState::NeedsKey | SourceState::NotFound);
    !is_absent || entry.row.is_some() || entry.info.id.contains('@')
}

fn name(entry: &SourceEntry<'_>) -> Markup {
    html! {
        span.dot.(hue(Some(entry.info.id))) aria-hidden="true" {}
        (entry.info.name)
        @if let Some((_, account)) = entry.info.id.split_once('@') { " " span.quiet { "(" (account) ")" } }
    }
}

fn state(entry: &SourceEntry<'_>, settings: &Settings<'_>) -> Markup {
    let class = match entry.state {
        SourceState::Failing => "over",
        SourceState::Stale | SourceState::NeedsKey | SourceState::NeedsSetting => "near",
        _ => "calm",
    };
    let board = settings.board;
    let failed = entry.row.filter(|_| entry.state != SourceState::Off).and_then(|row| {
        let error = row.error.as_ref()?;
        Some(wording::failure(row.info, error, row.retry_at, board.now, board.zone))
    });
    html! {
        span.state.(class) { (entry.state.words()) }
        @if let Some(text) = failed { div.note.warn { (text) } }
        @if entry.state == SourceState::NeedsSetting {
            @for setting in entry.info.settings { div.note { (setting.name) ": " (setting.what) } }
        }
    }
}

fn places(entry: &SourceEntry<'_>) -> Markup {
    html! { @for place in &entry.places { div { (place) } } }
}

fn key(entry: &SourceEntry<'_>) -> Markup {
    html! {
        @match (&entry.key, &entry.info.key) {
            (Some(from), _) => { "from " (from) },
            (None, Some(spec)) => span.quiet { "none: it takes " (spec.kind) },
            (None, None) => span.quiet { "takes none" },
        }
    }
}

/// Only a key of the keyring can be taken away here.
fn key_actions(entry: &SourceEntry<'_>, frame: &Frame<'_>) -> Markup {
    let Some(from) = &entry.key else { return html! {} };
    let fields = [("id", entry.info.id)];
    let of = format!("the key of {}", entry.info.name);
    html! {
        (press("key/test", &fields, "Test", &of, frame))
        @if from == "the keyring" { (press("key/remove", &fields, "Remove key", &format!("of {}", entry.info.name), frame)) }
    }
}

fn switch(entry: &SourceEntry<'_>, frame: &Frame<'_>) -> Markup {
    let (to, text) = match entry.state {
        SourceState::Off => ("on", "Turn on"),
        _ => ("off", "Turn off"),
    };
    press("source", &[("id", entry.info.id), ("to", to)], text, entry.info.name, frame)
}

fn set(config: &Configured<'_>, settings: &Settings<'_>, frame: &Frame<'_>) -> Markup {
    let chosen = settings.typed.or(KEY, "id", "openai-admin");
    let is_wrong = settings.typed.is_wrong(KEY, "key");
    let inside = html! {
        (hidden("form", KEY))
        div.fields {
            div.field.wider {
                label for="key-of" { "Provider, and what it takes" }
                select #key-of name="id" {
                    @for info in &config.takes_key {
                        option value=(info.id) selected[info.id == chosen] {
                            (info.name)
                            @if let Some((_, account)) = info.id.split_once('@') { " (" (account) ")" }
                            @if let Some(spec) = &info.key { " – " (spec.kind) }
                        }
                    }
                }
            }
            div.field.wider {
                label for="key" { "Key" }
                input #key name="key" type="password" autocomplete="off" spellcheck="false" required
                    aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then_some("said")];
            }
            div.field.go { button.primary type="submit" { "Store the key" } }
        }
    };
    form(KEY, "key", frame, &inside)
}
