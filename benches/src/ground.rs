//! Ground of our own making: as many samples as the bundled Earth, the same bits on every platform.

use spatial_core::{CellId, HeightTile, LatticeSpec};

/// The lattice of the bundled Earth.
pub(crate) fn lattice() -> LatticeSpec {
    LatticeSpec::new(4, 128, 0.0, 1.0).expect("a legal lattice")
}

/// All tiles of the finest level.
pub(crate) fn leaf_cells() -> impl Iterator<Item = CellId> {
    let level = lattice().leaf_level();
    let side = 1u32 << level;
    let size = 1u32 << (30 - level);
    (0..6u8).flat_map(move |face| {
        (0..side * side)
            .map(move |k| CellId::from_face_ij(face, k % side * size, k / side * size, level))
    })
}

/// A tile of the finest level: rolling hills of ±1.5 km.
pub(crate) fn tile(cell: CellId) -> HeightTile {
    let spec = lattice();
    let side = u32::from(spec.intervals()) + 1;
    let (face, i, j) = cell.to_face_ij();
    let leaves_per_sample = (1u32 << 30) / spec.face_intervals();
    let samples = (0..side * side).map(|k| {
        let (i, j) = (
            i / leaves_per_sample + k % side,
            j / leaves_per_sample + k / side,
        );
        let p = spec.direction(face, i, j);
        (500.0 * (3.0 * p.x * p.y + 2.0 * p.z * p.x - p.y * p.z * p.z)) as i16
    });
    HeightTile::new(cell, spec.intervals(), samples.collect()).expect("samples of a whole tile")
}
