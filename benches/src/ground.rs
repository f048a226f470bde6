//! Ground of our own making: the same bits on every platform.

use spatial_core::{CellId, DVec3, HeightTile, LatticeSpec};

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
    tile_of(lattice(), cell, |p| {
        500.0 * (3.0 * p.x * p.y + 2.0 * p.z * p.x - p.y * p.z * p.z)
    })
}

/// A tile of the finest level of a lattice, of the heights, metres, in directions.
pub(crate) fn tile_of(
    spec: LatticeSpec,
    cell: CellId,
    height_m: impl Fn(DVec3) -> f64,
) -> HeightTile {
    let side = u32::from(spec.intervals()) + 1;
    let (face, i, j) = cell.to_face_ij();
    let leaves_per_sample = (1u32 << 30) / spec.face_intervals();
    let samples = (0..side * side).map(|k| {
        let (i, j) = (
            i / leaves_per_sample + k % side,
            j / leaves_per_sample + k / side,
        );
        let steps = (height_m(spec.direction(face, i, j)) - spec.offset_m()) / spec.quantum_m();
        steps as i16
    });
    HeightTile::new(cell, spec.intervals(), samples.collect()).expect("samples of a whole tile")
}

/// Hills along the planet's three axes, metres: of each kind how many half waves there are in a radius, and how high they are.
/// Slopes do not jump.
pub(crate) fn hills_m(p: DVec3, kinds: &[(f64, f64)]) -> f64 {
    let along = |waves: f64| {
        let whole = waves.floor();
        let part = waves - whole;
        let hump = 4.0 * part * (1.0 - part);
        if whole as i64 & 1 == 0 { hump } else { -hump }
    };
    let hills = |(count, high_m): &(f64, f64)| {
        let waves = [p.x, p.y, p.z].map(|axis| along(axis * count));
        high_m * waves.iter().sum::<f64>()
    };
    kinds.iter().map(hills).sum()
}
