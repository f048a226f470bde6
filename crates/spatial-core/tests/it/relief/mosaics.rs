//! Many sources as one: joints, borders, priorities, voids.

use spatial_core::{
    Cell, CellId, DVec3, Endian, GridBounds, Mosaic, MosaicOptions, RawGrid, Registration, Relief,
    ReliefOptions, ReliefSample, ReliefSource, RowOrder, SampleType,
};

use super::{Random, direction, source};

/// A grid of `per` samples a degree from a south-west corner, of a function of (longitude, latitude); NaN is void.
fn grid(
    [west, south]: [f64; 2],
    [width, height]: [u32; 2],
    per: f64,
    ground: impl Fn(f64, f64) -> f64,
) -> ReliefSource {
    let grid = RawGrid {
        width,
        height,
        sample: SampleType::F32,
        endian: Endian::Little,
        bounds: GridBounds {
            south,
            west,
            north: south + f64::from(height - 1) / per,
            east: west + f64::from(width - 1) / per,
        },
        registration: Registration::Point,
        row_order: RowOrder::SouthFirst,
        nodata: None,
        scale: 1.0,
        offset: 0.0,
    };
    let samples = (0..width * height).flat_map(|k| {
        let (column, row) = (f64::from(k % width), f64::from(k / width));
        (ground(west + column / per, south + row / per) as f32).to_le_bytes()
    });
    let options = ReliefOptions {
        grid: Some(grid),
        ..ReliefOptions::default()
    };
    ReliefSource::from_bytes("grid", samples.collect(), &options).unwrap()
}

fn mosaic(sources: Vec<(ReliefSource, i32)>) -> Mosaic {
    Mosaic::new(sources, MosaicOptions::default())
}

fn at(relief: &dyn Relief, lon: f64, lat: f64) -> Option<ReliefSample> {
    relief.sample(direction(lat, lon)).unwrap()
}

fn height(relief: &dyn Relief, lon: f64, lat: f64) -> f64 {
    let sample = at(relief, lon, lat).unwrap_or_else(|| panic!("nothing at {lon} {lat}"));
    assert!(!sample.is_filled, "{lon} {lat}");
    sample.height_m
}

/// A plane, so that bilinear interpolation of any lattice gives it back.
fn plane(lon: f64, lat: f64) -> f64 {
    300.0 + 40.0 * lon - 25.0 * lat
}

#[test]
fn one_source_is_answered_bit_for_bit() {
    let rough = |lon: f64, lat: f64| (lon * 7_919.0 + lat * 104_729.0) % 1_000.0;
    let make = || grid([5.0, -3.0], [61, 41], 20.0, rough);
    let (alone, mosaic) = (make(), mosaic(vec![(make(), 3)]));
    let mut random = Random::new(11);
    let places: Vec<DVec3> = (0..3_000)
        .map(|_| direction(-3.2 + 2.4 * random.unit(), 4.8 + 3.4 * random.unit()))
        .collect();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    alone.samples(&places, &mut a).unwrap();
    mosaic.samples(&places, &mut b).unwrap();
    assert_eq!(a, b);
    assert!(a.iter().flatten().count() > 2_000 && a.iter().any(Option::is_none));
    // One by one, in another order: what was asked before does not matter.
    for (place, want) in places.iter().zip(&a).rev() {
        assert_eq!(mosaic.sample(*place).unwrap(), *want);
    }
}

