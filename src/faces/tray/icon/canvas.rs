//! A square of pixels that layers of colour are laid on.

/// A colour without alpha: red, green, blue.
pub type Rgb = [u8; 3];

/// How much of each pixel a shape covers, 0 to 1, row by row.
#[derive(Clone)]
pub struct Mask {
    /// Width and height in pixels.
    pub size: usize,
    /// `size * size` shares.
    pub cover: Vec<f32>,
}

impl Mask {
    /// Nothing covered.
    pub fn empty(size: usize) -> Self {
        Self { size, cover: vec![0.0; size * size] }
    }

    /// Adds `share` to one pixel; what lies outside is dropped.
    pub fn add(&mut self, x: i64, y: i64, share: f32) {
        let size = self.size as i64;
        if (0..size).contains(&x) && (0..size).contains(&y) {
            let pixel = &mut self.cover[(y * size + x) as usize];
            *pixel = (*pixel + share).clamp(0.0, 1.0);
        }
    }

    /// Covers whole pixels of `[left, right) x [top, bottom)`.
    pub fn rectangle(&mut self, left: f32, top: f32, right: f32, bottom: f32) {
        for y in 0..self.size {
            for x in 0..self.size {
                let inside = |low: f32, high: f32, at: usize| {
                    (high.min(at as f32 + 1.0) - low.max(at as f32)).clamp(0.0, 1.0)
                };
                let share = inside(left, right, x) * inside(top, bottom, y);
                if share > 0.0 {
                    self.add(x as i64, y as i64, share);
                }
            }
        }
    }

    /// Covers a disc, with a soft rim one pixel wide.
    pub fn disc(&mut self, centre_x: f32, centre_y: f32, radius: f32) {
        for y in 0..self.size {
            for x in 0..self.size {
                let distance = (x as f32 + 0.5 - centre_x).hypot(y as f32 + 0.5 - centre_y);
                let share = (radius + 0.5 - distance).clamp(0.0, 1.0);
                if share > 0.0 {
                    self.add(x as i64, y as i64, share);
                }
            }
        }
    }

    /// Takes away what `other` covers.
    pub fn cut(&mut self, other: &Self) {
        for (cover, cut) in self.cover.iter_mut().zip(&other.cover) {
            *cover *= 1.0 - cut;
        }
    }

    /// The same shape, wider by `radius` pixels on every side.
    pub fn grown(&self, radius: f32) -> Self {
        let reach = radius.ceil() as i64;
        let mut out = Self::empty(self.size);
        for y in 0..self.size as i64 {
            for x in 0..self.size as i64 {
                let share = self.cover[(y * self.size as i64 + x) as usize];
                if share == 0.0 {
                    continue;
                }
                for step_y in -reach..=reach {
                    for step_x in -reach..=reach {
                        let distance = (step_x as f32).hypot(step_y as f32);
                        let near = share * (radius + 1.0 - distance).clamp(0.0, 1.0);
                        out.raise(x + step_x, y + step_y, near);
                    }
                }
            }
        }
        out
    }

    fn raise(&mut self, x: i64, y: i64, share: f32) {
        let size = self.size as i64;
        if (0..size).contains(&x) && (0..size).contains(&y) {
            let pixel = &mut self.cover[(y * size + x) as usize];
            *pixel = pixel.max(share);
        }
    }
}

/// Pixels with alpha, not yet rounded to bytes.
pub struct Canvas {
    size: usize,
    /// Red, green, blue (each times alpha) and alpha, 0 to 1.
    pixels: Vec<[f32; 4]>,
}

impl Canvas {
    /// Fully transparent.
    pub fn transparent(size: usize) -> Self {
        Self { size, pixels: vec![[0.0; 4]; size * size] }
    }

    /// Lays `colour` over what is there, where `mask` covers, at `opacity`.
    pub fn paint(&mut self, mask: &Mask, colour: Rgb, opacity: f32) {
        for (pixel, cover) in self.pixels.iter_mut().zip(&mask.cover) {
            let alpha = cover * opacity;
            for (channel, value) in pixel.iter_mut().zip([
                f32::from(colour[0]) / 255.0,
                f32::from(colour[1]) / 255.0,
                f32::from(colour[2]) / 255.0,
                1.0,
            ]) {
                *channel = value * alpha + *channel * (1.0 - alpha);
            }
        }
    }

    /// Straight (not premultiplied) bytes: red, green, blue, alpha, row by row.
    pub fn into_rgba(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size * self.size * 4);
        for [red, green, blue, alpha] in self.pixels {
            let straight = |channel: f32| if alpha > 0.0 { channel / alpha } else { 0.0 };
            let byte = |share: f32| (share.clamp(0.0, 1.0) * 255.0).round() as u8;
            bytes.extend([
                byte(straight(red)),
                byte(straight(green)),
                byte(straight(blue)),
                byte(alpha),
            ]);
        }
        bytes
    }
}
