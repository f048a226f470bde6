//! What the ground is like at a place: height, normal, biome and water.

use glam::DVec3;

use super::height::{LastTile, LatticeCell};
use super::{Biome, Place, Samples, StoreError, Terrain};
use crate::batch::{BatchError, one_length};
use crate::cell::{direction_to_face_uv, from_face_frame, uv_to_st};

/// The ground below or above a place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ground {
    /// Height above the datum, metres: that of [`Terrain::height`], bit for bit.
    pub height_m: f64,
    /// Upwards, perpendicular to the surface, of length 1.
    pub normal: DVec3,
    /// What grows there.
    pub biome: Biome,
    /// Depth of the sea above the ground, metres: the sea stands at the datum wherever the ground is lower. 0 on land.
    pub water_depth_m: f64,
}

impl Terrain {
    /// What the ground is like below or above a place. Costs 20 ns more than its height.
    ///
    /// The normal is that of the surface itself, which is bilinear within a cell of the lattice and has creases between cells:
    /// there it is that of the cell that [`Terrain::height`] takes the place to be in.
    ///
    /// # Errors
    /// As [`Terrain::height`].
    pub fn ground(&self, place: impl Place) -> Result<Ground, StoreError> {
        self.ground_in(&mut LastTile::default(), place.direction())
    }

    /// The ground at many places, each as [`Terrain::ground`] has it, bit for bit. Allocates nothing.
    ///
    /// # Errors
    /// The first place whose tile is missing or damaged; what is before it is written.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn grounds<P: Place + Copy>(
        &self,
        places: &[P],
        grounds: &mut [Ground],
    ) -> Result<(), BatchError<StoreError>> {
        one_length([places.len(), grounds.len()]);
        let mut last = LastTile::default();
        for (index, (place, ground)) in places.iter().zip(grounds).enumerate() {
            let found = self.ground_in(&mut last, place.direction());
            *ground = found.map_err(|error| BatchError { index, error })?;
        }
        Ok(())
    }

    #[inline(always)]
    fn ground_in<'a>(
        &'a self,
        last: &mut LastTile<'a>,
        direction: DVec3,
    ) -> Result<Ground, StoreError> {
        let (face, u, v) = direction_to_face_uv(direction);
        let (s, t) = (uv_to_st(u), uv_to_st(v));
        let (spot, samples) = last.find(self, face, s, t)?;
        let cell = LatticeCell::at(self.lattice(), spot, s, t);
        let height_m = cell.height_m(samples);
        let intervals = f64::from(self.lattice().intervals()) * f64::from(1u32 << spot.level);
        let rates = self.rates(&cell, samples).map(|rate| rate * intervals);
        let length = (1.0 + u * u + v * v).sqrt();
        // Of |p| − R − h(s, t), in the face's frame: p = (a, b, w), u = a/w, v = b/w, ds/du = 3/8 over s or 1 − s, the larger.
        let per_m = length / (self.planet().radius_m() + height_m);
        let [du, dv] =
            [(rates[0], s), (rates[1], t)].map(|(rate, s)| rate * (0.375 / s.max(1.0 - s)) * per_m);
        let gradient = [
            u / length - du,
            v / length - dv,
            1.0 / length + du * u + dv * v,
        ];
        let gradient = from_face_frame(face, gradient);
        let sin_lat = from_face_frame(face, [u, v, 1.0]).z / length;
        Ok(Ground {
            height_m,
            normal: gradient / gradient.length_squared().sqrt(),
            biome: Biome::at(sin_lat, height_m),
            water_depth_m: water_depth_m(height_m),
        })
    }

    /// Metres of height an interval of the lattice, along s and t.
    #[inline(always)]
    fn rates(&self, cell: &LatticeCell<'_>, samples: Samples<'_>) -> [f64; 2] {
        let [a, b, c, d] = cell.corners(samples).map(f64::from);
        let (fx, fy) = (cell.fx, cell.fy);
        let along_s = (b - a) * (1.0 - fy) + (d - c) * fy;
        let along_t = (c - a) * (1.0 - fx) + (d - b) * fx;
        [along_s, along_t].map(|rate| rate * self.lattice().quantum_m())
    }
}

/// Depth of the sea above ground of a height: the sea stands at the datum.
pub(crate) fn water_depth_m(height_m: f64) -> f64 {
    (-height_m).max(0.0)
}