/// Neighbours with a shared edge: between them nothing of what lies beneath shows; around them it fades in.
#[test]
fn neighbours_join_and_their_outline_fades() {
    let fine = |lon: f64, lat: f64| 1_000.0 + plane(lon, lat);
    let tile = |west, south| (grid([west, south], [121, 121], 120.0, fine), 1);
    let coarse = grid([-2.0, -2.0], [13, 13], 2.0, plane);
    let mosaic = mosaic(vec![
        (coarse, 0),
        tile(0.0, 0.0),
        tile(1.0, 0.0),
        tile(0.0, 1.0),
    ]);
    let mut random = Random::new(12);
    for _ in 0..2_000 {
        // 32 samples are 0.27°; the inner corner is (1, 1).
        let (lon, lat) = (0.3 + 1.4 * random.unit(), 0.3 + 0.4 * random.unit());
        for (lon, lat) in [(lon, lat), (lat, lon)] {
            assert!(
                (height(&mosaic, lon, lat) - fine(lon, lat)).abs() < 1e-3,
                "{lon} {lat}"
            );
        }
    }
    for edge in [0.4, 0.55, 0.7] {
        assert!((height(&mosaic, 1.0, edge) - fine(1.0, edge)).abs() < 1e-3);
        assert!((height(&mosaic, edge, 1.0) - fine(edge, 1.0)).abs() < 1e-3);
    }
    assert!((height(&mosaic, -1.0, 0.5) - plane(-1.0, 0.5)).abs() < 1e-3);
    // From the outside in: the share of the fine one grows from 0 to 1 without a step.
    let share = |lon: f64, lat: f64| (height(&mosaic, lon, lat) - plane(lon, lat)) / 1_000.0;
    for (from, to) in [
        ([-0.1, 0.5], [0.5, 0.5]),
        ([0.5, -0.1], [0.5, 0.5]),
        ([2.1, 0.5], [1.5, 0.5]),
        ([1.5, 1.1], [1.5, 0.5]), // past the inner corner
        ([1.4, 1.4], [0.7, 0.7]), // through it
    ] {
        let mut last = 0.0;
        for k in 0..=1_000 {
            let t = f64::from(k) / 1_000.0;
            let [lon, lat] = [0, 1].map(|n| from[n] + (to[n] - from[n]) * t);
            let now = share(lon, lat);
            assert!(
                now >= last - 1e-5 && now - last < 0.02,
                "{lon} {lat}: {last} {now}"
            );
            last = now;
        }
        assert!((last - 1.0).abs() < 1e-5, "{to:?}: {last}");
    }
    // On the outline itself it is what lies beneath, at half a step from the outer samples.
    assert!(share(-0.5 / 120.0, 0.5).abs() < 1e-5);
}

#[test]
fn neighbours_join_over_the_antimeridian() {
    let ground = |lon: f64, lat: f64| plane(lon.rem_euclid(360.0), lat);
    let mosaic = mosaic(vec![
        (grid([179.0, 10.0], [61, 61], 60.0, ground), 1),
        (
            grid([-180.0, 10.0], [61, 61], 60.0, move |lon, lat| {
                ground(lon + 1e-12, lat)
            }),
            1,
        ),
        (grid([-180.0, 0.0], [73, 19], 0.2, |_, _| -5_000.0), 0),
    ]);
    for (lon, lat) in [
        (180.0, 10.5),
        (-180.0, 10.5),
        (179.999, 10.52),
        (-179.999, 10.48),
        (179.6, 10.5),
        (-179.6, 10.5),
    ] {
        let want = plane(if lon < 0.0 { lon + 360.0 } else { lon }, lat);
        let got = height(&mosaic, lon, lat);
        // 32 samples from the borders in the north and south is nowhere in these: compare with the weight there.
        let share = (got + 5_000.0) / (want + 5_000.0);
        assert!(share > 0.9, "{lon} {lat}: {got}, want {want}");
        let mirrored = height(&mosaic, -lon, lat);
        assert!(lon.abs() < 180.0 || (mirrored - got).abs() < 1e-6);
    }
}

