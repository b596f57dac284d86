//! Where did it go? By agent, model, project and session; each row narrows to itself.

use maud::{Markup, html};

use super::{address, charts, day_words, hue};
use crate::board::page::{PageData, PlaceRow, Places, Reach, View};
use crate::board::report::GroupBy;
use crate::board::{Board, wording};
use crate::spend::Money;

/// Rows that are shown before all are asked for.
const FEW: usize = 10;
/// Rows that are shown at most, so that the page stays small.
const MANY: usize = 250;

/// The section.
pub(super) fn section(data: &PageData) -> Markup {
    let PageData { view, places, board, .. } = data;
    let most = if view.all { MANY } else { FEW };
    let dearest = places.rows.iter().filter_map(|row| row.sums.list).map(|it| it.attos).max();
    let hidden = places.rows.len().saturating_sub(most);
    html! {
        h2 #where-h { "Where it went " span.quiet { (span_words(data)) } }
        nav.choices aria-label="Time" {
            @for reach in Reach::ALL {
                (choice(&View { reach, day: None, ..view.clone() }, reach_word(reach),
                    view.day.is_none() && view.reach == reach))
            }
            @if let Some(day) = view.day { (choice(view, &day_words(day), true)) }
        }
        nav.choices aria-label="Grouped by" {
            @for (by, word) in GROUPS {
                (choice(&View { by, all: false, ..view.clone() }, word, view.by == by))
            }
        }
        (chips(view, board))
        @if places.rows.is_empty() {
            p.empty { "Nothing was spent here " (span_words(data)) "." }
        } @else {
            div.wide { table.places {
                caption.sr { "Spend by " (group_word(view.by)) ", list price and billed" }
                thead { tr {
                    th scope="col" { (group_word(view.by)) }
                    th.bar scope="col" { span.sr { "Share" } }
                    th.num scope="col" { "List" } th.num scope="col" { "Billed" }
                    th.num.less scope="col" { "Tokens" } th.num.less scope="col" { "Requests" }
                } }
                tbody {
                    @for row in places.rows.iter().take(most) { (one(row, data, dearest.unwrap_or(0))) }
                }
                tfoot { tr {
                    th scope="row" { "Total" }
                    td.bar {}
                    td.num #total-list title=(full(places.totals.list)) { (list(places.totals.list)) }
                    td.num #total-billed { (billed(&places.totals.billed, places)) }
                    td.num.less { (wording::tokens(places.totals.tokens.total())) }
                    td.num.less { (wording::whole(places.totals.requests)) }
                } }
            } }
            @if hidden > 0 {
                p { a href=(address::write(&View { all: true, ..view.clone() })) {
                    @if view.all { "The " (MANY) " dearest are shown; " (hidden) " more are in the total" }
                    @else { "Show " (hidden) " more" }
                } }
            }
            @if places.totals.unpriced_tokens > 0 {
                p.note.warn { (wording::tokens(places.totals.unpriced_tokens))
                    " tokens have no known price and are in no amount." }
            }
            @if !places.tells_bills {
                p.note { "Bills tell neither folders nor sessions: list price alone." }
            }
        }
    }
}

const GROUPS: [(GroupBy, &str); 4] = [
    (GroupBy::Source, "Agent or provider"),
    (GroupBy::Model, "Model"),
    (GroupBy::Project, "Project"),
    (GroupBy::Session, "Session"),
];

fn group_word(by: GroupBy) -> &'static str {
    GROUPS.iter().find(|(known, _)| *known == by).map_or("", |(_, word)| word)
}

fn reach_word(reach: Reach) -> &'static str {
    match reach {
        Reach::Today => "Today",
        Reach::Week => "7 days",
        Reach::Month => "30 days",
        Reach::Year => "1 year",
    }
}

/// `today`, `in the last 7 days`, `on 24 Nov 2026`.
fn span_words(data: &PageData) -> String {
    match (data.view.day, data.view.reach) {
        (Some(day), _) => format!("on {}", day_words(day)),
        (None, Reach::Today) => "today".into(),
        (None, reach) => format!("in the last {} days", reach.days()),
    }
}

