//! Voids of a sheet, filled.
//!
//! ```text
//! rim: samples next to a void          what lies beneath covers them: the fill is its height plus δ, where δ at the rim
//!   ● ● ● ●                            is (our height − its height); a delta surface: no step at the rim
//!   ● ○ ○ ●   ○ void                   else: the height itself, interpolated from the rim
//!   ● ● ● ●
//! ```
//! Both interpolate the rim by push and pull (Gortler et al., "The Lumigraph", 1996): means over squares of 2, 4, … 256 samples,
//! and each void sample takes the finest ones around it, weighted, that have anything of the rim. The squares lie on the sheet's
//! own lattice and a block sees all those that it uses, so blocks join. Further than some 400 samples from any rim δ is 0, and
//! where nothing lies beneath the void stays one.

use glam::DVec3;

use super::error::ReliefError;
use super::layer::{Layer, SheetSample};
use super::raster::Reader;

/// Samples along a block, what is filled at once.
pub(super) const BLOCK: i64 = 1_024;
/// Samples around a block that it looks at.
const APRON: i64 = BLOCK / 2;
/// Halvings: squares of 2⁸ samples, whose neighbours still lie within the apron.
const LEVELS: usize = 8;
const SIDE: usize = (BLOCK + 2 * APRON) as usize;

/// Heights of what lies beneath.
pub(super) type Beneath<'a> = &'a mut dyn FnMut(&[DVec3]) -> Result<Vec<Option<f64>>, ReliefError>;

/// The heights of a block's voids, row by row: NaN where there is no void or no height. Empty when there is no void.
pub(super) fn fill_block(
    layer: &Layer,
    sheet: u32,
    block: [i64; 2],
    reader: &mut Reader<'_>,
    beneath: Beneath<'_>,
) -> Result<Vec<f32>, ReliefError> {
    let corner = block.map(|n| n * BLOCK - APRON);
    let window = layer.window(sheet, corner, SIDE, reader)?;
    let inner = APRON as usize..(APRON + BLOCK) as usize;
    let mut voids = Vec::new();
    for row in inner.clone() {
        let columns = &window[row * SIDE..][inner.clone()];
        let holes = columns.iter().enumerate().filter(|(_, h)| h.is_nan());
        voids.extend(holes.map(|(n, _)| [inner.start + n, row]));
    }
    if voids.is_empty() {
        return Ok(Vec::new());
    }
    let direction = |[x, y]: [usize; 2]| {
        let at = SheetSample {
            sheet,
            column: corner[0] + x as i64,
            row: corner[1] + y as i64,
        };
        // Off the map nobody has a height.
        layer.plane.direction(layer.place(at)).unwrap_or(DVec3::NAN)
    };
    let rim = rim_of(&window);
    let rim_directions: Vec<DVec3> = rim.iter().map(|at| direction(*at)).collect();
    let (mut heights, mut deltas) = (Pyramid::new(), Pyramid::new());
    for (at, below) in rim.iter().zip(beneath(&rim_directions)?) {
        let height_m = window[at[1] * SIDE + at[0]];
        heights.add(*at, height_m);
        if let Some(below_m) = below {
            deltas.add(*at, (f64::from(height_m) - below_m) as f32);
        }
    }
    heights.push();
    deltas.push();
    let void_directions: Vec<DVec3> = voids.iter().map(|at| direction(*at)).collect();
    let mut out = vec![f32::NAN; (BLOCK * BLOCK) as usize];
    for (at, below) in voids.iter().zip(beneath(&void_directions)?) {
        let filled = match below {
            Some(below_m) => {
                let (delta_m, weight) = deltas.pull(*at);
                below_m as f32 + delta_m * fade(weight)
            }
            None => match heights.pull(*at) {
                (height_m, weight) if weight > 0.0 => height_m,
                _ => f32::NAN,
            },
        };
        out[(at[1] - inner.start) * BLOCK as usize + at[0] - inner.start] = filled;
    }
    Ok(out)
}

/// How much of an offset counts by its weight: all of it but far from the rim, where it fades smoothly.
fn fade(weight: f32) -> f32 {
    let x = (2.0 * weight).min(1.0);
    x * x * (3.0 - 2.0 * x)
}

