//! Imports of several files: fine tiles where the ground is known finely, continuous with what lies around.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use spatial_core::{Geodetic, MissingTile, RocksStore, Terrain, TileStore};

use super::{Random, fail, small_relief, succeed};

/// A box of 2° around a place, 101 × 101 samples, with a side file; the height in metres at a latitude and a longitude.
fn region(dir: &Path, name: &str, [south, west]: [f64; 2]) -> (String, fn(f64, f64) -> f64) {
    fn height_m(lat: f64, lon: f64) -> f64 {
        1_000.0 + 300.0 * (lat * 9.0).sin() + 200.0 * (lon * 7.0).cos()
    }
    let samples = (0..101 * 101).flat_map(|k| {
        let (lat, lon) = (
            south + 0.02 * f64::from(100 - k / 101),
            west + 0.02 * f64::from(k % 101),
        );
        (height_m(lat, lon).round() as i16).to_le_bytes()
    });
    let path = dir.join(format!("{name}.raw"));
    fs::write(&path, samples.collect::<Vec<u8>>()).unwrap();
    let side = format!(
        r#"{{ "width": 101, "height": 101, "sample": "i16", "bounds":
            {{ "south": {south}, "west": {west}, "north": {}, "east": {} }} }}"#,
        south + 2.0,
        west + 2.0
    );
    fs::write(path.with_extension("json"), side).unwrap();
    (path.display().to_string(), height_m)
}

fn import(dir: &Path, files: &[&str], more: &[&str]) -> serde_json::Value {
    let out = dir.join("planet").display().to_string();
    let mut args = vec!["import", "--json", "--out", &out];
    files
        .iter()
        .for_each(|file| args.extend(["--relief", file]));
    args.extend(more);
    serde_json::from_str(&succeed(&args)).unwrap()
}

/// On the edge of the cube where faces 0 and 1 meet, too.
#[test]
fn fine_ground_lies_within_coarse_ground() {
    let dir = tempfile::tempdir().unwrap();
    let world = small_relief(dir.path()).display().to_string();
    for (n, corner) in [[10.0, 20.0], [-1.0, 44.0], [88.0, 0.0]]
        .into_iter()
        .enumerate()
    {
        let (file, height_m) = region(dir.path(), &format!("region{n}"), corner);
        let on_top = format!("{file}@1");
        let codec = ["raw", "hot"][n % 2];
        let report = import(dir.path(), &[&world, &on_top], &["--codec", codec]);
        println!("{report}");
        assert!(report["sources"][1]["level"].as_u64() > report["sources"][0]["level"].as_u64());
        assert!(report["bytes_per_source_sample"].as_f64().unwrap() > 0.0);
        let planet = dir.path().join("planet");
        let name = planet.display().to_string();
        let verified: serde_json::Value =
            serde_json::from_str(&succeed(&["verify", "--json", &name])).unwrap();
        assert_eq!(verified["problem_count"], 0);
        assert!(verified["on_borders"].as_u64().unwrap() > 1_000);
        let store = RocksStore::open(&planet).unwrap();
        assert_eq!(store.manifest().missing(), MissingTile::Coarser);
        assert!((store.cells().len() as u64) < store.manifest().lattice().tile_count() / 4);
        let terrain = Terrain::new(Arc::new(store));
        let mut random = Random::new(n as u64);
        // Well within, where neither border nor feather reaches.
        for _ in 0..500 {
            let [lat, lon] = corner.map(|c| c + 1.0 + 0.3 * random.unit());
            let place = Geodetic::from_degrees(lat, lon, 0.0).unwrap();
            let off = (terrain.height(place).unwrap() - height_m(lat, lon)).abs();
            assert!(off < 25.0, "{lat} {lon}: {off} m off");
        }
        let pack = dir.path().join("one.pack").display().to_string();
        succeed(&["pack", &name, "--out", &pack]);
        succeed(&["verify", &pack]);
        let query = |planet: &str| {
            succeed(&[
                "query", planet, "11", "21", "0", "45", "89", "1", "-50", "180",
            ])
        };
        assert_eq!(query(&name), query(&pack));
        let bytes = ["archive", "wire", "hot", "raw"].map(|codec| {
            succeed(&["pack", &name, "--out", &pack, "--codec", codec]);
            succeed(&["verify", &pack]);
            assert_eq!(query(&name), query(&pack));
            fs::metadata(&pack).unwrap().len()
        });
        assert!(bytes.is_sorted() && 2 * bytes[2] < bytes[3], "{bytes:?}");
    }
}

