//! Heights, of one place and of many.

use glam::DVec3;

use super::{Place, Samples, StoreError, StoredTile, Terrain};
use crate::batch::BatchError;
use crate::cell::{FACE_PLACES, FacePlaces, face_places, st_to_ij};
use crate::simd::SimdLevel;
use crate::store::Finest;
use crate::terrain::{LatticeSpec, face_st, interpolate, interval_of, local};

impl Terrain {
    /// Height of the ground above the datum, metres, below or above a place: bilinear between the four samples of
    /// the finest level around it. The place's own height does not matter; the planet's centre counts as latitude and longitude 0.
    ///
    /// From [`Ecef`](crate::Ecef) without trigonometry; from [`Geodetic`](crate::Geodetic) two `sincos` more.
    ///
    /// # Errors
    /// [`StoreError`] when the tile is missing or damaged.
    #[inline]
    pub fn height(&self, place: impl Place) -> Result<f64, StoreError> {
        let (face, s, t) = face_st(place.direction());
        self.height_at(face, s, t)
    }

    /// The height at a place of a face.
    #[inline(always)]
    pub(super) fn height_at(&self, face: u8, s: f64, t: f64) -> Result<f64, StoreError> {
        let finest = self.finest(face, st_to_ij(s), st_to_ij(t))?;
        let tile = self.store.tile_at(finest.slot as usize)?;
        Ok(LatticeCell::at(self.lattice(), finest, s, t).height_m(tile.samples()))
    }

    /// Heights below or above many places, each as [`Terrain::height`] has it, bit for bit. Fastest where places that follow each
    /// other are neighbours. Allocates nothing.
    ///
    /// # Errors
    /// The first place whose tile is missing or damaged; the heights before it are written.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn heights<P: Place + Copy>(
        &self,
        places: &[P],
        heights_m: &mut [f64],
    ) -> Result<(), BatchError<StoreError>> {
        self.heights_with(SimdLevel::detected(), places, heights_m)
    }

    /// As [`Terrain::heights`], with the vectors of a level: the same bits.
    ///
    /// # Errors
    /// As [`Terrain::heights`].
    ///
    /// # Panics
    /// When the slices differ in length, or the CPU lacks the level.
    pub fn heights_with<P: Place + Copy>(
        &self,
        level: SimdLevel,
        places: &[P],
        heights_m: &mut [f64],
    ) -> Result<(), BatchError<StoreError>> {
        crate::batch::one_length([places.len(), heights_m.len()]);
        let mut directions = [DVec3::ZERO; FACE_PLACES];
        let mut on_faces = FacePlaces::ZERO;
        let mut last = LastTile::default();
        let chunks = places
            .chunks(FACE_PLACES)
            .zip(heights_m.chunks_mut(FACE_PLACES));
        for (chunk, (places, heights_m)) in chunks.enumerate() {
            let directions = &mut directions[..places.len()];
            for (direction, place) in directions.iter_mut().zip(places) {
                *direction = place.direction();
            }
            face_places(level, directions, &mut on_faces);
            for (n, height_m) in heights_m.iter_mut().enumerate() {
                let (face, s, t) = on_faces.get(n);
                let found = last.find(self, face, s, t);
                let (finest, samples) = found.map_err(|error| BatchError {
                    index: chunk * FACE_PLACES + n,
                    error,
                })?;
                *height_m = LatticeCell::at(self.lattice(), finest, s, t).height_m(samples);
            }
        }
        Ok(())
    }
}

/// The tile that was asked last: neighbours mostly want the same.
pub(super) struct LastTile<'a> {
    finest: Finest,
    tile: Option<StoredTile<'a>>, // it
}

impl Default for LastTile<'_> {
    fn default() -> Self {
        Self {
            finest: Finest::NONE,
            tile: None,
        }
    }
}

impl<'a> LastTile<'a> {
    /// The finest tile at a place of a face, and its samples.
    #[inline(always)]
    pub(super) fn find(
        &mut self,
        terrain: &'a Terrain,
        face: u8,
        s: f64,
        t: f64,
    ) -> Result<(Finest, Samples<'_>), StoreError> {
        let (i, j) = (st_to_ij(s), st_to_ij(t));
        if !self.finest.holds(face, i, j) {
            let finest = terrain.finest(face, i, j)?;
            self.tile = Some(terrain.store.tile_at(finest.slot as usize)?);
            self.finest = finest;
        }
        let tile = self
            .tile
            .as_ref()
            .expect("there is one wherever the finest holds a leaf");
        Ok((self.finest, tile.samples()))
    }
}

/// A place within a cell of a tile's lattice.
#[derive(Clone, Copy, Debug)]
pub(super) struct LatticeCell<'a> {
    lattice: &'a LatticeSpec,
    i: usize,
    j: usize,
    pub(super) fx: f64, // 0 to 1 along s
    pub(super) fy: f64, // and t
}

impl<'a> LatticeCell<'a> {
    /// Where (s, t) of a tile's face is in the tile.
    #[inline(always)]
    pub(super) fn at(lattice: &'a LatticeSpec, finest: Finest, s: f64, t: f64) -> Self {
        let n = lattice.intervals();
        let (i, fx) = interval_of(local(s, finest.level, finest.column, n), n);
        let (j, fy) = interval_of(local(t, finest.level, finest.row, n), n);
        Self {
            lattice,
            i,
            j,
            fx,
            fy,
        }
    }

    /// The samples at its corners.
    #[inline(always)]
    pub(super) fn corners(&self, samples: Samples<'_>) -> [i16; 4] {
        let side = usize::from(self.lattice.intervals()) + 1;
        samples.corners(self.j * side + self.i, side)
    }

    /// The height there, with the bits of [`HeightTile::height_m`](crate::HeightTile::height_m).
    #[inline(always)]
    pub(super) fn height_m(&self, samples: Samples<'_>) -> f64 {
        let value = interpolate(self.corners(samples), self.fx, self.fy);
        self.lattice.height_m(value)
    }
}
