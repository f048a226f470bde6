//! Point in polygon on real countries against the C++ S2 library.

use std::fs;
use std::path::{Path, PathBuf};

use spatial_core::{
    DVec3, Feature, FeatureIndex, FileOptions, Geodetic, NearFeature, Region, Winding,
    read_topojson,
};

/// Natural Earth 1:110,000,000, and what tests/data/s2_countries.cc answers on it.
const COUNTRIES: &str = include_str!("../../../../assets/countries-110m.json");
const ANSWERS: &[u8] = include_bytes!("../data/s2_countries.bin");
const SEED: u64 = 20_214;

fn countries(text: &str) -> Vec<Feature> {
    // Sudan's border crosses itself.
    let options = FileOptions {
        winding: Winding::EvenOdd,
        ..FileOptions::default()
    };
    read_topojson(text, "countries", &options).unwrap()
}

/// SplitMix64 (Steele, Lea, Flood 2014), as tests/data/s2_countries.cc has it.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn signed(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / 4_503_599_627_370_496.0 - 1.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    fn vector(&mut self) -> DVec3 {
        let x = self.signed();
        let y = self.signed();
        DVec3::new(x, y, self.signed())
    }
}

fn length_one(p: DVec3) -> DVec3 {
    p / (p.x * p.x + p.y * p.y + p.z * p.z).sqrt()
}

fn draw(random: &mut Random, n: usize, vertices: &[DVec3]) -> DVec3 {
    if n % 5 < 2 {
        loop {
            let p = random.vector();
            let square = p.x * p.x + p.y * p.y + p.z * p.z;
            if square > 0.01 && square <= 1.0 {
                return length_one(p);
            }
        }
    }
    let at = random.below(vertices.len() - 1);
    let (v, w) = (vertices[at], vertices[at + 1]);
    match n % 5 {
        3 => v,
        4 => length_one(v + w),
        _ => {
            let scale = 1.0 / (1u64 << (8 + random.below(44))) as f64;
            length_one(v + random.vector() * scale)
        }
    }
}

fn vertices(features: &[Feature]) -> Vec<DVec3> {
    let polygons = features
        .iter()
        .flat_map(|feature| feature.geometry.polygons());
    polygons
        .flat_map(|polygon| polygon.rings().flatten().copied())
        .collect()
}

/// What s2_countries.cc reads.
fn write_rings(features: &[Feature], to: &Path) {
    let mut bytes = Vec::new();
    let put = |bytes: &mut Vec<u8>, n: usize| bytes.extend((n as u32).to_le_bytes());
    put(&mut bytes, features.len());
    for feature in features {
        let rings: Vec<_> = feature
            .geometry
            .polygons()
            .iter()
            .flat_map(|polygon| polygon.rings())
            .collect();
        put(&mut bytes, rings.len());
        for ring in rings {
            put(&mut bytes, ring.len());
            bytes.extend(
                ring.iter()
                    .flat_map(|v| v.to_array())
                    .flat_map(f64::to_le_bytes),
            );
        }
    }
    fs::write(to, bytes).unwrap();
}

fn check_answers(features: Vec<Feature>, answers: &[u8]) {
    let vertices = vertices(&features);
    let index = FeatureIndex::new(features).unwrap();
    let mut random = Random(SEED);
    let count = answers.len() / 3;
    let points: Vec<_> = (0..count)
        .map(|n| draw(&mut random, n, &vertices))
        .collect();
    let mut each = Vec::new();
    index.first_containing_each(&points, &mut each).unwrap();
    let mut all = Vec::new();
    let mut inside = 0;
    for (n, (answer, p)) in answers.chunks_exact(3).zip(&points).enumerate() {
        let first = u16::from_le_bytes([answer[1], answer[2]]);
        let want = (first != u16::MAX).then_some(u32::from(first));
        assert_eq!(
            index.first_containing(*p),
            Ok(want),
            "point {n} of seed {SEED}: {p:?}"
        );
        assert_eq!(each[n], want, "point {n} of seed {SEED}: {p:?}");
        index.containing(*p, &mut all).unwrap();
        assert_eq!(all.len(), usize::from(answer[0]), "point {n}: {all:?}");
        assert!(all.is_sorted() && all.first().copied() == want);
        inside += usize::from(want.is_some());
    }
    assert!(
        inside > count / 4 && inside < count * 3 / 4,
        "{inside} of {count}"
    );
}

#[test]
fn countries_contain_what_the_golden_answers_say() {
    let mut features = countries(COUNTRIES);
    assert_eq!(features.len(), 177);
    // Of a ring that crosses itself the library makes something else than even and odd.
    features.retain(|feature| feature.name.as_deref() != Some("Sudan"));
    if let Ok(to) = std::env::var("BLUEMARBLE_RINGS_OUT") {
        write_rings(&features, Path::new(&to));
    }
    check_answers(features, ANSWERS);
}

/// The folder that `make data` fills, if it is there.
fn data_file(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("BLUEMARBLE_COUNTRIES")?;
    let file = PathBuf::from(folder).join(name);
    file.is_file().then_some(file)
}

