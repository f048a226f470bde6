//! Every level of instructions against the single calls, bit for bit.

use core::f64::consts::{FRAC_PI_2, PI};

use glam::DVec3;

use super::super::projection::{face_uv_to_direction, st_to_uv};
use super::super::{CellId, CellRange, LEAVES, MAX_LEVEL};
use super::centers::{store_centers, store_lat_lon};
use super::lanes::Lanes;
use super::source::{Degrees, LatLon, Radians, Source, Xyz};
use super::{Kernel, grid, leaves, run};
use crate::planet::{Ecef, Geodetic};
use crate::simd::SimdLevel;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Seeded(u64);

impl Seeded {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn signed(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.bits() % choices.len() as u64) as usize]
    }

    /// Up to three steps to the next numbers.
    fn nudged(&mut self, w: f64) -> f64 {
        let steps = self.bits() % 7;
        (0..steps / 2).fold(w, |w, _| {
            if steps < 4 {
                w.next_up()
            } else {
                w.next_down()
            }
        })
    }

    /// Anywhere, between faces, on lines between leaves, at corners and poles, of all lengths.
    fn direction(&mut self) -> DVec3 {
        let (a, b) = (self.signed(), self.signed());
        let p = match self.bits() % 6 {
            0 => DVec3::new(a, self.of(&[a, -a]), self.of(&[b, 0.0, -0.0, a])),
            1 => DVec3::new(
                self.of(&[0.0, -0.0, 5e-324, 1e-17, a * 1e-300]),
                b * 1e-9,
                1.0,
            ),
            2 => DVec3::new(self.nudged(1.0), self.nudged(-1.0), self.nudged(1.0)),
            3 => {
                let line = |k: u64| st_to_uv((k % (1 << 12)) as f64 / f64::from(1 << 12));
                let (u, v) = (line(self.bits()), line(self.bits()));
                face_uv_to_direction((self.bits() % 6) as u8, self.nudged(u), self.nudged(v))
            }
            _ => DVec3::new(a, b, self.signed()),
        };
        let [x, y, z] = p.to_array();
        let p = self.of(&[p, DVec3::new(y, z, x), DVec3::new(z, x, y)]);
        p * self.of(&[1.0, -1.0, 6.4e6, 1e-3, 1e300])
    }

    /// Latitude and longitude, a quarter of them where reductions are delicate.
    fn degrees(&mut self) -> [f64; 2] {
        let (a, b) = (self.signed(), self.signed());
        let (lat, lon) = match self.bits() % 8 {
            0 => (
                self.of(&[90.0, -90.0, 45.0, 0.0, -0.0]),
                45.0 * (b * 12.0).trunc(),
            ),
            1 => {
                let (lat, lon) = (
                    self.of(&[90.0, 45.0]),
                    self.of(&[90.0, 135.0, 180.0, -180.0, 540.0]),
                );
                (self.nudged(lat), self.nudged(lon))
            }
            2 => (
                90.0 - 1e-6 * a.abs(),
                self.of(&[90.0, -90.0, 180.0]) + 1e-4 * b,
            ),
            3 => (1e-12 * a, 1e-9 * b),
            _ => (90.0 * a, 540.0 * b),
        };
        [lat.clamp(-90.0, 90.0), lon.clamp(-540.0, 540.0)]
    }

    fn cell(&mut self) -> CellId {
        let coordinate = |bits: u64| match bits % 5 {
            0 => 0,
            1 => LEAVES - 1,
            _ => (bits >> 20) as u32 % LEAVES,
        };
        let (i, j) = (coordinate(self.bits()), coordinate(self.bits()));
        let any_level = (self.bits() % 31) as u8;
        let level = self.of(&[MAX_LEVEL, any_level]);
        CellId::from_face_ij((self.bits() % 6) as u8, i, j, level)
    }
}

/// Lengths around the sizes of blocks, and a long one.
const LENGTHS: [usize; 8] = [0, 1, 7, 8, 15, 17, 47, 6_000];

fn axes(directions: &[DVec3]) -> [Vec<f64>; 3] {
    [0, 1, 2].map(|axis| directions.iter().map(|p| p[axis]).collect())
}

fn nowhere(count: usize) -> Vec<CellId> {
    vec![CellId::begin(0); count]
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|w| w.to_bits()).collect()
}

#[test]
fn leaves_and_keys_are_those_of_single_calls() {
    let mut seeded = Seeded(1);
    for count in LENGTHS {
        let mut directions: Vec<_> = (0..count).map(|_| seeded.direction()).collect();
        if count > 40 {
            // What no checked call lets in, all levels answer alike.
            directions[5] = DVec3::ZERO;
            directions[12] = DVec3::new(f64::NAN, 1.0, 0.5);
            directions[23] = DVec3::new(1.0, f64::NAN, 0.5);
            directions[34] = DVec3::splat(f64::INFINITY);
        }
        let [x, y, z] = axes(&directions);
        let want: Vec<_> = directions
            .iter()
            .map(|p| CellId::from_direction(*p))
            .collect();
        let row_major = |level: u8| {
            want.iter().map(move |leaf| {
                let ((face, i, j), below) = (leaf.to_face_ij(), MAX_LEVEL - level);
                (u64::from(face) << level | u64::from(i >> below)) << level | u64::from(j >> below)
            })
        };
        for simd in SimdLevel::available() {
            let mut leaves = nowhere(count);
            leaves::store(simd, Xyz([&x, &y, &z]), &mut leaves);
            assert_eq!(leaves, want, "{simd:?} {count}");
            for level in [0, 1, 9, 14] {
                let mut keys = vec![0u32; count];
                grid::store(simd, Xyz([&x, &y, &z]), level, &mut keys);
                assert!(
                    keys.iter().map(|key| u64::from(*key)).eq(row_major(level)),
                    "{simd:?}"
                );
            }
            for level in [0, 9, 24] {
                let mut keys = vec![0u64; count];
                grid::store(simd, Xyz([&x, &y, &z]), level, &mut keys);
                assert!(
                    keys.iter().copied().eq(row_major(level)),
                    "{simd:?} {level}"
                );
            }
        }
    }
}

