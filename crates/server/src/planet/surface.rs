//! How far a planet's ground is from its source between samples.

use anyhow::Result;
use spatial_core::{DVec3, Ecef, LatLngRect, LatticeSpec, Terrain, face_st};

use super::pyramid::Source;

/// Places that are compared in a box.
const PLACES: usize = 20_000;

/// The ground of a level of the lattice, were it divided so far everywhere: bilinear between rounded heights.
pub(super) struct Surface<'a, S> {
    source: &'a S,
    spec: &'a LatticeSpec,
    level: u8,
}

impl<'a, S: Source> Surface<'a, S> {
    pub(super) fn new(source: &'a S, spec: &'a LatticeSpec, level: u8) -> Self {
        Self {
            source,
            spec,
            level,
        }
    }

    /// How far it is from the source at 99 of 100 places in a box, metres: of those with heights at all four samples around. Infinite
    /// where these are less than half of those with a height: then nothing is known of the level.
    pub(super) fn p99_m(&self, bounds: &LatLngRect) -> Result<f64> {
        let quantum_m = self.spec.quantum_m();
        let known = self.known(bounds)?;
        let off = known.iter().map(|known| {
            let [a, b, c, d] = known
                .around_m
                .map(|height_m| (height_m / quantum_m).round() * quantum_m);
            let [fx, fy] = known.part;
            let (low, high) = (a * (1.0 - fx) + b * fx, c * (1.0 - fx) + d * fx);
            (low * (1.0 - fy) + high * fy - known.height_m).abs()
        });
        Ok(p99(off.collect()))
    }

    /// How far a planet's ground is from the source at the same places, metres.
    pub(super) fn p99_of_ground(&self, terrain: &Terrain, bounds: &LatLngRect) -> Result<f64> {
        let mut off = Vec::new();
        for known in self.known(bounds)? {
            let [x, y, z] = (known.place * terrain.planet().radius_m()).to_array();
            off.push((terrain.height(Ecef::new(x, y, z)?)? - known.height_m).abs());
        }
        Ok(p99(off))
    }

    /// Places of a box that have heights, as have the samples around them; none if these are less than half of those with heights.
    fn known(&self, bounds: &LatLngRect) -> Result<Vec<Known>> {
        let places = places(bounds, PLACES);
        let corners: Vec<DVec3> = places.iter().flat_map(|p| self.corners(*p).0).collect();
        let (mut truth, mut around) = (Vec::new(), Vec::new());
        self.source.samples(&places, &mut truth)?;
        self.source.samples(&corners, &mut around)?;
        let of = places.into_iter().zip(&truth).zip(around.chunks_exact(4));
        let known = of.filter_map(|((place, truth), around)| {
            let at = |k: usize| around[k].map(|sample| sample.height_m);
            Some(Known {
                place,
                height_m: truth.as_ref()?.height_m,
                around_m: [at(0)?, at(1)?, at(2)?, at(3)?],
                part: self.corners(place).1,
            })
        });
        let known: Vec<Known> = known.collect();
        match 2 * known.len() < truth.iter().flatten().count() {
            true => Ok(Vec::new()),
            false => Ok(known),
        }
    }

    /// The directions of the four samples around a place, and how far it lies between them.
    fn corners(&self, place: DVec3) -> ([DVec3; 4], [f64; 2]) {
        let (face, s, t) = face_st(place);
        let step = 1u32 << (self.spec.leaf_level() - self.level);
        let n = self.spec.face_intervals() / step;
        let split = |x: f64| {
            let x = x * f64::from(n);
            let whole = x.floor().clamp(0.0, f64::from(n - 1));
            (whole as u32, x - whole)
        };
        let ((i, fx), (j, fy)) = (split(s), split(t));
        let at = |i: u32, j: u32| self.spec.direction(face, i * step, j * step);
        (
            [at(i, j), at(i + 1, j), at(i, j + 1), at(i + 1, j + 1)],
            [fx, fy],
        )
    }
}

/// A place in a box.
struct Known {
    place: DVec3,
    height_m: f64,      // the source's
    around_m: [f64; 4], // the source's at the samples around it
    part: [f64; 2],     // how far it lies between them
}

/// Places of a box that are even on the ground and the same every time: an additive sequence in two dimensions.
pub(super) fn places(bounds: &LatLngRect, count: usize) -> Vec<DVec3> {
    // Of the plastic number, M. Roberts, "The unreasonable effectiveness of quasirandom sequences".
    const STEPS: [f64; 2] = [0.754_877_666_246_693, 0.569_840_290_998_053_2];
    let ([south, north], [west, east]) = (bounds.lat_rad(), bounds.lng_rad());
    let width = if west <= east {
        east - west
    } else {
        east - west + core::f64::consts::TAU
    };
    let [low, high] = [south.sin(), north.sin()];
    (0..count)
        .map(|n| {
            let [a, b] = STEPS.map(|step| (0.5 + n as f64 * step).fract());
            let (sin_lat, lon) = (low + (high - low) * a, west + width * b);
            let cos_lat = (1.0 - sin_lat * sin_lat).max(0.0).sqrt();
            DVec3::new(cos_lat * lon.cos(), cos_lat * lon.sin(), sin_lat)
        })
        .collect()
}

/// What 99 of 100 do not exceed; infinite where there are none.
fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = values.len() * 99 / 100;
    values.get(at).copied().unwrap_or(f64::INFINITY)
}
