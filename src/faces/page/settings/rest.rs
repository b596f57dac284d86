//! The icon, the start at login, and a config file that can't be read.

use maud::{Markup, html};

use super::{Configured, Settings, form, press};
use crate::board::{Board, Colours, Headline, wording};
use crate::faces::page::Frame;
use crate::platform::autostart::AtLogin;
use crate::spend::Period;

/// What the icon shows.
pub(super) fn icon(config: &Configured<'_>, board: &Board, frame: &Frame<'_>) -> Markup {
    const CHOICES: [(Headline, &str, &str, &str); 4] = [
        (
            Headline::Spend,
            "spend",
            "Spend",
            "the bill where one reaches, list price where none does",
        ),
        (Headline::List, "list", "List price", "all usage at list price"),
        (Headline::Billed, "billed", "Billed", "what providers bill, and nothing else"),
        (Headline::Paid, "paid", "Paid", "bills, fees of plans by the day, and use beyond them"),
    ];
    const PANELS: [(Colours, &str, &str); 3] = [
        (Colours::Auto, "auto", "as the system tells"),
        (Colours::Dark, "dark", "dark: white digits"),
        (Colours::Light, "light", "light: black digits"),
    ];
    const PERIODS: [(Period, &str); 3] = [
        (Period::Day, "today"),
        (Period::Week, "this week, from Monday"),
        (Period::Month, "this month"),
    ];
    let today = |headline| match board.amount(headline) {
        Some(amount) => {
            let estimated = board.figures.chosen_is_estimated(headline);
            format!("today {}", wording::estimate(estimated, wording::amount(&amount)))
        }
        None => "not known today".to_owned(),
    };
    let inside = html! {
        fieldset {
            legend { "The figure of the icon, the menu and this page" }
            @for (headline, value, name, says) in CHOICES {
                label.choice {
                    input type="radio" name="figure" value=(value) checked[config.headline == headline];
                    span { strong { (name) } ": " (says) " " span.quiet { "(" (today(headline)) ")" } }
                }
            }
        }
        fieldset {
            legend { "The time that the figure of the icon and of its menu is for" }
            @for (period, says) in PERIODS {
                label.choice {
                    input type="radio" name="period" value=(period.word()) checked[config.period == period];
                    span { (says) }
                }
            }
        }
        fieldset {
            legend { "The panel behind it, for its colours (macOS colours it itself)" }
            @for (colours, value, says) in PANELS {
                label.choice {
                    input type="radio" name="colours" value=(value) checked[config.colours == colours];
                    span { (says) }
                }
            }
        }
        button type="submit" { "Save" span.sr { " the icon" } }
    };
    html! {
        section aria-labelledby="icon-h" {
            h2 #icon-h { "Icon" }
            (form("icon", "icon", frame, &inside))
        }
    }
}

/// Whether the program starts at login.
pub(super) fn login(settings: &Settings<'_>, frame: &Frame<'_>) -> Markup {
    let Some(login) = &settings.login else { return html! {} };
    let switch = |to: &str, text: &str| press("autostart", &[("to", to)], text, "at login", frame);
    html! {
        section aria-labelledby="login-h" {
            h2 #login-h { "Start at login" }
            @match login {
                Err(why) => p.note.warn { "Whether it starts is not known: " (why) "." },
                Ok((AtLogin::This, place)) => div.row {
                    p { "Spendbar starts when you log in. " span.quiet { "The entry is " code { (place) } "." } }
                    (switch("off", "Don't start"))
                },
                Ok((AtLogin::Nothing, place)) => div.row {
                    p { "Spendbar does not start by itself. " span.quiet { "The entry would be " code { (place) } "." } }
                    (switch("on", "Start"))
                },
                Ok((AtLogin::Other(command), place)) => div.row {
                    p.note.warn { "Another program starts in Spendbar's name: " code { (command) } ", written in " code { (place) } "." }
                    (switch("on", "Start this one"))
                    (switch("off", "Start none"))
                },
            }
        }
    }
}

/// In place of everything that would write to a file that is broken.
pub(super) fn broken(file: &str, problems: &str) -> Markup {
    html! {
        section.broken aria-labelledby="broken-h" {
            h2 #broken-h { "The config file has an error" }
            p { "Spendbar goes on with the settings it read last. Nothing here writes to the file until it is mended:" }
            pre tabindex="0" { (problems) }
            p { "Open " code { (file) } " in an editor, or with " code { "spendbar config edit" } ", and mend the lines above." }
            p { a.button href="/settings" { "Look again" } }
        }
    }
}
