//! The figure itself: bundled digits, fitted to the pixel grid so that edges stay sharp.
//!
//! Digits are narrowed or stretched to whole pixels by hand, glyph by glyph, which is what a
//! hinter would do: every glyph starts and ends on a pixel edge, and so do its top and bottom.

use ab_glyph::{Font, FontRef, Glyph, GlyphId, OutlinedGlyph, PxScale, point};

use super::canvas::Mask;

/// Roboto Condensed Bold, cut down to the characters of an amount (see `assets/font`).
const FONT: &[u8] = include_bytes!("../../../../assets/font/RobotoCondensed-Bold-figures.ttf");

/// Digits may be this much taller than the font draws them, at the same width: a tray icon is
/// short of width, never of height.
const TALLEST: f32 = 1.36;

/// And this much wider, when an amount is so short that height is what limits it.
const WIDEST: f32 = 1.12;

/// From this height up, in pixels, one row is read faster than two larger ones.
const READABLE: u32 = 9;

/// Height of a capital letter and of a digit, and width of the digit `0`, in the font's units.
const CAPITAL: f32 = 1456.0;
const DIGIT_WIDTH: f32 = 846.0;

/// A box in whole pixels of the base grid, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// First column after.
    pub right: u32,
    /// First row after.
    pub bottom: u32,
}

/// Draws `text` as large as `area` allows, in one row or two, whichever gives taller digits.
/// `zoom` is how many pixels of the mask make one pixel of the base grid.
pub fn write(mask: &mut Mask, text: &str, area: Area, zoom: u32) {
    let Ok(font) = FontRef::try_from_slice(FONT) else {
        // The font is part of the program and a test loads it.
        return;
    };
    for row in &best_rows(&font, text, area) {
        row.draw(&font, mask, zoom as f32);
    }
}

/// Height of the digits that [`write`] would draw, in pixels of the base grid.
#[cfg(test)]
pub fn digit_height(text: &str, area: Area) -> u32 {
    let font = FontRef::try_from_slice(FONT).expect("bundled font");
    best_rows(&font, text, area).iter().map(|row| row.height).min().unwrap_or(0)
}

fn best_rows(font: &FontRef<'_>, text: &str, area: Area) -> Vec<Row> {
    let one = fit(font, text, area);
    let two = split(text).and_then(|(upper, lower)| {
        let height = area.bottom - area.top;
        let middle = area.top + height.div_ceil(2);
        let upper = fit(font, &upper, Area { bottom: middle.saturating_sub(1), ..area })?;
        let lower = fit(font, &lower, Area { top: middle, ..area })?;
        Some((upper, lower))
    });
    match (one, two) {
        (Some(one), Some((upper, lower)))
            if one.height < READABLE && upper.height.min(lower.height) > one.height =>
        {
            vec![upper, lower]
        }
        (Some(one), _) => vec![one],
        (None, Some((upper, lower))) => vec![upper, lower],
        (None, None) => Vec::new(),
    }
}

/// Where a text that is too long for one row parts: in its middle.
fn split(text: &str) -> Option<(String, String)> {
    let count = text.chars().count();
    (count > 1).then(|| {
        let at = count.div_ceil(2);
        (text.chars().take(at).collect(), text.chars().skip(at).collect())
    })
}

/// One row of glyphs, each with its place on the base grid.
struct Row {
    glyphs: Vec<Placed>,
    height: u32,
    baseline: u32,
}

/// One glyph: its ink goes from `left` to `left + width`.
struct Placed {
    id: GlyphId,
    left: u32,
    width: u32,
    /// How far the ink may go above the digits and below them, in pixels.
    beyond: u32,
}

