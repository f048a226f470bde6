//! Pictures: heights in Terrarium's colours, and PNGs.
//!
//! ```text
//! Terrarium   height = 256 R + G + B / 256 − 32,768 m        black: no height
//! ```

use super::MapRaster;
use crate::terrain::LatticeSpec;

/// Steps of Terrarium a metre.
const STEPS_PER_M: u32 = 256;

impl MapRaster {
    /// The heights in Terrarium's colours, 3 bytes a pixel.
    ///
    /// A height is rounded to a metre, or where the planet's own quantum is finer to the largest half, quarter … 256th of a metre
    /// that is not above it: of heights in whole metres the blue channel is 0, which is what makes the picture small. Heights
    /// beyond what the colours hold (1/256 m above −32,768 to 32,768 m) are the nearest that they do; pixels without one are black.
    pub fn terrarium(&self, lattice: &LatticeSpec) -> Vec<u8> {
        let step = terrarium_step(lattice.quantum_m());
        let per_m = f64::from(STEPS_PER_M / step);
        let mut colours = vec![0; 3 * self.width() * self.height()];
        let rows = colours.chunks_exact_mut((3 * self.width()).max(1));
        for (row, colours) in rows.enumerate() {
            let pixels = colours.chunks_exact_mut(3).zip(self.row_m(row));
            for (colour, height_m) in pixels {
                // To an integer and not by `round`, which is a call. NaN becomes 0, black.
                let above = ((f64::from(*height_m) + 32_768.0) * per_m + 0.5) as u32;
                let code = match height_m.is_nan() {
                    true => 0,
                    false => above.saturating_mul(step).clamp(1, 0xff_ffff),
                };
                let [_, r, g, b] = code.to_be_bytes();
                (colour[0], colour[1], colour[2]) = (r, g, b);
            }
        }
        colours
    }
}

/// 256ths of a metre that heights are rounded to: a power of two.
fn terrarium_step(quantum_m: f64) -> u32 {
    let mut step = STEPS_PER_M;
    while step > 1 && f64::from(step) > quantum_m * f64::from(STEPS_PER_M) {
        step /= 2;
    }
    step
}

/// How much time compression of a picture may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effort {
    /// A millisecond or two for 512² pixels.
    Fast,
    /// Some ten times as long, for what is kept.
    Small,
}

/// A PNG of red, green and blue, or with opacity as well.
///
/// # Panics
/// When there are not 3 or 4 bytes a pixel, or no pixels: PNG has no empty pictures.
pub fn encode_png((width, height): (u32, u32), colours: &[u8], effort: Effort) -> Vec<u8> {
    let pixels = width as usize * height as usize;
    assert!(pixels > 0, "a PNG has pixels");
    assert!(
        colours.len() / 3 == pixels && colours.len().is_multiple_of(3)
            || colours.len() / 4 == pixels && colours.len().is_multiple_of(4),
        "{width} × {height} pixels of {} bytes",
        colours.len()
    );
    let mut bytes = Vec::with_capacity(colours.len() / 2);
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(match colours.len() == 3 * pixels {
        true => png::ColorType::Rgb,
        false => png::ColorType::Rgba,
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(match effort {
        Effort::Fast => png::Compression::Fastest,
        Effort::Small => png::Compression::Balanced,
    });
    let written = encoder.write_header().and_then(|mut writer| {
        writer
            .write_image_data(colours)
            .and_then(|()| writer.finish())
    });
    written.expect("memory takes what the header says");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_no_coarser_than_quanta() {
        for (quantum_m, step) in [
            (1.0, 256),
            (2.5, 256),
            (0.5, 128),
            (0.1, 16),
            (0.25, 64),
            (0.001, 1),
        ] {
            assert_eq!(terrarium_step(quantum_m), step, "{quantum_m}");
        }
    }
}
