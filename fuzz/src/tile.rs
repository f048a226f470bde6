//! Tiles, packs and manifests.

use std::io::Cursor;

use spatial_core::{
    CellId, Codec, DVec3, HeightTile, LatticeSpec, Manifest, PackStore, PackWriter, Planet, Ray,
    TableBuilder, Terrain, TileStore,
};

use crate::seal;

/// Intervals along the edges of the seeds' tiles: as few as are legal.
const N: u16 = 8;

/// What stands before the frame of an archive tile of version 1.
const HEAD_OF_VERSION_1: usize = 32;
/// What stands before the frame of a wire tile.
const HEAD_OF_WIRE: usize = 60;

/// First byte: 0 a tile as it is, 1 a tile that is then sealed, 2 an archive tile of version 1 up to its frame and residuals
/// that are then compressed, 3 a pack as it is, 4 a pack that is then sealed, 5 a manifest as it is, 6 one that is then
/// sealed, 7 as 2 of a wire tile, 8 a base's table as it is, 9 one that is then sealed.
pub fn run(data: &[u8]) -> bool {
    let Some((kind, rest)) = data.split_first() else {
        return false;
    };
    let mut bytes = rest.to_vec();
    match kind {
        0 => decode(&bytes),
        1 => {
            seal::tile(&mut bytes);
            decode(&bytes)
        }
        2 => decode_compressed(&bytes, HEAD_OF_VERSION_1),
        3 => open(bytes),
        4 => {
            seal::pack(&mut bytes);
            open(bytes)
        }
        5 => read_manifest(&bytes),
        6 => {
            seal::manifest(&mut bytes);
            read_manifest(&bytes)
        }
        7 => decode_compressed(&bytes, HEAD_OF_WIRE),
        8 => read_table(&bytes),
        9 => {
            seal::table(&mut bytes);
            read_table(&bytes)
        }
        _ => false,
    }
}

/// What is read of a table is written as it was.
fn read_table(bytes: &[u8]) -> bool {
    TableBuilder::decode_part(bytes).is_some_and(|table| {
        assert_eq!(table.encode_part(), bytes);
        true
    })
}

/// Alone, and as a child of the tile that all seeds descend from.
fn decode(bytes: &[u8]) -> bool {
    let decoded = [None, Some(root())].map(|parent| {
        let tile = HeightTile::decode(bytes, parent.as_ref()).ok()?;
        check(&tile);
        Some(tile)
    });
    decoded.iter().any(Option::is_some)
}

/// What is decoded is a tile like any other. (It is not encoded as an archive again: that takes a thousand times as
/// long as all the rest.)
fn check(tile: &HeightTile) {
    let raw = HeightTile::decode(&tile.encode_raw(), None).expect("just encoded");
    assert_eq!(&raw, tile);
    let spec = LatticeSpec::new(18, tile.intervals(), 0.0, 1.0).expect("a legal lattice");
    let extremes = f64::from(tile.min())..=f64::from(tile.max());
    for (s, t) in [(0.0, 0.0), (1.0, 1.0), (0.3, 0.7)] {
        let height_m = tile.height_m(&spec, tile.cell().face(), s, t);
        assert!(extremes.contains(&height_m), "{height_m} m");
    }
}

fn decode_compressed(bytes: &[u8], head: usize) -> bool {
    compressed(bytes, head).is_some_and(|bytes| decode(&bytes))
}

/// A sealed tile of what stands before its frame, and uncompressed residuals.
fn compressed(bytes: &[u8], head: usize) -> Option<Vec<u8>> {
    let (before, residuals) = bytes.split_at_checked(head)?;
    let frame = zstd::bulk::compress(residuals, 1).ok()?;
    let mut tile = [before, &frame].concat();
    let header = if head == HEAD_OF_VERSION_1 { 32 } else { 40 };
    let length = u32::try_from(tile.len() - header).ok()?;
    tile[20..24].copy_from_slice(&length.to_le_bytes());
    seal::tile(&mut tile);
    Some(tile)
}

/// Opens a pack and reads every tile; accepted when all can be read.
fn open(bytes: Vec<u8>) -> bool {
    let Ok(pack) = PackStore::from_bytes(bytes, "fuzz") else {
        return false;
    };
    let all_read = pack.cells().iter().fold(true, |so_far, cell| {
        let loaded = pack.load(*cell);
        if let Ok(tile) = &loaded {
            let stored = pack.tile(*cell).expect("it was loaded");
            let face = cell.face();
            let spec = pack.manifest().lattice();
            let height_m = stored
                .height_m(spec, face, 0.5, 0.5)
                .expect("it was verified");
            assert_eq!(height_m, tile.height_m(spec, face, 0.5, 0.5));
        }
        so_far && loaded.is_ok()
    });
    ask(&Terrain::new(std::sync::Arc::new(pack)));
    all_read
}

/// Whatever a planet holds, questions about it have answers or errors.
fn ask(terrain: &Terrain) {
    let _ = terrain.height(place());
    let _ = terrain.ground(place());
    let from = spatial_core::Ecef::new(2e8, 4e7, 2e7).expect("a legal place");
    for aside in [0.0, 0.3] {
        let _ = terrain.raycast(&Ray {
            from,
            direction: DVec3::new(-1.0, aside - 0.2, -0.1),
            reach_m: f64::INFINITY,
        });
    }
}

