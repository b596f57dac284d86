//! One session: its cost over time, its models, and who worked beside it.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::charts::{self, Bar, Bars, Look};
use super::{address, hue};
use crate::board::page::{NeighbourSession, PageData, Related, SessionHistory, View};
use crate::board::wording;
use crate::spend::{Money, Relation};

/// Bars at most; longer sessions have several quarters in one.
const MOST_BARS: usize = 96;
/// Sessions beside it that are listed.
const BESIDE: usize = 12;

/// The section.
pub(super) fn section(data: &PageData) -> Markup {
    let name = data.view.session.as_deref().unwrap_or_default();
    html! {
        h2 #session-h { "Session " span.quiet { (name) } }
        @match &data.session {
            None => p.empty { "Choose the agent too: sessions of two agents may have one name." },
            Some(history) if history.steps.is_empty() => p.empty {
                "No usage of this session was found within two weeks of the chosen day." },
            Some(history) => { (known(history, data)) }
        }
    }
}

fn known(history: &SessionHistory, data: &PageData) -> Markup {
    let zone = data.board.zone;
    let (Some(first), Some(last)) = (history.steps.first(), history.steps.last()) else {
        return html! {};
    };
    let steps = ((last.start - first.start).num_minutes() / 15 + 1).max(1) as usize;
    let each = steps.div_ceil(MOST_BARS);
    let mut bars: Vec<(i128, bool)> = vec![(0, false); steps.div_ceil(each)];
    let mut models: BTreeMap<Option<&str>, (Option<i128>, u64, u64)> = BTreeMap::new();
    let mut total: Option<i128> = None;
    for step in &history.steps {
        let place = (step.start - first.start).num_minutes() as usize / 15 / each;
        let list = step.list.map(|list| list.attos);
        if let Some(bar) = bars.get_mut(place) {
            bar.0 = bar.0.saturating_add(list.unwrap_or(0));
            bar.1 |= step.unpriced_tokens > 0;
        }
        let model = models.entry(step.model.as_deref()).or_default();
        if let Some(list) = list {
            model.0 = Some(model.0.unwrap_or(0).saturating_add(list));
            total = Some(total.unwrap_or(0).saturating_add(list));
        }
        model.1 += step.tokens;
        model.2 += step.requests;
    }
    let usd = |attos| Money { attos, currency: crate::spend::Currency::USD };
    let said = |attos: Option<i128>| {
        attos.map_or(wording::UNKNOWN.into(), |it| {
            wording::estimate(true, wording::amount(&usd(it)))
        })
    };
    let start_of = |index: usize| {
        let minutes = chrono::TimeDelta::minutes((index * each * 15) as i64);
        (first.start + minutes).with_timezone(&zone).format("%-d %b %H:%M").to_string()
    };
    let here = address::write(&data.view);
    let drawn: Vec<Bar> = bars
        .iter()
        .enumerate()
        .map(|(index, (attos, partial))| Bar {
            says: format!("{} {}", start_of(index), said(Some(*attos))),
            href: here.clone(),
            list: Some(usd(*attos)),
            look: if *partial { Look::Partial } else { Look::Whole },
            ..Bar::default()
        })
        .collect();
    let axis = (0..bars.len()).step_by((bars.len() / 4).max(1)).map(&start_of).collect();
    let minutes = each * 15;
    html! {
        p { strong { (said(total)) } " at list price, from " (start_of(0)) " on"
            @if let Some(project) = &history.project { ", in " (project) } "." }
        figure {
            figcaption { h3 { "Cost over time, list price per " (minutes) " minutes" } }
            (charts::bars(&Bars { label: "Cost of the session over time".into(), bars: &drawn, axis }))
            details {
                summary { "Table of these times" }
                table {
                    thead { tr { th scope="col" { "From" } th.num scope="col" { "List" } } }
                    tbody { @for (index, (attos, _)) in bars.iter().enumerate() { @if *attos > 0 { tr {
                        th scope="row" { (start_of(index)) } td.num { (wording::amount_full(&usd(*attos))) }
                    } } } }
                }
            }
        }
        h3 { "Its models" }
        table {
            thead { tr { th scope="col" { "Model" } th.num scope="col" { "List" }
                th.num scope="col" { "Tokens" } th.num scope="col" { "Requests" } } }
            tbody { @for (model, (list, tokens, requests)) in &models { tr {
                th scope="row" { (model.unwrap_or("unnamed model")) }
                td.num { (said(*list)) } td.num { (wording::tokens(*tokens)) } td.num { (wording::whole(*requests)) }
            } } }
        }
        h3 { "Its subagents and forks" }
        p.quiet { "Those that the agent logs as sessions of their own, and says so; those that it logs "
            "under this session's name are in its figures." }
        @if history.family.is_empty() { p.empty { "None is known." } } @else {
            table {
                thead { tr { th scope="col" { "Session" } th scope="col" { "Is" } th scope="col" { "From" }
                    th.num scope="col" { "List" } } }
                tbody { @for (related, other) in &history.family { tr {
                    th scope="row" { (link(other, data)) }
                    td { (is(*related)) }
                    td { (other.first.with_timezone(&zone).format("%-d %b %H:%M")) }
                    td.num { (said(other.list.map(|list| list.attos))) }
                } } }
            }
        }
        h3 { "At the same time in the same folder" }
        @if history.beside.is_empty() { p.empty { "No other session." } } @else {
            table {
                thead { tr { th scope="col" { "Session" } th scope="col" { "From" } th.num scope="col" { "List" } } }
                tbody { @for other in history.beside.iter().take(BESIDE) { tr {
                    th scope="row" { (link(other, data)) }
                    td { (other.first.with_timezone(&zone).format("%-d %b %H:%M")) }
                    td.num { (said(other.list.map(|list| list.attos))) }
                } } }
            }
            @if history.beside.len() > BESIDE { p.quiet { "and " (history.beside.len() - BESIDE) " more" } }
        }
    }
}

fn link(other: &NeighbourSession, data: &PageData) -> Markup {
    let view = View { session: Some(other.session.clone()), ..data.view.clone() };
    html! {
        span.dot.(hue(data.view.source.as_deref())) aria-hidden="true" {}
        a href=(address::write(&view)) { (other.session) }
    }
}

fn is(related: Related) -> &'static str {
    match related {
        Related::Parent(_) => "where it came from",
        Related::Child(Relation::Subagent) => "a subagent",
        Related::Child(Relation::Fork) => "a fork",
    }
}
