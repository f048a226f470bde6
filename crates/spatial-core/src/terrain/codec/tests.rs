use xxhash_rust::xxh3::Xxh3;

use super::*;
use crate::cell::CellId;

const COUNT: usize = 17 * 17;
/// Tiles of 9² samples as the program wrote them before version 2; the third is a child of the others' tile.
const V1_RAW: &[u8] = include_bytes!("../../../tests/data/tile_v1_raw.bin");
const V1_FACE: &[u8] = include_bytes!("../../../tests/data/tile_v1_archive_face.bin");
const V1_CHILD: &[u8] = include_bytes!("../../../tests/data/tile_v1_archive_child.bin");

/// A child in column 1, row 1 of its parent, and the parent.
fn pair(sample: impl Fn(usize, usize) -> i16) -> (HeightTile, HeightTile) {
    let child = CellId::from_face_ij(3, 3 << 28, 1 << 28, 2);
    let samples = |scale: usize, from: usize| {
        let at = |k: usize| sample(scale * (k % 17) + from, scale * (k / 17) + from);
        (0..COUNT).map(at).collect()
    };
    let parent = HeightTile::new(child.parent(1), 16, samples(2, 0)).unwrap();
    (HeightTile::new(child, 16, samples(1, 16)).unwrap(), parent)
}

/// So noisy that the archive codec writes what the parent lacks: a quarter less.
fn noisy_pair() -> (HeightTile, HeightTile) {
    let noise = kinds().into_iter().find(|(kind, _)| *kind == "noise");
    pair(noise.unwrap().1)
}

/// The sample in a column and row.
type Relief = dyn Fn(usize, usize) -> i16;

