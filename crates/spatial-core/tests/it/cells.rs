//! Cell ids against the C++ S2 library, bit for bit.

use spatial_core::{CellId, DVec3};

/// Made by tests/data/s2_cells.py, which also draws its layout.
const GOLDEN: &[u8] = include_bytes!("../data/s2_cells.bin");
const LEAF_BYTES: usize = 32;
const CELL_BYTES: usize = 8 * 8 + 1 + 17;

fn u64_at(bytes: &[u8], word: usize) -> u64 {
    u64::from_le_bytes(bytes[8 * word..8 * word + 8].try_into().unwrap())
}

fn sections() -> (&'static [u8], &'static [u8]) {
    let count = |at: usize| u32::from_le_bytes(GOLDEN[at..at + 4].try_into().unwrap()) as usize;
    let (leaves, cells) = (count(0), count(4));
    assert_eq!((leaves, cells), (5_000, 1_000));
    let (leaves, cells) = GOLDEN[8..].split_at(leaves * LEAF_BYTES);
    assert_eq!(cells.len(), 1_000 * CELL_BYTES);
    (leaves, cells)
}

#[test]
fn leaves_equal_the_golden_ones() {
    for record in sections().0.chunks_exact(LEAF_BYTES) {
        let [x, y, z] = [0, 1, 2].map(|n| f64::from_bits(u64_at(record, n)));
        let (leaf, want) = (
            CellId::from_direction(DVec3::new(x, y, z)),
            u64_at(record, 3),
        );
        assert_eq!(
            leaf.to_u64(),
            want,
            "{leaf} is not {want:#018x} at {x:?} {y:?} {z:?}"
        );
        assert_eq!(leaf.level(), 30);
        assert_eq!(u64::from(leaf.face()), want >> 61);
    }
}

#[test]
fn cells_equal_the_golden_ones() {
    for record in sections().1.chunks_exact(CELL_BYTES) {
        let (level, length) = (record[64], usize::from(record[65]));
        let token = core::str::from_utf8(&record[66..66 + length]).unwrap();
        let leaf = CellId::new(u64_at(record, 0)).unwrap();
        let cell = CellId::new(u64_at(record, 1)).unwrap();
        assert_eq!(leaf.parent(level), cell);
        assert_eq!((cell.level(), cell.token().as_str()), (level, token));
        assert_eq!(CellId::from_token(token), Ok(cell));
        let range = [cell.range_min(), cell.range_max()].map(CellId::to_u64);
        assert_eq!(range, [u64_at(record, 2), u64_at(record, 3)]);
        let children = cell.children().map(|all| all.map(CellId::to_u64));
        let want = [4, 5, 6, 7].map(|n| u64_at(record, n));
        assert_eq!(children.unwrap_or_default(), want, "children of {cell}");
    }
}
