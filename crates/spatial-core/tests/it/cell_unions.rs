//! Cell unions against the C++ S2 library, and against sets of leaves.

use std::collections::BTreeSet;

use proptest::prelude::*;
use spatial_core::{Cap, Cell, CellId, CellUnion, InvalidCellAt, LatLngRect, NotAscending, Region};

use crate::golden::{Draws, Tape, assert_ulps};
use crate::regions::section;

pub(crate) struct GoldenUnion {
    lists: [Vec<CellId>; 2],
    normalised: [Vec<CellId>; 2],
    contains: bool,
    intersects: bool,
    intersection: Vec<CellId>,
    min_level: u8,
    level_mod: u8,
    denormalised: Vec<CellId>,
    areas: [f64; 2],
    cap: Cap,
    rect: [f64; 4],
}

impl GoldenUnion {
    pub(crate) fn read(tape: &mut Tape) -> Self {
        Self {
            lists: [tape.ids(), tape.ids()],
            normalised: [tape.ids(), tape.ids()],
            contains: tape.flag(),
            intersects: tape.flag(),
            intersection: tape.ids(),
            min_level: u8::try_from(tape.integer()).unwrap(),
            level_mod: u8::try_from(tape.integer()).unwrap(),
            denormalised: tape.ids(),
            areas: tape.floats(),
            cap: tape.cap(),
            rect: tape.floats(),
        }
    }
}

#[test]
fn unions_answer_as_the_library() {
    let mut tape = section(3);
    let count = tape.count();
    assert!(count >= 200);
    for _ in 0..count {
        let want = GoldenUnion::read(&mut tape);
        let [a, b] = want.lists.map(CellUnion::new);
        assert_eq!([a.ids(), b.ids()], want.normalised);
        assert!(a.is_normalised() && b.is_normalised());
        assert_eq!(
            (a.contains(&b), a.intersects(&b)),
            (want.contains, want.intersects)
        );
        assert_eq!(a.intersection(&b).ids(), want.intersection);
        let few = CellUnion::new(a.ids()[..a.len().min(3)].to_vec());
        assert_eq!(
            few.denormalised(want.min_level, want.level_mod).unwrap(),
            want.denormalised
        );
        // The sum of many areas: each is within 4.
        assert_ulps([a.approx_area(), a.exact_area()], want.areas, 8, "areas");
        let cap = a.cap_bound();
        assert!(cap.axis().distance(want.cap.axis()) < 1e-14);
        assert!((cap.squared_chord() - want.cap.squared_chord()).abs() < 1e-13);
        let ([south, north], [west, east]) = (a.rect_bound().lat_rad(), a.rect_bound().lng_rad());
        assert_ulps([south, north, west, east], want.rect, 4, "rectangle");
    }
}

/// Levels of the model: a set of the 16,384 cells of level 7 on face 2, with cells of levels 3 to 7 in the unions.
const FINEST: u8 = 7;

fn leaves(ids: &[CellId]) -> BTreeSet<CellId> {
    ids.iter().flat_map(|id| id.descendants(FINEST)).collect()
}

/// Cells in a corner of a face, where unions meet often.
fn cells() -> impl Strategy<Value = Vec<CellId>> {
    let cell = (3..=FINEST, 0u32..1 << 28, 0u32..1 << 28)
        .prop_map(|(level, i, j)| CellId::from_face_ij(2, i, j, level));
    prop::collection::vec(cell, 0..60)
}

proptest! {
    /// Every operation is that of the sets of leaves, and answers with the shortest list for them.
    #[test]
    fn set_operations_are_those_of_leaves(a in cells(), b in cells(), probe in cells()) {
        let (la, lb) = (leaves(&a), leaves(&b));
        let (a, b) = (CellUnion::new(a), CellUnion::new(b));
        let check = |union: &CellUnion, want: BTreeSet<CellId>| {
            assert_well_formed(union);
            assert_eq!(leaves(union.ids()), want);
            assert_eq!(union.leaf_count(), (want.len() as u64) << (2 * (30 - FINEST)));
            // The shortest list is the only one that is normalised.
            assert_eq!(union, &CellUnion::new(want.into_iter().collect()));
        };
        check(&a, la.clone());
        check(&a.union(&b), la.union(&lb).copied().collect());
        check(&a.intersection(&b), la.intersection(&lb).copied().collect());
        check(&a.difference(&b), la.difference(&lb).copied().collect());
        prop_assert_eq!(a.contains(&b), lb.is_subset(&la));
        prop_assert_eq!(a.intersects(&b), !la.is_disjoint(&lb));
        for id in probe {
            let lp = leaves(&[id]);
            prop_assert_eq!(a.contains_id(id), lp.is_subset(&la));
            prop_assert_eq!(a.intersects_id(id), !lp.is_disjoint(&la));
            prop_assert_eq!(a.contains_point(id.center()), la.contains(&CellId::from_direction(id.center()).parent(FINEST)));
        }
    }

    /// The rim has all neighbours, and nothing but cells that touch the union.
    #[test]
    fn expansion_adds_the_neighbours(a in cells(), level in 2..=FINEST) {
        let a = CellUnion::new(a);
        let wide = a.expanded_to_level(level).unwrap();
        assert_well_formed(&wide);
        let coarse = leaves(&a.ids().iter().map(|id| id.parent(level.min(id.level()))).collect::<Vec<_>>());
        let at_level: BTreeSet<_> = coarse.iter().map(|leaf| leaf.parent(level)).collect();
        let around: BTreeSet<_> = at_level.iter().flat_map(|id| id.neighbors_at(level)).collect();
        let want: BTreeSet<_> = at_level.union(&around).copied().collect();
        prop_assert_eq!(wide, CellUnion::new(want.into_iter().collect()));
    }

    #[test]
    fn other_levels_have_the_same_leaves(a in cells(), min_level in 0..=5u8, level_mod in 1..=3u8) {
        let a = CellUnion::new(a);
        let ids = a.denormalised(min_level, level_mod).unwrap();
        let rest = |id: &CellId| (id.level() - min_level) % level_mod;
        prop_assert!(ids.iter().all(|id| id.level() >= min_level && rest(id) == 0));
        let mut again = CellUnion::verbatim(ids).unwrap();
        again.normalise();
        prop_assert_eq!(again, a);
    }
}