/// Priorities, and the order of what has the same.
#[test]
fn what_lies_on_top_is_documented() {
    let flat = |height_m: f64| move |_: f64, _: f64| height_m;
    let tile = |at: [f64; 2], height_m| grid(at, [101, 101], 50.0, flat(height_m));
    let priority = mosaic(vec![(tile([0.0, 0.0], 1.0), 0), (tile([0.5, 0.5], 2.0), 7)]);
    assert_eq!(height(&priority, 1.5, 1.5), 2.0);
    assert_eq!(height(&priority, 0.2, 0.2), 1.0);
    let order = mosaic(vec![(tile([0.0, 0.0], 1.0), 4), (tile([0.5, 0.5], 2.0), 4)]);
    assert_eq!(height(&order, 1.0, 1.0), 1.0);
    assert_eq!(height(&order, 2.2, 2.2), 2.0);
    // Neighbours that contradict each other on their shared edge: the first given.
    let edge = |first: f64, is_reversed: bool| {
        let mut tiles = [(tile([0.0, 0.0], 1.0), 0), (tile([2.0, 0.0], 2.0), 0)];
        if is_reversed {
            tiles.reverse();
        }
        let mosaic = mosaic(tiles.into());
        assert!((height(&mosaic, 2.0, 1.0) - first).abs() < 1e-9);
        assert_eq!(height(&mosaic, 1.9, 1.0), 1.0);
        assert_eq!(height(&mosaic, 2.1, 1.0), 2.0);
    };
    edge(1.0, false);
    edge(2.0, true);
    // Three priorities; a hard edge.
    let hard = MosaicOptions {
        feather_samples: 0.0,
    };
    let three = Mosaic::new(
        vec![
            (grid([-10.0, -10.0], [21, 21], 1.0, flat(0.0)), -1),
            (tile([0.0, 0.0], 1.0), 0),
            (tile([1.0, 1.0], 2.0), 1),
        ],
        hard,
    );
    for (lon, lat, want) in [
        (-5.0, 0.0, 0.0),
        (0.5, 0.5, 1.0),
        (1.001, 1.001, 2.0),
        (0.98, 0.98, 1.0),
        (2.5, 2.5, 2.0),
    ] {
        assert_eq!(height(&three, lon, lat), want, "{lon} {lat}");
    }
    assert!(at(&three, 50.0, 0.0).is_none());
    let none = mosaic(Vec::new());
    assert!(at(&none, 0.0, 0.0).is_none() && none.bounds().is_empty());
}

/// Whether a place of the test grids is in a round void.
fn in_hole(lon: f64, lat: f64, [x, y]: [f64; 2], radius: f64) -> bool {
    (lon - x) * (lon - x) + (lat - y) * (lat - y) < radius * radius
}

#[test]
fn voids_are_filled_from_the_rim() {
    let ground = |lon: f64, lat: f64| match in_hole(lon, lat, [1.0, 1.0], 0.253) {
        true => f64::NAN,
        false => plane(lon, lat),
    };
    let mosaic = mosaic(vec![(grid([0.0, 0.0], [201, 201], 100.0, ground), 0)]);
    let (mut filled, mut worst) = (0, 0.0f64);
    for k in 0..10_000 {
        let (lon, lat) = (
            0.5 + f64::from(k % 100) / 100.0,
            0.5 + f64::from(k / 100) / 100.0,
        );
        let sample = at(&mosaic, lon, lat).unwrap();
        let is_hole = in_hole(lon, lat, [1.0, 1.0], 0.253);
        assert_eq!(sample.is_filled, is_hole, "{lon} {lat}");
        filled += u32::from(is_hole);
        worst = worst.max((sample.height_m - plane(lon, lat)).abs());
        // Within what the rim has.
        assert!(!is_hole || (302.0..328.0).contains(&sample.height_m));
    }
    assert!(filled > 1_500);
    // The rim spans ±12 m about the middle; the interpolation comes near the plane.
    assert!(worst < 6.0, "{worst}");
}

/// The delta surface: a source beneath that is off by a constant is shifted by it.
#[test]
fn voids_are_filled_from_beneath_and_meet_the_rim() {
    let rough = |lon: f64, lat: f64| {
        plane(lon, lat) + 50.0 * (libm::sin(lon * 31.0) + libm::cos(lat * 29.0))
    };
    let hole = |lon: f64, lat: f64| match in_hole(lon, lat, [1.0, 1.0], 0.303) {
        true => f64::NAN,
        false => rough(lon, lat),
    };
    let mosaic = mosaic(vec![
        (grid([0.0, 0.0], [201, 201], 100.0, hole), 1),
        (
            grid([-0.5, -0.5], [301, 301], 100.0, move |lon, lat| {
                rough(lon, lat) - 700.0
            }),
            0,
        ),
    ]);
    for k in 0..10_000 {
        let (lon, lat) = (
            0.5 + f64::from(k % 100) / 100.0,
            0.5 + f64::from(k / 100) / 100.0,
        );
        let sample = at(&mosaic, lon, lat).unwrap();
        assert_eq!(sample.is_filled, in_hole(lon, lat, [1.0, 1.0], 0.303));
        assert!(
            (sample.height_m - rough(lon, lat)).abs() < 0.05,
            "{lon} {lat}: {sample:?}"
        );
    }
}

