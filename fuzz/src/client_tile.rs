//! Client tiles: what a server sends, and what is made of it.

use spatial_core::{
    CellId, ClientTile, Codec, HeightTile, Horizon, LatticeSpec, Manifest, MemoryStore, Planet,
};

use crate::seal;

/// Intervals of most seeds' stored tiles: as few as are legal.
const N: u16 = 8;
/// Intervals with which a tile is smaller that leaves out what its parent has.
const N_WITH_PARENT: u16 = 64;
/// What stands before the frame of a wire tile.
const HEAD_OF_WIRE: usize = 49;

/// First byte: 0 a client tile as it is, 1 one that is then sealed, 2 a wire tile up to its frame and residuals that are then
/// compressed.
pub fn run(data: &[u8]) -> bool {
    let Some((kind, rest)) = data.split_first() else {
        return false;
    };
    let mut bytes = rest.to_vec();
    match kind {
        0 => decode(&bytes),
        1 => {
            seal::client_tile(&mut bytes);
            decode(&bytes)
        }
        2 => compressed(&bytes).is_some_and(|bytes| decode(&bytes)),
        _ => false,
    }
}

/// Alone, and as a child of the tiles that all seeds descend from.
fn decode(bytes: &[u8]) -> bool {
    let decoded = [None, Some(root(N)), Some(root(N_WITH_PARENT))].map(|parent| {
        let tile = ClientTile::decode(bytes, parent.as_ref()).ok()?;
        check(&tile);
        Some(tile)
    });
    decoded.iter().any(Option::is_some)
}

/// What is decoded is a tile like any other, and can be drawn.
fn check(tile: &ClientTile) {
    let again = tile.encode(Codec::Wire, None).expect("without a parent");
    assert_eq!(
        &ClientTile::decode(&again, None).expect("just encoded"),
        tile
    );
    let spec = LatticeSpec::new(18, 2 * tile.intervals(), -20.0, 0.5).expect("a legal lattice");
    let planet = Planet::EARTH;
    let mesh = tile
        .mesh(planet, &spec, [0, 1, 2, 0])
        .expect("at least four intervals");
    let vertices = usize::from(tile.intervals() + 1).pow(2);
    assert_eq!(
        (mesh.positions.len(), mesh.normals.len()),
        (vertices, vertices)
    );
    assert!(mesh.indices.iter().all(|v| usize::from(*v) < vertices));
    let radius_m = tile.bounds(planet, &spec).radius_m() * 1.001;
    for corner in mesh.positions.iter().chain(&mesh.normals) {
        let length = corner.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
        assert!(length <= radius_m.max(1.001), "{length} {radius_m}");
    }
    let _ = Horizon::new(planet, -12_000.0).point(&tile.bounds(planet, &spec));
    let _ = tile.is_filled(1, 2);
}

/// A sealed tile of what stands before its frame, and uncompressed residuals.
fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (before, residuals) = bytes.split_at_checked(HEAD_OF_WIRE)?;
    let frame = zstd::bulk::compress(residuals, 1).ok()?;
    let mut tile = [before, &frame].concat();
    seal::client_tile(&mut tile);
    Some(tile)
}

/// The inverse of [`compressed`].
fn uncompressed(tile: &[u8]) -> Vec<u8> {
    let (before, frame) = tile.split_at(HEAD_OF_WIRE);
    let residuals = zstd::bulk::decompress(frame, 1 << 16).expect("just compressed");
    [before, &residuals].concat()
}

/// What a server sends of a planet with one tile a face.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let id = CellId::from_face_ij(0, 0, 0, 1);
    let (root, child) = (root(N), client_tile(id, N, 0));
    let filled = client_tile(id, N, 0x11);
    let encode = |tile: &ClientTile, codec| tile.encode(codec, None).expect("without a parent");
    let wire = encode(&child, Codec::Wire);
    let (parent, finer) = (self::root(N_WITH_PARENT), client_tile(id, N_WITH_PARENT, 0));
    let with_parent = finer
        .encode(Codec::Archive, Some(&parent))
        .expect("its parent");
    assert_ne!(
        with_parent,
        encode(&finer, Codec::Archive),
        "the parent helps"
    );
    vec![
        ("wire", crate::seed(0, &wire)),
        ("wire_sealed", crate::seed(1, &wire)),
        ("wire_filled", crate::seed(1, &encode(&filled, Codec::Wire))),
        ("archive", crate::seed(1, &encode(&child, Codec::Archive))),
        (
            "archive_face",
            crate::seed(1, &encode(&root, Codec::Archive)),
        ),
        ("archive_with_parent", crate::seed(1, &with_parent)),
        ("residuals_wire", crate::seed(2, &uncompressed(&wire))),
    ]
}

/// The tile of the first face.
fn root(intervals: u16) -> ClientTile {
    client_tile(CellId::from_face_ij(0, 0, 0, 0), intervals, 0)
}

/// The client tile of a cell, of stored tiles with so many intervals, some of whose samples were filled.
fn client_tile(cell: CellId, intervals: u16, filled: u8) -> ClientTile {
    let lattice = LatticeSpec::new(1, intervals, -20.0, 0.5).expect("a legal lattice");
    let manifest = Manifest::new(Planet::EARTH, lattice, "made for fuzzing", "none");
    let (side, last) = (usize::from(intervals) + 1, usize::from(intervals));
    let tiles = (0..6).map(|face| {
        // Where faces meet all have the same.
        let inside = |k: usize| (1..last).contains(&(k % side)) && (1..last).contains(&(k / side));
        let hill = |k: usize| k % side * (last - k % side) + k / side * (last - k / side);
        let sample = |k: usize| {
            100 + if inside(k) {
                (hill(k) + k * k % 61) as i16
            } else {
                0
            }
        };
        let samples = (0..side * side).map(sample).collect();
        let face = CellId::from_face_ij(face, 0, 0, 0);
        let tile = HeightTile::new(face, intervals, samples).expect("samples of a whole tile");
        let mut map = vec![filled; (side * side).div_ceil(8)];
        if let Some(last) = map.last_mut() {
            *last = 0;
        }
        tile.with_filled(&map).expect("a bit a sample")
    });
    let store = MemoryStore::new(manifest, tiles).expect("tiles of the lattice");
    ClientTile::of(&store, cell).expect("a level that is there")
}
