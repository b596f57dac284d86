//! A sheet of pixels that words and bars are laid on, with soft edges.

use ab_glyph::{Font, FontRef, ScaleFont, point};

/// A colour: red, green, blue.
pub use crate::faces::tray::icon::Rgb;

/// Roboto Condensed, cut down to plain English and the signs of an amount (see `assets/font`).
const BOLD: &[u8] = include_bytes!("../../../../assets/font/RobotoCondensed-Bold-text.ttf");
const REGULAR: &[u8] = include_bytes!("../../../../assets/font/RobotoCondensed-Regular-text.ttf");

/// Which of the two fonts.
#[derive(Clone, Copy)]
pub enum Face {
    /// For figures.
    Bold,
    /// For words.
    Regular,
}

/// Where a line of text stands.
#[derive(Clone, Copy)]
pub struct Place {
    /// Of its left end, its right end or its middle.
    pub x: f32,
    /// What its letters stand on.
    pub baseline: f32,
    /// Which of them.
    pub align: Align,
}

/// What `x` is of a line of text.
#[derive(Clone, Copy)]
pub enum Align {
    /// Its left end.
    Left,
    /// Its right end.
    Right,
    /// Its middle.
    Middle,
}

impl Place {
    /// Begins at `x`.
    pub fn left(x: f32, baseline: f32) -> Self {
        Self { x, baseline, align: Align::Left }
    }

    /// Ends at `x`.
    pub fn right(x: f32, baseline: f32) -> Self {
        Self { x, baseline, align: Align::Right }
    }
}

/// Pixels without alpha.
pub struct Sheet {
    width: u32,
    height: u32,
    /// Red, green, blue, row by row.
    pixels: Vec<u8>,
}

impl Sheet {
    /// All of one colour.
    pub fn filled(width: u32, height: u32, colour: Rgb) -> Self {
        let pixels = colour.repeat((width * height) as usize);
        Self { width, height, pixels }
    }

    /// Red, green, blue, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Lays a share of a colour over a pixel; what lies outside is dropped.
    fn lay(&mut self, x: i64, y: i64, colour: Rgb, share: f32) {
        if x < 0 || y < 0 || x >= i64::from(self.width) || y >= i64::from(self.height) {
            return;
        }
        let at = ((y * i64::from(self.width) + x) * 3) as usize;
        for (channel, new) in self.pixels[at..at + 3].iter_mut().zip(colour) {
            let mixed = f32::from(new) * share + f32::from(*channel) * (1.0 - share);
            *channel = mixed.round().clamp(0.0, 255.0) as u8;
        }
    }

    /// A line one pixel high.
    pub fn line(&mut self, left: f32, right: f32, y: f32, colour: Rgb) {
        for x in left.round() as i64..right.round() as i64 {
            self.lay(x, y.round() as i64, colour, 1.0);
        }
    }

    /// A bar with round corners, from its left top.
    pub fn bar(&mut self, (left, top): (f32, f32), (width, height): (f32, f32), colour: Rgb) {
        let radius = 4.0_f32.min(width / 2.0).min(height / 2.0);
        let (middle_x, middle_y) = (left + width / 2.0, top + height / 2.0);
        for y in top.floor() as i64..=(top + height).ceil() as i64 {
            for x in left.floor() as i64..=(left + width).ceil() as i64 {
                // How far the pixel's middle is outside of the bar without its corners.
                let beyond = |at: i64, middle: f32, length: f32| {
                    ((at as f32 + 0.5 - middle).abs() - (length / 2.0 - radius)).max(0.0)
                };
                let distance = beyond(x, middle_x, width).hypot(beyond(y, middle_y, height));
                let share = (radius + 0.5 - distance).clamp(0.0, 1.0);
                if share > 0.0 {
                    self.lay(x, y, colour, share);
                }
            }
        }
    }

    /// Writes a line of text and gives its width. `size` is that of its em. Letters that the font
    /// does not have become a question mark.
    pub fn text(&mut self, face: Face, size: f32, colour: Rgb, text: &str, place: Place) -> f32 {
        let Some(font) = font(face) else { return 0.0 };
        let width = wide(&font, size, text);
        let mut x = match place.align {
            Align::Left => place.x,
            Align::Right => place.x - width,
            Align::Middle => place.x - width / 2.0,
        };
        let scaled = font.as_scaled(scale(&font, size));
        let mut before = None;
        for letter in text.chars() {
            let id = glyph(&font, letter);
            x += before.map_or(0.0, |before| scaled.kern(before, id));
            let placed = id.with_scale_and_position(scaled.scale(), point(x, place.baseline));
            if let Some(outline) = font.outline_glyph(placed) {
                let corner = outline.px_bounds().min;
                outline.draw(|right, down, share| {
                    let (x, y) =
                        (corner.x as i64 + i64::from(right), corner.y as i64 + i64::from(down));
                    self.lay(x, y, colour, share.clamp(0.0, 1.0));
                });
            }
            x += scaled.h_advance(id);
            before = Some(id);
        }
        width
    }

    /// The largest size up to `size` at which a text is no wider than `room`.
    pub fn fitting(&self, face: Face, size: f32, text: &str, room: f32) -> f32 {
        let width = font(face).map_or(0.0, |font| wide(&font, size, text));
        if width <= room { size } else { size * room / width }
    }

    /// A text that is cut where it is too wide, which three dots say.
    pub fn cut(&self, face: Face, size: f32, text: &str, room: f32) -> String {
        let Some(font) = font(face) else { return String::new() };
        if wide(&font, size, text) <= room {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let cut: String = kept.iter().collect::<String>() + "…";
            if wide(&font, size, &cut) <= room {
                return cut;
            }
        }
        String::new()
    }
}

/// The fonts are part of the program, and a test loads them.
fn font(face: Face) -> Option<FontRef<'static>> {
    let bytes = match face {
        Face::Bold => BOLD,
        Face::Regular => REGULAR,
    };
    FontRef::try_from_slice(bytes).ok()
}

fn glyph(font: &FontRef<'_>, letter: char) -> ab_glyph::GlyphId {
    let id = font.glyph_id(letter);
    if id.0 == 0 { font.glyph_id('?') } else { id }
}

/// The library's scale is that of ascent and descent together, not of the em.
fn scale(font: &FontRef<'_>, size: f32) -> f32 {
    let em = font.units_per_em().unwrap_or(2048.0);
    size * font.height_unscaled() / em
}

fn wide(font: &FontRef<'_>, size: f32, text: &str) -> f32 {
    let scaled = font.as_scaled(scale(font, size));
    let mut before = None;
    text.chars().fold(0.0, |width, letter| {
        let id = glyph(font, letter);
        let kern = before.map_or(0.0, |before| scaled.kern(before, id));
        before = Some(id);
        width + kern + scaled.h_advance(id)
    })
}