/// A void over the joint of neighbours, and over the joints of blocks that are filled at once.
#[test]
fn voids_over_joints_are_filled_as_one() {
    let hole = |lon: f64, lat: f64| {
        in_hole(lon, lat, [1.0, 0.5], 0.1203) || in_hole(lon, lat, [1.024, 0.1], 0.0403)
    };
    let ground = |lon: f64, lat: f64| match hole(lon, lat) {
        true => f64::NAN,
        false => plane(lon, lat) + 30.0 * libm::sin(lon * 9.0),
    };
    let halves = mosaic(vec![
        (grid([0.0, 0.0], [1_001, 201], 1_000.0, ground), 0),
        (grid([1.0, 0.0], [201, 201], 1_000.0, ground), 0),
    ]);
    let whole = mosaic(vec![(grid([0.0, 0.0], [1_201, 201], 1_000.0, ground), 0)]);
    let mut filled = 0;
    for k in 0..8_000 {
        let (lon, lat) = (
            0.9 + f64::from(k % 200) / 1_000.0,
            0.0021 + f64::from(k / 200) / 250.0,
        );
        let (a, b) = (
            at(&halves, lon, lat).unwrap(),
            at(&whole, lon, lat).unwrap(),
        );
        assert!(
            (a.height_m - b.height_m).abs() < 1e-6 && a.is_filled == b.is_filled,
            "{lon} {lat}"
        );
        filled += u32::from(a.is_filled);
        let next = at(&halves, lon + 1e-4, lat).unwrap();
        assert!(
            (next.height_m - a.height_m).abs() < 0.5,
            "{lon} {lat}: a step"
        );
    }
    assert!(filled > 300, "{filled}");
}

#[test]
fn a_source_of_voids_alone() {
    let nothing = || grid([0.0, 0.0], [41, 41], 40.0, |_, _| f64::NAN);
    let alone = mosaic(vec![(nothing(), 0)]);
    assert!(at(&alone, 0.5, 0.5).is_none());
    let above = mosaic(vec![
        (nothing(), 1),
        (grid([-1.0, -1.0], [31, 31], 10.0, plane), 0),
    ]);
    let sample = at(&above, 0.5, 0.5).unwrap();
    assert!((sample.height_m - plane(0.5, 0.5)).abs() < 1e-3);
    assert!(sample.is_filled);
}

#[test]
fn spacings_of_cells() {
    let mosaic = mosaic(vec![
        (grid([0.0, 0.0], [61, 61], 60.0, plane), 1),
        (source("small.raw", vec![0; 80]), 0),
    ]);
    let cell = |lat, lon, level| {
        let cell = CellId::from_direction(direction(lat, lon)).parent(level);
        mosaic.spacing_m_in(&Cell::new(cell)).unwrap()
    };
    assert!((cell(0.5, 0.5, 9) - 1_853.0).abs() < 5.0);
    assert!((cell(0.5, 0.5, 0) - 1_853.0).abs() < 5.0);
    assert!(cell(0.5, 40.0, 9) > 4e6);
    assert!((mosaic.spacing_m() - 1_853.0).abs() < 5.0);
    assert!(mosaic.bounds().is_full());
}

/// A map in metres over degrees, turned against them.
#[test]
fn maps_and_degrees_in_one_planet() {
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/relief/utm_south.tif"
    );
    let open = || spatial_core::open_relief(golden.as_ref(), &ReliefOptions::default()).unwrap();
    let alone = open();
    let [south, north] = alone.bounds().lat_rad().map(f64::to_degrees);
    let [west, east] = alone.bounds().lng_rad().map(f64::to_degrees);
    let (lat, lon) = (0.5 * (south + north), 0.5 * (west + east));
    let beneath = || grid([lon - 1.0, lat - 1.0], [41, 41], 20.0, |_, _| 0.0);
    let options = MosaicOptions {
        feather_samples: 4.0,
    };
    let mosaic = Mosaic::new(vec![(beneath(), 0), (open(), 1)], options);
    let want = at(&alone, lon, lat).unwrap().height_m;
    assert_eq!(height(&mosaic, lon, lat), want);
    assert_eq!(height(&mosaic, lon, north + 0.01), 0.0);
    assert!(mosaic.bounds().contains(&alone.bounds()));
}
