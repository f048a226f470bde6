//! The bundled Earth: its samples are the source's, its heights are its samples', its faces agree.

use std::collections::BTreeMap;
use std::sync::Arc;

use spatial_core::{
    DVec3, Ecef, HeightTile, LatticeSpec, PackStore, Terrain, TileStore, cell_at,
    face_uv_to_direction,
};

use super::source::Source;
use super::{Random, succeed};

pub(crate) const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/earth-1024.pack");
const N: u32 = 128;
const LEVELS: u8 = 4;

/// Every tile of the Earth, decoded.
struct Earth {
    spec: LatticeSpec,
    tiles: BTreeMap<(u8, u8, u32, u32), Arc<HeightTile>>, // face, level, column, row
}

impl Earth {
    fn open() -> Self {
        let store = PackStore::open(PACK).unwrap();
        let spec = *store.manifest().lattice();
        assert_eq!((spec.face_intervals(), spec.levels()), (1_024, LEVELS));
        let tiles = (0..6u8).flat_map(|face| (0..LEVELS).map(move |level| (face, level)));
        let tiles = tiles.flat_map(|(face, level)| {
            (0..1u32 << (2 * level)).map(move |k| (face, level, k & ((1 << level) - 1), k >> level))
        });
        let load =
            |(face, level, column, row)| store.load(cell_at(face, level, column, row)).unwrap();
        Self {
            spec,
            tiles: tiles.map(|key| (key, load(key))).collect(),
        }
    }

    /// Sample (i, j) of a level of a face; where tiles share it, any of them.
    fn sample(&self, face: u8, level: u8, i: u32, j: u32, pick: u64) -> i16 {
        let last = (1u32 << level) - 1;
        let tile_of = |k: u32, pick: bool| match k / N {
            tile if k.is_multiple_of(N) && tile > 0 && (pick || tile > last) => tile - 1,
            tile => tile,
        };
        let (column, row) = (tile_of(i, pick & 1 == 0), tile_of(j, pick & 2 == 0));
        let tile = &self.tiles[&(face, level, column, row)];
        tile.sample((i - column * N) as usize, (j - row * N) as usize)
    }
}

#[test]
fn every_stored_sample_is_the_sources_value_at_its_place() {
    let Some(source) = Source::open() else { return };
    let (earth, mut random) = (Earth::open(), Random::new(1));
    let mut worst = 0.0f64;
    for k in 0..100_000u32 {
        let (face, level) = (random.below(6) as u8, random.below(u64::from(LEVELS)) as u8);
        let n = N << level;
        let mut any = || random.below(u64::from(n) + 1) as u32;
        let (i, j) = match k % 20 {
            0 => (0, any()),
            1 => (any(), n),
            2 => (n, any()),
            3 => [(0, 0), (n, 0), (0, n), (n, n), (n / 2, n / 2)][k as usize / 20 % 5],
            _ => (any(), any()),
        };
        let scale = earth.spec.face_intervals() / n;
        let want = source.at(earth.spec.direction(face, i * scale, j * scale));
        let stored = earth.sample(face, level, i, j, random.next());
        worst = worst.max((f64::from(stored) - want).abs());
        assert!(
            worst <= 0.5 + 1e-6,
            "face {face} level {level} ({i}, {j}): {stored}, source {want}"
        );
    }
    println!("100,000 samples: at most {worst:.4} m from the source");
}

#[test]
fn heights_are_bilinear_in_the_stored_samples() {
    let (earth, mut random) = (Earth::open(), Random::new(2));
    let terrain = Terrain::new(Arc::new(PackStore::open(PACK).unwrap()));
    // In Hilbert order, so that the pack decodes each tile once.
    let mut places: Vec<Ecef> = (0..50_000).map(|k| place(&mut random, k)).collect();
    places.sort_by_key(|place| place.leaf());
    for place in places {
        let want = bilinear_of_samples(&earth, place.to_vec());
        let got = terrain.height(place).unwrap();
        assert!(
            (got - want).abs() <= 1e-3,
            "{place:?}: {got}, samples say {want}"
        );
    }
}

#[test]
fn the_query_command_prints_those_heights() {
    let (earth, mut random) = (Earth::open(), Random::new(3));
    let points: Vec<(f64, f64)> = (0..400)
        .map(|k| match k {
            0..60 => ([90.0, -90.0, 45.0][k % 3], (k as f64) * 6.0 - 180.0),
            60..80 => (random.unit() * 90.0, [180.0, -180.0][k % 2]),
            _ => (random.unit() * 90.0, random.unit() * 180.0),
        })
        .collect();
    let words: Vec<String> = points
        .iter()
        .flat_map(|p| [p.0.to_string(), p.1.to_string()])
        .collect();
    let args: Vec<&str> = ["query", "--json", PACK]
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect();
    let output = succeed(&args);
    assert_eq!(output.lines().count(), points.len());
    for (line, (lat, lon)) in output.lines().zip(points) {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        let got = answer["height_m"].as_f64().unwrap();
        let (lat, lon) = (lat.to_radians(), lon.to_radians());
        let direction = DVec3::new(lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin());
        let want = bilinear_of_samples(&earth, direction);
        assert!((got - want).abs() <= 1e-3, "{line}: samples say {want}");
        let depth_m = answer["water_depth_m"].as_f64().unwrap();
        assert_eq!(depth_m, (-got).max(0.0), "{line}");
        let is_sea = ["sea", "sea ice"].contains(&answer["biome"].as_str().unwrap());
        assert_eq!(is_sea, got < 0.0, "{line}");
        let normal = [0, 1, 2].map(|n| answer["normal"][n].as_f64().unwrap());
        let steepness = DVec3::from_array(normal)
            .angle_between(direction)
            .to_degrees();
        let slope_deg = answer["slope_deg"].as_f64().unwrap();
        assert!(
            (steepness - slope_deg).abs() < 1e-5 && slope_deg < 60.0,
            "{line}"
        );
    }
}

