//! Sparse planets: the finest tile of a place, bounds of what is below, and what a store must refuse.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use spatial_core::{
    CellId, Codec, DVec3, Ecef, HeightTile, LatticeSpec, Manifest, MemoryStore, MissingTile, Node,
    PackStore, PackWriter, Planet, StoreError, Terrain, TileError, TileStore, column_row, face_st,
    face_uv_to_direction,
};

const N: u16 = 8;
const LEVELS: u8 = 6;

fn lattice() -> LatticeSpec {
    LatticeSpec::new(LEVELS, N, 3.0, 0.5).unwrap()
}

fn manifest(tiles: usize) -> Manifest {
    Manifest::new(Planet::EARTH, lattice(), "made for a test", "none")
        .with_tiles(tiles as u64)
        .with_missing(MissingTile::Coarser)
}

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn unit(&mut self) -> f64 {
        self.below(1 << 53) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// A fifth at poles, on the antimeridian, on edges and corners of the cube.
    pub(crate) fn direction(&mut self, k: u32) -> DVec3 {
        let face = self.below(6) as u8;
        match k % 25 {
            0 => face_uv_to_direction(face, 1.0, self.unit()),
            1 => face_uv_to_direction(face, self.unit(), -1.0),
            2 => face_uv_to_direction(face, 1.0, -1.0),
            3 => DVec3::new(self.unit() * 1e-9, 0.0, [1.0, -1.0][k as usize % 2]),
            4 => DVec3::new(-1.0, 0.0, self.unit()),
            _ => face_uv_to_direction(face, self.unit(), self.unit()),
        }
    }
}

/// Six faces, and below each tile some of its children.
pub(crate) fn planet(random: &mut Random) -> MemoryStore {
    let mut tiles = Vec::new();
    let mut open: Vec<CellId> = (0..6).map(|f| CellId::from_face_ij(f, 0, 0, 0)).collect();
    while let Some(cell) = open.pop() {
        tiles.push(tile(cell));
        let finer = cell.level() + 1 < LEVELS;
        for child in cell.children().into_iter().flatten().filter(|_| finer) {
            if random.below(9) < 5 {
                open.push(child);
            }
        }
    }
    MemoryStore::new(manifest(tiles.len()), tiles).unwrap()
}

/// Heights that are a function of the direction alone.
fn tile(cell: CellId) -> HeightTile {
    let (spec, n, (column, row)) = (lattice(), u32::from(N), column_row(cell));
    let step = 1 << (spec.leaf_level() - cell.level());
    let samples = (0..(n + 1) * (n + 1)).map(|k| {
        let (i, j) = (column * n + k % (n + 1), row * n + k / (n + 1));
        let d = spec.direction(cell.face(), i * step, j * step) * 57.0;
        (9_000.0 * ((d.x - d.x.floor()) * d.y / 57.0 - (d.z - d.z.floor()))) as i16
    });
    HeightTile::new(cell, N, samples.collect()).unwrap()
}

