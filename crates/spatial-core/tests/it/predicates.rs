//! Exact predicates against the C++ S2 library and against exact fractions.

use core::cmp::Ordering;

use spatial_core::{
    Crossing, DVec3, Orientation, compare_distance, compare_distances, crossing,
    edge_or_vertex_crossing, ordered_ccw, orientation,
};

/// Made by tests/data/s2_predicates.cc, which also draws its layout.
const GOLDEN: &[u8] = include_bytes!("../data/s2_predicates.bin");
/// Made by tests/data/s2_predicates_check.py.
const EXACT_SIGNS: &[u8] = include_bytes!("../data/exact_signs.bin");

struct Golden {
    points: Vec<DVec3>,
    triples: &'static [u8],
    pairs: &'static [u8],
    comparisons: &'static [u8],
}

fn golden() -> Golden {
    let count =
        |n: usize| u32::from_le_bytes(GOLDEN[4 * n..4 * n + 4].try_into().unwrap()) as usize;
    let (points, rest) = GOLDEN[16..].split_at(24 * count(0));
    let (triples, rest) = rest.split_at(7 * count(1));
    let (pairs, comparisons) = rest.split_at(10 * count(2));
    assert_eq!(comparisons.len(), 7 * count(3));
    assert_eq!([count(1), count(2), count(3)], [1_694, 1_500, 1_000]);
    Golden {
        points: points.chunks_exact(24).map(vector).collect(),
        triples,
        pairs,
        comparisons,
    }
}

fn vector(bytes: &[u8]) -> DVec3 {
    let at = |n: usize| f64::from_le_bytes(bytes[8 * n..8 * n + 8].try_into().unwrap());
    DVec3::new(at(0), at(1), at(2))
}

impl Golden {
    fn points<const N: usize>(&self, record: &[u8]) -> [DVec3; N] {
        core::array::from_fn(|n| {
            let at = u16::from_le_bytes(record[2 * n..2 * n + 2].try_into().unwrap());
            self.points[usize::from(at)]
        })
    }
}

fn number(orientation: Orientation) -> i8 {
    orientation as i8
}

#[test]
fn the_degenerate_triples_turn_as_in_the_golden_answers() {
    let golden = golden();
    for (n, record) in golden.triples.chunks_exact(7).enumerate() {
        let [a, b, c] = golden.points(record);
        let want = record[6] as i8;
        assert_ne!(want, 0);
        for (p, q, r) in [(a, b, c), (b, c, a), (c, a, b)] {
            assert_eq!(number(orientation(p, q, r)), want, "triple {n}");
            assert_eq!(number(orientation(r, q, p)), -want, "triple {n}");
        }
        assert_eq!(orientation(a, a, b), Orientation::Degenerate);
    }
}

#[test]
fn nearly_coplanar_triples_have_the_sign_of_their_exact_determinant() {
    let mut decided = 0;
    for (n, record) in EXACT_SIGNS.chunks_exact(73).enumerate() {
        let [a, b, c] = [0, 1, 2].map(|v| vector(&record[24 * v..]));
        let (got, want) = (number(orientation(a, b, c)), record[72] as i8);
        if want == 0 {
            let distinct = a != b && b != c && c != a;
            assert_eq!(got != 0, distinct, "triple {n}");
        } else {
            assert_eq!(got, want, "triple {n}: {a} {b} {c}");
            decided += 1;
        }
    }
    assert!(decided > 250, "{decided}");
}

#[test]
fn degenerate_edges_cross_as_in_the_golden_answers() {
    let golden = golden();
    let mut seen = [0; 3];
    for (n, record) in golden.pairs.chunks_exact(10).enumerate() {
        let [a, b, c, d] = golden.points(record);
        let want = match record[8] as i8 {
            1 => Crossing::Proper,
            0 => Crossing::SharedVertex,
            _ => Crossing::None,
        };
        seen[want as usize] += 1;
        for (p, q, r, s) in [
            (a, b, c, d),
            (b, a, c, d),
            (a, b, d, c),
            (c, d, a, b),
            (d, c, b, a),
        ] {
            assert_eq!(crossing(p, q, r, s), want, "pair {n}");
        }
        for (p, q, r, s) in [(a, b, c, d), (b, a, c, d), (a, b, d, c), (b, a, d, c)] {
            let crosses = edge_or_vertex_crossing(p, q, r, s);
            assert_eq!(crosses, record[9] == 1, "pair {n}");
        }
    }
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
}

#[test]
fn nearly_equal_distances_compare_as_in_the_golden_answers() {
    let golden = golden();
    for (n, record) in golden.comparisons.chunks_exact(7).enumerate() {
        let [x, a, b] = golden.points(record);
        let want = (record[6] as i8).cmp(&0);
        assert_eq!(compare_distances(x, a, b), want, "comparison {n}");
        assert_eq!(compare_distances(x, b, a), want.reverse(), "comparison {n}");
    }
}

/// A right angle between axes is exactly a squared chord of two; a step beside it is not.
#[test]
fn distances_compare_with_chords() {
    let (x, y) = (DVec3::X, DVec3::Y);
    assert_eq!(compare_distance(x, y, 2.0), Ordering::Equal);
    assert_eq!(compare_distance(x, y, 2.0f64.next_up()), Ordering::Less);
    assert_eq!(
        compare_distance(x, y, 2.0f64.next_down()),
        Ordering::Greater
    );
    assert_eq!(compare_distance(x, -x, 4.0), Ordering::Equal);
    assert_eq!(compare_distance(x, x, 0.0), Ordering::Equal);
    let beside = DVec3::new(1.0, 1e-200, 0.0);
    assert_eq!(compare_distance(x, beside, 0.0), Ordering::Greater);
    assert_eq!(compare_distances(x, x, beside), Ordering::Less);
    assert_eq!(compare_distance(x, beside, 1e-300), Ordering::Less);
}

#[test]
fn directions_are_ordered_around_a_center() {
    let around = [DVec3::X, DVec3::Y, -DVec3::X, -DVec3::Y];
    for first in 0..4 {
        let [a, b, c] = [0, 1, 2].map(|n| around[(first + n) % 4]);
        assert!(ordered_ccw(a, b, c, DVec3::Z));
        assert!(!ordered_ccw(c, b, a, DVec3::Z));
        assert!(ordered_ccw(a, a, c, DVec3::Z) && ordered_ccw(a, c, c, DVec3::Z));
        assert!(!ordered_ccw(a, b, a, DVec3::Z));
    }
}
