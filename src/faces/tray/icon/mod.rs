//! The icon's pixels: a figure one can read, a bar for the budget, and the state by shape and
//! colour. Pure: the same input gives the same bytes.

mod canvas;
mod figure;

use canvas::{Canvas, Mask};
use figure::Area;

pub use canvas::Rgb;

use crate::board::State;

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IconInput {
    /// The figure, as [`crate::board::wording::icon_amount`] writes it.
    pub text: String,
    /// State of the icon.
    pub state: State,
    /// Used share of the leading budget in thousandths; `None` when there is no budget.
    pub share_permille: Option<i128>,
    /// What it stands on.
    pub ground: Ground,
    /// Width and height in pixels; taken as 16 when less, as 256 when more.
    pub size_px: u32,
    /// A pretend world is shown: the icon says so.
    pub demo: bool,
}

/// What the icon stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// A dark panel: white digits.
    Dark,
    /// A light panel: near-black digits.
    Light,
    /// The system does not tell: white digits with a thin dark outline, readable on both.
    Unknown,
}

/// A finished picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Red, green, blue, alpha (straight), row by row.
    pub rgba: Vec<u8>,
}

/// Draws the icon.
pub fn draw(input: &IconInput) -> Pixels {
    let grid = Grid::of(input.size_px);
    let layout = Layout::of(input, grid);
    let palette = Palette::of(input.ground);
    let mut digits = grid.mask();
    figure::write(&mut digits, &input.text, layout.figure, grid.zoom);
    let marks = Marks::of(input, grid, &layout);

    let mut canvas = Canvas::transparent(grid.pixels());
    if input.ground == Ground::Unknown {
        let mut all = digits.clone();
        for mask in [&marks.track, &marks.fill, &marks.plain, &marks.dot, &marks.demo] {
            for (cover, other) in all.cover.iter_mut().zip(&mask.cover) {
                *cover = cover.max(*other);
            }
        }
        let mut rim = all.grown(grid.zoom as f32);
        rim.cut(&marks.notch);
        canvas.paint(&rim, palette.outline, 0.92);
    }
    let faded = matches!(input.state, State::Stale | State::Paused);
    canvas.paint(&digits, palette.digits, if faded { 0.55 } else { 1.0 });
    canvas.paint(&marks.track, palette.digits, 0.3);
    canvas.paint(&marks.fill, palette.bar(input.state), if faded { 0.55 } else { 1.0 });
    canvas.paint(&marks.plain, palette.digits, 1.0);
    canvas.paint(&marks.dot, palette.red, 1.0);
    canvas.paint(&marks.demo, palette.digits, 0.75);
    let side = grid.side * grid.zoom;
    Pixels { width: side, height: side, rgba: canvas.into_rgba() }
}

/// The base grid: everything is placed on its whole pixels, and a picture of twice the size is
/// the same drawing with finer edges. So 44 px looks right at 44 and, halved, at 22.
#[derive(Clone, Copy)]
struct Grid {
    side: u32,
    zoom: u32,
}

impl Grid {
    fn of(size_px: u32) -> Self {
        let size_px = size_px.clamp(16, 256);
        let zoom = if size_px >= 32 && size_px.is_multiple_of(2) { 2 } else { 1 };
        Self { side: size_px / zoom, zoom }
    }

    fn pixels(&self) -> usize {
        (self.side * self.zoom) as usize
    }

    fn mask(&self) -> Mask {
        Mask::empty(self.pixels())
    }

    fn rectangle(&self, mask: &mut Mask, area: Area) {
        let at = |base: u32| (base * self.zoom) as f32;
        mask.rectangle(at(area.left), at(area.top), at(area.right), at(area.bottom));
    }
}

/// Where things stand, from top to bottom: marks, figure, bar or strokes.
struct Layout {
    head: Option<Area>,
    figure: Area,
    foot: Option<Area>,
}

impl Layout {
    fn of(input: &IconInput, grid: Grid) -> Self {
        let side = grid.side;
        // An outline needs a pixel of its own around everything.
        let edge = u32::from(input.ground == Ground::Unknown);
        let (left, right) = (edge, side - edge);
        let head_height = (side / 4).max(4);
        let head = (input.demo || input.state == State::Error).then_some(Area {
            left,
            top: edge,
            right,
            bottom: edge + head_height,
        });
        let foot_height = match (input.state, input.share_permille) {
            (State::Paused, _) => Some((side / 3).max(5)),
            (State::Near | State::Over, _) | (_, Some(_)) => Some((side / 7).max(2)),
            _ => None,
        };
        let bottom = side - edge;
        let foot = foot_height.map(|height| Area { left, top: bottom - height, right, bottom });
        let figure = Area {
            left,
            top: head.map_or(edge, |head| head.bottom + 1),
            right,
            bottom: foot.map_or(bottom, |foot| foot.top - 1),
        };
        Self { head, figure, foot }
    }
}