#[test]
fn heights_within_an_error_bound_take_fewer_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (file, _) = region(dir.path(), "region", [10.0, 20.0]);
    let world = small_relief(dir.path()).display().to_string();
    let made = |bound: &str| {
        let more = ["--error-bound", bound, "--codec", "hot"];
        import(dir.path(), &[&world, &format!("{file}@1")], &more);
        let (planet, pack) = (dir.path().join("planet"), dir.path().join("one.pack"));
        let names = [&planet, &pack].map(|p| p.display().to_string());
        succeed(&["pack", &names[0], "--out", &names[1]]);
        for name in &names {
            succeed(&["verify", name]);
        }
        let terrain = Terrain::new(Arc::new(RocksStore::open(&planet).unwrap()));
        let mut random = Random::new(7);
        let places = (0..2_000).map(|_| {
            let [lat, lon] = [10.0, 20.0].map(|c| c + 1.0 + 1.5 * random.unit());
            Geodetic::from_degrees(lat, lon, 0.0).unwrap()
        });
        let heights_m: Vec<f64> = places.map(|p| terrain.height(p).unwrap()).collect();
        (heights_m, fs::metadata(&pack).unwrap().len())
    };
    let ((exact, large), (rounded, small)) = (made("0"), made("5.9"));
    println!("{large} bytes, {small} with an error bound");
    assert!(3 * small < 2 * large, "{small} {large}");
    let off = exact.iter().zip(&rounded).map(|(a, b)| (a - b).abs());
    // Beyond the bound by the rounding of halves, a level each.
    assert!(off.fold(0.0, f64::max) <= 5.0 + 4.0 * 0.5);
    let out = dir.path().join("planet").display().to_string();
    let args = ["import", "--relief", &file, "--out", &out];
    let error = fail(2, &[&args[..], &["--error-bound", "20000"]].concat());
    assert!(error.contains("--error-bound"), "{error}");
}

#[test]
fn a_greater_error_takes_fewer_tiles() {
    let dir = tempfile::tempdir().unwrap();
    let (file, _) = region(dir.path(), "region", [10.0, 20.0]);
    let tiles = |more: &[&str]| {
        let report = import(dir.path(), &[&file], more);
        let source = &report["sources"][0];
        (
            report["tiles"].as_u64().unwrap(),
            source["p99_m"].as_f64().unwrap(),
        )
    };
    let (coarse, coarse_m) = tiles(&["--max-error", "60"]);
    let (fine, fine_m) = tiles(&["--max-error", "4"]);
    assert!(coarse < fine, "{coarse} {fine} tiles");
    println!("{coarse} tiles: {coarse_m} m; {fine} tiles: {fine_m} m");
    assert!(coarse_m <= 60.0 && fine_m <= 4.0);
    // Heights that sixteen bits of such steps do not hold are refused, not bent.
    let out = dir.path().join("planet").display().to_string();
    let error = fail(
        1,
        &[
            "import",
            "--relief",
            &file,
            "--quantum",
            "0.01",
            "--out",
            &out,
        ],
    );
    assert!(error.contains("larger steps"), "{error}");
}

/// Real squares alone: the default level, and one that is asked for.
#[test]
fn squares_of_srtm_deviate_as_little_as_is_asked() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let data = std::env::var_os("BLUEMARBLE_DATA").map_or(beside.into(), std::path::PathBuf::from);
    for (file, more, asked_m) in [
        ("N44W072.hgt", &[][..], 2.5),
        ("S33W071.tif", &["--max-error", "8.5"], 8.5),
        ("S33W071.tif", &["--max-error", "50"], 50.0),
    ] {
        let path = data.join("srtm3").join(file);
        if !path.exists() {
            println!("skipped: no srtm3/{file} in $BLUEMARBLE_DATA or ../shared/data");
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let report = import(dir.path(), &[&path.display().to_string()], more);
        let p99_m = report["sources"][0]["p99_m"].as_f64().unwrap();
        println!("{file} {more:?}: {p99_m} m, {} tiles", report["tiles"]);
        assert!(p99_m <= asked_m, "{file} {more:?}: {p99_m} m");
    }
}
