//! The colours of the ground: what grows there, how high it is, how deep the water.
//!
//! ```text
//! land   a table over the sine of latitude and height: the biome's colour, a little of the height's; borders of biomes are soft
//! sea    by depth, paler where it is frozen
//! ```

use std::sync::OnceLock;

use crate::ground::Biome;

/// (height in metres, sRGB).
type Stop = (f32, [f32; 3]);

const SEA: [Stop; 7] = [
    (-11_000.0, [4.0, 14.0, 38.0]),
    (-6_500.0, [9.0, 33.0, 76.0]),
    (-4_500.0, [16.0, 54.0, 108.0]),
    (-2_800.0, [28.0, 82.0, 140.0]),
    (-1_000.0, [52.0, 120.0, 172.0]),
    (-150.0, [102.0, 168.0, 202.0]),
    (0.0, [154.0, 206.0, 218.0]),
];

const LAND: [Stop; 8] = [
    (0.0, [84.0, 128.0, 80.0]),
    (150.0, [108.0, 146.0, 86.0]),
    (400.0, [154.0, 170.0, 104.0]),
    (900.0, [198.0, 186.0, 130.0]),
    (1_700.0, [182.0, 146.0, 104.0]),
    (3_000.0, [146.0, 110.0, 88.0]),
    (4_500.0, [150.0, 132.0, 122.0]),
    (6_500.0, [214.0, 206.0, 200.0]),
];

const SNOW: [f32; 3] = [244.0, 247.0, 251.0];
const SEA_ICE: [f32; 3] = [214.0, 230.0, 238.0];

/// How much of the land's colour is that of its height.
const OF_HEIGHT: f32 = 0.35;
/// How much of frozen sea is ice; the rest is seen through it.
const OF_SEA_ICE: f32 = 0.4;

/// Rows of the tables: the sine of the latitude north or south.
const SINES: usize = 256;
/// Columns: heights from 0 to 9,000 m, or depths to 11,000 m.
const HEIGHTS: usize = 512;
const LAND_MAX_M: f32 = 9_000.0;
const SEA_MAX_M: f32 = 11_000.0;
/// Columns to either side over which a border of biomes is spread.
const SOFT_HEIGHTS: usize = 12;

/// sRGB, and nothing.
type Colour = [u8; 4];

/// The colours of all grounds; made once.
pub(super) struct Palette {
    colours: Vec<Colour>, // of the land row by row, then of the sea
}

impl Palette {
    pub(super) fn get() -> &'static Self {
        static PALETTE: OnceLock<Palette> = OnceLock::new();
        PALETTE.get_or_init(Self::new)
    }

    fn new() -> Self {
        let mut colours = table(LAND_MAX_M, soft_land_sines, land);
        colours.extend(table(-SEA_MAX_M, soft_sea_sines, sea));
        Self { colours }
    }

    /// The number of the colour of a height at the sine of a latitude; those of NaN are those of 0.
    #[inline(always)]
    pub(super) fn number(sin_lat: f32, height_m: f32) -> u32 {
        let is_sea = height_m < 0.0;
        let (first, per_m) = match is_sea {
            true => ((SINES * HEIGHTS) as u32, -(HEIGHTS as f32) / SEA_MAX_M),
            false => (0, HEIGHTS as f32 / LAND_MAX_M),
        };
        let row = whole(sin_lat.abs() * SINES as f32 - 0.5, SINES as f32 - 1.0);
        let column = whole(height_m * per_m - 0.5, HEIGHTS as f32 - 1.0);
        first + row * HEIGHTS as u32 + column
    }

    /// The colour with a number, on level ground.
    #[inline(always)]
    pub(super) fn colour(&self, number: u32) -> [u8; 3] {
        let [r, g, b, _] = self.colours[number as usize];
        [r, g, b]
    }
}

/// The nearest whole number from 0 to a greatest one below 2²²; 0 of NaN.
///
/// Floats from 2²³ to 2²⁴ are whole, and their low bits are the number: many at once, where a conversion that saturates is a few
/// branches each.
#[inline(always)]
pub(super) fn whole(x: f32, greatest: f32) -> u32 {
    let x = if x > 0.0 { x } else { 0.0 };
    let x = if x < greatest { x } else { greatest };
    (x + 8_388_608.0).to_bits() & 0x7f_ffff
}

/// A table of the colours of biomes at sines of latitudes and heights, its biomes' borders made soft.
fn table(
    max_m: f32,
    soft_sines: fn(usize) -> usize,
    colour: fn(Biome, f32, f32) -> [f32; 3],
) -> Vec<Colour> {
    let middle = |n: usize, count: usize| (n as f32 + 0.5) / count as f32;
    let all = (0..SINES).flat_map(|row| (0..HEIGHTS).map(move |column| (row, column)));
    let sharp = all.map(|(row, column)| {
        let (sine, height_m) = (middle(row, SINES), max_m * middle(column, HEIGHTS));
        let biome = Biome::at(f64::from(sine), f64::from(height_m));
        colour(biome, sine, height_m)
    });
    let along = soft(
        &sharp.collect::<Vec<_>>(),
        (HEIGHTS, SINES),
        (1, |_| SOFT_HEIGHTS),
    );
    let both = soft(&along, (SINES, HEIGHTS), (HEIGHTS, soft_sines));
    let rounded = |[r, g, b]: [f32; 3]| [r, g, b, 0.0].map(|c| (c + 0.5) as u8);
    both.into_iter().map(rounded).collect()
}

/// Rows to either side over which a border of the land's biomes is spread: 4° of latitude at the equator, 3° at 45°.
fn soft_land_sines(row: usize) -> usize {
    4 + (SINES - row) / 16
}

