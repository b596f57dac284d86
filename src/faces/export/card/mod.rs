//! `export card`: a picture to show around, 1200 x 630 pixels, as sites show links. It tells amounts,
//! tokens and the names of models and providers that everybody knows, and no other name: whoever
//! calls decides which those are, and the rest is one row. Pure: the same input gives the same bytes.

mod sheet;

use std::io::{self, Write};

use chrono::NaiveDate;

use super::statement::span_words;
use crate::board::export;
use crate::board::summary::{Part, Summary};
use crate::board::wording;
use crate::spend::Money;
use sheet::{Align, Face, Place, Rgb, Sheet};

/// Pixels.
pub const WIDTH: u32 = 1200;
/// Pixels.
pub const HEIGHT: u32 = 630;

const EDGE: f32 = 64.0;
const GROUND: Rgb = [15, 18, 28];
const LINE: Rgb = [38, 44, 60];
const TEXT: Rgb = [244, 246, 251];
const QUIET: Rgb = [150, 159, 180];
const ACCENT: Rgb = [122, 162, 255];
const SECOND: Rgb = [94, 214, 178];
/// Rows of each list.
const ROWS: usize = 4;

/// Which names may be shown.
pub trait Public {
    /// A model as everybody calls it; `None` for a private one.
    fn model(&self, name: &str) -> Option<String>;
    /// A provider as everybody calls it; `None` for a private one.
    fn provider(&self, name: &str) -> Option<String>;
}

/// Writes the picture as PNG.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, summary: &Summary, public: &dyn Public) -> io::Result<()> {
    let sheet = draw(summary, public);
    let mut encoder = png::Encoder::new(out, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(sheet.pixels())?;
    Ok(writer.finish()?)
}

fn draw(summary: &Summary, public: &dyn Public) -> Sheet {
    let mut sheet = Sheet::filled(WIDTH, HEIGHT, GROUND);
    let right = WIDTH as f32 - EDGE;
    header(&mut sheet, summary, right);
    let models = rows(&summary.models, |name| public.model(name));
    let providers = rows(&summary.providers, |name| public.provider(name));
    let middle = WIDTH as f32 / 2.0;
    list(&mut sheet, "Models", &models, (EDGE, middle - 28.0), ACCENT);
    list(&mut sheet, "Providers", &providers, (middle + 28.0, right), SECOND);
    bars(&mut sheet, summary, right);
    sheet
}

fn header(sheet: &mut Sheet, summary: &Summary, right: f32) {
    let of = if summary.demo { "AI spend, a pretend world" } else { "AI spend" };
    sheet.text(Face::Regular, 28.0, QUIET, of, Place::left(EDGE, 84.0));
    let mut span = span_words(summary.first_day, summary.last_day);
    if summary.days.last().is_some_and(|(day, _)| summary.is_open && *day < summary.last_day) {
        span.push_str(" so far");
    }
    sheet.text(Face::Regular, 28.0, QUIET, &span, Place::right(right, 84.0));

    let (sums, counted) = (&summary.totals.sums, &summary.totals.counted);
    let is_known = !summary.days.is_empty();
    let known = export::known(counted, sums).filter(|_| is_known);
    let figure = known.map_or(wording::UNKNOWN.to_owned(), |spend| {
        wording::estimate(counted.is_estimated(), wording::amount(&spend))
    });
    let baseline = 204.0;
    let size = sheet.fitting(Face::Bold, 124.0, &figure, right - EDGE - 330.0);
    sheet.text(Face::Bold, size, TEXT, &figure, Place::left(EDGE - 4.0, baseline));

    let requests = wording::requests(sums.requests);
    let tokens = format!("{} tokens", wording::tokens(sums.tokens.total()));
    sheet.text(Face::Bold, 40.0, TEXT, &tokens, Place::right(right, baseline - 44.0));
    sheet.text(Face::Regular, 28.0, QUIET, &requests, Place::right(right, baseline - 2.0));
    sheet.line(EDGE, right, 240.0, LINE);
}

/// A name, what it cost, and how that is written.
struct Row {
    name: String,
    amount: Money,
    words: String,
}

