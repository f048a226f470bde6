//! The bytes of client tiles.

use spatial_core::{
    CellId, ClientTile, Codec, HeightTile, LatticeSpec, Manifest, MemoryStore, Planet, TileError,
    TileStore,
};

use super::scene::{Rough, cell};
use crate::sparse::Random;

fn above(rough: &dyn TileStore, tile: &ClientTile) -> Option<ClientTile> {
    let level = tile.cell().level();
    (level > 0).then(|| ClientTile::of(rough, tile.cell().parent(level - 1)).unwrap())
}

/// A planet some of whose samples were filled, and all rounded to a bound.
fn filled_and_rounded(error_bound: u16) -> MemoryStore {
    rounded(&Rough::whole(3, 16), |_| error_bound)
}

/// The same of any planet, with a bound for each cell.
fn rounded(rough: &Rough, error_bound: impl Fn(CellId) -> u16) -> MemoryStore {
    let tiles = rough.store.cells().iter().map(|c| {
        let tile = rough.store.load(*c).unwrap();
        let tile = tile.rounded(error_bound(*c)).unwrap();
        let bits = (0..tile.samples().len().div_ceil(8)).map(|n| if n % 5 == 0 { 0x21 } else { 0 });
        let mut bits: Vec<u8> = bits.collect();
        *bits.last_mut().unwrap() = 0;
        tile.with_filled(&bits).unwrap()
    });
    MemoryStore::new(rough.store.manifest().clone(), tiles).unwrap()
}

#[test]
fn tiles_come_back_as_they_were() {
    let mut smaller = 0;
    for store in [
        Rough::whole(4, 8).store,
        Rough::sparse(3, 128, 2).store,
        Rough::sparse(3, 32, 3).store,
        filled_and_rounded(0),
        filled_and_rounded(7),
        rounded(&Rough::whole(3, 64), bound_of_face),
        rounded(&Rough::sparse(4, 32, 3), |_| 7),
    ] {
        let mut random = Random(41);
        let levels = u32::from(store.manifest().lattice().levels()) + 1;
        for k in 0..80 {
            let tile =
                ClientTile::of(&store, cell(&mut random, k / levels, (k % levels) as u8)).unwrap();
            let parent = above(&store, &tile);
            let mut bytes = Vec::new();
            for (codec, parent) in [
                (Codec::Wire, None),
                (Codec::Archive, None),
                (Codec::Archive, parent.as_ref()),
            ] {
                bytes = tile.encode(codec, parent).unwrap();
                assert_eq!(
                    ClientTile::decode(&bytes, parent).unwrap(),
                    tile,
                    "{codec:?}"
                );
            }
            let alone = tile.encode(Codec::Archive, None).unwrap();
            if bytes != alone {
                smaller += usize::from(bytes.len() < alone.len());
                assert_eq!(ClientTile::decode(&bytes, None), Err(TileError::Parent));
                assert_eq!(
                    ClientTile::decode(&bytes, Some(&tile)),
                    Err(TileError::Parent)
                );
            }
            assert_eq!(tile.encode(Codec::Hot, None), Err(TileError::Codec(1)));
        }
    }
    assert!(smaller > 100, "{smaller}");
}

#[test]
fn filled_samples_and_bounds_are_those_of_the_stored_tile() {
    let store = filled_and_rounded(7);
    let mut flags = 0;
    for id in store.cells() {
        let stored = store.load(*id).unwrap();
        for (n, child) in id.children().unwrap().into_iter().enumerate() {
            let tile = ClientTile::of(&store, child).unwrap();
            assert_eq!(tile.error_bound(), 7);
            let (column, row) = spatial_core::column_row(child);
            let (i0, j0) = (8 * (column as usize & 1), 8 * (row as usize & 1));
            for (i, j) in (0..=8).flat_map(|j| (0..=8).map(move |i| (i, j))) {
                assert_eq!(
                    tile.is_filled(i, j),
                    stored.is_filled(i0 + i, j0 + j),
                    "{n}"
                );
                flags += u32::from(tile.is_filled(i, j));
            }
        }
    }
    assert!(flags > 1_000);
}

/// A bound of some faces, another of the others.
fn bound_of_face(cell: CellId) -> u16 {
    if cell.face() == 1 { 7 } else { 3 }
}

/// Where ground of several bounds meets, a tile's is the largest; ground that coarser tiles stand for takes nothing from it.
#[test]
fn error_bounds_are_the_largest_of_the_ground_around() {
    let store = rounded(&Rough::whole(2, 16), bound_of_face);
    let mut mixed = 0;
    for child in store.cells().iter().flat_map(|c| c.children().unwrap()) {
        let tile = ClientTile::of(&store, child).unwrap();
        let around = child.edge_neighbors().into_iter().chain([child]);
        let largest = around.map(bound_of_face).max().unwrap();
        assert_eq!(tile.error_bound(), largest, "{child}");
        mixed += usize::from(largest != bound_of_face(child));
    }
    assert_eq!(mixed, 4 * (2 + 4), "of levels 1 and 2 along four edges");
    let store = rounded(&Rough::sparse(4, 16, 6), |_| 7);
    assert!(store.cells().len() < Rough::whole(4, 16).store.cells().len());
    for child in store.cells().iter().flat_map(|c| c.children().unwrap()) {
        assert_eq!(ClientTile::of(&store, child).unwrap().error_bound(), 7);
    }
}