#[test]
fn between_samples_the_deviation_is_bounded() {
    let Some(source) = Source::open() else { return };
    let (earth, mut random) = (Earth::open(), Random::new(4));
    let mut off: Vec<f64> = (0..100_000)
        .map(|_| {
            let direction = random.direction();
            (bilinear_of_samples(&earth, direction) - source.at(direction)).abs()
        })
        .collect();
    off.sort_by(f64::total_cmp);
    let mean = off.iter().sum::<f64>() / off.len() as f64;
    let (p99, max) = (off[off.len() * 99 / 100], off[off.len() - 1]);
    println!(
        "deviation from the source between samples: mean {mean:.2} m, p99 {p99:.1} m, max {max:.0} m"
    );
    assert!(mean <= 10.0 && p99 <= 120.0);
}

/// On integers: the sides of the cube, n = 2 units a sample, name a sample from each face that has it.
#[test]
fn faces_agree_on_12_edges_and_8_corners_at_every_level() {
    let earth = Earth::open();
    for level in 0..LEVELS {
        let n = N << level;
        let mut shared: BTreeMap<[i64; 3], Vec<i16>> = BTreeMap::new();
        for face in 0..6u8 {
            for k in 0..n {
                for (i, j) in [(k, 0), (n, k), (n - k, n), (0, n - k)] {
                    let to_cube = |k: u32| 2.0 * f64::from(k) - f64::from(n);
                    let (u, v) = (to_cube(i) / f64::from(n), to_cube(j) / f64::from(n));
                    let cube = face_uv_to_direction(face, u, v) * f64::from(n);
                    let key = cube.to_array().map(|x| x.round() as i64);
                    shared.entry(key).or_default().push(earth.sample(
                        face,
                        level,
                        i,
                        j,
                        u64::from(k),
                    ));
                }
            }
        }
        let with = |faces: usize| shared.values().filter(move |v| v.len() == faces);
        assert_eq!(with(3).count(), 8);
        assert_eq!(with(2).count(), 12 * (n as usize - 1));
        assert_eq!(with(1).count(), 0);
        for (key, values) in &shared {
            assert!(
                values.windows(2).all(|w| w[0] == w[1]),
                "level {level} at {key:?}: {values:?}"
            );
        }
    }
}

#[test]
fn the_pack_is_small_and_verifies() {
    assert!(std::fs::metadata(PACK).unwrap().len() <= 6_000_000);
    let report: serde_json::Value =
        serde_json::from_str(&succeed(&["verify", "--json", PACK])).unwrap();
    assert_eq!(report["tiles"], 510);
    assert_eq!(report["problem_count"], 0);
    assert_eq!(report["shared_at_cube_corners"], 8 * 4);
    assert_eq!(
        report["shared_on_cube_edges"],
        12 * (127 + 255 + 511 + 1_023)
    );
}

/// The bilinear value of the four stored samples around a direction, from scratch.
fn bilinear_of_samples(earth: &Earth, p: DVec3) -> f64 {
    let (face, u, v) = face_of(p);
    let st = |u: f64| {
        if u >= 0.0 {
            (1.0 + 3.0 * u).sqrt() / 2.0
        } else {
            1.0 - (1.0 - 3.0 * u).sqrt() / 2.0
        }
    };
    let n = N << (LEVELS - 1);
    let (x, y) = (st(u) * f64::from(n), st(v) * f64::from(n));
    let (i, j) = ((x as u32).min(n - 1), (y as u32).min(n - 1));
    let (fx, fy) = (x - f64::from(i), y - f64::from(j));
    let at = |i: u32, j: u32| f64::from(earth.sample(face, LEVELS - 1, i, j, u64::from(i ^ j)));
    let south = at(i, j) + (at(i + 1, j) - at(i, j)) * fx;
    let north = at(i, j + 1) + (at(i + 1, j + 1) - at(i, j + 1)) * fx;
    south + (north - south) * fy
}

/// The face whose axis is longest, and the place on it, found by solving for the face's own mapping.
fn face_of(p: DVec3) -> (u8, f64, f64) {
    (0..6u8)
        .map(|face| {
            let centre = face_uv_to_direction(face, 0.0, 0.0);
            let (east, north) = (
                face_uv_to_direction(face, 1.0, 0.0) - centre,
                face_uv_to_direction(face, 0.0, 1.0) - centre,
            );
            let ahead = p.dot(centre);
            (ahead, face, p.dot(east) / ahead, p.dot(north) / ahead)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, face, u, v)| (face, u, v))
        .unwrap()
}

/// A place: a fifth on edges and corners of the cube, at the poles and on the antimeridian.
fn place(random: &mut Random, k: usize) -> Ecef {
    let face = random.below(6) as u8;
    let d = match k % 25 {
        0 => face_uv_to_direction(face, 1.0, random.unit()),
        1 => face_uv_to_direction(face, random.unit(), -1.0),
        2 => face_uv_to_direction(face, 1.0, -1.0) * (1.0 + random.unit() * 1e-9),
        3 => DVec3::new(
            random.unit() * 1e-6,
            random.unit() * 1e-6,
            [1.0, -1.0][k % 2],
        ),
        4 => DVec3::new(-1.0, random.unit() * 1e-9, random.unit()),
        _ => random.direction(),
    } * 6.4e6;
    Ecef::new(d.x, d.y, d.z).unwrap()
}