/// The largest row that fits, centred; `None` when nothing of the text can be drawn.
fn fit(font: &FontRef<'_>, text: &str, area: Area) -> Option<Row> {
    let room = area.right.checked_sub(area.left)?;
    let most = area.bottom.checked_sub(area.top)?;
    let inks = text.chars().map(|glyph| Ink::of(font, glyph)).collect::<Option<Vec<_>>>()?;
    (!inks.is_empty()).then_some(())?;
    // `digit` is the width of a digit's ink in whole pixels; the first that fits is the largest.
    (1..=room).rev().find_map(|digit| {
        let natural = digit as f32 / DIGIT_WIDTH * CAPITAL;
        let height = ((natural * TALLEST).floor() as u32).min(most);
        if (height as f32) * WIDEST < natural {
            return None;
        }
        let mut widths: Vec<u32> = inks.iter().map(|ink| ink.width(digit)).collect();
        let gaps = inks.len() as u32 - 1;
        // Signs and letters may give a column, so that three digits and a sign fit 22 pixels.
        let mut excess = (widths.iter().sum::<u32>() + gaps).saturating_sub(room);
        for (width, ink) in widths.iter_mut().zip(&inks) {
            if excess > 0 && ink.may_shrink && *width > 3 {
                *width -= 1;
                excess -= 1;
            }
        }
        let used = widths.iter().sum::<u32>() + gaps;
        if used > room {
            return None;
        }
        // Columns left over go to the digits one by one, so that a row fills its width.
        let mut spare = room - used;
        if height < most || natural * TALLEST < height as f32 + 1.0 {
            for (width, ink) in widths.iter_mut().zip(&inks).rev() {
                if spare > 0 && ink.is_wide && inks.len() > 2 {
                    *width += 1;
                    spare -= 1;
                }
            }
        }
        let mut left = area.left + spare / 2;
        let mut glyphs = Vec::new();
        let beyond = ((most - height) / 2).min(1);
        for (ink, width) in inks.iter().zip(&widths) {
            glyphs.push(Placed { id: ink.id, left, width: *width, beyond });
            left += width + 1;
        }
        let top = area.top + (most - height) / 2;
        Some(Row { glyphs, height, baseline: top + height })
    })
}

/// What the font says about one glyph.
struct Ink {
    id: GlyphId,
    units: f32,
    is_wide: bool,
    may_shrink: bool,
}

impl Ink {
    fn of(font: &FontRef<'_>, glyph: char) -> Option<Self> {
        let id = font.glyph_id(glyph);
        let bounds = font.outline(id)?.bounds;
        let units = bounds.max.x - bounds.min.x;
        Some(Self {
            id,
            units,
            is_wide: units > DIGIT_WIDTH * 0.9,
            may_shrink: !glyph.is_ascii_digit(),
        })
    }

    /// Whole pixels when a digit is `digit` pixels wide.
    fn width(&self, digit: u32) -> u32 {
        ((self.units / DIGIT_WIDTH * digit as f32).round() as u32).max(1)
    }
}

impl Row {
    fn draw(&self, font: &FontRef<'_>, mask: &mut Mask, zoom: f32) {
        let units_high = font.height_unscaled();
        for placed in &self.glyphs {
            let Some(outline) = font.outline(placed.id) else { continue };
            let bounds = outline.bounds;
            let across = placed.width as f32 * zoom / (bounds.max.x - bounds.min.x);
            let mut up = self.height as f32 * zoom / CAPITAL;
            let mut baseline = self.baseline as f32 * zoom;
            let (high, low) = (bounds.min.y.max(bounds.max.y), bounds.min.y.min(bounds.max.y));
            if high - low > CAPITAL * 1.05 && low < 0.0 {
                // `$` and `¢` reach beyond the digits, into what stands above and below: they
                // are pressed into the row.
                let beyond = placed.beyond as f32 * zoom;
                up = (self.height as f32 * zoom + 2.0 * beyond) / (high - low);
                baseline += beyond + low * up;
            }
            let scale = PxScale { x: across * units_high, y: up * units_high };
            let left = placed.left as f32 * zoom - bounds.min.x * across;
            let glyph: Glyph = placed.id.with_scale_and_position(scale, point(left, baseline));
            if let Some(outlined) = font.outline_glyph(glyph) {
                lay(&outlined, mask);
            }
        }
    }
}

fn lay(outlined: &OutlinedGlyph, mask: &mut Mask) {
    let corner = outlined.px_bounds().min;
    outlined.draw(|x, y, share| {
        mask.add(corner.x as i64 + i64::from(x), corner.y as i64 + i64::from(y), share);
    });
}
