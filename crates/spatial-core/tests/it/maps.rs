//! Rasters of maps: every pixel against the ground itself, tiles of the web's map and their edges, and their pictures.

use std::sync::Arc;

use spatial_core::{
    CellId, DVec3, Ellipsoid, Equirectangular, Geodetic, HeightTile, Hemisphere, LambertAzimuthal,
    LatticeSpec, Manifest, MapGrid, MapMaker, MapRaster, MapWindow, MemoryStore, MercatorTile,
    MissingTile, Mollweide, NoSuchZoom, Orthographic, Planet, PolarStereographic, Projection,
    StoreError, Terrain, TileStore, Utm, WebMercator, column_row, face_st,
};

use super::sparse::Random;

const LEVELS: u8 = 6;
const N: u16 = 16;
const RADIUS_M: f64 = 6_371_008.8;

fn lattice(levels: u8) -> LatticeSpec {
    LatticeSpec::new(levels, N, 0.0, 1.0).unwrap()
}

/// Hills of three kilometres, a function of the direction.
fn hills(d: DVec3) -> i16 {
    (3_000.0 * libm::sin(9.0 * d.x + 4.0 * d.y * d.z) + 900.0 * libm::sin(40.0 * (d.y + d.z) * d.x))
        as i16
}

fn tile(cell: CellId) -> HeightTile {
    let spec = lattice(LEVELS);
    let (n, step) = (u32::from(N), 1u32 << (spec.leaf_level() - cell.level()));
    let (column, row) = column_row(cell);
    let samples = (0..(n + 1) * (n + 1)).map(|k| {
        let (i, j) = (column * n + k % (n + 1), row * n + k / (n + 1));
        hills(spec.direction(cell.face(), i * step, j * step))
    });
    HeightTile::new(cell, N, samples.collect()).unwrap()
}

fn store() -> Arc<MemoryStore> {
    let manifest = Manifest::new(Planet::EARTH, lattice(LEVELS), "made for a test", "none");
    Arc::new(MemoryStore::new(manifest, lattice(LEVELS).cells().into_iter().map(tile)).unwrap())
}

/// The mean distance of samples of a level, metres.
fn spacing_m(level: u8) -> f64 {
    RADIUS_M * (4.0 * core::f64::consts::PI / 6.0).sqrt()
        / (f64::from(N) * f64::from(1u32 << level))
}

/// The largest difference of neighbouring samples.
fn steepest(store: &MemoryStore, level: u8) -> f64 {
    let side = usize::from(N) + 1;
    let of = |cell: &CellId| {
        let tile = store.load(*cell).unwrap();
        let samples = tile.samples();
        let along = (0..samples.len() - side).map(|k| samples[k].abs_diff(samples[k + side]));
        let across = samples.windows(2).map(|w| w[0].abs_diff(w[1]));
        along.chain(across).max().unwrap()
    };
    let cells = store.cells().iter().filter(|cell| cell.level() == level);
    f64::from(cells.map(of).max().unwrap())
}

/// All maps, and places in the middle of windows: a fifth and more of them at poles, the antimeridian, edges and corners of the cube.
fn projections() -> Vec<(&'static str, Box<dyn Projection + Sync>)> {
    let (sphere, wgs84) = (Ellipsoid::sphere(Planet::EARTH), Ellipsoid::WGS84);
    vec![
        (
            "equirectangular",
            Box::new(Equirectangular::new(Planet::EARTH, 20.0, 0.0).unwrap()),
        ),
        ("web mercator", Box::new(WebMercator)),
        (
            "mollweide",
            Box::new(Mollweide::new(Planet::EARTH, -70.0).unwrap()),
        ),
        (
            "orthographic",
            Box::new(Orthographic::new(sphere, 70.0, 170.0).unwrap()),
        ),
        (
            "lambert",
            Box::new(LambertAzimuthal::new(wgs84, 90.0, 0.0).unwrap()),
        ),
        (
            "stereographic",
            Box::new(
                PolarStereographic::with_true_scale(wgs84, Hemisphere::South, 0.0, -71.0).unwrap(),
            ),
        ),
        ("utm", Box::new(Utm::new(1, Hemisphere::North).unwrap())),
    ]
}

const SPECIAL_DEG: [(f64, f64); 9] = [
    (90.0, 0.0),
    (-90.0, 0.0),
    (0.0, 180.0),
    (61.0, -179.999),
    (35.264_389_682_754_65, 45.0),
    (35.264_389_682_754_65, -135.0),
    (-35.264_389_682_754_65, 135.0),
    (10.0, 45.0),
    (44.0, 180.0),
];

