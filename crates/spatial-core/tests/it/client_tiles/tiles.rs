//! Samples of client tiles, and those around them.

use std::collections::BTreeMap;

use spatial_core::{
    CellId, ClientTile, DVec3, Ecef, LatticeSpec, Manifest, MemoryStore, StoreError, Terrain,
    TileStore, column_row, face_st,
};
use std::sync::Arc;

use super::scene::{Rough, cell};
use crate::sparse::Random;

/// The direction of a client tile's sample, by the planet's own lattice.
pub(super) fn direction(spec: &LatticeSpec, tile: CellId, i: i32, j: i32) -> DVec3 {
    let c = i64::from(spec.intervals()) / 2;
    let (column, row) = column_row(tile);
    let step = spec.levels() - tile.level();
    let along = |tile: u32, k: i32| ((i64::from(tile) * c + i64::from(k)) << step) as u32;
    spec.direction(tile.face(), along(column, i), along(row, j))
}

fn bits(d: DVec3) -> [u64; 3] {
    d.to_array().map(f64::to_bits)
}

/// Cells of all client levels of a planet.
fn cells(spec: &LatticeSpec, random: &mut Random, count: u32) -> Vec<CellId> {
    let levels = u32::from(spec.levels()) + 1;
    (0..count)
        .map(|k| cell(random, k / levels, (k % levels) as u8))
        .collect()
}

#[test]
fn samples_are_the_ground_at_their_places() {
    for (levels, intervals) in [(1, 8), (4, 8), (3, 32), (2, 128)] {
        let rough = Rough::whole(levels, intervals);
        let c = i32::from(intervals) / 2;
        for id in cells(&rough.spec, &mut Random(31), 120) {
            let tile = ClientTile::of(&rough.store, id).unwrap();
            assert_eq!((tile.cell(), i32::from(tile.intervals())), (id, c));
            for (i, j) in (0..=c).flat_map(|j| (0..=c).map(move |i| (i, j))) {
                let d = direction(&rough.spec, id, i, j);
                assert_eq!(tile.sample(i, j), Rough::value(d), "{id} {i} {j}");
                let height_m = rough.spec.height_m(f64::from(tile.sample(i, j)));
                assert_eq!(
                    tile.biome(&rough.spec, i as usize, j as usize),
                    spatial_core::Biome::at(d.z, height_m)
                );
                assert_eq!(tile.water_depth_m(&rough.spec, i, j), (-height_m).max(0.0));
            }
        }
    }
}

/// What is around a tile is the first inner line of its neighbour, across edges and at corners of the cube, where ground is known
/// finer or coarser.
#[test]
fn what_is_around_is_the_neighbours_first_line() {
    let planets = [
        Rough::whole(4, 8),
        Rough::whole(2, 32),
        Rough::sparse(5, 8, 5),
        Rough::sparse(4, 16, 6),
    ];
    for rough in &planets {
        let c = i32::from(rough.spec.intervals()) / 2;
        for id in cells(&rough.spec, &mut Random(32), 150) {
            let tile = ClientTile::of(&rough.store, id).unwrap();
            for (side, beside) in id.edge_neighbors().into_iter().enumerate() {
                let other = ClientTile::of(&rough.store, beside).unwrap();
                let places: BTreeMap<[u64; 3], (i32, i32)> = (0..=c)
                    .flat_map(|j| (0..=c).map(move |i| (i, j)))
                    .map(|(i, j)| (bits(direction(&rough.spec, beside, i, j)), (i, j)))
                    .collect();
                let edge = |k: i32| [(k, 0), (c, k), (k, c), (0, k)][side];
                let ring = |k: i32| [(k, -1), (c + 1, k), (k, c + 1), (-1, k)][side];
                let there =
                    |k: i32| places[&bits(direction(&rough.spec, id, edge(k).0, edge(k).1))];
                let (from, to) = (there(0), there(c));
                for k in 0..=c {
                    let ((i, j), (x, y)) = (there(k), edge(k));
                    assert_eq!(tile.sample(x, y), other.sample(i, j), "{id} {beside} {k}");
                    // One inwards from the edge, which is where both its ends are.
                    let inner = match (from, to) {
                        ((a, _), (b, _)) if a == b => (if a == 0 { 1 } else { c - 1 }, j),
                        ((_, a), _) => (i, if a == 0 { 1 } else { c - 1 }),
                    };
                    let (x, y) = ring(k);
                    assert_eq!(
                        tile.sample(x, y),
                        other.sample(inner.0, inner.1),
                        "{id} {beside} {k}"
                    );
                }
            }
        }
    }
}

