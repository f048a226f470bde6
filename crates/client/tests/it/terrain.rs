//! Ground for tests.

use std::sync::Arc;

use spatial_core::{CellId, HeightTile, LatticeSpec, Manifest, MemoryStore, Planet};

/// Hills of ±1.5 km on 96 tiles of the finest level.
pub(crate) fn store(bumps: f64) -> Arc<MemoryStore> {
    const INTERVALS: u16 = 64;
    let lattice = LatticeSpec::new(3, INTERVALS, 0.0, 1.0).unwrap();
    let manifest = Manifest::new(Planet::EARTH, lattice, "drawn for a test", "CC0");
    let tile = |cell: CellId| {
        let lines = lattice.tile_lines(cell);
        let side = usize::from(INTERVALS) + 1;
        let height = |n: usize| {
            let d = lines.direction(n % side, n / side);
            (bumps * (3.0 * d.x * d.y + 2.0 * d.z * d.x - d.y * d.z * d.z) / 3.0) as i16
        };
        HeightTile::new(cell, INTERVALS, (0..side * side).map(height).collect()).unwrap()
    };
    Arc::new(MemoryStore::new(manifest, lattice.cells().into_iter().map(tile)).unwrap())
}
