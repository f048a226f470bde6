//! The samples that a map is drawn from.

use std::collections::BTreeMap;

use super::mesh::Lattice;
use crate::cell::{FacePlaces, MAX_LEVEL, st_to_ij};
use crate::store::{MissingTile, StoreError, TileStore};
use crate::terrain::{LatticeSpec, cell_at, interpolate};

/// Tiles kept: 34 MB of the largest.
const TILES_MAX: usize = 1_024;

/// Samples of tiles of any level, decoded when they are first wanted.
///
/// Where a level's tile is absent its nearest ancestor stands in, if the planet's manifest says that ground may be known
/// no finer.
pub(super) struct TileWindow {
    spec: LatticeSpec,
    missing: MissingTile,
    numbers: BTreeMap<Spot, usize>, // of tiles
    tiles: Vec<Tile>,
    last: Last,
}

/// A cell of a level: face, level, row and column.
type Spot = (u8, u8, u32, u32);

struct Tile {
    level: u8, // of what is there
    column: u32,
    row: u32,
    samples: Vec<i16>,
}

/// The cell that was asked last, and what answers for it.
struct Last {
    face: u8,
    level: u8,
    s: [f64; 2], // from and to
    t: [f64; 2],
    number: usize,
    face_intervals: f64, // of the tile's level
    corner: [f64; 2],    // of the tile, in intervals from the face's
}

impl Last {
    const NONE: Self = Self {
        face: u8::MAX,
        level: 0,
        s: [0.0; 2],
        t: [0.0; 2],
        number: 0,
        face_intervals: 0.0,
        corner: [0.0; 2],
    };

    #[inline(always)]
    fn holds(&self, level: u8, (face, s, t): (u8, f64, f64)) -> bool {
        let within = |x: f64, [from, to]: [f64; 2]| (x >= from) & (x < to);
        (face == self.face) & (level == self.level) & within(s, self.s) & within(t, self.t)
    }
}

impl TileWindow {
    pub(super) fn new(store: &dyn TileStore) -> Self {
        let manifest = store.manifest();
        Self {
            spec: *manifest.lattice(),
            missing: manifest.missing(),
            numbers: BTreeMap::new(),
            tiles: Vec::new(),
            last: Last::NONE,
        }
    }

    pub(super) fn lattice(&self, store: &dyn TileStore) -> Lattice {
        Lattice {
            radius_m: store.manifest().planet().radius_m(),
            intervals: u32::from(self.spec.intervals()),
            leaf_level: self.spec.leaf_level(),
        }
    }

    /// Heights at places of faces from the one with a number on, as far as one tile answers for them: bilinear in the samples of
    /// their levels. The number of the next place.
    pub(super) fn heights_m(
        &mut self,
        store: &dyn TileStore,
        (levels, places): (&[u8], &FacePlaces),
        first: usize,
        out: &mut [f32],
    ) -> Result<usize, StoreError> {
        if !self.last.holds(levels[first], places.get(first)) {
            self.last = self.look_up(store, levels[first], places.get(first))?;
        }
        let (last, n) = (&self.last, self.spec.intervals());
        let (side, last_interval) = (usize::from(n) + 1, f64::from(n) - 1.0);
        let samples = &self.tiles[last.number].samples[..side * side];
        let mut at = first;
        // The first one counts also where it lies on the end of its face.
        while at < out.len() && (at == first || last.holds(levels[at], places.get(at))) {
            let (_, s, t) = places.get(at);
            let (i, fx) = interval(s * last.face_intervals - last.corner[0], last_interval);
            let (j, fy) = interval(t * last.face_intervals - last.corner[1], last_interval);
            let corner = j * side + i;
            let square = &samples[corner..corner + side + 2];
            let corners = [square[0], square[1], square[side], square[side + 1]];
            out[at] = self.spec.height_m(interpolate(corners, fx, fy)) as f32;
            at += 1;
        }
        Ok(at)
    }

    #[inline(never)]
    fn look_up(
        &mut self,
        store: &dyn TileStore,
        level: u8,
        (face, s, t): (u8, f64, f64),
    ) -> Result<Last, StoreError> {
        let shift = u32::from(MAX_LEVEL - level);
        let (column, row) = (st_to_ij(s) >> shift, st_to_ij(t) >> shift);
        let number = self.find(store, (face, level, row, column))?;
        let tile = &self.tiles[number];
        let n = f64::from(self.spec.intervals());
        // The last cell of a face ends with it, and what rounds to beyond is looked up each time.
        let span = |at: u32| [at, at + 1].map(|at| f64::from(at) / f64::from(1u32 << level));
        Ok(Last {
            face,
            level,
            s: span(column),
            t: span(row),
            number,
            face_intervals: n * f64::from(1u32 << tile.level),
            corner: [tile.column, tile.row].map(|at| n * f64::from(at)),
        })
    }

    /// The number of the tile that answers for a cell.
    #[inline(never)]
    fn find(&mut self, store: &dyn TileStore, spot: Spot) -> Result<usize, StoreError> {
        if let Some(number) = self.numbers.get(&spot) {
            return Ok(*number);
        }
        if self.tiles.len() >= TILES_MAX {
            self.numbers.clear();
            self.tiles.clear();
        }
        let tile = self.load(store, spot)?;
        self.tiles.push(tile);
        let number = self.tiles.len() - 1;
        self.numbers.insert(spot, number);
        Ok(number)
    }

    fn load(
        &self,
        store: &dyn TileStore,
        (face, finest, row, column): Spot,
    ) -> Result<Tile, StoreError> {
        let at = |level: u8| {
            let up = finest - level;
            (column >> up, row >> up)
        };
        let cell = |level: u8| cell_at(face, level, at(level).0, at(level).1);
        let coarsest = match self.missing {
            MissingTile::Coarser => 0,
            _ => finest,
        };
        let mut levels = (coarsest..=finest).rev();
        let found = levels.find_map(|level| Some((level, store.nodes().slot(cell(level)).ok()?)));
        let (level, slot) = found.ok_or(StoreError::Missing { cell: cell(finest) })?;
        let side = usize::from(self.spec.intervals()) + 1;
        let mut samples = vec![0; side * side];
        store.tile_at(slot)?.samples().copy_to(&mut samples);
        let (column, row) = at(level);
        Ok(Tile {
            level,
            column,
            row,
            samples,
        })
    }
}

/// The interval that holds x, which is not below 0, and how far into it x lies, 0 to 1; at its end if x is a whole number. Beyond
/// the last interval that one counts.
///
/// Floats from 2⁵² on are whole, and their low bits are the number: a conversion that saturates takes longer.
#[inline(always)]
fn interval(x: f64, last: f64) -> (usize, f64) {
    const TWO_52: f64 = 4_503_599_627_370_496.0;
    let lower = if x > 0.5 { x - 0.5 } else { 0.0 };
    let lower = if lower < last { lower } else { last };
    let nearest = lower + TWO_52;
    (nearest.to_bits() as u32 as usize, x - (nearest - TWO_52))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_their_places() {
        for k in 0..=4_000u32 {
            let x = f64::from(k) / 500.0;
            let (i, along) = interval(x, 7.0);
            assert!(i <= 7 && (0.0..=1.0).contains(&along), "{x}: {i} {along}");
            assert!((i as f64 + along - x).abs() < 1e-14, "{x}: {i} {along}");
        }
        assert_eq!(interval(0.0, 7.0), (0, 0.0));
        assert_eq!(interval(8.0, 7.0), (7, 1.0));
    }
}