/// Samples that have a height and a void among their eight neighbours. Where there is no sample there is no void.
fn rim_of(window: &[f32]) -> Vec<[usize; 2]> {
    let mut rim = Vec::new();
    let voids = window.iter().enumerate().filter(|(_, h)| h.is_nan());
    for (n, _) in voids {
        let (x, y) = (n % SIDE, n / SIDE);
        for row in y.saturating_sub(1)..(y + 2).min(SIDE) {
            let columns = x.saturating_sub(1)..(x + 2).min(SIDE);
            let known = columns.filter(|column| window[row * SIDE + column].is_finite());
            rim.extend(known.map(|column| row * SIDE + column));
        }
    }
    rim.sort_unstable();
    rim.dedup();
    rim.into_iter().map(|n| [n % SIDE, n / SIDE]).collect()
}

/// Means over squares of 2ᵏ samples, and how many there are of: (sum of values, of weights) a square.
struct Pyramid {
    levels: [Vec<[f32; 2]>; LEVELS], // levels[k]: squares of 2^(k + 1) samples
}

impl Pyramid {
    fn new() -> Self {
        let levels = core::array::from_fn(|k| vec![[0.0; 2]; side_of(k) * side_of(k)]);
        Self { levels }
    }

    /// Adds a value to the finest square around a sample.
    fn add(&mut self, [x, y]: [usize; 2], value: f32) {
        let square = &mut self.levels[0][(y / 2) * side_of(0) + x / 2];
        *square = [square[0] + value, square[1] + 1.0];
    }

    /// Makes the coarser squares of the finer, and means with weights of at most 1 of the sums.
    fn push(&mut self) {
        let limited = |[sum, count]: [f32; 2]| match count > 0.0 {
            true => [sum / count, count.min(1.0)],
            false => [0.0; 2],
        };
        self.levels[0]
            .iter_mut()
            .for_each(|square| *square = limited(*square));
        for k in 1..LEVELS {
            let (finer, coarser) = self.levels.split_at_mut(k);
            let (finer, side) = (&finer[k - 1], side_of(k));
            for (n, square) in coarser[0].iter_mut().enumerate() {
                let at = (n / side) * 2 * (2 * side) + (n % side) * 2;
                let mut sum = [0.0; 2];
                for [value, weight] in
                    [at, at + 1, at + 2 * side, at + 2 * side + 1].map(|n| finer[n])
                {
                    sum = [sum[0] + value * weight, sum[1] + weight];
                }
                *square = limited(sum);
            }
        }
    }

    /// The value at a sample, and its weight: about 1 where the rim is near, 0 where there is none within reach.
    fn pull(&self, at: [usize; 2]) -> (f32, f32) {
        let (mut sum, mut total, mut left) = (0.0, 0.0, 1.0);
        for k in 0..LEVELS {
            let [value, weight] = self.around(k, at);
            sum += left * value;
            total += left * weight;
            left *= 1.0 - weight;
            if left <= 0.0 {
                break;
            }
        }
        (if total > 0.0 { sum / total } else { 0.0 }, total)
    }

    /// The bilinear mean of the four squares around a sample: value times weight, and weight.
    fn around(&self, k: usize, at: [usize; 2]) -> [f32; 2] {
        let (width, side) = (f32::from(2u16 << k), side_of(k));
        let [x, y] = at.map(|n| (n as f32 + 0.5) / width - 0.5);
        let (column, row) = (x.floor(), y.floor());
        let (fx, fy) = (x - column, y - row);
        let mut sum = [0.0; 2];
        for (dx, dy, weight) in [
            (0, 0, (1.0 - fx) * (1.0 - fy)),
            (1, 0, fx * (1.0 - fy)),
            (0, 1, (1.0 - fx) * fy),
            (1, 1, fx * fy),
        ] {
            let at = [column as i64 + dx, row as i64 + dy];
            if at.iter().all(|n| (0..side as i64).contains(n)) {
                let [value, of] = self.levels[k][at[1] as usize * side + at[0] as usize];
                sum = [sum[0] + weight * of * value, sum[1] + weight * of];
            }
        }
        sum
    }
}

/// Squares along the window, of 2^(k + 1) samples each.
fn side_of(k: usize) -> usize {
    SIDE >> (k + 1)
}