/// A tile of numbers that are a function of integers, and its parent.
fn made_up(intervals: u16) -> (ClientTile, ClientTile) {
    raised(intervals, 0)
}

/// The same of a planet that is higher within its faces.
fn raised(intervals: u16, by: i16) -> (ClientTile, ClientTile) {
    let spec = LatticeSpec::new(1, intervals, 0.0, 1.0).unwrap();
    let manifest = Manifest::new(Planet::EARTH, spec, "made for a test", "none");
    let (side, last) = (usize::from(intervals) + 1, usize::from(intervals));
    let tiles = (0..6u8).map(|face| {
        // Of no symmetry but where faces meet: there all have 100.
        let inside = |k: usize| (1..last).contains(&(k % side)) && (1..last).contains(&(k / side));
        let hill = |k: usize| {
            (k % side * (last - k % side) + k / side * (last - k / side) + k * k % 61) as i16
        };
        let sample = |k: usize| {
            100 + if inside(k) {
                hill(k) + i16::from(face) + by
            } else {
                0
            }
        };
        let samples = (0..side * side).map(sample).collect();
        HeightTile::new(CellId::from_face_ij(face, 0, 0, 0), intervals, samples).unwrap()
    });
    let store = MemoryStore::new(manifest, tiles).unwrap();
    let of = |cell| ClientTile::of(&store, cell).unwrap();
    (
        of(CellId::from_face_ij(3, 0, 0, 0)),
        of(CellId::from_face_ij(3, 0, 1 << 29, 1)),
    )
}

/// The bytes of version 1, as they were written first.
#[test]
fn golden_bytes() {
    const ARCHIVE: &[u8] = include_bytes!("../../data/client_tile_v1_archive.bin");
    const WITH_PARENT: &[u8] = include_bytes!("../../data/client_tile_v1_with_parent.bin");
    const WIRE: &[u8] = include_bytes!("../../data/client_tile_v1_wire.bin");
    let (parent, tile) = made_up(64);
    assert_eq!(tile.encode(Codec::Archive, None).unwrap(), ARCHIVE);
    assert_eq!(
        tile.encode(Codec::Archive, Some(&parent)).unwrap(),
        WITH_PARENT
    );
    assert!(WITH_PARENT.len() < ARCHIVE.len());
    // What zstd makes of it may change; that it is read may not.
    for golden in [ARCHIVE, WITH_PARENT, WIRE] {
        assert_eq!(ClientTile::decode(golden, Some(&parent)).unwrap(), tile);
    }
}

/// A parent that a client has kept of another base, and one of another cell, are refused, not drawn.
#[test]
fn wrong_parents_are_told() {
    let ((parent, tile), (other, _)) = (made_up(64), raised(64, 1));
    assert_eq!(other.cell(), parent.cell());
    let bytes = tile.encode(Codec::Archive, Some(&parent)).unwrap();
    assert_eq!(
        ClientTile::decode(&bytes, Some(&other)),
        Err(TileError::Parent)
    );
    assert_eq!(ClientTile::needs_parent(&bytes), Ok(true));
    let alone = tile.encode(Codec::Archive, Some(&other)).unwrap();
    assert_eq!(ClientTile::needs_parent(&alone), Ok(false), "of no use");
    for codec in [Codec::Wire, Codec::Archive] {
        assert_eq!(tile.encode(codec, Some(&tile)), Err(TileError::Parent));
        assert_eq!(parent.encode(codec, Some(&parent)), Err(TileError::Parent));
    }
    let wire = tile.encode(Codec::Wire, Some(&parent)).unwrap();
    assert_eq!(ClientTile::needs_parent(&wire), Ok(false));
    assert_eq!(
        ClientTile::needs_parent(&wire[..20]),
        Err(TileError::Length)
    );
}

#[test]
fn every_changed_byte_is_found_and_nothing_may_follow() {
    let (parent, tile) = made_up(8);
    for bytes in [
        tile.encode(Codec::Wire, None).unwrap(),
        tile.encode(Codec::Archive, Some(&parent)).unwrap(),
    ] {
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert!(
                    ClientTile::decode(&damaged, Some(&parent)).is_err(),
                    "{at} {bit}"
                );
            }
            assert!(ClientTile::decode(&bytes[..at], Some(&parent)).is_err());
        }
        let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
        assert!(ClientTile::decode(&longer, Some(&parent)).is_err());
    }
}
