//! Cells and planets that the tests look at.

use spatial_core::{
    CellId, DVec3, HeightTile, LatticeSpec, Manifest, MemoryStore, MissingTile, Planet, column_row,
};

use crate::sparse::Random;

/// A cell of a level: every fifth at a pole, an edge or a corner of the cube.
pub(super) fn cell(random: &mut Random, k: u32, level: u8) -> CellId {
    let last = (1u64 << level) - 1;
    let (face, along) = (random.below(6) as u8, random.below(last + 1));
    let middle = 1u64 << level >> 1;
    let (i, j) = match k % 15 {
        0 => (0, last),
        1 => (last, along),
        // Poles and the middles of faces, where the coordinates of the projection change their branch.
        2 => (middle, middle.saturating_sub(along % 2)),
        _ => (along, random.below(last + 1)),
    };
    let face = if k % 15 == 2 {
        [2, 5][random.below(2) as usize]
    } else {
        face
    };
    let size = 1u32 << (30 - level);
    CellId::from_face_ij(face, i as u32 * size, j as u32 * size, level)
}

/// A planet of rough ground, `levels` levels deep at some places, as a function of the direction alone and with its halves on edges
/// without a neighbour.
pub(super) struct Rough {
    pub(super) spec: LatticeSpec,
    pub(super) planet: Planet,
    pub(super) store: MemoryStore,
}

impl Rough {
    /// All tiles of the lattice.
    pub(super) fn whole(levels: u8, intervals: u16) -> Self {
        let spec = LatticeSpec::new(levels, intervals, 120.0, 0.25).unwrap();
        Self::of(spec, spec.cells(), MissingTile::Error)
    }

    /// About half of the children of every tile.
    pub(super) fn sparse(levels: u8, intervals: u16, seed: u64) -> Self {
        let spec = LatticeSpec::new(levels, intervals, 120.0, 0.25).unwrap();
        let mut random = Random(seed);
        let mut open: Vec<CellId> = (0..6).map(|f| CellId::from_face_ij(f, 0, 0, 0)).collect();
        let mut cells = Vec::new();
        while let Some(cell) = open.pop() {
            cells.push(cell);
            if cell.level() + 1 < levels {
                let children = cell.children().into_iter().flatten();
                open.extend(children.filter(|_| random.below(2) == 0));
            }
        }
        cells.sort_unstable();
        Self::of(spec, cells, MissingTile::Coarser)
    }

    fn of(spec: LatticeSpec, cells: Vec<CellId>, missing: MissingTile) -> Self {
        let planet = Planet::new(500_000.0).unwrap();
        let manifest = Manifest::new(planet, spec, "made for a test", "none").with_missing(missing);
        let mut from_above = cells.clone();
        from_above.sort_by_key(|cell| cell.level());
        let mut tiles = std::collections::BTreeMap::<CellId, HeightTile>::new();
        for cell in from_above {
            let parent = (cell.level() > 0).then(|| &tiles[&cell.parent(cell.level() - 1)]);
            let is_absent = cell
                .edge_neighbors()
                .map(|beside| cells.binary_search(&beside).is_err());
            let tile = tile(&spec, cell, parent, is_absent);
            tiles.insert(cell, tile);
        }
        let store = MemoryStore::new(manifest, tiles.into_values()).unwrap();
        Self {
            spec,
            planet,
            store,
        }
    }

    /// The stored value in a direction.
    pub(super) fn value(d: DVec3) -> i16 {
        let wave = |d: DVec3, f: f64| {
            let p = d * f;
            let [x, y, z] = [p.x + 0.3 * p.y, p.y - 0.2 * p.z, p.z + 0.1 * p.x]
                .map(|x| (x - x.floor() - 0.5).abs());
            x * y + y * z + z * x
        };
        (9_000.0 * wave(d, 1.5) + 4_000.0 * wave(d, 7.0) + 900.0 * wave(d, 61.0) - 4_000.0) as i16
    }
}

/// A tile as the import makes it: edges without a neighbour carry their parent's ground.
fn tile(
    spec: &LatticeSpec,
    cell: CellId,
    parent: Option<&HeightTile>,
    absent: [bool; 4],
) -> HeightTile {
    let n = u32::from(spec.intervals());
    let (column, row) = column_row(cell);
    let step = 1 << (spec.leaf_level() - cell.level());
    let refined = parent.map(|parent| parent.refined(cell).unwrap());
    let [south, east, north, west] = absent;
    let samples = (0..(n + 1) * (n + 1)).map(|k| {
        let (i, j) = (k % (n + 1), k / (n + 1));
        let is_border =
            (j == 0 && south) || (i == n && east) || (j == n && north) || (i == 0 && west);
        match &refined {
            Some(refined) if is_border || (i % 2 == 0 && j % 2 == 0) => {
                refined.sample(i as usize, j as usize)
            }
            _ => Rough::value(spec.direction(
                cell.face(),
                (column * n + i) * step,
                (row * n + j) * step,
            )),
        }
    });
    let samples: Vec<i16> = samples.collect();
    let error = refined.map(|refined| {
        let pairs = refined.samples().iter().zip(&samples);
        pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    });
    let tile = HeightTile::new(cell, spec.intervals(), samples).unwrap();
    match error {
        Some(error) => tile.with_geometric_error(error),
        None => tile,
    }
}
