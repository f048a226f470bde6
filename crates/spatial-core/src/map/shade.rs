//! Light on the colours of the ground.

use super::MapRaster;
use super::palette::{Palette, whole};

/// Light's direction on the map: right, up, out of it; from the upper left, 40° high, as maps are drawn.
const LIGHT: [f32; 3] = [-0.5417, 0.5417, 0.6428];
/// Slopes are drawn this much steeper for a pixel of 20 km, less the smaller it is, and as they are from 78 m on: real ones would
/// not show.
const EXAGGERATION: f64 = 16.0;
const EXAGGERATED_PIXEL_M: f64 = 20_000.0;
/// The sea floor is seen through water: so much of its relief.
const UNDER_WATER: f32 = 0.5;
/// Pixels that are longer one way than by so much the other are taken for shorter: near a pole they crowd together, and the
/// shading would only be noise.
const NARROWEST: f64 = 0.17;

/// The slope that is drawn for a metre of height between the pixels to both sides of one, along columns and rows, of a pixel
/// of a size: rise over run, made steeper.
pub(super) fn slopes_per_m([across_m, down_m]: [f64; 2]) -> [f64; 2] {
    let pixel_m = (across_m * down_m).sqrt();
    let steeper = (EXAGGERATION * (pixel_m / EXAGGERATED_PIXEL_M).sqrt()).max(1.0);
    // A pixel by itself has no size; nothing is drawn of its slopes.
    let per_m = |long_m: f64, other_m: f64| match long_m.max(NARROWEST * other_m) {
        run_m if run_m > 0.0 => steeper / (2.0 * run_m),
        _ => 0.0,
    };
    [per_m(across_m, down_m), per_m(down_m, across_m)]
}

impl MapRaster {
    /// The ground's colours in light from the upper left, 3 bytes a pixel: those of its biome, or of the water's depth. Pixels
    /// without a height get the background's.
    pub fn shaded(&self, background: [u8; 3]) -> Vec<u8> {
        let palette = Palette::get();
        let mut colours = vec![0; 3 * self.width() * self.height()];
        let mut lit = vec![(0, 0); self.width()];
        let rows = colours.chunks_exact_mut((3 * self.width()).max(1));
        for (row, colours) in rows.enumerate() {
            self.light_row(row, &mut lit);
            let pixels = colours.chunks_exact_mut(3).zip(self.row_m(row));
            for ((to, height_m), (number, light)) in pixels.zip(&lit) {
                let base = palette.colour(*number);
                // At most 1.45 · 256 · 255 before it is cut, so nothing wraps.
                let lit = |c: u8| (u32::from(c).wrapping_mul(*light) >> 8).min(255) as u8;
                (to[0], to[1], to[2]) = match height_m.is_nan() {
                    true => background.into(),
                    false => (lit(base[0]), lit(base[1]), lit(base[2])),
                };
            }
        }
        colours
    }

    /// The numbers of the colours of a row's pixels, and how bright they are in 256ths.
    fn light_row(&self, row: usize, lit: &mut [(u32, u32)]) {
        let (inner, stride) = (self.inner(row), self.stride());
        let count = inner.len();
        let of = |first: usize| &self.heights_m[first..first + count];
        let (here, slopes) = (of(inner.start), &self.slopes_per_m[inner.clone()][..count]);
        let (left, right) = (of(inner.start - 1), of(inner.start + 1));
        let (above, below) = (of(inner.start - stride), of(inner.start + stride));
        let (sines, lit) = (&self.sines[inner][..count], &mut lit[..count]);
        for n in 0..count {
            let height_m = here[n];
            // Beyond the map it is level.
            let known = |h: f32| if h.is_nan() { height_m } else { h };
            let strength = if height_m < 0.0 { UNDER_WATER } else { 1.0 };
            let bright = brightness([
                strength * slopes[n][0] * (known(right[n]) - known(left[n])),
                strength * slopes[n][1] * (known(above[n]) - known(below[n])),
            ]);
            lit[n] = (
                Palette::number(sines[n], height_m),
                whole(256.0 * bright, 512.0),
            );
        }
    }
}

/// Brightness of a slope, rise over run to the right and up: 1 on level ground.
#[inline(always)]
fn brightness([right, up]: [f32; 2]) -> f32 {
    let lit = LIGHT[2] - right * LIGHT[0] - up * LIGHT[1];
    let lit = lit / (right * right + up * up + 1.0).sqrt();
    let lit = if lit > 0.0 { lit } else { 0.0 };
    let bright = 0.42 + 0.58 / LIGHT[2] * lit;
    if bright < 1.45 { bright } else { 1.45 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_comes_from_the_upper_left() {
        let flat = brightness([0.0, 0.0]);
        assert!((flat - 1.0).abs() < 1e-3);
        assert!(brightness([0.5, -0.5]) > flat, "a slope that faces it");
        assert!(brightness([-0.5, 0.5]) < flat);
        assert!(brightness([-9.0, 9.0]) < 0.5);
    }
}
