//! Charts as SVG, drawn here: bars over time and the heat of a year. Pure functions of plain data;
//! heights are integers, worked out from exact amounts.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::board::wording;
use crate::spend::{Currency, Money};

/// Height of the drawing, in its own units; it is stretched over whatever room there is.
const TALL: i128 = 1_000;
/// Width of one bar's place.
const WIDE: usize = 24;

/// How sure a mark is, as it is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// Sure.
    #[default]
    Whole,
    /// A part is in no amount: hatched on top.
    Partial,
    /// Still growing: an open outline.
    Open,
    /// Old: an outline of dashes.
    Stale,
    /// Not known: hatched over the whole height.
    Missing,
    /// Yet to come: empty.
    Ahead,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Partial => "partial",
            Self::Open => "open",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Ahead => "ahead",
        }
    }
}

/// One bar.
#[derive(Clone, Debug, Default)]
pub struct Bar {
    /// All that is to be told of it, in a sentence: for hovering and for screen readers.
    pub says: String,
    /// Where it leads.
    pub href: String,
    /// The wide bar: list price.
    pub list: Option<Money>,
    /// The narrow bar in front of it: billed.
    pub billed: Option<Money>,
    /// How it is drawn.
    pub look: Look,
    /// It is the chosen one.
    pub chosen: bool,
    /// Alerts that spoke in it.
    pub alerts: usize,
}

/// Bars over time.
pub struct Bars<'a> {
    /// What the chart is about, for screen readers.
    pub label: String,
    /// The bars, oldest first.
    pub bars: &'a [Bar],
    /// Words under the axis, evenly spread: the first under the first bar.
    pub axis: Vec<String>,
}

/// Draws bars with a scale of amounts on their left.
pub fn bars(chart: &Bars<'_>) -> Markup {
    let most = chart.bars.iter().flat_map(|bar| [bar.list, bar.billed]).flatten();
    let top = round_top(most.map(|money| money.attos).max().unwrap_or(0));
    let width = chart.bars.len().max(1) * WIDE;
    let in_focus = chart.bars.iter().position(|bar| bar.chosen).unwrap_or(0);
    html! {
        div.chart {
            div.scale aria-hidden="true" {
                span { (scale(top)) }
                span { (scale(top / 2)) }
                span { (scale(0)) }
            }
            svg.bars viewBox={ "0 0 " (width) " " (TALL) } preserveAspectRatio="none"
                role="group" aria-label=(chart.label) {
                @for (index, bar) in chart.bars.iter().enumerate() {
                    (one(bar, index * WIDE, top, index == in_focus))
                }
            }
            div.axis aria-hidden="true" {
                @for word in &chart.axis { span { (word) } }
            }
        }
    }
}

fn one(bar: &Bar, x: usize, top: i128, in_focus: bool) -> Markup {
    let height = |money: &Option<Money>| money.map_or(0, |money| share(money.attos, top, TALL));
    let (list, billed) = (height(&bar.list), height(&bar.billed));
    // A day that cost nothing leaves a line on the ground; a missing one leaves none.
    let ground = if bar.list.is_some() { 4 } else { 0 };
    let (list, inner) = (list.max(ground), WIDE / 3);
    let mut class = format!("bar {}", bar.look.class());
    if bar.chosen {
        class.push_str(" chosen");
    }
    html! {
        a class=(class) href=(bar.href) tabindex=(if in_focus { "0" } else { "-1" })
            aria-current=[bar.chosen.then_some("date")] {
            title { (bar.says) }
            rect.hit x=(x) y="0" width=(WIDE) height=(TALL) {}
            @if bar.look == Look::Missing {
                rect.none x=(x + 2) y="0" width=(WIDE - 4) height=(TALL) fill="url(#hatch)" {}
            }
            @if list > 0 {
                rect.list x=(x + 3) y=(TALL - list) width=(WIDE - 6) height=(list) {}
            }
            @if bar.look == Look::Partial {
                rect.part x=(x + 3) y=(TALL - list.max(60)) width=(WIDE - 6) height=(list.clamp(60, 90))
                    fill="url(#hatch)" {}
            }
            @if billed > 0 {
                rect.billed x=(x + inner) y=(TALL - billed) width=(WIDE - 2 * inner) height=(billed) {}
            }
            @if bar.alerts > 0 {
                rect.alert x=(x + 6) y="0" width=(WIDE - 12) height="48" {}
            }
        }
    }
}