fn place() -> spatial_core::Ecef {
    spatial_core::Ecef::new(1.0, 0.2, 0.1).expect("a legal place")
}

/// There is one spelling of every manifest that was accepted, but for the form of its numbers and texts.
fn read_manifest(text: &[u8]) -> bool {
    Manifest::decode(text).is_ok_and(|manifest| {
        if let Ok(text) = manifest.encode() {
            assert_eq!(Manifest::decode(&text).expect("just encoded"), manifest);
        }
        true
    })
}

/// What the importer writes, of a planet with tiles of two levels.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let (root, child) = (root(), child());
    let encode = |tile: &HeightTile, codec| tile.encode(codec, Some(&root)).expect("its parent");
    let face = root.encode_archive(None).expect("level 0 has no parent");
    let map = [&[0; 10][..], &[1]].concat();
    let filled = child.clone().with_filled(&map).expect("81 bits");
    let wire = encode(&child, Codec::Wire);
    let archive = encode(&child, Codec::Archive);
    let manifest = manifest().encode().expect("short texts");
    let packs = Codec::ALL.map(pack);
    let mut table = TableBuilder::default();
    for tile in [&archive, &face] {
        table.push(tile).expect("a tile");
    }
    let table = table.encode_part();
    vec![
        ("raw", crate::seed(0, &root.encode_raw())),
        ("raw_sealed", crate::seed(1, &root.encode_raw())),
        ("raw_filled", crate::seed(1, &filled.encode_raw())),
        ("hot", crate::seed(1, &encode(&child, Codec::Hot))),
        ("wire", crate::seed(1, &wire)),
        ("archive_face", crate::seed(1, &face)),
        ("archive_child", crate::seed(1, &archive)),
        (
            "residuals_wire",
            crate::seed(7, &uncompressed(&wire, HEAD_OF_WIRE)),
        ),
        ("v1_raw", crate::seed(1, V1_RAW)),
        ("v1_archive_face", crate::seed(1, V1_FACE)),
        ("v1_archive_child", crate::seed(1, V1_CHILD)),
        (
            "v1_residuals_face",
            crate::seed(2, &uncompressed(V1_FACE, HEAD_OF_VERSION_1)),
        ),
        (
            "v1_residuals_child",
            crate::seed(2, &uncompressed(V1_CHILD, HEAD_OF_VERSION_1)),
        ),
        ("pack", crate::seed(3, &packs[0])),
        ("pack_raw", crate::seed(4, &packs[0])),
        ("pack_hot", crate::seed(4, &packs[1])),
        ("pack_wire", crate::seed(4, &packs[2])),
        ("pack_archive", crate::seed(4, &packs[3])),
        ("manifest", crate::seed(5, &manifest)),
        ("manifest_sealed", crate::seed(6, &manifest)),
        ("table", crate::seed(8, &table)),
        ("table_sealed", crate::seed(9, &table)),
    ]
}

const V1_RAW: &[u8] = include_bytes!("../../crates/spatial-core/tests/data/tile_v1_raw.bin");
const V1_FACE: &[u8] =
    include_bytes!("../../crates/spatial-core/tests/data/tile_v1_archive_face.bin");
const V1_CHILD: &[u8] =
    include_bytes!("../../crates/spatial-core/tests/data/tile_v1_archive_child.bin");

/// The inverse of [`compressed`].
fn uncompressed(tile: &[u8], head: usize) -> Vec<u8> {
    let (before, frame) = tile.split_at(head);
    let residuals = zstd::bulk::decompress(frame, 1 << 16).expect("just compressed");
    [before, &residuals].concat()
}

fn manifest() -> Manifest {
    let lattice = LatticeSpec::new(2, N, -10.0, 0.5).expect("a legal lattice");
    Manifest::new(Planet::EARTH, lattice, "made for fuzzing", "none").with_tiles(2)
}

fn pack(codec: Codec) -> Vec<u8> {
    let (root, child) = (root(), child());
    let encode = |tile: &HeightTile, parent| tile.encode(codec, parent).expect("its parent");
    let mut tiles = [
        (root.cell(), encode(&root, None)),
        (child.cell(), encode(&child, Some(&root))),
    ];
    tiles.sort_by_key(|(cell, _)| *cell);
    let mut writer = PackWriter::new(Cursor::new(Vec::new()), &manifest()).expect("memory");
    for (cell, bytes) in &tiles {
        writer.push(*cell, bytes).expect("memory");
    }
    writer.finish().expect("two tiles").into_inner()
}

/// The tile of the first face.
fn root() -> HeightTile {
    slope(CellId::from_face_ij(0, 0, 0, 0), 4)
}

/// The tile that covers its lower left quarter, with the same samples where both have some.
fn child() -> HeightTile {
    slope(CellId::from_face_ij(0, 0, 0, 1), 2)
}

fn slope(cell: CellId, step: i16) -> HeightTile {
    let side = N as i16 + 1;
    let sample =
        |k: i16| 100 - step * (k % side) + step * 3 * (k / side) + (4 / step - 1) * (k % side % 2);
    let samples = (0..side * side).map(sample).collect();
    HeightTile::new(cell, N, samples).expect("samples of a whole tile")
}