/// A million points each, where S2's answers lie beside the data.
#[test]
fn finer_countries_contain_what_the_library_says() {
    for resolution in ["50m", "10m"] {
        let Some(file) = data_file(&format!("countries-{resolution}.json")) else {
            println!("SKIPPED: no countries-{resolution}.json in the folder BLUEMARBLE_COUNTRIES");
            continue;
        };
        let features = countries(&fs::read_to_string(&file).unwrap());
        write_rings(&features, &file.with_extension("rings"));
        match fs::read(file.with_extension("answers")) {
            Ok(answers) => check_answers(features, &answers),
            Err(_) => println!(
                "SKIPPED: no answers of s2_countries beside {}",
                file.display()
            ),
        }
    }
}

/// The sums of the areas of real countries, and known places.
#[test]
fn countries_have_their_areas_and_places() {
    let features = countries(COUNTRIES);
    let area = |name: &str| {
        let feature = features
            .iter()
            .find(|f| f.name.as_deref() == Some(name))
            .unwrap();
        feature
            .geometry
            .polygons()
            .iter()
            .map(|p| p.area())
            .sum::<f64>()
            * 6_371.008_8
            * 6_371.008_8
    };
    // Square kilometres, within what 1:110 million leaves of a coast.
    for (name, want) in [
        ("Antarctica", 12.3e6),
        ("Russia", 17.0e6),
        ("Fiji", 19.0e3),
        ("France", 0.65e6),
    ] {
        assert!(
            (area(name) / want - 1.0).abs() < 0.05,
            "{name}: {}",
            area(name)
        );
    }
    let total: f64 = features
        .iter()
        .flat_map(|f| f.geometry.polygons())
        .map(|p| p.area())
        .sum();
    assert!(
        (total / (4.0 * core::f64::consts::PI) - 0.29).abs() < 0.01,
        "{total}"
    );
    let index = FeatureIndex::new(features).unwrap();
    let at = |lat: f64, lon: f64| {
        let p = Geodetic::from_degrees(lat, lon, 0.0).unwrap().direction();
        let first = index.first_containing(p).unwrap();
        first.and_then(|n| index.features()[n as usize].name.clone())
    };
    assert_eq!(at(-90.0, 0.0).as_deref(), Some("Antarctica"));
    assert_eq!(at(66.0, 179.9).as_deref(), Some("Russia"));
    assert_eq!(at(67.0, -178.0).as_deref(), Some("Russia"));
    assert_eq!(at(46.9, 7.4).as_deref(), Some("Switzerland"));
    assert_eq!(at(0.0, -30.0), None);
}

#[test]
fn nearest_and_within_agree_with_brute_force() {
    let index = FeatureIndex::new(countries(COUNTRIES)).unwrap();
    let vertices = vertices(index.features());
    let mut random = Random(7);
    let (mut nearest, mut within) = (Vec::new(), Vec::new());
    for n in 0..120 {
        let p = draw(&mut random, n, &vertices);
        let mut all: Vec<NearFeature> = brute_force(&index, p);
        let radius = 0.02 * (1 + n % 20) as f64;
        index.within(p, radius, &mut within).unwrap();
        let mut want: Vec<_> = all
            .iter()
            .filter(|near| near.distance_rad <= radius)
            .copied()
            .collect();
        want.sort_by_key(|near| near.feature);
        assert_near(&within, &want);
        all.sort_by(|a, b| {
            a.distance_rad
                .total_cmp(&b.distance_rad)
                .then(a.feature.cmp(&b.feature))
        });
        for count in [0, 1, 8, 200] {
            index.nearest(p, count, &mut nearest).unwrap();
            assert_eq!(nearest.len(), count.min(all.len()));
            assert_near(&nearest, &all[..nearest.len()]);
        }
    }
}

fn assert_near(found: &[NearFeature], want: &[NearFeature]) {
    assert_eq!(found.len(), want.len());
    for (f, w) in found.iter().zip(want) {
        assert!(
            (f.distance_rad - w.distance_rad).abs() < 1e-14,
            "{f:?} {w:?}"
        );
    }
    let far = |near: &&NearFeature| near.distance_rad > 1e-13;
    let numbers = |all: &[NearFeature]| {
        all.iter()
            .filter(far)
            .map(|n| n.feature)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(found), numbers(want));
}

/// By the angle to every edge, worked out with other formulas: from the ends' tangents.
fn brute_force(index: &FeatureIndex, p: DVec3) -> Vec<NearFeature> {
    let angle = |a: DVec3, b: DVec3| libm::atan2(a.cross(b).length(), a.dot(b));
    let to_edge = |a: DVec3, b: DVec3| {
        let normal = a.cross(b).normalize();
        let foot = p - normal * p.dot(normal);
        let on_edge = normal.cross(a).dot(foot) > 0.0 && normal.cross(b).dot(foot) < 0.0;
        let beside = libm::asin(p.dot(normal).abs());
        let ends = angle(p, a).min(angle(p, b));
        if on_edge { beside.min(ends) } else { ends }
    };
    let distance = |feature: &Feature| {
        let polygons = feature.geometry.polygons();
        if polygons.iter().any(|polygon| polygon.contains_point(p)) {
            return 0.0;
        }
        let rings = polygons.iter().flat_map(|polygon| polygon.rings());
        let edges = rings.flat_map(|ring| ring.iter().zip(ring.iter().cycle().skip(1)));
        edges
            .map(|(a, b)| to_edge(*a, *b))
            .fold(f64::INFINITY, f64::min)
    };
    let near = |(n, feature): (usize, &Feature)| NearFeature {
        feature: n as u32,
        distance_rad: distance(feature),
    };
    index.features().iter().enumerate().map(near).collect()
}