/// Relief of many kinds, by name.
fn kinds() -> Vec<(&'static str, Box<Relief>)> {
    let noise = |i: usize, j: usize| {
        let mut z = (i as u64 * 0x9e37_79b9) ^ ((j as u64) << 33);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (z ^ (z >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 40
    };
    vec![
        ("flat", Box::new(|_, _| -7)),
        ("slope", Box::new(|i, j| (31 * i + 7 * j) as i16 - 500)),
        ("wave", Box::new(|i, j| (i * 31 % 97 + j * 7) as i16 - 500)),
        ("noise", Box::new(move |i, j| noise(i, j) as i16)),
        (
            "faint",
            Box::new(move |i, j| (20 * i + noise(i, j) as usize % 5) as i16),
        ),
        (
            "extremes",
            Box::new(move |i, j| [i16::MIN, i16::MAX, 0, -1][noise(i, j) as usize % 4]),
        ),
        (
            "peaks",
            Box::new(move |i, j| {
                if noise(i, j) % 50 == 0 {
                    30_000
                } else {
                    -30_000
                }
            }),
        ),
        (
            "coast",
            Box::new(move |i, j| {
                (if i + j < 40 {
                    0
                } else {
                    9 * (i + j - 40) + noise(i, j) as usize % 7
                }) as i16
            }),
        ),
    ]
}

#[test]
fn all_codecs_hold_all_kinds_of_relief() {
    for (kind, sample) in kinds() {
        let (child, parent) = pair(sample);
        for bound in [0, 1, 4, 500, ERROR_BOUND_MAX] {
            let (child, parent) = (
                child.rounded(bound).unwrap(),
                parent.rounded(bound).unwrap(),
            );
            for codec in Codec::ALL {
                let bytes = child.encode(codec, Some(&parent)).unwrap();
                let again = HeightTile::decode(&bytes, Some(&parent)).unwrap();
                assert_eq!(again, child, "{kind} {codec:?} {bound}");
                let Ok(view) = TileView::parse(&bytes) else {
                    assert!(!codec.is_read_in_place());
                    continue;
                };
                for k in 0..16 * 16 {
                    let (i, j) = (k % 16, k / 16);
                    let want = [(i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)]
                        .map(|(i, j)| child.sample(i, j));
                    assert_eq!(view.corners(i, j), Ok(want), "{kind} {codec:?} {i} {j}");
                }
            }
        }
    }
}

#[test]
fn the_error_bound_holds_and_saves_bytes() {
    let (child, _) = pair(|i, j| (i * i + 3 * j * j) as i16);
    let bytes = |tile: &HeightTile, codec| tile.encode(codec, None).unwrap().len();
    let rough = child.rounded(20).unwrap();
    assert_eq!(rough.error_bound(), 20);
    assert_eq!(rough.rounded(20).unwrap(), rough);
    let pairs = child.samples().iter().zip(rough.samples());
    assert!(pairs.clone().all(|(a, b)| a.abs_diff(*b) <= 20));
    assert!(pairs.clone().any(|(a, b)| a.abs_diff(*b) == 20));
    for codec in [Codec::Hot, Codec::Wire] {
        assert!(bytes(&rough, codec) < bytes(&child, codec), "{codec:?}");
    }
    assert_eq!(
        child.rounded(ERROR_BOUND_MAX + 1),
        Err(TileError::ErrorBound(ERROR_BOUND_MAX + 1))
    );
}

#[test]
fn what_a_tile_says_of_itself_survives() {
    let (child, parent) = pair(|i, j| (i * j) as i16);
    let mut bits = vec![0; COUNT.div_ceil(8)];
    assert_eq!(child.clone().with_filled(&bits).unwrap(), child);
    bits[7] = 0b100;
    let tile = child
        .clone()
        .with_geometric_error(77)
        .with_filled(&bits)
        .unwrap();
    assert!(tile.is_filled(58 % 17, 58 / 17) && !tile.is_filled(0, 0));
    assert_eq!(
        (tile.geometric_error(), child.geometric_error()),
        (Some(77), None)
    );
    assert_eq!(
        tile.checksum(),
        child.checksum(),
        "it names the samples alone"
    );
    for codec in Codec::ALL {
        let bytes = tile.encode(codec, Some(&parent)).unwrap();
        assert_eq!(
            HeightTile::decode(&bytes, Some(&parent)).as_ref(),
            Ok(&tile)
        );
    }
    for bad in [
        &bits[1..],
        &[&bits[..], &[0]].concat(),
        &[&bits[..36], &[2]].concat(),
    ] {
        assert_eq!(child.clone().with_filled(bad), Err(TileError::Filled));
    }
}

#[test]
fn version_1_is_read() {
    let (raw, child) = (V1_RAW, V1_CHILD);
    let slope = |step: i16| {
        (0..81).map(move |k: i16| 100 - step * (k % 9) + step * 3 * (k / 9) + (k % 9) % 2)
    };
    let root = HeightTile::decode(raw, None).unwrap();
    assert!(root.samples().iter().copied().eq(slope(4)));
    assert_eq!(root.checksum().to_le_bytes(), raw[24..32]);
    assert_eq!(HeightTile::decode(V1_FACE, None).as_ref(), Ok(&root));
    let child = HeightTile::decode(child, Some(&root)).unwrap();
    assert_eq!(child.checksum(), 2_760_782_162_265_672_874);
    assert_eq!(child.cell().parent(0), root.cell());
    assert_eq!(
        TileView::parse(raw).unwrap().corners(3, 4),
        Ok([3, 4, 12, 13].map(|k| root.samples()[k + 36]))
    );
}

#[test]
fn an_archive_tile_needs_no_parent_where_it_does_not_help() {
    let (child, parent) = pair(|i, j| (i * j % 61) as i16);
    let other = HeightTile::new(parent.cell(), 16, vec![3; COUNT]).unwrap();
    let bytes = child.encode(Codec::Archive, Some(&other)).unwrap();
    assert_eq!(HeightTile::decode(&bytes, None).as_ref(), Ok(&child));
    assert_eq!(child.encode(Codec::Archive, None), Err(TileError::Parent));
    assert_eq!(
        child.encode(Codec::Archive, Some(&child)),
        Err(TileError::Parent)
    );
    let (child, parent) = noisy_pair();
    let bytes = child.encode(Codec::Archive, Some(&parent)).unwrap();
    assert_eq!(HeightTile::decode(&bytes, None), Err(TileError::Parent));
    assert_eq!(
        HeightTile::decode(&bytes, Some(&child)),
        Err(TileError::Parent)
    );
    let root = HeightTile::new(child.cell().parent(0), 16, child.samples().to_vec()).unwrap();
    let bytes = root.encode(Codec::Archive, None).unwrap();
    assert_eq!(HeightTile::decode(&bytes, None), Ok(root));
}

#[test]
fn every_flip_and_every_cut_is_refused() {
    let map: Vec<u8> = [255; 36].into_iter().chain([1]).collect();
    for (child, parent) in [pair(|i, j| (i * 31 % 97 + j * 7) as i16), noisy_pair()] {
        let child = child.with_filled(&map).unwrap();
        for codec in Codec::ALL {
            let bytes = child.encode(codec, Some(&parent)).unwrap();
            let is_refused = |bytes: &[u8]| HeightTile::decode(bytes, Some(&parent)).is_err();
            for at in 0..bytes.len() {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << (at % 8);
                assert!(is_refused(&bad), "{codec:?} byte {at}");
                assert!(is_refused(&bytes[..at]), "{codec:?} cut {at}");
            }
            let longer = [&bytes[..], &[0]].concat();
            let refused = HeightTile::decode(&longer, Some(&parent));
            assert_eq!(refused, Err(TileError::Length));
        }
    }
}

/// Makes the checksum right.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..24]);
    hash.update(&bytes[32..]);
    bytes[24..32].copy_from_slice(&hash.digest().to_le_bytes());
    bytes
}

/// Flips under a right checksum never panic, and give samples within the extremes or an error; what is too short is
/// refused.
#[test]
fn sealed_damage_is_harmless() {
    for (child, parent) in [pair(|i, j| (i * 31 % 97 + j * 7) as i16), noisy_pair()] {
        for codec in [Codec::Hot, Codec::Wire, Codec::Archive] {
            let bytes = child.encode(codec, Some(&parent)).unwrap();
            let mut survivors = 0;
            for at in 32..bytes.len() {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << (at % 5) | 1 << (at % 8);
                let bad = sealed(bad);
                survivors += u32::from(HeightTile::decode(&bad, Some(&parent)).is_ok());
                if let Ok(view) = TileView::parse(&bad) {
                    let corners = |k: usize| view.corners(k % 16, k / 16);
                    survivors += u32::from((0..256).any(|k| corners(k).is_ok()));
                }
                let cut = sealed([&bytes[..at], &bytes[at + 1..]].concat());
                assert!(HeightTile::decode(&cut, Some(&parent)).is_err());
            }
            assert!(survivors > 0, "the geometric error may be anything");
        }
    }
}

#[test]
fn hostile_headers_are_refused() {
    let (child, parent) = pair(|i, j| (i * 31 % 97 + j * 7) as i16);
    let refusal = |codec: Codec, at: usize, with: &[u8]| {
        let mut bytes = child.encode(codec, Some(&parent)).unwrap();
        bytes[at..at + with.len()].copy_from_slice(with);
        HeightTile::decode(&sealed(bytes), Some(&parent)).unwrap_err()
    };
    let raw = |at, with: &[u8]| refusal(Codec::Raw, at, with);
    assert_eq!(raw(0, b"X"), TileError::Magic);
    assert_eq!(raw(4, &[3]), TileError::Version(3));
    assert_eq!(raw(5, &[4]), TileError::Codec(4));
    assert_eq!(raw(6, &[255, 255]), TileError::Intervals(65_535));
    assert_eq!(raw(6, &[8, 0]), TileError::Length);
    assert_eq!(raw(8, &[0; 8]), TileError::Cell);
    assert_eq!(raw(16, &[0, 128]), TileError::Extremes);
    assert_eq!(raw(18, &[0, 128]), TileError::Extremes);
    assert_eq!(raw(20, &[255; 4]), TileError::Length);
    assert_eq!(raw(34, &[255; 2]), TileError::ErrorBound(65_535));
    assert_eq!(raw(34, &[9, 0]), TileError::ErrorBound(9));
    assert_eq!(raw(36, &[1]), TileError::Length);
    assert_eq!(refusal(Codec::Wire, 5, &[1]), TileError::Residuals);
}

/// A small frame that holds a gigabyte, two frames, and one that holds too little.
#[test]
fn bombs_are_refused() {
    let (child, _) = pair(|i, j| (i * 31 % 97 + j * 7) as i16);
    let compress = |count: usize| zstd::bulk::compress(&vec![0; count], 3).unwrap();
    let good = compress(2 * (COUNT - 1));
    for frame in [
        compress(1 << 28),
        compress(2 * COUNT),
        compress(0),
        [&good[..], &good].concat(),
        Vec::new(),
    ] {
        let wire = child
            .header(Codec::Wire)
            .encode(&[&[0; 20], &frame[..]].concat(), &[]);
        let mut version_1 = [&V1_FACE[..32], &frame].concat();
        version_1[20..24].copy_from_slice(&(frame.len() as u32).to_le_bytes());
        for bytes in [wire, sealed(version_1)] {
            assert_eq!(HeightTile::decode(&bytes, None), Err(TileError::Residuals));
        }
        let samples: Vec<u8> = child
            .samples()
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        if !frame.is_empty() {
            let bytes = child.header(Codec::Raw).encode(&samples, &frame);
            assert_eq!(HeightTile::decode(&bytes, None), Err(TileError::Filled));
        }
    }
}