/// Everything but the digits.
struct Marks {
    /// The whole length of the bar.
    track: Mask,
    /// The used share of it.
    fill: Mask,
    /// Strokes in the colour of the digits.
    plain: Mask,
    /// The dot of an error.
    dot: Mask,
    /// The word of the pretend world.
    demo: Mask,
    /// What is cut out of the bar.
    notch: Mask,
}

impl Marks {
    fn of(input: &IconInput, grid: Grid, layout: &Layout) -> Self {
        let mut marks = Self {
            track: grid.mask(),
            fill: grid.mask(),
            plain: grid.mask(),
            dot: grid.mask(),
            demo: grid.mask(),
            notch: grid.mask(),
        };
        if let Some(foot) = layout.foot {
            if input.state == State::Paused {
                marks.strokes(foot, grid);
            } else {
                marks.bar(input, foot, grid);
            }
        }
        if let Some(head) = layout.head {
            marks.head(input, head, grid);
        }
        marks
    }

    fn bar(&mut self, input: &IconInput, foot: Area, grid: Grid) {
        grid.rectangle(&mut self.track, foot);
        let length = foot.right - foot.left;
        let permille = match input.state {
            State::Over => 1000,
            _ => input.share_permille.unwrap_or(0).clamp(0, 1000) as u32,
        };
        // Any spend shows at least one pixel, and only a full budget fills the last one.
        let filled = match permille {
            0 => 0,
            1000 => length,
            part => (length * part / 1000).clamp(1, length - 1),
        };
        grid.rectangle(&mut self.fill, Area { right: foot.left + filled, ..foot });
        if input.state == State::Over {
            // The notch stands where the limit was passed; far beyond, it stays in sight.
            let share = input.share_permille.unwrap_or(1000).max(1000);
            let limit = (i128::from(length) * 1000 / share) as u32;
            let at = foot.left + limit.clamp(length / 2, length * 3 / 4);
            grid.rectangle(
                &mut self.notch,
                Area { left: at, right: at + (length / 10).max(1), ..foot },
            );
            self.fill.cut(&self.notch);
            self.track.cut(&self.notch);
        }
    }

    fn strokes(&mut self, foot: Area, grid: Grid) {
        let width = (grid.side / 7).max(2);
        let middle = (foot.left + foot.right) / 2;
        let gap = width.div_ceil(2);
        for left in [middle - gap - width + gap / 2, middle + gap / 2] {
            grid.rectangle(&mut self.plain, Area { left, right: left + width, ..foot });
        }
    }

    fn head(&mut self, input: &IconInput, head: Area, grid: Grid) {
        let height = head.bottom - head.top;
        if input.demo {
            figure::write(&mut self.demo, "DEMO", head, grid.zoom);
        }
        if input.state == State::Error {
            let zoom = grid.zoom as f32;
            let radius = height as f32 / 2.0;
            self.dot.disc(
                (head.right as f32 - radius) * zoom,
                (head.top as f32 + radius) * zoom,
                radius * zoom - 0.25,
            );
            self.demo.cut(&self.dot.grown(zoom));
        }
    }
}

/// Colours for one ground; each has a contrast of at least 3:1 on it.
struct Palette {
    digits: Rgb,
    amber: Rgb,
    red: Rgb,
    outline: Rgb,
}

impl Palette {
    fn of(ground: Ground) -> Self {
        match ground {
            Ground::Dark | Ground::Unknown => Self {
                digits: [255, 255, 255],
                amber: [255, 179, 0],
                red: [255, 82, 82],
                outline: [16, 16, 16],
            },
            Ground::Light => Self {
                digits: [26, 26, 26],
                amber: [184, 106, 0],
                red: [198, 40, 40],
                outline: [255, 255, 255],
            },
        }
    }

    fn bar(&self, state: State) -> Rgb {
        match state {
            State::Near => self.amber,
            State::Over => self.red,
            State::Calm | State::Stale | State::Error | State::Paused => self.digits,
        }
    }
}

#[cfg(test)]
mod tests;
