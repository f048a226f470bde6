//! Coverings against the C++ S2 library, and against points.

use spatial_core::{
    AnyOf, Cap, Cell, CellId, CellUnion, Coverer, CoveringError, CoveringOptions, DVec3,
    LatLngRect, Region,
};

use crate::allocations;
use crate::golden::{Draws, Tape, check_covering};
use crate::regions::{random_rect, section};

const SEED: u64 = 0x5eed_0004;

enum AnyRegion {
    Cap(Cap),
    Rect(LatLngRect),
    Cells(CellUnion),
}

impl AnyRegion {
    fn read(tape: &mut Tape) -> Self {
        match tape.integer() {
            0 => Self::Cap(tape.cap()),
            1 => Self::Rect(tape.rect()),
            2 => Self::Cells(CellUnion::new(tape.ids())),
            other => panic!("there is no kind {other}"),
        }
    }

    fn get(&self) -> &dyn Region {
        match self {
            Self::Cap(cap) => cap,
            Self::Rect(rect) => rect,
            Self::Cells(cells) => cells,
        }
    }
}

/// 1,500 regions: at most one cell more than the library (nearly all are equal), no point lost, levels kept.
#[test]
fn coverings_are_the_librarys() {
    let (mut tape, mut draws) = (section(4), Draws(SEED));
    let count = tape.count();
    assert!(count >= 1_500);
    let (mut equal, mut inside) = (0, 0);
    for n in 0..count {
        let region = AnyRegion::read(&mut tape);
        let region = region.get();
        let [min_level, max_level, level_mod] =
            [0; 3].map(|_| u8::try_from(tape.integer()).unwrap());
        let options = CoveringOptions {
            min_level,
            max_level,
            level_mod,
            cells_max: tape.count(),
        };
        let (library, library_inside) = (tape.ids(), tape.ids());
        let mut coverer = Coverer::new(options).unwrap();
        let ours = coverer.covering(region);
        check_levels(&options, ours.ids());
        let around = region.cap_bound();
        let points =
            (0..80).map(|_| draws.near(around.axis(), around.radius_rad().clamp(0.0, 3.1)));
        inside += check_covering(region, &ours, &library, points.collect::<Vec<_>>());
        let interior = coverer.interior_covering(region);
        check_levels(&options, interior.ids());
        assert!(
            interior
                .ids()
                .iter()
                .all(|id| region.contains_cell(&Cell::new(*id)))
        );
        assert!(
            interior.len() + 1 >= library_inside.len(),
            "{n}: {options:?}"
        );
        equal += usize::from(ours.ids() == library && interior.ids() == library_inside);
        let mut fast = Vec::new();
        coverer.fast_covering_into(region, &mut fast);
        check_levels(&options, &fast);
        assert!(
            CellUnion::new(fast).contains(&CellUnion::new(ours.into_ids()))
                || options.level_mod > 1
        );
    }
    tape.end();
    println!("{equal} of {count} are the same cells");
    assert!(equal * 100 >= count * 99, "{equal} of {count}");
    assert!(inside > 60_000, "{inside}");
}

pub(crate) fn check_levels(options: &CoveringOptions, ids: &[CellId]) {
    for id in ids {
        let level = id.level();
        assert!(
            (options.min_level..=options.max_level).contains(&level),
            "{options:?} {id}"
        );
        assert_eq!(
            (level - options.min_level) % options.level_mod,
            0,
            "{options:?} {id}"
        );
    }
}

/// 10⁵ points and more, a fifth around poles, antimeridian, edges and corners of the cube; few cells and many.
#[test]
fn no_point_is_lost() {
    let mut draws = Draws(SEED + 1);
    let mut inside = 0;
    let (mut ids, mut fast) = (Vec::new(), Vec::new());
    for cells_max in [1, 3, 8, 30] {
        let options = CoveringOptions {
            cells_max,
            ..Default::default()
        };
        let mut coverer = Coverer::new(options).unwrap();
        for n in 0..850 {
            let (cap, rect) = (
                Cap::new(draws.place(), draws.scale(1e-9, 3.1)).unwrap(),
                random_rect(&mut draws),
            );
            let other = Cap::new(draws.place(), 0.1).unwrap();
            let both = AnyOf(&[&rect, &other]);
            let region: &dyn Region = match n % 3 {
                0 => &rect,
                1 => &both,
                _ => &cap,
            };
            coverer.covering_into(region, &mut ids);
            coverer.fast_covering_into(region, &mut fast);
            let covering = CellUnion::verbatim(ids.clone()).unwrap();
            let loose = CellUnion::verbatim(fast.clone()).unwrap();
            let (rectangle, around) = (region.rect_bound(), region.cap_bound());
            for k in 0..80 {
                let p = match k % 4 {
                    0 => draws.near(around.axis(), around.radius_rad().min(3.1)),
                    1 => draws.near(other.axis(), 0.1),
                    2 => rectangle.vertex(k / 4),
                    _ => draws.near(around.axis(), 0.5 * around.radius_rad()),
                };
                if region.contains_point(p) {
                    inside += 1;
                    let leaf = CellId::from_direction(p);
                    assert!(
                        covering.contains_id(leaf) && loose.contains_id(leaf),
                        "{p:?}"
                    );
                }
            }
        }
    }
    assert!(inside >= 100_000, "{inside}");
}