/// Ice on the sea has no edge: from 50° to 72° of latitude there is more and more of it.
fn soft_sea_sines(_: usize) -> usize {
    24
}

/// Means over so many neighbours to either side, along one of two axes: its length and the other's, how far apart
/// neighbours are in memory and how many of them count at a place. Beyond the ends nothing counts.
fn soft(
    colours: &[[f32; 3]],
    (length, lines): (usize, usize),
    (stride, reach): (usize, fn(usize) -> usize),
) -> Vec<[f32; 3]> {
    let mut means = colours.to_vec();
    let line_stride = if stride == 1 { length } else { 1 };
    for line in 0..lines {
        let at = |n: usize| line * line_stride + n * stride;
        for n in 0..length {
            let near = n.saturating_sub(reach(n))..(n + reach(n) + 1).min(length);
            let count = near.len() as f32;
            let sum = near.fold([0.0; 3], |sum, k| {
                let colour = colours[at(k)];
                [0, 1, 2].map(|c| sum[c] + colour[c])
            });
            means[at(n)] = sum.map(|c| c / count);
        }
    }
    means
}

fn land(biome: Biome, sine: f32, height_m: f32) -> [f32; 3] {
    let bare = ramp(&LAND, height_m);
    let grown = match biome {
        Biome::Sea | Biome::SeaIce | Biome::Ice => {
            return mix(bare, SNOW, snow_cover(sine, height_m));
        }
        Biome::Tundra => [166.0, 160.0, 136.0],
        Biome::BorealForest => [88.0, 122.0, 90.0],
        Biome::TemperateForest => [116.0, 156.0, 90.0],
        Biome::Shrubland => [172.0, 170.0, 108.0],
        Biome::Desert => [226.0, 202.0, 148.0],
        Biome::Savanna => [178.0, 180.0, 100.0],
        Biome::Rainforest => [66.0, 128.0, 66.0],
    };
    mix(grown, bare, OF_HEIGHT)
}

/// How much of cold ground is white, 0 to 1: above a snow line that falls from 6,000 m at the equator to the sea at 66°.
fn snow_cover(sine: f32, height_m: f32) -> f32 {
    let polar = libm::asinf(sine).to_degrees() / 66.0;
    let line_m = 6_000.0 * (1.0 - polar * polar * polar);
    let above = ((height_m - line_m + 250.0) / 900.0).clamp(0.0, 1.0);
    above * above * (3.0 - 2.0 * above)
}

fn sea(biome: Biome, _: f32, height_m: f32) -> [f32; 3] {
    let water = ramp(&SEA, height_m);
    match biome {
        Biome::SeaIce => mix(water, SEA_ICE, OF_SEA_ICE),
        _ => water,
    }
}

fn ramp(stops: &[Stop], height_m: f32) -> [f32; 3] {
    let above = stops.partition_point(|(h, _)| *h <= height_m);
    match (above.checked_sub(1).map(|n| stops[n]), stops.get(above)) {
        (Some((low, a)), Some((high, b))) => mix(a, *b, (height_m - low) / (high - low)),
        (Some((_, a)), None) => a,
        (None, _) => stops[0].1,
    }
}

fn mix(a: [f32; 3], b: [f32; 3], of_b: f32) -> [f32; 3] {
    [0, 1, 2].map(|n| a[n] + (b[n] - a[n]) * of_b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_are_continuous_and_bounded() {
        for k in -12_000i16..9_000 {
            let (a, b) = (f32::from(k), f32::from(k) + 1.0);
            for stops in [&SEA[..], &LAND[..]] {
                let (a, b) = (ramp(stops, a), ramp(stops, b));
                assert!((0..3).all(|n| (a[n] - b[n]).abs() < 1.0));
            }
        }
        assert_eq!(ramp(&LAND, 0.0), LAND[0].1);
        assert_eq!(ramp(&LAND, 9_999.0), LAND[7].1);
    }

    #[test]
    fn neighbours_in_the_tables_are_alike() {
        let palette = Palette::get();
        for table in palette.colours.chunks(SINES * HEIGHTS) {
            for (n, colour) in table.iter().enumerate() {
                let beside = [n + 1, n + HEIGHTS];
                for other in beside
                    .into_iter()
                    .filter(|m| m % HEIGHTS != 0)
                    .filter_map(|m| table.get(m))
                {
                    assert!((0..3).all(|c| colour[c].abs_diff(other[c]) < 16), "{n}");
                }
            }
        }
    }

    #[test]
    fn what_grows_is_seen() {
        let palette = Palette::get();
        let colour = |sine: f32, height_m: f32| {
            palette
                .colour(Palette::number(sine, height_m))
                .map(f32::from)
        };
        let [r, g, b] = colour(0.05, 100.0);
        assert!(g > 1.3 * r && g > 1.3 * b, "rainforest");
        let [r, _, b] = colour(-0.4, 400.0);
        assert!(r > 1.3 * b, "desert");
        assert!(colour(-0.99, 2_500.0).iter().all(|c| *c > 240.0), "ice");
        let [r, _, b] = colour(0.1, -4_000.0);
        assert!(b > 3.0 * r, "sea");
        assert!(colour(0.95, -4_000.0)[0] > 2.0 * r, "frozen sea");
        assert_eq!(
            Palette::number(f32::NAN, 20_000.0),
            Palette::number(0.0, 8_999.0)
        );
        assert_eq!(Palette::number(-0.5, f32::NAN), Palette::number(0.5, 0.0));
        for k in 0..=1_000u32 {
            assert_eq!(whole(k as f32, 900.0), k.min(900));
            assert_eq!(whole(k as f32 + 0.4, 900.0), k.min(900));
        }
    }
}
