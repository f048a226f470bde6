//! From directions to latitudes and longitudes.

use super::lanes::{Float, Lanes};
use super::source::{Source, Xyz};
use super::trigonometry::atan2;
use super::{Kernel, run};
use crate::simd::SimdLevel;

/// Latitudes and longitudes of directions, radians, with the bits of [`Planet::geodetic`](crate::Planet::geodetic).
///
/// # Panics
/// When the slices differ in length.
pub(crate) fn lat_lon_rad(level: SimdLevel, axes: [&[f64]; 3], angles: [&mut [f64]; 2]) {
    let count = axes[0].len();
    assert!(
        axes.iter().all(|axis| axis.len() == count),
        "lengths differ"
    );
    assert!(
        angles.iter().all(|angle| angle.len() == count),
        "lengths differ"
    );
    run(
        level,
        &mut LatLons {
            directions: Xyz(axes),
            angles,
        },
    );
}

struct LatLons<'a> {
    directions: Xyz<'a>,
    angles: [&'a mut [f64]; 2], // of the same length
}

impl Kernel for LatLons<'_> {
    fn count(&self) -> usize {
        self.directions.count()
    }

    #[inline(always)]
    fn single(&mut self, at: usize) {
        let [x, y, z] = self.directions.direction(at).to_array();
        let lat_lon = [libm::atan2(z, (x * x + y * y).sqrt()), libm::atan2(y, x)];
        for (angles, angle) in self.angles.iter_mut().zip(lat_lon) {
            angles[at] = angle;
        }
    }

    #[inline(always)]
    fn block<L: Lanes>(&mut self, l: L, at: usize) {
        for n in 0..2 {
            let at = at + n * L::COUNT;
            let [x, y, z] = self.directions.directions(l, at);
            let [lat, lon] = &mut self.angles;
            l.store(atan2(l, z, (x * x + y * y).sqrt()), &mut lat[at..]);
            l.store(atan2(l, y, x), &mut lon[at..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ecef, Planet};

    #[test]
    fn every_level_has_the_bits_of_the_planets_own() {
        let mut numbers = (1u64..).map(|k| {
            let bits = k.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
            bits as f64 / (1u64 << 52) as f64 - 1.0
        });
        let mut next = || numbers.next().unwrap();
        let mut axes = [0, 1, 2].map(|_| (0..1_003).map(|_| next()).collect::<Vec<f64>>());
        // A fifth on axes, on the antimeridian and at poles.
        for at in (0..1_003).step_by(5) {
            let place = [
                [-1.0, 0.0, 0.3],
                [-1.0, -0.0, 0.3],
                [0.0, 0.0, 1.0],
                [1e-300, 0.0, -1.0],
                [1.0, 1.0, 0.0],
            ][at / 5 % 5];
            (0..3).for_each(|axis| axes[axis][at] = place[axis]);
        }
        let axes = axes.each_ref().map(Vec::as_slice);
        for level in SimdLevel::available() {
            let (mut lat, mut lon) = (vec![0.0; 1_003], vec![0.0; 1_003]);
            lat_lon_rad(level, axes, [&mut lat, &mut lon]);
            for at in 0..1_003 {
                let place = Ecef::new(axes[0][at], axes[1][at], axes[2][at]).unwrap();
                let want = Planet::EARTH.geodetic(place);
                assert_eq!(lat[at].to_bits(), want.lat_rad().to_bits(), "{place:?}");
                assert_eq!(lon[at].to_bits(), want.lon_rad().to_bits(), "{place:?}");
            }
        }
    }
}