/// One day of a year.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cell {
    /// The amount; `None` when nothing is known.
    pub amount: Option<Money>,
    /// A part is in no amount.
    pub partial: bool,
    /// It is the chosen one.
    pub chosen: bool,
}

/// Side of a cell's place; `assets/page/page.js` lays its links by this and by the next.
const CELL: usize = 12;
/// Room for the names of months.
const HEAD: usize = 14;

/// Draws a year as weeks from left to right. `skip` is the weekday of the first cell, 0 for Monday;
/// `months` are the cells that a month begins with, and its name.
///
/// Days that look alike are one shape: as 365 elements they would be most of what a browser has to
/// make before the page is seen. The script lays a link over each day of the list beside it.
pub fn heat(label: &str, cells: &[Cell], skip: usize, months: &[(usize, String)]) -> Markup {
    let top = cells.iter().filter_map(|cell| cell.amount).map(|money| money.attos).max();
    let top = top.unwrap_or(0);
    let place = |index: usize| ((index + skip) / 7 * CELL, (index + skip) % 7 * CELL + HEAD);
    let (width, height) = ((cells.len() + skip).div_ceil(7) * CELL, 7 * CELL + HEAD);
    let mut shapes: BTreeMap<&str, String> = BTreeMap::new();
    for (index, cell) in cells.iter().enumerate() {
        let (x, y) = place(index);
        let looks = [Some(heat_class(cell, top)), cell.partial.then_some("part")];
        for class in looks.into_iter().flatten() {
            let shape = shapes.entry(class).or_default();
            shape.push_str(&format!("M{} {}h8v8h-8z", x + 1, y + 1));
        }
    }
    let chosen = cells.iter().position(|cell| cell.chosen).map(place);
    html! {
        svg.heat viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(label) data-skip=(skip) {
            @for (index, name) in months { text.month x=(place(*index).0) y="9" { (name) } }
            @for (class, shape) in &shapes {
                path class=(class) d=(shape) {}
            }
            @if let Some((x, y)) = chosen {
                rect.chosen x=(x) y=(y) width="10" height="10" rx="2" {}
            }
        }
    }
}

/// Nothing known, nothing spent, and five steps of heat: the square root of the share spreads days
/// that are far below the dearest one.
fn heat_class(cell: &Cell, top: i128) -> &'static str {
    const STEPS: [&str; 5] = ["h1", "h2", "h3", "h4", "h5"];
    match cell.amount {
        None => "h-none",
        Some(amount) if amount.attos <= 0 || top <= 0 => "h0",
        Some(amount) => {
            let share = share(amount.attos, top, 10_000).max(0);
            STEPS[(share.isqrt() / 20).clamp(0, 4) as usize]
        }
    }
}

/// A bar that lies, as wide as a share of thousandths.
pub fn lying(permille: i128, class: &str) -> Markup {
    let wide = permille.clamp(0, 1_000);
    html! {
        svg.lying viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.track x="0" y="0" width="1000" height="10" {}
            @if wide > 0 {
                rect class=(class) x="0" y="0" width=(wide.max(8)) height="10" {}
            }
        }
    }
}

/// The pattern that stands for what is not known, once in a page.
pub fn hatch() -> Markup {
    html! {
        svg.defs width="0" height="0" aria-hidden="true" {
            defs {
                pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"
                    patternTransform="rotate(45)" {
                    rect.hatch width="2.4" height="6" {}
                }
            }
        }
    }
}

/// `part` of `whole`, in steps of 1/`steps`, rounded down.
pub fn share(part: i128, whole: i128, steps: i128) -> i128 {
    // Amounts are attos: dividing first keeps sums of any size inside 128 bits.
    let unit = (whole / 1_000_000_000).max(1);
    if whole <= 0 { 0 } else { part.max(0) / unit * steps / (whole / unit).max(1) }
}

/// The next round figure: one that halves to a round one.
fn round_top(most: i128) -> i128 {
    const LEAST: i128 = 10_000_000_000_000_000;
    let mut step = LEAST;
    loop {
        for tenths in [10, 20, 30, 40, 50, 60, 80] {
            let top = step.saturating_mul(tenths) / 10;
            if top >= most || top == i128::MAX {
                return top;
            }
        }
        step = step.saturating_mul(10);
    }
}

