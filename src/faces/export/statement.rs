//! `export statement`: a month on paper, as one HTML file that asks for nothing else and prints to
//! PDF on A4 and Letter. What is told and in which order: totals, days, where it went, budgets,
//! alerts, notes, how it was reckoned.

use std::io::{self, Write};

use chrono::{Days, Months, NaiveDate};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Sources;
use crate::board::export;
use crate::board::summary::{Part, Summary};
use crate::board::wording;
use crate::spend::{Currency, Money};

const STYLE: &str = include_str!("../../../assets/export/statement.css");
/// Nothing is fetched and nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// Rows of a table; what comes after them is one row.
const MOST: usize = 40;

/// Writes the file.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, summary: &Summary, sources: &Sources) -> io::Result<()> {
    out.write_all(document(summary, sources).into_string().as_bytes())
}

fn document(summary: &Summary, sources: &Sources) -> Markup {
    let span = span_words(summary.first_day, summary.last_day);
    let made = summary.made_at.with_timezone(&summary.zone).format("%-d %b %Y %H:%M");
    let source_name = |id: &str| sources.name(id).to_owned();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "AI spend, " (span) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    div {
                        p.what { "AI spend" @if summary.demo { ", a pretend world" } }
                        h1 { (span) }
                    }
                    p {
                        "Days of " (summary.zone.name()) br;
                        "Made " (made) @if summary.is_open { ", the time is not over" } br;
                        "Spendbar " (env!("CARGO_PKG_VERSION"))
                    }
                }
                dl.totals { @for total in totals(summary) { (total) } }
                @if summary.days.is_empty() {
                    h2 { "Days" }
                    p { "No usage and no bill in these days." }
                } @else {
                    (days(summary))
                    (table("By provider", "Provider", &summary.providers, summary, str::to_owned))
                    (table("By model", "Model", &summary.models, summary, str::to_owned))
                    (table("By agent or bill", "Source", &summary.sources, summary, source_name))
                    @if let Some(projects) = &summary.projects {
                        (table("By project", "Folder", projects, summary, str::to_owned))
                    }
                }
                (budgets(summary))
                (alerts(summary))
                (notes(summary))
                (method())
            }
        }
    }
}

/// The figures on top, each with what it means. Another figure is another entry here.
fn totals(summary: &Summary) -> Vec<Markup> {
    let (sums, counted) = (&summary.totals.sums, &summary.totals.counted);
    let amount = |amount: Option<Money>| {
        amount.map_or(wording::UNKNOWN.into(), |amount| wording::amount_full(&amount))
    };
    let is_known = !summary.days.is_empty();
    let spend = export::known(counted, sums).filter(|_| is_known);
    let estimated = counted.is_estimated();
    let spend = match spend {
        Some(spend) => wording::estimate(estimated, wording::amount_full(&spend)),
        None => wording::UNKNOWN.into(),
    };
    let list = match sums.list {
        Some(list) => wording::estimate(true, wording::amount_full(&list)),
        None => wording::UNKNOWN.into(),
    };
    let others = sums.billed.iter().filter(|amount| amount.currency != Currency::USD);
    let others: Vec<String> = others.map(|amount| wording::amount_full(&amount)).collect();
    let billed_says = match others.as_slice() {
        [] => "by providers whose bill is read".to_owned(),
        others => format!("and {}", others.join(", ")),
    };
    let spend_says = if summary.partial {
        "the bill where there is one, else list price; partial, see the notes"
    } else {
        "the bill where there is one, else list price"
    };
    let mut totals = vec![
        total("Spend", &spend, spend_says),
        total("List price", &list, "all usage, nothing deducted"),
        total("Billed", &amount(sums.billed.get(Currency::USD)), &billed_says),
    ];
    if let Some(paid) = &summary.paid {
        let made_on = summary.made_at.with_timezone(&summary.zone).date_naive();
        let says = if made_on < summary.last_day {
            "bills, fees of plans for all of these days, and use that neither covers"
        } else {
            "bills, fees of plans by the day, and use that neither covers"
        };
        totals.push(total("Paid", &wording::plans::paid(paid), says));
    }
    if let Some(covered) = sums.covered {
        totals.push(total(
            "Covered by a plan",
            &wording::estimate(true, wording::amount_full(&covered)),
            "of the list price; nobody bills it by use",
        ));
    }
    let requests = format!("in {}", wording::requests(sums.requests));
    totals.push(total("Tokens", &wording::tokens(sums.tokens.total()), &requests));
    totals
}

fn total(name: &str, figure: &str, says: &str) -> Markup {
    html! { div { dt { (name) } dd.figure { (figure) } dd.says { (says) } } }
}

fn days(summary: &Summary) -> Markup {
    let most = summary.days.iter().map(|(_, part)| part.counted.sum().attos).max().unwrap_or(0);
    html! {
        h2 { "Per day" }
        table {
            (head("Day"))
            tbody { @for (day, part) in &summary.days {
                (row(&day.format("%a %-d %b %Y").to_string(), part, most))
            } }
            tfoot { (row("Total", &summary.totals, 0)) }
        }
    }
}

fn table(
    title: &str,
    column: &str,
    parts: &[Part],
    summary: &Summary,
    name: impl Fn(&str) -> String,
) -> Markup {
    let most = parts.iter().map(|part| part.counted.sum().attos).max().unwrap_or(0);
    let named = |part: &Part| match &part.name {
        Some(known) => name(known),
        None => wording::UNKNOWN.to_owned(),
    };
    let (shown, hidden) = parts.split_at(parts.len().min(MOST));
    let mut rest = Part::default();
    for part in hidden {
        rest.sums.add_all(&part.sums);
        rest.counted.add(&part.counted);
    }
    html! {
        h2 { (title) }
        table {
            (head(column))
            tbody {
                @for part in shown { (row(&named(part), part, most)) }
                @if !hidden.is_empty() {
                    (row(&format!("{} more", wording::whole(hidden.len() as u64)), &rest, most))
                }
            }
            tfoot { (row("Total", &summary.totals, 0)) }
        }
    }
}

