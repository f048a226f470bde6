//! Stores: the same heights from memory, from a raw and from an archive pack; damage is one clear error.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Cursor;
use std::sync::Arc;

use spatial_core::{
    CellId, Codec, Ecef, Geodetic, HeightTile, LatticeSpec, Manifest, MemoryStore, PackStore,
    PackWriteError, PackWriter, Planet, StoreError, Terrain, TileError, TileStore, face_st,
};

const LEVELS: u8 = 3;
const N: u16 = 8;

fn lattice() -> LatticeSpec {
    LatticeSpec::new(LEVELS, N, -100.0, 0.25).unwrap()
}

/// A small planet whose heights are a function of the direction.
fn planet() -> MemoryStore {
    let spec = lattice();
    let manifest = Manifest::new(Planet::EARTH, spec, "made for a test", "none");
    let cells = (0..6u8).flat_map(|face| {
        (0..LEVELS).flat_map(move |level| {
            let size = 1u32 << (30 - level);
            let side = 1u32 << level;
            (0..side * side)
                .map(move |k| CellId::from_face_ij(face, k % side * size, k / side * size, level))
        })
    });
    MemoryStore::new(manifest, cells.map(|cell| tile(&spec, cell))).unwrap()
}

fn tile(spec: &LatticeSpec, cell: CellId) -> HeightTile {
    let (face, i, j) = cell.to_face_ij();
    let to_sample = |leaf: u32| ((u64::from(leaf) * u64::from(spec.face_intervals())) >> 30) as u32;
    let step = 1 << (spec.leaf_level() - cell.level());
    let samples = (0..u32::from(N + 1) * u32::from(N + 1)).map(|k| {
        let (di, dj) = (k % u32::from(N + 1) * step, k / u32::from(N + 1) * step);
        let d = spec.direction(face, to_sample(i) + di, to_sample(j) + dj);
        (9_000.0 * (d.x * d.y - 2.0 * d.z * d.z + 0.3 * d.x)) as i16
    });
    HeightTile::new(cell, N, samples.collect()).unwrap()
}