pub(crate) fn pack_of(store: &dyn TileStore, encoded: impl Fn(CellId) -> Vec<u8>) -> Vec<u8> {
    let mut writer = PackWriter::new(Cursor::new(Vec::new()), store.manifest()).unwrap();
    for cell in store.cells() {
        writer.push(*cell, &encoded(*cell)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn raw(store: &dyn TileStore, cell: CellId) -> Vec<u8> {
    encoded(store, cell, Codec::Raw)
}

/// Of a codec that needs no parent.
pub(crate) fn encoded(store: &dyn TileStore, cell: CellId, codec: Codec) -> Vec<u8> {
    store.load(cell).unwrap().encode(codec, None).unwrap()
}

pub(crate) fn archive(store: &dyn TileStore, cell: CellId) -> Vec<u8> {
    let parent = (cell.level() > 0).then(|| store.load(cell.parent(cell.level() - 1)).unwrap());
    let tile = store.load(cell).unwrap();
    tile.encode_archive(parent.as_deref()).unwrap()
}

#[test]
fn the_finest_tile_is_that_of_a_search_over_all() {
    println!("seed 1");
    let mut random = Random(1);
    let store = Arc::new(planet(&mut random));
    let terrain = Terrain::new(store.clone());
    let by_cell: BTreeMap<CellId, usize> = store.cells().iter().copied().zip(0..).collect();
    let mut levels = [0; LEVELS as usize];
    let (mut places, mut singly) = (Vec::new(), Vec::new());
    for k in 0..20_000 {
        let place = random.direction(k) * 6.4e6;
        let (face, s, t) = face_st(place);
        let leaf = lattice().tile_of(face, s, t);
        let found = (0..LEVELS)
            .rev()
            .find_map(|level| by_cell.get(&leaf.parent(level)));
        let finest = store.nodes().finest(face, s, t).unwrap();
        assert_eq!(Some(&(finest.slot as usize)), found);
        let cell = store.cells()[finest.slot as usize];
        assert_eq!((finest.column, finest.row), column_row(cell));
        assert_eq!(finest.level, cell.level());
        levels[usize::from(finest.level)] += 1;
        let place = Ecef::new(place.x, place.y, place.z).unwrap();
        let height_m = terrain.height(place).unwrap();
        let want = store.load(cell).unwrap().height_m(&lattice(), face, s, t);
        assert_eq!(height_m.to_bits(), want.to_bits());
        places.push(place);
        singly.push(height_m.to_bits());
    }
    // In the order of cells neighbours follow each other, on finer tiles and coarser ones.
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_unstable_by_key(|n| CellId::from_direction(places[*n].to_vec()));
    let sorted: Vec<Ecef> = order.iter().map(|n| places[*n]).collect();
    let mut heights_m = vec![0.0; sorted.len()];
    terrain.heights(&sorted, &mut heights_m).unwrap();
    for (n, height_m) in order.iter().zip(&heights_m) {
        assert_eq!(height_m.to_bits(), singly[*n]);
    }
    assert!(levels.iter().all(|count| *count > 100), "{levels:?}");
}

#[test]
fn nodes_have_the_bounds_of_all_below() {
    let mut random = Random(2);
    let memory = planet(&mut random);
    let pack = PackStore::from_bytes(pack_of(&memory, |cell| raw(&memory, cell)), "raw").unwrap();
    for store in [&memory as &dyn TileStore, &pack] {
        assert_eq!(store.nodes().len(), store.cells().len());
        for (slot, cell) in store.cells().iter().enumerate() {
            let number = store.nodes().find(*cell).unwrap();
            let node: &Node = store.nodes().node(number);
            assert_eq!(node.slot(), Some(slot));
            let below = memory.cells().iter().filter(|c| cell.contains(**c));
            let tiles: Vec<_> = below.map(|c| memory.load(*c).unwrap()).collect();
            assert_eq!(node.min(), tiles.iter().map(|t| t.min()).min().unwrap());
            assert_eq!(node.max(), tiles.iter().map(|t| t.max()).max().unwrap());
            assert_eq!(node.is_leaf(), tiles.len() == 1);
            for child in cell.children().into_iter().flatten() {
                let (column, row) = column_row(child);
                let number = node.child((2 * (row & 1) + (column & 1)) as u8);
                assert_eq!(number, store.nodes().find(child));
            }
        }
    }
}

#[test]
fn sparse_packs_hold_the_same_planet() {
    let memory = planet(&mut Random(3));
    for (name, bytes) in [
        ("raw", pack_of(&memory, |cell| raw(&memory, cell))),
        ("archive", pack_of(&memory, |cell| archive(&memory, cell))),
    ] {
        let pack = PackStore::from_bytes(bytes, name).unwrap();
        assert_eq!(pack.manifest(), memory.manifest());
        assert_eq!(pack.cells(), memory.cells());
        for cell in memory.cells() {
            assert_eq!(pack.load(*cell).unwrap(), memory.load(*cell).unwrap());
        }
    }
}

/// Where a missing tile means its parent's ground, the parent must be there.
#[test]
fn orphans_and_lost_faces_are_refused() {
    let whole = planet(&mut Random(4));
    let is_parent = |c: &CellId| whole.cells().iter().any(|o| o != c && c.contains(*o));
    for gone in whole
        .cells()
        .iter()
        .filter(|c| c.level() == 0 || is_parent(c))
    {
        let rest = whole.cells().iter().filter(|c| *c != gone);
        let rest = rest.map(|c| (*whole.load(*c).unwrap()).clone());
        let error = MemoryStore::new(manifest(1), rest).unwrap_err().to_string();
        assert!(
            error.contains("parent or a face's tile is absent"),
            "{error}"
        );
    }
}

/// A sound tile of another planet under the right key: only the table knows.
#[test]
fn a_tile_of_another_planet_is_refused() {
    let memory = planet(&mut Random(5));
    let mut bytes = pack_of(&memory, |cell| raw(&memory, cell));
    let cell = memory.cells()[7];
    let own = raw(&memory, cell);
    let other = HeightTile::new(cell, N, vec![77; 81]).unwrap().encode_raw();
    let at = bytes.windows(own.len()).position(|w| w == own).unwrap();
    bytes[at..at + own.len()].copy_from_slice(&other);
    let pack = PackStore::from_bytes(bytes, "mixed").unwrap();
    for _ in 0..2 {
        let Err(StoreError::Tile { source, .. }) = pack.tile(cell) else {
            panic!("a stranger was accepted");
        };
        assert_eq!(source, TileError::Seal);
    }
    let others = pack.cells().iter().filter(|c| **c != cell);
    assert!(others.into_iter().all(|c| pack.tile(*c).is_ok()));
}

/// Packs that the first version of the program wrote.
#[test]
fn packs_of_format_1_open_as_before() {
    let raw = PackStore::open("tests/data/planet_format1_raw.pack").unwrap();
    let archive = PackStore::open("tests/data/planet_format1_archive.pack").unwrap();
    assert_eq!(raw.manifest().format(), 1);
    assert_eq!(raw.cells().len(), 6 * 5);
    for cell in raw.cells() {
        let tile = raw.load(*cell).unwrap();
        assert_eq!(archive.load(*cell).unwrap(), tile);
        let node = raw.nodes().node(raw.nodes().find(*cell).unwrap());
        assert_eq!((node.min(), node.max()), (i16::MIN, i16::MAX), "unknown");
    }
    // The sum over all samples, computed from the file's bytes by another program.
    let sum = raw
        .cells()
        .iter()
        .flat_map(|c| raw.load(*c).unwrap().samples().to_vec());
    assert_eq!(sum.map(i64::from).sum::<i64>(), -14579192);
    // Written again it is of the newest format and says the same.
    let upgraded = PackStore::from_bytes(pack_of(&raw, |c| self::raw(&raw, c)), "2").unwrap();
    assert_eq!(upgraded.manifest().format(), 2);
    for cell in raw.cells() {
        assert_eq!(upgraded.load(*cell).unwrap(), raw.load(*cell).unwrap());
    }
}
