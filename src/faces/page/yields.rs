//! What do I get for it? Spend per commit over thirty days, and what each repository cost.

use maud::{Markup, html};

use super::charts::{self, Bar, Bars, Look};
use super::{address, day_words};
use crate::board::page::{PageData, View};
use crate::board::wording::{self, yields as words};
use crate::board::yields::{YieldDay, YieldSums, Yields};

/// Repositories that are listed unless all rows are asked for.
const ROWS: usize = 12;

/// The section; nothing where no repository is known, and where the page is narrowed: commits are
/// everybody's.
pub(super) fn section(data: &PageData) -> Markup {
    let Some(yields) = &data.yields else { return html! {} };
    html! {
        section #yield aria-labelledby="yield-h" {
            h2 #yield-h { "What you get for it" }
            p { (sentence(yields)) }
            (days(data, yields))
            (repositories(data, yields))
            @for note in &yields.notes { p.note { (note) } }
        }
    }
}

fn sentence(yields: &Yields) -> Markup {
    let sums = &yields.totals;
    let about = |amount| wording::estimate(true, wording::amount(&amount));
    html! {
        @match sums.per_commit() {
            Some(each) => { strong { (about(each)) } " per commit over 30 days, for "
                (wording::whole(sums.commits)) @if sums.commits == 1 { " commit" } @else { " commits" } }
            None => "Nothing that has a price led to a commit in 30 days",
        }
        @if let Some(none) = sums.no_commit.list { "; " (about(none)) " led to none" }
        @if let Some(reverted) = sums.reverted.list { "; " (about(reverted)) " went into what was reverted later" }
        "."
    }
}

fn days(data: &PageData, yields: &Yields) -> Markup {
    let href = |it: &YieldDay| address::write(&View { day: Some(it.day), ..data.view.clone() });
    let bars: Vec<Bar> = yields
        .per_day
        .iter()
        .map(|it| Bar {
            says: says(it),
            href: href(it),
            list: it.per_commit(),
            look: match it.per_commit() {
                None => Look::Ahead,
                Some(_) if it.at_commits.unpriced_tokens > 0 => Look::Partial,
                Some(_) => Look::Whole,
            },
            chosen: data.view.day == Some(it.day),
            ..Bar::default()
        })
        .collect();
    let axis = yields.per_day.iter().step_by(6).map(|it| it.day.format("%-d %b").to_string());
    let title = "Spend per commit, list price, local days of the spend";
    html! {
        figure {
            figcaption { h3 { (title) } }
            (charts::bars(&Bars {
                label: format!("{title}. Arrow keys move from day to day."),
                bars: &bars,
                axis: axis.collect(),
            }))
            details {
                summary { "Table of these days" }
                div.wide { table {
                    thead { tr { th scope="col" { "Day" } th.num scope="col" { "Commits" }
                        th.num scope="col" { "A commit" } th.num scope="col" { "At commits" }
                        th.num scope="col" { "No commit" } } }
                    tbody { @for it in yields.per_day.iter().rev() { tr {
                        th scope="row" { a href=(href(it)) { (day_words(it.day)) } }
                        td.num { (wording::whole(it.commits)) }
                        td.num { (words::cell(it.per_commit())) }
                        td.num { (words::spent(&it.at_commits)) }
                        td.num { (words::spent(&it.no_commit)) }
                    } } }
                } }
            }
        }
    }
}

fn says(it: &YieldDay) -> String {
    let day = day_words(it.day);
    match (it.per_commit(), it.commits) {
        (Some(each), 1) => format!("{day}: ≈ {} for 1 commit", wording::amount_full(&each)),
        (Some(each), many) => {
            format!("{day}: ≈ {} a commit, {many} commits", wording::amount_full(&each))
        }
        (None, 0) if it.no_commit.requests > 0 => format!("{day}: led to no commit"),
        (None, 0) => format!("{day}: no work in a repository"),
        (None, many) => format!("{day}: {many} commits, without a known price"),
    }
}

fn repositories(data: &PageData, yields: &Yields) -> Markup {
    let shown = if data.view.all { yields.rows.len() } else { ROWS };
    html! {
        h3 { "By repository, list price in dollars" }
        div.wide { table {
            thead { tr { th scope="col" { "Repository" } th.num scope="col" { "Commits" }
                th.num.less scope="col" { "Lines" } th.num scope="col" { "At commits" }
                th.num scope="col" { "A commit" } th.num.less scope="col" { "A line" }
                th.num scope="col" { "Reverted" } th.num scope="col" { "No commit" } } }
            tbody {
                @for row in yields.rows.iter().take(shown) {
                    tr {
                        th scope="row" { (row.repository.as_deref().unwrap_or(wording::UNKNOWN)) }
                        (cells(&row.sums))
                    }
                }
                tr { th scope="row" { "Total" } (cells(&yields.totals)) }
            }
        } }
        @if yields.rows.len() > shown {
            p { a href=(address::write(&View { all: true, ..data.view.clone() })) {
                "All " (yields.rows.len()) " repositories" } }
        }
    }
}

fn cells(sums: &YieldSums) -> Markup {
    html! {
        td.num { (wording::whole(sums.commits)) }
        td.num.less { (words::lines(sums)) }
        td.num { (words::spent(&sums.at_commits)) }
        td.num { (words::cell(sums.per_commit())) }
        td.num.less { (words::per_line(sums.per_line())) }
        td.num { (words::spent(&sums.reverted)) }
        td.num { (words::spent(&sums.no_commit)) }
    }
}
