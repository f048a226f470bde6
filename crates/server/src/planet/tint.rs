//! Colours of a relief map: depth and height, snow, and light from the north-west.

/// Light's direction: east, north, up; from the north-west, 40° high.
const LIGHT: [f64; 3] = [-0.5417, 0.5417, 0.6428];

/// (height in metres, sRGB).
type Stop = (f64, [f64; 3]);

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

const SNOW: [f64; 3] = [244.0, 247.0, 251.0];

/// The colour of a place: its height and slopes (rise over run, eastwards and northwards), exaggerated as the
/// caller likes.
pub(super) fn colour(height_m: f64, lat_deg: f64, slopes: (f64, f64)) -> [f64; 3] {
    let is_sea = height_m < 0.0;
    let base = if is_sea {
        ramp(&SEA, height_m)
    } else {
        let snow = snow_cover(height_m, lat_deg);
        mix(ramp(&LAND, height_m), SNOW, snow)
    };
    // The sea floor is seen through water: half the relief.
    let light = shade(slopes, if is_sea { 0.5 } else { 1.0 });
    base.map(|c| (c * light).clamp(0.0, 255.0))
}

/// How much of the ground is white, 0 to 1: above a snow line that falls from 6,000 m at the equator to the sea,
/// at 66° in the south and at 77° in the drier north.
fn snow_cover(height_m: f64, lat_deg: f64) -> f64 {
    let at_sea_deg = if lat_deg < 0.0 { 66.0 } else { 77.0 };
    let polar = lat_deg.abs() / at_sea_deg;
    let line_m = 6_000.0 * (1.0 - polar * polar * polar);
    smooth((height_m - line_m + 250.0) / 900.0)
}

/// Brightness of a slope, 1 on flat ground.
fn shade((east, north): (f64, f64), strength: f64) -> f64 {
    let (x, y) = (-east * strength, -north * strength);
    let lit = (x * LIGHT[0] + y * LIGHT[1] + LIGHT[2]) / (x * x + y * y + 1.0).sqrt();
    (0.42 + 0.58 * lit.max(0.0) / LIGHT[2]).min(1.45)
}

fn ramp(stops: &[Stop], height_m: f64) -> [f64; 3] {
    let above = stops.partition_point(|(h, _)| *h <= height_m);
    match (above.checked_sub(1).map(|n| stops[n]), stops.get(above)) {
        (Some((low, a)), Some((high, b))) => mix(a, *b, (height_m - low) / (high - low)),
        (Some((_, a)), None) => a,
        (None, _) => stops[0].1,
    }
}

fn mix(a: [f64; 3], b: [f64; 3], of_b: f64) -> [f64; 3] {
    [0, 1, 2].map(|n| a[n] + (b[n] - a[n]) * of_b)
}

fn smooth(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_are_continuous_and_bounded() {
        for k in -12_000..9_000 {
            let (a, b) = (f64::from(k), f64::from(k) + 1.0);
            for stops in [&SEA[..], &LAND[..]] {
                let (a, b) = (ramp(stops, a), ramp(stops, b));
                assert!((0..3).all(|n| (a[n] - b[n]).abs() < 1.0));
            }
        }
        assert_eq!(ramp(&LAND, 0.0), LAND[0].1);
        assert_eq!(ramp(&LAND, 9_999.0), LAND[7].1);
    }

    #[test]
    fn light_comes_from_the_north_west() {
        let flat = shade((0.0, 0.0), 1.0);
        assert!((flat - 1.0).abs() < 1e-3);
        assert!(
            shade((0.5, -0.5), 1.0) > flat,
            "a slope that faces north-west"
        );
        assert!(shade((-0.5, 0.5), 1.0) < flat);
    }
}