fn assert_well_formed(union: &CellUnion) {
    assert!(union.is_normalised());
    assert_eq!(
        CellUnion::verbatim(union.ids().to_vec()).as_ref(),
        Ok(union)
    );
}

/// Everything within the radius of a point inside is inside.
#[test]
fn expansion_by_a_radius_reaches_far_enough() {
    let mut draws = Draws(0x5eed_0005);
    for n in 0..300u32 {
        let center = draws.place();
        let cells = (0..5)
            .map(|_| CellId::from_direction(draws.near(center, 0.05)).parent(4 + (n % 14) as u8));
        let union = CellUnion::new(cells.collect());
        let radius = draws.scale(1e-6, 1.2);
        let wide = union.expanded_by_radius(radius, 2).unwrap();
        assert_well_formed(&wide);
        for id in union.ids() {
            let p = draws.near(id.center(), radius.min(3.0));
            assert!(wide.contains_point(p), "{id} {radius} {p:?}");
        }
    }
}

#[test]
fn bounds_contain_the_cells() {
    let mut draws = Draws(0x5eed_0006);
    for n in 0..500u32 {
        let cells =
            (0..1 + n % 9).map(|_| CellId::from_direction(draws.place()).parent((n % 20) as u8));
        let union = CellUnion::new(cells.collect());
        let (cap, rect) = (union.cap_bound(), union.rect_bound());
        for id in union.ids() {
            let cell = Cell::new(*id);
            for p in cell.vertices().into_iter().chain([cell.center()]) {
                assert!(
                    cap.contains_point(p) && rect.contains_point(p),
                    "{id} {p:?}"
                );
            }
        }
    }
    assert_eq!(CellUnion::default().cap_bound(), Cap::EMPTY);
    assert_eq!(CellUnion::whole_sphere().rect_bound(), LatLngRect::FULL);
    let sphere = CellUnion::whole_sphere();
    assert!((sphere.exact_area() - sphere.average_area()).abs() < 1e-13);
    assert_eq!(sphere.leaf_count(), 6 << 60);
}

#[test]
fn nonsense_is_refused() {
    let face = CellId::from_face_ij(0, 0, 0, 0);
    let numbers = [face.to_u64(), 0, 7 << 61];
    assert_eq!(
        CellUnion::from_u64s(&numbers),
        Err(InvalidCellAt {
            index: 1,
            number: 0
        })
    );
    assert_eq!(CellUnion::from_u64s(&numbers[..1]).unwrap().ids(), [face]);
    let children = face.children().unwrap();
    assert_eq!(
        CellUnion::verbatim(vec![children[0], face]),
        Err(NotAscending { index: 1 })
    );
    assert_eq!(
        CellUnion::verbatim(vec![children[1], children[0]]),
        Err(NotAscending { index: 1 })
    );
    let mut four = CellUnion::verbatim(children.to_vec()).unwrap();
    assert!(!four.is_normalised() && !four.contains_id(face) && four.intersects_id(face));
    four.normalise();
    assert!(four.contains_id(face) && four.len() == 1);
    assert!(four.expanded_to_level(31).is_err() && four.denormalised(31, 1).is_err());
    assert!(
        four.expanded_by_radius(f64::NAN, 1).is_err() && four.expanded_by_radius(-1.0, 1).is_err()
    );
    assert!(four.expanded_by_radius(f64::INFINITY, 1).unwrap().len() == 6);
}

/// A step to beyond the leaves ends at the leaves, however far.
#[test]
fn levels_far_apart_are_the_coarsest_and_the_leaves() {
    let id = CellId::from_token("89c25")
        .unwrap()
        .parent(6)
        .range_min()
        .parent(28);
    let one = CellUnion::new(vec![id]);
    for level_mod in [27, 30, 31, 227, 228, 255] {
        let ids = one.denormalised(0, level_mod).unwrap();
        assert_eq!(ids.len(), 16, "{level_mod}");
        assert!(ids.iter().all(|leaf| leaf.is_leaf() && id.contains(*leaf)));
    }
}