/// A parent's samples are its children's at even places.
#[test]
fn parents_have_every_second_sample() {
    let rough = Rough::sparse(4, 16, 8);
    for id in cells(&rough.spec, &mut Random(33), 200) {
        for child in id
            .children()
            .into_iter()
            .flatten()
            .filter(|c| c.level() <= rough.spec.levels())
        {
            let (parent, tile) = (
                ClientTile::of(&rough.store, id).unwrap(),
                ClientTile::of(&rough.store, child).unwrap(),
            );
            let (column, row) = column_row(child);
            let (i0, j0) = (4 * (column & 1) as i32, 4 * (row & 1) as i32);
            for (i, j) in (0..=4).flat_map(|j| (0..=4).map(move |i| (i, j))) {
                assert_eq!(tile.sample(2 * i, 2 * j), parent.sample(i0 + i, j0 + j));
            }
            assert!(parent.min() <= tile.min() && tile.max() <= parent.max());
            assert!(parent.geometric_error() >= tile.geometric_error());
        }
    }
}

/// The ground as the finest tiles have it is nowhere farther from a tile's than its geometric error, and within its extremes.
#[test]
fn geometric_errors_and_extremes_hold_to_the_finest() {
    let rough = Rough::sparse(5, 8, 7);
    let terrain = Terrain::new(Arc::new(Rough::sparse(5, 8, 7).store));
    let (mut random, spec) = (Random(34), &rough.spec);
    let mut nearest: f64 = 1.0;
    for id in cells(spec, &mut Random(35), 400) {
        let tile = ClientTile::of(&rough.store, id).unwrap();
        let error = f64::from(tile.geometric_error().unwrap());
        let (column, row) = column_row(id);
        for _ in 0..200 {
            let mut unit = || random.below(1 << 40) as f64 / (1u64 << 40) as f64;
            let (x, y) = (4.0 * unit(), 4.0 * unit());
            let cells = f64::from(1u32 << id.level());
            let [s, t] = [(column, x), (row, y)].map(|(k, x)| (f64::from(k) + x / 4.0) / cells);
            let d = spatial_core::face_uv_to_direction(
                id.face(),
                spatial_core::st_to_uv(s),
                spatial_core::st_to_uv(t),
            );
            assert_eq!(face_st(d).0, id.face());
            let height_m = terrain.height(Ecef::new(d.x, d.y, d.z).unwrap()).unwrap();
            let ((i, fx), (j, fy)) = ((x as i32, x.fract()), (y as i32, y.fract()));
            let at = |i, j| tile.height_m(spec, i, j);
            let low = at(i, j) * (1.0 - fx) + at(i + 1, j) * fx;
            let high = at(i, j + 1) * (1.0 - fx) + at(i + 1, j + 1) * fx;
            let off = ((low * (1.0 - fy) + high * fy) - height_m).abs() / spec.quantum_m();
            // Halves are rounded twice a level, by at most half a quantum and a half of that.
            assert!(
                off <= error + 0.75 * f64::from(spec.levels()),
                "{id} {off} {error}"
            );
            if error > 200.0 {
                nearest = nearest.min((error - off) / error);
            }
            let [min_m, max_m] = [tile.min(), tile.max()].map(|v| spec.height_m(f64::from(v)));
            assert!(
                (min_m - 1e-6..=max_m + 1e-6).contains(&height_m),
                "{id} {height_m}"
            );
        }
    }
    assert!(
        nearest < 0.5,
        "an error that is far from all that is met says nothing: {nearest}"
    );
}

#[test]
fn what_is_not_there_is_refused_or_coarser() {
    let rough = Rough::sparse(3, 8, 9);
    let too_fine = CellId::from_face_ij(1, 0, 0, 4);
    let error = ClientTile::of(&rough.store, too_fine).unwrap_err();
    assert!(matches!(error, StoreError::Missing { cell } if cell == too_fine));
    assert!(ClientTile::of(&rough.store, too_fine.parent(3)).is_ok());
    // All but one tile, whose absence is an error: it, and what lies beside it, cannot be made.
    let spec = LatticeSpec::new(2, 8, 0.0, 1.0).unwrap();
    let gone = CellId::from_face_ij(4, 0, 0, 1);
    let whole = Rough::whole(2, 8);
    let rest = whole.store.cells().iter().filter(|c| **c != gone);
    let rest = rest.map(|c| (*whole.store.load(*c).unwrap()).clone());
    let manifest = Manifest::new(whole.planet, spec, "made for a test", "none");
    let store = MemoryStore::new(manifest, rest).unwrap();
    for child in gone.children().unwrap() {
        assert!(
            matches!(ClientTile::of(&store, child), Err(StoreError::Missing { cell }) if cell == gone)
        );
    }
    let beside = gone.edge_neighbors()[0].children().unwrap();
    let refused = beside
        .iter()
        .filter(|c| ClientTile::of(&store, **c).is_err())
        .count();
    assert_eq!(refused, 2, "those that touch it");
    assert!(
        ClientTile::of(&store, gone).is_ok(),
        "it has the face's samples"
    );
}
