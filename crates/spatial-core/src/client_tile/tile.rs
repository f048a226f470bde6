//! A client tile, decoded.

use std::sync::Arc;

use super::bounds::NodeBounds;
use super::grid;
use super::places::Places;
use super::sagitta::sagitta_m;
use crate::cell::CellId;
use crate::ground::{Biome, water_depth_m};
use crate::planet::Planet;
use crate::store::Node;
use crate::terrain::LatticeSpec;

/// What a client draws a cell's ground from: (C+1)² height samples, C = N/2, and one more all around.
///
/// Heights are a planet's numbers: its [`LatticeSpec`], from the manifest that a client gets once, makes metres of them. Biomes
/// and water are derived where they are asked for, normals with a mesh.
#[derive(Clone, PartialEq, Debug)]
pub struct ClientTile {
    pub(super) cell: CellId,
    pub(super) intervals: u16,            // C, legal
    pub(super) min: i16,                  // of all ground of the cell, to the finest
    pub(super) max: i16,                  //
    pub(super) geometric_error: u16,      // quanta
    pub(super) error_bound: u16,          // quanta
    pub(super) samples: Vec<i16>,         // (C + 3)², see `grid`
    pub(super) filled: Option<Arc<[u8]>>, // a bit for each of the tile's own (C + 1)² samples, one of them set
}

impl ClientTile {
    /// The cell.
    pub fn cell(&self) -> CellId {
        self.cell
    }

    /// Intervals along an edge: C, 64 of a planet whose tiles have 128.
    pub fn intervals(&self) -> u16 {
        self.intervals
    }

    /// Smallest sample of the cell's ground, of this level and all finer ones.
    pub fn min(&self) -> i16 {
        self.min
    }

    /// Largest sample of the cell's ground, likewise.
    pub fn max(&self) -> i16 {
        self.max
    }

    /// How far this tile's ground is at most from the finest that is known, in quanta: for each level below the largest difference
    /// between a sample and what the level above interpolates there, added up along the worst way down. `None` if nobody knows.
    /// That is between heights, each along its own ray; a mesh lies below by its chords too: [`ClientTile::mesh_error_m`].
    pub fn geometric_error(&self) -> Option<u16> {
        (self.geometric_error != Node::ERROR_UNKNOWN).then_some(self.geometric_error)
    }

    /// What decides whether to draw the next level, metres: the geometric error, and by how much the flat triangles of this tile's
    /// mesh lie at most below what they interpolate of radii, `r·(1 − √(1 − (D/2)²))` with `D = 2.43866 / (C·2ᵏ)` at level k and r the
    /// largest radius of the tile's own samples. `None` if nobody knows the first. Over flat ground, the sea, it is a
    /// quarter from level to level and never 0. Not in it is what two flat triangles make of four samples that lie in no plane.
    pub fn mesh_error_m(&self, planet: Planet, spec: &LatticeSpec) -> Option<f64> {
        let (_, highest) = self.own_extremes();
        let highest_m = spec.height_m(f64::from(highest));
        let chords_m = sagitta_m(planet, self.cell.level(), self.intervals, highest_m);
        let error = self.geometric_error()?;
        Some(f64::from(error) * spec.quantum_m() + chords_m)
    }

    /// By how many quanta a sample may differ from the one that was imported.
    pub fn error_bound(&self) -> u16 {
        self.error_bound
    }

    /// The sample at column i and row j, each from 0 to C of the tile itself and from −1 to C + 1 with those around it.
    /// Diagonally across a corner of the cube there is none; there it is the one beside.
    ///
    /// # Panics
    /// When an index is beyond that.
    pub fn sample(&self, i: i32, j: i32) -> i16 {
        let around = -1..=i32::from(self.intervals) + 1;
        assert!(around.contains(&i) && around.contains(&j));
        self.samples[grid::index(self.intervals, i, j)]
    }

    /// Whether the sample at column i and row j, from 0 to C, was filled at import, not measured.
    ///
    /// # Panics
    /// When an index is beyond that.
    pub fn is_filled(&self, i: usize, j: usize) -> bool {
        let side = usize::from(self.intervals) + 1;
        assert!(i < side && j < side);
        let n = j * side + i;
        let filled = self.filled.as_ref();
        filled.is_some_and(|bits| bits[n / 8] >> (n % 8) & 1 != 0)
    }

    /// What grows at column i and row j, from 0 to C.
    ///
    /// # Panics
    /// When an index is beyond that.
    pub fn biome(&self, spec: &LatticeSpec, i: usize, j: usize) -> Biome {
        let places = Places::of(self.cell, self.intervals);
        let place = places.at(i as i32, j as i32).expect("a sample of the tile");
        Biome::at(
            places.direction(place).z,
            self.height_m(spec, i as i32, j as i32),
        )
    }

    /// Depth of the sea at column i and row j, metres: it stands at 0 m wherever the ground is lower.
    ///
    /// # Panics
    /// As [`ClientTile::sample`].
    pub fn water_depth_m(&self, spec: &LatticeSpec, i: i32, j: i32) -> f64 {
        water_depth_m(self.height_m(spec, i, j))
    }

    /// Height at column i and row j, metres.
    ///
    /// # Panics
    /// As [`ClientTile::sample`].
    pub fn height_m(&self, spec: &LatticeSpec, i: i32, j: i32) -> f64 {
        spec.height_m(f64::from(self.sample(i, j)))
    }

    /// A ball around all ground of the cell, of this level and finer ones.
    pub fn bounds(&self, planet: Planet, spec: &LatticeSpec) -> NodeBounds {
        let [min_m, max_m] = [self.min, self.max].map(|v| spec.height_m(f64::from(v)));
        NodeBounds::of(planet, self.cell, min_m, max_m)
    }
}