/// The dearest ones whose names may be shown; all others are one row.
fn rows(parts: &[Part], name: impl Fn(&str) -> Option<String>) -> Vec<Row> {
    let mut named: Vec<(String, Part)> = Vec::new();
    let mut others = Part::default();
    for part in parts {
        let known = part.name.as_deref().and_then(&name);
        let room = named.iter().any(|(known_name, _)| Some(known_name) == known.as_ref());
        let (sums, counted) = match known {
            Some(known) if room || named.len() < ROWS => {
                let at = named.iter().position(|(name, _)| *name == known);
                let at = at.unwrap_or_else(|| {
                    named.push((known, Part::default()));
                    named.len() - 1
                });
                let part = &mut named[at].1;
                (&mut part.sums, &mut part.counted)
            }
            _ => (&mut others.sums, &mut others.counted),
        };
        sums.add_all(&part.sums);
        counted.add(&part.counted);
    }
    let has_others = !others.sums.tokens.is_zero() || others.counted.sum().attos != 0;
    if has_others {
        // The last of the named ones makes room, so that the rows are the whole.
        if named.len() == ROWS
            && let Some((_, last)) = named.pop()
        {
            others.sums.add_all(&last.sums);
            others.counted.add(&last.counted);
        }
        named.push(("others".into(), others));
    }
    let row = |(name, part): (String, Part)| {
        let amount = part.counted.sum();
        let words = match export::known(&part.counted, &part.sums) {
            Some(spend) => wording::estimate(part.counted.is_estimated(), wording::amount(&spend)),
            None => format!("{} tokens", wording::tokens(part.sums.unpriced_tokens)),
        };
        Row { name, amount, words }
    };
    named.into_iter().map(row).collect()
}

fn list(sheet: &mut Sheet, title: &str, rows: &[Row], (left, right): (f32, f32), colour: Rgb) {
    const TOP: f32 = 282.0;
    const STEP: f32 = 48.0;
    sheet.text(Face::Regular, 22.0, QUIET, title, Place::left(left, TOP));
    let most = rows.iter().map(|row| row.amount.attos).max().unwrap_or(0);
    for (index, row) in rows.iter().enumerate() {
        let baseline = TOP + 40.0 + STEP * index as f32;
        let words = Place::right(right, baseline);
        let taken = sheet.text(Face::Bold, 26.0, TEXT, &row.words, words);
        let name = sheet.cut(Face::Regular, 26.0, &row.name, right - left - taken - 24.0);
        sheet.text(Face::Regular, 26.0, TEXT, &name, Place::left(left, baseline));
        let whole = right - left;
        sheet.bar((left, baseline + 9.0), (whole, 5.0), LINE);
        let part = share(row.amount.attos, most) * whole;
        if part > 0.0 {
            sheet.bar((left, baseline + 9.0), (part.max(5.0), 5.0), colour);
        }
    }
    if rows.is_empty() {
        sheet.text(Face::Regular, 26.0, QUIET, wording::UNKNOWN, Place::left(left, TOP + 40.0));
    }
}

/// A bar for each day. A day that nobody knows of has none; one that cost nothing leaves a line.
fn bars(sheet: &mut Sheet, summary: &Summary, right: f32) {
    const GROUND_LINE: f32 = 572.0;
    const TALL: f32 = 68.0;
    let last = summary.last_day;
    let days: Vec<NaiveDate> =
        summary.first_day.iter_days().take_while(|day| *day <= last).collect();
    let find = |day: &NaiveDate| summary.days.iter().find(|(known, _)| known == day);
    let amounts: Vec<Option<i128>> =
        days.iter().map(|day| find(day).map(|(_, part)| part.counted.sum().attos)).collect();
    let most = amounts.iter().flatten().copied().max().unwrap_or(0);
    sheet.line(EDGE, right, GROUND_LINE + 2.0, LINE);
    let step = (right - EDGE) / days.len().max(1) as f32;
    let wide = (step * 0.68).clamp(1.0, 40.0);
    for (index, amount) in amounts.iter().enumerate() {
        let Some(amount) = amount else { continue };
        let tall = (share(*amount, most) * TALL).max(3.0);
        let left = EDGE + step * index as f32 + (step - wide) / 2.0;
        let colour = if *amount > 0 { ACCENT } else { LINE };
        sheet.bar((left, GROUND_LINE - tall), (wide, tall), colour);
    }
    let short = |day: NaiveDate| day.format("%-d %b").to_string();
    let baseline = 604.0;
    sheet.text(Face::Regular, 20.0, QUIET, &short(summary.first_day), Place::left(EDGE, baseline));
    sheet.text(Face::Regular, 20.0, QUIET, &short(last), Place::right(right, baseline));
    let mut says = vec!["spendbar".to_owned()];
    if summary.totals.counted.is_estimated() {
        says.push("≈ at list price where no bill is known".into());
    }
    match summary.totals.sums.unpriced_tokens {
        0 if summary.partial => says.push("partial".into()),
        0 => {}
        unpriced => {
            says.push(format!("partial, {} tokens without a price", wording::tokens(unpriced)));
        }
    }
    let says = says.join(" · ");
    let middle = Place { x: WIDTH as f32 / 2.0, baseline, align: Align::Middle };
    sheet.text(Face::Regular, 20.0, QUIET, &says, middle);
}

/// A part of the most, 0 to 1, for drawing alone.
fn share(part: i128, most: i128) -> f32 {
    if most <= 0 || part <= 0 {
        return 0.0;
    }
    // Ten thousandths are finer than a pixel of the longest bar.
    let fine =
        part.checked_mul(10_000).map_or_else(|| part / (most / 10_000).max(1), |it| it / most);
    fine.clamp(0, 10_000) as f32 / 10_000.0
}

#[cfg(test)]
mod tests;