fn choice(view: &View, text: &str, chosen: bool) -> Markup {
    html! { a href=(address::write(view)) aria-current=[chosen.then_some("true")] { (text) } }
}

/// What is chosen, each with the way to take it back.
fn chips(view: &View, board: &Board) -> Markup {
    let source = view.source.as_deref().map(|id| source_name(id, board).to_owned());
    let without: [(&str, Option<String>, View); 4] = [
        ("", source, View { source: None, session: None, ..view.clone() }),
        ("model ", view.model.clone(), View { model: None, ..view.clone() }),
        ("project ", view.project.clone(), View { project: None, ..view.clone() }),
        ("session ", view.session.clone(), View { session: None, ..view.clone() }),
    ];
    html! {
        @if view.is_narrowed() {
            p.chips { "Only "
                @for (word, name, without) in &without {
                    @if let Some(name) = name {
                        a.chip href=(address::write(without)) aria-label={ "Take back: only " (word) (name) } {
                            (word) (name) span aria-hidden="true" { " ×" }
                        } " "
                    }
                }
            }
        }
    }
}

pub(super) fn source_name<'a>(id: &'a str, board: &Board) -> &'a str {
    board.sources.iter().find(|row| row.info.id == id).map_or(id, |row| row.info.name)
}

fn one(row: &PlaceRow, data: &PageData, dearest: i128) -> Markup {
    let view = &data.view;
    let attos = row.sums.list.map_or(0, |list| list.attos);
    let name = name_of(row, data);
    let to = row.name.clone().map(|name| match view.by {
        GroupBy::Source => View { source: Some(name), by: GroupBy::Model, ..view.clone() },
        GroupBy::Model => View { model: Some(name), by: GroupBy::Project, ..view.clone() },
        GroupBy::Project => View { project: Some(name), by: GroupBy::Session, ..view.clone() },
        _ => View {
            session: Some(name),
            source: row.source.clone(),
            by: GroupBy::Model,
            ..view.clone()
        },
    });
    let chosen = match view.by {
        GroupBy::Source => &view.source,
        GroupBy::Model => &view.model,
        GroupBy::Project => &view.project,
        _ => &view.session,
    };
    let to = to.filter(|_| chosen.is_none() || *chosen != row.name);
    html! {
        tr {
            th scope="row" {
                @if let Some(to) = to {
                    a href=(address::write(&View { all: false, ..to })) title=(name) { (name) }
                } @else { (name) }
            }
            td.bar { (charts::lying(charts::share(attos, dearest, 1_000), hue(row.provider.as_deref().or(row.source.as_deref())))) }
            td.num title=(full(row.sums.list)) { (list(row.sums.list))
                @if row.sums.unpriced_tokens > 0 && row.sums.list.is_some() { span.quiet title="a part has no known price" { "+" } } }
            td.num { (billed(&row.sums.billed, &data.places)) }
            td.num.less { (wording::tokens(row.sums.tokens.total())) }
            td.num.less { (wording::whole(row.sums.requests)) }
        }
    }
}

fn name_of(row: &PlaceRow, data: &PageData) -> String {
    match (&row.name, data.view.by) {
        (Some(name), GroupBy::Source) => source_name(name, &data.board).to_owned(),
        (Some(name), GroupBy::Session) => {
            let source = row.source.as_deref().map_or("", |id| source_name(id, &data.board));
            format!("{source} {name}")
        }
        (Some(name), _) => name.clone(),
        (None, GroupBy::Model) => "unnamed model".into(),
        (None, GroupBy::Project) => "no folder told".into(),
        (None, _) => "no session told".into(),
    }
}

fn list(money: Option<Money>) -> String {
    money.map_or(wording::UNKNOWN.into(), |it| wording::estimate(true, wording::amount(&it)))
}

fn full(money: Option<Money>) -> String {
    money.map_or("no known price".into(), |it| wording::amount_full(&it))
}

fn billed(amounts: &crate::spend::Amounts, places: &Places) -> String {
    let known: Vec<String> = amounts.iter().map(|it| wording::amount(&it)).collect();
    if known.is_empty() || !places.tells_bills {
        wording::UNKNOWN.into()
    } else {
        known.join(" and ")
    }
}