fn head(column: &str) -> Markup {
    html! { thead { tr {
        th scope="col" { (column) } th.bar {} th.num scope="col" { "Spend $" }
        th.num scope="col" { "≈ List $" } th.num scope="col" { "Billed $" }
        th.num scope="col" { "Tokens" } th.num scope="col" { "Requests" }
    } } }
}

fn row(name: &str, part: &Part, most: i128) -> Markup {
    let (sums, counted) = (&part.sums, &part.counted);
    let amount = |amount: Option<Money>| {
        amount.map_or(wording::UNKNOWN.into(), |amount| wording::table_amount(&amount))
    };
    let spend = export::known(counted, sums).map_or(wording::UNKNOWN.into(), |spend| {
        wording::estimate(counted.is_estimated(), wording::table_amount(&spend))
    });
    let unpriced = (sums.unpriced_tokens > 0)
        .then(|| format!("{} without a price", wording::tokens(sums.unpriced_tokens)));
    let permille =
        if most > 0 { counted.sum().attos.max(0).saturating_mul(1000) / most } else { 0 };
    html! { tr {
        th scope="row" { (name) }
        td.bar { @if permille > 0 {
            div style={ "width:" (permille / 10) "." (permille % 10) "%" } {}
        } }
        td.num { (spend) }
        td.num { (amount(sums.list)) }
        td.num { (amount(sums.billed.get(Currency::USD))) }
        td.num title=[unpriced] { (wording::tokens(sums.tokens.total())) }
        td.num { (wording::whole(sums.requests)) }
    } }
}

fn budgets(summary: &Summary) -> Markup {
    if summary.budgets.is_empty() {
        return html! {};
    }
    let made = summary.made_at.with_timezone(&summary.zone).format("%-d %b %H:%M");
    html! {
        h2 { "Budgets, as they stood on " (made) }
        table {
            thead { tr {
                th scope="col" { "Budget" } th scope="col" { "For" } th.num scope="col" { "Limit" }
                th.num scope="col" { "Spent" } th.num scope="col" { "Used" } th.num scope="col" { "Left" }
            } }
            tbody { @for budget in &summary.budgets { tr {
                th scope="row" { (budget.name) }
                td { (wording::per(budget.cycle)) @if !budget.scope.is_empty() { ", " (budget.scope) } }
                td.num { (wording::amount_full(&budget.amount)) }
                td.num { (wording::estimate(budget.estimated, wording::amount_full(&budget.spent))) }
                td.num { (wording::percent(budget.permille)) }
                td.num { (wording::amount_full(&budget.left())) }
            } } }
        }
    }
}

fn alerts(summary: &Summary) -> Markup {
    // The newest say enough; each day could have several.
    let shown = summary.alerts.len().saturating_sub(MOST);
    html! { @if !summary.alerts.is_empty() {
        h2 { "Alerts that spoke" }
        @if shown > 0 { p.method { "The last " (MOST) " of " (summary.alerts.len()) "." } }
        table { tbody { @for alert in &summary.alerts[shown..] { tr {
            td { (alert.at.with_timezone(&summary.zone).format("%-d %b %Y %H:%M")) }
            th scope="row" { (alert.title) }
        } } } }
    } }
}

fn notes(summary: &Summary) -> Markup {
    let converted = summary.converted.iter().map(wording::converted);
    let notes: Vec<String> = summary.notes.iter().cloned().chain(converted).collect();
    html! { @if !notes.is_empty() {
        h2 { @if summary.partial { "To know: these figures are partial" } @else { "To know" } }
        ul.notes { @for note in notes { li { (note) } } }
    } }
}

fn method() -> Markup {
    html! {
        h2 { "How it was reckoned" }
        div.method {
            p { "List price is what the tokens in agents' logs and providers' usage reports cost at the "
                "public price of their day, with nothing deducted. Billed is what providers' own "
                "billing endpoints say; bills come by UTC day." }
            p { "Spend counts a dollar once. For each account and day it takes the bill once the day "
                "is final, the higher of bill and list price while it is open, and the list price "
                "where no bill is read. ≈ marks a figure with any list price in it; – is not known." }
            p { "This is a reckoning by the program named above, not an invoice." }
        }
    }
}

/// `November 2026`, or both days.
pub(super) fn span_words(first: NaiveDate, last: NaiveDate) -> String {
    let next = first.checked_add_months(Months::new(1));
    let month_end = next.and_then(|next| next.checked_sub_days(Days::new(1)));
    let begins = first.format("%d").to_string() == "01";
    if begins && month_end == Some(last) {
        first.format("%B %Y").to_string()
    } else if first == last {
        wording::day(first)
    } else {
        format!("{} to {}", wording::day(first), wording::day(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_month_goes_by_its_name() {
        let day = |text: &str| text.parse::<NaiveDate>().expect(text);
        let words = |first, last| span_words(day(first), day(last));
        assert_eq!(words("2026-11-01", "2026-11-30"), "November 2026");
        assert_eq!(words("2028-02-01", "2028-02-29"), "February 2028");
        assert_eq!(words("2026-11-01", "2026-11-24"), "1 Nov 2026 to 24 Nov 2026");
        assert_eq!(words("2026-11-24", "2026-11-24"), "24 Nov 2026");
    }
}