fn pack(store: &dyn TileStore, codec: Codec) -> Vec<u8> {
    let mut writer = PackWriter::new(Cursor::new(Vec::new()), store.manifest()).unwrap();
    for cell in store.cells() {
        let tile = store.load(*cell).unwrap();
        let parent = (cell.level() > 0).then(|| store.load(cell.parent(cell.level() - 1)).unwrap());
        let bytes = tile.encode(codec, parent.as_deref()).unwrap();
        writer.push(*cell, &bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn all_stores_hold_the_same_tiles_and_heights() {
    let memory = Arc::new(planet());
    let packs = Codec::ALL.map(|codec| {
        let store = PackStore::from_bytes(pack(&*memory, codec), "pack").unwrap();
        assert_eq!(store.manifest(), memory.manifest());
        assert_eq!(store.cells(), memory.cells());
        for cell in memory.cells() {
            let is_in_place = store.tile(*cell).unwrap().bytes().is_some();
            assert_eq!(is_in_place, matches!(codec, Codec::Raw | Codec::Hot));
            assert_eq!(store.load(*cell).unwrap(), memory.load(*cell).unwrap());
        }
        Terrain::new(Arc::new(store))
    });
    assert_eq!(
        read_all(pack(&*memory, Codec::Archive)).unwrap().len(),
        6 * 21
    );
    let ground = Terrain::new(memory);
    for k in 0..2_000 {
        let (lat, lon) = (-90.0 + 0.09 * f64::from(k), f64::from(k * 37 % 361) - 180.0);
        let place = Geodetic::from_degrees(lat, lon, 77.0).unwrap();
        let want = ground.height(place).unwrap();
        for pack in &packs {
            let got = pack.height(place).unwrap();
            assert_eq!(got.to_bits(), want.to_bits(), "{lat} {lon}");
        }
        let by_ecef = ground.height(Planet::EARTH.ecef(place)).unwrap();
        assert!((by_ecef - want).abs() < 1e-6);
    }
}

/// A tile that stands alone answers as the terrain does: what the simulation does with its resident tiles.
#[test]
fn resident_tiles_answer_as_the_terrain_does() {
    let store = Arc::new(planet());
    let terrain = Terrain::new(store.clone());
    let mut seed = 7u64;
    for _ in 0..5_000 {
        let mut next = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let place = Ecef::new(next() * 7e6, next() * 7e6, next() * 7e6).unwrap();
        let (face, s, t) = face_st(place.to_vec());
        let spec = store.manifest().lattice();
        let tile = store.load(spec.tile_at(place.to_vec())).unwrap();
        let alone = tile.height_m(spec, face, s, t);
        assert_eq!(alone.to_bits(), terrain.height(place).unwrap().to_bits());
    }
}

#[test]
fn a_missing_tile_is_an_error_that_names_it() {
    let whole = planet();
    let gone = lattice().tile_at(Geodetic::from_degrees(10.0, 20.0, 0.0).unwrap().direction());
    let rest = whole.cells().iter().filter(|c| **c != gone);
    let rest = rest.map(|c| (*whole.load(*c).unwrap()).clone());
    let store = MemoryStore::new(whole.manifest().clone(), rest).unwrap();
    let terrain = Terrain::new(Arc::new(store));
    let error = terrain
        .height(Geodetic::from_degrees(10.0, 20.0, 0.0).unwrap())
        .unwrap_err();
    assert!(matches!(error, StoreError::Missing { cell } if cell == gone));
    assert!(error.to_string().contains(&gone.token()), "{error}");
    assert!(
        terrain
            .height(Geodetic::from_degrees(-40.0, 20.0, 0.0).unwrap())
            .is_ok()
    );
}

/// Every byte of a pack, flipped, also in the gaps between tiles: the pack or a tile is refused.
#[test]
fn every_flipped_byte_of_a_pack_is_found() {
    let memory = planet();
    for (codec, stride) in [
        (Codec::Raw, 1),
        (Codec::Hot, 17),
        (Codec::Wire, 17),
        (Codec::Archive, 1),
    ] {
        let sound = pack(&memory, codec);
        // All of the header and the first tiles, then a sample of the rest.
        let head = (0..4_096).step_by(stride);
        for at in head.chain((4_096..sound.len()).step_by(37 * stride)) {
            let mut bad = sound.clone();
            bad[at] ^= 1 << (at % 8);
            let error = read_all(bad).err().map(|e| e.to_string());
            let named = error.as_ref().is_some_and(|e| e.starts_with("bad.pack: "));
            assert!(named, "{codec:?}, byte {at}: {error:?}");
        }
    }
}

#[test]
fn every_cut_of_a_pack_is_found() {
    let sound = pack(&planet(), Codec::Archive);
    for length in (0..sound.len()).step_by(61).chain([sound.len() - 1]) {
        let error = PackStore::from_bytes(sound[..length].to_vec(), "bad.pack").unwrap_err();
        assert!(
            error.to_string().contains("truncated") || error.to_string().contains("too short"),
            "{error}"
        );
    }
    let longer = [&sound[..], &[0]].concat();
    assert!(PackStore::from_bytes(longer, "bad.pack").is_err());
}

#[test]
fn wrong_magic_and_version_are_named() {
    let edit = |at: usize| {
        let mut bytes = pack(&planet(), Codec::Raw);
        bytes[at] = b'9';
        PackStore::from_bytes(bytes, "bad.pack")
            .unwrap_err()
            .to_string()
    };
    assert!(edit(0).contains("magic"));
    assert!(edit(8).contains("version"));
}

#[test]
fn packs_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("small.pack");
    let missing = PackStore::open(&path).unwrap_err().to_string();
    assert!(missing.contains("small.pack"), "{missing}");
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(
        PackStore::open(&path),
        Err(StoreError::Damaged { .. })
    ));
    assert!(matches!(
        PackStore::open(dir.path()),
        Err(StoreError::Damaged { .. })
    ));
    std::fs::write(&path, pack(&planet(), Codec::Archive)).unwrap();
    let store = PackStore::open(&path).unwrap();
    assert_eq!(store.cells().len(), 6 * (1 + 4 + 16));
    assert_eq!(store.file(), path);
}

#[test]
fn the_writer_refuses_disorder() {
    let memory = planet();
    let writer = || PackWriter::new(Cursor::new(Vec::new()), memory.manifest()).unwrap();
    let (a, b) = (memory.cells()[0], memory.cells()[1]);
    let mut twice = writer();
    let tile = memory.load(b).unwrap().encode_raw();
    assert!(matches!(twice.push(b, &[]), Err(PackWriteError::Tile(_))));
    twice.push(b, &tile).unwrap();
    assert!(matches!(twice.push(b, &tile), Err(PackWriteError::Order)));
    assert!(matches!(twice.push(a, &tile), Err(PackWriteError::Order)));
    assert!(matches!(twice.finish(), Err(PackWriteError::Count)));
}

/// A tile under another tile's key is refused, though its own checksum is right.
#[test]
fn a_tile_in_the_wrong_place_is_refused() {
    let memory = planet();
    let mut writer = PackWriter::new(Cursor::new(Vec::new()), memory.manifest()).unwrap();
    let stranger = memory.load(memory.cells()[0]).unwrap().encode_raw();
    for cell in memory.cells() {
        writer.push(*cell, &stranger).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let store = PackStore::from_bytes(bytes, "swapped").unwrap();
    assert!(store.tile(memory.cells()[0]).is_ok());
    let error = store.load(memory.cells()[5]).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Tile {
                source: TileError::Cell,
                ..
            }
        ),
        "{error}"
    );
}

fn read_all(bytes: Vec<u8>) -> Result<Vec<Arc<HeightTile>>, StoreError> {
    let store = PackStore::from_bytes(bytes, "bad.pack")?;
    store.cells().iter().map(|cell| store.load(*cell)).collect()
}

/// However deep a place is said to be, the ground above it is its own, not its antipode's.
#[test]
fn the_ground_above_a_place_below_the_centre() {
    let terrain = Terrain::new(Arc::new(planet()));
    for lat in [-90.0, -45.0, 0.0, 12.5, 89.0] {
        let at = |height| Geodetic::from_degrees(lat, 33.0, height).unwrap();
        let want = terrain.height(at(0.0)).unwrap();
        assert_eq!(terrain.height(at(-9.9e6)).unwrap(), want);
        let deep = terrain.height(Planet::EARTH.ecef(at(-6_000_000.0)));
        assert!((deep.unwrap() - want).abs() < 1e-6);
    }
}

/// Under a right checksum: the bytes between the manifest and the tables are still zeros or refused.
#[test]
fn a_header_says_nothing_between_its_parts() {
    let mut bytes = pack(&planet(), Codec::Raw);
    let manifest = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    assert_ne!(
        manifest % 8,
        0,
        "there must be a gap: lengthen the manifest"
    );
    let end = u64::from_le_bytes(bytes[24..32].try_into().unwrap()) as usize;
    for (value, is_sound) in [(0, true), (1, false)] {
        bytes[48 + manifest] = value;
        let checksum = xxhash_rust::xxh3::xxh3_64(&[&bytes[..40], &bytes[48..end]].concat());
        bytes[40..48].copy_from_slice(&checksum.to_le_bytes());
        let opened = PackStore::from_bytes(bytes.clone(), "bad.pack");
        assert_eq!(opened.is_ok(), is_sound);
    }
}
