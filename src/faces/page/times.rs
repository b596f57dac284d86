//! How did it develop? Thirty days, the hours of one, and a year.

use chrono::{Datelike, NaiveDate};
use maud::{Markup, html};

use super::charts::{self, Bar, Bars, Cell, Look};
use super::{address, day_words};
use crate::board::page::{DayFigure, DayStanding, HourFigure, PageData, View};
use crate::board::{AlertRow, wording};
use crate::spend::Money;
use crate::spend::period::local_day;

/// Alerts that are listed.
const ALERTS: usize = 12;

/// The section.
pub(super) fn section(data: &PageData) -> Markup {
    html! {
        h2 #when-h { "How it developed" @if data.view.is_narrowed() { span.quiet { " narrowed as above" } } }
        (days(data))
        (hours(data))
        (year(data))
        (alerts(data))
    }
}

fn days(data: &PageData) -> Markup {
    let bars: Vec<Bar> = data
        .bars
        .iter()
        .map(|it| {
            let alerts = data.alerts.iter().filter(|alert| alert_day(data, alert) == it.day);
            let count = alerts.count();
            let mut says = says(it);
            if count > 0 {
                says.push_str(&format!(
                    " · {count} {}",
                    if count == 1 { "alert" } else { "alerts" }
                ));
            }
            Bar {
                says,
                href: href(data, it.day),
                list: it.figures.as_ref().map(|spend| spend.list),
                billed: it.figures.as_ref().and_then(|spend| spend.billed),
                look: look(it.standing),
                chosen: data.view.day == Some(it.day),
                alerts: count,
            }
        })
        .collect();
    let label =
        "Spend per day, list price and billed, local days. Arrow keys move from day to day.";
    let axis = data.bars.iter().step_by(6).map(|it| it.day.format("%-d %b").to_string()).collect();
    html! {
        figure {
            figcaption { h3 { "Spend per day, list price and billed, local days" } (legend()) }
            (charts::bars(&Bars { label: label.into(), bars: &bars, axis }))
            details {
                summary { "Table of these days" }
                div.wide { table {
                    thead { tr { th scope="col" { "Day" } th.num scope="col" { "Spend" }
                        th.num scope="col" { "List" } th.num scope="col" { "Billed" } th scope="col" { "State" } } }
                    tbody { @for it in data.bars.iter().rev() { tr {
                        th scope="row" { a href=(href(data, it.day)) { (day_words(it.day)) } }
                        @let figures = it.figures.as_ref();
                        td.num { (figures.map_or(wording::UNKNOWN.into(), |f| wording::estimate(f.estimated, wording::amount_full(&f.spend)))) }
                        td.num { (money(figures.map(|f| f.list))) }
                        td.num { (money(figures.and_then(|f| f.billed))) }
                        td { (standing(it.standing)) }
                    } } }
                } }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        p.legend aria-hidden="true" {
            span.key.list {} "list price " span.key.billed {} "billed "
            span.key.open {} "still open " span.key.missing {} "not known " span.key.alert {} "alert"
        }
    }
}

fn hours(data: &PageData) -> Markup {
    let day = data.day.day;
    let board = &data.board;
    let title = format!("Hour by hour on {}, list price of what agents logged", day_words(day));
    let clock = |it: &HourFigure| it.start.with_timezone(&board.zone).format("%H:%M").to_string();
    let of_day: Vec<&AlertRow> =
        data.alerts.iter().filter(|alert| alert_day(data, alert) == day).collect();
    let in_hour = |it: &HourFigure| {
        let hour = it.start..it.start + chrono::TimeDelta::hours(1);
        of_day.iter().filter(move |alert| hour.contains(&alert.at))
    };
    let bars: Vec<Bar> = data
        .hours
        .iter()
        .map(|it| {
            let mut says = match it.list {
                Some(list) => format!(
                    "{} {}",
                    clock(it),
                    wording::estimate(true, wording::amount_full(&list))
                ),
                None => format!("{} still to come", clock(it)),
            };
            for alert in in_hour(it) {
                says.push_str(&format!(" · {} {}", time(data, alert), alert.title));
            }
            Bar {
                says,
                href: href(data, day),
                list: it.list,
                billed: None,
                look: if it.list.is_some() { Look::Whole } else { Look::Ahead },
                chosen: false,
                alerts: in_hour(it).count(),
            }
        })
        .collect();
    html! {
        figure {
            figcaption { h3 { (title) } }
            @if bars.is_empty() {
                p.empty { "Nothing is known of this day: it lies before the first usage that was found." }
            } @else {
                (charts::bars(&Bars {
                    label: format!("{title}. Arrow keys move from hour to hour."),
                    bars: &bars,
                    axis: data.hours.iter().step_by(6).map(clock).collect(),
                }))
                p.note { "Bills, and what providers report themselves, come per day and are in no hour." }
                details {
                    summary { "Table of these hours" }
                    table {
                        thead { tr { th scope="col" { "Hour" } th.num scope="col" { "List" } } }
                        tbody { @for it in &data.hours { @if let Some(list) = &it.list { tr {
                            th scope="row" { (clock(it)) } td.num { (wording::amount_full(list)) }
                        } } } }
                    }
                }
            }
        }
    }
}

fn year(data: &PageData) -> Markup {
    let Some(days) = &data.year else {
        let whole = View { project: None, session: None, ..data.view.clone() };
        return html! {
            figure {
                figcaption { h3 { "A year of days" } }
                p.empty { "A year is kept per day, without folders and sessions. "
                    a href=(address::write(&whole)) { "Show the year of all of them" } }
            }
        };
    };
    let cells: Vec<Cell> = days
        .iter()
        .map(|it| Cell {
            amount: it.figures.as_ref().map(|spend| spend.list),
            partial: it.standing == DayStanding::Partial,
            chosen: data.view.day == Some(it.day),
        })
        .collect();
    let begins = days.iter().enumerate().filter(|(_, it)| it.day.day() == 1);
    let names: Vec<_> =
        begins.map(|(index, it)| (index, it.day.format("%b").to_string())).collect();
    let skip = days.first().map_or(0, |it| it.day.weekday().num_days_from_monday() as usize);
    let known = days.iter().enumerate().rev().filter(|(_, it)| it.figures.is_some());
    html! {
        figure {
            figcaption { h3 { "A year of days, list price" }
                p.legend aria-hidden="true" { "less "
                    @for class in ["h0", "h1", "h2", "h3", "h4", "h5"] { span.key.(class) {} } " more "
                    span.key.missing {} "not known" }
            }
            (charts::heat("A year of days, list price.", &cells, skip, &names))
            details {
                summary { "Table of these months" }
                table {
                    thead { tr { th scope="col" { "Month" } th.num scope="col" { "List" }
                        th.num scope="col" { "Billed" } th.num scope="col" { "Days known" } } }
                    tbody { @for month in months(days) { tr {
                        th scope="row" { (month.name) }
                        td.num { (money(month.list)) } td.num { (money(month.billed)) }
                        td.num { (month.known) " of " (month.days) }
                    } } }
                }
            }
            details {
                summary { "List of these days" }
                // The script makes the chart's links from it.
                ol.days { @for (index, it) in known { li {
                    a href=(href(data, it.day)) data-at=(index) { (says(it)) }
                } } }
            }
        }
    }
}

struct Month {
    name: String,
    list: Option<Money>,
    billed: Option<Money>,
    known: usize,
    days: usize,
}

/// Newest first.
fn months(days: &[DayFigure]) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    for it in days.iter().rev() {
        let name = it.day.format("%B %Y").to_string();
        if months.last().is_none_or(|month| month.name != name) {
            months.push(Month { name, list: None, billed: None, known: 0, days: 0 });
        }
        let Some(month) = months.last_mut() else { continue };
        month.days += 1;
        month.known += usize::from(it.figures.is_some());
        let Some(figures) = &it.figures else { continue };
        add(&mut month.list, Some(figures.list));
        add(&mut month.billed, figures.billed);
    }
    months
}

fn add(sum: &mut Option<Money>, part: Option<Money>) {
    if let Some(part) = part {
        let so_far = sum.map_or(0, |sum| sum.attos);
        *sum = Some(Money { attos: so_far.saturating_add(part.attos), ..part });
    }
}

fn alerts(data: &PageData) -> Markup {
    html! {
        @if !data.alerts.is_empty() {
            h3 { "Alerts" }
            ol.alerts {
                @for alert in data.alerts.iter().take(ALERTS) { li {
                    a href=(href(data, alert_day(data, alert))) {
                        time datetime=(alert.at.to_rfc3339()) {
                            (alert_day(data, alert).format("%-d %b")) " " (time(data, alert)) }
                    }
                    " " (alert.title)
                    @if !alert.body.is_empty() { div.quiet { (alert.body) } }
                } }
            }
        }
    }
}

fn alert_day(data: &PageData, alert: &AlertRow) -> NaiveDate {
    local_day(alert.at, data.board.zone)
}

fn time(data: &PageData, alert: &AlertRow) -> String {
    alert.at.with_timezone(&data.board.zone).format("%H:%M").to_string()
}

fn href(data: &PageData, day: NaiveDate) -> String {
    address::write(&View { day: Some(day), ..data.view.clone() })
}

/// `24 Nov 2026: ≈ list $1.00, billed $0.50`, with what is to be known of it.
fn says(it: &DayFigure) -> String {
    let day = day_words(it.day);
    let Some(figures) = &it.figures else {
        return format!("{day}: not known, before the first usage");
    };
    let billed = money(figures.billed);
    let state = match it.standing {
        DayStanding::Whole | DayStanding::Missing => "",
        DayStanding::Partial => " · partial: tokens without a price",
        DayStanding::Open => " · still open",
        DayStanding::Stale => " · still open, some figures are old",
    };
    format!("{day}: list {}, billed {billed}{state}", wording::amount_full(&figures.list))
}

fn money(money: Option<Money>) -> String {
    money.map_or(wording::UNKNOWN.into(), |it| wording::amount_full(&it))
}

fn look(standing: DayStanding) -> Look {
    match standing {
        DayStanding::Missing => Look::Missing,
        DayStanding::Whole => Look::Whole,
        DayStanding::Partial => Look::Partial,
        DayStanding::Open => Look::Open,
        DayStanding::Stale => Look::Stale,
    }
}

fn standing(standing: DayStanding) -> &'static str {
    match standing {
        DayStanding::Missing => "not known",
        DayStanding::Whole => "whole",
        DayStanding::Partial => "partial",
        DayStanding::Open => "still open",
        DayStanding::Stale => "still open, old",
    }
}
