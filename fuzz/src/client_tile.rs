//! Client tiles: what a server sends, and what is made of it.

use spatial_core::{
    CellId, ClientTile, Codec, HeightTile, Horizon, LatticeSpec, Manifest, MemoryStore, Planet,
};

use crate::seal;

/// Intervals of the seeds' stored tiles: as few as are legal.
const N: u16 = 8;
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

/// Alone, and as a child of the tile that all seeds descend from.
fn decode(bytes: &[u8]) -> bool {
    let decoded = [None, Some(root())].map(|parent| {
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
    let (root, child) = (root(), client_tile(CellId::from_face_ij(0, 0, 0, 1), 0));
    let filled = client_tile(child.cell(), 0x11);
    let encode = |tile: &ClientTile, codec| tile.encode(codec, None).expect("without a parent");
    let wire = encode(&child, Codec::Wire);
    let with_parent = child
        .encode(Codec::Archive, Some(&root))
        .expect("its parent");
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
fn root() -> ClientTile {
    client_tile(CellId::from_face_ij(0, 0, 0, 0), 0)
}

/// The client tile of a cell, every eighth sample or so of which was filled.
fn client_tile(cell: CellId, filled: u8) -> ClientTile {
    let lattice = LatticeSpec::new(1, N, -20.0, 0.5).expect("a legal lattice");
    let manifest = Manifest::new(Planet::EARTH, lattice, "made for fuzzing", "none");
    let tiles = (0..6).map(|face| {
        // Where faces meet all have the same.
        let inside = |k: i16| (1..8).contains(&(k % 9)) && (1..8).contains(&(k / 9));
        let hill = |k: i16| (k % 9) * (8 - k % 9) * (k / 9) * (8 - k / 9);
        let sample = |k: i16| 100 + if inside(k) { hill(k) + k % 5 } else { 0 };
        let samples = (0..81).map(sample).collect();
        let face = CellId::from_face_ij(face, 0, 0, 0);
        let tile = HeightTile::new(face, N, samples).expect("samples of a whole tile");
        let map = [&[filled; 10][..], &[0]].concat();
        tile.with_filled(&map).expect("81 bits")
    });
    let store = MemoryStore::new(manifest, tiles).expect("tiles of the lattice");
    ClientTile::of(&store, cell).expect("a level that is there")
}