#[test]
fn places_have_the_leaves_of_their_directions() {
    let mut seeded = Seeded(2);
    for count in LENGTHS {
        let places: Vec<_> = (0..count)
            .map(|_| seeded.direction().clamp_length_max(1e9))
            .map(|p| Ecef::new(p.x, p.y, p.z).unwrap())
            .collect();
        let want: Vec<_> = places.iter().map(|place| place.leaf()).collect();
        for simd in SimdLevel::available() {
            let mut leaves = nowhere(count);
            leaves::store(simd, places.as_slice(), &mut leaves);
            assert_eq!(leaves, want, "{simd:?} {count}");
        }
    }
}

/// Stores directions instead of leaves: every bit of sine and cosine shows.
struct Directions<'a, S> {
    source: S,
    axes: &'a mut [Vec<f64>; 3],
}

impl<S: Source> Kernel for Directions<'_, S> {
    fn count(&self) -> usize {
        self.source.count()
    }

    fn single(&mut self, at: usize) {
        let p = self.source.direction(at);
        (0..3).for_each(|axis| self.axes[axis][at] = p[axis]);
    }

    #[inline(always)]
    fn block<L: Lanes>(&mut self, l: L, at: usize) {
        for at in [at, at + L::COUNT] {
            let p = self.source.directions(l, at);
            (0..3).for_each(|axis| l.store(p[axis], &mut self.axes[axis][at..]));
        }
    }
}

#[test]
fn angles_have_the_directions_that_libm_gives() {
    let mut seeded = Seeded(3);
    for count in LENGTHS {
        let degrees: Vec<_> = (0..count).map(|_| seeded.degrees()).collect();
        let [lat, lon] = [0, 1].map(|n| degrees.iter().map(|d| d[n]).collect::<Vec<_>>());
        let radians = |angles: &[f64], most: f64| -> Vec<f64> {
            angles
                .iter()
                .map(|a| a.to_radians().clamp(-most, most))
                .collect()
        };
        let (lat_rad, lon_rad) = (radians(&lat, FRAC_PI_2), radians(&lon, 3.0 * PI));
        for simd in SimdLevel::available() {
            let mut got = [(); 3].map(|()| vec![0.0; count]);
            run(
                simd,
                &mut Directions {
                    source: LatLon::<Degrees>::new(&lat, &lon).unwrap(),
                    axes: &mut got,
                },
            );
            for n in 0..count {
                let at = Geodetic::from_degrees(lat[n], lon[n], 0.0)
                    .unwrap()
                    .direction();
                let (got, want) = (got.each_ref().map(|axis| axis[n]), at.to_array());
                assert_eq!(
                    bits(&got),
                    bits(&want),
                    "{simd:?} {:?}° {:?}°",
                    lat[n],
                    lon[n]
                );
            }
            run(
                simd,
                &mut Directions {
                    source: LatLon::<Radians>::new(&lat_rad, &lon_rad).unwrap(),
                    axes: &mut got,
                },
            );
            for n in 0..count {
                let (lat, lon) = (lat_rad[n], lon_rad[n]);
                let at = Geodetic::from_radians(lat, lon, 0.0).unwrap().direction();
                let (got, want) = (got.each_ref().map(|axis| axis[n]), at.to_array());
                assert_eq!(bits(&got), bits(&want), "{simd:?} {lat:?} {lon:?}");
            }
        }
    }
}

#[test]
fn centers_are_those_of_single_calls() {
    let mut seeded = Seeded(4);
    let coarse = CellRange::all(0).chain(CellRange::all(3));
    let mut cells: Vec<_> = coarse.chain((0..8_000).map(|_| seeded.cell())).collect();
    for count in [cells.len(), 47, 16, 3, 0] {
        cells.truncate(count);
        for simd in SimdLevel::available() {
            let [mut x, mut y, mut z] = [(); 3].map(|()| vec![0.0; count]);
            store_centers(simd, &cells, [&mut x, &mut y, &mut z]);
            let (mut lat, mut lon) = (x.clone(), x.clone());
            store_lat_lon(simd, &cells, [&mut lat, &mut lon]);
            for (n, cell) in cells.iter().enumerate() {
                let want = bits(&cell.center().to_array());
                assert_eq!(bits(&[x[n], y[n], z[n]]), want, "{simd:?} {cell}");
                let want = bits(&cell.center_lat_lon_rad());
                assert_eq!(bits(&[lat[n], lon[n]]), want, "{simd:?} {cell}");
            }
        }
    }
}

/// Neighbours are computed in lanes where the CPU has them; the scalar curve must agree.
#[test]
fn eight_cells_at_once_are_eight_cells() {
    let mut seeded = Seeded(5);
    for _ in 0..4_000 {
        let cell = seeded.cell();
        let places = [(); 8].map(|()| seeded.cell().to_face_ij());
        let want = places.map(|(face, i, j)| CellId::from_face_ij(face, i, j, cell.level()));
        assert_eq!(leaves::cells_at(places, cell.level()), want);
    }
}
