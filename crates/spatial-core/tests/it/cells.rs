//! Cell ids against the C++ S2 library, bit for bit.

use std::io::{BufReader, Read};
use std::process::{Command, Stdio};

use spatial_core::{CellId, DVec3, InvalidDirection, SimdLevel, grid_keys};

use crate::allocations;

/// Made by tests/data/s2_cells.py, which also says what a record is.
const GOLDEN: &[u8] = include_bytes!("../data/s2_cells.bin.zst");
/// Words of a record, and of its vector.
const WORDS: usize = 20;
const VECTOR: usize = 3;

type Record = [u64; WORDS];

/// As in the script: order and repetitions count.
fn fold(words: impl IntoIterator<Item = u64>) -> u64 {
    words.into_iter().fold(0, |h: u64, word| {
        (h.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

fn fold_cells(cells: impl IntoIterator<Item = CellId>) -> u64 {
    fold(cells.into_iter().map(CellId::to_u64))
}

fn vector_of(words: &[u64]) -> DVec3 {
    DVec3::from_array([0, 1, 2].map(|n| f64::from_bits(words[n])))
}

/// What we answer about the record of a number and a vector.
fn answer(number: usize, p: DVec3) -> Record {
    let leaf = CellId::from_direction(p);
    let level = (number % 31) as u8;
    let cell = leaf.parent(level);
    assert_eq!((leaf.level(), cell.level()), (30, level));
    assert_eq!(CellId::from_token(&cell.to_token()), Ok(cell));
    assert_eq!(cell.token(), cell.to_token().as_str());
    let children = cell.children().into_iter().flatten();
    let vertex = (level > 0).then(|| cell.vertex_neighbors(level - 1));
    let mut token = [0; 16];
    token[16 - cell.to_token().len()..].copy_from_slice(cell.to_token().as_bytes());
    let token = u128::from_be_bytes(token);
    let words = [
        p.to_array().map(f64::to_bits).to_vec(),
        [leaf, cell, cell.range_min(), cell.range_max()]
            .map(CellId::to_u64)
            .to_vec(),
        vec![fold_cells(children)],
        cell.edge_neighbors().map(CellId::to_u64).to_vec(),
        vec![
            fold_cells(vertex.into_iter().flatten()),
            fold_cells(cell.neighbors()),
            fold_cells(cell.neighbors_at((level + 2).min(30))),
        ],
        cell.center().to_array().map(f64::to_bits).to_vec(),
        vec![(token >> 64) as u64, token as u64],
    ];
    words.concat().try_into().unwrap()
}

fn words(bytes: &[u8]) -> Vec<u64> {
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    bytes.chunks_exact(8).map(word).collect()
}

#[test]
fn cells_equal_the_golden_ones() {
    let golden = zstd::decode_all(GOLDEN).unwrap();
    let count = |at: usize| u32::from_le_bytes(golden[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((count(0), count(4)), (100_000, 3_000));
    let (whole, rest) = golden[8..].split_at(count(4) * WORDS * 8);
    for (number, want) in words(whole).chunks_exact(WORDS).enumerate() {
        let got = answer(number, vector_of(want));
        assert_eq!(got, want, "{number}: {got:x?} is not {want:x?}");
    }
    let rest = words(rest);
    assert_eq!(rest.len(), (count(0) - count(4)) * (VECTOR + 1));
    for (n, want) in rest.chunks_exact(VECTOR + 1).enumerate() {
        let number = count(4) + n;
        let got = answer(number, vector_of(want));
        let folded = fold(got[VECTOR..].iter().copied());
        assert_eq!(
            folded,
            want[VECTOR],
            "{number}: at {:?} we say {got:x?}",
            vector_of(want)
        );
    }
}

/// Millions of records straight from the library, when `S2_CELLS_PYTHON` names a Python that has it (`make test-full
/// PART=cells`); otherwise a few that show the way they are read works on what is committed.
#[test]
fn cells_equal_the_librarys() {
    let Ok(python) = std::env::var("S2_CELLS_PYTHON") else {
        let golden = zstd::decode_all(GOLDEN).unwrap();
        let whole = &golden[8..8 + 500 * WORDS * 8];
        assert_eq!(compare(whole), 500);
        return;
    };
    let count: usize = std::env::var("S2_CELLS_COUNT").unwrap().parse().unwrap();
    let seed = std::env::var("S2_CELLS_SEED").unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/s2_cells.py");
    let mut library = Command::new(python)
        .args([script, "--stream", &seed, &count.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::with_capacity(1 << 20, library.stdout.take().unwrap());
    assert_eq!(compare(output), count, "records, seed {seed}");
    assert!(library.wait().unwrap().success());
}

/// Compares a stream of records, and the batched calls of all vectors with the single ones; returns their number.
fn compare(mut stream: impl Read) -> usize {
    let (mut number, mut chunk) = (0, Vec::new());
    loop {
        chunk.clear();
        let most = (10_000 * WORDS * 8) as u64;
        stream.by_ref().take(most).read_to_end(&mut chunk).unwrap();
        if chunk.is_empty() {
            return number;
        }
        assert_eq!(chunk.len() % (WORDS * 8), 0, "a record is cut off");
        let (mut axes, mut want_leaves) = ([const { Vec::new() }; 3], Vec::new());
        for want in words(&chunk).chunks_exact(WORDS) {
            let p = vector_of(want);
            let got = answer(number, p);
            assert_eq!(got, want, "{number}: {got:x?} is not {want:x?}");
            (0..3).for_each(|axis| axes[axis].push(p[axis]));
            want_leaves.push(want[VECTOR]);
            number += 1;
        }
        let [x, y, z] = &axes;
        let mut leaves = vec![CellId::begin(0); x.len()];
        CellId::from_directions(x, y, z, &mut leaves).unwrap();
        assert_eq!(CellId::slice_to_u64s(&leaves), want_leaves);
    }
}

#[test]
fn nothing_of_cells_allocates() {
    let cell = CellId::from_token("89c25a5").unwrap();
    let (allocations, _) = allocations::count(|| {
        let around = cell.neighbors().len() + cell.edge_neighbors().len();
        let finer = cell.neighbors_at(cell.level() + 3).count();
        let vertex = cell.vertex_neighbors(3).len();
        (
            around,
            finer,
            vertex,
            cell.parent(2),
            cell.children(),
            cell.to_token(),
        )
    });
    assert_eq!(allocations, 0);
    let (x, mut leaves, mut keys) = ([0.5; 100], [cell; 100], [0u32; 100]);
    let (allocations, _) = allocations::count(|| {
        CellId::from_directions(&x, &x, &x, &mut leaves).unwrap();
        CellId::from_degrees_lanes(&x, &x, &mut leaves).unwrap();
        grid_keys([&x, &x, &x], 9, &mut keys).unwrap();
    });
    assert_eq!(allocations, 0, "{:?}", SimdLevel::detected());
}

/// The first offender is named and nothing is written.
#[test]
fn nonsense_in_a_batch_is_named() {
    let cell = CellId::from_token("3").unwrap();
    for (at, bad) in [(0, f64::NAN), (17, f64::INFINITY), (39, f64::NEG_INFINITY)] {
        let mut leaves = [cell; 40];
        let mut keys = [7u64; 40];
        let (mut x, one) = ([1.0; 40], [1.0; 40]);
        (x[at], x[39]) = (bad, f64::NAN);
        let error = CellId::from_directions(&one, &x, &one, &mut leaves).unwrap_err();
        assert_eq!(error.index, at);
        assert_eq!(error.error.0.map(f64::to_bits)[0], 1f64.to_bits());
        assert_eq!(
            grid_keys([&x, &one, &one], 3, &mut keys).unwrap_err().index,
            at
        );
        assert_eq!(
            CellId::from_degrees_lanes(&one, &x, &mut leaves)
                .unwrap_err()
                .index,
            at
        );
        assert_eq!(
            CellId::from_radians_lanes(&x, &one, &mut leaves)
                .unwrap_err()
                .index,
            at
        );
        assert_eq!((leaves, keys), ([cell; 40], [7; 40]));
    }
    let zero = CellId::try_from_direction(DVec3::ZERO);
    assert_eq!(zero, Err(InvalidDirection([0.0; 3])));
    let mut leaves = [cell; 3];
    let error = CellId::from_degrees_lanes(&[0.0, 90.0, 90.1], &[0.0; 3], &mut leaves).unwrap_err();
    assert_eq!((error.index, leaves), (2, [cell; 3]));
    assert_eq!(
        error.to_string(),
        "item 2: latitude 90.1° is not within ±90"
    );
    let ids = [1, cell.to_u64(), 0, 2];
    assert_eq!(CellId::slice_from_u64s(&ids).unwrap_err().index, 2);
    assert_eq!(
        CellId::slice_from_u64s(&ids[..2]).unwrap(),
        [CellId::begin(30), cell]
    );
}