fn scale(attos: i128) -> String {
    let money = Money { attos, currency: Currency::USD };
    if money.rounded(0).abs() < 10 {
        return wording::amount_short(&money);
    }
    let text = wording::icon_amount(Some(money));
    if text.starts_with(['$', '-']) || text.ends_with('¢') { text } else { format!("${text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect(text)
    }

    fn drawn(bar: Bar) -> String {
        bars(&Bars { label: "Spend".into(), bars: &[bar], axis: Vec::new() }).into_string()
    }

    #[test]
    fn heights_are_shares_of_a_round_scale() {
        // The scale of $4.50 ends at $5: a list price of $4.50 is 900 of 1000, a bill of $2.50 500.
        let bar = Bar { list: Some(usd("4.50")), billed: Some(usd("2.50")), ..Bar::default() };
        let text = drawn(bar);
        let list = "<rect class=\"list\" x=\"3\" y=\"100\" width=\"18\" height=\"900\">";
        let billed = "<rect class=\"billed\" x=\"8\" y=\"500\" width=\"8\" height=\"500\">";
        assert!(text.contains(list) && text.contains(billed), "{text}");
        assert!(text.contains("<span>$5</span><span>$2.50</span><span>$0</span>"), "{text}");
    }

    #[test]
    fn zero_missing_and_partial_days_look_different() {
        let zero = drawn(Bar { list: Some(usd("0")), ..Bar::default() });
        let missing = drawn(Bar { look: Look::Missing, ..Bar::default() });
        let partial = drawn(Bar { list: Some(usd("1")), look: Look::Partial, ..Bar::default() });
        assert!(zero.contains("class=\"list\"") && !zero.contains("hatch"), "{zero}");
        assert!(missing.contains("class=\"none\"") && !missing.contains("class=\"list\""));
        assert!(partial.contains("class=\"part\"") && partial.contains("class=\"list\""));
    }

    #[test]
    fn shares_of_any_size_are_exact_enough() {
        assert_eq!(share(usd("1").attos, usd("3").attos, 1_000), 333);
        assert_eq!(share(i128::MAX / 2, i128::MAX, 1_000), 500);
        assert_eq!(share(5, 0, 1_000), 0);
        assert_eq!(share(-5, 10, 1_000), 0);
    }

    #[test]
    fn names_are_escaped() {
        let text =
            drawn(Bar { says: "<script>\"&".into(), href: "/?a=\"><b>".into(), ..Bar::default() });
        assert!(text.contains("<title>&lt;script&gt;&quot;&amp;</title>"), "{text}");
        assert!(!text.contains("<b>"), "{text}");
    }

    #[test]
    fn heat_has_five_steps_and_two_kinds_of_nothing() {
        let class = |amount: Option<&str>| {
            let cell = Cell { amount: amount.map(usd), ..Cell::default() };
            heat_class(&cell, usd("100").attos)
        };
        assert_eq!(class(None), "h-none");
        assert_eq!(class(Some("0")), "h0");
        assert_eq!(class(Some("1")), "h1");
        assert_eq!(class(Some("30")), "h3");
        assert_eq!(class(Some("100")), "h5");
    }

    #[test]
    fn days_of_a_year_that_look_alike_are_one_shape() {
        // The first is a Wednesday, so that the sixth begins the second week.
        let mut cells = vec![Cell::default(); 8];
        cells[5] = Cell { amount: Some(usd("2")), partial: true, chosen: true };
        cells[6].amount = Some(usd("2"));
        let text = heat("Year", &cells, 2, &[(5, "Mar".into())]).into_string();
        assert!(
            text.contains("viewBox=\"0 0 24 98\"") && text.contains("data-skip=\"2\""),
            "{text}"
        );
        assert!(text.contains("<text class=\"month\" x=\"12\" y=\"9\">Mar</text>"), "{text}");
        let hot = "<path class=\"h5\" d=\"M13 15h8v8h-8zM13 27h8v8h-8z\">";
        assert!(text.contains(hot), "{text}");
        assert!(text.contains("<path class=\"part\" d=\"M13 15h8v8h-8z\">"), "{text}");
        assert!(text.contains("<rect class=\"chosen\" x=\"12\" y=\"14\""), "{text}");
        assert_eq!(text.matches("<path").count(), 3);
        assert_eq!(text.matches("h8v8h-8z").count(), 9);
    }
}