#[test]
fn pixels_are_the_heights_of_their_places() {
    let seed = 11;
    println!("seed {seed}");
    let (mut random, store) = (Random(seed), store());
    let terrain = Terrain::new(Arc::clone(&store) as Arc<dyn TileStore>);
    let mut maker = MapMaker::new(Arc::clone(&store) as Arc<dyn TileStore>);
    let finest = LEVELS - 1;
    let bound_m = 2.0 * steepest(&store, finest) / 64.0 + 0.01;
    let mut checked = 0;
    for (name, projection) in projections() {
        for k in 0..24 {
            let (lat, lon) = match SPECIAL_DEG.get(k) {
                Some(place) => *place,
                None => (
                    random.below(17_000) as f64 / 100.0 - 85.0,
                    random.below(36_000) as f64 / 100.0 - 180.0,
                ),
            };
            let Ok((x_m, y_m)) = projection.forward(lat, lon) else {
                continue;
            };
            // Finer than the samples, so the finest level answers; widely finer now and then.
            let pixel_m = spacing_m(finest) * [0.9, 0.5, 0.01][k % 3];
            let window = MapWindow {
                column: -(random.below(70) as i64),
                row: -(random.below(70) as i64),
                width: 1 + random.below(140) as u32,
                height: 1 + random.below(140) as u32,
            };
            let grid = MapGrid::new(&*projection, (x_m, y_m), (pixel_m, pixel_m));
            let raster = maker.raster(&grid, window).unwrap();
            for (at, got) in pixels(&raster, window) {
                let x_m = x_m + (at.0 as f64 + 0.5) * pixel_m;
                let y_m = y_m - (at.1 as f64 + 0.5) * pixel_m;
                let Ok((lat, lon)) = projection.inverse(x_m, y_m) else {
                    assert!(got.is_nan(), "{name}: a height outside of the map");
                    continue;
                };
                let place = Geodetic::from_degrees(lat, lon, 0.0).unwrap();
                let want = terrain.height(place).unwrap();
                let off = (f64::from(got) - want).abs();
                assert!(
                    off <= bound_m,
                    "{name} {k}: {lat} {lon}: {got} is not {want}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 200_000, "{checked}");
}

fn pixels(raster: &MapRaster, window: MapWindow) -> impl Iterator<Item = ((i64, i64), f32)> {
    assert_eq!(raster.width(), window.width as usize);
    assert_eq!(raster.height(), window.height as usize);
    (0..raster.height()).flat_map(move |row| {
        let in_row = raster.row_m(row).iter().enumerate();
        in_row.map(move |(column, height_m)| {
            (
                (window.column + column as i64, window.row + row as i64),
                *height_m,
            )
        })
    })
}

/// A pixel that is larger than the distance of samples is one of a coarser level: the coarsest that has one for each.
#[test]
fn levels_suit_pixels() {
    let store = store();
    let mut maker = MapMaker::new(Arc::clone(&store) as Arc<dyn TileStore>);
    let map = LambertAzimuthal::new(Ellipsoid::sphere(Planet::EARTH), 30.0, 60.0).unwrap();
    for level in 0..LEVELS {
        let spec = lattice(level + 1);
        let bound_m = 2.0 * steepest(&store, level) / 64.0 + 0.01;
        for part in [1.02, 1.9] {
            let pixel_m = spacing_m(level) * part;
            let grid = MapGrid::new(&map, (0.0, 0.0), (pixel_m, pixel_m));
            let window = MapWindow {
                column: -8,
                row: -7,
                width: 15,
                height: 13,
            };
            let raster = maker.raster(&grid, window).unwrap();
            for (at, got) in pixels(&raster, window) {
                let (x_m, y_m) = (
                    (at.0 as f64 + 0.5) * pixel_m,
                    -(at.1 as f64 + 0.5) * pixel_m,
                );
                let Ok((lat, lon)) = map.inverse(x_m, y_m) else {
                    assert!(got.is_nan());
                    continue;
                };
                let (face, s, t) =
                    face_st(Geodetic::from_degrees(lat, lon, 0.0).unwrap().direction());
                let tile = store.load(spec.tile_of(face, s, t)).unwrap();
                let want = tile.height_m(&spec, face, s, t);
                assert!(
                    (f64::from(got) - want).abs() <= bound_m,
                    "{level} {part}: {got} {want}"
                );
            }
        }
    }
}

#[test]
fn beyond_the_webs_map_its_last_rows_go_on() {
    let mut maker = MapMaker::new(store());
    let mut row = |z: u8, x: i64, y: i64, row: usize| {
        let raster = maker.mercator(MercatorTile::new(z, x, y).unwrap()).unwrap();
        assert_eq!((raster.width(), raster.height()), (512, 512));
        assert!(raster.row_m(row).iter().all(|h| h.is_finite()));
        raster.row_m(row).to_vec()
    };
    for z in [0u8, 1, 3] {
        let last = (1i64 << z) - 1;
        for x in [0, last] {
            let (top, bottom) = (row(z, x, 0, 0), row(z, x, last, 511));
            assert_ne!(top, bottom);
            for beyond in [1, 2, 9, i64::MAX / 2] {
                for k in [0, 1, 300, 511] {
                    assert!(row(z, x, -beyond, k) == top, "{z} {x} −{beyond} {k}");
                    assert!(
                        row(z, x, last + beyond, k) == bottom,
                        "{z} {x} {beyond} {k}"
                    );
                }
            }
        }
        assert_eq!(row(z, -1, 0, 100), row(z, last, 0, 100));
        assert_eq!(row(z, last + 1, last, 7), row(z, 0, last, 7));
    }
    assert_eq!(MercatorTile::new(25, 0, 0), Err(NoSuchZoom(25)));
    // What is beyond is as level as a row repeated is: shaded, all its rows are one.
    let colours = maker
        .mercator(MercatorTile::new(2, 1, -1).unwrap())
        .unwrap()
        .shaded([0; 3]);
    assert!(
        colours
            .chunks(3 * 512)
            .all(|row| row == &colours[..3 * 512])
    );
}

/// A square around a place is known to the finest level, all else to level 1.
fn sparse(missing: MissingTile) -> Arc<MemoryStore> {
    let spec = lattice(LEVELS);
    let fine = spec.tile_at(DVec3::new(1.0, 0.3, 0.2));
    let cells = spec
        .cells()
        .into_iter()
        .filter(|cell| cell.level() < 2 || cell.contains(fine));
    let manifest =
        Manifest::new(Planet::EARTH, spec, "made for a test", "none").with_missing(missing);
    Arc::new(MemoryStore::new(manifest, cells.map(tile)).unwrap())
}

#[test]
fn where_a_level_is_absent_the_store_says_what_that_means() {
    let grid = Equirectangular::new(Planet::EARTH, 0.0, 0.0).unwrap();
    let pixel_m = spacing_m(LEVELS - 1) * 0.8;
    let grid = MapGrid::new(&grid, (0.0, 3.0e6), (pixel_m, pixel_m));
    let window = MapWindow {
        column: 0,
        row: 0,
        width: 200,
        height: 150,
    };
    let store = sparse(MissingTile::Coarser);
    let terrain = Terrain::new(Arc::clone(&store) as Arc<dyn TileStore>);
    let raster = MapMaker::new(Arc::clone(&store) as Arc<dyn TileStore>)
        .raster(&grid, window)
        .unwrap();
    let bound_m = 2.0 * steepest(&store, 1) / 64.0;
    for (at, got) in pixels(&raster, window) {
        let lat = (3.0e6 - (at.1 as f64 + 0.5) * pixel_m) / RADIUS_M;
        let lon = (at.0 as f64 + 0.5) * pixel_m / RADIUS_M;
        let place = Geodetic::from_degrees(lat.to_degrees(), lon.to_degrees(), 0.0).unwrap();
        let want = terrain.height(place).unwrap();
        assert!((f64::from(got) - want).abs() <= bound_m, "{place:?}");
    }
    let refused = MapMaker::new(sparse(MissingTile::Error)).raster(&grid, window);
    assert!(matches!(refused, Err(StoreError::Missing { .. })));
}

#[test]
fn pixels_without_a_place_have_no_height_and_the_background() {
    let globe = Orthographic::new(Ellipsoid::sphere(Planet::EARTH), 0.0, 0.0).unwrap();
    let pixel_m = 2.0 * RADIUS_M / 100.0;
    let grid = MapGrid::new(&globe, (-RADIUS_M, RADIUS_M), (pixel_m, pixel_m));
    let window = MapWindow {
        column: -10,
        row: -10,
        width: 120,
        height: 120,
    };
    let store = store();
    let raster = MapMaker::new(store).raster(&grid, window).unwrap();
    let mut outside = 0;
    let colours = raster.shaded([1, 2, 3]);
    let terrarium = raster.terrarium(&lattice(1));
    for (n, ((column, row), height_m)) in pixels(&raster, window).enumerate() {
        let from_middle = |k: i64| (k as f64 + 0.5) / 50.0 - 1.0;
        let (x, y) = (from_middle(column), from_middle(row));
        let is_outside = x * x + y * y > 1.0;
        assert_eq!(height_m.is_nan(), is_outside, "{column} {row}");
        assert_eq!(colours[3 * n..3 * n + 3] == [1, 2, 3], is_outside);
        assert_eq!(terrarium[3 * n..3 * n + 3] == [0; 3], is_outside);
        outside += u32::from(is_outside);
    }
    assert!(outside > 6_000, "{outside}");
}

/// The same bits on every platform.
#[test]
fn a_tile_has_its_colours() {
    let mut maker = MapMaker::new(store());
    let raster = maker.mercator(MercatorTile::new(3, 4, 1).unwrap()).unwrap();
    let sum = |bytes: Vec<u8>| {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a
        })
    };
    let terrarium = raster.terrarium(&lattice(1));
    assert!(terrarium.chunks(3).all(|c| c[2] == 0), "whole metres");
    let sums = [sum(terrarium), sum(raster.shaded([0; 3]))];
    assert_eq!(
        sums,
        [17_607_384_335_328_270_764, 12_361_383_568_717_435_981],
        "Terrarium, shaded"
    );
}

/// Heights written as Terrarium and read by our own importer are those of the ground.
#[cfg(feature = "import")]
#[test]
fn the_importer_reads_terrarium_back() {
    use spatial_core::{
        Effort, HeightEncoding, PictureGrid, Registration, Relief, ReliefOptions, ReliefSource,
        encode_png,
    };
    let store = store();
    let mut maker = MapMaker::new(Arc::clone(&store) as Arc<dyn TileStore>);
    let options = ReliefOptions {
        picture: Some(PictureGrid {
            encoding: HeightEncoding::Terrarium,
            bounds: None,
            registration: Registration::Area,
        }),
        ..ReliefOptions::default()
    };
    for (effort, (z, x, y)) in [(Effort::Fast, (2, 3, 1)), (Effort::Small, (4, 0, 15))] {
        let raster = maker.mercator(MercatorTile::new(z, x, y).unwrap()).unwrap();
        let png = encode_png(
            (512, 512),
            &raster.terrarium(store.manifest().lattice()),
            effort,
        );
        let name = format!("{z}/{x}/{y}.png");
        let source = ReliefSource::from_bytes(&name, png, &options).unwrap();
        let side_m = WebMercator::TURN_M / f64::from(1u32 << z);
        let (mut places, mut want) = (Vec::new(), Vec::new());
        for (row, column) in (0..512)
            .step_by(5)
            .flat_map(|r| (0..512).step_by(7).map(move |c| (r, c)))
        {
            let along = |tile: i64, k: usize| side_m * (tile as f64 + (k as f64 + 0.5) / 512.0);
            let half_m = 0.5 * WebMercator::TURN_M;
            let (lat, lon) = WebMercator
                .inverse(along(x, column) - half_m, half_m - along(y, row))
                .unwrap();
            places.push(Geodetic::from_degrees(lat, lon, 0.0).unwrap().direction());
            want.push(raster.row_m(row)[column]);
        }
        let mut got = Vec::new();
        source.samples(&places, &mut got).unwrap();
        for (got, want) in got.into_iter().zip(want) {
            let got = got.unwrap().height_m;
            assert!(
                (got - f64::from(want)).abs() <= 0.501,
                "{name}: {got} {want}"
            );
        }
    }
}

/// Windows of nothing, and far away; more pixels than there may be, and a picture of none.
#[test]
fn odd_windows_are_harmless() {
    use spatial_core::{Effort, encode_png};

    let mut maker = MapMaker::new(store());
    let map = Equirectangular::new(Planet::EARTH, 0.0, 0.0).unwrap();
    let grid = MapGrid::new(&map, (0.0, 0.0), (1_000.0, 1_000.0));
    let window = |column, width, height| MapWindow {
        column,
        row: 0,
        width,
        height,
    };
    for (width, height) in [(0, 0), (0, 3), (3, 0)] {
        let raster = maker.raster(&grid, window(0, width, height)).unwrap();
        assert_eq!(
            (raster.width(), raster.height()),
            (width as usize, height as usize)
        );
        assert!(raster.shaded([0; 3]).is_empty());
        assert!(raster.terrarium(&lattice(LEVELS)).is_empty());
    }
    for column in [i64::MIN, i64::MAX] {
        let raster = maker.raster(&grid, window(column, 2, 1)).unwrap();
        assert!(raster.row_m(0).iter().all(|h| h.is_nan()));
    }
    let raster = std::panic::AssertUnwindSafe(|| maker.raster(&grid, window(0, u32::MAX, 1)));
    assert!(std::panic::catch_unwind(raster).is_err());
    assert!(std::panic::catch_unwind(|| encode_png((0, 5), &[], Effort::Fast)).is_err());
}