/// Where three faces meet there are three cells, else at most four; the sphere has six.
#[test]
fn bounds_of_caps_are_a_few_cells() {
    let mut draws = Draws(SEED + 2);
    for _ in 0..20_000 {
        let cap = Cap::new(draws.place(), draws.scale(1e-10, 3.2)).unwrap();
        let bound = cap.cell_bound();
        assert!((1..=4).contains(&bound.len()) || bound.len() == 6);
        assert!(
            bound
                .windows(2)
                .all(|pair| pair[0].range_max() < pair[1].range_min())
        );
        let p = draws.near(cap.axis(), cap.radius_rad().min(3.1));
        let leaf = CellId::from_direction(p);
        assert!(
            !cap.contains_point(p) || bound.iter().any(|id| id.contains(leaf)),
            "{cap:?} {p:?}"
        );
    }
    assert_eq!(Cap::new(DVec3::ONE, 1e-3).unwrap().cell_bound().len(), 3);
    assert!(Cap::EMPTY.cell_bound().is_empty());
}

#[test]
fn extremes_are_covered() {
    let mut coverer = Coverer::new(CoveringOptions::default()).unwrap();
    assert_eq!(coverer.covering(&Cap::FULL), CellUnion::whole_sphere());
    assert_eq!(
        coverer.interior_covering(&Cap::FULL),
        CellUnion::whole_sphere()
    );
    assert_eq!(coverer.covering(&LatLngRect::FULL).len(), 6);
    assert!(
        coverer.covering(&Cap::EMPTY).is_empty() && coverer.covering(&LatLngRect::EMPTY).is_empty()
    );
    assert!(
        coverer.covering(&AnyOf(&[])).is_empty()
            && coverer.covering(&CellUnion::default()).is_empty()
    );
    let point = Cap::from_point(DVec3::new(0.3, 0.4, -0.2)).unwrap();
    let leaf = CellId::from_direction(point.axis());
    assert_eq!(coverer.covering(&point).ids(), [leaf]);
    let cell = Cell::new(leaf.parent(9));
    assert_eq!(coverer.covering(&cell).ids(), [cell.id()]);
    assert_eq!(coverer.interior_covering(&cell).ids(), [cell.id()]);
}

#[test]
fn nonsense_is_refused() {
    let with = |change: fn(&mut CoveringOptions)| {
        let mut options = CoveringOptions::default();
        change(&mut options);
        Coverer::new(options).map(|_| ())
    };
    assert_eq!(
        with(|o| o.max_level = 31),
        Err(CoveringError::Levels(0, 31))
    );
    assert_eq!(
        with(|o| (o.min_level, o.max_level) = (9, 8)),
        Err(CoveringError::Levels(9, 8))
    );
    assert_eq!(with(|o| o.level_mod = 0), Err(CoveringError::LevelMod(0)));
    assert_eq!(with(|o| o.level_mod = 4), Err(CoveringError::LevelMod(4)));
    assert_eq!(with(|o| o.cells_max = 0), Err(CoveringError::NoCells));
}

/// The steady state of coverings of caps and boxes allocates nothing.
#[test]
fn coverings_do_not_allocate() {
    let mut draws = Draws(SEED + 3);
    let mut coverer = Coverer::new(CoveringOptions::default()).unwrap();
    let mut ids = Vec::new();
    let caps: Vec<_> = (0..200)
        .map(|_| Cap::new(draws.place(), draws.scale(1e-7, 1.0)).unwrap())
        .collect();
    let rect = LatLngRect::from_degrees([40.0, 50.0], [170.0, -170.0]).unwrap();
    let mut all = || {
        for cap in &caps {
            coverer.covering_into(cap, &mut ids);
            coverer.fast_covering_into(cap, &mut ids);
            assert!(!cap.cell_bound().is_empty());
        }
        coverer.covering_into(&rect, &mut ids);
        coverer.interior_covering_into(&rect, &mut ids);
    };
    all();
    let (count, ()) = allocations::count(all);
    assert_eq!(count, 0);
}
